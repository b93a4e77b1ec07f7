/* refcount.h - how many hold a shared object. The last release happens after everything the others did with it.
 * Threads: any. Layer: libc only. */
#pragma once

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct refcount {
	_Atomic uint32_t holders;
};

static inline void refcount_init(struct refcount *r, uint32_t holders)
{
	atomic_init(&r->holders, holders);
}

static inline void refcount_hold(struct refcount *r)
{
	uint32_t before = atomic_fetch_add_explicit(&r->holders, 1, memory_order_relaxed);
	assert(before > 0 && before < UINT32_MAX);
	(void)before;
}

/* True for the one that let go last: the object is now that caller's alone. */
static inline bool refcount_let_go(struct refcount *r)
{
	/* acq_rel: release for the others to see, acquire for the last to see the others' */
	uint32_t before = atomic_fetch_sub_explicit(&r->holders, 1, memory_order_acq_rel);
	assert(before > 0);
	return before == 1;
}

/* True for the only holder, who may then do with the object what the last one may: nobody else can hold it anew. */
static inline bool refcount_is_only(struct refcount *r)
{
	/* acquire: pairs with the release in the others' refcount_let_go */
	return atomic_load_explicit(&r->holders, memory_order_acquire) == 1;
}
