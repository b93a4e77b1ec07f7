# Every allocation fails once: an exact output, or a clean end with a message after which the next run makes it exact.
# shellcheck shell=bash

memory_topology() {
	cat >t.yaml <<-YAML
		memory: 48MiB
		epoch: {interval: 10ms}
		sources: {in: {type: file, paths: ["in/*.log"]}}
		transforms: {odd: {type: filter, inputs: [in], regex: '[13579]\$', workers: 2}}
		sinks:
		  plain: {type: file, inputs: [in], path: out/plain.log, rotate: {size: 4KiB}}
		  packed: {type: file, inputs: [odd], path: out/packed.log.zst, compression: {type: zstd, level: 1}}
	YAML
	mkdir in
	seq 1 1000 >in/a.log
	seq 1001 2000 | zstd -q >in/b.log
	seq 1 2 2000 >odd
	seq 1 2000 >all
}

# What a program is run through for its allocation number N to fail.
fail_allocation() { # N
	failing=(env FAIL_ALLOCATION="$1" COUNT_ALLOCATIONS="$PWD/count"
		LD_PRELOAD="$TOOLS/e2e/preload/fail_allocation.so")
}

run_once_failing() { # N
	fail_allocation "$1"
	status=0
	timeout -k 1 20 "${failing[@]}" "$SLUICE" run --once -c t.yaml >out.txt 2>err || status=$?
}

is_exact() {
	cat out/plain*.log | sort -n | cmp -s - all && zstd -dcq out/packed.log.zst | sort -n | cmp -s - odd
}

assert_survived() { # N
	case $status in
	0) is_exact || fail "allocation $1 failed: exit 0, and the output is not exact" ;;
	1 | 2 | 74 | 78)
		[ -s err ] || fail "allocation $1 failed: exit $status without a word"
		"$SLUICE" run --once -c t.yaml >out.txt 2>err || fail "allocation $1 failed: the next run, too"
		is_exact || fail "allocation $1 failed: the output is not exact after the next run"
		;;
	*) fail "allocation $1 failed: exit $status" ;;
	esac
}

# Each in turn, or, other ones each time, so many of them.
fail_each() { # COMMAND MANY [JUDGE]
	local count n step=1 judge=${3:-assert_survived}
	"$1" 0
	assert_status 0
	is_exact || fail "not exact though nothing failed"
	count=$(cat count)
	[ "$count" -gt 100 ] || fail "only $count allocations"
	[ "$FULL" -eq 1 ] || step=$((count / $2 + 1))
	for ((n = 1 + RANDOM % step; n <= count; n += step)); do
		"$1" "$n"
		$judge "$n"
	done
}

run_from_the_beginning() { # N
	rm -rf out .sluice
	mkdir out
	run_once_failing "$1"
}

test_every_allocation_may_fail_once() {
	need_unsanitized
	memory_topology
	fail_each run_from_the_beginning 150
}

assert_exact_or_said() { # N
	case $status in
	0) is_exact || fail "allocation $1 failed: exit 0, and the output is not exact" ;;
	1 | 2 | 74 | 78) [ -s err ] || fail "allocation $1 failed: exit $status without a word" ;;
	*) fail "allocation $1 failed: exit $status" ;;
	esac
}

# A run without epochs remembers nothing: the next one would write all of it again.
test_every_allocation_without_epochs_and_with_a_watchdog_may_fail_once() {
	need_unsanitized
	memory_topology
	sed -i 's/^epoch:.*/epoch: off/' t.yaml
	"$TOOLS/e2e/notify_listener" "$PWD/notify" >told 2>complaint &
	listener=$!
	trap 'kill -KILL "$listener" 2>/dev/null || true' EXIT
	wait_until 20 test -S notify
	export NOTIFY_SOCKET=$PWD/notify WATCHDOG_USEC=30000000
	fail_each run_from_the_beginning 150 assert_exact_or_said
}

has_written() { # LINES
	[ "$(cat out/plain*.log 2>/dev/null | wc -l)" -ge "$1" ]
}

# Bytes to be cut, a rotated file to be brought back, an input under another name.
run_after_a_kill() { # N
	rm -rf out in .sluice
	mkdir out in
	seq 1 1000 >in/a.log
	"$SLUICE" run --once -c t.yaml >out.txt 2>err || fail "exit $?"
	"$SLUICE" run -c t.yaml >out.txt 2>err &
	sluice_pid=$!
	seq 1001 1500 >>in/a.log
	wait_until 20 has_written 1500
	kill -KILL "$sluice_pid"
	wait "$sluice_pid" || true
	mv in/a.log in/a.old.log
	seq 1501 2000 >in/b.log
	run_once_failing "$1"
}

test_every_allocation_of_a_recovery_may_fail_once() {
	need_unsanitized
	memory_topology
	sed -i 's/interval: 10ms/interval: 1h/' t.yaml
	fail_each run_after_a_kill 40
}

has_written_or_ended() { # LINES
	has_written "$1" || has_ended
}

# Followed, told to read its topology again, and to end: what it was stopped before, because what the reload began had to be
# undone first, is for the next run.
follow_and_reload() { # N
	rm -rf out in .sluice
	mkdir out in
	seq 1 1000 >in/a.log
	fail_allocation "$1"
	"${failing[@]}" "$SLUICE" run -c t.yaml >out.txt 2>err &
	sluice_pid=$!
	trap 'kill -KILL "$sluice_pid" 2>/dev/null || true' EXIT
	wait_until 20 has_written_or_ended 1000
	seq 1001 1500 >>in/a.log
	kill -HUP "$sluice_pid" 2>/dev/null || true
	mv in/a.log in/a.old.log
	seq 1501 2000 >in/b.log
	wait_until 20 has_written_or_ended 2000
	kill -TERM "$sluice_pid" 2>/dev/null || true
	await_end 20
	[ "$status" -ne 0 ] || "$SLUICE" run --once -c t.yaml >out.txt 2>err || fail "allocation $1 failed: the next run, too"
}

test_every_allocation_may_fail_once_while_following_and_reloading() {
	need_unsanitized
	memory_topology
	fail_each follow_and_reload 40
}
