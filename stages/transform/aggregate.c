/* aggregate.c - counts, sums and quantiles of records, by window of time and by group.
 *
 *   records ──► window (10s of the record's time) ──► group (the fields of `by`) ──► tallies
 *   the watermark, the latest time that a record said less `grace`, passes the end of a window ──► its groups are given out
 *
 * A record's time is what it says, or when it was read. The watermark goes no further than when a record was read, so that one with a
 * wrong date does not close all windows. What is late by it is left out: whether a record counts follows from the records before
 * it, never from when or in how many parts they came.
 *
 * What is still open is given out at the end of the input and, in a pipeline that is to run on, when nothing has come for as long as
 * window and grace. That closes nothing: what comes for such a window later is given out in a record of its own, so that no record is
 * left out, or counted twice, for how fast it came.
 *
 * Groups, and the watermark, are part of an epoch (window_groups.h); a group that was given out is not in it any more. So after a
 * crash the windows go on as they were at the epoch to which the outputs are brought back.
 *
 * apply() takes the records of a batch in; when that closes windows, or there is no room for another group before those of closed
 * ones have gone, they are given out, a batch at a time, and it goes on. A record that can't be counted stays in its batch. */
#include "stages/batch_list.h"
#include "stages/builtin.h"
#include "stages/failures.h"
#include "stages/group_key.h"
#include "stages/group_record.h"
#include "stages/known.h"
#include "stages/sift.h"
#include "stages/transform/aggregate_state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUT_BYTES = 256 << 10 };

struct aggregate {
	struct aggregate_plan plan;
	struct aggregate_state state;
	struct group_record record;
	unsigned *by;                   /* columns */
	const struct value **by_values; /* of the batch at hand, by row */
	unsigned *tallied;              /* by tally */
	size_t by_count;

	int64_t first_ns; /* where the first open window begins; INT64_MAX: none is */
	size_t due;       /* of groups.due: how many were given out */
	uint64_t
	    quiet_ns; /* since when nothing has come, by the monotonic clock; 0: something has */

	/* Batches that were taken, and of the first one how far it is. */
	struct batch_list taken;
	bool begun;
	struct sift sift;
	struct failures failures;
	const struct value *times;

	/* Of the record at hand. */
	struct value *numbers; /* by tally; MISSING: none */
	struct group_key key;
};

static void aggregate_fields(const void *options, struct field_uses *uses)
{
	const struct aggregate_options *o = options;
	struct aggregate_plan plan;
	if (aggregate_plan_init(&plan, &o->fields) < 0)
		uses->error = -ENOMEM;
	for (size_t i = 0; i < o->by.count; i++)
		fields_read(uses, o->by.items[i].bytes, o->by.items[i].length);
	for (unsigned i = 0; i < plan.tally_count; i++)
		fields_read(uses, plan.tallies[i].field, plan.tallies[i].length);
	aggregate_plan_release(&plan);
	fields_read_known(uses, FIELD_RECORD_TIME);
	group_record_declare(uses);
	failures_declare(uses);
}

/* One for strings that have to be decoded, one for what is given out. */
static unsigned aggregate_scratch(const void *options, size_t capacity, bool needs_all,
				  size_t *ret_capacity)
{
	const struct aggregate_options *o = options;
	size_t output = OUTPUT_BYTES + group_record_bytes_max(&o->by, &o->fields);
	(void)needs_all;
	*ret_capacity = capacity > output ? capacity : output;
	return 2;
}

static size_t aggregate_memory(const void *options)
{
	const struct aggregate_options *o = options;
	struct aggregate_plan plan;
	size_t bytes = SIZE_MAX; /* in no budget */
	if (aggregate_plan_init(&plan, &o->fields) == 0)
		bytes = sizeof(struct aggregate) + aggregate_state_memory(o, &plan);
	aggregate_plan_release(&plan);
	return bytes;
}

/* ---- open, close ---- */

static unsigned declared(const struct fields *f, const char *name, size_t length)
{
	int column = fields_find(f, name, length);
	assert(column >= 0 && "it was declared");
	return (unsigned)column;
}

static void find_columns(struct aggregate *a, const struct stage *s)
{
	const struct aggregate_options *o = s->options;
	for (size_t i = 0; i < o->by.count; i++)
		a->by[i] = declared(s->fields, o->by.items[i].bytes, o->by.items[i].length);
	for (unsigned i = 0; i < a->plan.tally_count; i++)
		a->tallied[i] =
		    declared(s->fields, a->plan.tallies[i].field, a->plan.tallies[i].length);
}

static int take_memory(struct aggregate *a, const struct stage *s)
{
	const struct aggregate_options *o = s->options;
	a->by_count = o->by.count;
	a->by = calloc(o->by.count + 1, sizeof *a->by);
	a->by_values = calloc(o->by.count + 1, sizeof *a->by_values);
	a->tallied = calloc(a->plan.tally_count + 1, sizeof *a->tallied);
	a->numbers = calloc(a->plan.tally_count + 1, sizeof *a->numbers);
	if (!a->by || !a->by_values || !a->tallied || !a->numbers)
		return -ENOMEM;
	int r = aggregate_state_init(&a->state, o, &a->plan);
	return r < 0 ? r
		     : group_record_init(&a->record, s, &o->by, &o->fields, &a->plan, o->window_ns);
}

static int prepare(struct aggregate *a, const struct stage *s)
{
	const struct aggregate_options *o = s->options;
	int r = aggregate_plan_init(&a->plan, &o->fields);
	if (r == 0)
		r = take_memory(a, s);
	if (r == 0)
		r = aggregate_state_load(&a->state, s);
	if (r < 0)
		return r;
	find_columns(a, s);
	a->first_ns = window_groups_first(&a->state.groups);
	return 0;
}

static int aggregate_open(struct stage *s)
{
	struct aggregate *a = s->state = calloc(1, sizeof *a);
	int r = a ? prepare(a, s) : -ENOMEM;
	if (r < 0)
		env_say(s->env, SAY_ERROR, "aggregate not prepared", "error=%s", strerror(-r));
	return r;
}

static void aggregate_close(struct stage *s)
{
	struct aggregate *a = s->state;
	if (!a)
		return;
	batch_list_drop(&a->taken);
	aggregate_plan_release(&a->plan);
	aggregate_state_release(&a->state);
	group_record_release(&a->record);
	free(a->by);
	free(a->by_values);
	free(a->tallied);
	free(a->numbers);
	free(a);
	s->state = NULL;
}

/* ---- giving out ---- */

static struct batch *new_batch(struct stage *s, uint32_t count)
{
	struct buffer *buffer = home_take_buffer(s->home);
	assert(buffer && "there are buffers for what one batch makes");
	struct batch *b = batch_new(s->home, buffer);
	assert(b && "the plan counts one for whoever splits");
	buffer_let_go(buffer);
	b->delimiter = (struct delimiter){.bytes = "\n", .length = 1};
	b->read_ns = env_now_ns(s->env);
	b->wall_ns = env_wall_ns(s->env);
	b->count = count;
	batch_give_rows(b);
	return b;
}

static bool has_closed(const struct aggregate *a)
{
	return a->first_ns != INT64_MAX && a->first_ns <= watermark_closed_ns(&a->state.watermark);
}

static bool is_giving_out(const struct aggregate *a)
{
	return a->due < a->state.groups.due_count;
}

/* A batch of groups that are due. */
static void give_out(struct aggregate *a, struct stage *s, struct outlet *out)
{
	size_t left = a->state.groups.due_count - a->due;
	uint32_t count = left < BATCH_RECORDS_MAX ? (uint32_t)left : BATCH_RECORDS_MAX, i = 0;
	struct batch *b = new_batch(s, count);
	struct writer w = {b->buffer->bytes, b->buffer->bytes + b->buffer->capacity, false};
	while (i < count && group_record_put(&a->record, b, i, a->state.groups.due[a->due], &w)) {
		window_groups_take_away(&a->state.groups, a->state.groups.due[a->due++]);
		i++;
	}
	assert(i > 0 && "there is room for one at least");
	b->count = i;
	if (!is_giving_out(a))
		a->first_ns = window_groups_first(&a->state.groups);
	a->state.has_news = true;
	emit(out, &b);
}

static void begin_giving_out(struct aggregate *a, int64_t start_ns)
{
	window_groups_collect(&a->state.groups, start_ns);
	a->due = 0;
}

/* ---- a record ---- */

static const char *read_numbers(struct aggregate *a, struct batch *b, uint32_t record)
{
	const char *why = NULL;
	for (unsigned i = 0; i < a->plan.tally_count && !why; i++) {
		struct value v = batch_column_as_is(b, a->tallied[i])[b->rows[record]];
		if (v.type == VALUE_NULL)
			v.type = VALUE_MISSING;
		if (v.type != VALUE_MISSING && !a->plan.tallies[i].is_of_numbers)
			v = (struct value){.type = VALUE_INT};
		if (v.type != VALUE_MISSING)
			why = tally_number(&v);
		a->numbers[i] = v;
	}
	return why;
}

static const char *read_key(struct aggregate *a, struct batch *b, uint32_t record)
{
	const char *why = NULL;
	uint8_t *mark = b->room.at;
	a->key.length = 0;
	for (size_t i = 0; i < a->by_count && !why; i++) {
		why = group_key_add(&a->key, &a->by_values[i][b->rows[record]], &b->room);
		b->room.at = mark;
	}
	return why;
}

static void count(struct aggregate *a, struct window_group *g)
{
	g->records++;
	for (unsigned i = 0; i < a->plan.tally_count; i++) {
		int sketch = a->plan.sketch_of[i];
		if (a->numbers[i].type != VALUE_MISSING)
			tally_add(&g->tallies[i], sketch < 0 ? NULL : &g->sketches[sketch],
				  &a->numbers[i]);
	}
	window_groups_changed(&a->state.groups, g);
	a->state.has_news = true;
}

enum fate { COUNTED, LEFT_OUT, FAILED, HAS_TO_WAIT };

static enum fate fail(const char *why, const char **ret_why)
{
	*ret_why = why;
	return FAILED;
}

static enum fate be_late(const struct stage *s, const char **ret_why)
{
	if (((const struct aggregate_options *)s->options)->late == LATE_ON_ERROR)
		return fail("late", ret_why);
	counter_add(&s->counters->lost[LOSS_LATE], 1);
	return LEFT_OUT;
}

/* In its window, of which the key and the numbers are at hand. HAS_TO_WAIT: until groups that are due have gone. */
static enum fate count_in(struct aggregate *a, int64_t start_ns, const char **ret_why)
{
	struct window_group *g =
	    window_groups_find(&a->state.groups, start_ns, a->key.bytes, a->key.length);
	if (!g)
		g = window_groups_add(&a->state.groups, start_ns, a->key.bytes, a->key.length);
	if (!g)
		return has_closed(a) ? HAS_TO_WAIT : fail("too many groups", ret_why);
	if (start_ns < a->first_ns)
		a->first_ns = start_ns;
	count(a, g);
	return COUNTED;
}

static enum fate take_record(struct aggregate *a, const struct stage *s, struct batch *b,
			     uint32_t record, const char **ret_why)
{
	int64_t time_ns = known_time(b, a->times, record), start_ns;
	const char *why = read_numbers(a, b, record);
	if (!why)
		why = read_key(a, b, record);
	if (!why && !watermark_window(&a->state.watermark, time_ns, &start_ns))
		why = "time out of range";
	if (why)
		return fail(why, ret_why);
	if (start_ns <= watermark_closed_ns(&a->state.watermark))
		return be_late(s, ret_why);
	watermark_advance(&a->state.watermark, time_ns, b->wall_ns);
	a->state.has_news = true;
	return count_in(a, start_ns, ret_why);
}

/* ---- batches ---- */

static void begin_batch(struct aggregate *a, struct stage *s, struct batch *b)
{
	batch_give_rows(b);
	batch_make_room(b, s->home);
	for (size_t i = 0; i < a->by_count; i++)
		a->by_values[i] = known_values(s, b, a->by[i]);
	a->times = known_times(s, b);
	failures_begin(&a->failures, s, b);
	sift_begin(&a->sift, b);
	a->begun = true;
}

/* As far as there is room. True when it is through. */
static bool take_batch(struct aggregate *a, struct stage *s, struct batch *b)
{
	if (!a->begun)
		begin_batch(a, s, b);
	while (a->sift.passed < b->count) {
		const char *why;
		enum fate fate = take_record(a, s, b, a->sift.passed, &why);
		if (fate == HAS_TO_WAIT)
			return false;
		sift_next(&a->sift, fate == FAILED);
		if (fate == FAILED)
			failures_add(&a->failures, a->sift.kept - 1, why);
	}
	return true;
}

/* Lets the first batch go, with what could not be counted. */
static int finish_batch(struct aggregate *a, struct outlet *out)
{
	struct batch *b = batch_list_take(&a->taken);
	a->begun = false;
	sift_end(&a->sift);
	int r = failures_settle(&a->failures, &b, out);
	if (b)
		emit(out, &b);
	return r;
}

/* Hands on one batch at most. */
static int go_on(struct aggregate *a, struct stage *s, struct outlet *out)
{
	int r = 0;
	struct batch *b = a->taken.first;
	bool is_through = b && !is_giving_out(a) && take_batch(a, s, b);
	if (!is_giving_out(a) && has_closed(a))
		begin_giving_out(a, watermark_closed_ns(&a->state.watermark));
	bool gives_out = is_giving_out(a);
	if (gives_out)
		give_out(a, s, out);
	if (is_through && !is_giving_out(a) && (!gives_out || a->failures.count == 0))
		r = finish_batch(a, out);
	if (r < 0)
		return r;
	return a->taken.first || is_giving_out(a) ? STEP_MORE : 0;
}

static int aggregate_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	struct aggregate *a = s->state;
	if (b->count == 0) {
		batch_free(&b);
		return a->taken.first || is_giving_out(a) ? STEP_MORE : 0;
	}
	a->quiet_ns = 0;
	batch_list_add(&a->taken, b);
	return go_on(a, s, out);
}

static int aggregate_more(struct stage *s, struct outlet *out)
{
	return go_on(s->state, s, out);
}

/* ---- what is given out before its time ---- */

/* Nothing has come for as long as a window and its grace last. That counts from when this stage first had nothing to do, not from
 * the last batch: what is held up below may keep it from getting the next one. */
static bool is_quiet(struct aggregate *a, struct stage *s)
{
	const struct aggregate_options *o = s->options;
	uint64_t now = env_now_ns(s->env);
	if (a->quiet_ns == 0)
		a->quiet_ns = now;
	uint64_t until = a->quiet_ns + o->window_ns + o->grace_ns;
	if (now >= until)
		return true;
	env_wake_at(s->env, until);
	return false;
}

/* All is given out, and nothing that is read when it is started again is late. */
static void begin_anew(struct aggregate *a)
{
	a->state.has_news |= a->state.watermark.has_seen;
	watermark_begin_anew(&a->state.watermark);
}

static int aggregate_due(struct stage *s, struct outlet *out)
{
	struct aggregate *a = s->state;
	if (s->ending)
		begin_anew(a);
	if (!is_giving_out(a)) {
		if (a->state.groups.open_count == 0 || !(s->ending || (!s->once && is_quiet(a, s))))
			return 0;
		begin_giving_out(a, INT64_MAX);
		counter_add(&s->counters->changes, 1);
	}
	give_out(a, s, out);
	return is_giving_out(a) ? STEP_MORE : 0;
}

static int aggregate_snapshot(struct stage *s, struct delta *d)
{
	struct aggregate *a = s->state;
	return aggregate_state_snapshot(&a->state, d);
}

const struct stage_type aggregate_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "aggregate",
	       .summary = "counts, sums and quantiles of records, by window of time and by group",
	       .options = aggregate_table,
	       .options_size = sizeof(struct aggregate_options),
	       .check = aggregate_check,
	       .has_failures = true},
    .open = aggregate_open,
    .close = aggregate_close,
    .transform_apply = aggregate_apply,
    .transform_more = aggregate_more,
    .transform_due = aggregate_due,
    .snapshot = aggregate_snapshot,
    .tell = aggregate_state_tell,
    .memory = aggregate_memory,
    .fields = aggregate_fields,
    .scratch = aggregate_scratch,
    .splits = true,
    .gathers = true,
    .light = true,
};
