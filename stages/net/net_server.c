#include "stages/net/net_server.h"
#include "stages/net/net_accepting.h"
#include "stages/net/net_datagrams.h"
#include "stages/net/net_reading.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 32 }; /* connections: what they say in a few ms is taken together */

#define REST_NS 4000000u
#define POLL_NS 1000000u
#define DRAIN_NS 500000000u   /* so long what had come before the end is read */
#define SETTLE_NS 1000000000u /* so long the last replies may take */

const char *const net_server_figures[NET_FIGURES + JOURNAL_FIGURES + 1] = {
    [NET_ACCEPTED] = "connections accepted",
    [NET_IDLE] = "connections closed as idle",
    [NET_CROWDED] = "connections closed for others",
    [NET_REFUSED] = "frames refused",
    [NET_CUT_OFF] = "records cut off",
    [NET_RESET] = "connections lost",
    [NET_SHAKY] = "handshakes failed",
    [NET_REPLIES] = "replies",
    [NET_KERNEL_DROPS] = "datagrams dropped by the kernel",
    [NET_HELD_BACK_MS] = RATE_GATE_FIGURE_NAME,
    [NET_FIGURES] = JOURNAL_FIGURE_NAMES,
};

void net_server_note(struct net_server *n, enum net_figure what, const char *event,
		     const struct net_peer *p, const char *reason)
{
	struct env *env = n->stage->env;
	counter_add(&n->stage->counters->figures[what], 1);
	if (net_seldom(&n->seldom[what], env))
		env_say(env, SAY_WARN, event, "peer=%s reason=%s", p ? p->name : "-", reason);
}

/* ---- opening and closing ---- */

static int fail_to_open(const struct net_server *n, int error, const char *why)
{
	env_say(n->stage->env, SAY_ERROR, "cannot listen", "error=%s", why);
	return error;
}

static int open_tls(struct net_server *n)
{
	char why[512];
	if (!n->options->tls_given)
		return 0;
	n->wire = malloc(NET_WIRE);
	if (!n->wire)
		return -ENOMEM;
	int r = tls_context_init(&n->tls, &n->options->tls, true, why, sizeof why);
	return r == -EINVAL ? fail_to_open(n, r, why) : r;
}

static void init_chains(struct net_server *n)
{
	chain_init(&n->idle);
	chain_init(&n->unfinished);
	chain_init(&n->shaking);
	chain_init(&n->ready);
	chain_init(&n->resting);
	chain_init(&n->fresh);
	chain_init(&n->awaiting);
}

int net_server_open(struct net_server *n, struct stage *s, const struct net_server_options *o,
		    const struct net_places *places)
{
	int column = o->peer.bytes ? fields_find(s->fields, o->peer.bytes, o->peer.length) : -1;
	*n = (struct net_server){.stage = s,
				 .options = o,
				 .framing = net_framing_from_options(&o->framing, s),
				 .pending_max = net_server_pending_max(o),
				 .name_room = column >= 0 ? NET_ADDRESS_ROOM : 0};
	init_chains(n);
	n->now_ns = n->last_ns = env_now_ns(s->env);
	net_intake_init(&n->intake, s->home, column);
	rate_gate_init(&n->gate, &o->gate, s->env, &s->counters->figures[NET_HELD_BACK_MS]);
	int r = net_reply_init(&n->reply, o->reply.bytes, o->reply.length);
	if (r == 0)
		r = open_tls(n);
	if (r == 0)
		r = net_accepting_open(n, places);
	if (r == -ENOMEM)
		fail_to_open(n, r, strerror(ENOMEM));
	return r < 0 ? r : journal_open(&n->journal, s, &o->journal, NET_FIGURES);
}

void net_server_close(struct net_server *n)
{
	struct chain *first;
	if (!n->stage)
		return;
	assert(!n->read.busy);
	n->at.peer = NULL; /* what is left of its bytes goes with the buffer */
	net_intake_release(&n->intake);
	journal_close(&n->journal);
	while ((first = chain_first(&n->idle)) != NULL)
		net_peer_close(chain_owner(first, struct net_peer, idle));
	assert(n->open_count == 0 && "nothing is in flight");
	net_accepting_close(n);
	net_datagrams_free(n->datagrams);
	net_reply_release(&n->reply);
	tls_context_release(&n->tls);
	free(n->wire);
	n->stage = NULL;
}

/* ---- moments ---- */

/* What it has said may lie unread, as there is no room below. */
static bool is_to_be_read(const struct net_peer *p)
{
	return p->state != PEER_ENDED && !p->poll.busy;
}

/* It waits for us, and not we for it: its time begins anew. */
static bool is_put_off(struct net_server *n, struct net_peer *p, struct chain *list)
{
	bool idle = list == &n->idle;
	if (!is_to_be_read(p) && !(idle && net_peer_awaits_answer(p)))
		return false;
	if (idle) {
		net_peer_touch(p);
		return true;
	}
	p->began_ns = n->now_ns;
	chain_append(list, &p->unfinished);
	return true;
}

/* Those whose moment has come are closed; arranges to be stepped for the next. */
static void expire(struct net_server *n, struct chain *list, uint64_t timeout_ns,
		   enum net_figure what, const char *reason)
{
	struct chain *first;
	while (timeout_ns > 0 && (first = chain_first(list)) != NULL) {
		bool idle = list == &n->idle;
		struct net_peer *p = idle ? chain_owner(first, struct net_peer, idle)
					  : chain_owner(first, struct net_peer, unfinished);
		uint64_t due_ns = (idle ? p->active_ns : p->began_ns) + timeout_ns;
		if (due_ns > n->now_ns) {
			env_wake_at(n->stage->env, due_ns);
			return;
		}
		if (is_put_off(n, p, list))
			continue;
		net_server_note(n, what, "connection closed", p, reason);
		net_peer_close(p);
	}
}

static void expire_all(struct net_server *n)
{
	const struct net_server_options *o = n->options;
	expire(n, &n->idle, o->idle_timeout_ns, NET_IDLE, "nothing came for idle_timeout");
	expire(n, &n->unfinished, o->frame_timeout_ns, NET_CUT_OFF,
	       "a record did not come whole within frame_timeout");
	expire(n, &n->shaking, o->tls.handshake_timeout_ns, NET_SHAKY,
	       "no handshake within handshake_timeout");
}

/* ---- replies ---- */

static void answer(struct net_server *n, struct net_peer *p)
{
	uint64_t frames = ack_ledger_take(&p->owed, n->answered);
	net_peer_touch(p);
	p->reply_left += frames * n->reply.text_length;
	counter_add(&n->stage->counters->figures[NET_REPLIES], frames);
	if (ack_ledger_is_empty(&p->owed))
		chain_unlink(&p->awaiting);
	net_peer_send(p);
}

/* What was put into the journal under that number is owed a reply. */
static void owe(struct net_server *n, uint64_t number)
{
	struct chain *first;
	while ((first = chain_first(&n->fresh)) != NULL) {
		struct net_peer *p = chain_owner(first, struct net_peer, fresh);
		chain_unlink(&p->fresh);
		ack_ledger_add(&p->owed, number, p->fresh_frames);
		p->fresh_frames = 0;
		chain_append(&n->awaiting, &p->awaiting);
	}
}

static void answer_all(struct net_server *n)
{
	struct chain *next;
	uint64_t answerable = journal_answerable(&n->journal);
	if (answerable == n->answered)
		return;
	n->answered = answerable;
	for (struct chain *c = n->awaiting.next; c != &n->awaiting; c = next) {
		next = c->next;
		answer(n, chain_owner(c, struct net_peer, awaiting));
	}
}

bool net_server_hand_on(struct net_server *n)
{
	struct batch *b = net_intake_take(&n->intake);
	if (!b)
		return false;
	owe(n, journal_put(&n->journal, &b));
	return true;
}

int net_server_settle(struct net_server *n)
{
	uint64_t now_ns = env_now_ns(n->stage->env);
	if (n->settle_ns == 0)
		n->settle_ns = now_ns + SETTLE_NS;
	answer_all(n);
	for (struct chain *c = n->idle.next; c != &n->idle; c = c->next) {
		const struct net_peer *p = chain_owner(c, struct net_peer, idle);
		if ((p->reply_left > 0 || p->write.busy) && now_ns < n->settle_ns) {
			env_wake_at(n->stage->env, n->settle_ns);
			return STEP_WAIT;
		}
	}
	return STEP_DONE;
}

/* ---- stopping ---- */

static void begin_to_stop(struct net_server *n)
{
	n->is_stopping = true;
	n->stop_ns = n->now_ns + DRAIN_NS;
	for (struct chain *c = n->idle.next; c != &n->idle; c = c->next) {
		struct net_peer *p = chain_owner(c, struct net_peer, idle);
		io_cancel(n->stage->env->io, &p->poll);
		if (p->state == PEER_OPEN && n->reading != p && n->at.peer != p)
			net_peer_is_ready(p);
	}
	for (size_t i = 0; i < n->listener_count; i++)
		n->listeners[i].has_come |= n->listeners[i].datagrams;
}

/* All that was there is read, and nobody is waited for. */
static bool is_drained(const struct net_server *n)
{
	return n->has_all && !n->at.peer && !n->read.busy && !n->reading &&
	       !net_datagrams_are_on_their_way(n) &&
	       (!chain_first(&n->ready) || n->now_ns >= n->stop_ns);
}

static int stop(struct net_server *n)
{
	if (!is_drained(n)) {
		if (n->now_ns < n->stop_ns)
			env_wake_at(n->stage->env, n->stop_ns);
		return STEP_WAIT;
	}
	for (struct chain *c = n->unfinished.next; c != &n->unfinished; c = c->next)
		counter_add(&n->stage->counters->figures[NET_CUT_OFF], 1);
	return STEP_DONE;
}

/* More has come than `rate_limit` allows. What there is when it stops is taken all the same: it would be lost. */
static bool is_held_back(struct net_server *n)
{
	return !n->is_stopping && !rate_gate_is_open(&n->gate, n->stage->env);
}

/* With --once: whoever was to come has come, and is gone. */
static bool has_ended(struct net_server *n)
{
	if (!n->stage->once || !n->has_come || n->options->idle_end_ns == 0 || n->open_count > 0 ||
	    is_held_back(n))
		return false;
	uint64_t end_ns = n->last_ns + n->options->idle_end_ns;
	if (n->now_ns >= end_ns)
		return true;
	env_wake_at(n->stage->env, end_ns);
	return false;
}

/* ---- steps ---- */

/* Whose turn it is to fill the buffer: one of the two at a time, and in turns if both could. */
static int take_in(struct net_server *n)
{
	bool reads = n->at.peer || n->reading || n->read.busy;
	bool receives = net_datagrams_are_on_their_way(n);
	bool both = !reads && !receives && chain_first(&n->ready) && net_datagrams_are_there(n);
	if (!journal_has_room(&n->journal) || (!reads && !receives && is_held_back(n)))
		return STEP_WAIT;
	if (receives || (!reads && n->datagrams && !(both && n->datagrams_last))) {
		int r = net_datagrams_step(n);
		n->datagrams_last = true;
		if (r != STEP_WAIT || net_datagrams_are_on_their_way(n))
			return r;
	}
	n->datagrams_last = false;
	return net_reading_step(n);
}

static bool is_filling(const struct net_server *n)
{
	return n->read.busy || net_datagrams_are_on_their_way(n);
}

/* Those that have said all they had are waited for, all together. */
static void let_rest(struct net_server *n)
{
	struct chain *first;
	bool some_are_ready = chain_first(&n->ready) != NULL;
	if (n->is_stopping || (some_are_ready && n->now_ns < n->rested_ns + POLL_NS))
		return;
	n->rested_ns = n->now_ns;
	while ((first = chain_first(&n->resting)) != NULL)
		net_peer_rests(chain_owner(first, struct net_peer, queued));
}

/* Nothing more can be taken in at the moment. */
static int idle_step(struct net_server *n)
{
	if (!journal_has_room(&n->journal))
		return STEP_WAIT;
	if (net_server_hand_on(n))
		return STEP_MORE;
	if (n->is_stopping)
		return stop(n);
	if (has_ended(n))
		return STEP_DONE;
	if (n->open_count >= MANY && !n->reply.block && !chain_first(&n->ready))
		env_rest_until(n->stage->env, n->now_ns + REST_NS);
	return STEP_WAIT;
}

static void look_at_clock(struct net_server *n)
{
	n->now_ns = env_now_ns(n->stage->env);
	n->wall_ns = env_wall_ns(n->stage->env);
}

static int serve(struct net_server *n)
{
	net_accepting_step(n);
	expire_all(n);
	int r = take_in(n);
	let_rest(n);
	return r != STEP_WAIT || is_filling(n) ? r : idle_step(n);
}

/* What was taken in goes on as far as it can, and who sent it is told. */
static int carry_on(struct net_server *n, struct outlet *out, int served)
{
	int r = journal_step(&n->journal, out);
	if (r < 0)
		return r;
	answer_all(n);
	if (served == STEP_DONE && !journal_is_idle(&n->journal))
		return r;
	return served == STEP_WAIT ? r : served;
}

int net_server_step(struct net_server *n, struct outlet *out)
{
	look_at_clock(n);
	int r = n->opened < n->listener_count ? net_accepting_begin(n) : STEP_DONE;
	if (r < 0)
		return r;
	if (r == STEP_WAIT)
		return n->stage->stopping ? STEP_MORE : r;
	if (n->stage->stopping && !n->is_stopping)
		begin_to_stop(n);
	if (n->is_stopping)
		n->has_all = net_accepting_end(n);
	return carry_on(n, out, serve(n));
}

/* What comes goes into the journal meanwhile, as long as that has room. */
static int attend_with_journal(struct net_server *n)
{
	int served = serve(n), r = journal_attend(&n->journal);
	if (r < 0)
		return r;
	answer_all(n);
	return served == STEP_MORE ? served : r;
}

int net_server_attend(struct net_server *n)
{
	look_at_clock(n);
	if (n->opened < n->listener_count)
		return STEP_WAIT;
	if (n->options->journal.given)
		return attend_with_journal(n);
	net_accepting_step(n);
	expire_all(n);
	answer_all(n);
	return STEP_WAIT;
}
