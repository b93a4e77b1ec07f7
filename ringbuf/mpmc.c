/* mpmc.c - the many-to-many ring's slow paths and batch forms. */
#include "ringbuf/mpmc.h"
#include "ringbuf/slots.h"

#include <assert.h>
#include <stdlib.h>

int mpmc_init(struct mpmc *m, size_t capacity, uint64_t first)
{
	assert(capacity > 0);
	assert(first % MPMC_TICKET == 0);
	size_t slots = slots_for(capacity);
	*m = (struct mpmc){.mask = slots - 1, .capacity = (uint64_t)capacity << 1};
	atomic_init(&m->put, first);
	atomic_init(&m->get_seen, first);
	atomic_init(&m->get, first);

	m->cells = slots_allocate(slots, sizeof(*m->cells));
	if (!m->cells)
		return -ENOMEM;
	for (size_t i = 0; i < slots; i++) {
		uint64_t free_for = first + ((uint64_t)i << 1);
		atomic_init(&mpmc_cell(m, free_for)->lap, free_for);
	}
	return 0;
}

void mpmc_release(struct mpmc *m)
{
	free(m->cells);
	m->cells = NULL;
}

void mpmc_close(struct mpmc *m)
{
	/* release: pairs with the acquire loads in mpmc_is_over() and mpmc_is_closed() */
	atomic_fetch_or_explicit(&m->put, MPMC_CLOSED, memory_order_release);
}

bool mpmc_is_closed(const struct mpmc *m)
{
	/* acquire: pairs with mpmc_close() */
	return atomic_load_explicit(&m->put, memory_order_acquire) & MPMC_CLOSED;
}

uint64_t mpmc_look_for_room(struct mpmc *m, uint64_t put)
{
	/* acquire: later than the caller's load of put, so that put - get is never more than there was */
	uint64_t get = atomic_load_explicit(&m->get, memory_order_acquire);
	atomic_store_explicit(&m->get_seen, get, memory_order_relaxed);
	return put - get;
}

bool mpmc_is_over(struct mpmc *m, uint64_t get)
{
	/* acquire: pairs with mpmc_close() */
	uint64_t put = atomic_load_explicit(&m->put, memory_order_acquire);
	return put == (get | MPMC_CLOSED);
}

/* How many cells from index on, at most n, are in their turn's state (state 0: free, MPMC_FULL: full). */
static size_t cells_ready(struct mpmc *m, uint64_t index, uint64_t state, size_t n)
{
	size_t count = 0;
	for (; count < n; count++, index += MPMC_TICKET) {
		/* acquire: pairs with the release stores of laps by the other side */
		uint64_t lap =
		    atomic_load_explicit(&mpmc_cell(m, index)->lap, memory_order_acquire);
		if (lap != (index | state))
			break;
	}
	return count;
}

/* Draws up to n tickets for puts, the first of which goes to *ret_put: how many, or as mpmc_try_put(). */
static ssize_t draw_puts(struct mpmc *m, size_t n, uint64_t *ret_put)
{
	uint64_t put = atomic_load_explicit(&m->put, memory_order_acquire);
	for (;;) {
		if (put & MPMC_CLOSED)
			return -ESHUTDOWN;
		uint64_t ahead = mpmc_look_for_room(m, put);
		size_t room = (int64_t)ahead < 0 ? 0 : (size_t)((m->capacity - ahead) >> 1);
		size_t count = cells_ready(m, put, 0, room < n ? room : n);
		uint64_t newest = put;
		if (count == 0)
			newest = atomic_load_explicit(&m->put, memory_order_acquire);
		else if (atomic_compare_exchange_strong_explicit(
			     &m->put, &newest, put + (uint64_t)count * MPMC_TICKET,
			     memory_order_acquire, memory_order_acquire)) {
			*ret_put = put;
			return (ssize_t)count;
		}
		if (newest == put)
			return -EAGAIN;
		put = newest;
	}
}

ssize_t mpmc_try_put_many(struct mpmc *m, void *const *items, size_t n)
{
	uint64_t put = 0;
	ssize_t count = draw_puts(m, n, &put);
	/* The first cell last: nobody gets past it, so all become visible with it. */
	for (ssize_t i = count - 1; i >= 0; i--) {
		uint64_t ticket = put + (uint64_t)i * MPMC_TICKET;
		struct mpmc_cell *cell = mpmc_cell(m, ticket);
		cell->item = items[i];
		/* release: pairs with the acquire loads of a full lap by the gets */
		atomic_store_explicit(&cell->lap, ticket | MPMC_FULL, memory_order_release);
	}
	return count;
}

/* As draw_puts(), for gets. */
static ssize_t draw_gets(struct mpmc *m, size_t n, uint64_t *ret_get)
{
	uint64_t get = atomic_load_explicit(&m->get, memory_order_acquire);
	for (;;) {
		size_t count = cells_ready(m, get, MPMC_FULL, n);
		uint64_t newest = get;
		if (count == 0)
			newest = atomic_load_explicit(&m->get, memory_order_acquire);
		else if (atomic_compare_exchange_strong_explicit(
			     &m->get, &newest, get + (uint64_t)count * MPMC_TICKET,
			     memory_order_acquire, memory_order_acquire)) {
			*ret_get = get;
			return (ssize_t)count;
		}
		if (newest == get)
			return mpmc_is_over(m, get) ? -ESHUTDOWN : -EAGAIN;
		get = newest;
	}
}

ssize_t mpmc_try_get_many(struct mpmc *m, void **ret_items, size_t n)
{
	uint64_t get = 0;
	ssize_t count = draw_gets(m, n, &get);
	for (ssize_t i = 0; i < count; i++) {
		uint64_t ticket = get + (uint64_t)i * MPMC_TICKET;
		struct mpmc_cell *cell = mpmc_cell(m, ticket);
		ret_items[i] = cell->item;
		/* release: pairs with the acquire loads of a free lap by the puts */
		atomic_store_explicit(&cell->lap, ticket + ((m->mask + 1) << 1),
				      memory_order_release);
	}
	return count;
}
