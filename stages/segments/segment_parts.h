/* segment_parts.h - what the parts of a segment log (segment_log.h) know of one another.
 * Threads: the owner's. Memory: none. Layer: stages. */
#pragma once

#include "stages/segments/segment_log.h"

/* What was tried, in a few words; the log's failure from then on, which is returned. */
int segment_log_fail(struct segment_log *l, const char *event, int64_t result);

/* Likewise, of an entry that the reader has come to. */
int segment_log_say_too_long(struct segment_log *l);

/* Each as segment_log_step(). */
int segment_opening_step(struct segment_log *l);
int segment_writing_step(struct segment_log *l);
int segment_syncing_step(struct segment_log *l);

/* The operation's result, which nobody takes care of any more but who asks. */
static inline int64_t segment_take_result(struct steady_op *o)
{
	int64_t result = o->result;
	o->op.result = -1;
	return result;
}

/* A file that was opened, and then there was nobody to take it. */
void segment_close_untaken(struct segment_log *l, struct steady_op *o);

static inline struct segment *segment_last(struct segment_log *l)
{
	return l->segment_count > 0 ? &l->segments[l->segment_count - 1] : 0;
}
