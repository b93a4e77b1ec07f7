# Stopping when an output hangs or is full: a second signal, shutdown_timeout.
# shellcheck shell=bash

# A sink that nobody reads from: what was read stays where it is until somebody does.
hanging_topology() { # SHUTDOWN_TIMEOUT
	mkfifo pipe
	cat >hang.yaml <<-YAML
		shutdown_timeout: $1
		sources: {in: {type: file, paths: ["$INPUT/small.log"]}}
		sinks: {out: {type: file, inputs: [in], path: pipe}}
	YAML
	start_sluice --once -c hang.yaml
	wait_until 20 says 'waiting for a reader'
}

test_a_second_signal_stops_at_once() {
	local signal
	for signal in TERM INT; do
		rm -f pipe
		hanging_topology 1h
		kill -TERM "$sluice_pid"
		wait_until 20 says 'stopping reason=SIGTERM'
		hold 0.6
		kill -$signal "$sluice_pid"
		await_end 20
		assert_status 1
		assert_said_times 1 'error stopped before everything was stored reason="second signal"'
	done
}

test_the_same_signal_twice_in_one_go_is_one() {
	hanging_topology 1h
	kill -STOP "$sluice_pid" # so that it finds both when it wakes, however busy the machine is
	kill -TERM "$sluice_pid"
	kill -INT "$sluice_pid"
	kill -CONT "$sluice_pid"
	wait_until 20 says stopping
	cat pipe >result.log &
	local reader=$!
	await_end 20
	assert_status 0
	wait $reader
	assert_same "$INPUT/small.log" result.log
}

test_shutdown_timeout_cuts_off_an_output_that_hangs() {
	hanging_topology 1s
	local before=$EPOCHREALTIME
	kill -TERM "$sluice_pid"
	await_end 20
	local took=$(((${EPOCHREALTIME/./} - ${before/./}) / 1000))
	assert_status 1
	assert_said_times 1 'error stopped before everything was stored reason=shutdown_timeout'
	assert_said '^hang failed: in 4000 records'
	[ $took -ge 1000 ] || fail "it was cut off after $took ms"
}

test_shutdown_timeout_holds_for_a_stop_that_comes_upon_a_slow_reload() {
	mkfifo pipe
	cat >hang.yaml <<-YAML
		shutdown_timeout: 500ms
		state_dir: state
		sources: {in: {type: file, paths: ["$INPUT/small.log"], read_from: beginning}}
		sinks: {out: {type: file, inputs: [in], path: pipe}}
	YAML
	start_sluice -c hang.yaml
	wait_until 20 says 'waiting for a reader'
	kill -HUP "$sluice_pid"
	wait_until 20 says 'reload waits for what is under way'
	kill -TERM "$sluice_pid"
	await_end 20
	assert_status 1
	assert_said_times 1 'error stopped before everything was stored reason=shutdown_timeout'
}

test_without_a_signal_a_full_output_is_waited_for_and_with_one_up_to_shutdown_timeout() {
	cat >full.yaml <<-YAML
		shutdown_timeout: 1s
		sources: {in: {type: file, paths: ["$INPUT/small.log"]}}
		sinks: {out: {type: file, inputs: [in], path: /dev/full}}
	YAML
	start_sluice --once -c full.yaml
	wait_until 20 says 'output full, waiting'
	hold 1.5
	is_running || fail "shutdown_timeout counted before anybody had asked it to stop"
	kill -TERM "$sluice_pid"
	await_end 20
	assert_status 1
	assert_said_times 1 'error stopped before everything was stored reason=shutdown_timeout'
}

test_a_disk_that_gets_room_after_sigterm_loses_nothing() {
	mkdir disk
	mount -t tmpfs -o size=8m tmpfs disk 2>/dev/null || skip "may not mount a small file system"
	trap 'kill -KILL "$sluice_pid" 2>/dev/null || true; umount -l disk' EXIT
	head -c 6MiB /dev/zero >disk/filler
	head -c 4MiB "$INPUT/one.log" | sed '$d' >in.log
	cat >full.yaml <<-YAML
		shutdown_timeout: 1h
		sources: {in: {type: file, paths: [in.log]}}
		sinks: {out: {type: file, inputs: [in], path: disk/result.log}}
	YAML
	"$SLUICE" run -c full.yaml >out 2>err &
	sluice_pid=$!
	wait_until 20 says 'output full, waiting'
	kill -TERM "$sluice_pid"
	wait_until 20 says 'stopping reason=SIGTERM'
	is_running || fail "it gave up"
	rm disk/filler
	await_end 60
	assert_status 0
	# 4 MiB are read in one go or a few, all of them before the disk was full or none of the rest
	local read
	read=$(sed -n 's/.*: in \([0-9]*\) records .*/\1/p' err)
	head -n "$read" in.log | cmp - disk/result.log || fail "not all that was read is there"
	[ "$(stat -c %s disk/result.log)" -ge $((2 * 1024 * 1024)) ] || fail "less than had fitted before"
}

test_signals_that_were_ignored_from_the_start_stay_ignored() {
	mkdir in
	seq 1 100 >in/a.log
	cat >t.yaml <<-YAML
		sources: {in: {type: file, paths: ["in/*.log"]}}
		sinks: {out: {type: file, inputs: [in], path: result.log}}
	YAML
	sh -c 'trap "" HUP INT; exec "$0" run -c t.yaml' "$SLUICE" >out 2>err &
	sluice_pid=$!
	trap 'kill -KILL "$sluice_pid" 2>/dev/null || true' EXIT
	wait_until 20 has_lines result.log 100
	kill -HUP "$sluice_pid"
	kill -INT "$sluice_pid"
	seq 101 200 >>in/a.log
	wait_until 20 has_lines result.log 200
	assert_never_said 'stopping'
	stop_sluice
	assert_status 0
	assert_said 'stopping reason=SIGTERM'
}

test_once_that_a_signal_cut_short_is_no_success() {
	mkfifo pipe
	seq 8000000 >in.log # 60 MB: far more than it may have under way
	cat >t.yaml <<-YAML
		memory: 16MiB
		sources: {in: {type: file, paths: [in.log]}}
		sinks: {out: {type: file, inputs: [in], path: pipe}}
	YAML
	start_sluice --once -c t.yaml
	wait_until 20 says 'waiting for a reader'
	kill -TERM "$sluice_pid"
	wait_until 20 says 'stopping reason=SIGTERM'
	cat pipe >result.log &
	await_end 60
	assert_status 1
	assert_said_times 1 'warn stopped before the end of the input'
	[ "$(stat -c %s result.log)" -lt "$(stat -c %s in.log)" ] || fail "all of it was there"
	head -c "$(stat -c %s result.log)" in.log | cmp - result.log || fail "not its beginning"
}

blocks_usr1() {
	local blocked
	blocked=$(sed -n 's/^SigBlk:\t//p' "/proc/$sluice_pid/status")
	(((16#$blocked >> 9) & 1))
}

test_a_report_asked_for_too_early_is_kept() {
	mkfifo topology in
	exec 9<>in
	"$SLUICE" run -c topology <in >out 2>err &
	sluice_pid=$!
	trap 'kill -KILL "$sluice_pid" 2>/dev/null || true' EXIT
	wait_until 10 blocks_usr1
	kill -USR1 "$sluice_pid"
	printf '%s\n' 'sources: {in: {type: stdin}}' 'sinks: {out: {type: stdout, inputs: [in]}}' >topology
	wait_until 10 says 'worker'
	stop_sluice
	assert_status 0
}
