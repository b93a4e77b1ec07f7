#include "daemon/worker.h"
#include "daemon/holding.h"
#include "daemon/inputs.h"
#include "daemon/spilling.h"
#include "daemon/work_units.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOOK_NS UINT64_C(50000000) /* how often a sink that hangs looks whether it is waited for */

/* Epochs */

void worker_raise_barriers(struct worker *w, uint64_t epoch)
{
	for (size_t i = 0; i < w->out_edge_count; i++) {
		struct edge *e = w->out_edges[i].edge;
		barrier_raise(&e->barrier, queue_put_count(&e->queue), epoch);
		waitlist_wake_all(queue_getters(&e->queue));
	}
	w->reporting.epoch = epoch;
}

/* All that it has made is put: notes where its stages are and has everybody below do the same. 0 or -errno. */
static int cut_here(struct worker *w, uint64_t epoch)
{
	if (w->reporting.on) {
		reporting_collect(w); /* that it is back happened before anybody was asked to cut */
		int r = reporting_note(w);
		if (r == 0)
			r = isolation_note(w);
		if (r < 0)
			return r;
		reporting_send(w, epoch);
	}
	worker_raise_barriers(w, epoch);
	return 1;
}

/* A sink goes on while what it wrote before the barrier becomes durable. */
static int sync_and_report(struct worker *w, int stepped)
{
	struct stage *s = &w->nodes[0].stage;
	int r = s->type->sink_sync ? s->type->sink_sync(s, w->reporting.report.deltas) : STEP_DONE;
	if (r < 0) {
		worker_fail(w, r);
		return STEP_MORE;
	}
	if (r == STEP_DONE) {
		reporting_send(w, w->reporting.epoch);
		r = STEP_MORE;
	}
	return r == STEP_MORE ? r : stepped;
}

static bool has_reached_barrier(struct worker *w)
{
	uint64_t epoch;
	return w->reporting.on && w->reporting.cut == CUT_NONE && inputs_at_barrier(w, &epoch);
}

static enum step fail_or_go_on(struct worker *w, int r)
{
	if (r < 0)
		worker_fail(w, r);
	return STEP_MORE;
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

static void become(struct worker *w, enum worker_state state)
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
	become(w, WORKER_ENDED);
	return STEP_DONE;
}

enum step worker_end(struct worker *w)
{
	become(w, WORKER_LEAVING);
	return STEP_MORE;
}

static void begin_failing(struct worker *w)
{
	become(w, WORKER_FAILING);
	holding_give_up(w);
	counter_set(&w->shown_failure, (uint64_t)-w->failure);
	inputs_close(w);
}

static void fail_unit(struct worker *w)
{
	unit_fail_newest(w);
	begin_failing(w);
}

void worker_fail(struct worker *w, int error)
{
	w->failure = error;
	begin_failing(w);
}

/* Its stage has failed: it alone, if it may begin anew. */
static void fail_stage(struct worker *w, int error)
{
	if (isolation_begin(w, error))
		become(w, WORKER_HALTING);
	else
		worker_fail(w, error);
}

void worker_abandon_reader(struct worker *w)
{
	counter_set(&w->out_edges[0].edge->abandoned, 1);
}

/* Sinks that have no part in epochs */

/* What was done before has been handed on already; what was not comes again. */
static void pass_barrier_at_once(struct worker *w)
{
	uint64_t epoch;
	if (!w->in_edges[0].edge->is_passed_at_once || !inputs_any_barrier(w, &epoch))
		return;
	worker_raise_barriers(w, epoch);
	inputs_lower_barriers(w);
}

/* True: it need not finish what it has. */
static bool see_to_no_part(struct worker *w)
{
	struct env *env = w->nodes[0].stage.env;
	if (!w->has_no_part)
		return false;
	pass_barrier_at_once(w);
	w->waits |= WAITS_INPUT; /* or a barrier */
	if (w->state != WORKER_ENDING && counter_get(w->stop) == 0)
		return false;
	env_wake_at(env, env_now_ns(env) + LOOK_NS);
	return counter_get(&w->in_edges[0].edge->abandoned) != 0;
}

static bool readers_gone(const struct worker *w)
{
	for (size_t i = 0; i < w->out_edge_count; i++)
		if (!w->out_edges[i].closed)
			return false;
	return w->out_edge_count > 0;
}

/* Steps */

/* There is an open unit. */
static enum step go_on(struct worker *w, bool retired)
{
	if (!units_supplied(w, 1))
		return retired ? STEP_MORE : STEP_WAIT;
	int r = holding_go_on(w);
	if (r < 0)
		fail_unit(w);
	else
		units_retire(w);
	if (r != STEP_HOLD)
		return STEP_MORE;
	w->waits |= WAITS_OTHER;
	return retired ? STEP_MORE : STEP_WAIT;
}

/* Has stages hand on what is due, with no unit under way; 0: nothing is, at the moment. Else what the step ends with. */
static int hand_on_due(struct worker *w, enum step *ret_step)
{
	int r = holding_due(w);
	*ret_step = r == STEP_WAIT ? STEP_WAIT : STEP_MORE;
	if (r < 0)
		fail_unit(w);
	return r != STEP_DONE;
}

/* Nothing more will come in. */
static enum step end_of_input(struct worker *w)
{
	enum step r;
	holding_end(w);
	if (!readers_gone(w) && hand_on_due(w, &r))
		return r;
	return worker_end(w);
}

static enum step end_cut_short(struct worker *w)
{
	counter_set(&w->shown_cut_short, 1);
	return worker_end(w);
}

/* There is no room for what the source would hand on. */
static enum step attend(struct worker *w)
{
	struct stage *s = &w->nodes[0].stage;
	if (!s->type->source_attend || w->state != WORKER_RUNNING)
		return STEP_WAIT;
	s->stopping = counter_get(w->stop) != 0;
	int r = s->type->source_attend(s);
	if (r < 0)
		fail_stage(w, r);
	else
		w->waits |= WAITS_OTHER;
	return r == STEP_WAIT ? STEP_WAIT : STEP_MORE;
}

static enum step source_step(struct worker *w)
{
	enum step due;
	units_retire(w);
	if (holding_is_open(w)) {
		enum step went = go_on(w, false);
		return went == STEP_WAIT ? attend(w) : went;
	}
	if (w->unit_count > 0)
		return attend(w);
	struct node *head = &w->nodes[0];
	head->stage.stopping = counter_get(w->stop) != 0;
	if (w->state == WORKER_ENDING || readers_gone(w))
		return end_of_input(w);
	if (head->stage.stopping && !head->stage.type->drains)
		return end_cut_short(w);
	if (reporting_is_due(w))
		return fail_or_go_on(w, cut_here(w, counter_get(w->reporting.wanted)));
	if (hand_on_due(w, &due))
		return due;
	if (!units_supplied(w, 1))
		return attend(w);
	unit_begin(w, NULL, 0);
	int r = head->stage.type->source_step(&head->stage, head->outlets);
	if (r < 0 && w->failure == 0 && isolation_begin(w, r)) {
		become(w, WORKER_HALTING);
		return STEP_MORE;
	}
	if (r < 0)
		w->failure = r;
	if (w->failure < 0) {
		fail_unit(w);
		return STEP_MORE;
	}
	units_retire(w);
	reporting_note_progress(w);
	if (r == STEP_DONE) {
		counter_set(&w->shown_cut_short, head->stage.stopping);
		become(w, WORKER_ENDING);
	}
	if (r == STEP_WAIT)
		w->waits |= WAITS_OTHER | WAITS_BATCHES;
	return r == STEP_WAIT ? STEP_WAIT : STEP_MORE;
}

/* Nobody wants what it makes: its input is let go, each ticket in turn; behind a unit that is open, when that is through. */
static bool give_up_input(struct worker *w)
{
	inputs_close(w);
	units_drop(w);
	if (units_retire(w))
		return true;
	return !holding_is_open(w) && w->unit_count < w->units_max && inputs_give_up_ahead(w) &&
	       units_retire(w);
}

/* There is no input now. */
static enum step idle_step(struct worker *w, bool retired)
{
	int passed = inputs_pass_barriers(w, cut_here);
	if (passed != 0)
		return fail_or_go_on(w, passed);
	if (inputs_ended(w) && !inputs_any_ahead(w) && w->unit_count == 0)
		return end_of_input(w);
	return retired ? STEP_MORE : STEP_WAIT;
}

static enum step transform_step(struct worker *w)
{
	bool retired = units_retire(w);
	if (readers_gone(w))
		retired |= give_up_input(w);
	if (holding_is_open(w))
		return go_on(w, retired);
	enum step due;
	if (w->unit_count == 0 && hand_on_due(w, &due))
		return due;
	struct in_edge *from;
	uint64_t ticket;
	struct batch *b = NULL;
	if (units_supplied(w, 1))
		b = inputs_take_ahead(w, &from, &ticket);
	if (!b && (w->unit_count >= w->units_ahead || !units_supplied(w, 1 + w->reserved)))
		return retired ? STEP_MORE : STEP_WAIT;
	if (!b)
		b = inputs_take(w, &from, &ticket);
	if (!b)
		return idle_step(w, retired);
	unit_begin(w, from, ticket);
	units_deliver(w, &w->nodes[0], b);
	if (w->failure < 0)
		fail_unit(w);
	else
		units_retire(w);
	return STEP_MORE;
}

static enum step sink_is_through(struct worker *w)
{
	inputs_close(w);
	inputs_forget_taken(w);
	return worker_end(w);
}

/* What it was given back is to be taken again first, as it was taken before the cut. */
static bool has_cut_hook(const struct worker *w)
{
	return w->nodes[0].stage.type->sink_cut && !taken_has_again(&w->inlet.taken);
}

/* STEP_DONE: everything is written, or its reader went away. */
static int step_sink_stage(struct worker *w)
{
	struct stage *s = &w->nodes[0].stage;
	if (w->state == WORKER_ENDING)
		return s->type->sink_finish(s, &w->inlet);
	if (w->reporting.cut == CUT_WRITING && has_cut_hook(w))
		return s->type->sink_cut(s, &w->inlet, w->reporting.epoch);
	return s->type->sink_step(s, &w->inlet);
}

/* The barrier has come on every input. */
static void begin_cut(struct worker *w)
{
	uint64_t epoch;
	if (w->state != WORKER_RUNNING || !w->reporting.on || w->reporting.cut != CUT_NONE ||
	    !inputs_at_barrier(w, &epoch))
		return;
	reporting_collect(w); /* that it is back happened before the barrier was raised */
	assert(w->reporting.here);
	w->reporting.epoch = epoch;
	w->reporting.cut = CUT_WRITING;
}

static void end_cut(struct worker *w)
{
	worker_raise_barriers(w, w->reporting.epoch);
	inputs_lower_barriers(w);
	w->reporting.cut = CUT_SYNCING;
}

/* Puts what the sink has handed on. False: there is no room for all of it. */
static bool put_handed_on(struct worker *w)
{
	units_retire(w);
	if (w->unit_count == 0)
		inputs_catch_up(w);
	return w->unit_count == 0;
}

static enum step sink_step(struct worker *w)
{
	bool had_room = put_handed_on(w);
	if (see_to_no_part(w)) {
		begin_failing(w); /* though nothing has failed */
		return STEP_MORE;
	}
	if (w->sink_is_through)
		return had_room ? sink_is_through(w) : STEP_WAIT;
	begin_cut(w);
	bool cuts = w->reporting.cut == CUT_WRITING;
	if (w->state == WORKER_RUNNING && !cuts && inlet_ended(&w->inlet))
		become(w, WORKER_ENDING);
	enum worker_state state = w->state;
	bool has_own_cut = cuts && has_cut_hook(w);
	int r = step_sink_stage(w);
	bool is_put = put_handed_on(w);
	if (r < 0) {
		fail_stage(w, r);
		return STEP_MORE;
	}
	if (r == STEP_DONE && !has_own_cut) {
		w->sink_is_through = true;
		return is_put ? sink_is_through(w) : STEP_WAIT;
	}
	if (cuts && is_put && (has_own_cut ? r == STEP_DONE : w->inlet.run_count == 0)) {
		end_cut(w);
		return STEP_MORE;
	}
	if (is_put && !had_room)
		r = STEP_MORE;
	if (w->reporting.cut == CUT_SYNCING && state == WORKER_RUNNING)
		r = sync_and_report(w, r);
	bool free_to_go_on = w->state == WORKER_RUNNING && w->reporting.cut != CUT_WRITING;
	if (free_to_go_on && (inlet_ended(&w->inlet) || has_reached_barrier(w)))
		return STEP_MORE;
	if (r == STEP_WAIT)
		w->waits |= WAITS_OTHER;
	return (enum step)r;
}

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
	int r = let_go(w);
	return r == STEP_DONE ? worker_end(w) : (enum step)r;
}

/* What it made goes on, whatever becomes of it. */
static enum step halting_step(struct worker *w)
{
	units_retire(w);
	if (holding_is_open(w))
		return go_on(w, false);
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
		become(w, WORKER_HALTED);
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
	env_wake_at(w->nodes[0].stage.env, w->isolation.begin_ns);
	w->waits |= WAITS_OTHER;
	return STEP_WAIT;
}

void worker_open_failed(struct worker *w, int error)
{
	if (w->node_count == 1 && isolation_begin(w, error))
		become(w, WORKER_HALTED);
	else
		worker_fail(w, error);
}

void worker_go_on(struct worker *w)
{
	assert(w->state == WORKER_HALTED);
	int r = isolation_open(w);
	if (r == 0)
		become(w, WORKER_RUNNING);
	else if (!isolation_begin(w, r))
		worker_fail(w, r);
}

static enum step step_by_kind(struct worker *w)
{
	switch (w->kind) {
	case STAGE_SOURCE:
		return source_step(w);
	case STAGE_TRANSFORM:
		return w->spilling ? spilling_step(w) : transform_step(w);
	default:
		return sink_step(w);
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
