#include "tests/unit/conf/load_fixture.h"

TestSuite(topology, .init = fixture_begin, .fini = fixture_end);

Test(topology, presets_of_the_top_level)
{
	load_good(SOURCE SINK);
	expect_text(&loaded.name, "t");
	cr_expect_eq(loaded.memory, 256 << 20);
	cr_expect_null(loaded.memory_at.file);
	cr_expect_eq(loaded.shutdown_timeout_ns, 30000000000);
	cr_expect_eq(loaded.log_level, LOG_LEVEL_INFO);
	cr_expect_eq(loaded.log_format, LOG_FORMAT_TEXT);
}

Test(topology, top_level_keys_are_read)
{
	load_good("name: access\nmemory: 1GiB\nshutdown_timeout: 1m\nlog: {level: error, format: "
		  "json}\n" SOURCE SINK);
	expect_text(&loaded.name, "access");
	cr_expect_eq(loaded.memory, 1 << 30);
	cr_expect_eq(loaded.memory_at.line, 2);
	cr_expect_eq(loaded.memory_at.column, 9);
	cr_expect_eq(loaded.shutdown_timeout_ns, 60000000000);
	cr_expect_eq(loaded.log_level, LOG_LEVEL_ERROR);
	cr_expect_eq(loaded.log_format, LOG_FORMAT_JSON);
	load_good("log: debug\n" SOURCE SINK);
	cr_expect_eq(loaded.log_level, LOG_LEVEL_DEBUG);
	cr_expect_eq(loaded.log_format, LOG_FORMAT_TEXT);
}

Test(topology, keys_of_later_versions_are_told_from_mistakes)
{
	load_bad("supervision: {}\ncontrol: x\ntests: "
		 "[]\nsource: {}\nfoo: 1\n" SOURCE SINK "    on_error: drop\n    dead_letter: x\n",
		 "t.yaml:2:1: the key `control` is not in this version; leave it out\n"
		 "t.yaml:4:1: unknown key `source`; did you mean `sources`?\n"
		 "t.yaml:5:1: unknown key `foo`; there is `name`, `memory`, `state_dir`, `epoch`, "
		 "`supervision`, `shutdown_timeout`, "
		 "`log`, `sources`, "
		 "`transforms`, `sinks` or `tests`\n"
		 "t.yaml:14:5: no `on_error` here: this sink gives up no record: what it "
		 "cannot write waits, or ends the run\n"
		 "t.yaml:15:5: no `dead_letter` here: this sink gives up no record: what it "
		 "cannot write waits, or ends the run\n");
}

Test(topology, what_follows_a_failure_is_an_end_unless_it_is_said)
{
	load_good(SOURCE SINK);
	cr_expect_eq(loaded.supervision.strategy, ONE_FOR_ALL);
	cr_expect_eq(loaded.supervision.max_restarts, 0);
	cr_expect_eq(loaded.supervision.within_ns, 60000000000);
	cr_expect_null(loaded.supervision_at.file);
	load_good("supervision: {strategy: isolate, max_restarts: 5, within: 1h}\n" SOURCE SINK);
	cr_expect_eq(loaded.supervision.strategy, ISOLATE);
	cr_expect_eq(loaded.supervision.max_restarts, 5);
	cr_expect_eq(loaded.supervision.within_ns, 3600000000000);
	cr_expect_eq(loaded.supervision_at.line, 1);
}

Test(topology, common_keys_have_defaults)
{
	load_good(SOURCE "transforms: {keep: {type: sieve, inputs: in}}\nsinks: {out: {type: hole, "
			 "inputs: keep}}\n");
	const struct topology_stage *in = stage_called("in"), *keep = stage_called("keep");
	cr_expect_eq(in->schema, &tail_schema);
	cr_expect_eq(in->at.line, 2);
	cr_expect_eq(in->at.column, 3);
	cr_expect_eq(in->workers, 1);
	cr_expect_eq(in->input_count, 0);
	cr_expect_eq(keep->workers, 1);
	cr_expect_not(keep->workers_given);
	cr_expect(keep->ordered);
	cr_expect_eq(keep->queue_capacity, 64);
	cr_expect_not(keep->queue_given);
}

Test(topology, common_keys_are_read)
{
	load_good(SOURCE "transforms:\n  keep:\n    type: sieve\n    inputs: [in]\n    workers: "
			 "4\n    ordered: false\n"
			 "    queue: {capacity: 9, when_full: block}\n    contains: x\n"
			 "  more: {type: sieve, inputs: in, workers: auto}\nsinks: {out: {type: "
			 "hole, inputs: '*'}}\n");
	const struct topology_stage *keep = stage_called("keep"), *more = stage_called("more");
	cr_expect_eq(keep->workers, 4);
	cr_expect(keep->workers_given);
	cr_expect_not(keep->ordered);
	cr_expect_eq(keep->queue_capacity, 9);
	cr_expect(keep->queue_given);
	expect_text(&((const struct sieve_options *)keep->options)->contains.items[0], "x");
	cr_expect_eq(more->workers, 0);
	cr_expect(more->workers_given);
}

Test(topology, common_keys_are_checked)
{
	load_bad(SOURCE "transforms:\n  keep:\n    type: sieve\n    inputs: in\n    workers: 5\n   "
			" ordered: maybe\n"
			"    queue: {capacity: 0, when_full: drop}\n  more: {type: sieve, "
			"inputs: in, workers: 0}\n"
			"sinks: {out: {type: hole, inputs: '*'}}\n",
		 "t.yaml:9:14: `workers` is 5; write at most 4\n"
		 "t.yaml:10:14: `ordered` is `maybe`; write true or false\n"
		 "t.yaml:11:23: `capacity` is 0; write at least 1\n"
		 "t.yaml:11:37: `when_full` is `drop`; write `block`, `drop_newest`, `drop_oldest` "
		 "or `spill`\n"
		 "t.yaml:12:44: `workers` is 0; write at least 1\n");
}

Test(topology, common_keys_stand_where_they_mean_something)
{
	load_bad("sources:\n  in:\n    type: tail\n    paths: [a]\n    inputs: [in]\n    workers: "
		 "1\n    ordered: true\n"
		 "    queue: 5\n" SINK "    workers: 2\n",
		 "t.yaml:5:5: no `inputs` here: a source reads from outside, not from stages\n"
		 "t.yaml:6:5: no `workers` here: this stage has one worker, always\n"
		 "t.yaml:7:5: no `ordered` here: a source keeps its order\n"
		 "t.yaml:8:5: no `queue` here: a source has no queue; give one to the stage that "
		 "reads it\n"
		 "t.yaml:13:5: no `workers` here: this stage has one worker, always\n");
}

Test(topology, type_is_found_among_its_kind)
{
	load_bad(
	    "sources:\n  a: {paths: x}\n  b: {type: sieve}\n  c: {type: tial, paths: [x], foo: "
	    "1}\n  d: {type: kafka}\n"
	    "  e: {type: [tail]}\n  f: {type: ''}\n  g: {type: }\n"
	    "sinks: {out: {type: tail, inputs: '*'}}\n",
	    "t.yaml:2:3: the required option `type` is missing; write `type:` and a text\n"
	    "t.yaml:3:13: `sieve` is a transform, not a source; put it under `transforms`\n"
	    "t.yaml:4:13: unknown source type `tial`; did you mean `tail`?\n"
	    "t.yaml:5:13: unknown source type `kafka`; `sluice list` names those in this build\n"
	    "t.yaml:6:13: `type` is a list; write a text\n"
	    "t.yaml:7:13: `type` is 0 bytes long; at least 1\n"
	    "t.yaml:8:13: `type` has no value; write a text\n"
	    "t.yaml:9:21: `tail` is a source, not a sink; put it under `sources`\n");
}

Test(topology, type_that_was_left_out_of_the_build_is_told_from_an_unknown_one)
{
	const char *given = "sources:\n  in: {type: tail, paths: a}\n"
			    "transforms:\n  t: {type: brew, inputs: [in]}\n"
			    "sinks:\n  out: {type: hole, inputs: [t]}\n";
	load_bad(given,
		 "t.yaml:4:13: no `brew` in this build, which was made without libkettle; build it "
		 "with that\n");
}

Test(topology, ids_are_names)
{
	char yaml[400], id[66];

	memset(id, 'a', 64);
	id[64] = 0;
	snprintf(yaml, sizeof(yaml),
		 "sources: {%s: {type: pipe}, 0_-Z: {type: pipe}, _: {type: pipe}}\nsinks: {out: "
		 "{type: hole, inputs: '*'}}\n",
		 id);
	load_good(yaml);
	load_bad("sources: {a b: {type: pipe}, -a: {type: pipe}, \xc3\xa9: {type: pipe}, a.b: "
		 "{type: pipe}, "
		 "\"a\\n\": {type: pipe}, in: {type: pipe}}\n" SINK,
		 "t.yaml:1:11: `a b` can't name a stage; take up to 64 letters, digits, `_` and "
		 "`-`, no `-` first\n"
		 "t.yaml:1:30: `-a` can't name a stage; take up to 64 letters, digits, `_` and "
		 "`-`, no `-` first\n"
		 "t.yaml:1:48: `\xc3\xa9` can't name a stage; take up to 64 letters, digits, `_` "
		 "and `-`, no `-` first\n"
		 "t.yaml:1:65: `a.b` can't name a stage; take up to 64 letters, digits, `_` and "
		 "`-`, no `-` first\n"
		 "t.yaml:1:84: `a\\x0a` can't name a stage; take up to 64 letters, digits, `_` and "
		 "`-`, no `-` first\n");
}

Test(topology, stages_and_sections_are_maps)
{
	load_bad("sources: [a]\nsinks: x\n",
		 "t.yaml:1:10: `sources` is a list; write a map of stages, each under its name\n"
		 "t.yaml:2:8: `sinks` is a single value; write a map of stages, each under its "
		 "name\n");
	load_bad(
	    SOURCE SINK "  a:\n  b: [x]\n  c: x\n",
	    "t.yaml:9:5: `a` is empty; write the stage's options as a map, `type` among them\n"
	    "t.yaml:10:6: `b` is a list; write the stage's options as a map, `type` among them\n"
	    "t.yaml:11:6: `c` is a single value; write the stage's options as a map, `type` among "
	    "them\n");
	load_good(SOURCE SINK "transforms:\n");
}

Test(topology, stage_checks_itself_when_its_table_found_nothing)
{
	load_bad(SOURCE "transforms:\n  keep: {type: sieve, inputs: in, invert: true}\n  more: "
			"{type: sieve, inputs: in, invert: "
			"true, separator: 12345}\nsinks: {out: {type: hole, inputs: '*'}}\n",
		 "t.yaml:6:3: nothing to invert\n"
		 "t.yaml:7:60: `separator` is 5 bytes long; at most 4\n");
}

Test(topology, several_files_are_one)
{
	static const char *const files[] = {"a.yaml", "b.yaml"};

	write_text("a.yaml", "memory: 1MiB\n" SOURCE);
	write_text("b.yaml",
		   "sources: {two: {type: pipe}}\n" SINK "  out2: {type: hole, inputs: two}\n");
	cr_expect_eq(load_with(files, 2, NULL, 0), 0);
	expect_problems("");
	cr_expect_eq(loaded.stage_count, 4);
	expect_text(&loaded.name, "a");
	cr_expect_str_eq(stage_called("two")->at.file, "b.yaml");
}

Test(topology, name_twice_in_several_files_is_told_with_both_places)
{
	static const char *const files[] = {"b.yaml", "a.yaml"};

	write_text("a.yaml", "memory: 1MiB\nlog: info\n" SOURCE "  x: {type: pipe}\n");
	write_text("b.yaml",
		   "sources: {in: {type: pipe}}\n" SINK "memory: 2MiB\nlog: {format: json}\n");
	cr_expect_eq(load_with(files, 2, NULL, 0), -EINVAL);
	expect_problems(
	    "a.yaml:1:1: `memory` stands twice, first at b.yaml:6:1; keep one\n"
	    "a.yaml:2:1: `log` stands twice, first at b.yaml:7:1; keep one\n"
	    "a.yaml:4:3: `in` stands twice, first at b.yaml:1:11; keep one\n"
	    "a.yaml:7:3: nobody reads the source `x`; name it in some `inputs` or remove it\n");
}

Test(topology, directory_is_read_by_name)
{
	cr_assert_eq(mkdir("d", 0700), 0);
	cr_assert_eq(mkdir("d/dir.yaml", 0700), 0);
	write_text("d/b.yaml", SINK);
	write_text("d/a.yaml", SOURCE);
	write_text("d/.hidden.yaml", "nonsense");
	write_text("d/other.txt", "nonsense");
	cr_expect_eq(load_file("d/"), 0);
	expect_problems("");
	expect_text(&loaded.name, "d");
	cr_expect_str_eq(stage_called("in")->at.file, "d/a.yaml");
	write_text("d/b.yaml", SINK "memory: 1\n");
	write_text("d/a.yaml", SOURCE "memory: 1\n");
	cr_expect_eq(load_file("d"), -EINVAL);
	expect_problems("d/a.yaml:5:9: `memory` is 1 without a unit; add B, KB, KiB, MB, MiB, GB, "
			"GiB, TB or TiB\n"
			"d/b.yaml:5:1: `memory` stands twice, first at d/a.yaml:5:1; keep one\n");
}

Test(topology, name_is_the_file_without_its_path_and_ending)
{
	static const char *const paths[] = {"./logs.yaml", "logs.yml", "d/../logs",
					    "./logs.yaml.yaml"};
	static const char *const names[] = {"logs", "logs", "logs", "logs.yaml"};

	cr_assert_eq(mkdir("d", 0700), 0);
	for (size_t i = 0; i < 4; i++) {
		write_text(paths[i], SOURCE SINK);
		cr_assert_eq(load_file(paths[i]), 0);
		expect_text(&loaded.name, names[i]);
	}
}

Test(topology, files_that_cannot_be_read_are_named_and_the_others_checked)
{
	static const char *const files[] = {"missing.yaml", "a.yaml", "empty", "loop.yaml"};

	cr_assert_eq(mkdir("empty", 0700), 0);
	cr_assert_eq(symlink("loop.yaml", "loop.yaml"), 0);
	write_text("a.yaml", "memory: 5\n" SOURCE);
	cr_expect_eq(load_with(files, 4, NULL, 0), -EINVAL);
	expect_problems("a.yaml:1:9: `memory` is 5 without a unit; add B, KB, KiB, MB, MiB, GB, "
			"GiB, TB or TiB\n"
			"empty: no *.yaml file in this directory\n"
			"loop.yaml: can't read this file: Too many levels of symbolic links\n"
			"missing.yaml: can't read this file: No such file or directory\n");
}

Test(topology, syntax_error_hides_no_other_file)
{
	static const char *const files[] = {"a.yaml", "b.yaml"};

	write_text("a.yaml", "a: [\n");
	write_text("b.yaml", "memory: 5\n" SINK);
	cr_expect_eq(load_with(files, 2, NULL, 0), -EINVAL);
	expect_problems("a.yaml:2:1: no YAML: did not find expected node content, while parsing a "
			"flow node that begins at "
			"2:1\n"
			"b.yaml:1:9: `memory` is 5 without a unit; add B, KB, KiB, MB, MiB, GB, "
			"GiB, TB or TiB\n");
}

Test(topology, limits_hold_over_all_files)
{
	static const char *const files[] = {"a.yaml", "b.yaml"};
	static char yaml[160000] = "name: [";

	for (char *end = yaml + strlen(yaml); end < yaml + 120000; end += 2)
		memcpy(end, "x,", 3);
	strcat(yaml, "]\n");
	write_text("a.yaml", yaml);
	write_text("b.yaml", yaml);
	cr_expect_eq(load_with(files, 2, NULL, 0), -EINVAL);
	problems_sort(&problems);
	cr_expect_eq(problems.count, 2);
	cr_expect_str_eq(problems.list[0].text, "`name` is a list; write a text");
	cr_expect_str_eq(problems.list[1].at.file, "b.yaml");
	cr_expect_eq(strncmp(problems.list[1].text, "more than 100000 values in all", 30), 0);
}

Test(topology, number_of_stages_is_limited)
{
	FILE *f = fopen("t.yaml", "w");

	fputs("sources:\n", f);
	for (int i = 0; i < TOPOLOGY_STAGES_MAX; i++)
		fprintf(f, "  s%d: {type: pipe}\n", i);
	fputs("sinks:\n  out: {type: hole, inputs: \"*\"}\n", f);
	fclose(f);
	cr_expect_eq(load_file("t.yaml"), -EINVAL);
	expect_problems("t.yaml:1027:3: more than 1024 stages\n");
}

Test(topology, empty_when_it_could_not_be_loaded)
{
	load_bad("nonsense", "t.yaml:1:1: the file holds a single value; write a map with "
			     "`sources`, `sinks` and so on\n");
	cr_expect_null(loaded.stages);
	topology_release(&loaded);
	topology_release(&loaded);
}

static const char rich[] =
    "name: ${N:-x}\nlog: {level: warn}\nsources:\n"
    "  in: &in {type: tail, paths: [a, '${N:-b}'], multiline: {start: x}}\n"
    "  in2: {<<: *in, linger: 5s}\n"
    "transforms: {keep: {type: sieve, inputs: \"in*\", contains: [q], workers: 2}}\n"
    "sinks: {out: {type: store, inputs: [keep], path: '/x/${file:pw}', compression: zstd}}\n";

/* The smallest limit that is enough; each one below must be survived and told. */
Test(topology, every_shortage_of_memory_is_told_once)
{
	const char *file = "t.yaml", *set = "sinks.out.compression={type: zstd, level: 4}";
	struct topology_request request = {&file, 1,    &set, 1, &fixture_catalog, fixture_variable,
					   0,     false};
	int result = -EINVAL;

	write_text("t.yaml", rich);
	write_text("pw", "hunter2");
	for (request.bytes_max = 1; result && request.bytes_max < 1 << 20; request.bytes_max += 8) {
		result = topology_load(&loaded, &request, &problems);
		if (!result)
			break;
		cr_assert_eq(result, -EINVAL);
		cr_assert_eq(problems.count, 1, "limit %zu", request.bytes_max);
		cr_assert_not_null(strstr(problems.list[0].text, "no memory left"));
		cr_assert_null(loaded.arena);
		problems_release(&problems);
	}
	cr_expect_eq(result, 0);
	cr_expect_gt(request.bytes_max, 10000);
	cr_expect_eq(loaded.stage_count, 4);
}

Test(topology, request_need_not_outlive_the_load)
{
	char *file = strdup("t.yaml"), *set = strdup("name=other");
	const char *files[] = {file}, *sets[] = {set};

	write_text("t.yaml", SOURCE SINK);
	cr_assert_eq(load_with(files, 1, sets, 1), 0);
	memset(file, 'x', strlen(file));
	memset(set, 'x', strlen(set));
	free(file);
	free(set);
	expect_text(&loaded.name, "other");
	cr_expect_str_eq(stage_called("in")->at.file, "t.yaml");
}

Test(topology, sound_stages_are_kept_without_inputs_when_asked_for)
{
	const char *const file = "t.yaml";
	struct topology_request request = {.files = &file,
					   .file_count = 1,
					   .catalog = &fixture_catalog,
					   .variable = fixture_variable,
					   .keep_sound = true};

	write_text(file,
		   SOURCE "transforms: {t: {type: sieve, inputs: [in], contain: x}}\n"
			  "sinks:\n  out: {type: hole, inputs: [t]}\n  no: {type: nowhere}\n");
	cr_assert_eq(topology_load(&loaded, &request, &problems), -EINVAL);
	cr_expect_eq(loaded.stage_count, 2);
	cr_expect_eq(stage_called("out")->input_count, 0);
	expect_text(&((const struct tail_options *)stage_called("in")->options)->paths.items[0],
		    "a");
}

Test(topology, max_size_is_for_queues_that_spill)
{
	load_bad(SOURCE "sinks:\n  out: {type: hole, inputs: in, queue: {when_full: drop_oldest, "
			"max_size: 1GiB}}\n",
		 "t.yaml:6:3: `queue.max_size` is for `when_full: spill`; take one of them away\n");
	load_good(SOURCE
		  "sinks:\n  out: {type: hole, inputs: in, queue: {when_full: spill, max_size: "
		  "2GiB}}\n");
	cr_expect_eq(stage_called("out")->queue_when_full, WHEN_FULL_SPILL);
	cr_expect_eq(stage_called("out")->queue_max_size, UINT64_C(2) << 30);
	const struct spill_options *spill = stage_called("out.spill")->options;
	cr_expect_eq(spill->max_size, UINT64_C(2) << 30);
}
