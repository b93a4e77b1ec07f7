#include "daemon/worker.h"
#include "daemon/spilling.h"
#include "daemon/work_units.h"

static bool arm(struct waitlist *list, struct wait_node *node, struct waiter *waiter)
{
	node->waiter = waiter;
	waitlist_arm(list, node);
	return true;
}

static bool lacks_clones(struct worker *w)
{
	return w->awaited.batches > 0 && !home_has_batches(w->clones, w->awaited.batches);
}

static bool lacks_scratch(struct worker *w)
{
	return w->awaited.buffers > 0 && !home_has_buffers(w->clones, w->awaited.buffers);
}

static bool lacks_input_home(struct worker *w)
{
	return w->home && home_is_awaited(w->home);
}

static bool arm_inputs(struct worker *w, struct waiter *waiter)
{
	bool any = false;
	for (size_t i = 0; i < w->in_edge_count; i++)
		if (!w->in_edges[i].ended)
			any = arm(queue_getters(&w->in_edges[i].edge->queue), &w->in_edges[i].items,
				  waiter);
	return any;
}

static bool arm_outputs(struct worker *w, struct waiter *waiter)
{
	bool any = false;
	for (size_t i = 0; i < w->out_edge_count; i++)
		any =
		    arm(queue_putters(&w->out_edges[i].edge->queue), &w->out_edges[i].room, waiter);
	return any;
}

static bool arm_done(struct worker *w, struct waiter *waiter)
{
	bool any = false;
	for (size_t i = 0; i < w->out_edge_count; i++)
		any =
		    arm(queue_joiners(&w->out_edges[i].edge->queue), &w->out_edges[i].done, waiter);
	return any;
}

static bool arm_homes(struct worker *w, struct waiter *waiter)
{
	bool any = false;
	if (lacks_clones(w))
		any = arm(&w->clones->batches_back.takers, &w->clones_wait, waiter);
	if (lacks_scratch(w))
		any = arm(&w->clones->buffers_back.takers, &w->scratch_wait, waiter);
	if (lacks_input_home(w)) {
		arm(&w->home->batches_back.takers, &w->batches_wait, waiter);
		any = arm(&w->home->buffers_back.takers, &w->buffers_wait, waiter);
	}
	return any;
}

static bool arm_turns(struct worker *w, struct waiter *waiter)
{
	bool any = false;
	for (size_t i = 0; i < w->units_max; i++) {
		struct unit *u = &w->units[i];
		if (unit_awaits_turn(u) && !u->from->turn_wait.waiter)
			any = arm(&u->from->edge->turn.waiting, &u->from->turn_wait, waiter);
	}
	return any;
}

static bool awaits_turn_unarmed(struct worker *w)
{
	for (size_t i = 0; i < w->units_max; i++)
		if (unit_awaits_turn(&w->units[i]) && !w->units[i].from->turn_wait.waiter)
			return true;
	return false;
}

bool worker_arm(struct worker *w, struct waiter *waiter)
{
	bool any = false;
	if (w->waits & WAITS_INPUT)
		any |= arm_inputs(w, waiter);
	if (w->waits & WAITS_ROOM)
		any |= arm_outputs(w, waiter);
	if (w->waits & WAITS_DONE)
		any |= arm_done(w, waiter);
	if (w->waits & WAITS_BATCHES)
		any |= arm_homes(w, waiter);
	if (w->waits & WAITS_TURN)
		any |= arm_turns(w, waiter);
	if (w->reporting.on && !w->reporting.here)
		any |= arm(&w->reporting.back.takers, &w->reporting.back_wait, waiter);
	w->armed = w->waits;
	counter_set(&w->shown_waits, w->waits);
	return any;
}

bool worker_waits_unarmed(struct worker *w)
{
	if (w->waits & ~w->armed & ~(unsigned)(WAITS_OTHER | WAITS_REPORT))
		return true;
	if (w->reporting.on && !w->reporting.here && !w->reporting.back_wait.waiter)
		return true;
	if (w->waits & WAITS_TURN && awaits_turn_unarmed(w))
		return true;
	return w->waits & WAITS_BATCHES && ((lacks_clones(w) && !w->clones_wait.waiter) ||
					    (lacks_scratch(w) && !w->scratch_wait.waiter) ||
					    (lacks_input_home(w) && !w->buffers_wait.waiter));
}

static void disarm(struct waitlist *list, struct wait_node *node)
{
	if (!node->waiter)
		return;
	/* A wake that this worker took may not be used by it (it may wait for something else by now): pass it on. Where
	 * nobody else is armed that is one look. */
	if (waitlist_disarm(list, node))
		waitlist_wake_one(list);
	node->waiter = NULL; /* only now: until it is off the list a waker may be using it */
}

void worker_disarm(struct worker *w)
{
	for (size_t i = 0; i < w->in_edge_count; i++)
		disarm(queue_getters(&w->in_edges[i].edge->queue), &w->in_edges[i].items);
	for (size_t i = 0; i < w->out_edge_count; i++) {
		disarm(queue_putters(&w->out_edges[i].edge->queue), &w->out_edges[i].room);
		disarm(queue_joiners(&w->out_edges[i].edge->queue), &w->out_edges[i].done);
	}
	if (w->clones) {
		disarm(&w->clones->batches_back.takers, &w->clones_wait);
		disarm(&w->clones->buffers_back.takers, &w->scratch_wait);
	}
	if (w->home) {
		disarm(&w->home->batches_back.takers, &w->batches_wait);
		disarm(&w->home->buffers_back.takers, &w->buffers_wait);
	}
	if (w->reporting.on)
		disarm(&w->reporting.back.takers, &w->reporting.back_wait);
	for (size_t i = 0; i < w->in_edge_count; i++)
		disarm(&w->in_edges[i].edge->turn.waiting, &w->in_edges[i].turn_wait);
	counter_set(&w->shown_waits, 0);
}

/* With a barrier raised what is there may not be for it. */
static bool has_input(const struct worker *w)
{
	for (size_t i = 0; i < w->in_edge_count; i++) {
		struct edge *e = w->in_edges[i].edge;
		if (queue_size(&e->queue) > 0 && barrier_at(&e->barrier) == BARRIER_NONE)
			return true;
	}
	return false;
}

static bool has_room(const struct worker *w)
{
	for (size_t i = 0; i < w->out_edge_count; i++) {
		struct edge *e = w->out_edges[i].edge;
		if (!overflow_drops(&e->overflow) &&
		    queue_size(&e->queue) >= queue_capacity(&e->queue))
			return false;
	}
	return true;
}

bool worker_has_reason(const struct worker *w)
{
	if (counter_get(&w->shown_state) == WORKER_ENDED)
		return true;
	switch (counter_get(&w->shown_waits)) {
	case WAITS_INPUT:
		return !has_input(w);
	case WAITS_ROOM:
		return !has_room(w);
	default:
		return true;
	}
}
