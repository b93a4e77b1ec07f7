/* output_mark.h - how far a file output had come at a cut, as it is remembered from epoch to epoch.
 *
 *   [ whole frames | open frame, flushed ]
 *   0          whole                 length         without an open frame, and uncompressed: whole == length
 *
 * A file is known again by its inode, as device numbers are other ones after the machine was started again, and by its
 * birth time, as the inode may be another file's by then. Where a file system does not tell that, the inode has to do under
 * the file's own name, and under another it is not looked for.
 *
 * Threads: any. Memory: the callers'. Layer: stages. */
#pragma once

#include "stages/delta.h"
#include "stages/teller.h"

#include <limits.h>

struct output_mark {
	char path[PATH_MAX]; /* "": no file was open */
	uint64_t epoch;      /* of the cut, or of none later than the record it is in */
	uint64_t inode;
	int64_t birth_ns; /* of the file; 0: not known */
	uint64_t length, whole;
	bool is_public; /* path was no secret when it was written to; false: or that is not known */
	bool closed; /* at the end of a run: from then on others may append to it or take it away */
};

/* Notes it in d. 0 or -ENOMEM. */
int output_mark_put(struct delta *d, const struct output_mark *m);

/* Notes that there is none any more. 0 or -ENOMEM. */
int output_mark_forget(struct delta *d);

/* Whether saved says anything of a file, be it that there is none. */
bool output_mark_is_in(const struct delta *saved);

/* What saved says; NULL and nothing are no file. 0, or -EBADMSG: that is no mark. */
int output_mark_get(const struct delta *saved, struct output_mark *ret_mark);

/* Tells of its file, if it has one. shown: see teller.h. */
void output_mark_tell(const struct output_mark *m, const char *shown, struct teller *t);

static inline bool output_mark_is_none(const struct output_mark *m)
{
	return m->path[0] == '\0';
}

/* False for the births of two different files; 0: not known. */
static inline bool output_births_agree(int64_t a_ns, int64_t b_ns)
{
	return a_ns == 0 || b_ns == 0 || a_ns == b_ns;
}

/* True if they say the same, whenever they were made. */
bool output_mark_equals(const struct output_mark *a, const struct output_mark *b);
