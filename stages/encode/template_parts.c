#include "stages/encode/template_parts.h"
#include "stages/field_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct parse {
	struct template_parts *parts;
	const struct text *text;
	struct problems *problems;
	size_t at;
};

/* Of the whole, with the place that it has there. */
static struct text part_of(const struct text *whole, size_t from, size_t to)
{
	struct text part = *whole;
	part.bytes = whole->bytes + from;
	part.length = to - from;
	part.at = text_place(whole, from);
	part.lead = -1;
	return part;
}

static int wrong(const struct parse *p, size_t at, const char *why)
{
	if (p->problems)
		problem_add(p->problems, text_place(p->text, at), "%s", why);
	return -EINVAL;
}

static struct template_part *add(struct parse *p, enum template_kind kind, size_t from, size_t to)
{
	struct template_parts *t = p->parts;
	struct template_part *more = reallocarray(t->list, t->count + 1, sizeof *more);
	if (!more)
		return NULL;
	t->list = more;
	struct template_part *part = &more[t->count++];
	*part = (struct template_part){.kind = kind, .text = part_of(p->text, from, to)};
	return part;
}

static int add_time(struct parse *p, struct template_part *part, size_t from, size_t to)
{
	const char *why;
	size_t at;
	part->time = malloc(sizeof *part->time);
	if (!part->time)
		return -ENOMEM;
	int r = time_format_init(part->time, p->text->bytes + from, to - from, TIME_TO_WRITE, &why,
				 &at);
	return r < 0 ? wrong(p, from + at, why) : 0;
}

static int check_name(const struct parse *p, const struct text *name)
{
	struct problems own;
	problems_init(&own);
	field_names_check(name, 1, sizeof *name, p->problems ? p->problems : &own);
	size_t count = problems_total(&own);
	problems_release(&own);
	return count > 0 ? -EINVAL : 0;
}

/* What stands between the braces. */
static int add_field(struct parse *p, size_t from, size_t to)
{
	const char *bytes = p->text->bytes;
	size_t name = from;
	while (name < to && bytes[name] != '|' && bytes[name] != ':')
		name++;
	bool is_time = name < to && bytes[name] == ':', is_filtered = name < to && !is_time;
	if (is_filtered && (to - name != 5 || memcmp(bytes + name, "|json", 5) != 0))
		return wrong(p, name, "after `|` in a template there is only `json`");
	struct template_part *part = add(p,
					 is_time       ? TEMPLATE_TIME
					 : is_filtered ? TEMPLATE_JSON
						       : TEMPLATE_TEXT,
					 from, name);
	if (!part)
		return -ENOMEM;
	int r = check_name(p, &part->text);
	return r == 0 && is_time ? add_time(p, part, name + 1, to) : r;
}

static int parse_field(struct parse *p)
{
	const struct text *t = p->text;
	const char *end = memchr(t->bytes + p->at, '}', t->length - p->at);
	if (!end)
		return wrong(p, p->at,
			     "a brace in a template begins a field, `{name}`, and this one has no "
			     "end; write {{ for a brace");
	size_t from = p->at + 1, to = (size_t)(end - t->bytes);
	p->at = to + 1;
	return add_field(p, from, to);
}

/* Up to the next field, or past the first brace of two. */
static int parse_literal(struct parse *p)
{
	const struct text *t = p->text;
	size_t from = p->at, to = from;
	while (to < t->length && t->bytes[to] != '{')
		if ((t->bytes[to] >= 0 && t->bytes[to] < ' ' && t->bytes[to] != '\t') ||
		    t->bytes[to] == 0x7f)
			return wrong(
			    p, to,
			    "a template cannot hold a control character but a tab: a record "
			    "ends where `delimiter` says");
		else
			to++;
	bool is_brace = to + 1 < t->length && t->bytes[to + 1] == '{';
	p->at = to;
	if (is_brace) {
		to++;
		p->at = to + 1;
	}
	return from == to || add(p, TEMPLATE_LITERAL, from, to) ? 0 : -ENOMEM;
}

int template_parts_parse(struct template_parts *t, const struct text *text,
			 struct problems *problems)
{
	struct parse p = {t, text, problems, 0};
	int result = 0;
	*t = (struct template_parts){.list = NULL};
	while (p.at < text->length && result == 0) {
		bool is_field = text->bytes[p.at] == '{' &&
				(p.at + 1 == text->length || text->bytes[p.at + 1] != '{');
		result = is_field ? parse_field(&p) : parse_literal(&p);
	}
	return result;
}

void template_parts_release(struct template_parts *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->list[i].time);
	free(t->list);
	*t = (struct template_parts){.list = NULL};
}
