# What `${file:...}` brings is used and never shown: not in a warning, not in a mistake, not in the log.
# shellcheck shell=bash disable=SC2016  # ${file:...} is meant

# May be a name, the whole of a delimiter, and part of what is wrong.
secret=hush5f1c

begin() {
	printf '%s' $secret >sec
	printf '%s' "($secret" >sec.regex
	printf '%s' "[$secret" >sec.pattern
	printf '%s' "$secret%" >sec.path
}

expect_hidden() { # WHEN
	if grep -a $secret out err >shown; then
		fail "shown with: $1: $(cat shown)"
	fi
}

quiet_sluice() { # STATUS ARGUMENTS...: and nothing of the secret in either stream
	local expected=$1
	shift
	status=0
	use_state
	timeout $((60 * SLOW)) "$SLUICE" "$@" >out 2>err </dev/null || status=$?
	[ "$status" -eq "$expected" ] || fail "exit code $status for: sluice $*"
	expect_hidden "sluice $*"
}

# Each command on one topology.
try_all() { # STATUS-OF-RUN FILE
	local format
	for format in text dot mermaid json; do
		quiet_sluice 0 graph --format $format -c "$2"
	done
	quiet_sluice 0 check -c "$2"
	quiet_sluice "$1" run --once --set log.format=json -c "$2"
	quiet_sluice "$1" run --once -c "$2"
}

test_a_secret_in_any_text_is_used_and_not_shown() {
	begin
	printf 'a %s\nb\n' $secret >in.$secret
	cp in.$secret left-out.$secret
	cat >t.yaml <<-'YAML'
		name: "${file:sec}"
		sources:
		  in:
		    type: file
		    paths: ["in.${file:sec}", "*${file:sec}"]
		    exclude: ["left-out.${file:sec}"]
		transforms:
		  some: {type: filter, inputs: [in], contains: ["${file:sec}"], regex: ["a ${file:sec}"]}
		sinks:
		  out: {type: file, inputs: [some], path: "${file:sec}.out", encoding: {delimiter: "${file:sec}"}}
		  again: {type: file, inputs: [some], path: "%Y/${file:sec}.again"}
	YAML
	try_all 0 t.yaml
	assert_said '\*\*\*: in 2 records'
	[ "$(cat $secret.out)" = "a $secret${secret}a $secret$secret" ] || fail "the secret was not used"
	quiet_sluice 0 list file
}

test_a_secret_is_not_shown_by_inputs_that_are_not_there() {
	begin
	cat >t.yaml <<-'YAML'
		sources: {in: {type: file, paths: ["none-${file:sec}", "~/${file:sec}*z"]}}
		sinks: {out: {type: file, inputs: [in], path: result}}
	YAML
	try_all 1 t.yaml
	assert_said 'file unreadable path=\*\*\*'
	assert_said 'nothing matched paths="\*\*\* \*\*\*"'
	quiet_sluice 0 check -c t.yaml
	assert_said 'no file matches `\*\*\*` now$'
}

# One at a time: the first to fail says how it exits.
test_a_secret_is_not_shown_by_outputs_that_cannot_be_written() {
	begin
	mkdir dir-$secret
	local path
	for path in 'no/${file:sec}/x' 'no/${file:sec}/%Y/x' 'dir-${file:sec}' 'sec/${file:sec}'; do
		cat >t.yaml <<-YAML
			sources: {in: {type: file, paths: ["$INPUT/small.log"]}}
			sinks: {out: {type: file, inputs: [in], path: "$path"}}
		YAML
		try_all 74 t.yaml
		assert_said 'error out: output .* path=\*\*\*'
		quiet_sluice 0 check -c t.yaml
		assert_said 'warning: .*`\*\*\*`'
	done
}

test_a_secret_is_not_shown_by_mistakes_in_it_or_around_it() {
	begin
	cat >t.yaml <<-'YAML'
		memory: "${file:sec}"
		log: {level: "${file:sec}"}
		sources:
		  in: {type: file, paths: ["${file:sec.pattern}"], exclude: ["${file:sec.pattern}"]}
		  typed: {type: "${file:sec}", paths: [x]}
		  choice: {type: file, paths: [x], read_from: "${file:sec}", max_line: "${file:sec}"}
		  long: {type: file, paths: [x], delimiter: "${file:sec}${file:sec}"}
		transforms:
		  some: {type: filter, inputs: ["${file:sec}", "${file:sec}*"], regex: ["${file:sec.regex}"]}
		  flag: {type: filter, inputs: [in], contains: [x], invert: "${file:sec}", workers: "${file:sec}"}
		sinks:
		  out: {type: file, inputs: [in], path: "${file:sec.path}"}
		  out2: {type: file, inputs: [in], path: "x${file:no-such-${file:sec}}"}
		  out3: {type: file, inputs: [in], path: "x", rotate: "${file:sec}"}
		  out4: {type: file, inputs: [in], path: "x", encoding: {format: "${file:sec}"}}
		  out5: {type: syslog, inputs: [in], address: "${file:sec}", encoding: {syslog: {facility: "${file:sec}", severity: "${file:sec}"}}}
	YAML
	quiet_sluice 78 check -c t.yaml
	[ "$(wc -l <err)" -ge 15 ] || fail "only so many mistakes were told: $(cat err)"
	assert_said 'pattern "\*\*\*"'
	assert_said '`regex` does not compile'
	quiet_sluice 78 run --once -c t.yaml
	quiet_sluice 78 graph -c t.yaml
}

test_a_secret_is_not_shown_where_stages_meet_in_one_file() {
	begin
	cat >t.yaml <<-'YAML'
		sources: {in: {type: file, paths: ["*${file:sec}"]}}
		sinks:
		  one: {type: file, inputs: [in], path: "${file:sec}"}
		  two: {type: file, inputs: [in], path: "./${file:sec}"}
		  three: {type: file, inputs: [in], path: "%Y${file:sec}"}
	YAML
	quiet_sluice 78 check -c t.yaml
	assert_said 'would write `\*\*\*`'
	assert_said 'reads by `\*\*\*`'
}

test_a_secret_is_not_shown_by_inputs_and_outputs_that_fail() {
	begin
	mkdir in
	head -c 1000 "$INPUT/small.log" | zstd -q >in/$secret.zst
	truncate -s -20 in/$secret.zst
	mkdir in/d-$secret.zst
	cat >t.yaml <<-'YAML'
		sources:
		  in: {type: file, paths: ["in/${file:sec}.zst", "in/d-${file:sec}.zst", "in/*${file:sec}.zst"]}
		sinks: {out: {type: file, inputs: [in], path: "out-${file:sec}"}}
	YAML
	try_all 1 t.yaml
	assert_said 'file damaged path=\*\*\*'
	printf 'x\n' | zstd -q >out-$secret
	try_all 74 t.yaml
	assert_said 'output holds zstd.* path=\*\*\*'
}

said() { # EXTENDED-REGEX
	grep -qE -- "$1" err
}

test_a_secret_is_not_shown_while_it_is_followed() {
	begin
	mkfifo to-$secret
	cp "$INPUT/small.log" log-$secret
	cat >t.yaml <<-'YAML'
		name: "${file:sec}"
		sources: {in: {type: file, paths: ["log-${file:sec}"]}}
		sinks:
		  fifo: {type: file, inputs: [in], path: "to-${file:sec}"}
		  file: {type: file, inputs: [in], path: "out-${file:sec}"}
	YAML
	start_sluice -c t.yaml
	wait_until 30 said 'waiting for a reader path=\*\*\*'
	timeout $((60 * SLOW)) cat to-$secret >got &
	wait_until 30 cmp -s "$INPUT/small.log" out-$secret
	: >log-$secret
	wait_until 30 said 'file truncated path=\*\*\*'
	kill -USR1 "$sluice_pid"
	wait_until 30 said 'worker name=fifo'
	stop_sluice
	assert_status 0
	expect_hidden "run"
}

test_a_secret_is_not_shown_of_files_that_changed_while_nothing_ran() {
	begin
	mkdir in-$secret
	cat >t.yaml <<-'YAML'
		sources: {in: {type: file, paths: ["in-${file:sec}/*"]}}
		sinks: {out: {type: file, inputs: [in], path: result}}
	YAML
	export STATE=remembered
	printf 'one\nand' >in-$secret/a
	printf 'two\n' >in-$secret/b
	seq 1000 >in-$secret/c
	start_sluice -c t.yaml
	wait_until 30 has_lines result 1002
	stop_sluice
	rm in-$secret/a
	seq 10 >in-$secret/b
	truncate -s 500 in-$secret/c
	start_sluice -c t.yaml
	wait_until 30 said 'file gone path=\*\*\*'
	wait_until 30 said 'file written anew path=\*\*\*'
	wait_until 30 said 'file truncated path=\*\*\* from=3893 to=500'
	stop_sluice
	assert_status 0
	expect_hidden "run"
}

test_a_secret_is_not_shown_while_its_writer_is_awaited() {
	begin
	mkfifo from-$secret
	cat >t.yaml <<-'YAML'
		sources: {in: {type: file, paths: ["from-${file:sec}"]}}
		sinks: {out: {type: file, inputs: [in], path: result}}
	YAML
	start_sluice --once -c t.yaml
	wait_until 30 said 'waiting for a writer path=\*\*\*'
	printf 'x\n' >from-$secret
	await_end 30
	assert_status 0
	expect_hidden "run --once"
}

# Of a sink that is no more, it is remembered that its path was one.
test_the_secret_path_that_a_sink_had_before_is_not_shown() {
	begin
	STATE=kept
	mkdir in
	cat >t.yaml <<-'YAML'
		name: t
		sources: {in: {type: file, paths: ["in/*"]}}
		sinks: {out: {type: file, inputs: [in], path: "${file:sec}.out"}}
	YAML
	seq 1 100 >in/a.log
	quiet_sluice 0 run --once -c t.yaml
	sed -i 's/"${file:sec}.out"/plain.log/' t.yaml
	quiet_sluice 0 state -c t.yaml
	grep -qE '^    file \*\*\*: ' out || fail "$(cat out)"
	quiet_sluice 0 state --verify --json -c t.yaml
	truncate -s 10 $secret.out
	quiet_sluice 74 run --once -c t.yaml
	assert_said 'error out: output is shorter than what was committed path=\*\*\*'
}

test_the_secret_path_of_a_sink_that_is_no_more_is_not_shown() {
	begin
	STATE=kept
	mkdir in
	cat >t.yaml <<-'YAML'
		name: t
		epoch: {interval: 1h, bytes: 200B}
		sources: {in: {type: file, paths: ["in/*"]}}
		sinks:
		  out: {type: file, inputs: [in], path: "${file:sec}.out"}
		  never: {type: file, inputs: [in], path: "${file:sec}.never"}
	YAML
	seq 1 100 >in/a.log
	start_sluice -c t.yaml
	wait_until 20 has_lines $secret.out 100
	wait_until 20 test -s kept/epochs
	seq 101 120 >>in/a.log
	wait_until 20 has_lines $secret.out 120
	stop_sluice KILL
	sed -i -e 's/  out:/  other:/' -e '/never/d' -e 's/"${file:sec}.out"/other.log/' t.yaml
	quiet_sluice 0 state --verify -c t.yaml
	grep -qE '^    (file|undo) \*\*\*: ' out || fail "$(cat out)"
	quiet_sluice 0 state --verify --json -c t.yaml
	quiet_sluice 0 run --once -c t.yaml
	assert_said 'out: (output cut back to what was committed path=\*\*\*|undoing what was not committed)'
}
