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
	return b;
}

struct batch *batch_new(struct home *h, struct buffer *buffer)
{
	assert(buffer && buffer->capacity <= UINT32_MAX);
	struct batch *b = take_batch(h);
	if (!b)
		return NULL;
	buffer_hold(buffer);
	memset(b, 0,
	       offsetof(struct batch,
			records)); /* the records stay as they are: 32 KiB nobody reads */
	b->home = h;
	b->buffer = buffer;
	b->bytes = buffer->bytes;
	return b;
}

struct batch *batch_clone(struct home *h, const struct batch *from)
{
	struct batch *b = take_batch(h);
	if (!b)
		return NULL;
	buffer_hold(from->buffer);
	memcpy(b, from, offsetof(struct batch, records) + from->count * sizeof from->records[0]);
	b->home = h;
	b->next = NULL;
	return b;
}

void batch_free(struct batch **owned)
{
	struct batch *b = *owned;
	*owned = NULL;
	if (!b)
		return;
	assert(b->buffer);
	buffer_let_go(b->buffer);
	b->buffer = NULL;
	stack_push(&b->home->batches_back, &b->node);
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
