#include "tests/unit/conf/load_fixture.h"

TestSuite(topology_test, .init = fixture_begin, .fini = fixture_end);

/* Its lines are 1 to 8; what a test adds begins in line 9. */
#define STAGES                                                                                     \
	"sources:\n  in: {type: pipe}\n  other: {type: pipe}\n"                                    \
	"transforms: {a: {type: sieve, inputs: in}, ways: {type: fork, inputs: [a, other]}}\n"     \
	"sinks:\n  out: {type: hole, inputs: [a]}\n  left: {type: hole, inputs: [ways.left]}\n"    \
	"  rest: {type: hole, inputs: [ways, ways.right]}\n"

static void expect_bad(const char *tests, const char *expected)
{
	char yaml[4096];

	cr_assert_lt(snprintf(yaml, sizeof yaml, STAGES "%s", tests), (int)sizeof yaml);
	load_bad(yaml, expected);
}

static const struct topology_test *only_test(void)
{
	cr_assert_eq(loaded.tests.count, 1);
	return loaded.tests.list;
}

static void expect_place(struct place at, unsigned line, unsigned column)
{
	cr_expect_eq(at.line, line);
	cr_expect_eq(at.column, column);
}

Test(topology_test, all_of_a_test_is_read)
{
	load_good(STAGES
		  "tests:\n"
		  "  - name: it works\n"
		  "    at: a\n"
		  "    time: 2026-01-01T00:00:00Z\n"
		  "    input: [one]\n"
		  "    expect:\n"
		  "      - {from: out, records: [one, ''], count: 2, each: 'true', any: 'x'}\n");
	const struct topology_test *t = only_test();
	expect_text(&t->name, "it works");
	expect_text(&t->time, "2026-01-01T00:00:00Z");
	expect_place(t->at, 10, 5);
	cr_assert_eq(t->record_count, 1);
	expect_text(&t->records[0].body, "one");
	cr_assert_eq(t->expectation_count, 1);
	const struct test_expectation *e = t->expectations;
	expect_place(e->at, 15, 9);
	cr_expect(e->has_records && e->has_count);
	cr_assert_eq(e->records.count, 2);
	expect_text(&e->records.items[1], "");
	cr_expect_eq(e->count, 2);
	expect_text(&e->each, "true");
	expect_text(&e->any, "x");
}

Test(topology_test, none_expected_is_not_nothing_expected)
{
	load_good(STAGES
		  "tests: [{name: x, at: in, input: [''], expect: [{from: out, records: []}]}]\n");
	cr_expect(only_test()->expectations[0].has_records);
	cr_expect_eq(only_test()->expectations[0].records.count, 0);
	cr_expect(!only_test()->expectations[0].has_count);
}

Test(topology_test, stages_and_outputs_are_found_where_they_are)
{
	load_good(STAGES
		  "tests:\n  - name: x\n    at: ways\n    input: [a]\n"
		  "    expect: [{from: ways.right, count: 1}, {from: ways, count: 1}, {from: "
		  "rest, count: 1}]\n");
	const struct topology_test *t = only_test();
	cr_expect_str_eq(loaded.stages[t->entry].id.bytes, "ways");
	cr_expect_eq(t->expectations[0].stage, t->entry);
	cr_expect_eq(t->expectations[0].output, OUTPUT_NAMED + 1);
	cr_expect_eq(t->expectations[1].output, OUTPUT_MAIN);
	cr_expect_str_eq(loaded.stages[t->expectations[2].stage].id.bytes, "rest");
}

Test(topology_test, fields_know_whether_they_were_quoted)
{
	load_good(STAGES "tests:\n  - name: x\n    at: a\n"
			 "    input: [{body: b, fields: {n: 1, t: \"1\", none: }}]\n"
			 "    expect: [{from: a, count: 1}]\n");
	const struct test_record *r = only_test()->records;
	cr_assert_eq(r->field_count, 3);
	expect_text(&r->fields[0].name, "n");
	expect_text(&r->fields[0].value, "1");
	cr_expect(r->fields[0].is_plain);
	cr_expect(!r->fields[1].is_plain);
	cr_expect_null(r->fields[2].value.bytes);
	expect_text(&r->body, "b");
}

Test(topology_test, tests_of_several_files_come_one_after_the_other)
{
	static const char *const files[] = {"1.yaml", "2.yaml", "3.yaml"};
	write_text("1.yaml",
		   STAGES "tests: [{name: x, at: a, input: [a], expect: [{from: a, count: 1}]}]\n");
	write_text("2.yaml", "tests: [{name: y, at: a, input: [a], expect: [{from: a, count: 1}]},"
			     "{name: z, at: a, input: [a], expect: [{from: a, count: 1}]}]\n");
	write_text("3.yaml", "memory: 1MiB\n");
	cr_assert_eq(load_with(files, 3, NULL, 0), 0);
	cr_assert_eq(loaded.tests.count, 3);
	expect_text(&loaded.tests.list[0].name, "x");
	expect_text(&loaded.tests.list[2].name, "z");
	cr_expect_str_eq(loaded.tests.list[2].at.file, "2.yaml");
}

Test(topology_test, tests_may_be_empty)
{
	load_good(STAGES "tests:\n");
	cr_expect_eq(loaded.tests.count, 0);
	load_good(STAGES "tests: []\n");
	cr_expect_eq(loaded.tests.count, 0);
}

Test(topology_test, everything_wrong_is_told_at_its_place)
{
	expect_bad(
	    "tests:\n"
	    "  - nme: x\n"
	    "    at: a\n"
	    "    input: []\n"
	    "    expect: [{from: a}, 7, {from: a, cont: 1}, {count: many, from: a}]\n"
	    "  - name: y\n"
	    "    at: a\n"
	    "    input: [[1], {bdy: b, fields: {f: [1]}}, ]\n"
	    "    expect: x\n"
	    "  - just this\n",
	    "t.yaml:10:5: unknown key `nme`; did you mean `name`?\n"
	    "t.yaml:12:12: `input` is empty; write a list of records\n"
	    "t.yaml:13:14: nothing is expected from `a`; write `records`, `count`, `each` or "
	    "`any`\n"
	    "t.yaml:13:25: an item of `expect` is a single value; write a map like {from: "
	    "stage, count: 1}\n"
	    "t.yaml:13:38: unknown key `cont`; did you mean `count`?\n"
	    "t.yaml:13:56: `count` is `many`; write a whole number\n"
	    "t.yaml:16:13: an item of `input` is a list; write the record as a text, or {body: "
	    "..., fields: {...}}\n"
	    "t.yaml:16:19: unknown key `bdy`; did you mean `body`?\n"
	    "t.yaml:16:39: the field `f` is a list; write a single value, or put it into the "
	    "body and enter at what parses it\n"
	    "t.yaml:17:13: `expect` is a single value; write a list of what is to come out\n"
	    "t.yaml:18:5: an item of `tests` is a single value; write a map with `name`, `at`, "
	    "`input` and `expect`\n");
}

Test(topology_test, a_map_of_tests_is_told)
{
	expect_bad("tests: {x: 1}\n",
		   "t.yaml:9:8: `tests` is a map; write a list of tests, each with `name`, `at`, "
		   "`input` and `expect`\n");
}

Test(topology_test, what_is_missing_is_told)
{
	expect_bad(
	    "tests: [{name: x}]\n",
	    "t.yaml:9:9: the required key `at` is missing; write `at:` and a text\n"
	    "t.yaml:9:9: the required key `expect` is missing; write `expect:` and a list of "
	    "what is to come out\n"
	    "t.yaml:9:9: the required key `input` is missing; write `input:` and a list of "
	    "records\n");
}

#define AROUND(at, from)                                                                           \
	"tests: [{name: x, at: " at ", input: [a], expect: [{from: " from ", count: 1}]}]\n"

Test(topology_test, unknown_stages_are_told_with_the_nearest_name)
{
	expect_bad(AROUND("othre", "wayz.left"),
		   "t.yaml:9:23: no stage `othre`; did you mean `other`?\n"
		   "t.yaml:9:58: no stage `wayz`; did you mean `ways`?\n");
	expect_bad(AROUND("elsewhere", "nowhere"),
		   "t.yaml:9:23: no stage `elsewhere`; name a source or a transform\n"
		   "t.yaml:9:62: no stage `nowhere`; name a source, a transform or a sink\n");
}

Test(topology_test, records_do_not_enter_at_sinks_or_outputs)
{
	expect_bad(AROUND("out", "out"),
		   "t.yaml:9:23: `out` is a sink; records enter at a source or a transform\n");
	expect_bad(
	    AROUND("ways.left", "left"),
	    "t.yaml:9:23: records enter at a stage, not at one of its outputs; write `ways`\n");
}

Test(topology_test, outputs_that_are_not_there_are_told)
{
	expect_bad(AROUND("a", "ways.lefd"),
		   "t.yaml:9:54: `ways` has no output `lefd`; did you mean `left`?\n");
	expect_bad(AROUND("a", "a.left"),
		   "t.yaml:9:54: `a` has no outputs with names; write `a`\n");
}

Test(topology_test, what_nothing_can_come_to_is_told)
{
	expect_bad(
	    AROUND("ways", "a"),
	    "t.yaml:9:57: nothing that enters at `ways` comes to `a`; enter it further up\n");
	expect_bad(
	    AROUND("other", "out"),
	    "t.yaml:9:58: nothing that enters at `other` comes to `out`; enter it further up\n");
}

Test(topology_test, mistakes_in_stages_are_told_beside_those_in_tests)
{
	load_bad("sources: {in: {type: pipe}}\nsinks: {out: {type: hole, inputs: [inn]}}\n"
		 "tests: [{name: x, at: on, input: [a], expect: [{from: ot, count: 1}]}]\n",
		 "t.yaml:2:36: unknown input `inn`; did you mean `in`?\n"
		 "t.yaml:3:23: no stage `on`; did you mean `in`?\n"
		 "t.yaml:3:55: no stage `ot`; did you mean `out`?\n");
}
