#include "stages/write_queue.h"
#include "tests/unit/stages/faulty_env.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { WRITES = 40, SPANS = 5, SPAN_LENGTH = 300 };

struct fixture {
	struct faulty_env world;
	struct space_wait space;
	struct write_queue queue;
	int fd;
	struct write writes[WRITES];
	struct iovec spans[WRITES][SPANS];
	uint8_t bytes[WRITES][SPANS][SPAN_LENGTH];
	uint8_t expected[WRITES * SPANS * SPAN_LENGTH];
	size_t length;
};

static void set_up(struct fixture *x, uint64_t seed)
{
	memset(x, 0, sizeof *x);
	faulty_env_init(&x->world, seed);
	space_wait_init(&x->space, &x->world.env, &x->world.counters);
	write_queue_init(&x->queue, &x->world.env, &x->space);
	x->fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	cr_assert_geq(x->fd, 0);
}

static struct write *make_write(struct fixture *x, size_t i)
{
	struct write *w = &x->writes[i];
	*w = (struct write){.spans = x->spans[i], .count = SPANS};
	for (size_t s = 0; s < SPANS; s++) {
		size_t length = (size_t)faulty_env_random(&x->world, SPAN_LENGTH);
		for (size_t c = 0; c < length; c++)
			x->bytes[i][s][c] = (uint8_t)faulty_env_random(&x->world, 256);
		memcpy(x->expected + x->length, x->bytes[i][s], length);
		x->spans[i][s] = (struct iovec){.iov_base = x->bytes[i][s], .iov_len = length};
		w->length += length;
		x->length += length;
	}
	return w;
}

/* Puts all and takes them in their order. */
static void run_all(struct fixture *x)
{
	for (size_t put = 0, taken = 0; taken < WRITES;) {
		if (put < WRITES && faulty_env_random(&x->world, 2))
			write_queue_put(&x->queue, make_write(x, put++));
		x->world.wake_ns = 0;
		cr_assert_eq(write_queue_step(&x->queue), 0);
		faulty_env_go_on(&x->world);
		for (struct write *w; (w = write_queue_take(&x->queue)) != NULL; taken++)
			cr_assert_eq(w, &x->writes[taken], "out of order");
	}
	cr_assert(write_queue_is_empty(&x->queue));
}

Test(write_queue, bytes_land_in_order_whatever_happens)
{
	static struct fixture x;
	static uint8_t got[sizeof x.expected];
	for (uint64_t seed = 1; seed < 30; seed++) {
		set_up(&x, seed);
		x.world.reorders = true;
		x.world.short_percent = 60;
		x.world.interrupt_percent = 20;
		x.world.full_until_ns = seed % 3 == 0 ? x.world.now_ns + 3000000000 : 0;
		write_queue_bind(&x.queue, x.fd, false, 0, "x");
		run_all(&x);
		cr_assert_eq(x.queue.end, x.length);
		cr_assert_eq(pread(x.fd, got, sizeof got, 0), (ssize_t)x.length);
		cr_assert_eq(memcmp(got, x.expected, x.length), 0);
		cr_assert_leq(x.world.in_flight_most, 2);
		close(x.fd);
	}
}

Test(write_queue, stream_gets_one_write_at_a_time)
{
	static struct fixture x;
	static uint8_t got[sizeof x.expected];
	set_up(&x, 5);
	x.world.short_percent = 60;
	write_queue_bind(&x.queue, x.fd, true, 0, "x");
	run_all(&x);
	cr_assert_eq(x.world.in_flight_most, 1);
	cr_assert_eq(pread(x.fd, got, sizeof got, 0), (ssize_t)x.length);
	cr_assert_eq(memcmp(got, x.expected, x.length), 0);
	close(x.fd);
}

Test(write_queue, full_pipe_is_tried_again)
{
	static struct fixture x;
	static uint8_t got[sizeof x.expected];
	int ends[2];
	set_up(&x, 5);
	cr_assert_eq(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	cr_assert_geq(fcntl(ends[1], F_SETPIPE_SZ, 4096), 0);
	write_queue_bind(&x.queue, ends[1], true, 0, "x");
	for (size_t i = 0; i < WRITES; i++)
		write_queue_put(&x.queue, make_write(&x, i));
	size_t length = 0, taken = 0;
	for (int i = 0; i < 100000 && taken < WRITES; i++) {
		x.world.wake_ns = 0;
		cr_assert_eq(write_queue_step(&x.queue), 0);
		cr_assert(faulty_env_go_on(&x.world), "waits for nothing");
		while (write_queue_take(&x.queue))
			taken++;
		ssize_t n = read(ends[0], got + length, 100);
		length += n > 0 ? (size_t)n : 0;
	}
	cr_assert_eq(taken, WRITES);
	for (ssize_t n; (n = read(ends[0], got + length, 4096)) > 0;)
		length += (size_t)n;
	cr_assert_eq(length, x.length);
	cr_assert_eq(memcmp(got, x.expected, length), 0);
	close(ends[0]);
	close(ends[1]);
	close(x.fd);
}

Test(write_queue, error_for_good_ends_it_and_keeps_what_was_not_written)
{
	static struct fixture x;
	set_up(&x, 5);
	write_queue_bind(&x.queue, x.fd, false, 0, "x");
	x.world.write_error = -EIO;
	write_queue_put(&x.queue, make_write(&x, 0));
	cr_assert_eq(write_queue_step(&x.queue), 0);
	cr_assert(faulty_env_turn(&x.world));
	cr_assert_eq(write_queue_step(&x.queue), -EIO);
	cr_assert_null(write_queue_take(&x.queue));
	cr_assert_eq(x.world.pending_count, 0);
	close(x.fd);
}

Test(write_queue, nothing_written_is_an_error_not_a_loop)
{
	static struct fixture x;
	set_up(&x, 5);
	write_queue_bind(&x.queue, x.fd, false, 0, "x");
	struct iovec none = {.iov_base = x.bytes, .iov_len = 0};
	struct write w = {.spans = &none, .count = 1, .length = 5};
	write_queue_put(&x.queue, &w);
	write_queue_step(&x.queue);
	faulty_env_turn(&x.world);
	cr_assert_eq(write_queue_step(&x.queue), -EIO);
	close(x.fd);
}

Test(write_queue, write_of_nothing_is_done_at_once)
{
	static struct fixture x;
	set_up(&x, 5);
	write_queue_bind(&x.queue, x.fd, false, 0, "x");
	struct write w = {.length = 0};
	write_queue_put(&x.queue, &w);
	cr_assert_eq(write_queue_step(&x.queue), 0);
	cr_assert_eq(write_queue_take(&x.queue), &w);
	cr_assert_eq(x.world.writes, 0);
	close(x.fd);
}

struct brought {
	uint64_t to;
	size_t times;
};

static bool note_brought(struct faulty_env *e, struct io_op *op, int64_t *result)
{
	struct brought *b = e->owner;
	(void)result;
	if (op->code != IO_WRITE_BACK)
		return false;
	cr_expect_eq(op->write_back.at, b->to, "a gap, or twice");
	b->to = op->write_back.at + op->write_back.length;
	b->times++;
	return false;
}

static void write_mebibytes(struct fixture *x, unsigned count)
{
	static uint8_t bytes[1 << 20];
	for (unsigned i = 0; i < count; i++) {
		struct iovec span = {.iov_base = bytes, .iov_len = sizeof bytes};
		struct write w = {.spans = &span, .count = 1, .length = sizeof bytes};
		write_queue_put(&x->queue, &w);
		while (!write_queue_take(&x->queue)) {
			cr_assert_eq(write_queue_step(&x->queue), 0);
			faulty_env_go_on(&x->world);
		}
	}
	cr_assert_eq(write_queue_step(&x->queue), 0);
	while (faulty_env_turn(&x->world))
		;
}

Test(write_queue, what_will_be_synced_is_sent_to_the_disk_before)
{
	static struct fixture x;
	set_up(&x, 1);
	struct brought b = {.to = 100};
	x.world.look = note_brought;
	x.world.owner = &b;
	x.queue.back_bytes = WRITE_BACK_BYTES;
	write_queue_bind(&x.queue, x.fd, false, 100, "x");
	write_mebibytes(&x, 7);
	cr_expect_eq(b.times, 0u);
	write_mebibytes(&x, 41);
	cr_expect_eq(b.times, 6u);
	cr_expect_eq(b.to, 100u + (48u << 20));
	close(x.fd);
}

Test(write_queue, what_will_not_be_synced_is_left_to_the_kernel)
{
	static struct fixture x;
	set_up(&x, 1);
	struct brought b = {.to = 0};
	x.world.look = note_brought;
	x.world.owner = &b;
	write_queue_bind(&x.queue, x.fd, false, 0, "x");
	write_mebibytes(&x, 20);
	cr_expect_eq(b.times, 0u);
	close(x.fd);
}

static bool refuse_to_bring(struct faulty_env *e, struct io_op *op, int64_t *result)
{
	(void)e;
	*result = -EIO;
	return op->code == IO_WRITE_BACK;
}

/* A sync will tell. */
Test(write_queue, disk_that_does_not_begin_before_it_has_to_is_no_error)
{
	static struct fixture x;
	set_up(&x, 1);
	x.world.look = refuse_to_bring;
	x.queue.back_bytes = WRITE_BACK_BYTES;
	write_queue_bind(&x.queue, x.fd, false, 0, "x");
	write_mebibytes(&x, 40);
	cr_expect_eq(x.queue.end, 40u << 20);
	close(x.fd);
}
