/* output_trial.h - one file output in a directory of its own, and what ought to be in it, in a world where operations are
 * late, cut short or refused.
 * Threads: the test's. Memory: trial_set_up() to trial_tear_down(). */
#pragma once

#include "stages/file_output.h"
#include "tests/unit/stages/faulty_env.h"

enum { TRIAL_STEPS_MAX = 2000000 };
#define SECOND 1000000000u

struct trial {
	struct faulty_env world;
	struct home home;
	char directory[64], path[128];
	struct path_template template;
	struct file_output_options options;
	struct file_output output;
	struct delimiter input_delimiter;
	uint8_t *expected;
	size_t expected_length;
	uint64_t records;
	size_t batches, done;
};

/* name: of the output; compressed if it has .zst in it. options may be changed until it begins. */
void trial_set_up(struct trial *x, const char *name, uint64_t seed);
void trial_begin(struct trial *x);
void trial_tear_down(struct trial *x);

/* From now on operations end in any order, short or interrupted. */
void trial_inject(struct trial *x);

/* One more record is expected. */
void trial_expect(struct trial *x, const uint8_t *bytes, size_t length);
/* Up to `most` records of up to `length_max` bytes, of which keep_percent are still in the batch; NULL if the home has
 * none left. They are expected from then on. */
struct batch *trial_batch(struct trial *x, uint32_t most, uint32_t length_max,
			  unsigned keep_percent);
/* As a worker would: while there is room, steps in between. */
void trial_put(struct trial *x, struct batch *b, enum feed feed);
void trial_put_many(struct trial *x, size_t batches);

/* Steps until nothing more happens. */
int trial_run(struct trial *x, enum feed feed, bool finish);
/* To its end, with which all has been written. */
void trial_finish(struct trial *x);

size_t trial_read_file(const char *path, uint8_t *to, size_t room);
/* All frames in it; returns how many there were. */
size_t trial_decode(const uint8_t *from, size_t length, uint8_t *to, size_t *ret_length);
/* So many files or more, of that size at most (0: any), hold what is expected; `last` is the newest. */
void trial_check(struct trial *x, const char *last, int files_min, off_t largest_max);
