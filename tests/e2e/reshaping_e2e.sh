# Fields that are set, renamed and removed, and records that are routed and sampled, from files to files.
# shellcheck shell=bash

make_records() { # N: one JSON object a line
	awk -v n="$1" 'BEGIN {
		for (i = 0; i < n; i++)
			printf "{\"n\":%d,\"user\":\"u%d\",\"status\":%d,\"ms\":%d}\n", i, i % 50, i % 7 ? 200 : 500, i % 13
	}' >in.log
}

# LINES OF TRANSFORMS..., then -- and LINES OF SINKS; behind `p`, which parses in.log
write_topology() {
	{
		echo "sources: {in: {type: file, paths: [in.log]}}"
		echo "transforms:"
		echo "  p: {type: parse_json, inputs: [in]}"
		while [ "$1" != -- ]; do
			printf '  %s\n' "$1"
			shift
		done
		shift
		echo "sinks:"
		printf '  %s\n' "$@"
	} >t.yaml
}

test_routes_send_each_record_where_it_matches() {
	make_records 100000
	write_topology "r: {type: route, inputs: [p], workers: 2, routes: {bad: 'status >= 500', slow: 'ms > 10'}}" -- \
		"bad: {type: file, inputs: [r.bad], path: bad.log}" \
		"slow: {type: file, inputs: [r.slow], path: slow.log}" \
		"rest: {type: file, inputs: [r._unmatched], path: rest.log}"
	run_sluice --once -c t.yaml
	assert_status 0
	grep '"status":500' in.log >expected
	assert_same expected bad.log
	grep -E '"ms":1[12]' in.log >expected
	assert_same expected slow.log
	grep -v '"status":500' in.log | grep -vE '"ms":1[12]' >expected
	assert_same expected rest.log
}

test_routes_that_nobody_reads_end_and_are_told_by_check() {
	make_records 1000
	write_topology "r: {type: route, inputs: [p], routes: {bad: 'status >= 500', slow: 'ms > 10'}}" -- \
		"bad: {type: file, inputs: [r.bad], path: bad.log}"
	"$SLUICE" check -c t.yaml >out 2>err || fail "refused"
	assert_said 't.yaml:4:3: warning: nobody reads .r.slow.; records that go there end there'
	run_sluice --once -c t.yaml
	assert_status 0
	grep '"status":500' in.log >expected
	assert_same expected bad.log
	assert_said "filtered=$((1000 - $(wc -l <expected)))|filtered $((1000 - $(wc -l <expected)))"
}

test_fields_that_were_set_can_be_filtered_by() {
	make_records 20000
	write_topology "s: {type: set, inputs: [p], fields: {score: 'ms * 10 + (status >= 500 ? 1000 : 0)', who: 'user + \"!\"'}}" \
		"n: {type: rename, inputs: [s], fields: {score: rank, rank: score}}" \
		"d: {type: remove, inputs: [n], fields: [ms]}" \
		"f: {type: filter, inputs: [d], where: 'rank > 1100 && who == \"u7!\" && !has(ms) && !has(score)'}" -- \
		"out: {type: file, inputs: [f], path: out.log}"
	run_sluice --once -c t.yaml
	assert_status 0
	grep '"user":"u7","status":500' in.log | grep -E '"ms":1[12]}' >expected
	[ -s expected ] || fail "this proves nothing"
	assert_same expected out.log
}

test_body_that_was_set_is_what_a_file_gets() {
	make_records 50000
	write_topology "s: {type: set, inputs: [p], fields: {body: 'user + \" \" + string(status)'}}" -- \
		"out: {type: file, inputs: [s], path: out.log}" "zipped: {type: file, inputs: [s], path: out.zst, compression: zstd}"
	run_sluice --once -c t.yaml
	assert_status 0
	sed -E 's/.*"user":"([^"]*)","status":([0-9]*).*/\1 \2/' in.log >expected
	assert_same expected out.log
	zstd -qdc out.zst >unpacked
	assert_same expected unpacked
}

test_a_sample_is_the_same_whoever_takes_it() {
	make_records 50000
	write_topology "s: {type: sample, inputs: [p], rate: 5, key: user}" -- \
		"out: {type: file, inputs: [s], path: out.log}"
	run_sluice --once -c t.yaml
	assert_status 0
	cp out.log first.log
	local users
	users=$(grep -o '"user":"[^"]*"' first.log | sort -u | wc -l)
	if [ "$users" -le 2 ] || [ "$users" -ge 25 ]; then fail "$users of 50 users"; fi
	[ "$(wc -l <first.log)" -eq $((users * 1000)) ] || fail "a user is there in part"
	rm out.log
	run_sluice --once -c t.yaml --set transforms.s.workers=3 --set sources.in.max_line=1KiB
	assert_status 0
	assert_same first.log out.log
}

# What is sampled does not depend on what came before, so that a run in two parts leaves what one run does.
test_a_sample_goes_on_where_it_was() {
	make_records 4000
	write_topology "s: {type: sample, inputs: [in], rate: 10}" "f: {type: filter, inputs: [p], contains: u}" -- \
		"out: {type: file, inputs: [s], path: out.log}" "all: {type: blackhole, inputs: [f]}"
	run_sluice --once -c t.yaml
	assert_status 0
	mv out.log whole.log
	mv in.log all.log
	head -n 1717 all.log >in.log
	STATE=$PWD/state
	mkdir state
	run_sluice --once -c t.yaml
	tail -n +1718 all.log >>in.log
	run_sluice --once -c t.yaml
	assert_status 0
	assert_same whole.log out.log
}

test_mistakes_in_expressions_are_told_with_their_columns() {
	: >in.log
	write_topology "s: {type: set, inputs: [p], fields: {a: 'b +* c', user: '1', user.id: '2', time: '\"x\"'}}" \
		"r: {type: route, inputs: [s], routes: {x: 'a ==', _y: 'true'}}" \
		"m: {type: sample, inputs: [s], rate: 0}" -- \
		"out: {type: file, inputs: [r, m], path: out.log}"
	status=0
	"$SLUICE" check -c t.yaml >out 2>err || status=$?
	assert_status 78
	assert_said '^t.yaml:4:47: .a.: '
	assert_said '^t.yaml:4:64: .user.id. and .user. stand side by side'
	assert_said '^t.yaml:4:84: .time. has to be a timestamp'
	assert_said '^t.yaml:5:50: .x.: '
	assert_said "^t.yaml:5:53: ._y. can't name an output"
	assert_said '^t.yaml:6:40: .rate. is 0; write at least 1'
}

test_the_plain_name_of_a_route_is_refused_with_those_it_has() {
	: >in.log
	write_topology "r: {type: route, inputs: [p], routes: {bad: 'true'}}" -- \
		"out: {type: file, inputs: [r], path: out.log}"
	status=0
	"$SLUICE" check -c t.yaml >out 2>err || status=$?
	assert_status 78
	assert_said '^t.yaml:6:30: .r. sends its records to outputs of their own; read .r.bad. or .r._unmatched.'
}

test_a_field_is_set_from_the_command_line() {
	make_records 10
	write_topology "s: {type: set, inputs: [p], fields: {x: '1'}}" \
		"f: {type: filter, inputs: [s], where: x == 4}" -- "out: {type: file, inputs: [f], path: out.log}"
	run_sluice --once -c t.yaml --set transforms.s.fields.x='n > 5 ? 4 : 5'
	assert_status 0
	tail -n 4 in.log >expected
	assert_same expected out.log
	"$SLUICE" list set >out
	grep -qE '^ *fields +name: text +required ' out || fail "list says: $(cat out)"
}

test_what_was_set_within_a_field_goes_with_it_into_json() {
	echo '{"a":1,"user":{"id":7,"bad":true}}' >in.log
	write_topology "s: {type: set, inputs: [p], fields: {user.id: 9}}" "d: {type: remove, inputs: [s], fields: [user.bad]}" \
		"n: {type: rename, inputs: [d], fields: {user: who.inner}}" "w: {type: set, inputs: [n], fields: {o: '{\"x\": a}'}}" \
		"x: {type: set, inputs: [w], fields: {o.y: 2}}" "k: {type: keep, inputs: [p], fields: [none]}" -- \
		"out: {type: file, inputs: [x], path: out.log, encoding: json}" "kept: {type: file, inputs: [k], path: kept.log, encoding: json}"
	run_sluice --once -c t.yaml
	assert_status 0
	echo '{"a":1,"who":{"inner":{"id":9}},"o":{"x":1,"y":2}}' >expected
	assert_same expected out.log
	echo '{}' >expected
	assert_same expected kept.log
}
