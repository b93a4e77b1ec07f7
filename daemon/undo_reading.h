/* undo_reading.h - what a sink's undo journal holds of epochs that are not committed, read at once: for who looks at it from
 * outside, while no sink writes it.
 *
 * Threads: main; blocks. Memory: the journal's content, until undo_acts_release(). Layer: daemon. */
#pragma once

#include "stages/packer.h"
#include "stages/undo_journal.h"

/* One of its files. */
struct undo_acts {
	struct packer content;
	struct undo_entry *entries; /* what was done, in its order; they point into the content */
	size_t count;
	uint64_t epoch; /* the committed one */
};

/* directory: the state directory's descriptor. 0, -EBADMSG: it is damaged, or -errno; to be released in any case. */
int undo_acts_read(struct undo_acts *a, int directory, const char *sink, unsigned file,
		   uint64_t epoch);
/* The same of a content that was read by other means, with `epoch` set. */
int undo_acts_parse(struct undo_acts *a);
void undo_acts_release(struct undo_acts *a);
