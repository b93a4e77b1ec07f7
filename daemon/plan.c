#include "daemon/plan.h"
#include "daemon/isolation.h"
#include "daemon/plan_memory.h"
#include "daemon/plan_records.h"
#include "daemon/plan_stranding.h"

#include <errno.h>
#include <stdlib.h>

enum { AUTO_WORKERS_MAX = 8 };

const struct stage_type *plan_type(const struct plan *p, size_t stage)
{
	return (const struct stage_type *)(const void *)p->topology->stages[stage].schema;
}

enum stage_kind plan_kind(const struct plan *p, size_t stage)
{
	return p->topology->stages[stage].schema->kind;
}

/* How many outputs of it. */
size_t plan_times_read(const struct plan *p, size_t reader, size_t stage)
{
	const struct topology_stage *r = &p->topology->stages[reader];
	size_t n = 0;
	for (size_t i = 0; i < r->input_count; i++)
		n += r->inputs[i].stage == stage;
	return n;
}

bool plan_reads(const struct plan *p, size_t reader, size_t stage)
{
	return plan_times_read(p, reader, stage) > 0;
}

bool plan_reads_output(const struct plan *p, size_t reader, size_t stage, unsigned output)
{
	const struct topology_stage *r = &p->topology->stages[reader];
	for (size_t i = 0; i < r->input_count; i++)
		if (r->inputs[i].stage == stage && r->inputs[i].output == output)
			return true;
	return false;
}

unsigned plan_outputs(const struct plan *p, size_t stage)
{
	unsigned count = 1;
	for (size_t r = stage + 1; r < p->topology->stage_count; r++) {
		const struct topology_stage *s = &p->topology->stages[r];
		for (size_t i = 0; i < s->input_count; i++)
			if (s->inputs[i].stage == stage && s->inputs[i].output >= count)
				count = s->inputs[i].output + 1;
	}
	return count;
}

bool plan_keeps_copies(const struct plan *p, size_t stage)
{
	bool keeps = false;
	for (size_t r = stage + 1; r < p->topology->stage_count && plan_type(p, stage)->spills; r++)
		keeps |= plan_reads(p, r, stage) && plan_kind(p, r) == STAGE_SINK &&
			 !plan_type(p, r)->sink_sync;
	return keeps;
}

/* The option for which one instance has to see all; NULL: there is none. */
static const char *option_for_one(const struct plan *p, size_t stage)
{
	const struct stage_type *type = plan_type(p, stage);
	return type->one_instance ? type->one_instance(p->topology->stages[stage].options) : NULL;
}

static unsigned worker_count(const struct plan *p, size_t stage, unsigned cpus)
{
	const struct topology_stage *s = &p->topology->stages[stage];
	unsigned most = s->schema->workers_max ? s->schema->workers_max : 1;
	uint64_t n = 1;
	if (option_for_one(p, stage))
		most = 1;
	if (s->workers_given)
		n = s->workers ? s->workers : (cpus > 1 ? cpus - 1 : 1);
	if (s->workers_given && !s->workers && n > AUTO_WORKERS_MAX)
		n = AUTO_WORKERS_MAX;
	return n < most ? (unsigned)n : most;
}

static bool may_fuse(const struct plan *p, size_t stage)
{
	const struct topology_stage *s = &p->topology->stages[stage];
	const struct stage_type *type = plan_type(p, stage);
	if (s->schema->kind != STAGE_TRANSFORM || s->workers_given || s->queue_given ||
	    !type->light)
		return false;
	/* A stage that keeps state must see all of its input in one instance. */
	return !stage_keeps_state(type, s->options) ||
	       (s->input_count == 1 && plan_kind(p, s->inputs[0].stage) == STAGE_SOURCE);
}

/* Groups */

static int make_groups(struct plan *p, unsigned cpus)
{
	size_t n = p->topology->stage_count;
	p->fused = calloc(n, sizeof *p->fused);
	p->group_of = calloc(n, sizeof *p->group_of);
	p->groups = calloc(n, sizeof *p->groups);
	if (!p->fused || !p->group_of || !p->groups)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		p->fused[i] = may_fuse(p, i);
		if (p->fused[i])
			continue;
		unsigned workers = worker_count(p, i, cpus);
		p->group_of[i] = p->group_count;
		p->groups[p->group_count++] = (struct plan_group){
		    .head = i,
		    .workers = workers,
		    .ordered = workers > 1 && p->topology->stages[i].ordered,
		    .thread_of = p->group_of[i],
		    .spills = plan_type(p, i)->spills,
		};
	}
	return 0;
}

/* Which stages run in which group: its head, and what batches reach from there by way of fused stages only. Inputs stand
 * before their readers, so one pass is enough. */
static int find_hosts(struct plan *p)
{
	size_t n = p->topology->stage_count;
	p->hosted = calloc(p->group_count * n, sizeof *p->hosted);
	if (!p->hosted)
		return -ENOMEM;
	for (size_t g = 0; g < p->group_count; g++) {
		bool *hosted = p->hosted + g * n;
		for (size_t i = 0; i < n; i++) {
			const struct topology_stage *s = &p->topology->stages[i];
			hosted[i] = p->groups[g].head == i;
			for (size_t k = 0; k < s->input_count && p->fused[i]; k++)
				hosted[i] |= hosted[s->inputs[k].stage];
		}
	}
	return 0;
}

bool plan_hosts(const struct plan *p, size_t group, size_t stage)
{
	return p->hosted[group * p->topology->stage_count + stage];
}

/* What hands on records in no certain order, among all that they come through; SIZE_MAX: nothing does. */
static size_t find_disorder(const struct plan *p, const bool *upstream)
{
	for (size_t g = 0; g < p->group_count; g++)
		if (upstream[p->groups[g].head] && p->groups[g].workers > 1 &&
		    !p->groups[g].ordered)
			return p->groups[g].head;
	return SIZE_MAX;
}

/* Inputs stand before their readers. */
static void mark_above(const struct plan *p, size_t stage, bool *above)
{
	for (size_t i = 0; i < p->topology->stage_count; i++)
		above[i] = i == stage;
	for (size_t i = stage + 1; i-- > 0;)
		for (size_t k = 0; above[i] && k < p->topology->stages[i].input_count; k++)
			above[p->topology->stages[i].inputs[k].stage] = true;
}

static int refuse_instances(const struct plan *p, size_t stage, bool *above,
			    struct problems *problems)
{
	const struct topology_stage *s = &p->topology->stages[stage];
	const char *option = option_for_one(p, stage);
	if (option && s->workers > 1) {
		problem_add(problems, s->at,
			    "`workers: %ju` with %s, for which one has to see all records; leave "
			    "`workers` out",
			    (uintmax_t)s->workers, option);
		return -EINVAL;
	}
	if (!option)
		return 0;
	mark_above(p, stage, above);
	size_t from = find_disorder(p, above);
	if (from == SIZE_MAX)
		return 0;
	problem_add(problems, p->topology->stages[from].at,
		    "`%s` hands on records in no certain order, and `%s` needs them as they were "
		    "read, for %s; leave `ordered: false` out",
		    p->topology->stages[from].id.bytes, s->id.bytes, option);
	return -EINVAL;
}

static int refuse_wrong_instances(const struct plan *p, struct problems *problems)
{
	bool *above = calloc(p->topology->stage_count, sizeof *above);
	int r = above ? 0 : -ENOMEM;
	for (size_t i = 0; r != -ENOMEM && i < p->topology->stage_count; i++)
		r = result_worse(refuse_instances(p, i, above, problems), r);
	free(above);
	return r;
}

/* Edges */

static bool feeds(const struct plan *p, size_t from, size_t to)
{
	const struct topology_stage *s = &p->topology->stages[p->groups[to].head];
	for (size_t i = 0; i < s->input_count; i++)
		if (plan_hosts(p, from, s->inputs[i].stage))
			return true;
	return false;
}

/* Who puts takes, too, where the oldest is left out. */
static enum queue_mode queue_mode_of(const struct plan_group *from, const struct plan_group *to,
				     enum when_full when_full)
{
	return from->workers == 1 && to->workers == 1 && when_full != WHEN_FULL_DROP_OLDEST
		   ? QUEUE_SPSC
		   : QUEUE_MPMC;
}

static int make_edges(struct plan *p)
{
	p->edges = calloc(p->group_count * p->group_count, sizeof *p->edges);
	if (!p->edges)
		return -ENOMEM;
	for (size_t to = 0; to < p->group_count; to++) {
		for (size_t from = 0; from < p->group_count; from++) {
			const struct plan_group *f = &p->groups[from], *t = &p->groups[to];
			enum when_full when_full =
			    (enum when_full)p->topology->stages[t->head].queue_when_full;
			if (from == to || !feeds(p, from, to))
				continue;
			p->edges[p->edge_count++] = (struct plan_edge){
			    .from = from,
			    .to = to,
			    .capacity = p->topology->stages[t->head].queue_capacity,
			    .when_full = when_full,
			    .mode = queue_mode_of(f, t, when_full),
			};
		}
	}
	return 0;
}

size_t plan_inputs(const struct plan *p, size_t group)
{
	size_t n = 0;
	for (size_t e = 0; e < p->edge_count; e++)
		n += p->edges[e].to == group;
	return n;
}

/* Then what is in flight on its thread must be its own. */
static bool begins_anew_alone(const struct plan *p, size_t group)
{
	return p->topology->supervision.strategy == ISOLATE &&
	       isolation_suits(plan_type(p, p->groups[group].head));
}

static void share_threads(struct plan *p)
{
	for (size_t g = 0; g < p->group_count; g++) {
		size_t producer = 0, producers = 0;
		bool is_stranded = false; /* then its thread, too, has to be its own */
		for (size_t e = 0; e < p->edge_count; e++) {
			if (p->edges[e].to != g)
				continue;
			producer = p->edges[e].from;
			is_stranded |= plan_edge_strands(&p->edges[e]);
			producers++;
		}
		const struct stage_type *type = plan_type(p, p->groups[g].head);
		if (type->schema.kind == STAGE_SINK && type->light && producers == 1 &&
		    !is_stranded && p->groups[producer].workers == 1 && !begins_anew_alone(p, g) &&
		    !begins_anew_alone(p, producer))
			p->groups[g].thread_of = producer;
	}
}

int plan_make(struct plan *p, const struct topology *t, unsigned cpus, struct problems *problems)
{
	*p = (struct plan){.topology = t};
	int r = make_groups(p, cpus);
	if (r == 0)
		r = find_hosts(p);
	if (r == 0)
		r = refuse_wrong_instances(p, problems);
	if (r == 0)
		r = make_edges(p);
	if (r == 0)
		r = plan_strand(p);
	if (r == 0)
		r = plan_fields(p, problems);
	if (r == 0)
		r = plan_clones(p, problems);
	if (r == 0)
		r = plan_texts(p, problems);
	if (r < 0)
		goto fail;
	share_threads(p);
	r = plan_memory(p, problems);
	if (r < 0)
		goto fail;
	return 0;
fail:
	plan_release(p);
	return r;
}

void plan_release(struct plan *p)
{
	free(p->fused);
	free(p->group_of);
	free(p->groups);
	free(p->hosted);
	free(p->edges);
	fields_release(&p->fields);
	free(p->needed);
	free(p->needs_all);
	free(p->written);
	free(p->objects);
	*p = (struct plan){.topology = NULL};
}
