/* fields.h - the fields that a topology's stages speak of: each has a column in every batch, and each stage knows which of them
 * somebody below it reads.
 *
 *   parse_json ──► filter where: status >= 500 ──► set: {level: ...} ──► file, encoding: json
 *   reads          status                          writes level           all there are
 *
 *   columns        0 the object that parse_json found    1 status    2 level
 *   needed below parse_json: 0, 1, 2                    so that it looks for nothing else
 *
 * Names are paths, `user.id` is `id` within `user`. A few names stand for what is known of any record (`body`, `time`, ...); where
 * it has a field of that name, that is meant.
 *
 * Threads: one while the plan is made; any after, to read. Memory: malloc, fields_release(). Layer: stages. */
#pragma once

#include "conf/option.h"
#include "stages/batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct column_set {
	uint64_t bits[COLUMNS_MAX / 64];
};

static inline bool column_set_has(const struct column_set *s, unsigned column)
{
	return s->bits[column / 64] >> column % 64 & 1;
}

static inline void column_set_add(struct column_set *s, unsigned column)
{
	s->bits[column / 64] |= UINT64_C(1) << column % 64;
}

/* What a name stands for where the record has no field of that name. */
enum field_known {
	FIELD_ITSELF,
	FIELD_BODY,
	FIELD_TIME,   /* what the record says, or when it was read */
	FIELD_SOURCE, /* the source's id */
	FIELD_FILE,   /* its path */
	FIELD_OFFSET, /* in the file */
	FIELD_ERROR,  /* why a stage could do nothing with the record */
	/* Of a dead letter: why it is one, which stage says so, after how many attempts. */
	FIELD_DEAD_REASON,
	FIELD_DEAD_STAGE,
	FIELD_DEAD_ATTEMPTS,
	/* Those have no name that can be typed. */
	FIELD_RECORD_TIME, /* the time that the record says */
	FIELD_OBJECT,      /* what a parse_json has found, as it stands */
	FIELD_PLACES, /* where in it fields stand (stages/json/json_place.h); the column behind the object's */
	FIELD_UNENCODED, /* the record's bytes, as they were before it was encoded for its sink */
	/* What a name stands for in each record, its own field or what is known of it (stages/known.h). */
	FIELD_SEEN_BODY,
	FIELD_SEEN_TIME,
	FIELD_SEEN_SOURCE,
	FIELD_SEEN_FILE,
	FIELD_SEEN_OFFSET,
};

/* Where it is put what one of these stands for; FIELD_ITSELF: it stands for no more than itself. */
static inline enum field_known fields_seen(enum field_known known)
{
	return known == FIELD_BODY     ? FIELD_SEEN_BODY
	       : known == FIELD_TIME   ? FIELD_SEEN_TIME
	       : known == FIELD_SOURCE ? FIELD_SEEN_SOURCE
	       : known == FIELD_FILE   ? FIELD_SEEN_FILE
	       : known == FIELD_OFFSET ? FIELD_SEEN_OFFSET
				       : FIELD_ITSELF;
}

#define DEAD_LETTER_REASON "dead_letter.reason"
#define DEAD_LETTER_STAGE "dead_letter.stage"
#define DEAD_LETTER_ATTEMPTS "dead_letter.attempts"

struct field {
	char *name; /* of FIELD_OBJECT: the prefix that names within it get */
	size_t length;
	enum field_known known;
	bool is_written; /* by somebody who does not just take it from an object */
	bool is_changed; /* likewise, and not only by who notes an error */
	bool is_found;   /* by a parser, or another who finds it in the record */
};

struct fields {
	struct field *list; /* by column */
	size_t count;
};

void fields_release(struct fields *f);

/* The column; -1: nobody speaks of it. */
int fields_find(const struct fields *f, const char *name, size_t length);
/* Of the record's time, or its error; -1 likewise. */
int fields_find_known(const struct fields *f, enum field_known known);

/* A name that stands in the topology, of a field that the stage is to make something of. */
struct field_mention {
	unsigned column;
	struct place at;
};

struct field_mentions {
	struct field_mention *list;
	size_t count, room;
};

void field_mentions_release(struct field_mentions *m);

/* What one stage has to do with fields; it is asked for once for each stage, while the plan is made. */
struct field_uses {
	struct fields *fields;
	struct column_set reads, writes;
	bool reads_all; /* it writes out whatever a record has */
	int object;     /* the column of what it parses; -1: it does not */
	/* What records may have below it, of what they had above: all, or if it takes_all what it keeps, but what it takes; and what it
	 * gives. A name stands for what lies within it, too. */
	struct column_set gives, takes, keeps;
	bool takes_all;
	struct field_mentions *mentions; /* where they go; NULL: nobody wants to know */
	int error;                       /* -ENOMEM; -E2BIG: more than COLUMNS_MAX */
};

/* Each returns the column, or -1 and uses->error is set. */
int fields_read(struct field_uses *u, const char *name, size_t length);
/* The same of a name that stands in the topology, of which somebody above should have given the field. */
int fields_read_named(struct field_uses *u, const struct text *name);
/* That it stands there, of a column that was read. */
void fields_mention(struct field_uses *u, int column, struct place at);
/* What no name can say: the time that records say. */
int fields_read_known(struct field_uses *u, enum field_known known);
/* The time that records say, if any stage above it lets them. */
void fields_read_time_said(struct field_uses *u);
int fields_write(struct field_uses *u, const char *name, size_t length);
int fields_write_known(struct field_uses *u, enum field_known known);
/* It is written, and there from then on. */
int fields_give(struct field_uses *u, const char *name, size_t length);
/* The same of what is found in the record itself: one that has such a field was understood. */
int fields_find_in(struct field_uses *u, const char *name, size_t length);
/* It is written, and there no more. */
int fields_take(struct field_uses *u, const char *name, size_t length);
/* `error`, of records that a stage can do nothing with. */
int fields_write_error(struct field_uses *u);
/* What a dead letter says of itself. */
void fields_write_dead_letter(struct field_uses *u);
/* A parse_json's, whose names get that prefix; with the column of places behind it. */
int fields_write_object(struct field_uses *u, const char *prefix, size_t length);

/* What goes on around one stage, once all have been asked. */
struct field_traffic {
	const struct fields *fields;
	const struct column_set *above; /* written by whoever hands on to it */
	const struct column_set *below; /* read by whoever gets what it hands on */
	bool all_below;                 /* somebody there writes out whatever a record has */
};

/* A column that a parser of objects above may have filled, or that somebody above has written. */
bool fields_may_be_filled(const struct field_traffic *t, unsigned column);

/* It is read below, or written out there. */
bool fields_are_read_below(const struct field_traffic *t, unsigned column);
