# shellcheck shell=bash
# net_rows.sh - rows of lines that come over TCP; sourced by bench.sh.
#
# netgen sends so many bytes over 4 connections, and the clock stops when all of them are in the file. rsyslogd, where there is one,
# does the same in turns; it gets a tenth, as it takes long. Beside it: 1,000 connections that say little.

: "${folder:?}" "${build:?}" "${sluice:?}" "${bytes:?}" "${runs:?}" "${results:?}"
net_share=10

# A process in the background: its output is in `said`, its number in `server`.
serve() { # COMMAND...
	rm -rf "$folder"/out.* "$folder/state"
	"$@" >"$folder/said" 2>&1 &
	server=$!
	trap 'kill $server 2>/dev/null || true' EXIT # also when who connects to it has failed
}

is_listening() {
	grep -q 'listening address=' "$folder/said"
}

serve_sluice() { # NAME
	serve "$sluice" run -c "$folder/$1.yaml"
	until_true $server is_listening
	port=$(sed -n 's/.*listening address=[^ ]*:\([0-9]*\) .*/\1/p' "$folder/said")
}

can_connect() {
	(: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null
}

serve_rsyslogd() {
	port=$((20000 + RANDOM % 12000)) # none that the kernel gives to who connects, who would meet himself there
	cat >"$folder/rsyslog.conf" <<-END
		module(load="imtcp" MaxSessions="2000")
		input(type="imtcp" Port="$port" Address="127.0.0.1" Ruleset="lines")
		template(name="line" type="string" string="%rawmsg%\\n")
		ruleset(name="lines") { action(type="omfile" File="$folder/out.b" Template="line" asyncWriting="on" ioBufferSize="256k") }
	END
	serve rsyslogd -n -f "$folder/rsyslog.conf" -i "$folder/rsyslogd.pid"
	until_true $server can_connect
}

has_bytes() { # FILE N
	[ "$(stat -c %s "$1" 2>/dev/null || echo 0)" -ge "$2" ]
}

end_server() {
	kill $server
	wait $server 2>/dev/null || true
	trap - EXIT
}

# Leaves wall (microseconds) and cpu (seconds), the sender's own not counted.
timed_lines() { # FILE BYTES
	local start before
	before=$(cpu_ms $server)
	start=$EPOCHREALTIME
	"$build/tests/bench/netgen" --connections 4 --bytes "$2" "127.0.0.1:$port" >/dev/null
	until_true $server has_bytes "$1" "$2"
	wall=$((${EPOCHREALTIME/./} - ${start/./}))
	cpu=$(awk -v a="$before" -v b="$(cpu_ms $server)" 'BEGIN { print (b - a) / 1000 }')
	end_server
}

tcp_row() { # NAME WANTED
	is_wanted "$1" || return 0
	echo "$1: $runs runs of each" >&2
	local ours=() our_cpu=() theirs=() their_cpu=() i peer=rsyslogd
	command -v rsyslogd >/dev/null || peer=-
	for ((i = 0; i < runs; i++)); do
		serve_sluice tcp
		timed_lines "$folder/out.a" "$bytes"
		ours+=("$wall") our_cpu+=("$cpu")
		[ $peer != - ] || continue
		serve_rsyslogd
		timed_lines "$folder/out.b" $((bytes / net_share))
		theirs+=("$wall") their_cpu+=("$cpu")
	done
	rm -f "$folder"/out.*
	awk -v OFS='\t' -v name="$1" -v wanted="$2" -v bytes="$bytes" -v peer="$peer" -v share=$net_share \
		-v a="$(printf '%s\n' "${ours[@]}" | median)" -v ac="$(printf '%s\n' "${our_cpu[@]}" | median)" \
		-v b="$(printf '%s\n' "${theirs[@]:-0}" | median)" -v bc="$(printf '%s\n' "${their_cpu[@]:-0}" | median)" 'BEGIN {
		rate = bytes / a / 1000
		printf "%s\t%.2f GB/s\t%.2f s\t%s\t%.2f GB/s\t-\t1.00\t%.2f\n", name, rate, ac, "at least", wanted, rate / wanted
		if (peer != "-")
			printf "%s\t%.2f GB/s\t%.2f s\t%s\t%.2f GB/s\t%.2f s\t%.2f\t%.2f\n", name, rate, ac, peer,
				bytes / share / b / 1000, bc, 1, rate / (bytes / share / b / 1000) }' >>"$results"
}

quiet_rows() {
	is_wanted '1000 connections: cpu' '1000 connections: memory' || return 0
	echo "1000 connections: 10 records a second each, for 10 s" >&2
	local before percent peak
	serve_sluice tcp
	before=$(cpu_ms $server)
	"$build/tests/bench/netgen" --connections 1000 --rate 10 --seconds 10 "127.0.0.1:$port" >/dev/null
	percent=$(awk -v a="$before" -v b="$(cpu_ms $server)" 'BEGIN { printf "%.1f", (b - a) / 100 }')
	peak=$(awk '/^VmHWM/ { printf "%.0f", $2 / 1024 }' "/proc/$server/status")
	end_server
	rm -f "$folder"/out.*
	limit '1000 connections: cpu' "$percent" 10 '%'
	limit '1000 connections: memory' "$peak" 96 MiB # 64MiB, and what the program itself takes
}

net_rows() {
	{
		echo "epoch: off"
		echo "memory: 64MiB"
		echo "sources: {in: {type: tcp, listen: '127.0.0.1:0'}}"
		echo "sinks: {out: {inputs: [in], type: file, path: '$folder/out.a'}}"
	} >"$folder/tcp.yaml"
	tcp_row 'TCP lines -> file' 1
	quiet_rows
}
