#!/bin/bash
# run.sh BINARY [PATTERN]: runs the unit tests and ends with "unit tests: N passed, N failed, N skipped".
# Fails when a test failed, and when none ran.
set -uo pipefail
binary=$1
pattern=${2:-}

# The address space layout of new kernels can leave ThreadSanitizer no room; it is content without randomness.
unrandomised=()
if setarch -R true 2>/dev/null; then unrandomised=(setarch -R); fi
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:allocator_may_return_null=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-second_deadlock_stack=1:halt_on_error=1:allocator_may_return_null=1}

# Nothing runs beside these: bytes in, bytes out, or one stage or simulated machine killed after each of its operations, on
# the test's own thread.
case $binary in
*thread*)
	alone='exact_output/[^e]|(cel_(literals|operators|logic|containers|functions|time|refusals)|output_keep|output_watch|epoch_crash|epoch_damage|epoch_log|transactions|spilling_stopped|framer|lines|literals?|required|gzip_reader|rotated_name|file_positions|topology)/'
	alone+='|(journal|segment_log|segment_damage|batch_image|calls|calls_random|breaker|retry|rate_limit|semaphore|ticker|cron|schedule_record|call_options|body_room)/'
	alone+='|(http_body|http_call_forms|net_framing|net_outbox|net_address|json_(lines|shapes|scan|blocks|text|number)|time_(parse|libc)|path_match|redactor|secrets|sim_(fs|net))/'
	export UNIT_WITHOUT="^($alone)"
	;;
esac

log=$binary.log
if grep -aq sanitized_runner "$binary"; then
	# It runs one test at a time: two of it, with every other test each.
	for part in 0 1; do
		"${unrandomised[@]}" "$binary" "$pattern" $part 2 >"$log.$part" 2>&1 &
	done
	wait
	cat "$log.0" "$log.1" >"$log"
	grep -v '^unit tests:' "$log"
	sed -n 's/^unit tests: \([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' "$log" | awk '
		{ passed += $1; failed += $2; skipped += $3 }
		END {
			failed += 2 - NR # a part that did not come to its end
			print "unit tests: " passed + 0 " passed, " failed " failed, " skipped + 0 " skipped"
			exit failed > 0 || passed == 0
		}'
	exit
fi

LC_ALL=C "$binary" -j2 --timeout 120 --verbose --color=never ${pattern:+--filter "*$pattern*"} 2>&1 | tee "$log" |
	grep -v '^\[\(RUN \|PASS\|====\)\]'
status=${PIPESTATUS[0]}
count() {
	sed -n "s/.*Synthesis:.*$1: \([0-9]*\).*/\1/p" "$log" | tail -n 1
}
tested=$(count Tested)
passed=$(count Passing)
skipped=$(grep -c '^\[SKIP\]' "$log")
echo "unit tests: ${passed:-0} passed, $((${tested:-0} - ${passed:-0})) failed, $skipped skipped"
if [ "$status" -ne 0 ] || [ "${passed:-0}" -eq 0 ]; then exit 1; fi
