# Compressed outputs whose last frame was left open by a run of which the next one remembers nothing.
# shellcheck shell=bash

STATE=remembered # of every run in here

open_frame_topology() { # [EPOCH]
	mkdir -p logs
	cat >open.yaml <<-YAML
		epoch: ${1:-{interval: 100ms\}}
		sources: {in: {type: file, paths: [logs/*]}}
		sinks: {out: {type: file, inputs: [in], path: out.log.zst}}
	YAML
}

holds_lines() { # N
	[ "$(zstd -qdc out.log.zst 2>/dev/null | wc -l)" -ge "$1" ]
}

# A run that is killed with its frame open: lines FIRST to LAST are in it, in blocks that were flushed one after another.
leave_frame_open() { # FIRST LAST [LINES BEFORE]
	local middle=$((($1 + $2) / 2)) before=${3:-0}
	seq "$1" $middle >>logs/a.log
	start_sluice -c open.yaml
	wait_until 20 holds_lines $((before + middle))
	seq $((middle + 1)) "$2" >>logs/a.log
	wait_until 20 holds_lines $((before + $2))
	kill -KILL "$sluice_pid"
	await_end 5
	zstd -qt out.log.zst 2>/dev/null && fail "its last frame is not open" || true
}

assert_output_is() { # FILE
	zstd -qt out.log.zst || fail "zstd -t does not accept the output"
	zstd -qdc out.log.zst >got
	assert_same "$1" got
}

# Reads from the beginning, as nothing is remembered: what was there stays, and can be read.
assert_appended_to() { # LAST
	assert_status 0
	assert_said 'warn out: output was left within a zstd frame, closing that path=out.log.zst length=[0-9]+ cut=[0-9]+'
	{ seq 1 "$1" && seq 1 "$1"; } >expected
	assert_output_is expected
}

test_an_open_frame_is_closed_before_reading_from_scratch_appends() {
	open_frame_topology
	leave_frame_open 1 3000
	run_sluice --once --from-scratch -c open.yaml
	assert_appended_to 3000
}

test_an_open_frame_is_closed_when_the_state_is_lost() {
	open_frame_topology
	leave_frame_open 1 3000
	rm -r remembered
	run_sluice --once -c open.yaml
	assert_appended_to 3000
}

test_an_open_frame_is_closed_where_no_epochs_are() {
	open_frame_topology off
	leave_frame_open 1 3000
	run_sluice --once -c open.yaml
	assert_appended_to 3000
	run_sluice --once -c open.yaml
	assert_never_said 'left within'
	zstd -qt out.log.zst || fail "zstd -t does not accept the output"
}

test_half_a_block_at_the_end_is_cut_off() {
	open_frame_topology
	leave_frame_open 1 3000
	truncate -s -5 out.log.zst
	rm -r remembered logs/a.log
	seq 3001 3010 >logs/b.log
	run_sluice --once -c open.yaml
	assert_status 0
	assert_said 'closing that path=out.log.zst length=[0-9]+ cut=[1-9][0-9]*'
	zstd -qt out.log.zst || fail "zstd -t does not accept the output"
	zstd -qdc out.log.zst >got
	tail -n 10 got >last
	assert_same logs/b.log last
	head -n -10 got >first
	seq 1 1500 | cmp - first || fail "what stood before the half block is gone"
}

test_what_was_mended_is_exact_when_killed_again() {
	open_frame_topology
	leave_frame_open 1 3000
	rm -r remembered
	leave_frame_open 3001 6000 3000 # they are read from the first one on
	run_sluice --once -c open.yaml
	assert_status 0
	{ seq 1 3000 && seq 1 6000; } >expected
	assert_output_is expected
}

test_a_frame_that_says_its_length_is_not_touched() {
	open_frame_topology
	seq 1 100000 >logs/a.log
	zstd -q logs/a.log -o out.log.zst
	truncate -s -1000 out.log.zst
	cp out.log.zst before
	run_sluice --once -c open.yaml
	[ "$status" -ne 0 ] || fail "appended to a frame that cannot be closed"
	assert_said 'error out: output ends within a zstd frame that cannot be closed path=out.log.zst at=0 cure=.move it away'
	cmp before out.log.zst
}

test_what_is_behind_the_last_frame_and_no_zstd_is_not_touched() {
	open_frame_topology
	seq 1 1000 >logs/a.log
	zstd -q logs/a.log -o out.log.zst
	local at
	at=$(stat -c %s out.log.zst)
	echo 'something else' >>out.log.zst
	cp out.log.zst before
	run_sluice --once -c open.yaml
	[ "$status" -ne 0 ] || fail "appended to what nothing can be read behind"
	assert_said "error out: output is damaged: no zstd frame or block begins there path=out.log.zst at=$at"
	cmp before out.log.zst
}
