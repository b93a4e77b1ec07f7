/* multiline_transform.c - joins lines that belong together, whatever they came through before.
 *
 *   batch      is each line the first of a record? ──► all that belong together are neighbours  ──► joined where they stand
 *              (multiline.h)                       └─► some are not, or one began in a batch before ──► copied into one buffer
 *
 * The record that is open at a batch's end is held (held_records.h) until what follows it in the same file has come, nothing has for
 * `timeout`, or the input has ended. What is held is remembered from epoch to epoch.
 *
 *   MORE: a batch that cannot be copied whole, as it is larger than any that a source reads, while something is held of its file:
 *         that is handed on first, and the batch by the next call, joined only where neighbours are. So it is when there is no room to
 *         hold more: the record is cut. */
#include "stages/batch_list.h"
#include "stages/builtin.h"
#include "stages/held_records.h"
#include "stages/known.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HELD_RECORDS = 4 }; /* of the longest there may be, that there is room for */

struct multiline_transform {
	struct multiline rules;
	struct held_records held;
	int offsets;               /* the column of `offset`, if somebody wants it; else -1 */
	struct batch_list waiting; /* to be gone on with */
	/* Of the batch at hand: what each line does, and what its records are. */
	uint8_t does[BATCH_RECORDS_MAX];
	struct record records[BATCH_RECORDS_MAX];
	struct value places[BATCH_RECORDS_MAX];
};

/* What is known of the batch at hand once all its lines have been looked at. */
struct joining {
	struct held_record *held; /* the first record began there; NULL: in this batch */
	bool is_pending;          /* the last one is not complete */
	struct multiline_open open;
	uint32_t from;     /* that one's first line; 0 where it is what is held */
	size_t length;     /* its bytes, those that are held included */
	uint32_t records;  /* complete ones */
	size_t bytes;      /* theirs, each with a delimiter */
	bool is_scattered; /* lines that belong together are no neighbours */
};

static void multiline_transform_check(const void *options, struct place at,
				      struct problems *problems)
{
	multiline_check(options, at, problems);
}

static size_t held_bytes(const struct multiline_options *o)
{
	return HELD_RECORDS * (o->max_bytes + HELD_CHUNK);
}

static size_t multiline_transform_memory(const void *options)
{
	return sizeof(struct multiline_transform) + multiline_memory(options) +
	       held_records_memory(held_bytes(options));
}

static void multiline_transform_fields(const void *options, struct field_uses *uses)
{
	(void)options;
	uses->takes_all = true;
}

/* A batch whose lines are all copied, each with a delimiter that it may not have had, behind what is held. */
static unsigned multiline_transform_scratch(const void *options, size_t capacity, bool needs_all,
					    size_t *ret_capacity)
{
	const struct multiline_options *o = options;
	(void)needs_all;
	*ret_capacity = o->max_bytes + 2 * capacity + (BATCH_RECORDS_MAX + 1) * DELIMITER_MAX;
	return 1;
}

static int say_failed(struct stage *s, int error)
{
	env_say(s->env, SAY_ERROR, error == -EBADMSG ? "state is damaged" : "out of memory",
		"stage=%s", s->id);
	return error;
}

/* Only when `max_bytes`, or the lines that a source may have, are shorter than they were. */
static int say_too_long(struct stage *s, size_t bytes)
{
	env_say(s->env, SAY_ERROR, "record from the last run is longer than any may be now",
		"stage=%s bytes=%zu most=%zu", s->id, bytes, s->home->buffer_capacity);
	return -E2BIG;
}

static int wanted_offsets(const struct stage *s)
{
	int column = fields_find_known(s->fields, FIELD_SEEN_OFFSET);
	return column >= 0 && column_set_has(s->needed, (unsigned)column) ? column : -1;
}

static int multiline_transform_open(struct stage *s)
{
	const struct multiline_options *o = s->options;
	struct multiline_transform *t = s->state = calloc(1, sizeof *t);
	if (!t)
		return say_failed(s, -ENOMEM);
	t->offsets = wanted_offsets(s);
	int r = held_records_init(&t->held, held_bytes(o), s->saved, env_now_ns(s->env));
	if (r < 0)
		return say_failed(s, r);
	if (held_records_longest(&t->held) > s->home->buffer_capacity)
		return say_too_long(s, held_records_longest(&t->held));
	return multiline_init(&t->rules, o, s->env, s->counters);
}

static void multiline_transform_close(struct stage *s)
{
	struct multiline_transform *t = s->state;
	if (!t)
		return;
	batch_list_drop(&t->waiting);
	held_records_release(&t->held);
	multiline_release(&t->rules);
	free(t);
	s->state = NULL;
}

/* ---- looking at the lines ---- */

/* A file that was written anew does not go on with what it held before. */
static bool goes_on_in(const struct held_record *r, const struct batch *b)
{
	bool has_places = r->has_place && b->has_place;
	return !has_places || b->place + b->records[0].offset >= r->end;
}

static void complete(struct joining *j, const struct batch *b)
{
	j->records++;
	j->bytes += j->length + b->delimiter.length;
	j->is_pending = false;
}

static bool is_neighbour(const struct batch *b, uint32_t line)
{
	if (line == 0)
		return false;
	const struct record *before = &b->records[line - 1];
	return b->records[line].offset == before->offset + before->length + b->delimiter.length;
}

static void look_at(struct multiline_transform *t, struct joining *j, const struct batch *b,
		    uint32_t line, bool only_neighbours)
{
	const struct record *l = &b->records[line];
	bool is_near = is_neighbour(b, line);
	size_t joined = j->length + b->delimiter.length + l->length;
	if (only_neighbours && !is_near)
		joined = SIZE_MAX; /* more than it may have */
	unsigned does =
	    multiline_next(&t->rules, &j->open, b->bytes + l->offset, l->length, joined);
	t->does[line] = (uint8_t)does;
	if (does & LINE_BEGINS) {
		if (j->is_pending)
			complete(j, b);
		j->from = line;
		j->length = l->length;
	} else {
		j->length = joined;
		j->is_scattered |= !is_near;
	}
	j->is_pending = true;
	if (does & LINE_ENDS)
		complete(j, b);
}

static struct joining look_at_all(struct multiline_transform *t, const struct batch *b,
				  struct held_record *held, bool only_neighbours)
{
	struct joining j = {.held = held, .is_pending = held != NULL};
	j.length = held ? held->length : 0;
	if (held && goes_on_in(held, b))
		j.open = held->open;
	for (uint32_t i = 0; i < b->count; i++)
		look_at(t, &j, b, i, only_neighbours);
	return j;
}

/* All of the batch goes on with what is held, and completes nothing. */
static bool only_adds(const struct joining *j)
{
	return j->held && j->records == 0;
}

/* If what is open at the end cannot be held, it is complete. */
static void see_that_it_can_be_held(struct stage *s, struct joining *j, const struct batch *b)
{
	struct multiline_transform *t = s->state;
	if (!j->is_pending)
		return;
	bool adds = only_adds(j);
	size_t more = j->length - (adds ? j->held->length : 0);
	bool has_place = adds || !held_records_are_full(&t->held);
	bool can_go_on = j->length <= s->home->buffer_capacity;
	if (can_go_on && has_place && held_records_has_room(&t->held, more))
		return;
	counter_add(&t->rules.counters->lost[LOSS_MULTILINE_CUT], 1);
	complete(j, b);
}

static bool is_copied(const struct joining *j)
{
	return j->records > 0 && (j->held || j->is_scattered);
}

static bool can_be_copied(const struct stage *s, const struct joining *j, const struct batch *b)
{
	return j->bytes <= s->home->buffer_capacity && j->records <= BATCH_RECORDS_MAX &&
	       b->held_count < BATCH_HELD_MAX;
}

/* ---- its records ---- */

/* Lines before that one are of complete records. */
static uint32_t complete_lines(const struct joining *j, const struct batch *b)
{
	return j->is_pending ? j->from : b->count;
}

static struct value place_value(bool has_place, uint64_t place)
{
	if (!has_place)
		return (struct value){.type = VALUE_MISSING};
	return (struct value){.i = (int64_t)place, .type = VALUE_INT};
}

/* Where each record stands in its file: where its first line does. */
static void note_places(struct stage *s, struct batch *b, const struct joining *j)
{
	struct multiline_transform *t = s->state;
	if (t->offsets < 0)
		return;
	batch_give_rows(b);
	known_keep_offsets(s, b);
	const struct value *of_lines = batch_column_as_is(b, (unsigned)t->offsets);
	uint32_t k = 0;
	if (j->held)
		t->places[k++] = place_value(j->held->has_place, j->held->place);
	for (uint32_t i = 0; i < complete_lines(j, b); i++)
		if (t->does[i] & LINE_BEGINS)
			t->places[k++] = of_lines[b->rows[i]];
}

/* What was found in single lines is nothing that is known of records. */
static void forget_fields(struct multiline_transform *t, struct batch *b)
{
	memset(b->filled, 0, sizeof b->filled);
	b->row_count = 0;
	if (t->offsets < 0 || b->count == 0)
		return;
	batch_give_rows(b);
	memcpy(batch_column(b, (unsigned)t->offsets), t->places, b->count * sizeof *t->places);
}

static void put_records(struct multiline_transform *t, struct batch *b, uint32_t count)
{
	memcpy(b->records, t->records, count * sizeof *t->records);
	b->count = count;
	b->bytes_total = 0;
	for (uint32_t i = 0; i < count; i++)
		b->bytes_total += b->records[i].length;
}

/* Each where its lines stand. */
static void join_in_place(struct multiline_transform *t, struct batch *b, const struct joining *j)
{
	uint32_t lines = complete_lines(j, b), k = 0;
	for (uint32_t i = 0; i < lines; i++) {
		const struct record *l = &b->records[i];
		if (t->does[i] & LINE_BEGINS)
			t->records[k++] = *l;
		else
			t->records[k - 1].length = l->offset + l->length - t->records[k - 1].offset;
	}
	b->unterminated = b->unterminated && lines == b->count;
	put_records(t, b, k);
}

static uint8_t *put_text(uint8_t *to, const void *bytes, size_t length,
			 const struct delimiter *delimiter)
{
	memcpy(to, bytes, length);
	memcpy(to + length, delimiter->bytes, delimiter->length);
	return to + length + delimiter->length;
}

/* One after the other into `text`, behind what is held. */
static void join_into(struct multiline_transform *t, struct batch *b, const struct joining *j,
		      struct buffer *text)
{
	const struct delimiter *d = &b->delimiter;
	uint8_t *at = text->bytes;
	uint32_t lines = complete_lines(j, b), k = 0;
	if (j->held) {
		held_record_copy(j->held, at);
		t->records[k++] = (struct record){0, (uint32_t)j->held->length};
		at = put_text(at + j->held->length, "", 0, d);
	}
	for (uint32_t i = 0; i < lines; i++) {
		const struct record *l = &b->records[i];
		uint32_t from = (uint32_t)(at - text->bytes);
		if (t->does[i] & LINE_BEGINS)
			t->records[k++] = (struct record){from, 0};
		t->records[k - 1].length = from + l->length - t->records[k - 1].offset;
		at = put_text(at, b->bytes + l->offset, l->length, d);
	}
	bool is_rebased = batch_rebase(b, text);
	assert(is_rebased && k == j->records);
	(void)is_rebased;
	b->unterminated = false;
	put_records(t, b, k);
}

/* ---- what is held ---- */

static void add_lines(struct multiline_transform *t, struct held_record *r, const struct batch *b,
		      uint32_t from)
{
	for (uint32_t i = from; i < b->count; i++) {
		const struct record *l = &b->records[i];
		if (r->open.lines > 0 || i > from)
			held_record_append(&t->held, r, b->delimiter.bytes, b->delimiter.length);
		held_record_append(&t->held, r, b->bytes + l->offset, l->length);
	}
}

/* The lines must still stand in the batch. Ends with what the record is by then. */
static void hold(struct stage *s, struct batch *b, const struct joining *j)
{
	struct multiline_transform *t = s->state;
	struct held_record *r = only_adds(j) ? j->held : held_records_add(&t->held, b);
	assert(r && "there was a place for it");
	if (r != j->held)
		r->place = b->place + b->records[j->from].offset;
	add_lines(t, r, b, j->from);
	const struct record *last = &b->records[b->count - 1];
	r->end = b->place + last->offset + last->length;
	r->open = j->open;
	held_records_touch(&t->held, r, env_now_ns(s->env));
	counter_add(&s->counters->changes, 1);
}

/* As a batch of its own. */
static void hand_on_held(struct stage *s, struct held_record *r, struct outlet *out)
{
	struct multiline_transform *t = s->state;
	struct buffer *text = home_take_buffer(s->home);
	struct batch *b = text ? batch_new(s->home, text) : NULL;
	assert(b && "a worker takes nothing in without these");
	assert(r->length <= text->capacity);
	held_record_copy(r, text->bytes);
	b->records[0] = (struct record){0, (uint32_t)r->length};
	b->count = 1;
	b->bytes_total = r->length;
	held_record_describe(r, b);
	held_records_remove(&t->held, r);
	counter_add(&s->counters->changes, 1);
	buffer_let_go(text);
	emit(out, &b);
}

/* ---- a batch ---- */

static void count_joined(struct stage *s, const struct batch *b)
{
	const struct multiline_transform *t = s->state;
	uint64_t joined = 0;
	for (uint32_t i = 0; i < b->count; i++)
		joined += !(t->does[i] & LINE_BEGINS);
	counter_add(&s->counters->joined, joined);
}

static void join(struct stage *s, struct batch *b, const struct joining *j, struct outlet *out)
{
	struct multiline_transform *t = s->state;
	struct buffer *text = is_copied(j) ? home_take_buffer(s->home) : NULL;
	bool was_held = j->held && j->records > 0;
	count_joined(s, b);
	note_places(s, b, j);
	if (j->is_pending)
		hold(s, b, j);
	if (text)
		join_into(t, b, j, text);
	else
		join_in_place(t, b, j);
	if (was_held)
		held_records_remove(&t->held, j->held);
	if (text)
		buffer_let_go(text);
	forget_fields(t, b);
	emit(out, &b);
}

static void go_on_with(struct stage *s, struct batch *b, struct outlet *out)
{
	struct multiline_transform *t = s->state;
	struct held_record *held = held_records_find(&t->held, b);
	struct joining j = look_at_all(t, b, held, false);
	see_that_it_can_be_held(s, &j, b);
	if (!is_copied(&j) || can_be_copied(s, &j, b)) {
		join(s, b, &j, out);
	} else if (held) {
		hand_on_held(s, held, out);
		batch_list_put_first(&t->waiting, b);
	} else {
		j = look_at_all(t, b, NULL, true);
		see_that_it_can_be_held(s, &j, b);
		join(s, b, &j, out);
	}
}

static int multiline_transform_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	struct multiline_transform *t = s->state;
	if (b->count == 0)
		batch_free(&b);
	else if (t->waiting.first)
		batch_list_add(&t->waiting, b);
	else
		go_on_with(s, b, out);
	return t->waiting.first ? STEP_MORE : 0;
}

static int multiline_transform_more(struct stage *s, struct outlet *out)
{
	struct multiline_transform *t = s->state;
	struct batch *b = batch_list_take(&t->waiting);
	if (!b)
		return 0;
	go_on_with(s, b, out);
	return t->waiting.first ? STEP_MORE : 0;
}

/* ---- what is due ---- */

/* Room is seen to before a batch needs it. */
static bool is_cramped(const struct stage *s)
{
	const struct multiline_transform *t = s->state;
	const struct multiline_options *o = s->options;
	return held_records_are_full(&t->held) || !held_records_has_room(&t->held, o->max_bytes);
}

static bool is_due(struct stage *s, const struct held_record *r, bool *ret_cut)
{
	const struct multiline_options *o = s->options;
	*ret_cut = false;
	if (s->ending || env_now_ns(s->env) >= r->touched_ns + o->timeout_ns)
		return true;
	*ret_cut = is_cramped(s);
	return *ret_cut;
}

static int multiline_transform_due(struct stage *s, struct outlet *out)
{
	struct multiline_transform *t = s->state;
	const struct multiline_options *o = s->options;
	struct held_record *r = held_records_oldest(&t->held);
	bool cut;
	if (!r)
		return 0;
	if (!is_due(s, r, &cut)) {
		env_wake_at(s->env, r->touched_ns + o->timeout_ns);
		return 0;
	}
	if (cut)
		counter_add(&s->counters->lost[LOSS_MULTILINE_CUT], 1);
	hand_on_held(s, r, out);
	return STEP_MORE;
}

static int multiline_transform_snapshot(struct stage *s, struct delta *d)
{
	struct multiline_transform *t = s->state;
	return held_records_snapshot(&t->held, d);
}

const struct stage_type multiline_type = {
    .schema =
	{
	    .kind = STAGE_TRANSFORM,
	    .name = "multiline",
	    .summary = "joins lines that belong together into one record; what was found in a line "
		       "stays behind",
	    .options = multiline_table,
	    .options_size = sizeof(struct multiline_options),
	    .check = multiline_transform_check,
	    .workers_max = 1,
	},
    .open = multiline_transform_open,
    .close = multiline_transform_close,
    .transform_apply = multiline_transform_apply,
    .transform_more = multiline_transform_more,
    .transform_due = multiline_transform_due,
    .snapshot = multiline_transform_snapshot,
    .memory = multiline_transform_memory,
    .fields = multiline_transform_fields,
    .scratch = multiline_transform_scratch,
    .splits = true,
    .light = true,
};
