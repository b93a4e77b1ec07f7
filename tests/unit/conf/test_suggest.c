#include "conf/suggest.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *best(const char *typed, const char *const *names)
{
	struct suggest s;

	suggest_init(&s, typed, strlen(typed));
	for (; *names; names++)
		suggest_consider(&s, *names);
	return s.best;
}

static const char *const names[] = {"compression", "path", "paths", "max_line",
				    "rotate",      "id",   NULL};

Test(suggest, finds_what_was_mistyped)
{
	cr_expect_str_eq(best("comressions", names), "compression");
	cr_expect_str_eq(best("maxline", names), "max_line");
	cr_expect_str_eq(best("rotat", names), "rotate");
	cr_expect_str_eq(best("pahts", names), "paths");
}

Test(suggest, case_and_dashes_cost_nothing)
{
	cr_expect_str_eq(best("MAX-LINE", names), "max_line");
}

Test(suggest, swapped_neighbours_cost_one)
{
	cr_expect_str_eq(best("di", names), "id");
}

Test(suggest, nearest_wins_and_first_of_equals)
{
	static const char *const others[] = {"patha", "pathb", "path", NULL};

	cr_expect_str_eq(best("path", others), "path");
	cr_expect_str_eq(best("pathc", others), "patha");
}

Test(suggest, keeps_quiet_when_nothing_is_near)
{
	cr_expect_null(best("zzz", names));
	cr_expect_null(best("", names));
	cr_expect_null(best("entirely_else", names));
	cr_expect_null(best("pth_xyz", names));
}

Test(suggest, short_words_allow_one_edit)
{
	static const char *const one[] = {"abc", NULL};

	cr_expect_str_eq(best("abd", one), "abc");
	cr_expect_null(best("add", one));
}

Test(suggest, endless_names_are_passed_over)
{
	char typed[5000];
	struct suggest s;

	memset(typed, 'a', sizeof(typed));
	suggest_init(&s, typed, sizeof(typed));
	suggest_consider(&s, "a");
	cr_expect_null(s.best);
	suggest_init(&s, typed, 64);
	typed[70] = 0;
	suggest_consider(&s, typed);
	cr_expect_null(s.best);
	typed[63] = 0;
	suggest_consider(&s, typed);
	cr_expect_not_null(s.best);
}
