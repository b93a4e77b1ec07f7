# The I/O backends, chosen on the command line and by what the kernel lets us have.
# shellcheck shell=bash

write_copy() {
	cat >copy.yaml <<-YAML
		sources: {in: {type: file, paths: ["$INPUT/small.log"]}}
		transforms: {all: {type: filter, inputs: [in], contains: ["e"], workers: 2}}
		sinks: {out: {type: file, inputs: [all], path: result.log}}
	YAML
	grep -F e "$INPUT/small.log" >expected.log
}

run_refused() {
	status=0
	timeout -k 5 $((60 * SLOW)) "$TOOLS/e2e/without_io_uring" "$SLUICE" run --once -c copy.yaml "$@" >out 2>err ||
		status=$?
	[ "$status" -ne 77 ] || skip "seccomp filters are refused here"
}

test_auto_where_io_uring_is_refused_goes_on_plainly_and_says_so_once() {
	write_copy
	run_refused --io auto
	assert_status 0
	assert_same expected.log result.log
	assert_said_times 1 'io_uring'
	assert_said 'info io_uring refused, using plain reads and writes error="Operation not permitted"'
}

test_plain_where_io_uring_is_refused_says_nothing_of_it() {
	write_copy
	run_refused --io plain
	assert_status 0
	assert_same expected.log result.log
	assert_never_said 'io_uring'
}

test_uring_where_io_uring_is_refused_fails_and_says_why() {
	write_copy
	run_refused --io uring
	assert_status 1
	assert_said 'error io_uring refused error="Operation not permitted"'
	[ ! -e result.log ] || fail "it wrote all the same"
}
