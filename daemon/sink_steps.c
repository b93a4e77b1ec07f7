#include "daemon/steps.h"
#include "daemon/inputs.h"
#include "daemon/work_units.h"

#define LOOK_NS UINT64_C(50000000) /* how often a sink that hangs looks whether it is waited for */

/* Those that have no part in epochs */

/* What was done before has been handed on already; what was not comes again. */
void steps_pass_barrier_at_once(struct worker *w)
{
	uint64_t epoch;
	if (!w->has_no_part)
		return;
	w->waits |= WAITS_INPUT; /* or a barrier */
	if (!w->in_edges[0].edge->is_passed_at_once || !inputs_any_barrier(w, &epoch))
		return;
	inputs_cross_barriers(w, epoch, worker_raise_barriers);
}

/* True: it need not finish what it has. */
static bool see_to_no_part(struct worker *w)
{
	struct env *env = w->nodes[0].stage.env;
	steps_pass_barrier_at_once(w);
	if (!w->has_no_part)
		return false;
	if (w->state != WORKER_ENDING && counter_get(w->stop) == 0)
		return false;
	env_wake_at(env, env_now_ns(env) + LOOK_NS);
	return counter_get(&w->in_edges[0].edge->abandoned) != 0;
}

/* Cuts */

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
	inputs_cross_barriers(w, w->reporting.epoch, worker_raise_barriers);
	w->reporting.cut = CUT_SYNCING;
}

/* Steps */

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

/* Puts what the sink has handed on. False: there is no room for all of it. */
static bool put_handed_on(struct worker *w)
{
	units_retire(w);
	if (w->unit_count == 0)
		inputs_catch_up(w);
	return w->unit_count == 0;
}

/* The stage has stepped, and is not through. */
static enum step go_on_or_wait(struct worker *w, int stepped, bool was_running)
{
	int r = stepped;
	if (w->reporting.cut == CUT_SYNCING && was_running)
		r = sync_and_report(w, r);
	bool free_to_go_on = w->state == WORKER_RUNNING && w->reporting.cut != CUT_WRITING;
	if (free_to_go_on && (inlet_ended(&w->inlet) || has_reached_barrier(w)))
		return STEP_MORE;
	if (r == STEP_WAIT)
		w->waits |= WAITS_OTHER;
	return (enum step)r;
}

enum step steps_of_sink(struct worker *w)
{
	bool had_room = put_handed_on(w);
	if (see_to_no_part(w)) {
		worker_give_up(w); /* though nothing has failed */
		return STEP_MORE;
	}
	if (w->sink_is_through)
		return had_room ? sink_is_through(w) : STEP_WAIT;
	begin_cut(w);
	bool cuts = w->reporting.cut == CUT_WRITING;
	if (w->state == WORKER_RUNNING && !cuts && inlet_ended(&w->inlet))
		worker_become(w, WORKER_ENDING);
	enum worker_state state = w->state;
	bool has_own_cut = cuts && has_cut_hook(w);
	int r = step_sink_stage(w);
	bool is_put = put_handed_on(w);
	if (r < 0) {
		worker_fail_stage(w, r);
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
	return go_on_or_wait(w, is_put && !had_room ? STEP_MORE : r, state == WORKER_RUNNING);
}
