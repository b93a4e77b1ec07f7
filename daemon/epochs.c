#include "daemon/epochs.h"
#include "stages/cure.h"
#include "daemon/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_NS UINT64_C(1000000000)

void epochs_init(struct epochs *e, const struct epochs_options *options, struct epoch_log *log)
{
	memset(e, 0, sizeof *e);
	e->options = *options;
	e->log = log;
	e->lent_by = log->io;
	stack_init(&e->reports);
}

int epochs_begin(struct epochs *e, struct worker *workers, size_t worker_count, uint64_t epoch)
{
	e->workers = workers;
	e->worker_count = worker_count;
	e->epoch = epoch;
	counter_set(&e->wanted, epoch);
	counter_set(&e->shown_epoch, epoch);
	for (size_t i = 0; i < worker_count; i++) {
		e->reporter_count += workers[i].reporting.on;
		e->parts_max += workers[i].reporting.on ? workers[i].node_count : 0;
		workers[i].reporting.epoch = epoch;
	}
	e->held = calloc(e->reporter_count + 1, sizeof(struct report *));
	e->parts = calloc(e->parts_max + 1, sizeof *e->parts);
	return e->held && e->parts ? 0 : -ENOMEM;
}

void epochs_release(struct epochs *e)
{
	e->log->io = e->lent_by;
	free(e->held);
	free(e->parts);
	stack_release(&e->reports);
}

static void become(struct epochs *e, enum epochs_state state)
{
	e->state = state;
	counter_set(&e->shown_state, state);
}

void epochs_abandon(struct epochs *e)
{
	become(e, EPOCHS_OVER);
}

/* Reports */

static bool collect(struct epochs *e)
{
	struct stack_node *n = stack_take_all(&e->reports);
	bool any = n != NULL;
	while (n) {
		struct report *r = (struct report *)(void *)n; /* node stands first */
		n = n->next;
		e->held[e->held_count++] = r;
		e->finals += r->final;
	}
	return any;
}

/* A final report stands for this epoch, too. */
static bool all_in(const struct epochs *e)
{
	size_t finals_here = 0;
	for (size_t i = 0; i < e->held_count; i++)
		finals_here += e->held[i]->final;
	return e->held_count - finals_here + e->finals == e->reporter_count;
}

static bool all_final(const struct epochs *e)
{
	return e->finals == e->reporter_count;
}

/* That a worker failed is known here before anything is that comes of it: it was noted before its readers were told
 * that nothing more would come, and so before their reports. */
static bool any_failed(const struct epochs *e)
{
	for (size_t i = 0; i < e->worker_count; i++)
		if (counter_get(&e->workers[i].shown_failure) != 0)
			return true;
	return false;
}

/* committed: the epoch in whose record they are; 0: in none. */
static void give_back(struct epochs *e, uint64_t committed)
{
	for (size_t i = 0; i < e->held_count; i++) {
		struct report *r = e->held[i];
		r->committed = committed;
		stack_push(&r->worker->reporting.back, &r->node);
	}
	e->held_count = 0;
}

/* The record */

static size_t list_parts(struct epochs *e)
{
	size_t n = 0;
	for (size_t i = 0; i < e->held_count; i++) {
		const struct report *r = e->held[i];
		for (size_t k = 0; k < r->worker->node_count; k++)
			if (!delta_is_empty(&r->deltas[k]))
				e->parts[n++] = (struct epoch_part){
				    r->worker->nodes[k].remembered_as, &r->deltas[k]};
	}
	return n;
}

static enum step fail(struct epochs *e, int error)
{
	if (error == -ESTALE)
		env_say(e->env, SAY_ERROR, "state directory was deleted, moved or replaced",
			"lock=%s epoch=%ju cure=%s", e->guard->lock_path, (uintmax_t)e->epoch,
			"leave it alone while sluice runs; put it back, " CURE_FROM_SCRATCH);
	else if (error < 0)
		env_say(e->env, SAY_ERROR, "epoch cannot be committed", "epoch=%ju error=%s",
			(uintmax_t)e->epoch, strerror(-error));
	counter_set(&e->shown_failure, (uint64_t)-error);
	become(e, EPOCHS_FAILED);
	return STEP_MORE;
}

static enum step go_on(struct epochs *e)
{
	/* Final reports that came while the log was compacted are in no record yet. */
	become(e, all_final(e) && e->held_count == 0 ? EPOCHS_OVER : EPOCHS_IDLE);
	e->due_ns = env_now_ns(e->env) + e->options.interval_ns;
	return STEP_MORE;
}

static enum step committed(struct epochs *e)
{
	counter_set(&e->shown_epoch, e->epoch);
	give_back(e, e->epoch);
	if (!epoch_log_is_large(e->log))
		return go_on(e);
	int r = epoch_log_compact(e->log);
	if (r < 0)
		return fail(e, r);
	become(e, EPOCHS_COMPACTING);
	return STEP_MORE;
}

static enum step compact(struct epochs *e)
{
	int r = epoch_log_step(e->log);
	if (r == STEP_MORE || r == STEP_WAIT)
		return (enum step)r;
	return r < 0 && !epoch_log_is_ready(e->log) ? fail(e, r) : go_on(e);
}

/* Want of room or memory: the log is as it was. All that came before waits, and nothing is lost by that. */
static enum step retry_later(struct epochs *e, int error)
{
	if (!e->said_full)
		env_say(e->env, SAY_WARN, "epoch cannot be committed, retrying", "error=%s",
			strerror(-error));
	e->said_full = true;
	e->due_ns = env_now_ns(e->env) + RETRY_NS;
	become(e, EPOCHS_RETRYING);
	return STEP_MORE;
}

static enum step begin_append(struct epochs *e)
{
	int r = epoch_log_append(e->log, e->epoch, env_wall_ns(e->env), e->parts, e->part_count);
	if (r == -ENOMEM)
		return retry_later(e, r);
	if (r < 0)
		return fail(e, r);
	become(e, EPOCHS_APPENDING);
	return STEP_MORE;
}

static enum step look(struct epochs *e)
{
	int r = epoch_guard_step(e->guard);
	if (r == STEP_MORE || r == STEP_WAIT)
		return (enum step)r;
	return r < 0 ? fail(e, r) : begin_append(e);
}

/* Nothing to remember: there is no record, and yet everything is as if there were one. */
static enum step begin_record(struct epochs *e)
{
	e->part_count = list_parts(e);
	if (e->part_count == 0)
		return committed(e);
	if (!e->guard)
		return begin_append(e);
	epoch_guard_begin(e->guard, e->env->io, e->log);
	become(e, EPOCHS_LOOKING);
	return STEP_MORE;
}

static enum step retry(struct epochs *e)
{
	if (any_failed(e))
		return fail(e, 0);
	if (env_now_ns(e->env) >= e->due_ns)
		return begin_record(e);
	env_wake_at(e->env, e->due_ns);
	return STEP_WAIT;
}

static enum step append(struct epochs *e)
{
	int r = epoch_log_step(e->log);
	if (r == STEP_MORE || r == STEP_WAIT)
		return (enum step)r;
	if (r < 0)
		return epoch_log_is_ready(e->log) ? retry_later(e, r) : fail(e, r);
	if (e->said_full)
		env_say(e->env, SAY_INFO, "epochs are committed again", "epoch=%ju",
			(uintmax_t)e->epoch);
	e->said_full = false;
	return committed(e);
}

/* When */

struct progress {
	uint64_t all, bytes, awaited;
};

/* A counter that several workers share is counted for each: that it changes is what matters. */
static uint64_t changes_of(const struct worker *w)
{
	uint64_t changes = 0;
	for (size_t i = 0; i < w->node_count; i++)
		changes += counter_get(&w->nodes[i].stage.counters->changes);
	return changes;
}

static struct progress progress_of(const struct epochs *e)
{
	struct progress p = {.all = 0};
	for (size_t i = 0; i < e->worker_count; i++) {
		const struct worker *w = &e->workers[i];
		p.all += changes_of(w);
		if (w->kind != STAGE_SOURCE)
			continue;
		const struct stage_counters *c = w->nodes[0].stage.counters;
		p.bytes += counter_get(&c->bytes_in);
		p.awaited += counter_get(&c->awaited);
	}
	p.all += p.bytes + p.awaited;
	return p;
}

static void ask_to_cut(struct epochs *e, const struct progress *p)
{
	e->progress = p->all;
	e->bytes = p->bytes;
	e->awaited = p->awaited;
	e->epoch++;
	become(e, EPOCHS_CUTTING);
	counter_publish(&e->wanted, e->epoch); /* all reports are given back */
	if (e->rouse)
		e->rouse(e->context);
}

static enum step idle(struct epochs *e)
{
	if (any_failed(e))
		return fail(e, 0);
	if (all_final(e)) {
		e->epoch++;
		return begin_record(e);
	}
	uint64_t now = env_now_ns(e->env);
	struct progress p = progress_of(e);
	if (e->due_ns == 0) /* the first one, too, after a whole interval, whatever comes first */
		e->due_ns = now + e->options.interval_ns;
	bool due =
	    now >= e->due_ns || p.bytes - e->bytes >= e->options.bytes || p.awaited != e->awaited;
	if (due && p.all != e->progress) {
		ask_to_cut(e, &p);
		return STEP_MORE;
	}
	if (now >= e->due_ns)
		e->due_ns = now + e->options.interval_ns;
	env_wake_at(e->env, e->due_ns);
	return STEP_WAIT;
}

static enum step cut(struct epochs *e)
{
	if (any_failed(e))
		return fail(e, 0);
	return all_in(e) ? begin_record(e) : STEP_WAIT;
}

static enum step give_up(struct epochs *e)
{
	if (epoch_log_is_busy(e->log))
		return epoch_log_step(e->log) == STEP_MORE ? STEP_MORE : STEP_WAIT;
	bool any = e->held_count > 0;
	give_back(e, 0);
	if (!all_final(e))
		return any ? STEP_MORE : STEP_WAIT;
	become(e, EPOCHS_OVER);
	return STEP_MORE;
}

enum step epochs_step(struct epochs *e)
{
	e->log->io = e->env->io; /* the runner's; until it is given back */
	bool any = collect(e);
	enum step r = STEP_DONE;
	switch (e->state) {
	case EPOCHS_IDLE:
		r = idle(e);
		break;
	case EPOCHS_CUTTING:
		r = cut(e);
		break;
	case EPOCHS_LOOKING:
		r = look(e);
		break;
	case EPOCHS_APPENDING:
		r = append(e);
		break;
	case EPOCHS_RETRYING:
		r = retry(e);
		break;
	case EPOCHS_COMPACTING:
		r = compact(e);
		break;
	case EPOCHS_FAILED:
		r = give_up(e);
		break;
	case EPOCHS_OVER:
		break;
	}
	return r == STEP_WAIT && any ? STEP_MORE : r;
}

bool epochs_is_over(const struct epochs *e)
{
	return counter_get(&e->shown_state) == EPOCHS_OVER;
}

void epochs_arm(struct epochs *e, struct waiter *waiter)
{
	e->reports_wait.waiter = waiter;
	waitlist_arm(&e->reports.takers, &e->reports_wait);
}

void epochs_disarm(struct epochs *e)
{
	if (e->reports_wait.waiter)
		waitlist_disarm(&e->reports.takers, &e->reports_wait);
	e->reports_wait.waiter = NULL;
}
