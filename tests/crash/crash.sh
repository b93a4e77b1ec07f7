#!/bin/bash
# crash.sh BUILD KILLS [SEED]: real processes, real files, SIGKILL at random moments, and then: every line once, in order?
#
#   append        KILLS kills while files grow: filter with two workers, plain and zstd outputs that rotate, fan-out
#   rename        every 0.2 s each file is renamed out of its sight and, after a gap, there is a new one; KILLS / 20 kills.
#                 Each has been seen before: of what came and went while nothing ran, nobody can know
#   matching      the same, but renamed to what the pattern matches, too, whether it has been seen or not
#   remembering   as append, with dedupe and aggregate: what they drop and count is what they would have without
#   fields        as append, with a file for each stream, more of them than may be open, or none
#   spilling      a stage that is too slow for what comes: what it has no room for is on disk (`when_full: spill`) when it is killed
#   dead_letters  every fifth line is one that a stage can do nothing with, and goes to the file that `dead_letter` names
#   copytruncate  every 0.2 s each file is copied and truncated, once all of it has been committed; KILLS / 20 kills
#   http_journal, http_committed   records come by HTTP, answered when they are in the journal, or committed; of those that were answered
#                 none is missing, and nothing comes twice
#   http_lines_journal, tcp_lines_journal   one sender: lines in POST requests, or over a connection with a byte in reply to each; what
#                 there is is in order, too
#
# CRASH_ONLY: part of a name; CRASH_ROTATIONS: of each file (KILLS / 2).
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
build=$(cd "$1" && pwd)
kills=$2
export SEED=${3:-$RANDOM} SLUICE=$build/sluice TOOLS=$build/tests
root=$PWD
rotations=${CRASH_ROTATIONS:-$((kills / 2))}
failed=0
passed=0

write_topology() { # GLOB
	cat >t.yaml <<-YAML
		name: crash
		memory: 128MiB
		epoch: {interval: 30ms}
		sources: {in: {type: file, paths: ["in/$1"]}}
		transforms: {fifth: {type: filter, inputs: [in], regex: '^\d+ \d*[05] ', workers: 2}}
		sinks:
		  plain: {type: file, inputs: [in], path: out.plain/plain.log, rotate: {size: 256KiB}}
		  packed: {type: file, inputs: [in], path: out.packed/packed.log.zst, compression: {type: zstd, level: 1}}
		  some: {type: file, inputs: [fifth], path: out.some/some.log}
		  both: {type: file, inputs: [fifth], path: out.both/both.log.zst, compression: {type: zstd, level: 1}, rotate: {size: 64KiB}}
	YAML
	mkdir in out.plain out.packed out.some out.both
}

# Kills it so many times while the writer writes, then lets it end. LEAST_MS: it has so long at least each time.
kill_while_writing() { # KILLS [LEAST_MS]
	start_sluice
	kill_again_and_again "$@"
	writer_succeeded || fail "the writer failed"
	hold_ms 500 # it has to hear of signals
	end_sluice
	"$SLUICE" run --once -c t.yaml >>out 2>>err || fail "exit $? for what was left"
}

judge_all() {
	judge plain 1 written && judge packed 1 written && judge some 5 written && judge both 5 written
}

append() {
	write_topology '*.log'
	start_writer in --seed "$SEED" --lines $((kills * 700)) --rate 24000
	kill_while_writing "$kills"
	judge_all
}

# Of each ten lines of a stream all have the key of the first; the seconds of a stream are its lines.
write_remembering_topology() {
	cat >t.yaml <<-'YAML'
		name: crash
		memory: 256MiB
		epoch: {interval: 30ms}
		sources: {in: {type: file, paths: ["in/*.log"]}}
		transforms:
		  parsed: {type: parse_json, inputs: [in], on_error: stop}
		  timed: {type: set, inputs: [parsed], fields: {time: timestamp(n), ten: n / 10}}
		  firsts: {type: dedupe, inputs: [timed], key: [k, ten], window: {records: 5000}, on_error: stop}
		  sums:
		    type: aggregate
		    inputs: [timed]
		    by: [k]
		    window: 100s
		    grace: 20000s # so many lines may one stream be ahead of another
		    fields: {lines: count, first: min(n), last: max(n), sum: sum(n), p50: "quantile(n, 0.5)"}
		    late: on_error
		    on_error: stop
		sinks:
		  firsts_out: {type: file, inputs: [firsts], path: out.firsts/firsts.log, rotate: {size: 256KiB}}
		  sums_out: {type: file, inputs: [sums], path: out.sums/sums.log.zst, compression: {type: zstd, level: 1}}
	YAML
	mkdir in out.firsts out.sums
}

remembering() {
	write_remembering_topology
	start_writer in --json --seed "$SEED" --lines $((kills * 700)) --rate 24000
	kill_while_writing "$kills"
	judge_firsts && judge_sums
}

write_topology_with_fields() {
	cat >t.yaml <<-'YAML'
		name: crash
		memory: 256MiB
		epoch: {interval: 30ms}
		sources: {in: {type: file, paths: ["in/*.log"]}}
		transforms: {parsed: {type: parse_json, inputs: [in], on_error: stop}}
		sinks:
		  few: {type: file, inputs: [parsed], path: "out.few/{k}.log", max_open: 5, rotate: {size: 64KiB}}
		  all: {type: file, inputs: [parsed], path: "out.all/{k}.log"}
		  packed: {type: file, inputs: [parsed], path: "out.packed/{k}.log.zst", max_open: 4, compression: {type: zstd, level: 1}}
		  both: {type: file, inputs: [parsed], path: "out.both/{k}.log.zst", max_open: 20, compression: {type: zstd, level: 1}, rotate: {size: 16KiB}}
	YAML
	mkdir in out.few out.all out.packed out.both
}

# By streams, each in the order in which its files were begun; lines as judge() reads them.
held_by_fields() { # NAME
	local f k
	for ((k = 0; k < streams; k++)); do
		for f in out."$1"/$k.*.log out."$1"/$k.log; do
			[ ! -e "$f" ] || cat "$f"
		done
		for f in out."$1"/$k.*.log.zst out."$1"/$k.log.zst; do
			[ ! -e "$f" ] || zstd -dcq "$f" || fail "$f is no whole zstd file"
		done
	done | sed -E 's/^\{"k": ([0-9]+), "n": ([0-9]+),.*/\1 \2/'
}

fields() {
	streams=12
	write_topology_with_fields
	start_writer in --json --streams $streams --seed "$SEED" --lines $((kills * 230)) --rate 24000
	kill_while_writing "$kills"
	held_by() { held_by_fields "$1"; }
	judge few 1 written && judge all 1 written && judge packed 1 written && judge both 1 written
}

write_spilling_topology() {
	cat >t.yaml <<-'YAML'
		name: crash
		memory: 400MiB
		epoch: {interval: 30ms}
		sources: {in: {type: file, paths: ["in/*.log"]}}
		transforms:
		  slow: {type: throttle, inputs: [in], rate: 12000/s, burst: 100, when_exceeded: wait, queue: {capacity: 2, when_full: spill}}
		sinks:
		  late: {type: file, inputs: [slow], path: out.late/late.log, rotate: {size: 256KiB}}
		  packed: {type: file, inputs: [slow], path: out.packed/packed.log.zst, compression: {type: zstd, level: 1}}
		  plain: {type: file, inputs: [in], path: out.plain/plain.log}
	YAML
	mkdir in out.late out.packed out.plain
}

spilling() {
	write_spilling_topology
	start_writer in --seed "$SEED" --lines $((kills * 700)) --rate 24000
	kill_while_writing "$kills"
	grep -q "keeping on disk" err || fail "nothing was ever on disk"
	judge late 1 written && judge packed 1 written && judge plain 1 written
}

write_topology_with_dead_letters() {
	cat >t.yaml <<-'YAML'
		name: crash
		memory: 128MiB
		epoch: {interval: 30ms}
		sources: {in: {type: file, paths: ["in/*.log"]}}
		transforms:
		  parsed: {type: parse_regex, inputs: [in], regex: '^\d+ (?<n>\d*[1-46-9]) ', workers: 2, dead_letter: rejects}
		sinks:
		  rejects: {type: file, inputs: [], path: out.rejects/rejects.log, rotate: {size: 64KiB}}
		  others: {type: file, inputs: [parsed], path: out.others/others.log}
	YAML
	mkdir in out.rejects out.others
}

dead_letters() {
	write_topology_with_dead_letters
	start_writer in --seed "$SEED" --lines $((kills * 700)) --rate 24000
	kill_while_writing "$kills"
	judge rejects 5 written
	[ $(($(held_by rejects | wc -l) + $(held_by others | wc -l))) -eq "$(awk '{ n += $2 } END { print n }' written)" ] ||
		fail "the two files together have $(held_by others | wc -l) others"
}

rotate_by_renaming() { # GLOB [WRITER OPTION...]
	write_topology "$1"
	start_writer in --seed "$SEED" --rotate rename --rotations "$rotations" --rate 8000 "${@:2}"
	kill_while_writing $((kills / 20)) $((rotations * 200 * 20 / kills / 2))
	judge_all
}

rename_rotation() {
	rotate_by_renaming '*.log' --settled "'$root/tests/crash/known.sh' '$SLUICE'"
}

matching_rotation() {
	rotate_by_renaming '*.log*'
}

copytruncate() {
	write_topology '*.log'
	start_writer in --seed "$SEED" --rotate copytruncate --rotations "$rotations" --rate 8000 \
		--settled "'$root/tests/crash/settled.sh' '$SLUICE'"
	kill_while_writing $((kills / 20)) $((rotations * 200 * 20 / kills / 2))
	judge_all
}

write_http_topology() { # OPTIONS
	cat >t.yaml <<-YAML
		name: crash
		memory: 256MiB
		epoch: {interval: 30ms}
		sources: {in: {type: http, listen: "127.0.0.1:$port", $1}}
		sinks:
		  plain: {type: file, inputs: [in], path: out.plain/plain.log, rotate: {size: 256KiB}}
		  packed: {type: file, inputs: [in], path: out.packed/packed.log.zst, compression: {type: zstd, level: 1}}
	YAML
	mkdir out.plain out.packed
}

# Of what was answered ("connection first count") all is there; nothing is there twice.
judge_answered() { # NAME
	held_by "$1" | sed -n 's/^{"id":"\([0-9]*-[0-9]*\)".*/\1/p' | sort >ids
	[ -z "$(uniq -d ids | head -n 1)" ] || fail "$1: $(uniq -d ids | head -n 1) came twice"
	awk '{ for (i = 0; i < $3; i++) printf "%04d-%010d\n", $1, $2 + i }' answered | sort | comm -13 ids - >missing
	[ ! -s missing ] || fail "$1: $(wc -l <missing) records that were answered are missing, $(head -n 1 missing) first"
	echo "$1: $(wc -l <ids) records, of $(awk '{ n += $3 } END { print n }' answered) that were answered none is missing, none twice"
}

sent_by_http() { # OPTIONS
	local client port
	port=$(free_port)
	write_http_topology "$1"
	start_sluice
	"$TOOLS/e2e/http_client_load" --port "$port" --connections 6 --bodies 1000000000 --records 7 --bytes 120 \
		--once-each --pause 2 --acked answered &
	client=$!
	echo $client >writer.pid
	kill_again_and_again "$kills"
	hold_ms 500
	end_sluice
	kill "$client" || fail "the client ended by itself"
	echo 0 >writer.status
	judge_answered plain && judge_answered packed
}

http_journal() {
	sent_by_http "journal: {max_size: 64MiB}"
}

http_committed() {
	sent_by_http "ack: committed"
}

write_journal_topology() { # SOURCE
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

# Every line that was answered, of those whose number is a multiple of STEP; one that was not, once at most.
judge_answered_lines() { # NAME STEP
	held_by "$1" | cut -d' ' -f1 >held
	sort -n -c -u held 2>unsorted || fail "$1: twice, or not in order: $(cat unsorted)"
	awk -v step="$2" '$1 % step == 0' answered | sort >wanted
	sort held | comm -13 - wanted >lost
	[ ! -s lost ] || fail "$1: $(wc -l <lost) lines were answered and are lost, the first is $(sort -n lost | head -n 1)"
	echo "$1: $(wc -l <held) lines, $(wc -l <wanted) of them had been answered"
}

sent_as_lines() { # PORT SOURCE [SENDER OPTION...]
	local sender
	write_journal_topology "$2, listen: 127.0.0.1:$1"
	"$TOOLS/crash/sender" --port "$1" "${@:3}" >answered &
	sender=$!
	echo $sender >writer.pid
	start_sluice
	kill_again_and_again "$kills" 50
	hold_ms 1500
	kill -TERM "$sender" || fail "the sender ended by itself"
	wait "$sender" || fail "the sender ended with $?"
	echo 0 >writer.status
	end_sluice
	[ -s answered ] || fail "nothing was ever answered"
	judge_answered_lines plain 1 && judge_answered_lines some 5
}

http_lines_journal() {
	sent_as_lines "$(free_port)" "type: http" --http
}

tcp_lines_journal() {
	sent_as_lines "$(free_port)" "type: tcp, reply: '.'"
}

run() { # NAME
	[[ $1 == *${CRASH_ONLY:-}* ]] || return 0
	local folder=$build/crash/$1 result=0 before=$SECONDS
	rm -rf "$folder"
	mkdir -p "$folder"
	(
		cd "$folder" || exit 1
		trap 'stop_writer; kill -KILL "${sluice_pid:-}" 2>/dev/null' EXIT
		# shellcheck source=tests/crash/lib.sh
		. "$root/tests/crash/lib.sh"
		"$1"
	) >"$folder.log" 2>&1 || result=1
	sed 's/^/  /' "$folder.log"
	if [ $result -eq 0 ]; then
		passed=$((passed + 1))
		rm -rf "$folder"
	else
		failed=$((failed + 1))
	fi
	printf '%s %s, seed %s, %d s\n' "$([ $result -eq 0 ] && echo 'ok     ' || echo FAILED)" "$1" "$SEED" $((SECONDS - before))
}

run append
run remembering
run fields
run spilling
run dead_letters
run rename_rotation
run matching_rotation
run copytruncate
run http_journal
run http_committed
run http_lines_journal
run tcp_lines_journal
echo "crash: $passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
