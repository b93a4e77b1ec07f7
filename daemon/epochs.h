/* epochs.h - the coordinator: has all sources cut, gathers every worker's report, and makes them one record on disk.
 *
 *   IDLE --due, and something changed--> CUTTING --every report in--> LOOKING --> APPENDING --durable--> (COMPACTING)
 *    |                                     |                                       |                        v
 *    |                                     |                                       +--no room--> RETRYING   IDLE
 *    |                                     |                                       |
 *    +--every report is a final one--------|-------------------------------------> APPENDING --> OVER
 *    +--a worker failed, or the log------> FAILED: nothing is committed any more ---> OVER
 *
 *   Due: by interval, by bytes, or as a source waits for it.
 *
 *   worker -- report --> reports (stack) ... record N ... -- report, committed = N --> the worker's `back`
 *
 * LOOKING: is the state directory still there (daemon/epoch_guard.h)?
 *
 * One epoch at a time. The record is the commit: what is in it, and in the outputs up to it, will never be asked for
 * again; all else is begun again at the next start. A final report stands for every epoch after it.
 *
 * Threads: its runner's, save what is said to be any's. Memory: a few words for each report; the log's. Layer: daemon. */
#pragma once

#include "daemon/epoch_guard.h"
#include "daemon/epoch_log.h"
#include "daemon/reporting.h"
#include "stages/stage.h"

struct epochs_options {
	uint64_t interval_ns; /* between two epochs */
	uint64_t bytes;       /* of input after which one is due before its time */
};

enum epochs_state {
	EPOCHS_IDLE,
	EPOCHS_CUTTING,
	EPOCHS_LOOKING,
	EPOCHS_APPENDING,
	EPOCHS_RETRYING, /* there was no room */
	EPOCHS_COMPACTING,
	EPOCHS_FAILED,
	EPOCHS_OVER,
};

struct epochs {
	struct env *env;
	struct epochs_options options;
	struct epoch_log *log;
	struct epoch_guard *guard; /* set after epochs_init(), outlives e; NULL: nobody looks */
	struct io *lent_by;        /* the log's io before and afterwards */
	struct worker *workers;    /* all of the pipeline */
	size_t worker_count;
	void (*rouse)(void *context); /* has every source look at `wanted` */
	void *context;

	struct stack reports; /* from workers */
	struct wait_node reports_wait;
	struct counter wanted; /* what sources are asked to cut */
	enum epochs_state state;
	uint64_t epoch;       /* CUTTING, APPENDING: being made; else the newest */
	struct report **held; /* those that are here */
	size_t held_count, reporter_count;
	size_t finals; /* held, or given back */
	struct epoch_part *parts;
	size_t parts_max, part_count;
	uint64_t due_ns;
	uint64_t progress, bytes, awaited; /* the sources', when the last one was begun */
	bool said_full;
	struct counter shown_state, shown_epoch, shown_failure; /* -failure */
};

/* Workers that report have been made (reporting_init() with e->reports and e->wanted) before epochs_begin(). */
void epochs_init(struct epochs *e, const struct epochs_options *options, struct epoch_log *log);
/* The number of the log's newest record. 0 or -ENOMEM. */
int epochs_begin(struct epochs *e, struct worker *workers, size_t worker_count, uint64_t epoch);
void epochs_release(struct epochs *e);

/* It will never be stepped, and no worker reports. */
void epochs_abandon(struct epochs *e);

/* As a worker's. */
enum step epochs_step(struct epochs *e);
bool epochs_is_over(const struct epochs *e);

/* Before sleeping, as worker_arm(). */
void epochs_arm(struct epochs *e, struct waiter *waiter);
void epochs_disarm(struct epochs *e);
