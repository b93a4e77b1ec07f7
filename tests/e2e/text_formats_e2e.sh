# Records that are lines of text: syslog, logfmt, CSV, logs of containers; what is found in them, as JSON.
# shellcheck shell=bash

# through PARSER [YAML...]: what is in in.log, as JSON in result.ndjson
through() {
	{
		echo "sources: {in: {type: file, paths: [in.log]}}"
		echo "transforms:"
		echo "  parsed:"
		echo "    type: $1"
		echo "    inputs: [in]"
		printf '    %s\n' "${@:2}"
		echo "sinks: {out: {type: file, inputs: [parsed], path: result.ndjson, encoding: {format: json}}}"
	} >through.yaml
	rm -f result.ndjson
	run_sluice --once -c through.yaml
	assert_status 0
}

test_syslog_of_either_kind_is_taken_apart() {
	cat >in.log <<-'LOG'
		<165>1 2003-10-11T22:14:15.003Z host app - ID47 [x@1 k="a\"b"] text
		Oct 11 22:14:15 host su(pam_unix)[230]: text: more
		no syslog
	LOG
	cat >expected <<-'JSON'
		{"facility":"local4","severity":"notice","facility_code":20,"severity_code":5,"timestamp":"2003-10-11T22:14:15.003Z","hostname":"host","appname":"app","msgid":"ID47","structured_data":{"x@1":{"k":"a\"b"}},"message":"text"}
		{"timestamp":"Oct 11 22:14:15","hostname":"host","appname":"su(pam_unix)","procid":"230","message":"text: more"}
		{"body":"no syslog","error":"neither priority nor timestamp"}
	JSON
	through parse_syslog
	assert_same expected result.ndjson
}

test_a_path_into_structured_data_is_a_field() {
	printf '<1>1 - - - - - [a n="%s"]\n' 1 2 1 >in.log
	cat >path.yaml <<-'YAML'
		sources: {in: {type: file, paths: [in.log]}}
		transforms:
		  parsed: {type: parse_syslog, inputs: [in]}
		  ones: {type: filter, inputs: [parsed], where: structured_data.a.n == "1" && facility == "kern"}
		sinks: {out: {type: file, inputs: [ones], path: ones.log}}
	YAML
	run_sluice --once -c path.yaml
	assert_status 0
	grep '"1"' in.log >expected
	assert_same expected ones.log
}

test_logfmt_gives_every_pair() {
	cat >in.log <<-'LOG'
		at=info msg="two \"words\"" cached path=/a?b=c
		at="no end
	LOG
	cat >expected <<-'JSON'
		{"at":"info","msg":"two \"words\"","cached":true,"path":"/a?b=c"}
		{"body":"at=\"no end","error":"quote without an end"}
	JSON
	through parse_logfmt
	assert_same expected result.ndjson
}

test_csv_gives_the_fields_that_have_names() {
	printf '1,"a ""b"", c",x\r\n2,,\n3\n' >in.log
	cat >expected <<-'JSON'
		{"id":"1","name":"a \"b\", c","note":"x"}
		{"id":"2","name":"","note":""}
		{"body":"3","error":"fewer fields than names"}
	JSON
	through parse_csv "names: [id, name, note]"
	assert_same expected result.ndjson
}

# container_lines FROM TO: lines of a container, every third in two parts
container_lines() {
	awk -v from="$1" -v to="$2" 'BEGIN {
		for (i = from; i <= to; i++) {
			stamp = "2016-10-06T00:17:09." i "Z " (i % 2 ? "stdout" : "stderr")
			if (i % 3 == 0)
				print stamp " P line " i ", part one; "
			print stamp " F " (i % 3 == 0 ? "part two" : "line " i)
		}
	}'
}

container_lines_whole() {
	container_lines "$1" "$2" | awk '/ P / { part = $0; sub(/ P /, " F ", part); next }
		part != "" { sub(/.* F /, ""); print part $0; part = ""; next }
		{ print }'
}

test_lines_that_a_runtime_has_cut_are_whole_again() {
	container_lines 1 50000 >in.log
	container_lines_whole 1 50000 >expected
	cat >cri.yaml <<-'YAML'
		sources: {in: {type: file, paths: [in.log]}}
		transforms: {whole: {type: parse_cri, inputs: [in]}}
		sinks: {out: {type: file, inputs: [whole], path: result.log}}
	YAML
	run_sluice --once -c cri.yaml
	assert_status 0
	assert_same expected result.log
}

test_a_part_at_the_end_is_not_lost() {
	printf '2016-10-06T00:17:09Z stdout %s\n' 'F one' 'P two' >in.log
	through parse_cri
	cat >expected <<-'JSON'
		{"timestamp":"2016-10-06T00:17:09Z","stream":"stdout","message":"one"}
		{"timestamp":"2016-10-06T00:17:09Z","stream":"stdout","message":"two"}
	JSON
	assert_same expected result.ndjson
	assert_said 'long lines split 1'
}

has_lines() { # FILE N
	[ -e "$1" ] && [ "$(wc -l <"$1")" -eq "$2" ]
}

# What is held goes into the same record as how far the file was read.
remembers_all() {
	"$SLUICE" state -c cri.yaml 2>/dev/null | grep -q "in.log: position $(wc -c <in.log),"
}

# Stopped, or killed once an epoch has the part, with the rest of the line still to come.
part_survives() { # SIGNAL
	STATE=$PWD/state
	cat >cri.yaml <<-'YAML'
		epoch: {interval: 50ms}
		sources: {in: {type: file, paths: [in.log]}}
		transforms: {whole: {type: parse_cri, inputs: [in], timeout: off}}
		sinks: {out: {type: file, inputs: [whole], path: result.log}}
	YAML
	printf '2016-10-06T00:17:09Z stdout %s\n' 'F one' 'P two, ' >in.log
	start_sluice -c cri.yaml
	wait_until 10 has_lines result.log 1
	wait_until 10 remembers_all
	stop_sluice "$1"
	printf '2016-10-06T00:17:10Z stdout %s\n' 'F three' 'F four' >>in.log
	start_sluice -c cri.yaml
	wait_until 10 has_lines result.log 3
	stop_sluice
	assert_status 0
	printf '2016-10-06T00:17:%sZ stdout F %s\n' 09 one 09 'two, three' 10 four >expected
	assert_same expected result.log
}

test_a_part_is_remembered_over_a_stop() {
	part_survives TERM
}

test_a_part_is_remembered_over_a_kill() {
	part_survives KILL
}

test_fields_of_text_have_the_types_that_are_asked_for() {
	printf 'status=500 took=0.5 ok=true id=7\nstatus=many took=1 ok=false id=8\n' >in.log
	through parse_logfmt "types: {status: int, took: float, ok: bool}"
	cat >expected <<-'JSON'
		{"status":500,"took":0.5,"ok":true,"id":"7"}
		{"status":"many","took":1,"ok":false,"id":"8","error":"not an int"}
	JSON
	assert_same expected result.ndjson
}

test_a_message_is_of_the_time_that_it_says_in_its_zone() {
	printf 'Oct 11 2003 22:14:15 h a: one\n2003-10-11T22:14:15Z h a: two\n' >in.log
	cat >time.yaml <<-'YAML'
		sources: {in: {type: file, paths: [in.log]}}
		transforms:
		  parsed: {type: parse_syslog, inputs: [in], zone: "+02:00"}
		  early: {type: filter, inputs: [parsed], where: time < timestamp("2003-10-11T22:00:00Z")}
		sinks: {out: {type: file, inputs: [early], path: early.log}}
	YAML
	run_sluice --once -c time.yaml
	assert_status 0
	head -n 1 in.log >expected
	assert_same expected early.log
	sed -i 's/+02:00/Nowhere/' time.yaml
	run_sluice --once -c time.yaml
	assert_status 78
	assert_said 'time.yaml:3:[0-9]+: no time zone `Nowhere`'
}
