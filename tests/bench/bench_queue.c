/* bench_queue.c - the queue against what bounds it (a bare ring that can do nothing else) and against others.
 *
 *   bench_queue [--rounds N] [--items N] [--machine-readable]
 *
 * Every contestant moves the same pointers, as many, through a ring of the same capacity, on threads pinned to
 * two cores; rounds are interleaved, so that a noisy moment hits all alike, and the median counts. Who finds a
 * ring full or empty goes through the same idle() in all cases, except the blocking forms, which wait by
 * themselves: that is what is measured.
 *
 * One producer and one consumer sit on a core each. Two and two are spread, one of each on either core, so
 * that both ends are contended. Exits non-zero on a malfunction only: missing a wanted ratio is a finding. */
#include "ringbuf/pause.h"
#include "ringbuf/queue.h"

#include <ck_ring.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CAPACITY = 1024, PAIRS_MAX = 2, ROUNDS_MAX = 101, APART = 128 };

/* The one way of waiting of all that don't bring their own: look again after a pause; and as the one waited
 * for may need this core, let it have it now and then. */
static inline __attribute__((always_inline)) void idle(unsigned *tries)
{
	if (++*tries % 256)
		pause_briefly();
	else
		sched_yield();
}

/* ---- The bare ring: Lamport's, with the other side's index cached ---- */

struct bare {
	_Alignas(APART) _Atomic uint64_t put;
	uint64_t get_seen;
	_Alignas(APART) _Atomic uint64_t get;
	uint64_t put_seen;
	_Alignas(APART) uint64_t mask;
	void *items[CAPACITY];
};

static inline __attribute__((always_inline)) bool bare_put(struct bare *b, void *item)
{
	uint64_t put = atomic_load_explicit(&b->put, memory_order_relaxed);
	if (put - b->get_seen > b->mask) {
		b->get_seen = atomic_load_explicit(&b->get, memory_order_acquire);
		if (put - b->get_seen > b->mask)
			return false;
	}
	b->items[put & b->mask] = item;
	atomic_store_explicit(&b->put, put + 1, memory_order_release);
	return true;
}

static inline __attribute__((always_inline)) bool bare_get(struct bare *b, void **ret_item)
{
	uint64_t get = atomic_load_explicit(&b->get, memory_order_relaxed);
	if (get == b->put_seen) {
		b->put_seen = atomic_load_explicit(&b->put, memory_order_acquire);
		if (get == b->put_seen)
			return false;
	}
	*ret_item = b->items[get & b->mask];
	atomic_store_explicit(&b->get, get + 1, memory_order_release);
	return true;
}

/* ---- A ring behind a mutex and two condition variables ---- */

struct locked {
	pthread_mutex_t lock;
	pthread_cond_t not_full, not_empty;
	size_t put, get;
	void *items[CAPACITY];
};

static void locked_put(struct locked *l, void *item)
{
	pthread_mutex_lock(&l->lock);
	while (l->put - l->get == CAPACITY)
		pthread_cond_wait(&l->not_full, &l->lock);
	l->items[l->put++ % CAPACITY] = item;
	pthread_cond_signal(&l->not_empty);
	pthread_mutex_unlock(&l->lock);
}

static void *locked_get(struct locked *l)
{
	pthread_mutex_lock(&l->lock);
	while (l->put == l->get)
		pthread_cond_wait(&l->not_empty, &l->lock);
	void *item = l->items[l->get++ % CAPACITY];
	pthread_cond_signal(&l->not_full);
	pthread_mutex_unlock(&l->lock);
	return item;
}

/* ---- All that a round needs; static, so that no contestant's memory is luckier than another's ---- */

static struct bare bare;
static struct locked locked;
static struct queue queue;
static struct {
	_Alignas(APART) ck_ring_t ring;
	_Alignas(APART) ck_ring_buffer_t slots[2 * CAPACITY];
} ck;

/* Items are numbers from 1 up: their sum tells whether all arrived. */
typedef void produce_fn(uint64_t first, uint64_t n);
typedef uint64_t consume_fn(uint64_t n);

/* The loops of a contestant, of an expression that puts `item` and one that gets into `item`. */
#define CONTESTANT(name, put, get)                                                                 \
	static void name##_produce(uint64_t first, uint64_t n)                                     \
	{                                                                                          \
		unsigned tries = 0;                                                                \
		for (uint64_t i = first; i < first + n; i++) {                                     \
			void *item = (void *)(uintptr_t)i;                                         \
			while (!(put))                                                             \
				idle(&tries);                                                      \
		}                                                                                  \
	}                                                                                          \
	static uint64_t name##_consume(uint64_t n)                                                 \
	{                                                                                          \
		unsigned tries = 0;                                                                \
		uint64_t sum = 0;                                                                  \
		for (uint64_t i = 0; i < n; i++) {                                                 \
			void *item = NULL;                                                         \
			while (!(get))                                                             \
				idle(&tries);                                                      \
			sum += (uintptr_t)item;                                                    \
		}                                                                                  \
		return sum;                                                                        \
	}

CONTESTANT(bare, bare_put(&bare, item), bare_get(&bare, &item))
CONTESTANT(queue_try, queue_try_put(&queue, item) == 0, queue_try_get(&queue, &item) == 0)
CONTESTANT(queue_blocking, queue_put(&queue, item) == 0, queue_get(&queue, &item) == 0)
CONTESTANT(ck_spsc, ck_ring_enqueue_spsc(&ck.ring, ck.slots, item),
	   ck_ring_dequeue_spsc(&ck.ring, ck.slots, &item))
CONTESTANT(ck_mpmc, ck_ring_enqueue_mpmc(&ck.ring, ck.slots, item),
	   ck_ring_dequeue_mpmc(&ck.ring, ck.slots, &item))
CONTESTANT(locked, (locked_put(&locked, item), true), (item = locked_get(&locked), true))

enum setup { BARE, QUEUE_S, QUEUE_M, CK, LOCKED };

struct contestant {
	const char *name;
	enum setup setup;
	unsigned pairs; /* of producer and consumer */
	produce_fn *produce;
	consume_fn *consume;
	const char *peer; /* whose figure ours is measured against */
	double wanted;    /* times the peer's */
	double rates[ROUNDS_MAX];
	double rate; /* median, million items a second */
};

static struct contestant contestants[] = {
    {"bare ring 1P1C", BARE, 1, bare_produce, bare_consume, NULL, 0, {0}, 0},
    {"queue SPSC try 1P1C",
     QUEUE_S,
     1,
     queue_try_produce,
     queue_try_consume,
     "bare ring 1P1C",
     0.9,
     {0},
     0},
    {"queue SPSC blocking 1P1C",
     QUEUE_S,
     1,
     queue_blocking_produce,
     queue_blocking_consume,
     "bare ring 1P1C",
     0.9,
     {0},
     0},
    {"ck_ring SPSC 1P1C", CK, 1, ck_spsc_produce, ck_spsc_consume, NULL, 0, {0}, 0},
    {"mutex+condvar 1P1C", LOCKED, 1, locked_produce, locked_consume, NULL, 0, {0}, 0},
    {"ck_ring MPMC 1P1C", CK, 1, ck_mpmc_produce, ck_mpmc_consume, NULL, 0, {0}, 0},
    {"queue MPMC try 1P1C",
     QUEUE_M,
     1,
     queue_try_produce,
     queue_try_consume,
     "ck_ring MPMC 1P1C",
     3,
     {0},
     0},
    {"queue MPMC blocking 1P1C",
     QUEUE_M,
     1,
     queue_blocking_produce,
     queue_blocking_consume,
     "ck_ring MPMC 1P1C",
     3,
     {0},
     0},
    {"ck_ring MPMC 2P2C", CK, 2, ck_mpmc_produce, ck_mpmc_consume, NULL, 0, {0}, 0},
    {"queue MPMC try 2P2C",
     QUEUE_M,
     2,
     queue_try_produce,
     queue_try_consume,
     "ck_ring MPMC 2P2C",
     3,
     {0},
     0},
    {"queue MPMC blocking 2P2C",
     QUEUE_M,
     2,
     queue_blocking_produce,
     queue_blocking_consume,
     "ck_ring MPMC 2P2C",
     3,
     {0},
     0},
    {"mutex+condvar 2P2C", LOCKED, 2, locked_produce, locked_consume, NULL, 0, {0}, 0},
};
enum { CONTESTANTS = sizeof(contestants) / sizeof(contestants[0]) };

/* ---- One round of one contestant ---- */

struct party {
	pthread_t thread;
	const struct contestant *contestant;
	pthread_barrier_t *start;
	bool consumes;
	unsigned cpu;
	uint64_t first, n, sum;
	double began, ended; /* by its own clock: the main thread may be late for a core */
};

static void malfunction(const char *what, const char *name)
{
	fprintf(stderr, "bench_queue: %s: %s\n", name, what);
	exit(EXIT_FAILURE);
}

/* The index-th CPU this process may use, going round. */
static size_t pin(unsigned index)
{
	static cpu_set_t allowed;
	if (CPU_COUNT(&allowed) == 0)
		sched_getaffinity(0, sizeof(allowed), &allowed);
	index %= (unsigned)CPU_COUNT(&allowed);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed) && index-- == 0)
			return cpu;
	return 0;
}

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *party_main(void *arg)
{
	struct party *p = arg;
	pthread_barrier_wait(p->start);
	p->began = now_s();
	if (p->consumes)
		p->sum = p->contestant->consume(p->n);
	else
		p->contestant->produce(p->first, p->n);
	p->ended = now_s();
	return NULL;
}

static void set_up(const struct contestant *c)
{
	switch (c->setup) {
	case BARE:
		memset(&bare, 0, sizeof(bare));
		bare.mask = CAPACITY - 1;
		break;
	case QUEUE_S:
	case QUEUE_M:
		if (queue_init(&queue, CAPACITY, c->setup == QUEUE_S ? QUEUE_SPSC : QUEUE_MPMC) < 0)
			malfunction("out of memory", c->name);
		break;
	case CK:
		ck_ring_init(&ck.ring, CAPACITY); /* holds one less */
		break;
	case LOCKED:
		pthread_mutex_init(&locked.lock, NULL);
		pthread_cond_init(&locked.not_full, NULL);
		pthread_cond_init(&locked.not_empty, NULL);
		locked.put = locked.get = 0;
		break;
	}
}

static void start_party(struct party *p)
{
	pthread_attr_t attr;
	cpu_set_t cpus;
	CPU_ZERO(&cpus);
	CPU_SET(pin(p->cpu), &cpus);
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	if (pthread_create(&p->thread, &attr, party_main, p) != 0)
		malfunction("cannot start a thread", p->contestant->name);
	pthread_attr_destroy(&attr);
}

/* Million items a second. */
static double run(const struct contestant *c, uint64_t items)
{
	struct party parties[2 * PAIRS_MAX];
	unsigned count = 2 * c->pairs;
	uint64_t each = items / c->pairs;
	pthread_barrier_t start;

	set_up(c);
	pthread_barrier_init(&start, NULL, count);
	for (unsigned i = 0; i < count; i++) {
		bool consumes = i >= c->pairs;
		parties[i] = (struct party){.contestant = c,
					    .start = &start,
					    .consumes = consumes,
					    .cpu = i,
					    .first = 1 + i * each,
					    .n = each};
		start_party(&parties[i]);
	}

	uint64_t sum = 0;
	double began = 0, ended = 0;
	for (unsigned i = 0; i < count; i++) {
		pthread_join(parties[i].thread, NULL);
		sum += parties[i].sum;
		if (i == 0 || parties[i].began < began)
			began = parties[i].began;
		if (parties[i].ended > ended)
			ended = parties[i].ended;
	}
	double took = ended - began;

	uint64_t total = each * c->pairs;
	if (sum != total * (total + 1) / 2)
		malfunction("items were lost or came twice", c->name);
	if (c->setup == QUEUE_S || c->setup == QUEUE_M)
		queue_release(&queue);
	pthread_barrier_destroy(&start);
	return (double)total / took / 1e6;
}

/* ---- The table ---- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double rate_of(const char *name)
{
	for (size_t i = 0; i < CONTESTANTS; i++)
		if (strcmp(contestants[i].name, name) == 0)
			return contestants[i].rate;
	abort();
}

static void print_table(bool machine_readable)
{
	if (!machine_readable)
		printf("%-26s %12s  %-18s %7s %7s\n", "", "M items/s", "against", "wanted", "got");
	for (size_t i = 0; i < CONTESTANTS; i++) {
		const struct contestant *c = &contestants[i];
		if (machine_readable)
			printf("%s\t%.3f\n", c->name, c->rate);
		else if (c->peer)
			printf("%-26s %12.2f  %-18s %7.2f %7.2f\n", c->name, c->rate, c->peer,
			       c->wanted, c->rate / rate_of(c->peer));
		else
			printf("%-26s %12.2f\n", c->name, c->rate);
	}
}

static unsigned long number(const char *text, unsigned long min, unsigned long max)
{
	char *end;
	errno = 0;
	unsigned long n = strtoul(text, &end, 10);
	if (errno || *end || end == text || n < min || n > max) {
		fprintf(stderr, "bench_queue: %s: a number from %lu to %lu\n", text, min, max);
		exit(2);
	}
	return n;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"rounds", required_argument, NULL, 'r'},
						{"items", required_argument, NULL, 'i'},
						{"machine-readable", no_argument, NULL, 'm'},
						{NULL, 0, NULL, 0}};
	unsigned long rounds = 7, items = 2000000;
	bool machine_readable = false;
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (o == 'r')
			rounds = number(optarg, 1, ROUNDS_MAX);
		else if (o == 'i')
			items = number(optarg, PAIRS_MAX, 1000000000);
		else if (o == 'm')
			machine_readable = true;
		else
			return 2;
	}

	waiter_setup(true);
	for (unsigned long round = 0; round < rounds; round++)
		for (size_t i = 0; i < CONTESTANTS; i++)
			contestants[i].rates[round] = run(&contestants[i], items);
	for (size_t i = 0; i < CONTESTANTS; i++) {
		qsort(contestants[i].rates, rounds, sizeof(double), compare);
		contestants[i].rate = contestants[i].rates[rounds / 2];
	}
	print_table(machine_readable);
	return EXIT_SUCCESS;
}
