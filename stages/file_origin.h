/* file_origin.h - the file that records came from: what it was called when it was opened, and which file that is whatever it is
 * called. Every batch read from it holds it.
 *
 * Threads: any. Memory: one allocation each time a file is opened, freed by who lets go of it last. Layer: stages. */
#pragma once

#include "ringbuf/refcount.h"

#include <stddef.h>
#include <stdint.h>

struct file_origin {
	struct refcount references;
	uint64_t device, inode;
	const char *source; /* the id of who read it, where that comes from a snapshot; else NULL */
	size_t length;      /* 0: it is no file, and there is only the source */
	char path[];        /* ends with a NUL, too */
};

/* With one reference, the caller's. source: copied; or NULL. NULL: out of memory. */
struct file_origin *file_origin_new(const char *path, const char *source, uint64_t device,
				    uint64_t inode);

/* As it was packed: the source's id, the device, the inode, the path. The id is kept with it, as the topology that it was in is gone.
 * 0, -EBADMSG, -ENOMEM. */
struct packed;
int file_origin_unpack(struct packed *from, struct file_origin **ret_origin);

void file_origin_hold(struct file_origin *o);
/* NULL is fine. */
void file_origin_let_go(struct file_origin *o);
