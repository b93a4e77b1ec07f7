#include "daemon/assembly.h"
#include "daemon/spilling.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct worker *assembly_worker(struct pipeline *p, size_t group, unsigned index)
{
	size_t at = index;
	for (size_t g = 0; g < group; g++)
		at += p->plan->groups[g].workers;
	return &p->workers[at];
}

/* Queues */

static void give_overflow(struct pipeline *p, const struct plan_edge *planned, struct edge *e)
{
	size_t reader = pipeline_group(p, planned->to)->head;
	overflow_init(&e->overflow, planned->when_full, p->plan->topology->stages[reader].id.bytes,
		      &p->counters[reader]);
}

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
		refcount_init(&e->producers, pipeline_group(p, planned->from)->workers);
		e->turns = pipeline_group(p, planned->to)->ordered;
		turn_init(&e->turn, 0);
		barrier_init(&e->barrier);
		e->held_max = planned->held_max;
		give_overflow(p, planned, e);
	}
	return 0;
}

/* Homes */

static bool has_clones(const struct plan *plan, size_t g)
{
	return plan->groups[g].clone_batches + plan->groups[g].scratch_buffers > 0;
}

static size_t homes_wanted(const struct plan *plan)
{
	size_t n = 0;
	for (size_t g = 0; g < plan->group_count; g++)
		n += plan->groups[g].workers *
		     ((plan->groups[g].buffers > 0 ? 1u : 0u) + (has_clones(plan, g) ? 1u : 0u));
	return n;
}

static int give_home(struct pipeline *p, struct home **ret_home, const struct home_size *size)
{
	struct home *h = &p->homes[p->home_count];
	int r = home_init(h, size);
	if (r < 0)
		return r;
	p->home_count++;
	*ret_home = h;
	return 0;
}

static int give_homes(struct pipeline *p, size_t g, struct worker *w)
{
	const struct plan_group *group = pipeline_group(p, g);
	const struct home_size input = plan_input_home(p->plan, g),
			       clones = plan_clone_home(p->plan, g);
	int r = 0;
	if (group->buffers)
		r = give_home(p, &w->home, &input);
	if (r == 0 && has_clones(p->plan, g))
		r = give_home(p, &w->clones, &clones);
	w->at_most = (struct supply){group->clones_max, group->scratch_max};
	return r;
}

static int make_homes(struct pipeline *p)
{
	size_t wanted = homes_wanted(p->plan);
	p->homes = calloc(wanted ? wanted : 1, sizeof *p->homes);
	if (!p->homes)
		return -ENOMEM;
	for (size_t g = 0; g < p->plan->group_count; g++) {
		const struct plan_group *group = pipeline_group(p, g);
		for (unsigned i = 0; i < group->workers; i++) {
			struct worker *w = assembly_worker(p, g, i);
			int r = give_homes(p, g, w);
			if (r < 0)
				return r;
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
	w->reserved = pipeline_group(p, g)->ordered ? w->in_edge_count : 0;
	w->units_ahead = pipeline_group(p, g)->ordered ? UNITS_AHEAD : 1;
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
		bool has_input =
		    t->stages[i].schema->kind == STAGE_SOURCE || plan_type(p->plan, i)->spills;
		n->stage = (struct stage){
		    .type = plan_type(p->plan, i),
		    .id = t->stages[i].id.bytes,
		    .options = t->stages[i].options,
		    .home = has_input ? w->home : w->clones,
		    .fields = &p->plan->fields,
		    .needed = &p->plan->needed[i],
		    .needs_all = p->plan->needs_all[i],
		    .written = &p->plan->written[i],
		    .object = p->plan->objects[i],
		    .on_error = (enum on_error)t->stages[i].on_error,
		    .ordered = t->stages[i].ordered,
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

static int connect_output(struct pipeline *p, size_t g, struct node *n, size_t stage,
			  unsigned output)
{
	const struct plan *plan = p->plan;
	struct outlet *out = &n->outlets[output];
	struct worker *w = out->worker;
	out->nodes = calloc(plan->topology->stage_count, sizeof *out->nodes);
	out->out_edges = calloc(plan->topology->stage_count, sizeof *out->out_edges);
	if (!out->nodes || !out->out_edges)
		return -ENOMEM;
	for (size_t i = 0; i < plan->topology->stage_count; i++) {
		if (!plan_reads_output(plan, i, stage, output))
			continue;
		if (plan->fused[i])
			out->nodes[out->node_count++] = node_of(w, plan, i);
		else
			out->out_edges[out->out_edge_count++] =
			    out_edge_to(p, w, g, plan->group_of[i]);
	}
	return 0;
}

static int connect_outlets(struct pipeline *p, size_t g, struct worker *w, size_t stage)
{
	struct node *n = node_of(w, p->plan, stage);
	unsigned count = plan_outputs(p->plan, stage);
	n->outlets = calloc(count, sizeof *n->outlets);
	if (!n->outlets)
		return -ENOMEM;
	n->outlet_count = count;
	int r = 0;
	for (unsigned i = 0; i < count && r == 0; i++) {
		n->outlets[i] = (struct outlet){.node = n, .worker = w};
		if (n->stage.type->schema.kind != STAGE_SINK)
			n->outlets[i].counters = n->stage.counters;
		r = connect_output(p, g, n, stage, i);
	}
	return r;
}

static int make_worker(struct pipeline *p, size_t g, unsigned index, bool once)
{
	const struct topology *t = p->plan->topology;
	const struct plan_group *group = pipeline_group(p, g);
	struct worker *w = assembly_worker(p, g, index);
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
			r = connect_outlets(p, g, w, i);
	return r;
}

static int make_workers(struct pipeline *p, bool once)
{
	int crews = make_crews(p);
	if (crews < 0)
		return crews;
	for (size_t g = 0; g < p->plan->group_count; g++)
		for (unsigned i = 0; i < pipeline_group(p, g)->workers; i++) {
			int r = make_worker(p, g, i, once);
			if (r < 0)
				return r;
		}
	return 0;
}

static void release_outlets(struct node *n)
{
	for (unsigned i = 0; i < n->outlet_count; i++) {
		free(n->outlets[i].nodes);
		free(n->outlets[i].out_edges);
	}
	free(n->outlets);
}

static void release_worker(struct worker *w)
{
	for (size_t i = 0; w->nodes && i < w->node_count; i++)
		release_outlets(&w->nodes[i]);
	for (size_t i = 0; w->units && i < w->units_max; i++)
		free(w->units[i].lists);
	free(w->units);
	reporting_release(w);
	isolation_release(w);
	spilling_release(w);
	free(w->nodes);
	free(w->in_edges);
	free(w->out_edges);
}

/* Spills */

static int make_spilling(struct pipeline *p, size_t edge)
{
	const struct plan_edge *e = &p->plan->edges[edge];
	struct worker *reader = assembly_worker(p, e->to, 0);
	bool keeps = plan_keeps_copies(p->plan, pipeline_group(p, e->from)->head);
	reader->has_no_part = keeps;
	p->edges[edge].is_passed_at_once = keeps && reader->out_edge_count > 0;
	return spilling_init(assembly_worker(p, e->from, 0), keeps,
			     pipeline_group(p, e->from)->stranded);
}

static int make_spillings(struct pipeline *p)
{
	int r = 0;
	for (size_t e = 0; e < p->plan->edge_count && r == 0 && p->memory; e++)
		if (pipeline_group(p, p->plan->edges[e].from)->spills)
			r = make_spilling(p, e);
	return r;
}

/* All of it */

int assembly_make(struct pipeline *p, bool once)
{
	assert(p->plan->group_count > 0);
	for (size_t g = 0; g < p->plan->group_count; g++)
		p->worker_count += pipeline_group(p, g)->workers;
	p->workers = calloc(p->worker_count, sizeof *p->workers);
	int r = p->workers ? make_edges(p) : -ENOMEM;
	if (r == 0)
		r = make_homes(p);
	if (r == 0)
		r = make_workers(p, once);
	return r == 0 ? make_spillings(p) : r;
}

void assembly_release(struct pipeline *p)
{
	for (size_t i = 0; p->workers && i < p->worker_count; i++)
		release_worker(&p->workers[i]);
	for (size_t i = 0; i < p->edge_count; i++) {
		turn_release(&p->edges[i].turn);
		overflow_release(&p->edges[i].overflow);
		queue_release(&p->edges[i].queue);
	}
	for (size_t i = 0; i < p->home_count; i++)
		home_release(&p->homes[i]);
	release_crews(p);
	free(p->workers);
	free(p->edges);
	free(p->homes);
}
