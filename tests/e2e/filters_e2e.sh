# Filters keep what grep keeps, byte for byte.
# shellcheck shell=bash

through_filter() { # OPTIONS... (lines of YAML), reads $input
	{
		echo "sources: {in: {type: file, paths: [\"$input\"]}}"
		echo "transforms:"
		echo "  kept:"
		echo "    type: filter"
		echo "    inputs: [in]"
		printf '    %s\n' "$@"
		echo "sinks: {out: {type: file, inputs: [kept], path: result.log}}"
	} >filter.yaml
	rm -f result.log
	run_sluice --once -c filter.yaml
	assert_status 0
	[ -e result.log ] || : >result.log # nothing kept: there need not be a file
}

grep_keeps() { # ARGUMENTS...; lines without a newline at the end get one, as from grep
	grep -a "$@" "$input" >expected.log || [ $? -eq 1 ]
}

test_contains_keeps_what_fixed_grep_keeps() {
	input=$INPUT/one.log
	through_filter "contains: '/api/v1/orders'"
	grep_keeps -F '/api/v1/orders'
	assert_same expected.log result.log
}

test_contains_of_one_byte_is_found_wherever_it_stands() {
	input=$INPUT/small.log
	through_filter "contains: '?'"
	grep_keeps -F '?'
	assert_same expected.log result.log
}

test_contains_with_several_strings_keeps_lines_that_hold_any() {
	input=$INPUT/one.log
	through_filter "contains: ['DELETE ', '\" 503 ', 'okhttp', 'checkout']"
	grep_keeps -F -e 'DELETE ' -e '" 503 ' -e okhttp -e checkout
	assert_same expected.log result.log
}

test_contains_with_many_strings_keeps_lines_that_hold_any() {
	input=$INPUT/one.log
	local numbers
	mapfile -t numbers < <(seq 1003 7919 300000 | head -n 200)
	through_filter "contains: [$(printf "'%s', " "${numbers[@]}")'nowhere at all']"
	printf '%s\n' "${numbers[@]}" >patterns
	grep_keeps -F -f patterns
	assert_same expected.log result.log
}

test_invert_keeps_the_rest() {
	input=$INPUT/one.log
	through_filter "contains: 'GET '" "invert: true"
	grep_keeps -v -F 'GET '
	assert_same expected.log result.log
}

test_a_filter_that_nothing_passes_leaves_nothing() {
	input=$INPUT/small.log
	through_filter "contains: 'this stands nowhere in it'"
	[ ! -s result.log ] || fail "something came out"
}

test_a_regex_keeps_what_grep_keeps() {
	input=$INPUT/one.log
	local regex
	for regex in '" 5[0-9][0-9] ' 'POST|DELETE' '^1[0-9]+[.]2' 'req=000-[0-9]*77$' \
		'(GET|HEAD) /static/(js|css)/[0-9a-f]+[.]png' '[^ ]+ - - ' 'checkout.*bot'; do
		through_filter "regex: '$regex'"
		grep_keeps -E "$regex"
		assert_same expected.log result.log
		through_filter "regex: '$regex'" "invert: true"
		grep_keeps -v -E "$regex"
		assert_same expected.log result.log
	done
}

test_a_perl_regex_keeps_what_perl_grep_keeps() {
	input=$INPUT/small.log
	local regex
	for regex in '(?i)firefox' '\bcart\b' '\s5\d\d\s' '(\d)\1\1\1' '^(?!.*GET).*bot' '\d{6}$'; do
		through_filter "regex: '$regex'"
		grep_keeps -P "$regex"
		assert_same expected.log result.log
	done
}

test_a_regex_that_matches_the_empty_string_keeps_every_line() {
	input=$PWD/in.log
	printf 'a\n\n\nb\n' >in.log
	through_filter "regex: 'x*'"
	assert_same in.log result.log
	through_filter "regex: '^\$'"
	grep_keeps -E '^$'
	assert_same expected.log result.log
}

test_crlf_lines_come_out_as_grep_gives_them() {
	input=$INPUT/crlf.log
	through_filter "contains: 'GET /'"
	grep_keeps -F 'GET /'
	assert_same expected.log result.log
	through_filter "regex: 'req=.*[02468]\r?\$'"
	grep_keeps -P 'req=.*[02468]\r?$'
	assert_same expected.log result.log
}

test_nul_bytes_and_invalid_utf8_pass_as_they_are() {
	input=$PWD/in.log
	printf 'a\0b keep\n\377\376 keep \300\200\nno\n\0\0\nkeep \360\237\n\303\050keep' >in.log
	through_filter "contains: keep"
	grep_keeps -F keep
	assert_same expected.log result.log
	through_filter "regex: 'k.ep'"
	assert_same expected.log result.log
}

real_logs=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/../shared/data

test_real_logs_come_out_as_grep_gives_them() {
	[ -d "$real_logs" ] || skip "no ../shared/data beside the repository"
	local name pattern
	while read -r name pattern; do
		input=$real_logs/$name
		through_filter "contains: '$pattern'"
		grep_keeps -F "$pattern"
		[ -s expected.log ] || fail "$pattern does not occur in $name: this proves nothing"
		assert_same expected.log result.log
		through_filter "regex: '$pattern|[45][0-9]+'" "invert: true"
		grep_keeps -v -E "$pattern|[45][0-9]+"
		assert_same expected.log result.log
		through_filter "regex: ''"
		grep_keeps ''
		assert_same expected.log result.log
	done <<-LOGS
		Apache_2k.log error
		HDFS_2k.log PacketResponder
		Linux_2k.log authentication failure
		OpenSSH_2k.log Failed password
	LOGS
}

test_a_regex_that_backtracks_for_ever_is_counted_and_told_once() {
	{
		printf 'a%.0s' {1..40}
		echo b
		echo aaa
	} >in.log
	cat >f.yaml <<-'YAML'
		sources: {in: {type: file, paths: [in.log]}}
		transforms: {f: {type: filter, inputs: [in], regex: '^(a+)+$'}}
		sinks: {out: {type: file, inputs: [f], path: out.log}}
	YAML
	run_sluice --once -c f.yaml
	assert_said_times 1 'regex gave up'
	echo aaa >expected
	assert_same expected out.log
}

test_a_pattern_given_with_set_is_taken_as_it_stands() {
	cat >set.yaml <<-YAML
		sources: {in: {type: file, paths: ["$INPUT/small.log"]}}
		transforms: {kept: {type: filter, inputs: [in], regex: never}}
		sinks: {out: {type: file, inputs: [kept], path: result.log}}
	YAML
	local pattern
	for pattern in '[05]' '[05]$' '"GET /' '|' '%' 'HTTP/1.1" [45]' '{"a": 1}' '.*0 #'; do
		rm -f result.log
		run_sluice --once -c set.yaml --set "transforms.kept.regex=$pattern"
		assert_status 0
		grep -P -- "$pattern" "$INPUT/small.log" >expected || true
		[ -e result.log ] || touch result.log
		assert_same expected result.log
	done
	run_sluice --once -c set.yaml --set 'transforms.kept.regex:=["0$", "never"]' --set sinks.out.path=listed.log
	grep '0$' "$INPUT/small.log" >expected
	assert_same expected listed.log
}
