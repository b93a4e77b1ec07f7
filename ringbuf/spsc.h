/* spsc.h - ring for one producer and one consumer: the inner part of a queue in QUEUE_SPSC mode.
 *
 *        get              put            indices count up for ever, mod 2^64; slot = index & mask
 *         v                v
 *   [ . . X X X X X X X X  . . ]         0 <= put - get <= capacity <= slots, slots a power of two
 *                              ^ limit   the producer runs up to here without a look at get
 *
 * Each side keeps what it last saw of the other's index, and looks again only when that is used up (so a
 * cache line moves once a batch, not once an item).
 *
 * Closing must be exact: a put that returned 0 is got, although the producer never locks anything. The
 * producer announces each put before it looks at the limit; closing takes the limit away and then waits for
 * what is still announced:
 *
 *   producer                          spsc_close()
 *   announced = put + 1               closing; limit = past
 *   limit reached? -> slow path       waiter_barrier()    <- the order of these two costs the producer nothing
 *   items[put] = item; put++          while (announced != put) yield;    closed
 *
 * Threads: puts one, gets one at a time, the rest any. Memory: all taken by spsc_init().
 * Source: L. Lamport, "Specifying Concurrent Program Modules", 1983; the cached index is from J. Giacomoni
 * and others, "FastForward for Efficient Pipeline Parallelism", 2008, and P. Lee and others, "A Lock-Free,
 * Cache-Efficient Shared Ring Buffer for Multi-Core Architectures" (MCRingBuffer), 2009. Layer: libc only. */
#pragma once

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Keeps what two sides write apart: a cache line pair, as the hardware fetches lines in pairs. Padding, not
 * alignment, so that a struct with a queue in it may come from malloc(). */
#define RINGBUF_APART 128

/* For what has to be inlined to be fast, and compilers find too long to do so by themselves. */
#define RINGBUF_INLINE static inline __attribute__((always_inline))

enum spsc_state { SPSC_OPEN, SPSC_CLOSING, SPSC_CLOSED };

struct spsc {
	/* Set by spsc_init() */
	void **items;
	uint64_t mask; /* slots - 1 */
	uint64_t capacity;
	bool fenced; /* no membarrier: every put takes the slow path, which orders by itself */
	char apart_from_producer[RINGBUF_APART];

	/* The producer's own (limit also spsc_close()'s) */
	_Atomic uint64_t announced; /* differs from put while a put is under way */
	_Atomic uint64_t
	    limit; /* what put may reach, as far as known; never more than get + capacity */
	char apart_from_put[RINGBUF_APART];

	_Atomic uint64_t put; /* written by the producer, read by the consumer */
	char apart_from_consumer[RINGBUF_APART];

	/* Written by the consumer */
	_Atomic uint64_t get;
	uint64_t put_seen;
	char apart_from_others[RINGBUF_APART];

	_Atomic int state; /* enum spsc_state */
};

/* 0 or -ENOMEM. The indices start at first. */
int spsc_init(struct spsc *s, size_t capacity, uint64_t first);
void spsc_release(struct spsc *s);

/* Puts fail from when this is back on; waits for a put that is under way. Any thread; one at a time. */
void spsc_close(struct spsc *s);

/* Slow halves of the puts: look at the consumer's index. How many there is room for at put, or -EAGAIN, or
 * -ESHUTDOWN. The producer. */
ssize_t spsc_look_for_room(struct spsc *s, uint64_t put);
/* Slow half of the gets, when the ring looks empty: -EAGAIN or -ESHUTDOWN, or 0 when it no longer is. */
int spsc_why_empty(struct spsc *s, uint64_t get);

/* How many there is room for at put, at least 1, or -EAGAIN, or -ESHUTDOWN; on failure nothing is announced
 * any more. */
RINGBUF_INLINE ssize_t spsc_reserve(struct spsc *s, uint64_t put)
{
	atomic_store_explicit(&s->announced, put + 1, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst); /* the CPU's part is spsc_close()'s */
	uint64_t limit = atomic_load_explicit(&s->limit, memory_order_relaxed);
	int64_t room = (int64_t)(limit - put);
	if (__builtin_expect(room <= 0, 0))
		return spsc_look_for_room(s, put);
	return room;
}

/* 0, -EAGAIN when full, -ESHUTDOWN when closed. The producer; wait-free. */
RINGBUF_INLINE int spsc_try_put(struct spsc *s, void *item)
{
	uint64_t put = atomic_load_explicit(&s->put, memory_order_relaxed);
	ssize_t room = spsc_reserve(s, put);
	if (__builtin_expect(room < 0, 0))
		return (int)room;
	s->items[put & s->mask] = item;
	/* release: pairs with the acquire load in spsc_fill() */
	atomic_store_explicit(&s->put, put + 1, memory_order_release);
	return 0;
}

/* As many of n as fit: the count, or as above. The producer; wait-free. */
ssize_t spsc_try_put_many(struct spsc *s, void *const *items, size_t n);

/* Finds out how many there are to get at get: at least 1, or 0. */
RINGBUF_INLINE uint64_t spsc_fill(struct spsc *s, uint64_t get)
{
	if (s->put_seen == get)
		/* acquire: pairs with the release stores of put in spsc_try_put() and spsc_try_put_many() */
		s->put_seen = atomic_load_explicit(&s->put, memory_order_acquire);
	return s->put_seen - get;
}

/* 0, -EAGAIN when empty, -ESHUTDOWN when empty and closed. ret_index: its index. The consumer; wait-free. */
RINGBUF_INLINE int spsc_try_get(struct spsc *s, void **ret_item, uint64_t *ret_index)
{
	uint64_t get = atomic_load_explicit(&s->get, memory_order_relaxed);
	if (__builtin_expect(spsc_fill(s, get) == 0, 0)) {
		int r = spsc_why_empty(s, get);
		if (r < 0)
			return r;
	}
	*ret_item = s->items[get & s->mask];
	*ret_index = get;
	/* release: pairs with the acquire load in spsc_look_for_room() */
	atomic_store_explicit(&s->get, get + 1, memory_order_release);
	return 0;
}

/* Up to n: the count, or as above. The consumer; wait-free. */
ssize_t spsc_try_get_many(struct spsc *s, void **ret_items, size_t n);
