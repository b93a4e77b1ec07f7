/* A queue on disk: what was synced is never lost, what is read is what was appended, in order, once; whenever the process is
 * killed or the machine stops. */
#include "tests/unit/stages/log_trial.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>

/* One turn; whatever chance has it do. */
static void turn(struct log_trial *t)
{
	struct sim_random *random = &t->world.random;
	int r = segment_log_step(&t->log);
	cr_assert_geq(r, 0);
	if (r == STEP_WAIT || sim_below(random, 2))
		segment_world_go_on(&t->world);
	if (!segment_log_is_open(&t->log))
		return;
	if (sim_below(random, 3) > 0)
		log_trial_put_next(t);
	if (sim_below(random, 4) == 0)
		segment_log_sync(&t->log);
	if (sim_below(random, 2))
		log_trial_read_next(t);
	if (sim_below(random, 20) == 0)
		log_trial_commit(t);
	log_trial_note_durable(t);
}

/* What was not synced may be gone, from some entry on: those are appended anew. */
static void find_end(struct log_trial *t)
{
	log_trial_open(t);
	uint64_t there = t->committed_count;
	while (there < t->put && t->ends[there] <= t->log.end)
		there++;
	cr_assert_geq(there, t->durable_count, "lost what was synced: %ju of %ju", (uintmax_t)there,
		      (uintmax_t)t->durable_count);
	t->put = there;
	log_trial_read_all(t);
	cr_assert_eq(t->read, there);
	cr_assert_eq(t->log.damages, 0);
	t->durable_count = there;
	t->read = there;
}

/* In each life it is stopped once while it works, then once more when it has only been opened and read. */
static void run_and_stop(uint64_t seed, unsigned turns, bool killed, bool killed_then)
{
	static struct log_trial t;
	log_trial_set_up(&t, seed);
	for (unsigned life = 0; life < 3; life++) {
		log_trial_begin(&t);
		for (unsigned i = 0; i < turns && t.put < 3000; i++)
			turn(&t);
		log_trial_stop(&t, killed);
		log_trial_begin(&t);
		find_end(&t);
		if (sim_below(&t.world.random, 2))
			log_trial_commit(&t);
		log_trial_stop(&t, killed_then);
	}
	log_trial_tear_down(&t);
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
	static struct log_trial t;
	log_trial_set_up(&t, 1);
	t.options.only_durable = false;
	log_trial_begin(&t);
	for (unsigned i = 0; i < 20000 && t.put < 3000; i++)
		turn(&t);
	log_trial_sync_all(&t);
	log_trial_read_all(&t);
	cr_assert_eq(t.read, t.put);
	cr_assert_gt(t.put, 2000);
	log_trial_end(&t);
	log_trial_tear_down(&t);
}

/* What was read after a kill may have been nowhere but in memory: it is on disk before anybody sees it. */
Test(segment_log, what_a_killed_process_left_is_on_disk_when_it_is_read, .timeout = 120)
{
	for (unsigned turns = 0; turns < 700; turns += 3)
		run_and_stop(turns, turns, true, false);
}

Test(segment_log, operations_that_are_cut_short_or_interrupted_change_nothing, .timeout = 120)
{
	static struct log_trial t;
	for (uint64_t seed = 1; seed < 20; seed++) {
		log_trial_set_up(&t, seed);
		t.world.faults.short_writes = t.world.faults.short_reads = 500;
		t.world.faults.interrupted = 200;
		log_trial_begin(&t);
		for (unsigned i = 0; i < 3000; i++)
			turn(&t);
		log_trial_sync_all(&t);
		log_trial_read_all(&t);
		cr_assert_eq(t.read, t.put);
		log_trial_end(&t);
		log_trial_tear_down(&t);
	}
}

/* ---- how much ---- */

static void put_until_full(struct log_trial *t)
{
	for (unsigned i = 0; !segment_log_is_full(&t->log, log_trial_length(t->put)); i++) {
		cr_assert_lt(i, TURNS_MAX);
		log_trial_put_next(t);
		cr_assert_geq(segment_log_step(&t->log), 0);
		segment_world_go_on(&t->world);
	}
}

Test(segment_log, full_log_takes_no_more_before_something_is_trimmed)
{
	static struct log_trial t;
	log_trial_set_up(&t, 1);
	log_trial_begin(&t);
	log_trial_open(&t);
	put_until_full(&t);
	cr_assert_null(segment_log_reserve(&t.log, log_trial_length(t.put)));
	log_trial_sync_all(&t);
	cr_assert_leq(t.world.fs.used, MAX_BYTES);
	cr_assert_gt(t.world.fs.used, MAX_BYTES / 2);
	log_trial_read_all(&t);
	cr_assert(segment_log_is_full(&t.log, log_trial_length(t.put)), "reading makes no room");
	log_trial_commit(&t);
	for (unsigned i = 0; i < 200; i++) {
		segment_log_step(&t.log);
		segment_world_go_on(&t.world);
	}
	cr_assert_lt(t.world.fs.used, MAX_BYTES / 4);
	cr_assert(log_trial_put_next(&t));
	log_trial_end(&t);
	log_trial_tear_down(&t);
}

Test(segment_log, full_disk_is_waited_for_and_told_once)
{
	static struct log_trial t;
	log_trial_set_up(&t, 1);
	log_trial_begin(&t);
	log_trial_open(&t);
	t.world.fs.capacity = 5000;
	for (unsigned i = 0; i < 3000; i++) {
		log_trial_put_next(&t);
		segment_log_sync(&t.log);
		cr_assert_geq(segment_log_step(&t.log), 0);
		segment_world_go_on(&t.world);
		log_trial_note_durable(&t);
	}
	cr_assert_lt(t.durable_count, t.put, "there is no room for all of them");
	cr_assert_eq(segment_world_said(&t.world, "output full, waiting"), 1);
	t.world.fs.capacity = UINT64_MAX;
	log_trial_sync_all(&t);
	log_trial_read_all(&t);
	cr_assert_eq(t.read, t.put);
	log_trial_end(&t);
	log_trial_tear_down(&t);
}

static void turn_over(struct log_trial *t, unsigned turns)
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
	static struct log_trial t;
	log_trial_set_up(&t, 1);
	log_trial_begin(&t);
	log_trial_open(&t);
	for (unsigned i = 0; i < 100; i++)
		log_trial_put_next(&t);
	log_trial_sync_all(&t);
	t.world.faults.too_many_open = 1000;
	turn_over(&t, 1000);
	cr_assert_eq(segment_world_said(&t.world, "too many open files, waiting"), 1);
	for (unsigned i = 0; i < 20; i++)
		log_trial_put_next(&t);
	log_trial_sync_all(&t);
	t.world.faults.too_many_open = 0;
	log_trial_read_all(&t);
	cr_assert_eq(t.read, t.put);
	cr_assert_eq(segment_world_said(&t.world, "there are descriptors again"), 1);
	log_trial_end(&t);
	log_trial_tear_down(&t);
}

/* The number may be another's by the time that the log is released. */
Test(segment_log, a_segment_that_was_opened_and_then_skipped_is_closed_once)
{
	static struct log_trial t;
	struct segment_entry e;
	log_trial_set_up(&t, 1);
	log_trial_begin(&t);
	log_trial_open(&t);
	log_trial_put_next(&t);
	log_trial_sync_all(&t);
	cr_assert_eq(segment_log_next(&t.log, &e), 0, "it is being opened");
	segment_log_skip(&t.log, t.log.end);
	for (unsigned i = 0; t.log.read < t.log.end; i++) {
		cr_assert_lt(i, TURNS_MAX);
		segment_world_go_on(&t.world);
		cr_assert_eq(segment_log_next(&t.log, &e), 0);
	}
	int other = sim_fs_open(&t.world.fs, AT_FDCWD, "/state", O_RDONLY | O_DIRECTORY, 0);
	cr_assert_geq(other, 0);
	log_trial_end(&t);
	cr_assert_eq(sim_fs_close(&t.world.fs, other), 0, "it was somebody else's");
	log_trial_tear_down(&t);
}

Test(segment_log, failed_sync_is_final)
{
	static struct log_trial t;
	log_trial_set_up(&t, 1);
	log_trial_begin(&t);
	log_trial_open(&t);
	t.world.faults.sync_errors = 1000;
	int r = 0;
	log_trial_put_next(&t);
	segment_log_sync(&t.log);
	for (unsigned i = 0; i < 1000 && r >= 0; i++) {
		r = segment_log_step(&t.log);
		segment_world_go_on(&t.world);
	}
	cr_assert_eq(r, -EIO);
	t.world.faults.sync_errors = 0;
	cr_assert_eq(segment_log_step(&t.log), -EIO, "nothing is tried again");
	cr_assert_null(segment_log_reserve(&t.log, 1));
	log_trial_end(&t);
	log_trial_tear_down(&t);
}

/* The kernel takes what a failed sync has left in its cache for written: a later sync alone would not bring it to the disk. */
static void lose_nothing_after_failed_sync(uint64_t seed)
{
	static struct log_trial t;
	log_trial_set_up(&t, seed);
	log_trial_begin(&t);
	log_trial_open(&t);
	for (unsigned i = 0; i < seed % 5; i++)
		log_trial_put_next(&t);
	log_trial_sync_all(&t);
	if (seed % 2)
		log_trial_commit(&t);
	t.world.faults.sync_errors = 1000;
	for (unsigned i = 0; i < 1 + seed % 40; i++)
		log_trial_put_next(&t);
	segment_log_sync(&t.log);
	for (unsigned i = 0; i < 1000 && segment_log_step(&t.log) >= 0; i++)
		segment_world_go_on(&t.world);
	t.world.faults.sync_errors = 0;
	log_trial_end(&t);
	log_trial_begin(&t);
	find_end(&t);
	log_trial_put_next(&t);
	log_trial_sync_all(&t);
	log_trial_stop(&t, false);
	log_trial_begin(&t);
	find_end(&t);
	log_trial_end(&t);
	log_trial_tear_down(&t);
}

Test(segment_log, what_is_taken_up_after_a_failed_sync_is_on_disk, .timeout = 120)
{
	for (uint64_t seed = 1; seed <= 200; seed++)
		lose_nothing_after_failed_sync(seed);
}
