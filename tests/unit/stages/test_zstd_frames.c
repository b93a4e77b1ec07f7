#include "stages/codec/zstd_frames.h"
#include "tests/unit/stages/faulty_env.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFERS = 4, LARGE = 20 * 1024 * 1024 };

/* Frames into a file without a name. */
struct fixture {
	struct faulty_env world;
	struct space_wait space;
	struct write_queue queue;
	struct zstd_frames frames;
	struct home home;
	struct stored stored;
	size_t batches;
	int fd;
	uint8_t *expected, *raw, *got;
	size_t expected_length;
};

static void set_up(struct fixture *x, unsigned workers, uint64_t frame_input)
{
	memset(x, 0, sizeof *x);
	faulty_env_init(&x->world, 1);
	x->world.reorders = true;
	space_wait_init(&x->space, &x->world.env, &x->world.counters);
	write_queue_init(&x->queue, &x->world.env, &x->space);
	x->fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	cr_assert_geq(x->fd, 0);
	write_queue_bind(&x->queue, x->fd, false, 0, "x");
	struct zstd_frames_options options = {.level = 1,
					      .workers = workers,
					      .size = &zstd_size_of_one,
					      .frame_input = frame_input,
					      .delimiter = {{'\n'}, 1}};
	cr_assert_eq(zstd_frames_init(&x->frames, &options, &x->world.env, &x->queue), 0);
	cr_assert_eq(home_init(&x->home, &(struct home_size){.buffers = BUFFERS,
							     .buffer_capacity = LARGE + 64,
							     .batches = BUFFERS}),
		     0);
	x->expected = malloc(4 * LARGE);
	x->raw = malloc(4 * LARGE);
	x->got = malloc(4 * LARGE);
}

static void tear_down(struct fixture *x)
{
	zstd_frames_release(&x->frames);
	home_release(&x->home);
	close(x->fd);
	free(x->expected);
	free(x->raw);
	free(x->got);
}

/* One record of that many bytes that cannot be compressed; NULL if no buffer is left. */
static struct batch *make_batch(struct fixture *x, uint32_t length)
{
	struct buffer *buffer = home_take_buffer(&x->home);
	if (!buffer)
		return NULL;
	struct batch *b = batch_new(&x->home, buffer);
	buffer_let_go(buffer);
	b->delimiter = (struct delimiter){{'\n'}, 1};
	for (uint32_t i = 0; i + 8 <= length; i += 8) {
		uint64_t r = faulty_env_random(&x->world, UINT64_MAX);
		memcpy(buffer->bytes + i, &r, 8);
	}
	buffer->bytes[length] = '\n';
	b->records[b->count++] = (struct record){0, length};
	b->bytes_total = length;
	memcpy(x->expected + x->expected_length, buffer->bytes, length + 1);
	x->expected_length += length + 1;
	return b;
}

static void step(struct fixture *x)
{
	x->world.wake_ns = 0;
	int r = zstd_frames_step(&x->frames, &x->stored);
	cr_assert_geq(r, 0);
	cr_assert_eq(write_queue_step(&x->queue), 0);
	if (r == STEP_WAIT)
		cr_assert(faulty_env_go_on(&x->world), "waits for nothing");
}

static void put(struct fixture *x, uint32_t length)
{
	struct batch *b;
	while ((b = make_batch(x, length)) == NULL)
		step(x);
	while (zstd_frames_room(&x->frames) == 0)
		step(x);
	zstd_frames_put(&x->frames, &b, 0, 1, length + 1, true);
	cr_assert_null(b);
	x->batches++;
}

/* Ends it; returns the number of zstd frames, which hold what was put. */
static size_t finish(struct fixture *x)
{
	zstd_frames_end(&x->frames);
	while (!zstd_frames_is_empty(&x->frames))
		step(x);
	cr_assert_eq(x->stored.batches, x->batches);
	cr_assert_eq(x->stored.bytes, x->queue.end);
	ssize_t length = pread(x->fd, x->raw, 4 * LARGE, 0);
	cr_assert_eq(length, (ssize_t)x->queue.end);
	size_t frames = 0;
	for (size_t at = 0; at < (size_t)length; frames++)
		at += ZSTD_findFrameCompressedSize(x->raw + at, (size_t)length - at);
	cr_assert_eq(ZSTD_decompress(x->got, 4 * LARGE, x->raw, (size_t)length),
		     x->expected_length);
	cr_assert_eq(memcmp(x->got, x->expected, x->expected_length), 0);
	return frames;
}

Test(zstd_frames, record_larger_than_a_frame_takes_several)
{
	struct fixture x;
	set_up(&x, 1, ZSTD_FRAME_INPUT);
	put(&x, LARGE);
	put(&x, 10);
	cr_assert_eq(finish(&x), 4); /* 8 + 8 + 4 MiB, and the small one's */
	tear_down(&x);
}

Test(zstd_frames, input_of_exactly_one_frame_is_one_frame)
{
	struct fixture x;
	set_up(&x, 1, ZSTD_FRAME_INPUT);
	put(&x, ZSTD_FRAME_INPUT - 1);
	cr_assert_eq(finish(&x), 1);
	tear_down(&x);
}

Test(zstd_frames, output_larger_than_its_room_waits_for_its_turn)
{
	struct fixture x;
	set_up(&x, 3, ZSTD_FRAME_INPUT);
	for (int i = 0; i < 7; i++)
		put(&x, 6 * 1024 * 1024); /* 6 MiB to write, 4 MiB of room */
	cr_assert_eq(finish(&x), 7);
	tear_down(&x);
}

Test(zstd_frames, flush_brings_everything_into_the_file)
{
	struct fixture x;
	set_up(&x, 2, ZSTD_FRAME_INPUT);
	for (int i = 0; i < 20; i++) {
		put(&x, 1000);
		cr_assert(zstd_frames_is_unflushed(&x.frames));
		zstd_frames_flush(&x.frames);
		cr_assert_not(zstd_frames_is_unflushed(&x.frames));
		for (int k = 0; x.stored.batches < x.batches; k++) {
			cr_assert_lt(k, 1000);
			step(&x);
		}
		ssize_t length = pread(x.fd, x.raw, 4 * LARGE, 0);
		ZSTD_DStream *stream = ZSTD_createDStream();
		ZSTD_inBuffer in = {x.raw, (size_t)length, 0};
		ZSTD_outBuffer out = {x.got, 4 * LARGE, 0};
		while (in.pos < in.size)
			cr_assert(!ZSTD_isError(ZSTD_decompressStream(stream, &out, &in)));
		cr_assert_eq(out.pos, x.expected_length);
		ZSTD_freeDStream(stream);
	}
	cr_assert_eq(finish(&x), 1);
	tear_down(&x);
}

Test(zstd_frames, as_many_frames_are_at_work_as_there_are_workers)
{
	struct fixture x;
	set_up(&x, 3, 1000);
	for (int i = 0; i < 4; i++) {
		struct batch *b = make_batch(&x, 999);
		zstd_frames_put(&x.frames, &b, 0, 1, 1000, true);
		x.batches++;
	}
	cr_assert_eq(zstd_frames_room(&x.frames), 0); /* three at work and one ahead */
	zstd_frames_step(&x.frames, &x.stored);
	cr_assert_eq(x.world.pending_count, 3);
	cr_assert_eq(finish(&x), 4);
	tear_down(&x);
}
