# Records to a server that fails, stalls, resets, refuses and lies: all of them arrive, each once where the key is honoured.
# shellcheck shell=bash

# shellcheck source=tests/e2e/receiver.sh
source "$(dirname "${BASH_SOURCE[0]}")/receiver.sh"

before_each() {
	needs_stage sinks http libcurl
}

http_topology() { # OPTIONS
	cat >http.yaml <<-END
		sources: {in: {type: file, paths: [lines.log]}}
		sinks: {out: {type: http, inputs: [in], url: "$url/in", $1}}
	END
}

# Each once, in whatever order.
assert_all_arrived() {
	cmp <(sort lines.log) <(sort got) || fail "what the server got is not what it was to get, each record once"
}

test_http_sends_all_records_in_order() {
	seq 5000 >lines.log
	start_server
	http_topology 'body: lines, batch: {records: 300}'
	run_sluice -c http.yaml --once
	stop_server
	assert_status 0
	assert_same lines.log got
	assert_said 'in 5000 records .*, out 5000 records'
	[ "$(requests_like '^POST /in 200 ')" -eq 17 ] || fail "$(wc -l <requests) requests for 5000 records, 300 in each"
}

test_http_gets_every_record_to_a_server_that_fails_stalls_and_resets_once() {
	local records=6000 each=100
	[ "$FULL" -eq 0 ] || records=1000000 each=1000
	seq -f 'record %.0f of those that are numbered' $records >lines.log
	start_server --fail 30 --stall 10 --reset 5 --seed 7
	http_topology "body: lines, batch: {records: $each}, timeout: 200ms, retry: {base_delay: 5ms, max_delay: 20ms},
		circuit_breaker: {failure_threshold: 3, reset_timeout: 100ms}, max_in_flight: 8, ordered: false"
	run_sluice -c http.yaml --once
	stop_server
	assert_status 0
	assert_all_arrived
	[ "$(requests_like ' repeated ')" -gt 0 ] || fail "nothing was sent twice, so nothing was shown"
	assert_said 'breaker.*open'
	assert_said 'half.open'
	assert_said 'closed'
	echo "measured: $records records, $(wc -l <requests) requests, $(requests_like ' repeated ') of them repeated; $(grep -c breaker err) changes of the breaker"
}

test_http_keeps_the_order_while_requests_fail() {
	seq 3000 >lines.log
	start_server --fail 30 --reset 10 --seed 5
	http_topology 'body: lines, batch: {records: 50}, max_in_flight: 8, retry: {base_delay: 1ms, max_delay: 5ms}'
	run_sluice -c http.yaml --once
	stop_server
	assert_status 0
	assert_same lines.log got
}

test_http_says_that_order_leaves_one_request_at_a_time() {
	seq 5 >lines.log
	start_server
	http_topology 'body: lines, max_in_flight: 4'
	run_sluice -c http.yaml --once
	stop_server
	assert_status 0
	assert_said 'info out: one request at a time, as order is kept max_in_flight=4 instead="ordered: false"$'
}

test_http_compresses_bodies() {
	seq 40000 >lines.log
	local kind
	for kind in gzip zstd; do
		rm -f got
		start_server
		http_topology "body: lines, batch: {records: 10000}, compression: $kind"
		run_sluice -c http.yaml --once
		stop_server
		assert_status 0
		assert_same lines.log got
	done
}

test_http_waits_as_long_as_retry_after_says() {
	seq 10 >lines.log
	start_server --status 429 --first 1 --retry-after 2
	http_topology 'body: lines, retry: {base_delay: 1ms, max_delay: 1ms}'
	local before=$EPOCHREALTIME
	run_sluice -c http.yaml --once
	local took=$(((${EPOCHREALTIME/./} - ${before/./}) / 1000))
	stop_server
	assert_status 0
	assert_same lines.log got
	[ $took -ge 2000 ] || fail "it was asked to wait for 2 s, and took $took ms"
	assert_said '429'
}

test_http_splits_what_is_too_large_for_the_server() {
	seq 1000 >lines.log
	start_server --most 600
	http_topology 'body: lines, batch: {records: 1000}'
	run_sluice -c http.yaml --once
	stop_server
	assert_status 0
	assert_same lines.log got
	[ "$(requests_like ' 413 ')" -gt 0 ] || fail "nothing was too large"
}

test_http_ends_the_run_on_what_the_server_will_never_take() {
	seq 10 >lines.log
	start_server --status 400
	http_topology 'body: lines'
	run_sluice -c http.yaml --once
	assert_status 74
	assert_said 'record not stored, and .on_error. is .stop. reason="400'
	assert_said 'this is a 400'
	[ "$(requests_like ' 400 ')" -eq 1 ] || fail "a lasting refusal was tried again"
	stop_server
}

test_http_drops_and_counts_what_is_refused_where_it_is_told_to() {
	seq 10 >lines.log
	start_server --status 404
	http_topology 'body: lines, on_error: drop'
	run_sluice -c http.yaml --once
	stop_server
	assert_status 0
	assert_said 'refused and dropped 10,'
	assert_said '404'
}

test_http_gives_up_after_so_many_attempts() {
	seq 10 >lines.log
	start_server --status 503
	http_topology 'body: lines, on_error: drop, retry: {max_attempts: 3, base_delay: 1ms, max_delay: 1ms}'
	run_sluice -c http.yaml --once
	stop_server
	assert_status 0
	[ "$(requests_like ' 503 ')" -eq 3 ] || fail "$(requests_like ' 503 ') attempts where 3 are allowed"
	assert_said 'refused and dropped 10,'
}

test_http_bulk_sends_again_only_the_items_that_were_refused_for_now() {
	seq -f '{"n":%.0f}' 3000 >lines.log
	start_server --kind bulk --items-later 20 --seed 3
	http_topology 'preset: elasticsearch_bulk, elasticsearch: {index: logs}, encoding: raw, batch: {records: 500},
		retry: {base_delay: 1ms, max_delay: 5ms}'
	sed -i '1i log: {format: json}' http.yaml
	run_sluice -c http.yaml --once
	stop_server
	assert_status 0
	assert_all_arrived
	[ "$(wc -l <requests)" -gt 6 ] || fail "nothing had to be sent again"
	assert_said 'items sent again'
	assert_said "server's own words"
	assert_never_said '"event":"refused"'
	# Of each record, the line before it, too.
	assert_summary ".bytes_out == $(($(stat -c %s lines.log) + 3000 * $(wc -c <<<'{"index":{"_index":"logs"}}')))"
}

test_http_bulk_drops_only_the_items_that_were_refused_for_good() {
	seq -f '{"n":%.0f}' 3000 >lines.log
	start_server --kind bulk --items-later 10 --items-never 10 --seed 3
	http_topology 'preset: elasticsearch_bulk, elasticsearch: {index: logs}, encoding: raw, batch: {records: 500},
		retry: {base_delay: 1ms, max_delay: 5ms}, on_error: drop'
	run_sluice -c http.yaml --once
	stop_server
	assert_status 0
	local dropped
	dropped=$(grep -oE 'dropped [0-9]+' err | grep -oE '[0-9]+' | tail -n 1)
	[ "$dropped" -gt 100 ] || fail "only $dropped of 3000 were dropped where one of ten is refused"
	[ $((dropped + $(sort -u got | wc -l))) -eq 3000 ] || fail "$dropped dropped and $(sort -u got | wc -l) stored of 3000"
	[ "$(sort -u got | wc -l)" -eq "$(wc -l <got)" ] || fail "an item was stored twice"
	assert_said 'record not stored, the first one for this reason .*mapper_parsing_exception'
}

test_http_takes_a_bulk_answer_that_is_no_json_for_a_failure() {
	seq -f '{"n":%.0f}' 10 >lines.log
	start_server --kind bulk --answer garbage
	http_topology 'preset: elasticsearch_bulk, elasticsearch: {index: logs}, encoding: raw, on_error: drop,
		retry: {max_attempts: 2, base_delay: 1ms, max_delay: 1ms}'
	run_sluice -c http.yaml --once
	stop_server
	assert_status 0
	assert_said 'the answer cannot be understood'
	assert_said 'refused and dropped 10,'
}

test_http_cuts_off_answers_that_never_end() {
	need_unsanitized
	seq 10 >lines.log
	start_server --answer endless
	http_topology 'body: lines, max_answer: 64KiB'
	run_sluice -c http.yaml --once
	assert_status 0
	assert_under_kib 100000 "$(cat peak)"
	assert_said 'answers cut off'
	stop_server
	assert_same lines.log got
}

test_http_times_out_where_nothing_is_answered() {
	seq 10 >lines.log
	start_server --stall 100
	http_topology 'body: lines, timeout: 100ms, on_error: drop, retry: {max_attempts: 2, base_delay: 1ms, max_delay: 1ms}'
	run_sluice -c http.yaml --once
	stop_server
	assert_status 0
	assert_said 'timeout'
	assert_said 'timeouts=2'
}

test_http_tries_again_where_nobody_listens_and_goes_on_once_somebody_does() {
	seq 10 >lines.log
	start_server
	stop_server
	http_topology 'body: lines, retry: {base_delay: 10ms, max_delay: 50ms}'
	start_sluice -c http.yaml --once
	wait_until 20 says "connect to server"
	start_server --port "${url##*:}"
	await_end 20
	assert_status 0
	stop_server
	assert_same lines.log got
	assert_said "succeed again"
}

# shellcheck disable=SC2016 # sluice puts the file in
test_http_keeps_what_is_secret_to_itself() {
	seq 10 >lines.log
	echo -n 'of-the-utmost-secrecy' >token
	start_server --status 503
	http_topology 'body: lines, on_error: drop, retry: {max_attempts: 2, base_delay: 1ms},
		auth: {token: "${file:token}"}, headers: {X-Also: "${file:token}"}'
	run_sluice -c http.yaml --once --set-log-level debug
	assert_status 0
	stop_server
	[ "$(requests_like 'auth=Bearer of-the-utmost-secrecy')" -eq 2 ] || fail "the server was not told"
	assert_never_said 'utmost'
	"$SLUICE" graph -c http.yaml >shown 2>&1
	"$SLUICE" check -c http.yaml >>shown 2>&1
	! grep -q utmost shown || fail "the secret was shown"
}

test_http_speaks_tls_and_trusts_whom_it_is_told_to() {
	seq 10 >lines.log
	start_tls_server
	http_topology 'body: lines, tls: {ca: localhost.pem}'
	run_sluice -c http.yaml --once
	assert_status 0
	stop_server
	assert_same lines.log got
}

test_http_does_not_talk_to_who_is_not_who_it_says() {
	seq 10 >lines.log
	start_tls_server
	url=${url/localhost/127.0.0.1} # its number is not in the certificate
	http_topology 'body: lines, tls: {ca: localhost.pem}, on_error: drop, retry: {max_attempts: 1}'
	run_sluice -c http.yaml --once
	assert_status 0
	assert_said 'refused and dropped 10,'
	assert_said 'SSL peer certificate'
	http_topology 'body: lines, tls: {ca: localhost.pem, server_name: localhost}'
	STATE=$PWD/.state.other run_sluice -c http.yaml --once
	assert_status 0
	stop_server
	assert_same lines.log got
}

# libcurl would ask at the terminal, or on stdin, for as long as nobody answers.
test_http_asks_nobody_for_the_password_of_a_key() {
	local never_readable
	exec {never_readable}<> <(:)
	seq 10 >lines.log
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -passout pass:secret -subj /CN=localhost \
		-keyout key.pem -out cert.pem 2>/dev/null
	start_server
	http_topology 'body: lines, tls: {cert: cert.pem, key: key.pem}'
	run_sluice -c http.yaml --once <&"$never_readable"
	stop_server
	[ "$status" -ne 0 ] || fail "it runs with a key that it cannot read"
	assert_said 'key.pem: no private key can be read from it, without a password'
}

test_http_does_not_take_an_expired_certificate() {
	seq 10 >lines.log
	make_expired_certificate localhost
	start_tls_server
	http_topology 'body: lines, tls: {ca: localhost.pem}, on_error: drop, retry: {max_attempts: 2, base_delay: 1ms}'
	run_sluice -c http.yaml --once
	stop_server
	assert_status 0
	assert_said_times 1 'calls fail.*certificate'
	[ ! -s got ] || fail "it was sent all the same"
}

test_http_says_when_a_name_is_not_found() {
	seq 10 >lines.log
	url=http://no-such-host.invalid
	http_topology 'body: lines, on_error: drop, retry: {max_attempts: 2, base_delay: 1ms}'
	run_sluice -c http.yaml --once
	assert_status 0
	assert_said 'resolve host name'
	assert_said 'refused and dropped 10,'
}

test_http_that_hangs_is_cut_off_by_shutdown_timeout() {
	seq 10 >lines.log
	start_server --stall 100
	http_topology 'body: lines, timeout: off'
	sed -i '1i shutdown_timeout: 1s' http.yaml
	start_sluice -c http.yaml
	wait_until 20 has_requests 1 stall
	local before=$SECONDS
	stop_sluice
	assert_status 1
	[ $((SECONDS - before)) -le $((10 * SLOW)) ] || fail "it took $((SECONDS - before)) s"
	stop_server
}

test_http_sends_what_a_crash_left_unanswered_under_the_key_that_it_had() {
	seq 1000 >lines.log
	start_server --stall 100
	http_topology 'body: lines, batch: {records: 100, interval: 1h}, timeout: off'
	STATE=$PWD/kept start_sluice -c http.yaml
	wait_until 20 has_requests 1 stall
	kill -KILL "$sluice_pid"
	wait "$sluice_pid" || true
	STATE=$PWD/kept start_sluice -c http.yaml
	wait_until 20 has_requests 2
	kill -KILL "$sluice_pid"
	wait "$sluice_pid" || true
	stop_server
	[ "$(grep -oE 'key=[^ ]+' requests | sort -u | wc -l)" -eq 1 ] || fail "keys: $(cat requests)"
}

test_http_sends_what_is_refused_to_the_dead_letters_as_it_was() {
	seq 3000 | sed 's/.*/line & of them/' >lines.log
	start_server --kind bulk --items-later 5 --items-never 10 --seed 3
	cat >http.yaml <<-END
		sources: {in: {type: file, paths: [lines.log]}}
		sinks:
		  out: {type: http, inputs: [in], url: "$url", preset: elasticsearch_bulk, elasticsearch: {index: logs}, batch: {records: 500},
		    retry: {base_delay: 1ms, max_delay: 5ms}, on_error: dead_letter, dead_letter: dead}
		  dead: {type: file, inputs: [], path: dead.ndjson, encoding: {format: json}}
	END
	run_sluice -c http.yaml --once
	stop_server
	jq -r .body got dead.ndjson | sort >all
	sort lines.log >lines.sorted
	assert_same lines.sorted all
	[ "$(wc -l <dead.ndjson)" -gt 100 ] || fail "only $(wc -l <dead.ndjson) dead letters where one of ten is refused"
	jq -es 'all(.[]; .dead_letter.reason == "mapper_parsing_exception" and .dead_letter.stage == "out")' dead.ndjson >/dev/null ||
		fail "$(head -n 1 dead.ndjson)"
}

test_http_falls_back_to_another_sink_while_its_breaker_is_open() {
	seq 2000 >lines.log
	start_server --status 503
	cat >http.yaml <<-END
		sources: {in: {type: file, paths: [lines.log]}}
		sinks:
		  out: {type: fallback, inputs: [in], sinks: [near, far]}
		  near: {type: http, inputs: [], url: "$url/in", body: lines, batch: {records: 100}, retry: {max_attempts: 2, base_delay: 1ms, max_delay: 1ms},
		    circuit_breaker: {failure_threshold: 3, reset_timeout: 1h}}
		  far: {type: file, inputs: [], path: far.log}
	END
	run_sluice -c http.yaml --once
	stop_server
	assert_same lines.log far.log
	[ "$(requests_like ' 503 ')" -le 4 ] || fail "$(requests_like ' 503 ') requests while the breaker was open"
}

# Three hosts, times that go back.
parsed_topology() { # OPTIONS
	seq 300 | awk '{ printf "{\"n\":%d,\"host\":\"web%d\",\"at\":%d}\n", $1, $1 % 3, 1767225600 + ($1 * 7) % 100 }' >lines.log
	cat >http.yaml <<-END
		sources: {in: {type: file, paths: [lines.log]}}
		transforms: {parsed: {type: parse_json, inputs: [in], time: {field: at, format: unix}}}
		sinks: {out: {type: http, inputs: [parsed], url: "$url", $1}}
	END
}

test_http_gives_loki_lines_by_their_labels_in_the_order_of_time() {
	start_server
	parsed_topology 'preset: loki, loki: {labels: {job: test, host: "{host}"}}, compression: gzip'
	run_sluice -c http.yaml --once
	stop_server
	assert_status 0
	[ "$(requests_like '^POST /loki/api/v1/push 200')" -eq 1 ] || fail "$(cat requests)"
	jq -e '[.streams[].stream.host] == ["web0", "web1", "web2"] and all(.streams[]; .stream.job == "test")' got >/dev/null || fail "labels: $(head -c 300 got)"
	jq -e 'all(.streams[]; [.values[][0] | tonumber] == ([.values[][0] | tonumber] | sort))' got >/dev/null || fail "times: $(head -c 300 got)"
	jq -r '.streams[].values[] | .[0] + " " + .[1]' got | sort >pairs
	jq -r '"\(.at)000000000 " + (. | tojson)' lines.log | sort >expected
	assert_same expected pairs
}

# shellcheck disable=SC2016 # sluice puts the file in
test_http_gives_splunk_events_with_their_time_and_host() {
	start_server --kind splunk
	echo -n 'of-the-utmost-secrecy' >token
	parsed_topology 'preset: splunk_hec, auth: {token: "${file:token}"}, splunk: {host: "{host}", sourcetype: json}, compression: zstd'
	run_sluice -c http.yaml --once
	stop_server
	assert_status 0
	[ "$(requests_like '^POST /services/collector/event 200.*auth=Splunk of-the-utmost')" -eq 1 ] || fail "$(cat requests)"
	jq -ec 'select(.time == .event.at and .host == .event.host and .sourcetype == "json") | .event' got >events
	assert_same lines.log events
}

test_http_gives_clickhouse_rows_of_a_table() {
	start_server
	parsed_topology 'preset: clickhouse, clickhouse: {database: logs, table: lines}'
	run_sluice -c http.yaml --once
	stop_server
	assert_status 0
	assert_same lines.log got
	[ "$(requests_like '^POST /.query=INSERT.INTO.%60logs%60.%60lines%60.FORMAT.JSONEachRow 200')" -eq 1 ] || fail "$(cat requests)"
}

test_http_sends_the_same_by_either_way_of_io() {
	seq 3000 >lines.log
	local io
	for io in plain uring; do
		rm -f got
		start_server --fail 10 --stall 10 --reset 10 --seed 9
		http_topology 'body: lines, batch: {records: 50}, timeout: 50ms, retry: {base_delay: 1ms, max_delay: 5ms}, max_in_flight: 8, ordered: false'
		run_sluice -c http.yaml --once --io $io
		stop_server
		if says 'io_uring is refused'; then continue; fi
		assert_status 0
		assert_all_arrived
	done
}

test_http_does_not_go_elsewhere_unless_it_is_told_to() {
	seq 3 >lines.log
	start_server --status 302 --first 1
	http_topology 'body: lines, on_error: drop'
	run_sluice -c http.yaml --once
	stop_server
	assert_said 'the server sends us elsewhere'
	[ ! -s got ] || fail "it was sent all the same"
}

test_http_gives_up_on_a_record_that_is_too_large_for_the_server_and_sends_the_others() {
	{
		seq 100
		head -c 5000 /dev/zero | tr '\0' x
		echo
		seq 101 200
	} >lines.log
	start_server --most 1000
	http_topology 'body: lines, on_error: drop'
	run_sluice -c http.yaml --once
	stop_server
	seq 200 >expected
	assert_same expected got
	assert_said 'refused and dropped 1,'
	assert_said '413'
}

# Records in requests of a size; where a run is killed is another place each time.
test_http_loses_nothing_however_often_it_is_killed() {
	local records=20000 kills=8 landed=0 i
	[ "$FULL" -eq 0 ] || records=400000 kills=100
	seq -f 'record %.0f' $records >lines.log
	start_server --fail 10 --seed 11
	http_topology 'body: lines, batch: {records: 100, interval: 1h}, retry: {base_delay: 1ms, max_delay: 5ms},
		rate_limit: {rate: 6000/s, burst: 100}'
	sed -i '1i epoch: 20ms' http.yaml
	for ((i = 0; i < kills; i++)); do
		STATE=$PWD/kept start_sluice -c http.yaml --once
		wait_until 20 sees_to_signals
		hold "0.$((RANDOM % 10))"
		! is_running || landed=$((landed + 1))
		kill -KILL "$sluice_pid" 2>/dev/null || true
		wait "$sluice_pid" || true
	done
	STATE=$PWD/kept run_sluice -c http.yaml --once
	stop_server
	assert_status 0
	cmp <(sort lines.log) <(sort -u got) || fail "what the server got is not what it was to get"
	[ "$landed" -ge $((kills / 2)) ] || fail "all was sent before it could be killed $kills times"
	echo "measured: $landed kills, $(($(wc -l <got) - records)) records of $records stored twice, $(requests_like ' repeated ') requests repeated"
}

test_http_that_tries_for_ever_is_nothing_to_fall_back_from() {
	cat >http.yaml <<-END
		sources: {in: {type: stdin}}
		sinks:
		  out: {type: fallback, inputs: [in], sinks: [server, meanwhile]}
		  server: {type: http, inputs: [], url: "http://127.0.0.1:1/"}
		  meanwhile: {type: file, inputs: [], path: result}
	END
	! "$SLUICE" check -c http.yaml 2>err || fail "it was taken"
	assert_said '`server` tries for ever, .* give it a `circuit_breaker`, or `retry: \{max_attempts: 3\}`$'
	"$SLUICE" check -c http.yaml --set sinks.server.retry.max_attempts=3 >out 2>err || fail "it was refused"
}

test_http_keeps_to_a_rate_limit_by_the_clock() {
	local seconds=2 percent=10 each=20 before took rate
	[ "$FULL" -eq 0 ] || seconds=10 percent=2
	seq $(((seconds + 2) * 1000)) >lines.log
	start_server
	http_topology "body: lines, batch: {records: $each, interval: 1h}, rate_limit: {rate: 1000/s, burst: $each}"
	start_sluice -c http.yaml --once
	wait_until 20 has_requests 10
	before=$EPOCHREALTIME
	local first
	first=$(wc -l <requests)
	wait_until $((3 * seconds)) has_requests $((first + seconds * 1000 / each))
	took=$(((${EPOCHREALTIME/./} - ${before/./}) / 1000))
	rate=$((($(wc -l <requests) - first) * each * 1000 / took))
	await_end 20
	stop_server
	assert_status 0
	assert_same lines.log got
	echo "measured: $rate records a second over $took ms, where 1000 are allowed"
	[ $((100 * rate)) -ge $((1000 * (100 - percent))) ] || fail "only $rate records a second"
	[ $((100 * rate)) -le $((1000 * (100 + percent))) ] || fail "$rate records a second"
}

test_http_goes_on_with_another_topology_where_it_was() {
	seq 1000 >lines.log
	start_server
	http_topology 'body: lines, batch: {records: 10, interval: 10ms}'
	start_sluice -c http.yaml
	wait_until 20 has_requests 100
	sed -i 's|/in"|/other"|' http.yaml
	kill -HUP "$sluice_pid"
	wait_until 20 says 'reload'
	seq 1001 2000 >>lines.log
	wait_until 20 has_requests 100 '^POST /other 200'
	stop_sluice
	stop_server
	assert_status 0
	seq 2000 >expected
	assert_same expected got
}

test_http_waits_for_a_server_that_reads_slowly() {
	seq 100000 | sed 's/.*/a longer line than that, number &/' >lines.log
	start_server --read-slowly 1
	http_topology 'body: lines, batch: {records: 30000, bytes: 8MiB}, timeout: 1s, retry: {max_attempts: 1}, on_error: drop'
	run_sluice -c http.yaml --once
	stop_server
	assert_said 'timeout'
	assert_said 'refused and dropped'
}

test_http_cuts_off_header_lines_that_never_end() {
	need_unsanitized
	seq 10 >lines.log
	start_server --answer headers
	http_topology 'body: lines, on_error: drop, retry: {max_attempts: 2, base_delay: 1ms}'
	run_sluice -c http.yaml --once
	stop_server
	assert_said 'header lines are too long'
	assert_under_kib 100000 "$(cat peak)"
}

test_http_believes_anybody_only_where_it_is_told_to() {
	seq 10 >lines.log
	start_tls_server
	url=${url/localhost/127.0.0.1}
	http_topology 'body: lines, on_error: drop, retry: {max_attempts: 1}'
	run_sluice -c http.yaml --once
	assert_said 'SSL peer certificate'
	http_topology 'body: lines, tls: {verify: false}'
	STATE=$PWD/.state.other run_sluice -c http.yaml --once
	assert_status 0
	stop_server
	assert_same lines.log got
}
