# Records that a stage could do nothing with: what a dead letter says, and that its text is not lost.
# shellcheck shell=bash

test_dead_letter_says_why_it_is_one_which_stage_says_so_and_after_how_many_attempts() {
	printf '{"a":1}\nbad one\n' >in.txt
	cat >topology.yaml <<-'END'
		sources: {in: {type: file, paths: [in.txt]}}
		transforms: {p: {type: parse_json, inputs: [in], dead_letter: rest}}
		sinks:
		  out: {type: file, inputs: [p], path: out.txt, encoding: json}
		  rest: {type: file, inputs: [], path: rest.txt, encoding: json}
	END
	run_sluice --once -c topology.yaml
	assert_status 0
	echo '{"body":"bad one","error":"not an object","dead_letter":{"reason":"not an object","stage":"p","attempts":1}}' >expected
	assert_same expected rest.txt
	echo '{"a":1}' >expected
	assert_same expected out.txt
}

test_dead_letters_of_several_stages_tell_which_one_it_was() {
	printf '{"a":1}\nbad one\n{"a":{"b":2}}\n' >in.txt
	cat >topology.yaml <<-'END'
		sources: {in: {type: file, paths: [in.txt]}}
		transforms:
		  p: {type: parse_json, inputs: [in], dead_letter: rest}
		  f: {type: filter, inputs: [p], where: a > 0, dead_letter: rest}
		sinks:
		  out: {type: blackhole, inputs: [f]}
		  rest: {type: file, inputs: [], path: rest.txt, encoding: {format: template, template: '{dead_letter.stage}: {dead_letter.reason}: {body}'}}
	END
	run_sluice --once -c topology.yaml
	assert_status 0
	sort rest.txt >got
	printf 'f: no such overload: {"a":{"b":2}}\np: not an object: bad one\n' >expected
	assert_same expected got
}

test_text_of_a_record_that_no_parser_understood_is_kept_beside_what_is_set() {
	printf '{"a":1}\nbad one\n' >in.txt
	cat >topology.yaml <<-'END'
		sources: {in: {type: file, paths: [in.txt]}}
		transforms:
		  p: {type: parse_json, inputs: [in]}
		  env: {type: set, inputs: [p], fields: {env: '"prod"'}}
		sinks:
		  out: {type: file, inputs: [env], path: out.json, encoding: json}
		  flat: {type: file, inputs: [env], path: out.logfmt, encoding: logfmt}
	END
	run_sluice --once -c topology.yaml
	assert_status 0
	printf '{"a":1,"env":"prod"}\n{"body":"bad one","error":"not an object","env":"prod"}\n' >expected
	assert_same expected out.json
	printf 'a=1 env=prod\nbody="bad one" error="not an object" env=prod\n' >expected
	assert_same expected out.logfmt
}

test_body_that_somebody_set_stands_in_place_of_the_one_that_was_not_understood() {
	printf 'secret one\n' >in.txt
	cat >topology.yaml <<-'END'
		sources: {in: {type: file, paths: [in.txt]}}
		transforms:
		  p: {type: parse_regex, inputs: [in], regex: '^(?<a>\d+)$'}
		  hide: {type: set, inputs: [p], fields: {body: '"hidden"'}}
		sinks: {out: {type: file, inputs: [hide], path: out.json, encoding: json}}
	END
	run_sluice --once -c topology.yaml
	assert_status 0
	echo '{"body":"hidden","error":"no match"}' >expected
	assert_same expected out.json
}
