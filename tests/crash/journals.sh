#!/bin/bash
# journals.sh BUILD KILLS [SEED]: sources that can't be read again, with a journal, killed with SIGKILL at random moments while somebody
# sends: every line that was answered is in each output once, in order; one that was not, once at most.
#
#   tcp    lines over a connection, a byte in reply to each      http   lines in POST requests
#
# CRASH_ONLY: part of a name. A source that this build has not, or has without a journal, is told and left out.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
build=$(cd "$1" && pwd)
kills=$2
export SEED=${3:-$RANDOM} SLUICE=${SLUICE:-$build/sluice} TOOLS=$build/tests
root=$PWD
failed=0
passed=0

write_topology() { # SOURCE
	cat >t.yaml <<-YAML
		name: crash
		memory: 256MiB
		epoch: {interval: 30ms}
		sources: {in: {$1, ack: journal, journal: {max_size: 64MiB}}}
		transforms: {fifth: {type: filter, inputs: [in], regex: '^\d*[05] '}}
		sinks:
		  plain: {type: file, inputs: [in], path: out.plain/plain.log, rotate: {size: 256KiB}}
		  some: {type: file, inputs: [fifth], path: out.some/some.log.zst, compression: {type: zstd, level: 1}}
	YAML
	mkdir out.plain out.some
}

# Every line that was answered, of those whose number is a multiple of STEP.
judge_answered() { # NAME STEP
	held_by "$1" | cut -d' ' -f1 >held
	sort -n -c -u held 2>unsorted || fail "$1: twice, or not in order: $(cat unsorted)"
	awk -v step="$2" '$1 % step == 0' answered | sort >wanted
	sort held | comm -13 - wanted >lost
	[ ! -s lost ] || fail "$1: $(wc -l <lost) lines were answered and are lost, the first is $(sort -n lost | head -n 1)"
	echo "$1: $(wc -l <held) lines, $(wc -l <wanted) of them had been answered"
}

kill_while_sending() { # SENDER OPTION...
	local i
	"$TOOLS/crash/sender" --port "$port" --lines 100000000 "$@" >answered &
	sender_pid=$!
	start_sluice
	for ((i = 0; i < kills; i++)); do
		hold_ms $((50 + $(some_time_ms)))
		kill_sluice
		start_sluice
	done
	hold_ms 1500
	kill -TERM "$sender_pid"
	wait "$sender_pid" 2>/dev/null
	kill -TERM "$sluice_pid"
	wait "$sluice_pid" || fail "exit $? at the end"
	[ -s answered ] || fail "nothing was ever answered"
	judge_answered plain 1 && judge_answered some 5
}

tcp() {
	write_topology "type: tcp, listen: 127.0.0.1:$port, reply: '.'"
	kill_while_sending
}

http() {
	write_topology "type: http, listen: 127.0.0.1:$port"
	kill_while_sending --http
}

run() { # NAME
	[[ $1 == *${CRASH_ONLY:-}* ]] || return 0
	if ! "$SLUICE" list "$1" 2>/dev/null | grep -q '^ *journal'; then
		echo "skipped $1: this build has no such source with a journal"
		return 0
	fi
	local folder=$build/crash/journal-$1 result=0 before=$SECONDS
	rm -rf "$folder"
	mkdir -p "$folder"
	(
		cd "$folder" || exit 1
		trap 'kill -KILL "${sender_pid:-}" "${sluice_pid:-}" 2>/dev/null' EXIT
		# shellcheck source=tests/crash/lib.sh
		. "$root/tests/crash/lib.sh"
		port=$(free_port)
		"$1"
	) >"$folder.log" 2>&1 || result=1
	sed 's/^/  /' "$folder.log"
	if [ $result -eq 0 ]; then
		passed=$((passed + 1))
		rm -rf "$folder"
	else
		failed=$((failed + 1))
	fi
	printf '%s journal of %s, seed %s, %d s\n' "$([ $result -eq 0 ] && echo 'ok     ' || echo FAILED)" "$1" "$SEED" $((SECONDS - before))
}

run tcp
run http
echo "crash, journals: $passed passed, $failed failed"
[ $failed -eq 0 ]
