#include "stages/home.h"
#include "stages/net/net_framing.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { CAPACITY = 1 << 20, MAX_LINE = 1000 };

struct fixture {
	struct stage_counters counters;
	struct net_framing rules;
	struct home home;
	struct buffer *buffer;
	struct batch *batch;
	struct net_framer framer;
	size_t from, to;
	const char *why;
};

static void set_up(struct fixture *x, enum net_method method)
{
	*x = (struct fixture){.rules = {.method = method,
					.length_bytes = 4,
					.lines = {.delimiter = {{'\n'}, 1}, .max_line = MAX_LINE}}};
	x->rules.lines.counters = &x->counters;
	cr_assert_eq(
	    home_init(&x->home,
		      &(struct home_size){.buffers = 1, .buffer_capacity = CAPACITY, .batches = 2}),
	    0);
	x->buffer = home_take_buffer(&x->home);
	x->batch = batch_new(&x->home, x->buffer);
	net_framer_init(&x->framer);
}

static void tear_down(struct fixture *x)
{
	batch_free(&x->batch);
	buffer_let_go(x->buffer);
	home_release(&x->home);
}

static void feed(struct fixture *x, const char *bytes, size_t length, bool ended)
{
	memcpy(x->buffer->bytes + x->to, bytes, length);
	x->to += length;
	x->from =
	    net_framer_fill(&x->framer, &x->rules, x->batch, x->from, x->to, ended, NULL, &x->why);
}

static void expect(const struct fixture *x, uint32_t i, const char *text)
{
	const struct record *r = &x->batch->records[i];
	cr_assert_lt(i, x->batch->count);
	cr_assert_eq(r->length, strlen(text));
	cr_assert_eq(memcmp(x->batch->bytes + r->offset, text, r->length), 0);
}

Test(net_framing, lines_of_many_reads_are_added_to_one_batch)
{
	struct fixture x;
	set_up(&x, NET_NEWLINE);
	feed(&x, "alpha\nbe", 8, false);
	cr_assert_eq(x.batch->count, 1);
	feed(&x, "ta\ngamma\n", 9, false);
	cr_assert_eq(x.batch->count, 3);
	expect(&x, 0, "alpha");
	expect(&x, 1, "beta");
	expect(&x, 2, "gamma");
	cr_assert_eq(counter_get(&x.counters.records_in), 3);
	cr_assert_eq(counter_get(&x.counters.bytes_in), 17);
	cr_assert_eq(x.batch->bytes_total, 14);
	tear_down(&x);
}

Test(net_framing, a_length_before_a_record_becomes_the_delimiter_behind_the_one_before_it)
{
	struct fixture x;
	set_up(&x, NET_OCTET_COUNTING);
	feed(&x, "5 alpha10 0123456789", 20, false);
	expect(&x, 0, "alpha");
	expect(&x, 1, "0123456789");
	cr_assert_eq(x.batch->bytes[x.batch->records[0].offset + 5], '\n');
	cr_assert_eq(net_framing_part(&x.rules, x.batch, x.from), x.from + 1);
	cr_assert_eq(x.batch->bytes[x.from], '\n');
	tear_down(&x);
}

Test(net_framing, a_length_of_4_GB_is_refused_before_any_of_it_has_come)
{
	static const struct {
		enum net_method method;
		const char *bytes;
		size_t length;
	} heads[] = {
	    {NET_OCTET_COUNTING, "4294967295 ", 11},
	    {NET_OCTET_COUNTING, "99999999999999999999", 20},
	    {NET_AUTO, "4294967295 <", 12},
	    {NET_LENGTH_PREFIXED, "\xff\xff\xff\xff", 4},
	};
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
		struct fixture x;
		set_up(&x, heads[i].method);
		feed(&x, heads[i].bytes, heads[i].length, false);
		cr_assert_not_null(x.why, "%zu", i);
		cr_assert_str_eq(x.why, "frame longer than max_line");
		cr_assert_eq(x.batch->count, 0);
		tear_down(&x);
	}
}

Test(net_framing, what_is_no_length_is_refused)
{
	static const char *const wrong[] = {"x", " 5 alpha", "0 ", "05 alpha", "5\nalpha"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct fixture x;
		set_up(&x, NET_OCTET_COUNTING);
		feed(&x, wrong[i], strlen(wrong[i]), false);
		cr_assert_not_null(x.why, "%s", wrong[i]);
		cr_assert_str_eq(x.why, "no frame length");
		tear_down(&x);
	}
}

Test(net_framing, a_length_has_the_bytes_and_the_order_that_were_said)
{
	struct fixture x;
	set_up(&x, NET_LENGTH_PREFIXED);
	feed(&x, "\0\0\0\1a\0\0\0\0", 9, false);
	cr_assert_eq(x.batch->count, 2);
	expect(&x, 0, "a");
	expect(&x, 1, "");
	tear_down(&x);
	set_up(&x, NET_LENGTH_PREFIXED);
	x.rules.length_bytes = 2;
	x.rules.little_endian = true;
	feed(&x, "\3\0abc\1\0d", 8, false);
	cr_assert_eq(x.batch->count, 2);
	expect(&x, 0, "abc");
	expect(&x, 1, "d");
	tear_down(&x);
}

Test(net_framing, auto_tells_for_each_frame_whether_it_is_a_line)
{
	struct fixture x;
	const char text[] = "5 <1>ab\n<2>line\n8 <3>cdefg2026 is a year\n12 monkeys\n";
	set_up(&x, NET_AUTO);
	feed(&x, text, sizeof text - 1, false);
	expect(&x, 0, "<1>ab");
	expect(&x, 1, "<2>line");
	expect(&x, 2, "<3>cdefg");
	/* a line right behind a counted frame has no room for a delimiter before it: another batch */
	cr_assert_eq(x.batch->count, 3);
	cr_assert(x.batch->unterminated);
	batch_free(&x.batch);
	x.batch = batch_new(&x.home, x.buffer);
	feed(&x, "", 0, false);
	expect(&x, 0, "2026 is a year");
	expect(&x, 1, "12 monkeys");
	cr_assert_eq(x.from, x.to);
	tear_down(&x);
}

Test(net_framing, half_a_frame_is_left_and_half_a_line_is_a_record_when_the_input_ends)
{
	struct fixture x;
	set_up(&x, NET_OCTET_COUNTING);
	feed(&x, "10 alpha", 8, true);
	cr_assert_eq(x.batch->count, 0);
	cr_assert_eq(x.to - x.from, 8);
	tear_down(&x);
	set_up(&x, NET_NEWLINE);
	feed(&x, "alp", 3, true);
	expect(&x, 0, "alp");
	cr_assert_eq(x.from, x.to);
	tear_down(&x);
}

Test(net_framing, a_line_end_that_is_counted_is_left_out)
{
	struct fixture x;
	set_up(&x, NET_OCTET_COUNTING);
	feed(&x, "6 alpha\n1 \n2 \n\n", 16, false);
	cr_assert_eq(x.batch->count, 3);
	expect(&x, 0, "alpha");
	expect(&x, 1, "");
	expect(&x, 2, "\n");
	tear_down(&x);
}

Test(net_framing, a_nul_ends_a_record)
{
	struct fixture x;
	set_up(&x, NET_NUL);
	x.rules.lines.delimiter = (struct delimiter){.bytes = {0}, .length = 1};
	feed(&x, "a\nb\0c\0", 6, false);
	expect(&x, 0, "a\nb");
	expect(&x, 1, "c");
	tear_down(&x);
}

Test(net_framing, a_full_batch_ends_where_another_can_go_on)
{
	struct fixture x;
	char bytes[(BATCH_RECORDS_MAX + 10) * 3];
	size_t length = 0;
	set_up(&x, NET_OCTET_COUNTING);
	for (int i = 0; i < BATCH_RECORDS_MAX + 10; i++, length += 3)
		memcpy(bytes + length, "1 x", 3);
	feed(&x, bytes, length, false);
	cr_assert_eq(x.batch->count, BATCH_RECORDS_MAX);
	cr_assert(x.batch->unterminated, "what follows it is the next one's length");
	batch_free(&x.batch);
	x.batch = batch_new(&x.home, x.buffer);
	feed(&x, "", 0, false);
	cr_assert_eq(x.batch->count, 10);
	tear_down(&x);
}

Test(net_framing, a_record_that_comes_byte_by_byte_is_looked_through_once)
{
	struct fixture x;
	static uint8_t held[MAX_LINE];
	set_up(&x, NET_NEWLINE);
	memset(held, 'x', sizeof held);
	for (size_t n = 20; n < MAX_LINE; n++)
		cr_assert(net_framer_is_starved(&x.framer, &x.rules, held, n - 1,
						(const uint8_t *)"x", 1));
	cr_assert_not(
	    net_framer_is_starved(&x.framer, &x.rules, held, 500, (const uint8_t *)"\n", 1));
	cr_assert_not(
	    net_framer_is_starved(&x.framer, &x.rules, held, MAX_LINE, (const uint8_t *)"x", 1),
	    "it is too long by now");
	tear_down(&x);
	set_up(&x, NET_LENGTH_PREFIXED);
	memcpy(held, "\0\0\1\0", 4);
	cr_assert(net_framer_is_starved(&x.framer, &x.rules, held, 100, held, 100));
	cr_assert_not(net_framer_is_starved(&x.framer, &x.rules, held, 160, held, 100));
	tear_down(&x);
}

Test(net_framing, a_delimiter_in_two_reads_is_one)
{
	struct fixture x;
	static const uint8_t held[32] = "01234567890123456789\r";
	set_up(&x, NET_NEWLINE);
	x.rules.lines.delimiter = (struct delimiter){.bytes = "\r\n", .length = 2};
	cr_assert_not(
	    net_framer_is_starved(&x.framer, &x.rules, held, 21, (const uint8_t *)"\nx", 2));
	cr_assert(net_framer_is_starved(&x.framer, &x.rules, held, 21, (const uint8_t *)"xx", 2));
	tear_down(&x);
}
