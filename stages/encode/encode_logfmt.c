/* encode_logfmt.c - records as logfmt: what they are in JSON, taken apart (logfmt_text.h); or of the fields that are listed those
 * that a record has, each under the name it is listed by.
 *
 * The JSON is made aside, so that what was written into objects since they were parsed is where it belongs. */
#include "stages/encode/chosen_fields.h"
#include "stages/encode/encode_format.h"
#include "stages/encode/json_record.h"
#include "stages/encode/json_value.h"
#include "stages/encode/logfmt_text.h"
#include "stages/field_names.h"

#include <errno.h>
#include <stdlib.h>

struct logfmt_state {
	struct json_record record;   /* unless there are */
	struct chosen_fields chosen; /* any */
};

static void logfmt_check(const struct encoding_options *o, struct place at,
			 struct problems *problems)
{
	(void)at;
	field_names_check(o->fields.items, o->fields.count, sizeof *o->fields.items, problems);
}

static void logfmt_fields(const struct encoding_options *o, struct field_uses *uses)
{
	uses->reads_all = o->fields.count == 0;
	chosen_fields_declare(&o->fields, uses);
}

static int logfmt_open(struct stage *s, void **ret_state)
{
	const struct encoding_options *o = s->options;
	struct logfmt_state *l = *ret_state = calloc(1, sizeof *l);
	int r = l ? chosen_fields_open(&l->chosen, &o->fields, s->fields) : -ENOMEM;
	if (r == 0 && l->chosen.count == 0)
		r = json_record_open(&l->record, s);
	return r;
}

static void logfmt_close(void *state)
{
	struct logfmt_state *l = state;
	json_record_close(&l->record);
	chosen_fields_close(&l->chosen);
	free(l);
}

static void logfmt_begin(void *state, const struct stage *s, struct batch *b)
{
	struct logfmt_state *l = state;
	chosen_fields_begin(&l->chosen, s, b);
	if (l->chosen.count == 0)
		json_record_begin(&l->record, b);
}

static void put_chosen(const struct chosen_fields *c, uint16_t row, struct writer *w)
{
	const uint8_t *from = w->at;
	writer_put_byte(w, '{');
	for (size_t i = 0; i < c->count; i++) {
		const struct chosen_field *f = &c->list[i];
		if (f->values[row].type == VALUE_MISSING)
			continue;
		if (w->at - from > 1)
			writer_put_byte(w, ',');
		json_put_string(w, (const uint8_t *)f->name->bytes, f->name->length);
		writer_put_byte(w, ':');
		json_put_value(w, &f->values[row]);
	}
	writer_put_byte(w, '}');
}

static const char *logfmt_put(void *state, const struct batch *b, uint32_t record, struct writer *w,
			      struct scratch scratch)
{
	struct logfmt_state *l = state;
	struct writer json = {scratch.at, scratch.end, false};
	const char *why = NULL;
	if (l->chosen.count > 0)
		put_chosen(&l->chosen, b->rows[record], &json);
	else
		why = json_record_put(&l->record, b, record, &json);
	if (json.is_full) {
		w->is_full = true;
		return NULL;
	}
	const struct scratch rest = {json.at, scratch.end};
	logfmt_put_object(w, scratch.at, (size_t)(json.at - scratch.at), rest);
	return why;
}

const struct encode_format encode_logfmt = {
    .uses_scratch = true,
    .check = logfmt_check,
    .fields = logfmt_fields,
    .open = logfmt_open,
    .close = logfmt_close,
    .begin = logfmt_begin,
    .put = logfmt_put,
};
