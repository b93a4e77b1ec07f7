# What was secret in the input is nowhere in the output: raw, as JSON, hashed, compressed; and what was none is as it was.
# shellcheck shell=bash disable=SC2016  # ${file:...} is meant

key=000102030405060708090a0b0c0d0e0f

redact_to() { # OPTIONS OUTPUT-OPTIONS; reads in.log, writes out.log
	cat >t.yaml <<-YAML
		sources: {in: {type: file, paths: [in.log]}}
		transforms:
		  clean: {type: redact, inputs: [in], $1}
		sinks: {out: {type: file, inputs: [clean], path: out.log${2:-}}}
	YAML
	rm -f out.log
	run_sluice --once -c t.yaml
	assert_status 0
}

test_raw_records_are_written_without_their_secrets() {
	printf '%s\n' 'ann@example.com logged in from 192.0.2.1' 'nothing' 'paid with 4111 1111 1111 1111 today' >in.log
	redact_to 'sets: [email, ipv4, card], keep: 4'
	printf '%s\n' '*** logged in from ***' 'nothing' 'paid with ***1111 today' >expected
	assert_same expected out.log
	assert_said 'clean: counted what="?email"? count=1'
	assert_said 'clean: counted what="?card"? count=1'
}

test_a_big_log_has_no_address_left_and_all_else_as_it_was() {
	redact_big "$INPUT/one.log"
}

redact_big() { # FILE
	cp "$1" in.log
	redact_to 'sets: [ipv4, email]' ', compression: zstd'
	zstd -dcq out.log >got || fail "no zstd"
	if grep -aqE '(^|[^0-9.])(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}($|[^0-9.])' got; then
		fail "an address is left"
	fi
	[ "$(wc -l <in.log)" -eq "$(wc -l <got)" ] || fail "lines are missing"
	perl -pe 's/(?<![0-9])(?<![0-9]\.)(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.|(?![\d]))){3}(?<=\.)(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?!\d|\.\d)/***/g' in.log >expected
	assert_same expected got
}

test_hashes_are_the_same_for_the_same_secret_and_the_key_is_not_shown() {
	printf '%s\n' 'a ann@example.com' 'b bob@example.com' 'c ann@example.com' >in.log
	printf '%s\n' $key >sec
	redact_to 'sets: [email], with: hash, key: "${file:sec}", prefix: "~"'
	[ "$(sed -n 's/^a //p' out.log)" = "$(sed -n 's/^c //p' out.log)" ] || fail "one secret, two hashes"
	[ "$(sed -n 's/^a //p' out.log)" != "$(sed -n 's/^b //p' out.log)" ] || fail "two secrets, one hash"
	grep -qE '^a ~[0-9a-f]{32}$' out.log || fail "no hash: $(cat out.log)"
	! grep -q $key err out || fail "the key was shown"
	printf '%s' "${key}0" >sec
	run_sluice --once -c t.yaml
	assert_status 78
	assert_said '`key` has to be 32 hexadecimal digits'
	! grep -q $key err out || fail "the key was shown"
}

test_json_is_redacted_before_it_is_parsed() {
	printf '%s\n' '{"user":"ann\u0040example.com","card":4111111111111111,"n":1}' 'no JSON of bob@example.com' >in.log
	cat >t.yaml <<-YAML
		sources: {in: {type: file, paths: [in.log]}}
		transforms:
		  clean: {type: redact, inputs: [in], sets: [email, card]}
		  parsed: {type: parse_json, inputs: [clean]}
		sinks:
		  raw: {type: file, inputs: [clean], path: raw.log}
		  out: {type: file, inputs: [parsed], path: out.log, encoding: {format: json}}
	YAML
	run_sluice --once -c t.yaml
	assert_status 0
	printf '%s\n' '{"user":"***","card":"***","n":1}' 'no JSON of ***' >expected
	assert_same expected raw.log
	printf '%s\n' '{"user":"***","card":"***","n":1}' '{"body":"no JSON of ***","error":"not an object"}' >expected
	assert_same expected out.log
}

test_fields_are_redacted_where_they_are_written_out() {
	printf '%s\n' '{"user":{"mail":"ann@example.com","id":7},"text":"to \"bob@example.com\"","n":"x"}' >in.log
	cat >t.yaml <<-YAML
		sources: {in: {type: file, paths: [in.log]}}
		transforms:
		  parsed: {type: parse_json, inputs: [in]}
		  clean: {type: redact, inputs: [parsed], fields: [user, text], sets: [email], mask: '<">'}
		sinks:
		  out: {type: file, inputs: [clean], path: out.log, encoding: {format: json}}
	YAML
	run_sluice --once -c t.yaml
	assert_status 0
	jq -ce '[.user.mail, .user.id, .text, .n]' out.log >got || fail "no JSON: $(cat out.log)"
	printf '%s\n' '["<\">",7,"to \"<\">\"","x"]' >expected
	assert_same expected got
}

# What an encoder cannot take apart it writes as a body: a name that comes more often than it has room for, a line without fields.
test_fields_that_are_redacted_are_not_written_as_part_of_the_body() {
	{
		echo "{$(for i in $(seq 60); do printf '"msg":"a%d@example.com",' "$i"; done)\"n\":\"x@y.zz\"}"
		echo 'no JSON of bob@example.com'
		echo '{"msg":"ann@example.com","n":"x@y.zz"}'
	} >in.log
	cat >t.yaml <<-YAML
		sources: {in: {type: file, paths: [in.log]}}
		transforms:
		  parsed: {type: parse_json, inputs: [in]}
		  clean: {type: redact, inputs: [parsed], fields: [msg], sets: [email]}
		sinks: {out: {type: file, inputs: [clean], path: out.log, encoding: {format: json}}}
	YAML
	run_sluice --once -c t.yaml
	assert_status 0
	! grep -a '@example' out.log || fail "it was written all the same"
	[ "$(sed -n 2p out.log)" = '{"body":"no JSON of ***","error":"not an object"}' ] || fail "$(sed -n 2p out.log)"
	[ "$(sed -n 3p out.log)" = '{"msg":"***","n":"x@y.zz"}' ] || fail "$(sed -n 3p out.log)"
}

test_a_body_below_a_parser_is_refused_when_its_fields_are_written_out() {
	cat >t.yaml <<-YAML
		sources: {in: {type: file, paths: [in.log]}}
		transforms:
		  parsed: {type: parse_json, inputs: [in]}
		  clean: {type: redact, inputs: [parsed], sets: [email]}
		sinks: {out: {type: file, inputs: [clean], path: out.log, encoding: {format: json}}}
	YAML
	run_sluice --once -c t.yaml
	assert_status 78
	assert_said 'redact it before it is parsed'
}

test_what_could_not_be_searched_does_not_pass() {
	{
		echo 'x@example.com'
		head -c 100 /dev/zero | tr '\0' a
		echo '! secret5f1c'
		echo b
	} >in.log
	redact_to "sets: [email], patterns: ['(?:a|aa)+\$']"
	printf '%s\n' '***' '***' b >expected
	assert_same expected out.log
	assert_said 'record not searched through reason="?regex gave up'
}

test_a_redacted_record_is_still_the_one_at_its_offset() {
	printf '%s\n' 'mail ann@example.org' nothing 'mail bob@example.org' >in.log
	redact_to 'sets: [email]' ', encoding: {format: csv, fields: [offset]}'
	printf "%s\n" 0 21 29 >expected
	assert_same expected out.log
}
