#include "stages/delta.h"
#include "stages/undelivered.h"
#include "tests/unit/daemon/fake_memory.h"
#include "tests/unit/daemon/fake_types.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* collect */

struct collect_options {
	uint64_t close_after;
};

static const struct option collect_table[] = {
    {"close_after", OPTION_COUNT, offsetof(struct collect_options, close_after), .preset = "0",
     .doc = "Then no more"},
    {0},
};

static int collect_step(struct stage *s, struct inlet *in)
{
	const struct collect_options *o = s->options;
	struct collected *c = s->state;
	struct batch *b = inlet_take(in);
	if (!b)
		return STEP_WAIT;
	fake_remember(c, b);
	batch_free(&b);
	inlet_done(in, 1);
	return o->close_after && c->count >= o->close_after ? STEP_DONE : STEP_MORE;
}

static int collect_cut(struct stage *s, struct inlet *in, uint64_t epoch)
{
	struct collected *c = s->state;
	(void)in;
	(void)epoch;
	c->to_sync = env_random(s->env) % 3;
	c->cut = c->count;
	fake_note_cut(s->id, c->count);
	return STEP_DONE;
}

/* Takes its time; what is taken meanwhile belongs to the next epoch. */
static int collect_sync(struct stage *s, struct delta *d)
{
	struct collected *c = s->state;
	if (c->to_sync > 0) {
		c->to_sync--;
		env_wake_at(s->env, env_now_ns(s->env) + 100000);
		return STEP_WAIT;
	}
	return delta_put(d, "count", 5, &c->cut, sizeof c->cut) < 0 ? -ENOMEM : STEP_DONE;
}

static void collect_committed(struct stage *s, uint64_t epoch)
{
	struct collected *c = s->state;
	cr_assert_gt(epoch, c->committed);
	c->committed = epoch;
}

static int collect_finish(struct stage *s, struct inlet *in)
{
	struct collected *c = s->state;
	(void)in;
	c->cut = c->count;
	return STEP_DONE;
}

const struct stage_type fake_collect_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "collect",
	       .summary = "remembers",
	       .options = collect_table,
	       .options_size = sizeof(struct collect_options),
	       .workers_max = 1},
    .open = fake_open,
    .sink_cut = collect_cut,
    .sink_sync = collect_sync,
    .committed = collect_committed,
    .sink_step = collect_step,
    .sink_finish = collect_finish,
};

/* picky */

enum { PICKY_HOLDS = 3 };

struct picky_options {
	uint64_t every;
};

static const struct option picky_table[] = {
    {"every", OPTION_COUNT, offsetof(struct picky_options, every), .required = true, .min = 1,
     .doc = "It does not store multiples of that"},
    {0},
};

struct picky {
	struct collected *stores;
	struct batch *held[PICKY_HOLDS]; /* oldest first */
	size_t count;
};

static int picky_open(struct stage *s)
{
	struct picky *p = calloc(1, sizeof *p);
	cr_assert_not_null(p);
	int r = fake_open(s);
	p->stores = s->state;
	s->state = p;
	return r;
}

static void picky_close(struct stage *s)
{
	struct picky *p = s->state;
	for (size_t i = 0; p && i < p->count; i++)
		batch_free(&p->held[i]);
	free(p);
}

static int picky_settle(struct stage *s, struct inlet *in)
{
	const struct picky_options *o = s->options;
	struct picky *p = s->state;
	struct batch *b = p->held[0];
	uint64_t which[BATCH_RECORDS_MAX / 64] = {0};
	if (!inlet_may_hand_on(in))
		return STEP_WAIT;
	for (uint32_t i = 0; i < b->count; i++)
		if (fake_number_at(b, i) % o->every == 0)
			which[i / 64] |= UINT64_C(1) << i % 64;
	int r = undelivered_settle(
	    s, in, b, &(struct undelivered){.which = which, .reason = "a multiple", .attempts = 2});
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < b->count; i++)
		if (fake_number_at(b, i) % o->every)
			fake_remember_number(p->stores, fake_number_at(b, i));
	batch_free(&p->held[0]);
	memmove(p->held, p->held + 1, --p->count * sizeof p->held[0]);
	inlet_done(in, 1);
	return STEP_MORE;
}

/* Holds some, so that what is done and what was handed on do not go together. */
static int picky_step(struct stage *s, struct inlet *in)
{
	struct picky *p = s->state;
	while (p->count < PICKY_HOLDS && (p->held[p->count] = inlet_take(in)) != NULL)
		p->count++;
	return p->count == PICKY_HOLDS ? picky_settle(s, in) : STEP_WAIT;
}

static int picky_cut(struct stage *s, struct inlet *in, uint64_t epoch)
{
	struct picky *p = s->state;
	if (p->count > 0)
		return picky_settle(s, in);
	if (p->stores->cut_epoch != epoch)
		fake_note_cut(s->id, p->stores->count);
	p->stores->cut_epoch = epoch;
	return STEP_DONE;
}

static int picky_finish(struct stage *s, struct inlet *in)
{
	struct picky *p = s->state;
	return p->count > 0 ? picky_settle(s, in) : STEP_DONE;
}

static int picky_let_go(struct stage *s)
{
	struct picky *p = s->state;
	while (p->count > 0)
		batch_free(&p->held[--p->count]);
	return STEP_DONE;
}

const struct stage_type fake_picky_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "picky",
	       .summary = "does not store everything",
	       .options = picky_table,
	       .options_size = sizeof(struct picky_options),
	       .has_failures = true,
	       .workers_max = 1},
    .open = picky_open,
    .close = picky_close,
    .sink_cut = picky_cut,
    .sink_step = picky_step,
    .sink_finish = picky_finish,
    .sink_let_go = picky_let_go,
};

/* nothing */

static int nothing_step(struct stage *s, struct inlet *in)
{
	(void)s;
	struct batch *b = inlet_take(in);
	if (!b)
		return STEP_WAIT;
	batch_free(&b);
	inlet_done(in, 1);
	return STEP_MORE;
}

static int nothing_finish(struct stage *s, struct inlet *in)
{
	(void)s;
	(void)in;
	return STEP_DONE;
}

const struct stage_type fake_nothing_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "nothing",
	       .summary = "lets go",
	       .options = fake_no_options,
	       .options_size = 1,
	       .workers_max = 1},
    .sink_step = nothing_step,
    .sink_finish = nothing_finish,
    .light = true,
};
