#include "stages/home.h"
#include "stages/screen.h"
#include "tests/unit/stages/faulty_env.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER = 400 * 1024, ROOM = 4 * BUFFER };

static struct faulty_env world;
static struct space_wait space;
static struct write_queue queue;
static struct screen screen;
static struct stored stored;
static struct home home;
static struct batch *batch;
static int fd;
static char got[ROOM + 1];

static void begin(void)
{
	static const struct delimiter newline = {.bytes = "\n", .length = 1};
	faulty_env_init(&world, 1);
	world.short_percent = 50;
	world.interrupt_percent = 20;
	space_wait_init(&space, &world.env, &world.counters);
	write_queue_init(&queue, &world.env, &space);
	fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0);
	write_queue_bind(&queue, fd, true, 0, "x");
	cr_assert_eq(screen_init(&screen, &queue, &newline), 0);
	cr_assert_eq(
	    home_init(&home,
		      &(struct home_size){.buffers = 1, .buffer_capacity = BUFFER, .batches = 1}),
	    0);
}

static void end(void)
{
	screen_release(&screen);
	home_release(&home);
	close(fd);
}

TestSuite(screen, .init = begin, .fini = end);

static void begin_batch(void)
{
	struct buffer *buffer = home_take_buffer(&home);
	cr_assert_not_null(buffer);
	batch = batch_new(&home, buffer);
	cr_assert_not_null(batch);
	buffer_let_go(buffer);
}

static void add_record(const char *bytes, size_t length)
{
	uint32_t at = 0;
	if (batch->count > 0)
		at = batch->records[batch->count - 1].offset +
		     batch->records[batch->count - 1].length;
	cr_assert_leq(at + length, BUFFER);
	memcpy(batch->buffer->bytes + at, bytes, length);
	batch->records[batch->count++] = (struct record){.offset = at, .length = (uint32_t)length};
}

/* Shows the batch to its end; what the terminal got, by then, is in `got`. */
static size_t show(void)
{
	uint32_t put = 0, count = batch->count;
	while (batch || !screen_is_empty(&screen)) {
		if (batch && (put += screen_put(&screen, batch, put)) == count)
			screen_batch_end(&screen, &batch);
		if (!batch)
			screen_submit(&screen);
		world.wake_ns = 0;
		cr_assert_eq(write_queue_step(&queue), 0);
		faulty_env_go_on(&world);
		screen_retire(&screen, &stored);
	}
	ssize_t n = pread(fd, got, ROOM, 0);
	cr_assert_geq(n, 0);
	got[n] = '\0';
	return (size_t)n;
}

static void assert_shown(const char *record, size_t length, const char *expected)
{
	cr_assert_eq(ftruncate(fd, 0), 0);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	begin_batch();
	add_record(record, length);
	show();
	cr_assert_str_eq(got, expected);
}

#define ASSERT_SHOWN(record, expected) assert_shown(record, sizeof(record) - 1, expected)

Test(screen, what_would_steer_a_terminal_is_escaped_and_text_is_not)
{
	ASSERT_SHOWN("GET /\t\"a\\b\" ~", "GET /\t\"a\\b\" ~\n");
	ASSERT_SHOWN("caf\u00e9 \u20ac \U0001f600", "caf\u00e9 \u20ac \U0001f600\n");
	ASSERT_SHOWN("\033[31mred\033]0;title\a", "\\x1b[31mred\\x1b]0;title\\x07\n");
	ASSERT_SHOWN("a\r", "a\\r\n");
	ASSERT_SHOWN("a\nb", "a\\nb\n");
	ASSERT_SHOWN("a\0b\x7f", "a\\x00b\\x7f\n");
	ASSERT_SHOWN("\xc2\x9b"
		     "31m",
		     "\\xc2\\x9b31m\n");
	ASSERT_SHOWN("\xe9t\xc3", "\\xe9t\\xc3\n");
	ASSERT_SHOWN("", "\n");
}

static size_t show_byte(char *to, unsigned c)
{
	if (c == '\n')
		return (size_t)snprintf(to, 3, "\\n");
	if (c == '\r')
		return (size_t)snprintf(to, 3, "\\r");
	bool plain = c == '\t' || (c >= 0x20 && c < 0x7f);
	return (size_t)(plain ? snprintf(to, 2, "%c", c) : snprintf(to, 5, "\\x%02x", c));
}

Test(screen, records_larger_than_its_block_come_out_whole_and_are_counted_once)
{
	static char record[BUFFER / 2];
	static char expected[ROOM];
	size_t length = 0, records = 0, left = BUFFER;
	begin_batch();
	while (left > 0) {
		size_t n = (size_t)faulty_env_random(&world, sizeof record);
		n = n < left ? n : left;
		left -= n;
		for (size_t i = 0; i < n; i++) {
			record[i] = (char)faulty_env_random(&world, 128);
			length += show_byte(expected + length, (unsigned char)record[i]);
		}
		expected[length++] = '\n';
		add_record(record, n);
		records++;
	}
	cr_assert_eq(show(), length);
	cr_assert_arr_eq(got, expected, length);
	cr_assert_eq(stored.records, records);
	cr_assert_eq(stored.batches, 1);
	cr_assert_eq(stored.bytes, length);
}
