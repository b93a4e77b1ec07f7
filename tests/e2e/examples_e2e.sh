# The examples with fields, run over their sample logs and over logs of real machines; what is right is said by grep, sed and awk.
# shellcheck shell=bash

examples=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../conf/examples" && pwd)
real_logs=$examples/../../../shared/data

run_example() { # NAME [ARGUMENTS]
	local name=$1
	shift
	export LOGS=${LOGS:-$examples/logs} ARCHIVE=$PWD
	run_sluice --once -c "$examples/$name.yaml" "$@"
	assert_status 0
}

test_errors_of_an_access_log_become_json() {
	run_example access-errors
	awk '$9 >= 500 { print $1, $9, $7 }' "$LOGS"/access-*.log | sort >expected
	sed -E 's/^\{"response":([0-9]+),.*"clientip":"([^"]*)".*"request":"([^"]*)".*/\2 \1 \3/' access-errors.ndjson | sort >got
	[ -s got ] || fail "no errors"
	assert_same expected got
	[ ! -s access-unparsed.log ] || fail "not understood: $(head -n 1 access-unparsed.log)"
}

test_messages_go_to_the_files_of_their_hosts() {
	run_example hosts
	local host
	for host in web-1 web-2 db-1; do
		grep -F " $host " "$LOGS/hosts.log" >expected
		[ -s expected ] || fail "no messages of $host"
		assert_same expected "host-$host.log"
	done
	grep -E ' mail ' "$LOGS/hosts.log" >expected
	assert_same expected hosts-others.log
	grep -v '^<' "$LOGS/hosts.log" >expected
	assert_same expected hosts-unparsed.log
}

test_messages_of_real_machines_are_understood_every_one() {
	[ -d "$real_logs" ] || skip "no ../shared/data beside the repository"
	run_example hosts --set sources.messages.paths="$real_logs/OpenSSH_2k.log" --set 'transforms.hosts.routes.ours=hostname == "LabSZ"'
	cat "$real_logs/OpenSSH_2k.log" >expected
	[ -z "$(tail -c 1 expected)" ] || echo >>expected
	assert_same expected host-LabSZ.log
	[ ! -s hosts-unparsed.log ] || fail "not understood: $(head -n 1 hosts-unparsed.log)"
}

whole_lines() { # of one pod's log: what it wrote to stdout
	awk '$2 == "stdout" { flag = $3; sub(/^[^ ]+ [^ ]+ [^ ]+ /, ""); part = part $0; if (flag == "F") { print part; part = "" } }' "$@"
}

test_json_of_containers_stands_beside_what_their_runtime_says() {
	run_example kubernetes
	whole_lines "$LOGS"/pod-*.log >expected
	zstd -qdc pods.ndjson.zst >records
	sed -E 's/,"timestamp":"[^"]*","stream":"stdout"\}$/}/' records >got
	assert_same expected got
	grep -c ' stderr ' "$LOGS"/pod-*.log >expected
	grep -c '"error":"not an object"' pods-rejects.ndjson >got
	assert_same expected got
}

masked() {
	sed -E -e 's/[a-z]+@example\.com/***/' -e 's/4111 1111 1111 1111/***1111/' "$LOGS/shop.log"
}

# Minute, path, how many, slowest; of sample lines, whose members stand in one order.
figures_of() {
	sed -E 's/^\{"time":"(.{16}).*"path":"([^"]*)".*"ms":([0-9]+).*/\1 \2 \3/' |
		awk '{ k = $1 " " $2; n[k]++; if ($3 + 0 > most[k] + 0) most[k] = $3 } END { for (k in n) print k, n[k], most[k] }' | sort
}

test_a_shop_is_masked_routed_and_counted() {
	run_example shop
	masked | grep -E '"status":5' >expected
	assert_same expected shop-errors.ndjson
	masked | grep -E '"ms":([5-9][0-9]{2}|[0-9]{4})' | grep -v '"ms":500\b' >expected
	assert_same expected shop-slow.ndjson
	! grep -E '@example|4111 1111' shop-*.ndjson || fail "a secret got through"
	masked | figures_of >expected
	sed -E 's/^\{"window_start":"(.{16}).*"path":"([^"]*)","requests":([0-9]+),"slowest":([0-9]+).*/\1 \2 \3 \4/' shop-per-minute.ndjson | sort >got
	assert_same expected got
}

test_file_systems_and_how_full_they_are_become_json() {
	df -P -k / >/dev/null || skip "no df here"
	cat >./logger <<-'EOF'
		#!/bin/sh
		cat >>"$ARCHIVE/alarms"
	EOF
	chmod +x logger
	PATH=$PWD:$PATH run_example disks
	jq -e '.mount and .kib >= .used and .percent >= 0' disks.ndjson >/dev/null || fail "no such figures: $(cat disks.ndjson)"
	jq -r 'select(.percent >= 90) | "\(.mount) is \(.percent) % full"' disks.ndjson >expected
	touch alarms
	assert_same expected alarms
}

test_a_collector_takes_syslog_and_posts() {
	needs_stage sources http libmicrohttpd
	local syslog http
	syslog=$((20000 + $$ % 20000)) http=$((syslog + 20001))
	export ARCHIVE=$PWD SYSLOG_PORT=$syslog HTTP_PORT=$http
	start_sluice -c "$examples/receive.yaml"
	wait_until 20 says 'address=127.0.0.1:'"$http"
	wait_until 20 says 'listening address=127.0.0.1:'"$syslog"' for=datagrams'
	logger --server 127.0.0.1 --port "$syslog" --tcp -p user.alert 'over a connection'
	logger --server 127.0.0.1 --port "$syslog" --udp 'in a datagram'
	curl -sf --data-binary '{"text":"posted"}' "http://127.0.0.1:$http/" >answer || fail "$(cat answer err)"
	wait_until 20 has_lines messages-*.ndjson 2
	stop_sluice
	assert_status 0
	grep -q '"message":"over a connection"' alarms.ndjson || fail "$(cat alarms.ndjson)"
	grep -q '"message":"in a datagram"' messages-*.ndjson || fail "$(cat messages-*.ndjson)"
	echo '{"text":"posted"}' | assert_same - events-*.ndjson
}

test_while_a_server_is_away_a_file_takes_its_place() {
	needs_stage sinks http libcurl
	export LOGS=$examples/logs ARCHIVE=$PWD
	SERVER=http://127.0.0.1:1/ run_sluice --once -c "$examples/ship.yaml" --set sinks.server.retry.max_delay=10ms
	assert_status 0
	assert_said 'circuit breaker open'
	cat "$LOGS"/access-*.log | sort >expected
	cat unsent-*.log | sort | assert_same expected -
}
