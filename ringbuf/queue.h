/* queue.h - bounded queue with asyncio.Queue's semantics (Python 3.13), between threads.
 *
 *        get              put            indices are 64-bit and never wrap back; slot = index % slots
 *         v                v
 *   [ . . X X X X X X X X  . . ]         0 <= put - get <= capacity, exactly
 *     ^
 *     done                               unfinished = put - done: got or not, but not yet marked done
 *
 *   OPEN --queue_shutdown()--> SHUT      puts fail; gets drain, then fail; never opens again
 *
 * Two rings behind one interface: spsc.h (one producer, one consumer) and mpmc.h (any number of either).
 * The inline halves below are all there is to an operation that neither finds the ring full or empty nor
 * somebody asleep: no fence, no lock, no system call.
 *
 * Waking: a put wakes one getter, a get one putter, if any is armed (one relaxed load). So a batch of n
 * wakes one as well: whoever, having been woken, leaves items (room) behind while others are armed wakes the
 * next. Being last to finish, and shutdown, wake all.
 *
 * Threads: QUEUE_SPSC: puts from one thread at a time, gets from one thread at a time (handing the role to
 * another thread is up to the caller to synchronise); QUEUE_MPMC: any. All other calls: any thread in both
 * modes, where nothing else is said. Not for signal handlers.
 * Memory: all taken by queue_init(). Items are pointers that the queue never follows. Layer: libc only. */
#pragma once

#include "ringbuf/mpmc.h"
#include "ringbuf/spsc.h"
#include "ringbuf/waiter.h"

#include <stddef.h>
#include <sys/types.h>

enum queue_mode {
	QUEUE_SPSC, /* one producer thread, one consumer thread at a time */
	QUEUE_MPMC,
};

/* Visible in full so that callers can embed it and fast paths inline; its fields are the queue's own. */
struct queue {
	enum queue_mode mode;
	/* Indices here are as the ring keeps them: one item is 1 << shift (mpmc.h has a bit of its own). */
	unsigned shift;
	uint64_t first;
	unsigned spin_pauses; /* how long to go on looking before sleeping */
	unsigned look_pauses; /* before the first look */
	union {
		struct spsc spsc;
		struct mpmc mpmc;
	};
	char apart_from_ring[RINGBUF_APART];
	struct waitlist getters; /* looked at by the producers */
	char apart_from_getters[RINGBUF_APART];
	struct waitlist putters; /* looked at by the consumers */
	char apart_from_putters[RINGBUF_APART];
	struct waitlist joiners;
	_Atomic uint64_t done; /* an index: as many are done as if all before it were */
	_Atomic bool shut;
	pthread_mutex_t shutting; /* held by the one who shuts down */
};

/* 0, -EINVAL (capacity 0), -ENOMEM. waiter_setup() should have been called before. */
int queue_init(struct queue *q, size_t capacity, enum queue_mode mode);

/* The same with indices that start at first: for tests of the wrap. (QUEUE_MPMC counts modulo 2^63.) */
int queue_init_at(struct queue *q, size_t capacity, enum queue_mode mode, uint64_t first);

/* Nobody may be using q. Items still in it are not touched: queue_shutdown_now() is what hands them back. */
void queue_release(struct queue *q);

/* Moves item in. On 0 the queue owns it; on error the caller still does. Never blocks.
 * 0, -EAGAIN when full, -ESHUTDOWN after queue_shutdown(). SPSC: wait-free; MPMC: lock-free. */
RINGBUF_INLINE int queue_try_put(struct queue *q, void *item);

/* The same, but leaves waking a getter to a later queue_tell_getters(), which must follow before the caller sleeps: so
 * that one wake may serve for several puts. */
RINGBUF_INLINE int queue_try_put_untold(struct queue *q, void *item);
RINGBUF_INLINE void queue_tell_getters(struct queue *q);

/* Waits for room. 0 or -ESHUTDOWN. Blocks. */
RINGBUF_INLINE int queue_put(struct queue *q, void *item);

/* Waits for room until CLOCK_MONOTONIC reaches deadline_ns: 0, -ESHUTDOWN or -ETIMEDOUT. Blocks. */
RINGBUF_INLINE int queue_put_until(struct queue *q, void *item, uint64_t deadline_ns);

/* As many of n as fit, in order, published at once: the count, or -EAGAIN / -ESHUTDOWN if none. The queue
 * owns the first count items. Never blocks. SPSC: wait-free; MPMC: lock-free. */
ssize_t queue_try_put_many(struct queue *q, void *const *items, size_t n);

/* Moves the oldest item out, to the caller. 0, -EAGAIN when empty, -ESHUTDOWN when empty and shut down.
 * Never blocks. SPSC: wait-free; MPMC: lock-free. */
RINGBUF_INLINE int queue_try_get(struct queue *q, void **ret_item);

/* The same, and says how many items were got before this one. */
RINGBUF_INLINE int queue_try_get_at(struct queue *q, void **ret_item, uint64_t *ret_position);

/* Waits for an item. 0 or -ESHUTDOWN. Blocks. */
RINGBUF_INLINE int queue_get(struct queue *q, void **ret_item);

/* Waits for an item until CLOCK_MONOTONIC reaches deadline_ns: 0, -ESHUTDOWN or -ETIMEDOUT. Blocks. */
RINGBUF_INLINE int queue_get_until(struct queue *q, void **ret_item, uint64_t deadline_ns);

/* Up to n of the oldest, consecutive and in order: the count, or -EAGAIN / -ESHUTDOWN if none. Never blocks.
 * SPSC: wait-free; MPMC: lock-free. */
ssize_t queue_try_get_many(struct queue *q, void **ret_items, size_t n);

/* n items got earlier are finished. 0, or -EINVAL if that is more than are unfinished: then nothing changes.
 * Never blocks; lock-free (but for waking those who join, when it was the last). */
int queue_task_done(struct queue *q, uint64_t n);

/* Blocks until every item put has been marked done: 0. What was done before that happened before this
 * returns. Puts and shutdowns in the meantime only change how long it takes. */
int queue_join(struct queue *q);
/* The same until CLOCK_MONOTONIC reaches deadline_ns: 0 or -ETIMEDOUT. */
int queue_join_until(struct queue *q, uint64_t deadline_ns);

/* Puts fail from now on; gets drain what is there, then fail. Wakes everyone. Twice does no harm. Once it is
 * back, every put that will ever return 0 can be got. May wait for a put that is under way (SPSC). */
void queue_shutdown(struct queue *q);

/* Also discards what is queued, handing each item to drop (may be NULL) and counting it done. May wait for
 * puts that are under way.
 * QUEUE_SPSC: only from the consumer's thread (or when there is none). */
void queue_shutdown_now(struct queue *q, void (*drop)(void *item, void *ctx), void *ctx);

bool queue_is_shutdown(const struct queue *q);

/* A moment's values; from another thread they may be out of date before they are back. */
size_t queue_size(const struct queue *q);
bool queue_empty(const struct queue *q);
bool queue_full(const struct queue *q);
uint64_t queue_unfinished(const struct queue *q);

/* For the only producer there is: a put would not fail for want of room. (With several consumers a queue that is not full may
 * be refused that for a moment more, while the last item is moved out.) */
bool queue_has_room(const struct queue *q);

/* How many items were ever put, and how many of them are done. What was done before the count that is returned came to
 * be happened before this returns. */
uint64_t queue_put_count(const struct queue *q);
uint64_t queue_get_count(const struct queue *q); /* and got, by anybody */
uint64_t queue_done_count(const struct queue *q);

/* As given to queue_init(). */
size_t queue_capacity(const struct queue *q);

/* The lists a caller with its own way of sleeping arms itself on: woken when an item, room, or "all done"
 * appears, and at shutdown. Protocol: waiter.h. */
RINGBUF_INLINE struct waitlist *queue_getters(struct queue *q)
{
	return &q->getters;
}

RINGBUF_INLINE struct waitlist *queue_putters(struct queue *q)
{
	return &q->putters;
}

RINGBUF_INLINE struct waitlist *queue_joiners(struct queue *q)
{
	return &q->joiners;
}

/* ---- The rest is how the inline ones work. ---- */

/* Slow halves: when others may have to be woken, and when the caller has to wait. */
void queue_pass_on_room(struct queue *q);
void queue_pass_on_items(struct queue *q);
int queue_put_slow(struct queue *q, void *item, uint64_t deadline_ns);
int queue_get_slow(struct queue *q, void **ret_item, uint64_t deadline_ns);

/* The one producer of a QUEUE_SPSC has no other to pass room on to, so this is for QUEUE_MPMC. As the wake to
 * be passed on was taken under the list's lock, the second look needs no order. */
RINGBUF_INLINE void queue_mpmc_wake_after_put(struct queue *q)
{
	waitlist_wake_one(&q->getters);
	if (__builtin_expect(waitlist_armed(&q->putters) != 0, 0))
		queue_pass_on_room(q);
}

/* Here the second look does: once puts are at an end, taking the last item is what the other getters wait
 * for. (They may sleep again after the shutdown that woke them, if a put was still under way then.) */
RINGBUF_INLINE void queue_mpmc_wake_after_get(struct queue *q)
{
	waitlist_wake_one(&q->putters);
	if (waitlist_has_armed(&q->getters))
		queue_pass_on_items(q);
}

/* Each starts with the one branch between the modes, so that either path is straight. */

RINGBUF_INLINE int queue_try_put(struct queue *q, void *item)
{
	int r;
	if (q->mode == QUEUE_SPSC) {
		r = spsc_try_put(&q->spsc, item);
		if (__builtin_expect(r == 0, 1))
			waitlist_wake_one(&q->getters);
	} else {
		r = mpmc_try_put(&q->mpmc, item);
		if (__builtin_expect(r == 0, 1))
			queue_mpmc_wake_after_put(q);
	}
	return r;
}

RINGBUF_INLINE int queue_try_put_untold(struct queue *q, void *item)
{
	return q->mode == QUEUE_SPSC ? spsc_try_put(&q->spsc, item) : mpmc_try_put(&q->mpmc, item);
}

RINGBUF_INLINE void queue_tell_getters(struct queue *q)
{
	if (q->mode == QUEUE_SPSC)
		waitlist_wake_one(&q->getters);
	else
		queue_mpmc_wake_after_put(q);
}

RINGBUF_INLINE int queue_try_get_at(struct queue *q, void **ret_item, uint64_t *ret_position)
{
	uint64_t index = 0;
	int r;
	if (q->mode == QUEUE_SPSC) {
		r = spsc_try_get(&q->spsc, ret_item, &index);
		if (__builtin_expect(r == 0, 1))
			waitlist_wake_one(&q->putters);
	} else {
		r = mpmc_try_get(&q->mpmc, ret_item, &index);
		if (__builtin_expect(r == 0, 1))
			queue_mpmc_wake_after_get(q);
	}
	if (__builtin_expect(r == 0, 1))
		*ret_position = (index - q->first) >> q->shift;
	return r;
}

RINGBUF_INLINE int queue_try_get(struct queue *q, void **ret_item)
{
	uint64_t position;
	return queue_try_get_at(q, ret_item, &position);
}

RINGBUF_INLINE int queue_put_until(struct queue *q, void *item, uint64_t deadline_ns)
{
	int r = queue_try_put(q, item);
	return __builtin_expect(r == -EAGAIN, 0) ? queue_put_slow(q, item, deadline_ns) : r;
}

RINGBUF_INLINE int queue_put(struct queue *q, void *item)
{
	return queue_put_until(q, item, UINT64_MAX);
}

RINGBUF_INLINE int queue_get_until(struct queue *q, void **ret_item, uint64_t deadline_ns)
{
	int r = queue_try_get(q, ret_item);
	if (__builtin_expect(r == -EAGAIN, 0)) {
		/* A variable of its own, so that the caller's can stay in a register. */
		void *item;
		r = queue_get_slow(q, &item, deadline_ns);
		if (r == 0)
			*ret_item = item;
	}
	return r;
}

RINGBUF_INLINE int queue_get(struct queue *q, void **ret_item)
{
	return queue_get_until(q, ret_item, UINT64_MAX);
}
