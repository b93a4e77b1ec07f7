#include "stages/json/json_lines.h"
#include "stages/json/json_space.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum json_lines_at {
	AT_TEXT,        /* a value may begin, or the input end */
	AT_VALUE,       /* a value has to begin */
	AT_FIRST_VALUE, /* the same, or the array ends */
	AT_KEY,         /* a key has to begin */
	AT_FIRST_KEY,   /* the same, or the object ends */
	AT_COLON,
	AT_AFTER, /* a value within something has ended: a comma, or that ends */
	AT_STRING,
	AT_ESCAPE,
	AT_HEX,
	AT_WORD,
	AT_MINUS,
	AT_ZERO,
	AT_INTEGER,
	AT_POINT,
	AT_FRACTION,
	AT_E,
	AT_SIGN,
	AT_EXPONENT,
};

void json_lines_init(struct json_lines *j)
{
	*j = (struct json_lines){.at = AT_TEXT};
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Bytes that stand for themselves in a string. */
static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

/* What is to be written of what was read. */
enum { WRITE_IT = 1, WRITE_LINE = 2, TAKE_AGAIN = 4, MISTAKEN = 8 };

static unsigned mistake(struct json_lines *j, const char *why)
{
	j->why = why;
	return MISTAKEN;
}

static bool in_object(const struct json_lines *j)
{
	uint32_t level = j->depth - 1;
	return j->objects[level / 64] >> level % 64 & 1;
}

/* Whether what has just ended, or begins, is a line. */
static bool is_line(const struct json_lines *j)
{
	return j->depth == (j->is_list ? 1 : 0);
}

static unsigned value_ended(struct json_lines *j)
{
	j->at = j->depth > 0 ? AT_AFTER : AT_TEXT;
	if (!is_line(j))
		return 0;
	j->lines++;
	return WRITE_LINE;
}

static unsigned open_level(struct json_lines *j, bool object)
{
	if (j->depth == JSON_LINES_DEPTH)
		return mistake(j, "nested too deeply");
	bool is_text = j->depth == 0;
	uint64_t bit = UINT64_C(1) << j->depth % 64, *word = &j->objects[j->depth / 64];
	*word = object ? *word | bit : *word & ~bit;
	j->depth++;
	j->at = object ? AT_FIRST_KEY : AT_FIRST_VALUE;
	j->is_list |= is_text && !object;
	return is_text && !object ? 0 : WRITE_IT;
}

static unsigned close_level(struct json_lines *j, bool object)
{
	if (in_object(j) != object)
		return mistake(j, object ? "a } where a ] belongs" : "a ] where a } belongs");
	j->depth--;
	if (j->depth == 0 && j->is_list) {
		j->is_list = false;
		j->at = AT_TEXT;
		return 0;
	}
	return WRITE_IT | value_ended(j);
}

static unsigned begin_word(struct json_lines *j, const char *rest)
{
	j->word = rest;
	j->at = AT_WORD;
	return WRITE_IT;
}

static unsigned begin_string(struct json_lines *j, bool is_key)
{
	j->is_key = is_key;
	j->at = AT_STRING;
	return WRITE_IT;
}

static unsigned begin_number(struct json_lines *j, uint8_t c)
{
	j->at = c == '-' ? AT_MINUS : c == '0' ? AT_ZERO : AT_INTEGER;
	return WRITE_IT;
}

static unsigned begin_value(struct json_lines *j, uint8_t c)
{
	switch (c) {
	case '{':
	case '[':
		return open_level(j, c == '{');
	case '"':
		return begin_string(j, false);
	case 't':
		return begin_word(j, "rue");
	case 'f':
		return begin_word(j, "alse");
	case 'n':
		return begin_word(j, "ull");
	default:
		if (c == '-' || is_digit(c))
			return begin_number(j, c);
		return mistake(j, "a value has to stand there");
	}
}

static unsigned after_value(struct json_lines *j, uint8_t c)
{
	if (c == '}' || c == ']')
		return close_level(j, c == '}');
	if (c != ',')
		return mistake(j, "a comma or the end has to stand there");
	bool list = is_line(j);
	j->at = in_object(j) ? AT_KEY : AT_VALUE;
	return list ? 0 : WRITE_IT;
}

static unsigned at_key(struct json_lines *j, uint8_t c)
{
	if (c == '"')
		return begin_string(j, true);
	if (c == '}' && j->at == AT_FIRST_KEY)
		return close_level(j, true);
	return mistake(j, "a name has to stand there");
}

static unsigned at_colon(struct json_lines *j, uint8_t c)
{
	if (c != ':')
		return mistake(j, "a colon has to stand there");
	j->at = AT_VALUE;
	return WRITE_IT;
}

static unsigned string_ended(struct json_lines *j)
{
	if (!j->is_key)
		return WRITE_IT | value_ended(j);
	j->at = AT_COLON;
	return WRITE_IT;
}

static unsigned in_string(struct json_lines *j, uint8_t c)
{
	if (c == '"')
		return string_ended(j);
	if (c < 0x20)
		return mistake(j, "a control character in a string");
	if (c == '\\')
		j->at = AT_ESCAPE;
	return WRITE_IT;
}

static unsigned in_escape(struct json_lines *j, uint8_t c)
{
	if (c == 'u') {
		j->left = 4;
		j->at = AT_HEX;
		return WRITE_IT;
	}
	j->at = AT_STRING;
	return c && strchr("\"\\/bfnrt", c) ? WRITE_IT : mistake(j, "no such escape");
}

static unsigned in_hex(struct json_lines *j, uint8_t c)
{
	if (!is_hex(c))
		return mistake(j, "not four hexadecimal digits");
	if (--j->left == 0)
		j->at = AT_STRING;
	return WRITE_IT;
}

static unsigned in_word(struct json_lines *j, uint8_t c)
{
	if (c != (uint8_t)*j->word)
		return mistake(j, "not true, false or null");
	j->word++;
	return WRITE_IT | (*j->word ? 0 : value_ended(j));
}

/* What may stand behind the digits, the point and the e of a number; 0: the number has ended before c. */
static uint8_t number_goes_on(uint8_t at, uint8_t c)
{
	bool digit = is_digit(c), e = c == 'e' || c == 'E';
	switch (at) {
	case AT_MINUS:
		return c == '0' ? AT_ZERO : digit ? AT_INTEGER : 0;
	case AT_ZERO:
		return c == '.' ? AT_POINT : e ? AT_E : 0;
	case AT_INTEGER:
		return digit ? AT_INTEGER : c == '.' ? AT_POINT : e ? AT_E : 0;
	case AT_POINT:
		return digit ? AT_FRACTION : 0;
	case AT_FRACTION:
		return digit ? AT_FRACTION : e ? AT_E : 0;
	case AT_E:
		return digit ? AT_EXPONENT : c == '+' || c == '-' ? AT_SIGN : 0;
	default:
		return digit ? AT_EXPONENT : 0;
	}
}

static bool number_may_end(uint8_t at)
{
	return at == AT_ZERO || at == AT_INTEGER || at == AT_FRACTION || at == AT_EXPONENT;
}

static unsigned in_number(struct json_lines *j, uint8_t c)
{
	uint8_t next = number_goes_on(j->at, c);
	if (next) {
		j->at = next;
		return WRITE_IT;
	}
	if (!number_may_end(j->at) || is_digit(c))
		return mistake(j, "not how JSON writes a number");
	return TAKE_AGAIN | value_ended(j);
}

/* Between the parts of a value whitespace is as good as none; outside of values there is nothing to keep. */
static unsigned in_space(const struct json_lines *j, uint8_t c)
{
	bool within = j->depth > (j->is_list ? 1 : 0);
	return within && c != '\n' && c != '\r' ? WRITE_IT : 0;
}

static unsigned between(struct json_lines *j, uint8_t c)
{
	if (json_is_space(c))
		return in_space(j, c);
	switch (j->at) {
	case AT_FIRST_VALUE:
		return c == ']' ? close_level(j, false) : begin_value(j, c);
	case AT_FIRST_KEY:
	case AT_KEY:
		return at_key(j, c);
	case AT_COLON:
		return at_colon(j, c);
	case AT_AFTER:
		return after_value(j, c);
	default:
		return begin_value(j, c);
	}
}

static unsigned take_byte(struct json_lines *j, uint8_t c)
{
	if (j->at <= AT_AFTER)
		return between(j, c);
	switch (j->at) {
	case AT_STRING:
		return in_string(j, c);
	case AT_ESCAPE:
		return in_escape(j, c);
	case AT_HEX:
		return in_hex(j, c);
	case AT_WORD:
		return in_word(j, c);
	default:
		return in_number(j, c);
	}
}

/* Most of what comes lies within strings: those bytes at once, as many as stand for themselves. */
static size_t copy_plain(const uint8_t *bytes, size_t length, uint8_t *to, size_t room)
{
	size_t most = length < room ? length : room, n = 0;
	while (n < most && is_plain(bytes[n])) {
		to[n] = bytes[n];
		n++;
	}
	return n;
}

ptrdiff_t json_lines_take(struct json_lines *j, const uint8_t *bytes, size_t length, uint8_t *to,
			  size_t room, size_t *ret_made)
{
	assert(room >= JSON_LINES_ROOM);
	size_t taken = 0, made = 0;
	while (taken < length && room - made >= 2) {
		if (j->at == AT_STRING) {
			size_t n =
			    copy_plain(bytes + taken, length - taken, to + made, room - made - 1);
			taken += n;
			made += n;
			if (taken == length || room - made < 2)
				break;
		}
		unsigned what = take_byte(j, bytes[taken]);
		if (what & MISTAKEN) {
			j->offset += taken;
			*ret_made = made;
			return -EBADMSG;
		}
		if (what & WRITE_IT)
			to[made++] = bytes[taken];
		if (what & WRITE_LINE)
			to[made++] = '\n';
		taken += !(what & TAKE_AGAIN);
	}
	j->offset += taken;
	*ret_made = made;
	return (ptrdiff_t)taken;
}

int json_lines_end(struct json_lines *j, uint8_t *to, size_t *ret_made)
{
	*ret_made = 0;
	if (j->at >= AT_MINUS && j->depth == 0 && number_may_end(j->at)) {
		value_ended(j);
		to[(*ret_made)++] = '\n';
	}
	if (j->at == AT_TEXT)
		return 0;
	j->why = "it ends in the middle of a value";
	return -EBADMSG;
}
