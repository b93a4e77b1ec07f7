# Started again, sluice goes on where it ended.
# shellcheck shell=bash

STATE=remembered # of every run in here

resuming_topology() { # PATHS
	mkdir -p logs
	cat >resume.yaml <<-YAML
		sources: {in: {type: file, paths: $1}}
		sinks: {out: {type: file, inputs: [in], path: all.log}}
	YAML
}

test_once_run_again_reads_only_what_is_new() {
	resuming_topology '["logs/*"]'
	local io
	for io in uring plain; do
		seq 1 1000 >>logs/a.log
		seq 2001 3000 | gzip >>logs/b.gz
		seq 3001 4000 | zstd -q >>logs/c.zst
		printf 'last, without a newline' >logs/d-$io.log
		run_sluice --once --io $io -c resume.yaml
		assert_status 0
		run_sluice --once --io $io -c resume.yaml
		assert_status 0
		assert_said '^resume: in 0 records'
		echo >>logs/d-$io.log # which is no record of its own
	done
	{
		seq 1 1000
		seq 2001 4000
		echo 'last, without a newline'
		seq 1 1000
		seq 2001 4000
		echo 'last, without a newline'
	} >expected
	assert_same expected all.log
}

test_a_file_rotated_while_nothing_ran_is_read_on_before_its_successor() {
	resuming_topology '["logs/*.log"]'
	seq 1 1000 >logs/a.log
	start_sluice -c resume.yaml
	wait_until 20 has_lines all.log 1000
	stop_sluice
	assert_status 0
	seq 1001 2000 >>logs/a.log
	mv logs/a.log logs/a.log.1
	seq 2001 3000 >logs/a.log
	start_sluice -c resume.yaml
	wait_until 20 has_lines all.log 3000
	echo 3001 >>logs/a.log.1
	wait_until 20 has_lines all.log 3001
	stop_sluice
	assert_status 0
	seq 1 3001 >expected
	assert_same expected all.log
	assert_never_said ' (warn|error) '
}

test_killed_before_its_second_epoch_what_came_after_the_end_it_began_at_is_there() {
	mkdir -p logs
	cat >resume.yaml <<-'YAML'
		epoch: {interval: 1h}
		sources: {in: {type: file, paths: [logs/*], read_from: end}}
		sinks: {out: {type: file, inputs: [in], path: all.log}}
	YAML
	local count=0
	echo old >logs/a.log
	start_sluice -c resume.yaml
	# a line a look, until one comes through: then it is being read
	follows() {
		count=$((count + 1))
		echo "$count" >>logs/a.log
		[ -s all.log ]
	}
	wait_until 20 follows
	kill -KILL "$sluice_pid"
	wait "$sluice_pid" || true
	local first
	first=$(head -n 1 all.log)
	start_sluice -c resume.yaml
	echo end >>logs/a.log
	wait_until 20 grep -q end all.log
	stop_sluice
	assert_status 0
	{
		seq "$first" "$count"
		echo end
	} >expected
	assert_same expected all.log
}

test_a_file_truncated_or_gone_while_nothing_ran_is_told() {
	resuming_topology '["logs/*.log"]'
	seq 1 1000 >logs/a.log
	printf 'one\ntwo\nand' >logs/b.log
	start_sluice -c resume.yaml
	wait_until 20 has_lines all.log 1002
	stop_sluice
	seq 2001 4000 >logs/a.log
	rm logs/b.log
	start_sluice -c resume.yaml
	wait_until 20 has_lines all.log 3002
	stop_sluice
	assert_status 0
	assert_said_times 1 'file written anew path=logs/a\.log'
	assert_said_times 1 'file gone path=logs/b\.log offset=8'
	start_sluice -c resume.yaml
	wait_until 20 says 'going on'
	echo more >>logs/a.log
	wait_until 20 has_lines all.log 3003
	stop_sluice
	assert_never_said 'file gone'
}

# What its writer had not synced is gone after a power cut, and has been read.
test_an_input_that_lost_its_end_as_the_machine_was_started_again_is_read_on_there() {
	resuming_topology '["logs/*.log"]'
	seq 1 1000 >logs/a.log
	run_sluice --once -c resume.yaml
	assert_status 0
	truncate -s "$(seq 1 500 | wc -c)" logs/a.log
	echo 'another start' >boot_id
	local sluice=$SLUICE
	cat >rebooted <<-SH
		#!/bin/sh
		mount --bind "$PWD/boot_id" /proc/sys/kernel/random/boot_id && exec "$sluice" "\$@"
	SH
	chmod +x rebooted
	unshare -m ./rebooted --version >said 2>&1 || skip "may not mount a file over another"
	printf '#!/bin/sh\nexec unshare -m "%s" "$@"\n' "$PWD/rebooted" >sluice
	chmod +x sluice
	SLUICE=$PWD/sluice
	run_sluice --once -c resume.yaml
	assert_status 0
	assert_said 'warn in: file lost its end .*action="going on at the end that it has now"'
	seq 5001 5010 >>logs/a.log
	run_sluice --once -c resume.yaml
	assert_status 0
	assert_never_said ' (warn|error) '
	{ seq 1 1000; seq 5001 5010; } >expected
	assert_same expected all.log
}
