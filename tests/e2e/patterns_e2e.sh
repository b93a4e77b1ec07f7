# parse_regex and parse_grok, through the program.
# shellcheck shell=bash
logs=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/../shared/data

# TRANSFORMS INPUT: what comes out of `last`, in result.log
through() {
	rm -f result.log
	cat >t.yaml <<-YAML
		sources: {in: {type: file, paths: ["$2"]}}
		transforms:
		$1
		sinks: {out: {type: file, inputs: [last], path: result.log}}
	YAML
	run_sluice --once -c t.yaml
	assert_status 0
}

test_fields_found_by_grok_decide_as_grep_does() {
	[ -d "$logs" ] || skip "no ../shared/data beside the repository"
	through "  p: {type: parse_grok, inputs: [in], match: '^%{HTTPD20_ERRORLOG}', on_error: stop}
  last: {type: filter, inputs: [p], where: 'loglevel == \"error\" && has(clientip)'}" "$logs/Apache_2k.log"
	grep -F '[error] [client ' "$logs/Apache_2k.log" >expected
	[ -s expected ] || fail "nothing to be found: this proves nothing"
	assert_same expected result.log
}

test_types_of_grok_are_those_of_expressions() {
	printf '%s\n' 'GET /a 200 1.5' 'GET /b 500 0.25' 'GET /c 503 12' 'no line' >in.log
	through "  p: {type: parse_grok, inputs: [in], match: '^%{WORD} %{NOTSPACE:path} %{INT:status:int} %{NUMBER:took:float}', on_error: drop}
  last: {type: filter, inputs: [p], where: 'status >= 500 && took > 1.0'}" "$PWD/in.log"
	echo 'GET /c 503 12' >expected
	assert_same expected result.log
	assert_said 'refused'
}

test_fields_found_by_regex_decide() {
	printf '%s\n' 'a=1 b=2' 'a=2 b=2' 'b=3' >in.log
	through "  p: {type: parse_regex, inputs: [in], regex: '(?:a=(?<a>\\d+) )?b=(?<b>\\d+)'}
  last: {type: filter, inputs: [p], where: '!has(a) || a == b'}" "$PWD/in.log"
	printf '%s\n' 'a=2 b=2' 'b=3' >expected
	assert_same expected result.log
}

test_a_long_record_that_is_walked_from_every_byte_does_not_hold_it_up() {
	{
		head -c 1000000 /dev/zero | sed 's/\x0\x0/a /g'
		echo
		echo 'a b;'
	} >in.log
	through "  last: {type: parse_regex, inputs: [in], regex: '(?<words>(?:\\w+\\s)*+\\w+)[;,]', on_error: drop}" "$PWD/in.log"
	echo 'a b;' >expected
	assert_same expected result.log
	assert_said 'refused reason="regex gave up" records=1'
}

run_check() {
	status=0
	"$SLUICE" check -c t.yaml >out 2>err || status=$?
	assert_status 78
}

test_mistakes_in_patterns_are_told_with_their_column() {
	cat >t.yaml <<-'YAML'
		sources: {in: {type: stdin}}
		transforms:
		  p:
		    type: parse_grok
		    inputs: [in]
		    match: ['%{IPORHOST:h} %{NUMBR:n}', '%{MINE:m}']
		    patterns:
		      MINE: '[0-9'
		sinks: {out: {type: stdout, inputs: [p]}}
	YAML
	run_check
	assert_said 't.yaml:8:[0-9]+: `patterns` does not compile'
	sed -i "s/'\[0-9'/'[0-9]'/" t.yaml
	run_check
	assert_said 't.yaml:6:30: `match`: no pattern is called `NUMBR`; did you mean `NUMBER`[?]'
}

test_types_and_time_of_fields_that_cannot_be_found_are_told() {
	local told='which is none of the fields that are found; did you mean'
	spoken_of() { # OPTIONS
		cat >topology.yaml <<-END
			epoch: off
			sources: {in: {type: stdin}}
			transforms: {p: {inputs: [in], $1}}
			sinks: {out: {type: stdout, inputs: [p], encoding: json}}
		END
		use_state; status=0
		"$SLUICE" check -c topology.yaml >out 2>err || status=$?
	}
	spoken_of 'type: parse_regex, regex: ["(?<status>\\d+)", "(?<level>\\w+)"], types: {statsu: int, level: string}'
	assert_status 78
	assert_said "\`types\` speaks of \`statsu\`, $told \`status\`"
	spoken_of 'type: parse_regex, regex: "(?<ts>\\d+)", time: {field: tss}'
	assert_status 78
	assert_said "\`time\` speaks of \`tss\`, $told \`ts\`"
	spoken_of 'type: parse_grok, match: "%{INT:s} %{WORD:user.id}", types: {user.id: string, user.di: string}'
	assert_status 78
	assert_said_times 1 "\`types\` speaks of \`user.di\`, $told \`user.id\`"
	assert_said_times 1 'speaks of'
	spoken_of 'type: parse_csv, names: [one, two], types: {tow: int}'
	assert_status 78
	assert_said "\`types\` speaks of \`tow\`, $told \`two\`"
	spoken_of 'type: parse_csv, header: true, types: {tow: int}'
	assert_status 0
}
