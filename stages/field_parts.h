/* field_parts.h - what lies within a field that a stage writes: where `user` becomes {"id": 7}, `user.id` is 7 from there on, and
 * `user.name`, if there was one, is gone.
 *
 * Threads: the stage's. Memory: malloc, at open. Layer: stages. */
#pragma once

#include "stages/json/json_plan.h"
#include "stages/stage.h"

struct field_part {
	uint16_t column;
	struct value *values; /* of the batch at hand */
};

struct field_parts {
	struct json_plan plan;
	struct field_part *list; /* by the plan's number */
	struct value *found;     /* likewise */
	size_t count;            /* 0: nobody speaks of anything within it */
};

/* Of that column. 0 or -ENOMEM; field_parts_close() in any case. */
int field_parts_open(struct field_parts *p, const struct fields *fields, unsigned column);
void field_parts_close(struct field_parts *p);

/* The batch has rows. */
void field_parts_begin(struct field_parts *p, struct batch *b);

/* The field is v now. */
void field_parts_set(struct field_parts *p, uint32_t row, const struct value *v);
