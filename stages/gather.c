#include "stages/gather.h"
#include "stages/pieces.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	DIRECT_MIN = 4096,           /* below it a copy costs less than a span of its own */
	PARCEL_LENGTH = 1024 * 1024, /* full: a larger write gains nothing */
};

size_t gather_footprint(size_t block)
{
	return sizeof(struct gather) + GATHER_PARCELS * block;
}

int gather_init(struct gather *g, struct write_queue *queue, const struct delimiter *delimiter,
		size_t block)
{
	assert(block >= GATHER_BLOCK_LEAST);
	memset(g, 0, sizeof *g);
	g->block = block;
	g->queue = queue;
	g->delimiter = *delimiter;
	g->blocks = malloc(GATHER_PARCELS * block);
	if (!g->blocks)
		return -ENOMEM;
	for (size_t i = 0; i < GATHER_PARCELS; i++)
		g->parcels[i].block = g->blocks + i * block;
	return 0;
}

static void free_held(struct parcel *p)
{
	while (p->held_count > 0)
		batch_free(&p->held[--p->held_count]);
}

void gather_release(struct gather *g)
{
	for (size_t i = 0; i < GATHER_PARCELS; i++)
		free_held(&g->parcels[i]);
	free(g->blocks);
	g->blocks = NULL;
}

static struct parcel *parcel_at(struct gather *g, uint64_t index)
{
	return &g->parcels[index % GATHER_PARCELS];
}

static const struct parcel *open_parcel(const struct gather *g)
{
	return &g->parcels[g->filling % GATHER_PARCELS];
}

bool gather_has_room(const struct gather *g)
{
	return g->filling - g->retired < GATHER_PARCELS;
}

size_t gather_open_length(const struct gather *g)
{
	return gather_has_room(g) ? open_parcel(g)->length : 0;
}

static bool holds_anything(const struct gather *g)
{
	return gather_has_room(g) &&
	       (open_parcel(g)->length > 0 || open_parcel(g)->holds.batches > 0);
}

bool gather_is_empty(const struct gather *g)
{
	return g->filling == g->retired && !holds_anything(g);
}

void gather_submit(struct gather *g)
{
	if (!holds_anything(g))
		return;
	struct parcel *p = parcel_at(g, g->filling);
	p->holds.bytes = p->length;
	p->write = (struct write){.spans = p->spans, .count = p->span_count, .length = p->length};
	write_queue_put(g->queue, &p->write);
	g->filling++;
}

void gather_submit_lazily(struct gather *g)
{
	if (g->filling == g->retired ||
	    gather_open_length(g) >= g->block / 2) /* large enough to go at once */
		gather_submit(g);
}

static void refer(struct parcel *p, const uint8_t *bytes, size_t length)
{
	p->spans[p->span_count++] =
	    (struct iovec){.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
	p->length += length;
}

static void copy(struct parcel *p, const uint8_t *bytes, size_t length)
{
	uint8_t *to = p->block + p->block_used;
	memcpy(to, bytes, length);
	p->block_used += length;
	struct iovec *last = p->span_count > 0 ? &p->spans[p->span_count - 1] : NULL;
	if (last && (uint8_t *)last->iov_base + last->iov_len == to) {
		last->iov_len += length;
		p->length += length;
	} else {
		refer(p, to, length);
	}
}

/* True if it went in whole. */
static bool put_piece(struct gather *g, struct parcel *p, const struct piece *piece)
{
	bool direct = piece->length >= DIRECT_MIN;
	size_t copied = (direct ? 0 : piece->length) + g->delimiter.length;
	if (p->span_count + 2 > GATHER_SPANS || copied > g->block - p->block_used)
		return false;
	if (direct) {
		refer(p, piece->bytes, piece->length);
		g->referenced = true;
	} else if (piece->length > 0) {
		copy(p, piece->bytes, piece->length);
	}
	if (piece->bare)
		copy(p, g->delimiter.bytes, g->delimiter.length);
	p->holds.records += piece->count;
	return true;
}

/* The open parcel, with the piece in it; NULL if there was no room for it. */
static struct parcel *place(struct gather *g, const struct piece *piece)
{
	while (gather_has_room(g)) {
		struct parcel *p = parcel_at(g, g->filling);
		if (put_piece(g, p, piece))
			return p;
		gather_submit(g);
	}
	return NULL;
}

uint32_t gather_put(struct gather *g, const struct batch *b, uint32_t first, uint32_t end)
{
	struct pieces pieces;
	struct piece piece;
	uint32_t taken = 0;
	pieces_begin(&pieces, b, first, end, &g->delimiter);
	while (pieces_next(&pieces, &piece)) {
		struct parcel *p = place(g, &piece);
		if (!p)
			break;
		stored_note_read(&p->holds, b->read_ns);
		taken += piece.count;
		if (p->length >= PARCEL_LENGTH)
			gather_submit(g);
	}
	return taken;
}

/* Where the last byte put so far is. */
static struct parcel *last_parcel(struct gather *g)
{
	bool open_is_last = g->filling == g->retired || gather_open_length(g) > 0;
	return parcel_at(g, open_is_last ? g->filling : g->filling - 1);
}

void gather_batch_end(struct gather *g, struct batch **owned)
{
	struct parcel *p = last_parcel(g);
	struct batch *b = *owned;
	*owned = NULL;
	p->holds.batches++;
	if (g->referenced) {
		assert(p->held_count < sizeof p->held / sizeof *p->held);
		p->held[p->held_count++] = b;
	} else {
		batch_free(&b);
	}
	g->referenced = false;
}

/* Delimiters do not go over spans. */
static uint64_t count_delimiters(const struct gather *g, const uint8_t *bytes, size_t length)
{
	uint64_t n = 0;
	const uint8_t *end = bytes + length, *at;
	while ((at = memmem(bytes, (size_t)(end - bytes), g->delimiter.bytes,
			    g->delimiter.length)) != NULL) {
		n++;
		bytes = at + g->delimiter.length;
	}
	return n;
}

static void add_written(const struct gather *g, const struct parcel *p, struct stored *stored)
{
	const struct write *w = &p->write;
	for (const struct iovec *span = p->spans; span < w->spans; span++)
		stored->records += count_delimiters(g, span->iov_base, span->iov_len);
	if (w->cut > 0)
		stored->records +=
		    count_delimiters(g, (uint8_t *)w->spans->iov_base - w->cut, w->cut);
	stored->bytes += w->at - w->from;
}

void gather_add_written(struct gather *g, struct stored *stored)
{
	for (uint64_t i = g->retired; i < g->filling; i++)
		add_written(g, parcel_at(g, i), stored);
}

bool gather_retire(struct gather *g, struct stored *stored)
{
	bool any = false;
	while (g->retired < g->filling && write_queue_take(g->queue)) {
		struct parcel *p = parcel_at(g, g->retired++);
		free_held(p);
		stored_move(stored, &p->holds);
		p->span_count = 0;
		p->block_used = 0;
		p->length = 0;
		any = true;
	}
	return any;
}
