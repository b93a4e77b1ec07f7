/* A queue on disk of which something was damaged, is gone, or is to be forgotten: what is whole is read, and the rest is told. */
#include "tests/unit/stages/log_trial.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* A byte of that file, by birth, is another. */
static void damage(struct log_trial *t, size_t file, size_t offset)
{
	size_t count;
	struct sim_file *files = sim_fs_files(&t->world.fs, "/state", &count);
	cr_assert_lt(file, count);
	int fd = sim_fs_open(&t->world.fs, AT_FDCWD, files[file].path, O_RDWR, 0);
	uint8_t changed = files[file].bytes[offset] ^ 0x10;
	cr_assert_eq(sim_fs_write(&t->world.fs, fd, &changed, 1, offset), 1);
	sim_fs_close(&t->world.fs, fd);
	free(files);
}

/* Reads what is there, and passes over what is not. */
static uint64_t read_whole(struct log_trial *t)
{
	uint64_t count = 0;
	for (unsigned i = 0; !segment_log_is_drained(&t->log); i++) {
		struct segment_entry e;
		cr_assert_lt(i, TURNS_MAX);
		int r = segment_log_next(&t->log, &e);
		cr_assert_geq(r, 0);
		if (r > 0) {
			memcpy(&t->read, e.bytes, sizeof t->read);
			log_trial_expect(t, &e);
			count++;
			continue;
		}
		segment_log_step(&t->log);
		segment_world_go_on(&t->world);
	}
	return count;
}

enum { ENTRIES = 60 };

static uint64_t read_damaged(struct log_trial *t, size_t file, size_t offset)
{
	log_trial_set_up(t, 1);
	log_trial_begin(t);
	log_trial_open(t);
	log_trial_put_all(t, ENTRIES);
	log_trial_end(t);
	damage(t, file, offset);
	t->committed_end = t->ends[ENTRIES - 1];
	log_trial_begin(t);
	log_trial_open(t);
	uint64_t count = read_whole(t);
	cr_assert_eq(segment_world_said(&t->world, "segment damaged, what it held there is lost"),
		     t->log.damages);
	return count;
}

Test(segment_damage, damaged_entry_is_told_and_those_behind_it_are_read)
{
	static struct log_trial t;
	uint64_t found = 0;
	for (size_t offset = SEGMENT_HEAD; offset < 2000; offset += 37) {
		uint64_t count = read_damaged(&t, 0, offset);
		cr_assert_eq(count, ENTRIES - t.log.damages, "at %zu", offset);
		found += t.log.damages;
		cr_assert_eq(t.log.torn_bytes, 0);
		cr_assert(log_trial_put_next(&t) || segment_log_step(&t.log) >= 0, "it goes on");
		log_trial_end(&t);
		log_trial_tear_down(&t);
	}
	cr_assert_gt(found, 40, "all but what fills an entry up");
}

Test(segment_damage, segment_whose_head_is_damaged_is_read_all_the_same)
{
	static struct log_trial t;
	for (size_t file = 0; file < 2; file++) {
		uint64_t count = read_damaged(&t, file, 20);
		cr_assert_eq(count, ENTRIES);
		cr_assert_eq(t.log.damages, 1);
		log_trial_end(&t);
		log_trial_tear_down(&t);
	}
}

Test(segment_damage, segment_that_is_gone_is_told_and_those_behind_it_are_read)
{
	static struct log_trial t;
	log_trial_set_up(&t, 1);
	log_trial_begin(&t);
	log_trial_open(&t);
	log_trial_put_all(&t, ENTRIES);
	log_trial_end(&t);
	size_t count;
	struct sim_file *files = sim_fs_files(&t.world.fs, "/state", &count);
	cr_assert_gt(count, 2);
	cr_assert_eq(sim_fs_unlink(&t.world.fs, AT_FDCWD, files[0].path), 0);
	free(files);
	t.committed_end = t.ends[ENTRIES - 1];
	log_trial_begin(&t);
	log_trial_open(&t);
	cr_assert_gt(read_whole(&t), 0);
	cr_assert_eq(t.log.damages, 1);
	cr_assert_eq(t.read, ENTRIES - 1, "the last one is there");
	log_trial_end(&t);
	log_trial_tear_down(&t);
}

/* What a sender made look like an entry is none. */
Test(segment_damage, entry_within_an_entry_is_not_read)
{
	static struct log_trial t;
	log_trial_set_up(&t, 1);
	log_trial_begin(&t);
	log_trial_open(&t);
	log_trial_put_all(&t, 3);
	log_trial_end(&t);
	damage(&t, 0, SEGMENT_HEAD + 10); /* the first one's position */
	t.committed_end = t.ends[2];
	log_trial_begin(&t);
	log_trial_open(&t);
	cr_assert_eq(read_whole(&t), 2);
	log_trial_end(&t);
	log_trial_tear_down(&t);
}

Test(segment_damage, entry_longer_than_there_is_room_for_is_refused)
{
	static struct log_trial t;
	log_trial_set_up(&t, 1);
	log_trial_begin(&t);
	log_trial_open(&t);
	t.put = 7 * 17; /* a long one */
	cr_assert_gt(log_trial_length(t.put), 1000);
	log_trial_put_all(&t, t.put + 1);
	log_trial_end(&t);
	t.options.payload_max = 100;
	log_trial_begin(&t);
	t.log.reader.room = 200;
	int r = 0;
	for (unsigned i = 0; i < 1000 && r >= 0; i++) {
		r = segment_log_step(&t.log);
		segment_world_go_on(&t.world);
	}
	cr_assert_eq(r, -EMSGSIZE);
	log_trial_end(&t);
	log_trial_tear_down(&t);
}

/* ---- what is forgotten ---- */

Test(segment_damage, what_lies_behind_the_committed_end_is_forgotten_where_it_is_read_again)
{
	static struct log_trial t;
	for (uint64_t kept = 0; kept < ENTRIES; kept += 7) {
		log_trial_set_up(&t, kept);
		t.options.cuts = true;
		log_trial_begin(&t);
		log_trial_open(&t);
		log_trial_put_all(&t, ENTRIES);
		log_trial_stop(&t, kept % 2);
		t.committed_end = kept > 0 ? t.ends[kept - 1] : 0;
		t.put = kept;
		log_trial_begin(&t);
		log_trial_open(&t);
		cr_assert_eq(t.log.end, t.committed_end);
		log_trial_put_all(&t, kept + 20);
		log_trial_stop(&t, false);
		t.committed_end = t.ends[kept + 19];
		log_trial_begin(&t);
		log_trial_open(&t);
		log_trial_read_all(&t);
		cr_assert_eq(t.read, kept + 20);
		cr_assert_eq(t.log.damages, 0);
		log_trial_end(&t);
		log_trial_tear_down(&t);
	}
}

Test(segment_damage, log_of_which_nothing_is_remembered_is_read_from_the_first_that_is_there)
{
	static struct log_trial t;
	log_trial_set_up(&t, 1);
	log_trial_begin(&t);
	log_trial_open(&t);
	log_trial_put_all(&t, 40);
	log_trial_read_all(&t);
	log_trial_commit(&t);
	log_trial_put_all(&t, ENTRIES);
	log_trial_end(&t);
	t.committed = t.committed_end = 0;
	log_trial_begin(&t);
	log_trial_open(&t);
	cr_assert_gt(t.log.read, 0, "the first segment was trimmed");
	cr_assert_geq(read_whole(&t), ENTRIES - 40);
	cr_assert_eq(t.log.damages, 0);
	log_trial_end(&t);
	log_trial_tear_down(&t);
}
