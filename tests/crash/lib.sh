# lib.sh: what crash.sh and powercut.sh share. Sourced, with SLUICE, TOOLS and SEED set, in a folder of its own.
# shellcheck shell=bash

export LC_ALL=C
exec {never_readable}<> <(:)
RANDOM=$SEED

hold_ms() { # MILLISECONDS
	read -rt "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))" -u "$never_readable" || true
}

fail() {
	echo "FAILED: $*"
	echo "the end of sluice's log:"
	tail -n 15 err
	exit 1
}

# Mostly long enough to get going; now and then so short that it is still recovering.
some_time_ms() {
	case $((RANDOM % 4)) in
	0) echo $((RANDOM % 15)) ;;
	1) echo $((RANDOM % 60)) ;;
	*) echo $((RANDOM % 250)) ;;
	esac
}

# A port that nobody listens at, and none of those that who connects is given: who connected to one of them while nobody listens
# there might meet himself, and keep it.
free_port() {
	local port=$((10000 + RANDOM % 20000))
	while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
		port=$((10000 + RANDOM % 20000))
	done
	echo $port
}

start_sluice() {
	"$SLUICE" run -c t.yaml >>out 2>>err &
	sluice_pid=$!
}

# How it ended is kept in a file: by the time it is asked for, its number may be another process's, and the shell has forgotten.
start_writer() { # OPTION...
	{
		"$TOOLS/crash/writer" "$@" >written &
		echo $! >writer.pid
		wait $!
		echo $? >writer.status
	} &
}

writer_succeeded() {
	until [ -s writer.status ]; do
		hold_ms 20
	done
	[ "$(cat writer.status)" -eq 0 ]
}

stop_writer() {
	[ -s writer.status ] || kill -KILL "$(cat writer.pid)" 2>/dev/null
}

is_running() {
	kill -0 "$sluice_pid" 2>/dev/null
}

# Kills it, at once or after a reload was begun.
kill_sluice() {
	is_running || fail "it ended by itself"
	if [ $((RANDOM % 5)) -eq 0 ]; then
		kill -HUP "$sluice_pid"
		hold_ms $((RANDOM % 40))
	fi
	kill -KILL "$sluice_pid" 2>/dev/null # by the other one, if it was not ready to hear of it
	wait "$sluice_pid" 2>/dev/null || true
}

# So many times, each after LEAST_MS and some more. It runs afterwards.
kill_again_and_again() { # KILLS [LEAST_MS]
	local i
	for ((i = 0; i < $1; i++)); do
		hold_ms $((${2:-0} + $(some_time_ms)))
		kill_sluice
		start_sluice
	done
}

end_sluice() {
	kill -TERM "$sluice_pid"
	wait "$sluice_pid" || fail "exit $? at the end"
}

# All lines that a sink holds: rotated files have names that sort by time, the one without a time is the newest.
held_by() { # NAME
	local f
	for f in out."$1"/"$1".*.log out."$1"/"$1".log; do
		[ ! -e "$f" ] || cat "$f"
	done
	for f in out."$1"/"$1".*.log.zst out."$1"/"$1".log.zst; do
		[ ! -e "$f" ] || zstd -dcq "$f" || fail "$f is no whole zstd file"
	done
}

# judge NAME STEP WRITTEN: of each stream every STEPth line, once, in order, as many as WRITTEN says ("stream lines").
judge() {
	held_by "$1" | awk -v name="$1" -v step="$2" -v written="$3" '
		BEGIN { while ((getline line < written) > 0) { split(line, a, " "); lines[a[1] + 0] = a[2] } }
		{
			k = $1 + 0; n = $2 + 0
			if (n == next_of[k] + 0) { next_of[k] = n + step; held++ }
			else if (n < next_of[k]) { again++; if (!first) first = $0 }
			else { missing += (n - next_of[k]) / step; next_of[k] = n + step; held++; if (!first) first = $0 }
		}
		END {
			for (k in lines) {
				last = lines[k] - 1; last -= last % step
				if (next_of[k] + 0 <= last) { missing += (last + step - next_of[k]) / step; if (!first) first = "the end of stream " k }
			}
			printf "%-8s %d lines: lost %d, doubled or out of order %d%s\n", name, held, missing, again, first ? "; first at: " first : ""
			exit missing || again
		}'
}

# What dedupe has left: every tenth line, as any other. Lines as judge() reads them.
judge_firsts() {
	held_by firsts | sed -E 's/^\{"k": ([0-9]+), "n": ([0-9]+),.*/\1 \2/' >out.firsts/stripped
	held_by() { cat out.firsts/stripped; }
	judge firsts 10 written
}

# What aggregate has counted: each hundred lines of each stream once, and all of them.
judge_sums() {
	{ cat out.sums/*.zst; } | zstd -dcq | tr -c '0-9\n.' ' ' | awk '
		BEGIN { while ((getline line < "written") > 0) { split(line, a, " "); lines[a[1] + 0] = a[2] } }
		{
			# two times of six numbers each come first
			k = $13; count = $14; first = $15; last = $16; sum = $17
			rest = lines[k] - first
			if (first % 100 || count != (rest < 100 ? rest : 100) || last != first + count - 1 ||
			    sum != count * (first + last) / 2) { wrong++; if (!what) what = $0 }
			if (seen[k " " first]++) { again++; if (!what) what = $0 }
			rows++
		}
		END {
			for (k in lines)
				for (n = 0; n < lines[k]; n += 100)
					if (!seen[k " " n]) { missing++; if (!what) what = "stream " k " from " n }
			printf "%-8s %d windows: lost %d, doubled %d, wrong %d%s\n", "sums", rows, missing, again, wrong, what ? "; first: " what : ""
			exit missing || again || wrong || !rows
		}'
}
