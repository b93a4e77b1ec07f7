/* What all parsers share: types, time, and what is wrong with them at load. */
#include "tests/unit/stages/transform_fixture.h"

#include <criterion/criterion.h>

TestSuite(parser, .fini = transforms_forget);

#define PARSED(options) "transforms: {p: {type: parse_json, inputs: [in], " options "}}\n"
#define SHOWN(fields) "sinks: {out: {type: show, inputs: [p], fields: [" fields "]}}\n"

Test(parser, fields_become_what_types_says)
{
	static const char line[] =
	    "{\"s\":12,\"i\":\"-7\",\"u\":\"18446744073709551615\",\"f\":\".5\",\"b\":"
	    "\"true\",\"t\":\"1970-01-01T00:00:01Z\",\"n\":null}";
	char lines[256], expected[512];
	sprintf(lines, "%s\n", line);
	sprintf(expected,
		"%s | s=\"12\" i=-7 u=18446744073709551615u f=0.5d b=true t=time:1.000000000 "
		"n=null none=-\n",
		line);
	transforms_pass(
	    PARSED("types: {s: string, i: int, u: int, f: float, b: bool, t: timestamp, n: int, "
		   "none: int}") SHOWN("s, i, u, f, b, t, n, none"),
	    lines);
	transforms_expect("out", expected);
}

Test(parser, a_field_of_another_type_is_left_as_it_was_and_the_others_are_there)
{
	transforms_pass(PARSED("types: {i: int, j: int}") SHOWN("i, j, error"),
			"{\"i\":\"seven\",\"j\":\"8\"}\n{\"i\":[1],\"j\":9}\n");
	transforms_expect("out",
			  "{\"i\":\"seven\",\"j\":\"8\"} | i=\"seven\" j=8 error=\"not an int\"\n"
			  "{\"i\":[1],\"j\":9} | i=[1] j=digits \"9\" error=\"not an int\"\n");
}

Test(parser, a_record_with_a_field_of_another_type_goes_the_way_of_on_error)
{
	transforms_pass(PARSED("types: {i: int}, on_error: drop") SHOWN("i"),
			"{\"i\":\"x\"}\n{\"i\":\"1\"}\n");
	transforms_expect("out", "{\"i\":\"1\"} | i=1\n");
}

Test(parser, names_in_types_and_time_are_those_without_the_prefix)
{
	transforms_pass(PARSED("prefix: app., types: {i: int}, time: {field: t, format: unix}")
			    SHOWN("app.i, i, time"),
			"{\"i\":\"1\",\"t\":5}\n");
	transforms_expect("out", "{\"i\":\"1\",\"t\":5} | app.i=1 i=- time=time:5.000000000\n");
}

Test(parser, the_time_is_read_from_a_field_that_nobody_else_uses)
{
	transforms_pass(PARSED("time: {field: ts, format: '%d/%b/%Y:%H:%M:%S', zone: '+02:00'}")
			    SHOWN("time, error"),
			"{\"ts\":\"10\\/Oct\\/2000:13:55:36\"}\n{\"ts\":\"yesterday\"}\n{}\n");
	transforms_expect(
	    "out", "{\"ts\":\"10\\/Oct\\/2000:13:55:36\"} | time=time:971178936.000000000 error=-\n"
		   "{\"ts\":\"yesterday\"} | time=time:1000000000.000000000 error=\"not a time\"\n"
		   "{} | time=time:1000000000.000000000 error=-\n");
}

Test(parser, what_is_wrong_is_told_at_its_place)
{
	transforms_refuse(
	    "transforms:\n  p:\n    type: parse_json\n    inputs: [in]\n    types: {a: itn}\n"
	    "    time: {field: ts, format: '%Y-%Q'}\n" SHOWN("a"),
	    "t.yaml:5:16: no type `itn`; there is string, int, float, bool and timestamp; did you "
	    "mean `int`?\n"
	    "t.yaml:6:35: no such conversion; there are %Y %y %m %b %B %d %e %j %a %A %H %I %p %M "
	    "%S "
	    "%f %L %N %z %:z %Z %s %T %D %F %R %r %n %t, and %% for a percent sign\n");
}
