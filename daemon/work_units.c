#include "daemon/work_units.h"

#include <errno.h>

enum { UNTOLD_MAX = 8 }; /* batches */

/* Units */

static struct unit *free_unit(struct worker *w)
{
	assert(w->unit_count < w->units_max);
	struct unit *u = w->units;
	while (u->used)
		u++;
	return u;
}

bool units_supplied(struct worker *w, size_t times)
{
	struct supply wanted = {times * w->at_most.batches, times * w->at_most.buffers};
	if (!w->clones || (home_has_batches(w->clones, wanted.batches) &&
			   home_has_buffers(w->clones, wanted.buffers)))
		return true;
	w->waits |= WAITS_BATCHES;
	w->awaited = wanted;
	return false;
}

void unit_begin(struct worker *w, struct in_edge *from, uint64_t ticket)
{
	struct unit *u = free_unit(w);
	w->unit_count++;
	w->newest_unit = u;
	u->used = true;
	u->from = from;
	u->ticket = ticket;
	u->failed = false;
	u->open = false;
}

/* Waking a reader costs more than many a batch, so a worker that goes on at once wakes it for a few batches together;
 * one that is about to wait has told its readers of everything. */
static void tell_readers(struct out_edge *out)
{
	if (out->untold > 0)
		queue_tell_getters(&out->edge->queue);
	out->untold = 0;
}

void units_tell_readers(struct worker *w)
{
	for (size_t i = 0; i < w->out_edge_count; i++)
		tell_readers(&w->out_edges[i]);
}

/* As queue_try_put(); where that drops, there is room, or there is in a moment. */
static int put(struct worker *w, struct out_edge *out, struct batch *b)
{
	int r = queue_try_put_untold(&out->edge->queue, b);
	if (r == -EAGAIN && overflow_drops(&out->edge->overflow))
		return overflow_put(w, out, b);
	if (out->telling.dropped > 0)
		overflow_look(w, out);
	return r;
}

int out_edge_put(struct worker *w, struct out_edge *out, struct batch *b)
{
	int r = put(w, out, b);
	out->closed |= r == -ESHUTDOWN;
	if (r == 0)
		overflow_tell_putters(out->edge);
	if (r == 0 && ++out->untold == UNTOLD_MAX)
		tell_readers(out);
	return r;
}

/* Puts the list into its queue as far as there is room. True when it is empty. */
static bool put_list(struct worker *w, size_t edge_index, struct batch_list *l)
{
	struct out_edge *out = &w->out_edges[edge_index];
	while (l->first && !out->closed) {
		struct batch *b = batch_list_take(l);
		int r = out_edge_put(w, out, b);
		if (r < 0)
			batch_list_put_first(l, b);
		if (r == -EAGAIN) {
			w->waits |= WAITS_ROOM;
			return false;
		}
	}
	batch_list_drop(l);
	return true;
}

static bool put_unit(struct worker *w, struct unit *u)
{
	bool all = true;
	for (size_t i = 0; i < w->out_edge_count; i++)
		all &= put_list(w, i, &u->lists[i]);
	return all;
}

static void unit_drop(struct worker *w, struct unit *u)
{
	for (size_t i = 0; i < w->out_edge_count; i++)
		batch_list_drop(&u->lists[i]);
}

void unit_fail_newest(struct worker *w)
{
	unit_drop(w, w->newest_unit);
	w->newest_unit->failed = true;
	w->newest_unit->open = false;
}

static bool takes_turns(const struct unit *u)
{
	return u->from && u->from->edge->turns;
}

bool unit_awaits_turn(const struct unit *u)
{
	return u->used && takes_turns(u) && !turn_is(&u->from->edge->turn, u->ticket);
}

/* The unit's turn has come, or was broken: then what stands before it is missing. True when it is put or dropped. */
static bool settle_in_turn(struct worker *w, struct unit *u)
{
	struct turn *turn = &u->from->edge->turn;
	if (u->failed) {
		turn_break(turn, u->ticket);
	} else if (turn_is_broken(turn)) {
		unit_drop(w, u);
	} else {
		if (!put_unit(w, u))
			return false;
		turn_pass(turn, u->ticket);
	}
	return true;
}

/* As much of it as there is, in its turn: what comes behind needs the room. */
static void put_open_unit(struct worker *w, struct unit *u)
{
	if (takes_turns(u) && turn_is_broken(&u->from->edge->turn))
		unit_drop(w, u);
	else
		put_unit(w, u);
}

/* True when it is through. */
static bool retire_unit(struct worker *w, struct unit *u)
{
	if (unit_awaits_turn(u)) {
		w->waits |= WAITS_TURN;
		return false;
	}
	if (u->open) {
		put_open_unit(w, u);
		return false;
	}
	if (takes_turns(u) ? !settle_in_turn(w, u) : !put_unit(w, u))
		return false;
	if (u->from) {
		int r = queue_task_done(&u->from->edge->queue, 1);
		assert(r == 0);
		(void)r;
	}
	u->used = false;
	w->unit_count--;
	return true;
}

/* One may be the next whose turn it is after another of the same worker. */
bool units_retire(struct worker *w)
{
	bool any = false, again = w->unit_count > 0;
	while (again) {
		again = false;
		for (size_t i = 0; i < w->units_max; i++)
			again |= w->units[i].used && retire_unit(w, &w->units[i]);
		any |= again;
	}
	return any;
}

void units_drop(struct worker *w)
{
	for (size_t i = 0; i < w->units_max; i++)
		unit_drop(w, &w->units[i]);
}

/* Emission */

void units_deliver(struct worker *w, struct node *n, struct batch *b)
{
	counter_add(&n->stage.counters->records_in, b->count);
	counter_add(&n->stage.counters->bytes_in, b->bytes_total);
	int r = n->stage.type->transform_apply(&n->stage, b, n->outlets);
	if (r < 0 && w->failure == 0)
		w->failure = r;
	if (r == STEP_MORE || r == STEP_HOLD)
		n->holds = w->newest_unit->open = true;
}

static void deliver(struct outlet *out, size_t reader, struct batch *b)
{
	struct worker *w = out->worker;
	if (reader < out->node_count) {
		units_deliver(w, out->nodes[reader], b);
		return;
	}
	size_t edge = out->out_edges[reader - out->node_count];
	if (w->out_edges[edge].closed)
		batch_free(&b);
	else
		batch_list_add(&w->newest_unit->lists[edge], b);
}

struct outlet *outlet_of(struct outlet *out, unsigned output)
{
	const struct node *n = out->node;
	if (output >= n->outlet_count)
		return NULL;
	struct outlet *o = &n->outlets[output];
	return o->node_count + o->out_edge_count > 0 ? o : NULL;
}

void emit(struct outlet *out, struct batch **owned)
{
	struct batch *b = *owned;
	*owned = NULL;
	if (!b->source)
		b->source = out->node->stage.id;
	if (out->counters) {
		counter_add(&out->counters->records_out, b->count);
		counter_add(&out->counters->bytes_out, b->bytes_total);
	}
	size_t readers = out->node_count + out->out_edge_count;
	if (b->count == 0 || readers == 0) {
		batch_free(&b);
		return;
	}
	for (size_t i = 0; i + 1 < readers; i++) {
		struct batch *copy = batch_clone(out->worker->clones, b);
		assert(copy && "a worker takes input only when it has clones enough for it");
		deliver(out, i, copy);
	}
	deliver(out, readers - 1, b);
}
