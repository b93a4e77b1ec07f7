# Several readers of one stage, several inputs of one; each gets all, in order.
# shellcheck shell=bash

test_every_reader_of_a_source_gets_all_of_it() {
	cat >fan_out.yaml <<-YAML
		sources: {in: {type: file, paths: ["$INPUT/one.log"]}}
		transforms:
		  posts: {type: filter, inputs: [in], contains: 'POST '}
		  errors: {type: filter, inputs: [in], regex: '" 5\d\d ', workers: 2}
		  post_errors: {type: filter, inputs: [posts], regex: '" 5\d\d '}
		sinks:
		  all: {type: file, inputs: [in], path: all.log}
		  posts_out: {type: file, inputs: [posts], path: posts.log}
		  errors_out: {type: file, inputs: [errors], path: errors.log}
		  both_out: {type: file, inputs: [post_errors], path: both.log}
		  nothing: {type: blackhole, inputs: [in, errors]}
	YAML
	run_sluice --once -c fan_out.yaml
	assert_status 0
	assert_same "$INPUT/one.log" all.log
	grep -F 'POST ' "$INPUT/one.log" | cmp - posts.log
	grep -E '" 5[0-9][0-9] ' "$INPUT/one.log" | cmp - errors.log
	grep -F 'POST ' "$INPUT/one.log" | grep -E '" 5[0-9][0-9] ' | cmp - both.log
}

test_several_inputs_come_together_each_in_its_order() {
	"$TOOLS/bench/loggen" --lines 20000 --stream 1 a.log
	"$TOOLS/bench/loggen" --lines 30000 --stream 2 b.log
	"$TOOLS/bench/loggen" --lines 10000 --stream 3 c.log
	cat >fan_in.yaml <<-YAML
		sources:
		  a: {type: file, paths: [a.log]}
		  b: {type: file, paths: [b.log]}
		  c: {type: file, paths: [c.log]}
		transforms:
		  some: {type: filter, inputs: [b, c], contains: 'req=', workers: 2}
		sinks:
		  out: {type: file, inputs: [a, some], path: result.log}
	YAML
	run_sluice --once -c fan_in.yaml
	assert_status 0
	split_by_stream result.log split
	assert_same a.log split/access-001.log
	assert_same b.log split/access-002.log
	assert_same c.log split/access-003.log
}

test_wildcard_inputs_name_every_stage_that_matches() {
	head -n 10 "$INPUT/small.log" >a.log
	tail -n 10 "$INPUT/small.log" >b.log
	cat >wild.yaml <<-YAML
		sources:
		  app_a: {type: file, paths: [a.log]}
		  app_b: {type: file, paths: [b.log]}
		sinks:
		  out: {type: file, inputs: ["app_*"], path: result.log}
	YAML
	run_sluice --once -c wild.yaml
	assert_status 0
	cat a.log b.log | sort >expected
	sort result.log | cmp - expected
}

test_a_long_chain_keeps_order() {
	{
		echo "sources: {in: {type: file, paths: ['$INPUT/one.log']}}"
		echo "transforms:"
		local before=in i
		for i in 1 2 3 4 5 6; do
			echo "  step_$i: {type: filter, inputs: [$before], contains: 'req=', workers: $((i % 3 + 1))}"
			before=step_$i
		done
		echo "sinks: {out: {type: file, inputs: [$before], path: result.log}}"
	} >chain.yaml
	run_sluice --once -c chain.yaml
	assert_status 0
	assert_same "$INPUT/one.log" result.log
}

test_a_topology_in_several_files_is_one() {
	mkdir conf.d
	echo "sources: {in: {type: file, paths: ['$INPUT/small.log']}}" >conf.d/10-in.yaml
	echo "sinks: {out: {type: file, inputs: [in], path: result.log}}" >conf.d/20-out.yaml
	echo "this is not YAML: [" >conf.d/notes.txt
	run_sluice --once -c conf.d
	assert_status 0
	assert_same "$INPUT/small.log" result.log
	run_sluice --once -c conf.d/10-in.yaml -c conf.d/20-out.yaml --set sinks.out.path=other.log
	assert_status 0
	assert_same "$INPUT/small.log" other.log
}
