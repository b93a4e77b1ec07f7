#include "stages/builtin.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What conf fills, found through the table as conf does. */
struct filled {
	void *options;
	struct text contains[2], regex[2];
};

static void *field(struct filled *f, const char *name)
{
	for (const struct option *o = filter_type.schema.options; o->name; o++)
		if (strcmp(o->name, name) == 0)
			return (char *)f->options + o->offset;
	cr_assert_fail("filter has no option %s", name);
	return NULL;
}

static void setup(struct filled *f)
{
	*f = (struct filled){.options = calloc(1, filter_type.schema.options_size)};
	cr_assert(f->options);
}

static void give_text(struct filled *f, const char *name, struct text *room, const char *text,
		      unsigned line)
{
	struct text_list *list = field(f, name);
	list->items = room;
	room[list->count++] = (struct text){
	    .bytes = text, .length = strlen(text), .at = {.file = "t.yaml", .line = line}};
}

static struct problems check(const struct filled *f)
{
	struct problems problems;
	problems_init(&problems);
	filter_type.schema.check(f->options, (struct place){.file = "t.yaml", .line = 7},
				 &problems);
	return problems;
}

Test(filter, without_a_string_or_pattern_it_is_a_problem_of_the_stage)
{
	struct filled f;
	setup(&f);
	struct problems problems = check(&f);
	cr_assert_eq(problems.count, 1);
	cr_assert_str_eq(problems.list[0].text, "filter needs `contains`, `regex` or `where`");
	cr_assert_eq(problems.list[0].at.line, 7);
	problems_release(&problems);
	free(f.options);
}

Test(filter, each_bad_text_is_a_problem_where_it_stands)
{
	struct filled f;
	setup(&f);
	give_text(&f, "contains", f.contains, "fine", 10);
	give_text(&f, "contains", f.contains, "", 11);
	give_text(&f, "regex", f.regex, "a[b", 12);
	give_text(&f, "regex", f.regex, "a[b]", 13);
	struct problems problems = check(&f);
	cr_assert_eq(problems.count, 2);
	cr_assert_eq(problems.list[0].at.line, 11);
	cr_assert_eq(problems.list[1].at.line, 12);
	cr_assert(strstr(problems.list[1].text, "missing terminating ]"));
	cr_assert(strstr(problems.list[1].text, "offset 3"));
	problems_release(&problems);
	free(f.options);
}

Test(filter, one_string_or_one_pattern_is_enough)
{
	for (int i = 0; i < 2; i++) {
		struct filled f;
		setup(&f);
		give_text(&f, i ? "regex" : "contains", i ? f.regex : f.contains, "x", 1);
		struct problems problems = check(&f);
		cr_assert_eq(problems.count, 0);
		problems_release(&problems);
		free(f.options);
	}
}

Test(filter, it_opens_and_closes_more_than_once_and_says_what_it_takes)
{
	struct filled f;
	setup(&f);
	give_text(&f, "contains", f.contains, "x", 1);
	give_text(&f, "regex", f.regex, "foo|bar", 2);
	struct stage stage = {.type = &filter_type, .options = f.options};
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(filter_type.open(&stage), 0);
		cr_assert_not_null(stage.state);
		filter_type.close(&stage);
		cr_assert_null(stage.state);
	}
	filter_type.close(&stage); /* as after an open() that failed */
	size_t bytes = filter_type.memory(f.options);
	cr_assert(bytes > 0 && bytes < (size_t)16 << 20);
	free(f.options);
}
