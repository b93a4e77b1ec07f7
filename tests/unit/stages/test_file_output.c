/* What is put into a file output is in its file, plain or compressed, whatever the disk answers. */
#include "tests/unit/stages/output_trial.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zstd.h>

static void content_survives(const char *name, struct delimiter input, struct delimiter output,
			     uint64_t seed)
{
	struct trial x;
	trial_set_up(&x, name, seed);
	x.input_delimiter = input;
	x.options.delimiter = output;
	trial_begin(&x);
	trial_inject(&x);
	trial_put_many(&x, 20);
	x.world.full_until_ns = x.world.now_ns + 5 * (uint64_t)SECOND;
	trial_put_many(&x, 40);
	trial_finish(&x);
	trial_check(&x, name, 1, 0);
	trial_tear_down(&x);
}

static const struct delimiter newline = {{'\n'}, 1}, crlf = {"\r\n", 2};

Test(file_output, plain_content_survives_faults_in_any_order)
{
	for (uint64_t seed = 1; seed <= 12; seed++)
		content_survives("out.log", newline, newline, seed);
}

Test(file_output, plain_content_gets_the_outputs_delimiter)
{
	content_survives("out.log", crlf, newline, 21);
	content_survives("out.log", newline, crlf, 22);
	content_survives("out.log", crlf, crlf, 23);
}

Test(file_output, zstd_content_survives_faults_in_any_order)
{
	for (uint64_t seed = 1; seed <= 6; seed++)
		content_survives("out.log.zst", newline, newline, seed);
}

Test(file_output, zstd_content_gets_the_outputs_delimiter)
{
	content_survives("out.log.zst", crlf, newline, 21);
	content_survives("out.log.zst", newline, crlf, 22);
}

Test(file_output, existing_file_is_appended_to)
{
	struct trial x;
	trial_set_up(&x, "out.log", 1);
	for (int i = 0; i < 2; i++) {
		trial_begin(&x);
		trial_put_many(&x, 3);
		trial_finish(&x);
		file_output_release(&x.output);
	}
	trial_begin(&x);
	trial_check(&x, "out.log", 1, 0);
	trial_tear_down(&x);
}

Test(file_output, several_writes_are_under_way_at_once)
{
	struct trial x;
	trial_set_up(&x, "out.log", 5);
	trial_begin(&x);
	trial_put(&x, trial_batch(&x, 1, 9, 100), FEED_MORE);
	trial_run(&x, FEED_DRY, false);
	for (int i = 0; i < 3; i++) {
		for (int k = 0; k < 4; k++)
			trial_put(&x, trial_batch(&x, 4096, 400, 100), FEED_MORE);
		file_output_step(&x.output, FEED_DRY);
	}
	cr_assert_eq(x.world.in_flight_most, 2);
	x.world.reorders = true;
	trial_finish(&x);
	trial_check(&x, "out.log", 1, 0);
	trial_tear_down(&x);
}

Test(file_output, full_disk_is_said_once_and_loses_nothing)
{
	struct trial x;
	trial_set_up(&x, "out.log", 3);
	trial_begin(&x);
	trial_put_many(&x, 2);
	trial_run(&x, FEED_DRY, false);
	uint64_t began = x.world.now_ns;
	x.world.full_until_ns = began + 4 * (uint64_t)SECOND;
	trial_put_many(&x, 10);
	trial_finish(&x);
	cr_assert_geq(x.world.now_ns, began + 4 * (uint64_t)SECOND);
	cr_assert_leq(x.world.now_ns, began + 5 * (uint64_t)SECOND, "waited too long");
	cr_assert_eq(faulty_env_said(&x.world, "output full, waiting"), 1);
	cr_assert_eq(faulty_env_said(&x.world, "output has room again"), 1);
	cr_assert_geq(counter_get(&x.world.counters.retries), 7); /* 0.1 0.3 0.7 1.5 2.5 3.5 4.5 */
	trial_check(&x, "out.log", 1, 0);
	trial_tear_down(&x);
}

Test(file_output, write_error_ends_it_and_closes_the_file)
{
	struct trial x;
	trial_set_up(&x, "out.log", 3);
	trial_begin(&x);
	trial_put_many(&x, 2);
	x.world.write_error = -EIO;
	cr_assert_eq(trial_run(&x, FEED_DRY, false), -EIO);
	cr_assert_eq(faulty_env_said(&x.world, "write failed"), 1);
	cr_assert_eq(x.world.pending_count, 0);
	cr_assert_eq(counter_get(&x.world.counters.records_out), 0);
	trial_tear_down(&x);
}

Test(file_output, file_that_cannot_be_opened_ends_it)
{
	struct trial x;
	trial_set_up(&x, "out.log", 3);
	cr_assert_eq(mkdir(x.path, 0700), 0);
	trial_begin(&x);
	cr_assert_eq(trial_run(&x, FEED_DRY, false), -EISDIR);
	cr_assert_eq(faulty_env_said(&x.world, "output cannot be opened"), 1);
	trial_tear_down(&x);
}

Test(file_output, plain_records_are_written_at_once_when_input_is_dry)
{
	struct trial x;
	trial_set_up(&x, "out.log", 3);
	trial_begin(&x);
	trial_put(&x, trial_batch(&x, 3, 50, 100), FEED_MORE);
	uint64_t began = x.world.now_ns;
	trial_run(&x, FEED_DRY, false);
	cr_assert_eq(x.world.now_ns, began);
	trial_check(&x, "out.log", 1, 0);
	trial_finish(&x);
	trial_tear_down(&x);
}

Test(file_output, zstd_records_are_flushed_when_input_has_been_dry)
{
	struct trial x;
	trial_set_up(&x, "out.zst", 3);
	trial_begin(&x);
	trial_put(&x, trial_batch(&x, 300, 50, 100), FEED_MORE);
	uint64_t began = x.world.now_ns;
	trial_run(&x, FEED_DRY, false); /* until it is stored */
	cr_assert_leq(x.world.now_ns, began + 60000000);

	uint8_t *raw = malloc(1 << 20), *text = malloc(1 << 20);
	size_t length = trial_read_file(x.path, raw, 1 << 20);
	ZSTD_DStream *stream = ZSTD_createDStream();
	ZSTD_inBuffer in = {raw, length, 0};
	ZSTD_outBuffer out = {text, 1 << 20, 0};
	while (in.pos < in.size)
		cr_assert(!ZSTD_isError(ZSTD_decompressStream(stream, &out, &in)));
	cr_assert_eq(out.pos, x.expected_length);
	cr_assert_eq(memcmp(text, x.expected, out.pos), 0);
	ZSTD_freeDStream(stream);
	free(raw);
	free(text);
	trial_finish(&x);
	trial_check(&x, "out.zst", 1, 0);
	trial_tear_down(&x);
}

Test(file_output, zstd_frame_ends_after_half_a_minute)
{
	struct trial x;
	trial_set_up(&x, "out.zst", 3);
	trial_begin(&x);
	trial_put(&x, trial_batch(&x, 300, 50, 100), FEED_MORE);
	trial_run(&x, FEED_DRY, false);
	faulty_env_pass(&x.world, 31 * (uint64_t)SECOND);
	for (int i = 0; i < 100; i++) {
		cr_assert_geq(file_output_step(&x.output, FEED_DRY), 0);
		faulty_env_turn(&x.world);
	}
	trial_check(&x, "out.zst", 1, 0); /* a whole frame, though nothing has ended */
	trial_finish(&x);
	trial_check(&x, "out.zst", 1, 0);
	trial_tear_down(&x);
}

Test(file_output, zstd_splits_large_input_into_frames)
{
	struct trial x;
	trial_set_up(&x, "out.zst", 9);
	trial_begin(&x);
	while (x.expected_length < 20u << 20) {
		struct batch *b = trial_batch(&x, 4096, 400, 100);
		if (b)
			trial_put(&x, b, FEED_MORE);
		else
			file_output_step(&x.output, FEED_MORE), faulty_env_turn(&x.world);
	}
	trial_finish(&x);
	uint8_t *raw = malloc(64 << 20), *text = malloc(64 << 20);
	size_t length = trial_read_file(x.path, raw, 64 << 20), decoded;
	cr_assert_eq(trial_decode(raw, length, text, &decoded), 3);
	free(raw);
	free(text);
	trial_check(&x, "out.zst", 1, 0);
	trial_tear_down(&x);
}

Test(file_output, empty_output_is_a_valid_file)
{
	struct trial x;
	trial_set_up(&x, "out.log", 1);
	trial_begin(&x);
	trial_finish(&x);
	trial_check(&x, "out.log", 1, 0);
	trial_tear_down(&x);

	trial_set_up(&x, "out.zst", 1);
	trial_begin(&x);
	trial_finish(&x);
	uint8_t raw[64], text[64];
	size_t decoded;
	cr_assert_eq(trial_decode(raw, trial_read_file(x.path, raw, sizeof raw), text, &decoded),
		     1);
	cr_assert_eq(decoded, 0);
	trial_tear_down(&x);
}

Test(file_output, batch_without_records_is_stored_too)
{
	for (int zstd = 0; zstd < 2; zstd++) {
		struct trial x;
		trial_set_up(&x, zstd ? "out.zst" : "out.log", 2);
		trial_begin(&x);
		trial_put(&x, trial_batch(&x, 0, 0, 0), FEED_MORE);
		trial_put(&x, trial_batch(&x, 10, 100, 100), FEED_MORE);
		trial_put(&x, trial_batch(&x, 0, 0, 0), FEED_MORE);
		trial_run(&x, FEED_DRY, false);
		trial_put(&x, trial_batch(&x, 0, 0, 0), FEED_MORE);
		trial_run(&x, FEED_DRY, false);
		cr_assert_eq(x.done, 4);
		trial_finish(&x);
		trial_check(&x, zstd ? "out.zst" : "out.log", 1, 0);
		trial_tear_down(&x);
	}
}

Test(file_output, output_that_is_given_up_lets_go_of_all_batches_before_it_is_closed)
{
	for (int zstd = 0; zstd < 2; zstd++) {
		struct trial x;
		trial_set_up(&x, zstd ? "out.zst" : "out.log", 2);
		trial_begin(&x);
		for (int i = 0; i < 3; i++)
			trial_put(&x, trial_batch(&x, 1000, 1000, 100), FEED_MORE);
		cr_assert_not(home_is_whole(&x.home));
		while (file_output_let_go(&x.output) == STEP_WAIT)
			cr_assert(faulty_env_go_on(&x.world));
		cr_assert(home_is_whole(&x.home));
		trial_tear_down(&x);
	}
}
