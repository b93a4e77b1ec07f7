/* Sinks that are others, and sinks whose records may go to another. */
#include "tests/unit/conf/load_fixture.h"

TestSuite(sink_chain, .init = fixture_begin, .fini = fixture_end);

#define PIPE "sources: {in: {type: pipe}}\n"

static void expect_input(const char *reader, const char *from, unsigned output)
{
	const struct topology_stage *s = stage_called(reader);
	cr_assert_eq(s->input_count, 1);
	cr_expect_str_eq(loaded.stages[s->inputs[0].stage].id.bytes, from);
	cr_expect_eq(s->inputs[0].output, output);
}

Test(sink_chain, each_sink_gets_what_the_one_before_it_could_not_store)
{
	load_good(PIPE "sinks:\n"
		       "  last: {type: hole, inputs: []}\n"
		       "  all: {type: chain, inputs: [in], sinks: [near, further, last]}\n"
		       "  further: {type: far, inputs: []}\n"
		       "  near: {type: far, inputs: []}\n");
	expect_input("all", "in", OUTPUT_MAIN);
	expect_input("near", "all", OUTPUT_MAIN);
	expect_input("further", "near", OUTPUT_FAILED);
	expect_input("last", "further", OUTPUT_FAILED);
	cr_expect_eq(stage_called("all")->schema->kind, STAGE_TRANSFORM);
	cr_expect_eq(stage_called("near")->on_error, ON_ERROR_FALL_BACK);
	cr_expect_eq(stage_called("further")->on_error, ON_ERROR_FALL_BACK);
}

Test(sink_chain, last_sink_may_say_what_becomes_of_what_it_cannot_store)
{
	load_good(PIPE "sinks:\n"
		       "  all: {type: chain, inputs: [in], sinks: [a, b]}\n"
		       "  a: {type: far, inputs: []}\n"
		       "  b: {type: far, inputs: [], dead_letter: c}\n"
		       "  c: {type: hole, inputs: []}\n");
	expect_input("c", "b", OUTPUT_FAILED);
	cr_expect_eq(stage_called("b")->on_error, ON_ERROR_DEAD_LETTER);
}

Test(sink_chain, names_that_make_no_chain_are_told)
{
	load_bad(PIPE "sinks:\n"
		      "  all: {type: chain, inputs: [in], sinks: [neer, in]}\n"
		      "  near: {type: far, inputs: [in]}\n",
		 "t.yaml:3:44: no sink `neer`; did you mean `near`?\n"
		 "t.yaml:3:50: no sink `in`; `sinks` names those to try, in order\n");
	load_bad(
	    PIPE
	    "sinks:\n"
	    "  all: {type: chain, inputs: [in], sinks: [all, near, never, wrong, last, last]}\n"
	    "  near: {type: far, inputs: [in]}\n"
	    "  never: {type: hole, inputs: []}\n"
	    "  wrong: {type: far, inputs: [], on_error: drop}\n"
	    "  last: {type: far, inputs: []}\n",
	    "t.yaml:3:44: `all` can't stand in its own `sinks`\n"
	    "t.yaml:3:49: `near` has `inputs` of its own; a sink that stands in `sinks` gets its "
	    "records from there, so write `inputs: []`\n"
	    "t.yaml:3:55: `never` never gives a record up, so those behind it would get nothing; "
	    "put it last\n"
	    "t.yaml:3:62: `wrong` has an `on_error`, but what it cannot store goes to the one "
	    "behind it; take it away\n"
	    "t.yaml:3:75: `last` stands in `sinks` twice; one sink stores what it gets once\n");
}

Test(sink_chain, who_tries_for_ever_must_be_the_last)
{
	load_bad(
	    PIPE "sinks:\n"
		 "  all: {type: chain, inputs: [in], sinks: [near, last]}\n"
		 "  near: {type: far, inputs: [], patient: true}\n"
		 "  last: {type: far, inputs: [], patient: true}\n",
	    "t.yaml:3:44: `near` tries for ever, so those behind it would get nothing while it "
	    "fails; give it a `circuit_breaker`, or `retry: {max_attempts: 3}`\n");
}

Test(sink_chain, a_sink_drops_stops_or_sends_elsewhere_what_it_cannot_store)
{
	load_good(PIPE "sinks:\n"
		       "  a: {type: far, inputs: [in]}\n"
		       "  b: {type: far, inputs: [in], on_error: drop}\n"
		       "  c: {type: far, inputs: [in], dead_letter: d}\n"
		       "  d: {type: hole, inputs: []}\n");
	cr_expect_eq(stage_called("a")->on_error, ON_ERROR_STOP);
	cr_expect_eq(stage_called("b")->on_error, ON_ERROR_DROP);
	cr_expect_eq(stage_called("c")->on_error, ON_ERROR_DEAD_LETTER);
	load_bad(PIPE "sinks: {a: {type: far, inputs: [in], on_error: pass}}\n",
		 "t.yaml:2:48: `on_error` is `pass`; write `drop`, `dead_letter` or `stop`\n");
	load_bad(PIPE "sinks: {a: {type: hole, inputs: [in], on_error: drop}}\n",
		 "t.yaml:2:39: no `on_error` here: this sink gives up no record: what it "
		 "cannot write waits, or ends the run\n");
}

Test(sink_chain, sinks_that_send_each_other_what_they_cannot_store_are_told)
{
	load_bad(PIPE "sinks:\n"
		      "  a: {type: far, inputs: [in], dead_letter: b}\n"
		      "  b: {type: far, inputs: [], dead_letter: a}\n",
		 "t.yaml:4:43: these stages read each other in a cycle: a -> b -> a; take one "
		 "input away\n");
}

Test(sink_chain, of_sinks_that_a_mistaken_chain_may_name_nothing_is_told)
{
	load_bad(PIPE "sinks:\n"
		      "  all: {type: chain, inputs: [in], sinks: [near], oops: 1}\n"
		      "  near: {type: far, inputs: []}\n",
		 "t.yaml:3:51: unknown option `oops`; there is `type`, `inputs`, `ordered`, "
		 "`queue` or `sinks`\n");
}
