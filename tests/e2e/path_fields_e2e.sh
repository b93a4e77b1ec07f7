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
killed_often() { # PATH [CAT [SUFFIX]]
	many_hosts 6000
	mv in.json all.json
	cp all.json in.json
	expect_files
	: >in.json
	to_paths "$1" '' 'epoch: {interval: 50ms}'
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

test_mistakes_in_a_path_with_fields_are_told() {
	cat >topology.yaml <<-'END'
		sources: {in: {type: file, paths: [in.json]}}
		sinks:
		  a: {type: file, inputs: [in], path: "a/{host"}
		  b: {type: file, inputs: [in], path: "b/{host}/../x"}
		  c: {type: file, inputs: [in], path: "c/{host}", rotate: {keep: 1d, interval: 1h}}
		  d: {type: file, inputs: [in], path: "d/{a}-{b}-{c}"}
	END
	run_sluice --once -c topology.yaml
	assert_status 78
	assert_said 'topology.yaml:3:41: a brace in a path'
	assert_said 'topology.yaml:4:48: `\.` and `\.\.` cannot stand'
	assert_said 'topology.yaml:5:.*`rotate.keep` cannot delete'
	assert_said 'topology.yaml:6:.*too long for a file system'
}
