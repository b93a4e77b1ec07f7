# The commands, their exit codes, and what is said about mistakes.
# shellcheck shell=bash

sluice() { # leaves `status`, out and err
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
	grep -q archive out err || fail "it says nothing of the sink's guarantee"
	[ ! -e result.log ] || fail "check wrote output"
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
}
