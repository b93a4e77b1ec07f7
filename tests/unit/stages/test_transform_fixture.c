/* What the fixture itself says of records that are filtered, fail and are seen by several. */
#include "tests/unit/stages/transform_fixture.h"

#include <criterion/criterion.h>

TestSuite(transform_fixture, .fini = transforms_forget);

#define PARSED "  parsed: {type: parse_json, inputs: [in]}\n"

static const char lines[] = "{\"status\": 200, \"path\": \"/a\"}\n"
			    "{\"status\": 500, \"path\": \"/b\"}\n"
			    "no JSON\n";

Test(transform_fixture, fields_that_a_sink_reads_are_there)
{
	transforms_pass("transforms:\n" PARSED
			"sinks: {out: {type: show, inputs: [parsed], fields: [status, path]}}\n",
			lines);
	transforms_expect(
	    "out", "{\"status\": 200, \"path\": \"/a\"} | status=digits \"200\" path=\"/a\"\n"
		   "{\"status\": 500, \"path\": \"/b\"} | status=digits \"500\" path=\"/b\"\n"
		   "no JSON | status=- path=-\n");
	cr_expect_eq(counter_get(&transforms_counters("parsed")->refused), 1);
}

Test(transform_fixture, objects_are_there_for_who_writes_out_all)
{
	transforms_pass(
	    "transforms:\n" PARSED
	    "  some: {type: filter, inputs: [parsed], where: 'status > 200', on_error: drop}\n"
	    "sinks: {out: {type: show, inputs: [some], all: true}}\n",
	    lines);
	transforms_expect(
	    "out", "{\"status\": 500, \"path\": \"/b\"} | {\"status\": 500, \"path\": \"/b\"}\n");
}

Test(transform_fixture, batches_are_as_small_as_the_test_says)
{
	transforms_pass("sources: {in: {type: lines, per_batch: 1}}\ntransforms:\n" PARSED
			"sinks: {out: {type: show, inputs: [parsed], fields: [error]}}\n",
			lines);
	transforms_expect("out", "{\"status\": 200, \"path\": \"/a\"} | error=-\n"
				 "{\"status\": 500, \"path\": \"/b\"} | error=-\n"
				 "no JSON | error=\"not an object\"\n");
}

Test(transform_fixture, problems_are_told_with_their_places)
{
	transforms_refuse(
	    "transforms: {f: {type: filter, inputs: [in], where: 'a +'}}\n"
	    "sinks: {out: {type: show, inputs: [f]}}\n",
	    "t.yaml:1:57: `where`: expected a value, a name or `(`, not the end of the "
	    "expression\n");
}
