# Source files that are deleted once they are stored (`remove_after`).
# shellcheck shell=bash

STATE=remembered # of every run in here

removing_topology() { # REMOVE_AFTER
	mkdir -p logs
	cat >remove.yaml <<-YAML
		epoch: {interval: 100ms}
		sources: {in: {type: file, paths: [logs/*], remove_after: $1}}
		sinks: {out: {type: file, inputs: [in], path: all.log}}
	YAML
}

test_what_is_stored_is_deleted_while_it_runs() {
	removing_topology 300ms
	seq 1 1000 >logs/a.log
	seq 1001 2000 | zstd -q >logs/b.zst
	printf 'no end of line' >logs/c.log
	start_sluice -c remove.yaml
	are_removed() { [ ! -e logs/a.log ] && [ ! -e logs/b.zst ]; }
	wait_until 20 are_removed
	seq 2001 3000 >logs/a.log # by the same name, a file of its own
	wait_until 20 has_lines all.log 3000
	is_removed() { [ ! -e logs/a.log ]; }
	wait_until 20 is_removed
	[ -e logs/c.log ] || fail "a file whose last line has not ended is gone"
	stop_sluice
	assert_status 0
	sort -n all.log >sorted
	seq 1 3000 >expected
	assert_same expected sorted
	assert_said_times 3 'file removed, all of it is stored'
	assert_said 'files removed 3'
}

test_once_deletes_after_the_last_epoch_and_what_is_not_due_in_a_later_run() {
	removing_topology 1ms
	seq 1 1000 >logs/a.log
	run_sluice --once -c remove.yaml
	assert_status 0
	[ ! -e logs/a.log ] || fail "it is still there"
	run_sluice --once -c remove.yaml
	assert_status 0
	removing_topology 2s
	seq 1001 2000 >logs/a.log
	run_sluice --once -c remove.yaml
	assert_status 0
	[ -e logs/a.log ] || fail "it went too early"
	comes_to_go() {
		run_sluice --once -c remove.yaml
		[ ! -e logs/a.log ]
	}
	wait_until 20 comes_to_go
	seq 1 2000 >expected
	assert_same expected all.log
}

test_killed_at_any_moment_nothing_is_deleted_that_is_not_stored() {
	removing_topology 1ms
	local i total=0
	for i in $(seq 1 30); do
		seq -f "$i %g" 1 500 >"logs/$i.log"
		total=$((total + 500))
		start_sluice -c remove.yaml
		hold "0.0$((i % 10))"
		kill -KILL "$sluice_pid"
		wait "$sluice_pid" || true
	done
	start_sluice -c remove.yaml
	wait_until 30 has_lines all.log $total
	all_are_gone() { [ -z "$(ls -A logs)" ]; }
	wait_until 20 all_are_gone
	stop_sluice
	assert_status 0
	sort all.log >sorted
	for i in $(seq 1 30); do seq -f "$i %g" 1 500; done | sort >expected
	assert_same expected sorted
}

test_without_epochs_it_is_refused() {
	removing_topology 1h
	seq 1 10 >logs/a.log
	run_sluice --once -c remove.yaml --set epoch=off
	assert_status 78
	assert_said '`remove_after` needs epochs'
	[ -e logs/a.log ] || fail "it is gone"
}
