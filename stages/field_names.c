#include "stages/field_names.h"
#include "conf/excerpt.h"
#include "stages/json/json_plan.h"

#include <string.h>

enum { PATH_PARTS_MAX = 64 };

bool field_is_within(const char *name, size_t length, const char *above, size_t above_length)
{
	return length > above_length && name[above_length] == '.' &&
	       memcmp(name, above, above_length) == 0;
}

bool field_is_or_is_within(const struct field *f, const struct text *name)
{
	if (f->known >= FIELD_RECORD_TIME)
		return false;
	return (f->length == name->length && memcmp(f->name, name->bytes, f->length) == 0) ||
	       field_is_within(f->name, f->length, name->bytes, name->length);
}

bool field_is_among(const struct field *f, const struct text_list *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (field_is_or_is_within(f, &names->items[i]))
			return true;
	return false;
}

static struct excerpt shown(const struct text *name)
{
	return excerpt_of(name->bytes, name->length, name->secret);
}

/* What is wrong with it; NULL: nothing. */
static const char *why_no_path(const struct text *name)
{
	const char *at = name->bytes, *end = name->bytes + name->length;
	size_t parts = 0;
	if (memchr(at, 0, name->length))
		return "holds a NUL byte";
	for (; at <= end; parts++) {
		const char *dot = memchr(at, '.', (size_t)(end - at));
		size_t length = (size_t)((dot ? dot : end) - at);
		if (length == 0)
			return "has an empty part; a path is names with one dot between them";
		if (length > JSON_NAME_MAX)
			return "has a part of more than 255 bytes";
		at += length + 1;
	}
	return parts > PATH_PARTS_MAX ? "has more than 64 parts" : NULL;
}

static const struct text *nth(const struct text *first, size_t stride, size_t i)
{
	return (const struct text *)(const void *)((const char *)first + i * stride);
}

static bool is_same(const struct text *a, const struct text *b)
{
	return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

static bool is_within(const struct text *a, const struct text *b)
{
	return field_is_within(a->bytes, a->length, b->bytes, b->length);
}

static void tell_pair(const struct text *name, const struct text *other, struct problems *problems)
{
	if (is_same(name, other))
		problem_add(problems, name->at, "`%s` stands twice; keep one", shown(name).text);
	else if (is_within(name, other) || is_within(other, name))
		problem_add(
		    problems, name->at,
		    "`%s` and `%s` stand side by side, and one is within the other; a stage can "
		    "do one of them, another stage the other",
		    shown(name).text, shown(other).text);
}

void field_names_check(const struct text *first, size_t count, size_t stride,
		       struct problems *problems)
{
	for (size_t i = 0; i < count; i++) {
		const struct text *name = nth(first, stride, i);
		const char *why = why_no_path(name);
		if (why)
			problem_add(problems, name->at, "`%s` can't name a field: it %s",
				    shown(name).text, why);
	}
	/* Of more the plan says that there are too many. */
	for (size_t i = 1; i < count && count <= COLUMNS_MAX; i++)
		for (size_t k = 0; k < i; k++)
			tell_pair(nth(first, stride, i), nth(first, stride, k), problems);
}
