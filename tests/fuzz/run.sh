#!/bin/bash
# run.sh FOLDER SECONDS [NAME]: lets each fuzzer in FOLDER run so long, from what it found before and the corpus here.
# What makes one fail stays in build/fuzz/NAME/, to be given to the fuzzer again.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$1
seconds=$2
failed=0 passed=0
for fuzzer in "$folder"/fuzz_*"${3:-}"*; do
	name=${fuzzer##*/fuzz_}
	[ -x "$fuzzer" ] && [[ $name != *.* ]] || continue
	found=build/fuzz/$name
	mkdir -p "$found/corpus" "tests/fuzz/corpus/$name"
	seeds=("$found/corpus" "tests/fuzz/corpus/$name")
	[ "$name" != topology ] || seeds+=(conf/examples)
	if "$fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$found/" "${seeds[@]}" >"$found/log" 2>&1; then
		passed=$((passed + 1))
		printf 'ok      %-12s %s runs in %s s\n' "$name" \
			"$(sed -n 's/^stat::number_of_executed_units: *//p' "$found/log")" "$seconds"
	else
		failed=$((failed + 1))
		printf 'FAILED  %s\n' "$name"
		tail -n 30 "$found/log" | sed 's/^/        | /'
	fi
done
echo "fuzz: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
