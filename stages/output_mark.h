/* output_mark.h - how far the files of an output had come at a cut, as it is remembered from epoch to epoch.
 *
 *   file      the mark of lane 0, be it that it had no file open; put whenever anything is, so that it knows the epoch
 *   file.1    of lane 1, if it had one
 *   ...
 *
 * An output has as many lanes as files may be open at a time (stages/output_lane.h), most have one. Of a file that is closed and
 * committed nothing is remembered. A mark says:
 *
 *   [ whole frames | open frame, flushed ]
 *   0          whole                 length         without an open frame, and uncompressed: whole == length
 *
 * A file is known again by its inode, as device numbers are other ones after the machine was started again, and by its
 * birth time, as the inode may be another file's by then. Where a file system does not tell that, the inode has to do under
 * the file's own name, and under another it is not looked for.
 *
 * Threads: any. Memory: the callers'; a list of marks until output_marks_release(). Layer: stages. */
#pragma once

#include "stages/delta.h"
#include "stages/teller.h"

#include <limits.h>

enum { OUTPUT_LANES_MAX = 1024 };

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
int output_mark_put(struct delta *d, unsigned lane, const struct output_mark *m);

/* Notes that there is none any more. 0 or -ENOMEM. */
int output_mark_forget(struct delta *d, unsigned lane);

/* Whether saved says anything of a file, be it that there is none. */
bool output_mark_is_in(const struct delta *saved);

/* What saved says of one lane; NULL and nothing are no file. 0, or -EBADMSG: that is no mark. */
int output_mark_get(const struct delta *saved, unsigned lane, struct output_mark *ret_mark);

/* By lane; none for those that are between. All zero is an empty list. */
struct output_marks {
	struct output_mark *list;
	size_t count;
};

/* All that saved says, and `least` marks at least. 0, -ENOMEM or -EBADMSG; to be released in any case. */
int output_marks_get(const struct delta *saved, size_t least, struct output_marks *ret_marks);
void output_marks_release(struct output_marks *m);

/* Of the newest of them; 0: there is none. */
uint64_t output_marks_epoch(const struct output_marks *m);

/* True if one of them is of that file. */
bool output_marks_have(const struct output_marks *m, uint64_t inode);

/* True if one of them is of a file that nobody else may have had since. */
bool output_marks_are_live(const struct output_marks *m);

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
