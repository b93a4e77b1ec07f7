# `sluice state --verify` says what the next run then does: of outputs whose sink is no more, and of what is undone first.
# shellcheck shell=bash

STATE=remembered # of every run in here

verify_topology() { # EPOCH SINKS...
	local epoch=$1
	shift
	mkdir -p in
	printf '%s\n' 'name: t' "epoch: {$epoch}" 'sources: {src: {type: file, paths: [in/*]}}' 'sinks:' "$@" >t.yaml
}

sink() { # ID PATH [OPTIONS]
	printf '  %s: {type: file, inputs: [src], path: %s%s}' "$1" "$2" "${3:+, $3}"
}

state() {
	status=0
	STATE_DIRECTORY=$STATE "$SLUICE" state -c t.yaml "$@" >state 2>err || status=$?
}

has_committed() { # BYTES
	state --json
	grep -qx " *\"committed\": $1" state
}

# A hundred lines committed, twenty more written and not, when it was killed.
kill_with_a_tail() { # PATH
	verify_topology 'interval: 1h, bytes: 200B' "$(sink out "$1")"
	seq 1 100 >in/a.log
	start_sluice -c t.yaml
	wait_until 20 has_committed 292
	seq 101 120 >>in/a.log
	wait_until 20 has_lines "$1" 120
	stop_sluice KILL
}

expect_verified() { # STATUS JQ-OF-THE-STAGE-OUT LINE...
	local wanted=$1 filter=$2 line
	shift 2
	state --verify
	assert_status "$wanted"
	for line; do
		grep -qE "^    $line\$" state || fail "no line like: $line in: $(cat state)"
	done
	state --verify --json
	assert_status "$wanted"
	jq -e ".stages[] | select(.id == \"out\") | $filter" state >judgement || fail "$filter: $(cat state)"
}

expect_run() { # STATUS SAID
	run_sluice --once -c t.yaml
	assert_status "$1"
	assert_said "$2"
}

test_verify_says_what_is_cut_from_the_output_of_a_sink_that_is_no_more() {
	kill_with_a_tail out.log
	verify_topology 'interval: 1s' "$(sink other other.log)"
	expect_verified 0 '.kind == "former sink" and .items[1].committed == 292 and .items[1].to_be_cut == 80' \
		'state kept: now not in the topology: its output is brought back and forgotten' \
		'file out.log: committed 292, to_be_cut 80'
	expect_run 0 'info out: output cut back to what was committed path=out.log length=292 bytes=80'
	assert_same <(seq 1 100) out.log
	state --verify
	! grep -q former state || fail "told though it is forgotten: $(cat state)"
}

test_verify_refuses_the_outputs_of_former_sinks_that_a_run_refuses() {
	kill_with_a_tail out.log
	verify_topology 'interval: 1s' "$(sink other other.log)"
	cp out.log kept.log
	truncate -s 200 out.log
	expect_verified 74 '.items[1].refused and .items[1].missing == 92' \
		'file out.log: committed 292, refused it is shorter than what was committed, missing 92'
	expect_run 74 'error out: output is shorter than what was committed .* missing=92 '
	rm out.log
	cp kept.log out.log
	expect_verified 74 '.items[1].refused == "another file has its name"' \
		'file out.log: committed 292, refused another file has its name'
	expect_run 74 'error out: output was replaced by another file '
	rm out.log
	expect_verified 0 '.items[1].now | test("deleted")' 'file out.log: committed 292, now moved away or deleted, which is told'
	expect_run 0 'warn out: output of a sink that is no more was moved away or deleted path=out.log'
}

test_verify_finds_the_output_of_a_former_sink_that_was_moved_and_its_open_frame() {
	kill_with_a_tail_compressed() {
		verify_topology 'interval: 1h, bytes: 200B' "$(sink out out.log.zst)"
		seq 1 100 >in/a.log
		start_sluice -c t.yaml
		wait_until 20 has_epoch
		stop_sluice KILL
	}
	has_epoch() {
		state --json
		[ -s state ] && jq -e '.epoch > 0 and any(.stages[]; .id == "out" and .items != [])' state >judgement
	}
	kill_with_a_tail_compressed
	mv out.log.zst moved.log.zst
	echo another >out.log.zst
	verify_topology 'interval: 1s' "$(sink other other.log)"
	expect_verified 0 '.items[1].frame == "to be closed"' \
		'file out.log.zst: committed [0-9]+, now moved within its directory, where it is found, frame to be closed'
	expect_run 0 'warn out: output of a sink that is no more was moved away path=out.log.zst is=moved.log.zst'
	zstd -tq moved.log.zst || fail "the frame is open"
}

test_verify_tells_the_journal_of_a_former_sink_of_which_nothing_was_committed() {
	seq 1 100 >a.log
	verify_topology 'interval: 1h' "$(sink out out.log)"
	mv a.log in
	start_sluice -c t.yaml
	wait_until 20 has_lines out.log 100
	stop_sluice KILL
	verify_topology 'interval: 1s' "$(sink other other.log)"
	expect_verified 0 '.kind == "former sink" and .items[1].was == "created, to be deleted"' \
		'undo out.log: was created, to be deleted'
	mkdir elsewhere
	mv out.log elsewhere
	expect_verified 0 'all(.items[]; .was == null)' 'undo out.log: now nothing to undo'
	mv elsewhere/out.log .
	expect_run 0 'info out: undoing what was not committed epoch=0 acts=1'
	[ ! -e out.log ] || fail "it stayed"
}

# The mark is of the end of a run, so what is longer would be others', if the journal did not know better.
test_verify_calls_nothing_appended_that_is_cut_first() {
	verify_topology 'interval: 1h' "$(sink out out.log)"
	seq 1 100 >in/a.log
	run_sluice --once -c t.yaml
	start_sluice -c t.yaml
	seq 101 120 >>in/a.log
	wait_until 20 has_lines out.log 120
	stop_sluice KILL
	local undone='undo out.log: to_be_cut_to 292, to_be_cut 80'
	expect_verified 0 '.items[0] == {file: "out.log", committed: 292} and .items[1].to_be_cut == 80' \
		'file out.log: committed 292' "$undone"
	verify_topology 'interval: 1s' "$(sink other other.log)"
	expect_verified 0 '.items[2].to_be_cut_to == 292' "$undone"
	expect_run 0 'info out: output cut back to what was committed path=out.log length=292 bytes=80'
	assert_same <(seq 1 100) out.log
}

has_rotated() {
	[ -e out.log ] && compgen -G 'out.2*.log' >/dev/null
}

kill_behind_a_rotation() {
	verify_topology 'interval: 1h' "$(sink out out.log 'rotate: {size: 4KiB}')"
	seq 1 1000 >in/a.log
	run_sluice --once -c t.yaml
	start_sluice -c t.yaml
	seq 1001 1100 >>in/a.log
	wait_until 20 has_rotated
	stop_sluice KILL
}

test_verify_calls_nothing_another_file_that_is_renamed_back_first() {
	kill_behind_a_rotation
	expect_verified 0 '.items[0] == {file: "out.log", committed: 3893}' 'file out.log: committed 3893' \
		'undo out.log: was created, to be deleted' 'undo out.log: to_be_renamed_back_from out.2.*log'
	expect_run 0 'undoing what was not committed'
	cat out.2*.log out.log | cmp - <(seq 1 1100) || fail "not each once and in order"
}

test_verify_refuses_a_rename_that_cannot_be_taken_back() {
	kill_behind_a_rotation
	rm out.log
	echo another >out.log
	expect_verified 74 'any(.items[]; .refused == "another file has the name that it had")' \
		'undo out.log: now nothing to undo' 'undo out.log: refused another file has the name that it had'
	expect_run 74 'error out: output cannot be renamed back path=out.log error='
}

test_verify_looks_at_no_output_of_a_former_sink_whose_run_came_to_its_end() {
	verify_topology 'interval: 1h' "$(sink out out.log)"
	seq 1 100 >in/a.log
	run_sluice --once -c t.yaml
	rm out.log
	verify_topology 'interval: 1s' "$(sink other other.log)"
	expect_verified 0 '.items[1].committed == 292 and .items[1].now == null' 'file out.log: committed 292' \
		'state kept: now not in the topology: its output stays as it is and is forgotten'
	run_sluice --once -c t.yaml
	assert_status 0
	assert_never_said ' out: '
}

# A source may have had the name that a sink has, or the other way round.
test_verify_tells_a_former_sink_whose_name_is_a_source_s_now() {
	kill_with_a_tail out.log
	verify_topology 'interval: 1s' "$(sink other other.log)"
	sed -i -e 's/{src:/{out:/' -e 's/\[src\]/[out]/' t.yaml
	expect_verified 0 'select(.kind == "former sink") | .items[1].to_be_cut == 80' 'file out.log: committed 292, to_be_cut 80'
	state
	grep -q 'former stage src' state || fail "$(cat state)"
	expect_run 0 'info out: output cut back to what was committed'
}

test_verify_says_that_a_former_sink_s_journal_is_newer_than_the_state() {
	kill_with_a_tail out.log
	verify_topology 'interval: 1h' "$(sink out out.log)"
	start_sluice -c t.yaml
	seq 121 140 >>in/a.log
	wait_until 20 has_lines out.log 140
	stop_sluice KILL
	rm "$STATE/epochs"
	verify_topology 'interval: 1s' "$(sink other other.log)"
	expect_verified 74 'any(.items[]; .refused == "its undo journal is newer than the state")' \
		'state \?: refused its undo journal is newer than the state'
	expect_run 74 'error out: state is older than what was committed .* move all outputs away, .*--from-scratch'
}

# File systems give the number of what was deleted to what is made next.
directory_with_number() { # INODE
	local i
	for i in {1..200}; do
		mkdir "d$i"
		[ "$(stat -c %i "d$i")" != "$1" ] || return 0
	done
	return 1
}

test_a_directory_with_the_number_of_an_output_that_was_deleted_is_none() {
	verify_topology 'interval: 1h, bytes: 200B' "$(sink out out.log)"
	seq 1 100 >in/a.log
	start_sluice -c t.yaml
	wait_until 20 has_committed 292
	stop_sluice KILL
	local number
	number=$(stat -c %i out.log)
	rm out.log
	directory_with_number "$number" || skip "no directory gets the number of a deleted file here"
	expect_run 74 'error out: output is gone .*path=out.log'
}

left_is_noted() {
	state --verify
	grep -q 'was left to who moved, deleted or cut it' state
}

# That was noted, so it is refused neither of a sink that is there nor of one that is no more.
test_verify_refuses_no_output_that_was_taken_away_while_it_was_written() {
	verify_topology 'interval: 1h, bytes: 200B' "$(sink out out.log)"
	seq 1 100 >in/a.log
	start_sluice -c t.yaml
	wait_until 20 has_committed 292
	rm out.log
	wait_until 20 left_is_noted
	stop_sluice KILL
	rm -f out.log
	local said='file out.log: committed 292, now left to who moved or deleted it'
	expect_verified 0 '.items[1].was | test("left to")' "$said" 'undo out.log: was left to who moved, deleted or cut it'
	cp -r "$STATE" before
	expect_run 0 'warn out: output was moved away or deleted, as was noted path=out.log'
	rm -rf "$STATE" out.log
	mv before "$STATE"
	verify_topology 'interval: 1s' "$(sink other other.log)"
	expect_verified 0 '.items[2].was | test("left to")' "$said"
	expect_run 0 'warn out: output was moved away or deleted, as was noted path=out.log'
}
