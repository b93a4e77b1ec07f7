#include "tests/unit/stages/caught.h"

#include <criterion/criterion.h>

void caught_init(struct caught *c, unsigned outputs, const char *id,
		 struct stage_counters *counters)
{
	cr_assert_leq(outputs, CAUGHT_OUTPUTS_MAX);
	*c = (struct caught){.unit = {.used = true, .lists = c->lists}};
	c->worker.newest_unit = &c->unit;
	c->worker.out_edges = c->edges;
	c->worker.out_edge_count = outputs;
	c->node.stage.id = id;
	c->node.outlets = c->outlets;
	c->node.outlet_count = outputs;
	for (unsigned i = 0; i < outputs; i++) {
		c->numbers[i] = i;
		c->outlets[i] = (struct outlet){.node = &c->node,
						.worker = &c->worker,
						.counters = counters,
						.out_edges = &c->numbers[i],
						.out_edge_count = 1};
	}
}

struct batch *caught_take(struct caught *c, unsigned output)
{
	return batch_list_take(&c->lists[output]);
}
