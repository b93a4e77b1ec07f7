#include "daemon/plan_memory.h"
#include "daemon/plan_records.h"
#include "daemon/spilling.h"
#include "conf/units.h"
#include "stages/segments/spill.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	BUFFERS_MIN = 3, /* one being filled, one to go on in, one below */
	BUFFERS_MAX = 4096,
	BATCHES_PER_BUFFER = 2,
	SPILL_BATCHES = 8, /* read back and on their way */
	SPILL_CAPACITY_MIN = 64 * 1024,
	CLONES_SPARE = 4, /* beyond what the queues hold: with the worker and the reader */
	CLONE_SHARE = 4,  /* clones get at most this fraction of what is left above the least */
};

/* What there has to be */

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
	return 2 + plan_inputs(p, g);
}

static size_t sets_least(const struct plan *p, size_t g)
{
	return sets_moving(p, g) + p->groups[g].stranded;
}

static size_t buffers_least(const struct plan *p, const struct plan_group *g)
{
	if (g->spills)
		return BUFFERS_MIN + spill_buffers(&p->fields, g->buffer_capacity);
	const struct stage_type *type = plan_type(p, g->head);
	size_t more =
	    type->more_buffers ? type->more_buffers(p->topology->stages[g->head].options) : 0;
	return BUFFERS_MIN + g->stranded + more;
}

/* As many more as the queues below can hold. */
static size_t sets_more(const struct plan *p, size_t g)
{
	size_t longest = 0;
	for (size_t e = 0; e < p->edge_count; e++)
		if (p->edges[e].from == g && p->edges[e].capacity > longest)
			longest = p->edges[e].capacity;
	return longest + CLONES_SPARE + plan_inputs(p, g) - sets_moving(p, g);
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
	return plan_kind(p, g->head) == STAGE_SOURCE || g->spills;
}

static size_t count_sources(const struct plan *p)
{
	size_t n = 0;
	for (size_t g = 0; g < p->group_count; g++)
		n += plan_kind(p, p->groups[g].head) == STAGE_SOURCE;
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
		if (plan_kind(p, group->head) != STAGE_SOURCE)
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

/* Refusals */

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

int plan_memory(struct plan *p, struct problems *problems)
{
	int r = refuse_small_spills(p, problems);
	if (r < 0)
		return r;
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
