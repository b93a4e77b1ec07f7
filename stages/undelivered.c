#include "stages/undelivered.h"
#include "stages/dead_letter.h"
#include "stages/sift.h"

#include <assert.h>
#include <errno.h>

static bool is_one(const struct undelivered *u, uint32_t record)
{
	return !u->which || u->which[record / 64] >> record % 64 & 1;
}

static uint32_t count(const struct undelivered *u, const struct batch *b)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < b->count; i++)
		n += is_one(u, i);
	return n;
}

/* Of those that it holds. */
static uint32_t find_held(const struct batch *b, const uint8_t *bytes)
{
	uint32_t i = 0;
	while (i < b->held_count &&
	       (bytes < b->held[i]->bytes || bytes >= b->held[i]->bytes + b->held[i]->capacity))
		i++;
	assert(i < b->held_count && "what was encoded is held");
	return i;
}

/* Its records are again what they were before they were encoded. */
static void take_back(const struct stage *s, struct batch *b)
{
	int column = fields_find_known(s->fields, FIELD_UNENCODED);
	if (column < 0 || b->count == 0 || b->unencoded.length == 0)
		return;
	const struct value *bodies = batch_column_as_is(b, (unsigned)column);
	uint32_t from = find_held(b, bodies[b->rows[0]].bytes);
	struct buffer *encoded = b->buffer;
	b->buffer = b->held[from];
	b->held[from] = encoded;
	b->bytes = b->buffer->bytes;
	b->bytes_total = 0;
	for (uint32_t i = 0; i < b->count; i++) {
		const struct value *body = &bodies[b->rows[i]];
		b->records[i] = (struct record){(uint32_t)(body->bytes - b->bytes), body->length};
		b->bytes_total += body->length;
	}
	b->delimiter = b->unencoded;
	b->unencoded.length = 0;
}

static void hand_on(struct stage *s, struct inlet *in, const struct batch *b,
		    const struct undelivered *u)
{
	struct outlet *out = inlet_handed_on(in);
	struct batch *failed = batch_clone(s->home, b);
	assert(out && failed && "somebody is named, and the plan counts a clone for him");
	struct sift sift;
	sift_begin(&sift, failed);
	while (sift.passed < failed->count)
		sift_next(&sift, is_one(u, sift.passed));
	sift_end(&sift);
	take_back(s, failed);
	if (s->on_error == ON_ERROR_DEAD_LETTER)
		dead_letter_address(s, failed, u->reason, u->attempts);
	emit(out, &failed);
}

static void note(struct stage *s, const struct undelivered *u, uint64_t records)
{
	counter_add(&s->counters->refused, records);
	if (reasons_add(&s->counters->reasons, u->reason, records) && s->on_error != ON_ERROR_STOP)
		env_say(s->env, SAY_WARN, "record not stored, the first one for this reason",
			"reason=%s attempts=%ju", u->reason, (uintmax_t)u->attempts);
}

static int stop(struct stage *s, const struct undelivered *u)
{
	env_say(s->env, SAY_ERROR, "record not stored, and `on_error` is `stop`",
		"reason=%s attempts=%ju", u->reason, (uintmax_t)u->attempts);
	return -EBADMSG;
}

int undelivered_count(struct stage *s, uint64_t records, const struct undelivered *u)
{
	note(s, u, records);
	if (s->on_error == ON_ERROR_STOP)
		return stop(s, u);
	assert(s->on_error == ON_ERROR_DROP);
	counter_add(&s->counters->lost[LOSS_REFUSED], records);
	return 0;
}

int undelivered_settle(struct stage *s, struct inlet *in, const struct batch *b,
		       const struct undelivered *u)
{
	uint32_t records = count(u, b);
	if (records == 0)
		return 0;
	if (!undelivered_go_on(s))
		return undelivered_count(s, records, u);
	if (s->on_error == ON_ERROR_DEAD_LETTER)
		note(s, u, records);
	hand_on(s, in, b, u);
	return 0;
}
