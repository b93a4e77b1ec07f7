/* undo_reading.h - what a sink's undo journal holds of epochs that are not committed, read at once: for who looks at it from
 * outside, while no sink writes it.
 *
 * Threads: main; blocks. Memory: the journal's content, until undo_reading_release(). Layer: daemon. */
#pragma once

#include "daemon/remembered.h"

/* Adds those that are in the state directory and not empty. 0 or -errno. */
int undo_reading_list(struct remembered *r, int directory);

struct undo_reading {
	struct packer contents[UNDO_FILES];
	struct undo_acts acts;
};

/* directory: the state directory's descriptor. epoch, known: see undo_acts.h. 0, -EBADMSG or -ESTALE: it does not hold, or
 * -errno; to be released in any case. */
int undo_reading_read(struct undo_reading *r, int directory, const char *sink, uint64_t epoch,
		      uint64_t known);
void undo_reading_release(struct undo_reading *r);
