/* Reasons: each text once, every time counted; alone, and with many threads that give the same ones for the first time at once
 * while another reads them.
 *
 * Under stress each thread has texts of its own with the same words, and writes them just before it gives them: who compares with
 * another's, or reads it, does so rightly only by the release store and acquire load that reasons.h names. */
#include "ringbuf/reasons.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>

TestSuite(reasons, .timeout = 300);

enum { GIVERS = 4, TEXTS_MAX = REASONS_MAX + 8, TEXT_BYTES = 32, TIMES = 20, ROUNDS = 200 };

static size_t count_texts(const struct reasons *r)
{
	uint64_t count;
	size_t n = 0;
	while (reasons_get(r, n, &count))
		n++;
	return n;
}

static uint64_t count_all(const struct reasons *r)
{
	uint64_t count, sum = 0;
	for (size_t i = 0; reasons_get(r, i, &count); i++)
		sum += count;
	return sum;
}

Test(reasons, only_the_first_time_of_a_text_is_told_as_the_first)
{
	static struct reasons r;
	char same[] = "out of room";
	uint64_t count;
	cr_assert_null(reasons_get(&r, 0, &count));
	cr_assert(reasons_add(&r, "out of room", 1));
	cr_assert_not(reasons_add(&r, same, 2), "another place with the same words");
	cr_assert(reasons_add(&r, "not an int", 5));
	cr_assert_str_eq(reasons_get(&r, 0, &count), "out of room");
	cr_assert_eq(count, 3);
	cr_assert_str_eq(reasons_get(&r, 1, &count), "not an int");
	cr_assert_eq(count, 5);
	cr_assert_null(reasons_get(&r, 2, &count));
}

Test(reasons, those_beyond_the_most_are_counted_as_the_last)
{
	static struct reasons r;
	static char texts[TEXTS_MAX][TEXT_BYTES];
	uint64_t count;
	for (size_t i = 0; i < TEXTS_MAX; i++) {
		snprintf(texts[i], TEXT_BYTES, "reason %zu", i);
		cr_assert_eq(reasons_add(&r, texts[i], 1), i < REASONS_MAX);
	}
	cr_assert_eq(count_texts(&r), REASONS_MAX);
	cr_assert_str_eq(reasons_get(&r, REASONS_MAX - 1, &count), texts[REASONS_MAX - 1]);
	cr_assert_eq(count, 1 + TEXTS_MAX - REASONS_MAX);
}

/* ---- many threads ---- */

struct stress {
	struct reasons reasons;
	size_t text_count;
	pthread_barrier_t start;
	_Atomic unsigned giving;
	_Atomic unsigned firsts;
};

struct giver {
	struct stress *stress;
	size_t me;
	char texts[TEXTS_MAX][TEXT_BYTES];
	pthread_t thread;
};

/* All texts, beginning with another one each time; the first threads begin with the same, so that they meet. */
static void *giver_main(void *arg)
{
	struct giver *g = arg;
	struct stress *s = g->stress;
	pthread_barrier_wait(&s->start);
	for (size_t i = 0; i < TIMES * s->text_count; i++) {
		size_t n = (i + g->me / 2) % s->text_count;
		if (i < s->text_count)
			snprintf(g->texts[n], TEXT_BYTES, "reason %zu", n);
		if (reasons_add(&s->reasons, g->texts[n], 1))
			atomic_fetch_add_explicit(&s->firsts, 1, memory_order_relaxed);
	}
	atomic_fetch_sub_explicit(&s->giving, 1, memory_order_relaxed);
	return NULL;
}

/* What it has once seen stays: texts where they are, counts no lower. The first thing that is wrong; NULL: nothing. */
static const char *look(const struct reasons *r, const char *seen[REASONS_MAX],
			uint64_t counts[REASONS_MAX])
{
	for (size_t i = 0; i < REASONS_MAX; i++) {
		uint64_t count = 0;
		const char *what = reasons_get(r, i, &count);
		if (seen[i] && what != seen[i])
			return "a text has changed";
		if (what && strncmp(what, "reason ", 7) != 0)
			return "a text is there before it is written";
		if (count < counts[i])
			return "a count went back";
		seen[i] = what;
		counts[i] = count;
	}
	return NULL;
}

static void *reader_main(void *arg)
{
	struct stress *s = arg;
	const char *seen[REASONS_MAX] = {NULL}, *wrong = NULL;
	uint64_t counts[REASONS_MAX] = {0};
	pthread_barrier_wait(&s->start);
	while (!wrong && atomic_load_explicit(&s->giving, memory_order_relaxed) > 0)
		wrong = look(&s->reasons, seen, counts);
	return (void *)(uintptr_t)wrong;
}

static void run_round(struct stress *s, struct giver givers[GIVERS])
{
	pthread_t reader;
	void *wrong;
	cr_assert_eq(pthread_create(&reader, NULL, reader_main, s), 0);
	for (size_t i = 0; i < GIVERS; i++) {
		givers[i].stress = s;
		givers[i].me = i;
		cr_assert_eq(pthread_create(&givers[i].thread, NULL, giver_main, &givers[i]), 0);
	}
	for (size_t i = 0; i < GIVERS; i++)
		cr_assert_eq(pthread_join(givers[i].thread, NULL), 0);
	cr_assert_eq(pthread_join(reader, &wrong), 0);
	cr_assert_null(wrong, "%s", (const char *)wrong);
}

static void expect_each_once(const struct reasons *r)
{
	uint64_t count;
	for (size_t i = 0; reasons_get(r, i, &count); i++)
		for (size_t k = 0; k < i; k++)
			cr_assert_str_neq(reasons_get(r, i, &count), reasons_get(r, k, &count));
}

/* All but the last, which has those that found no place too. */
static void expect_counts(const struct reasons *r)
{
	uint64_t count;
	for (size_t i = 0; reasons_get(r, i, &count); i++)
		if (i < REASONS_MAX - 1)
			cr_assert_eq(count, GIVERS * TIMES);
}

static void stress(size_t text_count)
{
	static struct giver givers[GIVERS];
	size_t kept = text_count < REASONS_MAX ? text_count : REASONS_MAX;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct stress s = {.text_count = text_count, .giving = GIVERS};
		pthread_barrier_init(&s.start, NULL, GIVERS + 1);
		run_round(&s, givers);
		pthread_barrier_destroy(&s.start);
		cr_assert_eq(count_texts(&s.reasons), kept);
		cr_assert_eq(s.firsts, kept, "each is told as the first once");
		cr_assert_eq(count_all(&s.reasons), GIVERS * TIMES * text_count);
		expect_each_once(&s.reasons);
		expect_counts(&s.reasons);
	}
}

Test(reasons, many_threads_that_give_the_same_ones_claim_each_once_and_lose_no_count)
{
	stress(8);
}

Test(reasons, many_threads_that_give_too_many_lose_no_count)
{
	stress(TEXTS_MAX);
}
