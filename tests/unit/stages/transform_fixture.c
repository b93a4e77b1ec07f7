#include "tests/unit/stages/transform_fixture.h"
#include "daemon/given_fields.h"
#include "daemon/pipeline.h"
#include "stages/known.h"
#include "tests/unit/stages/cel_fixture.h"
#include "tests/unit/daemon/running.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SINKS_MAX = 8, STAGES_MAX = 64, TYPES_MAX = 128 };

static const int64_t READ_AT = INT64_C(1000000000) * 1000000000;

/* ---- the source ---- */

static const char *given;
static size_t given_length;

struct lines_options {
	uint64_t per_batch, capacity;
};

static const struct option lines_table[] = {
    {"per_batch", OPTION_COUNT, offsetof(struct lines_options, per_batch), .preset = "4096",
     .max = BATCH_RECORDS_MAX},
    {"capacity", OPTION_SIZE, offsetof(struct lines_options, capacity), .preset = "64KiB"},
    {0},
};

static int lines_open(struct stage *s)
{
	s->state = calloc(1, sizeof(size_t));
	return s->state ? 0 : -ENOMEM;
}

static void lines_close(struct stage *s)
{
	free(s->state);
	s->state = NULL;
}

/* From where it is; returns where it is then. */
static size_t fill(struct batch *b, struct buffer *buffer, size_t from, uint64_t records)
{
	size_t used = 0;
	b->delimiter = (struct delimiter){.bytes = "\n", .length = 1};
	b->wall_ns = READ_AT;
	while (from < given_length && b->count < records) {
		const char *line = given + from, *end = memchr(line, '\n', given_length - from);
		cr_assert_not_null(end, "the last line has no end");
		size_t length = (size_t)(end - line);
		if (used + length + 1 > buffer->capacity)
			break;
		memcpy(buffer->bytes + used, line, length + 1);
		b->records[b->count++] = (struct record){(uint32_t)used, (uint32_t)length};
		b->bytes_total += length;
		used += length + 1;
		from += length + 1;
	}
	return from;
}

static int lines_step(struct stage *s, struct outlet *out)
{
	const struct lines_options *o = s->options;
	size_t *at = s->state;
	if (*at == given_length)
		return STEP_DONE;
	if (home_is_short(s->home))
		return STEP_WAIT;
	struct buffer *buffer = home_take_buffer(s->home);
	struct batch *b = batch_new(s->home, buffer);
	b->place = *at;
	b->has_place = true;
	size_t next = fill(b, buffer, *at, o->per_batch);
	cr_assert_gt(next, *at, "a line is longer than a buffer");
	*at = next;
	buffer_let_go(buffer);
	counter_add(&s->counters->records_in, b->count);
	emit(out, &b);
	return STEP_MORE;
}

static size_t lines_capacity(const void *options)
{
	return (size_t)((const struct lines_options *)options)->capacity;
}

static const struct stage_type lines_type = {
    .schema = {.kind = STAGE_SOURCE,
	       .name = "lines",
	       .summary = "the test's lines",
	       .options = lines_table,
	       .options_size = sizeof(struct lines_options),
	       .workers_max = 1},
    .open = lines_open,
    .close = lines_close,
    .source_step = lines_step,
    .buffer_capacity = lines_capacity,
};

/* ---- the sinks ---- */

struct shown {
	char id[64];
	char *text;
	size_t length;
	FILE *to;
};

static struct shown sinks[SINKS_MAX];
/* Sinks have threads of their own, and cel_shown() has one place for all. */
static pthread_mutex_t showing = PTHREAD_MUTEX_INITIALIZER;

struct show_options {
	struct text_list fields;
	bool all;
};

static const struct option show_table[] = {
    {"fields", OPTION_TEXTS, offsetof(struct show_options, fields), .doc = "Which it reads"},
    {"all", OPTION_BOOL, offsetof(struct show_options, all), .preset = "false"},
    {0},
};

static void show_fields(const void *options, struct field_uses *uses)
{
	const struct show_options *o = options;
	for (size_t i = 0; i < o->fields.count; i++)
		fields_read(uses, o->fields.items[i].bytes, o->fields.items[i].length);
	uses->reads_all = o->all;
}

static struct shown *unused_sink(void)
{
	for (size_t i = 0; i < SINKS_MAX; i++)
		if (!sinks[i].to)
			return &sinks[i];
	cr_assert_fail("more sinks than there is room for");
	return &sinks[0];
}

static int show_open(struct stage *s)
{
	pthread_mutex_lock(&showing);
	struct shown *sink = s->state = unused_sink();
	snprintf(sink->id, sizeof sink->id, "%s", s->id);
	sink->to = open_memstream(&sink->text, &sink->length);
	cr_assert_not_null(sink->to);
	pthread_mutex_unlock(&showing);
	return 0;
}

static void show_field(FILE *to, const struct stage *s, struct batch *b, uint32_t record,
		       const struct text *name)
{
	int column = fields_find(s->fields, name->bytes, name->length);
	cr_assert_geq(column, 0);
	const struct value *v = &known_values(s, b, (unsigned)column)[b->rows[record]];
	fprintf(to, " %s=%s", name->bytes, v->type == VALUE_MISSING ? "-" : cel_shown(v));
}

static void show_all(FILE *to, const struct stage *s, struct batch *b, uint32_t record)
{
	for (unsigned c = 0; c < s->fields->count; c++) {
		const struct field *f = &s->fields->list[c];
		const struct value *v = &batch_column_as_is(b, c)[b->rows[record]];
		bool has = v->type != VALUE_MISSING;
		if (f->known == FIELD_RECORD_TIME && has)
			fprintf(to, " at %s", cel_shown(v));
		else if (f->known == FIELD_OBJECT && has)
			fprintf(to, " %s%s", f->name, cel_shown(v));
		else if (f->known < FIELD_RECORD_TIME && f->is_written && has)
			fprintf(to, " +%s=%s", f->name, cel_shown(v));
		else if (f->known < FIELD_RECORD_TIME && f->is_written && f->known != FIELD_ERROR)
			fprintf(to, " -%s", f->name);
	}
}

static void show_batch(FILE *to, const struct stage *s, struct batch *b)
{
	const struct show_options *o = s->options;
	batch_give_rows(b);
	for (uint32_t r = 0; r < b->count; r++) {
		fwrite(b->bytes + b->records[r].offset, 1, b->records[r].length, to);
		fputs(" |", to);
		for (size_t i = 0; i < o->fields.count; i++)
			show_field(to, s, b, r, &o->fields.items[i]);
		if (o->all)
			show_all(to, s, b, r);
		fputc('\n', to);
	}
}

static int show_step(struct stage *s, struct inlet *in)
{
	struct shown *shown = s->state;
	struct batch *b = inlet_take(in);
	if (!b)
		return STEP_WAIT;
	pthread_mutex_lock(&showing);
	if (b->count > 0)
		show_batch(shown->to, s, b);
	pthread_mutex_unlock(&showing);
	batch_free(&b);
	inlet_done(in, 1);
	return STEP_MORE;
}

static int show_finish(struct stage *s, struct inlet *in)
{
	(void)s;
	(void)in;
	return STEP_DONE;
}

static const struct stage_type show_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "show",
	       .summary = "says what it got",
	       .options = show_table,
	       .options_size = sizeof(struct show_options),
	       .workers_max = 1},
    .open = show_open,
    .fields = show_fields,
    .sink_step = show_step,
    .sink_finish = show_finish,
};

/* ---- topologies ---- */

static struct topology topology;
static struct plan plan;
static bool warns; /* of fields that nobody gives */
static struct stage_counters counters[STAGES_MAX];
static char said[8192];

static const struct stage_catalog *catalog(void)
{
	static const struct stage_schema *schemas[TYPES_MAX];
	static const struct stage_catalog all = {.types = schemas};
	size_t count = 0;
	schemas[count++] = &lines_type.schema;
	schemas[count++] = &show_type.schema;
	for (size_t i = 0; stage_types[i]; i++)
		if (stage_types[i]->schema.kind == STAGE_TRANSFORM)
			schemas[count++] = &stage_types[i]->schema;
	cr_assert_lt(count, TYPES_MAX);
	return &all;
}

static const char *no_variable(const char *name)
{
	(void)name;
	return NULL;
}

static void write_yaml(const char *yaml)
{
	FILE *f = fopen("t.yaml", "w");
	cr_assert_not_null(f);
	fputs(yaml, f);
	/* behind, so that the test's own lines keep their numbers */
	if (!strstr(yaml, "sources:"))
		fputs("\nsources: {in: {type: lines}}\n", f);
	cr_assert_eq(fclose(f), 0);
}

static void print_problems(struct problems *problems)
{
	memset(said, 0, sizeof said);
	FILE *to = fmemopen(said, sizeof said - 1, "w");
	cr_assert_not_null(to);
	problems_print(problems, to);
	cr_assert_eq(fclose(to), 0);
}

/* What there is to say is in `said`. 0 or -errno. */
static int load(const char *yaml)
{
	static const char *const files[] = {"t.yaml"};
	struct topology_request request = {
	    .files = files, .file_count = 1, .catalog = catalog(), .variable = no_variable};
	struct problems problems;
	char directory[] = "/tmp/sluice-transform-XXXXXX";
	cr_assert(mkdtemp(directory) && chdir(directory) == 0);
	write_yaml(yaml);
	problems_init(&problems);
	plan_release(&plan);
	topology_release(&topology);
	int r = topology_load(&topology, &request, &problems);
	if (r == 0)
		r = plan_make(&plan, &topology, 2, &problems);
	if (r == 0 && warns)
		r = given_fields_check(&topology, &problems);
	print_problems(&problems);
	problems_release(&problems);
	unlink("t.yaml");
	cr_assert_eq(chdir("/"), 0);
	cr_assert_eq(rmdir(directory), 0);
	return r;
}

static int run(struct pipeline *p)
{
	int r = 0;
	running_to_end(p);
	for (size_t i = 0; i < p->worker_count; i++)
		r = r ? r : p->workers[i].failure;
	return r;
}

const struct plan *transforms_plan(const char *yaml)
{
	int r = load(yaml);
	cr_assert_eq(r, 0, "%s", said);
	return &plan;
}

static void forget_shown(void)
{
	for (size_t i = 0; i < SINKS_MAX; i++) {
		if (sinks[i].to)
			fclose(sinks[i].to);
		free(sinks[i].text);
	}
	memset(sinks, 0, sizeof sinks);
}

int transforms_run(const char *yaml, const char *lines, size_t length)
{
	struct pipeline pipeline;
	forget_shown();
	given = lines;
	given_length = length;
	int r = load(yaml);
	cr_assert_eq(r, 0, "%s", said);
	cr_assert_leq(topology.stage_count, STAGES_MAX);
	waiter_setup(true);
	cr_assert_eq(pipeline_init(&pipeline, &plan, true, BACKEND_PLAIN, NULL), 0);
	r = run(&pipeline);
	memcpy(counters, pipeline.counters, topology.stage_count * sizeof *counters);
	pipeline_release(&pipeline);
	for (size_t i = 0; i < SINKS_MAX; i++)
		if (sinks[i].to)
			fflush(sinks[i].to);
	return r;
}

void transforms_pass(const char *yaml, const char *lines)
{
	cr_assert_eq(transforms_run(yaml, lines, strlen(lines)), 0);
}

const char *transforms_shown(const char *sink)
{
	for (size_t i = 0; i < SINKS_MAX; i++)
		if (sinks[i].to && strcmp(sinks[i].id, sink) == 0)
			return sinks[i].text ? sinks[i].text : "";
	cr_assert_fail("no sink %s", sink);
	return NULL;
}

void transforms_expect(const char *sink, const char *expected)
{
	const char *got = transforms_shown(sink);
	cr_assert_str_eq(got, expected, "%s got:\n%swanted:\n%s", sink, got, expected);
}

size_t transforms_stage(const char *id)
{
	for (size_t i = 0; i < topology.stage_count; i++)
		if (strcmp(topology.stages[i].id.bytes, id) == 0)
			return i;
	cr_assert_fail("no stage %s", id);
	return 0;
}

const struct stage_counters *transforms_counters(const char *stage)
{
	return &counters[transforms_stage(stage)];
}

void transforms_refuse(const char *yaml, const char *problems)
{
	cr_assert_eq(load(yaml), -EINVAL, "it was not refused:\n%s\n%s", yaml, said);
	cr_assert_str_eq(said, problems, "got:\n%swanted:\n%s", said, problems);
}

void transforms_warn(const char *yaml, const char *warnings)
{
	warns = true;
	cr_assert_eq(load(yaml), 0, "%s", said);
	warns = false;
	cr_assert_str_eq(said, warnings, "got:\n%swanted:\n%s", said, warnings);
}

void transforms_forget(void)
{
	forget_shown();
	plan_release(&plan);
	topology_release(&topology);
}
