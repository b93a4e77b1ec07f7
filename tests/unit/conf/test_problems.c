#include "conf/excerpt.h"
#include "conf/problems.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void expect_print(struct problems *p, const char *expected)
{
	char *text = NULL;
	size_t length;
	FILE *f = open_memstream(&text, &length);

	problems_print(p, f);
	fclose(f);
	cr_expect_str_eq(text, expected, "got:\n%s", text);
	free(text);
}

Test(problems, print_in_the_order_of_file_line_and_column)
{
	struct problems p;

	problems_init(&p);
	problem_add(&p, (struct place){"b", 1, 1}, "fifth");
	problem_add(&p, (struct place){"a", 10, 2}, "fourth");
	problem_add(&p, (struct place){"a", 9, 12}, "third");
	problem_add(&p, (struct place){"a", 9, 3}, "second");
	problem_add(&p, (struct place){.file = "a"}, "first");
	problem_add(&p, (struct place){0}, "nowhere");
	expect_print(
	    &p, "nowhere\na: first\na:9:3: second\na:9:12: third\na:10:2: fourth\nb:1:1: fifth\n");
	problems_release(&p);
}

Test(problems, repetitions_are_dropped)
{
	struct problems p;

	problems_init(&p);
	for (int i = 0; i < 100; i++) {
		problem_add(&p, (struct place){"a", 1, 1}, "same");
		problem_add(&p, (struct place){"a", 1, 1}, "same %d", i % 2);
	}
	cr_expect_eq(problems_total(&p), 200);
	expect_print(&p, "a:1:1: same\na:1:1: same 0\na:1:1: same 1\n");
	cr_expect_eq(problems_total(&p), 3);
	problems_release(&p);
	cr_expect_eq(problems_total(&p), 0);
}

Test(problems, outlive_the_name_of_the_file)
{
	char *name = strdup("gone.yaml");
	struct problems p;

	problems_init(&p);
	problem_add(&p, (struct place){name, 1, 2}, "still here");
	memset(name, 'x', strlen(name));
	free(name);
	expect_print(&p, "gone.yaml:1:2: still here\n");
	problems_release(&p);
}

Test(problems, terminals_get_no_control_characters)
{
	struct problems p;

	problems_init(&p);
	problem_add(&p, (struct place){"a\033[2J", 1, 1},
		    "b\r\n\x7f\xc2\x9b"
		    "c \xc3\xa9 \xc2\xa0");
	expect_print(&p, "a\\x1b[2J:1:1: b\\x0d\\x0a\\x7f\\x9bc \xc3\xa9 \xc2\xa0\n");
	problems_release(&p);
}

Test(problems, graver_result_goes_on)
{
	cr_expect_eq(result_worse(0, 0), 0);
	cr_expect_eq(result_worse(-EINVAL, 0), -EINVAL);
	cr_expect_eq(result_worse(0, -EINVAL), -EINVAL);
	cr_expect_eq(result_worse(-ENOMEM, -EINVAL), -ENOMEM);
	cr_expect_eq(result_worse(-EINVAL, -ENOMEM), -ENOMEM);
}

Test(problems, warnings_are_printed_among_the_others_and_not_counted)
{
	struct problems p;

	problems_init(&p);
	problem_add(&p, (struct place){"a", 2, 1}, "wrong");
	problem_warn(&p, (struct place){"a", 1, 1}, "odd");
	problem_warn(&p, (struct place){"a", 1, 1}, "odd");
	cr_expect_eq(problems_total(&p), 1);
	expect_print(&p, "a:1:1: warning: odd\na:2:1: wrong\n");
	cr_expect_eq(problems_total(&p), 1);
	problems_release(&p);
}

Test(excerpt, shows_short_values_whole)
{
	cr_expect_str_eq(excerpt_of("abc", 3, false).text, "abc");
	cr_expect_str_eq(excerpt_of("a\0\nb", 4, false).text, "a\\x00\\x0ab");
	cr_expect_str_eq(excerpt_of(NULL, 0, false).text, "");
}

Test(excerpt, never_shows_a_secret)
{
	cr_expect_str_eq(excerpt_of("hunter2", 7, true).text, "***");
}

Test(excerpt, cuts_between_characters)
{
	char long_text[300];

	memset(long_text, 'a', sizeof(long_text));
	memcpy(long_text + 79, "\xc3\xa9", 2);
	struct excerpt e = excerpt_of(long_text, sizeof(long_text), false);
	cr_expect_eq(strlen(e.text), 82);
	cr_expect_str_eq(e.text + 78, "a...");
	memcpy(long_text + 78,
	       "\xc3\xa9"
	       "a",
	       3);
	e = excerpt_of(long_text, sizeof(long_text), false);
	cr_expect_str_eq(e.text + 77, "a\xc3\xa9...");
}
