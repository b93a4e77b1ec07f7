/* undo_reading.h - what a sink's undo journal holds of epochs that are not committed, while no sink writes it: for who brings back
 * outputs before a run, and for who looks from outside.
 *
 * Threads: the caller's; a performer waits in its caller's way. Memory: the journal's content, until undo_reading_release(). Layer:
 * daemon. */
#pragma once

#include "daemon/performer.h"
#include "daemon/remembered.h"

/* Where journals are. */
struct undo_place {
	const struct performer *performer;
	int directory; /* the state directory's descriptor */
};

/* Adds those that are there and not empty. 0, -ENOMEM, what the listing fails with, or -EINTR as the performer was broken off. */
int undo_reading_list(struct remembered *r, const struct undo_place *place);

struct undo_reading {
	struct packer contents[UNDO_FILES];
	struct undo_acts acts;
};

/* epoch, known: see undo_acts.h. 0, -EBADMSG or -ESTALE: it does not hold, or -errno; to be released in any case. */
int undo_reading_read(struct undo_reading *r, const struct undo_place *place, const char *sink,
		      uint64_t epoch, uint64_t known);
void undo_reading_release(struct undo_reading *r);
