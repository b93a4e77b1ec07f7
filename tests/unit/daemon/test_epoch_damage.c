/* Every bit of a small log flipped, and the log cut off at every length: never a wrong state. */
#include "stages/stage.h"
#include "tests/unit/daemon/epoch_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { NEWEST = 3 };

/* A log of three records, the parts of which are known: front, records 1, 2 and 3. */
struct victim {
	struct epoch_fixture x;
	struct fixture_image image;
	int fd;
};

static bool skip_syncs(struct watched_io *w, struct io_op *op, int64_t *result)
{
	(void)w;
	*result = 0;
	return op->code == IO_DATASYNC || op->code == IO_SYNC;
}

static void set_up(struct victim *v)
{
	epoch_fixture_init(&v->x);
	fixture_write(&v->x, 1, NEWEST);
	v->x.world.look = skip_syncs; /* nobody cuts the power here */
	v->image = fixture_take(&v->x, "epochs");
	cr_assert_eq(v->image.length, EPOCH_FRONT + NEWEST * EPOCH_BLOCK);
	v->fd = openat(v->x.fd, "epochs", O_RDWR | O_CLOEXEC);
}

static void tear_down(struct victim *v)
{
	close(v->fd);
	fixture_forget(&v->image);
	epoch_fixture_release(&v->x);
}

/* What was found must be an error, a torn newest record and the state before it, or a torn slot and the newest state. */
static void assert_detected(int found, const struct epoch_report *report,
			    const struct epoch_map *map, size_t where)
{
	if (found < 0) {
		cr_assert(found == -EBADMSG || found == -EXDEV, "%zu: %d", where, found);
		cr_assert(found != -EBADMSG || report->reason, "%zu: no reason", where);
		return;
	}
	cr_assert(report->torn || report->slot_torn, "%zu: not noticed", where);
	cr_assert_eq(report->epoch, report->torn ? NEWEST - 1 : NEWEST, "%zu", where);
	cr_assert(fixture_holds(map, report->epoch), "%zu: wrong state", where);
}

static void read_flipped(struct victim *v, size_t at, unsigned bit)
{
	struct epoch_report report;
	struct epoch_map map;
	uint8_t flipped = (uint8_t)(v->image.bytes[at] ^ 1u << bit);
	cr_assert_eq(pwrite(v->fd, &flipped, 1, (off_t)at), 1);
	int found = fixture_read(&v->x, "topology", &report, &map);
	assert_detected(found, &report, &map, at);
	cr_assert_eq(pwrite(v->fd, &v->image.bytes[at], 1, (off_t)at), 1);
	epoch_map_release(&map);
}

/* Reading; opening below. */
static void flip_every_bit(size_t from, size_t to)
{
	struct victim v;
	set_up(&v);
	for (size_t at = from; at < to; at++)
		for (unsigned bit = 0; bit < 8; bit++)
			read_flipped(&v, at, bit);
	tear_down(&v);
}

Test(epoch_damage, any_bit_flipped_in_the_header_is_noticed)
{
	flip_every_bit(0, EPOCH_BLOCK);
}

Test(epoch_damage, any_bit_flipped_in_the_first_slot_is_noticed)
{
	flip_every_bit(EPOCH_BLOCK, 2 * EPOCH_BLOCK);
}

Test(epoch_damage, any_bit_flipped_in_the_second_slot_is_noticed)
{
	flip_every_bit(2 * EPOCH_BLOCK, EPOCH_FRONT);
}

Test(epoch_damage, any_bit_flipped_in_the_first_record_is_noticed)
{
	flip_every_bit(EPOCH_FRONT, EPOCH_FRONT + EPOCH_BLOCK);
}

Test(epoch_damage, any_bit_flipped_in_the_second_record_is_noticed)
{
	flip_every_bit(EPOCH_FRONT + EPOCH_BLOCK, EPOCH_FRONT + 2 * EPOCH_BLOCK);
}

Test(epoch_damage, any_bit_flipped_in_the_newest_record_is_noticed)
{
	flip_every_bit(EPOCH_FRONT + 2 * EPOCH_BLOCK, EPOCH_FRONT + 3 * EPOCH_BLOCK);
}

/* Opens what lies there, which must agree with what reading finds; then the log must go on and be clean. */
static void open_and_go_on(struct victim *v, size_t where)
{
	struct epoch_report report;
	struct epoch_map map;
	struct epoch_fixture *x = &v->x;
	int read = fixture_read(x, "topology", &report, &map);
	epoch_map_release(&map);
	int opened = fixture_open(x);
	cr_assert_eq(opened, read, "%zu", where);
	assert_detected(opened, &x->log.report, &x->log.map, where);
	if (opened < 0)
		return;
	uint64_t n = x->log.epoch;
	cr_assert_eq(n, report.epoch);
	cr_assert_eq(fixture_open(x), STEP_DONE, "%zu", where);
	cr_assert_not(x->log.report.torn || x->log.report.slot_torn, "%zu: said twice", where);
	cr_assert_eq(fixture_append(x, n + 1), STEP_DONE);
	cr_assert_eq(fixture_open(x), STEP_DONE, "%zu", where);
	cr_assert_not(x->log.report.torn, "%zu", where);
	cr_assert(fixture_holds(&x->log.map, n + 1), "%zu", where);
}

Test(epoch_damage, whatever_byte_is_damaged_opening_finds_what_reading_finds_and_goes_on)
{
	struct victim v;
	set_up(&v);
	for (size_t at = 0; at < v.image.length; at += 7) {
		v.image.bytes[at] ^= (uint8_t)(1u << at % 8);
		fixture_place(&v.x, "epochs", &v.image);
		v.image.bytes[at] ^= (uint8_t)(1u << at % 8);
		open_and_go_on(&v, at);
		fixture_close(&v.x);
	}
	tear_down(&v);
}

Test(epoch_damage, cut_off_at_any_length_is_noticed)
{
	struct victim v;
	set_up(&v);
	size_t whole = v.image.length;
	for (size_t length = 0; length < whole; length++) {
		struct epoch_report report;
		struct epoch_map map;
		cr_assert_eq(ftruncate(v.fd, (off_t)length), 0);
		int found = fixture_read(&v.x, "topology", &report, &map);
		assert_detected(found, &report, &map, length);
		bool newest_only = length >= whole - EPOCH_BLOCK;
		cr_assert_eq(found, newest_only ? STEP_DONE : -EBADMSG, "%zu", length);
		cr_assert(!newest_only || (report.torn && report.torn_epoch == NEWEST));
		epoch_map_release(&map);
		cr_assert_eq(pwrite(v.fd, v.image.bytes + length, whole - length, (off_t)length),
			     (ssize_t)(whole - length));
	}
	tear_down(&v);
}

Test(epoch_damage, cut_off_log_opens_as_it_reads_and_goes_on)
{
	struct victim v;
	set_up(&v);
	size_t whole = v.image.length;
	for (size_t length = 0; length < whole; length += length % EPOCH_BLOCK == 0 ? 1 : 409) {
		v.image.length = length;
		fixture_place(&v.x, "epochs", &v.image);
		open_and_go_on(&v, length);
		fixture_close(&v.x);
	}
	tear_down(&v);
}

Test(epoch_damage, compacted_log_is_whole_or_damaged_never_torn)
{
	struct victim v;
	set_up(&v);
	cr_assert_eq(fixture_open(&v.x), STEP_DONE);
	cr_assert_eq(fixture_compact(&v.x), STEP_DONE);
	fixture_close(&v.x);
	struct fixture_image image = fixture_take(&v.x, "epochs");
	cr_assert_eq(image.length, EPOCH_FRONT + EPOCH_BLOCK);
	for (size_t length = 0; length < image.length; length++) {
		struct fixture_image cut = image;
		cut.length = length;
		fixture_place(&v.x, "epochs", &cut);
		cr_assert_eq(fixture_open(&v.x), -EBADMSG);
		fixture_close(&v.x);
	}
	fixture_forget(&image);
	tear_down(&v);
}

Test(epoch_damage, after_it_was_opened_its_newest_record_counts_as_committed)
{
	struct victim v;
	set_up(&v);
	cr_assert_eq(fixture_open(&v.x), STEP_DONE);
	fixture_close(&v.x);
	cr_assert_eq(ftruncate(v.fd, (off_t)(v.image.length - EPOCH_BLOCK)), 0);
	cr_assert_eq(fixture_open(&v.x), -EBADMSG);
	cr_assert_eq(v.x.log.report.bad_at, v.image.length - EPOCH_BLOCK);
	cr_assert_str_eq(v.x.log.report.reason, "record cut short");
	tear_down(&v);
}

Test(epoch_damage, either_slot_alone_still_tells_damage_from_a_torn_end)
{
	struct epoch_fixture x;
	epoch_fixture_init(&x);
	fixture_write(&x, 1, 6);
	struct fixture_image image = fixture_take(&x, "epochs");
	for (size_t slot = 1; slot <= 2; slot++) {
		for (size_t record = 0; record < 4; record++) {
			size_t at = EPOCH_FRONT + record * EPOCH_BLOCK;
			image.bytes[slot * EPOCH_BLOCK] ^= 1;
			image.bytes[at] ^= 1;
			fixture_place(&x, "epochs", &image);
			image.bytes[slot * EPOCH_BLOCK] ^= 1;
			image.bytes[at] ^= 1;
			cr_assert_eq(fixture_open(&x), -EBADMSG, "slot %zu, record %zu", slot,
				     record);
			cr_assert_eq(x.log.report.bad_at, at);
		}
	}
	fixture_forget(&image);
	epoch_fixture_release(&x);
}

Test(epoch_damage, place_and_reason_of_damage_are_told)
{
	struct victim v;
	set_up(&v);
	static const struct {
		size_t at;
		uint64_t bad_at;
		const char *reason;
	} table[] = {
	    {3, 0, "not an epoch log"},
	    {100, 0, "checksum of the header"},
	    {EPOCH_FRONT + 1, EPOCH_FRONT, "no record where one should begin"},
	    {EPOCH_FRONT + 8, EPOCH_FRONT, "length of a record"},
	    {EPOCH_FRONT + 12, EPOCH_FRONT, "record cut short"},
	    {EPOCH_FRONT + EPOCH_BLOCK + 20, EPOCH_FRONT + EPOCH_BLOCK, "checksum of a record"},
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		v.image.bytes[table[i].at] ^= 1;
		fixture_place(&v.x, "epochs", &v.image);
		v.image.bytes[table[i].at] ^= 1;
		cr_assert_eq(fixture_open(&v.x), -EBADMSG);
		cr_assert_eq(v.x.log.report.bad_at, table[i].bad_at, "%zu", i);
		cr_assert_str_eq(v.x.log.report.reason, table[i].reason);
	}
	v.image.bytes[EPOCH_BLOCK + 7] ^= 1;
	v.image.bytes[2 * EPOCH_BLOCK + 7] ^= 1;
	fixture_place(&v.x, "epochs", &v.image);
	cr_assert_eq(fixture_open(&v.x), -EBADMSG);
	cr_assert_eq(v.x.log.report.bad_at, EPOCH_BLOCK);
	cr_assert_str_eq(v.x.log.report.reason, "checksum of a slot");
	tear_down(&v);
}
