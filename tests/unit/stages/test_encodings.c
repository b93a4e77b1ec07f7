/* Records as JSON, logfmt, CSV and by a template: what is written, and that nothing in a record makes more of it than one. */
#include "tests/unit/stages/encode_trial.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

struct a_case {
	const char *line, *text;
};

static void expect(const char *yaml, const struct a_case *cases, size_t count)
{
	static struct encode_trial t;
	encode_begin(&t, yaml);
	for (size_t i = 0; i < count; i++) {
		char line[4096];
		snprintf(line, sizeof line, "%s\n", cases[i].line);
		const char *got = encode_text(&t, line);
		snprintf(line, sizeof line, "%s\n", cases[i].text);
		cr_expect_str_eq(got, line, "%s of %s: %s", yaml, cases[i].line, got);
	}
	encode_end(&t);
}

#define EXPECT(yaml, cases) expect(yaml, cases, sizeof(cases) / sizeof *(cases))

static void expect_problem(const char *yaml, const char *part)
{
	const char *text;
	size_t count = encode_problems(yaml, &text);
	cr_expect_eq(count, 1, "%s: %zu problems", yaml, count);
	cr_expect(strstr(text, part), "%s: %s", yaml, text);
}

/* ---- JSON ---- */

Test(encodings, json_of_listed_fields_has_them_in_their_order_and_within_their_objects)
{
	static const struct a_case cases[] = {
	    {"{\"a\":1,\"b\":{\"c\":\"\\u0041\",\"d\":[1]},\"z\":9}",
	     "{\"b\":{\"d\":[1],\"c\":\"\\u0041\"},\"a\":1}"},
	    {"{\"b\":{\"c\":null}}", "{\"b\":{\"c\":null}}"},
	    {"{\"b\":7}", "{}"},
	    {"no object", "{}"},
	};
	EXPECT("{format: json, fields: [b.d, a, b.c]}", cases);
}

Test(encodings, json_of_listed_fields_knows_of_any_record_what_expressions_know)
{
	static const struct a_case cases[] = {
	    {"no \"object\"",
	     "{\"body\":\"no \\\"object\\\"\",\"source\":\"in\",\"error\":\"not an object\"}"},
	    {"{\"body\":1,\"source\":{}}", "{\"body\":1,\"source\":{}}"},
	};
	EXPECT("{format: json, fields: [body, source, error]}", cases);
}

/* ---- logfmt ---- */

Test(encodings, logfmt_has_all_fields_with_objects_taken_apart)
{
	static const struct a_case cases[] = {
	    {"{\"a\":1,\"b\":{\"c\":{\"d\":true},\"e\":null},\"f\":[1,{\"g\":2}],\"h\":{}}",
	     "a=1 b.c.d=true b.e=null f=\"[1,{\\\"g\\\":2}]\" h={}"},
	    {" { \"a\" : { \"b\" : 1.50e3 , \"c\" : [ ] } } ", "a.b=1.50e3 a.c=\"[ ]\""},
	    {"{}", ""},
	    {"not an object", "body=\"not an object\" error=\"not an object\""},
	};
	EXPECT("{format: logfmt}", cases);
}

Test(encodings, logfmt_has_quotes_around_values_that_would_not_be_read_back_without)
{
	static const struct a_case cases[] = {
	    {"{\"a\":\"\",\"b\":\"x y\",\"c\":\"x=y\",\"d\":\"x\\\"y\",\"e\":\"/a?b\"}",
	     "a=\"\" b=\"x y\" c=\"x=y\" d=\"x\\\"y\" e=/a?b"},
	    {"{\"a\":\"null\",\"b\":\"true\",\"c\":\"\\n\",\"d\":\"x\\\\y\",\"e\":\"\xc3\xa9\"}",
	     "a=\"null\" b=true c=\"\\n\" d=\"x\\\\y\" e=\xc3\xa9"},
	    {"{\"a\":\"\x7f\",\"b\":\"\xef\xbf\xbd\"}", "a=\"\x7f\" b=\"\xef\xbf\xbd\""},
	};
	EXPECT("{format: logfmt}", cases);
}

Test(encodings, logfmt_has_keys_that_are_keys)
{
	static const struct a_case cases[] = {
	    {"{\"\":1,\"a b\":2,\"c=d\":3,\"e\\\"f\":4,\"g\\nh\":5,\"i\\u0000\":6}",
	     "_=1 a_b=2 c_d=3 e_f=4 g_h=5 i_=6"},
	    {"{\"\\u00e9\":1,\"\\ufffd\":2,\"x\\u007f\":3,\"a\":{\"\":4,\"b.c\":5}}",
	     "\xc3\xa9=1 _=2 x_=3 a._=4 a.b.c=5"},
	};
	EXPECT("{format: logfmt}", cases);
}

Test(encodings, logfmt_takes_objects_apart_only_so_deep)
{
	static const struct a_case cases[] = {
	    {"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{"
	     "\"a\":{\"a\":{\"a\":{\"a\":{\"b\":1},\"c\":2}}}}}}}}}}}}}}}}",
	     "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=\"{\\\"b\\\":1}\" a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.c=2"},
	};
	EXPECT("{format: logfmt}", cases);
}

Test(encodings, logfmt_of_listed_fields_leaves_out_those_that_a_record_does_not_have)
{
	static const struct a_case cases[] = {
	    {"{\"a\":1,\"b\":{\"c\":\"x y\"}}", "b.c=\"x y\" a=1 source=in"},
	    {"{\"b\":{\"c\":{\"d\":1}}}", "b.c.d=1 source=in"},
	    {"x", "source=in"},
	};
	EXPECT("{format: logfmt, fields: [b.c, a, source]}", cases);
}

/* ---- CSV ---- */

Test(encodings, csv_has_quotes_where_they_are_needed)
{
	static const struct a_case cases[] = {
	    {"{\"a\":1,\"b\":\"x\",\"c\":true}", "1,x,true"},
	    {"{\"a\":\"x,y\",\"b\":\"\\\"q\\\"\",\"c\":\" x\"}", "\"x,y\",\"\"\"q\"\"\",\" x\""},
	    {"{\"a\":null,\"b\":\"\",\"c\":[1,\"y\"]}", ",,\"[1,\"\"y\"\"]\""},
	    {"not an object", ",,"},
	};
	EXPECT("{format: csv, fields: [a, b, c]}", cases);
}

Test(encodings, csv_has_no_line_breaks_and_no_control_characters)
{
	static const struct a_case cases[] = {
	    {"{\"a\":\"x\\r\\ny\\u0000\",\"b\":\"\\t\\u001b[1m\\u007f\"}", "\"x  y \",\"\t [1m \""},
	};
	EXPECT("{format: csv, fields: [a, b]}", cases);
}

Test(encodings, csv_with_one_column_has_no_empty_lines)
{
	static const struct a_case cases[] = {{"{}", "\"\""}, {"{\"a\":\"x\"}", "x"}};
	EXPECT("{format: csv, fields: [a]}", cases);
}

Test(encodings, csv_may_have_other_separators)
{
	static const struct a_case cases[] = {{"{\"a\":\"x,y\",\"b\":\"x;y\"}", "x,y;\"x;y\""}};
	EXPECT("{format: csv, separator: ';', fields: [a, b]}", cases);
}

/* ---- templates ---- */

Test(encodings, a_template_has_fields_where_it_names_them)
{
	static const struct a_case cases[] = {
	    {"{\"status\":500,\"u\":{\"id\":\"x\\ty\"}}", "500 {x\\ty} [in] }"},
	    {"{\"status\":[1, \"a\"],\"u\":{}}", "[1, \"a\"] {none} [in] }"},
	};
	EXPECT("{format: template, template: '{status} {{{u.id}} [{source}] }', missing: none}",
	       cases);
}

Test(encodings, a_template_keeps_a_record_on_one_line)
{
	static const struct a_case cases[] = {
	    {"{\"a\":\"x\\ny\\r\\u0000\\u001b\\u007f\\\\n\"}",
	     "x\\ny\\r\\x00\\x1b\\x7f\\\\n \"x\\ny\\r\\u0000\\u001b\\u007f\\\\n\""},
	    {"{\"a\":null}", "- null"},
	    {"{}", "- null"},
	};
	EXPECT("{format: template, template: '{a} {a|json}'}", cases);
}

Test(encodings, a_template_shows_bytes_that_are_no_text)
{
	static const struct a_case cases[] = {{"a\xff\xc3(\xc3\xa9", "a\\xff\\xc3(\xc3\xa9"}};
	EXPECT("{format: template, template: '{body}'}", cases);
}

Test(encodings, a_template_writes_times_and_takes_no_other_field_for_one)
{
	static const struct a_case cases[] = {{"{\"a\":1}", "1970-01-01\\n00:00 0 -"}};
	EXPECT("{format: template, template: '{time:%F%n%R} {time:unix} {a:%F}'}", cases);
}

Test(encodings, a_record_that_calls_something_else_time_still_has_one)
{
	static const struct a_case cases[] = {{"{\"time\":\"x\"}", "x 1970"}};
	EXPECT("{format: template, template: '{time} {time:%Y}'}", cases);
}

/* ---- all of them ---- */

static const char *const all[] = {
    "{format: json}",
    "{format: logfmt}",
    "{format: json, fields: [a, body]}",
    "{format: logfmt, fields: [a, body]}",
    "{format: csv, fields: [a, body]}",
    "{format: template, template: '{a} {body} {a|json}'}",
};

static size_t count_of(const char *text, size_t length, char c)
{
	size_t count = 0;
	for (size_t i = 0; i < length; i++)
		count += text[i] == c;
	return count;
}

Test(encodings, nothing_in_a_record_ends_it)
{
	static const char hostile[] = "{\"a\":\"1\\n2\\r\\u0000\\u001e\\u2028\"}\n"
				      "{\"a\":\"x\xff\xfe\"}\n"
				      "{\"a\":1,\r\t\"a\":2,\"c\":[\r{}]}\n"
				      "x\0\x1e\r,\",\\\xc3\x28\n"
				      "\xed\xa0\x80\n"
				      "\n";
	static struct encode_trial t;
	static const struct {
		const char *yaml;
		char ends;
	} delimiters[] = {
	    {"\"\\n\"", '\n'}, {"\"\\0\"", '\0'}, {"\"\\x1e\"", '\x1e'}, {"\"-\\n\"", '\n'}};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		for (size_t d = 0; d < sizeof delimiters / sizeof *delimiters; d++) {
			char yaml[256];
			snprintf(yaml, sizeof yaml, "%.*s, delimiter: %s}", (int)strlen(all[i]) - 1,
				 all[i], delimiters[d].yaml);
			encode_begin(&t, yaml);
			encode_lines(&t, hostile, sizeof hostile - 1);
			cr_expect_eq(count_of(t.text, t.length, delimiters[d].ends), 6, "%s", yaml);
			encode_end(&t);
		}
}

Test(encodings, what_does_not_fit_into_one_buffer_goes_into_several)
{
	static struct encode_trial t, whole;
	char lines[8192] = "";
	for (unsigned i = 0; i < 100; i++)
		snprintf(lines + strlen(lines), sizeof lines - strlen(lines),
			 "{\"a\":\"\\\"%u,\\\\\"}\n", i);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		encode_begin(&whole, all[i]);
		encode_text(&whole, lines);
		t.capacity = 256;
		encode_begin(&t, all[i]);
		encode_text(&t, lines);
		cr_expect_str_eq(t.text, whole.text, "%s", all[i]);
		encode_end(&whole);
		encode_end(&t);
	}
}

Test(encodings, a_record_that_is_too_long_for_any_is_refused_and_the_others_are_not)
{
	static struct encode_trial t;
	char lines[2048];
	snprintf(lines, sizeof lines, "{\"a\":1}\n{\"a\":\"%0999d\"}\n{\"a\":2}\n", 0);
	for (size_t i = 2; i < sizeof all / sizeof *all; i++) {
		t.capacity = 512;
		encode_begin(&t, all[i]);
		encode_text(&t, lines);
		cr_expect_eq(count_of(t.text, t.length, '\n'), 2, "%s: %s", all[i], t.text);
		cr_expect_eq(counter_get(&t.counters.lost[LOSS_REFUSED]), 1);
		encode_end(&t);
	}
}

Test(encodings, mistakes_in_options_are_told)
{
	expect_problem("{format: csv}", "needs `fields`");
	expect_problem("{format: template}", "needs `template`");
	expect_problem("{format: raw, fields: [a]}", "says nothing to `format: raw`");
	expect_problem("{format: template, template: x, fields: [a]}", "says nothing to");
	expect_problem("{format: json, template: '{a}'}", "says nothing to `format: json`");
	expect_problem("{format: json, fields: [a, a]}", "stands twice");
	expect_problem("{format: logfmt, fields: [a, a.b]}", "one is within the other");
	expect_problem("{format: csv, fields: [a..b]}", "empty part");
	expect_problem("{format: csv, fields: [a], separator: '\"'}", "`separator`");
	expect_problem("{format: json, delimiter: ', '}", "`delimiter`");
	expect_problem("{format: json, delimiter: \"\\r\"}", "`delimiter`");
	expect_problem("{format: template, template: 'a{b'}", "has no end");
	expect_problem("{format: template, template: '{a.}'}", "empty part");
	expect_problem("{format: template, template: '{a|upper}'}", "only `json`");
	expect_problem("{format: template, template: '{a:%Q}'}", "no such conversion");
	expect_problem("{format: template, template: \"a\\nb\"}", "control character");
	expect_problem("{format: template, template: x, missing: \"a\\nb\"}", "`missing`");
}

Test(encodings, a_raw_delimiter_may_be_anything)
{
	const char *text;
	cr_expect_eq(encode_problems("{delimiter: ', '}", &text), 0);
}
