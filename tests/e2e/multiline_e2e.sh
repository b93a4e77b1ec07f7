# Lines that belong together: one record each, in a file source and as a transform, whatever happens in between.
# shellcheck shell=bash

# Records that begin with `S NUMBER` and have as many further lines as that leaves over, by 4.
records() { # FROM TO NAME
	awk -v from="$1" -v to="$2" -v name="$3" 'BEGIN {
		for (i = from; i <= to; i++) {
			print "S " i " " name
			for (k = 0; k < i % 4; k++)
				print "  line " k " of " i
		}
	}'
}

# The same, as the json encoding writes them.
records_encoded() { # FROM TO NAME
	awk -v from="$1" -v to="$2" -v name="$3" 'BEGIN {
		for (i = from; i <= to; i++) {
			line = "S " i " " name
			for (k = 0; k < i % 4; k++)
				line = line "\\n  line " k " of " i
			print "{\"body\":\"" line "\"}"
		}
	}'
}

source_topology() { # TIMEOUT
	mkdir -p logs result
	cat >lines.yaml <<-END
		epoch: {interval: 50ms}
		sources:
		  in: {type: file, paths: ["logs/*.log"], multiline: {start: "^S", timeout: $1}}
		sinks: {out: {type: file, inputs: [in], path: result/all, encoding: {format: json}}}
	END
}

transform_topology() { # TIMEOUT
	mkdir -p logs result
	cat >lines.yaml <<-END
		epoch: {interval: 50ms}
		sources:
		  in: {type: file, paths: ["logs/*.log"]}
		transforms:
		  joined: {type: multiline, inputs: [in], start: "^S", timeout: $1}
		sinks: {out: {type: file, inputs: [joined], path: result/all, encoding: {format: json}}}
	END
}

last_record_comes_when_its_file_is_quiet() {
	records 1 3 a >logs/a.log
	start_sluice -c lines.yaml
	wait_until 20 has_lines result/all 3
	records 4 7 a >>logs/a.log
	wait_until 20 has_lines result/all 7
	stop_sluice
	assert_status 0
	records_encoded 1 7 a >expected
	assert_same expected result/all
}

test_followed_source_hands_the_last_record_on_when_its_file_is_quiet() {
	source_topology 200ms
	last_record_comes_when_its_file_is_quiet
}

test_transform_hands_the_last_record_on_when_nothing_follows() {
	transform_topology 200ms
	last_record_comes_when_its_file_is_quiet
}

test_record_waits_for_its_rest_as_long_as_the_timeout_says() {
	source_topology 1h
	records 1 2 a >logs/a.log
	start_sluice -c lines.yaml
	wait_until 20 has_lines result/all 1
	echo "  late" >>logs/a.log
	echo "S 3" >>logs/a.log
	wait_until 20 has_lines result/all 2
	stop_sluice
	assert_status 0
	{
		records_encoded 1 1 a
		printf '%s\n' '{"body":"S 2 a\n  line 0 of 2\n  line 1 of 2\n  late"}'
	} >expected
	assert_same expected result/all
}

# Each record is written in pieces, and sluice killed in between.
killed_it_goes_on_within_records() {
	export STATE=$PWD/state
	mkdir -p state
	records 1 2000 a >whole
	split -n 8 whole piece.
	: >logs/a.log
	local piece
	for piece in piece.*; do
		start_sluice -c lines.yaml
		cat "$piece" >>logs/a.log
		wait_until 20 was_taken_in
		kill -KILL "$sluice_pid"
		wait "$sluice_pid" 2>/dev/null || true
	done
	run_sluice -c lines.yaml --once
	assert_status 0
	records_encoded 1 2000 a >expected
	assert_same expected result/all
}

# What could be complete is stored, up to one record and the line that has no end yet.
was_taken_in() {
	local begun
	begun=$(grep -c '^S' logs/a.log)
	[ "$(wc -l <result/all)" -ge $((begun - 2)) ]
}

test_killed_source_loses_no_line_and_joins_the_same() {
	source_topology 1h
	killed_it_goes_on_within_records
}

test_killed_transform_loses_no_line_and_joins_the_same() {
	transform_topology 1h
	killed_it_goes_on_within_records
}

test_stopped_transform_goes_on_within_a_record() {
	transform_topology 1h
	export STATE=$PWD/state
	mkdir -p state
	records 1 2 a >logs/a.log
	start_sluice -c lines.yaml
	wait_until 20 has_lines result/all 1
	stop_sluice
	assert_status 0
	echo "  more" >>logs/a.log
	run_sluice -c lines.yaml --once
	assert_status 0
	{
		records_encoded 1 1 a
		printf '%s\n' '{"body":"S 2 a\n  line 0 of 2\n  line 1 of 2\n  more"}'
	} >expected
	assert_same expected result/all
}

# Several files come through one queue, and each has records of its own.
test_transform_joins_only_lines_of_one_file() {
	transform_topology 1h
	local i file round
	for i in 1 2 3 4; do
		: >"logs/$i.log"
	done
	start_sluice -c lines.yaml
	wait_until 20 test -e result/all
	for i in $(seq 0 199); do
		file=$((i % 4 + 1)) round=$((i / 4))
		records 1 50 "$file" | sed -n "$((round * 3 + 1)),$((round * 3 + 3))p" >>"logs/$file.log"
	done
	wait_until 20 has_lines result/all 196
	stop_sluice
	assert_status 0
	STATE=$(echo .state.*) run_sluice -c lines.yaml --once
	for i in 1 2 3 4; do
		records_encoded 1 50 "$i" >expected
		grep "S [0-9]* $i" result/all >got
		assert_same expected got
	done
}

test_stdin_is_joined_by_the_transform() {
	cat >stdin.yaml <<-END
		sources: {in: {type: stdin}}
		transforms: {joined: {type: multiline, inputs: [in], preset: python}}
		sinks: {out: {type: file, inputs: [joined], path: result, encoding: {format: json}}}
	END
	printf 'one\nTraceback (most recent call last):\n  File "a.py", line 1, in f\nKeyError: 1\ntwo' >lines
	run_sluice -c stdin.yaml <lines
	assert_status 0
	printf '%s\n' '{"body":"one"}' \
		'{"body":"Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 1"}' \
		'{"body":"two"}' >expected
	assert_same expected result
	assert_said 'in 5 records .*, out 3 records [^,]*, dropped 0'
}

test_records_know_their_file_and_where_in_it_they_stand() {
	mkdir -p logs
	records 1 3 a >logs/a.log
	records 1 3 b | gzip >logs/b.gz
	records_encoded 2 2 b >expected
	local some="{type: filter, where: 'file.endsWith(\"/b.gz\") && offset >= 6 && offset < 30'"
	cat >source.yaml <<-END
		sources: {in: {type: file, paths: ["logs/*"], multiline: {start: "^S"}}}
		transforms: {some: $some, inputs: [in]}}
		sinks: {out: {type: file, inputs: [some], path: one, encoding: {format: json}}}
	END
	run_sluice -c source.yaml --once
	assert_status 0
	assert_same expected one
	cat >transform.yaml <<-END
		sources: {in: {type: file, paths: ["logs/*"]}}
		transforms:
		  joined: {type: multiline, inputs: [in], start: "^S"}
		  some: $some, inputs: [joined]}
		sinks: {out: {type: file, inputs: [some], path: two, encoding: {format: json}}}
	END
	run_sluice -c transform.yaml --once
	assert_status 0
	assert_same expected two
}

test_cut_records_are_counted() {
	mkdir -p logs
	records 1 7 a >logs/a.log
	cat >cut.yaml <<-END
		sources: {in: {type: file, paths: ["logs/*"], multiline: {start: "^S", max_lines: 3}}}
		sinks: {out: {type: stdout, inputs: [in]}}
	END
	run_sluice -c cut.yaml --once
	assert_status 0
	assert_same logs/a.log out
	assert_said 'records of many lines cut 2'
	assert_said 'record of too many lines or bytes cut max_lines=3'
	sed -i '1i log: {format: json}' cut.yaml
	run_sluice -c cut.yaml --once
	assert_summary '.cut == 2'
}

test_offsets_are_known_of_records_whose_bodies_were_changed() {
	printf '%s\n' one two three four >lines.log
	cat >changed.yaml <<-END
		sources: {in: {type: file, paths: [lines.log]}}
		transforms:
		  loud: {type: set, inputs: [in], fields: {body: 'body + "!" + string(offset)'}}
		  some: {type: filter, inputs: [loud], where: 'offset == 4 || offset == 14'}
		sinks: {out: {type: file, inputs: [some], path: result}}
	END
	run_sluice -c changed.yaml --once
	assert_status 0
	printf '%s\n' 'two!4' 'four!14' >expected
	assert_same expected result
}
