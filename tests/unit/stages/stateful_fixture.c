#include "tests/unit/stages/stateful_fixture.h"
#include "tests/unit/stages/transform_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INPUT_BYTES = 256 << 10, INPUT_BATCHES = 4 };

/* ---- what comes out ---- */

static void take_output(struct stateful *x, unsigned output)
{
	struct batch *b;
	while ((b = caught_take(&x->caught, output))) {
		for (uint32_t i = 0; i < b->count; i++) {
			fwrite(b->bytes + b->records[i].offset, 1, b->records[i].length,
			       x->to[output]);
			fputc('\n', x->to[output]);
		}
		batch_free(&b);
	}
}

static void take_outputs(struct stateful *x)
{
	take_output(x, 0);
	take_output(x, 1);
	cr_assert(home_is_whole(&x->own) || x->holds, "it keeps what it has handed on");
}

const char *stateful_text(struct stateful *x, unsigned output)
{
	cr_assert_eq(fflush(x->to[output]), 0);
	return x->text[output];
}

static void forget_output_from(struct stateful *x, unsigned output, size_t at)
{
	char *kept = strndup(stateful_text(x, output), at);
	cr_assert_eq(fclose(x->to[output]), 0);
	free(x->text[output]);
	x->to[output] = open_memstream(&x->text[output], &x->length[output]);
	cr_assert(kept && x->to[output]);
	fputs(kept, x->to[output]);
	free(kept);
}

/* ---- the stage ---- */

static void make_homes(struct stateful *x, size_t stage)
{
	size_t group = 0;
	while (!plan_hosts(x->plan, group, stage))
		group++;
	struct home_size own = plan_clone_home(x->plan, group);
	struct home_size input = {.buffers = INPUT_BATCHES,
				  .buffer_capacity = INPUT_BYTES,
				  .batches = INPUT_BATCHES,
				  .columns = x->plan->fields.count};
	cr_assert_eq(home_init(&x->input, &input), 0);
	cr_assert_eq(home_init(&x->own, &own), 0);
}

static int open_stage(struct stateful *x)
{
	struct stage *s = &x->stage;
	delta_clear(&x->saved);
	cr_assert_eq(epoch_map_copy(&x->map, "t", &x->saved), 0);
	s->saved = &x->saved;
	return s->type->open(s);
}

void stateful_init(struct stateful *x, const char *yaml)
{
	memset(x, 0, sizeof *x);
	still_world_init(&x->world);
	x->world.now_ns = 1000;
	x->world.wall_ns = INT64_C(2000000000) * 1000000000;
	x->plan = transforms_plan(yaml);
	size_t i = transforms_stage("t");
	make_homes(x, i);
	x->stage = (struct stage){
	    .type = plan_type(x->plan, i),
	    .id = "t",
	    .options = x->plan->topology->stages[i].options,
	    .env = &x->world.env,
	    .home = &x->own,
	    .fields = &x->plan->fields,
	    .needed = &x->plan->needed[i],
	    .needs_all = x->plan->needs_all[i],
	    .written = &x->plan->written[i],
	    .object = x->plan->objects[i],
	    .on_error = (enum on_error)x->plan->topology->stages[i].on_error,
	    .counters = &x->counters,
	};
	caught_init(&x->caught, plan_outputs(x->plan, i), "t", &x->counters);
	x->caught.worker.clones = &x->own;
	for (unsigned o = 0; o < 2; o++)
		x->to[o] = open_memstream(&x->text[o], &x->length[o]);
	cr_assert_eq(epoch_map_init(&x->map), 0);
	cr_assert_eq(open_stage(x), 0, "%s", x->world.said);
}

void stateful_release(struct stateful *x)
{
	x->stage.type->close(&x->stage);
	take_outputs(x);
	for (unsigned o = 0; o < 2; o++) {
		fclose(x->to[o]);
		free(x->text[o]);
	}
	home_release(&x->input);
	home_release(&x->own);
	epoch_map_release(&x->map);
	delta_release(&x->delta);
	delta_release(&x->saved);
	transforms_forget();
}

/* ---- what goes in ---- */

static struct value text_value(const char *text)
{
	if (!text)
		return (struct value){.type = VALUE_MISSING};
	return (struct value){
	    .bytes = (const uint8_t *)text, .length = (uint32_t)strlen(text), .type = VALUE_STRING};
}

static void set_field(struct stateful *x, struct batch *b, uint32_t row, int column, struct value v)
{
	(void)x;
	if (column >= 0)
		batch_column(b, (unsigned)column)[row] = v;
}

static void fill_row(struct stateful *x, struct batch *b, uint32_t row,
		     const struct stateful_record *r)
{
	const struct fields *f = &x->plan->fields;
	set_field(x, b, row, fields_find(f, "k", 1), text_value(r->k));
	set_field(x, b, row, fields_find(f, "n", 1), r->n);
	if (r->time_ms != NO_TIME)
		set_field(x, b, row, fields_find_known(f, FIELD_RECORD_TIME),
			  (struct value){.i = r->time_ms * 1000000, .type = VALUE_TIMESTAMP});
}

/* The bodies are `k`s. */
static struct batch *make_batch(struct stateful *x, const struct stateful_record *records,
				size_t count)
{
	struct buffer *buffer = home_take_buffer(&x->input);
	cr_assert(buffer && count <= BATCH_RECORDS_MAX);
	struct batch *b = batch_new(&x->input, buffer);
	uint32_t used = 0;
	b->delimiter = (struct delimiter){.bytes = "\n", .length = 1};
	b->wall_ns = x->world.wall_ns;
	b->count = (uint32_t)count;
	batch_give_rows(b);
	for (uint32_t i = 0; i < count; i++) {
		const char *body = records[i].k ? records[i].k : "";
		size_t length = strlen(body);
		cr_assert_leq(used + length + 1, buffer->capacity);
		memcpy(buffer->bytes + used, body, length);
		buffer->bytes[used + length] = '\n';
		b->records[i] = (struct record){used, (uint32_t)length};
		b->bytes_total += length;
		used += (uint32_t)length + 1;
		fill_row(x, b, i, &records[i]);
	}
	buffer_let_go(buffer);
	return b;
}

static int feed_batch(struct stateful *x, struct batch *b)
{
	struct stage *s = &x->stage;
	int r = s->type->transform_apply(s, b, x->caught.outlets);
	while (r == STEP_MORE) {
		x->holds = true;
		take_outputs(x);
		r = s->type->transform_more(s, x->caught.outlets);
	}
	x->holds = false;
	take_outputs(x);
	return r;
}

int stateful_feed(struct stateful *x, const struct stateful_record *records, size_t count,
		  size_t per_batch)
{
	int r = 0;
	for (size_t at = 0; at < count && r == 0; at += per_batch) {
		size_t some = count - at < per_batch ? count - at : per_batch;
		stateful_due(x, false);
		r = feed_batch(x, make_batch(x, records + at, some));
	}
	return r;
}

void stateful_due(struct stateful *x, bool ending)
{
	struct stage *s = &x->stage;
	int r = STEP_MORE;
	s->ending = ending;
	while (s->type->transform_due && r == STEP_MORE) {
		r = s->type->transform_due(s, x->caught.outlets);
		cr_assert_geq(r, 0);
		take_outputs(x);
	}
	s->ending = false;
}

void stateful_cut(struct stateful *x)
{
	struct stage *s = &x->stage;
	delta_clear(&x->delta);
	cr_assert_eq(s->type->snapshot(s, &x->delta), 0);
	x->snapshot_bytes = x->delta.packer.length;
	cr_assert_eq(epoch_map_prepare(&x->map, "t", 1, delta_changes(&x->delta)), 0);
	epoch_map_apply(&x->map);
	for (unsigned o = 0; o < 2; o++)
		x->cut[o] = strlen(stateful_text(x, o));
}

int stateful_crash(struct stateful *x)
{
	x->stage.type->close(&x->stage);
	for (unsigned o = 0; o < 2; o++)
		forget_output_from(x, o, x->cut[o]);
	return open_stage(x);
}

static const struct option *option_called(const struct option *table, const char *name)
{
	while (table->name && strcmp(table->name, name) != 0)
		table++;
	cr_assert(table->name, "no option %s", name);
	return table;
}

uint64_t *stateful_number(struct stateful *x, const char *group, const char *name)
{
	char *at = (char *)(uintptr_t)x->stage.options;
	const struct option *table = x->stage.type->schema.options;
	if (group) {
		const struct option *g = option_called(table, group);
		at += g->offset;
		table = g->group;
	}
	return (uint64_t *)(void *)(at + option_called(table, name)->offset);
}
