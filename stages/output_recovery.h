/* output_recovery.h - brings a file output back to its last committed epoch, before anything is written to it.
 *
 *   OPEN, READ (each of the journal's files) --> UNDO (newest first) --> RESTORE (each file that was open) --> EMPTY, SYNC,
 *   CLOSE (each of them) --> DONE
 *
 * Entries of later epochs are undone, others mean nothing. The journal is emptied only when all is durable, so a recovery
 * that was broken off is done again from its beginning, and comes to the same. An entry that does not hold together is
 * one that was torn, unless one that does and is to be undone follows: that is damage, and refused.
 *
 * That others had to do with the file of a mark has to be known until there is another mark: then the entries of the epoch
 * that comes stay, and what it does is noted behind them (undo_journal_go_on()). To undo them once more does no harm.
 *
 * The output of a sink that is no more (`orphan`) is brought back, too; that it is gone is said then, not refused, as who
 * took the sink away may have taken its files away.
 *
 * Threads: the owner's. Memory: the journal's content, and some words for each mark, until it is released. Layer: stages. */
#pragma once

#include "stages/output_end.h"
#include "stages/output_undo.h"
#include "stages/undo_acts.h"

enum output_recovery_state {
	RECOVERY_OPEN,
	RECOVERY_READ,
	RECOVERY_UNDO,
	RECOVERY_RESTORE,
	RECOVERY_EMPTY,
	RECOVERY_SYNC,
	RECOVERY_CLOSE,
	RECOVERY_DONE,
};

struct output_recovery {
	struct env *env;
	struct space_wait space;
	uint64_t epoch; /* the committed one */
	const struct output_marks *marks;
	bool orphan; /* set between begin and the first step */

	enum output_recovery_state state;
	struct steady_op op;
	unsigned file; /* of the journal: which */
	char paths[UNDO_FILES][PATH_MAX];
	int fds[UNDO_FILES];
	struct packer content[UNDO_FILES];
	uint64_t stays; /* DONE: how long the file of the next epoch is; 0: empty */
	struct undo_acts acts;
	size_t left; /* of these, to be undone */
	struct output_undo undo;
	size_t restored; /* of the marks: those before it */
	struct output_restore restore;
	struct output_end *ends; /* for each mark */
	int failed;
};

/* The newest record has that number, and says the marks, which outlive r. 0, -ENOMEM or -ENAMETOOLONG. Then step. */
int output_recovery_begin(struct output_recovery *r, struct env *env,
			  struct stage_counters *counters, const char *state_dir, const char *sink,
			  uint64_t epoch, const struct output_marks *marks);

/* STEP_WAIT or STEP_MORE until STEP_DONE; or -errno, having said why. */
int output_recovery_step(struct output_recovery *r);

/* DONE: others had to do with the file of mark number i, which holds no more: there has to be another one, or none. */
bool output_recovery_found_left(const struct output_recovery *r, size_t i);

/* DONE: how long the file of mark number i is, with no frame open, if it is as it was left. */
struct output_end output_recovery_end(const struct output_recovery *r, size_t i);

/* No operation may be under way. */
void output_recovery_release(struct output_recovery *r);
