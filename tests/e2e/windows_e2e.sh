# Transforms that remember: what they have seen is part of an epoch.
# shellcheck shell=bash

# Visits of a site: every fourth comes twice, a second later, and up to two seconds too late.
visits() { # COUNT
	awk -v count="$1" 'BEGIN {
		srand(4)
		for (i = 0; i < count; i++) {
			id = i % 4 ? i : i - 37
			printf "{\"ts\": %d, \"id\": %d, \"host\": \"h%d\", \"ms\": %d.5}\n",
				1000000 + int(i / 50) - int(3 * rand()), id, rand() * 5, rand() * 1000
		}
	}'
}

visits_topology() {
	cat >visits.yaml <<-'YAML'
		epoch: {interval: 20ms}
		state_dir: ${FOLDER}/state
		sources: {in: {type: file, paths: ["${FOLDER}/in/*"]}}
		transforms:
		  parsed: {type: parse_json, inputs: [in]}
		  timed: {type: set, inputs: [parsed], fields: {time: timestamp(ts)}}
		  once: {type: dedupe, inputs: [timed], key: [id], window: {records: 1000, time: 5s}}
		  sums:
		    type: aggregate
		    inputs: [once]
		    by: [host]
		    window: 1m
		    grace: 1s
		    fields: {visits: count, total: sum(ms), least: min(ms), most: max(ms), p90: "quantile(ms, 0.9)"}
		sinks:
		  kept: {type: file, inputs: [once], path: "${FOLDER}/kept.json"}
		  sums_out: {type: file, inputs: [sums], path: "${FOLDER}/sums.json"}
	YAML
}

# Of what dedupe has left, counted by other means: how many, and their sum, of each window and host.
sums_of_kept() { # FOLDER
	sed -E 's/[^0-9.]+/ /g' "$1/kept.json" | awk '
		{
			ts = $1; host = $3; window = ts - ts % 60
			if (window + 60 <= latest - 1) { late++; next }
			latest = ts > latest ? ts : latest
			visits[window " " host]++; total[window " " host] += $4
		}
		END {
			if (!late) print "none was late"
			for (k in visits) printf "%s %d %.1f\n", k, visits[k], total[k]
		}' | sort -n
}

sums_said() { # FOLDER
	local start host visits total
	sed -E 's/.*window_start":"([^"]+)".*"host":"h(.)","visits":([0-9]+),"total":([0-9.]+),.*/\1 \2 \3 \4/' "$1/sums.json" |
		while read -r start host visits total; do
			printf '%s %s %s %.1f\n' "$(date -d "$start" +%s)" "$host" "$visits" "$total"
		done | sort -n
}

test_killed_again_and_again_it_drops_and_counts_what_it_would_have_without() {
	local i count=20000
	visits_topology
	mkdir -p whole/in killed/in parts
	visits $count >whole/in/a.json
	export FOLDER=whole
	run_sluice --once -c visits.yaml
	assert_status 0
	assert_said "visits: in $count records .* filtered [0-9]+, gathered [0-9]+, dropped 0, late [0-9]+"
	sums_of_kept whole >expected
	sums_said whole >said
	assert_same expected said
	has_lines expected 30 || fail "there is too little to see"

	export FOLDER=killed
	split -l 1000 whole/in/a.json parts/
	for i in parts/*; do
		cat "$i" >>killed/in/a.json
		start_sluice -c visits.yaml
		hold 0.0$((RANDOM % 10))
		[ $((RANDOM % 2)) -eq 0 ] || wait_until 20 test -s killed/kept.json
		kill -KILL "$sluice_pid"
		wait "$sluice_pid" || true
	done
	start_sluice -c visits.yaml
	wait_until 20 has_lines killed/kept.json "$(wc -l <whole/kept.json)"
	stop_sluice
	assert_status 0
	run_sluice --once -c visits.yaml
	assert_status 0
	assert_same whole/kept.json killed/kept.json
	assert_same whole/sums.json killed/sums.json
}

test_a_pipeline_that_runs_on_gives_out_its_last_window_when_nothing_comes() {
	export FOLDER=.
	visits_topology
	sed -i 's/window: 1m/window: 300ms/; s/grace: 1s/grace: 0/' visits.yaml
	mkdir in
	echo '{"ts": 1, "id": 1, "host": "h", "ms": 1.5}' >in/a.json
	start_sluice -c visits.yaml
	wait_until 20 has_lines sums.json 1
	# it is committed: killed, it is not given out again
	given_out() {
		"$SLUICE" state -c visits.yaml | grep -q 'state groups: open 0, '
	}
	wait_until 20 given_out
	kill -KILL "$sluice_pid"
	wait "$sluice_pid" || true
	start_sluice -c visits.yaml
	echo '{"ts": 7, "id": 2, "host": "h", "ms": 2.5}' >>in/a.json
	wait_until 20 has_lines sums.json 2
	stop_sluice
	assert_status 0
	grep -q '"total":1.5' sums.json || fail "the first is missing"
	[ "$(wc -l <sums.json)" -eq 2 ] || fail "a window was given out twice"
}

test_told_to_stop_it_keeps_open_windows_for_the_next_start() {
	export FOLDER=.
	visits_topology
	mkdir in
	echo '{"ts": 61, "id": 1, "host": "h", "ms": 1}' >in/a.json
	start_sluice -c visits.yaml
	wait_until 20 has_lines kept.json 1
	stop_sluice
	assert_status 0
	[ ! -s sums.json ] || fail "the window is still open"
	"$SLUICE" state -c visits.yaml >told
	grep -q 'state keys: count 1, latest' told || fail "of the keys nothing is told"
	grep -q 'state groups: open 1, watermark' told || fail "of the groups nothing is told"
	"$SLUICE" state --json -c visits.yaml | tr -d ' \n' | grep -q '"state":"groups","open":1,' || fail "in JSON neither"
	echo '{"ts": 62, "id": 2, "host": "h", "ms": 2}' >>in/a.json
	run_sluice --once -c visits.yaml
	assert_status 0
	grep -q '"visits":2,"total":3,' sums.json || fail "they are of one window"
}

test_groups_counted_for_other_functions_are_not_mixed_with_new_ones() {
	export FOLDER=.
	visits_topology
	mkdir in
	echo '{"ts": 61, "id": 1, "host": "h", "ms": 1}' >in/a.json
	start_sluice -c visits.yaml
	wait_until 20 has_lines kept.json 1
	stop_sluice
	assert_status 0
	sed -i 's/window: 1m/window: 2m/' visits.yaml
	run_sluice --once -c visits.yaml
	assert_status 1
	assert_said 'groups that are open were counted by another'
	sed -i 's/window: 2m/window: 1m/' visits.yaml
	run_sluice --once -c visits.yaml
	assert_status 0
	grep -q '"visits":1,"total":1,' sums.json || fail "nothing of it may be lost"
}

test_memory_stays_within_the_budget_with_all_groups_and_keys_in_use() {
	need_unsanitized
	mkdir in
	awk 'BEGIN {
		srand(6)
		for (i = 0; i < 400000; i++)
			printf "{\"ts\": %d, \"id\": %d, \"host\": \"host-%d\", \"ms\": %.3f}\n", i / 40000, i, i % 12000, exp(20 * rand())
	}' >in/a.json
	cat >full.yaml <<-'YAML'
		memory: 128MiB
		sources: {in: {type: file, paths: [in/*]}}
		transforms:
		  parsed: {type: parse_json, inputs: [in]}
		  timed: {type: set, inputs: [parsed], fields: {time: timestamp(ts)}}
		  once: {type: dedupe, inputs: [timed], key: id, window: {records: 300000}}
		  sums: {type: aggregate, inputs: [once], by: [host], window: 1h, on_error: drop, fields: {p90: "quantile(ms, 0.9)"}}
		sinks: {out: {type: file, inputs: [sums], path: sums.json}}
	YAML
	run_sluice --once -c full.yaml
	assert_status 0
	[ "$(wc -l <sums.json)" -eq 10000 ] || fail "there are other groups than max_groups"
	assert_said 'gathered 400000, .*refused [0-9]+'
	assert_under_kib $(((128 + 32) * 1024)) "$(cat peak)"
	sed -i 's/128MiB/64MiB/' full.yaml
	run_sluice --once -c full.yaml
	assert_status 78
	assert_said 'the memory budget of 64MiB is too small .*sums. [0-9]+MiB'
}
