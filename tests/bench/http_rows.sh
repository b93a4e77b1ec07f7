# shellcheck shell=bash
# http_rows.sh - records that are sent by HTTP; sourced by bench.sh.
#
# The log's traffic as NDJSON, in bodies of a megabyte over four connections on loopback. Time is that of both, and of the output file.

: "${folder:?}" "${build:?}" "${sluice:?}" "${bytes:?}"

http_rows() {
	local name='http source NDJSON -> file' plain=$bytes json=$folder/in.json
	is_wanted "$name" || return 0
	generate "$json" --json
	bytes=$(stat -c %s "$json")
	cat >"$folder/http.yaml" <<-END
		epoch: off
		sources: {in: {type: http, listen: "127.0.0.1:0", ack: received}}
		sinks: {out: {type: file, inputs: [in], path: '$folder/out.a'}}
	END
	at_least "$name" 0.3 "tests/bench/http_run.sh '$sluice' '$folder/http.yaml' '$build/tests/e2e/http_client_load' \
		--connections 4 --file '$json' && [ \$(stat -c %s '$folder/out.a') -eq $bytes ]"
	bytes=$plain
}
