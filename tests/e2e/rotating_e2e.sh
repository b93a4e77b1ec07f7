# Outputs that rotate, compressed outputs, and dates in paths.
# shellcheck shell=bash

rotating_topology() { # PATH ROTATE [COMPRESSION]
	cat >rotate.yaml <<-YAML
		sources: {in: {type: file, paths: ["$INPUT/one.log"]}}
		sinks:
		  out:
		    type: file
		    inputs: [in]
		    path: $1
		    rotate: $2
		    ${3:+compression: $3}
	YAML
}

# Oldest first: by modification time and, within one, by name.
in_order() {
	find result -type f -printf '%T@ %p\n' | sort -n -k 1,1 -k 2,2V | cut -d ' ' -f 2-
}

test_rotation_by_size_keeps_every_line_in_order() {
	mkdir result
	rotating_topology result/out.log '{size: 1MiB}'
	run_sluice --once -c rotate.yaml
	assert_status 0
	mapfile -t files < <(in_order)
	[ ${#files[@]} -ge $((BYTES / 1048576 - 1)) ] || fail "only ${#files[@]} files"
	cat "${files[@]}" >all.log
	assert_same "$INPUT/one.log" all.log
	local file
	for file in "${files[@]}"; do
		[ "$(stat -c %s "$file")" -le $((2 * 1048576)) ] || fail "$file is too big"
		[ "$(tail -c 1 "$file" | od -An -tx1)" = " 0a" ] || fail "$file ends within a line"
	done
}

test_rotated_zst_files_are_each_whole() {
	mkdir result
	rotating_topology result/out.log.zst '{size: 1MiB}' '{type: zstd, level: 1}'
	for _ in 1 2 3; do # the later ones go on where the one before ended
		run_sluice --once -c rotate.yaml
		assert_status 0
		cat "$INPUT/one.log" >>expected
	done
	mapfile -t files < <(in_order)
	[ ${#files[@]} -ge 2 ] || fail "only ${#files[@]} file"
	zstd -qt "${files[@]}" || fail "zstd does not accept one of them"
	zstd -qdc "${files[@]}" >all.log
	assert_same expected all.log
}

test_rotation_by_interval_starts_a_new_file() {
	mkdir logs result
	cat >rotate.yaml <<-YAML
		sources: {in: {type: file, paths: ["logs/*.log"]}}
		sinks: {out: {type: file, inputs: [in], path: result/out.log, rotate: {interval: 1s}}}
	YAML
	: >expected
	start_sluice -c rotate.yaml
	several_files_came() {
		echo "a line" | tee -a expected >>logs/a.log
		[ "$(find result -type f | wc -l)" -ge 3 ]
	}
	wait_until 20 several_files_came
	written=$(wc -l <expected)
	all_came() {
		[ "$(find result -type f -exec cat {} + | wc -l)" -eq "$written" ]
	}
	wait_until 10 all_came
	stop_sluice
	assert_status 0
	find result -type f -exec cat {} + >all.log
	assert_same expected all.log
}

test_a_date_in_the_path_makes_its_folders() {
	cat >dated.yaml <<-YAML
		sources: {in: {type: file, paths: ["$INPUT/small.log"]}}
		sinks: {out: {type: file, inputs: [in], path: 'result/%Y/%m-%d/out.log'}}
	YAML
	mkdir result
	local before after
	before=$(date -u +%Y/%m-%d)
	run_sluice --once -c dated.yaml
	after=$(date -u +%Y/%m-%d)
	assert_status 0
	local file
	file=$(find result -name out.log)
	[ "$file" = "result/$before/out.log" ] || [ "$file" = "result/$after/out.log" ] || fail "it is in $file"
	assert_same "$INPUT/small.log" "$file"
}

test_a_followed_zst_output_is_whole_after_sigterm() {
	mkdir logs
	cat >zst.yaml <<-YAML
		sources: {in: {type: file, paths: ["logs/*.log"]}}
		sinks: {out: {type: file, inputs: [in], path: result.zst, compression: {type: zstd, workers: 2}}}
	YAML
	start_sluice -c zst.yaml
	cp "$INPUT/small.log" logs/a.log
	output_has_begun() { [ -s result.zst ]; }
	wait_until 10 output_has_begun
	stop_sluice
	assert_status 0
	zstd -qt result.zst || fail "zstd does not accept it"
	zstd -qdc result.zst >result.log
	[ -s result.log ] || fail "it holds no record"
	cmp -n "$(stat -c %s result.log)" "$INPUT/small.log" result.log
}

# They sort by name alone, however many there are in a second; as fast as files can be made.
test_thousands_of_files_in_a_second_stay_in_order() {
	mkdir result
	seq 10000 14999 >in.log
	cat >rotate.yaml <<-YAML
		sources: {in: {type: file, paths: [in.log]}}
		sinks: {out: {type: file, inputs: [in], path: result/out.log, rotate: {size: 6B}}}
	YAML
	run_sluice --once -c rotate.yaml
	assert_status 0
	mv result/out.log result/outz.log # the last one, which the others' dot sorts before
	cat result/*.log >all.log
	assert_same in.log all.log
	[ "$(find result -type f | wc -l)" -eq 5000 ] || fail "not a file for each line"
	[ "$SLOW" -gt 1 ] || compgen -G 'result/out.*_999_*.log' >all || skip "no thousand files within a second here"
}
