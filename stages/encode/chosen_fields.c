#include "stages/encode/chosen_fields.h"
#include "stages/known.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

void chosen_fields_declare(const struct text_list *names, struct field_uses *uses)
{
	for (size_t i = 0; i < names->count; i++)
		fields_read_named(uses, &names->items[i]);
}

int chosen_fields_open(struct chosen_fields *c, const struct text_list *names,
		       const struct fields *fields)
{
	*c = (struct chosen_fields){.list = calloc(names->count + 1, sizeof *c->list)};
	if (!c->list)
		return -ENOMEM;
	for (size_t i = 0; i < names->count; i++) {
		const struct text *name = &names->items[i];
		int column = fields_find(fields, name->bytes, name->length);
		assert(column >= 0 && "it was declared");
		c->list[c->count++] = (struct chosen_field){name, (unsigned)column, NULL};
	}
	return 0;
}

void chosen_fields_close(struct chosen_fields *c)
{
	free(c->list);
	*c = (struct chosen_fields){.list = NULL};
}

void chosen_fields_begin(struct chosen_fields *c, const struct stage *s, struct batch *b)
{
	for (size_t i = 0; i < c->count; i++)
		c->list[i].values = known_values(s, b, c->list[i].column);
}
