#include "daemon/pipeline.h"
#include "daemon/assembly.h"
#include "daemon/cpus.h"
#include "daemon/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

/* Memory */

static bool has_state(const struct worker *w)
{
	for (size_t i = 0; i < w->node_count; i++) {
		const struct stage *s = &w->nodes[i].stage;
		if (s->type->snapshot && stage_keeps_state(s->type, s->options))
			return true;
	}
	return false;
}

char *pipeline_remembered_as(const struct topology_stage *s)
{
	char *name;
	return asprintf(&name, "%s:%s", s->schema->name, s->id.bytes) < 0 ? NULL : name;
}

static void give_memory(struct pipeline *p, struct worker *w)
{
	for (size_t i = 0; i < w->node_count; i++) {
		struct stage *s = &w->nodes[i].stage;
		s->state_dir = p->memory->state_dir;
		s->epoch = p->memory->log->epoch;
		for (size_t k = 0; k < p->plan->topology->stage_count; k++)
			if (p->plan->topology->stages[k].id.bytes == s->id) {
				s->saved = &p->saved[k];
				w->nodes[i].remembered_as = p->remembered_as[k];
			}
	}
}

static void release_saved(struct pipeline *p)
{
	for (size_t i = 0; p->saved && i < p->plan->topology->stage_count; i++)
		delta_release(&p->saved[i]);
	for (size_t i = 0; p->remembered_as && i < p->plan->topology->stage_count; i++)
		free(p->remembered_as[i]);
	free(p->saved);
	free(p->remembered_as);
}

static void rouse_all(void *context)
{
	struct pipeline *p = context;
	for (size_t i = 0; i < p->runner_count; i++)
		if (p->runners[i].worker_count > 0)
			runner_wake(&p->runners[i]);
}

static int make_reporting(struct pipeline *p)
{
	for (size_t i = 0; i < p->worker_count; i++) {
		struct worker *w = &p->workers[i];
		if (w->has_no_part)
			continue;
		give_memory(p, w);
		if (w->kind == STAGE_TRANSFORM && !has_state(w))
			continue;
		int r = reporting_init(w, &p->epochs.reports, &p->epochs.wanted,
				       p->memory->options.bytes);
		if (r < 0)
			return r;
	}
	return 0;
}

static int make_memory(struct pipeline *p)
{
	if (!p->memory)
		return 0;
	epochs_init(&p->epochs, &p->memory->options, p->memory->log);
	p->epochs_made = true;
	p->epochs.guard = p->memory->guard;
	p->epochs.rouse = rouse_all;
	p->epochs.context = p;
	p->saved = calloc(p->plan->topology->stage_count, sizeof *p->saved);
	p->remembered_as = calloc(p->plan->topology->stage_count, sizeof *p->remembered_as);
	if (!p->saved || !p->remembered_as)
		return -ENOMEM;
	for (size_t i = 0; i < p->plan->topology->stage_count; i++) {
		p->remembered_as[i] = pipeline_remembered_as(&p->plan->topology->stages[i]);
		int r = p->remembered_as[i] ? epoch_map_copy(&p->memory->log->map,
							     p->remembered_as[i], &p->saved[i])
					    : -ENOMEM;
		if (r < 0)
			return r;
	}
	int r = make_reporting(p);
	return r < 0 ? r
		     : epochs_begin(&p->epochs, p->workers, p->worker_count, p->memory->log->epoch);
}

/* Runners */

static void give_env(struct runner *r, struct stage *s, uint64_t seed)
{
	struct stage_env *e = &r->envs[r->env_count++];
	*e = (struct stage_env){.env = {.ops = &runner_env_ops},
				.runner = r,
				.stage = s->id,
				.random = seed + r->env_count};
	s->env = &e->env;
}

static int give_envs(struct runner *r)
{
	uint64_t seed;
	if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
		return -EIO;
	size_t nodes = 0;
	for (size_t i = 0; i < r->worker_count; i++) {
		assert(r->workers[i] && r->workers[i]->node_count > 0);
		nodes += r->workers[i]->node_count;
	}
	assert(nodes > 0);
	r->envs = calloc(nodes, sizeof *r->envs);
	if (!r->envs)
		return -ENOMEM;
	for (size_t i = 0; i < r->worker_count; i++)
		for (size_t n = 0; n < r->workers[i]->node_count; n++)
			give_env(r, &r->workers[i]->nodes[n].stage, seed);
	return 0;
}

static void set_up_runner(struct pipeline *p, struct runner *r, enum backend_kind io)
{
	runner_init(r);
	r->backend_kind = io;
	r->helpers = &p->helpers;
	r->ended_event = p->ended_event;
}

/* The workers that share one thread: the `index`th of group g and those of the groups that share its thread. */
static int make_runner(struct pipeline *p, size_t g, unsigned index, enum backend_kind io)
{
	struct runner *r = &p->runners[p->runner_count++];
	struct worker *w = assembly_worker(p, g, index);
	snprintf(r->name, sizeof r->name, "%.15s", w->name);
	set_up_runner(p, r, io);
	r->workers = calloc(p->plan->group_count, sizeof(struct worker *));
	if (!r->workers)
		return -ENOMEM;
	/* Groups stand in the order in which batches pass through them: downstream first means backwards. */
	for (size_t other = p->plan->group_count; other-- > 0;)
		if (other == g)
			r->workers[r->worker_count++] = w;
		else if (pipeline_group(p, other)->thread_of == g)
			r->workers[r->worker_count++] = assembly_worker(p, other, 0);
	return give_envs(r);
}

/* The coordinator's: it must be there before any worker waits for it. It writes little and has a thread to itself, so
 * a plain backend does, which is opened here, where failing still can be told. */
static int make_epochs_runner(struct pipeline *p, enum backend_kind io)
{
	if (!p->memory)
		return 0;
	struct runner *r = &p->runners[p->runner_count++];
	snprintf(r->name, sizeof r->name, "epochs");
	set_up_runner(p, r, io);
	r->epochs = &p->epochs;
	r->envs = calloc(1, sizeof *r->envs);
	if (!r->envs)
		return -ENOMEM;
	r->envs[r->env_count++] = (struct stage_env){.env = {.ops = &runner_env_ops}, .runner = r};
	p->epochs.env = &r->envs[0].env;
	return backend_open(&r->backend, BACKEND_PLAIN, &p->helpers);
}

/* Who looks around instead of sleeping must not keep a CPU from one who has work. The epochs' runner hardly ever has. */
static void share_cpus(struct pipeline *p)
{
	const size_t workers = p->runner_count - (p->epochs_made ? 1 : 0);
	const unsigned cpus = cpus_available();
	for (size_t i = 0; i < p->runner_count; i++)
		p->runners[i].may_look = cpus > 1 && workers <= cpus;
}

static int make_runners(struct pipeline *p, enum backend_kind io)
{
	p->runners = calloc(p->worker_count + 1, sizeof *p->runners);
	if (!p->runners)
		return -ENOMEM;
	int made = make_epochs_runner(p, io);
	if (made < 0)
		return made;
	for (size_t g = 0; g < p->plan->group_count; g++) {
		if (pipeline_group(p, g)->thread_of != g)
			continue;
		for (unsigned i = 0; i < pipeline_group(p, g)->workers; i++) {
			int r = make_runner(p, g, i, io);
			if (r < 0)
				return r;
		}
	}
	share_cpus(p);
	return 0;
}

int pipeline_init(struct pipeline *p, const struct plan *plan, bool once, enum backend_kind io,
		  const struct pipeline_memory *memory)
{
	*p = (struct pipeline){.plan = plan, .memory = memory, .ended_event = -1};
	int r = -ENOMEM;
	p->counters = calloc(plan->topology->stage_count, sizeof *p->counters);
	if (!p->counters)
		goto fail;
	p->ended_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = p->ended_event < 0 ? -errno : assembly_make(p, once);
	if (r == 0)
		r = make_memory(p);
	if (r == 0)
		r = make_runners(p, io);
	if (r < 0)
		goto fail;
	return 0;
fail:
	pipeline_release(p);
	return r;
}

void pipeline_release(struct pipeline *p)
{
	if (p->helpers_made)
		helpers_release(&p->helpers);
	for (size_t i = 0; i < p->runner_count; i++) {
		runner_release(&p->runners[i]);
		free(p->runners[i].workers);
		free(p->runners[i].envs);
	}
	assembly_release(p);
	release_saved(p);
	if (p->epochs_made)
		epochs_release(&p->epochs);
	free(p->runners);
	free(p->counters);
	if (p->ended_event >= 0)
		close(p->ended_event);
	*p = (struct pipeline){.ended_event = -1};
}

/* Running */

/* There is no coordinator to report to. */
static void abandon_epochs(struct pipeline *p)
{
	for (size_t i = 0; i < p->worker_count; i++)
		reporting_release(&p->workers[i]);
	epochs_abandon(&p->epochs);
}

int pipeline_supervise(struct pipeline *p, struct supervision *by)
{
	int r = 0;
	for (size_t i = 0; i < p->runner_count && by->strategy == ISOLATE && r == 0; i++) {
		struct runner *runner = &p->runners[i];
		struct worker *w = runner->worker_count == 1 ? runner->workers[0] : NULL;
		if (w && isolation_suits(w->nodes[0].stage.type))
			r = isolation_init(w, by);
	}
	return r;
}

int pipeline_start(struct pipeline *p)
{
	int r = helpers_init(&p->helpers, p->plan->helpers);
	p->helpers_made = r == 0;
	for (size_t i = 0; i < p->runner_count; i++) {
		if (r == 0)
			r = runner_start(&p->runners[i]);
		if (r == 0)
			continue;
		if (p->runners[i].epochs)
			abandon_epochs(p);
		runner_abandon(&p->runners[i], r);
	}
	if (r < 0)
		pipeline_stop(p);
	return r;
}

void pipeline_stop(struct pipeline *p)
{
	counter_set(&p->stop, 1);
	for (size_t i = 0; i < p->runner_count; i++)
		runner_wake(&p->runners[i]);
}

bool pipeline_ended(struct pipeline *p)
{
	for (size_t i = 0; i < p->worker_count; i++)
		if (counter_get(&p->workers[i].shown_state) != WORKER_ENDED)
			return false;
	for (size_t i = 0; i < p->runner_count; i++)
		if (runner_is_under_way(&p->runners[i]))
			return false;
	return !p->memory || epochs_is_over(&p->epochs);
}

bool pipeline_is_open(const struct pipeline *p)
{
	for (size_t i = 0; i < p->runner_count; i++)
		if (!runner_is_open(&p->runners[i]))
			return false;
	return true;
}

bool pipeline_is_cut_short(const struct pipeline *p)
{
	for (size_t i = 0; i < p->worker_count; i++)
		if (counter_get(&p->workers[i].shown_cut_short) != 0)
			return true;
	return false;
}

uint64_t pipeline_epoch(const struct pipeline *p)
{
	return p->memory ? counter_get(&p->epochs.shown_epoch) : 0;
}

int pipeline_log_failure(struct pipeline *p)
{
	return p->memory ? -(int)counter_get(&p->epochs.shown_failure) : 0;
}

static bool has_failed(struct worker *w)
{
	return counter_get(&w->shown_failure) != 0;
}

const struct worker *pipeline_failed(struct pipeline *p)
{
	for (size_t i = 0; i < p->worker_count; i++)
		if (has_failed(&p->workers[i]))
			return &p->workers[i];
	return NULL;
}

void pipeline_join(struct pipeline *p)
{
	for (size_t i = 0; i < p->runner_count; i++)
		runner_join(&p->runners[i]);
	for (size_t i = 0; i < p->edge_count; i++)
		assert(queue_unfinished(&p->edges[i].queue) == 0);
}

/* Reporting */

static void report_queue(struct pipeline *p, size_t e)
{
	const struct plan_edge *planned = &p->plan->edges[e];
	const struct topology_stage *stages = p->plan->topology->stages;
	struct queue *q = &p->edges[e].queue;
	log_line(LOG_LEVEL_INFO, NULL, "queue",
		 "from=%s to=%s batches=%zu capacity=%zu unfinished=%ju",
		 stages[pipeline_group(p, planned->from)->head].id.bytes,
		 stages[pipeline_group(p, planned->to)->head].id.bytes, queue_size(q),
		 queue_capacity(q), (uintmax_t)queue_unfinished(q));
}

static void report_worker(const struct worker *w)
{
	log_line(LOG_LEVEL_INFO, NULL, "worker", "name=%s state=%s", w->name, worker_status(w));
}

static uintmax_t figure(const struct counter *c)
{
	return counter_get(c);
}

/* Its workers count together. */
static void report_stage(const struct pipeline *p, size_t stage)
{
	const struct stage_counters *c = &p->counters[stage];
	log_line(LOG_LEVEL_INFO, NULL, "stage",
		 "name=%s records_in=%ju bytes_in=%ju records_out=%ju bytes_out=%ju dropped=%ju "
		 "truncated=%ju split=%ju errors=%ju retries=%ju files=%ju files_truncated=%ju "
		 "files_removed=%ju latency_max_us=%ju",
		 p->plan->topology->stages[stage].id.bytes, figure(&c->records_in),
		 figure(&c->bytes_in), figure(&c->records_out), figure(&c->bytes_out),
		 figure(&c->lost[LOSS_LONG_LINE_DROPPED]),
		 figure(&c->lost[LOSS_LONG_LINE_TRUNCATED]), figure(&c->lost[LOSS_LONG_LINE_SPLIT]),
		 figure(&c->errors), figure(&c->retries), figure(&c->files),
		 figure(&c->truncations), figure(&c->removals), figure(&c->latency_max_ns) / 1000);
}

/* What it has asked of others, if it is one that does. */
static void tell_calls(const struct pipeline *p, size_t stage)
{
	const struct call_counters *c = &p->counters[stage].calls;
	if (counter_get(&c->attempts) == 0)
		return;
	log_line(LOG_LEVEL_INFO, p->plan->topology->stages[stage].id.bytes, "calls",
		 "attempts=%ju retries=%ju timeouts=%ju given_up=%ju in_flight=%ju "
		 "in_flight_most=%ju breaker=%s breaker_opened=%ju limited_ms=%ju",
		 figure(&c->attempts), figure(&c->retries), figure(&c->timeouts),
		 figure(&c->given_up), figure(&c->in_flight), figure(&c->in_flight_most),
		 breaker_state_names[counter_get(&c->breaker_state)], figure(&c->opened),
		 figure(&c->limited_ns) / 1000000);
}

static void tell_count(const struct pipeline *p, size_t stage, const char *what,
		       const struct counter *counter)
{
	uintmax_t count = figure(counter);
	if (count > 0)
		log_line(LOG_LEVEL_INFO, p->plan->topology->stages[stage].id.bytes, "counted",
			 "what=%s count=%ju", what, count);
}

static void tell_figures(const struct pipeline *p, size_t stage)
{
	const char *const *names = plan_type(p->plan, stage)->figures;
	for (size_t i = 0; names && names[i]; i++) {
		assert(i < FIGURES_MAX);
		tell_count(p, stage, names[i], &p->counters[stage].figures[i]);
	}
	tell_count(p, stage, "steps over 100 ms", &p->counters[stage].slow_steps);
	tell_count(p, stage, "restarts by itself", &p->counters[stage].restarts);
}

void pipeline_tell_figures(const struct pipeline *p)
{
	for (size_t i = 0; i < p->plan->topology->stage_count; i++) {
		tell_figures(p, i);
		tell_calls(p, i);
	}
}

void pipeline_report(struct pipeline *p)
{
	for (size_t i = 0; i < p->worker_count; i++)
		report_worker(&p->workers[i]);
	for (size_t i = 0; i < p->plan->topology->stage_count; i++)
		report_stage(p, i);
	pipeline_tell_figures(p);
	for (size_t e = 0; e < p->edge_count; e++)
		report_queue(p, e);
}
