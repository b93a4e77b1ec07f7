# Who may write what: one writer for each output, and nothing that feeds itself.
# shellcheck shell=bash

refused_by_check_and_run() { # FILE EXTENDED-REGEX
	status=0
	"$SLUICE" check -c "$1" >out 2>err || status=$?
	assert_status 78
	assert_said "$2"
	run_sluice --once -c "$1"
	assert_status 78
	assert_said "$2"
}

test_two_stdins_and_two_stdouts_are_refused() {
	cat >t.yaml <<-YAML
		sources: {a: {type: stdin}, b: {type: stdin}}
		sinks: {x: {type: stdout, inputs: [a]}, y: {type: stdout, inputs: [b]}}
	YAML
	refused_by_check_and_run t.yaml '^t.yaml:1:29: `b`.*second `stdin`.*`a`'
	assert_said '^t.yaml:2:41: `y`.*second `stdout`.*`x`'
}

test_two_sinks_on_one_file_are_refused() {
	mkdir d
	ln -s d link
	cat >t.yaml <<-YAML
		sources: {a: {type: stdin}}
		sinks:
		  x: {type: file, inputs: [a], path: d/out.log}
		  y: {type: file, inputs: [a], path: $PWD/link//out.log}
	YAML
	refused_by_check_and_run t.yaml '^t.yaml:4:38: `y`.*`x`.*t.yaml:3:38'
	[ ! -e d/out.log ] || fail "it was made all the same"
}

test_a_sink_that_its_source_would_read_is_refused() {
	mkdir logs
	cp "$INPUT/small.log" logs/in.log
	cat >t.yaml <<-YAML
		sources: {in: {type: file, paths: ["logs/*.log"]}}
		transforms: {some: {type: filter, inputs: [in], contains: req=}}
		sinks: {out: {type: file, inputs: [some], path: $PWD/logs/out.log}}
	YAML
	refused_by_check_and_run t.yaml '^t.yaml:3:49: `out`.*`in`.*logs/\*\.log.*t.yaml:1:36'
	[ ! -e logs/out.log ] || fail "it was made all the same"
	sed -i 's/"logs.*log"]/&, exclude: [out.log]/' t.yaml
	run_sluice --once -c t.yaml
	assert_status 0
	assert_same logs/in.log logs/out.log
}

test_a_second_process_on_an_output_is_refused_before_it_wrote() {
	mkfifo in
	exec 9<>in
	cat >t.yaml <<-YAML
		sources: {in: {type: stdin}}
		sinks: {out: {type: file, inputs: [in], path: out.log}}
	YAML
	"$SLUICE" run -c t.yaml <in >first.out 2>first.err &
	sluice_pid=$!
	trap 'kill -KILL "$sluice_pid" 2>/dev/null || true' EXIT
	echo one >&9
	wait_until 10 has_lines out.log 1
	use_state
	status=0
	echo two | timeout $((20 * SLOW)) "$SLUICE" run --once -c t.yaml >out 2>err || status=$?
	assert_status 74
	assert_said_times 1 'info out: output in use, waiting for it path=out\.log seconds=2$'
	assert_said 'output in use by another process.*out\.log'
	echo three >&9
	wait_until 10 has_lines out.log 2
	stop_sluice
	exec 9>&-
	assert_status 0
	printf 'one\nthree\n' >expected
	assert_same expected out.log
}

test_a_sink_on_a_file_that_a_shell_holds_locked_is_refused() {
	: >out.log
	cat >t.yaml <<-YAML
		sources: {in: {type: file, paths: ["$INPUT/small.log"]}}
		sinks: {out: {type: file, inputs: [in], path: out.log}}
	YAML
	exec 8>>out.log
	flock -n 8
	run_sluice --once -c t.yaml
	assert_status 74
	assert_said 'output in use by another process'
	[ ! -s out.log ] || fail "something was written"
	exec 8>&-
	run_sluice --once -c t.yaml
	assert_status 0
	assert_same "$INPUT/small.log" out.log
}

test_a_restart_right_after_a_kill_appends() {
	cat >t.yaml <<-YAML
		epoch: off
		sources: {in: {type: file, paths: [in]}}
		sinks: {out: {type: file, inputs: [in], path: out.log}}
	YAML
	: >expected
	local i
	for i in 1 2 3 4 5; do
		echo "line $i" | tee -a expected >"in$i"
		start_sluice -c t.yaml --set "sources.in.paths=in$i"
		wait_until 10 has_lines out.log "$i"
		kill -KILL "$sluice_pid" # and not waited for
	done
	assert_same expected out.log
}

test_plain_and_zstd_do_not_follow_each_other_in_one_file() {
	cat >t.yaml <<-YAML
		sources: {in: {type: file, paths: ["$INPUT/small.log"]}}
		sinks: {out: {type: file, inputs: [in], path: result, compression: none}}
	YAML
	zstd -q "$INPUT/small.log" -o result
	cp result before
	run_sluice --once -c t.yaml
	assert_status 74
	assert_said 'output holds zstd.*path=result'
	assert_same before result
	run_sluice --once -c t.yaml --set sinks.out.compression=zstd
	assert_status 0
	cat "$INPUT/small.log" "$INPUT/small.log" >expected
	zstd -dcq <result | cmp - expected
	cp "$INPUT/small.log" result
	run_sluice --once -c t.yaml --set sinks.out.compression=zstd
	assert_status 74
	assert_said 'output holds something else than zstd.*path=result'
	assert_same "$INPUT/small.log" result
	gzip -c "$INPUT/small.log" >result
	cp result before
	run_sluice --once -c t.yaml
	assert_status 74
	assert_said 'output holds gzip.*path=result'
	assert_same before result
}

# shellcheck disable=SC2016  # backquotes that are meant
test_a_name_that_promises_another_compression_is_warned_of() {
	cat >t.yaml <<-YAML
		sources: {in: {type: file, paths: ["$INPUT/small.log"]}}
		sinks:
		  one: {type: file, inputs: [in], path: a.log.gz}
		  two: {type: file, inputs: [in], path: b.zst, compression: none}
		  three: {type: file, inputs: [in], path: c.gz, compression: zstd}
		  four: {type: file, inputs: [in], path: d.log.zst}
		  five: {type: file, inputs: [in], path: e.log, compression: zstd}
		  six: {type: file, inputs: [in], path: f.tgz.log}
	YAML
	run_sluice --once -c t.yaml
	assert_status 0
	assert_said '^t\.yaml:3:41: warning: `a\.log\.gz` will hold plain text in spite of its name: gzip is not written; .*`\.zst`'
	assert_said '^t\.yaml:4:41: warning: `b\.zst` will hold plain text in spite of its name.*`compression: zstd`'
	assert_said '^t\.yaml:5:43: warning: `c\.gz` will hold zstd in spite of its name.*`\.zst`'
	assert_said_times 3 warning
	assert_same "$INPUT/small.log" a.log.gz
}

fifo_topology() { # COMPRESSION
	mkfifo fifo
	cat >t.yaml <<-YAML
		sources: {in: {type: file, paths: ["$INPUT/one.log"]}}
		sinks: {out: {type: file, inputs: [in], path: fifo, compression: $1}}
	YAML
}

has_waited() { # TIMES
	[ "$(grep -c 'waiting for a reader' err)" -ge "$1" ]
}

fifo_with_five_readers() { # IO
	local i
	fifo_topology none
	start_sluice --once --io "$1" -c t.yaml
	wait_until 10 has_waited 1
	: >whole
	for i in 1 2 3 4; do
		head -c $((i * 100003)) fifo >part
		wait_until 10 has_waited $((i + 1))
		head -n "$(wc -l <part)" part >>whole # what it got of one more comes again
	done
	cat fifo >>whole
	await_end 30
	assert_status 0
	assert_same "$INPUT/one.log" whole
}

test_the_next_reader_of_a_fifo_begins_with_the_record_the_last_one_got_in_part() {
	fifo_with_five_readers auto
}

test_the_next_reader_of_a_fifo_begins_with_a_record_with_plain_calls_too() {
	fifo_with_five_readers plain
}

test_the_next_reader_of_a_compressed_fifo_begins_with_a_frame() {
	fifo_topology zstd
	start_sluice --once -c t.yaml
	wait_until 10 has_waited 1
	head -c 100003 fifo >/dev/null
	wait_until 10 has_waited 2
	zstd -dcq <fifo >rest || fail "no whole frames"
	await_end 30
	assert_status 0
	tail -c "$(wc -c <rest)" "$INPUT/one.log" | cmp - rest
}
