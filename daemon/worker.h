/* worker.h - one running instance of a group of the plan: its head stage, the stages fused into it, and the ends of the
 * queues on both sides.
 *
 *   in_edge -> inlet -> head -> outlet -+-> fused -> outlet -> out_edge      out_edge: the producer's end of a queue
 *   in_edge ->                          +-> out_edge                         in_edge: the consumer's end
 *
 * What one input batch becomes is a unit: it is put into the queues below whole and in order, then its input is marked
 * done. Workers that share ordered input (`workers: N`) draw a ticket with each batch and put their units when the
 * ticket is called (ringbuf/turn.h); meanwhile each may work on a few units ahead.
 *
 *   RUNNING --input ended, stop, readers gone--> ENDING --all put, sink finished--> LEAVING --last report, settled--> ENDED
 *      \------- a stage failed ------> FAILING: inputs shut down, units before it put ----^
 *
 * Epochs: a source that is asked to cut notes where it is and raises a barrier in each queue it feeds; a transform passes
 * the barriers on once it and its siblings are through with what came before; a sink writes and syncs what came before, and
 * passes the barrier on to those who get what it could not store.
 *
 * What a sink gets is unbroken: of a unit that failed nothing goes on, nor of what was drawn after it by any worker.
 *
 * Threads: its runner's, save worker_status(). Memory: pipeline.h makes and releases it. Layer: daemon. */
#pragma once

#include "daemon/isolation.h"
#include "daemon/overflow.h"
#include "daemon/reporting.h"
#include "daemon/step_watch.h"
#include "daemon/taken.h"
#include "ringbuf/barrier.h"
#include "ringbuf/queue.h"
#include "ringbuf/turn.h"
#include "stages/batch_list.h"
#include "stages/stage.h"

struct worker;

/* A queue between two groups. */
struct edge {
	struct queue queue;
	struct refcount producers; /* the last one to end shuts the queue down */
	struct turn turn;          /* of the consumers, if they are several and ordered */
	bool turns;
	struct barrier barrier; /* where an epoch ends */
	struct overflow overflow;
	size_t held_max; /* a sink has no more batches of it at a time; 0: as many as it likes */
	/* Of one below a spilling, whose reader has no part in epochs: the barriers on it are passed on at once; if not, there are none. */
	bool is_passed_at_once;
	struct counter abandoned; /* 1: nobody waits for the reader any more */
};

struct in_edge {
	struct edge *edge;
	struct wait_node items; /* on the queue's getters */
	bool ended;
	struct batch *ahead; /* got, and found to lie behind the barrier */
	uint64_t ahead_position, ahead_ticket;
	uint64_t crossed;           /* mark of the barrier that is being passed on */
	struct wait_node turn_wait; /* on the edge's turn */
	struct counter held;        /* a sink's: batches taken and not yet given back */
};

/* What the workers of one group share. */
struct crew {
	pthread_mutex_t passing; /* held while barriers are passed on, by one for all */
};

struct out_edge {
	struct edge *edge;
	struct wait_node room; /* on the queue's putters */
	size_t untold;         /* put since its readers were last woken */
	struct wait_node done; /* on the queue's joiners */
	bool closed;           /* nobody reads any more */
	struct overflow_telling telling;
};

enum { UNITS_AHEAD = 4 };

struct unit {
	bool used;
	struct in_edge *from; /* NULL for what a source emits */
	uint64_t ticket;
	bool failed; /* nothing is in it; the turn ends with it */
	bool open;   /* more is to come: it may be put, but is not through (daemon/holding.h) */
	struct batch_list *lists; /* by out_edge */
};

struct node;

struct outlet {
	struct node *node; /* whose it is */
	struct worker *worker;
	struct stage_counters *
	    counters; /* of the stage that emits; NULL: a sink, whose output is what it has stored */
	struct node **nodes; /* fused readers */
	size_t node_count;
	size_t *out_edges; /* readers behind a queue, as indices into worker.out_edges */
	size_t out_edge_count;
};

/* A stage's instance in this worker. */
struct node {
	struct stage stage;
	struct outlet *outlets; /* by output; the main one first */
	unsigned outlet_count;
	const char *remembered_as; /* the pipeline's; NULL: there are no epochs */
	bool opened;
	bool holds; /* more of the open unit: transform_apply() said so */
};

/* n batches taken in a row from one queue and not yet done. */
struct taken_run {
	struct in_edge *from;
	size_t count;
};

enum { TAKEN_RUNS_MAX = 256 };

struct inlet {
	struct worker *worker;
	struct taken_run runs[TAKEN_RUNS_MAX]; /* a ring, oldest first */
	size_t first_run, run_count;
	size_t done_later; /* batches: what they became has not been put yet */
	struct taken taken;
};

/* What a worker that can't go on waits for; bits. */
enum wait {
	WAITS_INPUT = 1,
	WAITS_ROOM = 2,
	WAITS_TURN = 4,
	WAITS_BATCHES = 8, /* free ones, to come back from below */
	WAITS_OTHER = 16,  /* I/O or a moment: its stage knows */
	WAITS_REPORT = 32, /* its report, to come back from the coordinator */
	WAITS_DONE = 64,   /* all that it has handed on to be done */
};

enum worker_state {
	WORKER_RUNNING,
	WORKER_ENDING,
	WORKER_FAILING,
	WORKER_HALTING, /* its stage has failed and begins anew: daemon/isolation.h */
	WORKER_HALTED,
	/* All is put or stored, the last report is to be made and committed; a sink settles. */
	WORKER_LEAVING,
	WORKER_ENDED,
};

/* Of a home. */
struct supply {
	size_t batches, buffers;
};

struct spilling; /* daemon/spilling.h */

struct worker {
	char name[72];
	enum stage_kind kind;
	enum worker_state state;
	int failure; /* -errno of the stage that failed */

	struct node *nodes; /* [0] is the head's */
	size_t node_count;
	struct inlet inlet;
	struct in_edge *in_edges;
	size_t in_edge_count, next_in;
	struct out_edge *out_edges;
	size_t out_edge_count;
	struct crew *crew;
	struct reporting reporting;
	struct isolation isolation;
	bool left;            /* LEAVING: its readers have been told that nothing will come */
	bool sink_is_through; /* and what it handed on last is yet to be put */

	/* A unit is put when its turn on its own edge has come, whatever the others wait for. Workers that take turns may
	 * have units_ahead of them and draw no more; room for one of each input on top is kept for what was got `ahead`, as
	 * somebody may wait for just that ticket. */
	struct unit *units, *newest_unit;
	size_t unit_count, units_ahead, units_max;

	struct spilling *spilling; /* NULL: it is another one */
	bool has_no_part;    /* in epochs: a sink behind a spilling that stores nothing for good */
	struct home *home;   /* for input, or what comes back from disk */
	struct home *clones; /* for fan-out, and text that is made; NULL: none needed */
	struct supply at_most; /* for one batch taken */
	size_t
	    reserved; /* so often that is kept back from what is drawn anew, for what was got `ahead` */
	struct supply awaited;

	struct wait_node batches_wait, buffers_wait, clones_wait, scratch_wait;
	unsigned waits;             /* since the last step */
	unsigned armed;             /* what worker_arm() has seen to */
	const struct counter *stop; /* not 0: sources end */
	struct counter shown_waits; /* waits and state, for worker_status() */
	struct counter shown_state;
	struct counter shown_failure;   /* -failure */
	struct counter shown_cut_short; /* 1: a source that was stopped; there may have been more */
	struct slow_steps slow_steps;   /* its runner's to see to */
};

/* Opens the stages. 0 or -errno. */
int worker_open(struct worker *w);
/* Closes the stages; nothing may be in flight. */
void worker_close(struct worker *w);

/* Does what can be done now: STEP_MORE, STEP_WAIT, or STEP_DONE when it has ended (w->failure says how). */
enum step worker_step(struct worker *w);

/* The parts of a worker's life that its steps see to (daemon/steps.h, daemon/spilling.h). */
void worker_become(struct worker *w, enum worker_state state);
/* In each queue below. 1: for inputs_cross_barriers(). */
int worker_raise_barriers(struct worker *w, uint64_t epoch);
enum step worker_end(struct worker *w);
void worker_let_readers_end(struct worker *w);
/* The one reader need not finish what it has. */
void worker_abandon_reader(struct worker *w);
/* Its stage has failed: it alone, if it may begin anew. */
void worker_fail_stage(struct worker *w, int error);
/* A stage could make nothing of the newest unit: w->failure says so. */
void worker_fail_unit(struct worker *w);
/* What it has is let go, as if it had failed. */
void worker_give_up(struct worker *w);

/* Fails it from outside (its stages could not be opened). */
void worker_fail(struct worker *w, int error);

/* worker_open() has. */
void worker_open_failed(struct worker *w, int error);

/* HALTED, closed and due: opens the stage and goes on; or halts once more, or fails. */
void worker_go_on(struct worker *w);

/* Before sleeping: puts waiter on the lists of what the last step waits for. True if it was put on any: then
 * waiter_barrier() and another step are needed before sleep. */
bool worker_arm(struct worker *w, struct waiter *waiter);
void worker_disarm(struct worker *w);
/* After arming and another step: true if it waits for something now that it did not wait for when it was armed (its turn
 * has come, but there is no room). Then it must not sleep. */
bool worker_waits_unarmed(struct worker *w);

/* Of one that sleeps: false if what it waits for is plainly there, so that it ought to have been woken. Any thread; a
 * wake may be on its way, so only the second answer counts. */
bool worker_has_reason(const struct worker *w);

/* Its state and what it waits for, in a few words. Any thread. */
const char *worker_status(const struct worker *w);
