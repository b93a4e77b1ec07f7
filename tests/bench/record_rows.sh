# shellcheck shell=bash
# record_rows.sh - rows of records with fields; sourced by bench.sh.
#
# The JSON is the log's traffic, 280 bytes a line (loggen --json). jq gets the beginning of it, as it takes a minute for all.

: "${folder:?}" "${build:?}" "${input:?}" "${bytes:?}"
json=$folder/in.json
jq_share=16

# records NAME INPUT SINK TRANSFORM...: a topology of transforms one after the other, each `type: ..., options`.
records() {
	local name=$1 from=$2 sink=$3 last=in i=0
	shift 3
	{
		echo "epoch: off"
		echo "sources: {in: {type: file, paths: ['$from']}}"
		echo "transforms:"
		for transform in "$@"; do
			i=$((i + 1))
			echo "  t$i: {inputs: [$last], $transform}"
			last=t$i
		done
		echo "sinks: {out: {inputs: [$last], $sink}}"
	} >"$folder/$name.yaml"
}

record_topologies() {
	local out="type: file, path: '$folder/out.a'" regex
	regex='^(?<addr>\S+) \S+ (?<user>\S+) \[(?<when>[^]]+)\] "(?<method>\S+) (?<path>\S+) (?<protocol>[^"]+)" '
	regex+='(?<status>\d+) (?<size>\d+) "(?<referer>[^"]*)" "(?<agent>[^"]*)"'
	records json-edit "$json" "$out, encoding: {format: json}" 'type: parse_json' \
		'type: filter, where: "status < 400"' 'type: remove, fields: [debug]' \
		"type: set, fields: {site: '\"eu-1\"'}"
	records json-find "$json" "$out" 'type: parse_json' 'type: filter, where: "status >= 500"'
	records json-parse "$json" 'type: blackhole' 'type: parse_json'
	records json-cel "$json" 'type: blackhole' 'type: parse_json' \
		"type: filter, where: 'status >= 500 && path.startsWith(\"/api\")'"
	records regex-json "$input" "$out, encoding: {format: json}" "type: parse_regex, workers: 2, regex: '$regex'"
}

jq_edit() {
	echo "jq -c 'select(.status < 400) | del(.debug) | .site = \"eu-1\"' <'$json.start' >'$folder/out.b'"
}

record_rows() {
	local plain=$bytes edit='JSON keep, drop, add -> JSON' find='JSON find one field -> raw'
	local regex='10-group regex -> JSON' cel='JSON parsed, and CEL'
	is_wanted "$edit" "$find" "$regex" "$cel" || return 0
	generate "$json" --json
	record_topologies
	at_least "$regex" 0.6 "$(run regex-json)"
	bytes=$(stat -c %s "$json")
	head -c $((bytes / jq_share)) "$json" | sed '$d' >"$json.start"
	at_least "$edit" 1 "$(run json-edit)"
	row "$edit" 10 jq "$(run json-edit)" "$(jq_edit)" "$jq_share"
	at_least "$find" 1.5 "$(run json-find)"
	row "$cel" 0.87 'parsed alone' "$(run json-cel)" "$(run json-parse)"
	bytes=$plain
}
