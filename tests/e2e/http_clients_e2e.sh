# Clients of the source http that mean no good, or have little time; and that its door is as it is said to be.
# shellcheck shell=bash disable=SC2016  # ${file:...} is meant

# shellcheck source=tests/e2e/http_service.sh
source "$(dirname "${BASH_SOURCE[0]}")/http_service.sh"

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
