# A sink that is held back holds back its source; memory stays within the budget and nothing is lost.
# shellcheck shell=bash

test_a_fifo_that_nobody_reads_holds_the_source_back() {
	local seconds=1
	[ "$FULL" = 0 ] || seconds=10
	mkfifo slow
	cat >slow.yaml <<-YAML
		memory: 16MiB
		sources: {in: {type: file, paths: ["$INPUT/one.log"]}}
		sinks: {out: {type: file, inputs: [in], path: slow}}
	YAML
	exec 9<>slow # somebody has it open, and does not read
	start_sluice --once -c slow.yaml 9<&-
	hold "$seconds"
	is_running || fail "it ended with a reader that had read nothing"
	if [ "$SLOW" -eq 1 ]; then assert_under_kib $((48 * 1024)) "$(peak_of_running)"; fi
	cat <slow >result.log 9<&- &
	local reader=$!
	wait_until 10 reader_has_begun
	exec 9<&-
	await_end 60
	assert_status 0
	wait $reader
	assert_same "$INPUT/one.log" result.log
}

reader_has_begun() {
	[ -s result.log ]
}

test_a_slow_sink_does_not_hold_back_its_neighbour_for_ever() {
	mkfifo slow
	cat >fan.yaml <<-YAML
		memory: 32MiB
		sources: {in: {type: file, paths: ["$INPUT/one.log"]}}
		sinks:
		  held: {type: file, inputs: [in], path: slow}
		  free: {type: file, inputs: [in], path: free.log}
	YAML
	exec 9<>slow # somebody has it open, and does not read
	start_sluice --once -c fan.yaml 9<&-
	wait_until 20 has_lines free.log 100
	cat <slow >held.log 9<&- &
	local reader=$!
	wait_until 10 held_has_begun
	exec 9<&-
	await_end 60
	assert_status 0
	wait $reader
	assert_same "$INPUT/one.log" held.log
	assert_same "$INPUT/one.log" free.log
}

held_has_begun() {
	[ -s held.log ]
}

test_a_slow_stdout_keeps_memory_within_the_budget() {
	need_unsanitized
	cat >pipe.yaml <<-YAML
		memory: 16MiB
		sources: {in: {type: file, paths: ["$INPUT/one.log"]}}
		sinks: {out: {type: stdout, inputs: [in]}}
	YAML
	/usr/bin/time -q -f %M -o peak "$SLUICE" run --once -c pipe.yaml 2>err |
		{
			hold 1
			cat
		} >result.log
	assert_same "$INPUT/one.log" result.log
	assert_under_kib $((48 * 1024)) "$(cat peak)"
}

test_memory_stays_within_the_budget_at_full_speed() {
	need_unsanitized
	cat >fast.yaml <<-YAML
		memory: 64MiB
		sources: {in: {type: file, paths: ["$INPUT/one.log", "$INPUT/many/*.log"]}}
		transforms: {kept: {type: filter, inputs: [in], regex: '" [45][0-9][0-9] ', workers: 2}}
		sinks:
		  all: {type: file, inputs: [in], path: all.log}
		  errors: {type: file, inputs: [kept], path: errors.zst, compression: zstd}
	YAML
	run_sluice --once -c fast.yaml
	assert_status 0
	assert_under_kib $((96 * 1024)) "$(cat peak)"
}

test_a_budget_too_small_is_refused_with_one_that_would_do() {
	cat >small.yaml <<-YAML
		memory: 64KiB
		sources: {in: {type: file, paths: ["$INPUT/small.log"]}}
		sinks: {out: {type: file, inputs: [in], path: result.log}}
	YAML
	run_sluice --once -c small.yaml
	assert_status 78
	assert_said '^small\.yaml:1:[0-9]+: .*[0-9]+ ?[KM]iB'
	local enough
	enough=$(enough_memory)
	run_sluice --once --set memory="$enough" -c small.yaml
	assert_status 0
	assert_same "$INPUT/small.log" result.log
}

test_a_budget_named_for_branches_and_workers_is_the_smallest_and_enough_to_run_them() {
	cat >branches.yaml <<-YAML
		memory: 1MiB
		sources: {in: {type: file, paths: ["$INPUT/small.log"]}}
		transforms: {all: {type: filter, inputs: [in], contains: ["none has this"], invert: true, workers: 4}}
		sinks:
		  one: {type: file, inputs: [all], path: one.log}
		  two: {type: file, inputs: [all], path: two.log}
		  raw: {type: file, inputs: [in], path: raw.log}
	YAML
	run_sluice --once -c branches.yaml
	assert_status 78
	local enough
	enough=$(enough_memory)
	enough=${enough%MiB}
	run_sluice --once --set memory="$((enough - 1))MiB" -c branches.yaml
	assert_status 78
	assert_said "\`memory: ${enough}MiB\` would do"
	run_sluice --once --set memory="${enough}MiB" -c branches.yaml
	assert_status 0
	local copy
	for copy in one two raw; do
		assert_same "$INPUT/small.log" $copy.log
	done
}
