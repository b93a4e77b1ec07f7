/* rename.c - gives fields other names.
 *
 *	fields: {msg: message, user: person}        person.id is what user.id was
 *
 * All at once, so that {a: b, b: a} swaps two. An old field is gone then; where a record has none, the new one is left as it was.
 * What lies within a field goes along: what stages above have set there, field by field, and the rest with the field itself. */
#include "conf/excerpt.h"
#include "stages/builtin.h"
#include "stages/field_names.h"
#include "stages/field_parts.h"
#include "stages/known.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rename_options {
	struct text_map fields;
};

static const struct option rename_table[] = {
    {"fields", OPTION_MAP, offsetof(struct rename_options, fields), .required = true, .min = 1,
     .doc = "Old names and the new ones, all renamed at once"},
    {0},
};

struct move {
	unsigned from, to;
	const struct value *old; /* of the batch at hand */
	struct value *new;
	struct value taken;       /* of the record at hand */
	struct field_parts parts; /* of `to` */
	const struct move *whole; /* what it lies within, if that moves; it comes after that one */
};

struct rename {
	struct move *moves; /* those that the topology names, then what lies within them */
	size_t count;
	uint16_t left[COLUMNS_MAX]; /* old ones, with what lies within them */
	struct value *left_values[COLUMNS_MAX];
	size_t left_count;
};

/* Where a whole has moved, a part that it has not was taken away above, field by field: it is not to come back. */
static bool moves(const struct move *m)
{
	return m->taken.type != VALUE_MISSING ||
	       (m->whole && m->whole->taken.type != VALUE_MISSING);
}

/* ---- the topology ---- */

static bool is_called(const struct text *name, const char *word)
{
	return name->length == strlen(word) && memcmp(name->bytes, word, name->length) == 0;
}

static void check_pair(const struct text *old, const struct text *new, struct problems *problems)
{
	struct excerpt shown = excerpt_of(new->bytes, new->length, new->secret);
	if (old->length == new->length && memcmp(old->bytes, new->bytes, old->length) == 0)
		problem_add(problems, new->at, "`%s` is renamed to itself; leave it out",
			    shown.text);
	if (is_called(new, "body") || is_called(new, "time"))
		problem_add(problems, new->at,
			    "`%s` is known of any record, and no field; `set` gives it a value",
			    shown.text);
}

static void rename_check(const void *options, struct place at, struct problems *problems)
{
	const struct text_map *fields = &((const struct rename_options *)options)->fields;
	(void)at;
	if (fields->count == 0)
		return;
	field_names_check(&fields->items[0].name, fields->count, sizeof *fields->items, problems);
	field_names_check(&fields->items[0].value, fields->count, sizeof *fields->items, problems);
	for (size_t i = 0; i < fields->count; i++)
		check_pair(&fields->items[i].name, &fields->items[i].value, problems);
}

/* What the part of the old field is called in the new one; the caller's. NULL: out of memory. */
static char *part_name(const struct text_pair *pair, const struct field *part)
{
	char *name;
	const size_t skip = pair->name.length;
	int r = asprintf(&name, "%s%.*s", pair->value.bytes, (int)(part->length - skip),
			 part->name + skip);
	return r < 0 ? NULL : name;
}

static bool is_moving_part(const struct field *f, const struct text *old)
{
	return f->known == FIELD_ITSELF && f->is_written &&
	       field_is_within(f->name, f->length, old->bytes, old->length);
}

/* What is set within it, by stages above: those below have not been asked yet. */
static void declare_parts(const struct text_pair *pair, struct field_uses *uses)
{
	const size_t count = uses->fields->count;
	for (size_t c = 0; c < count && !uses->error; c++) {
		if (!is_moving_part(&uses->fields->list[c], &pair->name))
			continue;
		char *name = part_name(pair, &uses->fields->list[c]);
		if (!name)
			uses->error = -ENOMEM;
		else
			fields_write(uses, name, strlen(name));
		free(name);
		column_set_add(&uses->reads, (unsigned)c);
		column_set_add(&uses->writes, (unsigned)c);
	}
}

static void rename_fields(const void *options, struct field_uses *uses)
{
	const struct text_map *fields = &((const struct rename_options *)options)->fields;
	for (size_t i = 0; i < fields->count && !uses->error; i++) {
		const struct text_pair *pair = &fields->items[i];
		declare_parts(pair, uses);
		fields_read_named(uses, &pair->name);
		fields_take(uses, pair->name.bytes, pair->name.length);
		fields_find_in(uses, pair->value.bytes, pair->value.length);
	}
}

static size_t rename_memory(const void *options)
{
	(void)options;
	return COLUMNS_MAX * sizeof(struct move);
}

/* ---- open, close ---- */

static int add_move(struct rename *rename, const struct stage *s, int from, int to,
		    const struct move *whole)
{
	struct move *m = &rename->moves[rename->count];
	assert(from >= 0 && to >= 0 && rename->count < COLUMNS_MAX);
	rename->count++;
	*m = (struct move){.from = (unsigned)from, .to = (unsigned)to, .whole = whole};
	return whole ? 0 : field_parts_open(&m->parts, s->fields, m->to);
}

static int add_named(struct rename *rename, const struct stage *s, const struct text_pair *pair)
{
	return add_move(rename, s, fields_find(s->fields, pair->name.bytes, pair->name.length),
			fields_find(s->fields, pair->value.bytes, pair->value.length), NULL);
}

/* One that only stages below speak of moves with the field itself. */
static int add_parts(struct rename *rename, const struct stage *s, const struct text_pair *pair,
		     const struct move *whole)
{
	int r = 0;
	for (size_t c = 0; c < s->fields->count && r == 0; c++) {
		if (!is_moving_part(&s->fields->list[c], &pair->name))
			continue;
		char *name = part_name(pair, &s->fields->list[c]);
		int to = name ? fields_find(s->fields, name, strlen(name)) : -1;
		r = !name ? -ENOMEM : to < 0 ? 0 : add_move(rename, s, (int)c, to, whole);
		free(name);
	}
	return r;
}

static bool is_left(const struct field *f, const struct text_map *fields)
{
	for (size_t i = 0; i < fields->count; i++)
		if (field_is_or_is_within(f, &fields->items[i].name))
			return true;
	return false;
}

static int fill(struct rename *rename, const struct stage *s)
{
	const struct text_map *fields = &((const struct rename_options *)s->options)->fields;
	int r = 0;
	for (size_t i = 0; i < fields->count && r == 0; i++)
		r = add_named(rename, s, &fields->items[i]);
	for (size_t i = 0; i < fields->count && r == 0; i++)
		r = add_parts(rename, s, &fields->items[i], &rename->moves[i]);
	for (size_t c = 0; c < s->fields->count; c++)
		if (is_left(&s->fields->list[c], fields))
			rename->left[rename->left_count++] = (uint16_t)c;
	return r;
}

static int rename_open(struct stage *s)
{
	struct rename *rename = s->state = calloc(1, sizeof *rename);
	if (rename)
		rename->moves = calloc(COLUMNS_MAX, sizeof *rename->moves);
	int r = rename && rename->moves ? fill(rename, s) : -ENOMEM;
	if (r < 0)
		env_say(s->env, SAY_ERROR, "rename not prepared", "error=%s", strerror(-r));
	return r;
}

static void rename_close(struct stage *s)
{
	struct rename *rename = s->state;
	for (size_t i = 0; rename && rename->moves && i < rename->count; i++)
		field_parts_close(&rename->moves[i].parts);
	if (rename)
		free(rename->moves);
	free(rename);
	s->state = NULL;
}

/* ---- moving ---- */

static void begin_batch(struct rename *rename, struct stage *s, struct batch *b)
{
	for (size_t i = 0; i < rename->count; i++) {
		struct move *m = &rename->moves[i];
		m->old = m->whole ? batch_column_as_is(b, m->from) : known_values(s, b, m->from);
		m->new = batch_column(b, m->to);
		field_parts_begin(&m->parts, b);
	}
	for (size_t i = 0; i < rename->left_count; i++)
		rename->left_values[i] = batch_column(b, rename->left[i]);
}

static void move(struct rename *rename, uint16_t row)
{
	for (size_t i = 0; i < rename->count; i++)
		rename->moves[i].taken = rename->moves[i].old[row];
	for (size_t i = 0; i < rename->left_count; i++)
		rename->left_values[i][row] = (struct value){.type = VALUE_MISSING};
	for (size_t i = 0; i < rename->count; i++) {
		struct move *m = &rename->moves[i];
		if (!moves(m))
			continue;
		m->new[row] = m->taken;
		field_parts_set(&m->parts, row, &m->taken);
	}
}

static int rename_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	struct rename *rename = s->state;
	if (b->count > 0) {
		batch_give_rows(b);
		begin_batch(rename, s, b);
		for (uint32_t i = 0; i < b->count; i++)
			move(rename, b->rows[i]);
	}
	emit(out, &b);
	return 0;
}

const struct stage_type rename_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "rename",
	       .summary = "gives fields other names",
	       .options = rename_table,
	       .options_size = sizeof(struct rename_options),
	       .check = rename_check,
	       .workers_max = 64},
    .open = rename_open,
    .close = rename_close,
    .transform_apply = rename_apply,
    .memory = rename_memory,
    .fields = rename_fields,
    .light = true,
    .stateless = true,
};
