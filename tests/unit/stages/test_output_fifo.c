/* A file output that is a FIFO or a device: readers come late, go away, and the next one begins with a whole record. */
#include "tests/unit/stages/output_trial.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct delimiter newline = {{'\n'}, 1}, crlf = {"\r\n", 2};

Test(output_fifo, fifo_without_a_reader_is_waited_for)
{
	struct trial x;
	trial_set_up(&x, "pipe", 2);
	cr_assert_eq(mkfifo(x.path, 0600), 0);
	trial_begin(&x);
	trial_put(&x, trial_batch(&x, 4, 100, 100), FEED_MORE);
	for (int i = 0; i < 100; i++)
		if (file_output_step(&x.output, FEED_DRY) == STEP_WAIT)
			cr_assert(faulty_env_go_on(&x.world));
	cr_assert_eq(faulty_env_said(&x.world, "waiting for a reader"), 1);
	int reader = open(x.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	trial_finish(&x);
	uint8_t got[4096];
	cr_assert_eq(read(reader, got, sizeof got), (ssize_t)x.expected_length);
	cr_assert_eq(memcmp(got, x.expected, x.expected_length), 0);
	close(reader);
	trial_tear_down(&x);
}

Test(output_fifo, fifo_whose_reader_went_away_gets_the_rest_to_the_next)
{
	struct trial x;
	signal(SIGPIPE, SIG_IGN);
	trial_set_up(&x, "pipe", 2);
	cr_assert_eq(mkfifo(x.path, 0600), 0);
	int reader = open(x.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	trial_begin(&x);
	trial_run(&x, FEED_DRY, false);
	while (x.output.lanes[0].queue.fd < 0)
		if (file_output_step(&x.output, FEED_DRY) == STEP_WAIT)
			cr_assert(faulty_env_go_on(&x.world));
	close(reader);
	trial_put(&x, trial_batch(&x, 40, 100, 100), FEED_MORE);
	for (int i = 0; i < 100; i++)
		if (file_output_step(&x.output, FEED_DRY) == STEP_WAIT)
			cr_assert(faulty_env_go_on(&x.world));
	cr_assert_eq(faulty_env_said(&x.world, "reader went away, waiting for another"), 1);
	reader = open(x.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	trial_finish(&x);
	uint8_t got[8192];
	cr_assert_eq(read(reader, got, sizeof got), (ssize_t)x.expected_length);
	cr_assert_eq(memcmp(got, x.expected, x.expected_length), 0);
	close(reader);
	trial_tear_down(&x);
}

/* One reader after another, each going away somewhere within what it was given. */
struct readers {
	int fd; /* -1: none at the moment */
	size_t left;
	unsigned more; /* to come */
	uint8_t *got;
	size_t length;
	size_t from; /* what the one before had to the end, and where this one has to begin */
};

static size_t record_start(const struct trial *x, size_t at)
{
	const struct delimiter *d = &x->options.delimiter;
	while (at > 0 &&
	       (at < d->length || memcmp(x->expected + at - d->length, d->bytes, d->length) != 0))
		at--;
	return at;
}

static void check_reader(const struct trial *x, struct readers *r)
{
	cr_assert_leq(r->from + r->length, x->expected_length);
	cr_assert_eq(memcmp(r->got, x->expected + r->from, r->length), 0,
		     "not what comes from the beginning of the record at %zu", r->from);
	r->from = record_start(x, r->from + r->length);
	r->length = 0;
}

static void next_reader(struct trial *x, struct readers *r)
{
	r->fd = open(x->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	cr_assert_geq(r->fd, 0);
	r->left = r->more > 0 ? 1 + (size_t)faulty_env_random(&x->world, 100000) : SIZE_MAX;
}

/* What it has left unread is lost, unless it is given to the next one. */
static void read_some(struct trial *x, struct readers *r)
{
	if (r->fd < 0 && x->output.lanes[0].queue.fd < 0)
		next_reader(x, r); /* the last one's end has been seen */
	if (r->fd < 0)
		return;
	size_t most = 1 + (size_t)faulty_env_random(&x->world, 5000);
	ssize_t n = read(r->fd, r->got + r->length, most < r->left ? most : r->left);
	if (n <= 0)
		return;
	r->length += (size_t)n;
	r->left -= (size_t)n;
	if (r->left > 0)
		return;
	close(r->fd);
	r->fd = -1;
	r->more--;
	check_reader(x, r);
}

static int step_with_readers(struct trial *x, struct readers *r, size_t batches)
{
	struct batch *b = NULL;
	x->world.wake_ns = 0;
	if (x->batches < batches && file_output_has_room(&x->output))
		b = trial_batch(x, 400, (uint32_t[]){5, 300, 9000}[x->batches % 3], 70);
	if (b)
		file_output_put(&x->output, &b);
	int result = x->batches < batches ? file_output_step(&x->output, FEED_DRY)
					  : file_output_finish(&x->output);
	x->done += file_output_take_done(&x->output);
	cr_assert_geq(result, 0);
	if (result == STEP_WAIT)
		faulty_env_go_on(&x->world);
	read_some(x, r);
	return result;
}

static void fifo_survives_its_readers(struct delimiter delimiter, unsigned readers, uint64_t seed)
{
	struct trial x;
	struct readers r = {.fd = -1, .more = readers, .got = malloc(16 << 20)};
	signal(SIGPIPE, SIG_IGN);
	trial_set_up(&x, "pipe", seed);
	x.options.delimiter = delimiter;
	cr_assert_eq(mkfifo(x.path, 0600), 0);
	trial_begin(&x);
	x.world.short_percent = 30;
	x.world.interrupt_percent = 20;
	int result = STEP_MORE;
	for (int i = 0; result != STEP_DONE; i++) {
		cr_assert_lt(i, TRIAL_STEPS_MAX);
		result = step_with_readers(&x, &r, 40);
	}
	cr_assert_eq(x.done, x.batches);
	cr_assert_eq(r.more, 0, "too few bytes for this test");
	for (ssize_t n; (n = read(r.fd, r.got + r.length, 65536)) > 0;)
		r.length += (size_t)n;
	cr_assert_eq(r.from + r.length, x.expected_length, "the last one gets all that is left");
	check_reader(&x, &r);
	close(r.fd);
	free(r.got);
	trial_tear_down(&x);
}

Test(output_fifo, each_reader_of_a_fifo_begins_with_the_record_the_one_before_was_given_in_part)
{
	for (uint64_t seed = 1; seed <= 12; seed++)
		fifo_survives_its_readers(newline, 8, seed);
	fifo_survives_its_readers(crlf, 8, 13);
}

Test(output_fifo, records_left_in_a_fifo_by_its_reader_go_to_the_next)
{
	struct trial x;
	signal(SIGPIPE, SIG_IGN);
	trial_set_up(&x, "pipe", 2);
	cr_assert_eq(mkfifo(x.path, 0600), 0);
	int reader = open(x.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	trial_begin(&x);
	trial_put(&x, trial_batch(&x, 40, 100, 100), FEED_MORE);
	while (x.output.lanes[0].queue.written < x.expected_length)
		if (file_output_step(&x.output, FEED_DRY) == STEP_WAIT)
			cr_assert(faulty_env_go_on(&x.world));
	uint8_t got[16384];
	size_t part = x.expected_length / 2, start = record_start(&x, part);
	cr_assert_eq(read(reader, got, part), (ssize_t)part);
	close(reader);
	while (x.output.lanes[0].queue.fd >= 0)
		if (file_output_step(&x.output, FEED_DRY) == STEP_WAIT)
			cr_assert(faulty_env_go_on(&x.world), "it does not see that nobody reads");
	cr_assert_eq(x.done, 0);
	reader = open(x.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	trial_finish(&x);
	cr_assert_eq(read(reader, got, sizeof got), (ssize_t)(x.expected_length - start));
	cr_assert_eq(memcmp(got, x.expected + start, x.expected_length - start), 0);
	close(reader);
	trial_tear_down(&x);
}

Test(output_fifo, next_reader_of_a_compressed_fifo_begins_with_a_whole_frame)
{
	struct trial x;
	signal(SIGPIPE, SIG_IGN);
	trial_set_up(&x, "pipe.zst", 2);
	cr_assert_eq(mkfifo(x.path, 0600), 0);
	uint8_t *got = malloc(1 << 20), *text = malloc(64 << 20);
	int reader = open(x.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	trial_begin(&x);
	trial_put(&x, trial_batch(&x, 300, 50, 100), FEED_MORE);
	size_t length = 0;
	for (int i = 0; x.done < 1; i++) { /* flushed and read: half of the frame */
		cr_assert_lt(i, TRIAL_STEPS_MAX);
		if (file_output_step(&x.output, FEED_DRY) == STEP_WAIT)
			faulty_env_go_on(&x.world);
		x.done += file_output_take_done(&x.output);
		ssize_t n = read(reader, got, 1 << 20);
		length += n > 0 ? (size_t)n : 0;
	}
	cr_assert_gt(length, 0);
	close(reader);
	trial_put(&x, trial_batch(&x, 300, 50, 100), FEED_MORE);
	for (int i = 0; faulty_env_said(&x.world, "waiting for a reader") == 0; i++) {
		cr_assert_lt(i, TRIAL_STEPS_MAX);
		if (file_output_step(&x.output, FEED_DRY) == STEP_WAIT)
			faulty_env_go_on(&x.world);
	}
	reader = open(x.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	cr_assert_eq(trial_run(&x, FEED_ENDED, true), STEP_DONE);
	ssize_t n = read(reader, got, 1 << 20);
	cr_assert_gt(n, 0);
	trial_decode(got, (size_t)n, text, &length);
	cr_assert_eq(length, x.expected_length);
	cr_assert_eq(memcmp(text, x.expected, length), 0);
	close(reader);
	free(got);
	free(text);
	trial_tear_down(&x);
}

Test(output_fifo, fifo_nobody_reads_does_not_hold_up_an_end_without_records)
{
	struct trial x;
	trial_set_up(&x, "pipe", 2);
	cr_assert_eq(mkfifo(x.path, 0600), 0);
	trial_begin(&x);
	trial_finish(&x);
	trial_tear_down(&x);
}

Test(output_fifo, device_is_written_as_a_stream)
{
	struct trial x;
	trial_set_up(&x, "null", 2);
	cr_assert_eq(symlink("/dev/null", x.path), 0);
	x.options.rotate_size = 100;
	trial_begin(&x);
	trial_put_many(&x, 10);
	trial_finish(&x);
	trial_tear_down(&x);
}
