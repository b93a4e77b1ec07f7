/* A record's shape is looked for where the last one of its kind was followed by it, then by a hash of its skeleton. Several of one
 * skeleton, which differ in their names, are neighbours. */
#include "stages/json/json_shapes.h"

#include "stages/json/json_shape.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

enum {
	SETS = 64,
	WAYS = 4,
	TRIAL = 256,  /* records, after each of which it is asked whether shapes pay */
	PAYS = 128,   /* so many of them were known */
	PAUSE = 4096, /* records that are walked when they do not; twice as many each time */
	PAUSE_MAX = 1 << 20,
};

struct json_shape_table {
	struct json_shape shapes[SETS][WAYS];
	uint8_t oldest[SETS];
	struct json_shape *last; /* the record's before */
	uint32_t tried, known, pause, paused;
	struct json_index index;
	struct json_shape_record record;
};

int json_shapes_init(struct json_shapes *s, const struct json_plan *plan)
{
	*s = (struct json_shapes){.plan = plan};
	if (!json_kernels->skeleton)
		return 0;
	s->table = calloc(1, sizeof *s->table);
	if (!s->table)
		return -ENOMEM;
	s->table->pause = PAUSE;
	return 0;
}

size_t json_shapes_memory(void)
{
	return sizeof(struct json_shape_table);
}

void json_shapes_release(struct json_shapes *s)
{
	free(s->table);
	*s = (struct json_shapes){.plan = NULL};
}

/* ---- which shape ---- */

static struct json_shape *find(struct json_shape_table *t, uint32_t *ret_set)
{
	const struct json_shape_record *r = &t->record;
	struct json_shape *guess = t->last ? t->last->after : NULL;
	if (guess && json_shape_fits(guess, r))
		return guess;
	*ret_set = (uint32_t)(XXH3_64bits(r->skeleton.bytes, r->skeleton.length) % SETS);
	for (unsigned way = 0; way < WAYS; way++)
		if (json_shape_fits(&t->shapes[*ret_set][way], r))
			return &t->shapes[*ret_set][way];
	return NULL;
}

static void come_to(struct json_shape_table *t, struct json_shape *shape)
{
	if (t->last)
		t->last->after = shape;
	t->last = shape;
}

/* Whether shapes are looked for in the next record. */
static bool is_worth_it(struct json_shape_table *t)
{
	if (t->paused > 0) {
		t->paused--;
		return false;
	}
	if (t->tried < TRIAL)
		return true;
	const bool pays = t->known >= PAYS;
	t->tried = t->known = 0;
	t->paused = pays ? 0 : t->pause;
	t->pause = pays ? PAUSE : t->pause < PAUSE_MAX ? 2 * t->pause : PAUSE_MAX;
	return pays;
}

/* False: its strings are not in order, or it is not one window. */
static bool take_skeleton(struct json_shape_table *t, const uint8_t *bytes, uint32_t length)
{
	struct json_shape_record *r = &t->record;
	struct json_mistake mistake;
	if (length < 2 || length > JSON_WINDOW_BYTES || bytes[0] != '{' || bytes[length - 1] != '}')
		return false;
	json_index_begin(&t->index, bytes, 0, length);
	if (!json_index_window(&t->index, &mistake))
		return false;
	r->bytes = bytes;
	r->length = length;
	r->index = &t->index;
	if (!json_kernels->skeleton(bytes, length, t->index.masks.quotes, &r->skeleton))
		return false;
	r->skeleton.quotes[r->skeleton.quote_count] = (uint16_t)length;
	return true;
}

/* ---- without a shape ---- */

static void note_places(const struct json_members *members, struct json_places *places)
{
	places->count = 0;
	places->known = !members->is_full && members->count <= places->room;
	for (uint32_t i = 0; i < members->count && places->known; i++) {
		const struct json_member *m = &members->at[i];
		places->at[places->count++] = (struct json_place){m->from, m->to, m->column};
		places->known = m->column != JSON_NO_COLUMN;
	}
}

static int walk(struct json_shapes *s, const uint8_t *bytes, uint32_t length, struct value *values,
		struct json_places *places, struct json_mistake *ret_mistake)
{
	struct json_members members = {.at = s->members, .room = JSON_SHAPES_MEMBERS_MAX};
	int r = json_scan(s->plan, bytes, length, values, places ? &members : NULL, ret_mistake);
	if (r == 0 && places)
		note_places(&members, places);
	return r;
}

static void learn(struct json_shapes *s, uint32_t set, const struct value *values,
		  const struct json_places *places)
{
	struct json_shape_table *t = s->table;
	struct json_shape *shape = &t->shapes[set][t->oldest[set]++ % WAYS];
	if (json_shape_learn(shape, s->plan, &t->record, values, places))
		come_to(t, shape);
	else
		shape->length = 0;
}

int json_shapes_scan(struct json_shapes *s, const uint8_t *bytes, uint32_t length,
		     struct value *values, struct json_places *places,
		     struct json_mistake *ret_mistake)
{
	struct json_shape_table *t = s->table;
	uint32_t set = 0;
	if (!t || !is_worth_it(t) || !take_skeleton(t, bytes, length))
		return walk(s, bytes, length, values, places, ret_mistake);
	struct json_shape *shape = find(t, &set);
	t->tried++;
	if (!shape) {
		int r = walk(s, bytes, length, values, places, ret_mistake);
		if (r == 0)
			learn(s, set, values, places);
		return r;
	}
	t->known++;
	come_to(t, shape);
	for (unsigned i = 0; i < s->plan->columns; i++)
		values[i] = (struct value){0};
	json_shape_read(shape, &t->record, values, places);
	return 0;
}
