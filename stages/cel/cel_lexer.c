#include "stages/cel/cel_lexer.h"

#include "conf/excerpt.h"
#include "stages/cel/cel_refuse.h"

#include <string.h>

static char peek(const struct cel_lexer *l, size_t ahead)
{
	return l->at + ahead < l->length ? l->text[l->at + ahead] : 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool begins_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool in_name(char c)
{
	return begins_name(c) || is_digit(c);
}

static void skip_blank(struct cel_lexer *l)
{
	for (;;) {
		char c = peek(l, 0);
		if (l->at < l->length && c && strchr(" \t\n\f\r", c)) {
			l->at++;
		} else if (c == '/' && peek(l, 1) == '/') {
			while (l->at < l->length && l->text[l->at] != '\n')
				l->at++;
		} else {
			return;
		}
	}
}

static int finish(struct cel_lexer *l, struct cel_token *t, enum cel_token_kind kind)
{
	t->kind = kind;
	t->length = l->at - t->offset;
	return 0;
}

static void skip_digits(struct cel_lexer *l)
{
	while (is_digit(peek(l, 0)))
		l->at++;
}

static bool skip_exponent(struct cel_lexer *l)
{
	if (peek(l, 0) != 'e' && peek(l, 0) != 'E')
		return false;
	size_t sign = peek(l, 1) == '+' || peek(l, 1) == '-';
	if (!is_digit(peek(l, 1 + sign)))
		return false;
	l->at += 1 + sign;
	skip_digits(l);
	return true;
}

static enum cel_token_kind skip_number(struct cel_lexer *l)
{
	bool fraction = false, hex = peek(l, 0) == '0' && (peek(l, 1) | 0x20) == 'x';
	if (hex) {
		l->at += 2;
		while (is_hex(peek(l, 0)))
			l->at++;
	} else {
		skip_digits(l);
		if (peek(l, 0) == '.' && is_digit(peek(l, 1))) {
			fraction = true;
			l->at++;
			skip_digits(l);
		}
		fraction |= skip_exponent(l);
	}
	if (fraction)
		return CEL_DOUBLE_TEXT;
	if (peek(l, 0) != 'u' && peek(l, 0) != 'U')
		return CEL_INT_TEXT;
	l->at++;
	return CEL_UINT_TEXT;
}

static int read_number(struct cel_lexer *l, struct cel_token *t)
{
	enum cel_token_kind kind = skip_number(l);
	if (in_name(peek(l, 0)))
		return cel_refuse(l->error, t->offset, "malformed number");
	return finish(l, t, kind);
}

/* How many bytes of prefix stand before a quote; -1: no string begins here. */
static int string_prefix(const struct cel_lexer *l, bool *ret_raw, bool *ret_bytes)
{
	bool raw = false, bytes = false;
	for (size_t i = 0; i < 3; i++) {
		char c = peek(l, i);
		if (c == '"' || c == '\'') {
			*ret_raw = raw;
			*ret_bytes = bytes;
			return (int)i;
		}
		bool is_raw = (c | 0x20) == 'r', is_bytes = (c | 0x20) == 'b';
		if ((!is_raw && !is_bytes) || (is_raw && raw) || (is_bytes && bytes))
			return -1;
		raw |= is_raw;
		bytes |= is_bytes;
	}
	return -1;
}

/* From the first quote to behind the last. */
static int skip_string(struct cel_lexer *l, const struct cel_token *t, bool raw)
{
	char quote = peek(l, 0);
	size_t quotes = peek(l, 1) == quote && peek(l, 2) == quote ? 3 : 1;
	l->at += quotes;
	while (l->at < l->length) {
		char c = peek(l, 0);
		if (c == quote && (quotes == 1 || (peek(l, 1) == quote && peek(l, 2) == quote))) {
			l->at += quotes;
			return 0;
		}
		if (quotes == 1 && (c == '\n' || c == '\r'))
			return cel_refuse(l->error, l->at,
					  "a newline in a string: write \\n, or quote with %c%c%c",
					  quote, quote, quote);
		l->at += c == '\\' && !raw ? 2 : 1;
	}
	return cel_refuse(l->error, t->offset, "string without its closing quote");
}

static int read_quoted_name(struct cel_lexer *l, struct cel_token *t)
{
	l->at++;
	while (in_name(peek(l, 0)) || (peek(l, 0) && strchr("-./ ", peek(l, 0))))
		l->at++;
	if (peek(l, 0) != '`')
		return cel_refuse(
		    l->error, l->at,
		    "a name in backticks has letters, digits, `_-./` and spaces, and ends with `");
	*t = (struct cel_token){CEL_QUOTED, l->text + t->offset + 1, l->at - t->offset - 1,
				t->offset};
	l->at++;
	return t->length ? 0 : cel_refuse(l->error, t->offset, "empty name");
}

static int read_sign(struct cel_lexer *l, struct cel_token *t)
{
	static const char *const pairs[] = {"<=", ">=", "==", "!=", "&&", "||"};
	char c = peek(l, 0);
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		if (c == pairs[i][0] && peek(l, 1) == pairs[i][1]) {
			l->at += 2;
			return finish(l, t, CEL_SIGN);
		}
	}
	if (c && strchr("()[]{}.,?:+-*/%<>!", c)) {
		l->at++;
		return finish(l, t, CEL_SIGN);
	}
	if (c == '=')
		return cel_refuse(l->error, t->offset, "`=` is no operator: equality is `==`");
	if (c == '&' || c == '|')
		return cel_refuse(l->error, t->offset, "`%c` is no operator: did you mean `%c%c`?",
				  c, c, c);
	return cel_refuse(l->error, t->offset, "unexpected `%s`",
			  excerpt_of(l->text + l->at, 1, false).text);
}

int cel_lexer_next(struct cel_lexer *l, struct cel_token *ret_token)
{
	bool raw = false, bytes = false;
	skip_blank(l);
	*ret_token = (struct cel_token){CEL_END, l->text + l->at, 0, l->at};
	if (l->at >= l->length)
		return 0;
	char c = peek(l, 0);
	int prefix = string_prefix(l, &raw, &bytes);
	if (prefix >= 0) {
		l->at += (size_t)prefix;
		int r = skip_string(l, ret_token, raw);
		return r < 0 ? r : finish(l, ret_token, bytes ? CEL_BYTES_TEXT : CEL_STRING_TEXT);
	}
	if (begins_name(c)) {
		while (in_name(peek(l, 0)))
			l->at++;
		return finish(l, ret_token, CEL_NAME);
	}
	if (is_digit(c) || (c == '.' && is_digit(peek(l, 1))))
		return read_number(l, ret_token);
	return c == '`' ? read_quoted_name(l, ret_token) : read_sign(l, ret_token);
}

bool cel_token_is(const struct cel_token *t, enum cel_token_kind kind, const char *text)
{
	return t->kind == kind && t->length == strlen(text) &&
	       memcmp(t->bytes, text, t->length) == 0;
}
