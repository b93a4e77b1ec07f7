#include "stages/batch.h"
#include "stages/home.h"

#include <assert.h>
#include <string.h>

void buffer_hold(struct buffer *b)
{
	refcount_hold(&b->references);
}

void buffer_let_go(struct buffer *b)
{
	if (refcount_let_go(&b->references))
		stack_push(&b->home->buffers_back, &b->node);
}

static struct batch *take_batch(struct home *h)
{
	if (!home_has_batches(h, 1))
		return NULL;
	struct batch *b = (struct batch *)h->batches;
	h->batches = b->node.next;
	h->batches_out++;
	b->tally = NULL;
	return b;
}

static const size_t own = offsetof(struct batch, buffer), head = offsetof(struct batch, records);

struct batch *batch_new(struct home *h, struct buffer *buffer)
{
	assert(buffer && buffer->capacity <= UINT32_MAX);
	struct batch *b = take_batch(h);
	if (!b)
		return NULL;
	buffer_hold(buffer);
	/* the records stay as they are: 40 KiB nobody reads */
	memset((uint8_t *)b + own, 0, head - own);
	b->room = (struct scratch){.at = NULL};
	b->next = NULL;
	b->home = h;
	refcount_init(&b->shares, 1);
	b->buffer = buffer;
	b->bytes = buffer->bytes;
	return b;
}

static void copy_columns(struct batch *to, const struct batch *from)
{
	memcpy(to->rows, from->rows, from->count * sizeof *from->rows);
	for (unsigned c = 0; c < COLUMNS_MAX; c++)
		if (batch_has_column(from, c))
			memcpy(to->values + (size_t)c * BATCH_RECORDS_MAX,
			       batch_column_as_is(from, c), from->row_count * sizeof *from->values);
}

struct batch *batch_clone(struct home *h, const struct batch *from)
{
	struct batch *b = take_batch(h);
	if (!b)
		return NULL;
	buffer_hold(from->buffer);
	if (from->origin)
		file_origin_hold(from->origin);
	for (uint32_t i = 0; i < from->held_count; i++)
		buffer_hold(from->held[i]);
	memcpy((uint8_t *)b + own, (const uint8_t *)from + own,
	       head - own + from->count * sizeof from->records[0]);
	if (from->row_count > 0)
		copy_columns(b, from);
	b->room = (struct scratch){.at = NULL};
	b->home = h;
	b->next = NULL;
	refcount_init(&b->shares, 1);
	return b;
}

struct batch *batch_share(struct batch *b)
{
	refcount_hold(&b->shares);
	return b;
}

static void count_out(struct batch *b)
{
	if (b->tally)
		counter_add(b->tally, UINT64_MAX);
	b->tally = NULL;
}

void batch_count_in(struct batch *b, struct counter *tally)
{
	count_out(b);
	counter_add(tally, 1);
	b->tally = tally;
}

void batch_free(struct batch **owned)
{
	struct batch *b = *owned;
	*owned = NULL;
	if (!b || !refcount_let_go(&b->shares))
		return;
	assert(b->buffer);
	count_out(b);
	buffer_let_go(b->buffer);
	for (uint32_t i = 0; i < b->held_count; i++)
		buffer_let_go(b->held[i]);
	b->held_count = 0;
	b->buffer = NULL;
	file_origin_let_go(b->origin);
	b->origin = NULL;
	stack_push(&b->home->batches_back, &b->node);
}

/* ---- columns ---- */

void batch_give_rows(struct batch *b)
{
	if (b->row_count > 0)
		return;
	for (uint32_t i = 0; i < b->count; i++)
		b->rows[i] = (uint16_t)i;
	b->row_count = b->count;
}

static struct value *fill_column(struct batch *b, unsigned column)
{
	assert(b->row_count > 0 && column < COLUMNS_MAX);
	b->filled[column / 64] |= UINT64_C(1) << column % 64;
	return b->values + (size_t)column * BATCH_RECORDS_MAX;
}

struct value *batch_column(struct batch *b, unsigned column)
{
	const bool is_filled = batch_has_column(b, column);
	struct value *values = fill_column(b, column);
	if (!is_filled)
		memset(values, 0, b->row_count * sizeof *values); /* VALUE_MISSING */
	return values;
}

struct value *batch_column_unset(struct batch *b, unsigned column)
{
	assert(!batch_has_column(b, column));
	return fill_column(b, column);
}

const struct value *batch_column_as_is(const struct batch *b, unsigned column)
{
	static const struct value missing[BATCH_RECORDS_MAX];
	return batch_has_column(b, column) ? b->values + (size_t)column * BATCH_RECORDS_MAX
					   : missing;
}

void batch_drop_front(struct batch *b, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		b->bytes_total -= b->records[i].length;
	b->count -= count;
	memmove(b->records, b->records + count, b->count * sizeof *b->records);
	memmove(b->rows, b->rows + count, b->count * sizeof *b->rows);
}

void batch_make_room(struct batch *b, struct home *h)
{
	size_t left = (size_t)(b->room.end - b->room.at);
	if (left >= h->buffer_capacity || b->held_count == BATCH_HELD_MAX)
		return;
	struct buffer *more = home_take_buffer(h);
	assert(more && "a worker takes input only when there are buffers for it");
	b->held[b->held_count++] = more;
	b->room = (struct scratch){.at = more->bytes, .end = more->bytes + more->capacity};
}

bool batch_rebase(struct batch *b, struct buffer *buffer)
{
	if (b->held_count == BATCH_HELD_MAX)
		return false;
	buffer_hold(buffer);
	b->held[b->held_count++] = b->buffer;
	b->buffer = buffer;
	b->bytes = buffer->bytes;
	b->has_place = false;
	return true;
}

struct batch_run batch_run(const struct batch *b, uint32_t first)
{
	assert(first < b->count);
	uint32_t last = first;
	uint32_t gap = b->delimiter.length;
	while (last + 1 < b->count && b->records[last + 1].offset ==
					  b->records[last].offset + b->records[last].length + gap)
		last++;
	uint32_t start = b->records[first].offset;
	return (struct batch_run){
	    .first = first,
	    .count = last - first + 1,
	    .bytes = b->bytes + start,
	    .length = b->records[last].offset + b->records[last].length - start,
	    .delimited = !(last + 1 == b->count && b->unterminated),
	};
}
