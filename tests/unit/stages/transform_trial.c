#include "tests/unit/stages/transform_trial.h"
#include "tests/unit/stages/option_trial.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void want(struct transform_trial *t, struct field_uses *uses, const char *names)
{
	while (*names) {
		size_t length = strcspn(names, " ");
		if (length == 1 && *names == '*')
			t->stage.needs_all = true;
		else
			fields_read(uses, names, length);
		names += length;
		names += strspn(names, " ");
	}
	cr_assert_eq(uses->error, 0);
}

static void declare(struct transform_trial *t, const char *wanted)
{
	struct field_uses own = {.fields = &t->fields, .object = -1};
	struct field_uses reader = own;
	const struct stage_type *type = t->stage.type;
	type->fields(t->options, &own);
	cr_assert_eq(own.error, 0);
	want(t, &reader, wanted);
	for (size_t i = 0; i < sizeof t->needed.bits / sizeof *t->needed.bits; i++)
		t->needed.bits[i] |= reader.reads.bits[i];
	t->stage.fields = &t->fields;
	t->stage.needed = &t->needed;
	t->stage.object = own.object;
}

static void find_room(struct transform_trial *t)
{
	const struct stage_type *type = t->stage.type;
	size_t capacity = 0;
	unsigned buffers = type->scratch ? type->scratch(t->options, t->input_capacity,
							 t->stage.needs_all, &capacity)
					 : 0;
	struct home_size input = {.buffers = 2,
				  .buffer_capacity = t->input_capacity,
				  .batches = 2,
				  .columns = t->fields.count};
	struct home_size made = {.buffers = 2 * (size_t)buffers,
				 .buffer_capacity = capacity,
				 .batches = 4,
				 .columns = t->fields.count};
	cr_assert_eq(home_init(&t->input, &input), 0);
	cr_assert_eq(home_init(&t->made, &made), 0);
	t->stage.home = &t->made;
}

void transform_widen(struct transform_trial *t, size_t capacity)
{
	t->input_capacity = capacity;
}

void transform_begin(struct transform_trial *t, const struct stage_type *type, const char *yaml,
		     const char *wanted)
{
	t->input_capacity = t->input_capacity ? t->input_capacity : TRIAL_CAPACITY;
	t->options = calloc(1, type->schema.options_size);
	cr_assert(t->options);
	options_fill(type->schema.options, t->options, type->schema.options_size, NULL, yaml,
		     &t->arena);
	still_world_init(&t->world);
	t->stage = (struct stage){.type = type,
				  .id = "trial",
				  .options = t->options,
				  .env = &t->world.env,
				  .saved = t->saved,
				  .counters = &t->counters};
	declare(t, wanted);
	find_room(t);
	caught_init(&t->caught, 1, t->stage.id, &t->counters);
	cr_assert_eq(type->open(&t->stage), 0);
}

void transform_end(struct transform_trial *t)
{
	batch_free(&t->batch);
	t->stage.type->close(&t->stage);
	home_release(&t->input);
	home_release(&t->made);
	fields_release(&t->fields);
	option_fill_release(t->arena);
	free(t->options);
}

/* ---- batches ---- */

static struct batch *batch_of(struct transform_trial *t, const char *lines, size_t length)
{
	struct buffer *buffer = home_take_buffer(&t->input);
	cr_assert(buffer && length <= buffer->capacity);
	memcpy(buffer->bytes, lines, length);
	struct batch *b = batch_new(&t->input, buffer);
	cr_assert(b);
	buffer_let_go(buffer);
	b->source = "in";
	b->origin = t->origin;
	if (t->origin)
		file_origin_hold(t->origin);
	b->has_place = t->has_place;
	b->place = t->place;
	t->place += length;
	b->wall_ns = still_world_wall(&t->world);
	b->delimiter = (struct delimiter){{'\n'}, 1};
	for (const uint8_t *at = b->bytes, *end = at + length; at < end;) {
		const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
		const uint8_t *to = newline ? newline : end;
		cr_assert_lt(b->count, BATCH_RECORDS_MAX);
		b->records[b->count++] =
		    (struct record){(uint32_t)(at - b->bytes), (uint32_t)(to - at)};
		b->bytes_total += (uint64_t)(to - at);
		b->unterminated = !newline;
		at = to + 1;
	}
	return b;
}

static void take_emitted(struct transform_trial *t)
{
	t->batch = caught_take(&t->caught, 0);
	cr_assert_null(caught_take(&t->caught, 0), "more than one batch");
}

int transform_hand_on(struct transform_trial *t)
{
	batch_free(&t->batch);
	int r = t->stage.type->transform_due(&t->stage, t->caught.outlets);
	take_emitted(t);
	return r;
}

int transform_feed(struct transform_trial *t, const char *lines, size_t length)
{
	batch_free(&t->batch);
	struct batch *b = batch_of(t, lines, length);
	int r = t->stage.type->transform_apply(&t->stage, b, t->caught.outlets);
	take_emitted(t);
	return r;
}

int transform_feed_text(struct transform_trial *t, const char *lines)
{
	return transform_feed(t, lines, strlen(lines));
}

size_t transform_count(const struct transform_trial *t)
{
	return t->batch ? t->batch->count : 0;
}

/* ---- values ---- */

static const char *show(const struct value *v)
{
	enum { SHOWN = 4, ROOM = 1 << 17 };
	static char shown[SHOWN][ROOM];
	static unsigned next;
	char *to = shown[next++ % SHOWN];
	switch (v->type) {
	case VALUE_MISSING:
		return "-";
	case VALUE_BOOL:
		return v->b ? "true" : "false";
	case VALUE_INT:
	case VALUE_TIMESTAMP:
		snprintf(to, ROOM, "%" PRId64, v->i);
		return to;
	default:
		cr_assert(v->type == VALUE_STRING || v->type == VALUE_MAP);
		cr_assert_lt(v->length, ROOM - 2);
		to[0] = '~';
		bool escaped = v->form == VALUE_ESCAPED;
		if (v->length)
			memcpy(to + escaped, v->bytes, v->length);
		to[escaped + v->length] = 0;
		return to;
	}
}

const char *transform_get(struct transform_trial *t, uint32_t record, const char *name)
{
	const struct batch *b = t->batch;
	cr_assert(b && record < b->count);
	if (strcmp(name, "body") == 0) {
		struct value body = {.bytes = b->bytes + b->records[record].offset,
				     .length = b->records[record].length,
				     .type = VALUE_STRING};
		return show(&body);
	}
	int column = strcmp(name, "object") == 0 ? t->stage.object
		     : strcmp(name, "own time") == 0
			 ? fields_find_known(&t->fields, FIELD_RECORD_TIME)
			 : fields_find(&t->fields, name, strlen(name));
	cr_assert_geq(column, 0, "nobody speaks of %s", name);
	return show(&batch_column_as_is(b, (unsigned)column)[b->rows[record]]);
}

size_t transform_problems(const struct stage_type *type, const char *yaml, const char **ret_text)
{
	const struct stage_schema *s = &type->schema;
	return options_problems(s->options, s->options_size, s->check, yaml, ret_text);
}
