#!/bin/bash
# bench.sh BUILD: the rows of DESIGN's speed table that this version reaches, each against the machine's limit or the
# best tool for it, in the same run: one after the other, in turns, so that a noisy machine is noisy for both.
#
#   BENCH_BYTES  size of the log (512MiB)     BENCH_DIR   where inputs and outputs lie (BUILD/bench)
#   BENCH_RUNS   of each, median taken (5)    BENCH_ROWS  regular expression of rows to run (all)
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

topology() { # NAME TRANSFORM SINK [EPOCH]
	local inputs=in
	{
		echo "epoch: ${4:-off}" # as the peers, which sync nothing
		echo "sources: {in: {type: file, paths: ['$input']}}"
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

# row NAME WANTED PEER OURS THEIRS: throughput of two commands, in turns.
row() {
	[[ $1 =~ $rows ]] || return 0
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
	awk -F '\t' -v OFS='\t' -v name="$1" -v wanted="$2" -v peer="$3" -v bytes="$bytes" \
		-v a="$(printf '%s\n' "${ours[@]}" | median)" -v b="$(printf '%s\n' "${theirs[@]}" | median)" \
		-v ac="$(printf '%s\n' "${our_cpu[@]}" | median)" -v bc="$(printf '%s\n' "${their_cpu[@]}" | median)" \
		'BEGIN { printf "%s\t%.2f GB/s\t%.2f s\t%s\t%.2f GB/s\t%.2f s\t%.2f\t%.2f\n",
			name, bytes / a / 1000, ac, peer, bytes / b / 1000, bc, wanted, b / a }' >>"$results"
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

if [ ! -e "$input" ] || [ "$(cat "$folder/in.size" 2>/dev/null)" != "${BENCH_BYTES:-512MiB}" ]; then
	"$build/tests/bench/loggen" --bytes "${BENCH_BYTES:-512MiB}" "$input"
	echo "${BENCH_BYTES:-512MiB}" >"$folder/in.size"
fi
bytes=$(stat -c %s "$input")
cat "$input" >/dev/null

topology blackhole "" "type: blackhole"
topology copy "" "type: file, path: '$folder/out.a'"
topology literal "contains: '$literal'" "type: file, path: '$folder/out.a'"
topology regex "regex: '$regex'" "type: file, path: '$folder/out.a'"
topology zstd "" "type: file, path: '$folder/out.a', compression: {type: zstd, level: 3, workers: 2}"
run() {
	echo "'$sluice' run --once -c '$folder/$1.yaml'"
}

row 'files -> blackhole' 0.7 'wc -l' "$(run blackhole)" "wc -l '$input'"
row 'file -> file' 0.9 'cat' "$(run copy)" "cat '$input' >'$folder/out.b'"
row 'literal filter -> file' 1.0 'rg' "$(run literal)" "rg -N --no-config '$literal' '$input' >'$folder/out.b'"
row 'literal filter -> file' 1.0 'grep -F' "$(run literal)" "grep -F '$literal' '$input' >'$folder/out.b'"
row 'regex filter -> file' 1.0 'rg' "$(run regex)" "rg -N --no-config '$regex' '$input' >'$folder/out.b'"
row 'zstd -3, 2 workers' 0.95 'zstd -3 -T2' "$(run zstd)" "zstd -q -3 -T2 '$input' -o '$folder/out.b'"
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
