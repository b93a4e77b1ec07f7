/* spilling.h - the worker in front of a reader whose queue spills: it takes whatever comes, so that nobody above waits for the reader.
 *
 *   [ producers ] =queue=> [ spilling ] =queue=> [ reader ]
 *                              | ^
 *                              v |   stages/segments/spill.h
 *                             disk
 *
 *   straight   nothing unread is on disk, and the queue below has room: what comes is handed on as it is, no byte is written
 *   by disk    else what comes is written behind what is there, and what is there is read as the queue below gets room
 *
 * An epoch. What lies before the barrier is handed on or on disk by then. It remembers `first`, from where on the reader gets it
 * again after a crash, and `end`, and reports when all up to `end` is durable; meanwhile it goes on.
 *
 *   the reader has a part in epochs    the barrier goes on at once, behind what was handed on: it overtakes what is on disk. What
 *   (a file, a transform)              comes before it is the reader's to store: `first` is what is behind it. A reader that
 *                                      hangs holds up the epoch.
 *   it has none (a sink without        it is asked for nothing: what it has and has not done is written to disk, too, and `first` is the
 *   sink_sync: http, tcp, stdout)      oldest of that. So a copy of each batch handed on is kept until it is done. A reader that
 *                                      hangs holds up nothing. It does get some batches twice, after a crash.
 *
 * The end. Where all is to be stored (`--once`, sources that have ended) it waits until everything is. Asked to stop, it leaves on disk what is there. What
 * such a reader has by then it may finish as long as it gets on; the rest is written to disk, and it is let go.
 *
 * Threads: the worker's. Memory: SPILLING_MEMORY, and homes. Layer: daemon. */
#pragma once

#include "daemon/worker.h"

enum { KEPT_MAX = 16384 };

/* Handed on to a reader that has no part in epochs, and not done. */
struct kept {
	struct batch *copy; /* NULL: it is on disk, ... */
	uint64_t position;  /* ... there */
	uint32_t records;
};

struct spilling {
	bool keeps;        /* the reader has no part in epochs */
	struct kept *kept; /* a ring, oldest first */
	size_t first, count, copies, copies_max;
	uint64_t done;       /* of the queue below, as far as is known here */
	struct batch *taken; /* on its way to disk, from there on */
	uint32_t cursor, kept_cursor;
	uint64_t kept_position; /* of the one whose copy is on its way to disk */
	bool writes_kept;       /* all copies are to be on disk before anything else is */
	bool hands_nothing;     /* the queue below gets no more */
	bool is_told_full, is_told_slow;
	uint64_t unread_ns; /* when there last was something unread, once that is told */
	uint64_t cut_first, cut_end, cut_records;
	uint64_t
	    given_up_ns; /* when the reader is let go, unless it gets on; 0: it is not asked to end */
};

enum { SPILLING_MEMORY = sizeof(struct spilling) + KEPT_MAX * sizeof(struct kept) };

/* A worker of a group that spills. copies_max: how many batches may be with the reader. 0 or -ENOMEM. */
int spilling_init(struct worker *w, bool keeps, size_t copies_max);
void spilling_release(struct worker *w);

/* As worker_step() while it runs. */
enum step spilling_step(struct worker *w);

/* It has failed: batches that are held go back. */
void spilling_let_go(struct worker *w);
