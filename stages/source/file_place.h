/* file_place.h - where the first byte of a file that was not handed on lies, and what has to be known to read on there.
 *
 *   plain:   ....|at.......
 *   packed:  ....[at: a frame begins  `skip` decompressed bytes|.....
 *
 * Threads: the owner's. Memory: its own 32 bytes. Layer: stages. */
#pragma once

#include "stages/framer.h"

enum file_form {
	FILE_UNSEEN, /* its first bytes will tell */
	FILE_PLAIN,
	FILE_PACKED, /* compressed: `packing` says how */
	FILE_STREAM, /* a pipe or terminal: no offsets */
};

enum packing { PACKED_ZSTD, PACKED_GZIP };

struct file_place {
	uint64_t at, skip;
	enum file_form form;
	enum packing packing;
	struct framer framer; /* where in a line it is */
};

/* At the first byte of a file that was never looked at. */
static inline void file_place_init(struct file_place *p)
{
	*p = (struct file_place){.form = FILE_UNSEEN};
	framer_init(&p->framer);
}
