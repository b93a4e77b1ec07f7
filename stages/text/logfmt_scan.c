#include "stages/text/logfmt_scan.h"

#include "stages/json/json_escape.h"

#include <errno.h>

static bool at_byte(const struct logfmt_scan *s, uint8_t wanted)
{
	return s->at < s->end && *s->at == wanted;
}

static int refuse(struct logfmt_scan *s, const char *why)
{
	s->why = why;
	return -EBADMSG;
}

static int take_key(struct logfmt_scan *s, struct text_span *ret)
{
	const uint8_t *from = s->at;
	while (s->at<s->end && * s->at> ' ' && *s->at != '=' && *s->at != '"')
		s->at++;
	*ret = text_span(from, s->at);
	if (at_byte(s, '"'))
		return refuse(s, "quote in a key");
	return ret->length > 0 ? 1 : refuse(s, "no key");
}

static int take_plain(struct logfmt_scan *s, struct text_span *ret)
{
	const uint8_t *from = s->at;
	while (s->at<s->end && * s->at> ' ' && *s->at != '"')
		s->at++;
	*ret = text_span(from, s->at);
	return at_byte(s, '"') ? refuse(s, "quote in a value") : 1;
}

/* Behind the quote that opens it. */
static int take_quoted(struct logfmt_scan *s, struct logfmt_pair *p)
{
	const uint8_t *from = s->at;
	while (s->at < s->end && *s->at != '"') {
		if (*s->at != '\\') {
			s->at++;
			continue;
		}
		struct json_escape e = json_escape(s->at, (size_t)(s->end - s->at));
		if (e.length == 0)
			return refuse(s, e.why);
		p->escaped = true;
		s->at += e.length;
	}
	if (s->at == s->end)
		return refuse(s, "quote without an end");
	p->value = text_span(from, s->at++);
	return 1;
}

int logfmt_next(struct logfmt_scan *s, struct logfmt_pair *ret_pair)
{
	*ret_pair = (struct logfmt_pair){.escaped = false};
	while (s->at < s->end && *s->at <= ' ')
		s->at++;
	if (s->at == s->end)
		return 0;
	int r = take_key(s, &ret_pair->key);
	if (r < 0 || !at_byte(s, '='))
		return r;
	s->at++;
	if (!at_byte(s, '"'))
		return take_plain(s, &ret_pair->value);
	s->at++;
	return take_quoted(s, ret_pair);
}
