/* A queue on disk: what was synced is never lost, what is read is what was appended, in order, once; whenever the process is
 * killed or the machine stops. */
#include "stages/segments/segment_log.h"
#include "tests/unit/stages/segment_world.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { PAYLOAD_MAX = 3000, MAX_BYTES = 64 * 1024, TURNS_MAX = 200000 };

struct trial {
	struct segment_world world;
	struct segment_log log;
	struct segment_log_options options;
	uint64_t put;        /* entries so far, of all runs */
	uint64_t ends[4096]; /* of each */
	uint64_t read;       /* entries, of this run: the number of the next one */
	uint64_t committed;  /* position, */
	uint64_t committed_count, committed_end; /* how many lie before it; what was durable then */
	uint64_t durable_count;
};

static void set_up(struct trial *t, uint64_t seed)
{
	memset(t, 0, sizeof *t);
	segment_world_init(&t->world, seed);
	t->options = (struct segment_log_options){.state_dir = "/state",
						  .name = "journal-test",
						  .max_bytes = MAX_BYTES,
						  .payload_max = PAYLOAD_MAX,
						  .only_durable = true};
}

static void tear_down(struct trial *t)
{
	segment_world_release(&t->world);
}

static void begin(struct trial *t)
{
	segment_world_begin(&t->world);
	t->options.from = t->committed;
	t->options.known_end = t->committed_end;
	cr_assert_eq(segment_log_init(&t->log, &t->world.env, &t->world.counters, &t->options), 0);
	t->read = t->committed_count;
}

static void end(struct trial *t)
{
	for (unsigned i = 0; segment_log_is_busy(&t->log); i++) {
		cr_assert_lt(i, TURNS_MAX);
		segment_world_go_on(&t->world);
	}
	segment_log_release(&t->log);
	segment_world_end(&t->world);
}

static void stop(struct trial *t, bool killed)
{
	segment_world_stop(&t->world, killed);
	segment_log_release(&t->log);
	segment_world_end(&t->world);
}

static size_t length_of(uint64_t number)
{
	return number % 7 == 0 ? 8 + number * 997 % (PAYLOAD_MAX - 7) : 8 + number * 31 % 300;
}

static void fill(uint8_t *bytes, uint64_t number)
{
	memcpy(bytes, &number, sizeof number);
	for (size_t i = sizeof number; i < length_of(number); i++)
		bytes[i] = (uint8_t)(number * 13 + i);
}

static bool put_next(struct trial *t)
{
	uint8_t *bytes = segment_log_reserve(&t->log, length_of(t->put));
	if (!bytes)
		return false;
	fill(bytes, t->put);
	t->ends[t->put] = segment_log_put(&t->log, length_of(t->put));
	t->put++;
	return true;
}

static void note_durable(struct trial *t)
{
	while (t->durable_count < t->put && t->ends[t->durable_count] <= t->log.durable)
		t->durable_count++;
}

static void expect(const struct trial *t, const struct segment_entry *e)
{
	uint8_t expected[PAYLOAD_MAX];
	cr_assert_lt(t->read, t->put);
	fill(expected, t->read);
	cr_assert_eq(e->length, length_of(t->read), "entry %ju", (uintmax_t)t->read);
	cr_assert_eq(memcmp(e->bytes, expected, e->length), 0, "entry %ju", (uintmax_t)t->read);
	cr_assert_eq(e->end, t->ends[t->read]);
}

static bool read_next(struct trial *t)
{
	struct segment_entry e;
	int r = segment_log_next(&t->log, &e);
	cr_assert_geq(r, 0);
	if (r == 0)
		return false;
	expect(t, &e);
	t->read++;
	return true;
}

static void commit(struct trial *t)
{
	t->committed = t->log.read;
	t->committed_count = t->read;
	t->committed_end = t->log.durable;
	segment_log_trim(&t->log, t->committed);
}

/* One turn; whatever chance has it do. */
static void turn(struct trial *t)
{
	struct sim_random *random = &t->world.random;
	int r = segment_log_step(&t->log);
	cr_assert_geq(r, 0);
	if (r == STEP_WAIT || sim_below(random, 2))
		segment_world_go_on(&t->world);
	if (!segment_log_is_open(&t->log))
		return;
	if (sim_below(random, 3) > 0)
		put_next(t);
	if (sim_below(random, 4) == 0)
		segment_log_sync(&t->log);
	if (sim_below(random, 2))
		read_next(t);
	if (sim_below(random, 20) == 0)
		commit(t);
	note_durable(t);
}

static void open_log(struct trial *t)
{
	for (unsigned i = 0; !segment_log_is_open(&t->log); i++) {
		cr_assert_lt(i, TURNS_MAX);
		cr_assert_geq(segment_log_step(&t->log), 0);
		segment_world_go_on(&t->world);
	}
}

static void read_all(struct trial *t)
{
	for (unsigned i = 0; !segment_log_is_drained(&t->log); i++) {
		cr_assert_lt(i, TURNS_MAX);
		if (read_next(t))
			continue;
		cr_assert_geq(segment_log_step(&t->log), 0);
		segment_world_go_on(&t->world);
	}
}

static void sync_all(struct trial *t)
{
	segment_log_sync(&t->log);
	for (unsigned i = 0; t->log.durable < t->log.end; i++) {
		cr_assert_lt(i, TURNS_MAX);
		cr_assert_geq(segment_log_step(&t->log), 0);
		segment_world_go_on(&t->world);
	}
	note_durable(t);
}

/* What was not synced may be gone, from some entry on: those are appended anew. */
static void find_end(struct trial *t)
{
	open_log(t);
	uint64_t there = t->committed_count;
	while (there < t->put && t->ends[there] <= t->log.end)
		there++;
	cr_assert_geq(there, t->durable_count, "lost what was synced: %ju of %ju", (uintmax_t)there,
		      (uintmax_t)t->durable_count);
	t->put = there;
	read_all(t);
	cr_assert_eq(t->read, there);
	cr_assert_eq(t->log.damages, 0);
	t->durable_count = there;
	t->read = there;
}

/* In each life it is stopped once while it works, then once more when it has only been opened and read. */
static void run_and_stop(uint64_t seed, unsigned turns, bool killed, bool killed_then)
{
	static struct trial t;
	set_up(&t, seed);
	for (unsigned life = 0; life < 3; life++) {
		begin(&t);
		for (unsigned i = 0; i < turns && t.put < 3000; i++)
			turn(&t);
		stop(&t, killed);
		begin(&t);
		find_end(&t);
		if (sim_below(&t.world.random, 2))
			commit(&t);
		stop(&t, killed_then);
	}
	tear_down(&t);
}

Test(segment_log, synced_entries_are_read_once_in_order_wherever_the_machine_stops, .timeout = 120)
{
	for (unsigned turns = 0; turns < 700; turns++)
		run_and_stop(turns, turns, false, false);
}

Test(segment_log, entries_are_read_once_in_order_wherever_the_process_is_killed, .timeout = 120)
{
	for (unsigned turns = 0; turns < 700; turns += 3)
		run_and_stop(turns, turns, true, true);
}

Test(segment_log, what_is_appended_is_read_while_more_is)
{
	static struct trial t;
	set_up(&t, 1);
	t.options.only_durable = false;
	begin(&t);
	for (unsigned i = 0; i < 20000 && t.put < 3000; i++)
		turn(&t);
	sync_all(&t);
	read_all(&t);
	cr_assert_eq(t.read, t.put);
	cr_assert_gt(t.put, 2000);
	end(&t);
	tear_down(&t);
}

/* What was read after a kill may have been nowhere but in memory: it is on disk before anybody sees it. */
Test(segment_log, what_a_killed_process_left_is_on_disk_when_it_is_read, .timeout = 120)
{
	for (unsigned turns = 0; turns < 700; turns += 3)
		run_and_stop(turns, turns, true, false);
}

Test(segment_log, operations_that_are_cut_short_or_interrupted_change_nothing, .timeout = 120)
{
	static struct trial t;
	for (uint64_t seed = 1; seed < 20; seed++) {
		set_up(&t, seed);
		t.world.faults.short_writes = t.world.faults.short_reads = 500;
		t.world.faults.interrupted = 200;
		begin(&t);
		for (unsigned i = 0; i < 3000; i++)
			turn(&t);
		sync_all(&t);
		read_all(&t);
		cr_assert_eq(t.read, t.put);
		end(&t);
		tear_down(&t);
	}
}

/* ---- how much ---- */

static void put_until_full(struct trial *t)
{
	for (unsigned i = 0; !segment_log_is_full(&t->log, length_of(t->put)); i++) {
		cr_assert_lt(i, TURNS_MAX);
		put_next(t);
		cr_assert_geq(segment_log_step(&t->log), 0);
		segment_world_go_on(&t->world);
	}
}

Test(segment_log, full_log_takes_no_more_before_something_is_trimmed)
{
	static struct trial t;
	set_up(&t, 1);
	begin(&t);
	open_log(&t);
	put_until_full(&t);
	cr_assert_null(segment_log_reserve(&t.log, length_of(t.put)));
	sync_all(&t);
	cr_assert_leq(t.world.fs.used, MAX_BYTES);
	cr_assert_gt(t.world.fs.used, MAX_BYTES / 2);
	read_all(&t);
	cr_assert(segment_log_is_full(&t.log, length_of(t.put)), "reading makes no room");
	commit(&t);
	for (unsigned i = 0; i < 200; i++) {
		segment_log_step(&t.log);
		segment_world_go_on(&t.world);
	}
	cr_assert_lt(t.world.fs.used, MAX_BYTES / 4);
	cr_assert(put_next(&t));
	end(&t);
	tear_down(&t);
}

Test(segment_log, full_disk_is_waited_for_and_told_once)
{
	static struct trial t;
	set_up(&t, 1);
	begin(&t);
	open_log(&t);
	t.world.fs.capacity = 5000;
	for (unsigned i = 0; i < 3000; i++) {
		put_next(&t);
		segment_log_sync(&t.log);
		cr_assert_geq(segment_log_step(&t.log), 0);
		segment_world_go_on(&t.world);
		note_durable(&t);
	}
	cr_assert_lt(t.durable_count, t.put, "there is no room for all of them");
	cr_assert_eq(segment_world_said(&t.world, "output full, waiting"), 1);
	t.world.fs.capacity = UINT64_MAX;
	sync_all(&t);
	read_all(&t);
	cr_assert_eq(t.read, t.put);
	end(&t);
	tear_down(&t);
}

static void turn_over(struct trial *t, unsigned turns)
{
	for (unsigned i = 0; i < turns; i++) {
		struct segment_entry e;
		cr_assert_geq(segment_log_step(&t->log), 0);
		cr_assert_eq(segment_log_next(&t->log, &e), 0);
		segment_world_go_on(&t->world);
	}
}

Test(segment_log, too_many_open_files_are_waited_for_and_told_once)
{
	static struct trial t;
	set_up(&t, 1);
	begin(&t);
	open_log(&t);
	for (unsigned i = 0; i < 100; i++)
		put_next(&t);
	sync_all(&t);
	t.world.faults.too_many_open = 1000;
	turn_over(&t, 1000);
	cr_assert_eq(segment_world_said(&t.world, "too many open files, waiting"), 1);
	for (unsigned i = 0; i < 20; i++)
		put_next(&t);
	sync_all(&t);
	t.world.faults.too_many_open = 0;
	read_all(&t);
	cr_assert_eq(t.read, t.put);
	cr_assert_eq(segment_world_said(&t.world, "there are descriptors again"), 1);
	end(&t);
	tear_down(&t);
}

/* The number may be another's by the time that the log is released. */
Test(segment_log, a_segment_that_was_opened_and_then_skipped_is_closed_once)
{
	static struct trial t;
	struct segment_entry e;
	set_up(&t, 1);
	begin(&t);
	open_log(&t);
	put_next(&t);
	sync_all(&t);
	cr_assert_eq(segment_log_next(&t.log, &e), 0, "it is being opened");
	segment_log_skip(&t.log, t.log.end);
	for (unsigned i = 0; t.log.read < t.log.end; i++) {
		cr_assert_lt(i, TURNS_MAX);
		segment_world_go_on(&t.world);
		cr_assert_eq(segment_log_next(&t.log, &e), 0);
	}
	int other = sim_fs_open(&t.world.fs, AT_FDCWD, "/state", O_RDONLY | O_DIRECTORY, 0);
	cr_assert_geq(other, 0);
	end(&t);
	cr_assert_eq(sim_fs_close(&t.world.fs, other), 0, "it was somebody else's");
	tear_down(&t);
}

Test(segment_log, failed_sync_is_final)
{
	static struct trial t;
	set_up(&t, 1);
	begin(&t);
	open_log(&t);
	t.world.faults.sync_errors = 1000;
	int r = 0;
	put_next(&t);
	segment_log_sync(&t.log);
	for (unsigned i = 0; i < 1000 && r >= 0; i++) {
		r = segment_log_step(&t.log);
		segment_world_go_on(&t.world);
	}
	cr_assert_eq(r, -EIO);
	t.world.faults.sync_errors = 0;
	cr_assert_eq(segment_log_step(&t.log), -EIO, "nothing is tried again");
	cr_assert_null(segment_log_reserve(&t.log, 1));
	end(&t);
	tear_down(&t);
}

/* The kernel takes what a failed sync has left in its cache for written: a later sync alone would not bring it to the disk. */
static void lose_nothing_after_failed_sync(uint64_t seed)
{
	static struct trial t;
	set_up(&t, seed);
	begin(&t);
	open_log(&t);
	for (unsigned i = 0; i < seed % 5; i++)
		put_next(&t);
	sync_all(&t);
	if (seed % 2)
		commit(&t);
	t.world.faults.sync_errors = 1000;
	for (unsigned i = 0; i < 1 + seed % 40; i++)
		put_next(&t);
	segment_log_sync(&t.log);
	for (unsigned i = 0; i < 1000 && segment_log_step(&t.log) >= 0; i++)
		segment_world_go_on(&t.world);
	t.world.faults.sync_errors = 0;
	end(&t);
	begin(&t);
	find_end(&t);
	put_next(&t);
	sync_all(&t);
	stop(&t, false);
	begin(&t);
	find_end(&t);
	end(&t);
	tear_down(&t);
}

Test(segment_log, what_is_taken_up_after_a_failed_sync_is_on_disk, .timeout = 120)
{
	for (uint64_t seed = 1; seed <= 200; seed++)
		lose_nothing_after_failed_sync(seed);
}

/* ---- damage ---- */

static void put_all(struct trial *t, uint64_t count)
{
	for (unsigned i = 0; t->put < count; i++) {
		cr_assert_lt(i, TURNS_MAX);
		put_next(t);
		segment_log_step(&t->log);
		segment_world_go_on(&t->world);
	}
	sync_all(t);
}

/* A byte of that file, by birth, is another. */
static void damage(struct trial *t, size_t file, size_t offset)
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
static uint64_t read_whole(struct trial *t)
{
	uint64_t count = 0;
	for (unsigned i = 0; !segment_log_is_drained(&t->log); i++) {
		struct segment_entry e;
		cr_assert_lt(i, TURNS_MAX);
		int r = segment_log_next(&t->log, &e);
		cr_assert_geq(r, 0);
		if (r > 0) {
			memcpy(&t->read, e.bytes, sizeof t->read);
			expect(t, &e);
			count++;
			continue;
		}
		segment_log_step(&t->log);
		segment_world_go_on(&t->world);
	}
	return count;
}

enum { ENTRIES = 60 };

static uint64_t read_damaged(struct trial *t, size_t file, size_t offset)
{
	set_up(t, 1);
	begin(t);
	open_log(t);
	put_all(t, ENTRIES);
	end(t);
	damage(t, file, offset);
	t->committed_end = t->ends[ENTRIES - 1];
	begin(t);
	open_log(t);
	uint64_t count = read_whole(t);
	cr_assert_eq(segment_world_said(&t->world, "segment damaged, what it held there is lost"),
		     t->log.damages);
	return count;
}

Test(segment_log, damaged_entry_is_told_and_those_behind_it_are_read)
{
	static struct trial t;
	uint64_t found = 0;
	for (size_t offset = SEGMENT_HEAD; offset < 2000; offset += 37) {
		uint64_t count = read_damaged(&t, 0, offset);
		cr_assert_eq(count, ENTRIES - t.log.damages, "at %zu", offset);
		found += t.log.damages;
		cr_assert_eq(t.log.torn_bytes, 0);
		cr_assert(put_next(&t) || segment_log_step(&t.log) >= 0, "it goes on");
		end(&t);
		tear_down(&t);
	}
	cr_assert_gt(found, 40, "all but what fills an entry up");
}

Test(segment_log, segment_whose_head_is_damaged_is_read_all_the_same)
{
	static struct trial t;
	for (size_t file = 0; file < 2; file++) {
		uint64_t count = read_damaged(&t, file, 20);
		cr_assert_eq(count, ENTRIES);
		cr_assert_eq(t.log.damages, 1);
		end(&t);
		tear_down(&t);
	}
}

Test(segment_log, segment_that_is_gone_is_told_and_those_behind_it_are_read)
{
	static struct trial t;
	set_up(&t, 1);
	begin(&t);
	open_log(&t);
	put_all(&t, ENTRIES);
	end(&t);
	size_t count;
	struct sim_file *files = sim_fs_files(&t.world.fs, "/state", &count);
	cr_assert_gt(count, 2);
	cr_assert_eq(sim_fs_unlink(&t.world.fs, AT_FDCWD, files[0].path), 0);
	free(files);
	t.committed_end = t.ends[ENTRIES - 1];
	begin(&t);
	open_log(&t);
	cr_assert_gt(read_whole(&t), 0);
	cr_assert_eq(t.log.damages, 1);
	cr_assert_eq(t.read, ENTRIES - 1, "the last one is there");
	end(&t);
	tear_down(&t);
}

/* What a sender made look like an entry is none. */
Test(segment_log, entry_within_an_entry_is_not_read)
{
	static struct trial t;
	set_up(&t, 1);
	begin(&t);
	open_log(&t);
	put_all(&t, 3);
	end(&t);
	damage(&t, 0, SEGMENT_HEAD + 10); /* the first one's position */
	t.committed_end = t.ends[2];
	begin(&t);
	open_log(&t);
	cr_assert_eq(read_whole(&t), 2);
	end(&t);
	tear_down(&t);
}

Test(segment_log, entry_longer_than_there_is_room_for_is_refused)
{
	static struct trial t;
	set_up(&t, 1);
	begin(&t);
	open_log(&t);
	t.put = 7 * 17; /* a long one */
	cr_assert_gt(length_of(t.put), 1000);
	put_all(&t, t.put + 1);
	end(&t);
	t.options.payload_max = 100;
	begin(&t);
	t.log.reader.room = 200;
	int r = 0;
	for (unsigned i = 0; i < 1000 && r >= 0; i++) {
		r = segment_log_step(&t.log);
		segment_world_go_on(&t.world);
	}
	cr_assert_eq(r, -EMSGSIZE);
	end(&t);
	tear_down(&t);
}

/* ---- what is forgotten ---- */

Test(segment_log, what_lies_behind_the_committed_end_is_forgotten_where_it_is_read_again)
{
	static struct trial t;
	for (uint64_t kept = 0; kept < ENTRIES; kept += 7) {
		set_up(&t, kept);
		t.options.cuts = true;
		begin(&t);
		open_log(&t);
		put_all(&t, ENTRIES);
		stop(&t, kept % 2);
		t.committed_end = kept > 0 ? t.ends[kept - 1] : 0;
		t.put = kept;
		begin(&t);
		open_log(&t);
		cr_assert_eq(t.log.end, t.committed_end);
		put_all(&t, kept + 20);
		stop(&t, false);
		t.committed_end = t.ends[kept + 19];
		begin(&t);
		open_log(&t);
		read_all(&t);
		cr_assert_eq(t.read, kept + 20);
		cr_assert_eq(t.log.damages, 0);
		end(&t);
		tear_down(&t);
	}
}

Test(segment_log, log_of_which_nothing_is_remembered_is_read_from_the_first_that_is_there)
{
	static struct trial t;
	set_up(&t, 1);
	begin(&t);
	open_log(&t);
	put_all(&t, 40);
	read_all(&t);
	commit(&t);
	put_all(&t, ENTRIES);
	end(&t);
	t.committed = t.committed_end = 0;
	begin(&t);
	open_log(&t);
	cr_assert_gt(t.log.read, 0, "the first segment was trimmed");
	cr_assert_geq(read_whole(&t), ENTRIES - 40);
	cr_assert_eq(t.log.damages, 0);
	end(&t);
	tear_down(&t);
}
