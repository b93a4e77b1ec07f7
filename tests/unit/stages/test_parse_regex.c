#include "tests/unit/stages/transform_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

TestSuite(parse_regex, .fini = transforms_forget);

#define WITH(options) "transforms:\n  p: {type: parse_regex, inputs: [in], " options "}\n"
#define SHOW(fields) "sinks: {out: {type: show, inputs: [p], fields: [" fields "]}}\n"

Test(parse_regex, named_groups_become_fields)
{
	transforms_pass(WITH("regex: '^(?<verb>\\w+) (?<path>\\S+)(?: (?<status>\\d+))?'")
			    SHOW("verb, status, path"),
			"GET /a 200\nPOST /b\n");
	transforms_expect("out", "GET /a 200 | verb=\"GET\" status=\"200\" path=\"/a\"\n"
				 "POST /b | verb=\"POST\" status=- path=\"/b\"\n");
}

Test(parse_regex, a_group_that_matched_nothing_is_an_empty_field)
{
	transforms_pass(WITH("regex: 'user=\"(?<user>[^\"]*)\"'") SHOW("user"), "user=\"\"\n");
	transforms_expect("out", "user=\"\" | user=\"\"\n");
}

Test(parse_regex, a_record_without_a_match_has_no_fields_and_says_so)
{
	transforms_pass(WITH("regex: '(?<a>\\d+)'") SHOW("a, error"), "x1\nx\n");
	transforms_expect("out", "x1 | a=\"1\" error=-\nx | a=- error=\"no match\"\n");
	cr_assert_eq(counter_get(&transforms_counters("p")->refused), 1);
}

Test(parse_regex, of_several_the_first_that_matches_counts)
{
	transforms_pass(WITH("regex: ['^a(?<x>.)', '^.(?<y>.)', '(?<x>z)']") SHOW("x, y, error"),
			"a1\nb2\n\nz\n");
	transforms_expect("out", "a1 | x=\"1\" y=- error=-\n"
				 "b2 | x=- y=\"2\" error=-\n"
				 " | x=- y=- error=\"no match\"\n"
				 "z | x=\"z\" y=- error=-\n");
}

Test(parse_regex, names_get_the_prefix)
{
	transforms_pass(WITH("regex: '(?<a>.)(?<b>.)', prefix: http.") SHOW("http.b, b"), "12\n");
	transforms_expect("out", "12 | http.b=\"2\" b=-\n");
}

Test(parse_regex, another_field_may_be_parsed)
{
	transforms_pass(
	    "transforms:\n"
	    "  j: {type: parse_json, inputs: [in]}\n"
	    "  p: {type: parse_regex, inputs: [j], field: m, regex: '(?<a>\\w)\"(?<b>.*)'}\n" SHOW(
		"a, b, error"),
	    "{\"m\": \"x\\\"\\u00e9\"}\n{\"m\": 1}\n{}\n");
	transforms_expect("out", "{\"m\": \"x\\\"\\u00e9\"} | a=\"x\" b=\"\xc3\xa9\" error=-\n"
				 "{\"m\": 1} | a=- b=- error=\"not a string\"\n"
				 "{} | a=- b=- error=\"no such field\"\n");
}

Test(parse_regex, nobody_wants_a_field_and_failures_are_found_all_the_same)
{
	transforms_pass(
	    WITH("regex: '(?<a>\\d)', on_error: drop") "sinks: {out: {type: show, inputs: [p]}}\n",
	    "1\nx\n2\n");
	transforms_expect("out", "1 |\n2 |\n");
	cr_assert_eq(counter_get(&transforms_counters("p")->lost[LOSS_REFUSED]), 1);
}

Test(parse_regex, all_fields_are_there_for_who_writes_out_all)
{
	transforms_pass(WITH("regex: '(?<a>\\d)(?<b>x)?'") "sinks: {out: {type: show, inputs: [p], "
							   "all: true}}\n",
			"1x\n2\n");
	transforms_expect("out", "1x | +a=\"1\" +b=\"x\"\n2 | +a=\"2\" -b\n");
}

Test(parse_regex, a_search_without_end_is_a_failure_of_its_own)
{
	transforms_pass(WITH("regex: ['^(?<a>(a+)+)$', '(?<b>.)']") SHOW("a, b, error"),
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaab\naa\n");
	transforms_expect("out", "aaaaaaaaaaaaaaaaaaaaaaaaaaaab | a=- b=- error=\"regex gave up\"\n"
				 "aa | a=\"aa\" b=- error=-\n");
	cr_assert_eq(counter_get(&transforms_counters("p")->refused), 1);
	cr_assert_eq(counter_get(&transforms_counters("p")->errors), 0);
}

Test(parse_regex, names_may_repeat_where_the_pattern_says_so)
{
	transforms_pass(WITH("regex: '(?J)(?:a(?<n>.)|b(?<n>.))'") SHOW("n"), "b1\na2\n");
	transforms_expect("out", "b1 | n=\"1\"\na2 | n=\"2\"\n");
}

Test(parse_regex, bytes_are_bytes)
{
	static const char lines[] = "a\0b\xff\nab\n";
	cr_assert_eq(transforms_run(WITH("regex: '^a\\x00(?<b>b)\\xff$', on_error: drop") SHOW("b"),
				    lines, sizeof lines - 1),
		     0);
	cr_assert_eq(counter_get(&transforms_counters("p")->records_in), 2);
	cr_assert_eq(counter_get(&transforms_counters("p")->refused), 1);
	transforms_pass(WITH("regex: '(?<all>a.b)'") SHOW("all"), "a\xff"
								  "b\n");
	transforms_expect("out", "a\xff"
				 "b | all=\"a\xff"
				 "b\"\n");
}

Test(parse_regex, what_is_wrong_is_told_where_it_stands)
{
	transforms_refuse("transforms: {p: {type: parse_regex, inputs: [in], regex: '(?<a>x'}}\n"
			  "sinks: {out: {type: show, inputs: [p]}}\n",
			  "t.yaml:1:65: `regex` does not compile: missing closing parenthesis\n");
	transforms_refuse(
	    "transforms: {p: {type: parse_regex, inputs: [in], regex: ['(?<a>x)', '(x)']}}\n"
	    "sinks: {out: {type: show, inputs: [p]}}\n",
	    "t.yaml:1:70: `regex` has no named group; write `(?<name>...)` around each field\n");
	transforms_refuse(
	    "transforms: {p: {type: parse_regex, inputs: [in], regex: '(?<a>x)(?<a>y)'}}\n"
	    "sinks: {out: {type: show, inputs: [p]}}\n",
	    "t.yaml:1:71: `regex` does not compile: two named subpatterns have the same "
	    "name (PCRE2_DUPNAMES not set)\n");
	transforms_refuse("transforms: {p: {type: parse_regex, inputs: [in]}}\n"
			  "sinks: {out: {type: show, inputs: [p]}}\n",
			  "t.yaml:1:14: the required option `regex` is missing; write `regex:` and "
			  "a text or a list of texts\n");
}
