/* encode_template.c - records as text with fields in it, as a template says (template_parts.h).
 *
 * What a record has is text of one line, whatever is in it: a backslash is written \\, a line break \n, a carriage return \r, a tab \t,
 * any other control character and each byte that is no UTF-8 \xNN. Quotes are nothing special: where a template has some, {field|json}
 * has its own. */
#include "stages/encode/encode_format.h"
#include "stages/encode/json_value.h"
#include "stages/encode/template_parts.h"
#include "stages/encode/value_text.h"
#include "stages/json/json_utf8.h"
#include "stages/known.h"
#include "stages/time/time_write.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { TIME_TEXT_MAX = TIME_STEPS_MAX * TIME_RFC3339_MAX };

struct template_state {
	struct template_parts parts;
	const struct text *missing;
	const struct value *times_said; /* of the batch at hand, by row; NULL: none */
};

static void check_missing(const struct text *missing, struct problems *problems)
{
	for (size_t i = 0; i < missing->length; i++)
		if (missing->bytes[i] >= 0 && missing->bytes[i] < ' ') {
			problem_add(problems, missing->at,
				    "`missing` cannot hold a control character");
			return;
		}
}

static void template_check(const struct encoding_options *o, struct place at,
			   struct problems *problems)
{
	struct template_parts parts;
	check_missing(&o->missing, problems);
	if (!o->template.bytes) {
		problem_add(
		    problems, at,
		    "`encoding: {format: template}` needs `template`: text with {field} in it");
		return;
	}
	template_parts_parse(&parts, &o->template, problems);
	template_parts_release(&parts);
}

static void template_fields(const struct encoding_options *o, struct field_uses *uses)
{
	struct template_parts parts;
	int r = template_parts_parse(&parts, &o->template, NULL);
	for (size_t i = 0; r == 0 && i < parts.count; i++)
		if (parts.list[i].kind != TEMPLATE_LITERAL)
			fields_read_named(uses, &parts.list[i].text);
	if (r < 0)
		uses->error = r;
	template_parts_release(&parts);
}

static int template_open(struct stage *s, void **ret_state)
{
	const struct encoding_options *o = s->options;
	struct template_state *t = *ret_state = calloc(1, sizeof *t);
	if (!t)
		return -ENOMEM;
	t->missing = &o->missing;
	int r = template_parts_parse(&t->parts, &o->template, NULL);
	for (size_t i = 0; r == 0 && i < t->parts.count; i++) {
		struct template_part *part = &t->parts.list[i];
		if (part->kind == TEMPLATE_LITERAL)
			continue;
		int column = fields_find(s->fields, part->text.bytes, part->text.length);
		assert(column >= 0 && "it was declared");
		part->column = (unsigned)column;
		part->is_time = s->fields->list[column].known == FIELD_TIME;
	}
	return r;
}

static void template_close(void *state)
{
	struct template_state *t = state;
	template_parts_release(&t->parts);
	free(t);
}

static void template_begin(void *state, const struct stage *s, struct batch *b)
{
	struct template_state *t = state;
	t->times_said = known_times(s, b);
	for (size_t i = 0; i < t->parts.count; i++)
		if (t->parts.list[i].kind != TEMPLATE_LITERAL)
			t->parts.list[i].values = known_values(s, b, t->parts.list[i].column);
}

static void put_hex(uint8_t byte, struct writer *w)
{
	static const char digits[] = "0123456789abcdef";
	const char text[] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
	writer_put(w, text, sizeof text);
}

/* One character. */
static const uint8_t *put_special(const uint8_t *at, const uint8_t *end, struct writer *w)
{
	static const char named[] = "\\\n\r\t", letters[] = "\\nrt";
	const char *name = *at ? strchr(named, *at) : NULL;
	if (name) {
		const char text[] = {'\\', letters[name - named]};
		writer_put(w, text, sizeof text);
		return at + 1;
	}
	struct utf8_character c = utf8_character(at, (size_t)(end - at));
	if (*at >= 0x80 && c.valid) {
		writer_put(w, at, c.length);
		return at + c.length;
	}
	put_hex(*at, w);
	return at + 1;
}

static void put_escaped(const struct text_span *text, struct writer *w)
{
	const uint8_t *at = text->bytes, *end = at + text->length;
	while (at < end && !w->is_full) {
		const uint8_t *from = at;
		while (at < end && *at >= ' ' && *at < 0x7f && *at != '\\')
			at++;
		writer_put(w, from, (size_t)(at - from));
		if (at < end)
			at = put_special(at, end, w);
	}
}

/* As value_text() returns. */
static int put_text(const struct value *v, struct writer *w, struct scratch scratch)
{
	struct text_span text;
	int r = value_text(v, scratch, &text);
	if (r == 0)
		put_escaped(&text, w);
	return r;
}

/* As value_text() returns. A field that is no moment is as good as missing; for `time` there is always one. */
static int put_time(const struct template_state *t, const struct template_part *part,
		    const struct batch *b, uint32_t record, struct writer *w)
{
	static const struct zone utc;
	char shown[TIME_TEXT_MAX];
	const struct value *v = &part->values[b->rows[record]];
	if (v->type != VALUE_TIMESTAMP && !part->is_time)
		return -ENOENT;
	int64_t ns = v->type == VALUE_TIMESTAMP ? v->i : known_time(b, t->times_said, record);
	size_t n = time_write(part->time, &utc, ns, shown, sizeof shown);
	const struct text_span text = {(const uint8_t *)shown, (uint32_t)n};
	put_escaped(&text, w);
	return 0;
}

static const char *template_put(void *state, const struct batch *b, uint32_t record,
				struct writer *w, struct scratch scratch)
{
	const struct template_state *t = state;
	for (size_t i = 0; i < t->parts.count; i++) {
		const struct template_part *part = &t->parts.list[i];
		const struct value *v = part->values ? &part->values[b->rows[record]] : NULL;
		int r = 0;
		if (part->kind == TEMPLATE_LITERAL)
			writer_put(w, part->text.bytes, part->text.length);
		else if (part->kind == TEMPLATE_JSON)
			json_put_value(w, v);
		else if (part->kind == TEMPLATE_TIME)
			r = put_time(t, part, b, record, w);
		else
			r = put_text(v, w, scratch);
		if (r == -ENOENT)
			writer_put(w, t->missing->bytes, t->missing->length);
		w->is_full |= r == -ENOBUFS;
	}
	return NULL;
}

const struct encode_format encode_template = {
    .uses_scratch = true,
    .check = template_check,
    .fields = template_fields,
    .open = template_open,
    .close = template_close,
    .begin = template_begin,
    .put = template_put,
};
