/* barrier.h - a mark in a queue that its consumers do not go past until it is lowered.
 *
 *   queue      [ . . a b c | d e . . ]      raised at 3: a, b, c come before it, whoever got them
 *                          ^ at             d, e come after it: a consumer that got one of them keeps it until then
 *
 * It is no item: raising it needs no room. Who raises it is at that moment the only producer; all consumers together
 * lower it, once, when all of them are through with what came before. At most one is raised at a time.
 *
 * The release store in barrier_raise comes before the release of any item put later, and a consumer looks after it has
 * acquired that item: so nobody who got an item from behind it overlooks it.
 *
 * Threads: any. Memory: the caller's. Source: K. M. Chandy, L. Lamport, "Distributed Snapshots", 1985. Layer: libc only. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define BARRIER_NONE UINT64_MAX

struct barrier {
	_Atomic uint64_t at; /* position in the queue */
	uint64_t epoch;      /* whatever it stands for; set before it is raised */
};

static inline void barrier_init(struct barrier *b)
{
	atomic_init(&b->at, BARRIER_NONE);
	b->epoch = 0;
}

/* The only producer. */
static inline void barrier_raise(struct barrier *b, uint64_t position, uint64_t epoch)
{
	b->epoch = epoch;
	/* release: pairs with the acquire load in barrier_at() */
	atomic_store_explicit(&b->at, position, memory_order_release);
}

/* Where it is, or BARRIER_NONE. */
static inline uint64_t barrier_at(const struct barrier *b)
{
	/* acquire: pairs with barrier_raise() and barrier_lower() */
	return atomic_load_explicit(&b->at, memory_order_acquire);
}

/* One consumer, for all. */
static inline void barrier_lower(struct barrier *b)
{
	/* release: pairs with the acquire load in barrier_at() */
	atomic_store_explicit(&b->at, BARRIER_NONE, memory_order_release);
}
