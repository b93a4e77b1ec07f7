#include "stages/field_parts.h"
#include "stages/field_names.h"
#include "stages/json/json_scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_part(const struct field *f, const struct field *of)
{
	return f->known < FIELD_RECORD_TIME &&
	       field_is_within(f->name, f->length, of->name, of->length);
}

static size_t count_parts(const struct fields *fields, const struct field *of)
{
	size_t count = 0;
	for (size_t c = 0; c < fields->count; c++)
		count += is_part(&fields->list[c], of);
	return count;
}

/* A path that cannot be in JSON is just never found. */
static int want(struct field_parts *p, const char *path, size_t length, uint16_t number)
{
	int r = json_plan_want_path(&p->plan, path, length, number);
	return r == -ENOMEM ? r : 0;
}

static int fill(struct field_parts *p, const struct fields *fields, const struct field *of)
{
	int r = 0;
	for (size_t c = 0; c < fields->count && r == 0; c++) {
		const struct field *f = &fields->list[c];
		if (!is_part(f, of))
			continue;
		p->list[p->count].column = (uint16_t)c;
		r = want(p, f->name + of->length + 1, f->length - of->length - 1,
			 (uint16_t)p->count);
		p->count++;
	}
	return r;
}

int field_parts_open(struct field_parts *p, const struct fields *fields, unsigned column)
{
	const struct field *of = &fields->list[column];
	size_t count = count_parts(fields, of);
	*p = (struct field_parts){.list = NULL};
	if (count == 0)
		return 0;
	int r = json_plan_init(&p->plan, JSON_DEPTH_MAX);
	if (r < 0)
		return r;
	p->list = calloc(count, sizeof *p->list);
	p->found = calloc(count, sizeof *p->found);
	r = p->list && p->found ? fill(p, fields, of) : -ENOMEM;
	if (r < 0)
		field_parts_close(p);
	return r;
}

void field_parts_close(struct field_parts *p)
{
	if (p->plan.nodes)
		json_plan_release(&p->plan);
	free(p->list);
	free(p->found);
	*p = (struct field_parts){.list = NULL};
}

void field_parts_begin(struct field_parts *p, struct batch *b)
{
	for (size_t i = 0; i < p->count; i++)
		p->list[i].values = batch_column(b, p->list[i].column);
}

void field_parts_set(struct field_parts *p, uint32_t row, const struct value *v)
{
	struct json_mistake mistake;
	if (p->count == 0)
		return;
	if (v->type != VALUE_MAP ||
	    json_scan(&p->plan, v->bytes, v->length, p->found, NULL, &mistake) < 0)
		memset(p->found, 0, p->count * sizeof *p->found); /* VALUE_MISSING */
	for (size_t i = 0; i < p->count; i++)
		p->list[i].values[row] = p->found[i];
}
