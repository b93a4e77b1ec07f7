/* Stress: many producers and consumers, few slots, every form of put and get; then everything is accounted for.
 * Each item says who put it and as which of theirs, so that each consumer can check that it sees every producer's
 * items in order, and all together that nothing is missing or came twice. */
#include "tests/unit/ringbuf/ringbuf_testing.h"

#include <stdlib.h>

TestSuite(queue_stress, .timeout = 300);

enum { PARTIES_MAX = 4, BATCH_MAX = 7 };

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
enum { ITEMS = 6000 };
#else
enum { ITEMS = 20000 };
#endif

struct setup {
	enum queue_mode mode;
	unsigned producers, consumers;
	size_t capacity;
	uint64_t first;
	bool sleeps_at_once; /* without looking again first */
};

struct stress {
	struct queue q;
	const struct setup *setup;
	_Atomic unsigned char *seen; /* [producer * ITEMS + number] */
	pthread_barrier_t start;
};

struct party {
	struct stress *stress;
	unsigned me;
	uint64_t handled;
	const char *wrong; /* the first thing that was */
};

/* Neither 0 nor in need of memory. */
static void *item_of(unsigned producer, unsigned number)
{
	return item((uintptr_t)producer << 32 | (number + 1));
}

/* One item, or a batch from there on, by a form that depends on the number; how many went in. */
static unsigned put_some(struct party *p, unsigned number)
{
	struct queue *q = &p->stress->q;
	void *batch[BATCH_MAX];
	unsigned n = 0;
	ssize_t r;
	switch (number % 5) {
	case 0:
		return queue_put(q, item_of(p->me, number)) == 0;
	case 1:
		return queue_put_until(q, item_of(p->me, number), now_ns() + 20000) == 0;
	case 2:
		return queue_try_put(q, item_of(p->me, number)) == 0;
	default:
		for (; n < 1 + number % BATCH_MAX && number + n < ITEMS; n++)
			batch[n] = item_of(p->me, number + n);
		r = queue_try_put_many(q, batch, n);
		return r > 0 ? (unsigned)r : queue_put(q, batch[0]) == 0;
	}
}

static void *producer_main(void *arg)
{
	struct party *p = arg;
	pthread_barrier_wait(&p->stress->start);
	while (p->handled < ITEMS)
		p->handled += put_some(p, (unsigned)p->handled);
	return NULL;
}

/* The count, 0 for none now, -ESHUTDOWN at the end. */
static ssize_t get_some(struct queue *q, uint64_t turn, void **ret_items)
{
	int r;
	ssize_t count;
	switch (turn % 4) {
	case 0:
		r = queue_get(q, ret_items);
		break;
	case 1:
		r = queue_get_until(q, ret_items, now_ns() + 20000);
		break;
	case 2:
		r = queue_try_get(q, ret_items);
		break;
	default:
		count = queue_try_get_many(q, ret_items, 1 + turn / 4 % BATCH_MAX);
		return count == -EAGAIN ? 0 : count;
	}
	return r == 0 ? 1 : r == -ESHUTDOWN ? r : 0;
}

static void check(struct party *p, unsigned *next, void *got)
{
	struct stress *s = p->stress;
	unsigned producer = (unsigned)((uintptr_t)got >> 32), number = (unsigned)(uintptr_t)got - 1;
	if (producer >= s->setup->producers || number >= ITEMS) {
		p->wrong = "not an item";
		return;
	}
	if (number < next[producer])
		p->wrong = "a producer's items came out of order";
	next[producer] = number + 1;
	if (atomic_fetch_add_explicit(&s->seen[producer * ITEMS + number], 1,
				      memory_order_relaxed) != 0)
		p->wrong = "an item came twice";
}

static void *consumer_main(void *arg)
{
	struct party *p = arg;
	unsigned next[PARTIES_MAX] = {0};
	void *items[BATCH_MAX];
	ssize_t count;
	pthread_barrier_wait(&p->stress->start);
	for (uint64_t turn = p->me; (count = get_some(&p->stress->q, turn, items)) >= 0; turn++) {
		for (ssize_t i = 0; i < count; i++)
			check(p, next, items[i]);
		if (count > 0 && queue_task_done(&p->stress->q, (uint64_t)count) < 0)
			p->wrong = "what was got could not be marked done";
		p->handled += (uint64_t)count;
	}
	return NULL;
}

static void start_parties(struct stress *s, struct party *parties, pthread_t *threads,
			  unsigned count, void *(*party_main)(void *arg))
{
	for (unsigned i = 0; i < count; i++) {
		parties[i] = (struct party){.stress = s, .me = i};
		cr_assert_eq(pthread_create(&threads[i], NULL, party_main, &parties[i]), 0);
	}
}

static void run(const struct setup *setup)
{
	struct stress s = {.setup = setup};
	struct party producers[PARTIES_MAX], consumers[PARTIES_MAX];
	pthread_t putting[PARTIES_MAX], getting[PARTIES_MAX];
	uint64_t total = (uint64_t)setup->producers * ITEMS, handled = 0;

	s.seen = calloc(total, sizeof(*s.seen));
	cr_assert_not_null(s.seen);
	cr_assert_eq(queue_init_at(&s.q, setup->capacity, setup->mode, setup->first), 0);
	if (setup->sleeps_at_once)
		s.q.spin_pauses = 0;
	pthread_barrier_init(&s.start, NULL, setup->producers + setup->consumers);
	start_parties(&s, producers, putting, setup->producers, producer_main);
	start_parties(&s, consumers, getting, setup->consumers, consumer_main);

	for (unsigned i = 0; i < setup->producers; i++)
		pthread_join(putting[i], NULL);
	cr_assert_eq(queue_join_until(&s.q, in_ms(60000)), 0, "a wake was lost, or an item");
	queue_shutdown(&s.q);
	for (unsigned i = 0; i < setup->consumers; i++) {
		pthread_join(getting[i], NULL);
		cr_assert_null(consumers[i].wrong, "%s", consumers[i].wrong);
		handled += consumers[i].handled;
	}
	cr_assert_eq(handled, total);
	for (uint64_t i = 0; i < total; i++)
		cr_assert_eq(atomic_load_explicit(&s.seen[i], memory_order_relaxed), 1);

	pthread_barrier_destroy(&s.start);
	queue_release(&s.q);
	free(s.seen);
}

static const struct setup setups[] = {
    {QUEUE_SPSC, 1, 1, 1, 0, true},
    {QUEUE_SPSC, 1, 1, 5, UINT32_MAX - 1000, false},
    {QUEUE_SPSC, 1, 1, 64, UINT64_MAX - 1000, false},
    {QUEUE_MPMC, 1, 1, 1, UINT64_MAX - 1000, true},
    {QUEUE_MPMC, 3, 3, 1, 0, false},
    {QUEUE_MPMC, 4, 4, 3, (UINT64_MAX >> 1) - 1000, true},
    {QUEUE_MPMC, 1, 4, 8, 0, false},
    {QUEUE_MPMC, 4, 1, 8, UINT32_MAX - 1000, false},
    {QUEUE_MPMC, 4, 4, 1000, UINT64_MAX - 1000, false},
};

static void run_all(bool membarrier)
{
	waiter_setup(membarrier);
	for (size_t i = 0; i < sizeof(setups) / sizeof(setups[0]); i++)
		run(&setups[i]);
}

Test(queue_stress, nothing_is_lost_doubled_or_reordered)
{
	run_all(true);
}

Test(queue_stress, nothing_is_lost_doubled_or_reordered_without_membarrier)
{
	run_all(false);
}

/* ---- What a second thread may see on the way ---- */

static void *take_whole_batches_main(void *arg)
{
	struct queue *q = arg;
	void *out[BATCH_MAX];
	ssize_t count;
	while ((count = queue_try_get_many(q, out, BATCH_MAX)) != -ESHUTDOWN) {
		if (count == -EAGAIN)
			continue;
		if (count != BATCH_MAX)
			return "a batch was seen in part";
		queue_task_done(q, (uint64_t)count);
	}
	return NULL;
}

Test(queue_stress, batch_appears_all_at_once)
{
	waiter_setup(true);
	BOTH_MODES(mode)
	{
		struct queue q;
		pthread_t taker;
		void *in[BATCH_MAX] = {NULL}, *wrong;
		init(&q, 2 * BATCH_MAX, mode);
		cr_assert_eq(pthread_create(&taker, NULL, take_whole_batches_main, &q), 0);
		for (unsigned i = 0; i < ITEMS / 4 && !queue_is_shutdown(&q); i++) {
			cr_assert_eq(queue_try_put_many(&q, in, BATCH_MAX), BATCH_MAX);
			cr_assert_eq(queue_join_until(&q, in_ms(1000)), 0,
				     "a batch was seen in part");
		}
		queue_shutdown(&q);
		pthread_join(taker, &wrong);
		cr_assert_null(wrong);
		queue_release(&q);
	}
}

static void *watch_unfinished_main(void *arg)
{
	struct queue *q = arg;
	while (!queue_is_shutdown(q))
		if (queue_unfinished(q) == 0)
			return "nothing was unfinished";
	return NULL;
}

/* At every moment something is unfinished, and so it must look. */
Test(queue_stress, join_is_not_fooled_by_puts_and_dones_in_between)
{
	waiter_setup(true);
	BOTH_MODES(mode)
	{
		struct queue q;
		pthread_t watcher;
		void *wrong;
		init(&q, 2, mode);
		put(&q, 1);
		cr_assert_eq(pthread_create(&watcher, NULL, watch_unfinished_main, &q), 0);
		for (unsigned i = 0; i < 20 * ITEMS; i++) {
			put(&q, 1);
			get(&q);
			queue_task_done(&q, 1);
		}
		queue_shutdown(&q);
		pthread_join(watcher, &wrong);
		cr_assert_null(wrong);
		queue_release(&q);
	}
}
