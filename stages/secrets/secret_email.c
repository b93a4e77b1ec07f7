/* secret_email.c - addresses of e-mail: ann@example.com, "ann b"@example.com, ann@[192.0.2.1], and ann%40example.com as in URLs.
 *
 * What stands before the sign ends where logs put things side by side (`=`, `:`, `/`, `&`, quotes), though RFC 5322 allows some of
 * these in a name. The domain has a dot, and a last part that begins with a letter: `pkg@1.2.3` and `root@host` are none. */
#include "stages/secrets/secret.h"
#include "stages/secrets/secret_bytes.h"

#include <string.h>

enum { LOCAL_MAX = 128, DOMAIN_MAX = 255, LABEL_LEAST = 2 };

static bool is_foreign(uint8_t c)
{
	return c >= 0x80;
}

static bool is_local(const uint8_t *text, size_t at, size_t from, size_t sign)
{
	uint8_t c = text[at];
	if (is_alnum(c) || is_foreign(c) || (c && strchr("._%+-!#$*^~`", c)))
		return true;
	return c == '\'' && at > from && at + 1 < sign && is_alnum(text[at - 1]) &&
	       is_alnum(text[at + 1]);
}

/* Where the quoted name begins whose last quote stands before the sign. */
static size_t quoted_from(const uint8_t *text, size_t from, size_t sign)
{
	for (size_t at = sign - 1; at > from && sign - at < LOCAL_MAX; at--)
		if (text[at - 1] == '"')
			return at - 1;
	return sign;
}

/* sign: there is no name before it. */
static size_t local_from(const uint8_t *text, size_t from, size_t sign)
{
	size_t at = sign;
	if (sign > from + 1 && text[sign - 1] == '"')
		return quoted_from(text, from, sign);
	while (at > from && sign - at < LOCAL_MAX && is_local(text, at - 1, from, sign))
		at--;
	while (at < sign && text[at] == '.')
		at++;
	return at;
}

static bool is_domain(uint8_t c)
{
	return is_alnum(c) || is_foreign(c) || c == '-';
}

/* The end of the longest beginning of text[at, end) whose last part may be a top-level domain; at: there is none. */
static size_t domain_end(const uint8_t *text, size_t at, size_t end)
{
	size_t stop = end;
	while (stop > at) {
		size_t label = stop;
		while (label > at && text[label - 1] != '.')
			label--;
		if (label == at)
			return at;
		uint8_t first = text[label];
		if (stop - label >= LABEL_LEAST && (is_letter(first) || is_foreign(first)))
			return stop;
		stop = label - 1;
	}
	return at;
}

static size_t named_domain(const uint8_t *text, size_t length, size_t at)
{
	size_t end = at;
	while (end < length && end - at < DOMAIN_MAX &&
	       (is_domain(text[end]) || (text[end] == '.' && end > at && text[end - 1] != '.')))
		end++;
	while (end > at && (text[end - 1] == '.' || text[end - 1] == '-'))
		end--;
	return domain_end(text, at, end);
}

/* [192.0.2.1], [IPv6:2001:db8::1] */
static size_t literal_domain(const uint8_t *text, size_t length, size_t at)
{
	size_t end = at + 1;
	while (end < length && end - at < 64 &&
	       (is_alnum(text[end]) || text[end] == '.' || text[end] == ':'))
		end++;
	return end < length && text[end] == ']' && end > at + 2 ? end + 1 : at;
}

/* How long the sign at `at` is; 0: there is none. */
static size_t sign_length(const uint8_t *text, size_t length, size_t at)
{
	if (text[at] == '@')
		return 1;
	return has_word(text, length, at, "%40") ? 3 : 0;
}

static size_t next_sign(const uint8_t *text, size_t length, size_t at)
{
	while (at < length && text[at] != '@' && text[at] != '%')
		at++;
	return at;
}

bool secret_find_email(const uint8_t *text, size_t length, size_t from, struct secret_span *ret)
{
	for (size_t sign = next_sign(text, length, from); sign < length;
	     sign = next_sign(text, length, sign + 1)) {
		size_t behind = sign + sign_length(text, length, sign);
		if (behind == sign || behind >= length)
			continue;
		size_t local = local_from(text, from, sign);
		if (local == sign)
			continue;
		size_t end = text[behind] == '[' ? literal_domain(text, length, behind)
						 : named_domain(text, length, behind);
		if (end == behind)
			continue;
		*ret = (struct secret_span){local, end};
		return true;
	}
	return false;
}
