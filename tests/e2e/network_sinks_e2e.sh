# network_sinks_e2e.sh: tcp, udp and unix as sinks. Sourced by run.sh.
# shellcheck shell=bash

start_peer() { # OPTIONS...
	"$TOOLS/e2e/tcp_peer" "$@" port got.log &
	peer_pid=$!
	trap end_jobs EXIT
	wait_until 20 test -e port
}

end_peer() {
	kill "$peer_pid" 2>/dev/null || true
	wait "$peer_pid" 2>/dev/null || true
}

to_peer() { # SINK-OPTIONS
	cat >t.yaml <<-END
		sources:
		  f: {type: file, paths: [$INPUT/small.log]}
		sinks:
		  net: {type: tcp, inputs: [f], address: "127.0.0.1:$(cat port)"$1}
	END
}

# Beside the one that runs, which is first_pid then.
start_another() {
	first_pid=$sluice_pid
	STATE=$PWD/other
	cp err first.err
	start_sluice "$@"
}

test_a_sink_sends_all_to_its_peer() {
	start_peer
	to_peer ""
	run_sluice -c t.yaml --once
	assert_status 0
	wait_until 20 cmp -s "$INPUT/small.log" got.log
	end_peer
}

test_after_a_reset_it_connects_again_and_nothing_is_lost() {
	start_peer --reset-after 100000 --reply ok
	to_peer ', await_reply: "ok\n"'
	run_sluice -c t.yaml --once
	assert_status 0
	assert_said 'connection lost, reconnecting'
	wait_until 20 all_are_there
	end_peer
}

all_are_there() {
	sort -u got.log | cmp -s - <(sort -u "$INPUT/small.log")
}

test_a_reply_counts_and_silence_does_not() {
	start_peer --reply yes
	to_peer ', await_reply: "yes\n"'
	run_sluice -c t.yaml --once
	assert_status 0
	assert_same "$INPUT/small.log" got.log
	end_peer
}

test_a_slow_reader_holds_back_and_gets_all() {
	start_peer --rate 2000000 --wait-for go
	to_peer ""
	start_sluice -c t.yaml --once
	wait_until 20 says 'connected'
	touch go
	await_end 60
	assert_status 0
	wait_until 20 cmp -s "$INPUT/small.log" got.log
	end_peer
}

test_a_peer_that_takes_nothing_is_left_after_write_timeout() {
	start_peer --wait-for go --rate 1000000000
	to_peer ', await_reply: "ok\n", write_timeout: 300ms, retry: {base_delay: 10ms}'
	start_sluice -c t.yaml --once
	wait_until 20 says 'nothing was taken for write_timeout'
	end_peer
	kill -KILL "$sluice_pid"
}

# From the first byte that waits for the peer on, not from the last one before a silence.
test_a_silence_of_ours_is_no_peer_that_takes_nothing() {
	start_peer --reply ok
	echo first >in.log
	cat >t.yaml <<-END
		sources:
		  f: {type: file, paths: [$PWD/in.log]}
		sinks:
		  net: {type: tcp, inputs: [f], address: "127.0.0.1:$(cat port)", await_reply: "ok\n", write_timeout: 1s}
	END
	start_sluice -c t.yaml
	wait_until 20 has_lines got.log 1
	hold 1.5
	echo second >>in.log
	wait_until 20 has_lines got.log 2
	stop_sluice
	assert_status 0
	! grep -q 'connection lost' err || fail "$(cat err)"
	printf 'first\nsecond\n' | assert_same - got.log
	end_peer
}

# What had come when the attempts were used up is given up, and not all that comes while there is more.
test_after_it_has_given_up_a_sink_tries_again_though_records_keep_coming() {
	start_peer
	end_peer # its port is free now
	cat >t.yaml <<-END
		sources:
		  in: {type: exec, command: [yes]}
		sinks:
		  net: {type: tcp, inputs: [in], address: "127.0.0.1:$(cat port)", retry: {max_attempts: 2, base_delay: 10ms}, on_error: dead_letter, dead_letter: no}
		  gram: {type: unix, mode: datagram, inputs: [in], path: $PWD/s.sock, retry: {max_attempts: 2, base_delay: 10ms}, on_error: dead_letter, dead_letter: no}
		  no: {type: file, inputs: [], path: /dev/null, encoding: {format: json}}
	END
	start_sluice -c t.yaml
	wait_until 20 says 'net: record not stored'
	wait_until 20 says 'gram: record not stored'
	cat >to.yaml <<-END
		sources:
		  a: {type: tcp, listen: "127.0.0.1:$(cat port)"}
		  b: {type: unix, mode: datagram, listen: $PWD/s.sock}
		sinks:
		  c: {type: file, inputs: [a], path: $PWD/a.log}
		  d: {type: file, inputs: [b], path: $PWD/b.log}
	END
	start_another -c to.yaml
	wait_until 20 test -s a.log
	wait_until 20 test -s b.log
	kill -KILL "$first_pid"
	stop_sluice
	assert_status 0
}

test_a_host_that_cannot_be_looked_up_is_told_and_given_up_as_the_topology_says() {
	cat >t.yaml <<-END
		sources:
		  f: {type: file, paths: [$INPUT/small.log]}
		sinks:
		  net: {type: tcp, inputs: [f], address: "nowhere.invalid:514", retry: {max_attempts: 2, base_delay: 10ms}, on_error: drop}
	END
	run_sluice -c t.yaml --once
	assert_status 0 # as not all could be done
	assert_said 'no such host|name not resolved'
	assert_said 'refused and dropped 4000'
}

test_nobody_there_is_tried_again_until_somebody_is() {
	start_peer
	end_peer # its port is free now
	to_peer ', retry: {base_delay: 20ms, max_delay: 100ms}'
	start_sluice -c t.yaml --once
	wait_until 20 says 'connection refused'
	cat >to.yaml <<-END
		sources:
		  in: {type: tcp, listen: "127.0.0.1:$(cat port)", idle_end: 300ms}
		sinks:
		  out: {type: file, inputs: [in], path: $PWD/out.log}
	END
	start_another -c to.yaml --once
	await_end 60
	assert_status 0
	assert_same "$INPUT/small.log" out.log
	wait "$first_pid"
}

# at_rate SINK-OPTIONS: 800 lines, of which 200 may go at once and 400 in each second.
at_rate() {
	head -n 800 "$INPUT/small.log" >in.log
	cat >t.yaml <<-END
		sources:
		  f: {type: file, paths: [$PWD/in.log]}
		sinks:
		  net: {$1, inputs: [f], rate_limit: {rate: 400/s, burst: 200}}
	END
	local began=${EPOCHREALTIME/./}
	run_sluice -c t.yaml --once
	local took=$(((${EPOCHREALTIME/./} - began) / 1000))
	assert_said 'out 800 records'
	[ $took -ge 1490 ] || fail "it took $took ms"
	assert_said 'limited_ms=[1-9]'
}

test_what_goes_over_connections_keeps_to_a_rate() {
	start_peer
	at_rate "type: tcp, address: '127.0.0.1:$(cat port)'"
	assert_status 0
	wait_until 20 cmp -s in.log got.log
	end_peer
}

test_datagrams_keep_to_a_rate() {
	at_rate "type: udp, address: '127.0.0.1:9'" # whoever is there
}
