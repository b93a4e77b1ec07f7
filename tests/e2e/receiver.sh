# What tests that call HTTP have in common: http_receiver, and what it was asked.
# shellcheck shell=bash

# start_server OPTION VALUE...: leaves server_pid, url; records in got, requests in requests.
start_server() {
	rm -f port
	"$TOOLS/e2e/http_receiver" --port-file port --records got --log requests "$@" 2>server_said &
	server_pid=$!
	trap end_jobs EXIT
	wait_until 10 test -s port
	url=http://127.0.0.1:$(cat port)
}

# So that all it got is in the file.
stop_server() {
	kill -TERM "$server_pid"
	wait "$server_pid" || fail "the server ended with $?"
}

# As start_server, with TLS and the certificate localhost.pem, which is made unless it is there.
start_tls_server() {
	[ -e localhost.pem ] || make_certificate localhost
	start_server --cert localhost.pem --key localhost.key
	url=https://localhost:$(cat port)
}

requests_like() { # EXTENDED-REGEX
	grep -cE -- "$1" requests || true
}

has_requests() { # N [EXTENDED-REGEX]
	[ -e requests ] && [ "$(requests_like "${2:-}")" -ge "$1" ]
}
