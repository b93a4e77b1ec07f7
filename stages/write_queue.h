/* write_queue.h - writes to one open output, whole and in order, whatever the kernel answers.
 *
 *      take                       put
 *       v                          v
 *   [ done | busy | busy | waiting | waiting ]      each has its place in the file from put() on
 *
 * Short writes are continued, interrupted ones repeated, a full disk is waited for; several may be under way at once
 * and complete in any order. To a stream (pipe, terminal) there is one at a time and no place.
 *
 * A FIFO has one reader after another. What a reader that went away has left unread in the pipe is gone when the pipe is
 * closed, so a write to a FIFO is done only when it has been read; until then it can be recalled, from the beginning
 * of the record in which the reader stopped, for the next one. Records are told apart as that reader tells them, by the
 * delimiter. At the end, with all of it in the pipe and a reader there, nothing more is waited for.
 *
 * Threads: the owner's. Memory: writes are the callers' and stay put until taken. Layer: stages. */
#pragma once

#include "stages/batch.h"
#include "stages/io.h"
#include "stages/space_wait.h"

struct write_queue;

struct write {
	struct iovec *
	    spans; /* what is left of them, the first from `cut` on; those before are as they were */
	unsigned count;
	size_t length; /* of what is not written yet */

	/* the queue's */
	size_t cut;
	uint64_t from, at; /* where the next byte goes, and went when it was bound or put */
	struct io_op op;
	struct write *next;
	struct write_queue *queue;
};

struct write_queue {
	struct env *env;
	struct space_wait *space;
	const char
	    *path; /* as it may be shown, for messages; lives as long as the queue is bound to it */
	int fd;    /* -1: not bound */
	bool stream;
	unsigned in_flight, in_flight_max;
	uint64_t end;         /* where the next write put goes: the file's length to be */
	uint64_t again_at_ns; /* a stream said it was not ready; 0: it did not */
	struct write *first, *last;

	bool fifo;
	bool hurried;           /* no more will come: see above */
	uint64_t written, read; /* since it was bound; `read` is at least that */
	struct io_op look;      /* IO_UNREAD */
	uint64_t look_at_ns, look_delay_ns;
	enum { RECALL_NOT, RECALL_LOOKING, RECALL_KNOWN } recall;

	/* What will be synced at a cut is sent to the disk before, so that the cut has little to wait for; else it would have all
	 * that came since the one before, and the disk nothing to do till then. So much at a time, set once; 0: not at all. */
	uint64_t back_bytes;
	uint64_t back_at; /* sent up to there */
	struct io_op
	    bringing; /* IO_WRITE_BACK; what comes of it is of no interest: a sync will tell */

	int error; /* of a write that failed for good; what it had not written is still in the queue */
};

/* space outlives the queue. */
void write_queue_init(struct write_queue *q, struct env *env, struct space_wait *space);

/* Writes go to fd from now on, to its `end` and behind it: first what a stream left unwritten, if there is any. */
void write_queue_bind(struct write_queue *q, int fd, bool stream, uint64_t end, const char *path);

/* The same for a FIFO, opened with O_NONBLOCK. */
void write_queue_bind_fifo(struct write_queue *q, int fd, const char *path);

/* True if an operation of the queue's is under way. */
bool write_queue_is_busy(const struct write_queue *q);

/* After -EPIPE, when not busy: takes back what has not been read, from the beginning of a record on; with no delimiter
 * from the beginning of the write. False: not yet; to be asked again when an operation has completed. */
bool write_queue_recall(struct write_queue *q, const struct delimiter *delimiter);

/* Not busy. Forgets the error. */
void write_queue_unbind(struct write_queue *q);

/* Takes w->spans and w->length. Nothing is submitted before write_queue_step(). */
void write_queue_put(struct write_queue *q, struct write *w);

/* Submits what may be submitted. 0, or the error that ended it. */
int write_queue_step(struct write_queue *q);

/* The oldest write, if it is done and, in a FIFO, read; NULL if it is not or there is none. */
struct write *write_queue_take(struct write_queue *q);

static inline bool write_queue_is_empty(const struct write_queue *q)
{
	return q->first == NULL;
}
