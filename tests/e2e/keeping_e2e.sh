# Outputs that are deleted when they are old (`rotate.keep`).
# shellcheck shell=bash

keeping_topology() { # PATH ROTATE
	cat >keep.yaml <<-YAML
		sources: {in: {type: file, paths: [in.log]}}
		sinks: {out: {type: file, inputs: [in], path: '$1', rotate: $2}}
	YAML
}

# Long before anything of now.
make_old() { # FILE...
	mkdir -p "$(dirname "$1")"
	touch -d '2020-01-01T00:00:00Z' "$@"
}

test_keep_deletes_old_files_of_this_output_and_nothing_else() {
	make_old result/out.20200101T000000Z.log result/out.20200101T000000Z_001.log
	make_old result/other.20200101T000000Z.log result/out.log.1 result/out.20200101T000000Z.log.gz result/notes
	find result -type f ! -name 'out.2020*Z.log' ! -name 'out.2020*Z_001.log' >expected
	seq 1 1000 >in.log
	keeping_topology result/out.log '{size: 1KiB, keep: 1h}'
	run_sluice --once -c keep.yaml
	assert_status 0
	while read -r file; do [ -e "$file" ] || fail "$file is gone"; done <expected
	[ ! -e result/out.20200101T000000Z.log ] || fail "an old file is still there"
	[ ! -e result/out.20200101T000000Z_001.log ] || fail "an old file is still there"
	mv result/out.log result/outz.log # the last one, which the others' dot sorts before
	cat result/out*Z*.log result/outz.log | grep . >all.log
	assert_same in.log all.log
	assert_said_times 2 'finished output deleted'
	assert_said 'files removed 2'
}

test_keep_deletes_files_of_old_dates() {
	local today
	make_old result/2020/01-01/out.log result/2020/01-01/notes.log
	make_old result/2020/02-30/out.log
	seq 1 10 >in.log
	keeping_topology result/%Y/%m-%d/out.log '{keep: 1d}'
	run_sluice --once -c keep.yaml
	assert_status 0
	[ ! -e result/2020/01-01/out.log ] || fail "an old file is still there"
	[ -e result/2020/01-01/notes.log ] || fail "a file that is none of its own is gone"
	[ -e result/2020/02-30/out.log ] || fail "there is no such day, so it is not its own"
	today=$(find result -name out.log -newer in.log)
	assert_same in.log "$today"
}

test_keep_deletes_while_it_runs() {
	mkdir result
	: >in.log
	keeping_topology result/out.log '{size: 1KiB, keep: 1s}'
	start_sluice -c keep.yaml
	some_were_deleted() {
		seq 1 300 >>in.log
		says 'finished output deleted'
	}
	wait_until 30 some_were_deleted
	stop_sluice
	assert_status 0
	[ -e result/out.log ] || fail "the file that was open is gone"
	run_sluice --once -c keep.yaml
	assert_status 0
}

test_keep_that_finds_nothing_is_told() {
	seq 1 10 >in.log
	keeping_topology out.log '{keep: 1h}'
	run_sluice --once -c keep.yaml
	assert_status 0
	assert_said 'keep.yaml:2:.*`rotate.keep` finds nothing to delete'
	assert_same in.log out.log
}
