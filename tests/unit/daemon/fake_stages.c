#include "tests/unit/daemon/fake_stages.h"
#include "stages/batch_list.h"
#include "stages/builtin.h"
#include "stages/delta.h"
#include "stages/segments/spill.h"
#include "stages/undelivered.h"
#include "tests/sim/sim_wire.h"
#include "tests/unit/daemon/fake_table.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SINKS_MAX = 8, STAGES_MAX = 16, NUMBER = sizeof(uint64_t) };

static struct collected all[SINKS_MAX];
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;

static struct cuts all_cuts[STAGES_MAX];
static struct counter all_live;

/* Where a stage was cut, once for each epoch. */
static void note_cut(const char *id, uint64_t at)
{
	pthread_mutex_lock(&all_lock);
	struct cuts *c = all_cuts;
	while (c->id[0] && strcmp(c->id, id) != 0)
		c++;
	snprintf(c->id, sizeof c->id, "%s", id);
	if (c->count < FAKE_CUTS_MAX)
		c->at[c->count++] = at;
	pthread_mutex_unlock(&all_lock);
}

const struct cuts *fake_cuts(const char *id)
{
	for (size_t i = 0; i < STAGES_MAX; i++)
		if (strcmp(all_cuts[i].id, id) == 0)
			return &all_cuts[i];
	cr_assert_fail("%s was never cut", id);
	return NULL;
}

/* numbers */

struct numbers_options {
	uint64_t first, count, per_batch, fail_after, cuts, stumbles;
};

static const struct option numbers_table[] = {
    {"first", OPTION_COUNT, offsetof(struct numbers_options, first), .preset = "0",
     .doc = "The first of them"},
    {"count", OPTION_COUNT, offsetof(struct numbers_options, count), .required = true,
     .doc = "How many"},
    {"per_batch", OPTION_COUNT, offsetof(struct numbers_options, per_batch), .preset = "10",
     .doc = "In one batch"},
    {"fail_after", OPTION_COUNT, offsetof(struct numbers_options, fail_after), .preset = "0",
     .doc = "Then fail"},
    {"stumbles", OPTION_COUNT, offsetof(struct numbers_options, stumbles), .preset = "0",
     .doc = "Fail at each multiple of so many, once"},
    {"cuts", OPTION_COUNT, offsetof(struct numbers_options, cuts), .preset = "0",
     .doc = "Spread over the numbers; none before the cut that is due there"},
    {0},
};

/* How far a stage of that name has come in failing, however often it is opened. */
static struct stumbled {
	char id[32];
	uint64_t at;
} all_stumbled[STAGES_MAX];

/* Has the first, within `from` to `to`, of the multiples of `each` not been stumbled at yet? */
static bool stumbles(const char *id, uint64_t from, uint64_t to, uint64_t each)
{
	if (each == 0)
		return false;
	uint64_t at = (from + each - 1) / each * each;
	bool first = false;
	pthread_mutex_lock(&all_lock);
	struct stumbled *s = all_stumbled;
	while (s->id[0] && strcmp(s->id, id) != 0)
		s++;
	snprintf(s->id, sizeof s->id, "%s", id);
	if (at > 0 && at <= to && at > s->at) {
		s->at = at;
		first = true;
	}
	pthread_mutex_unlock(&all_lock);
	return first;
}

struct numbers {
	uint64_t next;
	uint64_t cuts; /* so far */
};

static int numbers_open(struct stage *s)
{
	struct numbers *n = calloc(1, sizeof *n);
	s->state = n;
	if (!n)
		return -ENOMEM;
	struct packed rest = s->saved ? delta_changes(s->saved) : packed_from("", 0);
	struct change change;
	while (delta_next(&rest, &change))
		memcpy(&n->next, change.value, sizeof n->next);
	const struct numbers_options *o = s->options;
	if (o->cuts > 0) /* those that are due before there are not waited for */
		n->cuts = n->next / (o->count / (o->cuts + 1));
	return 0;
}

static void free_state(struct stage *s)
{
	free(s->state);
	s->state = NULL;
}

static struct batch *fill_batch(struct stage *s, struct buffer *buffer, uint64_t first, uint64_t n)
{
	struct batch *b = batch_new(s->home, buffer);
	if (!b)
		return NULL;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t number = first + i;
		memcpy(buffer->bytes + i * NUMBER, &number, NUMBER);
		b->records[i] = (struct record){.offset = (uint32_t)(i * NUMBER), .length = NUMBER};
	}
	b->count = (uint32_t)n;
	b->bytes_total = n * NUMBER;
	return b;
}

static bool is_ahead_of_cuts(const struct numbers_options *o, const struct numbers *n)
{
	return n->cuts < o->cuts && n->next >= o->count / (o->cuts + 1) * (n->cuts + 1);
}

static int numbers_step(struct stage *s, struct outlet *out)
{
	const struct numbers_options *o = s->options;
	struct numbers *state = s->state;
	uint64_t *next = &state->next;
	if (o->fail_after && *next >= o->fail_after)
		return -EIO;
	if (stumbles(s->id, *next, *next, o->stumbles))
		return -ECONNRESET;
	if (*next == o->count)
		return STEP_DONE;
	if (is_ahead_of_cuts(o, state))
		return STEP_WAIT;
	struct buffer *buffer = home_take_buffer(s->home);
	if (!buffer)
		return STEP_WAIT;
	uint64_t n = o->count - *next < o->per_batch ? o->count - *next : o->per_batch;
	struct batch *b = fill_batch(s, buffer, o->first + *next, n);
	buffer_let_go(buffer);
	if (!b)
		return STEP_WAIT;
	*next += n;
	counter_add(&s->counters->records_in, n);
	counter_add(&s->counters->bytes_in, n * NUMBER);
	emit(out, &b);
	return STEP_MORE;
}

static int numbers_snapshot(struct stage *s, struct delta *d)
{
	struct numbers *n = s->state;
	n->cuts++;
	note_cut(s->id, n->next);
	return delta_put(d, "next", 4, &n->next, sizeof n->next);
}

static size_t numbers_capacity(const void *options)
{
	const struct numbers_options *o = options;
	return (size_t)o->per_batch * NUMBER;
}

static const struct stage_type numbers_type = {
    .schema = {.kind = STAGE_SOURCE,
	       .name = "numbers",
	       .summary = "numbers in a row",
	       .options = numbers_table,
	       .options_size = sizeof(struct numbers_options),
	       .workers_max = 1},
    .open = numbers_open,
    .close = free_state,
    .source_step = numbers_step,
    .snapshot = numbers_snapshot,
    .reopens = true,
    .buffer_capacity = numbers_capacity,
};

/* odd */

static const struct option no_table[] = {{0}};

static uint64_t number_at(const struct batch *b, uint32_t i)
{
	uint64_t number;
	memcpy(&number, b->bytes + b->records[i].offset, NUMBER);
	return number;
}

static int odd_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	(void)s;
	uint32_t kept = 0;
	for (uint32_t i = 0; i < b->count; i++)
		if (number_at(b, i) % 2)
			b->records[kept++] = b->records[i];
	b->count = kept;
	b->bytes_total = kept * (uint64_t)NUMBER;
	emit(out, &b);
	return 0;
}

static const struct stage_type odd_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "odd",
	       .summary = "keeps odd numbers",
	       .options = no_table,
	       .options_size = 1,
	       .workers_max = 16},
    .transform_apply = odd_apply,
    .light = true,
    .stateless = true,
};

/* labour */

static int labour_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	uint64_t turns = env_random(s->env) % 20000;
	for (volatile uint64_t i = 0; i < turns; i++)
		;
	emit(out, &b);
	return 0;
}

static const struct stage_type labour_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "labour",
	       .summary = "takes its time",
	       .options = no_table,
	       .options_size = 1,
	       .workers_max = 16},
    .transform_apply = labour_apply,
};

/* parts */

struct parts_options {
	uint64_t records, stops_at;
};

static const struct option parts_table[] = {
    {"records", OPTION_COUNT, offsetof(struct parts_options, records), .required = true,
     .doc = "How many it hands on at a time"},
    {"stops_at", OPTION_COUNT, offsetof(struct parts_options, stops_at),
     .doc = "The number at which it fails, when it goes on with a batch; 0: none"},
    {0},
};

/* Of the batches that it still has, oldest first; the rest of the first one. */
struct parts {
	struct batch_list left;
};

/* Hands on so many of the batch; NULL when these were all. */
static void hand_on_part(struct stage *s, struct batch **b, struct outlet *out)
{
	const struct parts_options *o = s->options;
	uint32_t most = (uint32_t)o->records, left = (*b)->count - most;
	struct batch *part = *b;
	if ((*b)->count <= most) {
		*b = NULL;
		emit(out, &part);
		return;
	}
	part = batch_clone(s->home, *b);
	cr_assert_not_null(part);
	part->count = most;
	part->bytes_total = most * (uint64_t)NUMBER;
	memmove((*b)->records, (*b)->records + most, left * sizeof(*b)->records[0]);
	(*b)->count = left;
	(*b)->bytes_total = left * (uint64_t)NUMBER;
	emit(out, &part);
}

static int parts_open(struct stage *s)
{
	s->state = calloc(1, sizeof(struct parts));
	return 0;
}

static void parts_close(struct stage *s)
{
	struct parts *p = s->state;
	if (p)
		batch_list_drop(&p->left);
	free(p);
}

static int parts_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	struct parts *p = s->state;
	if (!p->left.first)
		hand_on_part(s, &b, out);
	if (!b)
		return 0;
	batch_list_add(&p->left, b);
	return STEP_MORE;
}

static int parts_more(struct stage *s, struct outlet *out)
{
	const struct parts_options *o = s->options;
	struct parts *p = s->state;
	if (o->stops_at && number_at(p->left.first, 0) >= o->stops_at)
		return -EILSEQ;
	struct batch *b = batch_list_take(&p->left);
	hand_on_part(s, &b, out);
	if (b)
		batch_list_put_first(&p->left, b);
	return p->left.first ? STEP_MORE : 0;
}

static const struct stage_type parts_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "parts",
	       .summary = "hands batches on in parts",
	       .options = parts_table,
	       .options_size = sizeof(struct parts_options),
	       .workers_max = 16},
    .open = parts_open,
    .close = parts_close,
    .transform_apply = parts_apply,
    .transform_more = parts_more,
    .splits = true,
    .light = true,
    .stateless = true,
};

/* late */

static int late_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	struct batch *before = s->state;
	s->state = b;
	if (before)
		emit(out, &before);
	return 0;
}

static int late_due(struct stage *s, struct outlet *out)
{
	struct batch *held = s->state;
	if (!s->ending || !held)
		return 0;
	s->state = NULL;
	emit(out, &held);
	return STEP_MORE;
}

static void late_close(struct stage *s)
{
	struct batch *held = s->state;
	batch_free(&held);
}

static const struct stage_type late_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "late",
	       .summary = "holds each batch until the next one comes",
	       .options = no_table,
	       .options_size = 1},
    .transform_apply = late_apply,
    .transform_due = late_due,
    .close = late_close,
    .light = true,
};

/* breaks */

struct breaks_options {
	uint64_t at;
};

static const struct option breaks_table[] = {
    {"at", OPTION_COUNT, offsetof(struct breaks_options, at), .required = true,
     .doc = "The number that is too much for it"},
    {0},
};

static int breaks_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	const struct breaks_options *o = s->options;
	for (uint32_t i = 0; i < b->count; i++)
		if (number_at(b, i) == o->at) {
			batch_free(&b);
			return -EILSEQ;
		}
	emit(out, &b);
	return 0;
}

static const struct stage_type breaks_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "breaks",
	       .summary = "fails",
	       .options = breaks_table,
	       .options_size = sizeof(struct breaks_options),
	       .workers_max = 16},
    .transform_apply = breaks_apply,
};

/* naps */

struct naps_options {
	uint64_t every, ms;
};

static const struct option naps_table[] = {
    {"every", OPTION_COUNT, offsetof(struct naps_options, every), .required = true, .min = 1,
     .doc = "At the multiples of that number"},
    {"ms", OPTION_COUNT, offsetof(struct naps_options, ms), .required = true, .doc = "For so long"},
    {0},
};

/* As no stage may. */
static int naps_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	const struct naps_options *o = s->options;
	for (uint32_t i = 0; i < b->count; i++)
		if (number_at(b, i) % o->every == 0)
			usleep((useconds_t)o->ms * 1000);
	emit(out, &b);
	return 0;
}

static const struct stage_type naps_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "naps",
	       .summary = "blocks",
	       .options = naps_table,
	       .options_size = sizeof(struct naps_options),
	       .workers_max = 16},
    .transform_apply = naps_apply,
    .light = true,
    .stateless = true,
};

/* collect */

struct collect_options {
	uint64_t close_after;
};

static const struct option collect_table[] = {
    {"close_after", OPTION_COUNT, offsetof(struct collect_options, close_after), .preset = "0",
     .doc = "Then no more"},
    {0},
};

static int collect_open(struct stage *s)
{
	pthread_mutex_lock(&all_lock);
	for (size_t i = 0; i < SINKS_MAX && !s->state; i++) {
		if (all[i].id[0] && strcmp(all[i].id, s->id) != 0)
			continue;
		snprintf(all[i].id, sizeof all[i].id, "%s", s->id);
		s->state = &all[i];
	}
	pthread_mutex_unlock(&all_lock);
	return s->state ? 0 : -ENOSPC;
}

static void collect_number(struct collected *c, uint64_t number)
{
	if (c->count == c->room) {
		c->room = (c->room + 1) * 2;
		c->numbers = reallocarray(c->numbers, c->room, NUMBER);
		cr_assert_not_null(c->numbers);
	}
	c->numbers[c->count++] = number;
	counter_set(&c->shown_count, c->count);
}

static void collect_batch(struct collected *c, const struct batch *b)
{
	for (uint32_t i = 0; i < b->count; i++)
		collect_number(c, number_at(b, i));
}

static int collect_step(struct stage *s, struct inlet *in)
{
	const struct collect_options *o = s->options;
	struct collected *c = s->state;
	struct batch *b = inlet_take(in);
	if (!b)
		return STEP_WAIT;
	collect_batch(c, b);
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
	note_cut(s->id, c->count);
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

static int finish_at_once(struct stage *s, struct inlet *in)
{
	(void)s;
	(void)in;
	return STEP_DONE;
}

static const struct stage_type collect_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "collect",
	       .summary = "remembers",
	       .options = collect_table,
	       .options_size = sizeof(struct collect_options),
	       .workers_max = 1},
    .open = collect_open,
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
	int r = collect_open(s);
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
		if (number_at(b, i) % o->every == 0)
			which[i / 64] |= UINT64_C(1) << i % 64;
	int r = undelivered_settle(
	    s, in, b, &(struct undelivered){.which = which, .reason = "a multiple", .attempts = 2});
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < b->count; i++)
		if (number_at(b, i) % o->every)
			collect_number(p->stores, number_at(b, i));
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
		note_cut(s->id, p->stores->count);
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

static const struct stage_type picky_type = {
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

void fake_revive(void)
{
	counter_set(&all_live, 1);
}

uint64_t fake_count(const char *id)
{
	uint64_t count = 0;
	pthread_mutex_lock(&all_lock);
	for (size_t i = 0; i < SINKS_MAX; i++)
		if (strcmp(all[i].id, id) == 0)
			count = counter_get(&all[i].shown_count);
	pthread_mutex_unlock(&all_lock);
	return count;
}

static bool has_come_to_life(const struct stuck_options *o)
{
	return counter_get(&all_live) || fake_count(o->until.bytes) >= o->count;
}

static int stuck_open(struct stage *s)
{
	struct stuck *k = calloc(1, sizeof *k);
	if (!k)
		return -ENOMEM;
	k->as_collect = *s;
	s->state = k;
	return collect_open(&k->as_collect);
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
	collect_batch(k->as_collect.state, b);
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

static const struct stage_type stuck_type = {
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
	int r = collect_open(s);
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
		collect_batch(m->to, b);
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
	if (b && stumbles(s->id, number_at(b, 0), number_at(b, b->count - 1), o->stumbles)) {
		if (o->twice)
			collect_batch(m->to, m->held.first);
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
	note_cut(s->id, m->to->count);
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

static const struct stage_type moody_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "moody",
	       .summary = "fails now and then",
	       .options = moody_table,
	       .options_size = sizeof(struct moody_options),
	       .workers_max = 1},
    .open = moody_open,
    .close = moody_close,
    .sink_step = moody_step,
    .sink_cut = moody_cut,
    .sink_finish = moody_finish,
    .sink_let_go = moody_let_go,
    .light = true,
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

static const struct stage_type nothing_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "nothing",
	       .summary = "lets go",
	       .options = no_table,
	       .options_size = 1,
	       .workers_max = 1},
    .sink_step = nothing_step,
    .sink_finish = finish_at_once,
    .light = true,
};

static const struct stage_schema *const schemas[] = {
    &numbers_type.schema,  &odd_type.schema,     &labour_type.schema,     &breaks_type.schema,
    &collect_type.schema,  &nothing_type.schema, &fake_table_type.schema, &parts_type.schema,
    &late_type.schema,     &naps_type.schema,    &picky_type.schema,      &fallback_type.schema,
    &sim_wire_type.schema, &stuck_type.schema,   &moody_type.schema,      NULL,
};

const struct stage_catalog fake_catalog = {.types = schemas, .spill = &spill_type.schema};

const struct collected *fake_collected(const char *id)
{
	for (size_t i = 0; i < SINKS_MAX; i++)
		if (strcmp(all[i].id, id) == 0)
			return &all[i];
	cr_assert_fail("no sink %s has been opened", id);
	return NULL;
}

void fake_forget(void)
{
	for (size_t i = 0; i < SINKS_MAX; i++)
		free(all[i].numbers);
	memset(all, 0, sizeof all);
	memset(all_cuts, 0, sizeof all_cuts);
	memset(all_stumbled, 0, sizeof all_stumbled);
	counter_set(&all_live, 0);
}

static const char *no_variable(const char *name)
{
	(void)name;
	return NULL;
}

void fake_read(struct topology *t, const char *yaml)
{
	char path[] = "/tmp/sluice-fake-XXXXXX.yaml";
	int fd = mkstemps(path, 5);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, yaml, strlen(yaml)), (ssize_t)strlen(yaml));
	close(fd);
	const char *files[] = {path};
	struct topology_request request = {
	    .files = files, .file_count = 1, .catalog = &fake_catalog, .variable = no_variable};
	struct problems problems;
	problems_init(&problems);
	int r = topology_load(t, &request, &problems);
	problems_print(&problems, stderr);
	unlink(path);
	cr_assert_eq(r, 0);
	problems_release(&problems);
}

void fake_load(struct topology *t, struct plan *p, const char *yaml)
{
	fake_read(t, yaml);
	struct problems problems;
	problems_init(&problems);
	int r = plan_make(p, t, 2, &problems);
	problems_print(&problems, stderr);
	cr_assert_eq(r, 0);
	problems_release(&problems);
}
