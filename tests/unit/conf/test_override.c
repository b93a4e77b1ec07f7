#include "tests/unit/conf/load_fixture.h"

TestSuite(override, .init = fixture_begin, .fini = fixture_end);

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static int load_set(const char *yaml, const char *const *sets, size_t count)
{
	const char *file = "t.yaml";

	write_text(file, yaml);
	return load_with(&file, 1, sets, count);
}

/* what: is said behind "--set KEY: ". */
static void expect_refusal(const char *set, const char *what)
{
	char expected[300];
	int key = (int)strcspn(set, "=");

	cr_expect_eq(load_set(SOURCE SINK, &set, 1), -EINVAL, "%s", set);
	snprintf(expected, sizeof(expected), "--set%s%.*s: %s", key ? " " : "", key, set, what);
	expect_problems(expected);
}

Test(override, replaces_values_and_creates_what_is_missing)
{
	static const char *const sets[] = {"memory=1GiB", "sources.in.max_line=32B",
					   "log.level=warn", "sources.in.multiline.start=x",
					   "sinks.out.queue.capacity=3"};

	cr_assert_eq(load_set("memory: 5\n" SOURCE SINK, sets, COUNT(sets)), 0);
	const struct tail_options *o = stage_called("in")->options;
	cr_expect_eq(loaded.memory, 1 << 30);
	cr_expect_eq(loaded.log_level, LOG_LEVEL_WARN);
	cr_expect_eq(o->max_line, 32);
	expect_text(&o->multiline.start, "x");
	cr_expect(o->multiline_given);
	cr_expect_eq(stage_called("out")->queue_capacity, 3);
}

Test(override, value_behind_a_colon_is_yaml)
{
	static const char *const sets[] = {"sources.in.paths:=[x, 'y z']",
					   "sinks.two:={type: hole, inputs: in}",
					   "name:=\"a=b.c\""};

	cr_assert_eq(load_set(SOURCE SINK, sets, COUNT(sets)), 0);
	const struct tail_options *o = stage_called("in")->options;
	cr_expect_eq(o->paths.count, 2);
	expect_text(&o->paths.items[1], "y z");
	cr_expect_str_eq(o->paths.items[1].at.file, "--set sources.in.paths");
	cr_expect_eq(o->paths.items[1].at.line, 0);
	cr_expect_eq(stage_called("two")->input_count, 1);
	expect_text(&loaded.name, "a=b.c");
}

Test(override, text_is_taken_as_it_stands)
{
	static const char *const texts[] = {
	    "[05]",      "[05]$",      "'a'",    "\"a\"",  "x #y", "|",    ">",   "*",
	    "%",         "@",          "`",      "!t",     "&a",   "a: b", "- a", "{a: 1}",
	    "{a: 1, a}", "{\"a\": 1}", " a ",    "a\\n\t", "~",    "null", "#",   "{{[",
	    "? a",       "---",        "# a: b", "a\n- b", "=",    ":=",   "a:=b"};
	static const char *const keys[] = {
	    "name=", "sources.in.paths=", "sources.in.multiline.start="};
	char sets[COUNT(keys)][100];

	for (size_t i = 0; i < COUNT(texts); i++) {
		const char *const given[] = {sets[0], sets[1], sets[2]};
		for (size_t k = 0; k < COUNT(keys); k++)
			snprintf(sets[k], sizeof(sets[k]), "%s%s", keys[k], texts[i]);
		cr_assert_eq(load_set(SOURCE SINK, given, COUNT(given)), 0, "%s", texts[i]);
		expect_problems("");
		const struct tail_options *o = stage_called("in")->options;
		expect_text(&loaded.name, texts[i]);
		expect_text(&o->multiline.start, texts[i]);
		cr_assert_eq(o->paths.count, 1, "%s", texts[i]);
		expect_text(&o->paths.items[0], texts[i]);
	}
}

Test(override, text_that_looks_like_a_list_is_one_text_and_a_warning)
{
	static const char *const sets[] = {"sources.in.paths=[a, b]"};

	cr_assert_eq(load_set(SOURCE SINK, sets, 1), 0);
	expect_text(&((const struct tail_options *)stage_called("in")->options)->paths.items[0],
		    "[a, b]");
	expect_problems("--set sources.in.paths: warning: `[a, b]` is taken as one text, as it "
			"stands; a list is given with `:=` in the place of `=`\n");
}

Test(override, stages_and_groups_are_maps_without_a_colon_too)
{
	static const char *const sets[] = {
	    "sinks.two={type: hole, inputs: in, queue: {capacity: 3}}",
	    "sources.in.multiline={start: '{x}', max_lines: 7}", "sinks.two.queue.capacity=5"};

	cr_assert_eq(load_set(SOURCE SINK, sets, COUNT(sets)), 0);
	const struct tail_options *o = stage_called("in")->options;
	expect_text(&o->multiline.start, "{x}");
	cr_expect_eq(o->multiline.max_lines, 7);
	cr_expect_eq(stage_called("two")->queue_capacity, 5);
}

Test(override, what_is_typed_for_another_type_is_told_as_it_was_typed)
{
	expect_refusal("memory=[5]", "`memory` is `[5]`; write a size like 64KiB, 1MiB or 10MB\n");
	expect_refusal("memory={a: 1}",
		       "`memory` is a map; write a size like 64KiB, 1MiB or 10MB\n");
	expect_refusal("sinks.out.type={a: 1}",
		       "unknown sink type `{a: 1}`; `sluice list` names those in this build\n");
}

Test(override, items_may_follow_a_single_text)
{
	static const char *const sets[] = {"sources.in.paths={a: b}", "sources.in.paths.1=c"};

	cr_assert_eq(load_set(SOURCE SINK, sets, COUNT(sets)), 0);
	const struct tail_options *o = stage_called("in")->options;
	cr_assert_eq(o->paths.count, 2);
	expect_text(&o->paths.items[0], "{a: b}");
	expect_text(&o->paths.items[1], "c");
}

Test(override, variables_are_filled_in_once_where_a_text_looks_like_a_map)
{
	static const char *const sets[] = {"name={a: \"${WORD}\", b: $$}"};

	setenv("WORD", "${x}", 1);
	cr_assert_eq(load_set(SOURCE SINK, sets, 1), 0);
	expect_text(&loaded.name, "{a: \"${x}\", b: $}");
}

Test(override, list_items_go_by_number)
{
	static const char *const sets[] = {"sources.in.paths.0=x", "sources.in.paths.1=y"};

	cr_assert_eq(load_set(SOURCE SINK, sets, COUNT(sets)), 0);
	const struct tail_options *o = stage_called("in")->options;
	cr_expect_eq(o->paths.count, 2);
	expect_text(&o->paths.items[0], "x");
	expect_text(&o->paths.items[1], "y");
	expect_refusal("sources.in.paths.3=x", "the path goes through "
					       "a list; an item is named by its number, from "
					       "0\n");
	expect_refusal("sources.in.paths.x=x", "the path goes through "
					       "a list; an item is named by its number, from "
					       "0\n");
}

Test(override, last_of_several_wins)
{
	static const char *const sets[] = {"name=a", "name=b"};

	cr_assert_eq(load_set(SOURCE SINK, sets, COUNT(sets)), 0);
	expect_text(&loaded.name, "b");
}

Test(override, variables_are_filled_in_and_what_is_replaced_needs_none)
{
	static const char *const sets[] = {"name=${WORD}"};

	setenv("WORD", "hello", 1);
	unsetenv("UNSET");
	cr_assert_eq(load_set("name: ${UNSET}\n" SOURCE SINK, sets, 1), 0);
	expect_text(&loaded.name, "hello");
}

Test(override, alias_of_what_is_set_stays)
{
	static const char *const sets[] = {"sources.in.paths.0=x"};

	cr_assert_eq(load_set("sources:\n  in: &a {type: tail, paths: [a]}\n  b: *a\nsinks: {o: "
			      "{type: hole, inputs: '*'}}\n",
			      sets, 1),
		     0);
	expect_text(&((const struct tail_options *)stage_called("in")->options)->paths.items[0],
		    "x");
	expect_text(&((const struct tail_options *)stage_called("b")->options)->paths.items[0],
		    "a");
}

Test(override, mistakes_are_told_without_a_line)
{
	expect_refusal(
	    "memory=5",
	    "`memory` is 5 without a unit; add B, KB, KiB, MB, MiB, GB, GiB, TB or TiB\n");
	expect_refusal("memori=5MiB", "unknown key `memori`; did you mean `memory`?\n");
	expect_refusal("sources.in.max_lin=5B",
		       "unknown option `max_lin`; did you mean `max_line`?\n");
	expect_refusal("name=${UN_SET}",
		       "the variable `UN_SET` is not set; set it or write `${UN_SET:-default}`\n");
	expect_refusal("name=", "`name` has no value; write a text\n");
	expect_refusal("sinks=x",
		       "`sinks` is a single value; write a map of stages, each under its name\n");
}

Test(override, arguments_that_are_no_assignment_are_told)
{
	static const char *const bad[] = {"name", "=x", ".a=x", "a..b=x", "a.=x", ""};

	for (size_t i = 0; i < COUNT(bad); i++)
		expect_refusal(bad[i], "no KEY=VALUE; write it like sinks.archive.path=/tmp/x\n");
	cr_expect_eq(load_set(SOURCE SINK, (const char *const[]){":=x"}, 1), -EINVAL);
	expect_problems("--set: no KEY=VALUE; write it like sinks.archive.path=/tmp/x\n");
}

Test(override, yaml_that_is_none_is_told)
{
	static const char *const bad[] = {"name:=[a", "name:={a: 1, a: 2}"};

	cr_expect_eq(load_set(SOURCE SINK, &bad[0], 1), -EINVAL);
	expect_problems("--set name: no YAML: did not find expected ',' or ']'\n");
	cr_expect_eq(load_set(SOURCE SINK, &bad[1], 1), -EINVAL);
	expect_problems("--set name: `a` stands twice in one map; keep one\n");
}

Test(override, paths_end_at_single_values)
{
	expect_refusal("sources.in.type.x=secret", "the path goes through a single value; set the "
						   "whole of it as {key: "
						   "value}\n");
}

Test(override, depth_is_limited)
{
	char set[400] = "a";

	for (int i = 0; i < 70; i++)
		strcat(set, ".a");
	strcat(set, "=1");
	cr_expect_eq(load_set(SOURCE SINK, (const char *const[]){set}, 1), -EINVAL);
	cr_expect_eq(problems.count, 1);
	cr_expect_not_null(strstr(problems.list[0].text, "nested too deep"));
}

Test(override, stage_that_is_mistyped_is_not_made)
{
	expect_refusal(
	    "sinks.oot.queue.capacity=3",
	    "there is no stage `oot`; did you mean `out`? A new one is set whole, as {type: "
	    "..., ...}\n");
	expect_refusal(
	    "sinks.oot.type=hole",
	    "there is no stage `oot`; did you mean `out`? A new one is set whole, as {type: "
	    "..., ...}\n");
}

Test(override, each_mistake_names_its_argument)
{
	static const char *const sets[] = {"sources.in.max_lin=5B", "sinks.out.typ=x"};

	cr_expect_eq(load_set(SOURCE SINK, sets, COUNT(sets)), -EINVAL);
	expect_problems("--set sinks.out.typ: unknown option `typ`; did you mean `type`?\n"
			"--set sources.in.max_lin: unknown option `max_lin`; did you mean "
			"`max_line`?\n");
}
