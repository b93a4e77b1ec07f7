/* queue.c - the queue's slow paths: waiting, finishing, shutting down. */
#include "ringbuf/queue.h"
#include "ringbuf/pause.h"
#include "ringbuf/parker.h"

#include <assert.h>
#include <sched.h>

/* In pauses (25 to 40 ns each): how long to keep looking before sleeping, in all some 20 us, about what sleeping and
 * being woken on another core costs; and the time between two looks. Coming back for each single item would have both
 * sides fight over the same cache lines, so the first look comes when the other side may have moved a few hundred
 * items, in a ring that has room for them; and it waits longer and longer, but not so long that the other side runs
 * dry. */
enum {
	SPIN_PAUSES = 800,
	FIRST_PAUSES_MAX = 32,
	ITEMS_A_PAUSE = 32, /* of capacity */
	LOOK_PAUSES_MAX = 16,
};

static unsigned pauses_before_look(size_t capacity)
{
	size_t pauses = capacity / ITEMS_A_PAUSE + 1;
	return pauses < FIRST_PAUSES_MAX ? (unsigned)pauses : FIRST_PAUSES_MAX;
}

static unsigned pauses_worthwhile(void)
{
	cpu_set_t mine;
	if (sched_getaffinity(0, sizeof(mine), &mine) == 0 && CPU_COUNT(&mine) == 1)
		return 0; /* nobody else gets on while we spin */
	return SPIN_PAUSES;
}

int queue_init_at(struct queue *q, size_t capacity, enum queue_mode mode, uint64_t first)
{
	int r = -EINVAL;
	assert(mode == QUEUE_SPSC || mode == QUEUE_MPMC);
	*q = (struct queue){
	    .mode = mode, .shift = mode == QUEUE_MPMC, .spin_pauses = pauses_worthwhile()};
	q->first = first << q->shift;
	q->look_pauses = pauses_before_look(capacity);
	atomic_init(&q->done, q->first);
	atomic_init(&q->shut, false);
	waitlist_init(&q->getters);
	waitlist_init(&q->putters);
	waitlist_init(&q->joiners);
	q->shutting = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	if (capacity == 0)
		goto fail;

	r = mode == QUEUE_SPSC ? spsc_init(&q->spsc, capacity, q->first)
			       : mpmc_init(&q->mpmc, capacity, q->first);
	if (r < 0)
		goto fail;
	return 0;
fail:
	queue_release(q);
	return r;
}

int queue_init(struct queue *q, size_t capacity, enum queue_mode mode)
{
	return queue_init_at(q, capacity, mode, 0);
}

void queue_release(struct queue *q)
{
	if (q->mode == QUEUE_SPSC)
		spsc_release(&q->spsc);
	else
		mpmc_release(&q->mpmc);
	waitlist_release(&q->getters);
	waitlist_release(&q->putters);
	waitlist_release(&q->joiners);
	pthread_mutex_destroy(&q->shutting);
}

ssize_t queue_try_put_many(struct queue *q, void *const *items, size_t n)
{
	ssize_t r = 0;
	if (n == 0)
		return 0;
	if (q->mode == QUEUE_SPSC) {
		r = spsc_try_put_many(&q->spsc, items, n);
		if (r > 0)
			waitlist_wake_one(&q->getters);
	} else {
		r = mpmc_try_put_many(&q->mpmc, items, n);
		if (r > 0)
			queue_mpmc_wake_after_put(q);
	}
	return r;
}

ssize_t queue_try_get_many(struct queue *q, void **ret_items, size_t n)
{
	ssize_t r = 0;
	if (n == 0)
		return 0;
	if (q->mode == QUEUE_SPSC) {
		r = spsc_try_get_many(&q->spsc, ret_items, n);
		if (r > 0)
			waitlist_wake_one(&q->putters);
	} else {
		r = mpmc_try_get_many(&q->mpmc, ret_items, n);
		if (r > 0)
			queue_mpmc_wake_after_get(q);
	}
	return r;
}

void queue_pass_on_room(struct queue *q)
{
	if (!queue_full(q))
		waitlist_wake_one(&q->putters);
}

void queue_pass_on_items(struct queue *q)
{
	if (!waitlist_look_slow(&q->getters))
		return;
	/* After the look, so that either the end is seen here, or queue_shutdown() wakes them after our get. */
	if (mpmc_is_closed(&q->mpmc))
		waitlist_wake_all(&q->getters);
	else if (!queue_empty(q))
		waitlist_wake_one(&q->getters);
}

/* ---- Waiting ---- */

/* What a thread waits for: try() until it says other than -EAGAIN. */
struct attempt {
	int (*try)(struct attempt *a);
	struct queue *q;
	void *item;      /* put */
	void **ret_item; /* get */
};

static int attempt_put(struct attempt *a)
{
	return queue_try_put(a->q, a->item);
}

static int attempt_get(struct attempt *a)
{
	return queue_try_get(a->q, a->ret_item);
}

static int attempt_join(struct attempt *a)
{
	return queue_unfinished(a->q) == 0 ? 0 : -EAGAIN;
}

static int spin(struct attempt *a)
{
	int r = -EAGAIN;
	unsigned pauses = a->q->look_pauses;
	for (unsigned all = 0; r == -EAGAIN && all < a->q->spin_pauses; all += pauses) {
		for (unsigned i = 0; i < pauses; i++)
			pause_briefly();
		r = a->try(a);
		if (pauses < LOOK_PAUSES_MAX)
			pauses *= 2;
	}
	return r;
}

/* One sleep on l, by waiter.h's protocol: what the last attempt said, or -ETIMEDOUT. A wake taken and not
 * used is passed on. */
static int sleep_once(struct waitlist *l, struct attempt *a, uint64_t deadline_ns)
{
	struct parker parker;
	parker_init(&parker);
	struct wait_node node = {.waiter = &parker.waiter};

	waitlist_arm(l, &node);
	waiter_barrier();
	int r = a->try(a);
	if (r != -EAGAIN) {
		/* The wake was for something that came after what we have. */
		if (waitlist_disarm(l, &node))
			waitlist_wake_one(l);
		return r;
	}

	bool late = parker_wait(&parker, deadline_ns) == -ETIMEDOUT;
	bool woken = waitlist_disarm(l, &node);
	r = a->try(a); /* which itself wakes the next if it leaves something behind */
	if (r != -EAGAIN || !late)
		return r;
	if (woken)
		waitlist_wake_one(l);
	return -ETIMEDOUT;
}

static int wait_for(struct waitlist *l, struct attempt *a, uint64_t deadline_ns)
{
	int r = spin(a);
	while (r == -EAGAIN)
		r = sleep_once(l, a, deadline_ns);
	return r;
}

int queue_put_slow(struct queue *q, void *item, uint64_t deadline_ns)
{
	struct attempt a = {.try = attempt_put, .q = q, .item = item};
	return wait_for(&q->putters, &a, deadline_ns);
}

int queue_get_slow(struct queue *q, void **ret_item, uint64_t deadline_ns)
{
	struct attempt a = {.try = attempt_get, .q = q, .ret_item = ret_item};
	return wait_for(&q->getters, &a, deadline_ns);
}

/* ---- Finishing ---- */

static uint64_t put_index(const struct queue *q)
{
	/* Closing sets a bit below one item, which every shift right drops. */
	return atomic_load_explicit(q->mode == QUEUE_SPSC ? &q->spsc.put : &q->mpmc.put,
				    memory_order_acquire);
}

static uint64_t get_index(const struct queue *q)
{
	return atomic_load_explicit(q->mode == QUEUE_SPSC ? &q->spsc.get : &q->mpmc.get,
				    memory_order_acquire);
}

uint64_t queue_unfinished(const struct queue *q)
{
	/* done first: if the two are equal, then all was done at the moment it was read. acquire: pairs with
	 * the release in queue_task_done(). */
	uint64_t done = atomic_load_explicit(&q->done, memory_order_acquire);
	return (put_index(q) - done) >> q->shift;
}

uint64_t queue_put_count(const struct queue *q)
{
	return (put_index(q) - q->first) >> q->shift;
}

uint64_t queue_get_count(const struct queue *q)
{
	return (get_index(q) - q->first) >> q->shift;
}

uint64_t queue_done_count(const struct queue *q)
{
	/* acquire: pairs with the release in queue_task_done() */
	return (atomic_load_explicit(&q->done, memory_order_acquire) - q->first) >> q->shift;
}

int queue_task_done(struct queue *q, uint64_t n)
{
	/* acquire, here and below: pairs with the release of others who finish, so that put is not older than what they finished */
	uint64_t done = atomic_load_explicit(&q->done, memory_order_acquire);
	uint64_t left;
	do {
		left = (put_index(q) - done) >> q->shift;
		if (n > left)
			return -EINVAL;
		/* release: pairs with the acquire load in queue_unfinished() */
	} while (!atomic_compare_exchange_weak_explicit(
	    &q->done, &done, done + (n << q->shift), memory_order_acq_rel, memory_order_acquire));
	if (n == left)
		waitlist_wake_all(&q->joiners);
	return 0;
}

int queue_join_until(struct queue *q, uint64_t deadline_ns)
{
	struct attempt a = {.try = attempt_join, .q = q};
	int r = attempt_join(&a);
	return r == -EAGAIN ? wait_for(&q->joiners, &a, deadline_ns) : r;
}

int queue_join(struct queue *q)
{
	return queue_join_until(q, PARKER_FOREVER);
}

/* ---- Shutting down ---- */

void queue_shutdown(struct queue *q)
{
	pthread_mutex_lock(&q->shutting);
	atomic_store_explicit(&q->shut, true, memory_order_relaxed);
	if (q->mode == QUEUE_SPSC)
		spsc_close(&q->spsc);
	else
		mpmc_close(&q->mpmc);
	pthread_mutex_unlock(&q->shutting);

	/* A get that has not seen the end when it looks whom to wake is seen by those woken here. */
	waiter_barrier();
	waitlist_wake_all(&q->getters);
	waitlist_wake_all(&q->putters);
	waitlist_wake_all(&q->joiners);
}

void queue_shutdown_now(struct queue *q, void (*drop)(void *item, void *ctx), void *ctx)
{
	queue_shutdown(q);

	void *item = NULL;
	int r;
	while ((r = queue_try_get(q, &item)) != -ESHUTDOWN) {
		if (r == -EAGAIN) { /* an item is still being put */
			sched_yield();
			continue;
		}
		if (drop)
			drop(item, ctx);
		/* Refused only where a caller has marked more done than it got: then this one is, too. */
		queue_task_done(q, 1);
	}
}

bool queue_is_shutdown(const struct queue *q)
{
	return atomic_load_explicit(&q->shut, memory_order_relaxed);
}

/* ---- A moment's values ---- */

size_t queue_capacity(const struct queue *q)
{
	return (size_t)(q->mode == QUEUE_SPSC ? q->spsc.capacity : q->mpmc.capacity >> q->shift);
}

size_t queue_size(const struct queue *q)
{
	/* get first, so that it is never ahead of put; but what was got since may make it look too much */
	uint64_t get = get_index(q);
	uint64_t size = (put_index(q) - get) >> q->shift;
	size_t capacity = queue_capacity(q);
	return size < capacity ? (size_t)size : capacity;
}

bool queue_empty(const struct queue *q)
{
	return queue_size(q) == 0;
}

bool queue_full(const struct queue *q)
{
	return queue_size(q) == queue_capacity(q);
}

bool queue_has_room(const struct queue *q)
{
	return q->mode == QUEUE_SPSC ? !queue_full(q) : mpmc_would_take(&q->mpmc);
}
