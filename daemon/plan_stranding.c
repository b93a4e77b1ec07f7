#include "daemon/plan_stranding.h"
#include "daemon/worker.h"

#include <errno.h>
#include <stdlib.h>

/* Batches that a sink has at a time: where memory is short it gets fewer (BUFFERS_MIN), and with more it is no faster. */
enum { HELD_LEAST = 8, HELD_MOST = 16 };

static bool is_sink(const struct plan *p, size_t group)
{
	return plan_kind(p, p->groups[group].head) == STAGE_SINK;
}

/* What its consumers can have of it at a time, and what one of them has got too early (daemon/inputs.h). */
static size_t held_by_readers(const struct plan *p, const struct plan_edge *e)
{
	size_t inputs = plan_inputs(p, e->to);
	return is_sink(p, e->to) ? e->held_max + 1
				 : p->groups[e->to].workers * (UNITS_AHEAD + 2 * inputs);
}

static void limit(const struct plan *p, struct plan_edge *e)
{
	if (is_sink(p, e->to))
		e->held_max = e->capacity < HELD_LEAST  ? HELD_LEAST
			      : e->capacity > HELD_MOST ? HELD_MOST
							: e->capacity;
	e->is_stranded = true;
}

/* Edges stand in the order of those they lead to, and so behind all that lead to where they come from. */
static void find_stranded(struct plan *p, bool *behind)
{
	for (size_t e = 0; e < p->edge_count; e++) {
		struct plan_edge *edge = &p->edges[e];
		if (!behind[edge->from] && !plan_edge_strands(edge))
			continue;
		limit(p, edge);
		behind[edge->to] = true;
	}
}

static size_t stranded_below(const struct plan *p, size_t group, bool *reached)
{
	size_t sum = 0;
	for (size_t g = 0; g < p->group_count; g++)
		reached[g] = g == group;
	for (size_t e = 0; e < p->edge_count; e++) {
		const struct plan_edge *edge = &p->edges[e];
		if (!reached[edge->from])
			continue;
		reached[edge->to] = true;
		sum += edge->is_stranded ? edge->capacity + held_by_readers(p, edge) : 0;
	}
	return sum;
}

int plan_strand(struct plan *p)
{
	bool *marks = calloc(p->group_count, sizeof *marks);
	if (!marks)
		return -ENOMEM;
	find_stranded(p, marks);
	for (size_t g = 0; g < p->group_count; g++)
		p->groups[g].stranded = stranded_below(p, g, marks);
	free(marks);
	return 0;
}
