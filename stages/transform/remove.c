/* remove.c - takes fields away: below it a record has them no more, nor what lies within them.
 *
 * What is known of any record (`time`, `source`, ...) stays: only a field of that name goes. */
#include "stages/builtin.h"
#include "stages/field_names.h"

#include <errno.h>
#include <stdlib.h>

struct remove_options {
	struct text_list fields;
};

static const struct option remove_table[] = {
    {"fields", OPTION_TEXTS, offsetof(struct remove_options, fields), .required = true, .min = 1,
     .doc = "The fields to take away, with all that is within them"},
    {0},
};

struct remove {
	uint16_t columns[COLUMNS_MAX];
	size_t count;
};

static void remove_check(const void *options, struct place at, struct problems *problems)
{
	const struct text_list *fields = &((const struct remove_options *)options)->fields;
	(void)at;
	field_names_check(fields->items, fields->count, sizeof *fields->items, problems);
}

static void remove_fields(const void *options, struct field_uses *uses)
{
	const struct text_list *fields = &((const struct remove_options *)options)->fields;
	for (size_t i = 0; i < fields->count; i++)
		fields_take(uses, fields->items[i].bytes, fields->items[i].length);
}

static int remove_open(struct stage *s)
{
	const struct text_list *names = &((const struct remove_options *)s->options)->fields;
	struct remove *remove = s->state = calloc(1, sizeof *remove);
	for (unsigned c = 0; remove && c < s->fields->count; c++)
		if (field_is_among(&s->fields->list[c], names))
			remove->columns[remove->count++] = (uint16_t)c;
	return remove ? 0 : -ENOMEM;
}

static void remove_close(struct stage *s)
{
	free(s->state);
	s->state = NULL;
}

static int remove_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	const struct remove *remove = s->state;
	for (size_t i = 0; i < remove->count; i++)
		batch_drop_column(b, remove->columns[i]);
	emit(out, &b);
	return 0;
}

const struct stage_type remove_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "remove",
	       .summary = "takes fields away",
	       .options = remove_table,
	       .options_size = sizeof(struct remove_options),
	       .check = remove_check,
	       .workers_max = 64},
    .open = remove_open,
    .close = remove_close,
    .transform_apply = remove_apply,
    .fields = remove_fields,
    .light = true,
    .stateless = true,
};
