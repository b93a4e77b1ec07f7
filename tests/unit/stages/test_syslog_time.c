#include "stages/builtin.h"
#include "tests/unit/stages/transform_trial.h"

#include <criterion/criterion.h>
#include <string.h>

/* 2024-03-01T00:00:00Z */
#define NOW INT64_C(1709251200)

Test(syslog_time, a_record_is_of_the_time_that_it_says)
{
	static const struct {
		const char *zone, *text, *expected;
	} cases[] = {
	    {"UTC", "<1>1 2003-10-11T22:14:15.003Z h - - - -", "1065910455003000000"},
	    {"+02:00", "<1>1 2003-10-11T22:14:15-07:00 h - - - -", "1065935655000000000"},
	    {"+02:00", "2003-10-11T22:14:15 h a: m", "1065903255000000000"},
	    {"UTC", "2003-10-11T22:14:15+0100 h a: m", "1065906855000000000"},
	    {"UTC", "Feb 29 22:14:15 h a: m", "1709244855000000000"},
	    {"+02:00", "Feb 29 22:14:15 h a: m", "1709237655000000000"},
	    {"UTC", "Dec 31 23:59:59.5 h a: m", "1704067199500000000"},
	    {"UTC", "Oct  1 2003 00:00:00 h a: m", "1064966400000000000"},
	    {"UTC", "Oct 1 2003 00:00:00.25 h a: m", "1064966400250000000"},
	    {"UTC", "Feb 30 22:14:15 h a: m", "-"},
	    {"UTC", "<1>a: m", "-"},
	    {"UTC", "<1>1 - - - - - -", "-"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct transform_trial t = {.world.now_ns = NOW * 1000000000};
		char yaml[64];
		snprintf(yaml, sizeof yaml, "zone: '%s'", cases[i].zone);
		transform_begin(&t, &parse_syslog_type, yaml, "time");
		transform_feed_text(&t, cases[i].text);
		const char *got = transform_get(&t, 0, "own time");
		cr_expect_str_eq(got, cases[i].expected, "%s: %s, not %s", cases[i].text, got,
				 cases[i].expected);
		transform_end(&t);
	}
}

Test(syslog_time, a_line_of_a_container_is_of_the_time_of_its_first_part)
{
	struct transform_trial t = {.batch = NULL};
	transform_begin(&t, &parse_cri_type, "", "time");
	transform_feed_text(&t, "2003-10-11T22:14:15.003Z stdout P a\n"
				"2003-10-11T22:14:16.003Z stdout F b\n"
				"2003-10-11T22:14:15-07:00 stdout F c\n");
	cr_expect_str_eq(transform_get(&t, 0, "own time"), "1065910455003000000");
	cr_expect_str_eq(transform_get(&t, 1, "own time"), "1065935655000000000");
	transform_end(&t);
}

Test(syslog_time, another_time_has_precedence_when_it_is_asked_for)
{
	struct transform_trial t = {.batch = NULL};
	transform_begin(&t, &parse_syslog_type, "time: {field: message, format: unix}", "time");
	transform_feed_text(&t, "<1>1 2003-10-11T22:14:15.003Z h - - - - 7\n"
				"<1>1 2003-10-11T22:14:15.003Z h - - - -\n");
	cr_expect_str_eq(transform_get(&t, 0, "own time"), "7000000000");
	cr_expect_str_eq(transform_get(&t, 1, "own time"), "-");
	transform_end(&t);
}
