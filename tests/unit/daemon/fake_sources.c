#include "stages/delta.h"
#include "tests/unit/daemon/fake_memory.h"
#include "tests/unit/daemon/fake_types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static void numbers_close(struct stage *s)
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
		memcpy(buffer->bytes + i * FAKE_NUMBER, &number, FAKE_NUMBER);
		b->records[i] =
		    (struct record){.offset = (uint32_t)(i * FAKE_NUMBER), .length = FAKE_NUMBER};
	}
	b->count = (uint32_t)n;
	b->bytes_total = n * FAKE_NUMBER;
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
	if (fake_stumbles(s->id, *next, *next, o->stumbles))
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
	counter_add(&s->counters->bytes_in, n * FAKE_NUMBER);
	emit(out, &b);
	return STEP_MORE;
}

static int numbers_snapshot(struct stage *s, struct delta *d)
{
	struct numbers *n = s->state;
	n->cuts++;
	fake_note_cut(s->id, n->next);
	return delta_put(d, "next", 4, &n->next, sizeof n->next);
}

static size_t numbers_capacity(const void *options)
{
	const struct numbers_options *o = options;
	return (size_t)o->per_batch * FAKE_NUMBER;
}

const struct stage_type fake_numbers_type = {
    .schema = {.kind = STAGE_SOURCE,
	       .name = "numbers",
	       .summary = "numbers in a row",
	       .options = numbers_table,
	       .options_size = sizeof(struct numbers_options),
	       .workers_max = 1},
    .open = numbers_open,
    .close = numbers_close,
    .source_step = numbers_step,
    .snapshot = numbers_snapshot,
    .reopens = true,
    .buffer_capacity = numbers_capacity,
};
