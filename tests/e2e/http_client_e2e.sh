# URLs that are fetched again and again: once for each version, whole or not at all, whatever the server does.
# shellcheck shell=bash

# shellcheck source=tests/e2e/receiver.sh
source "$(dirname "${BASH_SOURCE[0]}")/receiver.sh"

before_each() {
	needs_stage sources http_client libcurl
}

client_topology() { # OPTIONS
	cat >client.yaml <<-END
		sources: {in: {type: http_client, urls: ["$url/a"], $1}}
		sinks: {out: {type: file, inputs: [in], path: result}}
	END
}

test_http_client_fetches_each_url_once_and_ends() {
	seq 100000 >page
	start_server --serve page
	client_topology 'every: 1h'
	run_sluice -c client.yaml --once
	stop_server
	assert_status 0
	assert_same page result
	[ "$(requests_like '^GET /a 200')" -eq 1 ] || fail "$(cat requests)"
}

test_http_client_makes_records_of_the_elements_of_a_list() {
	echo ' [ {"a": [1, "],"]},  2,"three\"", {"b":
		null} ,[] ] ' >page
	printf '%s\n' '{"a": [1, "],"]}' 2 '"three\""' '[]' >expected
	start_server --serve page
	client_topology 'split: json'
	run_sluice -c client.yaml --once
	stop_server
	assert_status 0
	grep -v '"b"' result >others
	assert_same expected others
	[ "$(wc -l <result)" -eq 5 ] || fail "$(cat result)"
	jq . result >/dev/null || fail "not JSON: $(cat result)"
}

test_http_client_refuses_what_is_no_list() {
	echo '[1],"b":[2]' >page
	start_server --serve page
	client_topology 'split: json'
	run_sluice -c client.yaml --once
	stop_server
	assert_said_times 1 'body is no JSON list or object'
	[ ! -s result ] || fail "$(cat result)"
}

test_http_client_makes_one_record_of_a_body_with_its_url_and_status() {
	printf 'two\nlines' >page
	start_server --serve page
	client_topology 'split: body, url_field: from, status_field: code'
	sed -i 's/path: result/&, encoding: {format: json, fields: [body, from, code]}/' client.yaml
	run_sluice -c client.yaml --once
	stop_server
	assert_status 0
	printf '{"body":"two\\nlines","from":"%s","code":200}\n' "$url/a" >expected
	assert_same expected result
}

test_http_client_hands_on_a_page_once_for_each_version() {
	seq 10 >page
	start_server --serve page
	client_topology 'every: 50ms'
	STATE=$PWD/kept start_sluice -c client.yaml
	wait_until 20 has_requests 3 ' 304 '
	seq 11 13 >page.new
	mv page.new page
	wait_until 20 has_lines result 13
	stop_sluice
	assert_status 0
	local before
	before=$(wc -l <requests)
	STATE=$PWD/kept start_sluice -c client.yaml # what it knows of the page it still knows
	wait_until 20 has_requests "$((before + 2))" GET
	stop_sluice
	assert_status 0
	stop_server
	seq 13 >expected
	assert_same expected result
	[ "$(requests_like ' 200 ')" -eq 2 ] || fail "$(requests_like ' 200 ') bodies of two versions"
}

test_http_client_does_not_make_up_for_moments_that_are_gone() {
	seq 3 >page
	start_server --serve page --status 429 --first 1 --retry-after 2
	client_topology 'every: 200ms'
	start_sluice -c client.yaml
	wait_until 20 has_requests 2 ' 304 '
	stop_sluice
	stop_server
	assert_status 0
	assert_said 'moments skipped'
	assert_same page result
	[ "$(requests_like GET)" -le 12 ] || fail "$(requests_like GET) requests"
}

test_http_client_leaves_nothing_of_a_body_that_breaks_off() {
	seq 3 >page
	start_server --serve page --answer cut
	client_topology 'retry: {max_attempts: 3, base_delay: 1ms, max_delay: 1ms}'
	run_sluice -c client.yaml --once
	stop_server
	[ ! -s result ] || fail "$(cat result)"
	assert_said_times 1 'calls fail, trying again'
	assert_said 'attempts=3'
}

test_http_client_refuses_bodies_that_unpack_without_end() {
	need_unsanitized
	seq 3 >page
	start_server --serve page --answer bomb
	client_topology 'max_body: 1MiB'
	run_sluice -c client.yaml --once
	stop_server
	[ ! -s result ] || fail "there is something of it"
	assert_said 'longer than .max_body.'
	assert_said 'bodies too long" count=1'
	assert_under_kib 150000 "$(cat peak)"
}

test_http_client_cuts_off_bodies_that_never_end() {
	need_unsanitized
	seq 3 >page
	start_server --serve page --answer endless
	client_topology 'max_body: 1MiB'
	run_sluice -c client.yaml --once
	stop_server
	[ ! -s result ] || fail "there is something of it"
	assert_under_kib 150000 "$(cat peak)"
}

test_http_client_keeps_nothing_of_bodies_that_broke_off_while_it_waits_to_ask_again() {
	need_unsanitized
	start_server --serve /dev/null --answer cut-late
	{
		echo 'sources: {in: {type: http_client, max_in_flight: 2, max_body: 8MiB, retry: {base_delay: 1m, max_delay: 1m, jitter: none}, urls: ['
		seq -f "\"$url/%.0f\"," 60
		echo ']}}'
		echo 'sinks: {out: {type: file, inputs: [in], path: result}}'
	} >client.yaml
	start_sluice -c client.yaml
	wait_until 30 has_requests 60 GET
	peak_of_running >most
	stop_sluice
	stop_server
	assert_status 0
	[ ! -s result ] || fail "there is something of them"
	assert_under_kib 200000 "$(cat most)"
	echo "measured: $(cat most) KiB of memory"
}

test_http_client_tells_that_it_keeps_no_connection_that_nothing_has_needed() {
	url=http://127.0.0.1:1
	client_topology 'pool: {min: 2}'
	"$SLUICE" check -c client.yaml >out 2>err || fail "$(cat err)"
	assert_said 'pool.min. means nothing here'
}

test_http_client_fetches_many_urls_few_at_a_time() {
	seq 50 >page
	start_server --serve page
	{
		echo 'sources: {in: {type: http_client, max_in_flight: 3, urls: ['
		seq -f "\"$url/%.0f\"," 200
		echo ']}}'
		echo 'sinks: {out: {type: file, inputs: [in], path: result}}'
	} >client.yaml
	run_sluice -c client.yaml --once
	stop_server
	assert_status 0
	[ "$(wc -l <result)" -eq 10000 ] || fail "$(wc -l <result) lines of 10000"
	[ "$(sort -u requests | wc -l)" -eq 200 ] || fail "not each URL was fetched once"
	assert_said 'in_flight_most=3 '
}

test_http_client_stops_although_a_server_says_nothing() {
	start_server --stall 100
	client_topology 'timeout: off'
	start_sluice -c client.yaml
	wait_until 20 has_requests 1 stall
	stop_sluice
	assert_status 0
	stop_server
}

test_http_client_keeps_its_worker_free_while_a_name_is_looked_up() {
	need_unsanitized
	seq 3 >page
	start_server --serve page
	cat >client.yaml <<-END
		sources: {in: {type: http_client, urls: ["http://slow.invalid/", "$url/a"], timeout: 1s, retry: {max_attempts: 1}}}
		sinks: {out: {type: file, inputs: [in], path: result}}
	END
	LD_PRELOAD=$TOOLS/e2e/preload/slow_names.so start_sluice -c client.yaml --once
	wait_until 20 has_lines result 3
	await_end 20
	stop_server
	assert_same page result
	assert_said 'timeout'
	assert_never_said 'step took'
}

is_accepting() {
	grep -qE '^ACCEPT .*:[0-9]+' said
}

# Another's server, which wants a certificate: leaves url.
start_openssl() { # OPTION...
	make_certificate localhost
	make_certificate client
	openssl s_server -accept 127.0.0.1:0 -cert localhost.pem -key localhost.key "$@" >said 2>&1 <&"$never_readable" &
	server_pid=$!
	trap end_jobs EXIT
	wait_until 10 is_accepting
	url=https://localhost:$(sed -nE 's/^ACCEPT .*:([0-9]+)$/\1/p' said)
}

test_http_client_shows_its_certificate_to_who_wants_one() {
	start_openssl -www -Verify 1 -CAfile client.pem -verify_return_error
	client_topology 'tls: {ca: localhost.pem, cert: client.pem, key: client.key}'
	run_sluice -c client.yaml --once
	assert_status 0
	grep -q 'Client certificate' result || fail "$(head -n 20 result)"
	rm result
	client_topology 'tls: {ca: localhost.pem}, retry: {max_attempts: 2, base_delay: 1ms}'
	run_sluice -c client.yaml --once
	[ ! -s result ] || fail "it was served without"
	assert_said_times 1 'calls fail, trying again'
}

offered_both() {
	grep -q 'ALPN protocols advertised by the client: h2, http/1.1' said
}

test_http_client_offers_http_2_where_there_is_tls() {
	start_openssl -alpn h2
	client_topology 'tls: {ca: localhost.pem}, retry: {max_attempts: 1}, timeout: 1s'
	start_sluice -c client.yaml --once
	wait_until 10 offered_both
	stop_sluice KILL
}
