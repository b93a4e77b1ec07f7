# What a stranger types wrong: one message for each mistake, with its place and what was probably meant.
# shellcheck shell=bash disable=SC2016  # backquotes that are meant

sluice() { # leaves `status`, out and err
	status=0
	timeout 60 "$SLUICE" "$@" >out 2>err </dev/null || status=$?
}

good_topology() {
	cat >good.yaml <<-YAML
		sources: {in: {type: file, paths: ["$INPUT/small.log"]}}
		sinks: {out: {type: file, inputs: [in], path: result.log}}
	YAML
}

# The one thing said, and how it exits.
expect_one() { # STATUS EXTENDED-REGEX ARGUMENTS...
	local expected=$1 message=$2
	shift 2
	sluice "$@"
	[ "$status" -eq "$expected" ] || fail "exit code $status for: sluice $*"
	[ "$(wc -l <err)" -eq 1 ] || fail "not one message for: sluice $*"
	grep -qE -- "$message" err || fail "for: sluice $*, not: $message"
}

test_wrong_invocations_get_one_message_each_that_says_what_would_be_right() {
	good_topology
	expect_one 2 'a command comes first.*sluice run -c FILE' -c good.yaml
	expect_one 2 'unknown command rum; did you mean run\?' rum -c good.yaml
	expect_one 2 'did you mean --version\?' --verson
	expect_one 2 'did you mean --version\?' version
	expect_one 2 'did you mean graph\?' help grahp
	expect_one 2 'did you mean --once\?' run -c good.yaml --onec
	expect_one 2 'unknown option -once; did you mean --once\?' run -once -c good.yaml
	expect_one 2 'unknown option -format=dot; did you mean --format\?' graph -format=dot -c good.yaml
	expect_one 2 'did you mean --version\?' -version
	expect_one 2 'did you mean --version\?' -V
	expect_one 2 '--once is an option of .sluice run' check -c good.yaml --once
	expect_one 2 '--format is an option of .sluice graph' list --format dot
	expect_one 2 'unexpected argument good\.yaml; .* -c good\.yaml' run good.yaml
	expect_one 2 '-c takes FILE\|DIR, not ..' run -c ''
	expect_one 2 '-c takes FILE\|DIR, not .-.' run -c -
	expect_one 2 '-c needs FILE\|DIR' run -c
	expect_one 2 'unknown option -x; .*--help' run -x
	expect_one 2 '--once takes no value' run -c good.yaml --once=yes
	expect_one 2 '--set takes KEY=VALUE, not .sinks\.out\.path.' run -c good.yaml --set sinks.out.path
	expect_one 2 'takes debug\|info\|warn\|error, not .trace' run -c good.yaml --set-log-level trace
	expect_one 2 'no stage fill in this build; did you mean file\?' list fill
	expect_one 78 '^good\.yaml: this file is given twice' check -c good.yaml -c good.yaml
	expect_one 78 '^nowhere\.yaml: .*No such file' run -c nowhere.yaml
	expect_one 78 '^--set memory: .* without a unit' run -c good.yaml --set name=x --set memory=5
	expect_one 78 '^--set sinks\.uot\.path: there is no stage .uot.; did you mean .out.\?' \
		run -c good.yaml --set sinks.uot.path=x --set name=x
	expect_one 78 '^--set sink\.out\.path: unknown key .sink.; did you mean .sinks.\?' \
		run -c good.yaml --set sink.out.path=x
	expect_one 78 '^--set memory: the memory budget of 1MiB is too small.*`memory: [0-9]+MiB` would do' \
		run -c good.yaml --set memory=1MiB
}

wrong_topology() { # LINES...
	printf '%s\n' "$@" >wrong.yaml
}

expect_told() { # EXTENDED-REGEX...: one for each message, in order
	sluice check -c wrong.yaml
	assert_status 78
	[ "$(wc -l <err)" -eq $# ] || fail "not $# messages"
	local i=0 message
	for message in "$@"; do
		i=$((i + 1))
		sed -n "${i}p" err | grep -qE -- "^wrong\\.yaml:$message" || fail "message $i is not: $message"
	done
}

test_a_section_in_the_singular_is_one_mistake() {
	wrong_topology 'source: {in: {type: stdin}}' 'sinks: {out: {type: stdout, inputs: [in]}}'
	expect_told '1:1: unknown key `source`; did you mean `sources`'
	wrong_topology 'source: {in: {type: stdin, max_lin: 1KiB}}' 'sink: {out: {type: stdout, inputs: [inn]}}'
	expect_told '1:1: unknown key `source`' '1:28: unknown option `max_lin`' \
		'2:1: unknown key `sink`' '2:37: unknown input `inn`; did you mean `in`'
	wrong_topology 'source: {in: {type: stdin}}' 'sources: {at: {type: stdin}}' \
		'sinks: {out: {type: stdout, inputs: [in, at]}}'
	expect_told '1:1: unknown key `source`; did you mean `sources`'
}

test_one_stage_that_is_wrong_hides_nothing_of_the_others() {
	wrong_topology 'memory: 1MiB' 'sources: {in: {type: file, paths: [nowhere.log]}}' 'sinks:' \
		'  one: {type: file, inputs: [in], path: no/such.log}'
	expect_told '1:9: the memory budget' '2:36: warning: no file matches `nowhere\.log`' \
		'4:41: warning: the directory `no`'
	wrong_topology 'sources: {in: {type: file, paths: [nowhere.log]}}' \
		'transforms: {t: {type: filter, inputs: [in], contain: x}}' 'sinks:' \
		'  one: {type: file, inputs: [in], path: same.log}' '  two: {type: file, inputs: [t], path: ./same.log}' \
		'  three: {type: file, inputs: [t], path: no/such.log}'
	expect_told '1:36: warning: no file matches `nowhere\.log`' '2:46: unknown option `contain`' \
		'5:40: `two` would write `\./same\.log`, the file that `one` writes' '6:42: warning: the directory `no`'
}

test_a_required_option_that_is_mistyped_is_not_missing_too() {
	wrong_topology 'sources: {in: {type: file, path: in.log}}' 'sinks: {out: {type: stdout, input: in}}'
	expect_told '1:28: unknown option `path`; did you mean `paths`' '2:29: unknown option `input`; did you mean `inputs`'
}

test_an_option_group_that_is_mistyped_inside_is_told_there() {
	wrong_topology 'sources: {in: {type: stdin}}' \
		'sinks: {out: {type: file, inputs: [in], path: a.log, rotate: {siez: 1GiB}}}'
	expect_told '2:63: unknown option `siez`; did you mean `size`'
}

test_values_that_are_wrong_are_told_with_what_would_be_right() {
	wrong_topology 'memory: 256' \
		'sources: {in: {type: file, paths: [a.log], read_from: start, max_line: 1M}}' \
		'sinks: {out: {type: file, inputs: [in], path: out/}}'
	expect_told '1:9: .*without a unit; add .*MiB' '2:55: .*`beginning` or `end`' '2:72: .*1MiB' \
		'3:47: path must name a file'
	wrong_topology 'sources: {in: {type: stdin}}' 'sinks: {out: {type: file, inputs: [in], path: "a/{host"}}'
	expect_told '2:49: a brace in a path stands for a field of the record, .* cannot be written'
	wrong_topology 'sources: {in: {type: stdin}}' 'sinks: {out: {type: file, inputs: [in], path: a, compression: gzip}}'
	expect_told '2:63: .*`auto`, `none` or `zstd`'
}

test_tabs_and_lists_of_stages_are_told() {
	wrong_topology 'sources:' "$(printf '\tin: {type: stdin}')"
	expect_told '2:1: .*indent with spaces, not tabs'
	wrong_topology 'sources:' '  - {name: in, type: stdin}' 'sinks: {out: {type: stdout, inputs: [in]}}'
	expect_told '2:3: `sources` is a list; write a map of stages'
}

test_a_stage_in_the_wrong_section_is_told_where_it_belongs() {
	wrong_topology 'sources: {in: {type: stdin}, f: {type: filter}}' 'sinks: {out: {type: stdout, inputs: [in, f]}}'
	expect_told '1:40: `filter` is a transform, not a source; put it under `transforms`'
}

test_yml_files_in_a_directory_are_named_and_the_others_go_on() {
	good_topology
	mkdir both none
	cp good.yaml both/a.yaml
	cp good.yaml both/b.yml
	cp good.yaml none/c.yml
	sluice check -c both
	assert_status 0
	assert_said '^both: warning: `b\.yml` is passed over: .*rename it'
	sluice check -c none
	assert_status 78
	assert_said '^none: warning: `c\.yml` is passed over'
	assert_said '^none: no \*\.yaml file in this directory'
}

test_options_may_be_written_as_getopt_takes_them() {
	good_topology
	sluice check -cgood.yaml --
	assert_status 0
	sluice list -- file
	assert_status 0
	sluice run --help -c nowhere.yaml
	assert_status 0
	grep -q '^sluice run -c' out || fail "no usage"
	sluice help check
	grep -q '^sluice check -c' out || fail "no usage"
}

test_output_that_cannot_be_written_is_an_error() {
	good_topology
	local words
	for words in list 'list file' --help 'help run' 'run --help' --version schema 'check -c good.yaml' \
		'graph -c good.yaml' 'graph -c good.yaml --format json'; do
		status=0
		# shellcheck disable=SC2086  # words
		"$SLUICE" $words >/dev/full 2>err || status=$?
		[ "$status" -eq 74 ] || fail "exit code $status for: sluice $words"
		[ "$(wc -l <err)" -eq 1 ] || fail "not one message for: sluice $words"
		assert_said 'standard output cannot be written: No space left on device'
		status=0
		# shellcheck disable=SC2086  # words
		"$SLUICE" $words >&- 2>err || status=$?
		[ "$status" -eq 74 ] || fail "exit code $status for: sluice $words, stdout closed"
		assert_said 'standard output cannot be written: it is closed'
	done
}

test_sizes_are_shown_as_users_write_them() {
	good_topology
	sluice check -c good.yaml
	grep -qE 'at most [0-9]+MiB of memory, of 256MiB$' out || fail "$(cat out)"
	sluice graph -c good.yaml
	grep -qE '^memory: at most [0-9]+MiB, of 256MiB; at least [0-9]+MiB is needed$' out || fail "$(cat out)"
}

# A source's least is three buffers.
test_too_small_a_budget_is_told_where_it_stands_and_who_takes_most() {
	touch a
	wrong_topology 'sources:' '  small: {type: stdin}' '  large: {type: file, paths: [a], max_line: 100MiB}' \
		'sinks:' '  out: {type: file, inputs: [small, large], path: x.zst, compression: {level: 19, workers: 4}}' \
		'  more: {type: blackhole, inputs: [small]}'
	expect_told '5:3: the memory budget of 256MiB is too small .*; `memory: [0-9]+MiB` would do; those that need most: `out` [0-9]+MiB, `large` 3[0-9]+MiB, `small` [0-9]+MiB$'
	echo 'memory: 128MiB' >>wrong.yaml
	expect_told '7:9: the memory budget of 128MiB is too small'
	sluice check -c wrong.yaml --set memory=1MiB
	assert_said '^--set memory: the memory budget of 1MiB is too small'
	local enough
	enough=$(enough_memory)
	sluice check -c wrong.yaml --set memory="$enough"
	assert_status 0
}

test_graph_says_what_each_stage_takes() {
	wrong_topology 'sources: {in: {type: stdin}}' 'transforms: {f: {type: filter, inputs: [in], contains: a}}' \
		'sinks:' '  packed: {type: file, inputs: [f, in], path: x.zst, compression: {workers: 2}}' \
		'  gone: {type: blackhole, inputs: [in]}'
	sluice graph -c wrong.yaml --format json
	assert_status 0
	jq -e '([.groups[].memory_bytes] | add) == .memory_bytes' out >/dev/null || fail "the sum is not the total: $(cat out)"
	jq -e '.groups[] | select(.id == "packed") | .memory_bytes > 1000000' out >/dev/null || fail "packed takes nothing: $(cat out)"
	sluice graph -c wrong.yaml
	grep -qE '^sink packed \(file\), [0-9]+MiB$' out || fail "$(cat out)"
	grep -qE '^source in .* buffers of [0-9]+KiB, [0-9]+MiB$' out || fail "$(cat out)"
}

test_a_field_that_nothing_above_gives_is_told_where_it_is_read() {
	: >in.log
	wrong_topology 'sources: {in: {type: file, paths: [in.log]}, std: {type: stdin}}' 'transforms:' \
		'  some: {type: filter, inputs: [std], where: host == "x"}' \
		"  parsed: {type: parse_regex, inputs: [in], regex: '(?<host>\\S+) (?<status>\\d+)'}" \
		'  errors: {type: filter, inputs: [parsed], where: host != "" && statsu == "500"}' \
		'sinks:' \
		'  one: {type: file, inputs: [errors], path: "one/{hostt}.log", encoding: {format: csv, fields: [host, time, took]}}' \
		'  two: {type: file, inputs: [some], path: two.log, encoding: {format: template, template: "{body} {source} {client}"}}'
	sluice check -c wrong.yaml
	assert_status 0
	cat >expected <<-'END'
		wrong.yaml:3:46: warning: nothing above gives `host`, as records have no fields here; add a parser before it, such as `parse_json`
		wrong.yaml:5:65: warning: nothing above gives `statsu`; did you mean `status`?
		wrong.yaml:7:51: warning: nothing above gives `hostt`; did you mean `host`?
		wrong.yaml:7:109: warning: nothing above gives `took`; add what does before it, such as `set`, or a parser of what holds it
		wrong.yaml:8:109: warning: nothing above gives `client`, as records have no fields here; add a parser before it, such as `parse_json`
	END
	grep -v 'is no directory\|directory .one' err >got || true
	assert_same expected got
	run_sluice --once -c wrong.yaml </dev/null
	assert_status 0
	assert_said 'wrong.yaml:3:46: warning: nothing above gives .host.'
}

# listens TYPE OPTIONS MESSAGE: what a source with them is told.
listens() {
	cat >net.yaml <<-YAML
		sources: {in: {type: $1, $2}}
		sinks: {out: {type: blackhole, inputs: [in]}}
	YAML
	expect_one 78 "$3" check -c net.yaml
}

test_what_means_nothing_to_datagrams_is_told() {
	listens syslog 'udp: ":0", reply: ok' '`reply` means nothing to datagrams'
	listens unix 'listen: /tmp/s, mode: datagram, reply: ok' '`reply` means nothing to datagrams'
	listens unix 'listen: /tmp/s, mode: datagram, framing: nul' '`framing` means nothing to datagrams'
	listens unix 'listen: /tmp/s, mode: datagram, max_line: 2MiB' 'max_line. of datagrams is 1MiB at most'
	listens syslog 'max_line: 1MiB' 'nowhere to listen; add `udp`'
	listens syslog 'udp: /tmp/s' '`/tmp/s` is a path; write 127.0.0.1:514'
}

test_a_sink_that_gives_up_no_record_has_no_on_error() {
	cat >exec.yaml <<-YAML
		sources: {in: {type: file, paths: ["$INPUT/small.log"]}}
		sinks: {out: {type: exec, inputs: [in], command: cat, on_error: drop}}
	YAML
	expect_one 78 'on_error.*this sink gives up no record' check -c exec.yaml
}
