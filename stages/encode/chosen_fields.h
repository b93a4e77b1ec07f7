/* chosen_fields.h - the fields that `encoding.fields` names, in its order, and their values in the batch at hand: what
 * expressions see of them, so that `body`, `time` and `source` are what is known of a record that has no such field.
 *
 * Threads: the encoder's. Memory: chosen_fields_close(). Layer: stages. */
#pragma once

#include "stages/stage.h"

struct chosen_field {
	const struct text *name;
	unsigned column;
	const struct value *values; /* by row */
};

struct chosen_fields {
	struct chosen_field *list;
	size_t count;
};

void chosen_fields_declare(const struct text_list *names, struct field_uses *uses);

/* 0 or -ENOMEM; chosen_fields_close() in any case. */
int chosen_fields_open(struct chosen_fields *c, const struct text_list *names,
		       const struct fields *fields);
void chosen_fields_close(struct chosen_fields *c);

/* The batch has rows. */
void chosen_fields_begin(struct chosen_fields *c, const struct stage *s, struct batch *b);
