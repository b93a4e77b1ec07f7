/* keep.c - takes all fields away but some.
 *
 * Of the objects that parsers found (stages/fields.h) nothing is left but that there was one, so that an encoder writes the
 * fields that are kept, each as something that was written, and {} where there is none. What is known of any record stays, its own time among it: that is no field. */
#include "stages/builtin.h"
#include "stages/field_names.h"

#include <errno.h>
#include <stdlib.h>

struct keep_options {
	struct text_list fields;
};

static const struct option keep_table[] = {
    {"fields", OPTION_TEXTS, offsetof(struct keep_options, fields), .required = true, .min = 1,
     .doc = "The fields that stay, with all that is within them; all others go"},
    {0},
};

struct keep {
	uint16_t others[COLUMNS_MAX], objects[COLUMNS_MAX];
	size_t count, object_count;
};

static void keep_check(const void *options, struct place at, struct problems *problems)
{
	const struct text_list *fields = &((const struct keep_options *)options)->fields;
	(void)at;
	field_names_check(fields->items, fields->count, sizeof *fields->items, problems);
}

static void keep_fields(const void *options, struct field_uses *uses)
{
	const struct text_list *fields = &((const struct keep_options *)options)->fields;
	for (size_t i = 0; i < fields->count; i++) {
		int column = fields_read(uses, fields->items[i].bytes, fields->items[i].length);
		fields_write(uses, fields->items[i].bytes, fields->items[i].length);
		if (column >= 0)
			column_set_add(&uses->keeps, (unsigned)column);
	}
	uses->takes_all = true;
}

static int keep_open(struct stage *s)
{
	const struct text_list *names = &((const struct keep_options *)s->options)->fields;
	struct keep *keep = s->state = calloc(1, sizeof *keep);
	for (unsigned c = 0; keep && c < s->fields->count; c++) {
		const struct field *f = &s->fields->list[c];
		if (f->known == FIELD_OBJECT)
			keep->objects[keep->object_count++] = (uint16_t)c;
		else if (f->known != FIELD_RECORD_TIME && !field_is_among(f, names))
			keep->others[keep->count++] = (uint16_t)c;
	}
	return keep ? 0 : -ENOMEM;
}

static void keep_close(struct stage *s)
{
	free(s->state);
	s->state = NULL;
}

static void empty_objects(struct batch *b, unsigned column)
{
	static const struct value nothing = {
	    .bytes = (const uint8_t *)"{}", .length = 2, .type = VALUE_MAP};
	if (b->count == 0 || !batch_has_column(b, column))
		return;
	struct value *objects = batch_column(b, column);
	for (uint32_t i = 0; i < b->count; i++)
		if (objects[b->rows[i]].type != VALUE_MISSING)
			objects[b->rows[i]] = nothing;
}

static int keep_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	const struct keep *keep = s->state;
	for (size_t i = 0; i < keep->count; i++)
		batch_drop_column(b, keep->others[i]);
	for (size_t i = 0; i < keep->object_count; i++)
		empty_objects(b, keep->objects[i]);
	emit(out, &b);
	return 0;
}

const struct stage_type keep_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "keep",
	       .summary = "takes all fields away but some",
	       .options = keep_table,
	       .options_size = sizeof(struct keep_options),
	       .check = keep_check,
	       .workers_max = 64},
    .open = keep_open,
    .close = keep_close,
    .transform_apply = keep_apply,
    .fields = keep_fields,
    .light = true,
    .stateless = true,
};
