#include "daemon/plan.h"
#include "daemon/isolation.h"
#include "daemon/plan_stranding.h"
#include "daemon/plan_records.h"
#include "daemon/spilling.h"
#include "conf/units.h"
#include "stages/segments/spill.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BUFFERS_MIN = 3, /* one being filled, one to go on in, one below */
	BUFFERS_MAX = 4096,
	BATCHES_PER_BUFFER = 2,
	AUTO_WORKERS_MAX = 8,
	SPILL_BATCHES = 8, /* read back and on their way */
	SPILL_CAPACITY_MIN = 64 * 1024,
	CLONES_SPARE = 4, /* beyond what the queues hold: with the worker and the reader */
	CLONE_SHARE = 4,  /* clones get at most this fraction of what is left above the least */
};

const struct stage_type *plan_type(const struct plan *p, size_t stage)
{
	return (const struct stage_type *)(const void *)p->topology->stages[stage].schema;
}

static enum stage_kind kind_of(const struct plan *p, size_t stage)
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
	       (s->input_count == 1 && kind_of(p, s->inputs[0].stage) == STAGE_SOURCE);
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

/* A spill in front of a sink that stores nothing for good has a copy of what is with it (daemon/spilling.h). */
static bool keeps_copies(const struct plan *p, size_t stage)
{
	bool keeps = false;
	for (size_t r = stage + 1; r < p->topology->stage_count && plan_type(p, stage)->spills; r++)
		keeps |= plan_reads(p, r, stage) && kind_of(p, r) == STAGE_SINK &&
			 !plan_type(p, r)->sink_sync;
	return keeps;
}

/* How many batches fan-out makes, at most, of one that reaches each stage; readers stand behind, so backwards. Who has
 * several outputs may send a part of the batch to each; a sink hands on what it could not store in one of its own. */
static int count_clones(struct plan *p)
{
	size_t n = p->topology->stage_count;
	size_t *clones = calloc(n, sizeof *clones);
	if (!clones)
		return -ENOMEM;
	for (size_t i = n; i-- > 0;) {
		size_t readers = 0;
		for (size_t r = i + 1; r < n; r++) {
			size_t times = plan_times_read(p, r, i);
			readers += times;
			clones[i] += p->fused[r] ? times * clones[r] : 0;
		}
		clones[i] += readers ? readers - 1 : 0;
		const struct stage_type *type = plan_type(p, i);
		bool hands_on = type->schema.kind == STAGE_SINK && readers > 0;
		clones[i] +=
		    type->splits || type->transform_due || hands_on || keeps_copies(p, i) ? 1 : 0;
		if (clones[i] > PLAN_TIMES_MAX)
			clones[i] = PLAN_TIMES_MAX; /* refused below; sums must not overflow */
	}
	for (size_t g = 0; g < p->group_count; g++)
		p->groups[g].clones_max = clones[p->groups[g].head];
	free(clones);
	return 0;
}

static int refuse_too_many_clones(const struct plan *p, struct problems *problems)
{
	int result = 0;
	for (size_t g = 0; g < p->group_count; g++) {
		if (p->groups[g].clones_max < PLAN_TIMES_MAX)
			continue;
		const struct topology_stage *head = &p->topology->stages[p->groups[g].head];
		problem_add(problems, head->at,
			    "`%s` would hand on each batch in more than %d copies, over all ways "
			    "to the sinks; no memory would do, fewer branches would",
			    head->id.bytes, PLAN_TIMES_MAX);
		result = -EINVAL;
	}
	return result;
}

/* What hands on records in no certain order, among all that they come through; SIZE_MAX: nothing does. Inputs stand before their
 * readers. */
static size_t find_disorder(const struct plan *p, const bool *upstream)
{
	for (size_t g = 0; g < p->group_count; g++)
		if (upstream[p->groups[g].head] && p->groups[g].workers > 1 &&
		    !p->groups[g].ordered)
			return p->groups[g].head;
	return SIZE_MAX;
}

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

static size_t inputs_of(const struct plan *p, size_t g)
{
	size_t n = 0;
	for (size_t e = 0; e < p->edge_count; e++)
		n += p->edges[e].to == g;
	return n;
}

/* Memory */

static size_t instances(const struct plan *p, size_t stage)
{
	size_t n = 0;
	for (size_t g = 0; g < p->group_count; g++)
		if (plan_hosts(p, g, stage))
			n += p->groups[g].workers;
	return n;
}

/* Of buffers for what comes back from disk: any batch's records fit into one. */
static size_t spill_capacity(const struct plan *p)
{
	size_t capacity = plan_largest_input(p);
	if (capacity < SPILL_CAPACITY_MIN)
		capacity = SPILL_CAPACITY_MIN;
	for (size_t g = 0; g < p->group_count; g++)
		if (p->groups[g].scratch_capacity > capacity)
			capacity = p->groups[g].scratch_capacity;
	return capacity;
}

/* What one instance takes. */
static size_t state_memory(const struct plan *p, size_t stage)
{
	const struct stage_type *type = plan_type(p, stage);
	if (type->spills)
		return spill_memory(&p->fields, spill_capacity(p)) + SPILLING_MEMORY;
	return type->memory ? type->memory(p->topology->stages[stage].options) : 0;
}

/* What stages take beside batches. */
static void count_stage_needs(struct plan *p)
{
	p->helpers = 1;
	for (size_t i = 0; i < p->topology->stage_count; i++) {
		const struct stage_type *type = plan_type(p, i);
		const void *options = p->topology->stages[i].options;
		p->memory_stages += state_memory(p, i) * instances(p, i);
		if (type->descriptors)
			p->descriptors += type->descriptors(options) * instances(p, i);
		if (type->helpers)
			p->helpers += type->helpers(options) * instances(p, i);
	}
}

/* What is taken for one batch that comes in is a set, of batches and of buffers: one on its way, one being made, and one for
 * each input (daemon/worker.h says why). */
static size_t sets_moving(const struct plan *p, size_t g)
{
	return 2 + inputs_of(p, g);
}

static size_t sets_least(const struct plan *p, size_t g)
{
	return sets_moving(p, g) + p->groups[g].stranded;
}

static size_t buffers_least(const struct plan *p, const struct plan_group *g)
{
	if (g->spills)
		return BUFFERS_MIN + spill_buffers(&p->fields, g->buffer_capacity);
	return BUFFERS_MIN + g->stranded;
}

/* As many more as the queues below can hold. */
static size_t sets_more(const struct plan *p, size_t g)
{
	size_t longest = 0;
	for (size_t e = 0; e < p->edge_count; e++)
		if (p->edges[e].from == g && p->edges[e].capacity > longest)
			longest = p->edges[e].capacity;
	return longest + CLONES_SPARE + inputs_of(p, g) - sets_moving(p, g);
}

struct home_size plan_clone_home(const struct plan *p, size_t group)
{
	const struct plan_group *g = &p->groups[group];
	return (struct home_size){.buffers = g->scratch_buffers,
				  .buffer_capacity = g->scratch_capacity,
				  .batches = g->clone_batches,
				  .columns = p->fields.count};
}

struct home_size plan_input_home(const struct plan *p, size_t group)
{
	const struct plan_group *g = &p->groups[group];
	return (struct home_size){.buffers = g->buffers,
				  .buffer_capacity = g->buffer_capacity,
				  .batches = g->batches,
				  .columns = p->fields.count};
}

static size_t clone_memory(const struct plan *p)
{
	size_t sum = 0;
	for (size_t g = 0; g < p->group_count; g++) {
		struct home_size size = plan_clone_home(p, g);
		sum += p->groups[g].workers * home_footprint(&size);
	}
	return sum;
}

/* What one set more takes. */
static double set_memory(const struct plan *p, size_t g)
{
	const struct home_size batch = {.batches = 1, .columns = p->fields.count};
	const struct home_size buffer = {.buffers = 1,
					 .buffer_capacity = p->groups[g].scratch_capacity};
	return (double)p->groups[g].clones_max * (double)home_footprint(&batch) +
	       (double)p->groups[g].scratch_max * (double)home_footprint(&buffer);
}

/* Everybody gets the same part of what is wanted beyond the least; together no more than `bytes`. */
static void give_more_sets(struct plan *p, size_t bytes)
{
	double wanted = 0;
	for (size_t g = 0; g < p->group_count; g++)
		wanted += (double)p->groups[g].workers * (double)sets_more(p, g) * set_memory(p, g);
	double part = wanted > (double)bytes ? (double)bytes / wanted : 1;
	for (size_t g = 0; g < p->group_count; g++) {
		struct plan_group *group = &p->groups[g];
		double sets = (double)sets_more(p, g) * part;
		group->clone_batches += (size_t)((double)group->clones_max * sets);
		group->scratch_buffers += (size_t)((double)group->scratch_max * sets);
	}
}

/* One that gets batches back from disk has buffers for text beside their records, too. */
static size_t batches_for(const struct plan_group *g, size_t buffers)
{
	return g->spills ? SPILL_BATCHES : buffers * BATCHES_PER_BUFFER;
}

static size_t input_footprint(const struct plan *p, const struct plan_group *g, size_t buffers)
{
	return home_footprint(&(struct home_size){.buffers = buffers,
						  .buffer_capacity = g->buffer_capacity,
						  .batches = batches_for(g, buffers),
						  .columns = p->fields.count});
}

static bool has_input_home(const struct plan *p, const struct plan_group *g)
{
	return kind_of(p, g->head) == STAGE_SOURCE || g->spills;
}

static size_t count_sources(const struct plan *p)
{
	size_t n = 0;
	for (size_t g = 0; g < p->group_count; g++)
		n += kind_of(p, p->groups[g].head) == STAGE_SOURCE;
	assert(n > 0); /* conf refuses a topology without */
	return n;
}

/* The most buffers that fit into share. */
static size_t buffers_within(const struct plan *p, const struct plan_group *g, size_t share)
{
	size_t n = share / input_footprint(p, g, 1);
	size_t least = buffers_least(p, g), most = BUFFERS_MAX + least;
	return n < least ? least : n > most ? most : n;
}

static void give_buffers(struct plan_group *g, size_t buffers)
{
	g->buffers = buffers;
	g->batches = batches_for(g, buffers);
}

static size_t buffer_memory(const struct plan *p)
{
	size_t sum = 0;
	for (size_t g = 0; g < p->group_count; g++)
		if (has_input_home(p, &p->groups[g]))
			sum += input_footprint(p, &p->groups[g], p->groups[g].buffers);
	return sum;
}

/* What it takes to make progress at all: it depends on the topology only, never on its budget, so that the number which a
 * refusal names is the one that will do. */
static void give_least(struct plan *p)
{
	for (size_t g = 0; g < p->group_count; g++) {
		struct plan_group *group = &p->groups[g];
		group->clone_batches = sets_least(p, g) * group->clones_max;
		group->scratch_buffers = sets_least(p, g) * group->scratch_max;
		if (!has_input_home(p, group))
			continue;
		group->buffer_capacity =
		    group->spills ? spill_capacity(p)
				  : plan_type(p, group->head)
					->buffer_capacity(p->topology->stages[group->head].options);
		give_buffers(group, buffers_least(p, group));
	}
}

/* In equal parts, so that a source with long lines can't starve the rest. */
static void give_more_buffers(struct plan *p, size_t bytes)
{
	size_t share = bytes / count_sources(p);
	for (size_t g = 0; g < p->group_count; g++) {
		struct plan_group *group = &p->groups[g];
		if (kind_of(p, group->head) != STAGE_SOURCE)
			continue;
		size_t least = input_footprint(p, group, buffers_least(p, group));
		give_buffers(group, buffers_within(p, group, least + share));
	}
}

static size_t memory_given(const struct plan *p)
{
	return p->memory_stages + clone_memory(p) + buffer_memory(p);
}

static void give_rest(struct plan *p)
{
	give_more_sets(p, (p->topology->memory - memory_given(p)) / CLONE_SHARE);
	assert(memory_given(p) <= p->topology->memory);
	give_more_buffers(p, p->topology->memory - memory_given(p));
	p->memory_total = memory_given(p);
	assert(p->memory_total <= p->topology->memory);
}

static size_t home_memory(const struct plan *p, size_t group)
{
	const struct plan_group *g = &p->groups[group];
	struct home_size clones = plan_clone_home(p, group);
	size_t sum = home_footprint(&clones);
	if (has_input_home(p, g))
		sum += input_footprint(p, g, g->buffers);
	return sum;
}

size_t plan_group_memory(const struct plan *p, size_t group)
{
	size_t sum = home_memory(p, group);
	for (size_t i = 0; i < p->topology->stage_count; i++)
		if (plan_hosts(p, group, i))
			sum += state_memory(p, i);
	return sum * p->groups[group].workers;
}

/* With the buffers that a group takes on its head's account. */
static size_t stage_memory(const struct plan *p, size_t stage)
{
	size_t sum = state_memory(p, stage) * instances(p, stage);
	if (!p->fused[stage])
		sum += home_memory(p, p->group_of[stage]) * p->groups[p->group_of[stage]].workers;
	return sum;
}

enum { MOST_TOLD = 3 };

/* The stages that take most, the largest first: how many. */
static size_t find_most(const struct plan *p, size_t most[static MOST_TOLD])
{
	size_t count = 0;
	for (size_t i = 0; i < p->topology->stage_count; i++) {
		size_t at = count, takes = stage_memory(p, i);
		while (at > 0 && stage_memory(p, most[at - 1]) < takes)
			at--;
		if (at == MOST_TOLD)
			continue;
		count += count < MOST_TOLD;
		memmove(&most[at + 1], &most[at], (count - at - 1) * sizeof *most);
		most[at] = i;
	}
	return count;
}

static size_t in_mib(size_t bytes)
{
	return (bytes + (1 << 20) - 1) >> 20;
}

static void tell_too_small(const struct plan *p, struct problems *problems)
{
	const struct topology *t = p->topology;
	size_t most[MOST_TOLD] = {0}, count = find_most(p, most), length = 0;
	char budget[UNITS_TEXT_ROOM], list[MOST_TOLD * 128] = "";
	units_print_size(budget, t->memory);
	for (size_t i = 0; i < count; i++)
		length += (size_t)snprintf(list + length, sizeof list - length, "%s`%s` %zuMiB",
					   i ? ", " : "", t->stages[most[i]].id.bytes,
					   in_mib(stage_memory(p, most[i])));
	problem_add(problems, t->memory_at.file ? t->memory_at : t->stages[most[0]].at,
		    "the memory budget of %s is too small for this topology to make progress; "
		    "`memory: %zuMiB` would do; %s: %s",
		    budget, in_mib(p->memory_needed),
		    count < t->stage_count ? "those that need most" : "what each needs", list);
}

static int refuse_small_spills(const struct plan *p, struct problems *problems)
{
	int result = 0;
	for (size_t g = 0; g < p->group_count; g++) {
		const struct topology_stage *s = &p->topology->stages[p->groups[g].head];
		const struct spill_options *o = s->options;
		uint64_t least = spill_max_size_min(&p->fields, spill_capacity(p));
		if (!p->groups[g].spills || o->max_size >= least)
			continue;
		problem_add(problems, s->at,
			    "`queue.max_size` is too small for the batches that may come; write "
			    "at least %zuMiB",
			    in_mib((size_t)least));
		result = -EINVAL;
	}
	return result;
}

static int divide_memory(struct plan *p, struct problems *problems)
{
	count_stage_needs(p);
	give_least(p);
	p->memory_needed = memory_given(p);
	if (p->memory_needed <= p->topology->memory) {
		give_rest(p);
		return 0;
	}
	tell_too_small(p, problems);
	return -EINVAL;
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
		r = count_clones(p);
	if (r == 0)
		r = refuse_too_many_clones(p, problems);
	if (r == 0)
		r = plan_texts(p, problems);
	if (r < 0)
		goto fail;
	share_threads(p);
	r = refuse_small_spills(p, problems);
	if (r == 0)
		r = divide_memory(p, problems);
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
