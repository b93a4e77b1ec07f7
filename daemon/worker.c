#include "daemon/worker.h"
#include "daemon/holding.h"
#include "daemon/inputs.h"
#include "daemon/spilling.h"
#include "daemon/steps.h"
#include "daemon/work_units.h"

#include <errno.h>

/* Epochs */

int worker_raise_barriers(struct worker *w, uint64_t epoch)
{
	for (size_t i = 0; i < w->out_edge_count; i++) {
		struct edge *e = w->out_edges[i].edge;
		overflow_raise_barrier(e, epoch);
		waitlist_wake_all(queue_getters(&e->queue));
	}
	w->reporting.epoch = epoch;
	return 1;
}

/* Everything is put, or stored: what is there to be remembered? STEP_DONE when it is noted. */
static int note_the_end(struct worker *w)
{
	if (!w->reporting.on || w->failure < 0)
		return STEP_DONE;
	if (!w->reporting.here) {
		w->waits |= WAITS_REPORT;
		return STEP_WAIT;
	}
	struct stage *s = &w->nodes[0].stage;
	int r = STEP_DONE;
	if (w->kind != STAGE_SINK)
		r = reporting_note(w) < 0 ? -ENOMEM : STEP_DONE;
	else if (s->type->sink_sync)
		r = s->type->sink_sync(s, w->reporting.report.deltas);
	if (r == STEP_WAIT)
		w->waits |= WAITS_OTHER;
	if (r < 0)
		worker_fail(w, r);
	return r < 0 ? STEP_MORE : r;
}

/* Ends */

void worker_become(struct worker *w, enum worker_state state)
{
	w->state = state;
	counter_set(&w->shown_state, state);
}

/* Nothing more will be put. */
void worker_let_readers_end(struct worker *w)
{
	if (w->left)
		return;
	w->left = true;
	for (size_t i = 0; i < w->out_edge_count; i++) {
		struct edge *e = w->out_edges[i].edge;
		if (refcount_let_go(&e->producers))
			queue_shutdown(&e->queue);
	}
}

/* What was committed last is carried to its end. STEP_DONE when it is. */
static int settle(struct worker *w)
{
	struct stage *s = &w->nodes[0].stage;
	bool is_committed = w->reporting.on && w->reporting.report.committed > 0;
	if (!is_committed || w->failure < 0 || !s->type->settle)
		return STEP_DONE;
	int r = s->type->settle(s);
	if (r == STEP_WAIT)
		w->waits |= WAITS_OTHER;
	if (r < 0)
		worker_fail(w, r);
	return r < 0 ? STEP_MORE : r;
}

static enum step leave(struct worker *w)
{
	if (!w->reporting.final_sent) {
		int noted = note_the_end(w);
		if (noted != STEP_DONE)
			return (enum step)noted;
	}
	if (!reporting_send_final(w))
		return STEP_WAIT;
	worker_let_readers_end(w);
	if (!reporting_is_over(w))
		return STEP_WAIT;
	int settled = settle(w);
	if (settled != STEP_DONE)
		return (enum step)settled;
	worker_become(w, WORKER_ENDED);
	return STEP_DONE;
}

enum step worker_end(struct worker *w)
{
	worker_become(w, WORKER_LEAVING);
	return STEP_MORE;
}

void worker_give_up(struct worker *w)
{
	worker_become(w, WORKER_FAILING);
	holding_give_up(w);
	counter_set(&w->shown_failure, (uint64_t)-w->failure);
	inputs_close(w);
}

void worker_fail_unit(struct worker *w)
{
	unit_fail_newest(w);
	worker_give_up(w);
}

void worker_fail(struct worker *w, int error)
{
	w->failure = error;
	worker_give_up(w);
}

void worker_fail_stage(struct worker *w, int error)
{
	if (isolation_begin(w, error))
		worker_become(w, WORKER_HALTING);
	else
		worker_fail(w, error);
}

void worker_abandon_reader(struct worker *w)
{
	counter_set(&w->out_edges[0].edge->abandoned, 1);
}

/* Failures */

/* STEP_WAIT as long as the sink has batches that it cannot free yet. */
static int let_go(struct worker *w)
{
	struct stage *s = &w->nodes[0].stage;
	if (w->spilling)
		spilling_let_go(w);
	bool holds = w->kind == STAGE_SINK && w->nodes[0].opened && s->type->sink_let_go;
	int r = holds ? s->type->sink_let_go(s) : STEP_DONE;
	if (r != STEP_DONE)
		w->waits |= WAITS_OTHER;
	return r;
}

/* What was made before the failure still goes on, in turn. */
static enum step failing_step(struct worker *w)
{
	units_retire(w);
	if (w->unit_count > 0)
		return STEP_WAIT;
	if (inputs_give_up_ahead(w))
		return STEP_MORE;
	inputs_forget_taken(w);
	inputs_tell_siblings(w);
	int r = let_go(w);
	return r == STEP_DONE ? worker_end(w) : (enum step)r;
}

/* What it made goes on, whatever becomes of it. */
static enum step halting_step(struct worker *w)
{
	steps_pass_barrier_at_once(w);
	units_retire(w);
	if (holding_is_open(w))
		return steps_go_on(w, false);
	if (w->unit_count > 0)
		return STEP_WAIT;
	if (w->kind == STAGE_SINK)
		inputs_catch_up(w);
	int r = isolation_halt(w);
	if (r == STEP_WAIT)
		return STEP_WAIT;
	if (r < 0)
		worker_fail(w, w->isolation.failure);
	else
		worker_become(w, WORKER_HALTED);
	return STEP_MORE;
}

/* All that it has emitted is noted, so that a cut is as good here as anywhere. */
static enum step halted_step(struct worker *w)
{
	if (w->kind == STAGE_SOURCE && reporting_is_due(w)) {
		uint64_t epoch = counter_get(w->reporting.wanted);
		reporting_send(w, epoch);
		worker_raise_barriers(w, epoch);
		return STEP_MORE;
	}
	steps_pass_barrier_at_once(w);
	env_wake_at(w->nodes[0].stage.env, w->isolation.begin_ns);
	w->waits |= WAITS_OTHER;
	return STEP_WAIT;
}

void worker_open_failed(struct worker *w, int error)
{
	if (w->node_count == 1 && isolation_begin(w, error))
		worker_become(w, WORKER_HALTED);
	else
		worker_fail(w, error);
}

void worker_go_on(struct worker *w)
{
	assert(w->state == WORKER_HALTED);
	int r = isolation_open(w);
	if (r == 0)
		worker_become(w, WORKER_RUNNING);
	else if (!isolation_begin(w, r))
		worker_fail(w, r);
}

/* Steps */

static enum step step_by_kind(struct worker *w)
{
	switch (w->kind) {
	case STAGE_SOURCE:
		return steps_of_source(w);
	case STAGE_TRANSFORM:
		return w->spilling ? spilling_step(w) : steps_of_transform(w);
	default:
		return steps_of_sink(w);
	}
}

static enum step step_by_state(struct worker *w)
{
	switch (w->state) {
	case WORKER_FAILING:
		return failing_step(w);
	case WORKER_HALTING:
		return halting_step(w);
	case WORKER_HALTED:
		return halted_step(w);
	case WORKER_LEAVING:
		return leave(w);
	case WORKER_ENDED:
		return STEP_DONE;
	default:
		return step_by_kind(w);
	}
}

enum step worker_step(struct worker *w)
{
	w->waits = 0;
	w->awaited = (struct supply){0};
	reporting_collect(w);
	enum step r = step_by_state(w);
	if (r != STEP_MORE)
		units_tell_readers(w);
	return r;
}

/* Opening and closing */

int worker_open(struct worker *w)
{
	for (size_t i = 0; i < w->node_count; i++) {
		struct stage *s = &w->nodes[i].stage;
		w->nodes[i].opened = true;
		int r = s->type->open ? s->type->open(s) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

void worker_close(struct worker *w)
{
	for (size_t i = w->node_count; i-- > 0;) {
		struct stage *s = &w->nodes[i].stage;
		if (w->nodes[i].opened && s->type->close)
			s->type->close(s);
		w->nodes[i].opened = false;
	}
}

const char *worker_status(const struct worker *w)
{
	static const char *const states[] = {
	    "running", "ending", "failing", "halting", "waits to begin anew", "leaving", "ended"};
	uint64_t state = counter_get(&w->shown_state), waits = counter_get(&w->shown_waits);
	if (state != WORKER_RUNNING || waits == 0)
		return states[state];
	if (waits & WAITS_ROOM)
		return "waits for room below";
	if (waits & WAITS_TURN)
		return "waits for its turn";
	if (waits & WAITS_INPUT)
		return "waits for input";
	if (waits & WAITS_REPORT)
		return "waits for its epoch to be committed";
	return waits & WAITS_OTHER ? "waits for I/O or a moment" : "waits for batches to come back";
}
