# stdin and stdout, and readers that go away.
# shellcheck shell=bash

pipe_topology() {
	cat >pipe.yaml <<-YAML
		sources: {in: {type: stdin}}
		sinks: {out: {type: stdout, inputs: [in]}}
	YAML
}

test_stdin_to_stdout_is_a_copy() {
	pipe_topology
	"$SLUICE" run --once -c pipe.yaml <"$INPUT/one.log" 2>err | cmp - "$INPUT/one.log"
	cat "$INPUT/one.log" | "$SLUICE" run --once -c pipe.yaml >result.log 2>err
	assert_same "$INPUT/one.log" result.log
}

test_a_line_from_a_pipe_comes_out_while_the_pipe_stays_open() {
	pipe_topology
	mkfifo pipe
	"$SLUICE" run --once -c pipe.yaml <pipe >result.log 2>err &
	sluice_pid=$!
	exec 9>pipe
	echo first >&9
	wait_until 10 has_lines result.log 1
	echo second >&9
	wait_until 10 has_lines result.log 2
	exec 9>&-
	await_end 10
	assert_status 0
	printf 'first\nsecond\n' >expected
	assert_same expected result.log
}

test_a_closed_stdout_ends_it_cleanly() {
	pipe_topology
	set +o pipefail
	"$SLUICE" run --once -c pipe.yaml <"$INPUT/one.log" 2>err | head -n 3 >first
	local codes=("${PIPESTATUS[@]}")
	[ "${codes[0]}" -eq 0 ] || fail "exit code ${codes[0]}"
	head -n 3 "$INPUT/one.log" | cmp - first
	assert_never_said '[Ee]rror|panic|assert'
	assert_said_times 1 "info out: standard output's reader went away records=[0-9]+$"
	local in out
	in=$(sed -n 's/^pipe: in \([0-9]*\) records.*/\1/p' err)
	out=$(sed -n 's/.*, out \([0-9]*\) records .*/\1/p' err)
	[ "$out" -ge 3 ] && [ "$out" -lt "$in" ] || fail "out $out of $in"
}

test_what_stdout_took_before_a_write_failed_counts_as_out() {
	pipe_topology
	status=0
	(
		trap '' XFSZ
		ulimit -f 64 # blocks of 1,024 bytes
		"$SLUICE" run --once --io plain -c pipe.yaml <"$INPUT/small.log" >out 2>err
	) || status=$?
	assert_status 74
	assert_said ", out $(wc -l <out) records "
}

test_an_endless_input_ends_when_the_reader_of_stdout_goes() {
	pipe_topology
	set +o pipefail
	yes 'a line without end' | timeout 60 "$SLUICE" run -c pipe.yaml 2>err | head -n 100000 | tail -n 1 >last
	local codes=("${PIPESTATUS[@]}")
	[ "${codes[1]}" -eq 0 ] || fail "exit code ${codes[1]}"
	[ "$(cat last)" = 'a line without end' ] || fail "got: $(cat last)"
}

test_the_summary_is_one_line_on_stderr_and_stdout_holds_records_only() {
	pipe_topology
	run_sluice --once -c pipe.yaml <"$INPUT/small.log"
	assert_same "$INPUT/small.log" out
	tail -n 1 err | grep -qE '\b4000\b' || fail "the last line does not say how many records"
}

test_an_empty_stdin_is_no_error() {
	pipe_topology
	run_sluice --once -c pipe.yaml </dev/null
	assert_status 0
	[ ! -s out ] || fail "something came out"
}

# Whatever little there was may wait in the pipe, or in us, when the reader goes: each run meets another moment.
test_a_short_input_whose_reader_is_gone_is_no_failure() {
	pipe_topology
	set +o pipefail
	local codes
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		"$SLUICE" run --once -c pipe.yaml <"$INPUT/small.log" 2>err | true
		codes=("${PIPESTATUS[@]}")
		[ "${codes[0]}" -eq 0 ] || fail "exit code ${codes[0]}: $(cat err)"
	done
}

test_a_closed_standard_stream_is_not_replaced_by_one_of_ours() {
	cat >files.yaml <<-YAML
		sources: {in: {type: file, paths: ["$INPUT/small.log"]}}
		sinks: {out: {type: file, inputs: [in], path: result.log}}
	YAML
	timeout 20 "$SLUICE" run --once -c files.yaml <&- >&- 2>err || fail "exit code $?: $(cat err)"
	assert_same "$INPUT/small.log" result.log
}

test_a_closed_stdin_is_no_empty_one_and_a_closed_stdout_takes_nothing() {
	pipe_topology
	local io
	for io in uring plain; do
		status=0
		timeout 20 "$SLUICE" run --once --io $io -c pipe.yaml <&- >out 2>err || status=$?
		assert_status 1
		assert_said 'standard input unreadable.*Bad file descriptor'
		status=0
		timeout 20 "$SLUICE" run --once --io $io -c pipe.yaml <"$INPUT/small.log" >&- 2>err || status=$?
		assert_status 74
		assert_said 'write failed.*path="standard output".*Bad file descriptor'
	done
	cat >named.yaml <<-YAML
		sources: {in: {type: stdin}}
		sinks: {out: {type: file, inputs: [in], path: /dev/stdout}}
	YAML
	status=0
	timeout 20 "$SLUICE" run --once -c named.yaml <"$INPUT/small.log" >&- 2>err || status=$?
	assert_status 74
	timeout 20 "$SLUICE" run --once -c pipe.yaml <"$INPUT/small.log" >out 2>&- || fail "exit code $?"
	assert_same "$INPUT/small.log" out
}

# follow_fifo: starts a run whose stdin stays open, descriptor 9 being its other end, and passes one line through.
follow_fifo() {
	pipe_topology
	mkfifo in
	exec 9<>in
	"$SLUICE" run -c pipe.yaml <in >out 2>err &
	sluice_pid=$!
	trap 'kill -KILL "$sluice_pid" 2>/dev/null || true' EXIT
	echo line >&9
	wait_until 10 has_lines out 1
}

test_a_signal_that_comes_twice_at_once_drains() {
	follow_fifo
	kill -TERM "$sluice_pid"
	kill -TERM "$sluice_pid" 2>/dev/null || true # it may have ended by now
	await_end 10
	exec 9>&-
	assert_status 0
	assert_never_said 'second signal'
}

# Its writer goes on into the same pipe.
test_a_fifo_is_gone_on_with_after_a_reload() {
	follow_fifo
	kill -HUP "$sluice_pid"
	wait_until 10 says 'stopping reason=reload'
	echo after >&9
	wait_until 10 grep -qx after out
	stop_sluice
	exec 9>&-
	assert_status 0
}

# What was taken from the pipe can be read nowhere else: it is in the output, whatever was not is still in the pipe.
test_sigterm_loses_nothing_that_was_read_from_a_pipe() {
	follow_fifo
	{
		for i in {1..200}; do
			seq $((i * 1000)) $((i * 1000 + 999))
			hold 0.002
		done
	} >&9 &
	local writer=$!
	wait_until 10 has_lines out 5000
	kill -TERM "$sluice_pid"
	await_end 10
	assert_status 0
	cat <in >rest 9>&- &
	local reader=$!
	wait $writer
	exec 9>&-
	wait $reader
	cat out rest | tr -d '\n' >got # the line it was cut in has a newline more
	{
		echo line
		seq 1000 200999
	} | tr -d '\n' >expected
	assert_same expected got
}

# stdout is held back, and so is everything behind it, until the pipe that is read is full. Whoever wrote into it is gone
# when the signal comes: what the pipe holds can be had from nobody else.
sigterm_brings_out_what_a_fifo_holds() { # uring|plain
	cat >fifo.yaml <<-YAML
		memory: 16MiB
		sources: {in: {type: file, paths: [in]}}
		sinks: {out: {type: stdout, inputs: [in]}}
	YAML
	mkfifo in held
	exec 8<>held 9<>in
	"$SLUICE" run --io "$1" -c fifo.yaml >held 2>err 8>&- 9>&- &
	sluice_pid=$!
	trap 'kill -KILL "$sluice_pid" 2>/dev/null || true' EXIT
	cat "$INPUT/one.log" "$INPUT"/many/*.log "$INPUT/one.log" >input
	cat input >&9 8>&- 9>&- &
	local writer=$! before='' now
	writer_is_stuck() {
		now=$(cat "/proc/$writer/io")
		[ "$now" = "$before" ] && return
		before=$now
		hold 0.3
		return 1
	}
	wait_until 30 writer_is_stuck
	kill -KILL $writer
	wait $writer || true
	kill -TERM "$sluice_pid"
	exec 7<held 8>&-
	cat <&7 >got 9>&- &
	local reader=$!
	await_end 30
	wait $reader
	assert_status 0
	cat <in >rest 9>&- &
	reader=$!
	exec 9>&-
	wait $reader
	[ ! -s rest ] || fail "$(stat -c %s rest) bytes are still in the pipe"
	[ "$(stat -c %s got)" -gt 200000 ] || fail "only $(stat -c %s got) bytes came out"
	head -c -1 got | cmp -n "$(($(stat -c %s got) - 1))" - input
}

for io in uring plain; do
	eval "test_sigterm_brings_out_what_a_fifo_holds_over_$io() { sigterm_brings_out_what_a_fifo_holds $io; }"
done

# A writer that goes on does not hold up the end, and regular files are not read on for the pipe's sake.
test_sigterm_ends_a_fifo_that_is_being_written_to() {
	mkfifo in
	exec 9<>in
	printf 'sources: {in: {type: file, paths: [in]}}\nsinks: {out: {type: stdout, inputs: [in]}}\n' >fifo.yaml
	start_sluice -c fifo.yaml
	(while :; do echo 'a line without end'; done) >&9 2>/dev/null &
	local writer=$!
	wait_until 10 has_lines out 1000
	kill -TERM "$sluice_pid"
	await_end 10
	kill $writer
	assert_status 0
	[ "$(sed '$d' out | sort -u)" = 'a line without end' ] || fail "not what was written"
}
