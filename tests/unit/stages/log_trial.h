/* log_trial.h - a log of segments in a world of its own (segment_world.h), with numbered entries: what is read has to be what was
 * put, each once, in order. Whatever is not as it should be fails the test.
 *
 * Threads: one. Memory: until log_trial_tear_down(). */
#pragma once

#include "stages/segments/segment_log.h"
#include "tests/unit/stages/segment_world.h"

enum { PAYLOAD_MAX = 3000, MAX_BYTES = 64 * 1024, TURNS_MAX = 200000 };

struct log_trial {
	struct segment_world world;
	struct segment_log log;
	struct segment_log_options options;
	uint64_t put;        /* entries so far, of all runs */
	uint64_t ends[4096]; /* of each */
	uint64_t read;       /* entries, of this run: the number of the next one */
	uint64_t committed;  /* position, */
	uint64_t committed_count, committed_end; /* how many lie before it; what was durable then */
	uint64_t durable_count;
};

void log_trial_set_up(struct log_trial *t, uint64_t seed);
void log_trial_tear_down(struct log_trial *t);

/* A process, that goes on from what was committed; opens the log; ends it well, or is stopped (segment_world_stop()). */
void log_trial_begin(struct log_trial *t);
void log_trial_open(struct log_trial *t);
void log_trial_end(struct log_trial *t);
void log_trial_stop(struct log_trial *t, bool killed);

/* Of the payload of that entry. */
size_t log_trial_length(uint64_t number);

/* False: there is no room for it at the moment. */
bool log_trial_put_next(struct log_trial *t);
/* Up to that number of entries in all, which are then on disk. */
void log_trial_put_all(struct log_trial *t, uint64_t count);
void log_trial_sync_all(struct log_trial *t);
void log_trial_note_durable(struct log_trial *t);

/* That is the entry to be read next: t->read. */
void log_trial_expect(const struct log_trial *t, const struct segment_entry *e);
/* False: there is none at the moment. */
bool log_trial_read_next(struct log_trial *t);
void log_trial_read_all(struct log_trial *t);

/* What was read is done with. */
void log_trial_commit(struct log_trial *t);
