# Fields of records in the path of a file sink: each record in the file of its own, whatever is in it, and once.
# shellcheck shell=bash

# Records of a few hosts and days, in no order; in.json.
many_hosts() { # RECORDS
	awk -v n="$1" 'BEGIN {
		srand(7)
		for (i = 0; i < n; i++)
			printf "{\"n\":%d,\"host\":\"h%d\",\"t\":\"2024-01-%02dT00:00:%02dZ\"}\n", i, rand() * 7, 1 + rand() * 3, i % 60
	}' >in.json
}

to_paths() { # PATH [OPTIONS of the sink [OPTIONS of the topology]]
	cat >topology.yaml <<-END
		${3:-}
		sources: {in: {type: file, paths: [in.json]}}
		transforms: {parsed: {type: parse_json, inputs: [in], time: {field: t, format: rfc3339}}}
		sinks: {out: {type: file, inputs: [parsed], path: "$1"${2:+, $2}}}
	END
	mkdir -p srv
}

# What should be where, as srv/DAY/HOST: the records of in.json, in their order.
expect_files() {
	mkdir -p expected/srv/0{1,2,3}
	jq -r '"\(.t[8:10])/\(.host)\t\(tojson)"' in.json | awk -F '\t' '{ print $2 >>"expected/srv/" $1 }'
	find expected -empty -delete
}

assert_files() { # [CAT [SUFFIX]]
	local cat=${1:-cat} suffix=${2:-} want got=0
	want=$(find expected/srv -type f | wc -l)
	while read -r file; do
		$cat "srv/$file$suffix" >got.one || fail "no srv/$file$suffix"
		assert_same "expected/srv/$file" got.one
		got=$((got + 1))
	done < <(cd expected/srv && find . -type f)
	[ "$got" -eq "$want" ] || fail "$got files where $want were expected"
	[ "$(find srv -type f | wc -l)" -eq "$want" ] || fail "other files: $(find srv -type f)"
}

test_each_record_goes_into_the_file_of_its_host_and_day() {
	many_hosts 3000
	expect_files
	to_paths 'srv/%d/{host}'
	run_sluice --once -c topology.yaml
	assert_status 0
	assert_files
	assert_said 'out 3000 records'
}

test_compressed_files_of_many_hosts_are_whole() {
	many_hosts 3000
	expect_files
	to_paths 'srv/%d/{host}.zst'
	run_sluice --once -c topology.yaml
	assert_status 0
	assert_files 'zstd -qdc' .zst
}

test_more_hosts_than_are_sorted_at_a_time_are_all_told_apart() {
	for i in $(seq 0 999); do echo "{\"n\":$i,\"host\":\"h$((i * 7 % 200))\",\"t\":\"2024-01-01T00:00:00Z\"}"; done >in.json
	expect_files
	to_paths 'srv/%d/{host}' '' 'epoch: off'
	run_sluice --once -c topology.yaml
	assert_status 0
	assert_files
}

test_a_last_line_without_an_end_gets_one_in_whatever_file() {
	printf '%s\n%s\n%s' '{"host":"a"}' '{"host":"b"}' '{"host":"a"}' >in.json
	to_paths 'srv/{host}'
	run_sluice --once -c topology.yaml
	assert_status 0
	printf '{"host":"a"}\n{"host":"a"}\n' >expected.a
	assert_same expected.a srv/a
	echo '{"host":"b"}' >expected.b
	assert_same expected.b srv/b
}

test_no_value_leaves_the_directory_or_hides_another() {
	printf '%s\n' '{"host":"../../evil"}' '{"host":".."}' '{"host":""}' '{}' '{"host":"_missing"}' \
		'{"host":"a/b"}' '{"host":"a_b"}' '{"host":"a\u0000b"}' '{"host":null}' 'x' '{"host":".hidden"}' \
		"{\"host\":\"$(printf 'y%.0s' {1..5000})\"}" "{\"host\":\"$(printf 'y%.0s' {1..5001})\"}" >in.json
	mkdir -p deep/er
	to_paths "$PWD/deep/er/srv/{host}/log"
	mkdir -p deep/er/srv
	run_sluice --once -c topology.yaml
	assert_status 0
	# missing, null and what is no object share a file
	[ "$(find deep -type f | wc -l)" -eq 11 ] || fail "files: $(find deep -type f)"
	[ "$(find deep/er/srv -type f | wc -l)" -eq 11 ] || fail 'a file lies elsewhere'
	[ "$(wc -l <deep/er/srv/_missing/log)" -eq 3 ] || fail 'what has no host is not in one file'
	[ ! -e evil ] && [ ! -e deep/evil ] || fail 'a record has left the directory'
	[ "$(cat deep/er/srv/a_b/log)" = '{"host":"a_b"}' ] || fail 'another value has got a name that is a value'
	find deep/er/srv -mindepth 1 -maxdepth 1 -name '.*' | grep -q . && fail 'a name is hidden'
	[ "$(cat deep/er/srv/*/log | wc -l)" -eq 13 ] || fail 'not every record is there'
}

# Adds to in.json while it runs, kills it in the middle, again and again; at the end every record is in its file, once.
killed_often() { # PATH [CAT [SUFFIX [OPTIONS of the sink]]]
	many_hosts 6000
	mv in.json all.json
	cp all.json in.json
	expect_files
	: >in.json
	to_paths "$1" "${4:-}" 'epoch: {interval: 50ms}'
	local at=0
	STATE=$PWD/state
	mkdir -p "$STATE"
	for round in 1 2 3 4 5 6; do
		start_sluice -c topology.yaml
		for _ in 1 2 3 4 5; do
			sed -n "$((at + 1)),$((at + 190))p" all.json >>in.json
			at=$((at + 190))
			wait_until 30 any_output_since
			hold "0.0$round"
		done
		kill -KILL "$sluice_pid"
		wait "$sluice_pid" || true
	done
	sed -n "$((at + 1)),\$p" all.json >>in.json
	run_sluice --once -c topology.yaml
	assert_status 0
	assert_files "${2:-cat}" "${3:-}"
}

any_output_since() {
	local now
	now=$(find srv -type f -printf '%s %p\n' | sort | cksum)
	[ "$now" != "${last_output:-}" ] && last_output=$now
}

test_killed_at_any_moment_each_file_has_its_records_once() {
	killed_often 'srv/%d/{host}'
}

test_killed_at_any_moment_compressed_files_have_their_records_once() {
	killed_often 'srv/%d/{host}.zst' 'zstd -qdc' .zst
}

test_killed_at_any_moment_with_few_open_each_file_has_its_records_once() {
	killed_often 'srv/%d/{host}' cat '' 'max_open: 3'
}

test_killed_at_any_moment_with_one_open_each_file_has_its_records_once() {
	killed_often 'srv/%d/{host}' cat '' 'max_open: 1'
}

test_killed_at_any_moment_with_few_open_compressed_files_have_their_records_once() {
	killed_often 'srv/%d/{host}.zst' 'zstd -qdc' .zst 'max_open: 3'
}

# Of those that the sink writes.
open_outputs() {
	find "/proc/$sluice_pid/fd" -lname "$PWD/srv/*" -printf '%l\n' 2>/dev/null | sort -u >open_now
	while read -r file; do [ ! -f "$file" ] || echo "$file"; done <open_now
}

open_are() { # N
	[ "$(open_outputs | wc -l)" -eq "$1" ]
}

records_are() { # N
	[ "$(cat srv/* 2>/dev/null | wc -l)" -eq "$1" ]
}

hosts_by_turns() { # HOSTS FROM TO
	for i in $(seq "$2" "$3"); do echo "{\"host\":\"h$((i % $1))\",\"n\":$i}"; done >>in.json
}

test_as_many_files_are_open_as_there_are_and_none_that_is_idle() {
	hosts_by_turns 5 1 500
	to_paths 'srv/{host}' 'rotate: {idle: 2s}' 'epoch: {interval: 50ms}'
	start_sluice -c topology.yaml
	wait_until 20 records_are 500
	wait_until 1 open_are 5
	wait_until 20 open_are 0
	hosts_by_turns 5 501 505
	wait_until 20 records_are 505
	stop_sluice
	for i in 0 1 2 3 4; do
		grep "\"h$i\"" in.json >expected.one
		assert_same expected.one "srv/h$i"
	done
}

test_no_more_files_are_open_than_may_be() {
	to_paths 'srv/{host}' 'max_open: 4' 'epoch: {interval: 20ms}'
	: >in.json
	start_sluice -c topology.yaml
	local n most=0
	for turn in $(seq 0 19); do
		hosts_by_turns 23 $((turn * 50 + 1)) $((turn * 50 + 50))
		for _ in 1 2 3 4 5; do
			n=$(open_outputs | wc -l)
			[ "$n" -le "$most" ] || most=$n
		done
	done
	wait_until 60 records_are 1000
	wait_until 20 open_are 4
	# beside those that are written, some that were finished are on their way to the disk
	[ "$most" -le $((4 + 4)) ] || fail "$most files were open at a time"
	stop_sluice
	for i in $(seq 0 22); do
		grep "\"h$i\"" in.json >expected.one
		assert_same expected.one "srv/h$i"
	done
}

committed_are() { # N
	"$SLUICE" state -c topology.yaml --json >state.json 2>/dev/null || return 1
	[ "$(jq '[.stages[] | select(.id == "out") | .items[]? | .committed] | add // 0' state.json)" -ge "$1" ]
}

test_a_start_with_fewer_files_open_brings_back_all_that_were() {
	hosts_by_turns 9 1 900
	to_paths 'srv/{host}' '' 'epoch: {interval: 50ms}'
	STATE=$PWD/state
	mkdir -p "$STATE"
	start_sluice -c topology.yaml
	wait_until 20 committed_are "$(wc -c <in.json)"
	[ "$(jq '[.stages[] | select(.id == "out") | .items[]] | length' state.json)" -eq 9 ] || fail "$(cat state.json)"
	kill -KILL "$sluice_pid"
	wait "$sluice_pid" || true
	for i in 0 4 8; do echo 'torn' >>"srv/h$i"; done
	"$SLUICE" state -c topology.yaml --verify >out
	[ "$(grep -c 'to_be_cut 5$' out)" -eq 3 ] || fail "$(cat out)"
	hosts_by_turns 9 901 902
	to_paths 'srv/{host}' 'max_open: 2' 'epoch: {interval: 50ms}'
	start_sluice -c topology.yaml
	wait_until 20 records_are 902
	wait_until 20 open_are 2
	stop_sluice
	"$SLUICE" state -c topology.yaml --json >state.json
	[ "$(jq '[.stages[] | select(.id == "out") | .items[]] | length' state.json)" -eq 2 ] || fail "$(cat state.json)"
	for i in $(seq 0 8); do
		grep "\"h$i\"" in.json >expected.one
		assert_same expected.one "srv/h$i"
	done
}

test_any_of_the_files_that_were_open_is_refused_when_it_was_cut() {
	hosts_by_turns 6 1 60
	to_paths 'srv/{host}' '' 'epoch: {interval: 50ms}'
	STATE=$PWD/state
	mkdir -p "$STATE"
	start_sluice -c topology.yaml
	wait_until 20 committed_are "$(wc -c <in.json)"
	kill -KILL "$sluice_pid"
	wait "$sluice_pid" || true
	for i in 0 3 5; do
		cp "srv/h$i" kept
		truncate -s -1 "srv/h$i"
		run_sluice --once -c topology.yaml
		assert_status 74
		assert_said "out: output is shorter than what was committed path=srv/h$i .*missing=1"
		cat kept >"srv/h$i"
	done
	run_sluice --once -c topology.yaml
	assert_status 0
	records_are 60 || fail 'not every record is there once'
}

test_outputs_of_a_former_sink_are_all_brought_back() {
	hosts_by_turns 6 1 60
	to_paths 'srv/{host}' '' 'epoch: {interval: 50ms}'
	STATE=$PWD/state
	mkdir -p "$STATE"
	start_sluice -c topology.yaml
	wait_until 20 committed_are "$(wc -c <in.json)"
	kill -KILL "$sluice_pid"
	wait "$sluice_pid" || true
	for i in 1 2 5; do echo 'torn' >>"srv/h$i"; done
	sed -i 's/{out:/{other:/; s,srv/{host},elsewhere,' topology.yaml
	run_sluice --once -c topology.yaml
	assert_status 0
	assert_said 'sink is no more, bringing back its output'
	records_are 60 || fail 'something was left of what was not committed'
	"$SLUICE" state -c topology.yaml --json >state.json
	jq -e '[.stages[].id] | index("out") == null' state.json >/dev/null || fail "$(cat state.json)"
}

test_what_open_files_take_is_in_the_budget_that_is_refused_with_what_would_do() {
	hosts_by_turns 3 1 30
	to_paths 'srv/{host}.zst' 'max_open: 500' 'memory: 256MiB'
	run_sluice --once -c topology.yaml
	assert_status 78
	assert_said 'memory.*256MiB'
	local most
	most=$(grep -oE '[0-9]+MiB' err | sort -n | tail -1)
	[ "${most%MiB}" -gt 1000 ] || fail "$most for 500 compressed files"
	sed -i "s/memory: 256MiB/memory: $most/" topology.yaml
	run_sluice --once -c topology.yaml
	assert_status 0
	# what is not used is not taken
	need_unsanitized
	assert_under_kib $((128 * 1024)) "$(cat peak)"
}

test_more_open_files_than_the_system_allows_are_refused_before_anything_is_written() {
	hosts_by_turns 40 1 400
	to_paths 'srv/{host}' 'max_open: 100'
	(ulimit -n 200 && run_sluice --once -c topology.yaml && echo "$status" >code)
	[ "$(cat code)" -eq 1 ] || fail "exit code $(cat code)"
	assert_said 'sinks may open more files than the system allows needed=272 limit=200 cure='
	[ -z "$(ls srv)" ] || fail 'something was written'
	to_paths 'srv/{host}' 'max_open: 60'
	(ulimit -n 200 && run_sluice --once -c topology.yaml && echo "$status" >code)
	[ "$(cat code)" -eq 0 ] || fail "exit code $(cat code)"
	records_are 400 || fail 'not every record is there once'
}

test_several_files_that_are_rotated_hold_all_records() {
	many_hosts 4000
	expect_files
	to_paths 'srv/%d/{host}' 'max_open: 9, rotate: {size: 5KiB}'
	run_sluice --once -c topology.yaml
	assert_status 0
	while read -r file; do
		[ "$(stat -c %s "srv/$file")" -le 5120 ] || fail "$file is too large"
		{ cat "srv/$file".* 2>/dev/null; cat "srv/$file"; } >got.one
		assert_same "expected/srv/$file" got.one
	done < <(cd expected/srv && find . -type f)
}

large_records() { # RECORDS
	awk -v n="$1" 'BEGIN {
		srand(5)
		for (i = 0; i < n; i++) {
			text = sprintf("%d ", i)
			length_wanted = i % 3 ? 10 : rand() * 40000
			while (length(text) < length_wanted)
				text = text text
			printf "{\"host\":\"h%d\",\"t\":\"2024-01-%02dT00:00:00Z\",\"text\":\"%s\"}\n", rand() * 7, 1 + rand() * 3, text
		}
	}' >in.json
}

test_large_records_that_share_a_batch_are_in_their_files() {
	large_records 900
	expect_files
	to_paths 'srv/%d/{host}' 'max_open: 11'
	run_sluice --once -c topology.yaml
	assert_status 0
	assert_files
	rm -r srv
	to_paths 'srv/%d/{host}.zst' 'max_open: 5'
	run_sluice --once -c topology.yaml
	assert_status 0
	assert_files 'zstd -qdc' .zst
}

test_one_of_several_open_files_that_is_moved_away_is_begun_anew() {
	hosts_by_turns 3 1 30
	to_paths 'srv/{host}' '' 'epoch: {interval: 50ms}'
	STATE=$PWD/state
	mkdir -p "$STATE"
	start_sluice -c topology.yaml
	wait_until 20 committed_are "$(wc -c <in.json)"
	mv srv/h1 moved
	rm srv/h2
	hosts_by_turns 3 31 60
	wait_until 20 says 'output was moved away or deleted, going on in a new file path=srv/h1'
	wait_until 20 says 'output was moved away or deleted, going on in a new file path=srv/h2'
	hosts_by_turns 3 61 90
	wait_until 20 has_lines srv/h1 10
	wait_until 20 has_lines srv/h2 10
	kill -KILL "$sluice_pid"
	wait "$sluice_pid" || true
	hosts_by_turns 3 91 93
	run_sluice --once -c topology.yaml
	assert_status 0
	grep '"h0"' in.json >expected.one
	assert_same expected.one srv/h0
	grep '"h1"' in.json >expected.one
	cat moved srv/h1 >got.one
	assert_same expected.one got.one
	# of the one that was deleted, what was written to it is gone
	grep '"h2"' in.json | tail -n "$(wc -l <srv/h2)" >expected.one
	assert_same expected.one srv/h2
	[ "$(wc -l <srv/h2)" -le 21 ] || fail 'what was committed came once more'
}

test_mistakes_in_a_path_with_fields_are_told() {
	cat >topology.yaml <<-'END'
		sources: {in: {type: file, paths: [in.json]}}
		sinks:
		  a: {type: file, inputs: [in], path: "a/{host"}
		  b: {type: file, inputs: [in], path: "b/{host}/../x"}
		  c: {type: file, inputs: [in], path: "c/{host}", rotate: {keep: 1d, interval: 1h}}
		  d: {type: file, inputs: [in], path: "d/{a}-{b}-{c}"}
		  e: {type: file, inputs: [in], path: e, max_open: 2}
		  f: {type: file, inputs: [in], path: "f/{a}", max_open: 1025}
	END
	run_sluice --once -c topology.yaml
	assert_status 78
	assert_said 'topology.yaml:3:41: a brace in a path'
	assert_said 'topology.yaml:4:48: `\.` and `\.\.` cannot stand'
	assert_said 'topology.yaml:5:.*`rotate.keep` cannot delete'
	assert_said 'topology.yaml:6:.*too long for a file system'
	assert_said 'topology.yaml:7:.*`max_open` means nothing here'
	assert_said 'topology.yaml:8:.*1024'
}
