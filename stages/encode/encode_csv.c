/* encode_csv.c - records as comma-separated values (RFC 4180): one column for each field that is listed, empty where a record does
 * not have it.
 *
 *   a | b "c" | d,e | <line break>f         a,"b ""c""","d,e"," f"
 *
 * RFC 4180 lets line breaks stand between quotes. Who reads line by line would take what follows one for a record, so there are
 * none: each control character but a tab becomes a space. What is no UTF-8 becomes U+FFFD. A line of one column is never empty, as
 * many a reader leaves out empty lines. */
#include "stages/encode/chosen_fields.h"
#include "stages/encode/encode_format.h"
#include "stages/encode/value_text.h"
#include "stages/field_names.h"
#include "stages/json/json_utf8.h"

#include <errno.h>
#include <stdlib.h>

struct csv_state {
	struct chosen_fields chosen;
	uint8_t separator;
};

static void csv_check(const struct encoding_options *o, struct place at, struct problems *problems)
{
	const struct text *separator = &o->separator;
	if (o->fields.count == 0)
		problem_add(
		    problems, at,
		    "`encoding: {format: csv}` needs `fields`: the columns, in their order");
	char c = separator->length == 1 ? separator->bytes[0] : ',';
	if (c == '"' || (c < ' ' && c != '\t') || c == 0x7f)
		problem_add(problems, separator->at,
			    "`separator` must be a tab or a character of ASCII, and not a quote");
	for (size_t i = 0; i < o->fields.count; i++)
		field_names_check(&o->fields.items[i], 1, sizeof *o->fields.items, problems);
}

static void csv_fields(const struct encoding_options *o, struct field_uses *uses)
{
	chosen_fields_declare(&o->fields, uses);
}

static int csv_open(struct stage *s, void **ret_state)
{
	const struct encoding_options *o = s->options;
	struct csv_state *c = *ret_state = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	c->separator = (uint8_t)o->separator.bytes[0];
	return chosen_fields_open(&c->chosen, &o->fields, s->fields);
}

static void csv_close(void *state)
{
	struct csv_state *c = state;
	chosen_fields_close(&c->chosen);
	free(c);
}

static void csv_begin(void *state, const struct stage *s, struct batch *b)
{
	chosen_fields_begin(&((struct csv_state *)state)->chosen, s, b);
}

static bool is_control(uint8_t c)
{
	return (c < ' ' && c != '\t') || c == 0x7f;
}

static bool wants_quotes(const struct text_span *text, uint8_t separator)
{
	if (text->length == 0)
		return false;
	const uint8_t *last = text->bytes + text->length - 1;
	if (*text->bytes <= ' ' || *last <= ' ' || memchr(text->bytes, separator, text->length))
		return true;
	return memchr(text->bytes, '"', text->length) || memchr(text->bytes, '\n', text->length) ||
	       memchr(text->bytes, '\r', text->length);
}

/* One character. */
static const uint8_t *put_special(const uint8_t *at, const uint8_t *end, struct writer *w)
{
	if (*at == '"') {
		writer_put(w, "\"\"", 2);
		return at + 1;
	}
	if (*at < 0x80) {
		writer_put_byte(w, ' ');
		return at + 1;
	}
	struct utf8_character c = utf8_character(at, (size_t)(end - at));
	if (c.valid)
		writer_put(w, at, c.length);
	else
		writer_put(w, "\xef\xbf\xbd", 3);
	return at + c.length;
}

static void put_text(const struct text_span *text, struct writer *w)
{
	const uint8_t *at = text->bytes, *end = at + text->length;
	while (at < end && !w->is_full) {
		const uint8_t *from = at;
		while (at < end && *at < 0x80 && *at != '"' && !is_control(*at))
			at++;
		writer_put(w, from, (size_t)(at - from));
		if (at < end)
			at = put_special(at, end, w);
	}
}

static void put_column(const struct text_span *text, uint8_t separator, bool is_only_one,
		       struct writer *w)
{
	bool quoted = wants_quotes(text, separator) || (text->length == 0 && is_only_one);
	if (quoted)
		writer_put_byte(w, '"');
	put_text(text, w);
	if (quoted)
		writer_put_byte(w, '"');
}

static void put_value(const struct csv_state *c, const struct value *v, struct writer *w,
		      struct scratch scratch)
{
	struct text_span text = {(const uint8_t *)"", 0};
	int r = value_text(v, scratch, &text);
	w->is_full |= r == -ENOBUFS;
	put_column(&text, c->separator, c->chosen.count == 1, w);
}

static void csv_title(const struct encoding_options *o, struct writer *w)
{
	uint8_t separator = (uint8_t)o->separator.bytes[0];
	for (size_t i = 0; i < o->fields.count; i++) {
		const struct text *name = &o->fields.items[i];
		const struct text_span text = {(const uint8_t *)name->bytes,
					       (uint32_t)name->length};
		if (i > 0)
			writer_put_byte(w, separator);
		put_column(&text, separator, false, w);
	}
}

static const char *csv_put(void *state, const struct batch *b, uint32_t record, struct writer *w,
			   struct scratch scratch)
{
	const struct csv_state *c = state;
	for (size_t i = 0; i < c->chosen.count; i++) {
		if (i > 0)
			writer_put_byte(w, c->separator);
		put_value(c, &c->chosen.list[i].values[b->rows[record]], w, scratch);
	}
	return NULL;
}

const struct encode_format encode_csv = {
    .uses_scratch = true,
    .check = csv_check,
    .title = csv_title,
    .fields = csv_fields,
    .open = csv_open,
    .close = csv_close,
    .begin = csv_begin,
    .put = csv_put,
};
