#include "daemon/steps.h"
#include "daemon/holding.h"
#include "daemon/inputs.h"
#include "daemon/work_units.h"

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
	return worker_raise_barriers(w, epoch);
}

static enum step fail_or_go_on(struct worker *w, int r)
{
	if (r < 0)
		worker_fail(w, r);
	return STEP_MORE;
}

static bool readers_gone(const struct worker *w)
{
	for (size_t i = 0; i < w->out_edge_count; i++)
		if (!w->out_edges[i].closed)
			return false;
	return w->out_edge_count > 0;
}

/* There is an open unit. */
enum step steps_go_on(struct worker *w, bool retired)
{
	if (!units_supplied(w, 1))
		return retired ? STEP_MORE : STEP_WAIT;
	int r = holding_go_on(w);
	if (r < 0)
		worker_fail_unit(w);
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
		worker_fail_unit(w);
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

/* Sources */

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
		worker_fail_stage(w, r);
	else
		w->waits |= WAITS_OTHER;
	reporting_note_progress(w);
	return r == STEP_WAIT ? STEP_WAIT : STEP_MORE;
}

/* There are supplies for what it hands on. */
static enum step step_source_stage(struct worker *w)
{
	struct node *head = &w->nodes[0];
	unit_begin(w, NULL, 0);
	int r = head->stage.type->source_step(&head->stage, head->outlets);
	if (r < 0 && w->failure == 0 && isolation_begin(w, r)) {
		worker_become(w, WORKER_HALTING);
		return STEP_MORE;
	}
	if (r < 0)
		w->failure = r;
	if (w->failure < 0) {
		worker_fail_unit(w);
		return STEP_MORE;
	}
	units_retire(w);
	reporting_note_progress(w);
	if (r == STEP_DONE) {
		counter_set(&w->shown_cut_short, head->stage.stopping);
		worker_become(w, WORKER_ENDING);
	}
	if (r == STEP_WAIT)
		w->waits |= WAITS_OTHER | WAITS_BATCHES;
	return r == STEP_WAIT ? STEP_WAIT : STEP_MORE;
}

enum step steps_of_source(struct worker *w)
{
	struct stage *s = &w->nodes[0].stage;
	enum step due;
	units_retire(w);
	if (holding_is_open(w)) {
		enum step went = steps_go_on(w, false);
		return went == STEP_WAIT ? attend(w) : went;
	}
	if (w->unit_count > 0)
		return attend(w);
	s->stopping = counter_get(w->stop) != 0;
	if (w->state == WORKER_ENDING || readers_gone(w))
		return end_of_input(w);
	if (s->stopping && !s->type->drains)
		return end_cut_short(w);
	if (reporting_is_due(w))
		return fail_or_go_on(w, cut_here(w, counter_get(w->reporting.wanted)));
	if (hand_on_due(w, &due))
		return due;
	return units_supplied(w, 1) ? step_source_stage(w) : attend(w);
}

/* Transforms */

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

enum step steps_of_transform(struct worker *w)
{
	bool retired = units_retire(w);
	if (readers_gone(w))
		retired |= give_up_input(w);
	if (holding_is_open(w))
		return steps_go_on(w, retired);
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
		worker_fail_unit(w);
	else
		units_retire(w);
	return STEP_MORE;
}
