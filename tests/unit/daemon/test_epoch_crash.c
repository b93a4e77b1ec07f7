/* The epoch log when it ends at any moment: killed, without power, or by an operation that fails. */
#include "stages/stage.h"
#include "tests/unit/daemon/epoch_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a log can be asked for. The epochs before are 1 to 3; appending is epoch 4. */
enum job { JOB_CREATE, JOB_OPEN, JOB_APPEND, JOB_COMPACT, JOBS };

static bool skip_syncs(struct watched_io *w, struct io_op *op, int64_t *result)
{
	(void)w;
	*result = 0;
	return op->code == IO_DATASYNC || op->code == IO_SYNC;
}

/* The newest epoch before the job, and after it. */
static uint64_t before(enum job job)
{
	return job == JOB_CREATE ? 0 : 3;
}

static uint64_t later(enum job job)
{
	return job == JOB_CREATE ? 1 : job == JOB_APPEND ? 4 : 3;
}

static void set_up(struct epoch_fixture *x, enum job job)
{
	epoch_fixture_init(x);
	x->world.look = skip_syncs;
	if (before(job) > 0)
		fixture_write(x, 1, before(job));
	if (job != JOB_OPEN)
		cr_assert_eq(fixture_open(x), STEP_DONE);
}

static int do_it(struct epoch_fixture *x, enum job job)
{
	if (job == JOB_OPEN)
		return fixture_open(x);
	if (job == JOB_COMPACT)
		return fixture_compact(x);
	return fixture_append(x, later(job));
}

/* Whoever comes after finds one of the two, and can go on. */
static uint64_t assert_recovers(struct epoch_fixture *x, uint64_t low, uint64_t high,
				const char *when)
{
	cr_assert_eq(fixture_open(x), STEP_DONE, "%s", when);
	uint64_t n = x->log.epoch;
	cr_assert(n == low || n == high, "%s: epoch %llu", when, (unsigned long long)n);
	cr_assert(fixture_holds(&x->log.map, n), "%s: wrong state", when);
	cr_assert_not(fixture_take(x, "epochs.new").there);
	cr_assert_eq(fixture_append(x, n + 1), STEP_DONE, "%s", when);
	cr_assert_eq(fixture_open(x), STEP_DONE, "%s", when);
	cr_assert(fixture_holds(&x->log.map, n + 1), "%s: wrong state later", when);
	fixture_close(x);
	return n;
}

/* Killed: what was written is there, what was not is not. */

struct killer {
	struct epoch_fixture *x;
	size_t countdown; /* operations until it happens */
	bool half;        /* of that operation, if it is a write */
	bool dead;
};

static bool kill_at(struct watched_io *w, struct io_op *op, int64_t *result)
{
	struct killer *k = w->owner;
	static struct iovec half;
	*result = -EIO; /* of no consequence: nobody is there to see it */
	if (op->code == IO_CLOSE)
		return false;
	if (k->dead)
		return true;
	if (k->countdown-- > 0)
		return skip_syncs(w, op, result);
	k->dead = true;
	if (!k->half || op->code != IO_WRITE)
		return true;
	half = op->write.spans[0];
	half.iov_len /= 2;
	op->write.spans = &half;
	return false;
}

static void kill_everywhere(enum job job, bool half)
{
	bool over = false;
	for (size_t at = 0; !over; at++) {
		struct epoch_fixture x;
		set_up(&x, job);
		struct killer k = {.x = &x, .countdown = at, .half = half};
		x.world.owner = &k;
		x.world.look = kill_at;
		int r = do_it(&x, job);
		over = !k.dead;
		cr_assert_eq(over, r == STEP_DONE);
		fixture_close(&x);
		x.world.look = skip_syncs;
		char when[64];
		snprintf(when, sizeof when, "job %d, killed at operation %zu", (int)job, at);
		uint64_t n = assert_recovers(&x, before(job), later(job), when);
		cr_assert(!over || n == later(job));
		cr_assert(!over || at >= 3, "%s: nothing was done", when);
		epoch_fixture_release(&x);
	}
}

Test(epoch_crash, killed_at_any_operation_it_recovers_the_newest_epoch_or_the_one_before)
{
	for (int job = 0; job < JOBS; job++)
		kill_everywhere((enum job)job, false);
}

Test(epoch_crash, killed_in_the_middle_of_any_write_it_recovers_too)
{
	for (int job = 0; job < JOBS; job++)
		kill_everywhere((enum job)job, true);
}

/* Without power: of what was written since the last sync, any part is there. */

enum fate { LOST, KEPT, FIRST_HALF, LAST_HALF, ZEROS, FATES };
enum { WRITES_MAX = 4, IMAGE_MAX = 16 * EPOCH_BLOCK };

struct power {
	size_t count;
	struct {
		uint64_t at;
		size_t length;
		uint8_t bytes[2 * EPOCH_BLOCK];
	} writes[WRITES_MAX];
};

/* Lets everything happen, and keeps what was written before the power goes at the first sync. */
static bool note_writes(struct watched_io *w, struct io_op *op, int64_t *result)
{
	struct power *p = w->owner;
	*result = -EIO;
	if (op->code == IO_DATASYNC)
		return true;
	if (op->code != IO_WRITE)
		return false;
	cr_assert(p->count < WRITES_MAX && op->write.count == 1);
	size_t length = op->write.spans[0].iov_len;
	cr_assert(length <= sizeof p->writes[0].bytes);
	p->writes[p->count].at = op->write.at;
	p->writes[p->count].length = length;
	memcpy(p->writes[p->count].bytes, op->write.spans[0].iov_base, length);
	p->count++;
	return false;
}

static void befall(struct fixture_image *image, const struct power *p, size_t i, enum fate fate)
{
	size_t at = (size_t)p->writes[i].at, length = p->writes[i].length, half = length / 2;
	if (fate == LOST)
		return;
	cr_assert(at + length <= IMAGE_MAX);
	if (at + length > image->length) {
		memset(image->bytes + image->length, 0, at + length - image->length);
		image->length = at + length;
	}
	if (fate == FIRST_HALF || fate == KEPT)
		memcpy(image->bytes + at, p->writes[i].bytes, half);
	if (fate == LAST_HALF || fate == KEPT)
		memcpy(image->bytes + at + half, p->writes[i].bytes + half, length - half);
}

static struct fixture_image copy_of(const struct fixture_image *image)
{
	struct fixture_image copy = {
	    .bytes = malloc(IMAGE_MAX), .length = image->length, .there = true};
	memcpy(copy.bytes, image->bytes, image->length);
	return copy;
}

/* Calls then() for every way in which the power may have gone while it appended `epoch`, or opened if that is 0. */
static void without_power(struct epoch_fixture *x, uint64_t epoch,
			  void (*then)(struct epoch_fixture *x, const struct fixture_image *image))
{
	struct power p = {.count = 0};
	struct fixture_image base = fixture_take(x, "epochs");
	x->world.look = skip_syncs;
	if (epoch > 0)
		cr_assert_eq(fixture_open(x), STEP_DONE);
	struct fixture_image synced = fixture_take(x, "epochs");
	x->world.owner = &p;
	x->world.look = note_writes;
	int r = epoch > 0 ? fixture_append(x, epoch) : fixture_open(x);
	cr_assert(r == -EIO && p.count > 0);
	fixture_close(x);
	x->world.look = skip_syncs;
	int ways = 1;
	for (size_t i = 0; i < p.count; i++)
		ways *= FATES;
	for (int way = 0; way < ways; way++) {
		struct fixture_image image = copy_of(epoch > 0 ? &synced : &base);
		int rest = way;
		for (size_t i = 0; i < p.count; i++, rest /= FATES)
			befall(&image, &p, i, (enum fate)(rest % FATES));
		fixture_place(x, "epochs", &image);
		then(x, &image);
		fixture_forget(&image);
	}
	fixture_forget(&base);
	fixture_forget(&synced);
}

static void recover(struct epoch_fixture *x, const struct fixture_image *image)
{
	(void)image;
	assert_recovers(x, 3, 4, "power gone");
}

Test(epoch_crash, without_power_while_appending_it_recovers_the_newest_epoch_or_the_one_before)
{
	struct epoch_fixture x;
	set_up(&x, JOB_APPEND);
	fixture_close(&x);
	without_power(&x, 4, recover);
	epoch_fixture_release(&x);
}

static void recover_later(struct epoch_fixture *x, const struct fixture_image *image)
{
	(void)image;
	assert_recovers(x, 4, 5, "power gone twice");
}

static void go_on_without_power(struct epoch_fixture *x, const struct fixture_image *image)
{
	struct epoch_report report;
	struct epoch_map map;
	cr_assert_eq(fixture_read(x, NULL, &report, &map), STEP_DONE);
	epoch_map_release(&map);
	without_power(x, 0, recover);
	fixture_place(x, "epochs", image);
	without_power(x, report.epoch + 1, report.epoch == 3 ? recover : recover_later);
}

Test(epoch_crash, without_power_again_while_recovering_or_right_after_it_still_recovers)
{
	struct epoch_fixture x;
	set_up(&x, JOB_APPEND);
	fixture_close(&x);
	without_power(&x, 4, go_on_without_power);
	epoch_fixture_release(&x);
}

/* What must be on disk before what: a letter for each operation that changes something, O a file made. */
static bool note_order(struct watched_io *w, struct io_op *op, int64_t *result)
{
	char *order = w->owner;
	char letter = op->code == IO_WRITE      ? 'w'
		      : op->code == IO_DATASYNC ? 'd'
		      : op->code == IO_SYNC     ? 'D'
		      : op->code == IO_RENAME   ? 'r'
		      : op->code == IO_UNLINK   ? 'u'
						: '\0';
	if (op->code == IO_OPEN && op->open.flags & O_CREAT)
		letter = 'O';
	if (letter)
		strncat(order, &letter, 1);
	return skip_syncs(w, op, result);
}

Test(epoch_crash, everything_is_synced_before_what_relies_on_it)
{
	static const char *const orders[JOBS] = {
	    [JOB_CREATE] = "OwwdrD",
	    [JOB_OPEN] = "uwwdD", /* the newest record once more, then a slot */
	    [JOB_APPEND] = "wwd",
	    [JOB_COMPACT] = "OwwdrD",
	};
	for (int job = 0; job < JOBS; job++) {
		struct epoch_fixture x;
		char order[32] = "";
		set_up(&x, (enum job)job);
		x.world.owner = order;
		x.world.look = note_order;
		cr_assert_eq(do_it(&x, (enum job)job), STEP_DONE);
		cr_assert_str_eq(order, orders[job]);
		x.world.look = skip_syncs;
		epoch_fixture_release(&x);
	}
}

/* Every operation fails, once. */

struct fault {
	size_t countdown;
	int error; /* 0: a write is cut short instead */
	bool struck;
	enum io_code code; /* of the operation it struck */
	size_t syncs_after;
};

static bool strike(struct watched_io *w, struct io_op *op, int64_t *result)
{
	struct fault *f = w->owner;
	static struct iovec cut;
	bool sync = op->code == IO_DATASYNC || op->code == IO_SYNC;
	*result = 0;
	if (op->code == IO_CLOSE)
		return false;
	if (f->struck)
		f->syncs_after += sync;
	if (f->countdown > 0 || f->struck) {
		f->countdown -= f->countdown > 0;
		return sync;
	}
	f->struck = true;
	f->code = op->code;
	*result = f->error;
	if (f->error)
		return true;
	if (op->code == IO_READ)
		op->read.length = 1 + op->read.length / 3;
	if (op->code == IO_WRITE) {
		cut = op->write.spans[0];
		cut.iov_len = 1 + cut.iov_len / 3;
		op->write.spans = &cut;
	}
	return sync;
}

static bool takes_space(enum io_code code)
{
	return code == IO_WRITE || code == IO_OPEN || code == IO_RENAME || code == IO_TRUNCATE;
}

/* What must come of it if operation f->code of the job fails with f->error. */
static void assert_answer(struct epoch_fixture *x, enum job job, const struct fault *f, int r)
{
	bool sync = f->code == IO_DATASYNC || f->code == IO_SYNC;
	bool harmless = f->error == 0 || f->error == -EINTR || f->code == IO_UNLINK;
	if (job == JOB_OPEN && f->code == IO_UNLINK && !(f->error == 0 || f->error == -EINTR))
		harmless = false;
	if (harmless) {
		cr_assert_eq(r, STEP_DONE);
		return;
	}
	cr_assert_eq(r, sync ? -EIO : f->error, "operation %d", (int)f->code);
	bool goes_on = job != JOB_OPEN &&
		       (f->code == IO_OPEN || (f->error == -ENOSPC && takes_space(f->code)));
	cr_assert_eq(epoch_log_is_ready(&x->log), goes_on, "operation %d", (int)f->code);
	if (job == JOB_OPEN)
		return;
	cr_assert_eq(x->log.epoch, before(job));
	cr_assert(fixture_holds(&x->log.map, before(job)));
	if (goes_on) {
		cr_assert_eq(do_it(x, job), STEP_DONE);
		cr_assert_eq(x->log.epoch, later(job));
	} else {
		cr_assert_eq(fixture_append(x, 9), r, "it did not refuse");
		cr_assert_eq(epoch_log_compact(&x->log), r);
		cr_assert(!sync || f->syncs_after == 0, "synced again");
	}
}

static void fail_everywhere(enum job job, int error)
{
	bool over = false;
	for (size_t at = 0; !over; at++) {
		struct epoch_fixture x;
		set_up(&x, job);
		struct fault f = {.countdown = at, .error = error};
		x.world.owner = &f;
		x.world.look = strike;
		int r = do_it(&x, job);
		over = !f.struck;
		if (f.struck)
			assert_answer(&x, job, &f, r);
		else
			cr_assert_eq(r, STEP_DONE);
		fixture_close(&x);
		x.world.look = skip_syncs;
		char when[64];
		snprintf(when, sizeof when, "job %d, error %d at %zu", (int)job, error, at);
		assert_recovers(&x, before(job), later(job), when);
		epoch_fixture_release(&x);
	}
}

Test(epoch_crash, operation_that_fails_for_good_ends_the_log_and_loses_nothing)
{
	for (int job = 0; job < JOBS; job++)
		fail_everywhere((enum job)job, -EIO);
}

Test(epoch_crash, full_disk_leaves_the_log_as_it_was_and_it_can_be_tried_again)
{
	for (int job = 0; job < JOBS; job++)
		fail_everywhere((enum job)job, -ENOSPC);
}

Test(epoch_crash, interrupted_operations_are_repeated)
{
	for (int job = 0; job < JOBS; job++)
		fail_everywhere((enum job)job, -EINTR);
}

Test(epoch_crash, short_reads_and_writes_are_continued)
{
	for (int job = 0; job < JOBS; job++)
		fail_everywhere((enum job)job, 0);
}

/* A disk with room for so many bytes of each write, and then for none. */
struct narrow {
	size_t room;
	bool keeps; /* nor for truncating what it has, as with copy-on-write */
	bool full;
};

static bool write_until_full(struct watched_io *w, struct io_op *op, int64_t *result)
{
	struct narrow *n = w->owner;
	static struct iovec some;
	*result = -ENOSPC;
	if (op->code == IO_TRUNCATE && n->keeps)
		return true;
	if (op->code != IO_WRITE)
		return skip_syncs(w, op, result);
	if (n->full)
		return true;
	n->full = true;
	some = op->write.spans[0];
	if (some.iov_len > n->room)
		some.iov_len = n->room;
	op->write.spans = &some;
	return false;
}

Test(epoch_crash, shorter_record_after_one_that_found_no_room_leaves_nothing_of_it)
{
	for (int keeps = 0; keeps < 2; keeps++) {
		struct epoch_fixture x;
		set_up(&x, JOB_APPEND);
		struct delta large = {.count = 0};
		char value[5 * EPOCH_BLOCK] = "";
		cr_assert_eq(delta_put(&large, "k", 1, value, sizeof value), 0);
		struct epoch_part part = {.id = "large", .delta = &large};
		struct narrow n = {.room = 4 * EPOCH_BLOCK, .keeps = keeps};
		x.world.owner = &n;
		x.world.look = write_until_full;
		cr_assert_eq(epoch_log_append(&x.log, 4, 0, &part, 1), 0);
		cr_assert_eq(fixture_step(&x), -ENOSPC);
		struct stat status;
		cr_assert_eq(fstatat(x.fd, "epochs", &status, 0), 0);
		cr_assert_eq((uint64_t)status.st_size, x.log.length + (keeps ? n.room : 0));
		x.world.look = skip_syncs;
		cr_assert_eq(fixture_append(&x, 4), STEP_DONE);
		cr_assert_eq(fixture_open(&x), STEP_DONE);
		cr_assert_not(x.log.report.torn);
		cr_assert(fixture_holds(&x.log.map, 4));
		delta_release(&large);
		epoch_fixture_release(&x);
	}
}
