/* waiter.h - how one party sleeps until another has something for it, at no cost to the running side.
 *
 *   the one that would sleep                 the one that runs
 *   ------------------------                 -----------------
 *   waitlist_arm(list, node)                 publish (release store of an index)
 *   waiter_barrier()   <- pays for both ->   waitlist_wake_one(list): one relaxed load, no fence
 *   look once more; if still nothing: sleep
 *   waitlist_disarm(list, node)
 *
 * The store-load order that Dekker's pattern needs is supplied by membarrier(2) on the sleeping side
 * (MEMBARRIER_CMD_PRIVATE_EXPEDITED): it makes every other running thread of the process pass a full
 * barrier, so that a publication is either seen by the look, or its publisher sees the node armed.
 *
 * Where the kernel refuses membarrier, waiter_needs_fence is true, and lists that are initialised then
 * carry WAITLIST_FENCE in `armed`, so that the running side's one look always finds it non-zero and takes
 * the branch that pays: a read-modify-write of `armed`. As arming is one too, one of the two comes first
 * in the order of modifications of `armed`, and the second sees what the first did before. That is all in
 * the language's memory model (ThreadSanitizer follows it), and needs no standalone fence.
 *
 * Who sleeps and how is the waiter's own affair: `wake` may unpark a thread, write an eventfd, or mark a
 * worker runnable for a single-threaded scheduler. One waiter may be armed on any number of lists, with a
 * node for each.
 *
 * Threads: any, for every call. Memory: all the caller's. Layer: libc only. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct waiter {
	/* Called on the waker's thread, with the list's lock held: quick, never blocks, never arms. */
	void (*wake)(struct waiter *w);
};

struct wait_node {
	struct waiter *waiter;
	struct wait_node *next, *prev;
	bool armed; /* in the list */
	bool fired; /* taken off the list by a wake since the last disarm */
};

/* In `armed`: whoever looks must first order its look after what it published. */
#define WAITLIST_FENCE (UINT32_C(1) << 31)

struct waitlist {
	/* Nodes in the list, and WAITLIST_FENCE; the running side's only look. */
	_Atomic uint32_t armed;
	pthread_mutex_t lock;           /* for all below, and for changing `armed` */
	struct wait_node *first, *last; /* FIFO: who waits longest is woken first */
};

/* True until waiter_setup() has got membarrier. What it is when a list is initialised decides whether
 * that list's running side pays. */
extern bool waiter_needs_fence;

/* Asks the kernel for membarrier; to be called once before threads start and lists are made. Never fails:
 * without it waiter_needs_fence stays true. `allow` false forces the fence (tests). */
void waiter_setup(bool allow_membarrier);

/* Orders every arm before it with every look after it, against all other threads. A system call. */
void waiter_barrier(void);

void waitlist_init(struct waitlist *l);
/* Nobody may be armed any more. */
void waitlist_release(struct waitlist *l);

/* Puts node at the end of l; arming an armed node changes nothing. A wake that node has taken and not
 * yet reported stays to be reported. */
void waitlist_arm(struct waitlist *l, struct wait_node *node);

/* Takes node off l. True if it had been woken since it was armed: a wake that the caller must use or pass
 * on with waitlist_wake_one(). Once this is back no waker touches the node or its waiter. */
bool waitlist_disarm(struct waitlist *l, struct wait_node *node);

/* How many are armed; a moment's value, which orders nothing. */
static inline uint32_t waitlist_armed(const struct waitlist *l)
{
	return atomic_load_explicit(&l->armed, memory_order_relaxed) & ~WAITLIST_FENCE;
}

/* Slow halves of those below. waitlist_look_slow() is exact, and what its caller reads after it is no older
 * than its look. */
bool waitlist_look_slow(struct waitlist *l);
void waitlist_wake_slow(struct waitlist *l, bool all);

/* The running side's look; true if someone may be armed. */
static inline bool waitlist_has_armed(struct waitlist *l)
{
	/* Holds the compiler back only; the CPU's part is the sleeper's. */
	atomic_signal_fence(memory_order_seq_cst);
	return __builtin_expect(atomic_load_explicit(&l->armed, memory_order_relaxed) != 0, 0);
}

/* To be called after publishing what the waiter waits for. */
static inline void waitlist_wake_one(struct waitlist *l)
{
	if (waitlist_has_armed(l))
		waitlist_wake_slow(l, false);
}

static inline void waitlist_wake_all(struct waitlist *l)
{
	if (waitlist_has_armed(l))
		waitlist_wake_slow(l, true);
}
