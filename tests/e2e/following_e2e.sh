# Following files: lines arrive once, in order and soon, whatever happens to the files meanwhile.
# shellcheck shell=bash

follow_topology() { # PATHS [SOURCE OPTIONS...]
	local paths=$1
	shift
	mkdir -p logs result
	{
		echo "sources:"
		echo "  in:"
		echo "    type: file"
		echo "    paths: $paths"
		[ $# -eq 0 ] || printf '    %s\n' "$@"
		echo "sinks: {out: {type: file, inputs: [in], path: result/all.log}}"
	} >follow.yaml
}

# A line of its own shows that what stood there before has been taken up.
start_following() {
	start_sluice -c follow.yaml
	wait_until 20 has_lines result/all.log 1
}

assert_result() { # LINES...
	assert_status 0
	printf '%s\n' "$@" >expected
	assert_same expected result/all.log
}

test_followed_lines_arrive_once_in_order_and_soon() {
	local lines=10000 seconds=2 limit_us=0
	if [ "$FULL" = 1 ]; then
		lines=100000 seconds=20 limit_us=5000
		sync # gigabytes that the tests before left to be written back would be measured as ours
	fi
	follow_topology '["logs/*.log"]'
	start_sluice -c follow.yaml
	"$TOOLS/e2e/follow_reader" result/all.log $lines $((seconds * 3 * SLOW + 20)) $limit_us >figures 2>complaint &
	local reader=$! reader_status=0
	"$TOOLS/e2e/follow_writer" logs 50 $lines $seconds
	wait_until 20 has_lines result/all.log $lines
	stop_sluice
	assert_status 0
	wait $reader || reader_status=$?
	cat figures complaint
	[ $reader_status -eq 0 ] || fail "$(cat complaint)"
	[ "$(wc -l <result/all.log)" -eq $lines ] || fail "lines came after the last one"
}

records_read_of() { # SOURCE: as SIGUSR1 last told
	sed -n "s/.* stage name=$1 .*records_in=\([0-9]*\).*/\1/p" err | tail -n 1
}

has_read() { # SOURCE N
	kill -USR1 "$sluice_pid"
	[ "$(records_read_of "$1")" -ge "$2" ] 2>/dev/null
}

test_sigterm_drains_what_had_been_read() {
	follow_topology '["logs/*.log"]'
	cp "$INPUT/one.log" logs/a.log
	mkfifo result/all.log
	start_sluice -c follow.yaml
	wait_until 20 says 'waiting for a reader' # all that is read stays in the queue
	wait_until 20 has_read in 2000
	kill -TERM "$sluice_pid"
	wait_until 20 says stopping
	cat result/all.log >drained &
	local reader=$!
	await_end 60
	assert_status 0
	wait $reader
	# what it had not yet read is for the next run; what it had read is out, in whole lines and in order
	local read
	read=$(sed -n 's/.*: in \([0-9]*\) records .*/\1/p' err)
	[ "$read" -ge 2000 ] || fail "the summary tells of $read records"
	head -n "$read" "$INPUT/one.log" >expected
	assert_same expected drained
}

test_sigint_ends_it_as_sigterm_does() {
	follow_topology '["logs/*.log"]'
	echo start >logs/a.log
	start_following
	stop_sluice INT
	assert_status 0
	assert_result start
}

test_a_new_file_under_the_glob_is_taken_up() {
	follow_topology '["logs/*.log"]'
	echo one >logs/a.log
	start_following
	echo two >logs/b.log
	wait_until 10 has_lines result/all.log 2
	echo ignored >logs/c.txt
	echo three >>logs/b.log
	wait_until 10 has_lines result/all.log 3
	stop_sluice
	assert_result one two three
}

test_a_new_folder_under_a_double_star_is_taken_up() {
	follow_topology '["logs/**/*.log"]'
	echo one >logs/a.log
	start_following
	mkdir -p logs/x/y
	echo two >logs/x/y/b.log
	wait_until 10 has_lines result/all.log 2
	echo three >>logs/x/y/b.log
	wait_until 10 has_lines result/all.log 3
	stop_sluice
	assert_result one two three
}

test_a_glob_whose_folder_comes_later_is_taken_up() {
	follow_topology '["logs/*.log", "later/*.log"]'
	echo one >logs/a.log
	start_following
	mkdir later
	echo two >later/b.log
	wait_until 10 has_lines result/all.log 2
	stop_sluice
	assert_result one two
}

test_a_renamed_file_is_read_to_its_end_and_the_new_one_from_its_start() {
	follow_topology '["logs/a.log"]'
	echo one >logs/a.log
	start_following
	exec 8>>logs/a.log
	mv logs/a.log logs/a.log.1
	echo two >&8
	wait_until 10 has_lines result/all.log 2
	echo three >logs/a.log
	wait_until 10 has_lines result/all.log 3
	exec 8>&-
	echo four >>logs/a.log
	wait_until 10 has_lines result/all.log 4
	stop_sluice
	assert_result one two three four
}

test_a_renamed_file_that_still_matches_is_not_read_again() {
	follow_topology '["logs/a.log*"]'
	echo one >logs/a.log
	start_following
	mv logs/a.log logs/a.log.1
	echo two >logs/a.log
	wait_until 10 has_lines result/all.log 2
	echo three >>logs/a.log.1
	wait_until 10 has_lines result/all.log 3
	stop_sluice
	assert_result one two three
}

test_a_truncated_file_starts_anew_and_is_told() {
	follow_topology '["logs/a.log"]'
	printf 'one\ntwo\nthree\n' >logs/a.log
	start_following
	wait_until 10 has_lines result/all.log 3
	: >logs/a.log
	echo four >>logs/a.log
	wait_until 10 has_lines result/all.log 4
	stop_sluice
	assert_result one two three four
	assert_said 'truncated'
}

test_a_deleted_file_is_finished_and_its_successor_taken_up() {
	follow_topology '["logs/a.log"]'
	echo one >logs/a.log
	start_following
	exec 8>>logs/a.log
	echo two >&8
	rm logs/a.log
	exec 8>&-
	wait_until 10 has_lines result/all.log 2
	echo three >logs/a.log
	wait_until 10 has_lines result/all.log 3
	stop_sluice
	assert_result one two three
}

test_read_from_end_leaves_out_what_was_there() {
	follow_topology '["logs/*.log"]' 'read_from: end'
	echo old >logs/a.log
	start_sluice -c follow.yaml
	# a line a look, until one comes through: then the file is being followed from its end
	follows() {
		echo new >>logs/a.log
		has_lines result/all.log 1
	}
	wait_until 10 follows
	stop_sluice
	assert_status 0
	! grep -q old result/all.log || fail "what was there before came out"
}

test_a_line_written_in_pieces_comes_out_as_one() {
	follow_topology '["logs/a.log"]'
	echo start >logs/a.log
	start_following
	printf 'in ' >>logs/a.log
	echo other >logs/b.log # unrelated; the pieces are written at different moments
	printf 'three ' >>logs/a.log
	hold 0.2
	printf 'pieces\n' >>logs/a.log
	wait_until 10 has_lines result/all.log 2
	stop_sluice
	assert_result start 'in three pieces'
}

# As SIGUSR1 tells: of the source a line read, of the sink a line stored, and how long that took.
figures_are_told() {
	kill -USR1 "$sluice_pid"
	says 'info stage name=in records_in=2 bytes_in=10 records_out=2 .* files=2 files_truncated=1 ' &&
		says 'info stage name=out records_in=2 .* records_out=2 bytes_out=10 .* errors=0 retries=0 .* latency_max_us=[1-9]'
}

test_sigusr1_tells_the_figures_of_every_stage_and_the_summary_of_truncated_files() {
	follow_topology '["logs/*.log"]'
	echo first >logs/a.log
	: >logs/b.log
	start_following
	: >logs/a.log
	echo two >>logs/b.log
	wait_until 20 has_lines result/all.log 2
	wait_until 20 figures_are_told
	stop_sluice
	assert_result first two
	assert_said 'dropped 0, files truncated 1, '
}

test_sigusr1_tells_of_every_worker_and_goes_on() {
	follow_topology '["logs/*.log"]'
	echo one >logs/a.log
	start_following
	kill -USR1 "$sluice_pid"
	wait_until 10 says 'worker name=in state='
	wait_until 10 says 'worker name=out state='
	echo two >>logs/a.log
	wait_until 10 has_lines result/all.log 2
	stop_sluice
	assert_status 0
	assert_result one two
}
