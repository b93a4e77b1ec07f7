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
