#include "daemon/rehearsal_sink.h"
#include "stages/expression.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of one expectation; those of other places, and of those that were not given, stay closed. */
struct rehearsal_check {
	struct expression each, any;
	bool has_each, has_any;
};

struct rehearsal_sink {
	struct rehearsal_check *checks; /* by expectation of the test */
};

/* ---- yields ---- */

int rehearsal_yield_init(struct rehearsal_yield *y, const struct topology_test *test)
{
	*y = (struct rehearsal_yield){.each = calloc(test->expectation_count, sizeof *y->each),
				      .any = calloc(test->expectation_count, sizeof *y->any)};
	for (size_t i = 0; y->each && y->any && i < test->expectation_count; i++)
		y->each[i].first_failed = y->any[i].first_failed = SIZE_MAX;
	return y->each && y->any ? 0 : -ENOMEM;
}

void rehearsal_yield_release(struct rehearsal_yield *y)
{
	for (size_t i = 0; i < y->count; i++)
		free(y->list[i].bytes);
	free(y->list);
	free(y->each);
	free(y->any);
	*y = (struct rehearsal_yield){.list = NULL};
}

static int keep(struct rehearsal_yield *y, const uint8_t *bytes, size_t length)
{
	if (y->count == y->room) {
		size_t room = y->room ? 2 * y->room : 16;
		struct rehearsal_record *list = realloc(y->list, room * sizeof *list);
		if (!list)
			return -ENOMEM;
		y->list = list;
		y->room = room;
	}
	struct rehearsal_record *record = &y->list[y->count];
	record->bytes = malloc(length + 1);
	if (!record->bytes)
		return -ENOMEM;
	memcpy(record->bytes, bytes, length);
	record->length = length;
	y->count++;
	return 0;
}

/* ---- expressions ---- */

static void rehearsal_sink_fields(const void *options, struct field_uses *uses)
{
	const struct rehearsal_sink_options *o = options;
	for (size_t i = 0; i < o->test->expectation_count; i++) {
		const struct test_expectation *e = &o->test->expectations[i];
		if (!rehearsal_sink_is_of(o, e))
			continue;
		if (e->each.bytes)
			expression_declare(&e->each, uses);
		if (e->any.bytes)
			expression_declare(&e->any, uses);
	}
}

static unsigned rehearsal_sink_scratch(const void *options, size_t capacity, bool needs_all,
				       size_t *ret_capacity)
{
	(void)options;
	(void)needs_all;
	*ret_capacity = capacity;
	return 1;
}

static int open_checks(struct rehearsal_sink *sink, const struct stage *s)
{
	const struct rehearsal_sink_options *o = s->options;
	int r = 0;
	for (size_t i = 0; r == 0 && i < o->test->expectation_count; i++) {
		const struct test_expectation *e = &o->test->expectations[i];
		struct rehearsal_check *c = &sink->checks[i];
		c->has_each = rehearsal_sink_is_of(o, e) && e->each.bytes;
		c->has_any = rehearsal_sink_is_of(o, e) && e->any.bytes;
		if (c->has_each)
			r = expression_open(&c->each, &e->each, s->fields);
		if (r == 0 && c->has_any)
			r = expression_open(&c->any, &e->any, s->fields);
	}
	return r;
}

static int rehearsal_sink_open(struct stage *s)
{
	const struct rehearsal_sink_options *o = s->options;
	struct rehearsal_sink *sink = s->state = calloc(1, sizeof *sink);
	if (!sink)
		return -ENOMEM;
	sink->checks = calloc(o->test->expectation_count, sizeof *sink->checks);
	return sink->checks ? open_checks(sink, s) : -ENOMEM;
}

static void rehearsal_sink_close(struct stage *s)
{
	const struct rehearsal_sink_options *o = s->options;
	struct rehearsal_sink *sink = s->state;
	if (!sink)
		return;
	for (size_t i = 0; sink->checks && i < o->test->expectation_count; i++) {
		expression_close(&sink->checks[i].each);
		expression_close(&sink->checks[i].any);
	}
	free(sink->checks);
	free(sink);
	s->state = NULL;
}

/* number: of the record, among all that came. */
static void judge(const struct expression *e, struct batch *b, uint32_t record, size_t number,
		  struct rehearsal_verdict *verdict)
{
	struct value result;
	expression_eval(e, b, record, &result);
	if (result.type == VALUE_BOOL && result.b) {
		verdict->held++;
	} else if (verdict->first_failed == SIZE_MAX) {
		verdict->first_failed = number;
		verdict->why = result.type == VALUE_ERROR  ? result.why
			       : result.type == VALUE_BOOL ? NULL
							   : "it is neither true nor false";
	}
}

static void judge_all(struct expression *e, const struct stage *s, struct batch *b, size_t first,
		      struct rehearsal_verdict *verdict)
{
	expression_begin(e, s, b);
	for (uint32_t i = 0; i < b->count; i++)
		judge(e, b, i, first + i, verdict);
}

static int take(struct stage *s, struct batch *b)
{
	const struct rehearsal_sink_options *o = s->options;
	struct rehearsal_sink *sink = s->state;
	size_t first = o->yield->count;
	int r = 0;
	for (uint32_t i = 0; i < b->count && r == 0; i++)
		r = keep(o->yield, b->bytes + b->records[i].offset, b->records[i].length);
	if (b->count == 0 || r < 0)
		return r;
	batch_give_rows(b);
	batch_make_room(b, s->home);
	for (size_t i = 0; i < o->test->expectation_count; i++) {
		if (sink->checks[i].has_each)
			judge_all(&sink->checks[i].each, s, b, first, &o->yield->each[i]);
		if (sink->checks[i].has_any)
			judge_all(&sink->checks[i].any, s, b, first, &o->yield->any[i]);
	}
	return 0;
}

static int rehearsal_sink_step(struct stage *s, struct inlet *in)
{
	struct batch *b = inlet_take(in);
	if (!b)
		return STEP_WAIT;
	int r = take(s, b);
	batch_free(&b);
	inlet_done(in, 1);
	return r < 0 ? r : STEP_MORE;
}

static int rehearsal_sink_finish(struct stage *s, struct inlet *in)
{
	(void)s;
	(void)in;
	return STEP_DONE;
}

static const struct option no_options[] = {{0}};

const struct stage_type rehearsal_sink_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "test",
	       .summary = "what comes out in a test",
	       .options = no_options,
	       .options_size = sizeof(struct rehearsal_sink_options),
	       .workers_max = 1},
    .open = rehearsal_sink_open,
    .close = rehearsal_sink_close,
    .sink_step = rehearsal_sink_step,
    .sink_finish = rehearsal_sink_finish,
    .fields = rehearsal_sink_fields,
    .scratch = rehearsal_sink_scratch,
};
