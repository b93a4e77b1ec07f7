/* reasons.h - how often each of a few reasons was given, by any threads; each is a text that lives as long as the program.
 *
 * Lock-free: an entry is claimed once, by a release store of the text that pairs with the acquire load of whoever looks.
 * Layer: libc only. */
#pragma once

#include "ringbuf/counter.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { REASONS_MAX = 32 }; /* whatever is said beyond these is counted as the last one */

struct reason_entry {
	_Atomic(const char *) what; /* NULL: free, and so are all behind it */
	struct counter count;
};

struct reasons {
	struct reason_entry entries[REASONS_MAX];
};

/* The entry of that text, claimed if it is free; NULL: it is another's. */
static inline struct reason_entry *reason_claim(struct reason_entry *e, const char *what,
						bool *ret_first)
{
	const char *there = atomic_load_explicit(&e->what, memory_order_acquire);
	*ret_first = !there && atomic_compare_exchange_strong_explicit(&e->what, &there, what,
								       memory_order_release,
								       memory_order_acquire);
	return *ret_first || there == what || strcmp(there, what) == 0 ? e : NULL;
}

/* True when it is said for the first time. */
static inline bool reasons_add(struct reasons *t, const char *what, uint64_t n)
{
	bool first = false;
	struct reason_entry *e = NULL;
	for (size_t i = 0; i < REASONS_MAX && !e; i++)
		e = reason_claim(&t->entries[i], what, &first);
	if (!e)
		e = &t->entries[REASONS_MAX - 1];
	counter_add(&e->count, n);
	return first;
}

/* The text of entry i, NULL when there are no more; and how often. */
static inline const char *reasons_get(const struct reasons *t, size_t i, uint64_t *ret_count)
{
	if (i >= REASONS_MAX)
		return NULL;
	*ret_count = counter_get(&t->entries[i].count);
	return atomic_load_explicit(&t->entries[i].what, memory_order_acquire);
}
