# HTTP/2, with another's server that speaks nothing else.
# shellcheck shell=bash

listening_port() { # PID: where it listens, by IPv4
	local link
	for link in /proc/"$1"/fd/*; do
		link=$(readlink "$link") || continue
		awk -v inode="${link//[^0-9]/}" '$4 == "0A" && $10 == inode { sub(/.*:/, "", $2); print $2 }' /proc/net/tcp
	done
}

# Leaves url; what it says of its frames is in `said`. It answers a POST with 200 and what was posted.
start_nghttpd() {
	command -v nghttpd >/dev/null || skip 'nghttpd (Debian: nghttp2-server) is not there'
	make_certificate localhost
	stdbuf -oL nghttpd --verbose --echo-upload --address=127.0.0.1 0 localhost.key localhost.pem >said 2>&1 &
	server_pid=$!
	trap end_jobs EXIT
	wait_until 10 grep -qs listen said
	url=https://localhost:$((16#$(listening_port "$server_pid")))
}

times_said() { # EXTENDED-REGEX
	grep -cE -- "$1" said || true
}

posted_bytes() {
	sed -nE 's/.* content-length: ([0-9]+)$/\1/p' said | awk '{ n += $1 } END { print n / 2 }' # and as many are sent back
}

test_http_2_carries_many_requests_on_few_connections() {
	start_nghttpd
	seq 20000 >lines.log
	cat >t.yaml <<-END
		sources: {in: {type: file, paths: [lines.log]}}
		sinks: {out: {type: http, inputs: [in], url: $url/in, body: lines, batch: {records: 500}, max_in_flight: 8, ordered: false, tls: {ca: localhost.pem}}}
	END
	run_sluice -c t.yaml --once
	assert_status 0
	assert_said 'out 20000 records'
	[ "$(times_said 'recv .*:method: POST')" -eq 40 ] || fail "$(times_said 'recv .*:method: POST') requests, not 40"
	# Eight may begin before it is known of the first that it has room for them.
	[ "$(times_said 'negotiated protocol: h2')" -le 8 ] || fail "$(times_said 'negotiated protocol: h2') connections where eight do"
	[ "$(posted_bytes)" -eq "$(stat -c %s lines.log)" ] || fail "$(posted_bytes) bytes were posted"
	[ "$(sed -nE 's/.* idempotency-key: (.*)/\1/p' said | sort -u | wc -l)" -eq 40 ] || fail "requests without a key of their own"
}

test_http_2_server_that_goes_away_is_another_connection() {
	start_nghttpd
	seq 300 >lines.log
	cat >t.yaml <<-END
		sources: {in: {type: file, paths: [lines.log]}}
		sinks: {out: {type: http, inputs: [in], url: $url/in, body: lines, tls: {ca: localhost.pem}, retry: {base_delay: 10ms, max_delay: 50ms}}}
	END
	start_sluice -c t.yaml
	wait_until 10 grep -q 'recv .*:method: POST' said
	kill -KILL "$server_pid"
	seq 301 600 >>lines.log
	wait_until 10 says 'calls fail, trying again'
	local port=${url##*:}
	stdbuf -oL nghttpd --verbose --echo-upload --address=127.0.0.1 "$port" localhost.key localhost.pem >said.2 2>&1 &
	server_pid=$!
	wait_until 10 says 'calls succeed again'
	stop_sluice
	assert_status 0
	assert_said 'out 600 records'
	grep -q 'recv .*:method: POST' said.2 || fail "the second one was sent nothing"
}
