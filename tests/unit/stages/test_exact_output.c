/* A file output that ends at any moment: killed, without power, or by an operation that fails. */
#include "daemon/helpers.h"
#include "tests/unit/daemon/each_backend.h"
#include "tests/unit/stages/exact_fixture.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Goes on after a crash until everything is there. */
static void assert_recovers(struct exact *x, const char *when)
{
	exact_begin(x);
	bool recovered = exact_recover(x);
	cr_assert(recovered, "%s: %s", when,
		  x->world.event_count ? x->world.events[x->world.event_count - 1] : "");
	exact_check(x, x->position, when);
	exact_crash(x, CRASH_KEPT);
	bool ran = exact_run(x);
	cr_assert(ran, "%s: %s", when,
		  x->world.event_count ? x->world.events[x->world.event_count - 1] : "");
	exact_crash(x, CRASH_LOST);
	exact_check(x, EXACT_RECORDS, when);
}

/* How many files may be open at a time: of three that records go into by turns. */
static const struct {
	const char *name;
	size_t lanes;
} outputs[] = {
    {"x.log", 1},         {"x.log.zst", 1},      {"%M/%S.log", 1},         {"%M/%S.log.zst", 1},
    {"{host}.log", 1},    {"{host}.log", 2},     {"%M/{host}.log.zst", 1}, {"%M/{host}.log.zst", 2},
    {"%M/{host}.log", 3}, {"{host}.log.zst", 3}, {"{host}.log", 5}};
enum { PLAIN, PACKED, KINDS = sizeof outputs / sizeof *outputs };

static void init(struct exact *x, int kind)
{
	exact_init(x, outputs[kind].name);
	x->options.lanes = outputs[kind].lanes;
}

/* One test for each, to be run side by side. */
#define EACH_KIND_TEST(sentence)                                                                   \
	ParameterizedTestParameters(exact_output, sentence)                                        \
	{                                                                                          \
		static int numbers[KINDS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};                    \
		return cr_make_param_array(int, numbers, KINDS);                                   \
	}                                                                                          \
	ParameterizedTest(int *kind, exact_output, sentence, .timeout = 600)

static void kill_everywhere(int kind, enum crash_fate fate, bool halfway, uint64_t seed)
{
	bool over = false;
	for (size_t at = 0; !over; at += EXACT_STRIDE) {
		struct exact x;
		char when[96];
		snprintf(when, sizeof when, "%s, %zu open, fate %d, killed at %zu",
			 outputs[kind].name, outputs[kind].lanes, (int)fate, at);
		init(&x, kind);
		x.disk.random = seed + at;
		x.trouble.at = at;
		x.trouble.what = halfway ? TROUBLE_DIES_HALFWAY : TROUBLE_DIES;
		over = exact_run(&x);
		cr_assert(over || x.dead, "%s: failed %d", when, x.failed);
		cr_assert(!over || at > 50, "%s: nothing was done", when);
		exact_crash(&x, fate);
		assert_recovers(&x, when);
		exact_release(&x);
	}
}

EACH_KIND_TEST(killed_at_any_operation_it_goes_on_exactly)
{
	kill_everywhere(*kind, CRASH_KEPT, false, 0);
}

EACH_KIND_TEST(killed_in_the_middle_of_any_write_it_goes_on_exactly)
{
	kill_everywhere(*kind, CRASH_KEPT, true, 0);
}

EACH_KIND_TEST(without_power_it_goes_on_exactly_though_nothing_unsynced_is_left)
{
	kill_everywhere(*kind, CRASH_LOST, false, 0);
}

EACH_KIND_TEST(without_power_it_goes_on_exactly_with_some_of_what_was_not_synced)
{
	for (uint64_t seed = 0; seed < 2000; seed += 1000)
		kill_everywhere(*kind, CRASH_MIXED, true, seed);
}

/* Killed in the middle of a run, then at every operation of the recovery, then once more. */
static void kill_recovery_everywhere(int kind, enum crash_fate fate, size_t first)
{
	bool over = false;
	for (size_t at = 0; !over; at += EXACT_STRIDE) {
		struct exact x;
		char when[96];
		snprintf(when, sizeof when,
			 "%s, %zu open, fate %d, killed at %zu and in recovery at %zu",
			 outputs[kind].name, outputs[kind].lanes, (int)fate, first, at);
		init(&x, kind);
		x.disk.random = at;
		x.trouble.at = first;
		cr_assert_not(exact_run(&x));
		exact_crash(&x, fate);
		for (int again = 0; again < 2; again++) {
			exact_begin(&x);
			x.trouble = (struct exact_trouble){.at = at, .what = TROUBLE_DIES_HALFWAY};
			over = exact_recover(&x);
			exact_crash(&x, fate);
		}
		assert_recovers(&x, when);
		exact_release(&x);
	}
}

EACH_KIND_TEST(killed_at_any_operation_of_the_recovery_it_recovers_all_the_same)
{
	kill_recovery_everywhere(*kind, CRASH_LOST, 31);
	kill_recovery_everywhere(*kind, CRASH_MIXED, 40);
	kill_recovery_everywhere(*kind, CRASH_LOST, 49);
}

/* ---- faults ---- */

static void fail_everywhere(int kind, int error)
{
	bool over = false;
	for (size_t at = 0; !over; at += EXACT_STRIDE) {
		struct exact x;
		char when[96];
		snprintf(when, sizeof when, "%s, %zu open, error %d at %zu", outputs[kind].name,
			 outputs[kind].lanes, error, at);
		init(&x, kind);
		x.trouble = (struct exact_trouble){.at = at, .what = TROUBLE_FAILS, .error = error};
		bool ran = exact_run(&x);
		over = !x.trouble.struck;
		enum io_code hit = x.trouble.hit;
		bool sync = x.trouble.struck && (hit == IO_DATASYNC || hit == IO_SYNC);
		bool waited = error == -EINTR || (error == -ENOSPC && !sync);
		cr_assert(ran || x.trouble.struck, "%s: it failed by itself", when);
		cr_assert(ran || !waited, "%s: not waited for", when);
		cr_assert(!ran || !sync || error == -EINTR, "%s: sync was tried again", when);
		cr_assert(ran || x.world.event_count > 0, "%s: nothing was said", when);
		exact_crash(&x, CRASH_LOST);
		if (ran)
			exact_check(&x, EXACT_RECORDS, when);
		else
			assert_recovers(&x, when);
		exact_release(&x);
	}
}

EACH_KIND_TEST(operation_that_fails_ends_it_or_does_no_harm)
{
	fail_everywhere(*kind, -EIO);
}

EACH_KIND_TEST(full_disk_is_waited_for_save_by_a_sync)
{
	fail_everywhere(*kind, -ENOSPC);
}

EACH_KIND_TEST(interrupted_operations_are_repeated)
{
	fail_everywhere(*kind, -EINTR);
}

/* ---- real backends ---- */

EACH_BACKEND_TEST(exact_output, each_backend_writes_and_recovers_it)
{
	need_backend(*kind);
	for (size_t at = 20; at < 110; at += 7) {
		struct exact x;
		struct backend *backend;
		struct helpers helpers;
		cr_assert_eq(helpers_init(&helpers, 1), 0);
		cr_assert_eq(backend_open(&backend, (enum backend_kind) * kind, &helpers), 0);
		init(&x, (int)(at % KINDS));
		x.world.backend = backend;
		x.trouble.at = at;
		exact_run(&x);
		exact_crash(&x, CRASH_LOST);
		assert_recovers(&x, x.path);
		exact_release(&x);
		helpers_release(&helpers); /* before the backend that they wake */
		backend_close(backend);
	}
}

/* ---- what is refused ---- */

/* A run that was killed after an epoch, whatever its files are then like. */
static void killed_after_epoch(struct exact *x, int kind)
{
	init(x, kind);
	exact_begin(x);
	cr_assert(exact_recover(x) && exact_epoch(x));
	exact_crash(x, CRASH_KEPT);
}

static const char *output_of(const struct exact *x)
{
	static char path[PATH_MAX];
	struct output_mark m;
	cr_assert_eq(output_mark_get(&x->saved, 0, &m), 0);
	strcpy(path, m.path);
	return path;
}

static void assert_refused(struct exact *x, const char *event)
{
	exact_begin(x);
	cr_assert_not(exact_recover(x), "%s", event);
	cr_assert_eq(x->failed, -EIO);
	cr_assert_eq(faulty_env_said(&x->world, event), 1, "%s, not %s", event, x->world.events[0]);
	exact_crash(x, CRASH_KEPT);
	exact_release(x);
}

Test(exact_output, output_shorter_than_what_was_committed_is_refused)
{
	for (int i = 0; i < KINDS; i++) {
		struct exact x;
		struct stat status;
		killed_after_epoch(&x, i);
		struct output_mark m;
		cr_assert_eq(output_mark_get(&x.saved, 0, &m), 0);
		cr_assert_gt(m.length, 0);
		cr_assert_eq(truncate(m.path, (off_t)m.length - 1), 0);
		assert_refused(&x, "output is shorter than what was committed");
		cr_assert_neq(stat(m.path, &status), 0, "the fixture is gone");
	}
}

Test(exact_output, output_that_is_gone_or_another_file_is_refused)
{
	struct exact x;
	killed_after_epoch(&x, PLAIN);
	cr_assert_eq(unlink(output_of(&x)), 0);
	assert_refused(&x, "output is gone");
	killed_after_epoch(&x, PLAIN);
	const char *path = output_of(&x);
	cr_assert_eq(unlink(path), 0);
	FILE *f = fopen(path, "we");
	cr_assert(f && fputs("somebody else's", f) >= 0 && fclose(f) == 0);
	assert_refused(&x, "output was replaced by another file");
}

Test(exact_output, compressed_output_that_does_not_decode_is_refused)
{
	struct exact x;
	killed_after_epoch(&x, PACKED);
	struct output_mark m;
	cr_assert_eq(output_mark_get(&x.saved, 0, &m), 0);
	cr_assert_lt(m.whole, m.length);
	FILE *f = fopen(m.path, "r+e");
	cr_assert(f && fseek(f, (long)m.whole, SEEK_SET) == 0 && fputs("not zstd", f) >= 0);
	cr_assert_eq(fclose(f), 0);
	assert_refused(&x, "output is damaged: its last frame does not decode");
}

Test(exact_output, output_of_a_run_that_ended_may_be_moved_or_appended_to_but_not_cut)
{
	for (int what = 0; what < 3; what++) {
		struct exact x;
		exact_init(&x, "x.log");
		cr_assert(exact_run(&x));
		exact_crash(&x, CRASH_LOST);
		const char *path = output_of(&x);
		struct stat before;
		cr_assert_eq(stat(path, &before), 0);
		off_t length = before.st_size;
		if (what == 0) {
			cr_assert_eq(truncate(path, 1), 0);
			assert_refused(&x, "output is shorter than what was committed");
			continue;
		}
		FILE *f = fopen(path, "ae");
		cr_assert(f && fputs("more", f) >= 0 && fclose(f) == 0);
		if (what == 1)
			cr_assert_eq(unlink(path), 0);
		exact_begin(&x);
		cr_assert(exact_recover(&x));
		cr_assert_eq(faulty_env_said(
				 &x.world, "output was moved away or deleted, starting a new one"),
			     what == 1);
		exact_crash(&x, CRASH_KEPT);
		struct stat status;
		cr_assert(what == 1 || (stat(path, &status) == 0 && status.st_size == length + 4),
			  "something was cut off");
		exact_release(&x);
	}
}

Test(exact_output, journal_that_is_newer_than_the_state_is_refused)
{
	struct exact x;
	exact_init(&x, "x.log");
	exact_begin(&x);
	cr_assert(exact_recover(&x) && exact_epoch(&x) && exact_epoch(&x));
	exact_crash(&x, CRASH_KEPT);
	delta_release(&x.saved);
	x.saved = (struct delta){.count = 0};
	x.epoch = 0;
	x.position = 0;
	assert_refused(&x, "state is older than what was committed");
}

/* ---- how much smaller ---- */

enum { SLOW_LINES = 20000, SLOW_ROOM = 4 << 20 };

/* A line of a web server's log. */
static size_t slow_line(struct faulty_env *e, char *out, size_t room)
{
	static const char *const paths[] = {"/",
					    "/index.html",
					    "/api/v1/users",
					    "/api/v1/orders",
					    "/static/app.js",
					    "/static/style.css"};
	static const char *const agents[] = {"Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0",
					     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5)",
					     "curl/8.5.0"};
	uint64_t r = faulty_env_random(e, UINT64_MAX);
	return (size_t)snprintf(
	    out, room,
	    "%u.%u.%u.%u - - [21/Nov/2026:10:15:%02u +0000] \"GET %s/%04x HTTP/1.1\" %u %u \"%s\"",
	    (unsigned)(r & 63) + 10, (unsigned)(r >> 8) & 255, (unsigned)(r >> 16) & 255,
	    (unsigned)(r >> 24) & 255, (unsigned)(e->now_ns / 1000000000 % 60), paths[r % 6],
	    (unsigned)(r >> 32) & 0xfff, r % 9 ? 200u : 404u, (unsigned)(r >> 44), agents[r % 3]);
}

static struct batch *slow_batch(struct exact *x, char *all, size_t *length)
{
	struct buffer *buffer = home_take_buffer(&x->home);
	cr_assert(buffer);
	struct batch *b = batch_new(&x->home, buffer);
	buffer_let_go(buffer);
	b->delimiter = (struct delimiter){{'\n'}, 1};
	b->wall_ns = x->world.wall_ns;
	b->read_ns = x->world.now_ns;
	uint32_t at = 0;
	for (int i = 0; i < 10; i++) {
		char *line = (char *)buffer->bytes + at;
		size_t n = slow_line(&x->world, line, 256);
		line[n] = '\n';
		b->records[b->count++] = (struct record){at, (uint32_t)n};
		b->bytes_total += n;
		at += (uint32_t)n + 1;
	}
	memcpy(all + *length, buffer->bytes, at);
	*length += at;
	return b;
}

/* Steps with `cut` and so on until it says STEP_DONE. */
static void until_done(struct exact *x, int (*step)(struct exact *x, struct delta *d),
		       struct delta *d)
{
	for (;;) {
		int r = step(x, d);
		cr_assert_geq(r, 0);
		if (r == STEP_DONE)
			return;
		if (r == STEP_WAIT)
			cr_assert(faulty_env_turn(&x->world), "waits for nothing");
	}
}

static int step_cut(struct exact *x, struct delta *d)
{
	(void)d;
	return file_output_cut(&x->output, x->epoch + 1);
}

static int step_sync(struct exact *x, struct delta *d)
{
	int r = file_output_step(&x->output, FEED_DRY);
	int synced = file_output_sync(&x->output, d);
	return synced == STEP_WAIT && r == STEP_MORE ? STEP_MORE : synced;
}

static int step_finish(struct exact *x, struct delta *d)
{
	(void)d;
	return file_output_finish(&x->output);
}

static off_t written_slowly(struct exact *x, char *all, size_t *length)
{
	exact_begin(x);
	cr_assert(exact_recover(x));
	for (size_t lines = 0; lines < SLOW_LINES; lines += 10) {
		struct delta d = {.count = 0};
		struct batch *b = slow_batch(x, all, length);
		file_output_put(&x->output, &b);
		faulty_env_pass(&x->world, 1000000000);
		until_done(x, step_cut, NULL);
		until_done(x, step_sync, &d);
		file_output_committed(&x->output, ++x->epoch);
		delta_release(&d);
	}
	until_done(x, step_finish, NULL);
	struct stat status;
	cr_assert_eq(stat(x->path, &status), 0);
	exact_crash(x, CRASH_KEPT);
	return status.st_size;
}

Test(exact_output, ten_lines_a_second_with_an_epoch_each_compress_nearly_as_well_as_in_one_go)
{
	struct exact x;
	char *all = malloc(SLOW_ROOM), *once = malloc(SLOW_ROOM);
	size_t length = 0;
	exact_init(&x, "x.log.zst");
	x.options.rotate_size = 0;
	x.world.reorders = false;
	off_t slowly = written_slowly(&x, all, &length);
	size_t at_once = ZSTD_compress(once, SLOW_ROOM, all, length, x.options.level);
	cr_assert(!ZSTD_isError(at_once));
	cr_assert_lt((double)slowly, 1.2 * (double)at_once, "%zu lines: %zu bytes, at once %zu",
		     (size_t)SLOW_LINES, (size_t)slowly, at_once);
	exact_release(&x);
	free(all);
	free(once);
}

/* ---- the journal ---- */

/* The journal's file with the most in it, and where its last entry begins. */
static size_t read_journal(const struct exact *x, char path[PATH_MAX], uint8_t *bytes, size_t room,
			   size_t *ret_last)
{
	size_t length = 0;
	for (unsigned i = 0; i < UNDO_FILES; i++) {
		char name[PATH_MAX];
		struct stat status;
		snprintf(name, sizeof name, "%s/undo-out.%u", x->state_dir, i);
		if (stat(name, &status) < 0 || (size_t)status.st_size <= length)
			continue;
		length = (size_t)status.st_size;
		strcpy(path, name);
	}
	FILE *f = fopen(path, "re");
	cr_assert(f && length <= room && fread(bytes, 1, length, f) == length && !fclose(f));
	struct packed rest = packed_from(bytes, length);
	struct undo_entry e;
	while (!packed_is_over(&rest)) {
		*ret_last = (size_t)(rest.at - bytes);
		cr_assert(undo_entry_unpack(&rest, &e));
	}
	return length;
}

static void write_journal(const char *path, const uint8_t *bytes, size_t length)
{
	FILE *f = fopen(path, "we");
	cr_assert(f && fwrite(bytes, 1, length, f) == length && fclose(f) == 0);
}

/* Killed with a few files begun and renamed since the last epoch. */
static void killed_between_epochs(struct exact *x)
{
	exact_init(x, "x.log");
	x->options.rotate_size = 600;
	exact_begin(x);
	cr_assert(exact_recover(x) && exact_epoch(x));
	x->trouble.at = x->operations + 40;
	cr_assert_not(exact_epoch(x));
	exact_crash(x, CRASH_KEPT);
}

Test(exact_output, journal_with_any_bit_wrong_before_its_last_entry_is_refused)
{
	struct exact x;
	char path[PATH_MAX] = "";
	static uint8_t bytes[16 * 1024];
	size_t last = 0;
	killed_between_epochs(&x);
	size_t length = read_journal(&x, path, bytes, sizeof bytes, &last);
	cr_assert_gt(last, 0);
	for (size_t bit = 0; bit < 8 * last; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		write_journal(path, bytes, length);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		exact_begin(&x);
		cr_assert_not(exact_recover(&x), "bit %zu", bit);
		cr_assert_eq(x.failed, -EIO);
		cr_assert_eq(faulty_env_said(&x.world, "undo journal is damaged"), 1);
		exact_crash(&x, CRASH_KEPT);
	}
	write_journal(path, bytes, length);
	assert_recovers(&x, "restored");
	exact_release(&x);
}

/* ---- order ---- */

struct order {
	bool (*look)(struct faulty_env *e, struct io_op *op, int64_t *result);
	void (*seen)(struct faulty_env *e, const struct io_op *op);
	bool renamed; /* and not durable yet */
	size_t renames, early;
};

static struct order order;

static bool look_for_order(struct faulty_env *e, struct io_op *op, int64_t *result)
{
	bool creates = op->code == IO_OPEN && op->open.flags & O_CREAT;
	if (creates && !strstr(op->open.path, "undo"))
		order.early += order.renamed;
	return order.look(e, op, result);
}

static void see_order(struct faulty_env *e, const struct io_op *op)
{
	if (op->code == IO_RENAME && op->result >= 0) {
		order.renamed = true;
		order.renames++;
	}
	if (op->code == IO_SYNC && op->result >= 0)
		order.renamed = false;
	order.seen(e, op);
}

/* A crash might keep the new file and not the renaming, and then no name leads to the old one. */
Test(exact_output, renamed_files_name_is_durable_before_another_takes_its_old_one)
{
	for (int zstd = 0; zstd < 2; zstd++)
		for (uint64_t seed = 1; seed < 20; seed++) {
			struct exact x;
			init(&x, zstd ? PACKED : PLAIN);
			x.options.rotate_size = 200;
			x.world.random = seed;
			order = (struct order){.look = x.world.look, .seen = x.world.seen};
			x.world.look = look_for_order;
			x.world.seen = see_order;
			cr_assert(exact_run(&x));
			cr_assert_gt(order.renames, 0);
			cr_assert_eq(order.early, 0);
			exact_crash(&x, CRASH_KEPT);
			exact_release(&x);
		}
}
