/* Outputs that somebody else moves, deletes or cuts while they are written: what is in them and where, also when it ends
 * anywhere meanwhile. */
#include "tests/unit/stages/exact_fixture.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum meddling { MOVES, MOVES_AND_CREATES, DELETES, CUTS, MEDDLINGS };

static const char *const names[] = {"x.log", "x.log.zst"};
static const char *const moved = "out/.moved", *const left = "out/.left";
enum { NAMES = sizeof names / sizeof *names };

static void path_of(const struct exact *x, const char *rest, char out[256])
{
	snprintf(out, 256, "%s/%s", x->disk.root, rest);
}

/* Whoever copies a file copies a frame that may be open; so that it can be read here, it is closed. */
static void close_frame(const struct exact *x, const char *path)
{
	struct output_mark m;
	struct zstd_mending mending;
	uint8_t bytes[8192], tail[ZSTD_TAIL];
	cr_assert_eq(output_mark_get(&x->saved, 0, &m), 0);
	FILE *f = fopen(path, "r+e");
	cr_assert(f && fseek(f, (long)m.whole, SEEK_SET) == 0);
	size_t n = fread(bytes, 1, sizeof bytes, f);
	cr_assert(n < sizeof bytes && zstd_mending_init(&mending) == 0);
	cr_assert_eq(zstd_mending_put(&mending, bytes, n), 0);
	n = zstd_mending_tail(&mending, true, tail);
	cr_assert(fseek(f, 0, SEEK_END) == 0 && fwrite(tail, 1, n, f) == n && fclose(f) == 0);
	zstd_mending_release(&mending);
}

/* All that the last epoch holds is in the file, and nothing else is, when somebody else comes. */
static void meddle(struct exact *x, enum meddling what)
{
	char to[256];
	path_of(x, what == DELETES || what == CUTS ? left : moved, to);
	if (what == CUTS) { /* as logrotate's copytruncate does it */
		char command[600];
		snprintf(command, sizeof command, "cp %s %s", x->path, to);
		cr_assert_eq(system(command), 0);
		if (x->options.zstd)
			close_frame(x, to);
		cr_assert_eq(truncate(x->path, 0), 0);
	} else if (what == DELETES) {
		cr_assert_eq(link(x->path, to), 0); /* so that it can be looked into */
		cr_assert_eq(unlink(x->path), 0);
	} else {
		cr_assert_eq(rename(x->path, to), 0);
	}
	if (what == MOVES_AND_CREATES) {
		FILE *f = fopen(x->path, "we");
		cr_assert(f && fclose(f) == 0);
	}
	crash_disk_settle(&x->disk);
}

static void begin(struct exact *x, const char *name)
{
	exact_init(x, name);
	x->options.rotate_size = 0;
	x->whole_epochs = true;
	exact_begin(x);
	cr_assert(exact_recover(x) && exact_epoch(x));
	if (x->output.epochs.marks.list[0].birth_ns == 0)
		cr_skip_test("the file system does not tell when files were born");
}

/* Every record once, those that were moved away before the others. */
static void check(struct exact *x, size_t count, enum meddling what, const char *when)
{
	char from[256], to[256];
	path_of(x, what == DELETES || what == CUTS ? left : moved, from);
	path_of(x, strstr(x->path, ".zst") ? "out/a.zst" : "out/a", to);
	bool is_there = rename(from, to) == 0; /* so that it is read, and first */
	exact_check(x, count, when);
	if (is_there)
		cr_assert_eq(rename(to, from), 0);
}

#define EACH_TEST(sentence)                                                                        \
	ParameterizedTestParameters(output_watch, sentence)                                        \
	{                                                                                          \
		static int numbers[NAMES * MEDDLINGS] = {0, 1, 2, 3, 4, 5, 6, 7};                  \
		return cr_make_param_array(int, numbers, NAMES *MEDDLINGS);                        \
	}                                                                                          \
	ParameterizedTest(int *number, output_watch, sentence, .timeout = 600)

static enum meddling what_of(int number)
{
	return (enum meddling)(number % MEDDLINGS);
}

EACH_TEST(what_comes_after_the_next_cut_is_in_a_file_at_the_path)
{
	struct exact x;
	enum meddling what = what_of(*number);
	struct stat status;
	begin(&x, names[*number / MEDDLINGS]);
	meddle(&x, what);
	x.whole_epochs = what != CUTS; /* nothing is written into the hole before it is noticed */
	cr_assert(x.whole_epochs ? exact_epoch(&x) : exact_empty_epoch(&x));
	cr_assert(exact_epoch(&x));
	cr_assert_eq(stat(x.path, &status), 0);
	cr_assert_gt(status.st_size, 0);
	cr_assert_eq(faulty_env_said(
			 &x.world,
			 what == CUTS ? "output was cut by somebody else, going on behind what "
					"is left"
				      : "output was moved away or deleted, going on in a new file"),
		     1);
	cr_assert(exact_finish(&x));
	exact_crash(&x, CRASH_LOST);
	check(&x, EXACT_RECORDS, what, "at the end");
	exact_release(&x);
}

EACH_TEST(without_an_epoch_it_is_noticed_within_seconds)
{
	struct exact x;
	enum meddling what = what_of(*number);
	begin(&x, names[*number / MEDDLINGS]);
	x.world.event_count = 0;
	meddle(&x, what);
	for (int i = 0; i < 1000 && x.world.event_count == 0; i++)
		if (file_output_step(&x.output, FEED_DRY) == STEP_WAIT)
			cr_assert(faulty_env_go_on(&x.world));
	cr_assert_eq(x.world.event_count, 1);
	cr_assert(exact_finish(&x));
	exact_crash(&x, CRASH_LOST);
	check(&x, EXACT_RECORDS, what, "at the end");
	exact_release(&x);
}

static void kill_everywhere(int number, enum crash_fate fate)
{
	enum meddling what = what_of(number);
	const char *name = names[number / MEDDLINGS];
	bool over = false;
	for (size_t at = 0; !over; at += EXACT_STRIDE) {
		struct exact x;
		char when[96];
		snprintf(when, sizeof when, "%s, %d, fate %d, killed at %zu", name, (int)what,
			 (int)fate, at);
		begin(&x, name);
		meddle(&x, what);
		x.disk.random = at;
		x.trouble.at = x.operations + at;
		x.trouble.what = at % 2 ? TROUBLE_DIES_HALFWAY : TROUBLE_DIES;
		over = exact_empty_epoch(&x) && exact_epoch(&x) && exact_epoch(&x);
		/* What is deleted or cut is told from what got lost by a note, which is the first thing that is done. */
		bool is_noticed = x.world.event_count > 0;
		exact_crash(&x, fate);
		exact_begin(&x);
		bool recovered = exact_recover(&x);
		bool may_be_refused = what != MOVES && what != MOVES_AND_CREATES && x.epoch < 2;
		cr_assert(recovered || may_be_refused, "%s: epoch %d refused: %s", when,
			  (int)x.epoch,
			  x.world.event_count ? x.world.events[x.world.event_count - 1] : "");
		cr_assert(recovered || !is_noticed || at < 12, "%s: refused though noticed", when);
		if (recovered) {
			check(&x, x.position, what, when);
			exact_crash(&x, CRASH_KEPT);
			cr_assert(exact_run(&x), "%s", when);
			exact_crash(&x, CRASH_LOST);
			check(&x, EXACT_RECORDS, what, when);
		} else {
			exact_crash(&x, CRASH_KEPT);
		}
		cr_assert(!over || at > 10);
		exact_release(&x);
	}
}

EACH_TEST(killed_at_any_operation_it_goes_on_exactly)
{
	kill_everywhere(*number, CRASH_KEPT);
}

EACH_TEST(without_power_it_goes_on_exactly)
{
	kill_everywhere(*number, CRASH_LOST);
}

/* ---- not noticed before the end ---- */

Test(output_watch, file_that_was_moved_within_its_directory_is_brought_back_there)
{
	for (size_t at = 0; at < 2 * 20; at++) {
		struct exact x;
		char when[32];
		snprintf(when, sizeof when, "killed at %zu", at / 2);
		begin(&x, names[at % NAMES]);
		x.whole_epochs = false;
		x.trouble.at = x.operations + at / 2; /* there is more in it than was committed */
		bool ran = exact_epoch(&x) && exact_epoch(&x);
		exact_crash(&x, CRASH_KEPT);
		meddle(&x, MOVES_AND_CREATES);
		exact_begin(&x);
		cr_assert(exact_recover(&x), "%s", when);
		cr_assert_eq(faulty_env_said(&x.world, "output was moved away, starting a new one"),
			     1);
		check(&x, x.position, MOVES, when);
		exact_crash(&x, CRASH_KEPT);
		cr_assert(exact_run(&x));
		exact_crash(&x, CRASH_LOST);
		check(&x, EXACT_RECORDS, MOVES, when);
		cr_assert(!ran || at > 8);
		exact_release(&x);
	}
}

Test(output_watch, file_of_another_birth_is_not_taken_for_one_that_was_moved)
{
	struct exact x;
	struct output_mark m;
	begin(&x, "x.log");
	exact_crash(&x, CRASH_KEPT);
	meddle(&x, MOVES);
	cr_assert_eq(output_mark_get(&x.saved, 0, &m), 0);
	m.birth_ns++;
	m.length--; /* it would be cut */
	m.whole--;
	delta_clear(&x.saved);
	cr_assert_eq(output_mark_put(&x.saved, 0, &m), 0);
	exact_begin(&x);
	cr_assert_not(exact_recover(&x));
	cr_assert_eq(faulty_env_said(&x.world, "output is gone"), 1);
	exact_crash(&x, CRASH_KEPT);
	exact_release(&x);
}

Test(output_watch, file_of_another_birth_is_refused_though_it_has_the_inode_and_the_name)
{
	struct exact x;
	struct output_mark m;
	begin(&x, "x.log");
	exact_crash(&x, CRASH_KEPT);
	cr_assert_eq(output_mark_get(&x.saved, 0, &m), 0);
	m.birth_ns++;
	m.length--; /* it would be cut */
	m.whole--;
	delta_clear(&x.saved);
	cr_assert_eq(output_mark_put(&x.saved, 0, &m), 0);
	exact_begin(&x);
	cr_assert_not(exact_recover(&x));
	cr_assert_eq(faulty_env_said(&x.world, "output was replaced by another file"), 1);
	exact_crash(&x, CRASH_KEPT);
	exact_release(&x);
}

Test(output_watch, output_of_a_run_that_ended_may_have_been_replaced)
{
	struct exact x;
	exact_init(&x, "x.log");
	cr_assert(exact_run(&x));
	exact_crash(&x, CRASH_KEPT);
	meddle(&x, MOVES_AND_CREATES);
	exact_begin(&x);
	cr_assert(exact_recover(&x));
	cr_assert_eq(faulty_env_said(&x.world,
				     "output was moved away or deleted, another file has its name"),
		     1);
	exact_crash(&x, CRASH_KEPT);
	exact_release(&x);
}
