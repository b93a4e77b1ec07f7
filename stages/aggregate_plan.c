#include "stages/aggregate_plan.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int find_tally(struct aggregate_plan *p, const struct aggregate_function *f)
{
	for (unsigned i = 0; i < p->tally_count; i++)
		if (p->tallies[i].length == f->field_length &&
		    memcmp(p->tallies[i].field, f->field, f->field_length) == 0)
			return (int)i;
	p->tallies[p->tally_count] =
	    (struct planned_tally){.field = f->field, .length = f->field_length};
	p->sketch_of[p->tally_count] = -1;
	return (int)p->tally_count++;
}

static void add(struct aggregate_plan *p, const struct text *text)
{
	struct planned_function *f = &p->functions[p->function_count++];
	struct aggregate_mistake mistake;
	int r = aggregate_function_parse(text, &f->function, &mistake);
	assert(r == 0 && "it was checked");
	(void)r;
	f->tally = f->function.field ? find_tally(p, &f->function) : -1;
	if (f->tally < 0)
		return;
	p->tallies[f->tally].is_of_numbers |= f->function.kind != AGGREGATE_COUNT;
	if (f->function.kind == AGGREGATE_QUANTILE && p->sketch_of[f->tally] < 0)
		p->sketch_of[f->tally] = (int)p->sketch_count++;
}

int aggregate_plan_init(struct aggregate_plan *p, const struct text_map *functions)
{
	*p = (struct aggregate_plan){
	    .functions = calloc(functions->count + 1, sizeof *p->functions),
	    .tallies = calloc(functions->count + 1, sizeof *p->tallies),
	    .sketch_of = calloc(functions->count + 1, sizeof *p->sketch_of),
	};
	if (!p->functions || !p->tallies || !p->sketch_of)
		return -ENOMEM;
	for (size_t i = 0; i < functions->count; i++)
		add(p, &functions->items[i].value);
	return 0;
}

void aggregate_plan_release(struct aggregate_plan *p)
{
	free(p->functions);
	free(p->tallies);
	free(p->sketch_of);
	*p = (struct aggregate_plan){.functions = NULL};
}

struct value aggregate_plan_result(const struct aggregate_plan *p, size_t function,
				   uint64_t records, const struct tally *tallies,
				   const struct sketch *sketches)
{
	const struct planned_function *f = &p->functions[function];
	const struct tally *t = f->tally < 0 ? NULL : &tallies[f->tally];
	switch (f->function.kind) {
	case AGGREGATE_SUM:
		return tally_sum(t);
	case AGGREGATE_MIN:
		return tally_least(t);
	case AGGREGATE_MAX:
		return tally_most(t);
	case AGGREGATE_AVG:
		return tally_mean(t);
	case AGGREGATE_QUANTILE:
		return tally_quantile(t, &sketches[p->sketch_of[f->tally]], f->function.q);
	default:
		return (struct value){.type = VALUE_INT, .i = (int64_t)(t ? t->count : records)};
	}
}
