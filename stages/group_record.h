/* group_record.h - a group of a window as a record: an object in JSON, and the fields in it for whoever reads them below.
 *
 *   names   window_start  window_end | by ... | fields ...        what they are called; record_layout.h: in which order they stand
 *
 * Threads: the stage's. Memory: group_record_release(); what it makes lies in the batch. Layer: stages. */
#pragma once

#include "stages/aggregate_plan.h"
#include "stages/encode/writer.h"
#include "stages/record_layout.h"
#include "stages/stage.h"
#include "stages/window_groups.h"

struct group_record {
	const struct aggregate_plan *plan;
	uint64_t window_ns;
	struct text *names;
	size_t name_count, by_count;
	struct record_layout layout;
	int *written;    /* by name: the column; -1: nobody reads it */
	int *held;       /* by object of the layout, likewise */
	unsigned time;   /* the column of the record's time */
	unsigned object; /* of the whole */
	uint8_t **
	    pieces; /* where the text before each value begins, and the rest; of the record at hand */
};

/* All names, to be freed; NULL: no memory. */
struct text *group_record_names(const struct text_list *by, const struct text_map *fields,
				size_t *ret_count);

/* That it writes such records. */
void group_record_declare(struct field_uses *uses);

/* What the text of one may take. */
size_t group_record_bytes_max(const struct text_list *by, const struct text_map *fields);

/* plan outlives it. 0 or -ENOMEM; group_record_release() in any case, also of what is all zero. */
int group_record_init(struct group_record *r, const struct stage *s, const struct text_list *by,
		      const struct text_map *fields, const struct aggregate_plan *plan,
		      uint64_t window_ns);
void group_record_release(struct group_record *r);

/* Into that row, and record, of a batch over the buffer that w writes into. False: there was no room. */
bool group_record_put(const struct group_record *r, struct batch *b, uint32_t row,
		      const struct window_group *g, struct writer *w);
