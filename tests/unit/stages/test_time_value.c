#include "stages/time/time_value.h"
#include "tests/unit/stages/time_fixture.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define AT(seconds) (INT64_C(seconds) * SECOND_NS)

static const struct zone utc;

static void expect(const char *format, struct value v, int64_t ns)
{
	struct time_format f = time_format_of(format, TIME_TO_READ);
	struct time_cache cache = {0};
	int64_t found = 0;
	const char *why = time_of_value(&f, &utc, &cache, TIME_NOW, &v, &found);
	cr_expect_null(why, "%s: %s", format, why);
	cr_expect_eq(found, ns, "%s: %jd", format, (intmax_t)found);
}

static void refused(const char *format, struct value v, const char *reason)
{
	struct time_format f = time_format_of(format, TIME_TO_READ);
	struct time_cache cache = {0};
	int64_t found = 7;
	const char *why = time_of_value(&f, &utc, &cache, TIME_NOW, &v, &found);
	cr_assert_not_null(why, "%s", format);
	cr_expect_str_eq(why, reason);
	cr_expect_eq(found, 7);
}

static struct value text(const char *s, enum value_type type, enum value_form form)
{
	return (struct value){.bytes = (const uint8_t *)s,
			      .length = (uint32_t)strlen(s),
			      .type = (uint8_t)type,
			      .form = (uint8_t)form};
}

Test(time_value, text_is_read_with_escapes_and_without)
{
	const char *plain = "10/Oct/2000:13:55:36 -0700";
	const char *escaped = "10\\/Oct\\/2000:13:55:36 \\u002d0700";
	expect("common_log", text(plain, VALUE_STRING, VALUE_PLAIN), AT(971211336));
	expect("common_log", text(escaped, VALUE_STRING, VALUE_ESCAPED), AT(971211336));
	refused("common_log", text(escaped, VALUE_STRING, VALUE_PLAIN), "not a time");
	refused("rfc3339", text("", VALUE_STRING, VALUE_PLAIN), "not a time");
	refused("rfc3339", text("2300-01-01T00:00:00Z", VALUE_STRING, VALUE_PLAIN),
		"time out of range");
}

Test(time_value, a_text_of_100_megabytes_with_escapes_is_no_time)
{
	const uint32_t length = 100 << 20;
	uint8_t *bytes = malloc(length);
	cr_assert_not_null(bytes);
	memset(bytes, '0', length);
	struct value v = {
	    .bytes = bytes, .length = length, .type = VALUE_STRING, .form = VALUE_ESCAPED};
	refused("unix", v, "not a time");
	free(bytes);
}

Test(time_value, numbers_are_exact)
{
	expect("unix", text("1234567890.123456789", VALUE_DOUBLE, VALUE_DIGITS),
	       AT(1234567890) + 123456789);
	expect("unix_ms", text("1234567890123", VALUE_INT, VALUE_DIGITS),
	       AT(1234567890) + 123000000);
	expect("unix", (struct value){.i = -5, .type = VALUE_INT}, -AT(5));
	expect("unix_ns", (struct value){.i = INT64_MIN, .type = VALUE_INT}, INT64_MIN);
	expect("unix_ns", (struct value){.u = 17, .type = VALUE_UINT}, 17);
	expect("%Y%m%d", (struct value){.i = 20090213, .type = VALUE_INT}, AT(1234483200));
	expect("unix", (struct value){.d = 1234567890.5, .type = VALUE_DOUBLE},
	       AT(1234567890) + 500000000);
	expect("unix", (struct value){.d = -0.5, .type = VALUE_DOUBLE}, -500000000);
	refused("unix_ns", (struct value){.u = UINT64_MAX, .type = VALUE_UINT},
		"time out of range");
	refused("unix", (struct value){.d = 1e300, .type = VALUE_DOUBLE}, "time out of range");
	refused("unix", (struct value){.d = NAN, .type = VALUE_DOUBLE}, "time out of range");
	refused("unix", text("1e9", VALUE_DOUBLE, VALUE_DIGITS), "not a time");
}

Test(time_value, what_has_no_time_says_why)
{
	expect("rfc3339", (struct value){.i = 42, .type = VALUE_TIMESTAMP}, 42);
	refused("rfc3339", (struct value){.type = VALUE_MISSING}, "no such field");
	refused("rfc3339", (struct value){.type = VALUE_NULL}, "not a time");
	refused("rfc3339", (struct value){.b = true, .type = VALUE_BOOL}, "not a time");
	refused("rfc3339", text("{}", VALUE_MAP, VALUE_PLAIN), "not a time");
	refused("rfc3339", text("[1]", VALUE_LIST, VALUE_PLAIN), "not a time");
	refused("rfc3339", (struct value){.i = 1, .type = VALUE_DURATION}, "not a time");
}
