/* spsc.c - the single-producer, single-consumer ring's slow paths and batch forms. */
#include "ringbuf/spsc.h"
#include "ringbuf/slots.h"
#include "ringbuf/waiter.h"

#include <assert.h>
#include <sched.h>
#include <stdlib.h>

int spsc_init(struct spsc *s, size_t capacity, uint64_t first)
{
	assert(capacity > 0);
	*s = (struct spsc){.capacity = capacity, .fenced = waiter_needs_fence, .put_seen = first};
	atomic_init(&s->put, first);
	atomic_init(&s->announced, first);
	atomic_init(&s->limit, first + (s->fenced ? 0 : capacity));
	atomic_init(&s->get, first);
	atomic_init(&s->state, SPSC_OPEN);

	size_t slots = slots_for(capacity);
	s->mask = slots - 1;
	s->items = slots_allocate(slots, sizeof(*s->items));
	return s->items ? 0 : -ENOMEM;
}

void spsc_release(struct spsc *s)
{
	free(s->items);
	s->items = NULL;
}

static ssize_t withdraw(struct spsc *s, uint64_t put, int error)
{
	/* release: pairs with the loads of announced in spsc_close() */
	atomic_store_explicit(&s->announced, put, memory_order_release);
	return error;
}

ssize_t spsc_look_for_room(struct spsc *s, uint64_t put)
{
	if (s->fenced) /* seq_cst: with the load of state below, against spsc_close()'s mirror image */
		atomic_store_explicit(&s->announced, put + 1, memory_order_seq_cst);

	/* acquire: pairs with the release stores of get in spsc_try_get() and spsc_try_get_many() */
	uint64_t limit = atomic_load_explicit(&s->get, memory_order_acquire) + s->capacity;
	atomic_store_explicit(&s->limit, s->fenced ? put : limit, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst); /* the CPU's part is spsc_close()'s */
	if (atomic_load_explicit(&s->state, memory_order_seq_cst) != SPSC_OPEN) {
		/* spsc_close() may have taken the limit away before we set it */
		atomic_store_explicit(&s->limit, put, memory_order_relaxed);
		return withdraw(s, put, -ESHUTDOWN);
	}
	return limit == put ? withdraw(s, put, -EAGAIN) : (ssize_t)(limit - put);
}

void spsc_close(struct spsc *s)
{
	if (atomic_load_explicit(&s->state, memory_order_acquire) == SPSC_CLOSED)
		return;
	atomic_store_explicit(&s->state, SPSC_CLOSING, memory_order_seq_cst);

	/* From here on the producer's slow path either sees CLOSING, or has set the limit for all to see:
	 * so that ours comes after it. An index that put has reached is a limit it can't pass. */
	waiter_barrier();
	atomic_store_explicit(&s->limit, atomic_load_explicit(&s->put, memory_order_relaxed),
			      memory_order_relaxed);

	/* From here on a put either sees our limit, or has announced itself. put is read first: an announced
	 * put that came to nothing leaves the two equal, one that is under way never does. */
	waiter_barrier();
	while (atomic_load_explicit(&s->put, memory_order_acquire) !=
	       atomic_load_explicit(&s->announced, memory_order_seq_cst))
		sched_yield();

	/* release: pairs with the acquire load in spsc_why_empty() */
	atomic_store_explicit(&s->state, SPSC_CLOSED, memory_order_release);
}

int spsc_why_empty(struct spsc *s, uint64_t get)
{
	/* acquire: pairs with the release store of SPSC_CLOSED in spsc_close(), which came after the last put */
	if (atomic_load_explicit(&s->state, memory_order_acquire) != SPSC_CLOSED)
		return -EAGAIN;
	return spsc_fill(s, get) ? 0 : -ESHUTDOWN;
}

static size_t at_most(uint64_t n, size_t limit)
{
	return n < limit ? (size_t)n : limit;
}

ssize_t spsc_try_put_many(struct spsc *s, void *const *items, size_t n)
{
	uint64_t put = atomic_load_explicit(&s->put, memory_order_relaxed);
	ssize_t room = spsc_reserve(s, put);
	if (room > 0 && (size_t)room < n)
		room = spsc_look_for_room(s, put); /* the limit known may be an old one */
	if (room < 0)
		return room;

	size_t count = at_most((uint64_t)room, n);
	for (size_t i = 0; i < count; i++)
		s->items[(put + i) & s->mask] = items[i];
	/* both relaxed-then-release, in this order: announced and put differ until put is there */
	atomic_store_explicit(&s->announced, put + count, memory_order_relaxed);
	/* release: pairs with the acquire load in spsc_fill() */
	atomic_store_explicit(&s->put, put + count, memory_order_release);
	return (ssize_t)count;
}

ssize_t spsc_try_get_many(struct spsc *s, void **ret_items, size_t n)
{
	uint64_t get = atomic_load_explicit(&s->get, memory_order_relaxed);
	if (s->put_seen - get < n)
		/* acquire: pairs with the release stores of put */
		s->put_seen = atomic_load_explicit(&s->put, memory_order_acquire);
	if (s->put_seen == get) {
		int r = spsc_why_empty(s, get);
		if (r < 0)
			return r;
	}

	size_t count = at_most(s->put_seen - get, n);
	for (size_t i = 0; i < count; i++)
		ret_items[i] = s->items[(get + i) & s->mask];
	/* release: pairs with the acquire load in spsc_look_for_room() */
	atomic_store_explicit(&s->get, get + count, memory_order_release);
	return (ssize_t)count;
}
