#!/bin/bash
# check.sh: every test there is, one step after the other; goes on after a failure, so that one run tells everything.
#
# Each step's output is kept in build/check/STEP.log; of a failed one the lines that name what failed are shown, then
# the end. The last line sums up: steps that count their own tests ("N passed, N failed") by those, others as one.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
make=("${MAKE:-make}" --no-print-directory)
logs=build/check
mkdir -p "$logs"

passed=0
failed=0
skipped=0
broken=()
started=$SECONDS

tally() { # LOG RESULT: adds what the step counted
	local counts
	counts=$(sed -n 's/^\(.*[^0-9]\)\?\([0-9][0-9]*\) passed, \([0-9]*\) failed\(, \([0-9]*\) skipped\)\?.*/\2 \3 \5/p' "$1" | tail -n 1)
	local step_passed step_failed step_skipped
	read -r step_passed step_failed step_skipped <<<"${counts:-$((!$2)) $((!!$2)) 0}"
	if [ "$2" -ne 0 ] && [ "$step_failed" -eq 0 ]; then step_failed=1; fi
	passed=$((passed + step_passed))
	failed=$((failed + step_failed))
	skipped=$((skipped + ${step_skipped:-0}))
}

show_failure() { # LOG: what failed comes first, as whoever reads may be shown only the beginning
	grep -aE '^\[(FAIL|CRASH|ERR |WARN)|^\[----\].*(Assert|Unexpected|Timeout)|^not ok|^FAILED|[Ee]rror:|ERROR: |Sanitizer|runtime error' "$1" |
		cut -c 1-400 | head -n 20
	echo ...
	tail -n 20 "$1" | cut -c 1-400
}

step() { # NAME COMMAND...
	local name=$1 log=$logs/${1//[^a-z0-9]/-}.log before=$SECONDS result=0
	shift
	"$@" >"$log" 2>&1 </dev/null || result=$?
	tally "$log" "$result"
	if [ "$result" -eq 0 ]; then
		printf 'ok      %-42s %4d s   %s\n' "$name" $((SECONDS - before)) "$(tail -n 1 "$log" | cut -c 1-60)"
	else
		printf 'FAILED  %-42s %4d s   %s\n' "$name" $((SECONDS - before)) "$log"
		show_failure "$log" | sed 's/^/        | /'
		broken+=("$name")
	fi
}

step 'build with gcc' "${make[@]}" -j2 all tools ringbuf
step 'build with clang' "${make[@]}" -j2 CC=clang all tools
step 'each header alone, gcc' "${make[@]}" -j2 headers
step 'each header alone, clang' "${make[@]}" -j2 CC=clang headers
step 'layers' "${make[@]}" layers
step 'lint' "${make[@]}" lint
step 'unit tests' "${make[@]}" -j2 test
step 'unit tests, address and undefined' "${make[@]}" -j2 SAN=address,undefined test
step 'unit tests, thread' "${make[@]}" -j2 SAN=thread test
step 'end to end' "${make[@]}" -j2 e2e
step 'end to end, address and undefined' "${make[@]}" -j2 SAN=address,undefined e2e
step 'simulator' "${make[@]}" -j2 sim SEEDS=1000000 SIM_SECONDS=120
step 'seeds that failed once' tests/sim/seeds.sh build/tests/sim/sim
step 'mistakes that can be planted' tests/sim/mistakes.sh --edits
step 'faults, one at a time' "${make[@]}" -j2 sweep
step 'crashes' "${make[@]}" -j2 crash N=40
step 'fuzzers' "${make[@]}" -j2 fuzz FUZZ_SECONDS=5
step 'model of the parking protocol' "${make[@]}" model

echo
[ ${#broken[@]} -eq 0 ] || printf 'failed: %s\n' "${broken[@]}"
[ "$skipped" -eq 0 ] || echo "skipped: $skipped (each says why: grep -r skip $logs)"
echo "seconds: $((SECONDS - started))"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
