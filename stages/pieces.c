#include "stages/pieces.h"

#include <assert.h>
#include <string.h>

void pieces_begin(struct pieces *p, const struct batch *b, uint32_t first, uint32_t end,
		  const struct delimiter *delimiter)
{
	assert(first <= end && end <= b->count);
	*p = (struct pieces){
	    .batch = b,
	    .delimiter = delimiter,
	    .next = first,
	    .end = end,
	    .alike = b->delimiter.length == delimiter->length &&
		     memcmp(b->delimiter.bytes, delimiter->bytes, delimiter->length) == 0,
	};
}

static struct piece one_record(const struct batch *b, uint32_t index)
{
	return (struct piece){.bytes = b->bytes + b->records[index].offset,
			      .length = b->records[index].length,
			      .count = 1,
			      .bare = true};
}

static struct piece neighbours(const struct pieces *p)
{
	const struct batch *b = p->batch;
	struct batch_run run = batch_run(b, p->next);
	if (run.count > p->end - p->next) {
		const struct record *last = &b->records[p->end - 1];
		run.count = p->end - p->next;
		run.length = last->offset + last->length - b->records[p->next].offset;
		run.delimited = true; /* a neighbour follows */
	}
	size_t delimiter = run.delimited ? p->delimiter->length : 0;
	return (struct piece){.bytes = run.bytes,
			      .length = run.length + delimiter,
			      .count = run.count,
			      .bare = !run.delimited};
}

bool pieces_next(struct pieces *p, struct piece *ret_piece)
{
	if (p->next == p->end)
		return false;
	*ret_piece = p->alike ? neighbours(p) : one_record(p->batch, p->next);
	p->next += ret_piece->count;
	return true;
}

uint32_t pieces_fit(const struct batch *b, uint32_t first, uint32_t end, size_t delimiter,
		    uint64_t room, uint64_t *ret_bytes)
{
	uint64_t whole = b->bytes_total + (uint64_t)b->count * delimiter;
	assert(first <= end && end <= b->count);
	if (first == 0 && end == b->count && whole <= room) {
		*ret_bytes = whole;
		return b->count;
	}
	uint64_t bytes = 0;
	uint32_t i = first;
	for (; i < end; i++) {
		uint64_t more = b->records[i].length + delimiter;
		if (more > room - bytes)
			break;
		bytes += more;
	}
	*ret_bytes = bytes;
	return i - first;
}
