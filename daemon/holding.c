#include "daemon/holding.h"
#include "daemon/work_units.h"

bool holding_is_open(const struct worker *w)
{
	return w->newest_unit && w->newest_unit->used && w->newest_unit->open;
}

/* One stage's at a time, the last of them first: else what feeds it could take all there is before it comes to an end. */
int holding_go_on(struct worker *w)
{
	size_t i = w->node_count;
	while (i > 0 && !w->nodes[i - 1].holds)
		i--;
	if (i == 0) {
		w->newest_unit->open = false;
		return 0;
	}
	struct node *n = &w->nodes[i - 1];
	int r = n->stage.type->transform_more(&n->stage, n->outlets);
	n->holds = r == STEP_MORE || r == STEP_HOLD;
	if (r < 0 && w->failure == 0)
		w->failure = r;
	return w->failure < 0 ? w->failure : r == STEP_HOLD ? r : 0;
}

void holding_give_up(struct worker *w)
{
	for (size_t i = 0; i < w->node_count; i++)
		w->nodes[i].holds = false;
	if (holding_is_open(w))
		unit_fail_newest(w);
}

/* STEP_DONE, STEP_MORE, STEP_WAIT or -errno, as holding_due(). */
static int hand_on(struct worker *w, struct node *n)
{
	if (!units_supplied(w, 1))
		return STEP_WAIT;
	unit_begin(w, NULL, 0);
	int r = n->stage.type->transform_due(&n->stage, n->outlets);
	if (r < 0 && w->failure == 0)
		w->failure = r;
	if (w->failure < 0)
		return w->failure;
	units_retire(w);
	if (w->unit_count > 0)
		return STEP_MORE;
	return r == STEP_MORE ? r : STEP_DONE;
}

/* One after the other: what one hands on at the end the next may hold. */
int holding_due(struct worker *w)
{
	for (size_t i = 0; i < w->node_count; i++) {
		struct node *n = &w->nodes[i];
		int r = n->stage.type->transform_due ? hand_on(w, n) : STEP_DONE;
		if (r != STEP_DONE)
			return r;
	}
	return STEP_DONE;
}

void holding_end(struct worker *w)
{
	bool is_remembered = w->reporting.on && counter_get(w->stop) != 0;
	for (size_t i = 0; i < w->node_count; i++)
		w->nodes[i].stage.ending = !is_remembered;
}
