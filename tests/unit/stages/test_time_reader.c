#include "stages/time_reader.h"
#include "tests/unit/stages/time_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parser_like {
	struct time_options time;
};

static const struct option table[] = {
    {"time", OPTION_GROUP, offsetof(struct parser_like, time), .group = time_option_table,
     .doc = "When a record was made"},
    {0},
};

static struct parser_like options;
static void *arena;

/* What is wrong with them, as it is printed; "" for nothing. */
static const char *fill(const char *yaml)
{
	static char text[512];
	struct problems problems;
	problems_init(&problems);
	option_fill_release(arena);
	arena = NULL;
	cr_assert_eq(option_fill(table, &options, sizeof options, yaml, &problems, &arena), 0);
	time_options_check(&options.time, &problems);
	memset(text, 0, sizeof text);
	FILE *to = fmemopen(text, sizeof text - 1, "w");
	cr_assert_not_null(to);
	problems_print(&problems, to);
	fclose(to);
	problems_release(&problems);
	return text;
}

static void end(void)
{
	option_fill_release(arena);
}

TestSuite(time_reader, .fini = end);

static size_t said;

static int read_zone(struct env *e, const char *name, uint8_t *bytes, size_t room,
		     size_t *ret_length)
{
	(void)e;
	cr_assert_geq(room, TZIF_ROOM);
	if (strcmp(name, "Europe/Berlin") != 0)
		return -ENOENT;
	*ret_length = tzif_make(bytes, 0, NULL, 0, "CET-1CEST,M3.5.0,M10.5.0/3");
	return 0;
}

static void say(struct env *e, enum say_level level, const char *event, const char *format,
		va_list args)
{
	(void)e, (void)format, (void)args;
	said += level == SAY_ERROR && strcmp(event, "time zone cannot be read") == 0;
}

static const struct env_ops ops = {.read_zone = read_zone, .say = say};
static struct env env = {.ops = &ops};
static struct stage stage = {.env = &env};

static int64_t moment(const char *text)
{
	struct time_reader r = {0};
	struct value v = {
	    .bytes = (const uint8_t *)text, .length = (uint32_t)strlen(text), .type = VALUE_STRING};
	int64_t ns = 0;
	cr_assert_eq(time_reader_open(&r, &stage, &options.time), 0);
	const char *why = time_reader_read(&r, TIME_NOW, &v, &ns);
	cr_expect_null(why, "%s: %s", text, why);
	time_reader_close(&r);
	return ns / SECOND_NS;
}

Test(time_reader, a_field_alone_is_rfc3339_in_utc)
{
	cr_expect_str_eq(fill("time: ts"), "");
	cr_expect_str_eq(options.time.field.bytes, "ts");
	cr_expect_eq(moment("2024-07-01T00:00:00"), 1719792000);
}

Test(time_reader, format_and_zone_are_as_they_are_given)
{
	cr_expect_str_eq(fill("time: {field: ts, format: \"%F %T\", zone: Europe/Berlin}"), "");
	cr_expect_eq(moment("2024-07-01 00:00:00"), 1719784800);
	cr_expect_eq(moment("2024-01-01 00:00:00"), 1704063600);
}

Test(time_reader, mistakes_of_the_format_are_told_where_they_stand)
{
	const char *told = fill("time: {field: ts, format: \"%F %Q\"}");
	cr_expect(strstr(told, "options:1:31: no such conversion"), "%s", told);
	told = fill("time: {field: ts, format: rfc333}");
	cr_expect(strstr(told, "options:1:27: no such format"), "%s", told);
}

Test(time_reader, without_time_there_is_nothing_to_read)
{
	struct time_reader r = {0};
	cr_expect_str_eq(fill("{}"), "");
	cr_expect_eq(time_reader_open(&r, &stage, &options.time), 0);
	time_reader_close(&r);
}

Test(time_reader, a_zone_that_went_after_the_check_is_told)
{
	struct time_reader r = {0};
	cr_expect_str_eq(fill("time: {field: ts, zone: Europe/Gone}"), "");
	cr_expect_eq(time_reader_open(&r, &stage, &options.time), -ENOENT);
	cr_expect_eq(said, 1);
	time_reader_close(&r);
}
