# syslog_e2e.sh: real senders and receivers of syslog: logger and rsyslogd. Sourced by run.sh.
# shellcheck shell=bash

count=5000
[ "$FULL" -eq 0 ] || count=100000

# The port where it listens for them.
port_for() { # connections|datagrams
	wait_until 20 says "listening address=127.*for=$1"
	sed -n "s/.*listening address=127[^ ]*:\([0-9]*\) for=$1.*/\1/p" err | head -n 1
}

topology() { # SOURCE-OPTIONS
	cat >t.yaml <<-END
		sources:
		  in: {type: syslog, $1}
		sinks:
		  out: {type: file, inputs: [in], path: $PWD/out.log, encoding: {format: json}}
	END
}

messages() { # N: what is sent
	seq -f 'message number %.0f of them' "$1"
}

# All were parsed: the program, and each message once, in order.
assert_messages() { # APPNAME N
	jq -r "select(.appname == \"$1\" and .severity != null and .timestamp != null) | .message" out.log >got
	messages "$2" | cmp - got || fail "$(head -n 3 got)"
}

test_loggers_messages_come_over_tcp_udp_and_a_unix_socket() {
	topology "tcp: '127.0.0.1:0', udp: '127.0.0.1:0', unix: $PWD/log.sock"
	start_sluice -c t.yaml
	local tcp udp
	tcp=$(port_for connections)
	udp=$(port_for datagrams)
	messages 50 | logger --server 127.0.0.1 --port "$tcp" --tcp -t lines --rfc3164 -p mail.err
	messages 50 | logger --server 127.0.0.1 --port "$tcp" --tcp -t octets --rfc5424 --octet-count -p local3.debug
	messages 50 | logger --server 127.0.0.1 --port "$udp" --udp -t datagrams --rfc5424
	messages 50 | logger --socket "$PWD/log.sock" -t local
	wait_until 30 has_lines out.log 200
	stop_sluice
	assert_status 0
	for app in lines octets datagrams local; do
		assert_messages $app 50
	done
	[ "$(jq -r 'select(.facility == "local3" and .severity == "debug") | .appname' out.log | sort -u)" = octets ] || fail "priorities"
}

# One logger whose standard input or file has them all; logger itself speaks no TLS, rsyslogd does below.
test_very_many_messages_of_one_logger_come_over_tcp() {
	topology "tcp: '127.0.0.1:0'"
	start_sluice -c t.yaml
	local tcp
	tcp=$(port_for connections)
	messages $count >in.txt
	timeout 250 logger --server 127.0.0.1 --port "$tcp" --tcp -t counted --rfc5424 --octet-count -p local3.info <in.txt
	timeout 250 logger --server 127.0.0.1 --port "$tcp" --tcp -t lines --rfc3164 -p mail.err --file in.txt
	wait_until 60 has_lines out.log $((2 * count))
	stop_sluice
	assert_status 0
	assert_messages counted $count
	assert_messages lines $count
	[ "$(jq -r '[.appname, .facility, .severity] | join(" ")' out.log | sort | uniq -c | tr -s ' ')" = "$(
		printf ' %s\n' "$count counted local3 info" "$count lines mail err"
	)" ] || fail "priorities"
}

# rsyslogd with this configuration; its messages are those of the file `in.txt`.
start_rsyslogd() { # CONFIGURATION
	mkdir -p work
	cat >rsyslog.conf <<-END
		global(workDirectory="$PWD/work" $2)
		$1
	END
	rsyslogd -n -f rsyslog.conf -i "$PWD/rsyslogd.pid" >rsyslogd.log 2>&1 &
	rsyslogd_pid=$!
	trap end_jobs EXIT
}

stop_rsyslogd() {
	kill "$rsyslogd_pid" 2>/dev/null || true
	wait "$rsyslogd_pid" 2>/dev/null || true
}

test_rsyslogds_messages_come_with_octet_counting() {
	topology "tcp: '127.0.0.1:0'"
	start_sluice -c t.yaml
	messages $count >in.txt
	start_rsyslogd "module(load=\"imfile\") input(type=\"imfile\" File=\"$PWD/in.txt\" Tag=\"app\" Severity=\"warning\" Facility=\"local1\")
		action(type=\"omfwd\" Target=\"127.0.0.1\" Port=\"$(port_for connections)\" Protocol=\"tcp\" TCP_Framing=\"octet-counted\" Template=\"RSYSLOG_SyslogProtocol23Format\")" ""
	wait_until 120 has_lines out.log $count
	stop_rsyslogd
	stop_sluice
	assert_status 0
	assert_messages app $count
	[ "$(jq -r '.facility + "." + .severity' out.log | sort -u)" = local1.warning ] || fail "priorities"
}

test_rsyslogds_messages_come_over_TLS() {
	topology "tcp: '127.0.0.1:0', tls: {cert: $PWD/server.test.pem, key: $PWD/server.test.key}"
	make_certificate server.test
	start_sluice -c t.yaml
	messages $count >in.txt
	start_rsyslogd "module(load=\"imfile\") input(type=\"imfile\" File=\"$PWD/in.txt\" Tag=\"app\" Severity=\"warning\" Facility=\"local1\")
		action(type=\"omfwd\" Target=\"127.0.0.1\" Port=\"$(port_for connections)\" Protocol=\"tcp\" TCP_Framing=\"octet-counted\"
			Template=\"RSYSLOG_SyslogProtocol23Format\" StreamDriver=\"ossl\" StreamDriverMode=\"1\"
			StreamDriverAuthMode=\"x509/name\" StreamDriverPermittedPeers=\"server.test\")" "DefaultNetstreamDriver=\"ossl\" DefaultNetstreamDriverCAFile=\"$PWD/server.test.pem\""
	wait_until 120 has_lines out.log $count
	stop_rsyslogd
	stop_sluice
	assert_status 0
	assert_messages app $count
}

test_rsyslogd_takes_what_the_sink_sends() {
	messages $count >in.txt
	local p=$((20000 + RANDOM % 12000)) # below those that the system gives to who connects
	start_rsyslogd "module(load=\"imtcp\") input(type=\"imtcp\" Port=\"$p\" Address=\"127.0.0.1\" Ruleset=\"r\")
		main_queue(queue.workerThreads=\"1\") template(name=\"t\" type=\"string\" string=\"%app-name% %syslogfacility-text%.%syslogseverity-text% %msg%\\n\")
		ruleset(name=\"r\") { action(type=\"omfile\" File=\"$PWD/got.log\" Template=\"t\") }" ""
	cat >t.yaml <<-END
		sources:
		  f: {type: file, paths: [$PWD/in.txt]}
		sinks:
		  s: {type: syslog, inputs: [f], address: "127.0.0.1:$p", encoding: {syslog: {facility: local5, severity: err, appname: ours}}, retry: {base_delay: 50ms, max_delay: 200ms}}
	END
	run_sluice -c t.yaml --once
	wait_until 30 has_lines got.log $count
	stop_rsyslogd
	messages $count | sed 's/^/ours local5.err /' | assert_same - got.log
}
