# full_disk_e2e.sh: a disk that is full for five seconds, under the outputs or under what is remembered: everything goes on
# within five seconds of room, and nothing is missing or there twice.
# shellcheck shell=bash disable=SC2154 # lib.sh sets these

full_for=5   # seconds
resumes_in=5 # seconds
first_lines=10000
more_lines=12000

small_disk() { # SIZE
	mkdir disk
	mount -t tmpfs -o size="$1" tmpfs disk 2>/dev/null || skip "may not mount a small file system (needs root)"
	trap 'umount -l disk' EXIT
}

start() {
	start_sluice -c full.yaml
	trap 'kill -KILL "$sluice_pid" 2>/dev/null || true; umount -l disk' EXIT
}

# To the last byte, while sluice runs.
fill_disk() {
	head -c 64MiB /dev/zero >disk/filler 2>/dev/null || true
	! head -c 64KiB /dev/zero >>disk/filler 2>/dev/null || fail "the disk is not full"
}

# start_following STATE_DIR OUTPUT_DIR [KEY...]: of in.log, which has the first lines by then
start_following() {
	head -n "$first_lines" "$INPUT/one.log" >in.log
	cat >full.yaml <<-YAML
		state_dir: $1
		epoch: {interval: 100ms}
		sources: {in: {type: file, paths: [in.log]}}
		sinks:
		  plain: {type: file, inputs: [in], path: $2/result.log${3:+, $3}}
		  zstd: {type: file, inputs: [in], path: $2/result.log.zst, compression: {type: zstd}${3:+, $3}}
	YAML
	start
}

append_lines() { # FROM COUNT
	sed -n "$(($1 + 1)),$(($1 + $2))p" "$INPUT/one.log" >>in.log
}

size_of() {
	stat -c %s "$1" 2>/dev/null || echo 0
}

has_grown() { # FILE SIZE...
	while [ $# -gt 0 ]; do
		[ "$(size_of "$1")" -gt "$2" ] || return 1
		shift 2
	done
}

newest_epoch() {
	"$SLUICE" state -c full.yaml --json >state.json 2>/dev/null || true
	sed -n '0,/"epoch"/s/.*"epoch": *\([0-9]*\).*/\1/p' state.json | grep . || echo 0
}

committed() { # EPOCH: a later one is
	[ "$(newest_epoch)" -gt "$1" ]
}

# make_room COMMAND...: until it succeeds, which must be soon
make_room() {
	local before=$EPOCHREALTIME took
	rm disk/filler
	wait_until $resumes_in "$@"
	took=$(((${EPOCHREALTIME/./} - ${before/./}) / 1000))
	[ "$took" -le $((resumes_in * 1000 * SLOW)) ] || fail "it went on only $took ms after there was room"
	echo "measured: went on $took ms after there was room"
}

plain_output() { # DIRECTORY: in the order of writing
	find "$1" -name 'result.*.log' | sort | xargs -r cat
	cat "$1/result.log"
}

zstd_output() { # DIRECTORY
	{
		find "$1" -name 'result.*.log.zst' | sort
		echo "$1/result.log.zst"
	} | xargs zstd -qdc
}

has_all() { # DIRECTORY
	[ "$(plain_output "$1" | wc -l)" -ge "$(wc -l <in.log)" ]
}

assert_exact() { # DIRECTORY
	plain_output "$1" >plain
	zstd_output "$1" >unpacked
	assert_same in.log plain
	assert_same in.log unpacked
}

test_outputs_on_a_disk_that_is_full_for_five_seconds_go_on_and_are_exact() {
	small_disk 32m
	start_following state disk
	wait_until 20 has_lines disk/result.log $first_lines
	wait_until 20 has_grown disk/result.log.zst 0
	fill_disk
	append_lines $first_lines $more_lines
	wait_until 20 says 'output full, waiting.*result\.log '
	wait_until 20 says 'output full, waiting.*result\.log\.zst '
	append_lines $((first_lines + more_lines)) $more_lines
	hold $full_for
	is_running || fail "it gave up"
	make_room has_grown disk/result.log "$(size_of disk/result.log)" \
		disk/result.log.zst "$(size_of disk/result.log.zst)"
	wait_until 60 has_all disk
	stop_sluice
	assert_status 0
	assert_exact disk
}

test_a_state_directory_that_is_full_for_five_seconds_goes_on_and_outputs_are_exact() {
	small_disk 2m
	mkdir results
	start_following disk/state results 'rotate: {size: 2MiB}'
	wait_until 20 committed 0
	fill_disk
	append_lines $first_lines $more_lines
	wait_until 20 says 'epoch cannot be committed, retrying|output full, waiting'
	append_lines $((first_lines + more_lines)) $more_lines
	hold $full_for
	is_running || fail "it gave up"
	local before
	before=$(newest_epoch)
	make_room committed "$before"
	# whatever was done meanwhile can be taken back
	stop_sluice KILL
	start
	append_lines $((first_lines + 2 * more_lines)) 1 # so that it runs when all is there
	append_lines $((first_lines + 2 * more_lines)) 1 # so that it runs when all is there
	wait_until 60 has_all results
	stop_sluice
	assert_status 0
	assert_exact results
}

test_a_kill_while_the_state_directory_is_full_loses_nothing() {
	small_disk 2m
	mkdir results
	start_following disk/state results 'rotate: {size: 2MiB}'
	wait_until 20 committed 0
	fill_disk
	append_lines $first_lines $((2 * more_lines))
	wait_until 20 says 'epoch cannot be committed, retrying|output full, waiting'
	stop_sluice KILL
	rm disk/filler
	start
	append_lines $((first_lines + 2 * more_lines)) 1 # so that it runs when all is there
	wait_until 60 has_all results
	stop_sluice
	assert_status 0
	assert_exact results
}
