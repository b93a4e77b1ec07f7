#include "stages/batch_list.h"
#include "tests/unit/daemon/fake_memory.h"
#include "tests/unit/daemon/fake_types.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* odd */

static int odd_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	(void)s;
	uint32_t kept = 0;
	for (uint32_t i = 0; i < b->count; i++)
		if (fake_number_at(b, i) % 2)
			b->records[kept++] = b->records[i];
	b->count = kept;
	b->bytes_total = kept * (uint64_t)FAKE_NUMBER;
	emit(out, &b);
	return 0;
}

const struct stage_type fake_odd_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "odd",
	       .summary = "keeps odd numbers",
	       .options = fake_no_options,
	       .options_size = 1,
	       .workers_max = 16},
    .transform_apply = odd_apply,
    .light = true,
    .stateless = true,
};

/* labour */

struct labour_options {
	uint64_t turns;
};

static const struct option labour_table[] = {
    {"turns", OPTION_COUNT, offsetof(struct labour_options, turns), .preset = "20000", .min = 1,
     .doc = "At most so many for a batch; where time is simulated it does not go on meanwhile"},
    {0},
};

static int labour_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	const struct labour_options *o = s->options;
	uint64_t turns = env_random(s->env) % o->turns;
	for (volatile uint64_t i = 0; i < turns; i++)
		;
	emit(out, &b);
	return 0;
}

const struct stage_type fake_labour_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "labour",
	       .summary = "takes its time",
	       .options = labour_table,
	       .options_size = sizeof(struct labour_options),
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
	part->bytes_total = most * (uint64_t)FAKE_NUMBER;
	memmove((*b)->records, (*b)->records + most, left * sizeof(*b)->records[0]);
	(*b)->count = left;
	(*b)->bytes_total = left * (uint64_t)FAKE_NUMBER;
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
	if (o->stops_at && fake_number_at(p->left.first, 0) >= o->stops_at)
		return -EILSEQ;
	struct batch *b = batch_list_take(&p->left);
	hand_on_part(s, &b, out);
	if (b)
		batch_list_put_first(&p->left, b);
	return p->left.first ? STEP_MORE : 0;
}

const struct stage_type fake_parts_type = {
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

const struct stage_type fake_late_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "late",
	       .summary = "holds each batch until the next one comes",
	       .options = fake_no_options,
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
		if (fake_number_at(b, i) == o->at) {
			batch_free(&b);
			return -EILSEQ;
		}
	emit(out, &b);
	return 0;
}

const struct stage_type fake_breaks_type = {
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
		if (fake_number_at(b, i) % o->every == 0)
			usleep((useconds_t)o->ms * 1000);
	emit(out, &b);
	return 0;
}

const struct stage_type fake_naps_type = {
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
