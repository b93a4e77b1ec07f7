#!/bin/bash
# lint.sh: clang-tidy (checks in .clang-tidy), cppcheck and shellcheck over everything of ours.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
result=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

step() { # NAME COMMAND...: silent when all is well
	local name=$1
	shift
	if "$@" >"$work/log" 2>&1; then
		echo "$name: nothing to say"
	else
		cat "$work/log"
		echo "$name: see above"
		result=1
	fi
}

mapfile -t program < <(find ringbuf conf stages daemon -name '*.c' | LC_ALL=C sort)
mapfile -t tests < <(find tests -name '*.c' | LC_ALL=C sort)
mapfile -t scripts < <(
	{
		find tests conf -name '*.sh'
		echo .ci/run
		echo .ci/install-packages
	} | LC_ALL=C sort
)
flags=(-std=gnu17 -D_GNU_SOURCE "-DSLUICE_VERSION=\"lint\"" -I.)

tidy() {
	printf '%s\0' "${program[@]}" | xargs -0 -P 2 -I FILE tests/lint/tidy.sh FILE "${flags[@]}"
}

check_c() {
	cppcheck --quiet --error-exitcode=1 -j 2 --std=c11 --inline-suppr --suppressions-list=tests/lint/cppcheck.txt \
		--enable=warning,performance,portability -D_GNU_SOURCE -DSLUICE_VERSION='"lint"' -I. \
		"${program[@]}" "${tests[@]}"
}

step clang-tidy tidy
step cppcheck check_c
step shellcheck shellcheck -x -S warning "${scripts[@]}"
exit $result
