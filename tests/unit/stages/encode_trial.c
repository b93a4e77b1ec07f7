#include "tests/unit/stages/encode_trial.h"
#include "stages/builtin.h"
#include "tests/unit/stages/option_trial.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct stage_type *type_of(struct encode_trial *t)
{
	const void *options;
	const struct stage_schema *schema = encoding_companion(&t->options, &options);
	cr_assert(schema && options == &t->options);
	return (const struct stage_type *)(const void *)schema;
}

static void check(const void *options, struct place at, struct problems *problems)
{
	encoding_check(options, at, problems);
}

static void note_written(struct encode_trial *t)
{
	const struct fields *f = &t->parsed.fields;
	for (unsigned c = 0; c < f->count; c++)
		if (f->list[c].is_written)
			column_set_add(&t->written, c);
}

static void open_stage(struct encode_trial *t, const struct stage_type *type)
{
	struct home_size size = {.batches = 8, .columns = t->parsed.fields.count};
	size.buffers =
	    4 * type->scratch(&t->options, t->parsed.input_capacity, false, &size.buffer_capacity);
	if (t->capacity)
		size.buffer_capacity = t->capacity;
	cr_assert_eq(home_init(&t->made, &size), 0);
	t->stage = (struct stage){.type = type,
				  .id = "trial.encoding",
				  .options = &t->options,
				  .env = &t->parsed.world.env,
				  .home = &t->made,
				  .fields = &t->parsed.fields,
				  .written = &t->written,
				  .counters = &t->counters};
	cr_assert_eq(type->open(&t->stage), 0);
}

void encode_begin(struct encode_trial *t, const char *yaml)
{
	size_t capacity = t->capacity;
	memset(t, 0, sizeof *t);
	t->capacity = capacity;
	options_fill(encoding_table, &t->options, sizeof t->options, check, yaml, &t->arena);
	const struct stage_type *type = type_of(t);
	struct field_uses uses = {.fields = &t->parsed.fields, .object = -1};
	type->fields(&t->options, &uses);
	cr_assert_eq(uses.error, 0);
	t->parsed.needed = uses.reads;
	transform_begin(&t->parsed, &parse_json_type, "{}", uses.reads_all ? "* error" : "");
	note_written(t);
	open_stage(t, type);
}

void encode_end(struct encode_trial *t)
{
	t->stage.type->close(&t->stage);
	transform_end(&t->parsed);
	home_release(&t->made);
	option_fill_release(t->arena);
}

static void take_text(struct encode_trial *t, const struct batch *b)
{
	for (uint32_t i = 0; i < b->count; i++) {
		const struct record *r = &b->records[i];
		cr_assert_lt(t->length + r->length + b->delimiter.length, sizeof t->text);
		memcpy(t->text + t->length, b->bytes + r->offset, r->length);
		t->length += r->length;
		memcpy(t->text + t->length, b->delimiter.bytes, b->delimiter.length);
		t->length += b->delimiter.length;
	}
	t->text[t->length] = '\0';
}

static void take_batches(struct encode_trial *t)
{
	struct batch *b;
	while ((b = caught_take(&t->parsed.caught, 0))) {
		take_text(t, b);
		batch_free(&b);
	}
}

const char *encode_lines(struct encode_trial *t, const char *lines, size_t length)
{
	const struct stage_type *type = t->stage.type;
	cr_assert_eq(transform_feed(&t->parsed, lines, length), 0);
	struct batch *b = t->parsed.batch;
	cr_assert(b);
	t->parsed.batch = NULL;
	t->length = 0;
	int r = type->transform_apply(&t->stage, b, t->parsed.caught.outlets);
	take_batches(t);
	while (r == STEP_MORE) {
		r = type->transform_more(&t->stage, t->parsed.caught.outlets);
		take_batches(t);
	}
	cr_assert_eq(r, 0);
	return t->text;
}

const char *encode_text(struct encode_trial *t, const char *lines)
{
	return encode_lines(t, lines, strlen(lines));
}

size_t encode_problems(const char *yaml, const char **ret_text)
{
	return options_problems(encoding_table, sizeof(struct encoding_options), check, yaml,
				ret_text);
}
