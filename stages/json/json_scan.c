/* The walker. It takes strings' quotes from the index, and looks at every byte between one string and the next itself:
 *
 *	{"status":500,"user":{"id":7}}
 *	 ^      ^^^  ^^    ^^^^  ^^^ ^         quotes from the index; the rest is looked at here
 *
 *	     +--- , ---------------------------------+
 *	     v                                       |
 *	member:  name  ':'  value -> ended: ------> ',' or the closing brace or bracket -> ended: of what is around it
 *	                    | { or [
 *	                    v
 *	                  opened: -> member, or closed at once
 *
 * Where the next quote is does not depend on what the bytes are found to be, so that the processor finds it while it
 * still checks what stands before. A record ends with a closing brace, which no number, name or whitespace can contain:
 * what is looked for outside of strings is found there at the latest, without asking for the end at each byte. */
#include "stages/json/json_scan.h"

#include "stages/json/json_escape.h"
#include "stages/json/json_index.h"
#include "stages/json/json_number.h"
#include "stages/json/json_space.h"
#include "stages/json/json_utf8.h"

#include <errno.h>

#define HOT static inline __attribute__((always_inline))
#define COLD static __attribute__((noinline, cold))

/* An object or array that is not closed yet, and the name of what it is the value of. */
struct frame {
	const uint8_t *start;
	const uint8_t *name, *name_end; /* between its quotes */
	uint32_t node;
	uint8_t closing; /* the byte that will close it */
};

struct walk {
	const struct json_plan *plan;
	const uint8_t *bytes, *end; /* end: one past the closing brace */
	struct value *values;
	struct json_members *members;
	bool all_members;
	struct json_mistake mistake;
	uint32_t depth;
	struct json_index index;
	struct frame frames[JSON_DEPTH_MAX + 1];
};

/* Which quote is next. By itself, and never by address, so that it stays in registers. */
struct cursor {
	uint64_t mask; /* the quotes of a block that have not been taken */
	const uint8_t *block;
	const uint64_t *word, *last; /* of the blocks: this one's, and the window's last */
};

COLD bool mistaken(struct walk *w, const uint8_t *at, const char *why)
{
	if (!w->mistake.why) /* else the index has found something, and there is no more to go by */
		w->mistake = (struct json_mistake){why, (uint32_t)(at - w->bytes)};
	return false;
}

/* The next window; past the record's end when the index has found a mistake. */
static __attribute__((noinline)) struct cursor next_window(struct walk *w)
{
	struct json_index *x = &w->index;
	if (!json_index_window(x, &w->mistake)) {
		static const uint64_t quotes = 3; /* both of a string */
		return (struct cursor){quotes, w->end, &quotes, &quotes};
	}
	const uint64_t *words = x->masks.quotes;
	return (struct cursor){words[0], w->bytes + x->window, words, words + x->words - 1};
}

HOT const uint8_t *next_quote(struct walk *w, struct cursor *c)
{
	while (__builtin_expect(c->mask == 0, 0)) {
		if (c->word == c->last) {
			*c = next_window(w);
		} else {
			c->mask = *++c->word;
			c->block += JSON_BLOCK_BYTES;
		}
	}
	const uint8_t *quote = c->block + __builtin_ctzll(c->mask);
	c->mask &= c->mask - 1;
	return quote;
}

/* From a quote, which is the next one, to the one that ends its string; w->end or beyond when there is none. */
HOT const uint8_t *string_end(struct walk *w, struct cursor *c)
{
	next_quote(w, c);
	return next_quote(w, c);
}

HOT const uint8_t *skip_space(const uint8_t *p)
{
	if (__builtin_expect(*p > ' ', 1))
		return p;
	while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
		p++;
	return p;
}

/* --- names and where values go --- */

HOT bool has_escapes(const struct walk *w, const uint8_t *from, const uint8_t *to)
{
	return __builtin_expect(w->index.backslashes, 0) &&
	       json_index_backslash(&w->index, (size_t)(from - w->bytes), (size_t)(to - w->bytes));
}

/* A name with escapes: what it is without them, or at least that it is longer than any that is wanted. */
static __attribute__((noinline)) uint32_t find_escaped(const struct json_node *n,
						       const uint8_t *name, const uint8_t *end)
{
	uint8_t plain[JSON_NAME_MAX + UTF8_CHARACTER_MAX];
	size_t length = 0;
	while (name < end) {
		if (length > JSON_NAME_MAX)
			return 0;
		if (*name != '\\') {
			plain[length++] = *name++;
			continue;
		}
		struct json_escape e = json_escape(name, (size_t)(end - name));
		length += utf8_put(plain + length, e.point);
		name += e.length;
	}
	return json_plan_find(n, plain, length, length);
}

/* The node that a name leads to. All below it that an earlier one of the same name has brought is gone. */
HOT uint32_t find(const struct walk *w, uint32_t node, const uint8_t *name, const uint8_t *end)
{
	if (node == 0)
		return 0;
	const struct json_node *n = &w->plan->nodes[node];
	if (has_escapes(w, name, end))
		node = find_escaped(n, name, end);
	else
		node = json_plan_find(n, name, (size_t)(end - name), (size_t)(w->end - name));
	if (node == 0)
		return 0;
	n = &w->plan->nodes[node];
	for (unsigned i = 0; i < n->below_count; i++)
		w->values[n->below[i]] = (struct value){0};
	return node;
}

/* A string, by what is between its quotes. */
HOT struct value text(const struct walk *w, const uint8_t *from, const uint8_t *to)
{
	return (struct value){.bytes = from,
			      .length = (uint32_t)(to - from),
			      .type = VALUE_STRING,
			      .form = has_escapes(w, from, to) ? VALUE_ESCAPED : VALUE_PLAIN};
}

/* A name as a value. Its window may be gone by the time its value ends: it is looked at itself. */
static struct value name_of(const struct walk *w, const struct frame *of)
{
	const size_t length = (size_t)(of->name_end - of->name);
	const bool escaped = w->index.backslashes && memchr(of->name, '\\', length);
	return (struct value){.bytes = of->name,
			      .length = (uint32_t)length,
			      .type = VALUE_STRING,
			      .form = escaped ? VALUE_ESCAPED : VALUE_PLAIN};
}

static __attribute__((noinline)) void add_member(struct walk *w, const struct frame *of,
						 struct value v, const uint8_t *past)
{
	struct json_members *m = w->members;
	const uint16_t column = w->plan->nodes[of->node].column;
	const uint8_t *from = of->name - 1;
	m->is_full = m->count == m->room;
	if (m->is_full)
		return;
	m->at[m->count++] = (struct json_member){.name = name_of(w, of),
						 .value = v,
						 .from = (uint32_t)(from - w->bytes),
						 .to = (uint32_t)(past - w->bytes),
						 .column = column};
}

/* --- values --- */

/* What stands at p, as far as it is one thing; `past` is NULL when it is nothing. */
struct piece {
	const uint8_t *past;
	struct value value;
};

HOT struct piece literal(const struct walk *w, const uint8_t *p, const char *word, size_t length,
			 struct value v)
{
	const bool there = (size_t)(w->end - p) > length && memcmp(p, word, length) == 0;
	return (struct piece){there ? p + length : NULL, v};
}

/* Everything but strings, objects and arrays. */
HOT struct piece scalar(const struct walk *w, const uint8_t *p)
{
	switch (*p) {
	case 't':
		return literal(w, p, "true", 4, (struct value){.b = true, .type = VALUE_BOOL});
	case 'f':
		return literal(w, p, "false", 5, (struct value){.type = VALUE_BOOL});
	case 'n':
		return literal(w, p, "null", 4, (struct value){.type = VALUE_NULL});
	default:;
		enum value_type type = VALUE_INT;
		const uint8_t *past = json_number_end(p, w->end, &type);
		return (struct piece){past,
				      {.bytes = p,
				       .length = (uint32_t)(past - p),
				       .type = (uint8_t)type,
				       .form = VALUE_DIGITS}};
	}
}

COLD bool no_value(struct walk *w, const uint8_t *at)
{
	const bool number = *at == '-' || (*at >= '0' && *at <= '9');
	return mistaken(w, at, number ? "number" : "no value");
}

/* Does anyone look at what of->node's value is? */
HOT bool wanted(const struct walk *w, const struct frame *of)
{
	return of->node || __builtin_expect(w->all_members, 0);
}

/* The value that ends before `past` is of->node's. */
HOT bool store(struct walk *w, const struct frame *of, struct value v, const uint8_t *past)
{
	if (!wanted(w, of))
		return true;
	const uint16_t column = w->plan->nodes[of->node].column;
	if (column != JSON_NO_COLUMN)
		w->values[column] = v;
	if (__builtin_expect(w->members != NULL, 0) && w->depth == 1)
		add_member(w, of, v, past);
	return true;
}

/* --- the record --- */

/* One name and its colon: of->name and of->node say which. NULL: there is none. */
HOT const uint8_t *take_name(struct walk *w, struct cursor *c, const uint8_t *p, struct frame *of)
{
	if (*p != '"')
		return mistaken(w, p, "no name"), NULL;
	const uint8_t *end = string_end(w, c);
	if (end >= w->end)
		return mistaken(w, p, "string without an end"), NULL;
	of->name = p + 1;
	of->name_end = end;
	of->node = find(w, w->frames[w->depth].node, p + 1, end);
	p = skip_space(end + 1);
	if (*p != ':')
		return mistaken(w, p, "no colon"), NULL;
	return skip_space(p + 1);
}

/* A value that is neither object nor array. NULL: it is none. */
HOT const uint8_t *take_value(struct walk *w, struct cursor *c, const uint8_t *p,
			      const struct frame *of)
{
	struct piece found;
	if (*p == '"') {
		const uint8_t *end = string_end(w, c);
		if (end >= w->end)
			return mistaken(w, p, "string without an end"), NULL;
		found.past = end + 1;
		if (wanted(w, of))
			found.value = text(w, p + 1, end);
	} else {
		found = scalar(w, p);
		if (!found.past)
			return no_value(w, p), NULL;
	}
	return store(w, of, found.value, found.past) ? found.past : NULL;
}

HOT bool open_frame(struct walk *w, const uint8_t *p, const struct frame *of)
{
	if (w->depth == w->plan->depth_max)
		return mistaken(w, p, "depth");
	struct frame *f = &w->frames[++w->depth];
	*f = *of;
	f->start = p;
	f->closing = (uint8_t)(*p + 2); /* '{' and '}', '[' and ']' */
	return true;
}

/* The innermost object or array ends at p: then it is a value of the one around it. NULL: a mistake. */
HOT const uint8_t *close_frame(struct walk *w, const uint8_t *p)
{
	const struct frame *f = &w->frames[w->depth--];
	struct value v = {.bytes = f->start,
			  .length = (uint32_t)(p + 1 - f->start),
			  .type = *p == '}' ? VALUE_MAP : VALUE_LIST};
	if (p + 1 == w->end)
		return mistaken(w, p + 1, "brace or bracket without an end"), NULL;
	return store(w, f, v, p + 1) ? p + 1 : NULL;
}

/* From the record's opening brace at p. */
static bool walk(struct walk *w, const uint8_t *p)
{
	struct cursor c = next_window(w);
	struct frame of = {.node = JSON_ROOT};

opened:
	if (!open_frame(w, p, &of))
		return false;
	p = skip_space(p + 1);
	if (*p == w->frames[w->depth].closing)
		goto closed;
member:
	of.node = 0;
	if (w->frames[w->depth].closing == '}' && !(p = take_name(w, &c, p, &of)))
		return false;
	if (*p == '{' || *p == '[')
		goto opened;
	p = take_value(w, &c, p, &of);
	if (!p)
		return false;
ended:
	p = skip_space(p);
	if (*p == ',') {
		p = skip_space(p + 1);
		goto member;
	}
	if (*p != w->frames[w->depth].closing)
		return mistaken(w, p, "neither comma nor end");
closed:
	if (w->depth > 1) {
		p = close_frame(w, p);
		if (!p)
			return false;
		goto ended;
	}
	return p + 1 == w->end || mistaken(w, skip_space(p + 1), "more than one value");
}

/* Takes the whitespace off both ends: [from, to) is what is left, and begins and ends with a brace. */
static bool trim(struct walk *w, uint32_t length, uint32_t *ret_from, uint32_t *ret_to)
{
	const uint8_t *from = w->bytes, *to = w->bytes + length;
	json_trim(&from, &to);
	if (from == to)
		return mistaken(w, from, "empty");
	if (*from != '{')
		return mistaken(w, from, "not an object");
	if (to - from < 2 || to[-1] != '}')
		return mistaken(w, to, "does not end with a brace");
	*ret_from = (uint32_t)(from - w->bytes);
	*ret_to = (uint32_t)(to - w->bytes);
	return true;
}

static void clear(const struct json_plan *plan, struct value *values)
{
	for (unsigned i = 0; i < plan->columns; i++)
		values[i] = (struct value){0};
}

static bool scan(struct walk *w, uint32_t length)
{
	uint32_t from = 0, to = 0;
	if (!trim(w, length, &from, &to))
		return false;
	w->end = w->bytes + to;
	json_index_begin(&w->index, w->bytes, from, to);
	if (w->members) {
		w->members->count = 0;
		w->members->is_full = false;
		w->members->open = from;
		w->members->close = to - 1;
	}
	return walk(w, w->bytes + from);
}

int json_scan(const struct json_plan *plan, const uint8_t *bytes, uint32_t length,
	      struct value *values, struct json_members *members, struct json_mistake *ret_mistake)
{
	struct walk
	    w; /* not set to 0: its frames and the index are large, and written before they are read */
	w.plan = plan;
	w.bytes = bytes;
	w.values = values;
	w.members = members;
	w.all_members = members && members->all;
	w.mistake.why = NULL;
	w.depth = 0;
	clear(plan, values);
	if (scan(&w, length))
		return 0;
	clear(plan, values);
	*ret_mistake = w.mistake;
	return -EBADMSG;
}
