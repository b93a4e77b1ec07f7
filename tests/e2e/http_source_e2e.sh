# Records that are sent by HTTP: what is taken, what is refused, and what was answered is kept.
# shellcheck shell=bash disable=SC2016  # ${file:...} is meant

# shellcheck source=tests/e2e/http_service.sh
source "$(dirname "${BASH_SOURCE[0]}")/http_service.sh"

test_http_takes_lines_and_json_and_answers_how_many() {
	serve ''
	post --data-binary $'one\ntwo\nthree'
	assert_code 200
	assert_answer '.records == 3'
	post -H 'Content-Type: application/x-ndjson' --data-binary $'{"n": 1}\n{"n": 2}\n'
	assert_answer '.records == 2'
	post -X PUT -H 'Content-Type: application/json; charset=utf-8' --data-binary $'[{"a": 1},\n {"b":\n 2}]'
	assert_answer '.records == 2'
	post -H 'Content-Type: application/json' --data-binary '{"c": [3]}'
	assert_answer '.records == 1'
	post --data-binary ''
	assert_code 200
	assert_answer '.records == 0'
	stop_sluice
	assert_status 0
	assert_result one two three '{"n": 1}' '{"n": 2}' '{"a": 1}' '{"b": 2}' '{"c": [3]}'
	counted requests 5
}

test_http_takes_compressed_bodies_also_in_chunks() {
	serve ''
	head -n 2000 "$INPUT/small.log" >expected
	head -n 1000 expected | gzip >one.gz
	tail -n 1000 expected | zstd -q >two.zst
	post -H 'Content-Encoding: gzip' --data-binary @one.gz
	assert_code 200
	assert_answer '.records == 1000'
	post -H 'Content-Encoding: zstd' -H 'Transfer-Encoding: chunked' --data-binary @two.zst
	assert_code 200
	assert_answer '.records == 1000'
	stop_sluice
	assert_same expected result
}

test_http_says_why_it_refuses() {
	serve 'max_body: 1000B'
	path=/other post --data-binary x
	assert_code 404
	assert_answer '.error == "there is nothing here"'
	post
	assert_code 405
	grep -qi '^allow: POST, PUT' headers || fail "no Allow"
	post -H 'Content-Encoding: br' --data-binary x
	assert_code 415
	grep -qi '^accept-encoding: gzip, zstd, deflate' headers || fail "no Accept-Encoding"
	head -c 1001 /dev/zero | tr '\0' x >large
	post --data-binary @large
	assert_code 413
	post -H 'Transfer-Encoding: chunked' --data-binary @large
	assert_code 413
	assert_answer '.error | contains("1000")'
	post -H 'Content-Type: application/json' --data-binary '[{"a":1},{"b":2]'
	assert_code 400
	assert_answer '.error | contains("not JSON at byte 15")'
	post -H 'Content-Encoding: gzip' --data-binary 'no gzip'
	assert_code 400
	head -n 5 "$INPUT/small.log" | gzip | head -c 100 >cut.gz
	post -H 'Content-Encoding: gzip' --data-binary @cut.gz
	assert_code 400
	assert_answer '.error | contains("ends in the middle")'
	path=/health post
	assert_code 200
	assert_answer '.status == "ok"'
	post --data-binary good
	assert_code 200
	stop_sluice
	assert_status 0
	assert_result good
	counted 'requests refused' 8
}

test_http_bodies_that_decompress_without_end_are_refused() {
	serve 'max_body: 16MiB'
	head -c 512MiB /dev/zero | zstd -q >bomb.zst
	head -c 256MiB /dev/zero | gzip -9 >bomb.gz
	post -H 'Content-Encoding: zstd' --data-binary @bomb.zst
	assert_code 413
	post -H 'Content-Encoding: gzip' --data-binary @bomb.gz
	assert_code 413
	post --data-binary good
	assert_code 200
	local peak
	peak=$(peak_of_running)
	stop_sluice
	assert_result good
	[ "$SLOW" -gt 1 ] || [ "$peak" -lt $((90 * 1024)) ] || fail "used $peak KiB"
}

test_http_lets_in_only_who_has_a_token_or_password() {
	printf 't0ken' >token
	printf 'pass:word' >password
	serve 'auth: {tokens: ["${file:token}"], users: {me: "${file:password}"}}'
	post --data-binary x
	assert_code 401
	grep -qi '^www-authenticate: .*Bearer' headers || fail "no WWW-Authenticate"
	post -H 'Authorization: Bearer t0keN' --data-binary x
	assert_code 401
	post -u me:password --data-binary x
	assert_code 401
	head -c 3000000 /dev/zero >large
	post --data-binary @large
	assert_code 401
	post -H 'Authorization: Bearer t0ken' --data-binary one
	assert_code 200
	post -u me:pass:word --data-binary two
	assert_code 200
	stop_sluice
	assert_result one two
	counted 'requests not authorized' 4
	assert_never_said 't0ken|pass:word'
}

test_http_what_was_answered_is_stored_whatever_happens_then() {
	export STATE=$PWD/state
	mkdir -p state
	serve 'ack: committed'
	post --data-binary $'a\nb'
	assert_code 200
	kill -KILL "$sluice_pid"
	wait "$sluice_pid" 2>/dev/null || true
	serve 'ack: committed'
	post --data-binary c
	stop_sluice
	assert_status 0
	assert_result a b c
}

test_http_without_epochs_it_answers_when_records_are_taken() {
	http_topology 'ack: auto'
	sed -i '1i epoch: off' http.yaml
	start_sluice -c http.yaml
	wait_until 20 is_listening
	post --data-binary one
	assert_code 202
	stop_sluice
	assert_result one
	http_topology 'ack: committed'
	sed -i '1i epoch: off' http.yaml
	run_sluice -c http.yaml
	assert_status 78
}

test_http_with_a_journal_what_was_answered_is_there_once_whatever_happens() {
	killed_at_any_moment 'journal: {max_size: 64MiB}, ack: journal'
}

test_http_stopped_it_answers_what_is_whole() {
	serve ''
	local half
	exec {half}<>"/dev/tcp/127.0.0.1/$port"
	printf 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf\n' >&"$half"
	"$TOOLS/e2e/http_client_load" --port "$port" --connections 4 --bodies 1000000 --records 10 --acked acked >load &
	local load=$!
	some_acked() {
		[ -s acked ] && [ "$(wc -l <acked)" -ge 20 ]
	}
	wait_until 20 some_acked
	stop_sluice
	assert_status 0
	kill "$load" 2>/dev/null || true
	wait "$load" 2>/dev/null || true
	assert_acked_once result acked
	! grep -q half result || fail "half a request was taken"
}

listens_again() {
	[ "$(grep -c 'listening .*address' err)" -ge 2 ]
}

test_http_reloaded_it_goes_on_at_the_same_port() {
	serve ''
	sed -i "s/127.0.0.1:0/127.0.0.1:$port/" http.yaml
	post --data-binary before
	assert_code 200
	local idle
	exec {idle}<>"/dev/tcp/127.0.0.1/$port"
	kill -HUP "$sluice_pid"
	wait_until 20 listens_again
	post --data-binary after
	assert_code 200
	stop_sluice
	assert_status 0
	assert_result before after
}

test_http_many_connections_bring_each_record_once() {
	serve ''
	"$TOOLS/e2e/http_client_load" --port "$port" --connections 50 --bodies 20 --records 100 --acked acked >load ||
		fail "$(cat load)"
	"$TOOLS/e2e/http_client_load" --port "$port" --connections 4 --bodies 20 --records 5000 --array --acked acked >load ||
		fail "$(cat load)"
	stop_sluice
	assert_status 0
	list_ids result >ids
	list_acked acked >promised
	assert_same promised ids
	[ "$(wc -l <result)" -eq $((50 * 20 * 100 + 4 * 20 * 5000)) ] || fail "$(wc -l <result) records"
}

# killed_at_any_moment OPTIONS
killed_at_any_moment() {
	export STATE=$PWD/state
	mkdir -p state
	http_topology "$1"
	start_sluice -c http.yaml
	wait_until 20 is_listening
	sed -i "s/127.0.0.1:0/127.0.0.1:$port/" http.yaml
	"$TOOLS/e2e/http_client_load" --port "$port" --connections 4 --bodies 2000 --records 10 --once-each --acked acked >load &
	local load=$! i
	for i in {1..4}; do
		local before
		before=$(wc -l <acked 2>/dev/null || echo 0)
		more_acked() {
			[ "$(wc -l <acked)" -gt $((before + 100)) ]
		}
		wait_until 30 more_acked
		kill -KILL "$sluice_pid"
		wait "$sluice_pid" 2>/dev/null || true
		start_sluice -c http.yaml
		wait_until 20 is_listening
	done
	wait "$load" || fail "$(cat load)"
	stop_sluice
	assert_status 0
	assert_acked_once result acked
}

test_http_killed_at_any_moment_what_was_answered_is_there_once() {
	killed_at_any_moment 'ack: committed'
}

# fills_and_goes_on OPTIONS SINK-OPTIONS SUFFIX: with as little memory as there may be
fills_and_goes_on() {
	cat >http.yaml <<-END
		memory: 1MiB
		epoch: {interval: 1h}
		sources: {in: {type: http, listen: "127.0.0.1:0", max_body: 64KiB, journal: {max_size: 64MiB}$1}}
		sinks: {out: {type: unix, inputs: [in], path: "unix:@sluice-least-$$", retry: {max_delay: 100ms}$2}}
	END
	! "$SLUICE" check -c http.yaml >refused 2>&1 || fail "1 MiB is enough"
	sed -i "s/^memory:.*/memory: $(enough_memory refused)/" http.yaml
	start_sluice -c http.yaml
	wait_until 20 is_listening
	local n
	for n in {1..100}; do
		post --data-binary "$n"
		assert_code 200
	done
	cat >peer.yaml <<-END
		state_dir: $PWD/peer_state
		sources: {in: {type: unix, listen: "unix:@sluice-least-$$"}}
		sinks: {out: {type: file, inputs: [in], path: $PWD/result}}
	END
	"$SLUICE" run -c peer.yaml 2>peer.err &
	local peer=$!
	wait_until 20 has_lines result 100
	stop_sluice
	assert_status 0
	kill $peer
	wait $peer || fail "$(cat peer.err)"
	seq 100 | sed "s|\$|$3|" | assert_same - result
}

test_http_with_the_least_memory_a_journal_fills_behind_a_dead_sink_and_empties_when_it_lives() {
	fills_and_goes_on '' '' ''
	rm -rf result peer_state http_state
	STATE=$PWD/second
	use_state
	fills_and_goes_on ', fields: [peer, path]' ', encoding: {format: csv, fields: [body, path]}' ',/'
}

test_http_rate_limit_says_when_to_come_again() {
	serve 'rate_limit: {rate: 10/s, burst: 10}'
	post --data-binary $'1\n2\n3\n4\n5\n6\n7\n8\n9\n10'
	assert_code 200
	post --data-binary $'11\n12\n13\n14\n15\n16\n17\n18\n19\n20\n21\n22\n23\n24\n25\n26\n27\n28\n29\n30'
	assert_code 200
	post --data-binary x
	assert_code 429
	grep -qi '^retry-after: [12]' headers || fail "$(cat headers)"
	again() {
		post --data-binary last
		[ "$code" = 200 ]
	}
	wait_until 20 again
	stop_sluice
	assert_result $(seq 30) last
	counted 'requests over the rate limit' 1
}

fields_with() { # OPTIONS
	cat >http.yaml <<-END
		sources: {in: {type: http, listen: "127.0.0.1:0", path: /logs, fields: [peer, path, header_x_tenant]$1}}
		sinks: {out: {type: file, inputs: [in], path: result,
		    encoding: {format: template, template: '{header_x_tenant} {path} {peer} {body}'}}}
	END
	start_sluice -c http.yaml
	wait_until 20 is_listening
	path=/logs post -H 'X-Tenant: acme' --data-binary $'a\nb'
	path=/logs post --data-binary c
	stop_sluice
	sed -i 's/127.0.0.1:[0-9]*/PEER/' result
	assert_result 'acme /logs PEER a' 'acme /logs PEER b' '- /logs PEER c'
}

test_http_gives_fields_of_the_request() {
	fields_with ""
}

test_http_gives_fields_of_the_request_from_the_journal_too() {
	fields_with ", journal: {max_size: 64MiB}"
}

test_http_mistakes_in_the_topology_are_told() {
	http_topology 'path: here, fields: [nothing], auth: {}'
	sed -i 's/127.0.0.1:0/nowhere/' http.yaml
	status=0
	"$SLUICE" check -c http.yaml >out 2>err || status=$?
	assert_status 78
	assert_said 'listen'
	assert_said 'path. has to begin with'
	assert_said 'fields. knows'
}
