#include "daemon/resolve.h"
#include "tests/unit/stages/scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char here[128];

static void begin(void)
{
	char directory[] = "/tmp/sluice-resolve-XXXXXX";
	cr_assert_not_null(mkdtemp(directory));
	cr_assert_eq(chdir(directory), 0);
	cr_assert_not_null(getcwd(here, sizeof here));
}

static void end(void)
{
	scratch_remove(here);
}

TestSuite(resolve, .init = begin, .fini = end);

/* `expected` is below the test's directory, unless it is absolute. */
static void leads_to(const char *path, const char *expected)
{
	char got[PATH_MAX], whole[PATH_MAX];
	bool absolute = expected[0] == '/';
	snprintf(whole, sizeof whole, "%s%s%s", absolute ? "" : here,
		 absolute || !*expected ? "" : "/", expected);
	cr_assert_eq(resolve(path, got), 0, "%s", path);
	cr_expect_str_eq(got, whole, "%s: %s", path, got);
}

Test(resolve, names_that_are_not_there_stay)
{
	leads_to("x", "x");
	leads_to("./a//b/./c", "a/b/c");
	leads_to("a/../b", "b");
	leads_to("/no-such-directory/x", "/no-such-directory/x");
	leads_to("/no-such-directory/../x", "/x");
	leads_to("/../../x", "/x");
	leads_to("/", "/");
	leads_to(".", "");
}

Test(resolve, links_are_followed_whether_or_not_they_dangle)
{
	cr_assert_eq(mkdir("d", 0700), 0);
	cr_assert_eq(symlink("d", "to_d"), 0);
	cr_assert_eq(symlink("../late", "d/dangling"), 0);
	cr_assert_eq(symlink("d/dangling", "chain"), 0);
	leads_to("to_d/x", "d/x");
	leads_to("to_d/missing/x", "d/missing/x");
	leads_to("to_d/dangling", "late");
	leads_to("chain", "late");
}

Test(resolve, what_leads_nowhere_is_an_error)
{
	char got[PATH_MAX];
	static char longer[2 * PATH_MAX];
	cr_assert_eq(symlink("round", "round"), 0);
	cr_assert_eq(resolve("round", got), -ELOOP);
	FILE *f = fopen("file", "we");
	cr_assert(f && fclose(f) == 0);
	cr_assert_eq(resolve("file/x", got), -ENOTDIR);
	memset(longer, 'x', sizeof longer - 1);
	cr_assert_eq(resolve(longer, got), -ENAMETOOLONG);
	memcpy(longer, "a/", 2);
	for (size_t i = 0; i + 2 < PATH_MAX; i += 2)
		memcpy(longer + i, "a/", 2);
	longer[PATH_MAX - 2] = '\0';
	cr_assert_eq(resolve(longer, got), -ENAMETOOLONG);
}
