#include "daemon/cpus.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/sluice-cpus-XXXXXX";

static void begin(void)
{
	cr_assert_not_null(mkdtemp(root));
	cr_assert_eq(chdir(root), 0);
	cr_assert_eq(mkdir("a", 0700), 0);
	cr_assert_eq(mkdir("a/b", 0700), 0);
}

static void end(void)
{
	unlink("cpu.max");
	unlink("a/cpu.max");
	unlink("a/b/cpu.max");
	rmdir("a/b");
	rmdir("a");
	rmdir(root);
}

TestSuite(cpus, .init = begin, .fini = end);

static void set(const char *path, const char *limit)
{
	FILE *f = fopen(path, "we");
	cr_assert(f && fputs(limit, f) >= 0 && fclose(f) == 0);
}

Test(cpus, none_is_counted_that_it_may_not_run_on)
{
	cpu_set_t all, one;
	cr_assert_eq(sched_getaffinity(0, sizeof all, &all), 0);
	cr_assert_leq(cpus_available(), (unsigned)CPU_COUNT(&all));
	size_t first = 0;
	while (!CPU_ISSET(first, &all))
		first++;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
	cr_assert_eq(cpus_available(), 1);
}

Test(cpus, quota_is_rounded_up)
{
	static const struct {
		const char *limit;
		unsigned cpus;
	} cases[] = {{"max 100000\n", 0},  {"100000 100000\n", 1}, {"100001 100000\n", 2},
		     {"1000 100000\n", 1}, {"350000 100000\n", 4}, {"", 0},
		     {"nonsense\n", 0},    {"100000\n", 0},        {"100000 0\n", 0},
		     {"50000 10000\n", 5}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		set("a/cpu.max", cases[i].limit);
		cr_assert_eq(cpus_in_quota(root, "/a"), cases[i].cpus, "%s", cases[i].limit);
	}
}

Test(cpus, smallest_quota_on_the_way_up_holds)
{
	cr_assert_eq(cpus_in_quota(root, "/a/b"), 0);
	set("a/b/cpu.max", "800000 100000\n");
	cr_assert_eq(cpus_in_quota(root, "/a/b"), 8);
	set("a/cpu.max", "200000 100000\n");
	cr_assert_eq(cpus_in_quota(root, "/a/b"), 2);
	set("cpu.max", "400000 100000\n");
	cr_assert_eq(cpus_in_quota(root, "/a/b"), 2);
	cr_assert_eq(cpus_in_quota(root, "/"), 4, "in a namespace of its own it is the root");
	cr_assert_eq(cpus_in_quota(root, "/gone"), 4);
}
