/* undo_telling.h - for `sluice state --verify`: what recovery would take back of what a sink has done since the newest epoch,
 * and what its output will be like then.
 *
 *   begin: foreseen, and known to the telling --> what is remembered of the output is told --> end: the acts are told
 *
 * Threads: main; blocks. Memory: the journals' content, from begin to end. Layer: daemon. */
#pragma once

#include "daemon/remembered.h"
#include "daemon/telling.h"
#include "daemon/undo_reading.h"

struct undo_telling {
	struct telling *telling;
	bool is_secret;
	struct output_marks marks; /* of the files that are brought back */
	struct undo_reading reading;
	struct foreseen *foreseen; /* of each of its acts */
	struct foresight foresight;
	const char *refused; /* why the journal is; NULL: it is not */
};

/* From then on it is known whether a path of the output is a secret. directory: the state directory's descriptor. epoch: the
 * newest one. 0 or -errno; to be ended in any case. */
int undo_telling_begin(struct undo_telling *u, struct telling *t, struct remembered_output *output,
		       int directory, uint64_t epoch);

/* Tells the acts of epochs after that one, the last act first, as they are undone; a journal that does not hold as refused. */
void undo_telling_end(struct undo_telling *u);
