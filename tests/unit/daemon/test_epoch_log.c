/* The epoch log when all goes well, and what it makes of files that are not its own. */
#include "stages/stage.h"
#include "tests/unit/daemon/epoch_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Test(epoch_log, empty_directory_is_fresh_and_stays_empty)
{
	struct epoch_fixture x;
	epoch_fixture_init(&x);
	cr_assert_eq(fixture_open(&x), STEP_DONE);
	cr_assert(epoch_log_is_ready(&x.log));
	cr_assert_eq(x.log.epoch, 0);
	cr_assert_eq(x.log.report.epoch, 0);
	cr_assert_eq(x.log.map.count, 0);
	cr_assert_not(x.log.report.torn);
	fixture_close(&x);
	cr_assert_not(fixture_take(&x, "epochs").there);
	epoch_fixture_release(&x);
}

Test(epoch_log, what_was_committed_is_there_when_it_is_opened_again)
{
	struct epoch_fixture x;
	epoch_fixture_init(&x);
	for (uint64_t n = 1; n <= 40; n++) {
		cr_assert_eq(fixture_open(&x), STEP_DONE);
		cr_assert_eq(x.log.report.epoch, n - 1);
		cr_assert_eq(x.log.report.records, n - 1);
		cr_assert_eq(x.log.report.wall_ns, (int64_t)(n - 1) * 1000);
		cr_assert_not(x.log.report.torn || x.log.report.slot_torn);
		cr_assert(fixture_holds(&x.log.map, n - 1));
		cr_assert_eq(fixture_append(&x, n), STEP_DONE);
		cr_assert_eq(x.log.epoch, n);
		cr_assert(fixture_holds(&x.log.map, n));
	}
	cr_assert_eq(x.log.report.created_ns, 1000);
	epoch_fixture_release(&x);
}

Test(epoch_log, many_epochs_in_one_life_are_read_back)
{
	struct epoch_fixture x;
	epoch_fixture_init(&x);
	fixture_write(&x, 1, 200);
	cr_assert_eq(fixture_open(&x), STEP_DONE);
	cr_assert_eq(x.log.report.epoch, 200);
	cr_assert(fixture_holds(&x.log.map, 200));
	epoch_fixture_release(&x);
}

Test(epoch_log, numbers_of_epochs_may_be_left_out)
{
	struct epoch_fixture x;
	epoch_fixture_init(&x);
	cr_assert_eq(fixture_open(&x), STEP_DONE);
	cr_assert_eq(fixture_append(&x, 7), STEP_DONE);
	cr_assert_eq(fixture_append(&x, 1000), STEP_DONE);
	cr_assert_eq(fixture_open(&x), STEP_DONE);
	cr_assert_eq(x.log.epoch, 1000);
	epoch_fixture_release(&x);
}

Test(epoch_log, nothing_changes_what_it_says_when_it_is_compacted)
{
	struct epoch_fixture x;
	epoch_fixture_init(&x);
	cr_assert_eq(fixture_open(&x), STEP_DONE);
	for (uint64_t n = 1; n <= 60; n++) {
		cr_assert_eq(fixture_append(&x, n), STEP_DONE);
		if (n % 7 != 0)
			continue;
		cr_assert_eq(fixture_compact(&x), STEP_DONE);
		cr_assert_eq(x.log.length, EPOCH_FRONT + record_snapshot_length(&x.log.map));
		cr_assert_eq(x.log.epoch, n);
		cr_assert(fixture_holds(&x.log.map, n));
		cr_assert_eq(fixture_open(&x), STEP_DONE);
		cr_assert_eq(x.log.report.records, 1);
		cr_assert_eq(x.log.report.wall_ns, (int64_t)n * 1000);
		cr_assert_eq(x.log.report.created_ns, 1000);
		cr_assert(fixture_holds(&x.log.map, n));
	}
	cr_assert_eq(fixture_open(&x), STEP_DONE);
	cr_assert(fixture_holds(&x.log.map, 60));
	cr_assert_not(fixture_take(&x, "epochs.new").there);
	epoch_fixture_release(&x);
}

static bool skip_syncs(struct watched_io *w, struct io_op *op, int64_t *result)
{
	(void)w;
	*result = 0;
	return op->code == IO_DATASYNC || op->code == IO_SYNC;
}

Test(epoch_log, compacted_when_it_is_large_it_stays_small)
{
	struct epoch_fixture x;
	epoch_fixture_init(&x);
	x.world.look = skip_syncs;
	cr_assert_eq(fixture_open(&x), STEP_DONE);
	int compacted = 0;
	for (uint64_t n = 1; n <= 1000; n++) {
		cr_assert_eq(fixture_append(&x, n), STEP_DONE);
		if (!epoch_log_is_large(&x.log))
			continue;
		cr_assert_gt(x.log.length, 1 << 20);
		cr_assert_eq(fixture_compact(&x), STEP_DONE);
		compacted++;
	}
	cr_assert_eq(compacted, 3);
	cr_assert_eq(fixture_open(&x), STEP_DONE);
	cr_assert(fixture_holds(&x.log.map, 1000));
	epoch_fixture_release(&x);
}

enum { MANY = 200000, LONG = 300000 };

/* Records of many chunks, and a value longer than one. */
Test(epoch_log, record_of_any_size_is_appended_compacted_and_read)
{
	struct epoch_fixture x;
	epoch_fixture_init(&x);
	char *value = malloc(LONG);
	memset(value, 'v', LONG);
	cr_assert_eq(fixture_open(&x), STEP_DONE);
	for (uint32_t i = 0; i < MANY; i++)
		cr_assert_eq(delta_put(&x.deltas[0], &i, sizeof i, value, i % 50), 0);
	cr_assert_eq(delta_put(&x.deltas[1], "long", 4, value, LONG), 0);
	for (uint64_t n = 1; n <= 2; n++) {
		cr_assert_eq(epoch_log_append(&x.log, n, 0, x.parts, FIXTURE_STAGES), 0);
		cr_assert_eq(fixture_step(&x), STEP_DONE);
	}
	for (int round = 0; round < 2; round++) {
		cr_assert_eq(fixture_open(&x), STEP_DONE);
		cr_assert_eq(x.log.epoch, 2);
		cr_assert_eq(x.log.map.count, MANY + 1);
		for (uint32_t i = 0; i < MANY; i += 997)
			cr_assert_eq(
			    epoch_map_find(&x.log.map, "access", &i, sizeof i)->value_length,
			    i % 50);
		const struct epoch_entry *e = epoch_map_find(&x.log.map, "archive", "long", 4);
		cr_assert_eq(memcmp(epoch_entry_value(e), value, LONG), 0);
		cr_assert_eq(fixture_compact(&x), STEP_DONE);
	}
	free(value);
	epoch_fixture_release(&x);
}

Test(epoch_log, epoch_that_changes_nothing_and_snapshot_of_nothing_are_whole_records)
{
	struct epoch_fixture x;
	epoch_fixture_init(&x);
	cr_assert_eq(fixture_open(&x), STEP_DONE);
	cr_assert_eq(epoch_log_append(&x.log, 1, 0, NULL, 0), 0);
	cr_assert_eq(fixture_step(&x), STEP_DONE);
	cr_assert_eq(epoch_log_append(&x.log, 2, 0, x.parts, FIXTURE_STAGES), 0);
	cr_assert_eq(fixture_step(&x), STEP_DONE);
	cr_assert_eq(fixture_compact(&x), STEP_DONE);
	cr_assert_eq(fixture_open(&x), STEP_DONE);
	cr_assert_eq(x.log.epoch, 2);
	cr_assert_eq(x.log.map.count, 0);
	epoch_fixture_release(&x);
}

/* The record's own 4 KiB, to the byte: head, part, delta and checksum with no zero between. */
Test(epoch_log, record_that_just_fits_its_blocks_is_read_back)
{
	struct epoch_fixture x;
	epoch_fixture_init(&x);
	char value[EPOCH_BLOCK] = "";
	cr_assert_eq(fixture_open(&x), STEP_DONE);
	uint64_t epoch = 0;
	for (size_t length = 3980; length < 4060; length++) {
		delta_clear(&x.deltas[0]);
		cr_assert_eq(delta_put(&x.deltas[0], "k", 1, value, length), 0);
		cr_assert_eq(epoch_log_append(&x.log, ++epoch, 0, x.parts, 1), 0);
		cr_assert_eq(fixture_step(&x), STEP_DONE);
	}
	cr_assert_eq(fixture_open(&x), STEP_DONE);
	cr_assert_eq(x.log.epoch, epoch);
	cr_assert_eq(epoch_map_find(&x.log.map, "access", "k", 1)->value_length, 4059);
	epoch_fixture_release(&x);
}

Test(epoch_log, another_topologys_log_is_refused_by_both_names)
{
	struct epoch_fixture x;
	struct epoch_report report;
	struct epoch_map map;
	epoch_fixture_init(&x);
	fixture_write(&x, 1, 3);
	cr_assert_eq(fixture_read(&x, "topolog", &report, &map), -EXDEV);
	cr_assert_str_eq(report.name, "topology");
	epoch_map_release(&map);
	cr_assert_eq(fixture_read(&x, NULL, &report, &map), STEP_DONE);
	cr_assert_str_eq(report.name, "topology");
	epoch_map_release(&map);
	epoch_fixture_release(&x);
}

Test(epoch_log, name_that_does_not_fit_the_header_is_refused)
{
	struct epoch_fixture x;
	epoch_fixture_init(&x);
	char name[EPOCH_NAME_MAX + 2];
	memset(name, 'n', sizeof name);
	name[EPOCH_NAME_MAX + 1] = '\0';
	cr_assert_eq(epoch_log_open(&x.log, &x.world.io, x.fd, name), -ENAMETOOLONG);
	epoch_log_release(&x.log);
	name[EPOCH_NAME_MAX] = '\0';
	cr_assert_eq(epoch_log_open(&x.log, &x.world.io, x.fd, name), 0);
	x.open = true;
	cr_assert_eq(fixture_step(&x), STEP_DONE);
	cr_assert_eq(fixture_append(&x, 1), STEP_DONE);
	fixture_close(&x);
	struct epoch_report report;
	struct epoch_map map;
	cr_assert_eq(fixture_read(&x, name, &report, &map), STEP_DONE);
	epoch_map_release(&map);
	epoch_fixture_release(&x);
}

Test(epoch_log, newer_version_is_refused_by_its_number)
{
	struct epoch_fixture x;
	struct epoch_report report;
	struct epoch_map map;
	epoch_fixture_init(&x);
	fixture_write(&x, 1, 3);
	struct fixture_image image = fixture_take(&x, "epochs");
	struct epoch_header header = {.version = 2, .name = "topology"};
	struct packer p = {.bytes = NULL};
	epoch_header_pack(&p, &header);
	memcpy(image.bytes, p.bytes, EPOCH_BLOCK);
	fixture_place(&x, "epochs", &image);
	cr_assert_eq(fixture_read(&x, "topology", &report, &map), -ENOTSUP);
	cr_assert_eq(report.version, 2);
	epoch_map_release(&map);
	cr_assert_eq(fixture_open(&x), -ENOTSUP);
	packer_release(&p);
	fixture_forget(&image);
	epoch_fixture_release(&x);
}

Test(epoch_log, file_that_is_no_log_is_refused)
{
	struct epoch_fixture x;
	epoch_fixture_init(&x);
	struct fixture_image image = {.bytes = malloc(20000), .length = 20000, .there = true};
	memset(image.bytes, 'x', image.length);
	fixture_place(&x, "epochs", &image);
	cr_assert_eq(fixture_open(&x), -EBADMSG);
	cr_assert_str_eq(x.log.report.reason, "not an epoch log");
	fixture_forget(&image);
	epoch_fixture_release(&x);
}

Test(epoch_log, file_that_cannot_be_opened_is_an_error_of_its_own)
{
	struct epoch_fixture x;
	epoch_fixture_init(&x);
	cr_assert_eq(mkdirat(x.fd, "epochs", 0700), 0);
	cr_assert_eq(fixture_open(&x), -EISDIR);
	cr_assert_eq(unlinkat(x.fd, "epochs", AT_REMOVEDIR), 0);
	cr_assert_eq(symlinkat("elsewhere", x.fd, "epochs"), 0);
	cr_assert_eq(fixture_open(&x), -ELOOP);
	epoch_fixture_release(&x);
}

Test(epoch_log, records_of_another_life_are_not_taken_for_its_own)
{
	struct epoch_fixture x;
	epoch_fixture_init(&x);
	fixture_write(&x, 1, 4);
	struct fixture_image four = fixture_take(&x, "epochs");
	cr_assert_eq(fixture_open(&x), STEP_DONE);
	cr_assert_eq(fixture_compact(&x), STEP_DONE);
	fixture_close(&x);
	struct fixture_image compacted = fixture_take(&x, "epochs");
	size_t record = four.length - EPOCH_BLOCK;
	compacted.bytes = realloc(compacted.bytes, compacted.length + EPOCH_BLOCK);
	memcpy(compacted.bytes + compacted.length, four.bytes + record, EPOCH_BLOCK);
	compacted.length += EPOCH_BLOCK;
	fixture_place(&x, "epochs", &compacted);
	cr_assert_eq(fixture_open(&x), STEP_DONE);
	cr_assert(x.log.report.torn);
	cr_assert_eq(x.log.epoch, 4);
	cr_assert(fixture_holds(&x.log.map, 4));
	fixture_forget(&four);
	fixture_forget(&compacted);
	epoch_fixture_release(&x);
}

Test(epoch_log, reading_alone_changes_nothing)
{
	struct epoch_fixture x;
	struct epoch_report report;
	struct epoch_map map;
	epoch_fixture_init(&x);
	fixture_write(&x, 1, 5);
	struct fixture_image before = fixture_take(&x, "epochs");
	before.length -= 100; /* torn */
	fixture_place(&x, "epochs", &before);
	cr_assert_eq(fixture_read(&x, NULL, &report, &map), STEP_DONE);
	cr_assert(report.torn);
	cr_assert(fixture_holds(&map, 4));
	struct fixture_image after = fixture_take(&x, "epochs");
	cr_assert_eq(after.length, before.length);
	cr_assert_eq(memcmp(after.bytes, before.bytes, before.length), 0);
	fixture_forget(&before);
	fixture_forget(&after);
	epoch_map_release(&map);
	epoch_fixture_release(&x);
}
