# Queues that drop or spill, before a reader that hangs: standard output into a pipe that nobody reads.
# shellcheck shell=bash

# shellcheck source=tests/e2e/receiver.sh
source "$(dirname "${BASH_SOURCE[0]}")/receiver.sh"

# Each of them can be told from what a kill has torn.
write_lines() { # COUNT
	seq -f 'line %09.0f of a spill, as long as lines of a log are, and nothing like any other, end' "$1"
}

whole_lines() {
	grep -aE '^line [0-9]{9} of a spill, as long as lines of a log are, and nothing like any other, end$'
}

spill_topology() { # QUEUE [MORE]
	cat >spill.yaml <<-YAML
		epoch: {interval: 50ms}
		memory: 128MiB
		${2:-}
		sources: {in: {type: file, paths: ["$PWD/in.log"]}}
		sinks:
		  well: {type: file, path: "$PWD/well.log", inputs: [in]}
		  dead: {type: stdout, inputs: [in], queue: $1}
	YAML
}

# Its standard output is a pipe that we hold open, and do not read.
start_with_dead_stdout() {
	[ -p pipe ] || mkfifo pipe
	exec 8<>pipe
	: >err
	use_state
	"$SLUICE" run "$@" >pipe 2>err &
	sluice_pid=$!
	trap 'kill -KILL "$sluice_pid" 2>/dev/null || true' EXIT
}

# Until so many lines that are whole have come out of it.
read_pipe() { # COUNT FILE
	cat <&8 >"$2" &
	reader_pid=$!
	wait_until 60 eval "[ \"\$(whole_lines <'$2' | awk '!seen[\$0]++' | wc -l)\" -ge $1 ]"
}

# What was on its way may have come again, but nothing was left out or overtook.
assert_all_got_in_order() {
	whole_lines <got | awk '!seen[$0]++' >first
	assert_same in.log first
}

is_as_long() {
	[ "$(stat -c %s "$1" 2>/dev/null || echo 0)" -eq "$(stat -c %s "$2")" ]
}

test_a_dead_sink_with_a_spill_leaves_its_sibling_alone_and_gets_all_in_order() {
	spill_topology '{capacity: 2, when_full: spill, max_size: 256MiB}'
	write_lines 400000 >in.log
	STATE=$PWD/state start_with_dead_stdout -c spill.yaml
	wait_until 30 is_as_long well.log in.log
	assert_same in.log well.log
	assert_said 'warn dead.spill: reader is too slow, keeping on disk to=dead'
	read_pipe 400000 got
	assert_same in.log got
	wait_until 10 grep -q 'reader has caught up, nothing is left on disk' err
	stop_sluice
	kill "$reader_pid"
	assert_status 0
}

test_killed_again_and_again_a_dead_sink_misses_nothing() {
	local i
	spill_topology '{capacity: 2, when_full: spill, max_size: 256MiB}'
	: >in.log
	for i in 1 2 3 4 5 6; do
		write_lines $((i * 40000)) | tail -n 40000 >>in.log
		STATE=$PWD/state start_with_dead_stdout -c spill.yaml
		if [ $((i % 2)) -eq 0 ]; then
			wait_until 30 is_as_long well.log in.log
		else
			hold "0.$((RANDOM % 4))"
			wait_until 10 sees_to_signals
		fi
		kill -KILL "$sluice_pid"
		wait "$sluice_pid" || true
	done
	STATE=$PWD/state start_with_dead_stdout -c spill.yaml
	read_pipe 240000 got
	stop_sluice
	kill "$reader_pid"
	assert_same in.log well.log
	assert_all_got_in_order
}

test_told_to_stop_it_waits_for_no_dead_sink_and_goes_on_with_it_later() {
	spill_topology '{capacity: 2, when_full: spill, max_size: 256MiB}'
	write_lines 200000 >in.log
	STATE=$PWD/state start_with_dead_stdout -c spill.yaml
	wait_until 30 is_as_long well.log in.log
	stop_sluice
	assert_status 0
	assert_said 'warn dead.spill: reader does not get on, what it has is kept on disk to=dead'
	STATE_DIRECTORY=$PWD/state "$SLUICE" state -c spill.yaml >state.txt
	grep -A1 'dead.spill' state.txt | grep -qE 'records [0-9]+' || fail "state says: $(cat state.txt)"
	STATE=$PWD/state start_with_dead_stdout -c spill.yaml
	wait_until 10 says 'info dead.spill: goes on with what is on disk records=[0-9]+'
	read_pipe 200000 got
	stop_sluice
	kill "$reader_pid"
	assert_status 0
	assert_all_got_in_order
}

test_a_file_behind_a_spill_holds_each_record_once_however_often_it_is_killed() {
	local i
	cat >spill.yaml <<-YAML
		epoch: {interval: 50ms}
		sources: {in: {type: file, paths: ["$PWD/in.log"]}}
		sinks:
		  well: {type: file, path: "$PWD/well.log", inputs: [in]}
		  slow:
		    type: file
		    path: "$PWD/slow.log.zst"
		    compression: {type: zstd, level: 15}
		    inputs: [in]
		    queue: {capacity: 1, when_full: spill, max_size: 256MiB}
	YAML
	write_lines 600000 >in.log
	for i in 1 2 3 4 5 6 7 8; do
		STATE=$PWD/state start_sluice -c spill.yaml
		wait_until 10 sees_to_signals
		hold "0.$((RANDOM % 5))"
		kill -KILL "$sluice_pid"
		wait "$sluice_pid" || true
	done
	STATE=$PWD/state run_sluice --once -c spill.yaml
	assert_status 0
	assert_same in.log well.log
	zstd -dc slow.log.zst >slow.log
	assert_same in.log slow.log
}

test_a_dead_sink_whose_queue_drops_holds_nobody_up_and_what_it_misses_is_counted() {
	local way
	for way in drop_newest drop_oldest; do
		rm -f well.log pipe
		spill_topology "{capacity: 2, when_full: $way}"
		write_lines 400000 >in.log
		start_with_dead_stdout --once -c spill.yaml
		wait_until 30 is_as_long well.log in.log
		cat <&8 >got &
		reader_pid=$!
		await_end 30
		assert_status 0
		assert_said "warn in: queue is full, dropping to=dead when_full=$way"
		local missing
		missing=$(sed -n 's/.*dropped by full queues \([0-9]*\).*/\1/p' err)
		wait_until 10 eval "[ \$((\$(wc -l <got) + $missing)) -eq 400000 ]"
		kill "$reader_pid"
		sort -C got || fail "what came is not in order"
	done
}

test_a_spill_without_epochs_is_refused_and_the_graph_shows_it() {
	spill_topology '{capacity: 2, when_full: spill}'
	"$SLUICE" graph -c spill.yaml >graph
	grep -q 'dead.spill (spill)' graph || fail "$(cat graph)"
	grep -q 'queue of 2 batches, one producer, one consumer; when it is full, what comes goes to disk' graph ||
		fail "$(cat graph)"
	spill_topology '{capacity: 2, when_full: spill}' 'shutdown_timeout: 10s'
	sed -i 's/^epoch:.*/epoch: off/' spill.yaml
	status=0
	"$SLUICE" check -c spill.yaml 2>err >out || status=$?
	assert_status 78
	assert_said 'when_full: spill. needs epochs, and .epoch. is .off.'
}

test_what_is_on_disk_for_a_queue_that_does_not_spill_any_more_is_warned_of() {
	spill_topology '{capacity: 2, when_full: spill, max_size: 256MiB}'
	write_lines 100000 >in.log
	STATE=$PWD/state start_with_dead_stdout -c spill.yaml
	wait_until 30 is_as_long well.log in.log
	stop_sluice
	assert_status 0
	spill_topology '{capacity: 2}'
	STATE=$PWD/state start_with_dead_stdout -c spill.yaml
	wait_until 10 says 'warn records are on disk for a stage that does not spill any more stage=dead.spill records=[0-9]+'
	kill -KILL "$sluice_pid"
	wait "$sluice_pid" || true
	spill_topology '{capacity: 2, when_full: spill, max_size: 256MiB}'
	STATE=$PWD/state start_with_dead_stdout -c spill.yaml
	read_pipe 100000 got
	stop_sluice
	kill "$reader_pid"
	assert_all_got_in_order
}

# How many bytes a second have come to well.log while so long was waited.
measure_rate() { # SECONDS
	local before=$EPOCHREALTIME from
	from=$(stat -c %s well.log)
	hold "$1"
	rate=$((($(stat -c %s well.log) - from) * 1000 / ((${EPOCHREALTIME/./} - ${before/./}) / 1000)))
}

nothing_is_spilled() {
	[[ $(grep 'server.spill: ' err | tail -n 1) == *'reader has caught up'* ]]
}

# What has come more than once is what the first server had stored and not yet answered when it died, if anything.
assert_all_arrived_in_order() {
	cat got.first got.second | awk '!seen[$0]++' >first_of_each
	assert_same in/follow-000.log first_of_each
	local again=$(($(cat got.first got.second | wc -l) - $(wc -l <first_of_each)))
	[ "$again" -le 5000 ] || fail "$again records came again, and one request has 5000"
}

test_while_a_server_is_dead_a_file_beside_it_gets_as_much_as_before_and_then_the_server_gets_all() {
	local window=4 percent=25 alive dead
	[ "$FULL" -eq 0 ] || window=30 percent=10
	need_unsanitized
	start_server --records got.first
	cat >spill.yaml <<-YAML
		sources: {in: {type: file, paths: ["$PWD/in/*.log"]}}
		sinks:
		  well: {type: file, path: "$PWD/well.log", inputs: [in]}
		  server:
		    type: http
		    url: "$url/"
		    inputs: [in]
		    body: lines
		    batch: {records: 5000, interval: 100ms}
		    retry: {base_delay: 50ms, max_delay: 500ms}
		    queue: {capacity: 2, when_full: spill, max_size: 1GiB}
	YAML
	mkdir in
	local lines=$((50000 * (2 * window + 3)))
	"$TOOLS/e2e/follow_writer" in 1 $lines $((2 * window + 3)) 500 &
	writer_pid=$!
	start_sluice -c spill.yaml
	wait_until 10 has_lines well.log 20000
	measure_rate $window
	alive=$rate
	stop_server
	measure_rate $window
	dead=$rate
	assert_said 'warn server.spill: reader is too slow, keeping on disk to=server'
	start_server --records got.second --port "${url##*:}"
	wait "$writer_pid" || fail "the writer ended with $?"
	wait_until 60 is_as_long well.log in/follow-000.log
	wait_until 60 nothing_is_spilled
	stop_sluice
	assert_status 0
	stop_server
	assert_same in/follow-000.log well.log
	assert_all_arrived_in_order
	echo "measured: $((alive / 1000)) kB a second into the file, $((dead / 1000)) while the server was dead for $window s"
	[ $((dead * 100)) -ge $((alive * (100 - percent))) ] && [ $((dead * 100)) -le $((alive * (100 + percent))) ] ||
		fail "$alive bytes a second became $dead"
}
