# A stage that fails, and what follows: all begin anew from the last epoch, so many times, and every record is there once.
# shellcheck shell=bash

# shellcheck source=tests/e2e/receiver.sh
source "$(dirname "${BASH_SOURCE[0]}")/receiver.sh"

record() { # FROM TO HOST: appended to in.json, and to what its file is to hold
	local i
	mkdir -p expected
	for ((i = $1; i <= $2; i++)); do
		echo "{\"n\":$i,\"host\":\"$3\"}" | tee -a in.json >>"expected/$3"
	done
}

supervised() { # OPTIONS of supervision
	cat >topology.yaml <<-END
		epoch: {interval: 50ms}
		supervision: {$1}
		sources: {in: {type: file, paths: [in.json]}}
		transforms: {parsed: {type: parse_json, inputs: [in]}}
		sinks:
		  out: {type: file, inputs: [parsed], path: "srv/{host}"}
		  all: {type: file, inputs: [in], path: all.json}
	END
	mkdir -p srv
}

# Somebody else's, until fd 7 is closed: the sink cannot have it, waits two seconds and fails.
lock_file() { # FILE
	exec 7>>"$1"
	flock -n 7 || fail "no lock on $1"
}

let_go_of_file() {
	flock -u 7
	exec 7>&-
}

assert_all_there() {
	local host
	for host in expected/*; do
		assert_same "$host" "srv/${host#expected/}"
	done
	assert_same in.json all.json
}

test_all_begin_anew_from_the_last_epoch_and_every_record_is_there_once() {
	record 1 500 a
	supervised 'max_restarts: 20'
	lock_file srv/b
	start_sluice -c topology.yaml
	wait_until 20 has_lines srv/a 500
	record 501 1000 a
	record 1 10 b
	record 1001 1500 a
	wait_until 30 says 'out failed'
	wait_until 20 says 'warn restarting failed=out restart=1 max_restarts=20 in_ms='
	record 1501 2000 a
	let_go_of_file
	wait_until 30 has_lines srv/b 10
	wait_until 20 has_lines srv/a 2000
	wait_until 20 has_lines all.json 2010
	stop_sluice
	assert_status 0
	assert_all_there
}

test_run_to_the_end_begins_anew_and_gets_there() {
	record 1 1000 a
	record 1 1000 b
	record 1001 3000 a
	supervised 'max_restarts: 20'
	lock_file srv/b
	start_sluice --once -c topology.yaml
	wait_until 30 says 'warn restarting failed=out restart=1 '
	let_go_of_file
	await_end 30
	assert_status 0
	assert_all_there
	assert_said 'failed: in .* records'
}

# A record that is no JSON; the stage fails there each time.
poisoned() { # OPTIONS of supervision
	record 1 10 a
	echo 'no json' >>in.json
	supervised "$1"
	sed -i 's/type: parse_json,/&, on_error: stop,/; s/,,/,/' topology.yaml
}

test_stage_that_fails_each_time_ends_the_run_when_its_restarts_are_used_up() {
	poisoned 'max_restarts: 3, within: 1h'
	run_sluice -c topology.yaml
	assert_status 1
	assert_said_times 3 'warn restarting failed='
	assert_said 'restart=3 max_restarts=3 '
	assert_said_times 1 'error failed too often, not restarting failed=[^ ]* restarts=3 within_s=3600'
}

test_nothing_begins_anew_unless_it_is_said() {
	poisoned 'strategy: one_for_all'
	run_sluice -c topology.yaml
	assert_status 1
	assert_never_said 'restart'
}

test_asked_to_stop_before_a_restart_it_ends_at_once() {
	poisoned 'max_restarts: 1000, within: 1h'
	start_sluice -c topology.yaml
	wait_until 120 says 'restarting .* in_ms=[1-9][0-9]{3}'
	stop_sluice
	assert_status 1
	assert_said 'stopped before the restart'
}

test_reload_before_a_restart_takes_the_next_topology_at_once() {
	poisoned 'max_restarts: 1000, within: 1h'
	start_sluice -c topology.yaml
	wait_until 120 says 'restarting .* in_ms=[1-9][0-9]{3}'
	sed -i 's/on_error: stop/on_error: drop/' topology.yaml
	kill -HUP "$sluice_pid"
	wait_until 20 has_lines srv/a 10
	record 11 20 a
	wait_until 20 has_lines srv/a 20
	stop_sluice
	assert_status 0
	assert_all_there
}

test_topologies_in_which_restarts_make_no_sense_are_refused() {
	record 1 1 a
	supervised 'max_restarts: 3'
	sed -i 's/^epoch: .*/epoch: off/' topology.yaml
	run_sluice --once -c topology.yaml
	assert_status 78
	assert_said 'topology.yaml:2:1: `supervision` restarts from the last epoch, and `epoch` is `off`'
	supervised isolate
	sed -i 's/^supervision: .*/supervision: isolate/' topology.yaml
	run_sluice --once -c topology.yaml
	assert_status 78
	assert_said 'topology.yaml:2:1: `isolate` restarts what failed, and `max_restarts` is 0'
	supervised 'max_restarts: 1001'
	run_sluice --once -c topology.yaml
	assert_status 78
	assert_said '`max_restarts` is 1001; write at most 1000'
}

test_what_cannot_begin_anew_by_itself_begins_anew_with_all() {
	poisoned 'strategy: isolate, max_restarts: 2, within: 1h'
	run_sluice -c topology.yaml
	assert_status 1
	assert_said_times 2 'warn restarting failed='
	assert_never_said 'restarting by itself'
	assert_said_times 1 'error failed too often, not restarting failed=[^ ]* restarts=2 '
}

# ---- a sink that begins anew by itself ----

# isolated SINK-OPTIONS: `out` fails, `all` goes on.
isolated() {
	cat >topology.yaml <<-END
		epoch: {interval: 50ms}
		supervision: {strategy: isolate, max_restarts: 100}
		sources: {in: {type: file, paths: [lines.log]}}
		sinks:
		  out: {inputs: [in], $1}
		  all: {type: file, inputs: [in], path: all.log}
	END
}

assert_only_it_began_anew() {
	assert_said 'warn out: restarting by itself'
	assert_never_said 'warn restarting failed'
}

test_http_sink_that_fails_begins_anew_by_itself_with_what_was_not_stored() {
	needs_stage sinks http libcurl
	seq -f 'line %.0f' 20000 >lines.log
	start_server --first 3 --status 400
	isolated "type: http, url: '$url/', body: lines, batch: {records: 1000}, retry: {max_attempts: 1}"
	run_sluice --once -c topology.yaml
	stop_server
	assert_status 0
	assert_only_it_began_anew
	assert_same lines.log all.log
	assert_said 'warn out: restarting by itself .* restart=3 '
	assert_same lines.log got
}

test_unix_sink_that_finds_nobody_begins_anew_by_itself_until_somebody_is_there() {
	seq -f 'line %.0f' 3000 >lines.log
	isolated "type: unix, path: $PWD/there, retry: {max_attempts: 1}"
	start_sluice -c topology.yaml
	wait_until 10 says 'warn out: restarting by itself .* restart=2 '
	wait_until 10 has_lines all.log 3000
	mkdir receiver
	cat >receiver/t.yaml <<-END
		sources: {in: {type: unix, listen: $PWD/there}}
		sinks: {got: {type: file, inputs: [in], path: $PWD/got}}
	END
	(cd receiver && STATE_DIRECTORY=$PWD exec timeout 60 "$SLUICE" run -c t.yaml 2>err) &
	receiver_pid=$!
	trap 'kill -KILL "$receiver_pid" ${sluice_pid:+"$sluice_pid"} 2>/dev/null || true' EXIT
	wait_until 30 has_lines got 3000
	stop_sluice
	assert_status 0
	assert_only_it_began_anew
	assert_same lines.log all.log
	assert_same lines.log got
	kill -TERM "$receiver_pid"
	wait "$receiver_pid"
}

test_exec_sink_whose_command_ends_begins_anew_by_itself() {
	seq -f 'line %.0f' 3000 >lines.log
	isolated 'type: exec, command: "mkdir once 2>/dev/null && exit 3; mkdir twice 2>/dev/null && exit 3; cat >>got", restart: never'
	run_sluice --once -c topology.yaml
	assert_status 0
	assert_only_it_began_anew
	assert_same lines.log all.log
	sort -u got >got.once
	sort lines.log >sorted
	assert_same sorted got.once
}
