#include "stages/lua/lua_outputs.h"

#include <assert.h>
#include <string.h>

static void use_row(struct lua_outputs *o, uint16_t row)
{
	o->used[row / 64] |= UINT64_C(1) << row % 64;
	o->rows_used++;
}

void outputs_begin(struct lua_outputs *o, struct batch *b)
{
	memset(o, 0, offsetof(struct lua_outputs, list));
	o->batch = b;
	for (uint32_t i = 0; i < b->count; i++)
		use_row(o, b->rows[i]);
}

void outputs_free_row(struct lua_outputs *o, uint16_t row)
{
	assert(o->used[row / 64] >> row % 64 & 1);
	o->used[row / 64] &= ~(UINT64_C(1) << row % 64);
	o->rows_used--;
}

/* The first that is free, so that rows without values never lie between. */
static uint16_t take_row(struct lua_outputs *o)
{
	size_t word = 0;
	while (o->used[word] == UINT64_MAX)
		word++;
	assert(word < BATCH_RECORDS_MAX / 64);
	uint16_t row = (uint16_t)(word * 64 + (unsigned)__builtin_ctzll(~o->used[word]));
	use_row(o, row);
	if (row >= o->batch->row_count)
		o->batch->row_count = row + 1u;
	return row;
}

uint16_t outputs_copy_row(struct lua_outputs *o, uint16_t row)
{
	struct batch *b = o->batch;
	uint16_t copy = take_row(o);
	for (unsigned c = 0; c < COLUMNS_MAX; c++) {
		if (!batch_has_column(b, c))
			continue;
		struct value *values = batch_column(b, c);
		values[copy] = values[row];
	}
	return copy;
}

void outputs_add(struct lua_outputs *o, const struct lua_output *output)
{
	assert(o->count < BATCH_RECORDS_MAX);
	o->list[o->count++] = *output;
	o->failed += output->why != NULL;
	o->bytes += output->length + o->batch->delimiter.length;
}

void outputs_undo(struct lua_outputs *o, uint32_t count, size_t bytes)
{
	while (o->count > count)
		outputs_free_row(o, o->list[--o->count].row);
	o->bytes = bytes;
}

static void put_body(const struct lua_output *from, struct batch *b, uint32_t record,
		     struct buffer *text, size_t *used)
{
	uint8_t *to = text->bytes + *used;
	if (from->length > 0)
		memcpy(to, from->body, from->length);
	memcpy(to + from->length, b->delimiter.bytes, b->delimiter.length);
	b->records[record] = (struct record){(uint32_t)*used, from->length};
	*used += from->length + b->delimiter.length;
}

void outputs_become(const struct lua_outputs *o, struct batch *b, struct buffer *text)
{
	size_t used = 0;
	b->count = o->count;
	b->bytes_total = 0;
	for (uint32_t i = 0; i < o->count; i++) {
		const struct lua_output *from = &o->list[i];
		b->rows[i] = from->row;
		b->bytes_total += from->length;
		if (text)
			put_body(from, b, i, text, &used);
		else
			b->records[i] =
			    (struct record){(uint32_t)(from->body - b->bytes), from->length};
	}
	bool held = !text || batch_rebase(b, text);
	assert(held && "there was room for it");
	(void)held;
}
