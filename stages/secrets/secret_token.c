/* secret_token.c - what lets its bearer in: tokens and passwords of HTTP's Authorization, JSON Web Tokens, keys of AWS; and UUIDs.
 *
 *	Authorization: Bearer abc123          the scheme stays, what stands behind it goes
 *	Authorization: Digest username="a"    and so does all up to the line's end, or the quote's, where a scheme has parameters
 *	eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.  three parts or five, the first of them an object in base64 */
#include "stages/secrets/secret.h"
#include "stages/secrets/secret_bytes.h"

#include <string.h>

enum {
	BEFORE_VALUE_MAX = 16, /* quotes, colons, spaces */
	TOKEN_LEAST = 6,       /* of what a word like `bearer` alone announces */
	TOKEN_SURE = 16,       /* so many letters are no word */
	PART_LEAST = 8,
	JWT_PARTS_MAX = 5,
	KEY_ID_BYTES = 20,
	SECRET_KEY_BYTES = 40,
};

/* ---- Authorization ---- */

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '+';
}

static size_t skip_blanks(const uint8_t *text, size_t length, size_t at)
{
	while (at < length && is_blank(text[at]))
		at++;
	return at;
}

static bool is_token(uint8_t c)
{
	return is_base64(c) || c == '.' || c == '~' || c == '=' || c == '%';
}

static size_t token_end(const uint8_t *text, size_t length, size_t at)
{
	while (at < length && is_token(text[at]))
		at++;
	return at;
}

/* No word of a language: it is long, or there is something else than letters in it. */
static bool is_no_word(const uint8_t *text, size_t from, size_t to)
{
	bool other = false;
	for (size_t at = from; at < to && !other; at++)
		other = !is_letter(text[at]) && text[at] != '.';
	return to - from >= TOKEN_SURE || (to - from >= TOKEN_LEAST && other);
}

static int base64_value(uint8_t c)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* It is base64 of a text with a colon: a user and a password. */
static bool is_pair(const uint8_t *text, size_t from, size_t to)
{
	unsigned bits = 0, room = 0;
	for (size_t at = from; at < to; at++) {
		int value = base64_value(text[at]);
		if (value < 0)
			return false;
		room = (room << 6 | (unsigned)value) & 0xffff;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		if ((room >> bits & 0xff) == ':')
			return true;
	}
	return false;
}

/* A word that is the name of a scheme stands at `at`, and what announces itself so stands behind it. */
static bool has_announced(const uint8_t *text, size_t length, size_t at, const char *scheme,
			  struct secret_span *ret)
{
	size_t behind = at + strlen(scheme);
	if (!has_word(text, length, at, scheme))
		return false;
	size_t from = skip_blanks(text, length, behind);
	size_t to = token_end(text, length, from);
	*ret = (struct secret_span){from, to};
	return from > behind && to > from;
}

static bool is_quote(uint8_t c)
{
	return c == '"' || c == '\'' || c == '\\';
}

static bool ends_line(uint8_t c)
{
	return c == '\r' || c == '\n' || c == 0;
}

/* Past what stands between a name and its value; at: that is not there. */
static size_t value_from(const uint8_t *text, size_t length, size_t at)
{
	size_t end = at;
	bool assigned = false;
	while (end < length && end - at < BEFORE_VALUE_MAX &&
	       (is_blank(text[end]) || is_quote(text[end]) || text[end] == ':' ||
		text[end] == '=' || text[end] == '>' || text[end] == '[')) {
		assigned |= text[end] == ':' || text[end] == '=';
		end++;
	}
	return assigned ? end : at;
}

static bool has_simple_scheme(const uint8_t *text, size_t length, size_t at)
{
	static const char *const schemes[] = {"bearer",    "basic", "token", "apikey",
					      "negotiate", "ntlm",  NULL};
	for (const char *const *s = schemes; *s; s++)
		if (has_word(text, length, at, *s))
			return true;
	return false;
}

static size_t word_end(const uint8_t *text, size_t length, size_t at)
{
	while (at < length && (is_alnum(text[at]) || text[at] == '-' || text[at] == '_'))
		at++;
	return at;
}

static size_t plain_end(const uint8_t *text, size_t length, size_t at)
{
	while (at < length && !ends_line(text[at]) && !is_quote(text[at]) && text[at] != ' ' &&
	       text[at] != ',' && text[at] != ';')
		at++;
	return at;
}

/* With parameters, which have quotes of their own; a quote that was opened before the value ends it. */
static size_t parameters_end(const uint8_t *text, size_t length, size_t at, uint8_t quote)
{
	while (at < length && !ends_line(text[at]) && (!quote || text[at] != quote))
		at++;
	return at;
}

/* The value of a header, without its scheme. */
static bool has_value(const uint8_t *text, size_t length, size_t at, struct secret_span *ret)
{
	uint8_t quote = is_quote(text[at - 1]) ? text[at - 1] : 0;
	size_t scheme = word_end(text, length, at);
	size_t behind = skip_blanks(text, length, scheme);
	bool has_scheme = scheme > at && behind > scheme && behind < length &&
			  !ends_line(text[behind]) && !is_quote(text[behind]);
	size_t from = has_scheme ? behind : at;
	bool has_parameters = has_scheme && !has_simple_scheme(text, length, at);
	*ret = (struct secret_span){from, has_parameters ? parameters_end(text, length, from, quote)
							 : plain_end(text, length, from)};
	return ret->to > ret->from;
}

static bool has_header(const uint8_t *text, size_t length, size_t at, struct secret_span *ret)
{
	static const char name[] = "authorization";
	if (!has_word(text, length, at, name))
		return false;
	size_t behind = at + sizeof name - 1;
	size_t value = value_from(text, length, behind);
	return value > behind && value < length && has_value(text, length, value, ret);
}

static bool has_credentials(const uint8_t *text, size_t length, size_t at, struct secret_span *ret)
{
	if (has_announced(text, length, at, "bearer", ret))
		return is_no_word(text, ret->from, ret->to);
	if (has_announced(text, length, at, "basic", ret))
		return is_pair(text, ret->from, ret->to);
	return has_header(text, length, at, ret);
}

bool secret_find_bearer(const uint8_t *text, size_t length, size_t from, struct secret_span *ret)
{
	for (size_t at = from; at < length; at++) {
		uint8_t c = lower(text[at]);
		if ((c == 'b' || c == 'a') && has_credentials(text, length, at, ret))
			return true;
	}
	return false;
}

/* ---- JSON Web Tokens ---- */

static bool is_part(uint8_t c)
{
	return is_alnum(c) || c == '-' || c == '_';
}

static size_t part_end(const uint8_t *text, size_t length, size_t at)
{
	while (at < length && is_part(text[at]))
		at++;
	return at;
}

/* Where it ends; at: there is none. A part that is encrypted may be empty, and so may the signature. *ret_header: the end of the
 * first part. */
static size_t jwt_end(const uint8_t *text, size_t length, size_t at, size_t *ret_header)
{
	size_t end = *ret_header = part_end(text, length, at);
	unsigned parts = 1;
	if (end - at < PART_LEAST)
		return at;
	while (parts < JWT_PARTS_MAX && end < length && text[end] == '.') {
		end = part_end(text, length, end + 1);
		parts++;
	}
	return parts >= 3 ? end : at;
}

bool secret_find_jwt(const uint8_t *text, size_t length, size_t from, struct secret_span *ret)
{
	for (size_t at = from; at + 2 < length; at++) {
		if (text[at] != 'e' || text[at + 1] != 'y' || text[at + 2] != 'J')
			continue;
		size_t header, end = jwt_end(text, length, at, &header);
		if (end > at) {
			*ret = (struct secret_span){at, end};
			return true;
		}
		at = header - 1; /* what begins in this part ends like it */
	}
	return false;
}

/* ---- AWS ---- */

static bool is_key_id(uint8_t c)
{
	return is_digit(c) || (c >= 'A' && c <= 'Z');
}

/* AKIA..., ASIA..., ABIA..., ACCA... */
static bool has_key_id(const uint8_t *text, size_t length, size_t at, struct secret_span *ret)
{
	static const char *const beginnings[] = {"AKIA", "ASIA", "ABIA", "ACCA", NULL};
	bool begins = false;
	if (length - at < KEY_ID_BYTES || (at > 0 && is_key_id(text[at - 1])))
		return false;
	for (const char *const *b = beginnings; *b && !begins; b++)
		begins = memcmp(text + at, *b, 4) == 0;
	for (size_t i = 4; begins && i < KEY_ID_BYTES; i++)
		begins = is_key_id(text[at + i]);
	*ret = (struct secret_span){at, at + KEY_ID_BYTES};
	return begins && !(ret->to < length && is_key_id(text[ret->to]));
}

static size_t skip_joint(const uint8_t *text, size_t length, size_t at)
{
	return at < length && (text[at] == '_' || text[at] == '-' || text[at] == ' ') ? at + 1 : at;
}

static bool is_key_byte(uint8_t c)
{
	return is_alnum(c) || c == '+' || c == '/' || c == '=';
}

/* secret_access_key = 40 bytes of base64, however that is written. */
static bool has_secret_key(const uint8_t *text, size_t length, size_t at, struct secret_span *ret)
{
	static const char *const words[] = {"secret", "access", "key", NULL};
	for (const char *const *w = words; *w; w++) {
		if (!has_word(text, length, at, *w))
			return false;
		at = skip_joint(text, length, at + strlen(*w));
	}
	size_t from = value_from(text, length, at), to = from;
	while (to < length && to - from <= SECRET_KEY_BYTES && is_key_byte(text[to]))
		to++;
	*ret = (struct secret_span){from, to};
	return from > at && to - from == SECRET_KEY_BYTES;
}

bool secret_find_aws(const uint8_t *text, size_t length, size_t from, struct secret_span *ret)
{
	for (size_t at = from; at < length; at++) {
		if (text[at] == 'A' && has_key_id(text, length, at, ret))
			return true;
		if (lower(text[at]) == 's' && has_secret_key(text, length, at, ret))
			return true;
	}
	return false;
}

/* ---- UUIDs ---- */

/* 8-4-4-4-12 */
static bool has_uuid(const uint8_t *text, size_t length, size_t at)
{
	enum { UUID_BYTES = 36 };
	if (length - at < UUID_BYTES || (at > 0 && is_alnum(text[at - 1])))
		return false;
	for (size_t i = 0; i < UUID_BYTES; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash ? text[at + i] != '-' : !is_hex(text[at + i]))
			return false;
	}
	return !(length - at > UUID_BYTES && is_alnum(text[at + UUID_BYTES]));
}

bool secret_find_uuid(const uint8_t *text, size_t length, size_t from, struct secret_span *ret)
{
	for (size_t at = from; at < length; at++) {
		if (!is_hex(text[at]) || !has_uuid(text, length, at))
			continue;
		*ret = (struct secret_span){at, at + 36};
		return true;
	}
	return false;
}
