# Records written as logfmt, CSV and by a template, and read again; whatever is in them, none becomes two.
# shellcheck shell=bash

encode_as() { # ENCODING [OUTPUT]; in.json to out.txt
	cat >topology.yaml <<-END
		sources: {in: {type: file, paths: [in.json]}}
		transforms: {parsed: {type: parse_json, inputs: [in]}}
		sinks: {out: {type: file, inputs: [parsed], path: ${2:-out.txt}, encoding: {$1}}}
	END
	run_sluice --once -c topology.yaml
	assert_status 0
}

hostile_records() {
	printf '%s\n' '{"id":1,"msg":"a\nlevel=error msg=\"forged\"","user":{"name":"x, \"y\""}}' \
		'{"id":2,"msg":"\r\n2,forged,\u0000","user":{"name":"=1+1"}}' \
		$'{"id":3,"msg":"\\u0085\xe2\x80\xa8 \\\\n","user":{"name":"\\ud83d\\ude00"}}' \
		$'no object\xff\x1b[31m' >in.json
}

test_logfmt_is_read_back_as_what_was_written() {
	hostile_records
	encode_as 'format: logfmt'
	[ "$(wc -l <out.txt)" -eq 4 ] || fail 'not one line for each record'
	cat >again.yaml <<-END
		sources: {in: {type: file, paths: [out.txt]}}
		transforms: {parsed: {type: parse_logfmt, inputs: [in]}}
		sinks: {out: {type: file, inputs: [parsed], path: again.json, encoding: {format: json, fields: [id, msg, user.name, body]}}}
	END
	run_sluice --once -c again.yaml
	assert_status 0
	head -n 3 in.json | jq -c '[.id, .msg, .user.name]' >expected
	head -n 3 again.json | jq -c '[(.id | tonumber), .msg, .user.name]' >got
	assert_same expected got
	[ "$(sed -n 4p again.json | jq -r .body)" = $'no object\xef\xbf\xbd\x1b[31m' ] || fail 'the body is another one'
}

test_csv_is_read_back_as_what_was_written_but_for_line_breaks() {
	hostile_records
	encode_as 'format: csv, fields: [id, msg, user.name, nowhere]'
	[ "$(wc -l <out.txt)" -eq 4 ] || fail 'not one line for each record'
	cat >again.yaml <<-END
		sources: {in: {type: file, paths: [out.txt]}}
		transforms: {parsed: {type: parse_csv, inputs: [in], names: [id, msg, name, nowhere]}}
		sinks: {out: {type: file, inputs: [parsed], path: again.json, encoding: {format: json, fields: [id, msg, name, nowhere]}}}
	END
	run_sluice --once -c again.yaml
	assert_status 0
	head -n 3 in.json | jq -c '[.id, (.msg | gsub("[\n\r\u0000]"; " ")), .user.name, ""]' >expected
	head -n 3 again.json | jq -c '[(.id | tonumber), .msg, .name, .nowhere]' >got
	assert_same expected got
	[ "$(sed -n 4p out.txt)" = ,,, ] || fail 'what has no field is no empty row'
}

test_a_template_has_one_line_for_each_record() {
	hostile_records
	# shellcheck disable=SC1003
	encode_as "format: template, template: '{id}: {msg} {user.name|json} {{{error}}', missing: none"
	cat >expected <<-'END'
		1: a\nlevel=error msg="forged" "x, \"y\"" {none}
		2: \r\n2,forged,\x00 "=1+1" {none}
		3: \u0085\u2028 \\n "\ud83d\ude00" {none}
		none: none null {not an object}
	END
	sed -i -e $'s/\\\\u0085\\\\u2028/\xc2\x85\xe2\x80\xa8/' expected
	assert_same expected out.txt
}

test_the_time_of_a_record_is_written_as_a_template_says() {
	cat >in.json <<-'END'
		{"at":"2024-02-29T23:59:58.5+01:00"}
	END
	cat >topology.yaml <<-END
		sources: {in: {type: file, paths: [in.json]}}
		transforms: {parsed: {type: parse_json, inputs: [in], time: {field: at, format: rfc3339}}}
		sinks: {out: {type: file, inputs: [parsed], path: out.txt, encoding: {format: template, template: '{time} {time:%d.%m.%Y %H:%M:%S.%L} {time:unix_ms}'}}}
	END
	run_sluice --once -c topology.yaml
	assert_status 0
	echo '2024-02-29T22:59:58.5Z 29.02.2024 22:59:58.500 1709247598500' >expected
	assert_same expected out.txt
}

test_encoded_records_are_compressed_as_others_are() {
	for i in $(seq 5000); do echo "{\"n\":$i,\"pad\":\"$i-$i-$i\"}"; done >in.json
	encode_as 'format: csv, fields: [n, pad]' out.csv.zst
	jq -r '"\(.n),\(.pad)"' in.json >expected
	zstd -qdc out.csv.zst >got
	assert_same expected got
}

test_mistakes_in_an_encoding_are_told_with_their_place() {
	cat >topology.yaml <<-'END'
		sources: {in: {type: file, paths: [in.json]}}
		sinks:
		  a: {type: file, inputs: [in], path: a.txt, encoding: csv}
		  b:
		    type: file
		    inputs: [in]
		    path: b.txt
		    encoding:
		      format: template
		      template: '{time:%F} {msg|lower}'
		  c: {type: file, inputs: [in], path: c.txt, encoding: {format: json, delimiter: ", "}}
	END
	run_sluice --once -c topology.yaml
	assert_status 78
	assert_said 'topology.yaml:3:.*needs `fields`'
	assert_said 'topology.yaml:10:32:.*only `json`'
	assert_said 'topology.yaml:11:.*`delimiter` may be in a record'
}
