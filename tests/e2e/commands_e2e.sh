# The commands, their exit codes, and what is said about mistakes.
# shellcheck shell=bash

sluice() { # leaves `status`, out and err
	use_state
	status=0
	timeout 60 "$SLUICE" "$@" >out 2>err </dev/null || status=$?
}

good_topology() {
	cat >good.yaml <<-YAML
		name: good
		sources:
		  access: {type: file, paths: ["$INPUT/small.log"]}
		transforms:
		  errors: {type: filter, inputs: [access], regex: '" 5\d\d '}
		sinks:
		  archive: {type: file, inputs: [errors], path: result.log}
	YAML
}

test_check_accepts_a_good_topology() {
	good_topology
	sluice check -c good.yaml
	assert_status 0
	printed '^  archive \(file\): each input in order, in files as of the last epoch'
	printed '^    after a restart, access: read on from where each file was read up to'
	[ ! -s err ] || fail "a warning: $(cat err)"
	[ ! -e result.log ] || fail "check wrote output"
	sluice check -c good.yaml --set epoch=off
	printed '^    after a restart, access: read again from the beginning'
}

printed() { # EXTENDED-REGEX
	grep -qE -- "$1" out || fail "not on stdout: $1; but: $(cat out)"
}

test_check_says_of_each_sink_what_holds_for_it() {
	mkfifo pipe
	cat >sinks.yaml <<-YAML
		sources:
		  in: {type: stdin}
		  tail: {type: file, paths: ["$INPUT/small.log"], read_from: end}
		  more: {type: file, paths: ["$INPUT/small.log"], read_from: end}
		transforms:
		  mixed: {type: filter, inputs: [tail], contains: a, workers: 2, ordered: false}
		epoch: off
		sinks:
		  screen: {type: stdout, inputs: [in]}
		  fifo: {type: file, inputs: [tail, more], path: pipe}
		  gone: {type: blackhole, inputs: [in, mixed]}
	YAML
	sluice check -c sinks.yaml
	assert_status 0
	printed '^  screen \(stdout\): each input in order, handed to standard output'
	printed '^    after a restart, in: can.t be read again'
	printed '^  fifo \(file\): each input in order, handed to a pipe or device'
	printed '^    after a restart, tail, more: read on from the end'
	printed '^  gone \(blackhole\): in no certain order, counted and let go; nothing is stored'
	[ "$(grep -c 'after a restart' out)" -eq 4 ] || fail "$(cat out)"
}

test_check_says_of_each_sink_what_the_queues_on_its_way_do() {
	cat >queues.yaml <<-YAML
		memory: 4GiB
		sources:
		  access: {type: file, paths: ["$INPUT/small.log"]}
		transforms:
		  errors: {type: filter, inputs: [access], contains: x, queue: {when_full: spill, max_size: 2GiB}}
		  some: {type: filter, inputs: [access], contains: x, queue: {when_full: drop_oldest}}
		sinks:
		  kept: {type: file, inputs: [errors], path: kept.log}
		  sent: {type: tcp, inputs: [errors], address: "127.0.0.1:9", queue: {when_full: spill, max_size: 3GiB}}
		  few: {type: file, inputs: [some], path: few.log, queue: {when_full: drop_newest}}
		  all: {type: file, inputs: [access], path: all.log}
	YAML
	sluice check -c queues.yaml
	assert_status 0
	printed '^    what errors has no room for waits on disk, up to 2GiB, .*; what the disk loses of it is told$'
	printed '^    what sent has no room for waits on disk, up to 3GiB, .*; after a crash sent gets again what it had'
	printed '^    what some has no room for is left out, the oldest first, and counted'
	printed '^    what few has no room for is left out, the newest first, and counted'
	[ "$(grep -c '    what ' out)" -eq 5 ] || fail "$(cat out)"
	sed -n '/^  all /,$p' out | grep 'has no room' && fail "nothing on its way"
	return 0
}

# shellcheck disable=SC2016  # backquotes that are meant
test_check_warns_of_what_is_not_there_and_accepts_it() {
	mkdir logs 'empty dir'
	touch logs/a.log logs/a.tmp
	cat >warn.yaml <<-YAML
		sources:
		  good: {type: file, paths: ["logs/*.log", "**/a.log"]}
		  bad:
		    type: file
		    paths: ["nope/*.log", gone.log, "logs/*.tmp", "lo*", ~/x.log]
		    exclude: ["*.tmp"]
		sinks:
		  one: {type: file, inputs: [good], path: no/such/out.log}
		  two: {type: file, inputs: [good], path: "missing/%Y/out.log"}
		  three: {type: file, inputs: [bad], path: logs}
		  four: {type: file, inputs: [bad], path: "empty dir/%Y/out.log"}
		  five: {type: file, inputs: [bad], path: good.log}
	YAML
	sluice check -c warn.yaml
	assert_status 0
	assert_said '^warn\.yaml:5:13: warning: no file matches `nope/\*\.log` now$'
	assert_said '^warn\.yaml:5:27: warning: no file matches `gone\.log` now$'
	assert_said '^warn\.yaml:5:37: warning: no file matches `logs/\*\.tmp` now$'
	assert_said '^warn\.yaml:5:51: warning: no file matches `lo\*` now$'
	assert_said '^warn\.yaml:5:58: warning: no file matches `~/x\.log` now; .*\$\{HOME\}'
	assert_said '^warn\.yaml:8:43: warning: the directory `no/such` .*No such file.*make it'
	assert_said '^warn\.yaml:9:43: warning: the directory `missing` '
	assert_said '^warn\.yaml:10:44: warning: `logs` is a directory'
	[ "$(wc -l <err)" -eq 8 ] || fail "$(cat err)"
}

# shellcheck disable=SC2016  # backquotes that are meant
test_check_warns_of_what_may_not_be_read_or_written() {
	need_nobody
	mkdir closed rotated mine
	chmod 777 mine
	touch a.log b.log closed/c.log locked.out rotated/open.out mine/own.out
	chmod 600 a.log b.log
	chmod 700 closed
	chmod 644 locked.out
	chmod 666 rotated/open.out mine/own.out
	cat >rights.yaml <<-YAML
		sources:
		  in: {type: file, paths: ["?.log", "closed/*.log", closed/c.log]}
		sinks:
		  new: {type: file, inputs: [in], path: new.out}
		  old: {type: file, inputs: [in], path: locked.out}
		  day: {type: file, inputs: [in], path: "./%Y/x.out"}
		  kept: {type: file, inputs: [in], path: rotated/open.out}
		  moved: {type: file, inputs: [in], path: ./rotated/open2.out, rotate: {size: 1MiB}}
		  fine: {type: file, inputs: [in], path: mine/own.out, rotate: {size: 1MiB}}
		  made: {type: file, inputs: [in], path: "mine/%Y/x.out"}
	YAML
	touch rotated/open2.out
	chmod 666 rotated/open2.out
	status=0
	as_nobody "$SLUICE" check -c rights.yaml >out 2>err || status=$?
	assert_status 0
	local who='cannot be (read|written to) by who runs this check'
	assert_said "^rights\.yaml:2:28: warning: .[ab]\.log. $who, nor can 1 more: Permission denied"
	assert_said "^rights\.yaml:2:37: warning: .closed. $who: Permission denied"
	assert_said "^rights\.yaml:2:53: warning: .closed/c\.log. $who: Permission denied"
	assert_said "^rights\.yaml:4:41: warning: the directory .\.. $who: Permission denied"
	assert_said "^rights\.yaml:5:41: warning: .locked\.out. $who: Permission denied"
	assert_said "^rights\.yaml:6:41: warning: the directory .\.. $who: Permission denied"
	assert_said "^rights\.yaml:8:43: warning: the directory .\./rotated. $who: Permission denied"
	[ "$(wc -l <err)" -eq 7 ] || fail "$(cat err)"
}

# shellcheck disable=SC2016  # backquotes that are meant
test_check_warns_of_a_state_dir_that_cannot_be_used_and_makes_none() {
	need_nobody
	good_topology
	mkdir shut others open
	chmod 777 . others open
	touch others/lock others/epochs file
	chmod 600 others/lock others/epochs
	checked() { # STATE-DIR [WARNING]...
		local dir=$1 warning
		shift
		sed "1i state_dir: $dir" good.yaml >dir.yaml
		chmod 644 dir.yaml
		status=0
		as_nobody "$SLUICE" check -c dir.yaml >out 2>err || status=$?
		assert_status 0
		for warning; do
			assert_said "^dir\.yaml:1:12: warning: $warning\$"
		done
		[ "$(wc -l <err)" -eq $# ] || fail "$(cat err)"
	}
	local who='cannot be used by who runs this check'
	checked shut "the directory \`shut\` $who: Permission denied"
	checked shut/a/b "it is not there, and the directory \`shut\` $who: Permission denied"
	checked others "\`others/lock\` $who: Permission denied" "\`others/epochs\` $who: Permission denied"
	checked file '`file` is no directory'
	checked open
	checked open/a/b
	checked a/
	[ ! -e open/a ] && [ ! -e a ] || fail "check made it"
	sed -i '1a epoch: off' dir.yaml
	as_nobody "$SLUICE" check -c dir.yaml --set state_dir=shut >out 2>err
	[ ! -s err ] || fail "$(cat err)"
}

# shellcheck disable=SC2016  # backquotes and dollars that are meant
test_check_tells_a_directory_and_a_shell_variable_from_a_file() {
	mkdir folder
	cat >odd.yaml <<-'YAML'
		sources: {in: {type: stdin}}
		sinks:
		  one: {type: file, inputs: [in], path: folder}
		  two: {type: file, inputs: [in], path: $HOME.log}
		  three: {type: file, inputs: [in], path: "${NOT_SET:-$HOME}/x.log"}
	YAML
	sluice check -c odd.yaml
	assert_status 0
	assert_said '^odd\.yaml:3:41: warning: `folder` is a directory; name a file in it'
	printed '^  one \(file\): each input in order, in files as of the last epoch'
	assert_said '^odd\.yaml:4:41: warning: `\$HOME\.log` would be the file.s name; .*\$\{NAME\}'
	assert_said '^odd\.yaml:5:43: warning: the directory `\$HOME` .*No such file.*\$\{NAME\}'
	[ "$(wc -l <err)" -eq 3 ] || fail "$(cat err)"
}

test_check_tells_every_mistake_in_one_go() {
	cat >bad.yaml <<-YAML
		memory: 64
		sources:
		  access:
		    type: file
		    pathz: ["a.log"]
		transforms:
		  kept:
		    type: filtre
		    inputs: [access]
		sinks:
		  out:
		    type: file
		    inputs: [acess]
		    path: result.log
	YAML
	local command
	for command in "check" "run --once" "graph"; do
		# shellcheck disable=SC2086  # two words
		sluice $command -c bad.yaml
		assert_status 78
		assert_said '^bad\.yaml:1:9: '
		assert_said '^bad\.yaml:5:5: .*pathz.*paths'
		assert_said '^bad\.yaml:8:11: .*filtre.*filter'
		assert_said '^bad\.yaml:13:14: .*acess.*access'
	done
	[ ! -e result.log ] || fail "it ran"
}

test_broken_yaml_is_told_with_its_place() {
	printf 'sources:\n  a: {type: file\nsinks: [\n' >bad.yaml
	sluice check -c bad.yaml
	assert_status 78
	assert_said '^bad\.yaml:[0-9]+:[0-9]+: '
}

test_wiring_mistakes_are_told() {
	cat >bad.yaml <<-YAML
		sources:
		  a: {type: file, paths: [a.log]}
		  lonely: {type: file, paths: [b.log]}
		transforms:
		  x: {type: filter, inputs: [y], contains: q}
		  y: {type: filter, inputs: [x], contains: q}
		sinks:
		  a: {type: blackhole, inputs: [a]}
	YAML
	sluice check -c bad.yaml
	assert_status 78
	assert_said 'cycle'
	assert_said '\ba\b.*(twice|already|duplicate|more than once)'
	assert_said 'lonely'
}

test_a_bad_regex_is_told_where_it_stands() {
	cat >bad.yaml <<-YAML
		sources: {in: {type: stdin}}
		transforms: {kept: {type: filter, inputs: [in], regex: 'a(b'}}
		sinks: {out: {type: stdout, inputs: [kept]}}
	YAML
	sluice check -c bad.yaml
	assert_status 78
	assert_said '^bad\.yaml:2:[0-9]+: '
}

test_a_topology_that_is_not_there_is_an_error() {
	sluice run --once -c nowhere.yaml
	assert_status 78
	assert_said 'nowhere\.yaml'
}

test_variables_are_filled_in_and_unset_ones_are_told() {
	cat >vars.yaml <<-'YAML'
		sources: {in: {type: file, paths: ["${LOGS}/small.log"]}}
		sinks: {out: {type: file, inputs: [in], path: "${OUT:-result}.log"}}
	YAML
	LOGS=$INPUT sluice run --once -c vars.yaml
	assert_status 0
	assert_same "$INPUT/small.log" result.log
	sluice check -c vars.yaml
	assert_status 78
	assert_said '^vars\.yaml:1:[0-9]+: .*LOGS'
}

test_usage_mistakes_exit_2_and_say_what_would_be_right() {
	good_topology
	local arguments
	for arguments in "" "frobnicate" "run" "run --once" "run -c" "run --bogus -c good.yaml" \
		"run --io fast -c good.yaml" "graph --format png -c good.yaml" "list no_such_stage" \
		"run --set nonsense -c good.yaml"; do
		# shellcheck disable=SC2086  # words
		sluice $arguments
		[ "$status" -eq 2 ] || fail "exit code $status for: sluice $arguments"
		[ -s err ] || fail "nothing said about: sluice $arguments"
	done
}

test_help_and_version_are_there() {
	sluice --help
	assert_status 0
	grep -q 'sluice run' out || fail "no usage on stdout"
	grep -q '^-c, --config names' out || fail "not what -c is"
	good_topology
	sluice check --config good.yaml
	assert_status 0
	sluice --version
	assert_status 0
	grep -qE '[0-9]+\.[0-9]+' out || fail "no version on stdout"
}

test_list_names_the_stages_and_one_stage_its_options() {
	sluice list
	assert_status 0
	local stage
	for stage in file stdin filter stdout blackhole; do
		grep -qw "$stage" out || fail "$stage is not listed"
	done
	sluice list filter
	assert_status 0
	local option
	for option in contains regex invert; do
		grep -qw "$option" out || fail "$option is not listed"
	done
}

test_list_topology_names_the_keys_beside_the_stages() {
	sluice list
	printed 'sluice list topology'
	sluice list topology
	assert_status 0
	local key
	for key in name memory shutdown_timeout log level format; do
		printed "^ +$key +"
	done
	printed '\$\{VAR:-default\}'
	printed '\$\$ '
	sluice list topologie
	assert_status 2
	assert_said 'did you mean topology'
}

# shellcheck disable=SC2016  # a dollar that is meant
test_the_keys_that_the_readme_names_are_taken() {
	{
		echo 'sources: {in: {type: stdin}}'
		echo 'sinks: {out: {type: stdout, inputs: [in], queue: {capacity: "${CAPACITY:-64}"}}}'
		echo 'name: access'
		echo 'memory: 64MiB'
		echo 'shutdown_timeout: 1m'
		echo 'log: {level: warn, format: json}'
	} >keys.yaml
	sluice check -c keys.yaml
	assert_status 0
	printed '^access: .* of 64MiB$'
}

test_graph_shows_every_stage_in_every_format() {
	good_topology
	local format
	for format in text dot mermaid json; do
		sluice graph -c good.yaml --format $format
		assert_status 0
		local stage
		for stage in access errors archive; do
			grep -q $stage out || fail "$format: $stage is missing"
		done
	done
	sluice graph -c good.yaml --format dot
	grep -q '^digraph' out || fail "not dot"
	sluice graph -c good.yaml --format mermaid
	grep -qE '^(flowchart|graph) ' out || fail "not mermaid"
	sluice graph -c good.yaml --format json
	jq . out >/dev/null || fail "not JSON"
}

test_schema_is_a_json_schema_that_knows_the_stages() {
	sluice schema
	assert_status 0
	grep -q 'json-schema.org' out || fail "not a JSON Schema"
	grep -q on_long_line out || fail "the file source's options are not in it"
	jq . out >/dev/null || fail "not JSON"
}

test_nothing_from_the_input_reaches_stderr_unescaped() {
	printf 'x\n' >"$(printf 'bad\033[31mname.log')"
	mkdir "$(printf 'fol\nder.log')"
	cat >esc.yaml <<-YAML
		sources: {in: {type: file, paths: ["*.log"]}}
		sinks: {out: {type: blackhole, inputs: [in]}}
		log: {level: debug}
	YAML
	run_sluice --once -c esc.yaml
	! grep -q "$(printf '\033')" err || fail "an escape sequence reached stderr"
	! grep -q '^der' err || fail "a newline in a name broke a line of the log"
}

test_the_log_can_be_json() {
	good_topology
	sluice run --once -c good.yaml --set log.format=json
	assert_status 0
	jq -e 'type == "object"' err >/dev/null || fail "not JSON"
	[ "$(jq -c . err | wc -l)" -eq "$(wc -l <err)" ] || fail "a record that is not one line"
	sluice run --once -c good.yaml --set log.format=json --set 'sources.access.paths=café.log'
	[ "$(jq -r 'select(.event == "file unreadable").path' err)" = 'café.log' ] || fail "not the path"
}

test_the_summary_tells_several_sinks_apart() {
	seq 1 100 >in.log
	cat >two.yaml <<-YAML
		sources: {in: {type: file, paths: [in.log]}}
		transforms: {ones: {type: filter, inputs: [in], contains: 1}}
		sinks:
		  all: {type: file, inputs: [in], path: all.log}
		  some: {type: file, inputs: [ones], path: some.log}
	YAML
	sluice run --once -c two.yaml
	assert_status 0
	assert_said '^two: in 100 records 292 B, out to 2 sinks \(all 100 records 292 B, some 20 records 60 B\), filtered 80, dropped 0, '
	rm all.log some.log
	sluice run --once -c two.yaml --set log.format=json
	jq -se 'map(select(.event == "stored") | [.stage, .records, .bytes]) == [["all", 100, 292], ["some", 20, 60]]' err >/dev/null ||
		fail "the sinks' own figures are missing"
	jq -se '.[-1] | .event == "done" and .sinks == 2' err >/dev/null || fail "no summary at the end"
}
