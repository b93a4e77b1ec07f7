/* known.h - what is known of any record, where it has no field of that name: its body, its time, where it came from.
 *
 * Threads: the stage's. Memory: none. Layer: stages. */
#pragma once

#include "stages/stage.h"

/* The times that records say, by row; who asks has declared that it reads FIELD_RECORD_TIME. */
const struct value *known_times(const struct stage *s, const struct batch *b);

/* Of that record: the time it says, else when it was read; since 1970. */
static inline int64_t known_time(const struct batch *b, const struct value *times, uint32_t record)
{
	const struct value *own = times ? &times[b->rows[record]] : NULL;
	return own && own->type == VALUE_TIMESTAMP ? own->i : b->wall_ns;
}

/* The column of a field that the stage reads, by row: as it is, but where the record has no such field, what is known. The field
 * itself stays missing, so that nobody writes it out. As of now: what changes a record later does not change it. The batch has
 * rows. */
const struct value *known_values(const struct stage *s, struct batch *b, unsigned column);

/* Before the batch is rebased: where its records stand in their file is noted, if anybody below wants to know. The batch has rows. */
void known_keep_offsets(const struct stage *s, struct batch *b);
