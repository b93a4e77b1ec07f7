/* mpmc.h - ring for many producers and consumers: the inner part of a queue in QUEUE_MPMC mode.
 *
 *   put and get count in twos: ticket << 1, and bit 0 of put is set by closing (so that it takes part in the
 *   producers' compare-and-swap, and a put that returned 0 came before the close).
 *
 *   cell.lap   == ticket << 1           free, for the put with this ticket
 *              == ticket << 1 | 1       full, for the get with this ticket
 *              == (ticket + slots) << 1 free, for the next lap. Bit 0 keeps full and free of the next lap
 *                                       apart even where slots is 1.
 *
 * A party draws its ticket with a compare-and-swap on its own side's index, and then has the cell to itself.
 * As slots may be more than capacity, a producer also waits for the cell of the item capacity tickets before.
 *
 * Threads: any. No call ever waits for another thread: a failed compare-and-swap means that another one got
 * on (lock-free). But what is behind a put that was interrupted between drawing its ticket and filling its
 * cell is got only after that is filled. Memory: all taken by mpmc_init().
 * Source: D. Vyukov, "Bounded MPMC queue", 1024cores.net, 2010; the lap's bit, the exact capacity, the batch
 * forms and the closing are ours. Layer: libc only. */
#pragma once

#include "ringbuf/spsc.h" /* RINGBUF_APART */

#define MPMC_CLOSED UINT64_C(1)
#define MPMC_FULL UINT64_C(1)
#define MPMC_TICKET UINT64_C(2)

struct mpmc_cell {
	_Atomic uint64_t lap;
	void *item;
};

struct mpmc {
	/* Set by mpmc_init() */
	struct mpmc_cell *cells;
	uint64_t mask;     /* slots - 1 */
	uint64_t capacity; /* these two as indices are: in tickets << 1 */
	uint64_t lap;      /* slots */
	char apart_from_producers[RINGBUF_APART];

	_Atomic uint64_t put; /* written by producers */
	char apart_from_consumers[RINGBUF_APART];

	_Atomic uint64_t get; /* written by consumers */
	char apart_from_others[RINGBUF_APART];
};

/* 0 or -ENOMEM. The indices start at first, which is even. */
int mpmc_init(struct mpmc *m, size_t capacity, uint64_t first);
void mpmc_release(struct mpmc *m);

/* Puts fail from now on. */
void mpmc_close(struct mpmc *m);
bool mpmc_is_closed(const struct mpmc *m);

static inline struct mpmc_cell *mpmc_cell(const struct mpmc *m, uint64_t index)
{
	return &m->cells[(index >> 1) & m->mask];
}

/* Whether, the cell for this put being free, there is room too: whether the item capacity tickets before it has
 * been moved out. Asking that one's cell, and not get, leaves the consumers' cache line to the consumers. */
static inline bool mpmc_has_room(const struct mpmc *m, uint64_t put)
{
	if (m->capacity == m->lap)
		return true; /* the two are one cell */
	uint64_t before = put - m->capacity;
	uint64_t lap = atomic_load_explicit(&mpmc_cell(m, before)->lap, memory_order_relaxed);
	return (int64_t)(lap - (before + m->lap)) >= 0;
}

/* Whether a put now is not refused with -EAGAIN: what a look at the two indices cannot say, as who has drawn its ticket
 * may still be moving the item out. Holds until the next put, so for one producer alone. */
static inline bool mpmc_would_take(const struct mpmc *m)
{
	uint64_t put = atomic_load_explicit(&m->put, memory_order_relaxed) & ~MPMC_CLOSED;
	uint64_t lap = atomic_load_explicit(&mpmc_cell(m, put)->lap, memory_order_acquire);
	return (int64_t)(lap - put) >= 0 && mpmc_has_room(m, put);
}

/* 0, -EAGAIN when full (also while who got the item in the way is still moving it out), -ESHUTDOWN when closed.
 * Any thread; lock-free. */
static inline int mpmc_try_put(struct mpmc *m, void *item)
{
	struct mpmc_cell *cell;
	uint64_t put = atomic_load_explicit(&m->put, memory_order_relaxed);
	for (;;) {
		if (__builtin_expect(put & MPMC_CLOSED, 0))
			return -ESHUTDOWN;
		cell = mpmc_cell(m, put);
		/* acquire: pairs with the release stores of a free lap by the gets */
		int64_t ahead =
		    (int64_t)(atomic_load_explicit(&cell->lap, memory_order_acquire) - put);
		if (ahead > 0) { /* someone else's by now */
			put = atomic_load_explicit(&m->put, memory_order_relaxed);
			continue;
		}
		if (ahead < 0 || !mpmc_has_room(m, put))
			return -EAGAIN;
		/* relaxed: what is handed over goes by the cell's lap */
		if (atomic_compare_exchange_weak_explicit(&m->put, &put, put + MPMC_TICKET,
							  memory_order_relaxed,
							  memory_order_relaxed))
			break;
	}
	cell->item = item;
	/* release: pairs with the acquire loads of a full lap by the gets */
	atomic_store_explicit(&cell->lap, put | MPMC_FULL, memory_order_release);
	return 0;
}

/* As many of n as fit, visible to the gets all at once: the count, or as above. Any thread; lock-free. */
ssize_t mpmc_try_put_many(struct mpmc *m, void *const *items, size_t n);

/* Whether no put can follow any more the one before get. */
bool mpmc_is_over(struct mpmc *m, uint64_t get);

/* 0, -EAGAIN when empty (also while who puts the oldest item is still moving it in), -ESHUTDOWN when empty
 * and closed. ret_index: ticket << 1. Any thread; lock-free. */
static inline int mpmc_try_get(struct mpmc *m, void **ret_item, uint64_t *ret_index)
{
	struct mpmc_cell *cell;
	uint64_t get = atomic_load_explicit(&m->get, memory_order_relaxed);
	for (;;) {
		cell = mpmc_cell(m, get);
		/* acquire: pairs with the release stores of a full lap by the puts */
		int64_t ahead = (int64_t)(atomic_load_explicit(&cell->lap, memory_order_acquire) -
					  (get | MPMC_FULL));
		if (ahead < 0)
			return mpmc_is_over(m, get) ? -ESHUTDOWN : -EAGAIN;
		if (ahead > 0)
			get = atomic_load_explicit(&m->get, memory_order_relaxed);
		/* relaxed: what is handed over goes by the cell's lap */
		else if (atomic_compare_exchange_weak_explicit(&m->get, &get, get + MPMC_TICKET,
							       memory_order_relaxed,
							       memory_order_relaxed))
			break;
	}
	*ret_item = cell->item;
	*ret_index = get;
	/* release: pairs with the acquire loads of a free lap by the puts */
	atomic_store_explicit(&cell->lap, get + m->lap, memory_order_release);
	return 0;
}

/* Up to n, consecutive: the count, or as above. Any thread; lock-free. */
ssize_t mpmc_try_get_many(struct mpmc *m, void **ret_items, size_t n);
