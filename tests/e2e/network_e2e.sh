# network_e2e.sh: tcp, udp and unix as sources, and TLS from sink to source. Sourced by run.sh.
# shellcheck shell=bash

netgen() {
	timeout $((100 * SLOW)) "$TOOLS/bench/netgen" "$@"
}

# The port that is listened at, which the log says.
port() {
	wait_until 20 has_said_ports 1
	sed -n 's/.*listening address=[^ ]*:\([0-9]*\) .*/\1/p' err | head -n 1
}

has_said_ports() {
	[ "$(grep -c 'listening address=' err)" -ge "$1" ]
}

# topology SOURCE-OPTIONS: to out.log
topology() {
	cat >t.yaml <<-END
		sources:
		  in: {type: tcp, listen: "127.0.0.1:0", $1}
		sinks:
		  out: {type: file, inputs: [in], path: $PWD/out.log}
	END
}

# What sends, beside what was started: from.yaml, to its end.
run_from() {
	STATE=$PWD/other
	use_state
	timeout $((60 * SLOW)) "$SLUICE" run -c from.yaml --once 2>from.err || fail "$(cat from.err)"
}

# Each connection's lines, of netgen, all and in order.
assert_all_lines() { # FILE LINES
	awk '{ c = substr($1, 3); n = substr($2, 3) + 0; if (n != next_of[c]++) { print "out of order: " $0; exit 1 } }
		END { if (NR != '"$2"') { print NR " lines where '"$2"' were sent"; exit 1 } }' "$1" || fail "$1 is not what was sent"
}

lines_of() { # what netgen has said
	sed 's/lines=\([0-9]*\) .*/\1/' "$1"
}

test_lines_of_several_connections_all_arrive_each_in_order() {
	topology "idle_end: 300ms"
	start_sluice -c t.yaml --once
	netgen --connections 4 --bytes "$BYTES" 127.0.0.1:"$(port)" >sent
	await_end 60
	assert_status 0
	assert_all_lines out.log "$(lines_of sent)"
}

test_lines_arrive_with_plain_io_too() {
	topology "idle_end: 300ms"
	start_sluice -c t.yaml --once --io plain
	netgen --connections 4 --bytes "$BYTES" 127.0.0.1:"$(port)" >sent
	await_end 60
	assert_status 0
	assert_all_lines out.log "$(lines_of sent)"
}

test_records_whose_lengths_are_told_all_arrive() {
	topology "framing: octet_counting, idle_end: 300ms"
	start_sluice -c t.yaml --once
	netgen --connections 3 --octets --bytes "$BYTES" 127.0.0.1:"$(port)" >sent
	await_end 60
	assert_status 0
	assert_all_lines out.log "$(lines_of sent)"
}

test_many_connections_that_say_little_cost_little() {
	local cpu n=300
	[ "$FULL" -eq 0 ] || n=1000
	topology "idle_end: 300ms"
	start_sluice -c t.yaml --once
	netgen --connections $n --rate 10 --seconds 4 127.0.0.1:"$(port)" >sent
	cpu=$(awk '{ print $14 + $15 }' "/proc/$sluice_pid/stat") # in hundredths of a second
	assert_under_kib $((64 * 1024)) "$(peak_of_running)"
	await_end 60
	assert_status 0
	assert_all_lines out.log "$(lines_of sent)"
	echo "measured: $n connections with 10 records a second each: $((cpu / 4)).$((cpu % 4 * 25)) % of a core"
	need_unsanitized
	[ "$cpu" -le 80 ] || fail "$cpu hundredths of a second in 4 s" # 10 % of a core would be 40; others use it, too
}

test_half_a_record_and_then_silence_is_closed_and_counted() {
	topology "framing: octet_counting, frame_timeout: 300ms"
	start_sluice -c t.yaml
	exec 5<>"/dev/tcp/127.0.0.1/$(port)"
	printf '10 half' >&5
	wait_until 20 says 'did not come whole within frame_timeout'
	! read -rt 20 -u 5 || fail "it said something"
	printf '5 whole' >"/dev/tcp/127.0.0.1/$(port)"
	wait_until 20 has_lines out.log 1
	stop_sluice
	assert_status 0
	assert_said '"?records cut off"? count=1'
	echo whole | assert_same - out.log
}

test_a_frame_of_4_GB_is_refused_at_once() {
	topology "framing: {method: length_prefixed}"
	start_sluice -c t.yaml
	exec 5<>"/dev/tcp/127.0.0.1/$(port)"
	printf '\0\0\0\2ok\377\377\377\377then' >&5
	wait_until 20 says 'frame refused, connection closed.*reason="?frame longer than max_line'
	! read -rt 20 -u 5 || fail "it said something"
	assert_under_kib $((64 * 1024 * SLOW * SLOW)) "$(peak_of_running)"
	wait_until 20 has_lines out.log 1
	stop_sluice
	assert_status 0
	echo ok | assert_same - out.log
}

test_idle_connections_beyond_the_cap_are_closed_the_oldest_first() {
	local n=600 most=200
	[ "$FULL" -eq 0 ] || n=10000 most=8000
	topology "max_connections: $most"
	start_sluice -c t.yaml
	exec 5<>"/dev/tcp/127.0.0.1/$(port)" # the oldest
	netgen --connections $n --mute --seconds "$SLOW" 127.0.0.1:"$(port)" >sent
	grep -q "^open=$most closed=$((n - most))$" sent || fail "$(cat sent)"
	! read -rt 20 -u 5 || fail "it said something"
	assert_under_kib $((96 * 1024 * SLOW * SLOW)) "$(peak_of_running)"
	assert_said 'connection closed for another.*max_connections'
	echo still there >"/dev/tcp/127.0.0.1/$(port)"
	wait_until 20 has_lines out.log 1
	stop_sluice
	assert_status 0
}

test_a_connection_that_is_idle_too_long_is_closed() {
	topology "idle_timeout: 200ms"
	start_sluice -c t.yaml
	exec 5<>"/dev/tcp/127.0.0.1/$(port)"
	! read -rt 20 -u 5 || fail "it said something"
	stop_sluice
	assert_said '"connections closed as idle" count=1'
}

# Who waits for an answer of ours is not idle, however long that takes: here a reader of the output comes late.
test_a_connection_that_waits_for_its_answer_is_not_idle() {
	mkfifo out.fifo
	cat >t.yaml <<-END
		sources:
		  in: {type: tcp, listen: "127.0.0.1:0", idle_timeout: 500ms, reply: "ok\n", ack: committed}
		sinks:
		  out: {type: file, inputs: [in], path: $PWD/out.fifo}
	END
	start_sluice -c t.yaml
	exec 5<>"/dev/tcp/127.0.0.1/$(port)"
	echo record >&5
	hold 1.2
	timeout 20 head -n 1 out.fifo >out.log &
	read -rt 20 -u 5 answer || fail "it was closed"
	[ "$answer" = ok ] || fail "$answer"
	! read -rt 20 -u 5 || fail "it said something"
	stop_sluice
	assert_said '"connections closed as idle" count=1'
	echo record | assert_same - out.log
}

# As long as nobody reads the output nothing is read of the connections, whatever has come there.
test_who_waits_for_us_to_read_on_is_neither_idle_nor_late() {
	mkfifo out.fifo
	cat >t.yaml <<-END
		memory: 24MiB
		sources:
		  in: {type: tcp, listen: "127.0.0.1:0", idle_timeout: 400ms, frame_timeout: 300ms, idle_end: 300ms}
		sinks:
		  out: {type: file, inputs: [in], path: $PWD/out.fifo}
	END
	start_sluice -c t.yaml --once
	netgen --connections 3 --bytes 64MiB 127.0.0.1:"$(port)" >sent &
	local sender=$!
	hold 1.5
	cat out.fifo >out.log &
	local reader=$!
	wait $sender || fail "a connection was closed"
	await_end 60
	wait $reader
	assert_status 0
	assert_all_lines out.log "$(lines_of sent)"
}


# limited_topology TYPE LISTEN OPTIONS
limited_topology() {
	cat >t.yaml <<-END
		sources:
		  in: {type: $1, listen: "$2", idle_end: 200ms, rate_limit: $3}
		sinks:
		  out: {type: file, inputs: [in], path: $PWD/out.log}
	END
	start_sluice -c t.yaml --once
	wait_until 20 has_said_ports 1
	began=${EPOCHREALTIME/./}
}

# assert_limited MS: it took so long at least, and all is there.
assert_limited() {
	await_end 60
	local took=$(((${EPOCHREALTIME/./} - began) / 1000))
	assert_status 0
	assert_same sent out.log
	[ $took -ge "$1" ] || fail "it took $took ms"
	assert_said '"ms held back by rate_limit" count=[1-9][0-9]{3}$'
}

# 256 KiB at a time at most are read, which is 26,000 of these lines. Who waits for us is not idle, nor late.
test_no_more_is_read_of_connections_than_a_rate_allows() {
	limited_topology tcp 127.0.0.1:0 '{rate: 40000/s, burst: 1000}, frame_timeout: 100ms, idle_timeout: 150ms'
	seq -w 100000000 100119999 >sent
	timeout 60 bash -c "cat sent >/dev/tcp/127.0.0.1/$(port)" || fail "the connection was closed"
	assert_limited 2000
}

# At a unix socket whoever sends a datagram waits.
test_no_more_datagrams_are_received_than_a_rate_allows() {
	limited_topology unix "$PWD/d.sock" '{rate: 3000/s, burst: 10}, mode: datagram'
	seq -w 100000 108999 >sent
	cat >from.yaml <<-END
		sources:
		  f: {type: file, paths: [$PWD/sent]}
		sinks:
		  d: {type: unix, inputs: [f], path: $PWD/d.sock, mode: datagram}
	END
	run_from
	assert_limited 2600
}

# With --once, too: what lies there when it looks again came before the end.
test_datagrams_that_came_while_nobody_looked_are_taken_before_it_ends() {
	limited_topology udp 127.0.0.1:0 '{rate: 40/s, burst: 10}, max_line: 1KiB'
	seq 80 >sent
	local to n
	to=$(port)
	for n in {1..80}; do
		echo $n >"/dev/udp/127.0.0.1/$to"
		[ $n -ne 40 ] || wait_until 10 has_lines out.log 40 # all of the first ones, more than may come: it is shut for longer than idle_end
	done
	await_end 60
	assert_status 0
	assert_same sent out.log
}

test_each_record_is_answered() {
	topology 'reply: "ok\n"'
	start_sluice -c t.yaml
	exec 5<>"/dev/tcp/127.0.0.1/$(port)"
	for i in 1 2 3; do
		echo "$i" >&5
		read -rt 20 -u 5 answer
		[ "$answer" = ok ] || fail "$answer"
	done
	stop_sluice
	assert_status 0
	seq 3 | assert_same - out.log
}

test_with_ack_committed_what_was_answered_is_there_after_a_kill() {
	topology 'reply: "ok\n", ack: committed'
	STATE=$PWD/state
	start_sluice -c t.yaml
	exec 5<>"/dev/tcp/127.0.0.1/$(port)"
	seq 100 >&5
	for _ in $(seq 100); do
		read -rt 20 -u 5 answer
		[ "$answer" = ok ] || fail "$answer"
	done
	kill -KILL "$sluice_pid"
	await_end 20
	"$SLUICE" state -c t.yaml >/dev/null
	start_sluice -c t.yaml
	stop_sluice
	seq 100 | assert_same - out.log
}

test_what_had_come_when_it_is_stopped_is_stored() {
	topology "idle_end: 5s"
	start_sluice -c t.yaml
	exec 5<>"/dev/tcp/127.0.0.1/$(port)"
	seq 5000 >&5
	stop_sluice
	assert_status 0
	seq 5000 | assert_same - out.log
}

test_datagrams_arrive_with_who_sent_them() {
	cat >t.yaml <<-END
		sources:
		  in: {type: udp, listen: "127.0.0.1:0", peer: from}
		sinks:
		  out: {type: file, inputs: [in], path: $PWD/out.log, encoding: {format: template, template: "{from} {body}"}}
	END
	start_sluice -c t.yaml
	for i in $(seq 20); do
		echo "datagram $i" >"/dev/udp/127.0.0.1/$(port)"
	done
	wait_until 20 has_lines out.log 20
	stop_sluice
	assert_status 0
	[ "$(grep -cE '^127.0.0.1:[0-9]+ datagram [0-9]+$' out.log)" -eq 20 ] || fail "$(head -3 out.log)"
}

test_datagrams_are_told_apart_by_a_delimiter_of_two_bytes_too() {
	cat >from.yaml <<-END
		sources: {f: {type: file, paths: [$INPUT/small.log]}}
		sinks: {d: {type: unix, mode: datagram, inputs: [f], path: $PWD/d.sock}}
	END
	cat >to.yaml <<-END
		sources: {d: {type: unix, mode: datagram, listen: $PWD/d.sock, delimiter: "\r\n", idle_end: 300ms}}
		sinks: {out: {type: file, inputs: [d], path: $PWD/out.log, encoding: {delimiter: "\r\n"}}}
	END
	start_sluice -c to.yaml --once
	wait_until 20 has_said_ports 1
	run_from
	await_end 60
	assert_status 0
	sed 's/$/\r/' "$INPUT/small.log" | assert_same - out.log
}

test_a_unix_socket_carries_lines_and_datagrams_and_is_gone_afterwards() {
	cat >from.yaml <<-END
		sources:
		  f: {type: file, paths: [$INPUT/small.log]}
		sinks:
		  s: {type: unix, inputs: [f], path: $PWD/s.sock}
		  d: {type: unix, inputs: [f], path: $PWD/d.sock, mode: datagram}
	END
	cat >to.yaml <<-END
		sources:
		  s: {type: unix, listen: $PWD/s.sock, idle_end: 300ms}
		  d: {type: unix, listen: $PWD/d.sock, mode: datagram, idle_end: 300ms}
		sinks:
		  a: {type: file, inputs: [s], path: $PWD/a.log}
		  b: {type: file, inputs: [d], path: $PWD/b.log}
	END
	start_sluice -c to.yaml --once
	wait_until 20 has_said_ports 2
	run_from
	await_end 60
	assert_status 0
	assert_same "$INPUT/small.log" a.log
	assert_same "$INPUT/small.log" b.log
	[ ! -e s.sock ] && [ ! -e d.sock ] || fail "a socket was left behind"
}

# ---- TLS ----

test_lines_over_TLS_with_certificates_on_both_sides() {
	make_certificate server IP:127.0.0.1
	make_certificate client IP:127.0.0.1
	topology "idle_end: 5s, tls: {cert: $PWD/server.pem, key: $PWD/server.key, ca: $PWD/client.pem, require_client_certificate: true}"
	start_sluice -c t.yaml --once
	cat >from.yaml <<-END
		sources:
		  f: {type: file, paths: [$INPUT/one.log]}
		sinks:
		  net: {type: tcp, inputs: [f], address: "127.0.0.1:$(port)", tls: {ca: $PWD/server.pem, cert: $PWD/client.pem, key: $PWD/client.key}}
	END
	# without one it is refused
	timeout 20 openssl s_client -connect 127.0.0.1:"$(port)" -CAfile server.pem <<<"no certificate" >/dev/null 2>&1 || true
	run_from
	await_end 60
	assert_status 0
	assert_said 'handshake failed.*peer did not return a certificate'
	assert_same "$INPUT/one.log" out.log
}

test_an_expired_certificate_is_told_as_such_on_both_sides() {
	make_expired_certificate server
	topology "tls: {cert: $PWD/server.pem, key: $PWD/server.key}"
	start_sluice -c t.yaml
	cat >from.yaml <<-END
		sources:
		  f: {type: file, paths: [$INPUT/small.log]}
		sinks:
		  net: {type: tcp, inputs: [f], address: "127.0.0.1:$(port)", tls: {ca: $PWD/server.pem, server_name: server}, retry: {max_attempts: 2, base_delay: 10ms}}
	END
	STATE=$PWD/other
	use_state
	! timeout 60 "$SLUICE" run -c from.yaml --once 2>from.err || fail "it went well"
	grep -q 'handshake failed.*certificate has expired' from.err || fail "$(cat from.err)"
	wait_until 20 says 'handshake failed'
	stop_sluice
	assert_status 0
}

# With TLS 1.3 it is only after the handshake, when the first records are under way.
test_a_sink_whose_certificate_is_refused_is_told_why_and_loses_nothing() {
	make_certificate server IP:127.0.0.1
	make_certificate client IP:127.0.0.1
	topology "idle_end: 30s, tls: {cert: $PWD/server.pem, key: $PWD/server.key, ca: $PWD/client.pem, require_client_certificate: true}"
	start_sluice -c t.yaml
	seq 20 >lines.log
	cat >from.yaml <<-END
		sources:
		  f: {type: file, paths: [$PWD/lines.log]}
		sinks:
		  net: {type: tcp, inputs: [f], address: "127.0.0.1:$(port)", tls: {ca: $PWD/server.pem}, retry: {base_delay: 5ms, max_delay: 10ms, jitter: none}}
	END
	STATE=$PWD/other
	use_state
	"$SLUICE" run -c from.yaml --set shutdown_timeout=100ms 2>from.err &
	local refused=$!
	wait_until 20 grep -q 'connection lost, reconnecting .*alert certificate required' from.err
	hold 1 # it goes on trying
	kill -TERM $refused
	wait $refused || true
	grep -q 'in 20 records .*, out 0 records' from.err || fail "$(cat from.err)"
	sed -i "s|tls: {|&cert: $PWD/client.pem, key: $PWD/client.key, |" from.yaml
	timeout $((60 * SLOW)) "$SLUICE" run -c from.yaml --once 2>from.err || fail "$(cat from.err)"
	wait_until 20 has_lines out.log 20
	stop_sluice
	assert_same lines.log out.log
}

test_a_handshake_that_does_not_come_is_waited_for_so_long() {
	make_certificate server IP:127.0.0.1
	topology "tls: {cert: $PWD/server.pem, key: $PWD/server.key, handshake_timeout: 200ms}"
	start_sluice -c t.yaml
	exec 5<>"/dev/tcp/127.0.0.1/$(port)"
	! read -rt 20 -u 5 || fail "it said something"
	stop_sluice
	assert_said 'no handshake within handshake_timeout'
}

test_with_a_journal_what_was_answered_is_there_after_a_kill_once_and_in_order() {
	topology 'reply: "ok\n", journal: {max_size: 16MiB}'
	sed -i '1i epoch: {interval: 1h}' t.yaml
	STATE=$PWD/state
	start_sluice -c t.yaml
	exec 5<>"/dev/tcp/127.0.0.1/$(port)"
	for i in $(seq 50); do
		echo "$i" >&5
		read -rt 20 -u 5 answer
		[ "$answer" = ok ] || fail "$answer"
	done
	kill -KILL "$sluice_pid"
	await_end 20
	start_sluice -c t.yaml
	exec 5<>"/dev/tcp/127.0.0.1/$(port)"
	echo last >&5
	read -rt 20 -u 5 answer
	stop_sluice
	assert_status 0
	(seq 50 && echo last) | assert_same - out.log
}

test_with_a_journal_senders_are_answered_while_nobody_reads_the_output() {
	mkfifo stuck
	cat >t.yaml <<-END
		memory: 32MiB
		sources: {in: {type: tcp, listen: "127.0.0.1:0", reply: "ok\n", max_line: 64KiB, journal: {max_size: 256MiB}}}
		sinks: {out: {type: file, inputs: [in], path: $PWD/stuck, queue: {capacity: 1}}}
	END
	start_sluice -c t.yaml
	exec 5<>"/dev/tcp/127.0.0.1/$(port)"
	yes "$(printf '%01000d' 7)" | head -n 60000 >&5 &
	timeout $((60 * SLOW)) head -n 60000 <&5 >answers || fail "$(wc -l <answers) records answered"
	[ "$(sort -u answers)" = ok ] || fail "$(sort -u answers)"
	exec 5>&-
	kill -KILL "$sluice_pid"
	await_end 20
}

test_an_address_that_another_is_about_to_leave_is_waited_for_and_not_for_ever() {
	topology "idle_end: 1s"
	start_sluice -c t.yaml
	local first=$sluice_pid port
	port=$(port)
	mkdir second
	cd second || fail "no folder"
	topology "idle_end: 1s"
	sed -i "s/127.0.0.1:0/127.0.0.1:$port/" t.yaml
	start_sluice -c t.yaml
	wait_until 20 says 'address in use, trying again'
	kill -KILL "$first"
	wait_until 20 says 'listening address=127.0.0.1:'"$port"
	mkdir third
	cd third || fail "no folder"
	topology "idle_end: 1s"
	sed -i "s/127.0.0.1:0/127.0.0.1:$port/" t.yaml
	first=$sluice_pid
	run_sluice -c t.yaml
	kill -KILL "$first"
	[ "$status" -ne 0 ] || fail "two at one address"
	assert_said 'cannot listen address=127.0.0.1:'"$port"' error="Address already in use"'
}

test_one_that_is_closed_for_another_in_the_middle_of_its_records_spoils_nobodys() {
	topology "max_connections: 2, idle_end: 300ms"
	start_sluice -c t.yaml
	netgen --connections 2 --bytes 64M 127.0.0.1:"$(port)" >sent 2>&1 &
	local sender=$!
	for _ in $(seq 20); do
		: >"/dev/tcp/127.0.0.1/$(port)"
	done
	wait "$sender" || true # it was closed, or was done before
	stop_sluice
	assert_status 0
	# what came before is whole; the last line of each may be cut
	[ "$(grep -cvE '^c=[0-9]{6} n=[0-9]{12} ' out.log)" -le 2 ] || fail "lines are mixed up"
	awk 'length($0) != 189' out.log | head -n 5 >odd
	[ "$(wc -l <odd)" -le 2 ] || fail "$(cut -c1-100 odd)"
}
