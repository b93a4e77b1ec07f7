# The progress bar of --once on a terminal, which script(1) makes.
# shellcheck shell=bash

# Leaves what the terminal was given in `screen`.
start_on_a_terminal() { # ARGUMENTS: as the shell on the terminal reads them
	command -v script >/dev/null || skip "no script(1)"
	script -qefc "exec $SLUICE run --once $1" screen </dev/null >/dev/null &
	sluice_pid=$!
	trap 'kill -TERM "$sluice_pid" 2>/dev/null || true' EXIT
}

shows() { # EXTENDED-REGEX
	tr '\r' '\n' <screen 2>/dev/null | grep -qE -- "$1"
}

# Behind the last carriage return stands the summary, on a line that was cleared.
assert_bar_is_gone() {
	tr '\r' '\n' <screen | grep -qP '^\x1b\[K\w+: in [0-9]+ records' || fail "the bar is still there: $(cat -v screen)"
}

test_the_progress_bar_shows_share_rate_and_time_left() {
	mkfifo slow
	cat >bar.yaml <<-YAML
		memory: 16MiB
		sources: {in: {type: file, paths: ["$INPUT/one.log"]}}
		sinks: {out: {type: file, inputs: [in], path: slow}}
	YAML
	start_on_a_terminal "-c bar.yaml"
	wait_until 20 shows '^\[#*\.*\] +[0-9]+ %  [0-9.]+ [KM]B, [0-9.]+ [KMG]?B/s, [0-9]+ s left'
	cat slow >result.log
	await_end 60
	assert_status 0
	assert_same "$INPUT/one.log" result.log
	assert_bar_is_gone
}

test_the_progress_of_a_pipe_is_bytes_and_rate_and_no_share() {
	mkfifo pipe
	cat >bar.yaml <<-YAML
		sources: {in: {type: stdin}}
		sinks: {out: {type: stdout, inputs: [in]}}
	YAML
	start_on_a_terminal "-c bar.yaml <pipe >result.log"
	exec 9>pipe
	cat "$INPUT/small.log" >&9
	wait_until 20 shows '^[1-9][0-9.]* KB, [0-9.]+ [KM]?B/s'
	exec 9>&-
	await_end 60
	assert_status 0
	assert_same "$INPUT/small.log" result.log
	! shows '%|\[[#.]' || fail "a share of what is not known: $(cat -v screen)"
	assert_bar_is_gone
}

test_a_log_line_takes_the_place_of_the_bar_and_the_bar_comes_back() {
	mkfifo pipe
	cat >bar.yaml <<-YAML
		sources:
		  in: {type: stdin}
		  gone: {type: file, paths: [gone.log, "$INPUT/small.log"]}
		sinks: {out: {type: blackhole, inputs: [in, gone]}}
	YAML
	start_on_a_terminal "-c bar.yaml <pipe"
	exec 9>pipe
	wait_until 20 shows 'B/s'
	exec 9>&-
	await_end 60
	assert_status 1
	shows 'file unreadable path=gone\.log' || fail "the log line is missing"
	! tr '\r' '\n' <screen | grep -qE 'B/s.*unreadable' || fail "log line and bar on one line"
}

test_without_a_terminal_there_is_no_bar() {
	cat >bar.yaml <<-YAML
		sources: {in: {type: file, paths: ["$INPUT/one.log"]}}
		sinks: {out: {type: blackhole, inputs: [in]}}
	YAML
	run_sluice --once -c bar.yaml
	[ "$(wc -l <err)" -eq 1 ] || fail "more than the summary: $(cat -v err)"
}

test_records_on_a_terminal_cannot_steer_it_and_have_no_bar_among_them() {
	printf 'plain \033[31mred\033]0;title\007\n' >hostile.log
	cat "$INPUT/small.log" >>hostile.log
	printf 'caf\303\251 \233\302\2330m\r\nlast' >>hostile.log
	cat >bar.yaml <<-YAML
		sources: {in: {type: file, paths: [hostile.log]}}
		sinks: {out: {type: stdout, inputs: [in]}}
	YAML
	start_on_a_terminal "-c bar.yaml"
	await_end 60
	assert_status 0
	! grep -q "$(printf '\033')" screen || fail "an escape sequence, or a bar: $(grep "$(printf '\033')" screen | cat -v)"
	grep -qF 'plain \x1b[31mred\x1b]0;title\x07' screen || fail "$(head -n 3 screen | cat -v)"
	grep -qF "$(printf 'caf\303\251 ')"'\x9b\xc2\x9b0m\r' screen || fail "$(tail -n 4 screen | cat -v)"
	tr -d '\r' <screen | grep -c ' HTTP/' >shown
	[ "$(cat shown)" -eq "$(grep -c ' HTTP/' hostile.log)" ] || fail "$(cat shown) records were shown"
	shows '^bar: in [0-9]+ records' || fail "no summary: $(tail -n 4 screen | cat -v)"
}

test_records_go_as_they_are_to_what_is_no_terminal() {
	printf 'plain \033[31mred\n\233\000\n' >hostile.log
	cat >bar.yaml <<-YAML
		sources: {in: {type: file, paths: [hostile.log]}}
		sinks: {out: {type: stdout, inputs: [in]}}
	YAML
	start_on_a_terminal "-c bar.yaml >result.log"
	await_end 60
	assert_status 0
	assert_same hostile.log result.log
}
