/* segment_reader.h - the entries of one segment file, in order, and where there are none that ought to be there.
 *
 *	segment_reader_begin(r, fd, base, at, salt);
 *	r->limit = ...                                as far as the file may be read
 *	while ((found = segment_reader_next(r, &entry)) == SEGMENT_FOUND)
 *		if (r->lost > 0) ...                  before it; from lost_at on nothing could be made of so many bytes
 *	SEGMENT_WAIT: an operation is under way       SEGMENT_ENDED: the limit; with r->lost, of its end
 *
 * What cannot be read, after some more attempts, counts as zeroes, and so does what the file is too short for.
 *
 * Threads: the owner's. Memory: one buffer, taken by init(); what was found points into it, until the next call.
 * Layer: stages. */
#pragma once

#include "stages/env.h"
#include "stages/segments/segment_format.h"

enum segment_found { SEGMENT_WAIT = 0, SEGMENT_FOUND = 1, SEGMENT_ENDED = 2 };

struct segment_found_entry {
	struct segment_entry_head head;
	const uint8_t *payload;
};

struct segment_reader {
	uint64_t limit; /* in the file */
	uint64_t lost, lost_at;

	struct env *env;
	const char *path;        /* of the log, for messages */
	int fd;                  /* lent; -1: none */
	uint64_t base, at, salt; /* at: in the file, of the next entry */
	uint8_t *bytes;
	size_t room, from, to;
	bool was_told; /* what was lost; the next stretch begins anew */
	bool has_asked;
	unsigned attempts; /* that failed, of one page */
	struct io_op op;
};

/* room: for the longest entry at least; more is read ahead. path outlives it. 0 or -ENOMEM. */
int segment_reader_init(struct segment_reader *r, struct env *env, const char *path, size_t room);
void segment_reader_release(struct segment_reader *r);

/* at: in the file; 0, or of an entry. Not while an operation is under way. */
void segment_reader_begin(struct segment_reader *r, int fd, uint64_t base, uint64_t at,
			  uint64_t salt);

/* enum segment_found; -EMSGSIZE: there is an entry that is longer than the room. */
int segment_reader_next(struct segment_reader *r, struct segment_found_entry *ret_entry);
