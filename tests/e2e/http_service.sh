# What tests of the source http have in common: it serves, and somebody posts to it.
# shellcheck shell=bash

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
