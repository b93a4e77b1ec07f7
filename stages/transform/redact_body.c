#include "stages/transform/redact_body.h"
#include "stages/home.h"

#include <assert.h>

static size_t taken(const struct batch *b, uint32_t record)
{
	return (size_t)b->records[record].length + b->delimiter.length;
}

void redact_body_begin(struct redact_body *y, const struct batch *b, struct home *h,
		       size_t mask_length)
{
	y->buffer = NULL;
	y->mask_length = mask_length;
	y->has_begun = false;
	y->used = y->rest = 0;
	for (uint32_t i = 0; i < b->count; i++)
		y->rest += taken(b, i);
	size_t masks = b->count * (mask_length + b->delimiter.length);
	if (b->held_count == BATCH_HELD_MAX || y->rest + masks > h->buffer_capacity)
		return;
	y->buffer = home_take_buffer(h);
	assert(y->buffer && "a worker takes input only when there are buffers for it");
}

/* Up to where the record at hand may be written, its delimiter not counted. */
static uint8_t *room_end(const struct redact_body *y, const struct batch *b, uint32_t record)
{
	size_t behind = y->rest - taken(b, record);
	size_t masks = (b->count - record - 1) * (y->mask_length + b->delimiter.length);
	return y->buffer->bytes + y->buffer->capacity - behind - masks - b->delimiter.length;
}

static void note(struct redact_body *y, const struct batch *b, uint32_t record, size_t at,
		 size_t length)
{
	memcpy(y->buffer->bytes + at + length, b->delimiter.bytes, b->delimiter.length);
	y->texts[b->rows[record]] = (struct record){(uint32_t)at, (uint32_t)length};
}

static void copy(struct redact_body *y, const struct batch *b, uint32_t record, size_t at)
{
	const struct record r = b->records[record];
	if (r.length > 0)
		memcpy(y->buffer->bytes + at, b->bytes + r.offset, r.length);
	note(y, b, record, at, r.length);
}

/* Those before the record have the place for it. */
static void begin_writing(struct redact_body *y, const struct batch *b, uint32_t record)
{
	size_t at = 0;
	for (uint32_t i = 0; i < record && !y->has_begun; i++) {
		copy(y, b, i, at);
		at += taken(b, i);
	}
	y->has_begun = true;
}

static void keep(struct redact_body *y, const struct batch *b, uint32_t record)
{
	if (!y->buffer)
		y->texts[b->rows[record]] = b->records[record];
	else if (y->has_begun)
		copy(y, b, record, y->used);
	y->used += taken(b, record);
}

static void put(struct redact_body *y, const struct batch *b, uint32_t record, size_t length)
{
	begin_writing(y, b, record);
	note(y, b, record, y->used, length);
	y->used += length + b->delimiter.length;
}

static void put_mask(struct redact_body *y, const struct batch *b, uint32_t record,
		     const uint8_t *mask)
{
	if (y->mask_length > 0)
		memcpy(y->buffer->bytes + y->used, mask, y->mask_length);
	put(y, b, record, y->mask_length);
}

/* Without a buffer there is only nothing to put in its place. */
static void blot_out(struct redact_body *y, const struct batch *b, uint32_t record)
{
	y->has_begun = true;
	y->texts[b->rows[record]] = (struct record){b->records[record].offset, 0};
}

const char *redact_body_next(struct redact_body *y, const struct batch *b, uint32_t record,
			     struct redact_texts *t, struct scratch *room, const uint8_t *mask)
{
	const struct record r = b->records[record];
	struct writer w = {NULL, NULL, false};
	if (y->buffer)
		w = (struct writer){y->buffer->bytes + y->used, room_end(y, b, record), false};
	uint8_t *from = w.at;
	int result = redact_text(t, b->bytes + r.offset, r.length, room, &w);
	if (result == REDACTED_SOME && y->buffer)
		put(y, b, record, (size_t)(w.at - from));
	else if (result == REDACTED_NOTHING)
		keep(y, b, record);
	else if (y->buffer)
		put_mask(y, b, record, mask);
	else
		blot_out(y, b, record);
	y->rest -= taken(b, record);
	return result < 0 ? redact_reason(result) : NULL;
}

static void become_written(struct redact_body *y, struct batch *b)
{
	b->bytes_total = 0;
	for (uint32_t i = 0; i < b->count; i++) {
		b->records[i] = y->texts[b->rows[i]];
		b->bytes_total += b->records[i].length;
	}
	if (!y->buffer)
		return;
	bool held = batch_rebase(b, y->buffer);
	assert(held && "there was room for it");
	(void)held;
}

void redact_body_end(struct redact_body *y, struct batch *b)
{
	if (y->has_begun)
		become_written(y, b);
	redact_body_drop(y);
}

void redact_body_drop(struct redact_body *y)
{
	if (y->buffer)
		buffer_let_go(y->buffer);
	y->buffer = NULL;
}
