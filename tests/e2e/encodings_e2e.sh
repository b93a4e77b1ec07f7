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

to_stdout() { # SINK-OPTIONS...: in.json to out
	cat >stdout.yaml <<-END
		sources: {in: {type: file, paths: [in.json]}}
		transforms: {parsed: {type: parse_json, inputs: [in]}}
		sinks: {out: {type: stdout, inputs: [parsed], $1}}
	END
	run_sluice --once -c stdout.yaml
}

test_standard_output_is_encoded_as_files_are() {
	local encoding
	hostile_records
	for encoding in 'format: json' 'format: raw' 'format: logfmt, fields: [msg, user]' \
		"format: template, template: '{id} {user|json} {body}'"; do
		rm -f out.txt
		encode_as "$encoding"
		to_stdout "encoding: {$encoding}"
		assert_status 0
		assert_same out.txt out
	done
	to_stdout 'encoding: json'
	[ "$(jq -r .id <out 2>/dev/null | head -n 3 | tr '\n' ' ')" = '1 2 3 ' ] || fail 'a word alone is no format'
}

test_csv_on_standard_output_begins_with_the_names_of_its_columns() {
	hostile_records
	encode_as "format: csv, separator: ';', fields: [id, 'a;b', msg], delimiter: \"\\0\""
	to_stdout "encoding: {format: csv, separator: ';', fields: [id, 'a;b', msg], delimiter: \"\\0\"}"
	assert_status 0
	printf 'id;"a;b";msg\0' | cat - out.txt >expected
	assert_same expected out
	assert_said 'out 4 records'
	: >in.json
	to_stdout 'encoding: {format: csv, fields: [id]}'
	assert_status 0
	echo id >expected
	assert_same expected out
	# a reader that goes away at once
	for i in $(seq 50000); do echo "{\"id\":$i}"; done >in.json
	STATE=$PWD/other
	use_state
	"$SLUICE" run --once -c stdout.yaml 2>err | head -n 2 >out || true
	printf '%s\n' id 1 >expected
	assert_same expected out
}

test_names_of_columns_stand_once_however_often_the_topology_is_loaded() {
	: >in.json
	cat >stdout.yaml <<-END
		sources: {in: {type: file, paths: [in.json]}}
		transforms: {parsed: {type: parse_json, inputs: [in]}}
		sinks: {out: {type: stdout, inputs: [parsed], encoding: {format: csv, fields: [id]}}}
	END
	start_sluice -c stdout.yaml
	wait_until 20 has_lines out 1
	kill -HUP "$sluice_pid"
	wait_until 20 says 'in 0 records' # of the topology before
	echo '{"id":1}' >>in.json
	wait_until 20 has_lines out 2
	stop_sluice
	assert_status 0
	printf '%s\n' id 1 >expected
	assert_same expected out
}

test_what_is_encoded_for_a_terminal_cannot_steer_it() {
	command -v script >/dev/null || skip "no script(1)"
	printf '%s\n' '{"id":1,"msg":"\u001b[31m\u009b0m caf\u00e9"}' >in.json
	for encoding in "format: json" "format: csv, fields: [id, \"m\\x9B\", msg]" "format: template, template: '{msg}'"; do
		cat >stdout.yaml <<-END
			sources: {in: {type: file, paths: [in.json]}}
			transforms: {parsed: {type: parse_json, inputs: [in]}}
			sinks: {out: {type: stdout, inputs: [parsed], encoding: {$encoding}}}
		END
		use_state
		script -qefc "exec $SLUICE run --once -c stdout.yaml" screen </dev/null >/dev/null || fail 'it failed'
		! grep -q "$(printf '\033')\[31m\|$(printf '\302\233')" screen || fail "it was steered: $(cat -v screen)"
		case $encoding in
		*csv*) grep -qF 'id,m\xc2\x9b,msg' screen || fail "no names: $(cat -v screen)" ;;
		esac
	done
	grep -qF "$(printf 'caf\303\251')" screen || fail "no characters: $(cat -v screen)"
}

test_mistakes_in_the_encoding_of_standard_output_are_told() {
	: >in.json
	to_stdout 'encoding: {format: csv}'
	assert_status 78
	assert_said 'encoding: \{format: csv\}. needs .fields'
	to_stdout 'delimiter: ";", encoding: {format: json}'
	assert_status 78
	assert_said 'stdout.yaml:3:[0-9]+: .delimiter. beside .encoding.'
	to_stdout 'delimiter: ";"'
	assert_status 0
}
