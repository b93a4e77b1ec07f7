#include "tests/unit/stages/grok_fixture.h"

#include "tests/unit/stages/guarded.h"

#include <criterion/criterion.h>
#include <string.h>

void grok_trial(struct grok_trial *t, const struct grok_wish *wish)
{
	struct grok_error error;
	struct regex_error wrong;
	cr_assert_eq(grok_expand(&t->grok, wish, &error), 0, "%.*s: %s", (int)wish->length,
		     wish->text, error.message);
	cr_assert_eq(regex_compile(&t->regex, t->grok.pattern, t->grok.length, GROK_SYNTAX, &wrong),
		     0, "%.*s: %s at %zu of %.*s", (int)wish->length, wish->text, wrong.message,
		     wrong.offset, (int)t->grok.length, t->grok.pattern);
	cr_assert_leq(regex_name_count(&t->regex), GROK_TRIAL_SLOTS);
	for (unsigned i = 0; i < regex_name_count(&t->regex); i++) {
		struct regex_name n = regex_name(&t->regex, i);
		if (i == 0 || strcmp(regex_name(&t->regex, i - 1).name, n.name) != 0)
			cr_assert_eq(regex_want(&t->regex, n.name, n.length, i), 0);
	}
	cr_assert_eq(regex_prepare(&t->regex), 0);
}

void grok_trial_of(struct grok_trial *t, const char *text)
{
	grok_trial(t, &(struct grok_wish){.text = text, .length = strlen(text)});
}

void grok_trial_release(struct grok_trial *t)
{
	regex_release(&t->regex);
	grok_release(&t->grok);
}

int grok_trial_match(struct grok_trial *t, const char *line)
{
	size_t length = strlen(line);
	return regex_capture(&t->regex, guarded_at_end(line, length), length, t->spans);
}

/* The first of several groups with one name has the slot. */
bool grok_trial_field(const struct grok_trial *t, const char *field, struct regex_span *ret_span)
{
	const char *group = field;
	for (size_t i = 0; i < t->grok.field_count; i++)
		if (strcmp(t->grok.fields[i].name, field) == 0)
			group = t->grok.fields[i].group;
	for (unsigned i = 0; i < regex_name_count(&t->regex); i++)
		if (strcmp(regex_name(&t->regex, i).name, group) == 0) {
			*ret_span = t->spans[i];
			return ret_span->bytes != NULL;
		}
	cr_assert_fail("there is no field %s", field);
	return false;
}

void grok_trial_expect(const struct grok_trial *t, const char *field, const char *expected)
{
	struct regex_span s;
	bool is_there = grok_trial_field(t, field, &s);
	cr_assert_eq(is_there, expected != NULL, "%s", field);
	if (is_there)
		cr_assert(s.length == strlen(expected) && memcmp(s.bytes, expected, s.length) == 0,
			  "%s is '%.*s', not '%s'", field, (int)s.length, (const char *)s.bytes,
			  expected);
}
