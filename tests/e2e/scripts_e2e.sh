# Records through a script, from files to files.
# shellcheck shell=bash

lua_is_there() {
	"$SLUICE" list | grep -q '^  lua ' || skip "this build is without LuaJIT"
}

make_records() { # N
	awk -v n="$1" 'BEGIN {
		for (i = 0; i < n; i++)
			printf "{\"n\":%d,\"user\":\"u%d\",\"big\":9007199254740993,\"status\":%d}\n", i, i % 50, i % 7 ? 200 : 500
	}' >in.log
}

write_topology() { # OPTIONS OF THE SCRIPT'S STAGE, behind `p`, which parses in.log
	cat >t.yaml <<-EOF
		sources: {in: {type: file, paths: [in.log]}}
		transforms:
		  p: {type: parse_json, inputs: [in]}
		  l: {type: lua, inputs: [p], $1}
		sinks: {out: {type: file, inputs: [l], path: out.log, encoding: json}}
	EOF
}

test_a_script_of_a_file_drops_changes_and_splits() {
	lua_is_there
	make_records 30000
	cat >s.lua <<-'EOF'
		function process(record)
		  if record.status == 200 then return false end
		  record.user = record.user .. '!'
		  if record.n % 2 == 0 then return {{part = 1}, {part = 2}} end
		end
	EOF
	write_topology "file: s.lua, fields: [status, user, n], writes: [user, part], workers: 2"
	run_sluice --once -c t.yaml
	assert_status 0
	jq -c 'select(.status == 500) | .user += "!" | if .n % 2 == 0 then . + {part: 1}, . + {part: 2} else . end' in.log |
		sed 's/9007199254740992/9007199254740993/' >expected
	assert_same expected out.log
}

test_what_a_script_does_not_touch_stays_as_it_is() {
	lua_is_there
	make_records 5000
	write_topology "source: 'function process(r) if r.n == 4999 then r.n = 1 end end', fields: [n], writes: [n, user, big]"
	run_sluice --once -c t.yaml
	assert_status 0
	sed 's/"n":4999/"n":1/' in.log >expected
	assert_same expected out.log
}

test_a_script_that_never_ends_fails_its_record_only() {
	lua_is_there
	make_records 100
	write_topology "source: 'function process(r) while r.n == 50 do end end', fields: [n], on_error: drop"
	run_sluice --once -c t.yaml
	assert_status 0
	grep -v '"n":50,' in.log >expected
	assert_same expected out.log
	assert_said 'script used up its instructions'
}

test_mistakes_in_a_script_of_a_file_have_its_line() {
	lua_is_there
	: >in.log
	printf 'function process(r)\n  return return\nend\n' >s.lua
	write_topology "file: s.lua"
	run_sluice --once -c t.yaml
	assert_status 78
	assert_said 's.lua:2:1: script: unexpected symbol near .return.'
}
