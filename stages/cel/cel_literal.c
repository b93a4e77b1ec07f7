#include "stages/cel/cel_literal.h"

#include "stages/cel/cel_number.h"
#include "stages/cel/cel_refuse.h"
#include "stages/cel/cel_utf8.h"

#include <errno.h>
#include <string.h>

/* ---- numbers ---- */

static int read_magnitude(const struct cel_token *t, struct cel_error *error, uint64_t *ret)
{
	size_t length = t->length - (t->kind == CEL_UINT_TEXT);
	bool hex = length > 1 && (t->bytes[1] | 0x20) == 'x';
	int r = hex ? cel_uint_parse(t->bytes + 2, length - 2, 16, ret)
		    : cel_uint_parse(t->bytes, length, 10, ret);
	if (r == -ERANGE)
		return cel_refuse(error, t->offset, "number larger than 64 bits hold");
	return r < 0 ? cel_refuse(error, t->offset, "malformed number") : 0;
}

static int read_int(const struct cel_token *t, bool negative, struct cel_error *error,
		    struct value *ret)
{
	uint64_t u;
	int r = read_magnitude(t, error, &u);
	if (r < 0)
		return r;
	if (u > (uint64_t)INT64_MAX + negative)
		return cel_refuse(error, t->offset,
				  "number larger than an int holds: a uint ends with `u`");
	*ret = (struct value){.i = (int64_t)(negative ? 0 - u : u), .type = VALUE_INT};
	return 0;
}

static int read_uint(const struct cel_token *t, bool negative, struct cel_error *error,
		     struct value *ret)
{
	*ret = (struct value){.type = VALUE_UINT};
	if (negative)
		return cel_refuse(error, t->offset, "a uint has no sign");
	return read_magnitude(t, error, &ret->u);
}

static int read_double(const struct cel_token *t, bool negative, struct cel_error *error,
		       struct value *ret)
{
	double d;
	if (cel_double_parse(t->bytes, t->length, &d) < 0)
		return cel_refuse(error, t->offset, "number larger than a double holds");
	*ret = (struct value){.d = negative ? -d : d, .type = VALUE_DOUBLE};
	return 0;
}

/* ---- text ---- */

struct text {
	const struct cel_token *token;
	struct cel_error *error;
	const char *at, *end;
	uint8_t *to;
	bool bytes;
};

static int refuse_escape(const struct text *x, const char *escape, const char *why)
{
	size_t offset = x->token->offset + (size_t)(escape - x->token->bytes);
	return cel_refuse(x->error, offset, "%s", why);
}

static uint8_t simple_escape(char c)
{
	static const char pairs[] = "a\ab\bf\fn\nr\rt\tv\v\\\\\"\"''``??";
	for (const char *p = pairs; *p; p += 2)
		if (*p == c)
			return (uint8_t)p[1];
	return 0;
}

/* A character of a string, a byte of bytes. */
static int put(struct text *x, const char *escape, uint64_t code)
{
	if (x->bytes) {
		*x->to++ = (uint8_t)code;
		return 0;
	}
	unsigned length = code <= 0x10ffff ? cel_utf8_put(x->to, (uint32_t)code) : 0;
	x->to += length;
	return length ? 0 : refuse_escape(x, escape, "no such character in Unicode");
}

static int decode_digits(struct text *x, const char *escape, size_t digits, unsigned base)
{
	uint64_t code;
	if ((size_t)(x->end - x->at) < digits || cel_uint_parse(x->at, digits, base, &code) < 0 ||
	    (base == 8 && code > 0377))
		return refuse_escape(x, escape,
				     base == 8
					 ? "an octal escape is \\ and 000 to 377"
					 : "too few hexadecimal digits: \\x has 2, \\u 4, \\U 8");
	x->at += digits;
	return put(x, escape, code);
}

/* x->at is behind the backslash. */
static int decode_escape(struct text *x)
{
	const char *escape = x->at - 1;
	char c = *x->at;
	uint8_t simple = simple_escape(c);
	if (c >= '0' && c <= '7')
		return decode_digits(x, escape, 3, 8);
	x->at++;
	if (simple)
		return put(x, escape, simple);
	if (c == 'x' || c == 'X')
		return decode_digits(x, escape, 2, 16);
	if ((c == 'u' || c == 'U') && x->bytes)
		return refuse_escape(x, escape, "bytes have no \\u: write \\x and two digits");
	if (c == 'u')
		return decode_digits(x, escape, 4, 16);
	if (c == 'U')
		return decode_digits(x, escape, 8, 16);
	return refuse_escape(x, escape, "no such escape: a backslash itself is \\\\");
}

static int decode(struct text *x, bool raw)
{
	while (x->at < x->end) {
		char c = *x->at++;
		if (c != '\\' || raw) {
			*x->to++ = (uint8_t)c;
			continue;
		}
		int r = decode_escape(x);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_text(const struct cel_token *t, struct arena *arena, struct cel_error *error,
		     struct value *ret)
{
	const char *open = t->bytes, *end = t->bytes + t->length;
	bool raw = false;
	for (; *open != '"' && *open != '\''; open++)
		raw |= (*open | 0x20) == 'r';
	size_t quotes = end - open >= 6 && open[1] == *open && open[2] == *open ? 3 : 1;
	/* No escape is shorter than the character it stands for. */
	uint8_t *start = arena_take(arena, t->length);
	if (!start)
		return -ENOMEM;
	struct text x = {t, error, open + quotes, end - quotes, start, t->kind == CEL_BYTES_TEXT};
	int r = decode(&x, raw);
	*ret = (struct value){.bytes = start,
			      .length = (uint32_t)(x.to - start),
			      .type = x.bytes ? VALUE_BYTES : VALUE_STRING};
	return r;
}

int cel_literal(const struct cel_token *t, bool negative, struct arena *arena,
		struct cel_error *error, struct value *ret_value)
{
	switch (t->kind) {
	case CEL_INT_TEXT:
		return read_int(t, negative, error, ret_value);
	case CEL_UINT_TEXT:
		return read_uint(t, negative, error, ret_value);
	case CEL_DOUBLE_TEXT:
		return read_double(t, negative, error, ret_value);
	default:
		return read_text(t, arena, error, ret_value);
	}
}
