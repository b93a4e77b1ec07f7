/* net_outbox.h - the records that a sink has on their way to its peer: kept until the peer has them, so that they can be sent again.
 *
 *   batches  [ ... done ... | ... sent ... | ... to be sent ... ]        each position is a record of a batch
 *                           ^ kept from    ^ next
 *
 *   a write  spans { run of a batch, block (copied: small records, lengths, delimiters), ... }       whole records, always
 *
 * When a connection breaks, what was sent and is not known to have been taken is sent again on the next one, from a record's
 * beginning on.
 *
 * Threads: the owner's. Memory: the blocks; batches are held, OUTBOX_BATCHES at most. Layer: stages. */
#pragma once

#include "stages/net/net_framing.h"
#include "stages/stage.h"
#include "stages/stored.h"

#include <sys/uio.h>

enum {
	OUTBOX_BATCHES = 64,
	OUTBOX_SPANS = 64,
	OUTBOX_BLOCK = 256 * 1024,
	OUTBOX_WRITE = 1024 * 1024, /* a write is no longer than it takes to reach that */
	OUTBOX_WRITES = 64,
};

struct outbox_place {
	uint64_t batch;  /* counted from the first that ever came */
	uint32_t record; /* of it */
};

struct net_outbox {
	struct delimiter delimiter; /* behind each record; length 0: none */
	enum net_method method;
	unsigned length_bytes;
	bool little_endian;
	uint64_t records_most, bytes_most; /* of a write; UINT64_MAX: any; the owner's to set */

	struct batch *batches[OUTBOX_BATCHES];
	uint64_t taken, done; /* batches */
	struct outbox_place kept, next;
	uint64_t records_kept; /* sent, and not known to have been taken */

	/* The write that was made last; length 0: it is written. */
	struct iovec spans[OUTBOX_SPANS];
	unsigned span_count;
	size_t length, records;
	uint8_t *block;
	size_t block_used;

	/* What was written, by how much had been written then. */
	struct {
		uint64_t end;
		struct outbox_place place;
	} writes[OUTBOX_WRITES];
	uint64_t writes_begun, writes_done;
};

/* delimiter: for lines. 0 or -ENOMEM. */
int net_outbox_init(struct net_outbox *o, const struct net_method_options *framing,
		    const struct delimiter *delimiter);
void net_outbox_release(struct net_outbox *o);

static inline bool net_outbox_has_room(const struct net_outbox *o)
{
	return o->taken - o->done < OUTBOX_BATCHES;
}
static inline bool net_outbox_is_empty(const struct net_outbox *o)
{
	return o->taken == o->done;
}
/* Takes the batch over. */
void net_outbox_put(struct net_outbox *o, struct batch *b);

/* Makes a write of what is to be sent next: its bytes, in `spans`, stay put until the next one is made. 0: there is nothing, or too
 * much is under way. A record whose length cannot be told is left out: *ret_refused is it, and it is the next. */
size_t net_outbox_make(struct net_outbox *o, bool *ret_refused);

/* The write is written; `end`: so many bytes have been on this connection. */
void net_outbox_written(struct net_outbox *o, uint64_t end);
/* Of these the peer has taken so many. */
void net_outbox_taken_up_to(struct net_outbox *o, uint64_t bytes, struct stored *stored);
/* The peer has answered so many records more. */
void net_outbox_answered(struct net_outbox *o, uint64_t records, struct stored *stored);

/* The connection is gone: what is kept is to be sent again. */
void net_outbox_rewind(struct net_outbox *o);
/* The oldest batch and which of its records are left, a bit for each; it is done with net_outbox_drop(). NULL: there is none. */
const struct batch *net_outbox_first(const struct net_outbox *o,
				     uint64_t which[BATCH_RECORDS_MAX / 64]);
void net_outbox_drop(struct net_outbox *o, struct stored *stored);
/* The batch of the record that is next, which may be left out, once the peer has all before it: else NULL. */
const struct batch *net_outbox_next(const struct net_outbox *o, uint32_t *ret_record);
/* The record that is next is left out, and counts nowhere. */
void net_outbox_skip(struct net_outbox *o, struct stored *stored);
