/* reporting.h - a worker's side of an epoch: what its stages want remembered goes to the coordinator, and comes back as
 * a report that is committed.
 *
 *   HERE --reporting_send--> with the coordinator --committed, or given up--> back --reporting_collect--> HERE
 *
 * Sources, sinks and transforms with a state have one; it is one structure that goes to and fro, so what it holds is
 * always somebody's alone. The last report of a worker is `final`: it stands for every epoch from then on.
 *
 * Threads: the worker's, save where it is the coordinator's (daemon/epochs.h). Memory: deltas grow as needed.
 * Layer: daemon. */
#pragma once

#include "ringbuf/counter.h"
#include "ringbuf/stack.h"
#include "stages/delta.h"

struct worker;

struct report {
	struct stack_node node;
	struct worker *worker;
	uint64_t epoch; /* it belongs to; 0: none, it is final */
	bool final;     /* nothing will follow */
	bool failed;    /* nothing that it ought to cover may be committed */
	bool counted;   /* the coordinator's: it is in the newest record */
	uint64_t
	    committed; /* on its way back: in which epoch's record it is; 0: in none, and never will be */
	struct delta *deltas; /* by node of the worker */
};

enum cut {
	CUT_NONE,
	CUT_WRITING, /* a sink: what was taken is on its way; nothing more is taken */
	CUT_SYNCING, /* a sink: what was taken is written and becomes durable; it goes on meanwhile */
};

struct reporting {
	bool on; /* if not, none of the rest is used */
	bool here;
	bool final_sent, ended;
	enum cut cut;
	uint64_t epoch; /* the last one that this worker has cut */
	struct report report;
	struct stack back; /* from the coordinator */
	struct wait_node back_wait;
	struct stack *to;             /* the coordinator's */
	const struct counter *wanted; /* the epoch that sources are asked to cut */
	/* A source: wakes the coordinator when so much has come, or when it awaits an epoch. */
	uint64_t bytes_max, bytes_told, awaited_told;
};

/* 0 or -ENOMEM. */
int reporting_init(struct worker *w, struct stack *to, const struct counter *wanted,
		   uint64_t bytes_max);
void reporting_release(struct worker *w);

/* Takes back what has come back, and tells the stages what was committed. */
void reporting_collect(struct worker *w);

/* A source: asked to cut, and able to report it. Notes what it waits for if only that is missing. */
bool reporting_is_due(struct worker *w);

/* A source has read: has the coordinator look when it was much. */
void reporting_note_progress(struct worker *w);

/* Has every stage of the worker say what has changed. 0 or -errno. */
int reporting_note(struct worker *w);

void reporting_send(struct worker *w, uint64_t epoch);

/* Sends the final report, once it is here; true when that is done. */
bool reporting_send_final(struct worker *w);

/* True when the final report has been dealt with. */
bool reporting_is_over(struct worker *w);
