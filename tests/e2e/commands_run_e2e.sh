# Commands that are sources and sinks: exec.
# shellcheck shell=bash

# exec_topology COMMAND-AS-YAML [MORE]
exec_topology() {
	cat >exec.yaml <<-YAML
		sources:
		  in: {type: exec, command: $1${2:+, $2}}
		sinks: {out: {type: file, inputs: [in], path: result.log}}
	YAML
}

test_of_a_directory_that_is_not_there_it_is_not_said_that_it_is_the_command() {
	exec_topology '[date]' 'directory: /no/such/folder'
	run_sluice -c exec.yaml --once
	assert_status 1
	assert_said 'error in: command failed command=date how="No such file or directory: it, or its `directory`"'
}

no_child_is_left() { # PATTERN: of the whole command line
	! pgrep -f "$1" >/dev/null
}

test_all_that_a_command_writes_is_records() {
	for io in auto plain; do
		exec_topology "[cat, $INPUT/one.log]"
		rm -f result.log
		run_sluice --once --io $io -c exec.yaml
		assert_status 0
		assert_same "$INPUT/one.log" result.log
	done
}

test_with_once_a_command_runs_to_its_end_and_its_failure_is_one() {
	exec_topology '"echo one; echo wrong >&2; printf two; exit 3"'
	run_sluice --once -c exec.yaml
	assert_status 1
	printf 'one\ntwo\n' >expected
	assert_same expected result.log
	assert_said_times 1 'info in: command says line=wrong$'
	assert_said_times 1 'error in: command failed command=.* how="status 3"'
}

has_begun() { # N: commands, as SIGUSR1 tells
	local begun
	kill -USR1 "$sluice_pid"
	begun=$(sed -n 's/.*commands begun" count=//p' err | tail -n 1)
	[ "${begun:-0}" -ge "$1" ]
}

test_a_command_that_is_not_there_fails_with_once_and_is_tried_again_without() {
	exec_topology '[no-such-command]' 'restart: {base_delay: 10ms, max_delay: 20ms}'
	run_sluice --once -c exec.yaml
	assert_status 1
	assert_said 'error in: command failed command=no-such-command how="No such file or directory"'
	start_sluice -c exec.yaml
	wait_until 10 says 'command failed, beginning it again'
	wait_until 20 has_begun 6
	stop_sluice
	assert_status 0
	assert_said_times 1 'command failed'
}

test_a_command_that_ends_is_begun_again() {
	# shellcheck disable=SC2016
	exec_topology '"echo $$$$"' 'restart: {base_delay: 1ms}'

	start_sluice -c exec.yaml
	wait_until 20 has_lines result.log 5
	stop_sluice
	assert_status 0
	[ "$(sort -u result.log | wc -l)" -ge 5 ] || fail "the same process: $(cat result.log)"
}

test_on_failure_a_command_that_succeeds_is_the_end() {
	echo 0 >count
	# shellcheck disable=SC2016
	exec_topology '"n=$(cat count); echo run $n; echo $((n + 1)) >count; [ $n -ge 3 ]"' \
		'restart: {when: on_failure, base_delay: 1ms}'
	start_sluice -c exec.yaml
	await_end 20
	assert_status 0
	printf 'run 0\nrun 1\nrun 2\nrun 3\n' >expected
	assert_same expected result.log
	exec_topology 'echo once' 'restart: never'
	rm result.log
	start_sluice -c exec.yaml
	await_end 20
	assert_status 0
	has_lines result.log 1
}

test_what_a_command_writes_is_taken_at_a_rate() {
	exec_topology '[seq, "60000"]' 'rate_limit: {rate: 20000/s, burst: 1000}'
	local began=${EPOCHREALTIME/./}
	run_sluice --once -c exec.yaml
	local took=$(((${EPOCHREALTIME/./} - began) / 1000))
	assert_status 0
	seq 60000 >expected
	assert_same expected result.log
	# a read brings 64 KiB at most, and is not waited for when it was the last
	[ $took -ge 2000 ] || fail "it took $took ms"
	assert_said '"ms held back by rate_limit" count=[1-9]'
}

test_what_a_command_leaves_behind_is_no_time_that_it_has_run() {
	exec_topology '"sleep 14143 & exit 3"' 'kill_after: 200ms, restart: {base_delay: 1ms, max_delay: 100ms, max_attempts: 3}'
	start_sluice -c exec.yaml
	await_end 20
	assert_said '"commands begun" count=3$'
	assert_said_times 1 'error in: command failed command=.* how="status 3"'
	assert_never_said 'command runs again'
}

test_a_stop_ends_the_command_and_takes_what_it_writes_at_its_end() {
	exec_topology '"trap \"echo bye; exit 0\" TERM; echo hello; while :; do sleep 0.05; done"'
	start_sluice -c exec.yaml
	wait_until 10 has_lines result.log 1
	stop_sluice
	assert_status 0
	printf 'hello\nbye\n' >expected
	assert_same expected result.log
	assert_never_said 'failed'
}

test_a_command_that_ignores_sigterm_is_killed_with_all_it_has_begun() {
	exec_topology "\"trap '' TERM; echo hello; sleep 31415; sleep 31415\"" 'kill_after: 200ms'
	start_sluice -c exec.yaml
	wait_until 10 has_lines result.log 1
	stop_sluice
	assert_status 0
	assert_said_times 1 'warn in: command does not end, killing it'
	assert_said '"commands killed" count=1'
	wait_until 10 no_child_is_left 'sleep 31415'
}

test_a_command_ends_with_a_killed_sluice() {
	exec_topology '[sleep, "27182"]'
	start_sluice -c exec.yaml
	wait_until 10 pgrep -f 'sleep 27182' >/dev/null
	kill -KILL "$sluice_pid"
	wait "$sluice_pid" || true
	sluice_pid=
	wait_until 10 no_child_is_left 'sleep 27182'
	trap - EXIT
}

test_a_second_signal_leaves_no_command() {
	exec_topology "\"trap '' TERM; echo hello; exec sleep 16180\"" 'kill_after: 1h'
	start_sluice -c exec.yaml
	wait_until 10 has_lines result.log 1
	kill "$sluice_pid"
	hold 0.7
	kill "$sluice_pid"
	await_end 20
	[ "$status" -ne 0 ] || fail 'it cannot have ended well'
	sluice_pid=
	trap - EXIT

	wait_until 10 no_child_is_left 'sleep 16180'
}

test_a_failed_sink_ends_the_commands_of_sources_too() {
	cat >fails.yaml <<-YAML
		sources:
		  a: {type: exec, command: "echo hello; exec sleep 22360"}
		  b: {type: schedule, every: 1h, command: "echo hello; exec sleep 22360"}
		sinks: {out: {type: exec, inputs: [a, b], command: "read -r line; exit 5", restart: never}}
	YAML
	start_sluice -c fails.yaml
	await_end 60
	[ "$status" -ne 0 ] || fail 'it cannot have ended well'
	assert_said 'error out: command failed .* how="status 5"'
	sluice_pid=
	trap - EXIT
	wait_until 10 no_child_is_left 'sleep 22360'
}

test_a_reload_ends_the_command_and_begins_the_new_one() {
	exec_topology '"echo first; exec sleep 14142"'
	start_sluice -c exec.yaml
	wait_until 10 has_lines result.log 1
	exec_topology '"echo second; exec sleep 17320"'
	kill -HUP "$sluice_pid"
	wait_until 20 has_lines result.log 2
	no_child_is_left 'sleep 14142' || fail 'the first one still runs'
	stop_sluice
	assert_status 0
	printf 'first\nsecond\n' >expected
	assert_same expected result.log
}

test_a_command_that_writes_faster_than_it_is_read_waits() {
	need_unsanitized
	cat >exec.yaml <<-YAML
		memory: 16MiB
		sources: {in: {type: exec, command: "yes 0123456789 | head -c 300000000"}}
		sinks: {out: {type: blackhole, inputs: [in]}}
	YAML
	run_sluice --once -c exec.yaml
	assert_status 0
	assert_under_kib $((64 * 1024)) "$(cat peak)"
	assert_said 'in 27272728 records'
}

# into_topology COMMAND-AS-YAML [MORE]: the small log into a command
into_topology() {
	cat >into.yaml <<-YAML
		sources: {in: {type: file, paths: [$INPUT/small.log]}}
		sinks:
		  out: {type: exec, inputs: [in], command: $1${2:+, $2}}
	YAML
}

test_records_go_into_a_command_which_ends_when_they_do() {
	for io in auto plain; do
		into_topology '"cat >result.log; echo got all >&2; sleep 0.2; echo end >>result.log"'
		run_sluice --once --io $io -c into.yaml
		assert_status 0
		(cat "$INPUT/small.log" && echo end) >expected
		assert_same expected result.log
		assert_said_times 1 'info out: command says line="got all"$'
	done
}

# Reads N lines byte by byte, as a shell does, and ends.
lines_reader() { # N
	# shellcheck disable=SC2016
	printf '"i=0; while [ $i -lt %d ] && IFS= read -r line; do echo \\"$line\\" >>result.log; i=$((i + 1)); done"' "$1"
}

test_each_command_gets_the_names_of_columns_before_its_records() {
	into_topology "$(lines_reader 2)" 'restart: {base_delay: 1ms}, encoding: {format: csv, fields: [body]}'
	seq 3 >three.log
	sed -i "s|$INPUT/small.log|three.log|" into.yaml
	run_sluice --once -c into.yaml
	assert_status 0
	printf 'body\n1\nbody\n2\nbody\n3\n' >expected
	assert_same expected result.log
}

test_without_records_a_command_gets_the_names_of_columns_only() {
	into_topology '"sleep 0.2; cat >result.log"' 'encoding: {format: csv, fields: [body]}'
	: >none.log
	sed -i "s|$INPUT/small.log|none.log|" into.yaml
	run_sluice --once -c into.yaml
	assert_status 0
	echo body >expected
	assert_same expected result.log
}

test_what_a_command_has_not_read_goes_to_the_next_one() {
	into_topology "$(lines_reader 10)" 'restart: {base_delay: 1ms}'
	head -n 95 "$INPUT/small.log" >some.log
	sed -i "s|$INPUT/small.log|some.log|" into.yaml
	run_sluice --once -c into.yaml
	assert_status 0
	assert_same some.log result.log
	assert_said 'commands begun" count=(10|11)$'
	assert_never_said 'fail'
}

test_a_command_is_written_to_at_a_rate() {
	into_topology '"cat >result.log"' 'rate_limit: {rate: 400/s, burst: 200}, timeout: 300ms'
	seq 800 >some.log
	sed -i "s|$INPUT/small.log|some.log|" into.yaml
	local began=${EPOCHREALTIME/./}
	run_sluice --once -c into.yaml
	local took=$(((${EPOCHREALTIME/./} - began) / 1000))
	assert_status 0
	assert_same some.log result.log
	[ $took -ge 1490 ] || fail "it took $took ms"
	assert_said '"ms held back by rate_limit" count=1[45][0-9][0-9]$'
}

test_a_command_that_fails_is_begun_again_with_what_it_has_left() {
	# two fail before they read anything, the third one reads all
	echo 0 >count
	# shellcheck disable=SC2016
	into_topology '"n=$(cat count); echo $((n + 1)) >count; [ $n -ge 2 ] || exit 9; exec cat >result.log"' \
		'restart: {base_delay: 1ms}'
	run_sluice --once -c into.yaml
	assert_same "$INPUT/small.log" result.log
	assert_said_times 1 'warn out: command failed, beginning it again command=.* how="status 9"$'
	assert_said 'commands begun" count=3$'
}

test_a_sink_whose_command_is_not_begun_again_fails() {
	into_topology '"exit 0"' 'restart: never'
	run_sluice --once -c into.yaml
	[ "$status" -ne 0 ] || fail 'it stored nothing'
	assert_said 'command has ended before the records, and is not begun again'
	into_topology '[no-such-command]' 'restart: {max_attempts: 3, base_delay: 1ms}'
	run_sluice --once -c into.yaml
	[ "$status" -ne 0 ] || fail 'it stored nothing'
	assert_said 'error out: command failed command=no-such-command how="No such file or directory"'
}

test_a_command_that_stops_reading_holds_back_and_fails_at_the_end() {
	into_topology '"exec sleep 27183"' 'timeout: 300ms, kill_after: 200ms'
	run_sluice --once -c into.yaml
	[ "$status" -ne 0 ] || fail 'it read nothing'
	assert_said 'command does not read what is left'
	wait_until 10 no_child_is_left 'sleep 27183'
}

test_a_command_that_does_not_end_with_its_input_is_killed() {
	into_topology "\"trap '' TERM; cat >result.log; sleep 31416; sleep 31416\"" 'timeout: 200ms, kill_after: 200ms'
	run_sluice --once -c into.yaml
	assert_status 1
	assert_same "$INPUT/small.log" result.log
	assert_said_times 1 'command does not end though its input has'
	assert_said_times 1 'command does not end, killing it'
	assert_said '"commands killed" count=1'
	wait_until 10 no_child_is_left 'sleep 31416'
}

test_a_command_that_is_killed_loses_only_what_it_had_read() {
	# the first one reads line by line, each byte by byte; the second one reads all the rest
	cat >into.yaml <<-YAML
		sources: {in: {type: file, paths: ["$INPUT/small.log"]}}
		sinks:
		  out:
		    type: exec
		    inputs: [in]
		    command: |-
		      if [ -e pid ]; then exec cat >>result.log; fi
		      echo \$\$\$\$ >pid
		      while IFS= read -r line; do printf '%s\n' "\$line" >>result.log; done
		    restart: {base_delay: 1ms}
	YAML
	start_sluice -c into.yaml
	wait_until 10 has_lines result.log 100
	kill -KILL "$(cat pid)"
	wait_until 60 has_lines result.log 3999
	stop_sluice
	assert_status 0
	assert_said 'how="signal 9"'
	# all in order, none twice; the line that it had in its hands may be missing, or half of it there
	diff "$INPUT/small.log" result.log >difference || true
	[ "$(wc -l <difference)" -le 4 ] || fail "more is wrong: $(head difference)"
}
