/* net_intake.h - where what comes from many connections lands, and becomes batches together.
 *
 *   buffer  | handed on | records of the open batch | name | held | room for the next read ..... |
 *                                                     ^      ^ the beginning of this connection's frame, which it kept
 *                                                     ^ who it is, where a field is to say so
 *
 * One connection is read at a time; what of it is not framed goes back to it, and the next one's bytes lie right behind the records.
 * So a thousand connections with a record each make one batch, and a busy one is read in place.
 *
 * Threads: the owner's. Memory: the home's; one buffer and one batch are kept. Layer: stages. */
#pragma once

#include "stages/batch.h"
#include "stages/home.h"

enum { NET_READ = 256 * 1024 };

struct net_intake {
	struct home *home;
	struct buffer *buffer; /* NULL before the first read */
	struct batch *batch;   /* that records are added to; NULL: none is open */
	size_t to;             /* before it nothing is written any more */
	bool was_large;
	int column; /* of the field that says who sent a record; -1: none does */
};

/* What each buffer of the home must hold. held_max: what a connection may have kept. */
size_t net_intake_capacity(size_t held_max);

void net_intake_init(struct net_intake *i, struct home *home, int column);
void net_intake_release(struct net_intake *i);

/* Room for a read of *ret_length bytes, NET_READ at most, at *ret_bytes, with `before` bytes that are free in front of it. 0; -EAGAIN:
 * the home has no buffer, wait; -ENOBUFS: the open batch has to go first, net_intake_take(). */
int net_intake_room(struct net_intake *i, size_t before, uint8_t **ret_bytes, size_t *ret_length);

/* The batch that records of the buffer are to be added to; NULL: the home has none, wait. */
struct batch *net_intake_batch(struct net_intake *i, uint64_t read_ns, int64_t wall_ns);

/* Its records from number `first` on are from there; name lies in the buffer. Does nothing where no field says so. */
void net_intake_name(struct net_intake *i, uint32_t first, const uint8_t *name, uint32_t length);

/* What lies before `offset` is a record's, or will not be needed. large: a read that was worth a buffer of its own. */
void net_intake_keep(struct net_intake *i, size_t offset, bool large);

/* The open batch, the caller's; NULL: there is none with records. */
struct batch *net_intake_take(struct net_intake *i);
