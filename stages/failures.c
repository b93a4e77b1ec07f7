#include "stages/failures.h"
#include "stages/dead_letter.h"
#include "stages/sift.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

void failures_begin(struct failures *f, struct stage *s, struct batch *b)
{
	int column = fields_find(s->fields, "error", 5);
	bool wanted = column >= 0 && (s->needs_all || column_set_has(s->needed, (unsigned)column));
	*f = (struct failures){.stage = s, .batch = b, .column = wanted ? column : -1};
}

/* What was wrong first says more; and a record's own field of that name is its own. */
static void say_why(const struct failures *f, uint32_t record, const char *why)
{
	if (f->column < 0)
		return;
	struct value *error = &batch_column(f->batch, (unsigned)f->column)[f->batch->rows[record]];
	if (error->type == VALUE_MISSING)
		*error = (struct value){
		    .bytes = (const uint8_t *)why,
		    .length = (uint32_t)strlen(why),
		    .type = VALUE_STRING,
		};
}

void failures_add(struct failures *f, uint32_t record, const char *why)
{
	if (f->count++ == 0)
		f->first = why;
	if (reasons_add(&f->stage->counters->reasons, why, 1))
		env_say(f->stage->env, SAY_WARN, "record refused, the first one for this reason",
			"reason=%s", why);
	f->bits[record / 64] |= UINT64_C(1) << record % 64;
	say_why(f, record, why);
	if (f->stage->on_error == ON_ERROR_DEAD_LETTER) {
		batch_give_rows(f->batch);
		dead_letter_address_one(f->stage, f->batch, record, why, 1);
	}
}

/* Those that failed, or the others. */
static void keep(const struct failures *f, struct batch *b, bool failed)
{
	struct sift s;
	sift_begin(&s, b);
	while (s.passed < b->count)
		sift_next(&s, failures_have(f, s.passed) == failed);
	sift_end(&s);
}

static void send_away(const struct failures *f, struct batch *b, struct outlet *out)
{
	struct outlet *failed_out = outlet_of(out, OUTPUT_FAILED);
	assert(failed_out && "`dead_letter` names a sink");
	struct batch *failed = batch_clone(f->stage->home, b);
	assert(failed && "the plan counts a clone for each output");
	keep(f, failed, true);
	emit(failed_out, &failed);
}

static int stop(const struct failures *f)
{
	env_say(f->stage->env, SAY_ERROR, "record refused, and `on_error` is `stop`", "reason=%s",
		f->first);
	return -EBADMSG;
}

int failures_settle(struct failures *f, struct batch **b, struct outlet *out)
{
	struct stage_counters *c = f->stage->counters;
	enum on_error what = f->stage->on_error;
	if (f->count == 0)
		return 0;
	counter_add(&c->refused, f->count);
	if (what == ON_ERROR_STOP) {
		batch_free(b);
		return stop(f);
	}
	if (what == ON_ERROR_DEAD_LETTER)
		send_away(f, *b, out);
	if (what == ON_ERROR_DROP)
		counter_add(&c->lost[LOSS_REFUSED], f->count);
	if (what == ON_ERROR_DROP || what == ON_ERROR_DEAD_LETTER)
		keep(f, *b, false);
	return 0;
}
