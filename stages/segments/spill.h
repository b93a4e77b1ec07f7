/* spill.h - what is kept on disk for a reader that is too slow: the stage that `queue: {when_full: spill}` puts in front of it.
 *
 *            first                handed_to                   end          positions in its segment log
 *              v                      v                        v
 *   [ (gone)   | with the reader      | unread                 | room ... ]
 *
 * What goes past it straight to the reader is not here. What is put is a batch's image, or several where one would be too long; what
 * is got is in the order of putting. daemon/spilling.h decides what goes where; what an epoch remembers is `first` and `end`: the
 * next start cuts off what is behind `end` (it comes again from above) and gets what is behind `first`.
 *
 * Threads: the owner's. Memory: spill_memory(). Layer: stages. */
#pragma once

#include "conf/topology.h"
#include "stages/stage.h"

/* In front of a reader, by the topology's wish. */
extern const struct stage_type spill_type;

/* What it counts beside what all count. */
enum spill_figure {
	SPILL_BYTES,
	SPILL_RECORDS,
	SPILL_OLDEST,
	SPILL_WRITTEN,
	SPILL_READ,
	SPILL_LOST
};

/* Given buffers of that capacity: what its log takes, and the least that it can be bounded to. */
size_t spill_memory(const struct fields *fields, size_t capacity);
uint64_t spill_max_size_min(const struct fields *fields, size_t capacity);
/* So many buffers may one batch take that is got. */
size_t spill_buffers(const struct fields *fields, size_t capacity);

/* Each of them of an instance that has a state_dir and did open. */

/* What was asked for is carried on. STEP_MORE, STEP_WAIT, or -errno, for good, said. */
int spill_step(struct stage *s);
/* It is open: before that nothing of what follows may be called. */
bool spill_is_open(const struct stage *s);

/* Appends the batch's records from *cursor on, as far as there is room. STEP_DONE: all of them are in; STEP_WAIT. The batch stays
 * the caller's. */
int spill_put(struct stage *s, const struct batch *b, uint32_t *cursor);
uint64_t spill_end(const struct stage *s);
/* What stands before the position is needed until the next epoch is committed and no longer, so it does not count as room taken. */
void spill_count_from(struct stage *s, uint64_t position);
/* There is less than twice as much as there should be. */
bool spill_may_exceed(const struct stage *s);
/* True if so little room is left that it had better be kept for what an epoch waits for. */
bool spill_is_full(const struct stage *s);

/* There is something that is not with the reader. */
bool spill_has_unread(const struct stage *s);
/* All that is there is with the reader, whoever gave it to it. */
void spill_pass_over(struct stage *s);
/* Up to where the reader has been given what is there. */
uint64_t spill_handed_to(const struct stage *s);
/* 1: the next batch, from h, and where it stands; 0: there is none at the moment; -EAGAIN: h has not enough; or -errno, said. */
int spill_get(struct stage *s, struct home *h, struct batch **ret_b, uint64_t *ret_position);

/* What is there becomes durable. */
void spill_sync(struct stage *s);
bool spill_is_durable(const struct stage *s, uint64_t end);

/* What the next snapshot says. Records: how many of them lie between. */
void spill_note(struct stage *s, uint64_t first, uint64_t end, uint64_t records);
uint64_t spill_unread_records(const struct stage *s);
/* Of an instance that is not there: how many are on disk for it. */
uint64_t spill_saved_records(const struct delta *saved);
