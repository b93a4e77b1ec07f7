/* json_record.h - a record as one JSON object on one line.
 *
 *   what parse_json found      {"status": 500, "user": {"id": 7}, "debug": "..."}
 *   written since              status (by `set`) 503, user.name "ann", debug removed
 *   the record                 {"status":503, "user": {"id": 7,"name":"ann"}}
 *
 * What nobody wrote is copied as it stands. A record in which no parser found anything, and nobody set a field, is {"body": ...};
 * so is one that a stage could do nothing with, beside what was set, its `error`, and what is said of dead letters.
 *
 * Threads: the encoder's. Memory: json_record_close(). Layer: stages. */
#pragma once

#include "stages/encode/json_flat.h"
#include "stages/encode/json_tree.h"
#include "stages/encode/writer.h"
#include "stages/stage.h"

struct json_record {
	struct json_tree tree;
	const struct fields *fields;
	int error, reason; /* the columns of `error` and dead_letter.reason; -1: nobody writes it */
	bool is_changed;   /* there are stages above that change fields */
	const struct value *columns[COLUMNS_MAX]; /* of the batch at hand */
	struct json_flat flat;
	bool is_listed;  /* only some fields, which were named */
	const char *why; /* the record at hand cannot be written */
};

/* 0 or -errno; json_record_close() in any case. */
int json_record_open(struct json_record *j, const struct stage *s);
/* Only these fields, in that order; a record that has none of them is {}. Likewise. */
int json_record_open_listed(struct json_record *j, const struct fields *fields,
			    const unsigned *columns, size_t count);
void json_record_close(struct json_record *j);

/* The batch has rows. */
void json_record_begin(struct json_record *j, const struct batch *b);

/* After begin: where the values of a column are to be taken from. */
static inline void json_record_take(struct json_record *j, unsigned column,
				    const struct value *values)
{
	j->columns[column] = values;
}

/* The record's own bytes are what would be written. */
bool json_record_stands(const struct json_record *j, const struct batch *b, uint32_t record);

/* Writes it. NULL; or why that could not be (static): then only what was written of it is, with this as its error, as what it had
 * before may be just what was to go. */
const char *json_record_put(struct json_record *j, const struct batch *b, uint32_t record,
			    struct writer *w);
