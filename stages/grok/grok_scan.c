#include "stages/grok/grok_scan.h"

#include <string.h>

static bool begins(const struct grok_scan *s, const char *with)
{
	size_t length = strlen(with);
	return (size_t)(s->end - s->at) >= length && memcmp(s->at, with, length) == 0;
}

/* To behind the next `what`, or to the end. */
static void skip_past(struct grok_scan *s, const char *what)
{
	size_t left = (size_t)(s->end - s->at);
	const char *found = memmem(s->at, left, what, strlen(what));
	s->at = found ? found + strlen(what) : s->end;
}

/* An escape is two bytes, whatever the second one is; what is quoted goes to \E. */
static void skip_escape(struct grok_scan *s)
{
	if (begins(s, "\\Q"))
		skip_past(s, "\\E");
	else
		s->at += s->end - s->at > 1 ? 2 : 1;
}

/* [[:alpha:]] within a class. */
static bool skip_named_class(struct grok_scan *s)
{
	if (!begins(s, "[:"))
		return false;
	const char *c = s->at + 2;
	while (c < s->end && ((*c >= 'a' && *c <= 'z') || *c == '^'))
		c++;
	if (s->end - c < 2 || memcmp(c, ":]", 2) != 0)
		return false;
	s->at = c + 2;
	return true;
}

/* A bracket that comes first is a member. */
static void skip_class(struct grok_scan *s)
{
	s->at++;
	if (begins(s, "^"))
		s->at++;
	if (begins(s, "]"))
		s->at++;
	while (s->at < s->end && *s->at != ']') {
		if (*s->at == '\\')
			skip_escape(s);
		else if (!skip_named_class(s))
			s->at++;
	}
	if (s->at < s->end)
		s->at++;
}

static void skip_expression(struct grok_scan *s)
{
	while (s->at < s->end && !begins(s, "%{")) {
		if (*s->at == '\\')
			skip_escape(s);
		else if (*s->at == '[')
			skip_class(s);
		else if (begins(s, "(?#"))
			skip_past(s, ")");
		else
			s->at++;
	}
}

/* Up to the next colon or the end. */
static const char *take_word(const char **at, const char *end, size_t *ret_length)
{
	const char *word = *at, *colon = memchr(word, ':', (size_t)(end - word));
	const char *stop = colon ? colon : end;
	*ret_length = (size_t)(stop - word);
	*at = colon ? colon + 1 : NULL;
	return word;
}

static void take_reference(struct grok_scan *s, struct grok_part *part)
{
	const char *at = s->at + 2, *end = memchr(at, '}', (size_t)(s->end - at));
	part->is_reference = true;
	s->at = end ? end + 1 : s->end;
	if (!end)
		return;
	part->name = take_word(&at, end, &part->name_length);
	if (at)
		part->field = take_word(&at, end, &part->field_length);
	if (at) {
		part->type = at;
		part->type_length = (size_t)(end - at);
	}
}

bool grok_scan_next(struct grok_scan *s, struct grok_part *ret_part)
{
	struct grok_part part = {.bytes = s->at};
	if (s->at == s->end)
		return false;
	if (begins(s, "%{"))
		take_reference(s, &part);
	else
		skip_expression(s);
	part.length = (size_t)(s->at - part.bytes);
	*ret_part = part;
	return true;
}
