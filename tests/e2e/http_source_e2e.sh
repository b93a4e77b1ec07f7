# Records that are sent by HTTP: what is taken, what is refused, and what becomes of clients that mean no good.
# shellcheck shell=bash disable=SC2016  # ${file:...} is meant

before_each() {
	needs_stage sources http libmicrohttpd
}

# http_topology OPTIONS [SINK-OPTIONS]: answered when it is committed, unless it is said otherwise
http_topology() {
	local options=$1
	[[ $options = *ack:* ]] || options="ack: committed${1:+, $1}"
	cat >http.yaml <<-END
		sources: {in: {type: http, listen: "127.0.0.1:0", $options}}
		sinks: {out: {type: file, inputs: [in], path: result${2:+, $2}}}
	END
}

is_listening() {
	port=$(sed -n 's/.*listening .*address=127.0.0.1:\([0-9]*\) .*/\1/p' err | tail -n 1)
	[ -n "$port" ]
}

serve() { # OPTIONS [SINK-OPTIONS]
	http_topology "$@"
	start_sluice -c http.yaml
	wait_until 20 is_listening
}

# post [CURL-OPTIONS...]: leaves the status in `code`, the answer in answer, its headers in headers.
post() {
	code=$(curl -sS -m 30 -o answer -D headers -w '%{http_code}' "$@" "http://127.0.0.1:$port${path:-/}") || true
}

assert_code() {
	[ "$code" = "$1" ] || fail "answered $code, $(cat answer), where $1 was expected"
}

assert_answer() { # JQ-FILTER
	jq -e "$1" answer >jq.out || fail "the answer is $(cat answer), not $1"
}

assert_result() { # LINE...
	printf '%s\n' "$@" >expected
	touch result
	assert_same expected result
}

# ask TEXT: sends it as it stands (with printf's escapes) over a connection of its own; leaves what came until that was closed in answer.
# It may be closed before all of it is sent.
ask() {
	local fd
	exec {fd}<>"/dev/tcp/127.0.0.1/$port"
	(
		trap '' PIPE
		# shellcheck disable=SC2059
		printf "$1" >&"$fd"
	) 2>/dev/null || true
	timeout $((20 * SLOW)) cat <&"$fd" >answer 2>/dev/null || [ $? -ne 124 ] || fail "the connection stayed open"
	exec {fd}>&-
}

counted() { # WHAT AT-LEAST
	local n
	n=$(sed -n "s/.*counted what=\"\?$1\"\? count=\([0-9]*\).*/\1/p" err)
	[ "${n:-0}" -ge "$2" ] || fail "counted ${n:-0} $1, not $2"
}

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

# What the server did by itself; the connection's other end tells.
expect_closed() { # FD
	timeout $((20 * SLOW)) cat <&"$1" >answer || fail "the connection stayed open"
}

test_http_clients_that_fall_silent_are_closed_and_bring_nothing() {
	serve 'timeout: 300ms'
	local half slow nothing
	exec {half}<>"/dev/tcp/127.0.0.1/$port" {slow}<>"/dev/tcp/127.0.0.1/$port" {nothing}<>"/dev/tcp/127.0.0.1/$port"
	printf 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf\n' >&"$half"
	printf 'POST / HTTP/1.1\r\nHost: a\r\nX-Slow: ' >&"$slow"
	expect_closed "$half"
	expect_closed "$slow"
	expect_closed "$nothing"
	post --data-binary good
	assert_code 200
	stop_sluice
	assert_result good
	counted 'connections timed out' 3
	counted 'requests broken off' 1
}

test_http_says_that_it_is_the_compressed_bodies_that_are_too_many() {
	serve 'busy_timeout: 100ms'
	local fds=() fd told
	for ((i = 0; i < 4; i++)); do
		exec {fd}<>"/dev/tcp/127.0.0.1/$port"
		fds+=("$fd")
		printf 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n' >&"$fd"
		read -rt $((20 * SLOW)) -u "$fd" told || fail "it was not told to go on"
		[[ $told = 'HTTP/1.1 100'* ]] || fail "told $told"
	done
	echo good | gzip >good.gz
	post -H 'Content-Encoding: gzip' --data-binary @good.gz
	assert_code 429
	grep -qi '^retry-after: 1' headers || fail "$(cat headers)"
	post --data-binary plain
	assert_code 200
	for fd in "${fds[@]}"; do
		exec {fd}>&-
	done
	taken() {
		post -H 'Content-Encoding: gzip' --data-binary @good.gz
		[ "$code" = 200 ]
	}
	wait_until 20 taken
	stop_sluice
	assert_status 0
	assert_said 'come later.*because="?as many compressed bodies'
	assert_result plain good
}

test_http_a_request_that_breaks_off_brings_nothing() {
	serve ''
	local fd half
	half=$(head -c 5000 "$INPUT/small.log")
	for ((i = 0; i < 3; i++)); do
		exec {fd}<>"/dev/tcp/127.0.0.1/$port"
		printf 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n%s' "$half" >&"$fd"
		exec {fd}>&-
	done
	exec {fd}<>"/dev/tcp/127.0.0.1/$port"
	printf 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf\n\r\n' >&"$fd"
	exec {fd}>&-
	post --data-binary good
	assert_code 200
	stop_sluice
	assert_status 0
	assert_result good
	counted 'requests broken off' 4
}

# Bytes that keep coming, too slowly to be more than a burden.
test_http_headers_and_bodies_that_only_trickle_are_closed() {
	serve 'timeout: 500ms'
	local head body
	exec {head}<>"/dev/tcp/127.0.0.1/$port" {body}<>"/dev/tcp/127.0.0.1/$port"
	printf 'POST / HTTP/1.1\r\nHost: a\r\nX-Slow: ' >&"$head"
	printf 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n' >&"$body"
	(
		trap '' PIPE
		while printf x >&"$head" && printf x >&"$body"; do hold 0.05; done 2>/dev/null || true
	) &
	local trickle=$!
	expect_closed "$head"
	expect_closed "$body"
	kill "$trickle" 2>/dev/null || true
	stop_sluice
	counted 'connections timed out' 2
	[ ! -s result ] || fail "something of it is there"
}

test_http_idle_connections_make_room_for_new_ones() {
	serve 'max_connections: 20'
	local fds=() fd i
	for i in {1..60}; do
		exec {fd}<>"/dev/tcp/127.0.0.1/$port"
		fds+=("$fd")
	done
	for i in {1..5}; do
		post --data-binary "record $i"
		assert_code 200
	done
	stop_sluice
	assert_status 0
	assert_result 'record 1' 'record 2' 'record 3' 'record 4' 'record 5'
	counted 'idle connections closed for new ones' 40
	assert_said 'as many connections as may be'
}

test_http_10000_idle_connections_keep_nobody_out() {
	[ "$(ulimit -n)" -ge 11000 ] || ulimit -n 11000 2>/dev/null || skip "no more than $(ulimit -n) descriptors"
	serve ''
	"$TOOLS/e2e/http_client_load" --port "$port" --idle 10000 --connections 4 --bodies 50 --records 10 --acked acked >load ||
		fail "$(cat load)"
	local peak
	peak=$(peak_of_running)
	stop_sluice
	assert_status 0
	assert_acked_once result acked
	[ "$(wc -l <result)" -eq 2000 ] || fail "$(wc -l <result) records"
	counted 'idle connections closed for new ones' 8900
	[ "$SLOW" -gt 1 ] || assert_under_kib $((100 * 1024)) "$peak"
}

test_http_one_address_gets_so_many_connections() {
	serve 'per_ip_connections: 2'
	local a b
	exec {a}<>"/dev/tcp/127.0.0.1/$port" {b}<>"/dev/tcp/127.0.0.1/$port"
	for i in {1..3}; do
		ask ''
		[ ! -s answer ] || fail "it was answered"
	done
	exec {a}>&-
	taken() {
		post --data-binary good
		[ "$code" = 200 ]
	}
	wait_until 10 taken
	stop_sluice
	assert_result good
	counted 'connections turned away' 3
}

test_http_while_the_pipeline_is_full_it_says_come_later() {
	mkfifo result
	http_topology 'busy_timeout: 50ms, body_memory: 1MiB, max_body: 256KiB, ack: received'
	sed -i '1i memory: 128MiB' http.yaml
	start_sluice -c http.yaml
	wait_until 20 is_listening
	seq 1000000 1030000 >chunk
	local sent=0 busy=0 unknown=0 lines
	while [ $busy -lt 3 ]; do
		post -m $((1 + SLOW)) --data-binary @chunk
		case $code in
		202) sent=$((sent + 1)) ;;
		429)
			busy=$((busy + 1))
			grep -qi '^retry-after: [0-9]' headers || fail "no Retry-After"
			;;
		000) unknown=$((unknown + 1)) ;; # it was whole, and would be answered later
		*) fail "answered $code" ;;
		esac
		[ $sent -lt 3000 ] || fail "it never was full"
	done
	path=/health post
	assert_code 200
	cat result >was_read &
	local reader=$!
	again() {
		post --data-binary last
		[ "$code" = 202 ]
	}
	wait_until 30 again
	stop_sluice
	assert_status 0
	wait "$reader"
	lines=$(($(wc -l <was_read) - 1))
	[ $((lines % $(wc -l <chunk))) -eq 0 ] || fail "a part of a body"
	[ $((lines / $(wc -l <chunk))) -ge $sent ] || fail "$lines lines of $sent bodies"
	[ $((lines / $(wc -l <chunk))) -le $((sent + unknown)) ] || fail "$lines lines of $sent bodies"
	counted 'requests told to come later' 3
	assert_said 'requests are told to come later .*the pipeline is full'
}

test_http_old_and_impatient_clients_are_served() {
	serve ''
	ask 'POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nold'
	grep -q '^HTTP/1.[01] 200' answer || fail "$(cat answer)"
	ask 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nonePOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\ntwoPOST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nthree'
	[ "$(grep -c '^HTTP/1.1 200' answer)" -eq 3 ] || fail "$(cat answer)"
	post -H 'Expect: 100-continue' --data-binary patient
	assert_code 200
	grep -q '^HTTP/1.1 100' headers || fail "never told to go on"
	post -H 'Expect: 100-continue' -H 'Content-Encoding: br' --data-binary never
	assert_code 415
	! grep -q '^HTTP/1.1 100' headers || fail "told to go on"
	stop_sluice
	assert_result old one two three patient
}

test_http_what_is_no_http_harms_nobody() {
	serve 'max_body: 10KiB, timeout: 2s'
	ask 'nonsense\r\n\r\n'
	ask 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n'
	grep -q '^HTTP/1.1 4' answer || fail "$(cat answer)"
	ask 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\nx'
	ask 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'
	ask 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n'
	ask 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n'
	ask 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n'
	grep -q '^HTTP/1.1 413' answer || fail "$(cat answer)"
	local large
	large=$(head -c 100000 /dev/zero | tr '\0' x)
	ask "POST / HTTP/1.1\r\nHost: a\r\nX-Large: $large\r\n\r\n"
	ask "GET /$large HTTP/1.1\r\nHost: a\r\n\r\n"
	ask 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nshort' &
	wait $! || true
	post --data-binary good
	assert_code 200
	stop_sluice
	assert_status 0
	assert_result good
}

test_http_with_tls_and_certificates_of_clients() {
	make_certificate server IP:127.0.0.1
	make_certificate ca
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=agent -keyout agent.key -out agent.csr 2>/dev/null
	openssl x509 -req -in agent.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out agent.pem 2>/dev/null
	post_tls() {
		code=$(curl -sS -m 30 --cacert server.pem -o answer -w '%{http_code}' "$@" "https://127.0.0.1:$port/" 2>curl.err) || true
	}
	serve 'tls: {cert: server.pem, key: server.key, client_ca: ca.pem}'
	assert_said 'protocol=https'
	post_tls --cert agent.pem --key agent.key --data-binary one
	assert_code 200
	post_tls --data-binary two
	assert_code 000
	post_tls --cert server.pem --key server.key --data-binary three
	assert_code 000
	seq -f 'record %.0f of many' 200000 >large
	post_tls --cert agent.pem --key agent.key --data-binary @large
	assert_code 200
	stop_sluice
	assert_status 0
	echo one | cat - large >expected
	assert_same expected result
	counted 'connections turned away' 1
}

test_http_a_certificate_that_is_none_ends_it() {
	echo nothing >server.pem
	http_topology 'tls: {cert: server.pem, key: server.pem}'
	run_sluice -c http.yaml
	[ "$status" -ne 0 ] || fail "it served"
	assert_said 'cannot serve HTTP'
}

test_http_without_memory_for_bodies_it_ends_and_says_so() {
	need_unsanitized
	http_topology 'body_memory: 1000GiB'
	sed -i '1i memory: 1200GiB' http.yaml
	ulimit -Sv 40000000
	run_sluice -c http.yaml
	[ "$status" -lt 128 ] || fail "it was ended by a signal, $((status - 128))"
	assert_said 'error in: out of memory'
}

test_http_a_port_that_is_taken_ends_it() {
	serve ''
	cp err first.err
	sed "s/127.0.0.1:0/127.0.0.1:$port/; s/result/other/" http.yaml >second.yaml
	status=0
	STATE_DIRECTORY=$(mktemp -d) timeout 60 "$SLUICE" run -c second.yaml 2>err || status=$?
	[ "$status" -ne 0 ] || fail "two at one port"
	assert_said 'cannot listen'
	stop_sluice
	assert_status 0
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

list_ids() { # RESULT
	sed -n 's/^{"id":"\([0-9]*-[0-9]*\)".*/\1/p' "$1" | sort
}

list_acked() { # ACKED
	awk '{ for (i = 0; i < $3; i++) printf "%04d-%010d\n", $1, $2 + i }' "$1" | sort
}

# assert_acked_once RESULT ACKED: every record that was acknowledged is there, and none is there twice.
assert_acked_once() {
	list_ids "$1" >ids
	sort -u ids >distinct
	assert_same distinct ids
	list_acked "$2" >promised
	comm -13 ids promised >missing
	[ ! -s missing ] || fail "$(wc -l <missing) records that were acknowledged are missing, $(head -n 1 missing) first"
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
