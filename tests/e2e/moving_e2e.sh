# Outputs that somebody else moves, deletes or truncates while sluice writes them.
# shellcheck shell=bash

STATE=remembered # of every run in here

moving_topology() { # OUTPUT [EPOCH]
	mkdir -p logs
	cat >move.yaml <<-YAML
		epoch: ${2:-{interval: 100ms\}}
		sources: {in: {type: file, paths: [logs/*]}}
		sinks: {out: {type: file, inputs: [in], path: $1}}
	YAML
}

lines_of() { # FILE...
	local file
	for file in "$@"; do
		case $file in
		*.zst*) zstd -qdc "$file" 2>/dev/null || true ;; # the last frame may be open yet
		*) cat "$file" ;;
		esac
	done
}

have_lines() { # N FILE...
	local n=$1
	shift
	[ "$(lines_of "$@" 2>/dev/null | wc -l)" -ge "$n" ]
}

test_an_output_that_is_moved_away_goes_on_in_a_new_file() {
	local output
	for output in out.log out.log.zst; do
		rm -rf logs out.log* "$STATE"
		moving_topology $output
		seq 1 1000 >logs/a.log
		start_sluice -c move.yaml
		wait_until 20 have_lines 1000 $output
		mv $output old.$output
		seq 1001 2000 >>logs/a.log
		wait_until 20 says 'output was moved away or deleted, going on in a new file'
		seq 2001 3000 >>logs/a.log
		wait_until 20 have_lines 3000 old.$output $output
		stop_sluice
		assert_status 0
		lines_of old.$output $output >all.log
		seq 1 3000 >expected
		assert_same expected all.log
		assert_said_times 1 "warn out: output was moved away or deleted, going on in a new file path=$output"
	done
}

test_an_output_that_is_copied_and_truncated_goes_on_behind_what_is_left() {
	moving_topology out.log
	seq 1 1000 >logs/a.log
	start_sluice -c move.yaml
	wait_until 20 have_lines 1000 out.log
	cp out.log out.log.1
	: >out.log
	wait_until 20 says 'output was cut by somebody else'
	seq 1001 2000 >>logs/a.log
	wait_until 20 have_lines 1000 out.log
	stop_sluice KILL
	start_sluice -c move.yaml
	seq 2001 3000 >>logs/a.log
	wait_until 20 have_lines 2000 out.log
	stop_sluice
	assert_status 0
	cat out.log.1 out.log >all.log
	seq 1 3000 >expected
	assert_same expected all.log
}

test_an_output_that_is_deleted_is_begun_anew() {
	moving_topology out.log
	seq 1 1000 >logs/a.log
	start_sluice -c move.yaml
	wait_until 20 have_lines 1000 out.log
	rm out.log
	wait_until 20 says 'output was moved away or deleted'
	seq 1001 2000 >>logs/a.log
	wait_until 20 have_lines 1000 out.log
	stop_sluice KILL
	start_sluice -c move.yaml
	seq 2001 3000 >>logs/a.log
	wait_until 20 have_lines 2000 out.log
	stop_sluice
	assert_status 0
	seq 1001 3000 >expected
	assert_same expected out.log
}

is_committed() { # BYTES
	"$SLUICE" state -c move.yaml 2>/dev/null | grep -q "$1"
}

test_moved_within_a_folder_of_one_letter_while_nothing_ran_it_is_found() {
	moving_topology o/out.log
	[ "$(stat -c %W move.yaml)" -gt 0 ] || skip "the file system does not tell when files were born"
	mkdir o
	seq 1 1000 >logs/a.log
	start_sluice -c move.yaml
	wait_until 20 have_lines 1000 o/out.log
	wait_until 20 is_committed 3893
	stop_sluice KILL
	mv o/out.log o/old.log
	seq 1001 2000 >>logs/a.log
	start_sluice -c move.yaml
	wait_until 20 have_lines 2000 o/old.log o/out.log
	stop_sluice
	assert_status 0
	seq 1 2000 >expected
	cat o/old.log o/out.log >all.log
	assert_same expected all.log
}

test_moved_again_and_again_and_killed_every_line_is_there_once() {
	moving_topology out.log
	[ "$(stat -c %W move.yaml)" -gt 0 ] || skip "the file system does not tell when files were born"
	local i n=0
	for i in $(seq 1 20); do
		start_sluice -c move.yaml
		seq $((n + 1)) $((n + 500)) >>logs/a.log
		n=$((n + 500))
		hold "0.$((i % 3))$((i % 10))"
		[ ! -e out.log ] || mv out.log "$(printf 'out.log.%02d' "$i")"
		[ $((i % 2)) -eq 0 ] || : >>out.log # as logrotate's `create`
		seq $((n + 1)) $((n + 500)) >>logs/a.log
		n=$((n + 500))
		hold "0.0$((i % 7))"
		stop_sluice KILL
	done
	start_sluice -c move.yaml
	seq $((n + 1)) $((n + 1)) >>logs/a.log # so that it runs when all is there
	n=$((n + 1))
	are_all_there() { have_lines $n out.log*; } # whatever there is by then
	wait_until 30 are_all_there
	stop_sluice
	assert_status 0
	sort -n out.log* >sorted
	seq 1 $n >expected
	assert_same expected sorted
}

test_without_epochs_it_is_noticed_too() {
	moving_topology out.log off
	seq 1 1000 >logs/a.log
	start_sluice -c move.yaml
	wait_until 20 have_lines 1000 out.log
	mv out.log old.log
	wait_until 30 says 'output was moved away or deleted, going on in a new file'
	seq 1001 2000 >>logs/a.log
	wait_until 20 have_lines 2000 old.log out.log
	stop_sluice
	assert_status 0
	cat old.log out.log >all.log
	seq 1 2000 >expected
	assert_same expected all.log
}

# Nothing is written to it between the two looks at what is committed of it: with a date in its path it is not even opened.
test_an_output_cut_by_others_before_a_kill_may_stay_so_for_a_run_that_writes_nothing_to_it() {
	moving_topology 'out-%Y.log' '{interval: 1h, bytes: 200B}'
	cat >>move.yaml <<-YAML
		  beside: {type: file, inputs: [more], path: beside.log}
	YAML
	sed -i "s|^sources: {in: .*|sources: {in: {type: file, paths: [logs/*]}, more: {type: file, paths: [more/*]}}|
		s|^sinks: {\(out: .*\)}\$|sinks:\n  \1|" move.yaml
	mkdir more
	seq 1 100 >logs/a.log
	start_sluice -c move.yaml
	local out
	wait_until 20 is_committed 'committed 292'
	out=$(echo out-*.log)
	: >"$out"
	wait_until 20 says 'output was cut by somebody else'
	stop_sluice KILL
	seq 1 100 >more/b.log
	run_sluice --once -c move.yaml
	assert_status 0
	seq 101 110 >>logs/a.log
	run_sluice --once -c move.yaml
	assert_status 0
	assert_never_said ' error '
	assert_same <(seq 101 110) "$out"
	assert_same <(seq 1 100) beside.log
}
