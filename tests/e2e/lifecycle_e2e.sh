# A service's life: told to the service manager, reloaded, gone back.
# shellcheck shell=bash

# Starts sluice as a service manager does; what it is told is in `told`.
start_service() { # WATCHDOG_USEC ARGUMENTS
	"$TOOLS/e2e/notify_listener" "$PWD/notify" >told 2>complaint &
	listener=$!
	trap 'kill -KILL $listener "${sluice_pid:-$listener}" 2>/dev/null || true' EXIT
	wait_until 20 test -S notify
	NOTIFY_SOCKET=$PWD/notify WATCHDOG_USEC=$1 "$SLUICE" run "${@:2}" >out 2>err &
	sluice_pid=$!
}

told() { # EXTENDED-REGEX
	grep -qE -- "$1" told
}

told_times() { # N EXTENDED-REGEX
	[ "$(grep -cE -- "$2" told)" -ge "$1" ]
}

service_topology() { # OUTPUT
	cat >t.yaml <<-YAML
		name: shop
		epoch: {interval: 100ms}
		sources: {in: {type: file, paths: ["in/*.log"]}}
		sinks: {out: {type: file, inputs: [in], path: $1}}
	YAML
}

test_the_service_manager_is_told_of_every_step() {
	mkdir in
	seq 1 100 >in/a.log
	service_topology result.log
	start_service 400000 -c t.yaml
	wait_until 20 told '^[0-9]+ READY=1$'
	wait_until 20 told '^[0-9]+ STATUS=shop: in 100 records'
	wait_until 20 told_times 5 '^[0-9]+ WATCHDOG=1$'
	kill -HUP "$sluice_pid"
	wait_until 20 told_times 2 '^[0-9]+ READY=1$'
	stop_sluice
	assert_status 0
	grep -oE '(READY|STOPPING)=1|RELOADING=1 MONOTONIC_USEC=[0-9]{6,}' told | sed 's/_USEC=.*//' >steps
	printf '%s\n' READY=1 'RELOADING=1 MONOTONIC' READY=1 STOPPING=1 | cmp - steps || fail "$(cat told)"
}

test_no_watchdog_is_fed_that_nobody_asked_for() {
	mkdir in
	service_topology result.log
	start_service 0 -c t.yaml
	wait_until 20 told READY
	hold 0.5
	stop_sluice
	! told WATCHDOG || fail "nobody asked for a watchdog"
}

test_a_reload_goes_on_where_it_was_with_the_new_topology() {
	mkdir in
	seq 1 1000 >in/a.log
	service_topology one.log
	start_sluice -c t.yaml
	wait_until 20 has_lines one.log 1000
	service_topology two.log
	kill -HUP "$sluice_pid"
	wait_until 20 says 'stopping reason=reload'
	seq 1001 2000 >>in/a.log
	wait_until 20 has_lines two.log 1000
	stop_sluice
	assert_status 0
	cat one.log two.log | cmp - <(seq 1 2000) || fail "not each once and in order"
}

test_a_bad_topology_changes_nothing_when_it_is_reloaded() {
	mkdir in
	seq 1 1000 >in/a.log
	service_topology one.log
	start_sluice -c t.yaml
	wait_until 20 has_lines one.log 1000
	echo 'sinkz: {}' >>t.yaml
	kill -HUP "$sluice_pid"
	wait_until 20 says 'topology not reloaded, going on with the one there is reason='
	assert_said '^t\.yaml:5:1: unknown key `sinkz`; did you mean `sinks`'
	service_topology one.log
	sed -i 's/shop/mall/' t.yaml
	kill -HUP "$sluice_pid"
	wait_until 20 says 'reason="its `name` is another one"'
	seq 1001 2000 >>in/a.log
	wait_until 20 has_lines one.log 2000
	stop_sluice
	assert_status 0
	assert_never_said 'reason=reload'
	cmp one.log <(seq 1 2000) || fail "not each once and in order"
}

test_a_topology_that_loads_and_cannot_run_is_taken_back() {
	mkdir in
	seq 1 1000 >in/a.log
	service_topology one.log
	start_sluice -c t.yaml
	wait_until 20 has_lines one.log 1000
	service_topology no/such/directory.log
	kill -HUP "$sluice_pid"
	seq 1001 2000 >>in/a.log
	wait_until 20 says 'the reloaded topology cannot run, going back'
	wait_until 20 has_lines one.log 2000
	stop_sluice
	assert_status 0
	cmp one.log <(seq 1 2000) || fail "not each once and in order"
}

all_have_come() { # LINES, in both outputs
	[ "$(cat one.log last.log | wc -l)" -ge "$1" ]
}

test_hangups_in_a_row_are_all_heard() {
	mkdir in
	seq 1 1000 >in/a.log
	service_topology one.log
	start_sluice -c t.yaml
	wait_until 20 has_lines one.log 1000
	local i
	for i in 2 3 4 5 6 7 8 9; do
		kill -HUP "$sluice_pid"
		seq $((i * 1000 - 999)) $((i * 1000)) >>in/a.log
	done
	service_topology last.log
	kill -HUP "$sluice_pid"
	seq 9001 10000 >>in/a.log
	wait_until 20 says 'reason=reload'
	wait_until 20 test -e last.log
	wait_until 20 all_have_come 10000
	stop_sluice
	assert_status 0
	cat one.log last.log | cmp - <(seq 1 10000) || fail "not each once and in order"
}

# Bringing back the output of a sink that is no more takes a record, for which there is no room.
test_the_service_manager_is_told_that_a_start_waits_for_room() {
	mkdir disk
	mount -t tmpfs -o size=2m tmpfs disk 2>/dev/null || skip "may not mount a small file system (needs root)"
	trap 'umount -l disk' EXIT
	export STATE_DIRECTORY=$PWD/disk
	waiting_topology() { # SINK
		printf 'epoch: {interval: 1h, bytes: 200B}\nsources: {in: {type: file, paths: [a.log]}}\n' >t.yaml
		echo "sinks: {$1: {type: file, inputs: [in], path: out.log}}" >>t.yaml
	}
	waiting_topology out
	seq 1 100 >a.log
	"$SLUICE" run --once -c t.yaml >out 2>err
	waiting_topology other
	head -c 4MiB /dev/zero >disk/filler 2>/dev/null || true
	start_service 60000000 -c t.yaml
	trap 'kill -KILL $listener "$sluice_pid" 2>/dev/null || true; umount -l disk' EXIT
	wait_until 20 told_times 2 ' WATCHDOG=1 EXTEND_TIMEOUT_USEC=30000000$'
	! told 'READY=1' || fail "ready though it waits"
	rm disk/filler
	wait_until 20 told 'READY=1'
	stop_sluice
	assert_status 0
}
