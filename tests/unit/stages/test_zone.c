#include "tests/unit/stages/time_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HOUR 3600

static int32_t offset_of(const struct zone *z, const char *utc)
{
	static const struct zone none;
	return zone_at(z, time_read("rfc3339", &none, utc) / SECOND_NS).offset_s;
}

static struct zone made(int32_t before_s, const struct tzif_change *changes, size_t count,
			const char *rule)
{
	uint8_t bytes[TZIF_ROOM];
	struct zone z;
	size_t length = tzif_make(bytes, before_s, changes, count, rule);
	cr_assert_eq(zone_init(&z, bytes, length), 0, "%s", rule);
	return z;
}

static struct zone by_rule(const char *rule)
{
	return made(0, NULL, 0, rule);
}

Test(zone, fixed_offsets_are_read)
{
	static const struct {
		const char *name;
		int32_t offset_s;
	} cases[] = {{"UTC", 0},        {"Z", 0},           {"+02:00", 2 * HOUR},
		     {"-0930", -34200}, {"+05", 5 * HOUR},  {"-00:00", 0},
		     {"+23:59", 86340}, {"-23:59", -86340}, {"+05:45", 20700}};
	static const char *const wrong[] = {"",       "utc",    "+",       "+2",           "02:00",
					    "+24:00", "+02:60", "+02:0",   "+02:000",      "+2:00",
					    "UTC+1",  "z",      "+02:00 ", "Europe/Berlin"};
	struct zone z;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		cr_assert_eq(zone_fixed(&z, cases[i].name, strlen(cases[i].name)), 0, "%s",
			     cases[i].name);
		cr_expect_eq(zone_at(&z, 0).offset_s, cases[i].offset_s, "%s", cases[i].name);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		cr_expect_eq(zone_fixed(&z, wrong[i], strlen(wrong[i])), -EINVAL, "%s", wrong[i]);
}

/* Central Europe has had these changes since 1996 by law. */
Test(zone, a_rule_gives_the_changes_of_every_year)
{
	struct zone z = by_rule("CET-1CEST,M3.5.0,M10.5.0/3");
	cr_expect_eq(offset_of(&z, "2024-03-31T00:59:59Z"), HOUR);
	cr_expect_eq(offset_of(&z, "2024-03-31T01:00:00Z"), 2 * HOUR);
	cr_expect_eq(offset_of(&z, "2024-10-27T00:59:59Z"), 2 * HOUR);
	cr_expect_eq(offset_of(&z, "2024-10-27T01:00:00Z"), HOUR);
	cr_expect_eq(offset_of(&z, "2025-03-30T00:59:59Z"), HOUR);
	cr_expect_eq(offset_of(&z, "2025-03-30T01:00:00Z"), 2 * HOUR);
	cr_expect_eq(offset_of(&z, "2261-07-01T00:00:00Z"), 2 * HOUR);
	cr_expect_eq(offset_of(&z, "1700-07-01T00:00:00Z"), 2 * HOUR);
	zone_release(&z);
}

Test(zone, the_south_saves_time_over_the_turn_of_the_year)
{
	struct zone z = by_rule("AEST-10AEDT,M10.1.0,M4.1.0/3");
	cr_expect_eq(offset_of(&z, "2024-01-01T00:00:00Z"), 11 * HOUR);
	cr_expect_eq(offset_of(&z, "2024-04-06T15:59:59Z"), 11 * HOUR);
	cr_expect_eq(offset_of(&z, "2024-04-06T16:00:00Z"), 10 * HOUR);
	cr_expect_eq(offset_of(&z, "2024-10-05T15:59:59Z"), 10 * HOUR);
	cr_expect_eq(offset_of(&z, "2024-10-05T16:00:00Z"), 11 * HOUR);
	zone_release(&z);
}

Test(zone, rules_may_be_strange)
{
	struct zone z = by_rule("EST5EDT,0/0,J365/25"); /* RFC 8536 3.3.1: all year */
	cr_expect_eq(offset_of(&z, "2024-01-01T05:00:00Z"), -4 * HOUR);
	cr_expect_eq(offset_of(&z, "2024-12-31T23:59:59Z"), -4 * HOUR);
	zone_release(&z);
	z = by_rule("<-03>3<-02>,M3.5.0/-2,M10.5.0/-1"); /* Nuuk, before 2024 */
	cr_expect_eq(offset_of(&z, "2022-03-27T00:59:59Z"), -3 * HOUR);
	cr_expect_eq(offset_of(&z, "2022-03-27T01:00:00Z"), -2 * HOUR);
	cr_expect_eq(offset_of(&z, "2022-10-30T00:59:59Z"), -2 * HOUR);
	cr_expect_eq(offset_of(&z, "2022-10-30T01:00:00Z"), -3 * HOUR);
	zone_release(&z);
	z = by_rule("IST-1GMT0,M10.5.0,M3.5.0/1"); /* Dublin: saved time is behind */
	cr_expect_eq(offset_of(&z, "2024-01-15T12:00:00Z"), 0);
	cr_expect_eq(offset_of(&z, "2024-07-15T12:00:00Z"), HOUR);
	zone_release(&z);
	z = by_rule("AAA0BBB,J60/0,J61/0"); /* March 1, also in leap years */
	cr_expect_eq(offset_of(&z, "2024-02-29T12:00:00Z"), 0);
	cr_expect_eq(offset_of(&z, "2024-03-01T12:00:00Z"), HOUR);
	cr_expect_eq(offset_of(&z, "2023-03-01T12:00:00Z"), HOUR);
	zone_release(&z);
	z = by_rule("AAA0BBB,59/0,60/0"); /* the sixtieth day, whatever that is */
	cr_expect_eq(offset_of(&z, "2024-02-29T12:00:00Z"), HOUR);
	cr_expect_eq(offset_of(&z, "2023-03-01T12:00:00Z"), HOUR);
	cr_expect_eq(offset_of(&z, "2024-03-01T12:00:00Z"), 0);
	zone_release(&z);
	z = by_rule("<+0330>-3:30:15");
	cr_expect_eq(offset_of(&z, "2024-03-01T12:00:00Z"), 12615);
	zone_release(&z);
}

Test(zone, rules_that_are_none_are_refused)
{
	static const char *const wrong[] = {
	    "C",
	    "CE-1",
	    "CET",
	    "CET-1CEST",
	    "CET-25",
	    "CET-1:60",
	    "CET-1CEST,",
	    "CET-1CEST,M3.5.0",
	    "CET-1CEST,M13.5.0,M10.5.0",
	    "CET-1CEST,M3.6.0,M10.5.0",
	    "CET-1CEST,M3.5.7,M10.5.0",
	    "CET-1CEST,M3.5.0,M10.5.0/168",
	    "CET-1CEST,M3.5.0,M10.5.0/3 ",
	    "CET-1CEST,J0,J365",
	    "CET-1CEST,J1,J366",
	    "CET-1CEST,0,366",
	    "<CET-1",
	    "<+1>-1",
	    "-1",
	    "CET-1CEST,M3.0.0,M10.5.0",
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		uint8_t bytes[TZIF_ROOM];
		struct zone z;
		size_t length = tzif_make(bytes, 0, NULL, 0, wrong[i]);
		cr_expect_eq(zone_init(&z, bytes, length), -EINVAL, "%s", wrong[i]);
		cr_expect_null(z.changes);
	}
}

Test(zone, listed_changes_come_before_those_of_the_rule)
{
	static const struct tzif_change changes[] = {{-1000, 1800}, {0, 7200}, {1000, 0}};
	struct zone z = made(-900, changes, 3, "AAA0BBB,M3.5.0,M10.5.0");
	cr_expect_eq(zone_at(&z, -1001).offset_s, -900);
	cr_expect_eq(zone_at(&z, -1000).offset_s, 1800);
	cr_expect_eq(zone_at(&z, -1).offset_s, 1800);
	cr_expect_eq(zone_at(&z, 0).offset_s, 7200);
	cr_expect_eq(zone_at(&z, 1000).offset_s, 0);
	cr_expect_eq(offset_of(&z, "1970-07-01T00:00:00Z"), HOUR);
	cr_expect_eq(offset_of(&z, "1969-07-01T00:00:00Z"), -900, "the rule holds behind the list");
	zone_release(&z);
	z = made(-900, changes, 3, "");
	cr_expect_eq(offset_of(&z, "2200-07-01T00:00:00Z"), 0, "no rule: as it was last");
	zone_release(&z);
}

Test(zone, what_clocks_show_twice_is_the_first_and_what_they_skip_is_shifted)
{
	struct zone z = by_rule("CET-1CEST,M3.5.0,M10.5.0/3"), utc = {0};
	static const struct {
		const char *local, *utc;
	} cases[] = {
	    {"2024-03-31T01:59:59", "2024-03-31T00:59:59Z"},
	    {"2024-03-31T02:00:00", "2024-03-31T01:00:00Z"}, /* there is no such time */
	    {"2024-03-31T02:30:00", "2024-03-31T01:30:00Z"},
	    {"2024-03-31T02:59:59", "2024-03-31T01:59:59Z"},
	    {"2024-03-31T03:00:00", "2024-03-31T01:00:00Z"},
	    {"2024-03-31T03:30:00", "2024-03-31T01:30:00Z"},
	    {"2024-10-27T01:59:59", "2024-10-26T23:59:59Z"},
	    {"2024-10-27T02:00:00", "2024-10-27T00:00:00Z"}, /* comes again an hour later */
	    {"2024-10-27T02:59:59", "2024-10-27T00:59:59Z"},
	    {"2024-10-27T03:00:00", "2024-10-27T02:00:00Z"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		cr_expect_eq(time_read("rfc3339", &z, cases[i].local),
			     time_read("rfc3339", &utc, cases[i].utc), "%s", cases[i].local);
	zone_release(&z);
}

Test(zone, a_span_is_all_for_which_its_offset_holds)
{
	struct zone z = by_rule("CET-1CEST,M3.5.0,M10.5.0/3");
	for (int64_t s = INT64_C(1700000000); s < INT64_C(1800000000);) {
		struct zone_span span = zone_at(&z, s);
		cr_assert(span.from_s <= s && s < span.to_s);
		cr_assert_eq(zone_at(&z, span.from_s).offset_s, span.offset_s);
		cr_assert_eq(zone_at(&z, span.to_s - 1).offset_s, span.offset_s);
		cr_assert_neq(zone_at(&z, span.to_s).offset_s, span.offset_s);
		s = span.to_s;
	}
	zone_release(&z);
}

Test(zone, damaged_files_are_refused)
{
	static const struct tzif_change changes[] = {{-1000, 1800}, {0, 7200}};
	uint8_t whole[TZIF_ROOM], bytes[TZIF_ROOM];
	struct zone z;
	size_t length = tzif_make(whole, 0, changes, 2, "AAA0");
	for (size_t cut = 0; cut < length; cut++) {
		uint8_t *exact = malloc(cut + !cut);
		cr_assert_not_null(exact);
		memcpy(exact, whole, cut);
		cr_expect_eq(zone_init(&z, exact, cut), -EINVAL, "%zu", cut);
		free(exact);
	}
	enum { HEADER = 44, OLD = HEADER + 7, TIMES = OLD + HEADER };
	const struct {
		size_t at;
		uint8_t byte;
		const char *what;
	} spoilt[] = {
	    {0, 'X', "not a zone"},
	    {4, '\0', "version 1"},
	    {OLD, 'X', "second header"},
	    {OLD + 36, 0xff, "types without end"},
	    {OLD + 39, 0, "no types"},
	    {OLD + 31, 1, "leap seconds"},
	    {OLD + 32, 0xff, "times without end"},
	    {TIMES, 0x7f, "times that do not ascend"},
	    {TIMES + 16, 3, "no such type"},
	    {TIMES + 18, 0x7f, "an offset of years"},
	    {length - 1, 'x', "no end"},
	    {36, 0xff, "old types without end"},
	};
	for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
		memcpy(bytes, whole, length);
		bytes[spoilt[i].at] = spoilt[i].byte;
		cr_expect_eq(zone_init(&z, bytes, length), -EINVAL, "%s", spoilt[i].what);
		cr_expect(z.changes == NULL && z.count == 0 && z.before_s == 0);
	}
	cr_expect_eq(zone_init(&z, whole, length), 0, "whole again");
	zone_release(&z);
}

/* ---- through the env ---- */

struct shelf {
	struct env env;
	const char *wanted;
	int result;
};

static int read_zone(struct env *e, const char *name, uint8_t *bytes, size_t room,
		     size_t *ret_length)
{
	struct shelf *s = (struct shelf *)(void *)e;
	cr_assert_geq(room, TZIF_ROOM);
	cr_expect_str_eq(name, s->wanted);
	*ret_length = tzif_make(bytes, 0, NULL, 0, "CET-1");
	return s->result;
}

Test(zone, names_are_read_through_the_env)
{
	static const struct env_ops ops = {.read_zone = read_zone}, none = {0};
	struct shelf s = {.env = {.ops = &ops}, .wanted = "Europe/Berlin"};
	struct zone z;
	cr_expect_eq(zone_open(&z, &s.env, "Europe/Berlin and more", 13), 0);
	cr_expect_eq(zone_at(&z, 0).offset_s, HOUR);
	zone_release(&z);
	s.result = -ENOENT;
	cr_expect_eq(zone_open(&z, &s.env, "Europe/Berlin", 13), -ENOENT);
	s.wanted = "local";
	cr_expect_eq(zone_open(&z, &s.env, "local", 5), 0, "a machine that says nothing");
	cr_expect_eq(zone_at(&z, 0).offset_s, 0);
	s.result = -EACCES;
	cr_expect_eq(zone_open(&z, &s.env, "local", 5), -EACCES);
	s.wanted = "not asked";
	cr_expect_eq(zone_open(&z, &s.env, "+01:00", 6), 0);
	cr_expect_eq(zone_at(&z, 0).offset_s, HOUR);
	cr_expect_eq(zone_open(&z, &s.env, "", 0), -EINVAL);
	cr_expect_eq(zone_open(&z, &s.env, "a\0b", 3), -EINVAL);
	char long_name[ZONE_NAME_MAX + 1];
	memset(long_name, 'a', sizeof long_name);
	cr_expect_eq(zone_open(&z, &s.env, long_name, sizeof long_name), -EINVAL);
	s.env.ops = &none;
	cr_expect_eq(zone_open(&z, &s.env, "Europe/Berlin", 13), -ENOENT);
}
