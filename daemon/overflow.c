#include "daemon/overflow.h"
#include "daemon/worker.h"

#include <assert.h>
#include <errno.h>

#define QUIET_NS UINT64_C(1000000000) /* nothing was dropped for so long: it is over */

void overflow_init(struct overflow *o, enum when_full when_full, const char *reader,
		   struct stage_counters *counters)
{
	*o = (struct overflow){.when_full = when_full, .reader = reader, .counters = counters};
	pthread_mutex_init(&o->drawing, NULL);
}

void overflow_release(struct overflow *o)
{
	assert(o->undone == 0);
	pthread_mutex_destroy(&o->drawing);
}

bool overflow_drops(const struct overflow *o)
{
	return o->when_full == WHEN_FULL_DROP_NEWEST || o->when_full == WHEN_FULL_DROP_OLDEST;
}

/* ---- telling ---- */

static void note(struct worker *w, struct out_edge *out, uint32_t records)
{
	const struct overflow *o = &out->edge->overflow;
	struct overflow_telling *t = &out->telling;
	struct env *env = w->nodes[0].stage.env;
	counter_add(&o->counters->lost[LOSS_QUEUE_FULL], records);
	if (t->dropped == 0)
		env_say(env, SAY_WARN, "queue is full, dropping", "to=%s when_full=%s", o->reader,
			when_full_names[o->when_full]);
	t->dropped += records;
	t->last_ns = env_now_ns(env);
}

static bool has_much_room(const struct queue *q)
{
	return queue_size(q) <= (queue_capacity(q) + 1) / 2;
}

void overflow_look(struct worker *w, struct out_edge *out)
{
	struct overflow_telling *t = &out->telling;
	struct env *env = w->nodes[0].stage.env;
	if (t->dropped == 0 || !has_much_room(&out->edge->queue) ||
	    env_now_ns(env) - t->last_ns < QUIET_NS)
		return;
	env_say(env, SAY_INFO, "queue has room again", "to=%s dropped=%ju",
		out->edge->overflow.reader, (uintmax_t)t->dropped);
	t->dropped = 0;
}

/* ---- putting ---- */

static void leave_out(struct worker *w, struct out_edge *out, struct batch *b)
{
	note(w, out, b->count);
	batch_free(&b);
}

static void mark_done(struct edge *e, uint64_t n)
{
	int r = n > 0 ? queue_task_done(&e->queue, n) : 0;
	assert(r == 0);
	(void)r;
}

/* It may be the last one that somebody at the barrier waits for. */
static void leave_out_drawn(struct edge *e, uint64_t position)
{
	uint64_t barrier = barrier_at(&e->barrier);
	if (position >= barrier && !queue_is_shutdown(&e->queue))
		e->overflow.undone++;
	else
		mark_done(e, 1);
	if (barrier != BARRIER_NONE)
		waitlist_wake_all(queue_getters(&e->queue));
}

/* The one that has waited longest. As queue_try_get(). */
static int leave_out_oldest(struct worker *w, struct out_edge *out)
{
	struct edge *e = out->edge;
	void *item = NULL;
	uint64_t position;
	pthread_mutex_lock(&e->overflow.drawing);
	int r = queue_try_get_at(&e->queue, &item, &position);
	if (r == 0)
		leave_out_drawn(e, position);
	pthread_mutex_unlock(&e->overflow.drawing);
	if (r == 0)
		leave_out(w, out, item);
	return r;
}

int overflow_put(struct worker *w, struct out_edge *out, struct batch *b)
{
	int got = 0, put = -EAGAIN;
	assert(overflow_drops(&out->edge->overflow));
	if (out->edge->overflow.when_full == WHEN_FULL_DROP_NEWEST) {
		leave_out(w, out, b);
		return 0;
	}
	while (put == -EAGAIN && got == 0) {
		got = leave_out_oldest(w, out);
		put = queue_try_put_untold(&out->edge->queue, b);
	}
	return put;
}

void overflow_tell_putters(struct edge *e)
{
	if (e->overflow.when_full == WHEN_FULL_DROP_OLDEST)
		waitlist_wake_one(queue_putters(&e->queue));
}

/* ---- taking ---- */

int overflow_draw(struct edge *e, struct batch **ret_b, uint64_t *ret_position,
		  uint64_t *ret_ticket)
{
	struct overflow *o = &e->overflow;
	bool is_shared = o->when_full == WHEN_FULL_DROP_OLDEST;
	void *item = NULL;
	if (is_shared)
		pthread_mutex_lock(&o->drawing);
	int r = queue_try_get_at(&e->queue, &item, ret_position);
	if (r == 0) {
		*ret_b = item;
		*ret_ticket = is_shared ? o->next_ticket++ : *ret_position;
	}
	if (is_shared)
		pthread_mutex_unlock(&o->drawing);
	return r;
}

static void settle(struct edge *e)
{
	mark_done(e, e->overflow.undone);
	e->overflow.undone = 0;
}

/* Consumers are through with the one before, though it may not be lowered yet: what was left out behind that one is done, and comes
 * before this one. */
void overflow_raise_barrier(struct edge *e, uint64_t epoch)
{
	pthread_mutex_lock(&e->overflow.drawing);
	settle(e);
	barrier_raise(&e->barrier, queue_put_count(&e->queue), epoch);
	pthread_mutex_unlock(&e->overflow.drawing);
}

/* Where the next is raised already, what is undone lies behind that. */
void overflow_lower_barrier(struct edge *e, uint64_t mark)
{
	pthread_mutex_lock(&e->overflow.drawing);
	if (barrier_lower(&e->barrier, mark))
		settle(e);
	pthread_mutex_unlock(&e->overflow.drawing);
}

void overflow_settle(struct edge *e)
{
	pthread_mutex_lock(&e->overflow.drawing);
	settle(e);
	pthread_mutex_unlock(&e->overflow.drawing);
}
