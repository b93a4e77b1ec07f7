#include "daemon/spilling.h"
#include "daemon/inputs.h"
#include "daemon/work_units.h"
#include "stages/segments/spill.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { TAKEN_A_STEP = 16 };

#define QUIET_NS UINT64_C(1000000000) /* nothing was on disk for so long: it is over */
#define GRACE_NS                                                                                   \
	UINT64_C(2000000000) /* a reader that is to end has not got on for so long: it hangs */

static struct stage *stage_of(struct worker *w)
{
	return &w->nodes[0].stage;
}

static struct edge *below(struct worker *w)
{
	return w->out_edges[0].edge;
}

int spilling_init(struct worker *w, bool keeps, size_t copies_max)
{
	assert(w->out_edge_count == 1);
	w->spilling = calloc(1, sizeof *w->spilling);
	if (!w->spilling)
		return -ENOMEM;
	w->spilling->keeps = keeps;
	w->spilling->copies_max = copies_max;
	w->spilling->kept = calloc(KEPT_MAX, sizeof *w->spilling->kept);
	return w->spilling->kept ? 0 : -ENOMEM;
}

void spilling_let_go(struct worker *w)
{
	struct spilling *p = w->spilling;
	batch_free(&p->taken);
	for (; p->count > 0; p->count--) {
		batch_free(&p->kept[p->first].copy);
		p->first = (p->first + 1) % KEPT_MAX;
	}
	p->copies = 0;
}

void spilling_release(struct worker *w)
{
	if (!w->spilling)
		return;
	free(w->spilling->kept);
	free(w->spilling);
	w->spilling = NULL;
}

/* ---- what is with the reader ---- */

static struct kept *kept_at(struct spilling *p, size_t i)
{
	return &p->kept[(p->first + i) % KEPT_MAX];
}

static void keep(struct spilling *p, struct kept k)
{
	assert(p->count < KEPT_MAX);
	*kept_at(p, p->count++) = k;
	p->copies += k.copy != NULL;
}

static void forget_first(struct spilling *p)
{
	struct kept *k = kept_at(p, 0);
	if (k->copy) {
		p->copies--;
		p->kept_cursor = 0;
	}
	batch_free(&k->copy);
	p->first = (p->first + 1) % KEPT_MAX;
	p->count--;
}

/* The reader finishes them in the order in which it got them. */
static bool forget_done(struct worker *w)
{
	struct spilling *p = w->spilling;
	uint64_t done = queue_done_count(&below(w)->queue), before = p->done;
	if (!p->keeps || p->given_up_ns == UINT64_MAX)
		return false;
	for (; p->done < done; p->done++)
		forget_first(p);
	if (done > before)
		counter_add(&stage_of(w)->counters->changes, 1);
	return done > before;
}

static bool has_room_to_keep(const struct spilling *p, bool as_copy)
{
	return !p->keeps || (p->count < KEPT_MAX && (!as_copy || p->copies < p->copies_max));
}

static struct kept *first_copy(struct spilling *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (kept_at(p, i)->copy)
			return kept_at(p, i);
	return NULL;
}

/* Those that went straight to the reader stand before anything else that is written. STEP_DONE when all of them are. */
static int write_kept(struct worker *w)
{
	struct spilling *p = w->spilling;
	struct stage *s = stage_of(w);
	struct kept *k;
	while ((k = first_copy(p)) != NULL) {
		if (p->kept_cursor == 0)
			p->kept_position = spill_end(s);
		int r = spill_put(s, k->copy, &p->kept_cursor);
		if (r != STEP_DONE)
			return r;
		k->position = p->kept_position;
		p->kept_cursor = 0;
		p->copies--;
		batch_free(&k->copy);
	}
	spill_pass_over(s);
	p->writes_kept = false;
	return STEP_DONE;
}

/* ---- handing on ---- */

static bool has_room_below(struct worker *w)
{
	if (queue_has_room(&below(w)->queue))
		return true;
	w->waits |= WAITS_ROOM;
	return false;
}

static void hand_on(struct worker *w, struct batch *b)
{
	int r = out_edge_put(w, &w->out_edges[0], b);
	assert(r == 0 || r == -ESHUTDOWN);
	if (r < 0)
		batch_free(&b);
}

/* What is on disk, as far as the reader has room. Below 0: failed. */
static int hand_on_read(struct worker *w)
{
	struct spilling *p = w->spilling;
	int n = 0, r = 1;
	while (!p->hands_nothing && !p->writes_kept && spill_has_unread(stage_of(w)) &&
	       has_room_to_keep(p, false) && has_room_below(w)) {
		struct batch *b;
		uint64_t position;
		r = spill_get(stage_of(w), w->home, &b, &position);
		if (r == -EAGAIN)
			w->waits |= WAITS_BATCHES;
		if (r <= 0)
			break;
		if (p->keeps)
			keep(p, (struct kept){.position = position, .records = b->count});
		hand_on(w, b);
		n++;
	}
	return r < 0 && r != -EAGAIN ? r : n;
}

static bool goes_straight(struct worker *w)
{
	struct spilling *p = w->spilling;
	return !p->hands_nothing && !spill_has_unread(stage_of(w)) && has_room_to_keep(p, true) &&
	       (!p->keeps || home_has_batches(w->clones, 1)) && has_room_below(w);
}

static void hand_on_straight(struct worker *w, struct batch *b)
{
	struct spilling *p = w->spilling;
	struct batch *copy = p->keeps ? batch_clone(w->clones, b) : NULL;
	if (p->keeps) {
		assert(copy);
		keep(p, (struct kept){.copy = copy, .records = b->count});
	}
	hand_on(w, b);
}

/* ---- taking ---- */

/* STEP_DONE: what was taken is on disk, if there was anything. */
static int write_taken(struct worker *w)
{
	struct spilling *p = w->spilling;
	int r = p->writes_kept ? write_kept(w) : STEP_DONE;
	if (r != STEP_DONE || !p->taken)
		return r;
	r = spill_put(stage_of(w), p->taken, &p->cursor);
	if (r == STEP_DONE)
		batch_free(&p->taken);
	return r;
}

/* Something unread comes and goes. Only when there has been nothing for a while is it over. */
static void say_slow(struct worker *w)
{
	struct spilling *p = w->spilling;
	struct stage *s = stage_of(w);
	bool has_unread = spill_has_unread(s);
	if (!has_unread && !p->is_told_slow)
		return;
	uint64_t now = env_now_ns(s->env);
	if (!p->is_told_slow)
		env_say(s->env, SAY_WARN, "reader is too slow, keeping on disk", "to=%s",
			below(w)->overflow.reader);
	if (has_unread)
		p->unread_ns = now;
	p->is_told_slow = now - p->unread_ns < QUIET_NS;
	if (p->is_told_slow)
		env_wake_at(s->env, p->unread_ns + QUIET_NS);
	else
		env_say(s->env, SAY_INFO, "reader has caught up, nothing is left on disk",
			"to=%s records=%ju", below(w)->overflow.reader,
			(uintmax_t)counter_get(&s->counters->figures[SPILL_READ]));
}

static void say_full(struct worker *w)
{
	struct spilling *p = w->spilling;
	struct stage *s = stage_of(w);
	bool is_full = spill_is_full(s);
	if (is_full && !p->is_told_full)
		env_say(s->env, SAY_WARN, "max_size is reached, waiting for the reader", "to=%s",
			below(w)->overflow.reader);
	if (!is_full && p->is_told_full)
		env_say(s->env, SAY_INFO, "there is less than max_size on disk again", "to=%s",
			below(w)->overflow.reader);
	p->is_told_full = is_full;
}

static bool is_asked_to_stop(const struct worker *w)
{
	return counter_get(w->stop) != 0 && !w->nodes[0].stage.once;
}

/* An epoch waits for what is above, or a stop. It comes from sources that may be waiting for room themselves. */
static bool is_waited_for(const struct worker *w)
{
	uint64_t epoch;
	bool is_wanted = w->reporting.on && counter_seen(w->reporting.wanted) > w->reporting.epoch;
	return is_wanted || is_asked_to_stop(w) || inputs_any_barrier(w, &epoch);
}

/* Some room is kept for what an epoch waits for: with it comes the trimming. */
static bool may_take(struct worker *w)
{
	return !spill_is_full(stage_of(w)) || goes_straight(w) || is_waited_for(w);
}

/* Where the first stands that is not done. */
static uint64_t first_needed(struct worker *w)
{
	struct spilling *p = w->spilling;
	const struct kept *k = p->count > 0 ? kept_at(p, 0) : NULL;
	if (k && !k->copy)
		return k->position;
	return k && p->kept_cursor > 0 ? p->kept_position : spill_handed_to(stage_of(w));
}

/* What is done is on disk until an epoch is committed. Were it counted, what that epoch waits for might find no room, and nobody would
 * ever make any. A stop leaves nothing in memory, but not again and again. */
static void count_what_is_needed(struct worker *w)
{
	struct stage *s = stage_of(w);
	bool leaves_all = is_asked_to_stop(w) && spill_may_exceed(s);
	spill_count_from(s, leaves_all ? spill_end(s) : first_needed(w));
}

static void take_one(struct worker *w, struct batch *b, struct in_edge *from)
{
	struct spilling *p = w->spilling;
	if (goes_straight(w)) {
		hand_on_straight(w, b);
	} else {
		p->taken = b;
		p->cursor = 0;
		p->writes_kept = p->copies > 0;
	}
	int r = queue_task_done(&from->edge->queue, 1);
	assert(r == 0);
	(void)r;
}

/* How many were taken. */
static int take(struct worker *w)
{
	int n = 0;
	w->waits |= WAITS_INPUT; /* or a barrier */
	while (n < TAKEN_A_STEP && write_taken(w) == STEP_DONE && may_take(w)) {
		struct in_edge *from;
		uint64_t ticket;
		struct batch *b = inputs_take(w, &from, &ticket);
		if (!b)
			break;
		take_one(w, b, from);
		n++;
	}
	return n;
}

/* ---- epochs ---- */

/* Of what the reader gets again, if it ends here. */
static uint64_t records_needed(struct worker *w)
{
	struct spilling *p = w->spilling;
	uint64_t records = spill_unread_records(stage_of(w));
	for (size_t i = 0; i < p->count; i++)
		records += kept_at(p, i)->records;
	return records;
}

static void fix_cut(struct worker *w)
{
	struct spilling *p = w->spilling;
	p->cut_first = first_needed(w);
	p->cut_records = records_needed(w);
	p->cut_end = spill_end(stage_of(w));
	spill_sync(stage_of(w));
}

/* A reader without a part in epochs, that itself has readers, passes the barrier on as soon as it sees it. */
static bool reader_has_barriers(const struct worker *w)
{
	return !w->spilling->keeps || w->out_edges[0].edge->is_passed_at_once;
}

static int raise_for_reader(struct worker *w, uint64_t epoch)
{
	return reader_has_barriers(w) ? worker_raise_barriers(w, epoch) : 1;
}

/* All that comes before a cut is here. Nobody above raises a barrier any more once they have ended: then it is asked as a source is, as
 * what is on disk may take long. */
static bool is_to_cut(struct worker *w, uint64_t *ret_epoch)
{
	if (w->spilling->taken)
		return false;
	if (inputs_at_barrier(w, ret_epoch))
		return true;
	if (!inputs_ended(w) || inputs_any_ahead(w) || !reporting_is_due(w))
		return false;
	*ret_epoch = counter_seen(w->reporting.wanted);
	return true;
}

static bool begin_cut(struct worker *w)
{
	struct spilling *p = w->spilling;
	uint64_t epoch;
	if (!w->reporting.on || w->reporting.cut != CUT_NONE || p->given_up_ns > 0 ||
	    !is_to_cut(w, &epoch))
		return false;
	p->writes_kept = p->copies > 0;
	if (p->writes_kept && write_kept(w) != STEP_DONE)
		return false;
	reporting_collect(w); /* that it is back happened before the barrier was raised */
	assert(w->reporting.here);
	fix_cut(w);
	w->reporting.epoch = epoch;
	w->reporting.cut = CUT_SYNCING;
	inputs_cross_barriers(w, epoch, raise_for_reader);
	return true;
}

/* What it reports holds from when the barrier was raised, or from later on: never from before. */
static int end_cut(struct worker *w)
{
	struct spilling *p = w->spilling;
	struct stage *s = stage_of(w);
	if (w->reporting.cut != CUT_SYNCING || !spill_is_durable(s, p->cut_end))
		return STEP_WAIT;
	spill_note(s, p->cut_first, p->cut_end, p->cut_records);
	int r = reporting_note(w);
	if (r < 0)
		return r;
	reporting_send(w, w->reporting.epoch);
	return STEP_MORE;
}

/* ---- the end ---- */

static bool has_all(const struct worker *w)
{
	return inputs_ended(w) && !inputs_any_ahead(w) && !w->spilling->taken &&
	       w->reporting.cut == CUT_NONE;
}

/* True while the reader is to have time for what it has: as long as it gets on. */
static bool has_grace(struct worker *w, bool got_on)
{
	struct spilling *p = w->spilling;
	struct env *env = stage_of(w)->env;
	uint64_t now = env_now_ns(env);
	if (p->given_up_ns == 0 || got_on)
		p->given_up_ns = now + GRACE_NS;
	if (now >= p->given_up_ns)
		return false;
	env_wake_at(env, p->given_up_ns);
	return true;
}

static void give_reader_up(struct worker *w)
{
	struct spilling *p = w->spilling;
	if (p->given_up_ns != UINT64_MAX && p->count > 0)
		env_say(stage_of(w)->env, SAY_WARN,
			"reader does not get on, what it has is kept on disk", "to=%s batches=%zu",
			below(w)->overflow.reader, p->count);
	p->given_up_ns = UINT64_MAX;
}

/* All that is not done is on disk: STEP_DONE when it is durable, and noted. */
static int leave_on_disk(struct worker *w)
{
	struct spilling *p = w->spilling;
	struct stage *s = stage_of(w);
	p->writes_kept = p->copies > 0;
	if (p->writes_kept && write_kept(w) != STEP_DONE)
		return STEP_WAIT;
	fix_cut(w);
	if (!spill_is_durable(s, p->cut_end))
		return STEP_WAIT;
	spill_note(s, p->cut_first, p->cut_end, p->cut_records);
	return STEP_DONE;
}

/* STEP_DONE: nothing is left to be done here. */
static int end_reader(struct worker *w, bool got_on)
{
	struct spilling *p = w->spilling;
	if (!p->keeps)
		return leave_on_disk(w);
	worker_let_readers_end(w);
	w->waits |= WAITS_DONE;
	if (p->count > 0 && p->given_up_ns != UINT64_MAX) {
		if (!is_asked_to_stop(w) || has_grace(w, got_on))
			return STEP_WAIT;
		give_reader_up(w);
	}
	int r = leave_on_disk(w);
	if (r == STEP_DONE)
		worker_abandon_reader(w);
	return r;
}

static int end_of_input(struct worker *w, bool got_on)
{
	struct spilling *p = w->spilling;
	if (!has_all(w))
		return STEP_WAIT;
	if (is_asked_to_stop(w))
		p->hands_nothing = true;
	if (!p->hands_nothing && spill_has_unread(stage_of(w)))
		return STEP_WAIT;
	return end_reader(w, got_on);
}

/* ---- all of it ---- */

/* Nobody reads any more: what is on disk stays there. */
static int let_all_go(struct worker *w)
{
	inputs_close(w);
	inputs_forget_taken(w);
	spilling_let_go(w);
	if (w->reporting.on && w->reporting.cut == CUT_SYNCING)
		return end_cut(w);
	return w->reporting.cut == CUT_NONE ? STEP_DONE : STEP_WAIT;
}

static enum step over(struct worker *w, int r)
{
	if (r < 0) {
		worker_fail(w, r);
		return STEP_MORE;
	}
	w->waits |= WAITS_OTHER;
	return r > 0 ? STEP_MORE : STEP_WAIT;
}

enum step spilling_step(struct worker *w)
{
	struct stage *s = stage_of(w);
	int r = spill_step(s), n;
	if (r < 0 || !spill_is_open(s))
		return over(w, r);
	bool any = r == STEP_MORE, got_on = forget_done(w);
	if (w->out_edges[0].closed) {
		r = let_all_go(w);
		return r == STEP_DONE ? worker_end(w) : over(w, r);
	}
	count_what_is_needed(w);
	n = hand_on_read(w);
	if (n < 0)
		return over(w, n);
	any |= n > 0 || got_on;
	any |= take(w) > 0;
	say_slow(w);
	say_full(w);
	any |= begin_cut(w);
	r = end_cut(w);
	if (r == STEP_WAIT)
		r = end_of_input(w, got_on);
	if (r == STEP_DONE)
		return worker_end(w);
	if (w->spilling->count > 0)
		w->waits |= WAITS_DONE;
	return over(w, r < 0 ? r : r == STEP_MORE || any);
}
