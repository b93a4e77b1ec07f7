/* set.c - gives fields the values of CEL expressions.
 *
 *	fields: {level: '"error"', total: 'a + b', user.name: 'name'}
 *
 * All at once, as SQL's UPDATE does: each expression sees the record as it was before. One that has no value makes the record a
 * failure, and none of its fields change. `body` is what the record is as a line, and `time` its own time; all else are fields.
 *
 * A field is a value of its own: after `user.id` was set, `user` is still what it was, and an encoder that writes out the record
 * puts the one into the other. After `user` was set, `user.id` is what is in there. */
#include "conf/excerpt.h"
#include "stages/builtin.h"
#include "stages/expression.h"
#include "stages/failures.h"
#include "stages/field_names.h"
#include "stages/field_parts.h"
#include "stages/json/json_text.h"
#include "stages/known.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* Of text that each expression may make of each record, beside what the record itself has. */
	MADE_BYTES = 64,
};

struct set_options {
	struct text_map fields;
};

static const struct option set_table[] = {
    {"fields", OPTION_MAP, offsetof(struct set_options, fields), .required = true, .min = 1,
     .doc = "Fields and the CEL expressions that give their values; all of them see the record as "
	    "it was before. `body` "
	    "sets the line, `time` the record's time"},
    {0},
};

struct set_field {
	struct expression value;
	enum field_known known;
	unsigned column;
	struct value *values;       /* of the batch at hand */
	struct value *times;        /* of `time`: what the record says */
	struct value result;        /* of the record at hand */
	struct value literal, copy; /* the last one that was copied for this batch */
	struct field_parts parts;
};

/* The lines that records become when their body is set: all of the batch's, in a buffer of its own. */
struct bodies {
	struct buffer *buffer; /* NULL: there is no room for any */
	size_t used;
	size_t rest; /* what the records that are still to come take as they are */
	uint64_t total;
};

struct set {
	struct set_field *list;
	size_t count;
	const struct set_field *body; /* NULL: it is left alone */
	struct bodies bodies;         /* of the batch at hand */
};

/* ---- the topology ---- */

static bool is_called(const struct text *name, const char *word)
{
	return name->length == strlen(word) && memcmp(name->bytes, word, name->length) == 0;
}

static unsigned wants(const struct text *name)
{
	return is_called(name, "body")   ? VALUE_STRING
	       : is_called(name, "time") ? VALUE_TIMESTAMP
					 : (unsigned)CEL_DYN;
}

static void set_check(const void *options, struct place at, struct problems *problems)
{
	const struct text_map *fields = &((const struct set_options *)options)->fields;
	(void)at;
	if (fields->count == 0)
		return;
	field_names_check(&fields->items[0].name, fields->count, sizeof *fields->items, problems);
	for (size_t i = 0; i < fields->count; i++) {
		const struct text *name = &fields->items[i].name;
		struct excerpt shown = excerpt_of(name->bytes, name->length, name->secret);
		expression_check(&fields->items[i].value, wants(name), shown.text, problems);
	}
}

static void set_fields(const void *options, struct field_uses *uses)
{
	const struct text_map *fields = &((const struct set_options *)options)->fields;
	for (size_t i = 0; i < fields->count; i++) {
		const struct text *name = &fields->items[i].name;
		expression_declare(&fields->items[i].value, uses);
		fields_give(uses, name->bytes, name->length);
		if (is_called(name, "time"))
			fields_write_known(uses, FIELD_RECORD_TIME);
	}
	failures_declare(uses);
}

static bool sets_body(const struct text_map *fields)
{
	for (size_t i = 0; i < fields->count; i++)
		if (is_called(&fields->items[i].name, "body"))
			return true;
	return false;
}

/* Of all records of a batch: about as much as these are and its own text for each; a literal stands there once. */
static size_t room_for(const struct text *expression, size_t capacity)
{
	if (!expression_makes_text(expression))
		return expression->length;
	return capacity + (size_t)BATCH_RECORDS_MAX * (MADE_BYTES + expression->length);
}

/* A buffer for what expressions make and what they take on the way, and one for the lines. More is an ordinary failure. */
static unsigned set_scratch(const void *options, size_t capacity, bool needs_all,
			    size_t *ret_capacity)
{
	const struct text_map *fields = &((const struct set_options *)options)->fields;
	size_t made = capacity;
	(void)needs_all;
	for (size_t i = 0; i < fields->count; i++)
		made += room_for(&fields->items[i].value, capacity);
	*ret_capacity = made < UINT32_MAX ? made : UINT32_MAX;
	return sets_body(fields) ? 2 : 1;
}

static size_t set_memory(const void *options)
{
	return ((const struct set_options *)options)->fields.count * sizeof(struct set_field);
}

/* ---- open, close ---- */

static int open_field(struct set_field *f, const struct text_pair *pair, const struct stage *s)
{
	int column = fields_find(s->fields, pair->name.bytes, pair->name.length);
	assert(column >= 0 && "it was declared");
	f->column = (unsigned)column;
	f->known = s->fields->list[column].known;
	int r = expression_open(&f->value, &pair->value, s->fields);
	return r < 0 ? r : field_parts_open(&f->parts, s->fields, f->column);
}

static int set_open(struct stage *s)
{
	const struct text_map *fields = &((const struct set_options *)s->options)->fields;
	struct set *set = s->state = calloc(1, sizeof *set);
	int r = set ? 0 : -ENOMEM;
	if (r == 0 && !(set->list = calloc(fields->count, sizeof *set->list)))
		r = -ENOMEM;
	for (size_t i = 0; i < fields->count && r == 0; i++) {
		r = open_field(&set->list[set->count++], &fields->items[i], s);
		if (set->list[i].known == FIELD_BODY)
			set->body = &set->list[i];
	}
	/* all compiled when the topology was checked, so it can only be memory */
	if (r < 0)
		env_say(s->env, SAY_ERROR, "set not prepared", "error=%s", strerror(-r));
	return r;
}

static void set_close(struct stage *s)
{
	struct set *set = s->state;
	for (size_t i = 0; set && i < set->count; i++) {
		expression_close(&set->list[i].value);
		field_parts_close(&set->list[i].parts);
	}
	if (set)
		free(set->list);
	free(set);
	s->state = NULL;
}

/* ---- lines ---- */

/* There is a buffer, unless the batch holds as many as it can, or some stage before has made lines that are longer. */
static void bodies_begin(struct bodies *y, struct stage *s, const struct batch *b)
{
	*y = (struct bodies){.rest = (size_t)b->count * b->delimiter.length};
	for (uint32_t i = 0; i < b->count; i++)
		y->rest += b->records[i].length;
	if (b->held_count == BATCH_HELD_MAX || y->rest > s->home->buffer_capacity)
		return;
	y->buffer = home_take_buffer(s->home);
	assert(y->buffer && "a worker takes input only when there are buffers for it");
}

/* The rest has to fit behind it as it is. */
static bool bodies_have_room(const struct bodies *y, const struct batch *b, uint32_t record,
			     uint32_t length)
{
	return y->buffer &&
	       y->used + y->rest - b->records[record].length + length <= y->buffer->capacity;
}

static void bodies_add(struct bodies *y, struct batch *b, uint32_t record, const uint8_t *bytes,
		       uint32_t length)
{
	uint8_t *to = y->buffer->bytes + y->used;
	if (length > 0)
		memcpy(to, bytes, length);
	memcpy(to + length, b->delimiter.bytes, b->delimiter.length);
	y->rest -= b->records[record].length + b->delimiter.length;
	b->records[record] = (struct record){.offset = (uint32_t)y->used, .length = length};
	y->used += length + b->delimiter.length;
	y->total += length;
}

static void bodies_keep(struct bodies *y, struct batch *b, uint32_t record)
{
	const struct record r = b->records[record];
	if (y->buffer)
		bodies_add(y, b, record, b->bytes + r.offset, r.length);
}

static void bodies_end(struct bodies *y, struct batch *b)
{
	if (!y->buffer)
		return;
	bool held = batch_rebase(b, y->buffer);
	assert(held && "there was room for it");
	(void)held;
	buffer_let_go(y->buffer);
	b->bytes_total = y->total;
}

/* ---- values ---- */

static bool has_bytes(const struct value *v)
{
	return v->form == VALUE_DIGITS || v->type == VALUE_STRING || v->type == VALUE_BYTES ||
	       v->type == VALUE_LIST || v->type == VALUE_MAP;
}

static bool lies_in(const void *bytes, const uint8_t *from, const uint8_t *to)
{
	return (uintptr_t)bytes >= (uintptr_t)from && (uintptr_t)bytes < (uintptr_t)to;
}

static bool is_held(const struct batch *b, const uint8_t *bytes)
{
	bool held = lies_in(bytes, b->bytes, b->bytes + b->buffer->capacity);
	for (uint32_t i = 0; i < b->held_count && !held; i++)
		held = lies_in(bytes, b->held[i]->bytes, b->held[i]->bytes + b->held[i]->capacity);
	return held;
}

/* The text of a program goes with the stage, while the batch may still be on its way; one copy does for many records. */
static const char *copy_literal(struct set_field *f, struct scratch *room)
{
	struct value *v = &f->result;
	if (f->literal.bytes == v->bytes && f->literal.length == v->length) {
		v->bytes = f->copy.bytes;
		return NULL;
	}
	uint8_t *to = scratch_take(room, v->length);
	if (!to)
		return "out of room";
	f->literal = *v;
	v->bytes = memcpy(to, v->bytes, v->length);
	f->copy = *v;
	return NULL;
}

/* What was taken on the way to the value is given back, so that only what stays takes room. NULL, or "out of room". */
static const char *settle(struct set_field *f, struct batch *b, uint8_t *mark)
{
	struct value *v = &f->result;
	bool is_made = has_bytes(v) && lies_in(v->bytes, mark, b->room.at);
	b->room.at = mark;
	if (is_made) {
		memmove(mark, v->bytes, v->length);
		v->bytes = mark;
		b->room.at = mark + v->length;
	}
	return is_made || !has_bytes(v) || v->length == 0 || is_held(b, v->bytes)
		   ? NULL
		   : copy_literal(f, &b->room);
}

/* NULL, or why the value will not do for what is known of a record. */
static const char *suit(enum field_known known, struct value *v, struct scratch *room)
{
	if (v->type == VALUE_ERROR)
		return v->why;
	if (known == FIELD_TIME && v->type != VALUE_TIMESTAMP)
		return "`time` is no timestamp";
	if (known != FIELD_BODY)
		return NULL;
	if (v->type != VALUE_STRING && v->type != VALUE_BYTES)
		return "`body` is no text";
	if (v->form == VALUE_ESCAPED && json_decode_string(v, room) < 0)
		return "out of room";
	return NULL;
}

/* What the record at hand has taken. */
static void give_back(struct set *set, struct batch *b, uint8_t *before)
{
	b->room.at = before;
	for (size_t i = 0; i < set->count; i++)
		set->list[i].literal.bytes = NULL;
}

static const char *evaluate(struct set *set, struct batch *b, uint32_t record)
{
	uint8_t *before = b->room.at;
	const char *why = NULL;
	for (size_t i = 0; i < set->count && !why; i++) {
		struct set_field *f = &set->list[i];
		uint8_t *mark = b->room.at;
		expression_eval(&f->value, b, record, &f->result);
		why = suit(f->known, &f->result, &b->room);
		if (!why)
			why = settle(f, b, mark);
	}
	if (!why && set->body &&
	    !bodies_have_room(&set->bodies, b, record, set->body->result.length))
		why = "out of room";
	if (why)
		give_back(set, b, before);
	return why;
}

static void assign(struct set *set, struct batch *b, uint32_t record)
{
	uint16_t row = b->rows[record];
	for (size_t i = 0; i < set->count; i++) {
		struct set_field *f = &set->list[i];
		f->values[row] = f->result;
		if (f->times)
			f->times[row] = f->result;
		field_parts_set(&f->parts, row, &f->result);
	}
	if (set->body)
		bodies_add(&set->bodies, b, record, set->body->result.bytes,
			   set->body->result.length);
}

/* Columns are read as they are before any is written. */
static void begin_batch(struct set *set, struct stage *s, struct batch *b)
{
	int said = fields_find_known(s->fields, FIELD_RECORD_TIME);
	batch_make_room(b, s->home);
	for (size_t i = 0; i < set->count; i++)
		expression_begin(&set->list[i].value, s, b);
	for (size_t i = 0; i < set->count; i++) {
		struct set_field *f = &set->list[i];
		f->values = batch_column(b, f->column);
		f->times = f->known == FIELD_TIME ? batch_column(b, (unsigned)said) : NULL;
		f->literal.bytes = NULL;
		field_parts_begin(&f->parts, b);
	}
	if (set->body)
		bodies_begin(&set->bodies, s, b);
}

static void set_batch(struct set *set, struct stage *s, struct batch *b, struct failures *failures)
{
	begin_batch(set, s, b);
	for (uint32_t i = 0; i < b->count; i++) {
		const char *why = evaluate(set, b, i);
		if (!why) {
			assign(set, b, i);
			continue;
		}
		failures_add(failures, i, why);
		if (set->body)
			bodies_keep(&set->bodies, b, i);
	}
	if (set->body)
		bodies_end(&set->bodies, b);
}

static int set_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	struct failures failures;
	int r = 0;
	if (b->count > 0) {
		batch_give_rows(b);
		known_keep_offsets(s, b);
		failures_begin(&failures, s, b);
		set_batch(s->state, s, b, &failures);
		r = failures_settle(&failures, &b, out);
	}
	if (b)
		emit(out, &b);
	return r;
}

const struct stage_type set_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "set",
	       .summary = "gives fields the values of expressions",
	       .options = set_table,
	       .options_size = sizeof(struct set_options),
	       .check = set_check,
	       .has_failures = true,
	       .workers_max = 64},
    .open = set_open,
    .close = set_close,
    .transform_apply = set_apply,
    .memory = set_memory,
    .fields = set_fields,
    .scratch = set_scratch,
    .light = true,
    .stateless = true,
};
