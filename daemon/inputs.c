#include "daemon/inputs.h"
#include "daemon/work_units.h"

#include <errno.h>
#include <sched.h>

static void drop_batch(void *item, void *context)
{
	(void)context;
	struct batch *b = item;
	batch_free(&b);
}

/* Gets one, unless there is one that was got before. */
static void draw(struct in_edge *in)
{
	if (in->ahead || in->ended)
		return;
	int r = overflow_draw(in->edge, &in->ahead, &in->ahead_position, &in->ahead_ticket);
	if (r == -ESHUTDOWN)
		in->ended = true;
}

/* Of those that nobody puts into any more: what is let go has tickets that nobody would ever call, and a sibling may have drawn a
 * later one. So the first of them is kept `ahead`: it fails in its turn, and the rest with it. */
static void draw_first_ticket(struct in_edge *in)
{
	while (in->edge->turns && !in->ahead && !in->ended) {
		draw(in);
		if (!in->ahead && !in->ended) /* a batch is still being put */
			sched_yield();
	}
}

void inputs_close(struct worker *w)
{
	for (size_t i = 0; i < w->in_edge_count; i++) {
		struct in_edge *in = &w->in_edges[i];
		queue_shutdown(&in->edge->queue);
		draw_first_ticket(in);
		queue_shutdown_now(&in->edge->queue, drop_batch, NULL);
		overflow_settle(in->edge);
		in->ended = true;
	}
}

bool inputs_ended(const struct worker *w)
{
	for (size_t i = 0; i < w->in_edge_count; i++)
		if (!w->in_edges[i].ended)
			return false;
	return true;
}

/* Barriers */

static bool is_behind_barrier(const struct in_edge *in, uint64_t position)
{
	return position >= barrier_at(&in->edge->barrier);
}

bool inputs_any_barrier(const struct worker *w, uint64_t *ret_epoch)
{
	for (size_t i = 0; i < w->in_edge_count; i++) {
		const struct barrier *b = &w->in_edges[i].edge->barrier;
		uint64_t mark = barrier_mark(b);
		if (mark == BARRIER_NONE)
			continue;
		*ret_epoch = barrier_epoch(b, mark);
		return true;
	}
	return false;
}

/* Nothing from before the barrier is to be taken any more: by this worker, its only consumer. */
static bool has_come_to_barrier(const struct in_edge *in)
{
	uint64_t at = barrier_at(&in->edge->barrier);
	return in->ended || at == BARRIER_NONE ? in->ended
					       : queue_get_count(&in->edge->queue) >= at &&
						     (!in->ahead || in->ahead_position >= at);
}

bool inputs_at_barrier(const struct worker *w, uint64_t *ret_epoch)
{
	for (size_t i = 0; i < w->in_edge_count; i++)
		if (!has_come_to_barrier(&w->in_edges[i]))
			return false;
	return inputs_any_barrier(w, ret_epoch);
}

static void lower(const struct in_edge *in)
{
	if (in->crossed == BARRIER_NONE)
		return;
	overflow_lower_barrier(in->edge, in->crossed);
	waitlist_wake_all(queue_getters(&in->edge->queue));
}

int inputs_cross_barriers(struct worker *w, uint64_t epoch,
			  int (*pass)(struct worker *w, uint64_t epoch))
{
	for (size_t i = 0; i < w->in_edge_count; i++)
		w->in_edges[i].crossed = barrier_mark(&w->in_edges[i].edge->barrier);
	int r = pass(w, epoch);
	for (size_t i = 0; i < w->in_edge_count && r != 0; i++)
		lower(&w->in_edges[i]);
	return r;
}

/* All that comes before its barrier, or before its end, is done, whoever took it. More than that is when another of the crew
 * has let the queue go, since nobody wants what they make. */
static bool is_through(const struct in_edge *in)
{
	const struct queue *q = &in->edge->queue;
	uint64_t at = barrier_at(&in->edge->barrier);
	return at == BARRIER_NONE ? in->ended && queue_unfinished(q) == 0
				  : queue_done_count(q) >= at;
}

static bool all_through(const struct worker *w)
{
	for (size_t i = 0; i < w->in_edge_count; i++)
		if (!is_through(&w->in_edges[i]))
			return false;
	return true;
}

int inputs_pass_barriers(struct worker *w, int (*pass)(struct worker *w, uint64_t epoch))
{
	uint64_t epoch;
	int r = 0;
	if (!inputs_any_barrier(w, &epoch))
		return 0;
	/* Held while looking, too: whoever is through last finds all others through, and a barrier that was seen is not
	 * lowered and raised again meanwhile. */
	pthread_mutex_lock(&w->crew->passing);
	if (inputs_any_barrier(w, &epoch) && all_through(w))
		r = inputs_cross_barriers(w, epoch, pass);
	pthread_mutex_unlock(&w->crew->passing);
	return r;
}

/* Taking */

static struct batch *take_ahead(struct in_edge *in, uint64_t *ret_ticket)
{
	struct batch *b = in->ahead;
	in->ahead = NULL;
	*ret_ticket = in->ahead_ticket;
	return b;
}

bool inputs_any_ahead(const struct worker *w)
{
	for (size_t i = 0; i < w->in_edge_count; i++)
		if (w->in_edges[i].ahead)
			return true;
	return false;
}

bool inputs_give_up_ahead(struct worker *w)
{
	for (size_t i = 0; i < w->in_edge_count; i++) {
		struct in_edge *in = &w->in_edges[i];
		if (!in->ahead)
			continue;
		uint64_t ticket;
		struct batch *b = take_ahead(in, &ticket);
		batch_free(&b);
		unit_begin(w, in, ticket);
		unit_fail_newest(w);
		return true;
	}
	return false;
}

/* A sink: others need what it has so much of. */
enum { TAKEN_ENOUGH = 16 }; /* of batches that are kept, as they are lacking above */

static bool has_enough(const struct in_edge *in)
{
	return in->edge->held_max > 0 && counter_get(&in->held) >= in->edge->held_max;
}

static struct batch *take_from(struct worker *w, size_t i, struct in_edge **ret_from,
			       uint64_t *ret_ticket)
{
	struct in_edge *in = &w->in_edges[i];
	if (!in->ahead || is_behind_barrier(in, in->ahead_position) || has_enough(in))
		return NULL;
	struct batch *b = take_ahead(in, ret_ticket);
	w->next_in = (i + 1) % w->in_edge_count;
	*ret_from = in;
	return b;
}

struct batch *inputs_take_ahead(struct worker *w, struct in_edge **ret_from, uint64_t *ret_ticket)
{
	struct batch *b = NULL;
	for (size_t i = 0; i < w->in_edge_count && !b; i++)
		b = take_from(w, i, ret_from, ret_ticket);
	return b;
}

struct batch *inputs_take(struct worker *w, struct in_edge **ret_from, uint64_t *ret_ticket)
{
	struct batch *b = NULL;
	for (size_t n = 0, first = w->next_in; n < w->in_edge_count && !b; n++) {
		size_t i = (first + n) % w->in_edge_count;
		draw(&w->in_edges[i]);
		b = take_from(w, i, ret_from, ret_ticket);
	}
	if (!b)
		w->waits |= WAITS_INPUT;
	return b;
}

/* A sink's */

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
	if (taken_has_again(&in->taken))
		return taken_again(&in->taken);
	if (in->run_count == TAKEN_RUNS_MAX) /* the sink first has to finish some of what it has */
		return NULL;
	struct in_edge *from;
	uint64_t ticket;
	struct batch *b = inputs_take(w, &from, &ticket);
	if (!b)
		return NULL;
	note_taken(in, from);
	taken_add(&in->taken, b);
	if (from->edge->held_max > 0)
		batch_count_in(b, &from->held);
	struct stage_counters *c = w->nodes[0].stage.counters;
	counter_add(&c->records_in, b->count);
	counter_add(&c->bytes_in, b->bytes_total);
	return b;
}

static void mark_done(struct inlet *in, size_t n)
{
	taken_done(&in->taken, n);
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

void inlet_done(struct inlet *in, size_t n)
{
	if (in->worker->unit_count > 0)
		in->done_later += n;
	else
		mark_done(in, n);
}

void inputs_catch_up(struct worker *w)
{
	mark_done(&w->inlet, w->inlet.done_later);
	w->inlet.done_later = 0;
}

bool inlet_may_hand_on(struct inlet *in)
{
	return in->worker->unit_count == 0 && units_supplied(in->worker, 1);
}

struct outlet *inlet_handed_on(struct inlet *in)
{
	struct worker *w = in->worker;
	struct outlet *out = outlet_of(w->nodes[0].outlets, OUTPUT_FAILED);
	assert(w->unit_count == 0);
	if (out)
		unit_begin(w, NULL, 0);
	return out;
}

void inputs_forget_taken(struct worker *w)
{
	taken_release(&w->inlet.taken);
	w->inlet.done_later = 0;
	for (size_t i = 0; i < w->inlet.run_count; i++) {
		struct taken_run *run = run_at(&w->inlet, i);
		int r = queue_task_done(&run->from->edge->queue, run->count);
		assert(r == 0);
		(void)r;
	}
	w->inlet.run_count = 0;
	for (size_t i = 0; i < w->in_edge_count; i++) {
		struct in_edge *in = &w->in_edges[i];
		if (!in->ahead)
			continue;
		batch_free(&in->ahead);
		queue_task_done(&in->edge->queue, 1);
	}
}

void inputs_tell_siblings(struct worker *w)
{
	for (size_t i = 0; i < w->in_edge_count; i++)
		waitlist_wake_all(queue_getters(&w->in_edges[i].edge->queue));
}

bool inlet_ended(const struct inlet *in)
{
	return inputs_ended(in->worker) && !taken_has_again(&in->taken);
}

bool inlet_has_enough(const struct inlet *in)
{
	if (in->taken.count >= TAKEN_ENOUGH)
		return true;
	for (size_t i = 0; i < in->worker->in_edge_count; i++)
		if (has_enough(&in->worker->in_edges[i]))
			return true;
	return false;
}
