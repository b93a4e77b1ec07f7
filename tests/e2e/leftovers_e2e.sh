# What was not committed is taken back, too, where the sink has another name by now, or is no more.
# shellcheck shell=bash

STATE=remembered # of every run in here

leftover_topology() { # SINKS [EPOCH] [SOURCES]
	mkdir -p in
	cat >t.yaml <<-YAML
		name: t
		epoch: ${2:-{interval: 100ms\}}
		sources: {src: {type: file, paths: [in/*]}${3:-}}
		sinks: {$1}
	YAML
}

sink() { # ID PATH [SOURCE]
	printf '%s: {type: file, inputs: [%s], path: %s}' "$1" "${3:-src}" "$2"
}

has_committed() { # BYTES
	"$SLUICE" state -c t.yaml --json 2>/dev/null | grep -qx " *\"committed\": $1"
}

# A hundred lines committed, twenty more, too few for an epoch, in the output only, and the run that wrote both was killed.
killed_with_a_tail() { # [PATH]
	local path=${1:-out.log}
	leftover_topology "$(sink out "$path")" '{interval: 1h, bytes: 200B}'
	seq 1 100 >in/a.log
	start_sluice -c t.yaml
	wait_until 20 has_committed 292
	seq 101 120 >>in/a.log
	wait_until 20 has_lines "$(date -u "+$path")" 120
	stop_sluice KILL
	leftover_topology "$(sink out "$path")"
}

# Whoever holds it keeps a sink from opening that file, which fails the sink after two seconds.
held() { # FILE COMMAND...
	local lock
	: >>"$1"
	exec {lock}<"$1"
	flock -x "$lock"
	shift
	"$@"
	exec {lock}<&-
}

# Records come when the new topology runs already, and it writes them.
reload_in_vain() { # OUTPUT LINES
	kill -HUP "$sluice_pid"
	wait_until 20 says 'stopping reason=reload'
	seq 101 200 >>in/a.log
	wait_until 20 has_lines "$1" "$2"
	wait_until 30 says 'cannot run, going back'
}

# A sink of another name goes on in the output of the one that was killed.
brought_back_for_another() {
	killed_with_a_tail
	leftover_topology "$(sink other out.log)"
	seq 121 200 >>in/a.log
	start_sluice -c t.yaml
	wait_until 20 has_lines out.log 200
	stop_sluice
}

test_a_sink_renamed_after_a_kill_has_its_output_brought_back() {
	brought_back_for_another
	assert_status 0
	assert_said 'out: output cut back to what was committed'
	assert_same <(seq 1 200) out.log
}

test_what_was_brought_back_once_is_not_cut_when_its_sink_comes_back() {
	brought_back_for_another
	leftover_topology "$(sink out out.log)"
	seq 201 300 >>in/a.log
	start_sluice -c t.yaml
	wait_until 20 has_lines out.log 300
	stop_sluice
	assert_status 0
	assert_never_said 'cut back'
	assert_same <(seq 1 300) out.log
}

test_a_run_without_epochs_brings_back_first_and_keeps_what_it_wrote() {
	killed_with_a_tail
	seq 1001 1100 >b.log
	run_sluice -c t.yaml --once --set epoch=off --set 'sources.src.paths:=[b.log]'
	assert_status 0
	assert_said 'nothing of this run is remembered'
	assert_same <(seq 1 100 && seq 1001 1100) out.log
	leftover_topology "$(sink out out.log)"
	run_sluice --once -c t.yaml
	assert_status 0
	assert_never_said 'cut back'
	assert_same <(seq 1 100 && seq 1001 1100 && seq 101 120) out.log
}

test_a_sink_renamed_by_a_reload_that_failed_leaves_nothing_behind() {
	leftover_topology "$(sink out out.log)"
	seq 1 100 >in/a.log
	start_sluice -c t.yaml
	wait_until 20 has_lines out.log 100
	leftover_topology "$(sink other out.log), $(sink bad bad.log)"
	held bad.log reload_in_vain out.log 200
	seq 201 300 >>in/a.log
	wait_until 20 has_lines out.log 300
	stop_sluice
	assert_status 0
	assert_same <(seq 1 300) out.log
}

test_a_sink_added_by_a_reload_that_failed_begins_again_where_it_began() {
	leftover_topology "$(sink out out.log)"
	mkdir more
	seq 1 100 >more/a.log
	seq 1 100 >in/a.log
	start_sluice -c t.yaml
	wait_until 20 has_lines out.log 100
	leftover_topology "$(sink out out.log), $(sink extra extra.log more), $(sink bad bad.log more)" '' \
		', more: {type: file, paths: [more/*]}'
	held bad.log reload_in_vain extra.log 100
	wait_until 20 test ! -s extra.log
	wait_until 20 has_lines out.log 200
	kill -HUP "$sluice_pid"
	wait_until 20 has_lines bad.log 100
	stop_sluice
	assert_status 0
	assert_same <(seq 1 100) extra.log
	assert_same <(seq 1 200) out.log
}

# From now on the syncs of its main thread fail while there is a file `broken`.
on_a_disk_that_may_break() {
	"$TOOLS/e2e/failing_sync" broken true || skip "seccomp filters are refused here"
	printf '#!/bin/sh\nexec "%s" "%s" "%s" "$@"\n' "$TOOLS/e2e/failing_sync" "$PWD/broken" "$SLUICE" >on_that_disk
	chmod +x on_that_disk
	SLUICE=$PWD/on_that_disk
}

# The old topology would run, but what the disk holds is not known any more. The other threads' syncs go well: it is the one
# of the record that forgets the old sink which fails.
test_a_sync_that_fails_as_a_reload_brings_outputs_back_ends_the_run() {
	on_a_disk_that_may_break
	leftover_topology "$(sink out out.log)"
	seq 1 100 >in/a.log
	start_sluice -c t.yaml
	wait_until 20 has_lines out.log 100
	leftover_topology "$(sink other out.log)"
	touch broken
	kill -HUP "$sluice_pid"
	await_end 30
	assert_status 74
	assert_said 'stopping reason=reload'
	assert_said 'outputs of earlier runs cannot be brought back .*error="Input/output error"'
	assert_never_said 'going back'
	rm broken
	seq 101 200 >>in/a.log
	run_sluice --once -c t.yaml
	assert_status 0
	assert_same <(seq 1 200) out.log
}

test_the_output_of_a_sink_that_is_no_more_may_be_gone_and_may_not_be_another() {
	killed_with_a_tail
	leftover_topology "$(sink other other.log)"
	mkdir elsewhere
	mv out.log elsewhere
	echo another >out.log
	run_sluice -c t.yaml --once
	assert_status 74
	assert_said 'error out: output was replaced by another file .*cure="this sink is no more'
	rm -r out.log elsewhere
	run_sluice -c t.yaml --once
	assert_status 0
	assert_said 'warn out: output of a sink that is no more was moved away or deleted path=out.log'
	assert_same <(seq 101 120) other.log
	run_sluice -c t.yaml --once
	assert_status 0
	assert_never_said 'no more'
}

test_after_a_run_that_wrote_nothing_others_may_append_to_its_output() {
	local out
	killed_with_a_tail out-%Y.log
	out=$(echo out-*.log)
	seq 1 100 >in/a.log
	run_sluice --once -c t.yaml
	assert_status 0
	assert_said 'cut back'
	echo appended >>"$out"
	run_sluice --once -c t.yaml
	assert_status 0
	assert_never_said 'cut back'
	assert_same <(seq 1 100 && echo appended) "$out"
}

no_file_is_open() {
	"$SLUICE" state -c t.yaml --json >state && [ -s state ] && jq -e '.epoch > 0 and any(.stages[]; .id == "out" and .items == [])' state >judgement
}

# The newest record says of the sink that no file is open.
test_a_sink_renamed_after_a_kill_behind_an_idle_rotation_has_its_output_brought_back() {
	local more=', more: {type: file, paths: [more/*]}' beside
	beside=$(sink beside beside.log more)
	leftover_topology "out: {type: file, inputs: [src], path: out.log, rotate: {idle: 500ms}}, $beside" '' "$more"
	mkdir more
	seq 1 100 >in/a.log
	start_sluice -c t.yaml
	wait_until 20 has_committed 292
	until no_file_is_open; do # each line of the other source makes an epoch
		echo more >>more/b.log
		hold 0.05
	done
	stop_sluice
	assert_status 0
	leftover_topology "$(sink out out.log), $beside" '{interval: 1h}' "$more"
	start_sluice -c t.yaml
	seq 101 120 >>in/a.log
	wait_until 20 has_lines out.log 120
	stop_sluice KILL
	leftover_topology "$(sink other out.log), $beside" '' "$more"
	run_sluice --once -c t.yaml
	assert_status 0
	assert_same <(seq 1 120) out.log
	run_sluice --once -c t.yaml
	assert_status 0
	assert_never_said 'no more'
}

test_a_sink_may_take_over_the_path_of_another_that_was_killed() {
	killed_with_a_tail
	leftover_topology "$(sink other out.log), $(sink out moved.log)"
	run_sluice --once -c t.yaml
	assert_status 0
	assert_same <(seq 1 120) out.log
	assert_same <(seq 101 120) moved.log
}

# One has run to its end before, and was killed before its next epoch; the other never had one.
test_sinks_may_change_places_after_a_kill() {
	leftover_topology "$(sink one one.log)" '{interval: 1h, bytes: 1GiB}'
	seq 1 100 >in/a.log
	run_sluice --once -c t.yaml
	leftover_topology "$(sink one one.log), $(sink two two.log)" '{interval: 1h, bytes: 1GiB}'
	start_sluice -c t.yaml
	seq 101 10000 >>in/a.log
	wait_until 20 has_lines one.log 10000
	wait_until 20 has_lines two.log 9900
	stop_sluice KILL
	leftover_topology "$(sink one two.log), $(sink two one.log)"
	run_sluice --once -c t.yaml
	assert_status 0
	assert_said 'one: output cut back to what was committed path=one.log '
	assert_never_said 'in use'
	assert_same <(seq 1 10000) one.log
	assert_same <(seq 101 10000) two.log
}
