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
#include "stages/aggregate_plan.h"
#include "stages/batch_list.h"
#include "stages/builtin.h"
#include "stages/failures.h"
#include "stages/field_names.h"
#include "stages/group_key.h"
#include "stages/group_record.h"
#include "stages/known.h"
#include "stages/sift.h"
#include "stages/window_groups.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum {
	OUTPUT_BYTES = 256 << 10,
};

enum { LATE_DROP, LATE_ON_ERROR };
static const char *const late_choices[] = {"drop", "on_error", NULL};

struct aggregate_options {
	struct text_list by;
	uint64_t window_ns, grace_ns;
	struct text_map fields;
	uint64_t max_groups;
	uint64_t late;
};

#define AT(member) offsetof(struct aggregate_options, member)
#define MILLISECOND UINT64_C(1000000)
#define YEAR (366 * UINT64_C(86400000) * MILLISECOND)

static const struct option aggregate_table[] = {
    {"window", OPTION_DURATION, AT(window_ns), .required = true, .min = MILLISECOND, .max = YEAR,
     .doc = "How long a window is; they follow one another from 1970 on, and a record counts in "
	    "that of its time"},
    {"by", OPTION_TEXTS, AT(by), .min = 1,
     .doc = "The fields whose values make a group; one that a record lacks is null"},
    {"fields", OPTION_MAP, AT(fields), .required = true, .min = 1,
     .doc = "What is said of each group: names, and count, count(FIELD), sum(FIELD), min(FIELD), "
	    "max(FIELD), avg(FIELD) or quantile(FIELD, Q); quantiles are within 1 %"},
    {"grace", OPTION_DURATION, AT(grace_ns), .preset = "0", .max = YEAR,
     .doc = "How much older than the latest record one may be before its window is closed; with "
	    "several files or sources that are read side by side, how far they may be apart"},
    {"late", OPTION_CHOICE, AT(late), .preset = "drop", .choices = late_choices,
     .doc = "What becomes of a record whose window is closed: it is counted and left out, or goes "
	    "the way of `on_error`"},
    {"max_groups", OPTION_COUNT, AT(max_groups), .preset = "10000", .min = 1, .max = 1 << 24,
     .doc = "How many groups may be open, in all windows; a record of one more is an error"},
    {0},
};

struct aggregate {
	struct aggregate_plan plan;
	struct window_groups groups;
	struct group_record record;
	unsigned *by;                   /* columns */
	const struct value **by_values; /* of the batch at hand, by row */
	unsigned *tallied;              /* by tally */
	size_t by_count;
	uint64_t fingerprint;

	bool has_seen;
	int64_t seen_ns;  /* the latest time, of which the watermark follows */
	int64_t first_ns; /* where the first open window begins; INT64_MAX: none is */
	size_t due;       /* of groups.due: how many were given out */
	uint64_t
	    quiet_ns;  /* since when nothing has come, by the monotonic clock; 0: something has */
	bool has_news; /* that are not remembered yet */

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

/* ---- the topology ---- */

static void check_function(const struct text_pair *pair, struct problems *problems)
{
	struct aggregate_function function;
	struct aggregate_mistake mistake;
	if (aggregate_function_parse(&pair->value, &function, &mistake) < 0)
		problem_add(problems, text_place(&pair->value, mistake.offset), "`fields`: %s",
			    mistake.why);
}

static void aggregate_check(const void *options, struct place at, struct problems *problems)
{
	const struct aggregate_options *o = options;
	size_t count;
	struct text *names = group_record_names(&o->by, &o->fields, &count);
	if (!names)
		problem_add(problems, at, "out of memory");
	else
		field_names_check(names, count, sizeof *names, problems);
	free(names);
	for (size_t i = 0; i < o->fields.count; i++)
		check_function(&o->fields.items[i], problems);
}

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

static struct group_shape shape_of(const struct aggregate_options *o,
				   const struct aggregate_plan *plan)
{
	return (struct group_shape){.max = o->max_groups,
				    .tallies = plan->tally_count,
				    .sketch_of = plan->sketch_of,
				    .sketches = plan->sketch_count};
}

static size_t aggregate_memory(const void *options)
{
	const struct aggregate_options *o = options;
	struct aggregate_plan plan;
	size_t bytes = SIZE_MAX; /* in no budget */
	if (aggregate_plan_init(&plan, &o->fields) == 0) {
		struct group_shape shape = shape_of(o, &plan);
		bytes = sizeof(struct aggregate) + window_groups_memory(&shape);
	}
	aggregate_plan_release(&plan);
	return bytes;
}

/* ---- windows ---- */

static int64_t bounded(tally_whole ns)
{
	return ns < INT64_MIN ? INT64_MIN : ns > INT64_MAX ? INT64_MAX : (int64_t)ns;
}

/* Windows that begin no later are closed. */
static int64_t closed_ns(const struct aggregate *a, const struct aggregate_options *o)
{
	if (!a->has_seen)
		return INT64_MIN;
	return bounded((tally_whole)a->seen_ns - (tally_whole)o->grace_ns -
		       (tally_whole)o->window_ns);
}

static bool has_closed(const struct aggregate *a, const struct aggregate_options *o)
{
	return a->first_ns != INT64_MAX && a->first_ns <= closed_ns(a, o);
}

/* Where the window of a time begins. False: it has no beginning, or no end, that can be said. */
static bool find_window(int64_t time_ns, uint64_t window_ns, int64_t *ret_start_ns)
{
	int64_t window = (int64_t)window_ns, into = time_ns % window;
	if (into < 0)
		into += window;
	if (time_ns < INT64_MIN + 1 + into || time_ns - into > INT64_MAX - window)
		return false;
	*ret_start_ns = time_ns - into;
	return true;
}

/* ---- epochs ---- */

static void hash_text(XXH3_state_t *h, const char *bytes, size_t length)
{
	uint64_t head = length;
	XXH3_64bits_update(h, &head, sizeof head);
	XXH3_64bits_update(h, bytes, length);
}

/* What the groups that are remembered depend on. */
static int take_fingerprint(struct aggregate *a, const struct aggregate_options *o)
{
	XXH3_state_t *h = XXH3_createState();
	if (!h)
		return -ENOMEM;
	XXH3_64bits_reset(h);
	XXH3_64bits_update(h, &o->window_ns, sizeof o->window_ns);
	XXH3_64bits_update(h, &a->by_count, sizeof a->by_count);
	for (size_t i = 0; i < o->by.count; i++)
		hash_text(h, o->by.items[i].bytes, o->by.items[i].length);
	for (unsigned i = 0; i < a->plan.tally_count; i++) {
		const struct planned_tally *t = &a->plan.tallies[i];
		int kind[2] = {t->is_of_numbers, a->plan.sketch_of[i]};
		hash_text(h, t->field, t->length);
		XXH3_64bits_update(h, kind, sizeof kind);
	}
	a->fingerprint = XXH3_64bits_digest(h);
	XXH3_freeState(h);
	return 0;
}

static void pack_state(const struct aggregate *a, struct packer *p)
{
	packer_u64(p, a->fingerprint);
	packer_varint(p, a->has_seen);
	packer_u64(p, (uint64_t)a->seen_ns);
}

struct noted {
	uint64_t fingerprint;
	bool has_seen;
	int64_t seen_ns;
	size_t groups;
};

/* 0 or -EBADMSG. *ret_is_there: something is remembered. */
static int unpack_state(const struct delta *saved, struct noted *ret_noted, bool *ret_is_there)
{
	const uint8_t *state;
	size_t length;
	int r = window_groups_state(saved, &state, &length, &ret_noted->groups);
	*ret_is_there = r == 0 && state;
	if (!*ret_is_there)
		return r;
	struct packed p = packed_from(state, length);
	ret_noted->fingerprint = packed_u64(&p);
	uint64_t has_seen = packed_varint(&p);
	ret_noted->has_seen = has_seen;
	ret_noted->seen_ns = (int64_t)packed_u64(&p);
	return packed_is_whole(&p) && has_seen <= 1 ? 0 : -EBADMSG;
}

static int aggregate_snapshot(struct stage *s, struct delta *d)
{
	struct aggregate *a = s->state;
	struct packer state = {.bytes = NULL};
	if (!a->has_news)
		return 0;
	pack_state(a, &state);
	int r = state.error ? state.error : window_groups_snapshot(&a->groups, &state, d);
	packer_release(&state);
	a->has_news = false;
	return r;
}

/* Nobody can tell what groups say that were counted for other functions. */
static int refuse_change(const struct stage *s, const struct noted *noted)
{
	env_say(s->env, SAY_ERROR,
		"groups that are open were counted by another `window`, `by` or "
		"`fields`",
		"groups=%zu would_do=%s", noted->groups,
		"the options as they were, until these are given out; or another name for this "
		"stage, which leaves them out");
	return -EINVAL;
}

static bool have_keys(const struct aggregate *a, uint64_t window_ns)
{
	for (struct chain *c = a->groups.open.next; c != &a->groups.open; c = c->next) {
		const struct window_group *g = chain_owner(c, struct window_group, link);
		int64_t start_ns;
		if (!find_window(g->start_ns, window_ns, &start_ns) || start_ns != g->start_ns ||
		    !group_key_is_whole(g->key, g->key_length, a->by_count))
			return false;
	}
	return true;
}

static int load(struct aggregate *a, const struct stage *s)
{
	const struct aggregate_options *o = s->options;
	struct noted noted = {0};
	bool is_there = false;
	int r = s->saved ? unpack_state(s->saved, &noted, &is_there) : 0;
	if (r < 0 || !is_there)
		return r;
	if (noted.groups > 0 && noted.fingerprint != a->fingerprint)
		return refuse_change(s, &noted);
	a->has_seen = noted.has_seen;
	a->seen_ns = noted.seen_ns;
	r = window_groups_load(&a->groups, s->saved);
	if (r == 0 && !have_keys(a, o->window_ns))
		r = -EBADMSG;
	if (r == -ENOSPC)
		env_say(s->env, SAY_ERROR, "more groups are open than `max_groups`",
			"groups=%zu max_groups=%ju", noted.groups, (uintmax_t)o->max_groups);
	a->first_ns = window_groups_first(&a->groups);
	return r;
}

static int aggregate_tell(const void *options, const struct delta *saved, struct teller *t)
{
	const struct aggregate_options *o = options;
	struct noted noted = {0};
	bool is_there;
	int r = unpack_state(saved, &noted, &is_there);
	if (r < 0 || !is_there)
		return r;
	teller_thing(t, "state", "groups");
	teller_number(t, "open", noted.groups);
	if (noted.has_seen)
		teller_moment(t, "watermark",
			      bounded((tally_whole)noted.seen_ns - (tally_whole)o->grace_ns));
	return 0;
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
	a->first_ns = INT64_MAX;
	a->by = calloc(o->by.count + 1, sizeof *a->by);
	a->by_values = calloc(o->by.count + 1, sizeof *a->by_values);
	a->tallied = calloc(a->plan.tally_count + 1, sizeof *a->tallied);
	a->numbers = calloc(a->plan.tally_count + 1, sizeof *a->numbers);
	if (!a->by || !a->by_values || !a->tallied || !a->numbers)
		return -ENOMEM;
	struct group_shape shape = shape_of(o, &a->plan);
	int r = window_groups_init(&a->groups, &shape);
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
		r = take_fingerprint(a, o);
	if (r < 0)
		return r;
	find_columns(a, s);
	return load(a, s);
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
	window_groups_release(&a->groups);
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

static bool is_giving_out(const struct aggregate *a)
{
	return a->due < a->groups.due_count;
}

/* A batch of groups that are due. */
static void give_out(struct aggregate *a, struct stage *s, struct outlet *out)
{
	size_t left = a->groups.due_count - a->due;
	uint32_t count = left < BATCH_RECORDS_MAX ? (uint32_t)left : BATCH_RECORDS_MAX, i = 0;
	struct batch *b = new_batch(s, count);
	struct writer w = {b->buffer->bytes, b->buffer->bytes + b->buffer->capacity, false};
	while (i < count && group_record_put(&a->record, b, i, a->groups.due[a->due], &w)) {
		window_groups_take_away(&a->groups, a->groups.due[a->due++]);
		i++;
	}
	assert(i > 0 && "there is room for one at least");
	b->count = i;
	if (!is_giving_out(a))
		a->first_ns = window_groups_first(&a->groups);
	a->has_news = true;
	emit(out, &b);
}

static void begin_giving_out(struct aggregate *a, int64_t start_ns)
{
	window_groups_collect(&a->groups, start_ns);
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
	window_groups_changed(&a->groups, g);
	a->has_news = true;
}

static void advance(struct aggregate *a, const struct batch *b, int64_t time_ns)
{
	if (time_ns > b->wall_ns)
		time_ns = b->wall_ns;
	if (!a->has_seen || time_ns > a->seen_ns)
		a->seen_ns = time_ns;
	a->has_seen = true;
	a->has_news = true;
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
static enum fate count_in(struct aggregate *a, const struct stage *s, int64_t start_ns,
			  const char **ret_why)
{
	struct window_group *g =
	    window_groups_find(&a->groups, start_ns, a->key.bytes, a->key.length);
	if (!g)
		g = window_groups_add(&a->groups, start_ns, a->key.bytes, a->key.length);
	if (!g)
		return has_closed(a, s->options) ? HAS_TO_WAIT : fail("too many groups", ret_why);
	if (start_ns < a->first_ns)
		a->first_ns = start_ns;
	count(a, g);
	return COUNTED;
}

static enum fate take_record(struct aggregate *a, const struct stage *s, struct batch *b,
			     uint32_t record, const char **ret_why)
{
	const struct aggregate_options *o = s->options;
	int64_t time_ns = known_time(b, a->times, record), start_ns;
	const char *why = read_numbers(a, b, record);
	if (!why)
		why = read_key(a, b, record);
	if (!why && !find_window(time_ns, o->window_ns, &start_ns))
		why = "time out of range";
	if (why)
		return fail(why, ret_why);
	if (start_ns <= closed_ns(a, o))
		return be_late(s, ret_why);
	advance(a, b, time_ns);
	return count_in(a, s, start_ns, ret_why);
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
	if (!is_giving_out(a) && has_closed(a, s->options))
		begin_giving_out(a, closed_ns(a, s->options));
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
	a->has_news |= a->has_seen;
	a->has_seen = false;
}

static int aggregate_due(struct stage *s, struct outlet *out)
{
	struct aggregate *a = s->state;
	if (s->ending)
		begin_anew(a);
	if (!is_giving_out(a)) {
		if (a->groups.open_count == 0 || !(s->ending || (!s->once && is_quiet(a, s))))
			return 0;
		begin_giving_out(a, INT64_MAX);
		counter_add(&s->counters->changes, 1);
	}
	give_out(a, s, out);
	return is_giving_out(a) ? STEP_MORE : 0;
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
    .tell = aggregate_tell,
    .memory = aggregate_memory,
    .fields = aggregate_fields,
    .scratch = aggregate_scratch,
    .splits = true,
    .gathers = true,
    .light = true,
};
