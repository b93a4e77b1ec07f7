#include "daemon/catalog.h"
#include "daemon/overlaps.h"
#include "tests/unit/stages/scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct topology topology;
static struct problems problems;

/* Each test runs in a process of its own, and in a directory of its own. */
static void begin(void)
{
	char directory[] = "/tmp/sluice-overlaps-XXXXXX";
	cr_assert_not_null(mkdtemp(directory));
	cr_assert_eq(chdir(directory), 0);
	problems_init(&problems);
}

static void end(void)
{
	char directory[96];
	topology_release(&topology);
	problems_release(&problems);
	cr_assert_not_null(getcwd(directory, sizeof directory));
	cr_assert_eq(strncmp(directory, "/tmp/sluice-overlaps-", 21), 0);
	scratch_remove(directory);
}

TestSuite(overlaps, .init = begin, .fini = end);

static void touch(const char *path)
{
	FILE *f = fopen(path, "we");
	cr_assert(f && fclose(f) == 0);
}

/* What is wrong between its stages, as it is printed; the caller's. */
static char *check(const char *yaml)
{
	const char *file = "t.yaml";
	FILE *f = fopen(file, "we");
	cr_assert(f && fputs(yaml, f) >= 0 && fclose(f) == 0);
	struct topology_request request = {.files = &file, .file_count = 1, .catalog = catalog()};
	topology_release(&topology);
	problems_release(&problems);
	cr_assert_eq(topology_load(&topology, &request, &problems), 0);
	int r = overlaps_check(&topology, &problems);
	cr_assert_eq(r, problems_total(&problems) > 0 ? -EINVAL : 0);
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);
	cr_assert_not_null(to);
	problems_print(&problems, to);
	cr_assert_eq(fclose(to), 0);
	return text;
}

/* Two sinks with these paths: is the second refused? */
static bool share(const char *first, const char *second)
{
	char yaml[1024];
	snprintf(yaml, sizeof yaml,
		 "sources: {in: {type: stdin}}\nsinks:\n"
		 "  a: {type: file, inputs: [in], path: \"%s\"}\n"
		 "  b: {type: file, inputs: [in], path: \"%s\"}\n",
		 first, second);
	char *text = check(yaml);
	bool told = strstr(text, "t.yaml:4:") && strstr(text, "`a`") && strstr(text, "`b`");
	cr_assert(told || text[0] == '\0', "%s", text);
	free(text);
	return told;
}

/* A source with these patterns and, behind a filter, a sink with that path: is it refused? */
static bool feeds_itself(const char *paths, const char *more, const char *path)
{
	char yaml[1024];
	snprintf(yaml, sizeof yaml,
		 "sources: {in: {type: file, paths: [%s]%s}}\n"
		 "transforms: {f: {type: filter, inputs: [in], contains: x}}\n"
		 "sinks: {out: {type: file, inputs: [f], path: \"%s\", rotate: {size: 1MiB}}}\n",
		 paths, more, path);
	char *text = check(yaml);
	bool told = strstr(text, "t.yaml:3:") && strstr(text, "`in`") && strstr(text, "`out`");
	cr_assert(told || text[0] == '\0', "%s", text);
	free(text);
	return told;
}

Test(overlaps, two_sinks_with_one_file_are_told_however_it_is_written)
{
	char absolute[256], here[128];
	cr_assert_eq(mkdir("d", 0700), 0);
	cr_assert_eq(symlink("d", "link"), 0);
	cr_assert_eq(symlink("d/late", "dangling"), 0);
	cr_assert_not_null(getcwd(here, sizeof here));
	snprintf(absolute, sizeof absolute, "%s/x", here);
	cr_assert(share("x", "x"));
	cr_assert(share("./x", "x"));
	cr_assert(share("d//x", "d/x"));
	cr_assert(share("d/./x", "link/x"));
	cr_assert(share("d/../x", "x"));
	cr_assert(share(absolute, "x"));
	cr_assert(share("dangling", "d/late"));
	cr_assert(share("%Y/%m/x", "./%Y/%m/x"));
	cr_assert(share("link/%F.log", "d/%Y-%m-%d.log"));
	cr_assert(share("missing/x", "missing/../missing/x"));
	cr_assert_not(share("x", "y"));
	cr_assert_not(share("d/x", "x"));
	cr_assert_not(share("%Y.log", "%Y.txt"));
}

Test(overlaps, names_of_one_existing_file_are_told)
{
	touch("x");
	cr_assert_eq(link("x", "hard"), 0);
	cr_assert_eq(symlink("x", "soft"), 0);
	touch("other");
	cr_assert(share("x", "hard"));
	cr_assert(share("x", "soft"));
	cr_assert_not(share("x", "other"));
}

Test(overlaps, device_may_have_any_number_of_sinks_and_a_fifo_one)
{
	cr_assert_eq(symlink("/dev/null", "null"), 0);
	cr_assert_eq(mkfifo("pipe", 0600), 0);
	cr_assert_not(share("/dev/null", "/dev/null"));
	cr_assert_not(share("/dev/null", "null"));
	cr_assert(share("pipe", "./pipe"));
}

Test(overlaps, message_names_both_places)
{
	char *text = check("sources: {in: {type: stdin}}\nsinks:\n"
			   "  a: {type: file, inputs: [in], path: x.log}\n"
			   "  b: {type: file, inputs: [in], path: ./x.log}\n");
	cr_assert_str_eq(text, "t.yaml:4:39: `b` would write `./x.log`, the file that `a` writes, "
			       "at t.yaml:3:39; give each a path of its own, or one of them all "
			       "`inputs`\n");
	free(text);
	text = check("sources: {in: {type: file, paths: [other.log, \"*.log\"]}}\n"
		     "sinks: {out: {type: file, inputs: [in], path: out.log}}\n");
	cr_assert_str_eq(text, "t.yaml:2:47: `out` writes `out.log`, which `in`, whose records it "
			       "gets, reads by `*.log`, at t.yaml:1:47: it would feed itself; "
			       "write elsewhere, or leave that out of what `in` reads\n");
	free(text);
}

Test(overlaps, sink_in_its_own_sources_patterns_is_told_however_it_is_written)
{
	char absolute[256], here[128];
	cr_assert_eq(mkdir("logs", 0700), 0);
	cr_assert_eq(mkdir("logs/app", 0700), 0);
	cr_assert_eq(symlink("logs", "link"), 0);
	cr_assert_eq(symlink("../elsewhere", "logs/to"), 0);
	cr_assert_eq(mkdir("elsewhere", 0700), 0);
	cr_assert_eq(symlink("logs/out.log", "in.log"), 0);
	cr_assert_not_null(getcwd(here, sizeof here));
	snprintf(absolute, sizeof absolute, "%s/logs/out.log", here);
	cr_assert(feeds_itself("'logs/*.log'", "", "logs/out.log"));
	cr_assert(feeds_itself("'logs/*.log'", "", absolute));
	snprintf(absolute, sizeof absolute, "'%s/logs/*.log'", here);
	cr_assert(feeds_itself(absolute, "", "logs/out.log"));
	cr_assert(feeds_itself("'link/*.log'", "", "logs/out.log"));
	cr_assert(feeds_itself("'logs/*.log'", "", "./link//out.log"));
	cr_assert(feeds_itself("'**/*.log'", "", "logs/app/%Y/out.log"));
	cr_assert(feeds_itself("'logs/*/x.log'", "", "logs/to/x.log"));
	cr_assert(feeds_itself("'{a,logs}/../logs/o?t.log'", "", "logs/out.log"));
	cr_assert(feeds_itself("in.log", "", "logs/out.log"));
	cr_assert_not(feeds_itself("'logs/*.log'", "", "logs/app/out.log"));
	cr_assert_not(feeds_itself("'logs/*.log'", "", "out.log"));
	cr_assert_not(feeds_itself("'logs/*.log'", "", "logs/out.txt"));
}

Test(overlaps, excluded_names_do_not_count)
{
	cr_assert_eq(mkdir("logs", 0700), 0);
	cr_assert_not(feeds_itself("'logs/*.log'", ", exclude: ['out.*']", "logs/out.log"));
	cr_assert_not(feeds_itself("'logs/*.log'", ", exclude: ['logs/out*.log']", "logs/out.log"));
	cr_assert(feeds_itself("'logs/*.log'", ", exclude: ['in.*']", "logs/out.log"));
}

Test(overlaps, names_given_at_rotation_count)
{
	cr_assert(feeds_itself("'out.*.log'", "", "out.log"));
	cr_assert(feeds_itself("'*.log'", ", exclude: [out.log]", "out.log"));
	cr_assert(feeds_itself("'*_001.log'", "", "out.log"));
	char *text = check("sources: {in: {type: file, paths: ['out.*.log']}}\n"
			   "sinks: {out: {type: file, inputs: [in], path: out.log}}\n");
	cr_assert_str_eq(text, "", "without `rotate` nothing is renamed");
	free(text);
}

Test(overlaps, sink_of_another_source_may_write_what_a_source_reads)
{
	char *text = check("sources:\n  a: {type: stdin}\n  b: {type: file, paths: [out.log]}\n"
			   "sinks:\n  x: {type: file, inputs: [a], path: out.log}\n"
			   "  y: {type: blackhole, inputs: [b]}\n");
	cr_assert_str_eq(text, "");
	free(text);
}

Test(overlaps, fifo_and_device_are_read_by_no_source)
{
	cr_assert_eq(mkfifo("pipe.log", 0600), 0);
	cr_assert_not(feeds_itself("'*.log'", "", "pipe.log"));
	cr_assert_not(feeds_itself("'/dev/*'", "", "/dev/null"));
}
