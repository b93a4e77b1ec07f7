# Sources that tick: schedule.
# shellcheck shell=bash

schedule_topology() { # OPTIONS
	cat >schedule.yaml <<-YAML
		sources: {in: {type: schedule, $1}}
		sinks: {out: {type: file, inputs: [in], path: result.log}}
	YAML
}

count_of() { # FIGURE
	sed -n "s/.*counted what=\"\\{0,1\\}$1\"\\{0,1\\} count=//p" err
}

test_a_tick_gives_a_record_with_the_time_it_was_due() {
	schedule_topology 'every: 50ms, record: "at {time}"'
	start_sluice -c schedule.yaml
	wait_until 20 has_lines result.log 10
	stop_sluice
	assert_status 0
	grep -vE '^at 20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$' result.log && fail 'no such record'
	sort -c -u result.log
}

test_with_once_there_is_one_tick_at_once() {
	for when in 'every: 1h' 'cron: "0 0 29 2 *"'; do
		schedule_topology "$when, record: tick"
		rm -f result.log
		run_sluice --once -c schedule.yaml
		assert_status 0
		echo tick >expected
		assert_same expected result.log
	done
	schedule_topology 'every: 1h, command: "echo one; echo two; exit 4"'
	rm result.log
	run_sluice --once -c schedule.yaml
	assert_status 1
	printf 'one\ntwo\n' >expected
	assert_same expected result.log
	assert_said 'warn in: command failed command=.* how="status 4"$'
}

test_a_command_runs_at_each_tick_and_skips_those_that_are_due_meanwhile() {
	schedule_topology 'every: 100ms, command: "echo begun; sleep 0.25; echo ended"'
	start_sluice -c schedule.yaml
	wait_until 20 has_lines result.log 8
	stop_sluice
	assert_status 0
	awk 'NR % 2 ? $0 != "begun" : $0 != "ended" { exit 1 }' <(head -n 8 result.log) ||
		fail "two ran at a time: $(cat result.log)"
	assert_said_times 1 'warn in: ticks skipped count=1 reason="the command still runs"'
	[ "$(count_of 'ticks skipped')" -ge 6 ] || fail 'more were due'
}

test_a_command_that_takes_too_long_is_ended_and_counted() {
	schedule_topology "every: 50ms, command: \"trap '' TERM; echo begun; sleep 29979; sleep 29979\", timeout: 100ms, kill_after: 50ms"
	start_sluice -c schedule.yaml
	wait_until 20 has_lines result.log 3
	stop_sluice
	assert_status 0
	assert_said_times 1 'warn in: command failed command=.* how=timeout$'
	assert_said_times 1 'command does not end, killing it'
	[ "$(count_of 'commands timed out')" -ge 2 ] || fail 'it was not'
	[ "$(count_of 'commands killed')" -ge 2 ] || fail 'nor that'
	! pgrep -f 'sleep 29979' >/dev/null || fail 'one is left'
}

test_ticks_that_nobody_takes_are_skipped_and_not_made_up_for() {
	local long
	long=$(head -c 60000 /dev/zero | tr '\0' x)
	cat >schedule.yaml <<-YAML
		memory: 16MiB
		sources: {in: {type: schedule, every: 10ms, record: "$long"}}
		sinks: {out: {type: exec, inputs: [in], command: "until [ -e go ]; do sleep 0.05; done; cat >result.log"}}
	YAML
	start_sluice -c schedule.yaml
	hold 2 # two hundred ticks, and room for a few of them
	touch go
	wait_until 20 has_lines result.log 30
	stop_sluice
	assert_status 0
	[ "$(count_of ticks)" -eq "$(wc -l <result.log)" ] || fail 'each tick is a record'
	[ "$(count_of 'ticks skipped')" -ge 50 ] || fail 'it made up for them'
}

refuses_schedule() { # OPTIONS PATTERN
	schedule_topology "$1"
	run_sluice --once -c schedule.yaml
	assert_status 78
	assert_said "$2"
}

test_what_a_schedule_cannot_be_is_told() {
	refuses_schedule 'record: a' 'either `every` or `cron`'
	refuses_schedule 'every: 1s, cron: "* * * * *", record: a' 'either `every` or `cron`'
	refuses_schedule 'every: 1s' 'either a `record` or a `command`'
	refuses_schedule 'cron: "61 * * * *", record: a' ':1:[0-9]+: .*no minute: 0 to 59'
	refuses_schedule 'every: 1s, jitter: 2s, record: a' '`jitter` is not shorter than `every`'
	refuses_schedule 'every: 1s, record: "{host}"' 'has \{time\} only'
	refuses_schedule 'cron: "@daily", zone: Mars/Phobos, record: a' 'Mars/Phobos'
}
