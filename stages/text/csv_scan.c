#include "stages/text/csv_scan.h"

#include <errno.h>
#include <string.h>

struct csv_scan csv_from(const uint8_t *bytes, size_t length, uint8_t comma, bool strict)
{
	if (length > 0 && bytes[length - 1] == '\r')
		length--;
	return (struct csv_scan){
	    .at = bytes, .end = bytes + length, .comma = comma, .strict = strict};
}

static int refuse(struct csv_scan *s, const char *why)
{
	s->why = why;
	return -EBADMSG;
}

/* The comma behind a field is taken; without one the field is the last. */
static int end_field(struct csv_scan *s)
{
	s->ended = s->at == s->end;
	s->at += !s->ended;
	return 1;
}

static int take_plain(struct csv_scan *s, struct text_span *ret)
{
	const uint8_t *comma = memchr(s->at, s->comma, (size_t)(s->end - s->at));
	const uint8_t *to = comma ? comma : s->end;
	if (s->strict && memchr(s->at, '"', (size_t)(to - s->at)))
		return refuse(s, "quote within a field");
	*ret = text_span(s->at, to);
	s->at = to;
	return end_field(s);
}

/* The quote that closes the field, from `at` on; NULL: there is none, or something follows it that may not: why. */
static const uint8_t *closing_quote(struct csv_scan *s, const uint8_t *at, bool *ret_doubled)
{
	while ((at = memchr(at, '"', (size_t)(s->end - at)))) {
		if (s->end - at == 1 || at[1] == s->comma)
			return at;
		if (at[1] == '"')
			*ret_doubled = true;
		else if (s->strict)
			return refuse(s, "text behind a closing quote"), NULL;
		at += at[1] == '"' ? 2 : 1;
	}
	refuse(s, "quote without an end");
	return NULL;
}

int csv_next(struct csv_scan *s, struct csv_field *ret_field)
{
	*ret_field = (struct csv_field){.doubled = false};
	if (s->why)
		return -EBADMSG;
	if (s->ended)
		return 0;
	if (s->at == s->end || *s->at != '"')
		return take_plain(s, &ret_field->text);
	const uint8_t *from = s->at + 1;
	const uint8_t *to = closing_quote(s, from, &ret_field->doubled);
	if (!to)
		return -EBADMSG;
	ret_field->text = text_span(from, to);
	s->at = to + 1;
	return end_field(s);
}

size_t csv_undouble(uint8_t *to, struct text_span text)
{
	const uint8_t *from = text.bytes, *end = from + text.length;
	uint8_t *at = to;
	while (from < end) {
		bool two = *from == '"' && end - from > 1 && from[1] == '"';
		from += two;
		*at++ = *from++;
	}
	return (size_t)(at - to);
}
