#!/bin/bash
# run.sh FOLDER SECONDS [NAME]: lets each fuzzer in FOLDER run so long, two at a time (FUZZ_JOBS), from what it found before and
# the corpus here. What makes one fail stays in build/fuzz/NAME/, to be given to the fuzzer again.
set -euo pipefail
cd "$(dirname "$0")/../.."
export folder=$1 seconds=$2

run_one() { # NAME
	local name=$1 found=build/fuzz/$1
	local seeds=("$found/corpus" "tests/fuzz/corpus/$name")
	mkdir -p "${seeds[@]}"
	[ "$name" != topology ] || seeds+=(conf/examples)
	if "$folder/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$found/" "${seeds[@]}" >"$found/log" 2>&1; then
		printf 'ok      %-12s %s runs in %s s\n' "$name" \
			"$(sed -n 's/^stat::number_of_executed_units: *//p' "$found/log")" "$seconds"
	else
		printf 'FAILED  %s\n%s\n' "$name" "$(tail -n 30 "$found/log" | sed 's/^/        | /')"
	fi
}
export -f run_one

mapfile -t names < <(find "$folder" -maxdepth 1 -name "fuzz_*${3:-}*" -executable -type f -printf '%f\n' |
	sed -n 's/^fuzz_\([^.]*\)$/\1/p' | LC_ALL=C sort)
results=$(printf '%s\n' "${names[@]}" | xargs -r -P "${FUZZ_JOBS:-2}" -I NAME bash -c 'run_one NAME' |
	tee /dev/stderr)
passed=$(grep -c '^ok ' <<<"$results" || true)
failed=$((${#names[@]} - passed))
echo "fuzz: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
