# `sluice test`: a topology's own tests, passing and failing, and what is said of them; nothing is read or written.
# shellcheck shell=bash

tests_of() { # YAML of tests, of a topology whose tests begin in line 21
	cat >t.yaml <<-END
		sources:
		  access: {type: file, paths: [/nowhere/*.log]}
		  other: {type: stdin}
		transforms:
		  parsed:
		    type: parse_json
		    inputs: [access]
		    on_error: dead_letter
		    dead_letter: rejects
		    workers: 2
		  errors: {type: filter, inputs: [parsed, other], where: 'status >= 500', on_error: drop}
		  ways: {type: route, inputs: [errors], routes: {slow: 'took > 1.0'}, queue: {capacity: 1}}
		sinks:
		  archive: {type: file, inputs: [errors], path: archive.json, encoding: json}
		  slow: {type: stdout, inputs: [ways.slow]}
		  rejects:
		    type: file
		    inputs: []
		    path: rejects.json
		tests:
	END
	cat >>t.yaml
}

try() { # ARGUMENTS: leaves `status`, out and err
	status=0
	use_state
	timeout 60 "$SLUICE" test -c t.yaml "$@" >out 2>err </dev/null || status=$?
}

says() { # TEXT: all of stdout
	printf '%s\n' "$1" >expected
	cmp -s expected out || fail "stdout is not as expected: $(diff expected out)"
}

printed() { # EXTENDED-REGEX
	grep -qE -- "$1" out || fail "not on stdout: $1; but: $(cat out)"
}

passing='
  - name: errors come out of the parser as JSON, and the rest where it belongs
    at: access
    input:
      - "{\"status\": 500, \"took\": 0.5}"
      - "{\"status\":200}"
      - no JSON
      - "{\"status\": 503, \"took\": 1.5}"
    expect:
      - from: archive
        records: ["{\"status\": 500, \"took\": 0.5}", "{\"status\": 503, \"took\": 1.5}"]
      - {from: errors, count: 2, each: "status >= 500 && source == \"access\"", any: took < 1.0}
      - {from: rejects, records: [no JSON]}
      - {from: slow, count: 1}
      - {from: ways.slow, each: status == 503}
      - {from: ways._unmatched, each: status == 500}
      - {from: access, count: 4}
  - name: fields are of the type that they are written in
    at: errors
    input:
      - {body: a, fields: {status: 500, took: 2.5, user.id: "7", ok: true, none: }}
      - {body: b, fields: {status: "500"}}
    expect:
      - {from: archive, records: ["{\"status\":500,\"took\":2.5,\"user\":{\"id\":\"7\"},\"ok\":true,\"none\":null}"]}'

test_what_holds_is_ok_and_no_trace_is_left() {
	tests_of <<<"$passing"
	mkdir empty state
	status=0
	(cd empty && STATE_DIRECTORY=../state timeout 60 "$SLUICE" test -c ../t.yaml >../out 2>../err </dev/null) || status=$?
	assert_status 0
	says 'ok errors come out of the parser as JSON, and the rest where it belongs
ok fields are of the type that they are written in
t: 2 tests passed'
	[ ! -s err ] || fail "something was said"
	[ -z "$(find empty state -mindepth 1)" ] || fail "left behind: $(find empty state)"
}

test_it_goes_the_same_way_every_time() {
	tests_of <<<"$passing"
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		try
		assert_status 0
	done
}

test_what_does_not_hold_is_shown_with_its_place() {
	tests_of <<'END'
  - name: not at all
    at: errors
    input:
      - {body: "red \e[31m", fields: {status: 500}}
      - {body: "two\nlines", fields: {status: 501}}
    expect:
      - from: errors
        records: [other, "two\nlines"]
      - {from: archive, count: 1}
      - {from: errors, each: status == 500, any: status > 600}
      - {from: slow, each: "true"}
      - {from: errors, each: took > 1.0}
  - name: well
    at: errors
    input: [x]
    expect: [{from: errors, count: 0}]
END
	try
	assert_status 1
	says 'FAILED not at all
  t.yaml:28:19: `errors` gave 2 records, and 2 were expected; from record 1 on they differ
    expected:
      other
      two\x0alines
    got:
      red \x1b[31m
      two\x0alines
  t.yaml:29:9: `archive` gave 2 records, not 1:
      {"status":500}
      {"status":501}
  t.yaml:30:30: `errors` gave 1 record for which `each` does not hold; of the first, record 2, it is false
      two\x0alines
  t.yaml:30:50: `errors` gave 2 records, and `any` holds for none; of the first, it is false
      red \x1b[31m
      two\x0alines
  t.yaml:31:28: `slow` gave no record, so that `each` says nothing
  t.yaml:32:30: `errors` gave 2 records for which `each` does not hold; of the first, record 1, it is not known: no such field
      red \x1b[31m
ok well
t: 1 of 2 tests failed'
}

test_a_run_that_fails_is_a_test_that_fails() {
	tests_of <<'END'
  - name: it stops
    at: parsed
    input: [no JSON]
    expect: [{from: errors, count: 0}]
END
	sed -i -e 's/on_error: dead_letter/on_error: stop/' -e '/dead_letter: rejects/d' -e '/^  rejects:/,/path: rejects/d' t.yaml
	try
	assert_status 1
	printed '^FAILED it stops$'
	printed 'the run failed: .*; parsed: record refused, and `on_error` is `stop`'
}

test_mistakes_are_told_with_their_place_by_every_command() {
	tests_of <<'END'
  - name: wrong
    at: pasred
    input: [x]
    expect: [{from: archve, count: 1}]
END
	try
	assert_status 78
	assert_said '^t\.yaml:22:9: no stage `pasred`; did you mean `parsed`\?$'
	assert_said '^t\.yaml:24:21: no stage `archve`; did you mean `archive`\?$'
	[ ! -s out ] || fail "tests were tried"
	sed -i -e 's/pasred/ways/' -e 's/from: archve/from: ways.slo/' t.yaml
	try
	assert_status 78
	assert_said '^t\.yaml:24:21: `ways` has no output `slo`; did you mean `slow`\?$'
	sed -i 's/from: ways.slo/from: archive/' t.yaml
	try
	assert_status 78
	assert_said '^t\.yaml:24:21: nothing that enters at `ways` comes to `archive`; enter it further up$'
	tests_of <<'END'
  - name: wrong
    at: errors
    time: today
    input: [{fields: {a..b: 1}}]
    expect: [{from: archive, each: "status >"}]
END
	local command
	for command in test check run graph; do
		status=0
		timeout 60 "$SLUICE" "$command" -c t.yaml >out 2>err </dev/null || status=$?
		assert_status 78
		assert_said '^t\.yaml:23:11: `time` is `today`; write a moment like 2026-03-01T12:00:00Z$'
		assert_said '^t\.yaml:24:23: `a\.\.b` can.t name a field'
		assert_said '^t\.yaml:25:45: `each`: expected '
	done
}

test_usage_and_a_topology_without_tests() {
	tests_of </dev/null
	try
	assert_status 0
	says 't: no tests; write some under `tests`'
	try --once
	assert_status 2
	assert_said '^sluice test: --once is an option of `sluice run`'
	timeout 60 "$SLUICE" test >out 2>err || status=$?
	assert_status 2
	assert_said 'sluice test: which topology'
	timeout 60 "$SLUICE" test -c missing.yaml >out 2>err || status=$?
	assert_status 78
}

test_what_cannot_be_printed_is_no_success() {
	[ -w /dev/full ] || skip "no /dev/full"
	tests_of <<<"$passing"
	status=0
	"$SLUICE" test -c t.yaml >/dev/full 2>err || status=$?
	assert_status 74
}

test_secrets_are_not_shown() {
	echo -n hidden >secret
	tests_of <<END
  - name: with a password
    at: errors
    input: [{body: "\${file:$PWD/secret}", fields: {status: 500}}]
    expect: [{from: errors, records: ["\${file:$PWD/secret}x"]}]
END
	try
	assert_status 1
	printed '\*\*\*'
	! grep -q hidden out err || fail "the secret is out"
}

test_what_is_held_at_the_end_comes_out() {
	cat >t.yaml <<'END'
sources: {logs: {type: file, paths: [/nowhere/*]}}
transforms: {lines: {type: parse_cri, inputs: [logs], timeout: 1h}}
sinks: {out: {type: blackhole, inputs: [lines]}}
tests:
  - name: parts of a line are joined, and what is open at the end is let go
    at: logs
    input:
      - 2026-11-21T10:15:00.1Z stdout P a
      - 2026-11-21T10:15:00.2Z stdout F b
      - 2026-11-21T10:15:00.3Z stdout P c
    expect:
      - {from: lines, count: 2, any: message == "ab"}
      - {from: out, any: message == "c"}
END
	try
	assert_status 0
}

test_it_is_when_the_test_says() {
	cat >t.yaml <<'END'
sources: {logs: {type: file, paths: [/nowhere/*]}}
transforms: {all: {type: filter, inputs: [logs], where: 'true'}}
sinks: {out: {type: blackhole, inputs: [all]}}
tests:
  - {name: then, at: logs, time: 2026-03-01T12:00:00+01:00, input: [x], expect: [{from: out, each: "time == timestamp('2026-03-01T11:00:00Z')"}]}
  - {name: at first, at: logs, input: [x], expect: [{from: out, each: "time == timestamp('2000-01-01T00:00:00Z')"}]}
END
	try
	assert_status 0
}

many() { # COUNT YAML: that item so often
	local i
	for ((i = 0; i < $1; i++)); do echo "$2"; done
}

test_many_records_and_long_ones_come_through() {
	local long
	long=$(printf '%1000000s' x)
	{
		echo '  - name: many'
		echo '    at: errors'
		echo '    input:'
		many 9000 '      - {body: a, fields: {status: 500}}'
		echo "      - {body: '$long', fields: {status: 500}}"
		echo '    expect: [{from: errors, count: 9001, any: body.size() == 1000000}, {from: archive, count: 9001}]'
	} >tests
	tests_of <tests
	try
	assert_status 0
}

# Each sink of a test that stands beside others takes a copy of what comes there.
test_a_budget_that_is_just_enough_for_the_topology_is_enough_for_its_tests() {
	local i needed
	{
		echo 'sources: {s0: {type: file, paths: [/nowhere/*], max_line: 1KiB}}'
		echo 'transforms:'
		for ((i = 1; i <= 40; i++)); do echo "  s$i: {type: filter, inputs: [s$((i - 1))], contains: a}"; done
		echo 'sinks: {out: {type: blackhole, inputs: [s40]}}'
		echo 'tests:'
		echo '  - {name: copies, at: s0, input: [a, b], expect: ['
		for ((i = 1; i <= 40; i++)); do echo "    {from: s$i, records: [a]},"; done
		echo '  ]}'
	} >t.yaml
	try --set memory=1KiB
	assert_status 78
	needed=$(grep -oE 'memory: [0-9]+MiB' err | cut -d' ' -f2)
	try --set memory="$needed"
	assert_status 0
}

test_more_fields_than_a_batch_has_are_told_at_the_test() {
	{
		echo '  - name: wide'
		echo '    at: errors'
		echo '    input:'
		echo '      - fields:'
		local i
		for ((i = 0; i < 300; i++)); do echo "          f$i: 1"; done
		echo '    expect: [{from: errors, count: 1}]'
	} >tests
	tests_of <tests
	try
	assert_status 78
	assert_said '^t\.yaml:21:5: more than 256 fields are spoken of'
}

test_time_goes_on_only_when_nothing_else_is_left_to_do() {
	cat >t.yaml <<'END'
sources: {logs: {type: file, paths: [/nowhere/*]}}
transforms: {some: {type: throttle, inputs: [logs], rate: 1/s, burst: 1, when_exceeded: wait}}
sinks: {out: {type: blackhole, inputs: [some]}}
tests:
  - {name: later, at: logs, input: [a, b, c], expect: [{from: out, records: [a, b, c]}]}
END
	try
	assert_status 0
}
