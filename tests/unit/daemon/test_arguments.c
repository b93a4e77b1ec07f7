#include "daemon/arguments.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct arguments a;

static void release(void)
{
	arguments_release(&a);
}

TestSuite(arguments, .fini = release);

static int read_words(unsigned takes, char **words)
{
	int n = 0;
	while (words[n])
		n++;
	return arguments_read(&a, "test", takes, n, words);
}
#define READ(takes, ...) read_words((takes), (char *[]){__VA_ARGS__, NULL})

Test(arguments, files_and_sets_are_kept_in_order)
{
	cr_assert_eq(READ(TAKES_CONFIG | TAKES_RUN, "-c", "one", "--set", "a=1", "--config=two",
			  "--once", "--set=b=2"),
		     0);
	cr_assert_eq(a.file_count, 2);
	cr_assert_str_eq(a.files[1], "two");
	cr_assert_eq(a.set_count, 2);
	cr_assert_str_eq(a.sets[1], "b=2");
	cr_assert(a.once);
}

Test(arguments, a_run_without_topology_is_refused)
{
	cr_assert_lt(READ(TAKES_CONFIG | TAKES_RUN, "--once"), 0);
}

Test(arguments, option_of_another_command_is_unknown)
{
	cr_assert_lt(READ(TAKES_CONFIG, "-c", "x", "--once"), 0);
}

Test(arguments, missing_and_wrong_values_are_refused)
{
	cr_assert_lt(READ(TAKES_CONFIG, "-c"), 0);
	arguments_release(&a);
	cr_assert_lt(READ(TAKES_CONFIG | TAKES_RUN, "-c", "x", "--io", "fast"), 0);
	arguments_release(&a);
	cr_assert_lt(READ(TAKES_CONFIG | TAKES_RUN, "-c", "x", "--once=1"), 0);
	arguments_release(&a);
	cr_assert_lt(READ(TAKES_CONFIG, "-c", "x", "--set", "no-equals"), 0);
}

Test(arguments, value_may_be_attached_to_a_short_option)
{
	cr_assert_eq(READ(TAKES_CONFIG, "-cone.yaml", "-c", "two"), 0);
	cr_assert_eq(a.file_count, 2);
	cr_assert_str_eq(a.files[0], "one.yaml");
	arguments_release(&a);
	cr_assert_lt(READ(TAKES_CONFIG, "-c", ""), 0);
	arguments_release(&a);
	cr_assert_lt(READ(TAKES_CONFIG, "-c", "-"), 0);
}

Test(arguments, two_dashes_end_the_options)
{
	cr_assert_eq(READ(TAKES_NAME, "--", "--odd"), 0);
	cr_assert_str_eq(a.rest, "--odd");
	arguments_release(&a);
	cr_assert_eq(READ(TAKES_CONFIG, "-c", "x", "--"), 0);
	arguments_release(&a);
	cr_assert_lt(READ(TAKES_CONFIG, "-c", "x", "--", "-c"), 0);
}

Test(arguments, words_choose_backend_level_and_format)
{
	cr_assert_eq(READ(TAKES_CONFIG | TAKES_RUN | TAKES_FORMAT, "-c", "x", "--io", "plain",
			  "--set-log-level", "warn", "--format", "mermaid"),
		     0);
	cr_assert_eq(a.io, BACKEND_PLAIN);
	cr_assert(a.has_log_level);
	cr_assert_eq(a.log_level, LOG_LEVEL_WARN);
	cr_assert_eq(a.format, GRAPH_MERMAID);
}

Test(arguments, stray_word_is_refused_where_no_name_is_taken)
{
	cr_assert_lt(READ(TAKES_CONFIG, "-c", "x", "y"), 0);
	arguments_release(&a);
	cr_assert_eq(READ(TAKES_NAME, "filter"), 0);
	cr_assert_str_eq(a.rest, "filter");
}
