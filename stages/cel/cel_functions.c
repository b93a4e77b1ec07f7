#include "stages/cel/cel_functions.h"

#include "conf/suggest.h"
#include "stages/cel/cel.h"
#include "stages/cel/cel_convert.h"
#include "stages/cel/cel_items.h"
#include "stages/cel/cel_reasons.h"
#include "stages/cel/cel_time.h"
#include "stages/cel/cel_utf8.h"

#include <string.h>

static struct value of_bool(bool b)
{
	return (struct value){.b = b, .type = VALUE_BOOL};
}

static struct value call_size(const struct cel_function *f, const struct value *a, unsigned count,
			      struct scratch *scratch)
{
	(void)f, (void)count, (void)scratch;
	int64_t size = a->length;
	if (a->type == VALUE_STRING)
		size = (int64_t)cel_utf8_count(a->bytes, a->length);
	else if (a->type != VALUE_BYTES)
		size = cel_items_count(a);
	return size < 0 ? cel_error_value(CEL_BAD_JSON)
			: (struct value){.i = size, .type = VALUE_INT};
}

static struct value call_starts_with(const struct cel_function *f, const struct value *a,
				     unsigned count, struct scratch *scratch)
{
	(void)f, (void)count, (void)scratch;
	return of_bool(a[0].length >= a[1].length &&
		       (!a[1].length || memcmp(a[0].bytes, a[1].bytes, a[1].length) == 0));
}

static struct value call_ends_with(const struct cel_function *f, const struct value *a,
				   unsigned count, struct scratch *scratch)
{
	(void)f, (void)count, (void)scratch;
	return of_bool(a[0].length >= a[1].length &&
		       (!a[1].length || memcmp(a[0].bytes + (a[0].length - a[1].length), a[1].bytes,
					       a[1].length) == 0));
}

static struct value call_contains(const struct cel_function *f, const struct value *a,
				  unsigned count, struct scratch *scratch)
{
	(void)f, (void)count, (void)scratch;
	return of_bool(!a[1].length ||
		       (a[0].length && memmem(a[0].bytes, a[0].length, a[1].bytes, a[1].length)));
}

static struct value call_conversion(const struct cel_function *f, const struct value *a,
				    unsigned count, struct scratch *scratch)
{
	(void)count;
	return cel_converted(f->detail, a, scratch);
}

static struct value call_dyn(const struct cel_function *f, const struct value *a, unsigned count,
			     struct scratch *scratch)
{
	(void)f, (void)count, (void)scratch;
	return *a;
}

static struct value call_part(const struct cel_function *f, const struct value *a, unsigned count,
			      struct scratch *scratch)
{
	(void)scratch;
	int64_t zone_ns = 0;
	if (a->type == VALUE_DURATION)
		return count > 1 ? cel_error_value(CEL_NO_OVERLOAD)
				 : (struct value){.i = cel_duration_part(a->i, f->detail),
						  .type = VALUE_INT};
	if (count > 1 &&
	    (!a[1].length || cel_zone_parse((const char *)a[1].bytes, a[1].length, &zone_ns) < 0))
		return cel_error_value("not a time zone: UTC or an offset such as +02:00");
	return (struct value){.i = cel_timestamp_part(a->i, zone_ns, f->detail), .type = VALUE_INT};
}

#define BOOL CEL_BIT(VALUE_BOOL)
#define INT CEL_BIT(VALUE_INT)
#define UINT CEL_BIT(VALUE_UINT)
#define DOUBLE CEL_BIT(VALUE_DOUBLE)
#define STRING CEL_BIT(VALUE_STRING)
#define BYTES CEL_BIT(VALUE_BYTES)
#define TIMESTAMP CEL_BIT(VALUE_TIMESTAMP)
#define DURATION CEL_BIT(VALUE_DURATION)
#define LIST CEL_BIT(VALUE_LIST)
#define MAP CEL_BIT(VALUE_MAP)
#define NUMBER (INT | UINT | DOUBLE)
#define ANY UINT16_MAX

#define TEXT(name, call)                                                                           \
	{                                                                                          \
		name, CEL_METHODICAL, 2, 2, VALUE_BOOL, {STRING, STRING}, 0, call                  \
	}
#define CONVERSION(name, type, takes)                                                              \
	{                                                                                          \
		name, CEL_GLOBAL, 1, 1, type, {(takes), 0}, type, call_conversion                  \
	}
#define DAY_PART(name, part)                                                                       \
	{                                                                                          \
		name, CEL_METHODICAL, 1, 2, VALUE_INT, {TIMESTAMP, STRING}, part, call_part        \
	}
#define CLOCK_PART(name, part)                                                                     \
	{                                                                                          \
		name, CEL_METHODICAL, 1, 2, VALUE_INT, {TIMESTAMP | DURATION, STRING}, part,       \
		    call_part                                                                      \
	}

static const struct cel_function functions[] = {
    {"size",
     CEL_GLOBAL | CEL_METHODICAL,
     1,
     1,
     VALUE_INT,
     {STRING | BYTES | LIST | MAP, 0},
     0,
     call_size},
    {"matches", CEL_GLOBAL | CEL_METHODICAL, 2, 2, VALUE_BOOL, {STRING, STRING}, 0, NULL},
    TEXT("startsWith", call_starts_with),
    TEXT("endsWith", call_ends_with),
    TEXT("contains", call_contains),
    CONVERSION("int", VALUE_INT, NUMBER | STRING | TIMESTAMP),
    CONVERSION("uint", VALUE_UINT, NUMBER | STRING),
    CONVERSION("double", VALUE_DOUBLE, NUMBER | STRING),
    CONVERSION("string", VALUE_STRING, BOOL | NUMBER | STRING | BYTES | TIMESTAMP | DURATION),
    CONVERSION("bytes", VALUE_BYTES, STRING | BYTES),
    CONVERSION("bool", VALUE_BOOL, BOOL | STRING),
    CONVERSION("timestamp", VALUE_TIMESTAMP, STRING | INT | TIMESTAMP),
    CONVERSION("duration", VALUE_DURATION, STRING | DURATION),
    {"dyn", CEL_GLOBAL, 1, 1, CEL_DYN, {ANY, 0}, 0, call_dyn},
    DAY_PART("getFullYear", CEL_FULL_YEAR),
    DAY_PART("getMonth", CEL_MONTH),
    DAY_PART("getDate", CEL_DATE),
    DAY_PART("getDayOfMonth", CEL_DAY_OF_MONTH),
    DAY_PART("getDayOfWeek", CEL_DAY_OF_WEEK),
    DAY_PART("getDayOfYear", CEL_DAY_OF_YEAR),
    CLOCK_PART("getHours", CEL_HOURS),
    CLOCK_PART("getMinutes", CEL_MINUTES),
    CLOCK_PART("getSeconds", CEL_SECONDS),
    CLOCK_PART("getMilliseconds", CEL_MILLISECONDS),
};

enum { FUNCTIONS = sizeof functions / sizeof *functions };

const struct cel_function *cel_function_named(const char *name, size_t length)
{
	for (size_t i = 0; i < FUNCTIONS; i++)
		if (strlen(functions[i].name) == length &&
		    memcmp(functions[i].name, name, length) == 0)
			return &functions[i];
	return NULL;
}

void cel_functions_consider(struct suggest *s, enum cel_style style)
{
	for (size_t i = 0; i < FUNCTIONS; i++)
		if (functions[i].styles & style)
			suggest_consider(s, functions[i].name);
}
