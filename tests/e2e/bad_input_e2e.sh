# Bad input, and what it gets.
# shellcheck shell=bash

file_to_file() { # PATHS (a YAML list) [SOURCE OPTIONS...]
	local paths=$1
	shift
	{
		echo "memory: 64MiB"
		echo "sources:"
		echo "  in:"
		echo "    type: file"
		echo "    paths: $paths"
		[ $# -eq 0 ] || printf '    %s\n' "$@"
		echo "sinks: {out: {type: file, inputs: [in], path: result.log}}"
	} >bad.yaml
}

test_a_missing_file_is_told_once_and_the_others_go_on() {
	file_to_file "[missing.log, $INPUT/small.log]"
	run_sluice --once -c bad.yaml
	assert_status 1
	assert_same "$INPUT/small.log" result.log
	assert_said_times 1 'missing\.log.*(No such file|ENOENT|not found|missing)'
}

test_an_unreadable_file_is_told_once_and_the_others_go_on() {
	need_nobody
	mkdir -m 777 here
	cp "$INPUT/small.log" here/1.log
	echo secret >here/2.log
	chmod 000 here/2.log
	cp "$INPUT/small.log" here/3.log
	cat >bad.yaml <<-YAML
		sources: {in: {type: file, paths: ["here/*.log"]}}
		sinks: {out: {type: file, inputs: [in], path: here/result}}
		epoch: off
	YAML
	chmod 644 bad.yaml here/1.log here/3.log
	status=0
	as_nobody "$SLUICE" run --once -c bad.yaml >out 2>err || status=$?
	assert_status 1
	cat "$INPUT/small.log" "$INPUT/small.log" | sort >expected
	sort here/result | cmp - expected || fail "the other two did not come out whole"
	assert_said_times 1 '2\.log.*(Permission denied|EACCES)'
}

test_a_directory_among_the_paths_is_told_and_the_others_go_on() {
	mkdir folder.log
	file_to_file "[folder.log, $INPUT/small.log]"
	run_sluice --once -c bad.yaml
	assert_same "$INPUT/small.log" result.log
	assert_said 'folder\.log'
}

test_nothing_matched_is_an_error_with_once() {
	file_to_file '["nowhere/*.log"]'
	run_sluice --once -c bad.yaml
	assert_status 1
	assert_said 'nowhere/\*\.log'
}

# A hard link is what the check of the topology does not see.
test_a_sink_that_writes_to_what_is_being_read_ends_with_once() {
	cp "$INPUT/small.log" in.log
	echo old >result.log
	ln result.log another.log
	file_to_file '[in.log, another.log]'
	run_sluice --once -c bad.yaml
	assert_status 0
	[ "$(wc -l <result.log)" -le 8002 ] || fail "$(wc -l <result.log) lines"
	[ "$(grep -cx old result.log)" -eq 2 ] || fail "what was there before was not read once"
}

test_a_device_that_gives_nothing_gives_no_record_and_no_error() {
	file_to_file '[/dev/null]'
	run_sluice --once -c bad.yaml
	assert_status 0
	file_to_file '[/dev/stdin]'
	run_sluice --once -c bad.yaml </dev/null
	assert_status 0
	[ ! -s result.log ] || fail "something came out"
}

test_a_pipe_that_wildcards_match_is_passed_over() {
	mkdir in
	mkfifo in/pipe
	cp "$INPUT/small.log" in/a.log
	file_to_file '["in/*"]'
	run_sluice --once -c bad.yaml
	assert_status 0
	assert_same "$INPUT/small.log" result.log
}

test_gzip_files_are_read_as_what_they_hold_whatever_they_are_made_of() {
	local half
	half=$(($(stat -c %s "$INPUT/one.log") / 2))
	head -c $half "$INPUT/one.log" | gzip -1 >a.log.gz
	gzip </dev/null >>a.log.gz
	tail -c +$((half + 1)) "$INPUT/one.log" | gzip -9 >>a.log.gz
	head -c 5000 /dev/zero >>a.log.gz
	gzip -c "$INPUT/small.log" >named-otherwise
	gzip </dev/null >z-empty.gz
	file_to_file '[a.log.gz, named-otherwise, z-empty.gz]'
	local io
	for io in uring plain; do
		rm -f result.log
		run_sluice --once --io $io -c bad.yaml
		assert_status 0
		cat "$INPUT/one.log" "$INPUT/small.log" | cmp - result.log
	done
}

test_a_gzip_file_that_is_cut_gives_the_lines_before_the_cut_and_the_others_go_on() {
	gzip -c "$INPUT/one.log" >whole.gz
	head -c $(($(stat -c %s whole.gz) / 2)) whole.gz >a.gz
	gzip -c "$INPUT/small.log" >b.gz
	file_to_file '[a.gz, b.gz]'
	run_sluice --once -c bad.yaml
	assert_status 1
	assert_said_times 1 "path=a\\.gz offset=$(stat -c %s a.gz) error=\"it ends within what is compressed\""
	local lines
	lines=$(($(wc -l <result.log) - 4000))
	[ $lines -gt 1000 ] || fail "only $lines lines before the cut"
	head -n $lines "$INPUT/one.log" | cat - "$INPUT/small.log" | cmp - result.log
}

test_a_gzip_file_with_a_bit_turned_over_is_told_with_its_place() {
	gzip -c "$INPUT/one.log" >a.gz
	local size byte
	size=$(stat -c %s a.gz)
	byte=$(od -An -tu1 -j $((size - 6)) -N 1 a.gz) # of the checksum, so that all before it is sound
	printf "\\x$(printf %x $((byte ^ 16)))" | dd of=a.gz bs=1 seek=$((size - 6)) conv=notrunc status=none
	file_to_file '[a.gz]'
	run_sluice --once -c bad.yaml
	assert_status 1
	assert_said_times 1 'path=a\.gz offset=[0-9]+ error="incorrect data check"'
	assert_same "$INPUT/one.log" result.log
}

test_an_empty_file_gives_nothing_and_no_error() {
	: >empty.log
	file_to_file '[empty.log]'
	run_sluice --once -c bad.yaml
	assert_status 0
	[ ! -s result.log ] || fail "something came out"
}

test_a_last_line_without_newline_comes_out_with_one() {
	printf 'one\ntwo' >in.log
	file_to_file '[in.log]'
	run_sluice --once -c bad.yaml
	assert_status 0
	printf 'one\ntwo\n' >expected
	assert_same expected result.log
}

test_empty_lines_come_through() {
	printf '\n\na\n\n' >in.log
	file_to_file '[in.log]'
	run_sluice --once -c bad.yaml
	assert_same in.log result.log
}

# Lines around the limit, and far over it: what stands within 1,024 bytes is as it was.
make_long_lines() {
	awk 'BEGIN {
		split("0 1 1023 1024 1025 2048 2049 100000 5 5000000 7", lengths, " ")
		for (i = 1; i <= 11; i++) {
			line = ""
			for (n = lengths[i]; n > 0; n -= length(piece)) {
				piece = substr("abcdefghijklmnopqrstuvwxyz0123456789" i, 1, n)
				if (n > 100000 && length(block) == 0)
					block = big()
				if (n > 100000)
					piece = block
				printf "%s", piece
			}
			print ""
		}
	}
	function big(    s) {
		s = "0123456789"
		while (length(s) < 65536)
			s = s s
		return substr(s, 1, 65536)
	}' >in.log
}

test_long_lines_are_truncated_and_counted() {
	make_long_lines
	file_to_file '[in.log]' 'max_line: 1KiB' 'on_long_line: truncate'
	run_sluice --once -c bad.yaml
	assert_status 0
	cut -b 1-1024 in.log >expected
	assert_same expected result.log
	assert_said 'truncated[^0-9]*5\b|\b5 [a-z ]*truncated'
	assert_said_times 1 'warn in: line longer than max_line path=in\.log offset=2052 max_line=1KiB on_long_line=truncate$'
}

test_long_lines_are_dropped_and_counted() {
	make_long_lines
	file_to_file '[in.log]' 'max_line: 1KiB' 'on_long_line: drop'
	run_sluice --once -c bad.yaml
	assert_status 0
	awk 'length($0) <= 1024' in.log >expected
	assert_same expected result.log
	assert_said 'dropped[^0-9]*5\b|\b5 [a-z ]*dropped'
	assert_said_times 1 'warn in: line longer than max_line path=in\.log offset=2052 max_line=1KiB on_long_line=drop$'
}

test_long_lines_are_split_and_counted() {
	make_long_lines
	file_to_file '[in.log]' 'max_line: 1KiB' 'on_long_line: split'
	run_sluice --once -c bad.yaml
	assert_status 0
	fold -b -w 1024 in.log >expected
	assert_same expected result.log
	assert_said 'split[^0-9]*5\b|\b5 [a-z ]*split'
	assert_said_times 1 'warn in: line longer than max_line path=in\.log offset=2052 max_line=1KiB on_long_line=split$'
}

test_a_long_line_is_told_with_its_file_and_offset() {
	{
		seq 1 100000
		head -c 3000 /dev/zero | tr '\0' x
		echo
		seq 1 5
	} >long.log
	local offset
	offset=$(seq 1 100000 | wc -c)
	printf '%s\n' 'sources: {in: {type: stdin, max_line: 1KiB}}' \
		'sinks: {out: {type: blackhole, inputs: [in]}}' >stdin.yaml
	run_sluice --once -c stdin.yaml < <(
		head -c 100 long.log
		tail -c +101 long.log
	)
	assert_status 0
	assert_said "line longer than max_line path=.standard input. offset=$offset "
	seq 1 10 >first.log
	file_to_file '[first.log, long.log]' 'max_line: 1KiB' 'read_from: beginning'
	run_sluice --once -c bad.yaml
	assert_status 0
	assert_said "line longer than max_line path=long\\.log offset=$offset "
	gzip long.log
	file_to_file '[long.log.gz]' 'max_line: 1KiB' 'read_from: beginning'
	run_sluice --once -c bad.yaml
	assert_status 0
	assert_said "line longer than max_line path=long\\.log\\.gz max_line"
}

# A line of 1 GiB, NUL bytes in a file with holes, between two ordinary ones.
make_endless_line() {
	echo before >in.log
	truncate -s 1G in.log
	printf '\nafter\n' >>in.log
}

test_a_gibibyte_line_is_truncated_within_the_budget() {
	need_unsanitized
	make_endless_line
	file_to_file '[in.log]' 'max_line: 1MiB' 'on_long_line: truncate'
	run_sluice --once -c bad.yaml
	assert_status 0
	{
		echo before
		head -c 1MiB /dev/zero
		printf '\nafter\n'
	} >expected
	assert_same expected result.log
	assert_under_kib $((96 * 1024)) "$(cat peak)"
}

test_a_gibibyte_line_is_dropped_within_the_budget() {
	need_unsanitized
	make_endless_line
	file_to_file '[in.log]' 'max_line: 1MiB' 'on_long_line: drop'
	run_sluice --once -c bad.yaml
	assert_status 0
	printf 'before\nafter\n' >expected
	assert_same expected result.log
	assert_under_kib $((96 * 1024)) "$(cat peak)"
}

test_a_gibibyte_line_is_split_within_the_budget() {
	need_unsanitized
	make_endless_line
	file_to_file '[in.log]' 'max_line: 1MiB' 'on_long_line: split'
	run_sluice --once -c bad.yaml
	assert_status 0
	# 1 GiB less the first line, in pieces of 1 MiB and a last one that is shorter
	[ "$(wc -l <result.log)" -eq 1026 ] || fail "$(wc -l <result.log) lines"
	[ "$(tr -d '\n' <result.log | wc -c)" -eq $((1024 * 1024 * 1024 - 7 + 11)) ] || fail "bytes are missing"
	assert_under_kib $((96 * 1024)) "$(cat peak)"
}

test_a_gibibyte_line_from_a_pipe_stays_within_the_budget() {
	need_unsanitized
	cat >bad.yaml <<-YAML
		memory: 64MiB
		sources: {in: {type: stdin}}
		sinks: {out: {type: file, inputs: [in], path: result.log}}
	YAML
	status=0
	{
		head -c 1GiB /dev/zero
		printf '\nafter\n'
	} | /usr/bin/time -q -f %M -o peak "$SLUICE" run --once -c bad.yaml >out 2>err || status=$?
	assert_status 0
	[ "$(tail -n 1 result.log)" = after ] || fail "the line after it is missing"
	assert_under_kib $((96 * 1024)) "$(cat peak)"
}

test_a_corrupt_zst_gives_what_stood_before_the_damage_and_the_place() {
	head -n 2000 "$INPUT/small.log" >good.log
	zstd -q good.log -o in.log.zst
	local damage
	damage=$(stat -c %s in.log.zst)
	printf 'this is not a frame' >>in.log.zst
	file_to_file '[in.log.zst]'
	run_sluice --once -c bad.yaml
	assert_status 1
	assert_same good.log result.log
	assert_said "in\\.log\\.zst.*\\b$damage\\b"
}

test_a_zst_damaged_in_the_middle_gives_no_wrong_line() {
	zstd -q --no-check "$INPUT/one.log" -o in.log.zst
	local middle=$(($(stat -c %s in.log.zst) / 2))
	head -c 4096 /dev/zero | tr '\0' '\377' | dd of=in.log.zst bs=1 seek=$middle conv=notrunc status=none
	file_to_file '[in.log.zst]'
	run_sluice --once -c bad.yaml
	assert_status 1
	assert_said 'in\.log\.zst'
	# the block that holds the damage is 128 KiB at most; all before it is right
	local right=$((BYTES / 2 - BYTES / 16))
	cmp -n $right "$INPUT/one.log" result.log || fail "what stood before the damage is not there"
}

test_a_truncated_zst_gives_what_stood_before_the_end_and_the_place() {
	zstd -q "$INPUT/one.log" -o whole.zst
	local cut=$(($(stat -c %s whole.zst) / 2))
	head -c $cut whole.zst >in.log.zst
	file_to_file '[in.log.zst]'
	run_sluice --once -c bad.yaml
	assert_status 1
	assert_said "in\\.log\\.zst.*\\b$cut\\b"
	zstd -qdc in.log.zst >recovered 2>/dev/null || true
	sed '$d' recovered >lines # zstd's last line may be cut short
	cmp -n "$(stat -c %s lines)" "$INPUT/one.log" result.log || fail "less came out than zstd recovers"
}

test_a_zst_that_is_none_is_told_with_its_name() {
	cp "$INPUT/small.log" in.log.zst
	file_to_file "[in.log.zst, $INPUT/small.log]" 'compression: zstd'
	run_sluice --once -c bad.yaml
	assert_status 1
	assert_said 'in\.log\.zst'
}

test_an_output_directory_that_is_missing_is_a_clear_error() {
	cat >bad.yaml <<-YAML
		sources: {in: {type: file, paths: ["$INPUT/small.log"]}}
		sinks: {out: {type: file, inputs: [in], path: no/such/folder/result.log}}
	YAML
	run_sluice --once -c bad.yaml
	assert_status 74
	assert_said_times 1 'no/such/folder.*No such file.*cure="make it'
	assert_said_times 1 ' error '
	assert_said 'stopping reason="out failed"'
}

test_a_failure_is_told_once() {
	mkdir folder
	local paths path
	for path in folder in.log/result.log; do # a directory; a file in the place of one
		echo line >in.log
		cat >bad.yaml <<-YAML
			sources: {in: {type: file, paths: [in.log]}}
			sinks: {out: {type: file, inputs: [in], path: $path}}
		YAML
		run_sluice --once -c bad.yaml
		assert_status 74
		assert_said_times 1 " error out: .*path=$path "
		assert_said_times 1 ' error '
	done
	for paths in '[gone.log]' '["gone/*.log"]'; do
		file_to_file "$paths"
		run_sluice --once -c bad.yaml
		assert_status 1
		assert_said_times 1 ' error '
	done
}

test_an_output_directory_that_is_not_writable_is_a_clear_error() {
	need_nobody
	mkdir -m 555 locked
	cat >bad.yaml <<-YAML
		sources: {in: {type: stdin}}
		sinks: {out: {type: file, inputs: [in], path: locked/result.log}}
		epoch: off
	YAML
	chmod 644 bad.yaml
	status=0
	echo line | as_nobody "$SLUICE" run --once -c bad.yaml >out 2>err || status=$?
	[ "$status" -eq 1 ] || [ "$status" -eq 74 ] || fail "exit code $status"
	assert_said 'locked/result\.log.*(Permission denied|EACCES)'
}

test_a_full_disk_is_waited_for_and_nothing_is_lost() {
	mkdir disk
	mount -t tmpfs -o size=8m tmpfs disk 2>/dev/null || skip "may not mount a small file system"
	trap 'kill -KILL "$sluice_pid" 2>/dev/null || true; umount -l disk' EXIT
	head -c 6MiB /dev/zero >disk/filler
	head -c 4MiB "$INPUT/one.log" | sed '$d' >in.log
	cat >full.yaml <<-YAML
		sources: {in: {type: file, paths: [in.log]}}
		sinks: {out: {type: file, inputs: [in], path: disk/result.log}}
	YAML
	"$SLUICE" run --once -c full.yaml >out 2>err &
	sluice_pid=$!
	wait_until 20 says 'No space left|ENOSPC|full'
	is_running || fail "it gave up"
	rm disk/filler
	await_end 60
	assert_status 0
	assert_same in.log disk/result.log
}

test_a_failed_output_behind_a_filter_that_passes_nothing_ends_a_followed_run() {
	echo something >in.log
	cat >f.yaml <<-'YAML'
		sources: {in: {type: file, paths: [in.log]}}
		transforms: {f: {type: filter, inputs: [in], contains: never}}
		sinks: {out: {type: file, inputs: [f], path: missing/out.log}}
	YAML
	start_sluice -c f.yaml
	await_end 10
	assert_status 74
}
