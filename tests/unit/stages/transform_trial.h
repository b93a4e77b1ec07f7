/* transform_trial.h - one transform alone: lines go in, and what comes out is looked at.
 *
 * Threads: one. Memory: transform_end(). Layer: tests. */
#pragma once

#include "tests/unit/stages/caught.h"
#include "tests/unit/stages/still_world.h"

enum { TRIAL_CAPACITY = 1 << 16 };

struct transform_trial {
	struct stage stage;
	struct fields fields;
	struct column_set needed;
	struct stage_counters counters;
	void *options, *arena;
	struct home input, made;
	size_t input_capacity;
	struct caught caught;
	struct still_world world;
	struct file_origin *origin; /* of what is fed from now on; NULL: it comes from no file */
	bool has_place;             /* it is known where in it the next batch stands: */
	uint64_t place;             /* moved on by what is fed */
	const struct delta *saved;  /* before transform_begin(): what it remembers */
	struct batch *batch;        /* the last one that came out, if any did; its owner */
};

/* wanted: the fields that somebody reads, with blanks between; `*` among them: somebody writes out all there are. */
void transform_begin(struct transform_trial *t, const struct stage_type *type, const char *yaml,
		     const char *wanted);
void transform_end(struct transform_trial *t);

/* Of whatever size a batch is to be. Before transform_begin(). */
void transform_widen(struct transform_trial *t, size_t capacity);

/* A batch of these lines, each with its newline, or the last without; what the transform returned. */
int transform_feed(struct transform_trial *t, const char *lines, size_t length);
int transform_feed_text(struct transform_trial *t, const char *lines);

size_t transform_count(const struct transform_trial *t);
/* Of a record that came out, until the next call but three: `-` if it has none; text as it is, `~` before it if it has escapes
 * still. `body` is the record; `object` is what encoders below get, `own time` the
 * moment that the record says. */
const char *transform_get(struct transform_trial *t, uint32_t record, const char *name);

/* How many problems its options have; the first is in *ret_text (a buffer that lives until the next call). */
size_t transform_problems(const struct stage_type *type, const char *yaml, const char **ret_text);

/* What is due: the batch that the next call hands on, if any; what the transform returned. */
int transform_hand_on(struct transform_trial *t);
