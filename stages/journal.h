/* journal.h - for sources that can't be read again: what they have received goes to disk before it goes on, and when whoever sent it
 * may be told so.
 *
 *   frames made into a batch --journal_put()--> [ waiting | in the log's memory | written | on disk ] --journal_step()--> outlet
 *           number n                                                              durable >= n                 committed >= n
 *
 *	open:       journal_open(&j, s, &options->journal);          begins with what the last run had not handed on, or not committed
 *	step:       if (journal_has_room(&j)) n = journal_put(&j, &b);
 *	            r = journal_step(&j, out);                        at most one batch a step: nothing else may be emitted
 *	            answer whoever waits for a number up to journal_answerable(&j)
 *	snapshot:   journal_snapshot(&j, d)                           committed:  journal_committed(&j), answer them
 *	attend:     r = journal_attend(&j)                            while there is no room below: takes, writes, answers
 *	stopping:   take nothing more; until journal_is_idle(&j); then STEP_DONE
 *	settle:     the last ones that wait for a commit are answered here
 *	close:      journal_close(&j)
 *
 * Only what is on disk is handed on, so a position that an epoch remembers is always there, and after a crash records come again
 * from exactly there, in order, before new ones. What is committed is deleted, segment by segment. A full journal takes no
 * more: has_room() says so, an epoch is asked for at once, and the source's peers wait.
 *
 *   live        batches are handed on as they were put, as soon as they are on disk
 *   catching up they are handed on as they are read from there: after a start, and when those that read are so far behind that the
 *               home's batches are all waiting; what is put meanwhile is let go as soon as it is on disk. So a slow sink holds nobody
 *               up before the journal is full
 *
 * Without `journal:` in the topology the same calls hand batches on as they come, and `ack: committed` waits for the epoch.
 *
 *   ack: received    when it was put
 *        journal     when it is on disk
 *        committed   when all of it is in the outputs, and the epoch's record says so
 *        auto        journal where there is one, else received
 *
 * Threads: the owner's. Memory: journal_memory(), and a few words for each batch of the home. Layer: stages. */
#pragma once

#include "stages/segments/batch_image.h"
#include "stages/segments/segment_log.h"
#include "stages/stage.h"

#include <limits.h>

enum journal_ack { ACK_AUTO, ACK_RECEIVED, ACK_JOURNAL, ACK_COMMITTED };
extern const char *const journal_ack_choices[];

struct journal_options {
	struct journal_size {
		uint64_t max_size;
	} journal;
	uint64_t ack; /* enum journal_ack */
	bool given;   /* not the first: its offset may not be 0 */
};
extern const struct option journal_table[];

/* Rows for the option table of a struct that has a struct journal_options at offset `base`. */
/* clang-format off */
#define JOURNAL_OPTION_ROWS(base)                                                                  \
	{"journal", OPTION_GROUP, (base) + offsetof(struct journal_options, journal),              \
	 .group = journal_table, .given_offset = (base) + offsetof(struct journal_options, given), \
	 .doc = "Keep what was received on disk until it is stored, so that a crash loses nothing " \
		"that was acknowledged"},                                                          \
	{"ack", OPTION_CHOICE, (base) + offsetof(struct journal_options, ack),                     \
	 .preset = "auto", .choices = journal_ack_choices,                                         \
	 .doc = "When a sender is answered: as soon as its records are `received`, when they are in " \
		"the `journal` on disk, when they are `committed` with all outputs; `auto` is "    \
		"`journal` with one, else `received`"}
/* clang-format on */

/* For a stage's figures: their names, which begin at `figure` in its own (journal.figure). */
#define JOURNAL_FIGURE_NAMES "records from the journal", "journal bytes lost"
enum { JOURNAL_REPLAYED, JOURNAL_LOST, JOURNAL_FIGURES };

/* For the schema's `check`: what the table cannot say. capacity: what the stage's buffer_capacity() says. */
void journal_check(const struct journal_options *o, size_t capacity, struct place at,
		   struct problems *problems);
/* For the hooks of these names. */
const char *journal_needs_epochs(const struct journal_options *o);
int journal_tell(const struct delta *saved, struct teller *t);
size_t journal_memory(const struct journal_options *o, size_t capacity);
/* has_fields: its records come with fields. */
size_t journal_buffers(const struct journal_options *o, size_t capacity, bool has_fields);
/* NULL: there is no journal. */
const char *journal_restart(const struct journal_options *o, bool remembers);

struct journal_item {
	struct batch *batch; /* NULL: it was let go */
	uint64_t from, end;  /* in the log, of as much of it as was appended */
	uint32_t records;    /* that were appended */
};

struct journal {
	/* For who uses it, to be read only. */
	uint64_t received;           /* the number of the batch put last; 0: none was yet */
	uint64_t durable, committed; /* the last of which that holds: all before it, too */

	/* within */
	struct stage *stage;
	const struct journal_options *options;
	unsigned figure;
	struct segment_log log;
	struct batch_image_reader reader;
	bool log_begun;
	char name[NAME_MAX + 1];

	struct journal_item *items; /* of numbers gone + 1 to received; a ring, by number */
	size_t room;
	uint64_t appended; /* like `durable` */
	uint64_t let_go;   /* up to there there is no batch any more */
	uint64_t
	    gone; /* handed on; or, where nobody waits for that, on disk to be read from there */

	bool catches_up;
	struct segment_entry entry; /* read, and not handed on yet */
	bool has_entry;
	uint64_t told_lost;

	uint64_t position;                  /* behind what was handed on */
	uint64_t noted_position, noted_end; /* as of the last snapshot, */
	uint64_t noted_number;
	bool leaves; /* there is none any more, which the next snapshot says */
	bool is_full;
	int failed;
};

/* figure: where in the stage's figures JOURNAL_FIGURE_NAMES stand. 0 or -errno, having said why; journal_close() in any case. */
int journal_open(struct journal *j, struct stage *s, const struct journal_options *o,
		 unsigned figure);
/* No operation is under way. One that is all zero is fine. */
void journal_close(struct journal *j);

/* A batch may be put. If not, a step will change that, or somebody who makes room. */
bool journal_has_room(const struct journal *j);

/* Takes a batch of the stage's home. Its number. */
uint64_t journal_put(struct journal *j, struct batch **b);

/* Carries on whatever there is to do; emits at most one batch. STEP_MORE, STEP_WAIT, or -errno, having said why. */
int journal_step(struct journal *j, struct outlet *out);

/* The same without emitting, for the hook `source_attend`. */
int journal_attend(struct journal *j);

/* Everything that was put has been handed on; or is on disk, if the stage is stopping and it catches up: the rest is for the next run. */
bool journal_is_idle(const struct journal *j);

/* Senders may be told of all numbers up to this one. */
uint64_t journal_answerable(const struct journal *j);

/* 0 or -ENOMEM. */
int journal_snapshot(struct journal *j, struct delta *d);
/* What the last snapshot said is committed. */
void journal_note_committed(struct journal *j);

/* What is remembered of one: handed on up to `position`, on disk up to `end`. 0; -ENOENT: nothing; -EBADMSG. */
struct journal_remembered {
	uint64_t position, end, salt;
};
int journal_recall(const struct delta *saved, struct journal_remembered *ret);

/* The directory in the state directory of the journal of that stage; and what the stage whose that one is is remembered as, `TYPE:ID`.
 * -ENAMETOOLONG; false: it is no journal. */
int journal_name(const char *type, const char *stage, char *out, size_t room);
bool journal_stage(const char *name, char *out, size_t room);
