#include "daemon/isolation.h"
#include "daemon/log.h"
#include "daemon/worker.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

bool isolation_suits(const struct stage_type *type)
{
	return type->schema.kind == STAGE_SOURCE
		   ? type->reopens
		   : type->schema.kind == STAGE_SINK && type->sink_let_go && !type->sink_sync &&
			 !type->standard_output;
}

/* The one that fails and begins anew. */
static struct node *head_of(struct worker *w)
{
	return &w->nodes[0];
}

static bool has_position(struct worker *w)
{
	return w->kind == STAGE_SOURCE && head_of(w)->stage.type->snapshot && w->reporting.on;
}

static int learn(struct worker *w, const struct delta *d)
{
	const char *id = head_of(w)->remembered_as;
	int r = epoch_map_prepare(&w->isolation.known, id, strlen(id), delta_changes(d));
	if (r == 0)
		epoch_map_apply(&w->isolation.known);
	return r;
}

int isolation_init(struct worker *w, struct supervision *by)
{
	w->isolation = (struct isolation){.by = by};
	if (w->kind == STAGE_SINK)
		taken_keep_from_now(&w->inlet.taken);
	if (!has_position(w))
		return 0;
	int r = epoch_map_init(&w->isolation.known);
	return r == 0 && head_of(w)->stage.saved ? learn(w, head_of(w)->stage.saved) : r;
}

void isolation_release(struct worker *w)
{
	taken_release(&w->inlet.taken);
	epoch_map_release(&w->isolation.known);
	delta_release(&w->isolation.saved);
	w->isolation = (struct isolation){.by = NULL};
}

int isolation_note(struct worker *w)
{
	if (!w->isolation.by || !has_position(w))
		return 0;
	return learn(w, &w->reporting.report.deltas[0]);
}

bool isolation_begin(struct worker *w, int error)
{
	struct isolation *i = &w->isolation;
	struct env *env = head_of(w)->stage.env;
	if (!i->by)
		return false;
	struct supervision_restart restart;
	const uint64_t now = env_now_ns(env);
	if (!supervision_allows(i->by, now, env_random(env), &restart))
		return false;
	i->failure = error;
	i->begin_ns = now + restart.delay_ns;
	i->is_closed = false;
	counter_add(&head_of(w)->stage.counters->restarts, 1);
	log_line(LOG_LEVEL_WARN, head_of(w)->stage.id, "restarting by itself",
		 "worker=%s error=%s restart=%ju max_restarts=%ju in_ms=%ju", w->name,
		 strerror(-error), (uintmax_t)restart.number, (uintmax_t)i->by->max_restarts,
		 (uintmax_t)restart.delay_ns / 1000000);
	return true;
}

static int note_position(struct worker *w)
{
	if (!has_position(w))
		return STEP_DONE;
	if (!w->reporting.here) {
		w->waits |= WAITS_REPORT;
		return STEP_WAIT;
	}
	int r = reporting_note(w);
	if (r == 0)
		r = isolation_note(w);
	return r < 0 ? r : STEP_DONE;
}

static size_t count_taken(const struct inlet *in)
{
	size_t n = 0;
	for (size_t i = 0; i < in->run_count; i++)
		n += in->runs[(in->first_run + i) % TAKEN_RUNS_MAX].count;
	return n;
}

static int take_back(struct worker *w)
{
	struct inlet *in = &w->inlet;
	struct stage *s = &head_of(w)->stage;
	int r = s->type->sink_let_go(s);
	if (r == STEP_WAIT)
		w->waits |= WAITS_OTHER;
	if (r != STEP_DONE)
		return r;
	if (!in->taken.on) /* there was no memory for it */
		return -ENOMEM;
	assert(in->taken.count == count_taken(in));
	taken_rewind(&in->taken);
	counter_set(&s->counters->undone, counter_get(&s->counters->errors));
	return STEP_DONE;
}

int isolation_halt(struct worker *w)
{
	return w->kind == STAGE_SINK ? take_back(w) : note_position(w);
}

void isolation_close(struct worker *w)
{
	struct node *n = head_of(w);
	if (n->opened && n->stage.type->close)
		n->stage.type->close(&n->stage);
	n->opened = false;
	w->isolation.is_closed = true;
}

bool isolation_is_due(const struct worker *w)
{
	return counter_get(w->stop) != 0 ||
	       env_now_ns(w->nodes[0].stage.env) >= w->isolation.begin_ns;
}

int isolation_open(struct worker *w)
{
	struct stage *s = &head_of(w)->stage;
	struct delta *saved = &w->isolation.saved;
	int r = 0;
	if (has_position(w)) {
		delta_clear(saved);
		r = epoch_map_copy(&w->isolation.known, head_of(w)->remembered_as, saved);
		s->saved = saved;
		s->epoch = w->reporting.epoch > 0 ? w->reporting.epoch : 1;
	}
	head_of(w)->opened = r == 0;
	return r == 0 && s->type->open ? s->type->open(s) : r;
}
