/* barrier.h - a mark in a queue that its consumers do not go past until it is lowered.
 *
 *   queue      [ . . a b c | d e . . ]      raised at 3: a, b, c come before it, whoever got them
 *                          ^ at             d, e come after it: a consumer that got one of them keeps it until then
 *
 * It is no item: raising it needs no room. Who raises it is at that moment the only producer; all consumers together
 * lower it, once, when all of them are through with what came before, and nobody raises it anew before that. But between that
 * and their lowering it the next may be raised: so they lower the one they were through with, by its mark, and no other.
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
	_Atomic uint64_t
	    mark; /* twice its position in the queue, and which of epochs[]; differs from the one before */
	_Atomic uint64_t epochs[2]; /* whatever it stands for; set before it is raised */
	unsigned next;              /* of epochs[]; the producer's */
};

static inline void barrier_init(struct barrier *b)
{
	atomic_init(&b->mark, BARRIER_NONE);
	atomic_init(&b->epochs[0], 0);
	atomic_init(&b->epochs[1], 0);
	b->next = 0;
}

/* The only producer. */
static inline void barrier_raise(struct barrier *b, uint64_t position, uint64_t epoch)
{
	unsigned i = b->next;
	b->next = 1 - i;
	atomic_store_explicit(&b->epochs[i], epoch, memory_order_relaxed);
	/* release: pairs with the acquire load in barrier_mark() */
	atomic_store_explicit(&b->mark, 2 * position + i, memory_order_release);
}

/* Of the one that is raised, or BARRIER_NONE. */
static inline uint64_t barrier_mark(const struct barrier *b)
{
	/* acquire: pairs with barrier_raise() and barrier_lower() */
	return atomic_load_explicit(&b->mark, memory_order_acquire);
}

/* Where it is, or BARRIER_NONE. */
static inline uint64_t barrier_at(const struct barrier *b)
{
	uint64_t mark = barrier_mark(b);
	return mark == BARRIER_NONE ? BARRIER_NONE : mark / 2;
}

/* What the one with this mark stands for; until it is lowered. */
static inline uint64_t barrier_epoch(const struct barrier *b, uint64_t mark)
{
	return atomic_load_explicit(&b->epochs[mark % 2], memory_order_relaxed);
}

/* One consumer, for all. False: the next is raised already. */
static inline bool barrier_lower(struct barrier *b, uint64_t mark)
{
	/* acq_rel: pairs with barrier_mark() and barrier_raise() */
	return atomic_compare_exchange_strong_explicit(&b->mark, &mark, BARRIER_NONE,
						       memory_order_acq_rel, memory_order_relaxed);
}
