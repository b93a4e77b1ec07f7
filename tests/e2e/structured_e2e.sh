# Records with fields: parsed, tested, sent where they belong when something is wrong with them, and written as JSON.
# shellcheck shell=bash

some_records() {
	cat >in.json <<-'END'
		{"status": 500, "path": "/api/x"}
		{"status": 200, "path": "/api/y"}
		not json
		{"path":"/api/z"}
		{"status": 503, "path": "\u002fapi\/q", "user": {"id": 7}}
	END
}

errors_only() { # [OPTIONS of the parser [OPTIONS of the filter [OPTIONS of the sink]]]; in.json to out.json and rejected.json
	local parser=${1:-} filter=${2:-} sink=${3:-}
	cat >topology.yaml <<-END
		sources: {in: {type: file, paths: [in.json]}}
		transforms:
		  parsed: {type: parse_json, inputs: [in]${parser:+, $parser}}
		  errors: {type: filter, inputs: [parsed], where: 'status >= 500 && path.startsWith("/api")'${filter:+, $filter}}
		sinks:
		  out: {type: file, inputs: [errors], path: out.json${sink:+, $sink}}
	END
	case $parser$filter in *dead_letter*) echo '  rejected: {type: file, inputs: [], path: rejected.json}' >>topology.yaml ;; esac
	run_sluice --once -c topology.yaml
}

test_records_for_which_an_expression_is_true_are_written_as_they_were_read() {
	some_records
	errors_only 'on_error: drop' 'on_error: drop'
	assert_status 0
	grep -e ': 50' in.json >expected
	assert_same expected out.json
	assert_said ', filtered 1, refused and dropped 2, refused 2,'
	assert_said 'parsed: refused reason="not an object" records=1'
	assert_said 'errors: refused reason="no such field" records=1'
}

test_what_cannot_be_parsed_or_told_goes_to_the_sink_that_dead_letter_names() {
	some_records
	errors_only 'dead_letter: rejected' 'on_error: dead_letter, dead_letter: rejected'
	assert_status 0
	grep -e ': 50' in.json >expected
	assert_same expected out.json
	printf '%s\n' 'not json' '{"path":"/api/z"}' | sort >expected
	sort rejected.json >got
	assert_same expected got
	assert_said 'rejected 2 records'
}

test_without_on_error_what_cannot_be_told_passes() {
	some_records
	errors_only
	assert_status 0
	grep -v -e ': 200' in.json >expected
	assert_same expected out.json
}

test_on_error_stop_ends_the_run_and_says_why() {
	some_records
	errors_only 'on_error: stop'
	assert_status 1
	assert_said 'parsed: record refused, and `on_error` is `stop` reason="not an object"'
}

test_as_json_records_are_as_they_were_read_and_refused_ones_say_why() {
	some_records
	errors_only '' '' 'encoding: json'
	assert_status 0
	cat >expected <<-'END'
		{"status": 500, "path": "/api/x"}
		{"body":"not json","error":"not an object"}
		{"path":"/api/z","error":"no such field"}
		{"status": 503, "path": "\u002fapi\/q", "user": {"id": 7}}
	END
	assert_same expected out.json
}

test_a_field_that_holds_json_is_parsed_too_and_all_fields_are_written_once() {
	cat >in.json <<-'END'
		{"a":1,"log":"{\"b\":2,\"a\":3}","app":{"x":1}}
	END
	cat >topology.yaml <<-'END'
		sources: {in: {type: file, paths: [in.json]}}
		transforms:
		  outer: {type: parse_json, inputs: [in]}
		  inner: {type: parse_json, inputs: [outer], field: log}
		  named: {type: parse_json, inputs: [inner], field: log, prefix: app.}
		sinks: {out: {type: file, inputs: [named], path: out.json, encoding: json}}
	END
	run_sluice --once -c topology.yaml
	assert_status 0
	echo '{"log":"{\"b\":2,\"a\":3}","app":{"x":1,"b":2,"a":3},"b":2,"a":3}' >expected
	assert_same expected out.json
}

test_text_that_grows_sixfold_in_json_is_written_whole_in_little_memory() {
	head -c 3000000 /dev/zero | tr '\0' '\1' | fold -w 100000 >in.json
	echo >>in.json
	cat >topology.yaml <<-'END'
		memory: 40MiB
		sources: {in: {type: file, paths: [in.json], max_line: 128KiB}}
		sinks: {out: {type: file, inputs: [in], path: out.json, encoding: json}}
	END
	run_sluice --once -c topology.yaml
	assert_status 0
	sed 's/\x01/\\u0001/g; s/^/{"body":"/; s/$/"}/' in.json >expected
	assert_same expected out.json
}

test_what_is_wrong_with_an_expression_is_told_with_its_column() {
	cat >topology.yaml <<-'END'
		sources: {in: {type: file, paths: [in.json]}}
		transforms:
		  errors:
		    type: filter
		    inputs: [in]
		    where: 'status >= 500 && path.startWith("/api")'
		sinks: {out: {type: file, inputs: [errors], path: out.json}}
	END
	run_sluice --once -c topology.yaml
	assert_status 78
	assert_said 'topology.yaml:6:35:'
	assert_said 'startsWith'
}

# What one stage asks for is not taken by another.
test_many_records_are_written_in_each_format() {
	local encoding
	seq 50000 | sed 's/.*/{"id":&}/' >in.json
	seq 50000 >expected
	for encoding in 'format: csv, fields: [id]' 'format: template, template: "{id}"' 'format: json, fields: [id]' \
		'format: logfmt, fields: [id]' 'format: logfmt'; do
		rm -f out.txt
		cat >many.yaml <<-END
			sources: {in: {type: file, paths: [in.json]}}
			transforms: {parsed: {type: parse_json, inputs: [in]}}
			sinks: {out: {type: file, inputs: [parsed], path: out.txt, encoding: {$encoding}}}
		END
		run_sluice --once -c many.yaml
		assert_status 0
		tr -dc '0-9\n' <out.txt >got
		assert_same expected got
	done
}
