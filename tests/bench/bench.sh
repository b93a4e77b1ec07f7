#!/bin/bash
# bench.sh BUILD: the rows of DESIGN's speed table that this version reaches, each against the machine's limit or the
# best tool for it, in the same run: one after the other, in turns, so that a noisy machine is noisy for both.
#
#   BENCH_BYTES  size of the log (512MiB)     BENCH_DIR   where inputs and outputs lie (BUILD/bench)
#   BENCH_COPIES for the rows of epochs (8)
#   BENCH_RUNS   of each, median taken (5)    BENCH_ROWS  regular expression of rows to run (all)
#
# Rows of epochs: sluice against itself with `epoch: off`, over several copies of the log, epochs every second (BENCH_EPOCH).
# On disk, who runs without them syncs the output in the end, as epochs do. Rows of many files: against a limit.
#
# The input is read once before, so it comes from the page cache; each output is removed before each run. Time is
# that of the whole process, start to exit, for both sides alike.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(cd "$1" && pwd)
sluice=$build/sluice
runs=${BENCH_RUNS:-5}
rows=${BENCH_ROWS:-.}
folder=${BENCH_DIR:-$build/bench}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
input=$folder/in.log
results=$folder/results
export LC_ALL=C
export STATE_DIRECTORY=$folder/state # gone before each run: each reads all of the input
: >"$results"

literal='"POST ' # one line in ten, where DESIGN's row has 3 to 20 %
regex='" 5[0-9][0-9] ' # one in twenty

topology() { # NAME TRANSFORM SINK [EPOCH [INPUT]]
	local inputs=in
	{
		echo "epoch: ${4:-off}" # as the peers, which sync nothing
		echo "sources: {in: {type: file, paths: ['${5:-$input}']}}"
		if [ -n "$2" ]; then
			inputs=kept
			echo "transforms: {kept: {type: filter, inputs: [in], $2}}"
		fi
		echo "sinks: {out: {inputs: [$inputs], $3}}"
	} >"$folder/$1.yaml"
}

# Leaves wall (microseconds) and cpu (seconds).
timed() { # COMMAND LINE
	local start
	rm -rf "$folder"/out.* "$folder/state"
	TIMEFORMAT='%U %S'
	start=$EPOCHREALTIME
	cpu=$({ time bash -c "$1" >"$folder/said" 2>&1; } 2>&1) || {
		echo "failed: $1" >&2
		cat "$folder/said" >&2
		exit 1
	}
	wall=$((${EPOCHREALTIME/./} - ${start/./}))
	cpu=$(awk '{ print $1 + $2 }' <<<"$cpu")
}

median() {
	sort -n | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

# True if one of these rows is.
is_wanted() { # NAME...
	local name
	for name in "$@"; do
		[[ ! $name =~ $rows ]] || return 0
	done
	return 1
}

# row NAME WANTED PEER OURS THEIRS [SHARE]: throughput of two commands, in turns; the peer gets a SHAREth of the input.
row() {
	is_wanted "$1" || return 0
	echo "$1: $runs runs of each" >&2
	local ours=() theirs=() our_cpu=() their_cpu=() i
	timed "$4" # once each, for what happens at first only
	timed "$5"
	for ((i = 0; i < runs; i++)); do
		timed "$4"
		ours+=("$wall") our_cpu+=("$cpu")
		timed "$5"
		theirs+=("$wall") their_cpu+=("$cpu")
	done
	rm -f "$folder"/out.*
	awk -F '\t' -v OFS='\t' -v name="$1" -v wanted="$2" -v peer="$3" -v bytes="$bytes" -v share="${6:-1}" \
		-v a="$(printf '%s\n' "${ours[@]}" | median)" -v b="$(printf '%s\n' "${theirs[@]}" | median)" \
		-v ac="$(printf '%s\n' "${our_cpu[@]}" | median)" -v bc="$(printf '%s\n' "${their_cpu[@]}" | median)" \
		'BEGIN { printf "%s\t%.2f GB/s\t%.2f s\t%s\t%.2f GB/s\t%.2f s\t%.2f\t%.2f\n",
			name, bytes / a / 1000, ac, peer, bytes / share / b / 1000, bc, wanted, b * share / a }' >>"$results"
}

# at_least NAME GB/S COMMAND: throughput of one command.
at_least() {
	is_wanted "$1" || return 0
	echo "$1: $runs runs" >&2
	local ours=() our_cpu=() i
	timed "$3"
	for ((i = 0; i < runs; i++)); do
		timed "$3"
		ours+=("$wall") our_cpu+=("$cpu")
	done
	rm -f "$folder"/out.*
	awk -v OFS='\t' -v name="$1" -v wanted="$2" -v bytes="$bytes" -v a="$(printf '%s\n' "${ours[@]}" | median)" \
		-v ac="$(printf '%s\n' "${our_cpu[@]}" | median)" 'BEGIN {
		printf "%s\t%.2f GB/s\t%.2f s\tat least\t%.2f GB/s\t-\t1.00\t%.2f\n",
			name, bytes / a / 1000, ac, wanted, bytes / a / 1000 / wanted }' >>"$results"
}

# bench_queue measures in turns itself, and prints "name<tab>million items a second".
queue_rows() {
	[[ queue =~ $rows ]] || return 0
	echo "queue: 7 rounds of each" >&2
	"$build/tests/bench/bench_queue" --machine-readable | awk -F '\t' '
		{ rate[$1] = $2 }
		function row(name, wanted, peer) {
			printf "%s\t%.1f M/s\t-\t%s\t%.1f M/s\t-\t%.2f\t%.2f\n", name, rate[name], peer, rate[peer],
				wanted, rate[name] / rate[peer]
		}
		END {
			row("queue SPSC try 1P1C", 0.9, "bare ring 1P1C")
			row("queue SPSC blocking 1P1C", 0.9, "bare ring 1P1C")
			row("queue MPMC try 1P1C", 3, "ck_ring MPMC 1P1C")
			row("queue MPMC blocking 1P1C", 3, "ck_ring MPMC 1P1C")
			row("queue MPMC try 2P2C", 3, "ck_ring MPMC 2P2C")
			row("queue MPMC blocking 2P2C", 3, "ck_ring MPMC 2P2C")
		}' >>"$results"
}

# generate FILE [OPTION]: unless it is there.
generate() {
	local size=${BENCH_BYTES:-512MiB}
	if [ ! -e "$1" ] || [ "$(cat "$1.size" 2>/dev/null)" != "$size" ]; then
		"$build/tests/bench/loggen" --bytes "$size" ${2:+"$2"} "$1"
		echo "$size" >"$1.size"
	fi
	cat "$1" >/dev/null
}

generate "$input"
bytes=$(stat -c %s "$input")

topology blackhole "" "type: blackhole"
topology copy "" "type: file, path: '$folder/out.a'"
topology literal "contains: '$literal'" "type: file, path: '$folder/out.a'"
topology regex "regex: '$regex'" "type: file, path: '$folder/out.a'"
topology zstd "" "type: file, path: '$folder/out.a', compression: {type: zstd, level: 3, workers: 2}"
run() {
	echo "'$sluice' run --once -c '$folder/$1.yaml'"
}

# What epochs cost: much input, so that there are several.
epoch_rows() {
	is_wanted 'epochs -> blackhole' 'epochs -> file in memory' 'epochs -> file on disk' || return 0
	local copies=${BENCH_COPIES:-8} i when one=$bytes fast=$folder/fast
	mkdir -p "$folder/copies"
	for ((i = 0; i < copies; i++)); do
		cp "$input" "$folder/copies/$i.log"
	done
	[ ! -w /dev/shm ] || fast=$(mktemp -d /dev/shm/sluice-bench-XXXXXX)
	mkdir -p "$fast"
	bytes=$((one * copies))
	for when in off on; do
		local epoch=off
		[ $when = off ] || epoch="{interval: ${BENCH_EPOCH:-1s}}"
		topology "void-$when" "" "type: blackhole" "$epoch" "$folder/copies/*.log"
		topology "fast-$when" "" "type: file, path: '$fast/out'" "$epoch" "$folder/copies/*.log"
		topology "disk-$when" "" "type: file, path: '$folder/out.a'" "$epoch" "$folder/copies/*.log"
	done
	row 'epochs -> blackhole' 0.95 'epoch: off' "$(run void-on)" "$(run void-off)"
	row 'epochs -> file in memory' 0.95 'epoch: off' "rm -f '$fast/out'; $(run fast-on)" "rm -f '$fast/out'; $(run fast-off)"
	rm -rf "$fast"
	row 'epochs -> file on disk' 0.95 'epoch: off, sync' "$(run disk-on)" "$(run disk-off) && sync '$folder/out.a'"
	rm -rf "$folder/copies"
	bytes=$one
}

# limit NAME GOT LIMIT UNIT: no more than that.
limit() {
	awk -v OFS='\t' -v name="$1" -v got="$2" -v limit="$3" -v unit="$4" 'BEGIN {
		print name, got " " unit, "-", "no more than", limit " " unit, "-", "1.00", sprintf("%.2f", limit / (got > 0.001 ? got : 0.001)) }' >>"$results"
}

exec {never_readable}<> <(:) # to wait a moment at

cpu_ms() { # PID
	awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) * 1000 / hz }' "/proc/$1/stat"
}

# As long as it runs.
until_true() { # PID COMMAND...
	until "${@:2}"; do
		kill -0 "$1" 2>/dev/null || { cat "$folder/said" >&2; exit 1; }
		read -rt 0.01 -u "$never_readable" || true
	done
}

has_lines() { # FILE N
	[ "$(cat "$1" 2>/dev/null | wc -l)" -ge "$2" ]
}

# 10,000 followed files: what they cost while nothing is written to them, and how long a restart takes to get to the last.
many_files_rows() {
	is_wanted '10,000 idle files' '10,000 idle files, memory' '10,000 files, restart' || return 0
	local i pid before
	echo "10,000 followed files: 30 s of nothing, then a restart" >&2
	rm -rf "$folder"/many "$folder"/out.* "$folder/state"
	mkdir "$folder/many"
	for ((i = 1; i <= 10000; i++)); do
		echo "line $i" >"$folder/many/$i.log"
	done
	topology many "" "type: file, path: '$folder/out.a'" "{interval: 1s}" "$folder/many/*.log"
	"$sluice" run -c "$folder/many.yaml" >"$folder/said" 2>&1 &
	pid=$!
	until_true $pid has_lines "$folder/out.a" 10000
	read -rt 5 -u "$never_readable" || true # it may still be committing
	before=$(cpu_ms $pid)
	read -rt 30 -u "$never_readable" || true
	limit '10,000 idle files' "$(awk -v a="$before" -v b="$(cpu_ms $pid)" 'BEGIN { print (b - a) / 300 }')" 1 '% of a core'
	limit '10,000 idle files, memory' "$(awk '/VmRSS/ { print int($2 / 1024) }' /proc/$pid/status)" 256 MiB
	kill $pid
	wait $pid
	echo "after the restart" >>"$folder/many/10000.log"
	before=$EPOCHREALTIME
	"$sluice" run -c "$folder/many.yaml" >"$folder/said" 2>&1 &
	pid=$!
	until_true $pid has_lines "$folder/out.a" 10001
	limit '10,000 files, restart' "$(awk -v a="$before" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }')" 2 s
	kill $pid
	wait $pid
	rm -rf "$folder/many"
}

row 'files -> blackhole' 0.7 'wc -l' "$(run blackhole)" "wc -l '$input'"
row 'file -> file' 0.9 'cat' "$(run copy)" "cat '$input' >'$folder/out.b'"
row 'literal filter -> file' 1.0 'rg' "$(run literal)" "rg -N --no-config '$literal' '$input' >'$folder/out.b'"
row 'literal filter -> file' 1.0 'grep -F' "$(run literal)" "grep -F '$literal' '$input' >'$folder/out.b'"
row 'regex filter -> file' 1.0 'rg' "$(run regex)" "rg -N --no-config '$regex' '$input' >'$folder/out.b'"
row 'zstd -3, 2 workers' 0.95 'zstd -3 -T2' "$(run zstd)" "zstd -q -3 -T2 '$input' -o '$folder/out.b'"
. tests/bench/record_rows.sh
record_rows
. tests/bench/http_rows.sh
http_rows
. tests/bench/net_rows.sh
net_rows
epoch_rows
many_files_rows
queue_rows

echo
awk -F '\t' '
	BEGIN {
		form = "%-26s %12s %8s   %-18s %12s %8s %7s %6s  %s\n"
		printf form, "row", "sluice", "cpu", "peer", "peer", "cpu", "wanted", "got", ""
	}
	{
		short = $8 < $7
		printf form, $1, $2, $3, $4, $5, $6, $7, $8, short ? "SHORT" : "ok"
		all++
		met += !short
	}
	END { print ""; print met " of " all " rows meet what is wanted" }
' "$results"
