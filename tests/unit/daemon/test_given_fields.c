#include "tests/unit/stages/transform_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define SINKS "\nsinks: {out: {type: show, inputs: [last]}}\n"
#define REGEX "  p: {type: parse_regex, inputs: [in], regex: '(?<host>.)(?<code>.)'}\n"

/* transforms: the lines below `transforms:`, of which the last is called `last`; expected: what is said of them. */
static void expect(const char *transforms, const char *expected)
{
	char yaml[2048];
	snprintf(yaml, sizeof yaml, "transforms:\n%s" SINKS, transforms);
	transforms_warn(yaml, expected);
}

TestSuite(given_fields, .fini = transforms_forget);

Test(given_fields, without_a_parser_records_have_none)
{
	expect("  last: {type: filter, inputs: [in], where: 'true && host == \"x\"'}\n",
	       "t.yaml:2:54: warning: nothing above gives `host`, as records have no fields here; "
	       "add a parser before it, such as `parse_json`\n");
}

Test(given_fields, the_nearest_name_that_there_is_is_told)
{
	expect(REGEX
	       "  last: {type: filter, inputs: [p], where: 'hots == \"x\" || cod == \"y\" || hots "
	       "== \"z\"'}\n",
	       "t.yaml:3:45: warning: nothing above gives `hots`; did you mean `host`?\n"
	       "t.yaml:3:60: warning: nothing above gives `cod`; did you mean `code`?\n");
	expect(REGEX "  last: {type: filter, inputs: [p], where: 'sourc == \"in\"'}\n",
	       "t.yaml:3:45: warning: nothing above gives `sourc`; did you mean `source`?\n");
	expect(REGEX "  last: {type: filter, inputs: [p], where: user.id.x == 7}\n",
	       "t.yaml:3:44: warning: nothing above gives `user.id.x`; add what does before it, "
	       "such as `set`, or a parser of what holds it\n");
}

Test(given_fields, what_is_known_of_any_record_is_always_there)
{
	expect("  last: {type: filter, inputs: [in], where: 'size(body) > 1 && time > "
	       "timestamp(0) && source == file && offset > 1 && error == \"\"'}\n",
	       "");
}

Test(given_fields, what_has_looks_for_may_be_missing)
{
	expect(
	    "  last: {type: filter, inputs: [in], where: 'has(host) && host == \"x\" && has(user) "
	    "&& user.id == 1 && !has(a.b)'}\n",
	    "");
}

Test(given_fields, parsers_of_objects_may_give_any_name_with_their_prefix)
{
	static const char *const parsers[] = {"type: parse_json", "type: parse_logfmt",
					      "type: parse_csv, header: true"};
	for (size_t i = 0; i < sizeof parsers / sizeof *parsers; i++) {
		char text[1024];
		snprintf(
		    text, sizeof text,
		    "  p: {%s, inputs: [in]}\n  last: {type: filter, inputs: [p], where: a.b == "
		    "1}\n",
		    parsers[i]);
		expect(text, "");
		snprintf(text, sizeof text,
			 "  p: {%s, inputs: [in], prefix: j_}\n  last: {type: filter, inputs: [p], "
			 "where: j_a == 1 && abcd == 2}\n",
			 parsers[i]);
		expect(text,
		       "t.yaml:3:56: warning: nothing above gives `abcd`; what a parser above "
		       "finds begins with `j_`\n");
	}
}

Test(given_fields, a_map_has_what_lies_within_it)
{
	expect("  p: {type: parse_syslog, inputs: [in]}\n"
	       "  last: {type: filter, inputs: [p], where: structured_data.a.b == hostname}\n",
	       "");
	expect("  p: {type: set, inputs: [in], fields: {user.id: '1'}}\n"
	       "  last: {type: filter, inputs: [p], where: size(user) == 1}\n",
	       "");
}

Test(given_fields, names_move_with_what_moves_them)
{
	expect(REGEX
	       "  r: {type: rename, inputs: [p], fields: {host: server}}\n"
	       "  last: {type: filter, inputs: [r], where: server == host && code == \"1\"}\n",
	       "t.yaml:4:54: warning: nothing above gives `host`; add what does before it, such as "
	       "`set`, or a parser of what holds it\n");
	expect(REGEX "  r: {type: rename, inputs: [p], fields: {host: code, code: host}}\n"
		     "  last: {type: filter, inputs: [r], where: host == code}\n",
	       "");
	expect(REGEX "  last: {type: rename, inputs: [p], fields: {hst: server}}\n",
	       "t.yaml:3:46: warning: nothing above gives `hst`; did you mean `host`?\n");
	expect("  p: {type: parse_json, inputs: [in]}\n"
	       "  r: {type: remove, inputs: [p], fields: [host]}\n"
	       "  last: {type: filter, inputs: [r], where: host.name == \"\" && other == 1}\n",
	       "t.yaml:4:44: warning: nothing above gives `host.name`; add what does before it, "
	       "such as `set`, or a parser of what holds it\n");
}

Test(given_fields, of_what_is_not_kept_nothing_is_there)
{
	expect("  p: {type: parse_json, inputs: [in]}\n"
	       "  k: {type: keep, inputs: [p], fields: [user]}\n"
	       "  last: {type: filter, inputs: [k], where: user.id == 1 && host == \"\"}\n",
	       "t.yaml:4:60: warning: nothing above gives `host`; add what does before it, such as "
	       "`set`, or a parser of what holds it\n");
	expect(REGEX "  m: {type: multiline, inputs: [p], start: x}\n"
		     "  last: {type: filter, inputs: [m], where: host == \"\"}\n",
	       "t.yaml:4:44: warning: nothing above gives `host`, as records have no fields here; "
	       "add a parser before it, such as `parse_json`\n");
}

Test(given_fields, it_is_enough_that_one_input_gives_it)
{
	expect(REGEX "  last: {type: filter, inputs: [in, p], where: host == \"\"}\n", "");
	expect(REGEX "  w: {type: route, inputs: [p], routes: {a: 'host == \"\"'}}\n"
		     "  last: {type: filter, inputs: [w.a], where: code == \"1\"}\n",
	       "");
}

Test(given_fields, each_who_reads_a_name_is_told)
{
	expect(
	    "  a: {type: dedupe, inputs: [in], key: [id]}\n"
	    "  b: {type: throttle, inputs: [a], rate: 10/s, key: [host]}\n"
	    "  c: {type: parse_json, inputs: [b], field: log}\n"
	    "  d: {type: keep, inputs: [c], fields: [x]}\n"
	    "  last: {type: set, inputs: [d], fields: {y: z + 1}}\n",
	    "t.yaml:2:41: warning: nothing above gives `id`, as records have no fields here; add a "
	    "parser before it, such as `parse_json`\n"
	    "t.yaml:3:54: warning: nothing above gives `host`, as records have no fields here; "
	    "add a parser before it, such as `parse_json`\n"
	    "t.yaml:4:45: warning: nothing above gives `log`, as records have no fields here; add "
	    "a parser before it, such as `parse_json`\n"
	    "t.yaml:6:46: warning: nothing above gives `z`; did you mean `x`?\n");
}
