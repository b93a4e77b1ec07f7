# Records a second: dropped and counted, or held back without keeping a processor busy.
# shellcheck shell=bash

throttle_topology() { # OPTIONS
	cat >throttle.yaml <<-END
		sources: {in: {type: file, paths: [lines.log]}}
		transforms: {slow: {type: throttle, inputs: [in], $1}}
		sinks: {out: {type: file, inputs: [slow], path: result}}
	END
}

microseconds() {
	echo "${EPOCHREALTIME/./}"
}

test_what_is_dropped_stands_in_the_summary() {
	seq 1000 >lines.log
	throttle_topology 'rate: 1/s, burst: 10'
	run_sluice -c throttle.yaml --once
	assert_status 0
	local out
	out=$(wc -l <result)
	[ "$out" -ge 10 ] || fail "only $out records came through"
	[ "$out" -le 30 ] || fail "$out records came through"
	head -n 10 lines.log >expected
	head -n 10 result >first
	assert_same expected first
	assert_said "in 1000 records .*, throttled $((1000 - out)),"
	assert_never_said 'filtered'
}

test_what_is_dropped_stands_in_the_summary_as_json() {
	seq 1000 >lines.log
	throttle_topology 'rate: 1/s, burst: 10'
	sed -i '1i log: {format: json}' throttle.yaml
	run_sluice -c throttle.yaml --once
	assert_status 0
	assert_summary ".throttled == $((1000 - $(wc -l <result))) and .filtered == 0"
}

test_waiting_holds_the_rate_and_keeps_no_processor_busy() {
	seq 400 >lines.log
	throttle_topology 'rate: 200/s, burst: 1, when_exceeded: wait'
	local before took used
	use_state
	before=$(microseconds)
	status=0
	timeout 100 /usr/bin/time -q -f '%U %S' -o used "$SLUICE" run -c throttle.yaml --once 2>err || status=$?
	took=$(($(microseconds) - before))
	assert_status 0
	assert_same lines.log result
	[ $took -ge 1990000 ] || fail "400 records at 200/s took $took us"
	used=$(awk '{ printf "%d", ($1 + $2) * 1000000 }' used)
	[ "$SLOW" -gt 1 ] || [ "$used" -le $((took / 2)) ] || fail "$used us of processor time in $took us"
	echo "measured: $((400 * 1000000 / took)) records a second where 200 are allowed, $((used * 100 / took)) % of a processor"
}

came_through() { # N
	[ "$(wc -l <result)" -ge "$1" ]
}

# Killed while records wait, none is lost and none comes twice.
test_killed_while_records_wait_it_goes_on_exactly() {
	export STATE=$PWD/state
	mkdir -p state
	seq 300 >lines.log
	throttle_topology 'rate: 1000/s, burst: 1, when_exceeded: wait'
	sed -i '1i epoch: {interval: 20ms}' throttle.yaml
	local n
	for n in 50 120 250; do
		start_sluice -c throttle.yaml
		wait_until 20 came_through "$n"
		kill -KILL "$sluice_pid"
		wait "$sluice_pid" 2>/dev/null || true
	done
	run_sluice -c throttle.yaml --once
	assert_status 0
	assert_same lines.log result
}

test_stopped_while_records_wait_it_stores_what_it_has_taken() {
	seq 300 >lines.log
	throttle_topology 'rate: 200/s, burst: 1, when_exceeded: wait'
	start_sluice -c throttle.yaml
	wait_until 20 came_through 5
	stop_sluice
	assert_status 0
	assert_same lines.log result
}
