#include "daemon/pipeline.h"
#include "daemon/cpus.h"
#include "daemon/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

static const struct plan_group *group_of(const struct pipeline *p, size_t g)
{
	return &p->plan->groups[g];
}

/* The first of the group's workers; they stand side by side, in the order of the groups. */
static struct worker *first_worker(struct pipeline *p, size_t group)
{
	size_t at = 0;
	for (size_t g = 0; g < group; g++)
		at += p->plan->groups[g].workers;
	return &p->workers[at];
}

/* Queues */

static int make_edges(struct pipeline *p)
{
	p->edges = calloc(p->plan->edge_count ? p->plan->edge_count : 1, sizeof *p->edges);
	if (!p->edges)
		return -ENOMEM;
	for (; p->edge_count < p->plan->edge_count; p->edge_count++) {
		const struct plan_edge *planned = &p->plan->edges[p->edge_count];
		struct edge *e = &p->edges[p->edge_count];
		int r = queue_init(&e->queue, planned->capacity, planned->mode);
		if (r < 0)
			return r;
		refcount_init(&e->producers, group_of(p, planned->from)->workers);
		e->turns = group_of(p, planned->to)->ordered;
		turn_init(&e->turn, 0);
		barrier_init(&e->barrier);
	}
	return 0;
}

/* Homes */

static size_t homes_wanted(const struct plan *plan)
{
	size_t n = 0;
	for (size_t g = 0; g < plan->group_count; g++)
		n += plan->groups[g].workers * (plan->groups[g].buffers > 0 ? 1u : 0u) +
		     plan->groups[g].workers * (plan->groups[g].clone_batches > 0 ? 1u : 0u);
	return n;
}

static int give_home(struct pipeline *p, struct home **ret_home, size_t buffers, size_t capacity,
		     size_t batches)
{
	struct home *h = &p->homes[p->home_count];
	int r = home_init(h, buffers, capacity, batches);
	if (r < 0)
		return r;
	p->home_count++;
	*ret_home = h;
	return 0;
}

static int make_homes(struct pipeline *p)
{
	size_t wanted = homes_wanted(p->plan);
	p->homes = calloc(wanted ? wanted : 1, sizeof *p->homes);
	if (!p->homes)
		return -ENOMEM;
	for (size_t g = 0; g < p->plan->group_count; g++) {
		const struct plan_group *group = group_of(p, g);
		for (unsigned i = 0; i < group->workers; i++) {
			struct worker *w = first_worker(p, g) + i;
			int r = 0;
			if (group->buffers)
				r = give_home(p, &w->home, group->buffers, group->buffer_capacity,
					      group->batches);
			if (r == 0 && group->clone_batches)
				r = give_home(p, &w->clones, 0, 0, group->clone_batches);
			if (r < 0)
				return r;
			w->clones_max = group->clones_max;
		}
	}
	return 0;
}

/* Workers */

static int make_crews(struct pipeline *p)
{
	p->crews = calloc(p->plan->group_count, sizeof *p->crews);
	for (size_t g = 0; p->crews && g < p->plan->group_count; g++)
		pthread_mutex_init(&p->crews[g].passing, NULL);
	return p->crews ? 0 : -ENOMEM;
}

static void release_crews(struct pipeline *p)
{
	for (size_t g = 0; p->crews && g < p->plan->group_count; g++)
		pthread_mutex_destroy(&p->crews[g].passing);
	free(p->crews);
}

static int make_ends(struct pipeline *p, size_t g, struct worker *w)
{
	const struct plan *plan = p->plan;
	w->in_edges = calloc(plan->edge_count + 1, sizeof *w->in_edges);
	w->out_edges = calloc(plan->edge_count + 1, sizeof *w->out_edges);
	if (!w->in_edges || !w->out_edges)
		return -ENOMEM;
	for (size_t e = 0; e < plan->edge_count; e++) {
		if (plan->edges[e].to == g)
			w->in_edges[w->in_edge_count++].edge = &p->edges[e];
		if (plan->edges[e].from == g)
			w->out_edges[w->out_edge_count++].edge = &p->edges[e];
	}
	w->clones_reserved =
	    group_of(p, g)->ordered ? w->in_edge_count * group_of(p, g)->clones_max : 0;
	w->units_ahead = group_of(p, g)->ordered ? UNITS_AHEAD : 1;
	w->units_max = w->units_ahead + w->in_edge_count;
	w->units = calloc(w->units_max, sizeof *w->units);
	if (!w->units)
		return -ENOMEM;
	for (size_t i = 0; i < w->units_max; i++) {
		w->units[i].lists = calloc(w->out_edge_count + 1, sizeof *w->units[i].lists);
		if (!w->units[i].lists)
			return -ENOMEM;
	}
	return 0;
}

static struct node *node_of(struct worker *w, const struct plan *plan, size_t stage)
{
	for (size_t i = 0; i < w->node_count; i++)
		if (w->nodes[i].stage.options == plan->topology->stages[stage].options &&
		    w->nodes[i].stage.id == plan->topology->stages[stage].id.bytes)
			return &w->nodes[i];
	return NULL;
}

static void make_nodes(struct pipeline *p, size_t g, struct worker *w, unsigned index, bool once)
{
	const struct topology *t = p->plan->topology;
	for (size_t i = 0; i < t->stage_count; i++) {
		if (!plan_hosts(p->plan, g, i))
			continue;
		struct node *n = &w->nodes[w->node_count++];
		n->stage = (struct stage){
		    .type = plan_type(p->plan, i),
		    .id = t->stages[i].id.bytes,
		    .options = t->stages[i].options,
		    .home = i == group_of(p, g)->head ? w->home : NULL,
		    .counters = &p->counters[i],
		    .once = once,
		    .terminal = isatty(STDOUT_FILENO) != 0,
		    .index = index,
		};
	}
}

static size_t out_edge_to(struct pipeline *p, struct worker *w, size_t g, size_t to)
{
	for (size_t e = 0; e < p->plan->edge_count; e++)
		if (p->plan->edges[e].from == g && p->plan->edges[e].to == to)
			for (size_t i = 0; i < w->out_edge_count; i++)
				if (w->out_edges[i].edge == &p->edges[e])
					return i;
	abort(); /* the plan has an edge for every reader that is not fused */
}

static int connect_outlet(struct pipeline *p, size_t g, struct worker *w, size_t stage)
{
	const struct plan *plan = p->plan;
	struct node *n = node_of(w, plan, stage);
	struct outlet *out = &n->outlet;
	*out = (struct outlet){.worker = w, .counters = n->stage.counters};
	out->nodes = calloc(plan->topology->stage_count, sizeof *out->nodes);
	out->out_edges = calloc(plan->topology->stage_count, sizeof *out->out_edges);
	if (!out->nodes || !out->out_edges)
		return -ENOMEM;
	for (size_t i = 0; i < plan->topology->stage_count; i++) {
		if (!plan_reads(plan, i, stage))
			continue;
		if (plan->fused[i])
			out->nodes[out->node_count++] = node_of(w, plan, i);
		else
			out->out_edges[out->out_edge_count++] =
			    out_edge_to(p, w, g, plan->group_of[i]);
	}
	return 0;
}

static int make_worker(struct pipeline *p, size_t g, unsigned index, bool once)
{
	const struct topology *t = p->plan->topology;
	const struct plan_group *group = group_of(p, g);
	struct worker *w = first_worker(p, g) + index;
	const char *id = t->stages[group->head].id.bytes;
	if (group->workers > 1)
		snprintf(w->name, sizeof w->name, "%s/%u", id, index + 1);
	else
		snprintf(w->name, sizeof w->name, "%s", id);
	w->kind = t->stages[group->head].schema->kind;
	w->inlet.worker = w;
	w->stop = &p->stop;
	w->crew = &p->crews[g];
	w->nodes = calloc(t->stage_count, sizeof *w->nodes);
	if (!w->nodes)
		return -ENOMEM;
	make_nodes(p, g, w, index, once);
	int r = make_ends(p, g, w);
	for (size_t i = 0; i < t->stage_count && r == 0; i++)
		if (plan_hosts(p->plan, g, i))
			r = connect_outlet(p, g, w, i);
	return r;
}

static int make_workers(struct pipeline *p, bool once)
{
	int crews = make_crews(p);
	if (crews < 0)
		return crews;
	for (size_t g = 0; g < p->plan->group_count; g++)
		for (unsigned i = 0; i < group_of(p, g)->workers; i++) {
			int r = make_worker(p, g, i, once);
			if (r < 0)
				return r;
		}
	return 0;
}

static void release_worker(struct worker *w)
{
	for (size_t i = 0; w->nodes && i < w->node_count; i++) {
		free(w->nodes[i].outlet.nodes);
		free(w->nodes[i].outlet.out_edges);
	}
	for (size_t i = 0; w->units && i < w->units_max; i++)
		free(w->units[i].lists);
	free(w->units);
	reporting_release(w);
	free(w->nodes);
	free(w->in_edges);
	free(w->out_edges);
}

/* Memory */

static bool has_state(const struct worker *w)
{
	for (size_t i = 0; i < w->node_count; i++)
		if (w->nodes[i].stage.type->snapshot)
			return true;
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
	r->many_cpus = p->many_cpus;
}

/* The workers that share one thread: the `index`th of group g and those of the groups that share its thread. */
static int make_runner(struct pipeline *p, size_t g, unsigned index, enum backend_kind io)
{
	struct runner *r = &p->runners[p->runner_count++];
	struct worker *w = first_worker(p, g) + index;
	snprintf(r->name, sizeof r->name, "%.15s", w->name);
	set_up_runner(p, r, io);
	r->workers = calloc(p->plan->group_count, sizeof(struct worker *));
	if (!r->workers)
		return -ENOMEM;
	/* Groups stand in the order in which batches pass through them: downstream first means backwards. */
	for (size_t other = p->plan->group_count; other-- > 0;)
		if (other == g)
			r->workers[r->worker_count++] = w;
		else if (group_of(p, other)->thread_of == g)
			r->workers[r->worker_count++] = first_worker(p, other);
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

static int make_runners(struct pipeline *p, enum backend_kind io)
{
	p->runners = calloc(p->worker_count + 1, sizeof *p->runners);
	if (!p->runners)
		return -ENOMEM;
	int made = make_epochs_runner(p, io);
	if (made < 0)
		return made;
	for (size_t g = 0; g < p->plan->group_count; g++) {
		if (group_of(p, g)->thread_of != g)
			continue;
		for (unsigned i = 0; i < group_of(p, g)->workers; i++) {
			int r = make_runner(p, g, i, io);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int pipeline_init(struct pipeline *p, const struct plan *plan, bool once, enum backend_kind io,
		  const struct pipeline_memory *memory)
{
	*p = (struct pipeline){
	    .plan = plan, .memory = memory, .many_cpus = cpus_available() > 1, .ended_event = -1};
	int r = -ENOMEM;
	for (size_t g = 0; g < plan->group_count; g++)
		p->worker_count += plan->groups[g].workers;
	p->workers = calloc(p->worker_count, sizeof *p->workers);
	p->counters = calloc(plan->topology->stage_count, sizeof *p->counters);
	if (!p->workers || !p->counters)
		goto fail;
	p->ended_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = p->ended_event < 0 ? -errno : make_edges(p);
	if (r == 0)
		r = make_homes(p);
	if (r == 0)
		r = make_workers(p, once);
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
	for (size_t i = 0; p->workers && i < p->worker_count; i++)
		release_worker(&p->workers[i]);
	release_saved(p);
	if (p->epochs_made)
		epochs_release(&p->epochs);
	for (size_t i = 0; i < p->edge_count; i++) {
		turn_release(&p->edges[i].turn);
		queue_release(&p->edges[i].queue);
	}
	for (size_t i = 0; i < p->home_count; i++)
		home_release(&p->homes[i]);
	release_crews(p);
	free(p->runners);
	free(p->workers);
	free(p->edges);
	free(p->homes);
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
		 stages[group_of(p, planned->from)->head].id.bytes,
		 stages[group_of(p, planned->to)->head].id.bytes, queue_size(q), queue_capacity(q),
		 (uintmax_t)queue_unfinished(q));
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

void pipeline_report(struct pipeline *p)
{
	for (size_t i = 0; i < p->worker_count; i++)
		report_worker(&p->workers[i]);
	for (size_t i = 0; i < p->plan->topology->stage_count; i++)
		report_stage(p, i);
	for (size_t e = 0; e < p->edge_count; e++)
		report_queue(p, e);
}
