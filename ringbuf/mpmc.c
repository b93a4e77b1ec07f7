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
	*m = (struct mpmc){
	    .mask = slots - 1, .capacity = (uint64_t)capacity << 1, .lap = (uint64_t)slots << 1};
	atomic_init(&m->put, first);
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

bool mpmc_is_over(struct mpmc *m, uint64_t get)
{
	/* acquire: pairs with mpmc_close() */
	uint64_t put = atomic_load_explicit(&m->put, memory_order_acquire);
	return put == (get | MPMC_CLOSED);
}

static uint64_t lap_of(struct mpmc *m, uint64_t index)
{
	/* acquire: pairs with the release stores of laps by the other side */
	return atomic_load_explicit(&mpmc_cell(m, index)->lap, memory_order_acquire);
}

/* How many items, at most n, can be put from index on. */
static size_t free_from(struct mpmc *m, uint64_t index, size_t n)
{
	size_t count = 0;
	while (count < n && lap_of(m, index) == index && mpmc_has_room(m, index)) {
		count++;
		index += MPMC_TICKET;
	}
	return count;
}

/* How many items, at most n, can be got from index on. */
static size_t full_from(struct mpmc *m, uint64_t index, size_t n)
{
	size_t count = 0;
	while (count < n && lap_of(m, index) == (index | MPMC_FULL)) {
		count++;
		index += MPMC_TICKET;
	}
	return count;
}

/* Moves *side, put or get, from expected on by count tickets. True if that was done, or if there are none to
 * draw although expected is up to date; else expected is brought up to date. */
static bool draw(_Atomic uint64_t *side, uint64_t *expected, size_t count)
{
	if (count > 0) /* relaxed: what is handed over goes by the cells' laps */
		return atomic_compare_exchange_strong_explicit(
		    side, expected, *expected + (uint64_t)count * MPMC_TICKET, memory_order_relaxed,
		    memory_order_relaxed);
	uint64_t newest = atomic_load_explicit(side, memory_order_relaxed);
	bool up_to_date = newest == *expected;
	*expected = newest;
	return up_to_date;
}

ssize_t mpmc_try_put_many(struct mpmc *m, void *const *items, size_t n)
{
	uint64_t put = atomic_load_explicit(&m->put, memory_order_relaxed);
	size_t count;
	do {
		if (put & MPMC_CLOSED)
			return -ESHUTDOWN;
		count = free_from(m, put, n);
	} while (!draw(&m->put, &put, count));

	/* The first cell last: nobody gets past it, so all become visible with it. */
	for (size_t i = count; i-- > 0;) {
		uint64_t ticket = put + (uint64_t)i * MPMC_TICKET;
		struct mpmc_cell *cell = mpmc_cell(m, ticket);
		cell->item = items[i];
		/* release: pairs with the acquire loads of a full lap by the gets */
		atomic_store_explicit(&cell->lap, ticket | MPMC_FULL, memory_order_release);
	}
	return count > 0 ? (ssize_t)count : -EAGAIN;
}

ssize_t mpmc_try_get_many(struct mpmc *m, void **ret_items, size_t n)
{
	uint64_t get = atomic_load_explicit(&m->get, memory_order_relaxed);
	size_t count;
	do
		count = full_from(m, get, n);
	while (!draw(&m->get, &get, count));
	if (count == 0)
		return mpmc_is_over(m, get) ? -ESHUTDOWN : -EAGAIN;

	for (size_t i = 0; i < count; i++) {
		uint64_t ticket = get + (uint64_t)i * MPMC_TICKET;
		struct mpmc_cell *cell = mpmc_cell(m, ticket);
		ret_items[i] = cell->item;
		/* release: pairs with the acquire loads of a free lap by the puts */
		atomic_store_explicit(&cell->lap, ticket + m->lap, memory_order_release);
	}
	return (ssize_t)count;
}
