#include "daemon/reporting.h"
#include "daemon/worker.h"

#include <errno.h>
#include <stdlib.h>

int reporting_init(struct worker *w, struct stack *to, const struct counter *wanted,
		   uint64_t bytes_max)
{
	struct reporting *r = &w->reporting;
	r->report.worker = w;
	r->report.deltas = calloc(w->node_count, sizeof *r->report.deltas);
	if (!r->report.deltas)
		return -ENOMEM;
	stack_init(&r->back);
	r->to = to;
	r->wanted = wanted;
	r->bytes_max = bytes_max;
	r->here = true;
	r->on = true;
	return 0;
}

void reporting_release(struct worker *w)
{
	struct reporting *r = &w->reporting;
	if (!r->on)
		return;
	for (size_t i = 0; i < w->node_count; i++)
		delta_release(&r->report.deltas[i]);
	free(r->report.deltas);
	stack_release(&r->back);
	r->on = false;
}

static void tell_committed(struct worker *w, uint64_t epoch)
{
	for (size_t i = 0; i < w->node_count; i++) {
		struct stage *s = &w->nodes[i].stage;
		if (s->type->committed)
			s->type->committed(s, epoch);
	}
}

void reporting_collect(struct worker *w)
{
	struct reporting *r = &w->reporting;
	if (!r->on || r->here || !stack_take_all(&r->back))
		return;
	r->here = true;
	r->ended = r->final_sent;
	for (size_t i = 0; i < w->node_count; i++)
		delta_clear(&r->report.deltas[i]);
	if (r->report.committed > 0)
		tell_committed(w, r->report.committed);
}

bool reporting_is_due(struct worker *w)
{
	struct reporting *r = &w->reporting;
	if (!r->on || r->final_sent || counter_seen(r->wanted) <= r->epoch)
		return false;
	if (!r->here)
		w->waits |= WAITS_REPORT;
	return r->here;
}

void reporting_note_progress(struct worker *w)
{
	struct reporting *r = &w->reporting;
	if (!r->on)
		return;
	const struct stage_counters *c = w->nodes[0].stage.counters;
	uint64_t bytes = counter_get(&c->bytes_in), awaited = counter_get(&c->awaited);
	if (bytes - r->bytes_told < r->bytes_max && awaited == r->awaited_told)
		return;
	r->bytes_told = bytes;
	r->awaited_told = awaited;
	waitlist_wake_one(&r->to->takers);
}

int reporting_note(struct worker *w)
{
	for (size_t i = 0; i < w->node_count; i++) {
		struct stage *s = &w->nodes[i].stage;
		int r =
		    s->type->snapshot ? s->type->snapshot(s, &w->reporting.report.deltas[i]) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

void reporting_send(struct worker *w, uint64_t epoch)
{
	struct reporting *r = &w->reporting;
	assert(r->here);
	r->here = false;
	r->cut = CUT_NONE;
	r->report.epoch = epoch;
	r->report.failed = w->failure < 0;
	r->report.final = epoch == 0;
	r->report.counted = false;
	r->report.committed = 0;
	stack_push(r->to, &r->report.node);
}

bool reporting_send_final(struct worker *w)
{
	struct reporting *r = &w->reporting;
	if (!r->on || r->final_sent)
		return true;
	if (!r->here) {
		w->waits |= WAITS_REPORT;
		return false;
	}
	r->final_sent = true;
	reporting_send(w, 0);
	return true;
}

bool reporting_is_over(struct worker *w)
{
	struct reporting *r = &w->reporting;
	if (r->on && !r->ended)
		w->waits |= WAITS_REPORT;
	return !r->on || r->ended;
}
