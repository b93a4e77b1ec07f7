/* file_place.h - where the first byte of a file that was not handed on lies, and what has to be known to read on there.
 *
 *   plain:   ....|at.......
 *   packed:  ....[at: a frame begins  `skip` decompressed bytes|.....      of what it unpacks to, `unpacked` bytes lie before at
 *
 * Threads: the owner's. Memory: its own. Layer: stages. */
#pragma once

#include "stages/framer.h"

enum file_form {
	FILE_UNSEEN, /* its first bytes will tell */
	FILE_PLAIN,
	FILE_PACKED, /* compressed: `packing` says how */
	FILE_STREAM, /* a pipe or terminal: no offsets */
};

enum packing { PACKED_ZSTD, PACKED_GZIP };

/* It was not read from its beginning. */
#define UNPACKED_UNKNOWN UINT64_MAX

struct file_place {
	uint64_t at, skip;
	uint64_t unpacked; /* packed; UNPACKED_UNKNOWN */
	enum file_form form;
	enum packing packing;
	struct framer framer; /* where in a line it is */
};

/* Of the next byte to be handed on, in what the file unpacks to, or, if it is not packed, in it. False: nobody knows. */
static inline bool file_place_offset(const struct file_place *p, uint64_t *ret_offset)
{
	if (p->form == FILE_PACKED && p->unpacked == UNPACKED_UNKNOWN)
		return false;
	*ret_offset = p->form == FILE_PACKED ? p->unpacked + p->skip : p->at;
	return true;
}

/* At the first byte of a file that was never looked at. */
static inline void file_place_init(struct file_place *p)
{
	*p = (struct file_place){.form = FILE_UNSEEN};
	framer_init(&p->framer);
}
