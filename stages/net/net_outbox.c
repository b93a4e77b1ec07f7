#include "stages/net/net_outbox.h"
#include "stages/pieces.h"
#include "stages/undelivered.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIRECT_MIN = 4096, PREFIX_ROOM = 16 };

int net_outbox_init(struct net_outbox *o, const struct net_method_options *framing,
		    const struct delimiter *delimiter)
{
	*o = (struct net_outbox){.method = (enum net_method)framing->method,
				 .length_bytes = (unsigned)framing->length_bytes,
				 .little_endian = framing->endian == 1,
				 .records_most = UINT64_MAX,
				 .bytes_most = UINT64_MAX};
	if (o->method == NET_NUL)
		o->delimiter.length = 1;
	else if (o->method == NET_NEWLINE)
		o->delimiter = *delimiter;
	o->block = malloc(OUTBOX_BLOCK);
	return o->block ? 0 : -ENOMEM;
}

static struct batch **slot(struct net_outbox *o, uint64_t batch)
{
	return &o->batches[batch % OUTBOX_BATCHES];
}

void net_outbox_release(struct net_outbox *o)
{
	for (; o->done < o->taken; o->done++)
		batch_free(slot(o, o->done));
	free(o->block);
	o->block = NULL;
}

void net_outbox_put(struct net_outbox *o, struct batch *b)
{
	assert(net_outbox_has_room(o));
	*slot(o, o->taken++) = b;
}

/* ---- a write ---- */

static void refer(struct net_outbox *o, const uint8_t *bytes, size_t length)
{
	o->spans[o->span_count++] =
	    (struct iovec){.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
	o->length += length;
}

static void copy(struct net_outbox *o, const void *bytes, size_t length)
{
	uint8_t *to = o->block + o->block_used;
	struct iovec *last = o->span_count > 0 ? &o->spans[o->span_count - 1] : NULL;
	if (length == 0)
		return;
	memcpy(to, bytes, length);
	o->block_used += length;
	if (last && (uint8_t *)last->iov_base + last->iov_len == to) {
		last->iov_len += length;
		o->length += length;
	} else {
		refer(o, to, length);
	}
}

static bool can_tell(const struct net_outbox *o, size_t length)
{
	return o->method != NET_LENGTH_PREFIXED || o->length_bytes >= sizeof(uint32_t) ||
	       length >> (8 * o->length_bytes) == 0;
}

/* What stands before a record of that length. */
static size_t make_prefix(const struct net_outbox *o, size_t length, uint8_t to[PREFIX_ROOM])
{
	if (o->method == NET_OCTET_COUNTING || o->method == NET_AUTO)
		return (size_t)snprintf((char *)to, PREFIX_ROOM, "%zu ", length);
	if (o->method != NET_LENGTH_PREFIXED)
		return 0;
	for (unsigned i = 0; i < o->length_bytes; i++)
		to[o->little_endian ? i : o->length_bytes - 1 - i] = (uint8_t)(length >> (8 * i));
	return o->length_bytes;
}

/* True if it went in whole. */
static bool put_piece(struct net_outbox *o, const struct piece *piece)
{
	uint8_t prefix[PREFIX_ROOM];
	size_t before = make_prefix(o, piece->length, prefix);
	bool direct = piece->length >= DIRECT_MIN;
	size_t copied = before + (direct ? 0 : piece->length) + o->delimiter.length;
	if (o->span_count + 3 > OUTBOX_SPANS || copied > OUTBOX_BLOCK - o->block_used)
		return false;
	copy(o, prefix, before);
	if (direct)
		refer(o, piece->bytes, piece->length);
	else
		copy(o, piece->bytes, piece->length);
	if (piece->bare)
		copy(o, o->delimiter.bytes, o->delimiter.length);
	return true;
}

/* Of the batch that is next, those records up to that one may go in this write. */
static uint32_t end_of_portion(const struct net_outbox *o, const struct batch *b)
{
	uint64_t records = o->records_most - o->records, bytes = o->length;
	uint32_t end = o->next.record;
	if (o->records_most == UINT64_MAX && o->bytes_most == UINT64_MAX)
		return b->count;
	for (; end < b->count && records > 0 && bytes < o->bytes_most; end++, records--)
		bytes += b->records[end].length + o->delimiter.length;
	return end;
}

/* Of the batch that is next, as much as fits. True: all of it. */
static bool put_batch(struct net_outbox *o, bool *ret_refused)
{
	const struct batch *b = *slot(o, o->next.batch);
	struct pieces pieces;
	struct piece piece;
	pieces_begin(&pieces, b, o->next.record, end_of_portion(o, b), &o->delimiter);
	while (o->length < OUTBOX_WRITE && pieces_next(&pieces, &piece)) {
		*ret_refused = !can_tell(o, piece.length);
		if (*ret_refused || !put_piece(o, &piece))
			return false;
		o->next.record += piece.count;
		o->records += piece.count;
		o->records_kept += piece.count;
	}
	if (o->next.record < b->count)
		return false;
	o->next = (struct outbox_place){o->next.batch + 1, 0};
	return true;
}

size_t net_outbox_make(struct net_outbox *o, bool *ret_refused)
{
	*ret_refused = false;
	o->span_count = 0;
	o->length = o->records = o->block_used = 0;
	if (o->writes_begun - o->writes_done == OUTBOX_WRITES)
		return 0;
	while (o->next.batch < o->taken && put_batch(o, ret_refused))
		;
	*ret_refused &= o->length == 0;
	return o->length;
}

/* ---- what the peer has ---- */

void net_outbox_written(struct net_outbox *o, uint64_t end)
{
	uint64_t i = o->writes_begun++ % OUTBOX_WRITES;
	o->writes[i].end = end;
	o->writes[i].place = o->next;
	o->length = 0;
}

static bool is_before(struct outbox_place a, struct outbox_place b)
{
	return a.batch != b.batch ? a.batch < b.batch : a.record < b.record;
}

static void finish(struct net_outbox *o, struct stored *stored)
{
	struct batch **b = slot(o, o->done++);
	stored->batches++;
	stored_note_read(stored, (*b)->read_ns);
	batch_free(b);
}

/* Up to there it is the peer's. */
static void move_kept(struct net_outbox *o, struct outbox_place to, struct stored *stored)
{
	while (is_before(o->kept, to)) {
		const struct batch *b = *slot(o, o->kept.batch);
		uint32_t end = o->kept.batch < to.batch ? b->count : to.record;
		for (uint32_t i = o->kept.record; i < end; i++)
			stored->bytes += b->records[i].length + o->delimiter.length;
		stored->records += end - o->kept.record;
		o->records_kept -= end - o->kept.record;
		if (o->kept.batch == to.batch) {
			o->kept.record = end;
			return;
		}
		finish(o, stored);
		o->kept = (struct outbox_place){o->kept.batch + 1, 0};
	}
	o->kept = to;
}

void net_outbox_taken_up_to(struct net_outbox *o, uint64_t bytes, struct stored *stored)
{
	while (o->writes_done < o->writes_begun) {
		uint64_t i = o->writes_done % OUTBOX_WRITES;
		if (o->writes[i].end > bytes)
			return;
		move_kept(o, o->writes[i].place, stored);
		o->writes_done++;
	}
	if (o->length == 0)
		move_kept(o, o->next, stored); /* batches without records */
}

void net_outbox_answered(struct net_outbox *o, uint64_t records, struct stored *stored)
{
	struct outbox_place to = o->kept;
	if (records > o->records_kept)
		records = o->records_kept;
	while (records > 0) {
		uint32_t left = (*slot(o, to.batch))->count - to.record;
		uint32_t n = records < left ? (uint32_t)records : left;
		records -= n;
		to.record += n;
		if (n == left)
			to = (struct outbox_place){to.batch + 1, 0};
	}
	move_kept(o, to, stored);
	while (o->writes_done < o->writes_begun &&
	       !is_before(o->kept, o->writes[o->writes_done % OUTBOX_WRITES].place))
		o->writes_done++;
}

void net_outbox_rewind(struct net_outbox *o)
{
	o->next = o->kept;
	o->writes_done = o->writes_begun;
	o->records_kept = 0;
	o->length = 0;
}

const struct batch *net_outbox_next(const struct net_outbox *o, uint32_t *ret_record)
{
	bool is_alone = o->kept.batch == o->next.batch && o->kept.record == o->next.record;
	*ret_record = o->next.record;
	return is_alone ? o->batches[o->next.batch % OUTBOX_BATCHES] : NULL;
}

void net_outbox_skip(struct net_outbox *o, struct stored *stored)
{
	assert(o->kept.batch == o->next.batch && o->kept.record == o->next.record);
	if (++o->next.record == (*slot(o, o->next.batch))->count) {
		finish(o, stored);
		o->next = (struct outbox_place){o->done, 0};
	}
	o->kept = o->next;
}

const struct batch *net_outbox_first(const struct net_outbox *o,
				     uint64_t which[BATCH_RECORDS_MAX / 64])
{
	if (net_outbox_is_empty(o))
		return NULL;
	const struct batch *b = o->batches[o->done % OUTBOX_BATCHES];
	memset(which, 0, BATCH_RECORDS_MAX / 8);
	for (uint32_t i = o->kept.record; i < b->count; i++)
		undelivered_mark(which, i);
	return b;
}

void net_outbox_drop(struct net_outbox *o, struct stored *stored)
{
	assert(o->kept.batch == o->done);
	finish(o, stored);
	o->kept = (struct outbox_place){o->done, 0};
	o->next = o->kept;
}
