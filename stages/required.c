/* A pattern is read from left to right by recursive descent. Each part of it has a shape: either the exact strings it
 * can match, or, beyond that, a set of strings one of which is in whatever it matches.
 *
 *   /(users|orders)/\d+ x     run {/}  x {users, orders}  ->  run {/users, /orders}  x {/}  ->  {/users/, /orders/}
 *                             \d ends the run: it is the best so far; the next run is {x}, which is less rare
 *
 * Whatever is not certain makes the whole pattern unknown (give_up): a string too many would lose records. */
#include "stages/required.h"

#include "stages/shape.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	DEPTH_MAX = 32,        /* of groups */
	CLASS_MEMBERS_MAX = 8, /* of a character class that is taken as alternatives */
	REPEAT_DIGITS_MAX = 5,
	SECOND_RARITY_MIN = 10 * 16, /* below 10 bits nearly every line has it */
};

/* What one depth of groups works with; kept off the stack for their size. */
struct level {
	struct shape atom;
	struct shape branch; /* branch.strings: the run under way */
	struct shape all;
	struct set scratch;
};

/* A byte of the pattern, with QUOTED set if it stood between \Q and \E. */
typedef uint16_t token;
enum { QUOTED = 0x100 };

struct parser {
	const token *at, *end;
	bool caseless;
	bool given_up;
	struct level *levels;
	size_t level_count;
};

/* A letter has another case, and so may have what is not ASCII. */
static void shape_byte(struct parser *p, struct shape *s, uint8_t byte)
{
	bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
	if (p->caseless && (letter || byte >= 0x80))
		shape_unknown(s);
	else
		shape_string(s, &(struct string){.length = 1, .bytes = {byte}});
}

static void give_up(struct parser *p)
{
	p->given_up = true;
	p->at = p->end;
}

/* --- atoms --- */

static bool parse_alternatives(struct parser *p, size_t depth);

static bool next_is(const struct parser *p, char c)
{
	return p->at < p->end && *p->at == (token)c;
}

static bool take(struct parser *p, char c)
{
	if (!next_is(p, c))
		return false;
	p->at++;
	return true;
}

static int hex_value(token t)
{
	if (t >= '0' && t <= '9')
		return t - '0';
	if (t >= 'a' && t <= 'f')
		return t - 'a' + 10;
	if (t >= 'A' && t <= 'F')
		return t - 'A' + 10;
	return -1;
}

static bool is_digit(token t)
{
	return t >= '0' && t <= '9';
}

static bool is_word(token t)
{
	return is_digit(t) || t == '_' || (t >= 'a' && t <= 'z') || (t >= 'A' && t <= 'Z');
}

/* After \x: exactly two digits, or any number in braces. Above ASCII it is a byte or a character, depending on how the
 * pattern is compiled: not known. */
static void parse_hex(struct parser *p, struct shape *s)
{
	bool braced = take(p, '{');
	unsigned value = 0, digits = 0;
	for (; p->at < p->end && hex_value(*p->at) >= 0 && (braced || digits < 2); digits++) {
		value = value * 16 + (unsigned)hex_value(*p->at++);
		if (value > 0x10ffff) {
			give_up(p);
			return;
		}
	}
	if (braced ? digits == 0 || !take(p, '}') : digits != 2) {
		give_up(p);
		return;
	}
	if (value < 0x80)
		shape_byte(p, s, (uint8_t)value);
	else
		shape_unknown(s);
}

/* After \p or \P */
static void parse_property(struct parser *p, struct shape *s)
{
	shape_unknown(s);
	if (take(p, '{')) {
		while (p->at < p->end && *p->at != '}')
			p->at++;
		if (!take(p, '}'))
			give_up(p);
	} else if (p->at < p->end) {
		p->at++;
	}
}

static int control_byte(token t)
{
	switch (t) {
	case 'a':
		return 7;
	case 'e':
		return 27;
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return -1;
	}
}

/* Does the escape \t stand for one unit, or several, that may be anything? */
static bool is_wildcard(const struct parser *p, token t)
{
	if (t == 'N')
		return !next_is(p, '{');
	if (t >= '1' && t <= '9') /* a reference back, unless more digits make it octal */
		return p->at == p->end || !is_digit(*p->at);
	return t < 0x80 && strchr("dDwWsShHvVRX", t);
}

/* After the backslash. */
static void parse_escape(struct parser *p, struct shape *s)
{
	if (p->at == p->end) {
		give_up(p);
		return;
	}
	token t = *p->at++;
	if (control_byte(t) >= 0)
		shape_byte(p, s, (uint8_t)control_byte(t));
	else if (t < 0x80 && (!is_word(t) || t == '_'))
		shape_byte(p, s, (uint8_t)t);
	else if (t == 'x')
		parse_hex(p, s);
	else if (t == 'p' || t == 'P')
		parse_property(p, s);
	else if (t < 0x80 && strchr("bBAzZGK", t))
		shape_empty(s);
	else if (is_wildcard(p, t))
		shape_unknown(s);
	else
		give_up(p);
}

/* After the bracket and colon in [[:alpha:]]. */
static void skip_posix(struct parser *p)
{
	take(p, '^');
	while (p->at < p->end && *p->at >= 'a' && *p->at <= 'z')
		p->at++;
	if (!take(p, ':') || !take(p, ']'))
		give_up(p);
}

/* One member of a class; true if that is just the byte *ret_byte. */
static bool parse_member(struct parser *p, uint8_t *ret_byte)
{
	token t = *p->at++;
	*ret_byte = (uint8_t)t;
	if (t == '\\') {
		if (p->at == p->end) {
			give_up(p);
			return false;
		}
		*ret_byte = (uint8_t)*p->at++;
		return *ret_byte < 0x80 && !is_word(*ret_byte);
	}
	if (t == '[' && p->at < p->end && strchr(":.=", *p->at)) {
		if (take(p, ':'))
			skip_posix(p);
		else
			give_up(p);
		return false;
	}
	bool letter = is_word(t & 0xff) && !is_digit(t & 0xff) && (t & 0xff) != '_';
	return t != '-' && *ret_byte < 0x80 && !(p->caseless && letter);
}

/* After the opening bracket. */
static void parse_class(struct parser *p, struct shape *s)
{
	bool simple = !take(p, '^');
	shape_unknown(s);
	bool first = true;
	while (p->at < p->end && (first || !next_is(p, ']'))) {
		struct string member = {.length = 1};
		simple &= parse_member(p, &member.bytes[0]);
		simple &= s->strings.count < CLASS_MEMBERS_MAX && set_add(&s->strings, &member);
		first = false;
	}
	if (!take(p, ']'))
		give_up(p);
	if (!simple) {
		shape_unknown(s);
		return;
	}
	s->exact = true;
	s->best = s->strings;
}

static void skip_name(struct parser *p, char closing)
{
	while (p->at < p->end && is_word(*p->at))
		p->at++;
	if (!take(p, closing))
		give_up(p);
}

/* Option letters up to the colon or parenthesis, which is left. The extended syntaxes (x) are not read. */
static void parse_flags(struct parser *p)
{
	bool on = true;
	if (take(p, '^'))
		p->caseless = false;
	for (; p->at < p->end && !next_is(p, ':') && !next_is(p, ')'); p->at++) {
		if (*p->at == '-')
			on = false;
		else if (*p->at == 'i')
			p->caseless = on;
		else if (*p->at >= 0x80 || !strchr("msnJU", *p->at)) {
			give_up(p);
			return;
		}
	}
}

enum group { GROUP, GROUP_LOOKAROUND, GROUP_FLAGS_ONLY };

/* After "(?": reads up to where the group's content begins. */
static enum group parse_group_kind(struct parser *p)
{
	if (take(p, ':') || take(p, '|') || take(p, '>'))
		return GROUP;
	if (take(p, '=') || take(p, '!') || take(p, '*'))
		return GROUP_LOOKAROUND;
	if (take(p, '\'')) {
		skip_name(p, '\'');
		return GROUP;
	}
	bool python = take(p, 'P');
	if (take(p, '<')) {
		if (!python && (take(p, '=') || take(p, '!') || take(p, '*')))
			return GROUP_LOOKAROUND;
		skip_name(p, '>');
		return GROUP;
	}
	if (python)
		give_up(p);
	parse_flags(p);
	return take(p, ':') ? GROUP : GROUP_FLAGS_ONLY;
}

static bool next_is_quantifier(const struct parser *p)
{
	return next_is(p, '*') || next_is(p, '+') || next_is(p, '?') || next_is(p, '{');
}

/* After the opening parenthesis. */
static void parse_group(struct parser *p, size_t depth)
{
	struct shape *s = &p->levels[depth].atom;
	bool caseless = p->caseless;
	if (next_is(p, '*') ||
	    depth + 1 == p->level_count) { /* (*VERB) may end the match at once */
		give_up(p);
		return;
	}
	enum group kind = take(p, '?') ? parse_group_kind(p) : GROUP;
	if (kind == GROUP_FLAGS_ONLY) { /* they hold to the end of the group around it */
		shape_empty(s);
		if (!take(p, ')') || next_is_quantifier(p))
			give_up(p);
		return;
	}
	if (!parse_alternatives(p, depth + 1) || !take(p, ')')) {
		give_up(p);
		return;
	}
	p->caseless = caseless;
	if (kind == GROUP_LOOKAROUND)
		shape_empty(s);
	else
		*s = p->levels[depth + 1].all;
}

/* A character that is not ASCII is one atom, whether the pattern is compiled as characters or as bytes: what a
 * quantifier after it repeats is not the same, but either way it is there once or nothing is known of it. */
static void parse_literal(struct parser *p, struct shape *s)
{
	struct string string = {.length = 1, .bytes = {(uint8_t)*p->at++}};
	uint8_t lead = string.bytes[0];
	if (lead < 0x80 || p->caseless) {
		shape_byte(p, s, lead);
		return;
	}
	unsigned length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
	while (string.length < length && p->at < p->end && (*p->at & 0xc0) == 0x80)
		string.bytes[string.length++] = (uint8_t)*p->at++;
	shape_string(s, &string);
}

/* Into the level's atom. */
static void parse_atom(struct parser *p, size_t depth)
{
	struct shape *s = &p->levels[depth].atom;
	if (take(p, '\\'))
		parse_escape(p, s);
	else if (take(p, '['))
		parse_class(p, s);
	else if (take(p, '('))
		parse_group(p, depth);
	else if (take(p, '.'))
		shape_unknown(s);
	else if (take(p, '^') || take(p, '$'))
		shape_empty(s);
	else if (next_is(p, '*') || next_is(p, '+') || next_is(p, '?'))
		give_up(p);
	else
		parse_literal(p, s);
}

/* --- quantifiers --- */

struct repeat {
	bool optional; /* may be absent */
	bool once;     /* there is exactly one */
};

static bool take_number(struct parser *p, unsigned *ret_number)
{
	unsigned digits = 0, number = 0;
	for (; p->at < p->end && is_digit(*p->at) && digits <= REPEAT_DIGITS_MAX; digits++)
		number = number * 10 + (unsigned)(*p->at++ - '0');
	*ret_number = number;
	return digits > 0 && digits <= REPEAT_DIGITS_MAX;
}

/* At an opening brace. {n} {n,} {n,m} repeat; what else PCRE2's versions differ over, or have not been thought of,
 * gives up; a brace that can't be any of it is a character. True if it was a repeat. */
static bool parse_braces(struct parser *p, struct repeat *r)
{
	const token *start = p->at;
	unsigned min, max;
	p->at++;
	bool number = take_number(p, &min);
	max = min;
	if (number && take(p, ',') && !take_number(p, &max))
		max = UINT32_MAX;
	if (number && take(p, '}')) {
		r->optional |= min == 0;
		r->once &= min == 1 && max == 1;
		return true;
	}
	for (p->at = start + 1; p->at < p->end && *p->at != '}'; p->at++) {
		if (!is_digit(*p->at) && !strchr(", \t", *p->at & 0xff)) {
			p->at = start;
			return false;
		}
	}
	if (p->at < p->end)
		give_up(p);
	else
		p->at = start;
	return false;
}

/* All quantifiers that follow an atom; one may be put on another, which multiplies. */
static struct repeat parse_repeats(struct parser *p)
{
	struct repeat r = {.optional = false, .once = true};
	for (;;) {
		if (take(p, '*') || take(p, '?')) {
			r = (struct repeat){.optional = true};
		} else if (take(p, '+')) {
			r.once = false;
		} else if (!next_is(p, '{') || !parse_braces(p, &r)) {
			return r;
		}
		if (!take(p, '?'))    /* lazy */
			take(p, '+'); /* possessive */
	}
}

/* --- sequences and alternatives --- */

/* What comes next need not stand right after what came before. */
static void end_run(struct level *l)
{
	shape_require(&l->branch, &l->branch.strings);
	l->branch.strings = set_of_empty;
	l->branch.exact = false;
}

static void append_atom(struct level *l, struct repeat repeat)
{
	if (repeat.optional) {
		end_run(l);
		return;
	}
	if (!l->atom.exact) {
		end_run(l);
		shape_require(&l->branch, &l->atom.best);
		shape_require(&l->branch, &l->atom.second);
		return;
	}
	if (!set_multiply(&l->branch.strings, &l->atom.strings, &l->scratch)) {
		end_run(l);
		l->branch.strings = l->atom.strings;
	}
	if (!repeat.once)
		end_run(l);
}

static void parse_branch(struct parser *p, size_t depth)
{
	struct level *l = &p->levels[depth];
	shape_empty(&l->branch);
	while (p->at < p->end && !next_is(p, '|') && !next_is(p, ')')) {
		if (next_is(p, '{') && parse_braces(p, &(struct repeat){0})) {
			give_up(p); /* a repeat of nothing */
			return;
		}
		if (p->given_up)
			return;
		parse_atom(p, depth);
		append_atom(l, parse_repeats(p));
	}
	shape_require(&l->branch, &l->branch.strings);
}

/* Up to the closing parenthesis or the end; false after give_up(). Into the level's `all`. */
static bool parse_alternatives(struct parser *p, size_t depth)
{
	struct level *l = &p->levels[depth];
	bool known = true;
	size_t branches = 0;
	shape_unknown(&l->all);
	l->all.exact = true;
	do {
		parse_branch(p, depth);
		branches++;
		l->all.exact &= l->branch.exact && set_add_all(&l->all.strings, &l->branch.strings);
		known &= l->branch.best.count > 0 && set_add_all(&l->all.best, &l->branch.best);
		set_reduce(&l->all.best);
	} while (take(p, '|'));
	if (!known)
		l->all.best.count = 0;
	if (branches == 1)
		l->all.second = l->branch.second;
	return !p->given_up;
}

/* Splits the pattern into tokens. The number of them, or 0 if it holds something that only PCRE2 itself can read:
 * \c takes any character, even a backslash; a \E without \Q, or right after it, stands in the middle of anything. */
static size_t tokenize(const char *pattern, size_t length, token *tokens)
{
	size_t count = 0;
	bool quoted = false;
	for (size_t i = 0; i < length; i++) {
		bool escape = pattern[i] == '\\' && i + 1 < length;
		char escaped = escape ? pattern[i + 1] : 0;
		if (quoted && escape && escaped == 'E') {
			quoted = false;
			i++;
		} else if (quoted) {
			tokens[count++] = (token)((uint8_t)pattern[i] | QUOTED);
		} else if (escape && escaped == 'Q') {
			if (i + 3 < length && memcmp(pattern + i + 2, "\\E", 2) == 0)
				return 0;
			quoted = true;
			i++;
		} else if (escape && (escaped == 'E' || escaped == 'c')) {
			return 0;
		} else {
			tokens[count++] = (uint8_t)pattern[i];
			if (escape)
				tokens[count++] = (uint8_t)pattern[++i];
		}
	}
	return count;
}

/* One allocation: the array, then the bytes. */
static int give(const struct set *set, struct literal_bytes **ret_strings, size_t *ret_count)
{
	if (set->count == 0)
		return 0;
	size_t bytes = 0;
	for (size_t i = 0; i < set->count; i++)
		bytes += set->strings[i].length;
	struct literal_bytes *strings = malloc(set->count * sizeof(*strings) + bytes);
	if (!strings)
		return -ENOMEM;
	uint8_t *next = (uint8_t *)(strings + set->count);
	for (size_t i = 0; i < set->count; i++) {
		const struct string *s = &set->strings[i];
		memcpy(next, s->bytes, s->length);
		strings[i] = (struct literal_bytes){next, s->length};
		next += s->length;
	}
	*ret_strings = strings;
	*ret_count = set->count;
	return 0;
}

static int give_all(struct required *r, struct shape *whole)
{
	int result = give(&whole->best, &r->strings, &r->count);
	if (result == 0 && set_rarity(&whole->second) >= SECOND_RARITY_MIN) {
		set_reduce(&whole->second);
		result = give(&whole->second, &r->also, &r->also_count);
	}
	if (result < 0)
		required_release(r);
	return result;
}

/* As many as the pattern can need, since each takes some KiB. */
static size_t count_levels(const char *pattern, size_t length)
{
	size_t count = 1;
	for (size_t i = 0; i < length && count < DEPTH_MAX; i++)
		count += pattern[i] == '(';
	return count;
}

int required_from_pattern(struct required *r, const char *pattern, size_t length, bool caseless)
{
	*r = (struct required){0};
	if (caseless || length == 0)
		return 0;
	int result = -ENOMEM;
	token *tokens = calloc(length, sizeof(*tokens));
	size_t level_count = count_levels(pattern, length);
	struct level *levels = calloc(level_count, sizeof(*levels));
	if (tokens && levels) {
		size_t count = tokenize(pattern, length, tokens);
		struct parser p = {.at = tokens,
				   .end = tokens + count,
				   .levels = levels,
				   .level_count = level_count};
		bool whole = parse_alternatives(&p, 0) && p.at == p.end;
		result = whole ? give_all(r, &levels[0].all) : 0;
	}
	free(tokens);
	free(levels);
	return result;
}

void required_release(struct required *r)
{
	free(r->strings);
	free(r->also);
	*r = (struct required){0};
}
