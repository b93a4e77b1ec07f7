#include "stages/group_record.h"
#include "stages/encode/json_value.h"
#include "stages/json/json_text.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	NAMES_OF_WINDOW = 2,
	NUMBER_BYTES_MAX = 64, /* of one as JSON, or a time */
};

static const char window_start[] = "window_start", window_end[] = "window_end";

/* ---- the topology ---- */

static struct text constant(const char *name)
{
	return (struct text){.bytes = name, .length = strlen(name)};
}

struct text *group_record_names(const struct text_list *by, const struct text_map *fields,
				size_t *ret_count)
{
	struct text *names = calloc(by->count + 2 + fields->count, sizeof *names), *n = names;
	if (!names)
		return NULL;
	*n++ = constant(window_start);
	*n++ = constant(window_end);
	for (size_t i = 0; i < by->count; i++)
		*n++ = by->items[i];
	for (size_t i = 0; i < fields->count; i++)
		*n++ = fields->items[i].name;
	*ret_count = (size_t)(n - names);
	return names;
}

void group_record_declare(struct field_uses *uses)
{
	fields_write_known(uses, FIELD_RECORD_TIME);
	fields_write_object(uses, "", 0);
}

size_t group_record_bytes_max(const struct text_list *by, const struct text_map *fields)
{
	size_t bytes = json_encoded_max(GROUP_KEY_MAX) + 4 * NUMBER_BYTES_MAX;
	for (size_t i = 0; i < by->count; i++)
		bytes += json_encoded_max(by->items[i].length) + NUMBER_BYTES_MAX;
	for (size_t i = 0; i < fields->count; i++)
		bytes += json_encoded_max(fields->items[i].name.length) + NUMBER_BYTES_MAX;
	return bytes;
}

/* ---- init, release ---- */

static int take_memory(struct group_record *r)
{
	int bad = record_layout_init(&r->layout, r->names, r->name_count);
	r->written = calloc(r->name_count, sizeof *r->written);
	r->held = calloc(r->layout.object_count + 1, sizeof *r->held);
	r->pieces = calloc(r->name_count + 1, sizeof *r->pieces);
	return bad == 0 && (!r->written || !r->held || !r->pieces) ? -ENOMEM : bad;
}

static void find_columns(struct group_record *r, const struct stage *s)
{
	int time = fields_find_known(s->fields, FIELD_RECORD_TIME);
	assert(time >= 0 && s->object >= 0 && "they were declared");
	r->time = (unsigned)time;
	r->object = (unsigned)s->object;
	for (size_t i = 0; i < r->name_count; i++)
		r->written[i] = fields_find(s->fields, r->names[i].bytes, r->names[i].length);
	for (size_t i = 0; i < r->layout.object_count; i++)
		r->held[i] =
		    fields_find(s->fields, r->layout.objects[i].name, r->layout.objects[i].length);
}

int group_record_init(struct group_record *r, const struct stage *s, const struct text_list *by,
		      const struct text_map *fields, const struct aggregate_plan *plan,
		      uint64_t window_ns)
{
	*r = (struct group_record){.plan = plan, .window_ns = window_ns, .by_count = by->count};
	r->names = group_record_names(by, fields, &r->name_count);
	int bad = r->names ? take_memory(r) : -ENOMEM;
	if (bad == 0)
		find_columns(r, s);
	return bad;
}

void group_record_release(struct group_record *r)
{
	record_layout_release(&r->layout);
	free(r->names);
	free(r->written);
	free(r->held);
	free(r->pieces);
	*r = (struct group_record){.names = NULL};
}

/* ---- a record ---- */

static struct value time_value(int64_t ns)
{
	return (struct value){.i = ns, .type = VALUE_TIMESTAMP};
}

/* The value of that name. */
static struct value value_of(const struct group_record *r, const struct window_group *g,
			     size_t name)
{
	if (name < NAMES_OF_WINDOW)
		return time_value(name == 0 ? g->start_ns : g->start_ns + (int64_t)r->window_ns);
	name -= NAMES_OF_WINDOW;
	if (name < r->by_count)
		return group_key_value(g->key, g->key_length, name);
	return aggregate_plan_result(r->plan, name - r->by_count, g->records, g->tallies,
				     g->sketches);
}

/* Writes it; it lies in what was written from then on. */
static struct value put_value(struct writer *w, const struct value *v)
{
	struct value put = *v;
	const uint8_t *from = w->at;
	json_put_value(w, v);
	if (v->type == VALUE_STRING) {
		put.bytes = from + 1;
		put.length = (uint32_t)(w->at - from) - 2;
		put.form = memchr(put.bytes, '\\', put.length) ? VALUE_ESCAPED : VALUE_PLAIN;
	} else if (v->type == VALUE_LIST || v->type == VALUE_MAP || v->form == VALUE_DIGITS) {
		put.bytes = from;
		put.length = (uint32_t)(w->at - from);
	}
	return put;
}

/* Its text. False: there was no room. */
static bool put_text(const struct group_record *r, struct batch *b, uint32_t row,
		     const struct window_group *g, struct writer *w)
{
	const struct record_layout *l = &r->layout;
	for (size_t i = 0; i < l->count && !w->is_full; i++) {
		const struct layout_member *m = &l->members[i];
		struct value v = value_of(r, g, m->name);
		r->pieces[i] = w->at;
		writer_put(w, l->text.bytes + m->from, m->to - m->from);
		v = put_value(w, &v);
		if (!w->is_full && r->written[m->name] >= 0)
			batch_column(b, (unsigned)r->written[m->name])[row] = v;
	}
	r->pieces[l->count] = w->at;
	writer_put(w, l->text.bytes + l->rest, l->text.length - l->rest);
	return !w->is_full;
}

static void set_object(struct batch *b, uint32_t row, unsigned column, const uint8_t *from,
		       const uint8_t *to)
{
	batch_column(b, column)[row] =
	    (struct value){.bytes = from, .length = (uint32_t)(to - from), .type = VALUE_MAP};
}

/* Those within it that somebody reads as a whole, or has written. */
static void set_objects(const struct group_record *r, struct batch *b, uint32_t row)
{
	for (size_t i = 0; i < r->layout.object_count; i++) {
		const struct layout_object *o = &r->layout.objects[i];
		if (r->held[i] >= 0)
			set_object(b, row, (unsigned)r->held[i],
				   r->pieces[o->begins.member] + o->begins.into,
				   r->pieces[o->ends.member] + o->ends.into);
	}
}

bool group_record_put(const struct group_record *r, struct batch *b, uint32_t row,
		      const struct window_group *g, struct writer *w)
{
	uint8_t *from = w->at;
	bool is_put = put_text(r, b, row, g, w);
	uint8_t *to = w->at;
	writer_put_byte(w, '\n');
	if (!is_put || w->is_full)
		return false;
	b->records[row] = (struct record){(uint32_t)(from - b->bytes), (uint32_t)(to - from)};
	b->bytes_total += (uint64_t)(to - from);
	batch_column(b, r->time)[row] = time_value(g->start_ns);
	set_object(b, row, r->object, from, to);
	set_objects(r, b, row);
	return true;
}
