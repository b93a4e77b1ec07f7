#include "tests/unit/stages/cel_fixture.h"

#include "conf/suggest.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TEXT_OF(text, kind, how)                                                                   \
	{                                                                                          \
		.bytes = (const uint8_t *)(text), .length = sizeof(text) - 1, .type = (kind),      \
		.form = (how)                                                                      \
	}

static const struct {
	const char *name;
	struct value value;
} fields[] = {
    {"i", {.i = 7, .type = VALUE_INT}},
    {"min", {.i = INT64_MIN, .type = VALUE_INT}},
    {"zero", {.i = 0, .type = VALUE_INT}},
    {"u", {.u = 5, .type = VALUE_UINT}},
    {"d", {.d = 2.5, .type = VALUE_DOUBLE}},
    {"t", {.b = true, .type = VALUE_BOOL}},
    {"f", {.b = false, .type = VALUE_BOOL}},
    {"nothing", {.type = VALUE_NULL}},
    {"absent", {.type = VALUE_MISSING}},
    {"broken", {.why = "it was broken", .type = VALUE_ERROR}},
    {"status", TEXT_OF("503", VALUE_INT, VALUE_DIGITS)},
    {"large", TEXT_OF("18446744073709551615", VALUE_UINT, VALUE_DIGITS)},
    {"ratio", TEXT_OF("1.25e1", VALUE_DOUBLE, VALUE_DIGITS)},
    {"huge", TEXT_OF("1e999", VALUE_DOUBLE, VALUE_DIGITS)},
    {"path", TEXT_OF("/api/users", VALUE_STRING, VALUE_PLAIN)},
    {"escaped", TEXT_OF("a\\/\\u00e9\\ud83d\\ude00\\n", VALUE_STRING, VALUE_ESCAPED)},
    {"lone", TEXT_OF("a\\ud83d", VALUE_STRING, VALUE_ESCAPED)},
    {"raw", TEXT_OF("\x01\xff", VALUE_BYTES, VALUE_PLAIN)},
    {"time", {.i = 1234567890123456789, .type = VALUE_TIMESTAMP}},
    {"took", {.i = 1500000000, .type = VALUE_DURATION}},
    {"list",
     TEXT_OF("[1, \"two\", 3.0, null, {\"k\": [true]}, [], \"\\u0041\"]", VALUE_LIST, VALUE_PLAIN)},
    {"map", TEXT_OF("{\"a\": 1, \"b\": {\"c\": \"x\"}, \"a\": 2, \"\\u0064\": 4, \"n\": null}",
		    VALUE_MAP, VALUE_PLAIN)},
    {"empty", TEXT_OF("{}", VALUE_MAP, VALUE_PLAIN)},
    {"cut", TEXT_OF("[1, {\"a\"", VALUE_LIST, VALUE_PLAIN)},
    {"bare", TEXT_OF("[1 2]", VALUE_LIST, VALUE_PLAIN)},
    {"trailing", TEXT_OF("{\"a\": 1,}", VALUE_MAP, VALUE_PLAIN)},
    {"user.id", {.i = 9, .type = VALUE_INT}},
    {"user.name", {.type = VALUE_MISSING}},
};

enum { FIELDS = sizeof fields / sizeof *fields };

static int column_of(void *context, const char *name, size_t length)
{
	(void)context;
	for (int i = 0; i < FIELDS; i++)
		if (strlen(fields[i].name) == length && memcmp(fields[i].name, name, length) == 0)
			return i;
	return -1;
}

static void consider(void *context, struct suggest *s)
{
	(void)context;
	for (size_t i = 0; i < FIELDS; i++)
		suggest_consider(s, fields[i].name);
}

const struct cel_names *cel_fixture_names(void)
{
	static const struct cel_names names = {.column = column_of, .consider = consider};
	return &names;
}

const struct value *const *cel_fixture_columns(void)
{
	static const struct value *columns[FIELDS];
	for (size_t i = 0; !columns[FIELDS - 1] && i < FIELDS; i++)
		columns[i] = &fields[i].value;
	return columns;
}

static void show_bytes(char *to, size_t room, const struct value *v)
{
	size_t n = (size_t)snprintf(to, room, "b:");
	for (uint32_t i = 0; i < v->length && n + 3 < room; i++)
		n += (size_t)snprintf(to + n, room - n, "%02x", v->bytes[i]);
}

const char *cel_shown(const struct value *v)
{
	static char shown[16 * 1024];
	const size_t room = sizeof shown;
	const int64_t second = 1000000000;
	const char *form = v->form == VALUE_DIGITS    ? "digits "
			   : v->form == VALUE_ESCAPED ? "escaped "
						      : "";
	if (v->type == VALUE_STRING || v->form != VALUE_PLAIN)
		snprintf(shown, room, "%s\"%.*s\"", form, (int)v->length, (const char *)v->bytes);
	else if (v->type == VALUE_LIST || v->type == VALUE_MAP)
		snprintf(shown, room, "%.*s", (int)v->length, (const char *)v->bytes);
	else if (v->type == VALUE_BYTES)
		show_bytes(shown, room, v);
	else if (v->type == VALUE_INT)
		snprintf(shown, room, "%" PRId64, v->i);
	else if (v->type == VALUE_UINT)
		snprintf(shown, room, "%" PRIu64 "u", v->u);
	else if (v->type == VALUE_DOUBLE)
		snprintf(shown, room, "%.16gd", v->d);
	else if (v->type == VALUE_BOOL)
		snprintf(shown, room, "%s", v->b ? "true" : "false");
	else if (v->type == VALUE_NULL)
		snprintf(shown, room, "null");
	else if (v->type == VALUE_TIMESTAMP)
		snprintf(shown, room, "time:%" PRId64 ".%09" PRId64,
			 v->i / second - (v->i % second < 0), (v->i % second + second) % second);
	else if (v->type == VALUE_DURATION)
		snprintf(shown, room, "span:%" PRId64, v->i);
	else if (v->type == VALUE_ERROR)
		snprintf(shown, room, "!%s", v->why);
	else
		snprintf(shown, room, "type %u", v->type);
	return shown;
}

static const char *result_of(const char *expression)
{
	static char refused[512];
	struct cel_program p;
	struct cel_error error;
	struct cel_runner runner;
	uint8_t room[8192];
	struct scratch scratch = {room, room + sizeof room};
	struct value result;
	int r = cel_program_init(&p, expression, strlen(expression), cel_fixture_names(), &error);
	if (r < 0) {
		snprintf(refused, sizeof refused, "refused at %zu: %s", error.offset,
			 error.message);
		return refused;
	}
	cr_assert_eq(cel_runner_init(&runner, &p), 0);
	cel_eval(&runner, cel_fixture_columns(), 0, &scratch, &result);
	const char *shown = cel_shown(&result);
	cel_runner_release(&runner);
	cel_program_release(&p);
	return shown;
}

void cel_expect_all(const struct cel_case *cases, size_t count)
{
	size_t wrong = 0;
	for (size_t i = 0; i < count; i++) {
		const char *result = result_of(cases[i].expression);
		if (strcmp(result, cases[i].result) == 0)
			continue;
		wrong++;
		fprintf(stderr, "%s\n    gives  %s\n    wanted %s\n", cases[i].expression, result,
			cases[i].result);
	}
	cr_assert_eq(wrong, 0, "%zu of %zu cases", wrong, count);
}

void cel_expect_refused(const struct cel_refusal *cases, size_t count)
{
	size_t wrong = 0;
	for (size_t i = 0; i < count; i++) {
		struct cel_program p;
		struct cel_error error;
		const char *text = cases[i].expression;
		int r = cel_program_init(&p, text, strlen(text), cel_fixture_names(), &error);
		cel_program_release(&p);
		if (r == -EINVAL && error.offset == cases[i].offset &&
		    strcmp(error.message, cases[i].message) == 0)
			continue;
		wrong++;
		fprintf(stderr, "%s\n    gives  %d, %zu: %s\n    wanted %zu: %s\n", text, r,
			error.offset, error.message, cases[i].offset, cases[i].message);
	}
	cr_assert_eq(wrong, 0, "%zu of %zu cases", wrong, count);
}
