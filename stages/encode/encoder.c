/* encoder.c - writes each record of a batch as its sink's `encoding` says, in place of the body.
 *
 * The text goes into a buffer of its own, one after the other with the delimiter between, so that the sink writes a batch as one
 * piece. When a buffer is full what it holds goes on, and the rest of the batch waits for the next one. */
#include "stages/batch_list.h"
#include "stages/encode/encode_format.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* A body may be six times as long in JSON, if each byte is escaped. A longer text of one record is refused. */
enum { GROWTH_MAX = 6, NAMES_ROOM = 4096 };

struct encoder {
	const struct encode_format *format;
	void *state; /* the format's */
	struct delimiter delimiter;
	int unencoded;             /* the column for what records were; -1: nobody wants to know */
	struct batch_list waiting; /* what there was no room for */
	/* What was encoded last. */
	uint32_t count;
	struct record texts[BATCH_RECORDS_MAX];
	uint16_t rows[BATCH_RECORDS_MAX];
};

static const struct encode_format *format_of(const struct encoding_options *o)
{
	return encode_formats[o->format];
}

static void encoder_fields(const void *options, struct field_uses *uses)
{
	format_of(options)->fields(options, uses);
}

static unsigned encoder_scratch(const void *options, size_t capacity, bool needs_all,
				size_t *ret_capacity)
{
	(void)needs_all;
	*ret_capacity = GROWTH_MAX * capacity + NAMES_ROOM;
	return format_of(options)->uses_scratch ? 2 : 1;
}

static int wanted_column(const struct stage *s, enum field_known known)
{
	int column = fields_find_known(s->fields, known);
	return column >= 0 && column_set_has(s->needed, (unsigned)column) ? column : -1;
}

static int encoder_open(struct stage *s)
{
	struct encoder *e = s->state = calloc(1, sizeof *e);
	int r = -ENOMEM;
	if (e) {
		e->format = format_of(s->options);
		e->delimiter = encoding_delimiter(s->options);
		e->unencoded = wanted_column(s, FIELD_UNENCODED);
		r = e->format->open(s, &e->state);
	}
	if (r < 0)
		env_say(s->env, SAY_ERROR, "encoder not prepared", "error=%s", strerror(-r));
	return r;
}

static void encoder_close(struct stage *s)
{
	struct encoder *e = s->state;
	if (!e)
		return;
	batch_list_drop(&e->waiting);
	if (e->state)
		e->format->close(e->state);
	free(e);
	s->state = NULL;
}

/* ---- a batch ---- */

static bool stands(const struct encoder *e, const struct batch *b, uint32_t record)
{
	return e->format->stands && e->format->stands(e->state, b, record);
}

static bool all_stand(const struct encoder *e, const struct batch *b)
{
	for (uint32_t i = 0; i < b->count; i++)
		if (!stands(e, b, i))
			return false;
	return true;
}

/* Not all of its fields could be written. */
static void note(struct stage *s, const char *why)
{
	if (!why)
		return;
	counter_add(&s->counters->refused, 1);
	if (reasons_add(&s->counters->reasons, why, 1))
		env_say(s->env, SAY_WARN, "record written in part: its fields cannot be encoded",
			"reason=%s", why);
}

/* The record and its delimiter, all or nothing. */
static bool put_record(struct stage *s, const struct batch *b, uint32_t record, struct writer *w,
		       struct scratch scratch)
{
	struct encoder *e = s->state;
	uint8_t *from = w->at;
	const char *why = NULL;
	if (stands(e, b, record))
		writer_put(w, b->bytes + b->records[record].offset, b->records[record].length);
	else
		why = e->format->put(e->state, b, record, w, scratch);
	writer_put(w, e->delimiter.bytes, e->delimiter.length);
	if (!w->is_full) {
		note(s, why);
		return true;
	}
	w->at = from;
	w->is_full = false;
	return false;
}

/* Its text would be longer than any there may be. */
static void refuse(struct stage *s, const struct batch *b, uint32_t record)
{
	counter_add(&s->counters->refused, 1);
	counter_add(&s->counters->lost[LOSS_REFUSED], 1);
	if (reasons_add(&s->counters->reasons, "too long once it is encoded", 1))
		env_say(s->env, SAY_ERROR, "record dropped: too long once it is encoded",
			"bytes=%u most=%zu", b->records[record].length, s->home->buffer_capacity);
}

/* Encodes records from the front into to, and notes which and where they are. How many of the batch's it saw to. */
static uint32_t encode(struct stage *s, const struct batch *b, const struct buffer *to,
		       struct scratch scratch)
{
	struct encoder *e = s->state;
	struct writer w = {to->bytes, to->bytes + to->capacity, false};
	uint32_t i = 0;
	for (e->count = 0; i < b->count; i++) {
		const uint8_t *from = w.at;
		if (put_record(s, b, i, &w, scratch)) {
			e->rows[e->count] = b->rows[i];
			e->texts[e->count++] =
			    (struct record){(uint32_t)(from - to->bytes),
					    (uint32_t)(w.at - from) - e->delimiter.length};
		} else if (from == to->bytes) {
			refuse(s, b, i);
		} else {
			break;
		}
	}
	return i;
}

/* What its records are, for who may have to hand them on as they came. */
static void keep_unencoded(const struct encoder *e, struct batch *b)
{
	if (e->unencoded < 0)
		return;
	struct value *bodies = batch_column(b, (unsigned)e->unencoded);
	for (uint32_t i = 0; i < b->count; i++)
		bodies[b->rows[i]] = (struct value){.bytes = b->bytes + b->records[i].offset,
						    .length = b->records[i].length,
						    .type = VALUE_BYTES};
	b->unencoded = b->delimiter;
}

/* The batch becomes what was encoded. */
static void become_encoded(const struct encoder *e, struct batch *b, struct buffer *text)
{
	b->count = e->count;
	memcpy(b->records, e->texts, e->count * sizeof *e->texts);
	memcpy(b->rows, e->rows, e->count * sizeof *e->rows);
	b->bytes_total = 0;
	for (uint32_t i = 0; i < b->count; i++)
		b->bytes_total += b->records[i].length;
	b->delimiter = e->delimiter;
	b->unterminated = false;
	bool held = batch_rebase(b, text);
	assert(held && "the plan has seen to it");
	(void)held;
}

static struct buffer *take_buffer(struct stage *s)
{
	struct buffer *taken = home_take_buffer(s->home);
	assert(taken && "a worker takes input only when there are buffers for it");
	return taken;
}

/* Emits what fits into one buffer, of a batch that has been begun. It is NULL then; or what is left of it. */
static void encode_some(struct stage *s, struct batch **b, struct outlet *out)
{
	struct encoder *e = s->state;
	struct buffer *text = take_buffer(s);
	struct buffer *aside = e->format->uses_scratch ? take_buffer(s) : NULL;
	struct scratch scratch = {NULL, NULL};
	if (aside)
		scratch = (struct scratch){aside->bytes, aside->bytes + aside->capacity};
	keep_unencoded(e, *b);
	uint32_t seen = encode(s, *b, text, scratch);
	if (aside)
		buffer_let_go(aside);
	struct batch *encoded = *b;
	if (seen == (*b)->count) {
		*b = NULL;
	} else {
		encoded = batch_clone(s->home, *b);
		assert(encoded && "the plan counts one for whoever splits");
		batch_drop_front(*b, seen);
	}
	become_encoded(e, encoded, text);
	buffer_let_go(text);
	emit(out, &encoded);
}

static int encoder_more(struct stage *s, struct outlet *out)
{
	struct encoder *e = s->state;
	struct batch *b = batch_list_take(&e->waiting);
	if (!b)
		return 0;
	e->format->begin(e->state, s, b);
	encode_some(s, &b, out);
	if (b)
		batch_list_put_first(&e->waiting, b);
	return e->waiting.first ? STEP_MORE : 0;
}

/* Nothing waits. */
static void encode_now(struct stage *s, struct batch **b, struct outlet *out)
{
	struct encoder *e = s->state;
	e->format->begin(e->state, s, *b);
	if (all_stand(e, *b))
		emit(out, b);
	else
		encode_some(s, b, out);
}

static int encoder_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	struct encoder *e = s->state;
	batch_give_rows(b);
	if (!e->waiting.first)
		encode_now(s, &b, out);
	if (b)
		batch_list_add(&e->waiting, b);
	return e->waiting.first ? STEP_MORE : 0;
}

static const struct stage_type encoder_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "encode",
	       .summary = "writes records as a sink's `encoding` says",
	       .options = encoding_table,
	       .options_size = sizeof(struct encoding_options),
	       .workers_max = 64},
    .open = encoder_open,
    .close = encoder_close,
    .transform_apply = encoder_apply,
    .transform_more = encoder_more,
    .fields = encoder_fields,
    .scratch = encoder_scratch,
    .splits = true,
    .light = true,
    .stateless = true,
};

const struct stage_schema *encoding_companion(const struct encoding_options *o,
					      const void **ret_options)
{
	*ret_options = o;
	return encode_formats[o->format] ? &encoder_type.schema : NULL;
}
