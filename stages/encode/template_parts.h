/* template_parts.h - a template, taken apart: "{time:%F} {host} said {msg|json}".
 *
 *   {user.id}      a field's text                    {{      a brace; one that closes no field stands for itself
 *   {msg|json}     its value as JSON
 *   {time:%F %T}   a moment, in UTC, as stages/time/time_format.h has it
 *
 * Threads: any once parsed. Memory: malloc, template_parts_release(); points to the text it was parsed from. Layer: stages. */
#pragma once

#include "conf/option.h"
#include "stages/fields.h"
#include "stages/time/time_format.h"

enum template_kind { TEMPLATE_LITERAL, TEMPLATE_TEXT, TEMPLATE_JSON, TEMPLATE_TIME };

struct template_part {
	enum template_kind kind;
	struct text text;         /* LITERAL: itself; else the field's name */
	struct time_format *time; /* TIME */
	/* For whoever writes them. */
	unsigned column;
	bool is_time;               /* the field is `time` */
	const struct value *values; /* of the batch at hand, by row */
};

struct template_parts {
	struct template_part *list;
	size_t count;
};

/* Adds what is wrong with it to problems, unless that is NULL. 0, -ENOMEM, or -EINVAL: something is; template_parts_release() in
 * any case. */
int template_parts_parse(struct template_parts *t, const struct text *text,
			 struct problems *problems);
void template_parts_release(struct template_parts *t);
