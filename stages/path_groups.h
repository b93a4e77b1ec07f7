/* path_groups.h - the records of a batch by the file that each belongs to, where a path has fields in it, or the time that records say.
 *
 *   path /srv/{host}.log
 *   records     web db web web db        as they came
 *   sorted      web web web | db db      each group keeps its order, and goes into its file as a whole
 *
 * More than PATH_GROUPS_MAX groups are sorted so many at a time. The groups of files that are open go first.
 *
 * Threads: the sink's. Memory: the structure. Layer: stages. */
#pragma once

#include "stages/path_template.h"
#include "stages/stage.h"

#include <limits.h>

enum { PATH_GROUPS_MAX = 64, PATH_GROUPS_SCRATCH = 64 * 1024 };

struct path_group {
	uint64_t hash; /* of the path */
	uint32_t count;
	uint32_t end; /* sorted: the record behind its last */
	bool is_open;
	char path[PATH_MAX];
};

struct path_groups {
	const struct path_template *template;
	const struct stage *stage;
	unsigned columns[PATH_FIELDS_MAX]; /* of the template's fields */
	/* Of the batch at hand. */
	const struct value *values[PATH_FIELDS_MAX], *times_said;
	uint32_t sorted_to; /* records from here on are still to be sorted */
	struct path_group groups[PATH_GROUPS_MAX];
	uint32_t count; /* of groups, one behind the other, up to sorted_to */
	/* within */
	uint16_t group_of[BATCH_RECORDS_MAX], rows[BATCH_RECORDS_MAX];
	struct record records[BATCH_RECORDS_MAX];
	struct path_name names[PATH_FIELDS_MAX];
	char made[PATH_MAX];
	uint8_t scratch[PATH_GROUPS_SCRATCH];
};

/* For the sink's `fields`. */
void path_groups_declare(const struct path_template *t, struct field_uses *uses);

/* Whether files depend on records at all: a field, or a time that records may say. */
bool path_groups_are_needed(const struct path_template *t, const struct stage *s);

/* That a group's file is open. */
typedef bool path_is_open(const void *owner, const struct path_group *group);

/* Both outlive it. */
void path_groups_init(struct path_groups *g, const struct path_template *t, const struct stage *s);

/* Before the first record of a batch is put. */
void path_groups_begin(struct path_groups *g, struct batch *b);

/* The group of record `first` of it, behind those that were put; NULL: its path is too long. wall_ns: the time of records that say
 * none. */
const struct path_group *path_groups_next(struct path_groups *g, struct batch *b, uint32_t first,
					  int64_t wall_ns, path_is_open *is_open,
					  const void *owner);
