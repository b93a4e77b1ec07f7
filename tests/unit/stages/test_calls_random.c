/* calls: random callers, a random peer and random policies, by seed. What holds whatever happens: never more under way than
 * max_in_flight, nothing begun while the breaker is open, one probe, never more sent than rate * time + burst; and everybody ends,
 * although the stage is stepped only when it asked to be or when something has ended. */
#include "stages/policy/calls.h"
#include "tests/unit/stages/seeded_world.h"

#include <criterion/criterion.h>

enum { CALLS_MAX = 30, SEEDS = 400 };

#define MS UINT64_C(1000000)

struct caller {
	struct call call;
	bool waits, under_way, is_probe;
	uint64_t answer_ns;
	unsigned answer; /* 0 to 999 */
};

/* The breaker, as it is defined, from what the peer has answered. */
struct model {
	bool open, probing;
	uint64_t failures, opened_ns;
	uint64_t passed; /* with this many changes */
};

struct trial {
	struct seeded_world w;
	struct call_options options;
	struct calls calls;
	struct caller callers[CALLS_MAX];
	struct model model;
	uint64_t under_way, ended, begun_records, began_ns;
	unsigned fail_per_mille;
};

static uint64_t draw(struct trial *t, uint64_t n)
{
	return sim_below(&t->w.random, n);
}

static void invent_options(struct trial *t)
{
	t->options =
	    (struct call_options){.timeout_ns = draw(t, 3) ? (1 + draw(t, 2000)) * MS : 0,
				  .retry = {.max_attempts = draw(t, 2) ? 0 : 1 + draw(t, 4),
					    .base_delay_ns = (1 + draw(t, 200)) * MS,
					    .max_delay_ns = (1 + draw(t, 3000)) * MS,
					    .jitter = draw(t, 4) == 0},
				  .breaker_given = draw(t, 2),
				  .breaker = {1 + draw(t, 5), (1 + draw(t, 3000)) * MS},
				  .rate_limit_given = draw(t, 2),
				  .rate_limit = {1 + draw(t, 2000), 1 + draw(t, 50), RATE_RECORDS},
				  .max_in_flight = draw(t, 3) ? 1 + draw(t, 10) : 0};
	t->fail_per_mille = (unsigned)draw(t, 1000);
}

static void fresh(struct trial *t, struct caller *caller)
{
	*caller = (struct caller){.waits = true};
	call_init(&caller->call, draw(t, 80), 0);
}

/* ---- what must hold ---- */

static void model_begins(struct trial *t, struct caller *caller)
{
	struct model *m = &t->model;
	caller->is_probe = false;
	if (!t->options.breaker_given || !m->open)
		return;
	cr_assert(!m->probing, "a second probe");
	cr_assert_geq(t->w.now_ns - m->opened_ns, t->options.breaker.reset_timeout_ns,
		      "an attempt while it is open");
	m->probing = caller->is_probe = true;
}

static void model_ends(struct trial *t, struct caller *caller, bool failed)
{
	struct model *m = &t->model;
	if (m->open ? !caller->is_probe : caller->call.pass != m->passed)
		return; /* from before */
	m->failures = failed ? m->failures + 1 : 0;
	bool opens = failed && (m->open || m->failures >= t->options.breaker.failure_threshold);
	if (opens)
		*m = (struct model){.open = true, .opened_ns = t->w.now_ns, .passed = m->passed};
	else if (m->open)
		*m = (struct model){.passed = caller->call.pass + 1};
}

static void expect_begun(struct trial *t, struct caller *caller)
{
	caller->waits = false;
	caller->under_way = true;
	caller->answer_ns = t->w.now_ns + draw(t, 1500) * MS;
	caller->answer = (unsigned)draw(t, 1000);
	t->under_way++;
	t->begun_records += caller->call.records;
	model_begins(t, caller);
	if (t->options.max_in_flight)
		cr_assert_leq(t->under_way, t->options.max_in_flight);
	cr_assert_eq(t->under_way, counter_get(&t->w.counters.calls.in_flight));
	double came =
	    (double)t->options.rate_limit.rate * ((double)(t->w.now_ns - t->began_ns) / 1e9);
	if (t->options.rate_limit_given)
		cr_assert_leq((double)t->begun_records,
			      (double)t->options.rate_limit.burst + came + 1e-3);
}

/* ---- what happens ---- */

static void ends(struct trial *t, struct caller *caller, bool again)
{
	t->under_way -= caller->under_way;
	caller->under_way = false;
	caller->waits = again;
	if (again)
		return;
	t->ended++;
	cr_assert_eq(caller->call.at, CALL_OVER);
	if (t->ended < 200)
		fresh(t, caller);
}

static void fail(struct trial *t, struct caller *caller, const char *reason)
{
	struct call_failure why = {.reason = reason,
				   .is_lasting = draw(t, 20) == 0,
				   .retry_after_ns = draw(t, 10) ? 0 : draw(t, 2000) * MS};
	model_ends(t, caller, !why.is_lasting);
	ends(t, caller, calls_failed(&t->calls, &caller->call, &why));
}

static void answer(struct trial *t, struct caller *caller)
{
	if (caller->answer < t->fail_per_mille) {
		fail(t, caller, "refused");
		return;
	}
	model_ends(t, caller, false);
	calls_succeeded(&t->calls, &caller->call);
	ends(t, caller, false);
}

static void cancel(struct trial *t, struct caller *caller)
{
	if (caller->under_way && caller->is_probe)
		t->model.probing = false;
	calls_cancelled(&t->calls, &caller->call);
	ends(t, caller, false);
}

static void step(struct trial *t)
{
	t->w.wake_ns = UINT64_MAX;
	for (size_t i = 0; i < CALLS_MAX; i++) {
		struct caller *caller = &t->callers[i];
		if ((caller->waits || caller->under_way) && draw(t, 300) == 0)
			cancel(t, caller);
		if (caller->waits && calls_try(&t->calls, &caller->call) == CALL_BEGIN)
			expect_begun(t, caller);
		if (caller->under_way && calls_overdue(&t->calls, &caller->call))
			fail(t, caller, "timeout");
	}
}

static uint64_t next_answer(const struct trial *t)
{
	uint64_t next = UINT64_MAX;
	for (size_t i = 0; i < CALLS_MAX; i++)
		if (t->callers[i].under_way && t->callers[i].answer_ns < next)
			next = t->callers[i].answer_ns;
	return next;
}

static void answer_due(struct trial *t)
{
	for (size_t i = 0; i < CALLS_MAX; i++)
		if (t->callers[i].under_way && t->callers[i].answer_ns <= t->w.now_ns)
			answer(t, &t->callers[i]);
}

static bool all_over(const struct trial *t)
{
	for (size_t i = 0; i < CALLS_MAX; i++)
		if (t->callers[i].waits || t->callers[i].under_way)
			return false;
	return true;
}

static void run(struct trial *t, uint64_t seed)
{
	*t = (struct trial){0};
	seeded_world_init(&t->w, seed);
	invent_options(t);
	t->began_ns = t->w.now_ns;
	calls_init(&t->calls, &t->w.stage, &t->options);
	for (size_t i = 0; i < CALLS_MAX; i++)
		fresh(t, &t->callers[i]);
	for (unsigned turns = 0; !all_over(t); turns++) {
		cr_assert_lt(turns, 2000000, "seed %lu: no end", seed);
		step(t);
		uint64_t next = next_answer(t);
		next = next < t->w.wake_ns ? next : t->w.wake_ns;
		cr_assert(next < UINT64_MAX || all_over(t), "seed %lu: all wait for ever", seed);
		if (next > t->w.now_ns && next < UINT64_MAX)
			t->w.now_ns = next;
		answer_due(t);
		if (t->w.now_ns > t->began_ns + 600000 * MS)
			t->fail_per_mille = 0; /* it was bad for long enough */
	}
	cr_assert_eq(t->calls.standing, 0);
	cr_assert_eq(t->calls.failing, 0);
	cr_assert_eq(t->calls.places.held, 0);
	calls_release(&t->calls);
	cr_assert_eq(counter_get(&t->w.counters.calls.in_flight), 0);
}

Test(calls_random, whatever_happens_the_limits_hold_and_everybody_ends)
{
	static struct trial t;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		run(&t, seed);
}
