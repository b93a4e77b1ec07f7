#include "stages/home.h"
#include "stages/net/net_outbox.h"
#include "stages/net/ack_ledger.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

struct fixture {
	struct home home;
	struct net_outbox outbox;
	struct stored stored;
	char written[1 << 16];
	size_t length;
};

static void set_up(struct fixture *x, enum net_method method, uint64_t length_bytes)
{
	const struct net_method_options framing = {.method = method, .length_bytes = length_bytes};
	const struct delimiter newline = {{'\n'}, 1};
	memset(x, 0, sizeof *x);
	cr_assert_eq(
	    home_init(&x->home,
		      &(struct home_size){.buffers = 8, .buffer_capacity = 4096, .batches = 8}),
	    0);
	cr_assert_eq(net_outbox_init(&x->outbox, &framing, &newline), 0);
}

static void tear_down(struct fixture *x)
{
	net_outbox_release(&x->outbox);
	cr_assert(home_is_whole(&x->home), "every batch has come back");
	home_release(&x->home);
}

/* A batch of these lines, without what begins with `-`, as a filter leaves it. */
static void put(struct fixture *x, const char *lines)
{
	struct buffer *buffer = home_take_buffer(&x->home);
	struct batch *b = batch_new(&x->home, buffer);
	memcpy(buffer->bytes, lines, strlen(lines));
	b->delimiter = (struct delimiter){{'\n'}, 1};
	for (const char *at = lines, *end; (end = strchr(at, '\n')) != NULL; at = end + 1)
		if (*at != '-')
			b->records[b->count++] =
			    (struct record){(uint32_t)(at - lines), (uint32_t)(end - at)};
	buffer_let_go(buffer);
	net_outbox_put(&x->outbox, b);
}

static void write_all(struct fixture *x)
{
	bool refused;
	while (net_outbox_make(&x->outbox, &refused) > 0) {
		for (unsigned i = 0; i < x->outbox.span_count; i++) {
			const struct iovec *span = &x->outbox.spans[i];
			memcpy(x->written + x->length, span->iov_base, span->iov_len);
			x->length += span->iov_len;
		}
		net_outbox_written(&x->outbox, x->length);
	}
}

static void expect(struct fixture *x, const char *text)
{
	cr_assert_eq(x->length, strlen(text), "%.*s", (int)x->length, x->written);
	cr_assert_eq(memcmp(x->written, text, x->length), 0, "%.*s", (int)x->length, x->written);
}

/* On the next connection this is sent. */
static void expect_again(struct fixture *x, const char *text)
{
	x->length = 0;
	net_outbox_rewind(&x->outbox);
	write_all(x);
	expect(x, text);
}

/* The record that is next cannot be told. */
static void expect_refused(struct fixture *x)
{
	bool refused;
	cr_assert_eq(net_outbox_make(&x->outbox, &refused), 0);
	cr_assert(refused);
}

Test(net_outbox, records_are_written_with_what_tells_them_apart)
{
	struct fixture x;
	set_up(&x, NET_NEWLINE, 4);
	put(&x, "alpha\n-beta\ngamma\n");
	write_all(&x);
	expect(&x, "alpha\ngamma\n");
	tear_down(&x);
	set_up(&x, NET_OCTET_COUNTING, 4);
	put(&x, "alpha\n-beta\nga\n");
	write_all(&x);
	expect(&x, "5 alpha2 ga");
	tear_down(&x);
	set_up(&x, NET_LENGTH_PREFIXED, 2);
	put(&x, "alpha\n");
	write_all(&x);
	cr_assert_eq(x.length, 7);
	cr_assert_eq(memcmp(x.written, "\0\5alpha", 7), 0);
	tear_down(&x);
}

Test(net_outbox, a_batch_is_stored_when_the_peer_has_its_last_byte)
{
	struct fixture x;
	set_up(&x, NET_NEWLINE, 4);
	put(&x, "a\nb\n");
	write_all(&x);
	put(&x, "c\n");
	write_all(&x);
	net_outbox_taken_up_to(&x.outbox, 3, &x.stored);
	cr_assert_eq(x.stored.batches, 0);
	net_outbox_taken_up_to(&x.outbox, 4, &x.stored);
	cr_assert_eq(x.stored.batches, 1);
	cr_assert_eq(x.stored.records, 2);
	cr_assert_eq(x.stored.bytes, 4);
	net_outbox_taken_up_to(&x.outbox, 6, &x.stored);
	cr_assert_eq(x.stored.batches, 2);
	cr_assert(net_outbox_is_empty(&x.outbox));
	tear_down(&x);
}

Test(net_outbox, what_the_peer_has_not_taken_is_sent_again_from_a_record_on)
{
	struct fixture x;
	set_up(&x, NET_NEWLINE, 4);
	put(&x, "a\nb\n");
	write_all(&x);
	put(&x, "c\nd\n");
	write_all(&x);
	net_outbox_taken_up_to(&x.outbox, 5, &x.stored);
	expect_again(&x, "c\nd\n");
	tear_down(&x);
}

Test(net_outbox, replies_are_for_records_in_their_order)
{
	struct fixture x;
	set_up(&x, NET_NEWLINE, 4);
	put(&x, "a\nb\n");
	put(&x, "c\nd\n");
	write_all(&x);
	net_outbox_answered(&x.outbox, 3, &x.stored);
	cr_assert_eq(x.stored.batches, 1);
	cr_assert_eq(x.stored.records, 3);
	expect_again(&x, "d\n");
	net_outbox_answered(&x.outbox, 5, &x.stored);
	cr_assert_eq(x.stored.records, 4, "no more than there are");
	cr_assert(net_outbox_is_empty(&x.outbox));
	tear_down(&x);
}

Test(net_outbox, a_record_longer_than_its_length_can_tell_is_left_out)
{
	struct fixture x;
	char lines[400];
	memset(lines, 'x', sizeof lines);
	memcpy(lines + 256, "\nshort\n", 8);
	set_up(&x, NET_LENGTH_PREFIXED, 1);
	put(&x, lines);
	expect_refused(&x);
	net_outbox_skip(&x.outbox, &x.stored);
	write_all(&x);
	cr_assert_eq(x.length, 6);
	net_outbox_taken_up_to(&x.outbox, 6, &x.stored);
	cr_assert(net_outbox_is_empty(&x.outbox));
	cr_expect_eq(x.stored.records, 1);
	tear_down(&x);
}

Test(net_outbox, what_is_left_out_waits_for_what_is_before_it_and_is_left_out_once)
{
	struct fixture x;
	char lines[600];
	bool refused;
	uint32_t record;
	set_up(&x, NET_LENGTH_PREFIXED, 1);
	memset(lines, 'x', sizeof lines);
	memcpy(lines, "a\n", 2);
	strcpy(lines + sizeof lines - 2, "\n");
	put(&x, lines);
	write_all(&x);
	expect_refused(&x);
	cr_expect_null(net_outbox_next(&x.outbox, &record));
	net_outbox_taken_up_to(&x.outbox, 2, &x.stored);
	cr_expect_not_null(net_outbox_next(&x.outbox, &record));
	cr_expect_eq(record, 1);
	net_outbox_skip(&x.outbox, &x.stored);
	net_outbox_rewind(&x.outbox);
	cr_expect_eq(net_outbox_make(&x.outbox, &refused), 0);
	cr_expect_not(refused);
	cr_expect_eq(x.stored.records, 1);
	cr_expect_eq(x.stored.batches, 1);
	tear_down(&x);
}

Test(net_outbox, what_is_given_up_is_told_record_by_record)
{
	struct fixture x;
	uint64_t which[BATCH_RECORDS_MAX / 64];
	set_up(&x, NET_NEWLINE, 4);
	put(&x, "a\nb\nc\n");
	write_all(&x);
	net_outbox_answered(&x.outbox, 1, &x.stored);
	net_outbox_rewind(&x.outbox);
	cr_assert_not_null(net_outbox_first(&x.outbox, which));
	cr_assert_eq(which[0], 6, "the first is the peer's");
	net_outbox_drop(&x.outbox, &x.stored);
	cr_assert_eq(x.stored.batches, 1);
	cr_assert_null(net_outbox_first(&x.outbox, which));
	tear_down(&x);
}

Test(ack_ledger, frames_are_answered_in_order_and_never_too_early)
{
	struct ack_ledger l = {.count = 0};
	for (uint64_t i = 1; i <= 10; i++)
		ack_ledger_add(&l, i, i);
	cr_assert_eq(ack_ledger_take(&l, 0), 0);
	cr_assert_eq(ack_ledger_take(&l, 1), 1);
	cr_assert_eq(ack_ledger_take(&l, 2), 2);
	cr_assert_eq(ack_ledger_take(&l, 9), 3, "those that were taken together wait for the last");
	cr_assert_eq(ack_ledger_take(&l, 10), 49);
	cr_assert(ack_ledger_is_empty(&l));
}
