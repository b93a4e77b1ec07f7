/* Finished outputs that are deleted when they are old: which, when, and never one that a recovery would look for. */
#include "stages/output_keep.h"
#include "tests/unit/stages/exact_fixture.h"
#include "tests/unit/stages/scratch.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND_NS UINT64_C(1000000000)
#define HOUR_NS (3600 * SECOND_NS)

struct fixture {
	struct faulty_env world; /* its clock begins at 2026-11-21T10:15:00Z */
	char directory[64], path[256];
	struct path_template template;
	struct output_keep keep;
	uint64_t spared; /* an inode that must not go */
};

static enum keep_answer may_delete(void *owner, uint64_t inode)
{
	return ((struct fixture *)owner)->spared == inode ? KEEP_IT : KEEP_DELETE_IT;
}

static void set_up(struct fixture *x, const char *rest, uint64_t keep_ns)
{
	memset(x, 0, sizeof *x);
	faulty_env_init(&x->world, 1);
	scratch_make(x->directory, "test");
	snprintf(x->path, sizeof x->path, "%s/%s", x->directory, rest);
	const char *why;
	size_t at;
	cr_assert_eq(path_template_parse(&x->template, x->path, strlen(x->path), &why, &at), 0);
	output_keep_init(&x->keep, &x->world.env, &x->world.counters, &x->template);
	x->keep.keep_ns = keep_ns;
	x->keep.may_delete = may_delete;
	x->keep.owner = x;
}

static void tear_down(struct fixture *x)
{
	output_keep_release(&x->keep);
	while (faulty_env_turn(&x->world))
		;
	scratch_remove(x->directory);
}

static void full_path(const struct fixture *x, const char *rest, char out[512])
{
	snprintf(out, 512, "%s/%s", x->directory, rest);
}

static uint64_t make(struct fixture *x, const char *rest, uint64_t age_ns)
{
	char path[512];
	full_path(x, rest, path);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	int64_t then = x->world.wall_ns - (int64_t)age_ns;
	struct timespec times[2] = {{.tv_sec = then / 1000000000, .tv_nsec = then % 1000000000}};
	times[1] = times[0];
	struct stat status;
	cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
	cr_assert_eq(futimens(fd, times), 0);
	cr_assert_eq(fstat(fd, &status), 0);
	close(fd);
	return status.st_ino;
}

static void make_directory(struct fixture *x, const char *rest)
{
	char path[512];
	full_path(x, rest, path);
	cr_assert_eq(mkdir(path, 0700), 0);
}

static bool exists(const struct fixture *x, const char *rest)
{
	char path[512];
	struct stat status;
	full_path(x, rest, path);
	return lstat(path, &status) == 0;
}

/* Until it rests. */
static void look(struct fixture *x)
{
	for (int i = 0; i < 10000; i++) {
		x->world.wake_ns = 0;
		int r = output_keep_step(&x->keep);
		cr_assert_geq(r, 0);
		if (i > 0 && !output_keep_is_busy(&x->keep))
			return;
		if (r == STEP_WAIT)
			cr_assert(faulty_env_go_on(&x->world), "waits for nothing");
	}
	cr_assert_fail("it never rests");
}

/* ---- which ---- */

Test(output_keep, old_files_that_were_renamed_go_and_nothing_else_does)
{
	static const char *const others[] = {
	    "x.log",
	    "x.20261121T091500Z.log.zst",
	    "y.20261120T101500Z.log",
	    "x.20261120T101500Z.logs",
	    "x.20261120T101500Z.txt.log",
	    "x.20261320T101500Z.log",
	    "x.20261120T101500.log",
	    "x.20261120T101500Z_000.log",
	    "x.20261120T101500Z_0001.log",
	    "x.20261120T101500Z_999_000999.log",
	    "x.20261120T101500Z.log~",
	    "x.log.1",
	};
	struct fixture x;
	set_up(&x, "x.log", HOUR_NS);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		make(&x, others[i], 24 * HOUR_NS);
	make(&x, "x.20261120T101500Z.log", 24 * HOUR_NS);
	make(&x, "x.20261120T101500Z_001.log", 24 * HOUR_NS);
	make(&x, "x.20261120T101500Z_999_001000.log", 24 * HOUR_NS);
	look(&x);
	cr_expect_not(exists(&x, "x.20261120T101500Z.log"));
	cr_expect_not(exists(&x, "x.20261120T101500Z_001.log"));
	cr_expect_not(exists(&x, "x.20261120T101500Z_999_001000.log"));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		cr_expect(exists(&x, others[i]), "%s", others[i]);
	cr_expect_eq(counter_get(&x.world.counters.removals), 3);
	tear_down(&x);
}

Test(output_keep, files_of_other_dates_go_and_nothing_else_does)
{
	struct fixture x;
	set_up(&x, "%Y-%m/%d/x.log", HOUR_NS);
	make_directory(&x, "2026-11");
	make_directory(&x, "2026-11/20");
	make_directory(&x, "2026-11/31");
	make_directory(&x, "old");
	make(&x, "2026-11/20/x.log", 24 * HOUR_NS);
	make(&x, "2026-11/20/x.20261121T095959Z.log", 24 * HOUR_NS);
	make(&x, "2026-11/20/y.log", 24 * HOUR_NS);
	make(&x, "2026-11/31/x.log", 24 * HOUR_NS);
	make(&x, "old/x.log", 24 * HOUR_NS);
	look(&x);
	cr_expect_not(exists(&x, "2026-11/20/x.log"));
	cr_expect(exists(&x, "2026-11/20/y.log"));
	cr_expect(exists(&x, "2026-11/31/x.log"), "there is no such day");
	cr_expect(exists(&x, "old/x.log"));
	cr_expect(exists(&x, "2026-11/20/x.20261121T095959Z.log"), "what the name says is later");
	faulty_env_pass(&x.world, 24 * HOUR_NS);
	look(&x);
	cr_expect_not(exists(&x, "2026-11/20/x.20261121T095959Z.log"));
	tear_down(&x);
}

Test(output_keep, nothing_is_deleted_through_a_link_nor_a_link)
{
	struct fixture x;
	char from[512], to[512];
	set_up(&x, "%Y-%m/x.log", HOUR_NS);
	make_directory(&x, "other");
	make(&x, "other/x.log", 24 * HOUR_NS);
	full_path(&x, "2026-10", from);
	cr_assert_eq(symlink("other", from), 0);
	make_directory(&x, "2026-09");
	full_path(&x, "2026-09/x.log", from);
	full_path(&x, "other/x.log", to);
	cr_assert_eq(symlink(to, from), 0);
	look(&x);
	cr_expect(exists(&x, "other/x.log"));
	cr_expect(exists(&x, "2026-09/x.log"));
	cr_expect_eq(counter_get(&x.world.counters.removals), 0);
	tear_down(&x);
}

Test(output_keep, file_that_somebody_has_locked_stays_until_it_is_let_go)
{
	struct fixture x;
	char path[512];
	set_up(&x, "x.log", HOUR_NS);
	make(&x, "x.20261120T101500Z.log", 24 * HOUR_NS);
	full_path(&x, "x.20261120T101500Z.log", path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	look(&x);
	cr_expect(exists(&x, "x.20261120T101500Z.log"));
	close(fd);
	faulty_env_pass(&x.world, 60 * SECOND_NS);
	look(&x);
	cr_expect_not(exists(&x, "x.20261120T101500Z.log"));
	tear_down(&x);
}

Test(output_keep, file_that_is_still_needed_stays_until_it_is_not)
{
	struct fixture x;
	set_up(&x, "x.log", HOUR_NS);
	x.spared = make(&x, "x.20261120T101500Z.log", 24 * HOUR_NS);
	look(&x);
	cr_expect(exists(&x, "x.20261120T101500Z.log"));
	x.spared = 0;
	faulty_env_pass(&x.world, 60 * SECOND_NS);
	look(&x);
	cr_expect_not(exists(&x, "x.20261120T101500Z.log"));
	tear_down(&x);
}

/* ---- when ---- */

Test(output_keep, each_file_goes_when_it_is_old_enough_and_no_earlier)
{
	struct fixture x;
	set_up(&x, "x.log", HOUR_NS);
	make(&x, "x.20261120T101500Z.log", HOUR_NS - 20 * SECOND_NS);
	make(&x, "x.20261120T101500Z_001.log", HOUR_NS - 40 * SECOND_NS);
	look(&x);
	cr_expect(exists(&x, "x.20261120T101500Z.log"));
	uint64_t wake = x.keep.next_ns - x.world.now_ns;
	cr_expect_leq(wake, 20 * SECOND_NS);
	cr_expect_geq(wake, 19 * SECOND_NS);
	faulty_env_pass(&x.world, wake);
	look(&x);
	cr_expect_not(exists(&x, "x.20261120T101500Z.log"));
	cr_expect(exists(&x, "x.20261120T101500Z_001.log"));
	faulty_env_pass(&x.world, x.keep.next_ns - x.world.now_ns);
	look(&x);
	cr_expect_not(exists(&x, "x.20261120T101500Z_001.log"));
	tear_down(&x);
}

Test(output_keep, file_that_is_finished_meanwhile_is_looked_at_in_time)
{
	struct fixture x;
	set_up(&x, "x.log", 30 * SECOND_NS);
	look(&x);
	cr_expect_geq(x.keep.next_ns, x.world.now_ns + 1800 * SECOND_NS);
	output_keep_note(&x.keep);
	cr_expect_leq(x.keep.next_ns, x.world.now_ns + 30 * SECOND_NS);
	tear_down(&x);
}

Test(output_keep, nothing_is_looked_at_unless_it_is_asked_for)
{
	struct fixture x;
	set_up(&x, "x.log", 0);
	cr_expect_eq(output_keep_step(&x.keep), STEP_WAIT);
	cr_expect_eq(x.world.pending_count, 0);
	tear_down(&x);
}

/* ---- what goes wrong ---- */

static bool refuse_unlink(struct faulty_env *e, struct io_op *op, int64_t *result)
{
	(void)e;
	*result = -EACCES;
	return op->code == IO_UNLINK;
}

Test(output_keep, what_cannot_be_deleted_is_said_once_and_tried_again)
{
	struct fixture x;
	set_up(&x, "x.log", HOUR_NS);
	make(&x, "x.20261120T101500Z.log", 24 * HOUR_NS);
	make(&x, "x.20261120T101600Z.log", 24 * HOUR_NS);
	x.world.look = refuse_unlink;
	look(&x);
	faulty_env_pass(&x.world, 60 * SECOND_NS);
	look(&x);
	cr_expect_eq(x.world.event_count, 1);
	cr_expect_eq(faulty_env_said(&x.world, "finished output cannot be deleted, it is kept"), 1);
	x.world.look = NULL;
	faulty_env_pass(&x.world, 60 * SECOND_NS);
	look(&x);
	cr_expect_eq(counter_get(&x.world.counters.removals), 2);
	tear_down(&x);
}

static size_t operation, failing;
static int failing_with;

static bool fail_one(struct faulty_env *e, struct io_op *op, int64_t *result)
{
	(void)e;
	*result = failing_with;
	return op->code != IO_CLOSE && operation++ == failing;
}

Test(output_keep, any_operation_may_fail_and_the_next_look_deletes_all_the_same)
{
	static const int errors[] = {-EIO, -EACCES, -EINTR, -ENOENT, -ENOMEM};
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
		bool struck = true;
		failing_with = errors[i];
		for (failing = 0; struck; failing++) {
			struct fixture x;
			set_up(&x, "%Y/x.log", HOUR_NS);
			make_directory(&x, "2025");
			make(&x, "2025/x.log", 24 * HOUR_NS);
			operation = 0;
			x.world.look = fail_one;
			look(&x);
			struck = operation > failing;
			x.world.look = NULL;
			faulty_env_pass(&x.world, HOUR_NS);
			look(&x);
			cr_expect_not(exists(&x, "2025/x.log"), "error %d at %zu", failing_with,
				      failing);
			tear_down(&x);
		}
		cr_expect_geq(failing, 8);
	}
}

/* ---- ended anywhere ---- */

static void assert_goes_on(struct exact *x, const char *when)
{
	bool ran = exact_run(x);
	cr_assert(ran, "%s: failed %d: %s", when, x->failed,
		  x->world.event_count ? x->world.events[x->world.event_count - 1] : "");
	exact_crash(x, CRASH_LOST);
	exact_check(x, EXACT_RECORDS, when);
}

static void kill_everywhere(const char *name, enum crash_fate fate, bool halfway)
{
	bool over = false;
	size_t deletions = 0;
	for (size_t at = 0; !over; at += EXACT_STRIDE) {
		struct exact x;
		char when[64];
		snprintf(when, sizeof when, "%s, fate %d, killed at %zu", name, (int)fate, at);
		exact_init(&x, name);
		x.keeps = true;
		x.disk.random = at;
		x.trouble.at = at;
		x.trouble.what = halfway ? TROUBLE_DIES_HALFWAY : TROUBLE_DIES;
		over = exact_run(&x);
		cr_assert(over || x.dead, "%s: failed %d", when, x.failed);
		exact_crash(&x, fate);
		assert_goes_on(&x, when);
		deletions += x.deletions;
		exact_release(&x);
	}
	cr_expect_gt(deletions, 10, "%s: %zu deletions are hardly any", name, deletions);
}

static const char *const names[] = {"x.log", "x.log.zst", "%M/%S.log", "%M/%S.log.zst"};
enum { NAMES = sizeof names / sizeof *names };

#define EACH_NAME_TEST(sentence)                                                                   \
	ParameterizedTestParameters(output_keep, sentence)                                         \
	{                                                                                          \
		static int numbers[NAMES] = {0, 1, 2, 3};                                          \
		return cr_make_param_array(int, numbers, NAMES);                                   \
	}                                                                                          \
	ParameterizedTest(int *number, output_keep, sentence, .timeout = 600)

EACH_NAME_TEST(killed_at_any_operation_nothing_is_gone_that_was_not_committed)
{
	kill_everywhere(names[*number], CRASH_KEPT, false);
}

EACH_NAME_TEST(without_power_nothing_is_gone_that_was_not_committed)
{
	kill_everywhere(names[*number], CRASH_LOST, false);
	kill_everywhere(names[*number], CRASH_MIXED, true);
}
