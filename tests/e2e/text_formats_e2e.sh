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

csv_topology() { # PATTERN [YAML...]: by the names in headers, as JSON in result.ndjson
	{
		echo "epoch: {interval: 20ms}"
		echo "sources: {in: {type: file, paths: ['$1']}}"
		echo "transforms:"
		echo "  parsed:"
		echo "    type: parse_csv"
		echo "    inputs: [in]"
		printf '    %s\n' 'header: true' "${@:2}"
		echo "sinks: {out: {type: file, inputs: [parsed], path: result.ndjson, encoding: {format: json}}}"
	} >csv.yaml
}

test_csv_is_taken_apart_by_the_header_of_each_file() {
	printf '\357\273\277id,"the ""name"""\r\n1,ann\r\n2,"b, c"\r\n' >a.csv
	printf 'name;id\n' >b.csv
	printf 'name,id\nann,3\n4\n' | gzip >c.csv.gz
	cat >expected <<-'JSON'
		{"body":"4","error":"fewer fields than names"}
		{"id":"1","the \"name\"":"ann"}
		{"id":"2","the \"name\"":"b, c"}
		{"name":"ann","id":"3"}
	JSON
	csv_topology '*.csv*'
	run_sluice --once -c csv.yaml
	assert_status 0
	assert_said 'filtered 3, dropped 0, refused 1'
	sort result.ndjson >got
	assert_same expected got
}

test_csv_from_standard_input_begins_with_its_header() {
	csv_topology unused
	sed -i 's/type: file, paths: .*}}/type: stdin}}/' csv.yaml
	printf 'id,x\n1,2\n' >in
	run_sluice --once -c csv.yaml <in
	assert_status 0
	echo '{"id":"1","x":"2"}' >expected
	assert_same expected result.ndjson
}

test_names_hold_where_a_header_is_only_to_be_left_out() {
	printf 'a,a\n1,2\n' >a.csv
	csv_topology '*.csv' 'names: [x, y]' 'workers: 2'
	run_sluice --once -c csv.yaml
	assert_status 0
	echo '{"x":"1","y":"2"}' >expected
	assert_same expected result.ndjson
}

test_a_header_that_was_filtered_out_is_missed() {
	printf 'id,x\n1,2\n' >a.csv
	csv_topology '*.csv'
	sed -i -e 's/inputs: .in.$/inputs: [some]/' -e 's/^transforms:/&\n  some: {type: filter, inputs: [in], contains: "2"}/' csv.yaml
	run_sluice --once -c csv.yaml
	assert_status 0
	echo '{"body":"1,2","error":"no header of its file is known"}' >expected
	assert_same expected result.ndjson
}

test_headers_are_found_behind_what_makes_records_anew() {
	printf '"id\nand more",x\n1,2\n"3\n4",5\n' >a.csv
	csv_topology '*.csv'
	sed -i -e 's/inputs: .in.$/inputs: [whole]/' -e 's/^transforms:/&\n  whole: {type: multiline, inputs: [some], preset: csv}\n  some: {type: set, inputs: [in], fields: {body: body}}/' csv.yaml
	run_sluice --once -c csv.yaml
	assert_status 0
	cat >expected <<-'JSON'
		{"id\nand more":"1","x":"2"}
		{"id\nand more":"3\n4","x":"5"}
	JSON
	assert_same expected result.ndjson
}

test_the_next_run_goes_on_in_the_middle_of_a_file_by_its_header() {
	STATE=$PWD/state
	printf 'id,x\n1,2\n' >a.csv
	csv_topology '*.csv*'
	run_sluice --once -c csv.yaml
	assert_status 0
	"$SLUICE" state -c csv.yaml >told
	grep -q 'state headers: files 1' told || fail "of the headers nothing is told"
	mv a.csv a.csv.1
	printf 'x,id\n3,4\n' >a.csv
	printf '5,6\n' >>a.csv.1
	run_sluice --once -c csv.yaml
	assert_status 0
	# truncated and written anew it has another
	printf 'y\n7\n' >a.csv.1
	run_sluice --once -c csv.yaml
	assert_status 0
	printf '%s\n' '{"id":"1","x":"2"}' '{"id":"5","x":"6"}' '{"x":"3","id":"4"}' '{"y":"7"}' | sort >expected
	sort result.ndjson >got
	assert_same expected got
}

# Two files that are written to, with their fields in another order; killed again and again.
test_killed_again_and_again_headers_and_records_are_what_they_would_have_been() {
	local i
	STATE=$PWD/state
	csv_topology '*.csv'
	echo 'id,file' >a.csv
	echo 'file,id' >b.csv
	for i in $(seq 1 15); do
		seq $((i * 1000)) $((i * 1000 + 999)) | sed 's/$/,a/' >>a.csv
		seq $((i * 1000)) $((i * 1000 + 999)) | sed 's/^/b,/' >>b.csv
		start_sluice -c csv.yaml
		hold 0.0$((RANDOM % 10))
		[ $((RANDOM % 2)) -eq 0 ] || wait_until 20 test -s result.ndjson
		kill -KILL "$sluice_pid"
		wait "$sluice_pid" || true
	done
	run_sluice --once -c csv.yaml
	assert_status 0
	seq 1000 15999 | sed 's/.*/{"id":"&","file":"a"}/' >expected.a
	seq 1000 15999 | sed 's/.*/{"file":"b","id":"&"}/' >expected.b
	grep '"a"' result.ndjson >got.a
	grep '"b"' result.ndjson >got.b
	assert_same expected.a got.a
	assert_same expected.b got.b
	[ "$(wc -l <result.ndjson)" -eq 30000 ] || fail "there are other records"
}

test_standard_input_goes_on_by_its_header_when_the_topology_is_loaded_anew() {
	csv_topology unused
	sed -i 's/type: file, paths: .*}}/type: stdin}}/' csv.yaml
	mkfifo pipe
	: >err
	use_state
	"$SLUICE" run -c csv.yaml <pipe >out 2>err &
	sluice_pid=$!
	trap 'kill -KILL "$sluice_pid" 2>/dev/null || true' EXIT
	exec {writer}>pipe
	printf 'id,x\n1,2\n' >&"$writer"
	wait_until 20 has_lines result.ndjson 1
	kill -HUP "$sluice_pid"
	wait_until 20 says 'in 2 records' # of the topology before
	printf '3,4\n' >&"$writer"
	exec {writer}>&-
	await_end 20
	assert_status 0
	printf '%s\n' '{"id":"1","x":"2"}' '{"id":"3","x":"4"}' >expected
	assert_same expected result.ndjson
}

test_headers_need_one_who_sees_all_records_in_order() {
	echo id >a.csv
	csv_topology '*.csv' 'workers: 2'
	run_sluice --once -c csv.yaml
	assert_status 78
	assert_said "csv.yaml:4:3: .workers: 2. with .header: true. without .names., for which one has to see all"
	csv_topology '*.csv' 'workers: auto'
	run_sluice --once -c csv.yaml
	assert_status 0
	csv_topology '*.csv'
	sed -i -e 's/inputs: .in.$/inputs: [some]/' -e 's/^transforms:/&\n  some: {type: filter, inputs: [in], contains: i, workers: 2, ordered: false}/' csv.yaml
	run_sluice --once -c csv.yaml
	assert_status 78
	assert_said 'csv.yaml:4:3: .some. hands on records in no certain order, and .parsed. needs them'
}

test_a_test_of_a_topology_may_begin_with_a_header() {
	csv_topology '*.csv'
	cat >>csv.yaml <<-'YAML'
		tests:
		  - name: headers name fields
		    at: in
		    input: ['id,x', '1,2']
		    expect: [{from: out, records: ['{"id":"1","x":"2"}']}]
	YAML
	"$SLUICE" test -c csv.yaml >out 2>err || fail "it did not pass: $(cat out)"
}
