/* A matcher that tries one thing after the other: what can be repeated is counted in a loop, and what follows it is tried by a call
 * of its own, from the longest repetition to the shortest, or the other way round for `-`. */
#include "stages/lua/lua_pattern.h"

#include <string.h>

/* A single character of the pattern with what stands for it: `a`, `.`, `%d`, `[^,]`. */
struct item {
	const uint8_t *from, *to;
};

static const uint8_t *match(struct lua_pattern *p, const uint8_t *s, const uint8_t *at);

static const uint8_t *refuse(struct lua_pattern *p, const char *why)
{
	if (!p->why)
		p->why = why;
	return NULL;
}

static bool ended(const struct lua_pattern *p)
{
	return p->why || p->gave_up;
}

static bool step(struct lua_pattern *p)
{
	if (p->steps == 0)
		p->gave_up = true;
	else
		p->steps--;
	return !p->gave_up;
}

/* ---- classes, of ASCII whatever the locale ---- */

static bool is_lower(uint8_t c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_upper(uint8_t c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(uint8_t c)
{
	return is_lower(c) || is_upper(c) || is_digit(c);
}

static bool is_punctuation(uint8_t c)
{
	return c > ' ' && c < 127 && !is_alnum(c);
}

static bool is_hex(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* False in *ret_known: the letter stands for itself. */
static bool in_class(uint8_t c, uint8_t letter, bool *ret_known)
{
	*ret_known = true;
	switch (letter) {
	case 'a':
		return is_lower(c) || is_upper(c);
	case 'c':
		return c < 32 || c == 127;
	case 'd':
		return is_digit(c);
	case 'g':
		return c > ' ' && c < 127;
	case 'l':
		return is_lower(c);
	case 'p':
		return is_punctuation(c);
	case 's':
		return c == ' ' || (c >= '\t' && c <= '\r');
	case 'u':
		return is_upper(c);
	case 'w':
		return is_alnum(c);
	case 'x':
		return is_hex(c);
	case 'z':
		return c == 0;
	default:
		*ret_known = false;
		return false;
	}
}

static bool matches_class(uint8_t c, uint8_t letter)
{
	bool is_known;
	bool is_in = in_class(c, is_upper(letter) ? (uint8_t)(letter | 0x20) : letter, &is_known);
	if (!is_known)
		return c == letter;
	return is_in != is_upper(letter);
}

/* ---- items ---- */

/* Past the `]`; the one that stands first is a member. */
static const uint8_t *set_end(struct lua_pattern *p, const uint8_t *at)
{
	at += at < p->end && *at == '^';
	do {
		if (at >= p->end)
			return refuse(p, "malformed pattern (missing `]`)");
		uint8_t c = *at++;
		if (c == '%' && at >= p->end)
			return refuse(p, "malformed pattern (missing `]`)");
		at += c == '%';
	} while (at >= p->end || *at != ']');
	return at + 1;
}

static bool read_item(struct lua_pattern *p, const uint8_t *at, struct item *ret_item)
{
	const uint8_t *to = at + 1;
	if (*at == '%') {
		if (to == p->end)
			return refuse(p, "malformed pattern (ends with `%`)");
		to++;
	} else if (*at == '[') {
		to = set_end(p, to);
	}
	*ret_item = (struct item){at, to};
	return to != NULL;
}

/* One member of a set, which *at moves behind; `last` is its `]`. */
static bool matches_member(uint8_t c, const uint8_t **at, const uint8_t *last)
{
	const uint8_t *m = *at;
	if (*m == '%') {
		*at = m + 2;
		return matches_class(c, m[1]);
	}
	if (last - m > 2 && m[1] == '-') {
		*at = m + 3;
		return m[0] <= c && c <= m[2];
	}
	*at = m + 1;
	return c == *m;
}

static bool matches_set(struct lua_pattern *p, uint8_t c, struct item set)
{
	const uint8_t *last = set.to - 1, *at = set.from + 1;
	bool negated = *at == '^' && at < last, found = false;
	at += negated;
	while (at < last && !found && step(p))
		found = matches_member(c, &at, last);
	return found != negated;
}

static bool matches(struct lua_pattern *p, uint8_t c, struct item item)
{
	if (!step(p))
		return false;
	switch (*item.from) {
	case '.':
		return true;
	case '%':
		return matches_class(c, item.from[1]);
	case '[':
		return matches_set(p, c, item) && !p->gave_up;
	default:
		return c == *item.from;
	}
}

/* ---- what is repeated ---- */

static const uint8_t *match_most(struct lua_pattern *p, const uint8_t *s, struct item item,
				 size_t least)
{
	size_t count = 0, room = (size_t)(p->text_end - s);
	while (count < room && matches(p, s[count], item))
		count++;
	for (size_t n = count + 1; n-- > least && !ended(p);) {
		const uint8_t *to = match(p, s + n, item.to + 1);
		if (to)
			return to;
	}
	return NULL;
}

static const uint8_t *match_least(struct lua_pattern *p, const uint8_t *s, struct item item)
{
	while (!ended(p)) {
		const uint8_t *to = match(p, s, item.to + 1);
		if (to)
			return to;
		if (s == p->text_end || !matches(p, *s, item))
			return NULL;
		s++;
	}
	return NULL;
}

/* ---- captures ---- */

static const uint8_t *open_capture(struct lua_pattern *p, const uint8_t *s, const uint8_t *at,
				   ptrdiff_t length)
{
	if (p->count == LUA_CAPTURES_MAX)
		return refuse(p, "too many captures");
	p->captures[p->count++] = (struct lua_capture){s, length};
	const uint8_t *to = match(p, s, at);
	if (!to)
		p->count--;
	return to;
}

static const uint8_t *close_capture(struct lua_pattern *p, const uint8_t *s, const uint8_t *at)
{
	unsigned i = p->count;
	while (i > 0 && p->captures[i - 1].length != LUA_CAPTURE_OPEN)
		i--;
	if (i == 0)
		return refuse(p, "invalid pattern capture");
	struct lua_capture *c = &p->captures[i - 1];
	c->length = s - c->from;
	const uint8_t *to = match(p, s, at);
	if (!to)
		c->length = LUA_CAPTURE_OPEN;
	return to;
}

/* %1: what was captured, once more. Where that ends. */
static const uint8_t *match_again(struct lua_pattern *p, const uint8_t *s, uint8_t digit)
{
	unsigned i = (unsigned)digit - '1';
	if (digit == '0' || i >= p->count || p->captures[i].length == LUA_CAPTURE_OPEN)
		return refuse(p, "invalid capture index");
	if (p->captures[i].length == LUA_CAPTURE_POSITION)
		return NULL;
	size_t length = (size_t)p->captures[i].length;
	if (length > (size_t)(p->text_end - s))
		return NULL;
	p->steps -= p->steps < length ? p->steps : length;
	return memcmp(s, p->captures[i].from, length) == 0 ? s + length : NULL;
}

/* ---- %b, %f ---- */

static const uint8_t *match_balanced(struct lua_pattern *p, const uint8_t *s, const uint8_t *at)
{
	if (p->end - at < 2)
		return refuse(p, "unbalanced pattern");
	if (s == p->text_end || *s != at[0])
		return NULL;
	size_t open = 1;
	for (s++; s < p->text_end && step(p); s++) {
		if (*s == at[1] && --open == 0)
			return s + 1;
		open += *s == at[0] && at[0] != at[1];
	}
	return NULL;
}

static const uint8_t *match_frontier(struct lua_pattern *p, const uint8_t *s, const uint8_t *at)
{
	struct item set;
	if (at == p->end || *at != '[')
		return refuse(p, "missing `[` after `%f` in pattern");
	if (!read_item(p, at, &set))
		return NULL;
	uint8_t before = s == p->text ? 0 : s[-1], here = s == p->text_end ? 0 : *s;
	return !matches_set(p, before, set) && matches_set(p, here, set) ? match(p, s, set.to)
									 : NULL;
}

/* ---- all of it ---- */

/* The item at `at`, and what it says of how often. */
static const uint8_t *match_item(struct lua_pattern *p, const uint8_t **s, const uint8_t **at)
{
	struct item item;
	if (!read_item(p, *at, &item))
		return NULL;
	uint8_t how = item.to < p->end ? *item.to : 0;
	if (how == '*' || how == '+')
		return match_most(p, *s, item, how == '+');
	if (how == '-')
		return match_least(p, *s, item);
	bool is_there = *s < p->text_end && matches(p, **s, item);
	if (how == '?') {
		const uint8_t *to = is_there ? match(p, *s + 1, item.to + 1) : NULL;
		return to || ended(p) ? to : match(p, *s, item.to + 1);
	}
	*at = is_there ? item.to : NULL;
	*s += is_there;
	return NULL;
}

/* %b, %f and %1, which are no items. True: it was one, and *at is NULL when *s is where all ends, or NULL. */
static bool match_special(struct lua_pattern *p, const uint8_t **s, const uint8_t **at)
{
	const uint8_t *a = *at;
	if (*a != '%' || p->end - a < 2)
		return false;
	if (a[1] == 'f') {
		*s = match_frontier(p, *s, a + 2);
		*at = NULL;
		return true;
	}
	if (a[1] != 'b' && !is_digit(a[1]))
		return false;
	*s = a[1] == 'b' ? match_balanced(p, *s, a + 2) : match_again(p, *s, a[1]);
	*at = *s ? a + (a[1] == 'b' ? 4 : 2) : NULL;
	return true;
}

static const uint8_t *match_rest(struct lua_pattern *p, const uint8_t *s, const uint8_t *at)
{
	while (at < p->end && step(p)) {
		if (*at == '(') {
			bool position = at + 1 < p->end && at[1] == ')';
			return open_capture(p, s, at + 1 + position,
					    position ? LUA_CAPTURE_POSITION : LUA_CAPTURE_OPEN);
		}
		if (*at == ')')
			return close_capture(p, s, at + 1);
		if (*at == '$' && at + 1 == p->end)
			return s == p->text_end ? s : NULL;
		if (match_special(p, &s, &at)) {
			if (!at)
				return s;
			continue;
		}
		const uint8_t *before = at, *to = match_item(p, &s, &at);
		if (!at || at == before)
			return to;
	}
	return ended(p) ? NULL : s;
}

static const uint8_t *match(struct lua_pattern *p, const uint8_t *s, const uint8_t *at)
{
	if (ended(p))
		return NULL;
	if (p->depth == LUA_PATTERN_DEPTH_MAX) {
		p->gave_up = true;
		return NULL;
	}
	p->depth++;
	const uint8_t *to = match_rest(p, s, at);
	p->depth--;
	return to;
}

void lua_pattern_init(struct lua_pattern *p, const uint8_t *pattern, size_t length,
		      const uint8_t *text, size_t text_length)
{
	*p = (struct lua_pattern){.text = text, .text_end = text + text_length};
	p->is_anchored = length > 0 && *pattern == '^';
	p->at = pattern + p->is_anchored;
	p->end = pattern + length;
}

const uint8_t *lua_pattern_match(struct lua_pattern *p, const uint8_t *from)
{
	p->count = 0;
	const uint8_t *to = match(p, from, p->at);
	for (unsigned i = 0; to && i < p->count; i++)
		if (p->captures[i].length == LUA_CAPTURE_OPEN)
			return refuse(p, "unfinished capture");
	return to;
}

const uint8_t *lua_pattern_find(struct lua_pattern *p, const uint8_t *from,
				const uint8_t **ret_from)
{
	for (const uint8_t *s = from; s <= p->text_end && !ended(p); s++) {
		const uint8_t *to = lua_pattern_match(p, s);
		*ret_from = s;
		if (to || p->is_anchored)
			return to;
	}
	return NULL;
}
