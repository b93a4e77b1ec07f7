#include "tests/unit/conf/load_fixture.h"

TestSuite(wiring, .init = fixture_begin, .fini = fixture_end);

/* Each stage's inputs as "id<-id,id; ", in the topology's order. */
static void expect_graph(const char *expected)
{
	char graph[1000] = "";

	for (size_t i = 0; i < loaded.stage_count; i++) {
		const struct topology_stage *s = &loaded.stages[i];
		sprintf(graph + strlen(graph), "%s%s", i ? " " : "", s->id.bytes);
		for (size_t j = 0; j < s->input_count; j++) {
			cr_expect_lt(s->inputs[j].stage, i);
			sprintf(graph + strlen(graph), "%s%s", j ? "," : "<-",
				loaded.stages[s->inputs[j].stage].id.bytes);
		}
	}
	cr_expect_str_eq(graph, expected, "%s", graph);
}

#define PIPE "sources: {in: {type: pipe}}\n"
#define HOLE "sinks: {out: {type: hole, inputs: [in]}}\n"

Test(wiring, inputs_stand_before_their_readers)
{
	load_good("sinks: {z: {type: hole, inputs: c}, y: {type: hole, inputs: [in, b]}}\n"
		  "transforms:\n  c: {type: sieve, inputs: b}\n  b: {type: sieve, inputs: a}\n  a: "
		  "{type: sieve, inputs: in}\n" PIPE);
	expect_graph("in a<-in b<-a y<-in,b c<-b z<-c");
}

Test(wiring, wildcards_match_sources_and_transforms)
{
	load_good("sources: {app_1: {type: pipe}, app_2: {type: pipe}, other: {type: pipe}, app: "
		  "{type: pipe}}\n"
		  "transforms: {app_3: {type: sieve, inputs: app_*}}\n"
		  "sinks:\n  app_4: {type: hole, inputs: [\"*_3\", other, \"a*p*\"]}\n  all: "
		  "{type: hole, inputs: \"*\"}\n");
	expect_graph("app_1 app_2 other app app_3<-app_1,app_2 app_4<-app_3,other,app_1,app_2,app "
		     "all<-app_1,app_2,other,app,app_3");
}

Test(wiring, wildcard_that_matches_nothing_is_told)
{
	load_bad(PIPE "sinks: {out: {type: hole, inputs: [in, \"x*\", \"out*\", \"i*nn\"]}}\n",
		 "t.yaml:2:40: `x*` matches no source or transform\n"
		 "t.yaml:2:46: `out*` matches no source or transform\n"
		 "t.yaml:2:54: `i*nn` matches no source or transform\n");
}

Test(wiring, many_stars_take_no_time)
{
	char yaml[1000];
	char stars[200] = "";

	for (int i = 0; i < 60; i++)
		strcat(stars, "*a");
	snprintf(
	    yaml, sizeof(yaml),
	    "sources: {%.*s: {type: pipe}}\nsinks: {out: {type: hole, inputs: [\"%sb\", \"*\"]}}\n",
	    64, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", stars);
	write_text("t.yaml", yaml);
	cr_expect_eq(load_file("t.yaml"), -EINVAL);
	cr_expect_eq(problems.count, 1);
}

Test(wiring, unknown_input_comes_with_the_nearest)
{
	load_bad("sources: {access: {type: pipe}, other: {type: pipe}}\n"
		 "sinks: {out: {type: hole, inputs: [acces, other, nothing]}, aces: {type: hole, "
		 "inputs: other}}\n",
		 "t.yaml:2:36: unknown input `acces`; did you mean `access`?\n"
		 "t.yaml:2:50: unknown input `nothing`; name a source or a transform\n");
}

Test(wiring, an_output_of_a_stage_that_has_one_only_is_told)
{
	load_bad(PIPE "sinks: {out: {type: hole, inputs: [in, in.errors]}}\n",
		 "t.yaml:2:40: `in` has one output and no names for it; write `in`\n");
}

Test(wiring, sinks_have_no_output)
{
	load_bad(
	    PIPE
	    "sinks:\n  out: {type: hole, inputs: in}\n  two: {type: hole, inputs: [in, out]}\n",
	    "t.yaml:4:34: `out` is a sink, which nothing comes out of; read what it reads\n");
}

Test(wiring, input_twice_is_told)
{
	load_bad(PIPE "sinks: {out: {type: hole, inputs: [in, in]}}\n",
		 "t.yaml:2:40: `in` stands twice in `inputs`; keep one\n");
	load_good(PIPE "sinks: {out: {type: hole, inputs: [in, \"i*\"]}, two: {type: hole, inputs: "
		       "[\"*\", in]}}\n");
	cr_expect_eq(stage_called("out")->input_count, 1);
	cr_expect_eq(stage_called("two")->input_count, 1);
}

Test(wiring, stages_without_inputs_are_told)
{
	load_bad(
	    PIPE HOLE "transforms: {a: {type: sieve}, b: {type: sieve, inputs: []}}\n",
	    "t.yaml:3:14: the required option `inputs` is missing; write `inputs:` and a text or a "
	    "list of texts\n"
	    "t.yaml:3:32: `b` reads nothing: `inputs` is empty\n");
	load_bad(PIPE
		 "sinks:\n  out: {type: hole, inputs: in}\n  other: {type: hole, inputs: []}\n",
		 "t.yaml:4:3: `other` reads nothing: `inputs` is empty, and no `dead_letter` or "
		 "`fallback` "
		 "names it\n");
}

#define SINKS "sinks:\n  out: {type: hole, inputs: [a]}\n  bad: {type: hole, inputs: []}\n"

Test(wiring, a_sink_that_is_named_for_dead_letters_reads_them)
{
	load_good(PIPE "transforms: {a: {type: fork, inputs: in, on_error: dead_letter, "
		       "dead_letter: bad}}\n" SINKS);
	const struct topology_stage *bad = stage_called("bad");
	cr_assert_eq(bad->input_count, 1);
	cr_expect_str_eq(loaded.stages[bad->inputs[0].stage].id.bytes, "a");
	cr_expect_eq(bad->inputs[0].output, OUTPUT_FAILED);
	cr_expect_eq(stage_called("out")->inputs[0].output, OUTPUT_MAIN);
	cr_expect_eq(stage_called("a")->on_error, ON_ERROR_DEAD_LETTER);
}

Test(wiring, who_names_a_sink_for_dead_letters_need_not_say_that_they_go_there)
{
	load_good(PIPE "transforms: {a: {type: fork, inputs: in, dead_letter: bad}}\n" SINKS);
	cr_expect_eq(stage_called("a")->on_error, ON_ERROR_DEAD_LETTER);
}

Test(wiring, dead_letters_without_a_sink_and_a_sink_without_dead_letters_are_told)
{
	load_bad(PIPE "transforms: {a: {type: fork, inputs: in, on_error: dead_letter}}\n"
		      "sinks: {out: {type: hole, inputs: [a]}}\n",
		 "t.yaml:2:52: `on_error: dead_letter` needs a sink to send records to; name it in "
		 "`dead_letter`\n");
	load_bad(PIPE
		 "transforms: {a: {type: fork, inputs: in, on_error: drop, dead_letter: out}}\n"
		 "sinks: {out: {type: hole, inputs: [a]}}\n",
		 "t.yaml:2:71: `dead_letter` gets nothing with this `on_error`; take one of them "
		 "away\n");
	load_bad(PIPE "transforms: {a: {type: fork, inputs: in, dead_letter: ot}}\n"
		      "sinks: {out: {type: hole, inputs: [a]}}\n",
		 "t.yaml:2:55: no sink `ot`; did you mean `out`?\n");
	load_bad(PIPE "transforms: {a: {type: fork, inputs: in, dead_letter: in}}\n"
		      "sinks: {out: {type: hole, inputs: [a]}}\n",
		 "t.yaml:2:55: no sink `in`; `dead_letter` names one\n");
}

Test(wiring, named_outputs_are_read_by_their_names)
{
	load_good(PIPE "transforms: {a: {type: fork, inputs: in}}\n"
		       "sinks:\n  out: {type: hole, inputs: [a.right, a]}\n  two: {type: hole, "
		       "inputs: a.left}\n");
	const struct topology_stage *out = stage_called("out");
	cr_assert_eq(out->input_count, 2);
	cr_expect_eq(out->inputs[0].output, OUTPUT_NAMED + 1);
	cr_expect_eq(out->inputs[1].output, OUTPUT_MAIN);
	cr_expect_eq(stage_called("two")->inputs[0].output, OUTPUT_NAMED);
}

Test(wiring, an_output_that_a_stage_does_not_have_is_told)
{
	load_bad(PIPE "transforms: {a: {type: fork, inputs: in}}\n"
		      "sinks: {out: {type: hole, inputs: [a.rigt, a.zzz, b.left]}}\n",
		 "t.yaml:3:36: `a` has no output `rigt`; did you mean `right`?\n"
		 "t.yaml:3:44: `a` has no output `zzz`\n"
		 "t.yaml:3:51: unknown input `b`; did you mean `a`?\n");
}

Test(wiring, stage_that_nobody_reads_is_told)
{
	load_bad("sources: {in: {type: pipe}, lonely: {type: pipe}}\n" HOLE,
		 "t.yaml:1:29: nobody reads the source `lonely`; name it in some `inputs` or "
		 "remove it\n");
}

Test(wiring, cycles_are_printed_in_the_direction_of_flow)
{
	load_bad(
	    PIPE HOLE
	    "transforms:\n  a: {type: sieve, inputs: [in, c]}\n  b: {type: sieve, inputs: a}\n"
	    "  c: {type: sieve, inputs: b}\n  behind: {type: sieve, inputs: c}\n  self: {type: "
	    "sieve, inputs: self}\n"
	    "  end: {type: sieve, inputs: behind}\n  d: {type: sieve, inputs: e}\n  e: {type: "
	    "sieve, inputs: d}\n",
	    "t.yaml:4:33: these stages read each other in a cycle: a -> b -> c -> a; take one "
	    "input away\n"
	    "t.yaml:8:31: these stages read each other in a cycle: self -> self; take one input "
	    "away\n"
	    "t.yaml:9:3: nobody reads the transform `end`; name it in some `inputs` or remove it\n"
	    "t.yaml:10:28: these stages read each other in a cycle: d -> e -> d; take one input "
	    "away\n");
}

Test(wiring, wildcard_leaves_its_own_stage_out)
{
	load_good(PIPE "transforms: {a: {type: sieve, inputs: \"*\"}}\nsinks: {out: {type: hole, "
		       "inputs: a}}\n");
	expect_graph("in a<-in out<-a");
}

Test(wiring, id_in_two_sections_is_told_with_both_places)
{
	load_bad(
	    "sources: {in: {type: pipe}, x: {type: pipe}}\ntransforms: {in: {type: sieve, inputs: "
	    "x}}\n"
	    "sinks: {out: {type: hole, inputs: in}, x: {type: hole, inputs: in}}\n",
	    "t.yaml:2:14: `in` is the name of a source already, at t.yaml:1:11; take another\n"
	    "t.yaml:2:14: nobody reads the transform `in`; name it in some `inputs` or remove it\n"
	    "t.yaml:3:40: `x` is the name of a source already, at t.yaml:1:29; take another\n");
}

Test(wiring, there_is_a_source_and_a_sink)
{
	load_bad("name: x\n", "t.yaml:1:1: no sink; write at least one stage under `sinks`\n"
			      "t.yaml:1:1: no source; write at least one stage under `sources`\n");
	load_bad(
	    PIPE,
	    "t.yaml:1:1: no sink; write at least one stage under `sinks`\n"
	    "t.yaml:1:11: nobody reads the source `in`; name it in some `inputs` or remove it\n");
}

Test(wiring, second_stage_of_what_there_is_one_of_is_told)
{
	load_bad("sources: {a: {type: only}, b: {type: only}, c: {type: pipe}, d: {type: only}}\n"
		 "sinks: {x: {type: last, inputs: \"*\"}, y: {type: last, inputs: \"*\"}}\n",
		 "t.yaml:1:28: `b` is a second `only` source, and a topology can have one: `a`; "
		 "name that one in the `inputs` of all who read it\n"
		 "t.yaml:1:62: `d` is a second `only` source, and a topology can have one: `a`; "
		 "name that one in the `inputs` of all who read it\n"
		 "t.yaml:2:39: `y` is a second `last` sink, and a topology can have one: `x`; "
		 "let that one read all `inputs`\n");
	load_good("sources: {a: {type: only}, b: {type: pipe}, c: {type: pipe}}\n"
		  "sinks: {x: {type: last, inputs: \"*\"}, y: {type: hole, inputs: \"*\"}}\n");
}

Test(wiring, mistakes_in_a_stage_hide_no_wiring)
{
	load_bad("sources: {in: {type: pip, foo: 1}}\ntransforms: {a: {type: sieve, inputs: [in, "
		 "[x]], invert: 5}}\n"
		 "sinks: {out: {type: hole, inputs: ab}}\n",
		 "t.yaml:1:22: unknown source type `pip`; did you mean `pipe`?\n"
		 "t.yaml:2:44: an item of `inputs` is a list; write a text\n"
		 "t.yaml:2:58: `invert` is `5`; write true or false\n"
		 "t.yaml:3:35: unknown input `ab`; did you mean `a`?\n");
}

Test(wiring, long_chains_written_backwards_are_ordered)
{
	FILE *f = fopen("t.yaml", "w");

	fputs("sinks: {out: {type: hole, inputs: t999}}\ntransforms:\n", f);
	for (int i = 999; i > 0; i--)
		fprintf(f, "  t%d: {type: sieve, inputs: t%d}\n", i, i - 1);
	fputs("  t0: {type: sieve, inputs: in}\nsources: {in: {type: pipe}}\n", f);
	fclose(f);
	cr_assert_eq(load_file("t.yaml"), 0);
	for (size_t i = 1; i < loaded.stage_count; i++)
		cr_assert_eq(loaded.stages[i].inputs[0].stage, i - 1);
}
