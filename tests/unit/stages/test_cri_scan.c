#include "stages/text/cri_scan.h"
#include "tests/unit/stages/guarded.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* `stream P|F message`, with `~` before one that has escapes; or `!why`. */
static const char *shown(const char *text)
{
	static char to[4096];
	struct cri_json j;
	struct cri_line l;
	const char *why = NULL;
	const size_t length = strlen(text);
	cr_assert_eq(cri_json_init(&j), 0);
	if (cri_scan(&j, guarded_at_end(text, length), (uint32_t)length, &l, &why) < 0)
		snprintf(to, sizeof to, "!%s", why);
	else
		snprintf(to, sizeof to, "%.*s %c %s%.*s", (int)l.stream.length,
			 (const char *)l.stream.bytes, l.partial ? 'P' : 'F',
			 l.message.form == VALUE_ESCAPED ? "~" : "", (int)l.message.length,
			 (const char *)l.message.bytes);
	cri_json_release(&j);
	return to;
}

struct cri_case {
	const char *text, *expected;
};

static void expect(const struct cri_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *got = shown(cases[i].text);
		cr_expect_str_eq(got, cases[i].expected, "%s: %s, not %s", cases[i].text, got,
				 cases[i].expected);
	}
}
#define EXPECT(cases) expect(cases, sizeof(cases) / sizeof(*(cases)))

#define T "2016-10-06T00:17:09.669794202Z"

Test(cri_scan, lines_of_a_runtime_are_taken_apart)
{
	static const struct cri_case cases[] = {
	    {T " stdout F The message", "stdout F The message"},
	    {T " stderr P part", "stderr P part"},
	    {"2016-10-06T00:17:09+02:00 stdout F m", "stdout F m"},
	    {T " stdout F ", "stdout F "},
	    {T " stdout F", "stdout F "},
	    {T " stdout F  two", "stdout F  two"},
	    {T " stdout F:a:b m", "stdout F m"},
	    {T " stdout P:a", "stdout P "},
	    {T " stdout F {\"a\":1}", "stdout F {\"a\":1}"},
	    {T " stdin F m", "!stream"},
	    {T "  F m", "!stream"},
	    {T " stdout X m", "!neither P nor F"},
	    {T " stdout Fm", "!neither P nor F"},
	    {T " stdout ", "!neither P nor F"},
	    {T " stdout", "!stream"},
	    {T, "!time"},
	    {"2016-10-06 00:17:09 stdout F m", "!neither P nor F"},
	    {"2016-10-06T00:17 stdout F m", "!time"},
	    {" stdout F m", "!time"},
	    {"", "!time"},
	};
	EXPECT(cases);
}

#define D(log) "{\"log\":\"" log "\",\"stream\":\"stdout\",\"time\":\"" T "\"}"

Test(cri_scan, lines_of_docker_are_taken_apart)
{
	static const struct cri_case cases[] = {
	    {D("m\\n"), "stdout F ~m"},
	    {D("m\\u000a"), "stdout F ~m"},
	    {D("m\\u000A"), "stdout F ~m"},
	    {D("\\n"), "stdout F ~"},
	    {D("a \\\"b\\\"\\n"), "stdout F ~a \\\"b\\\""},
	    {D("part"), "stdout P part"},
	    {D(""), "stdout P "},
	    {D("n"), "stdout P n"},
	    {D("m\\\\n"), "stdout P ~m\\\\n"},
	    {D("m\\\\\\n"), "stdout F ~m\\\\"},
	    {D("m\\\\u000a"), "stdout P ~m\\\\u000a"},
	    {"{\"attrs\":{\"a\":\"b\"},\"time\":\"" T "\",\"stream\":\"stderr\",\"log\":\"m\\n\"}",
	     "stderr F ~m"},
	    {"{\"stream\":\"stdout\",\"time\":\"" T "\"}", "!no `log`"},
	    {"{\"log\":1,\"stream\":\"stdout\",\"time\":\"" T "\"}", "!no `log`"},
	    {"{\"log\":\"m\",\"time\":\"" T "\"}", "!stream"},
	    {"{\"log\":\"m\",\"stream\":\"x\",\"time\":\"" T "\"}", "!stream"},
	    {"{\"log\":\"m\",\"stream\":\"stdout\"}", "!time"},
	    {"{\"log\":\"m\",\"stream\":\"stdout\",\"time\":\"\"}", "!time"},
	    {"{\"log\":\"m\",\"stream\":\"stdout\",\"time\":\"now\"}", "!time"},
	    {"{\"log\":\"m", "!does not end with a brace"},
	};
	EXPECT(cases);
}

Test(cri_scan, a_time_is_told_in_parts)
{
	struct cri_json j;
	struct cri_line l;
	const char *why;
	cr_assert_eq(cri_json_init(&j), 0);
	cr_assert_eq(cri_scan(&j, (const uint8_t *)T " stdout F m", 41, &l, &why), 0);
	cr_expect(l.stamp.year == 2016 && l.stamp.second == 9 && l.stamp.fraction_ns == 669794202);
	cri_json_release(&j);
}
