#include "stages/batch_list.h"
#include "tests/unit/daemon/fake_memory.h"
#include "tests/unit/daemon/fake_types.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

/* stuck */

struct stuck_options {
	struct text until;
	uint64_t count;
	bool grabs;
};

static const struct option stuck_table[] = {
    {"until", OPTION_TEXT, offsetof(struct stuck_options, until), .required = true, .min = 1,
     .doc = "The sink that brings it to life"},
    {"count", OPTION_COUNT, offsetof(struct stuck_options, count), .required = true,
     .doc = "When it has so many"},
    {"grabs", OPTION_BOOL, offsetof(struct stuck_options, grabs), .preset = "false",
     .doc = "Takes what there is meanwhile"},
    {0},
};

struct stuck {
	struct stage as_collect;
	struct batch_list grabbed;
	bool lives;
};

static bool has_come_to_life(const struct stuck_options *o)
{
	return fake_all_live() || fake_count(o->until.bytes) >= o->count;
}

static int stuck_open(struct stage *s)
{
	struct stuck *k = calloc(1, sizeof *k);
	if (!k)
		return -ENOMEM;
	k->as_collect = *s;
	s->state = k;
	return fake_open(&k->as_collect);
}

static void stuck_close(struct stage *s)
{
	struct stuck *k = s->state;
	batch_list_drop(&k->grabbed);
	free(k);
}

static void grab(struct stuck *k, struct inlet *in)
{
	struct batch *b;
	while ((b = inlet_take(in)))
		batch_list_add(&k->grabbed, b);
}

static int stuck_step(struct stage *s, struct inlet *in)
{
	const struct stuck_options *o = s->options;
	struct stuck *k = s->state;
	if (!k->lives && !has_come_to_life(o)) {
		if (o->grabs)
			grab(k, in);
		env_wake_at(s->env, env_now_ns(s->env) + 1000000);
		return STEP_WAIT;
	}
	k->lives = true;
	struct batch *b = batch_list_take(&k->grabbed);
	if (!b)
		b = inlet_take(in);
	if (!b)
		return STEP_WAIT;
	fake_remember(k->as_collect.state, b);
	batch_free(&b);
	inlet_done(in, 1);
	return STEP_MORE;
}

static int stuck_finish(struct stage *s, struct inlet *in)
{
	struct stuck *k = s->state;
	int r = stuck_step(s, in);
	return r == STEP_WAIT && k->lives ? STEP_DONE : r;
}

const struct stage_type fake_stuck_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "stuck",
	       .summary = "is dead for a while",
	       .options = stuck_table,
	       .options_size = sizeof(struct stuck_options),
	       .workers_max = 1},
    .open = stuck_open,
    .close = stuck_close,
    .sink_step = stuck_step,
    .sink_finish = stuck_finish,
};

/* moody */

enum { MOODY_HOLDS = 4 };

struct moody_options {
	uint64_t stumbles;
	bool twice;
};

static const struct option moody_table[] = {
    {"stumbles", OPTION_COUNT, offsetof(struct moody_options, stumbles), .preset = "0",
     .doc = "Fail at each multiple of so many, once"},
    {"twice", OPTION_BOOL, offsetof(struct moody_options, twice), .preset = "false",
     .doc = "With something stored of which it has not been said"},
    {0},
};

struct moody {
	struct collected *to;
	struct batch_list held;
	size_t count;
};

static int moody_open(struct stage *s)
{
	struct moody *m = calloc(1, sizeof *m);
	cr_assert_not_null(m);
	int r = fake_open(s);
	m->to = s->state;
	s->state = m;
	return r;
}

static void moody_close(struct stage *s)
{
	struct moody *m = s->state;
	batch_list_drop(&m->held);
	free(m);
	s->state = NULL;
}

static void moody_store(struct moody *m, struct inlet *in)
{
	struct batch *b;
	size_t n = m->count;
	while ((b = batch_list_take(&m->held))) {
		fake_remember(m->to, b);
		batch_free(&b);
	}
	m->count = 0;
	inlet_done(in, n);
}

static int moody_step(struct stage *s, struct inlet *in)
{
	const struct moody_options *o = s->options;
	struct moody *m = s->state;
	struct batch *b = inlet_take(in);
	if (!b && m->count == 0)
		return STEP_WAIT;
	if (b) {
		m->count++;
		batch_list_add(&m->held, b);
	}
	if (b && fake_stumbles(s->id, fake_number_at(b, 0), fake_number_at(b, b->count - 1),
			       o->stumbles)) {
		if (o->twice)
			fake_remember(m->to, m->held.first);
		return -ECONNRESET;
	}
	if (!b || m->count == MOODY_HOLDS)
		moody_store(m, in);
	return STEP_MORE;
}

static int moody_cut(struct stage *s, struct inlet *in, uint64_t epoch)
{
	struct moody *m = s->state;
	(void)epoch;
	moody_store(m, in);
	fake_note_cut(s->id, m->to->count);
	return STEP_DONE;
}

static int moody_finish(struct stage *s, struct inlet *in)
{
	moody_store(s->state, in);
	return STEP_DONE;
}

static int moody_let_go(struct stage *s)
{
	batch_list_drop(&((struct moody *)s->state)->held);
	return STEP_DONE;
}

const struct stage_type fake_moody_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "moody",
	       .summary = "fails now and then",
	       .options = moody_table,
	       .options_size = sizeof(struct moody_options),
	       .has_failures = true,
	       .workers_max = 1},
    .open = moody_open,
    .close = moody_close,
    .sink_step = moody_step,
    .sink_cut = moody_cut,
    .sink_finish = moody_finish,
    .sink_let_go = moody_let_go,
    .light = true,
};
