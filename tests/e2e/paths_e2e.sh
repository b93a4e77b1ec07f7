# The main paths, each over one file and over a hundred, plain and with workers, with both I/O backends; and what
# grep, cat and zstd say of them.
# shellcheck shell=bash

literal='" 500 '

# copy: with workers there must be a stage to have them, so a filter that keeps everything.
write_topology() { # KIND INPUT WORKERS
	local paths=$INPUT/one.log
	[ "$2" = one_file ] || paths="$INPUT/many/*.log"
	local keep="contains: '$literal'"
	[ "$1" = filter ] || keep="contains: req="
	local workers="" inputs=in
	[ "$3" -eq 1 ] || workers="workers: $3"
	cat <<-YAML
		sources:
		  in:
		    type: file
		    paths: ["$paths"]
	YAML
	if [ "$1" = filter ] || [ "$3" -gt 1 ]; then
		inputs=kept
		cat <<-YAML
			transforms:
			  kept:
			    type: filter
			    inputs: [in]
			    $keep
			    $workers
		YAML
	fi
	cat <<-YAML
		sinks:
		  out:
		    type: file
		    inputs: [$inputs]
		    path: result.log
	YAML
	[ "$1" != zstd ] || echo "    compression: {type: zstd, level: 3, workers: $3}"
}

what_should_come() { # KIND FILE
	if [ "$1" = filter ]; then
		grep -F -- "$literal" "$2" || [ $? -eq 1 ]
	else
		cat "$2"
	fi
}

each_file_is_whole_and_in_order() { # KIND
	local file
	split_by_stream result.log split
	for file in "$INPUT"/many/*.log; do
		what_should_come "$1" "$file" >expected.log
		touch "split/${file##*/}" # none of its lines may have been kept
		assert_same expected.log "split/${file##*/}"
	done
}

comes_out_right() { # KIND INPUT VARIANT
	local workers=1 arguments=()
	case $3 in
	two_workers) workers=2 ;;
	plain_io) arguments=(--io plain) ;;
	esac
	write_topology "$1" "$2" $workers >paths.yaml
	run_sluice --once "${arguments[@]}" -c paths.yaml
	assert_status 0
	if [ "$1" = zstd ]; then
		zstd -qt result.log || fail "zstd -t does not accept the output"
		mv result.log result.log.zst
		zstd -qd --rm result.log.zst
	fi
	if [ "$2" = one_file ]; then
		what_should_come "$1" "$INPUT/one.log" >expected.log
		assert_same expected.log result.log
	else
		each_file_is_whole_and_in_order "$1"
	fi
}

for kind in copy filter zstd; do
	for input in one_file a_hundred_files; do
		for variant in default two_workers plain_io; do
			eval "test_${kind}_of_${input}_with_${variant}_is_right() {
				comes_out_right $kind $input $variant
			}"
		done
	done
done

test_a_second_run_appends_to_the_output() {
	cat >twice.yaml <<-YAML
		sources: {in: {type: file, paths: ["$INPUT/small.log"]}}
		sinks: {out: {type: file, inputs: [in], path: result.log}}
	YAML
	run_sluice --once -c twice.yaml
	assert_status 0
	assert_same "$INPUT/small.log" result.log
	run_sluice --once -c twice.yaml
	assert_status 0
	cat "$INPUT/small.log" "$INPUT/small.log" >expected.log
	assert_same expected.log result.log
}

test_a_zst_input_is_read_as_what_it_holds() {
	zstd -q -3 "$INPUT/one.log" -o in.log.zst
	cat >zst.yaml <<-YAML
		sources: {in: {type: file, paths: [in.log.zst]}}
		sinks: {out: {type: file, inputs: [in], path: result.log}}
	YAML
	run_sluice --once -c zst.yaml
	assert_status 0
	assert_same "$INPUT/one.log" result.log
}

test_a_zst_input_of_many_frames_is_read_to_its_end() {
	head -n 1000 "$INPUT/small.log" | zstd -q -1 >in.log.zst
	head -n 3000 "$INPUT/small.log" | tail -n 2000 | zstd -q -19 >>in.log.zst
	zstd -q </dev/null >>in.log.zst
	tail -n 1000 "$INPUT/small.log" | zstd -q --no-check >>in.log.zst
	cat >zst.yaml <<-YAML
		sources: {in: {type: file, paths: ["*.zst"]}}
		sinks: {out: {type: file, inputs: [in], path: result.log}}
	YAML
	run_sluice --once -c zst.yaml
	assert_status 0
	assert_same "$INPUT/small.log" result.log
}

test_a_double_star_glob_finds_files_at_every_depth_and_exclude_leaves_out() {
	mkdir -p logs/a/b
	echo one >logs/1.log
	echo two >logs/a/2.log
	echo three >logs/a/b/3.log
	echo no >logs/a/b/4.log.tmp
	echo neither >logs/a/skip.log
	cat >glob.yaml <<-YAML
		sources: {in: {type: file, paths: ["logs/**/*"], exclude: ["*.tmp", "skip.*"]}}
		sinks: {out: {type: file, inputs: [in], path: result.log}}
	YAML
	run_sluice --once -c glob.yaml
	assert_status 0
	[ "$(sort result.log | tr '\n' ' ')" = "one three two " ] || fail "got: $(cat result.log)"
}

test_a_sink_that_feeds_its_source_through_a_bind_mount_is_refused() {
	mkdir -p 'logs/in to' out/deep
	mount --bind out 'logs/in to' 2>/dev/null || skip "may not mount a directory (needs root)"
	trap 'umount -l "logs/in to"' EXIT
	looping_topology() { # PATTERN PATH
		cat >loop.yaml <<-YAML
			sources: {in: {type: file, paths: ["$1"]}}
			sinks: {out: {type: file, inputs: [in], path: "$2"}}
		YAML
		status=0
		"$SLUICE" check -c loop.yaml >out.txt 2>err || status=$?
	}
	local pair
	for pair in 'logs/in to/*.log:out/x.log' 'logs/**/*.log:out/deep/x.log' \
		'out/*.log:logs/in to/x.log' 'out/**/*.log:logs/in to/deep/x.log'; do
		looping_topology "${pair%%:*}" "${pair#*:}"
		assert_status 78
		assert_said 'it would feed itself'
	done
	looping_topology 'logs/*.log' 'out/x.log'
	assert_status 0
	looping_topology 'logs/in to/*.log' 'elsewhere/x.log'
	assert_status 0
}
