/* Records that go where expressions send them, over real batches. */
#include "tests/unit/stages/transform_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

TestSuite(route, .fini = transforms_forget);

#define PARSED "transforms:\n  parsed: {type: parse_json, inputs: [in]}\n"
#define ROUTES "routes: {bad: 's >= 500', slow: 'ms > 10'}"
#define ROUTE(more) PARSED "  r: {type: route, inputs: [parsed], " ROUTES more "}\n"

static const char lines[] = "{\"s\":500,\"ms\":1}\n{\"s\":200,\"ms\":20}\n{\"s\":503,\"ms\":30}\n"
			    "{\"s\":200,\"ms\":2}\n{\"s\":200}\n{\"ms\":99}\n";

Test(route, record_goes_to_each_route_that_it_matches_or_is_unmatched)
{
	transforms_pass(ROUTE("") "sinks:\n  b: {type: show, inputs: [r.bad], fields: [s]}\n"
				  "  s: {type: show, inputs: [r.slow], fields: [ms, error]}\n"
				  "  u: {type: show, inputs: [r._unmatched], fields: [error]}\n",
			lines);
	transforms_expect(
	    "b",
	    "{\"s\":500,\"ms\":1} | s=digits \"500\"\n{\"s\":503,\"ms\":30} | s=digits \"503\"\n");
	transforms_expect("s", "{\"s\":200,\"ms\":20} | ms=digits \"20\" error=-\n"
			       "{\"s\":503,\"ms\":30} | ms=digits \"30\" error=-\n"
			       "{\"ms\":99} | ms=digits \"99\" error=\"no such field\"\n");
	transforms_expect(
	    "u", "{\"s\":200,\"ms\":2} | error=-\n{\"s\":200} | error=\"no such field\"\n");
	cr_expect_eq(counter_get(&transforms_counters("r")->refused), 2);
}

Test(route, records_that_cannot_be_told_go_nowhere_else_than_on_error_says)
{
	transforms_pass(
	    ROUTE(", dead_letter: dead") "sinks:\n  b: {type: show, inputs: [r.bad]}\n"
					 "  s: {type: show, inputs: [r.slow]}\n"
					 "  u: {type: show, inputs: [r._unmatched]}\n"
					 "  dead: {type: show, inputs: [], fields: [error]}\n",
	    lines);
	transforms_expect("b", "{\"s\":500,\"ms\":1} |\n{\"s\":503,\"ms\":30} |\n");
	transforms_expect("s", "{\"s\":200,\"ms\":20} |\n{\"s\":503,\"ms\":30} |\n");
	transforms_expect("u", "{\"s\":200,\"ms\":2} |\n");
	transforms_expect(
	    "dead",
	    "{\"s\":200} | error=\"no such field\"\n{\"ms\":99} | error=\"no such field\"\n");
	transforms_pass(
	    ROUTE(", on_error: drop") "sinks:\n  u: {type: show, inputs: [r._unmatched]}\n", lines);
	transforms_expect("u", "{\"s\":200,\"ms\":2} |\n");
	cr_expect_eq(counter_get(&transforms_counters("r")->lost[LOSS_REFUSED]), 2);
	cr_expect_eq(
	    transforms_run(ROUTE(", on_error: stop") "sinks: {u: {type: show, inputs: [r.bad]}}\n",
			   lines, strlen(lines)),
	    -EBADMSG);
}

Test(route, one_sink_may_read_several_outputs_and_several_sinks_one)
{
	transforms_pass(ROUTE("") "sinks:\n  a: {type: show, inputs: ['r.*']}\n"
				  "  b: {type: show, inputs: [r.bad, r.slow]}\n"
				  "  c: {type: show, inputs: [r.slow], fields: [ms]}\n",
			"{\"s\":500,\"ms\":20}\n{\"s\":1,\"ms\":1}\n");
	transforms_expect(
	    "a", "{\"s\":500,\"ms\":20} |\n{\"s\":500,\"ms\":20} |\n{\"s\":1,\"ms\":1} |\n");
	transforms_expect("b", "{\"s\":500,\"ms\":20} |\n{\"s\":500,\"ms\":20} |\n");
	transforms_expect("c", "{\"s\":500,\"ms\":20} | ms=digits \"20\"\n");
}

Test(route, what_one_output_gets_is_no_others)
{
	transforms_pass(
	    ROUTE("") "  t: {type: set, inputs: [r.bad], fields: {x: '1', body: '\"b\"'}}\n"
		      "  v: {type: set, inputs: [r.slow], fields: {x: '2'}}\n"
		      "sinks:\n  b: {type: show, inputs: [t], fields: [x]}\n"
		      "  s: {type: show, inputs: [v], fields: [x]}\n",
	    "{\"s\":500,\"ms\":20}\n{\"s\":500,\"ms\":1}\n{\"s\":1,\"ms\":30}\n");
	transforms_expect("b", "b | x=1\nb | x=1\n");
	transforms_expect("s", "{\"s\":500,\"ms\":20} | x=2\n{\"s\":1,\"ms\":30} | x=2\n");
}

Test(route, routes_behind_routes_keep_all_in_order)
{
	transforms_pass(
	    PARSED
	    "  r: {type: route, inputs: [parsed], routes: {low: 'n < 3', all: 'true'}}\n"
	    "  q: {type: route, inputs: [r.low, r.all], workers: 2, routes: {odd: 'n % 2 == 1'}}\n"
	    "sinks:\n  o: {type: show, inputs: [q.odd]}\n  e: {type: show, inputs: "
	    "[q._unmatched]}\n",
	    "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
	transforms_expect("o", "{\"n\":1} |\n{\"n\":1} |\n{\"n\":3} |\n");
	transforms_expect("e", "{\"n\":2} |\n{\"n\":2} |\n");
}

Test(route, plain_name_of_a_route_is_refused_with_those_it_has)
{
	transforms_refuse(
	    ROUTE("") "sinks: {a: {type: show, inputs: [r]}, b: {type: show, inputs: [r.bd]}}\n",
	    "t.yaml:4:34: `r` sends its records to outputs of their own; read `r.bad`, `r.slow` or "
	    "`r._unmatched`\n"
	    "t.yaml:4:64: `r` has no output `bd`; did you mean `bad`?\n");
	transforms_refuse(ROUTE("") "sinks: {a: {type: show, inputs: [in]}}\n",
			  "t.yaml:3:3: nobody reads the transform `r`; name its outputs in some "
			  "`inputs` or remove it\n");
	transforms_refuse(ROUTE("") "sinks: {a: {type: show, inputs: ['r*.x*']}}\n",
			  "t.yaml:3:3: nobody reads the transform `r`; name its outputs in some "
			  "`inputs` or remove it\n"
			  "t.yaml:4:34: `r*.x*` matches no source or transform\n");
}

Test(route, stage_whose_dead_letters_alone_are_read_is_read_by_nobody)
{
	transforms_refuse(
	    PARSED "  f: {type: filter, inputs: [parsed], where: a, dead_letter: dead}\n"
		   "sinks: {dead: {type: show, inputs: []}}\n",
	    "t.yaml:3:3: nobody reads the transform `f`; name it in some `inputs` or remove it\n");
}

Test(route, outputs_that_nobody_reads_are_worth_a_warning)
{
	transforms_warn(
	    ROUTE("") "sinks: {a: {type: show, inputs: [r.bad]}}\n",
	    "t.yaml:3:3: warning: nobody reads `r.slow`; records that go there end there\n");
	transforms_warn(ROUTE("") "sinks: {a: {type: show, inputs: [r.bad, r.slow]}}\n", "");
}

Test(route, wildcards_without_a_dot_leave_routes_out)
{
	transforms_pass(
	    ROUTE("") "sinks: {a: {type: show, inputs: ['*']}, b: {type: show, inputs: ['r.*']}}\n",
	    "{\"s\":1,\"ms\":1}\n");
	transforms_expect("a", "{\"s\":1,\"ms\":1} |\n{\"s\":1,\"ms\":1} |\n");
	transforms_expect("b", "{\"s\":1,\"ms\":1} |\n");
}

Test(route, mistakes_are_told_at_load_with_their_columns)
{
	transforms_refuse(
	    "transforms:\n  r:\n    type: route\n    inputs: [in]\n    routes:\n"
	    "      _a: 'true'\n      b-c: 'true'\n      d: 'x + '\n      e: '\"yes\"'\n"
	    "sinks: {a: {type: show, inputs: [r.d]}}\n",
	    "t.yaml:6:7: `_a` can't name an output; take up to 64 letters, digits and `_`, no `_` "
	    "first\n"
	    "t.yaml:7:7: `b-c` can't name an output; take up to 64 letters, digits and `_`, no `_` "
	    "first\n"
	    "t.yaml:8:15: `d`: expected a value, a name or `(`, not the end of the expression\n"
	    "t.yaml:9:10: `e` has to be true or false for each record\n");
}
