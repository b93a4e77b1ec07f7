#include "daemon/rehearsal_source.h"
#include "stages/field_names.h"
#include "stages/json/json_number.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_LEAST = 64 << 10, NUMBER_ROOM = 64 };

/* ---- fields ---- */

static bool says(const struct text *t, const char *word)
{
	return t->length == strlen(word) && memcmp(t->bytes, word, t->length) == 0;
}

/* A number as JSON writes it; the text of one that is too long for that is a text. */
static bool read_number(const struct text *t, struct value *v)
{
	uint8_t padded[NUMBER_ROOM + 8] = {0}; /* it is read eight bytes at a time */
	enum value_type type = VALUE_INT;
	if (t->length == 0 || t->length >= NUMBER_ROOM)
		return false;
	memcpy(padded, t->bytes, t->length);
	if (json_number_end(padded, padded + t->length + 1, &type) != padded + t->length)
		return false;
	*v = (struct value){.bytes = (const uint8_t *)t->bytes,
			    .length = (uint32_t)t->length,
			    .type = (uint8_t)type,
			    .form = VALUE_DIGITS};
	return true;
}

static struct value value_of(const struct test_field *f)
{
	struct value v = {.type = VALUE_NULL};
	if (!f->value.bytes || (f->is_plain && read_number(&f->value, &v)))
		return v;
	bool yes = says(&f->value, "true"), no = says(&f->value, "false");
	if (f->is_plain && (yes || no))
		return (struct value){.b = yes, .type = VALUE_BOOL};
	return (struct value){.bytes = (const uint8_t *)f->value.bytes,
			      .length = (uint32_t)f->value.length,
			      .type = VALUE_STRING};
}

int rehearsal_source_check(const struct topology_test *test, struct problems *problems)
{
	size_t before = problems_total(problems);
	for (size_t i = 0; i < test->record_count; i++) {
		const struct test_record *r = &test->records[i];
		if (r->field_count > 0)
			field_names_check(&r->fields[0].name, r->field_count, sizeof *r->fields,
					  problems);
	}
	return problems_total(problems) > before ? -EINVAL : 0;
}

static void rehearsal_source_fields(const void *options, struct field_uses *uses)
{
	const struct topology_test *test = ((const struct rehearsal_source_options *)options)->test;
	for (size_t i = 0; i < test->record_count; i++)
		for (size_t k = 0; k < test->records[i].field_count; k++) {
			const struct text *name = &test->records[i].fields[k].name;
			fields_write(uses, name->bytes, name->length);
		}
}

static void give_fields(const struct stage *s, struct batch *b, uint32_t record,
			const struct test_record *r)
{
	for (size_t i = 0; i < r->field_count; i++) {
		const struct text *name = &r->fields[i].name;
		int column = fields_find(s->fields, name->bytes, name->length);
		assert(column >= 0 && "it was declared");
		batch_column(b, (unsigned)column)[b->rows[record]] = value_of(&r->fields[i]);
	}
}

/* ---- records ---- */

/* How many have been given, and how long they are, each with a newline: where in its input the next one stands. */
struct rehearsal_source {
	size_t given;
	uint64_t place;
};

static int rehearsal_source_open(struct stage *s)
{
	s->state = calloc(1, sizeof(struct rehearsal_source));
	return s->state ? 0 : -ENOMEM;
}

static void rehearsal_source_close(struct stage *s)
{
	free(s->state);
	s->state = NULL;
}

static void put_record(struct batch *b, uint8_t *to, size_t at, const struct text *body)
{
	if (body->length > 0)
		memcpy(to + at, body->bytes, body->length);
	to[at + body->length] = '\n';
	b->records[b->count++] = (struct record){(uint32_t)at, (uint32_t)body->length};
	b->bytes_total += body->length;
}

/* As many as there is room for, from the given one on; how long they are. */
static size_t fill(struct batch *b, struct buffer *buffer, const struct topology_test *test,
		   size_t first)
{
	size_t used = 0;
	for (size_t i = first; i < test->record_count && b->count < BATCH_RECORDS_MAX; i++) {
		const struct text *body = &test->records[i].body;
		if (body->length + 1 > buffer->capacity - used)
			break;
		put_record(b, buffer->bytes, used, body);
		used += body->length + 1;
	}
	assert(b->count > 0 && "a buffer holds the longest");
	return used;
}

static int rehearsal_source_step(struct stage *s, struct outlet *out)
{
	const struct rehearsal_source_options *o = s->options;
	struct rehearsal_source *source = s->state;
	if (source->given == o->test->record_count)
		return STEP_DONE;
	if (home_is_short(s->home))
		return STEP_WAIT;
	struct buffer *buffer = home_take_buffer(s->home);
	struct batch *b = batch_new(s->home, buffer);
	b->delimiter = (struct delimiter){.bytes = "\n", .length = 1};
	b->wall_ns = o->wall_ns;
	b->read_ns = env_now_ns(s->env);
	b->place = source->place;
	b->has_place = true;
	source->place += fill(b, buffer, o->test, source->given);
	batch_give_rows(b);
	for (uint32_t i = 0; i < b->count; i++)
		give_fields(s, b, i, &o->test->records[source->given + i]);
	source->given += b->count;
	buffer_let_go(buffer);
	counter_add(&s->counters->records_in, b->count);
	emit(out, &b);
	return STEP_MORE;
}

static size_t rehearsal_source_capacity(const void *options)
{
	const struct topology_test *test = ((const struct rehearsal_source_options *)options)->test;
	size_t capacity = CAPACITY_LEAST;
	for (size_t i = 0; i < test->record_count; i++)
		if (test->records[i].body.length + 1 > capacity)
			capacity = test->records[i].body.length + 1;
	return capacity;
}

static const struct option no_options[] = {{0}};

const struct stage_type rehearsal_source_type = {
    .schema = {.kind = STAGE_SOURCE,
	       .name = "test",
	       .summary = "the records of a test",
	       .options = no_options,
	       .options_size = sizeof(struct rehearsal_source_options),
	       .workers_max = 1},
    .open = rehearsal_source_open,
    .close = rehearsal_source_close,
    .source_step = rehearsal_source_step,
    .fields = rehearsal_source_fields,
    .buffer_capacity = rehearsal_source_capacity,
};
