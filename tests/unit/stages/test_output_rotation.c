/* When a file output goes over to another file: by size, by time, by a path that holds a date, when nothing comes. */
#include "tests/unit/stages/output_trial.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

Test(output_rotation, plain_file_never_grows_past_its_size)
{
	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct trial x;
		trial_set_up(&x, "out.log", seed);
		x.options.rotate_size = 20000;
		trial_begin(&x);
		trial_inject(&x);
		trial_put_many(&x, 30);
		trial_finish(&x);
		trial_check(&x, "out.log", 5, 20000);
		trial_tear_down(&x);
	}
}

Test(output_rotation, record_larger_than_the_size_has_a_file_of_its_own)
{
	struct trial x;
	trial_set_up(&x, "out.log", 2);
	x.options.rotate_size = 10;
	trial_begin(&x);
	for (int i = 0; i < 3; i++)
		trial_put(&x, trial_batch(&x, 4, 100, 100), FEED_MORE);
	trial_finish(&x);
	trial_check(&x, "out.log", 6, 101);
	trial_tear_down(&x);
}

Test(output_rotation, size_reached_exactly_rotates_nothing)
{
	struct trial x;
	trial_set_up(&x, "out.log", 2);
	x.options.rotate_size = 1;
	trial_begin(&x);
	trial_put(&x, trial_batch(&x, 1, 0, 100), FEED_MORE); /* one newline */
	trial_finish(&x);
	trial_check(&x, "out.log", 1, 1);
	trial_tear_down(&x);
}

Test(output_rotation, zstd_file_never_grows_past_its_size)
{
	static const off_t sizes[] = {100000, 10000}; /* the latter cuts batches into frames */
	for (size_t i = 0; i < 2; i++) {
		struct trial x;
		trial_set_up(&x, "out.zst", 2);
		x.options.rotate_size = (uint64_t)sizes[i];
		trial_begin(&x);
		trial_inject(&x);
		trial_put_many(&x, 60);
		trial_finish(&x);
		trial_check(&x, "out.zst", 3, sizes[i]);
		trial_tear_down(&x);
	}
}

Test(output_rotation, zstd_batch_cut_into_frames_is_whole)
{
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct trial x;
		trial_set_up(&x, "out.zst", seed);
		x.options.workers = 4;
		trial_begin(&x);
		x.output.lanes[0].frames.options.frame_input =
		    20000; /* as with a small size, in one file */
		x.world.reorders = true;
		for (int i = 0; i < 40; i++) {
			struct batch *b;
			while ((b = trial_batch(&x, 4096, 300, 100)) == NULL) {
				file_output_step(&x.output, FEED_MORE);
				faulty_env_turn(&x.world);
			}
			trial_put(&x, b, FEED_MORE);
		}
		trial_finish(&x);
		trial_check(&x, "out.zst", 1, 0);
		trial_tear_down(&x);
	}
}

Test(output_rotation, interval_rotates_at_its_multiples_without_input)
{
	struct trial x;
	trial_set_up(&x, "out.log", 2);
	x.options.rotate_interval_ns = 3600 * (uint64_t)SECOND;
	trial_begin(&x);
	trial_put(&x, trial_batch(&x, 4, 100, 100), FEED_MORE);
	trial_run(&x, FEED_DRY, false);
	char rotated[192];
	snprintf(rotated, sizeof rotated, "%s/out.20261121T110000Z.log", x.directory);
	for (int i = 0; i < 10000 && access(rotated, F_OK) != 0; i++)
		if (file_output_step(&x.output, FEED_DRY) == STEP_WAIT)
			cr_assert(faulty_env_go_on(&x.world));
	cr_assert_eq(access(rotated, F_OK), 0); /* it was 10:15, now 11:00 has struck */
	trial_put(&x, trial_batch(&x, 4, 100, 100), FEED_MORE);
	trial_finish(&x);
	trial_check(&x, "out.log", 2, 0);
	trial_tear_down(&x);
}

Test(output_rotation, file_left_from_an_earlier_interval_is_rotated_first)
{
	struct trial x;
	trial_set_up(&x, "out.log", 2);
	x.options.rotate_interval_ns = 3600 * (uint64_t)SECOND;
	FILE *old = fopen(x.path, "we");
	cr_assert(old && fputs("old\n", old) >= 0 && fclose(old) == 0);
	struct timespec times[2] = {{.tv_sec = 1795250000}, {.tv_sec = 1795250000}};
	cr_assert_eq(utimensat(AT_FDCWD, x.path, times, 0), 0);
	trial_expect(&x, (const uint8_t *)"old", 3);
	x.records--;
	trial_begin(&x);
	trial_put(&x, trial_batch(&x, 4, 100, 100), FEED_MORE);
	trial_finish(&x);
	trial_check(&x, "out.log", 2, 0);
	trial_tear_down(&x);
}

Test(output_rotation, path_follows_the_time)
{
	for (int zstd = 0; zstd < 2; zstd++) {
		struct trial x;
		trial_set_up(&x, zstd ? "%Y-%m-%d_%H%M.zst" : "%Y-%m-%d_%H%M.log", 2);
		trial_begin(&x);
		trial_inject(&x);
		for (int i = 0; i < 5; i++) {
			trial_put_many(&x, 3);
			faulty_env_pass(&x.world, 60 * (uint64_t)SECOND);
		}
		trial_finish(&x);
		trial_check(&x, "", 5, 0);
		char first[192];
		snprintf(first, sizeof first, "%s/2026-11-21_1015.%s", x.directory,
			 zstd ? "zst" : "log");
		cr_assert_eq(access(first, F_OK), 0);
		trial_tear_down(&x);
	}
}

Test(output_rotation, clock_set_back_a_little_changes_no_file)
{
	struct trial x;
	trial_set_up(&x, "%H%M%S.log", 2);
	trial_begin(&x);
	trial_put(&x, trial_batch(&x, 4, 100, 100), FEED_MORE);
	trial_run(&x, FEED_DRY, false);
	x.world.wall_ns -= 2 * (int64_t)SECOND;
	trial_put(&x, trial_batch(&x, 4, 100, 100), FEED_MORE);
	trial_finish(&x);
	trial_check(&x, "101500.log", 1, 0);
	cr_assert_eq(counter_get(&x.world.counters.files), 1);
	trial_tear_down(&x);
}

Test(output_rotation, idle_file_is_closed_and_opened_again)
{
	for (int zstd = 0; zstd < 2; zstd++) {
		const char *name = zstd ? "out.zst" : "out.log";
		struct trial x;
		trial_set_up(&x, name, 2);
		x.options.rotate_idle_ns = 5 * (uint64_t)SECOND;
		trial_begin(&x);
		for (int round = 0; round < 3; round++) {
			trial_put(&x, trial_batch(&x, 4, 100, 100), FEED_MORE);
			for (int i = 0; i < 1000; i++)
				if (file_output_step(&x.output, FEED_DRY) == STEP_WAIT &&
				    !faulty_env_go_on(&x.world))
					break;
			cr_assert_eq(x.output.lanes[0].file.state, OUTPUT_CLOSED);
			trial_check(&x, name, 1, 0);
		}
		cr_assert_eq(counter_get(&x.world.counters.files), 3);
		trial_finish(&x);
		trial_tear_down(&x);
	}
}
