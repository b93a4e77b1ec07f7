# What is remembered: shown by `sluice state`, gone on from, refused when it does not hold.
# shellcheck shell=bash


state_topology() {
	cat >t.yaml <<-YAML
		name: shop
		sources: {in: {type: file, paths: ["in/*.log"]}}
		sinks:
		  plain: {type: file, inputs: [in], path: plain.log}
		  packed: {type: file, inputs: [in], path: packed.log.zst}
	YAML
	mkdir in
	seq 1 1000 >in/a.log
	STATE=$PWD/kept
}

state() {
	status=0
	STATE_DIRECTORY=$STATE "$SLUICE" state -c t.yaml "$@" >out 2>err || status=$?
}

test_state_tells_positions_lengths_and_age() {
	state_topology
	state
	assert_status 0
	grep -qx "shop: nothing is remembered in $STATE yet" out || fail "$(cat out)"
	run_sluice --once -c t.yaml
	assert_status 0
	state
	assert_status 0
	grep -qE '^shop: epoch 1, committed 20[0-9-]+T[0-9:.]+Z, [0-9.]+ s ago$' out || fail "$(cat out)"
	grep -qE '^    file in/a.log: position 3893, form plain, noted [0-9.]+ s ago$' out || fail "$(cat out)"
	grep -qE '^    file plain.log: committed 3893$' out || fail "$(cat out)"
	state --json
	jq -e '.epoch == 1 and .topology == "shop" and (.age_ms < 60000)
		and (.stages[] | select(.id == "in") | .items == [{file: "in/a.log", position: 3893, form: "plain", noted: .items[0].noted}])
		and (.stages[] | select(.id == "plain") | .items == [{file: "plain.log", committed: 3893}])' out >judgement ||
		fail "$(cat out)"
}

test_verify_says_what_the_next_start_would_do() {
	state_topology
	run_sluice --once -c t.yaml
	seq 1001 1010 >>in/a.log
	state --verify --json
	assert_status 0
	jq -e '.stages[] | select(.id == "in") | .items[0].left == 50' out >judgement || fail "$(cat out)"
	start_sluice -c t.yaml
	wait_until 20 has_lines plain.log 1010
	wait_until 20 committed 3943
	stop_sluice KILL
	echo 'not ours' >>plain.log
	rm packed.log.zst
	state --verify
	assert_status 74
	grep -qE '^    file plain.log: committed 3943, to_be_cut 9$' out || fail "$(cat out)"
	grep -qE '^    file packed.log.zst: committed [0-9]+, refused No such file or directory$' out || fail "$(cat out)"
	run_sluice --once -c t.yaml
	assert_status 74
	assert_said 'error packed: output is gone path=packed.log.zst committed=[0-9]+ cure="put back the file .* move all outputs away, .*--from-scratch'
}

test_verify_finds_an_output_that_was_moved_within_its_directory() {
	state_topology
	start_sluice -c t.yaml
	wait_until 20 has_lines plain.log 1000
	wait_until 20 committed 3893
	stop_sluice KILL
	mv plain.log elsewhere.log
	echo another >plain.log
	state --verify
	assert_status 0
	grep -qE '^    file plain.log: committed 3893, now moved within its directory, where it is found$' out || fail "$(cat out)"
	run_sluice --once -c t.yaml
	assert_status 0
	assert_said 'warn plain: output was moved away, starting a new one path=plain.log is=elsewhere.log'
}

committed() { # LENGTH
	state --json
	[ -s out ] && jq -e --argjson n "$1" '.stages[] | select(.id == "plain") | .items[0].committed == $n' out >judgement
}

test_a_second_instance_is_told_who_has_the_state() {
	state_topology
	start_sluice -c t.yaml
	wait_until 20 has_lines plain.log 1000
	status=0
	STATE_DIRECTORY=$STATE timeout 20 "$SLUICE" run --once -c t.yaml >second.out 2>second.err || status=$?
	assert_status 74
	grep -qE "state directory is in use state_dir=$STATE process=$sluice_pid " second.err || fail "$(cat second.err)"
	stop_sluice
	assert_status 0
}

test_a_torn_record_is_cut_off_and_said() {
	state_topology
	start_sluice -c t.yaml
	wait_until 20 committed 3893
	cp kept/epochs before
	seq 1001 2000 >>in/a.log
	wait_until 20 committed 8893
	stop_sluice KILL
	# as a crash may leave it that came while the newest record was written: a part of it is there
	tail -c +$(($(stat -c %s before) + 1)) kept/epochs | head -c 100 | cat before - >torn
	mv torn kept/epochs
	run_sluice --once -c t.yaml
	assert_status 0
	assert_said 'warn newest epoch was torn, going on from the one before state_dir=.* epoch=[0-9]+'
	cmp plain.log <(seq 1 2000) || fail "not each once and in order"
	zstd -dcq packed.log.zst | cmp - <(seq 1 2000) || fail "not each once and in order"
}

test_damage_is_refused_and_from_scratch_begins_again() {
	local cure='or move all outputs away, as records come once more, and begin with --from-scratch'
	state_topology
	run_sluice --once -c t.yaml
	printf 'X' | dd of=kept/epochs bs=1 seek=12400 conv=notrunc status=none
	state
	assert_status 74
	grep -qE "is damaged at offset .*$cure" out || fail "$(cat out)"
	run_sluice --once -c t.yaml
	assert_status 74
	assert_said "error state is damaged .*offset=[0-9]+ .*cure=\"restore the state directory as a whole, $cure"
	cmp plain.log <(seq 1 1000) || fail "it wrote all the same"
	rm plain.log packed.log.zst
	run_sluice --once --from-scratch -c t.yaml
	assert_status 0
	assert_said 'warn beginning from scratch state_dir=.* set_aside=\*\.old'
	cmp plain.log <(seq 1 1000) || fail "not each once"
	[ -e kept/epochs.old ] || fail "the old state is gone"
}

test_the_state_of_another_topology_is_refused() {
	state_topology
	run_sluice --once -c t.yaml
	sed -i 's/shop/mall/' t.yaml
	run_sluice --once -c t.yaml
	assert_status 74
	assert_said "error state is another topology's .*topology=mall its=shop"
}

test_an_output_that_was_cut_is_refused_with_how_much_is_missing() {
	state_topology
	start_sluice -c t.yaml
	wait_until 20 has_lines plain.log 1000
	wait_until 20 committed 3893
	stop_sluice KILL
	truncate -s 3000 plain.log
	run_sluice --once -c t.yaml
	assert_status 74
	assert_said 'error plain: .*path=plain.log committed=3893 length=3000 missing=893 '
}

test_once_again_reads_only_what_is_new() {
	state_topology
	run_sluice --once -c t.yaml
	run_sluice --once -c t.yaml
	assert_status 0
	seq 1001 1500 >>in/a.log
	seq 1501 2000 >in/b.log
	run_sluice --once -c t.yaml
	assert_status 0
	cmp plain.log <(seq 1 2000) || fail "not each once and in order"
	zstd -dcq packed.log.zst | cmp - <(seq 1 2000) || fail "not each once and in order"
}

test_a_source_under_another_name_is_told_which_one_has_read_its_files() {
	mkdir -p in
	seq 1 10 >in/a.log
	seq 11 20 >in/b.log
	renamed_topology() { # SOURCE PATTERN
		cat >t.yaml <<-YAML
			state_dir: kept
			sources: {$1: {type: file, paths: [$2]}}
			sinks: {out: {type: file, inputs: [$1], path: all.log}}
		YAML
	}
	renamed_topology first 'in/*.log'
	run_sluice --once -c t.yaml
	renamed_topology second 'in/a.*'
	run_sluice --once -c t.yaml
	assert_status 0
	assert_said 'warn files come once more .*source=second read_by=first files=1 cure='
	run_sluice --once -c t.yaml
	assert_never_said 'once more'
	seq 1 10 >elsewhere.log
	renamed_topology third 'elsewhere.log'
	run_sluice --once -c t.yaml
	assert_never_said 'once more'
}

# What came after it is committed nowhere, so sluice must not go on as if it were.
test_a_state_directory_that_is_taken_away_while_it_runs_ends_it() {
	state_topology
	sed -i '1a epoch: {interval: 50ms}' t.yaml
	local way
	for way in 'rm -rf kept' 'mv kept moved' 'rm kept/lock' 'rm kept/epochs' 'cp kept/epochs copy && mv copy kept/epochs' \
		'mv kept moved && mkdir kept && touch kept/lock'; do
		rm -rf kept moved plain.log packed.log.zst
		seq 1 1000 >in/a.log
		start_sluice -c t.yaml
		wait_until 20 committed 3893
		: >err
		eval "$way"
		seq 1001 1010 >>in/a.log
		await_end 20
		assert_status 74
		assert_said 'error state directory was deleted, moved or replaced lock=.*kept/lock epoch=[0-9]+ cure=.* move all outputs away, .*--from-scratch'
	done
}

has_rotated() {
	[ -e plain.log ] && compgen -G 'plain.2*.log' >/dev/null
}

test_verify_says_what_would_be_undone_and_who_is_no_more() {
	state_topology
	sed -i -e '1a epoch: {interval: 1h}' -e 's/path: plain.log/path: plain.log, rotate: {size: 4KiB}/' t.yaml
	run_sluice --once -c t.yaml
	assert_status 0
	start_sluice -c t.yaml
	wait_until 20 has_lines plain.log 1000
	seq 1001 1100 >>in/a.log
	wait_until 20 has_rotated
	stop_sluice KILL
	sed -i 's/packed:/other:/' t.yaml
	state --verify
	local rotated
	rotated=$(echo plain.2*.log)
	grep -qE "^    undo plain.log: was created, to be deleted\$" out || fail "$(cat out)"
	grep -qE "^    undo plain.log: to_be_renamed_back_from $rotated\$" out || fail "$(cat out) $rotated"
	grep -qE '^  former sink packed \(file\)$' out || fail "$(cat out)"
	state --verify --json
	jq -e '[.stages[] | select(.id == "plain") | .items[] | select(.undo).to_be_renamed_back_from // empty] | length == 1' out >judgement || fail "$(cat out)"
	run_sluice --once -c t.yaml
	assert_status 0
	cat plain.2*.log plain.log | cmp - <(seq 1 1100) || fail "not each once and in order"
}
