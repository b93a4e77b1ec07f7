#include "tests/unit/stages/transform_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

TestSuite(parse_grok, .fini = transforms_forget);

#define WITH(options) "transforms:\n  p: {type: parse_grok, inputs: [in], " options "}\n"
#define SHOW(fields) "sinks: {out: {type: show, inputs: [p], fields: [" fields "]}}\n"

Test(parse_grok, references_become_fields)
{
	transforms_pass(WITH("match: '%{IP:client.ip} %{WORD:verb} %{INT:status:int}'")
			    SHOW("verb, status, client.ip, error"),
			"10.0.0.1 GET 200\nx\n");
	transforms_expect(
	    "out", "10.0.0.1 GET 200 | verb=\"GET\" status=200 client.ip=\"10.0.0.1\" error=-\n"
		   "x | verb=- status=- client.ip=- error=\"no match\"\n");
}

Test(parse_grok, a_line_of_a_web_server_has_the_customary_fields)
{
	transforms_pass(
	    WITH("match: '%{COMBINEDAPACHELOG}'") SHOW("clientip, auth, request, response, bytes"),
	    "::1 - bob [28/May/2026:20:26:41 +0000] \"GET /a HTTP/1.1\" 304 - \"-\" \"curl/8\"\n");
	transforms_expect("out",
			  "::1 - bob [28/May/2026:20:26:41 +0000] \"GET /a HTTP/1.1\" 304 - \"-\" "
			  "\"curl/8\" | clientip=\"::1\" auth=\"bob\" request=\"/a\" "
			  "response=\"304\" bytes=-\n");
}

Test(parse_grok, own_patterns_extend_and_override)
{
	transforms_pass(WITH("match: '%{REQ} %{INT:n}', patterns: {REQ: 'req=%{HEX:id}', HEX: "
			     "'[0-9a-f]+', INT: '[0-9]{2}'}") SHOW("id, n"),
			"req=0fa 123\n");
	transforms_expect("out", "req=0fa 123 | id=\"0fa\" n=\"12\"\n");
}

Test(parse_grok, types_are_made_or_the_record_cannot_be_parsed)
{
	transforms_pass(
	    WITH("match: 'i=%{NOTSPACE:i:int} f=%{NOTSPACE:f:float} b=%{NOTSPACE:b:bool} "
		 "s=%{NOTSPACE:s:string}'") SHOW("i, f, b, s, error"),
	    "i=-07 f=.5 b=true s=1\n"
	    "i=18446744073709551615 f=1.50 b=false s=x\n"
	    "i=1.5 f=1 b=true s=x\n"
	    "i=1 f=1x b=true s=x\n"
	    "i=1 f=1 b=yes s=x\n"
	    "i=18446744073709551616 f=1 b=true s=x\n"
	    "i=-9223372036854775808 f=-1. b=true s=x\n"
	    "i=-9223372036854775809 f=1 b=true s=x\n");
	transforms_expect(
	    "out",
	    "i=-07 f=.5 b=true s=1 | i=-7 f=0.5d b=true s=\"1\" error=-\n"
	    "i=18446744073709551615 f=1.50 b=false s=x | i=18446744073709551615u f=digits \"1.50\" "
	    "b=false s=\"x\" error=-\n"
	    "i=1.5 f=1 b=true s=x | i=- f=- b=- s=- error=\"not an int\"\n"
	    "i=1 f=1x b=true s=x | i=- f=- b=- s=- error=\"not a float\"\n"
	    "i=1 f=1 b=yes s=x | i=- f=- b=- s=- error=\"not a bool\"\n"
	    "i=18446744073709551616 f=1 b=true s=x | i=- f=- b=- s=- error=\"not an int\"\n"
	    "i=-9223372036854775808 f=-1. b=true s=x | i=-9223372036854775808 f=-1d b=true "
	    "s=\"x\" error=-\n"
	    "i=-9223372036854775809 f=1 b=true s=x | i=- f=- b=- s=- error=\"not an int\"\n");
}

Test(parse_grok, a_typed_field_that_took_no_part_is_just_missing)
{
	transforms_pass(WITH("match: 'n=(?:-|%{INT:n:int})'") SHOW("n, error"), "n=-\nn=5\n");
	transforms_expect("out", "n=- | n=- error=-\nn=5 | n=5 error=-\n");
}

Test(parse_grok, a_pattern_may_refer_back_to_a_field_that_nobody_wants)
{
	transforms_pass(WITH("match: '%{WORD:a}=\\k<a> %{WORD:b}'") SHOW("b"), "x=x y\n");
	transforms_expect("out", "x=x y | b=\"y\"\n");
}

Test(parse_grok, of_several_the_first_that_matches_counts)
{
	transforms_pass(WITH("match: ['^%{INT:n:int}$', '^%{WORD:w}$']") SHOW("n, w, error"),
			"12\nab\n-\n");
	transforms_expect("out", "12 | n=12 w=- error=-\nab | n=- w=\"ab\" error=-\n"
				 "- | n=- w=- error=\"no match\"\n");
}

Test(parse_grok, names_get_the_prefix_and_groups_of_ones_own_are_fields)
{
	transforms_pass(WITH("match: '%{INT:n} (?<own>.)', prefix: p.") SHOW("p.n, p.own"),
			"1 x\n");
	transforms_expect("out", "1 x | p.n=\"1\" p.own=\"x\"\n");
}

static void refuse(const char *options, const char *problems)
{
	char yaml[1024];
	snprintf(yaml, sizeof yaml,
		 "transforms:\n"
		 "  p:\n"
		 "    type: parse_grok\n"
		 "    inputs: [in]\n"
		 "%s"
		 "sinks: {out: {type: show, inputs: [p]}}\n",
		 options);
	transforms_refuse(yaml, problems);
}

Test(parse_grok, what_is_wrong_is_told_where_it_stands)
{
	refuse("    match: '%{IP:a} %{NUMBR:n}'\n",
	       "t.yaml:5:23: `match`: no pattern is called `NUMBR`; did you mean `NUMBER`?\n");
	refuse("    match: '%{IP:a} (x'\n",
	       "t.yaml:5:23: `match` does not compile: missing closing parenthesis\n");
	refuse("    match: '%{IP:a} [z-a] x'\n",
	       "t.yaml:5:24: `match` does not compile: range out of order in character class\n");
	refuse("    match: '%{IP} x'\n",
	       "t.yaml:5:12: `match` has no fields; write `%{NAME:field}` for each\n");
	refuse("    match: '%{MINE:m}'\n    patterns:\n      MINE: 'a(b'\n      OTHER: 'x%{'\n",
	       "t.yaml:7:17: `patterns` does not compile: missing closing parenthesis\n"
	       "t.yaml:8:16: `patterns`: `%{` without `}`; a percent sign before a brace is "
	       "written `\\%{`\n");
	refuse("    match: '%{A:m}'\n    patterns: {A: '%{B}', B: '%{A}'}\n",
	       "t.yaml:6:22: `patterns`: `B` would hold itself\n"
	       "t.yaml:6:33: `patterns`: `A` would hold itself\n");
	refuse("    match: '%{IP:m}'\n    patterns: {a-b: x}\n",
	       "t.yaml:6:16: a pattern's name has letters, digits and `_`, at most 64\n");
	refuse("    patterns: {A: x}\n", "t.yaml:2:3: the required option `match` is missing; "
					 "write `match:` and a text or a list of texts\n");
}
