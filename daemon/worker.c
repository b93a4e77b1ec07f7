#include "daemon/worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { UNTOLD_MAX = 8 }; /* batches */

/* Lists of batches */

static void list_add(struct batch_list *l, struct batch *b)
{
	b->next = NULL;
	if (l->last)
		l->last->next = b;
	else
		l->first = b;
	l->last = b;
}

static struct batch *list_take(struct batch_list *l)
{
	struct batch *b = l->first;
	l->first = b->next;
	if (!l->first)
		l->last = NULL;
	return b;
}

static void list_drop(struct batch_list *l)
{
	while (l->first) {
		struct batch *b = list_take(l);
		batch_free(&b);
	}
}

/* Units */

static struct unit *unit_at(struct worker *w, size_t i)
{
	return &w->units[(w->first_unit + i) % w->units_max];
}

static struct unit *newest_unit(struct worker *w)
{
	assert(w->unit_count > 0);
	return unit_at(w, w->unit_count - 1);
}

static void begin_unit(struct worker *w, struct in_edge *from, uint64_t ticket)
{
	assert(w->unit_count < w->units_max);
	w->unit_count++;
	struct unit *u = newest_unit(w);
	u->from = from;
	u->ticket = ticket;
	u->failed = false;
}

/* Waking a reader costs more than many a batch, so a worker that goes on at once wakes it for a few batches together;
 * one that is about to wait has told its readers of everything. */
static void tell_readers(struct out_edge *out)
{
	if (out->untold > 0)
		queue_tell_getters(&out->edge->queue);
	out->untold = 0;
}

static void tell_all_readers(struct worker *w)
{
	for (size_t i = 0; i < w->out_edge_count; i++)
		tell_readers(&w->out_edges[i]);
}

/* Puts the list into its queue as far as there is room. True when it is empty. */
static bool put_list(struct worker *w, size_t edge_index, struct batch_list *l)
{
	struct out_edge *out = &w->out_edges[edge_index];
	while (l->first && !out->closed) {
		struct batch *next =
		    l->first->next; /* the reader may have it as soon as it is in */
		int r = queue_try_put_untold(&out->edge->queue, l->first);
		if (r == -EAGAIN) {
			w->waits |= WAITS_ROOM;
			return false;
		}
		if (r == -ESHUTDOWN) {
			out->closed = true;
			break;
		}
		l->first = next;
		if (++out->untold == UNTOLD_MAX)
			tell_readers(out);
	}
	if (!l->first)
		l->last = NULL;
	list_drop(l);
	return true;
}

static bool put_unit(struct worker *w, struct unit *u)
{
	bool all = true;
	for (size_t i = 0; i < w->out_edge_count; i++)
		all &= put_list(w, i, &u->lists[i]);
	return all;
}

static void drop_unit(struct worker *w, struct unit *u)
{
	for (size_t i = 0; i < w->out_edge_count; i++)
		list_drop(&u->lists[i]);
}

/* The unit's turn has come, or was broken: then what stands before it is missing. True when it is put or dropped. */
static bool settle_in_turn(struct worker *w, struct unit *u)
{
	struct turn *turn = &u->from->edge->turn;
	if (u->failed) {
		turn_break(turn, u->ticket);
	} else if (turn_is_broken(turn)) {
		drop_unit(w, u);
	} else {
		if (!put_unit(w, u))
			return false;
		turn_pass(turn, u->ticket);
	}
	return true;
}

/* The oldest unit, if its turn has come. True when it is gone. */
static bool retire_unit(struct worker *w)
{
	struct unit *u = unit_at(w, 0);
	bool turns = u->from && u->from->edge->turns;
	if (turns && !turn_is(&u->from->edge->turn, u->ticket)) {
		w->waits |= WAITS_TURN;
		return false;
	}
	if (turns ? !settle_in_turn(w, u) : !put_unit(w, u))
		return false;
	if (u->from) {
		int r = queue_task_done(&u->from->edge->queue, 1);
		assert(r == 0);
		(void)r;
	}
	w->first_unit = (w->first_unit + 1) % w->units_max;
	w->unit_count--;
	return true;
}

static bool retire_units(struct worker *w)
{
	bool any = false;
	while (w->unit_count > 0 && retire_unit(w))
		any = true;
	return any;
}

static void drop_held(struct worker *w)
{
	for (size_t i = 0; i < w->unit_count; i++)
		drop_unit(w, unit_at(w, i));
}

/* Emission */

static void deliver_to_node(struct worker *w, struct node *n, struct batch *b)
{
	counter_add(&n->stage.counters->records_in, b->count);
	counter_add(&n->stage.counters->bytes_in, b->bytes_total);
	int r = n->stage.type->transform_apply(&n->stage, b, &n->outlet);
	if (r < 0 && w->failure == 0)
		w->failure = r;
}

static void deliver(struct outlet *out, size_t reader, struct batch *b)
{
	struct worker *w = out->worker;
	if (reader < out->node_count) {
		deliver_to_node(w, out->nodes[reader], b);
		return;
	}
	size_t edge = out->out_edges[reader - out->node_count];
	if (w->out_edges[edge].closed)
		batch_free(&b);
	else
		list_add(&newest_unit(w)->lists[edge], b);
}

void emit(struct outlet *out, struct batch **owned)
{
	struct batch *b = *owned;
	*owned = NULL;
	counter_add(&out->counters->records_out, b->count);
	counter_add(&out->counters->bytes_out, b->bytes_total);
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

/* Input */

static void drop_batch(void *item, void *context)
{
	(void)context;
	struct batch *b = item;
	batch_free(&b);
}

static void close_inputs(struct worker *w)
{
	for (size_t i = 0; i < w->in_edge_count; i++) {
		struct in_edge *in = &w->in_edges[i];
		queue_shutdown_now(&in->edge->queue, drop_batch, NULL);
		in->ended = true;
	}
}

static bool inputs_ended(const struct worker *w)
{
	for (size_t i = 0; i < w->in_edge_count; i++)
		if (!w->in_edges[i].ended)
			return false;
	return true;
}

/* The next batch from any input, taking turns; NULL when there is none now. */
static struct batch *take_input(struct worker *w, struct in_edge **ret_from, uint64_t *ret_ticket)
{
	for (size_t i = 0; i < w->in_edge_count; i++) {
		struct in_edge *in = &w->in_edges[(w->next_in + i) % w->in_edge_count];
		if (in->ended)
			continue;
		void *item = NULL;
		int r = queue_try_get_at(&in->edge->queue, &item, ret_ticket);
		if (r == 0) {
			w->next_in = (w->next_in + i + 1) % w->in_edge_count;
			*ret_from = in;
			return item;
		}
		if (r == -ESHUTDOWN)
			in->ended = true;
	}
	w->waits |= WAITS_INPUT;
	return NULL;
}

static struct taken_run *run_at(struct inlet *in, size_t i)
{
	return &in->runs[(in->first_run + i) % TAKEN_RUNS_MAX];
}

static void note_taken(struct inlet *in, struct in_edge *from)
{
	struct taken_run *last = in->run_count ? run_at(in, in->run_count - 1) : NULL;
	if (last && last->from == from) {
		last->count++;
		return;
	}
	assert(in->run_count < TAKEN_RUNS_MAX);
	in->run_count++;
	*run_at(in, in->run_count - 1) = (struct taken_run){.from = from, .count = 1};
}

struct batch *inlet_take(struct inlet *in)
{
	struct worker *w = in->worker;
	if (in->run_count == TAKEN_RUNS_MAX) /* the sink first has to finish some of what it has */
		return NULL;
	struct in_edge *from;
	uint64_t ticket;
	struct batch *b = take_input(w, &from, &ticket);
	if (!b)
		return NULL;
	note_taken(in, from);
	struct stage_counters *c = w->nodes[0].stage.counters;
	counter_add(&c->records_in, b->count);
	counter_add(&c->bytes_in, b->bytes_total);
	return b;
}

void inlet_done(struct inlet *in, size_t n)
{
	while (n > 0) {
		assert(in->run_count > 0);
		struct taken_run *run = run_at(in, 0);
		size_t some = n < run->count ? n : run->count;
		int r = queue_task_done(&run->from->edge->queue, some);
		assert(r == 0);
		(void)r;
		run->count -= some;
		n -= some;
		if (run->count == 0) {
			in->first_run = (in->first_run + 1) % TAKEN_RUNS_MAX;
			in->run_count--;
		}
	}
}

bool inlet_ended(const struct inlet *in)
{
	return inputs_ended(in->worker);
}

/* Ends */

static enum step end(struct worker *w)
{
	for (size_t i = 0; i < w->out_edge_count; i++) {
		struct edge *e = w->out_edges[i].edge;
		if (refcount_let_go(&e->producers))
			queue_shutdown(&e->queue);
	}
	w->state = WORKER_ENDED;
	counter_set(&w->shown_state, WORKER_ENDED);
	return STEP_DONE;
}

static void begin_failing(struct worker *w)
{
	w->state = WORKER_FAILING;
	counter_set(&w->shown_state, WORKER_FAILING);
	counter_set(&w->shown_failure, (uint64_t)-w->failure);
	close_inputs(w);
}

/* The newest unit could not be made whole: nothing of it goes on, nor of what comes after it. */
static void fail_unit(struct worker *w)
{
	struct unit *u = newest_unit(w);
	drop_unit(w, u);
	u->failed = true;
	begin_failing(w);
}

void worker_fail(struct worker *w, int error)
{
	w->failure = error;
	begin_failing(w);
}

/* A sink that fails or whose reader went away leaves batches taken and not done: nobody will finish them. */
static void forget_taken(struct worker *w)
{
	for (size_t i = 0; i < w->inlet.run_count; i++) {
		struct taken_run *run = run_at(&w->inlet, i);
		int r = queue_task_done(&run->from->edge->queue, run->count);
		assert(r == 0);
		(void)r;
	}
	w->inlet.run_count = 0;
}

static bool readers_gone(const struct worker *w)
{
	for (size_t i = 0; i < w->out_edge_count; i++)
		if (!w->out_edges[i].closed)
			return false;
	return w->out_edge_count > 0;
}

static void begin_ending(struct worker *w)
{
	w->state = WORKER_ENDING;
	counter_set(&w->shown_state, WORKER_ENDING);
}

/* Steps */

static bool clones_ready(struct worker *w)
{
	if (w->clones_max == 0 || home_has_batches(w->clones, w->clones_max))
		return true;
	w->waits |= WAITS_BATCHES;
	return false;
}

static enum step source_step(struct worker *w)
{
	retire_units(w);
	if (w->unit_count > 0)
		return STEP_WAIT;
	struct node *head = &w->nodes[0];
	head->stage.stopping = counter_get(w->stop) != 0;
	if (w->state == WORKER_ENDING || readers_gone(w) ||
	    (head->stage.stopping && !head->stage.type->drains))
		return end(w);
	if (!clones_ready(w))
		return STEP_WAIT;
	begin_unit(w, NULL, 0);
	int r = head->stage.type->source_step(&head->stage, &head->outlet);
	if (r < 0)
		w->failure = r;
	if (w->failure < 0) {
		fail_unit(w);
		return STEP_MORE;
	}
	retire_units(w);
	if (r == STEP_DONE)
		begin_ending(w);
	if (r == STEP_WAIT)
		w->waits |= WAITS_OTHER | WAITS_BATCHES;
	return r == STEP_WAIT ? STEP_WAIT : STEP_MORE;
}

static enum step transform_step(struct worker *w)
{
	bool retired = retire_units(w);
	if (readers_gone(w)) {
		close_inputs(w);
		drop_held(w);
		retire_units(w);
	}
	if (w->unit_count == w->units_max || !clones_ready(w))
		return retired ? STEP_MORE : STEP_WAIT;
	struct in_edge *from;
	uint64_t ticket;
	struct batch *b = take_input(w, &from, &ticket);
	if (!b) {
		if (inputs_ended(w) && w->unit_count == 0)
			return end(w);
		return retired ? STEP_MORE : STEP_WAIT;
	}
	begin_unit(w, from, ticket);
	deliver_to_node(w, &w->nodes[0], b);
	if (w->failure < 0)
		fail_unit(w);
	else
		retire_units(w);
	return STEP_MORE;
}

static enum step sink_step(struct worker *w)
{
	struct stage *s = &w->nodes[0].stage;
	int r;
	if (w->state == WORKER_RUNNING && inputs_ended(w))
		begin_ending(w);
	if (w->state == WORKER_RUNNING)
		r = s->type->sink_step(s, &w->inlet);
	else
		r = s->type->sink_finish(s, &w->inlet);
	if (r < 0) {
		worker_fail(w, r);
		return STEP_MORE;
	}
	if (r == STEP_DONE) { /* everything is written, or its reader went away */
		close_inputs(w);
		forget_taken(w);
		return end(w);
	}
	if (w->state == WORKER_RUNNING && inputs_ended(w))
		return STEP_MORE;
	if (r == STEP_WAIT)
		w->waits |= WAITS_OTHER;
	return (enum step)r;
}

/* What was made before the failure still goes on, in turn. */
static enum step failing_step(struct worker *w)
{
	retire_units(w);
	if (w->unit_count > 0)
		return STEP_WAIT;
	forget_taken(w);
	return end(w);
}

static enum step step_by_kind(struct worker *w)
{
	switch (w->kind) {
	case STAGE_SOURCE:
		return source_step(w);
	case STAGE_TRANSFORM:
		return transform_step(w);
	default:
		return sink_step(w);
	}
}

enum step worker_step(struct worker *w)
{
	w->waits = 0;
	if (w->state == WORKER_ENDED)
		return STEP_DONE;
	enum step r = w->state == WORKER_FAILING ? failing_step(w) : step_by_kind(w);
	if (r != STEP_MORE)
		tell_all_readers(w);
	return r;
}

/* Parking */

static bool arm(struct waitlist *list, struct wait_node *node, struct waiter *waiter)
{
	node->waiter = waiter;
	waitlist_arm(list, node);
	return true;
}

static bool lacks_clones(struct worker *w)
{
	return w->clones_max > 0 && !home_has_batches(w->clones, w->clones_max);
}

static bool lacks_input_home(struct worker *w)
{
	return w->home && home_is_short(w->home);
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

static bool arm_homes(struct worker *w, struct waiter *waiter)
{
	bool any = false;
	if (lacks_clones(w))
		any = arm(&w->clones->batches_back.takers, &w->clones_wait, waiter);
	if (lacks_input_home(w)) {
		arm(&w->home->batches_back.takers, &w->batches_wait, waiter);
		any = arm(&w->home->buffers_back.takers, &w->buffers_wait, waiter);
	}
	return any;
}

bool worker_arm(struct worker *w, struct waiter *waiter)
{
	bool any = false;
	if (w->waits & WAITS_INPUT)
		any |= arm_inputs(w, waiter);
	if (w->waits & WAITS_ROOM)
		any |= arm_outputs(w, waiter);
	if (w->waits & WAITS_BATCHES)
		any |= arm_homes(w, waiter);
	if (w->waits & WAITS_TURN) {
		w->turn_waited = &unit_at(w, 0)->from->edge->turn;
		any |= arm(&w->turn_waited->waiting, &w->turn_wait, waiter);
	}
	w->armed = w->waits;
	counter_set(&w->shown_waits, w->waits);
	return any;
}

bool worker_waits_unarmed(struct worker *w)
{
	if (w->waits & ~w->armed & ~(unsigned)WAITS_OTHER)
		return true;
	if (w->waits & WAITS_TURN && &unit_at(w, 0)->from->edge->turn != w->turn_waited)
		return true;
	return w->waits & WAITS_BATCHES && ((lacks_clones(w) && !w->clones_wait.waiter) ||
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
	for (size_t i = 0; i < w->out_edge_count; i++)
		disarm(queue_putters(&w->out_edges[i].edge->queue), &w->out_edges[i].room);
	if (w->clones)
		disarm(&w->clones->batches_back.takers, &w->clones_wait);
	if (w->home) {
		disarm(&w->home->batches_back.takers, &w->batches_wait);
		disarm(&w->home->buffers_back.takers, &w->buffers_wait);
	}
	if (w->turn_waited)
		disarm(&w->turn_waited->waiting, &w->turn_wait);
	w->turn_waited = NULL;
	counter_set(&w->shown_waits, 0);
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
	static const char *const states[] = {"running", "ending", "failing", "ended"};
	uint64_t state = counter_get(&w->shown_state), waits = counter_get(&w->shown_waits);
	if (state != WORKER_RUNNING || waits == 0)
		return states[state];
	if (waits & WAITS_ROOM)
		return "waits for room below";
	if (waits & WAITS_TURN)
		return "waits for its turn";
	if (waits & WAITS_INPUT)
		return "waits for input";
	return waits & WAITS_OTHER ? "waits for I/O or a moment" : "waits for batches to come back";
}
