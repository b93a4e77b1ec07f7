#include "stages/encode/template_text.h"
#include "stages/encode/json_value.h"
#include "stages/encode/value_text.h"
#include "stages/json/json_utf8.h"
#include "stages/known.h"
#include "stages/time/time_write.h"

#include <assert.h>
#include <errno.h>

enum { TIME_TEXT_MAX = TIME_STEPS_MAX * TIME_RFC3339_MAX };

void template_text_declare(const struct text *template, struct field_uses *uses)
{
	struct template_parts parts;
	int r = template_parts_parse(&parts, template, NULL);
	for (size_t i = 0; r == 0 && i < parts.count; i++)
		if (parts.list[i].kind != TEMPLATE_LITERAL)
			fields_read_named(uses, &parts.list[i].text);
	if (r < 0)
		uses->error = r;
	template_parts_release(&parts);
}

int template_text_open(struct template_text *t, const struct text *template,
		       const struct text *missing, const struct stage *s)
{
	*t = (struct template_text){.missing = missing};
	int r = template_parts_parse(&t->parts, template, NULL);
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

void template_text_close(struct template_text *t)
{
	template_parts_release(&t->parts);
}

void template_text_begin(struct template_text *t, const struct stage *s, struct batch *b)
{
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
static int put_time(const struct template_text *t, const struct template_part *part,
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

void template_text_put(const struct template_text *t, const struct batch *b, uint32_t record,
		       struct writer *w, struct scratch scratch)
{
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
}
