/* counter.h - a number that one thread or many count up and any thread may read; relaxed, so it orders nothing, unless it is
 * published.
 * Layer: libc only. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct counter {
	_Atomic uint64_t value;
};

static inline void counter_add(struct counter *c, uint64_t n)
{
	atomic_fetch_add_explicit(&c->value, n, memory_order_relaxed);
}

static inline void counter_set(struct counter *c, uint64_t n)
{
	atomic_store_explicit(&c->value, n, memory_order_relaxed);
}

/* What the caller did before happened before whatever others do who see n with counter_seen(). */
static inline void counter_publish(struct counter *c, uint64_t n)
{
	/* release: pairs with the acquire load in counter_seen() */
	atomic_store_explicit(&c->value, n, memory_order_release);
}

static inline uint64_t counter_seen(const struct counter *c)
{
	/* acquire: pairs with the release store in counter_publish() */
	return atomic_load_explicit(&c->value, memory_order_acquire);
}

/* To n, if it is less. */
static inline void counter_raise(struct counter *c, uint64_t n)
{
	uint64_t now = atomic_load_explicit(&c->value, memory_order_relaxed);
	while (now < n && !atomic_compare_exchange_weak_explicit(
			      &c->value, &now, n, memory_order_relaxed, memory_order_relaxed))
		;
}

static inline uint64_t counter_get(const struct counter *c)
{
	return atomic_load_explicit(&c->value, memory_order_relaxed);
}
