#include "tests/unit/stages/option_trial.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static const char *first(const struct problems *problems)
{
	return problems->count ? problems->list[0].text : "";
}

void options_fill(const struct option *table, void *options, size_t size, options_check *check,
		  const char *yaml, void **ret_arena)
{
	struct problems problems;
	problems_init(&problems);
	int r = option_fill(table, options, size, yaml, &problems, ret_arena);
	cr_assert_eq(r, 0, "%s: %s", yaml, first(&problems));
	if (check)
		check(options, (struct place){.file = "t"}, &problems);
	cr_assert_eq(problems_total(&problems), 0, "%s: %s", yaml, first(&problems));
	problems_release(&problems);
}

size_t options_problems(const struct option *table, size_t size, options_check *check,
			const char *yaml, const char **ret_text)
{
	static char text[1024];
	struct problems problems;
	void *options = calloc(1, size), *arena;
	cr_assert(options);
	problems_init(&problems);
	if (option_fill(table, options, size, yaml, &problems, &arena) == 0) {
		if (check)
			check(options, (struct place){.file = "t"}, &problems);
		option_fill_release(arena);
	}
	size_t count = problems_total(&problems);
	snprintf(text, sizeof text, "%s", first(&problems));
	*ret_text = text;
	problems_release(&problems);
	free(options);
	return count;
}
