#!/bin/bash
# run.sh BUILD [PATTERN]: runs the end-to-end tests whose "file function" matches PATTERN against BUILD/sluice.
#
# A test is a function test_... in one of the *_e2e.sh files; its name is a sentence. Where a file has a function before_each, that
# comes first. It passes when it ends well,
# fails when anything in it fails, and is skipped when it says so (exit 77), visibly; what it says it `measured: ` is shown.
# Each runs in a shell and an empty folder of its own, E2E_JOBS (2) at a time, bounded in time. Ends with "e2e: N passed,
# N failed, N skipped".
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)

run_one() { # FILE FUNCTION: in the worker that xargs started
	local log="$scratch/$2.log" work="$scratch/$2" result=0 before=$EPOCHREALTIME
	mkdir "$work"
	(cd "$work" && timeout -k 10 $((300 * SLOW)) bash -euo pipefail -c '
		source "$1/lib.sh"
		source "$2"
		! declare -F before_each >/dev/null || before_each
		"$3"' run_one "$here" "$1" "$2") >"$log" 2>&1 </dev/null || result=$?
	local took=$(((${EPOCHREALTIME/./} - ${before/./}) / 1000))
	local name=${2#test_}
	name=${name//_/ }
	case $result in
	0) echo "ok      $name ($took ms$(sed -n 's/^measured: /; /p' "$log"))" ;;
	77) echo "skipped $name: $(sed -n 's/^skipped: //p' "$log" | tail -n 1)" ;;
	*)
		echo "FAILED  $name (exit $result, $took ms)"
		sed 's/^/        | /' "$log" | tail -n 40
		;;
	esac >"$log.verdict"
	cat "$log.verdict"
	rm -rf "$work"
}

if [ "$1" = --one ]; then
	run_one "$2" "$3"
	exit
fi

build=$(cd "$1" && pwd) || exit 1
pattern=${2:-}
export SLUICE=${SLUICE:-$build/sluice}
export TOOLS=$build/tests
export FULL=${E2E_FULL:-0}
export SLOW=1
bytes=${E2E_BYTES:-32MiB}
if [ -n "${SANITIZED:-}" ]; then
	SLOW=5
	bytes=${E2E_BYTES:-8MiB}
fi
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:allocator_may_return_null=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

if [ ! -x "$SLUICE" ]; then
	echo "e2e: there is no $SLUICE; make builds it" >&2
	exit 1
fi
scratch=$(mktemp -d "${E2E_DIR:-${TMPDIR:-/tmp}}/sluice-e2e.XXXXXX")
chmod 755 "$scratch"
trap 'rm -rf "$scratch"' EXIT
export scratch
export INPUT=$scratch/input
mkdir "$INPUT"
"$TOOLS/bench/loggen" --bytes "$bytes" "$INPUT/one.log" || exit 1
"$TOOLS/bench/loggen" --bytes "$bytes" --seed 2 --files 100 "$INPUT/many" || exit 1
"$TOOLS/bench/loggen" --lines 4000 --seed 3 "$INPUT/small.log" || exit 1
"$TOOLS/bench/loggen" --lines 3000 --seed 4 --crlf | head -c -2 >"$INPUT/crlf.log"
BYTES=$(stat -c %s "$INPUT/one.log")
export BYTES

for file in "$here"/*_e2e.sh; do
	# in a shell of its own: some files make their tests in a loop
	bash -c 'source "$1/lib.sh"; source "$2"; declare -F' list "$here" "$file" |
		sed -n "s|^declare -f \(test_.*\)|$file \1|p"
done | grep -E -- "$pattern" >"$scratch/tests"

xargs -r -P "${E2E_JOBS:-2}" -L 1 "$here/run.sh" --one <"$scratch/tests"

verdicts=$(cat "$scratch"/*.verdict 2>/dev/null)
count() {
	grep -c "^$1" <<<"$verdicts"
}
passed=$(count 'ok ')
skipped=$(count skipped)
failed=$(($(wc -l <"$scratch/tests") - passed - skipped)) # a test without a verdict has failed
echo "e2e: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
