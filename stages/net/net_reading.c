#include "stages/net/net_reading.h"
#include "stages/net/net_server.h"

#include <errno.h>
#include <string.h>

enum {
	READ_AGAIN =
	    8 * 1024, /* who said so much has more to say: it is read again without asking */
	HELD_SMALL =
	    4 * 1024, /* so much is copied in front of what comes, without looking at that first */
};

/* ---- framing ---- */

/* What is left goes back to its connection. False: that is no more, and was left. */
static bool keep_rest(struct net_server *n, struct net_peer *p)
{
	size_t length = n->at.to - n->at.from;
	bool began = n->at.moved || p->held_length == 0;
	p->held_length = 0;
	if (length > 0)
		return net_peer_hold(p, n->intake.buffer->bytes + n->at.from, length, began);
	net_peer_hold_nothing(p);
	return true;
}

/* A delimiter may come to where that began, so what is to be kept of it was copied before. */
void net_reading_leave(struct net_server *n)
{
	size_t next = n->intake.batch ? net_framing_part(&n->framing, n->intake.batch, n->at.from)
				      : n->at.from;
	net_intake_keep(&n->intake, next, n->at.large);
	n->at.peer = NULL;
}

static void ended(struct net_server *n, struct net_peer *p)
{
	if (n->at.from < n->at.to)
		net_server_note(n, NET_CUT_OFF, "record cut off", p, "connection closed");
	net_reading_leave(n);
	net_peer_ended(p);
}

static void through(struct net_server *n, struct net_peer *p)
{
	if (!keep_rest(n, p))
		return;
	net_reading_leave(n);
	if (n->at.more)
		net_peer_is_ready(p);
	else
		chain_append(&n->resting, &p->queued);
}

static void refuse(struct net_server *n, struct net_peer *p, const char *why)
{
	net_server_note(n, NET_REFUSED, "frame refused, connection closed", p, why);
	net_peer_close(p);
}

static void note_frames(struct net_server *n, struct net_peer *p, struct batch *b, uint32_t first,
			size_t name_at)
{
	if (b->count == first)
		return;
	net_intake_name(&n->intake, first, b->bytes + name_at, p->name_length);
	if (n->reply.block) {
		p->fresh_frames += b->count - first;
		chain_append(&n->fresh, &p->fresh);
	}
}

/* Of what came last. */
static int frame(struct net_server *n)
{
	struct net_peer *p = n->at.peer;
	struct batch *b = net_intake_batch(&n->intake, n->now_ns, n->wall_ns);
	const char *why;
	if (!b)
		return STEP_WAIT;
	uint32_t first = b->count;
	uint64_t bytes = b->bytes_total;
	struct framer_place place = {.path = p->name};
	size_t next = net_framer_fill(&p->framer, &n->framing, b, n->at.from, n->at.to, n->at.ended,
				      &place, &why);
	n->at.moved |= next > n->at.from;
	n->at.from = next;
	note_frames(n, p, b, first, n->at.name);
	if (b->count > first)
		rate_gate_charge(&n->gate, n->stage->env, b->count - first, b->bytes_total - bytes);
	bool is_full = b->count == BATCH_RECORDS_MAX || b->unterminated;
	if (why)
		refuse(n, p, why);
	else if (!is_full && n->at.ended)
		ended(n, p);
	else if (!is_full)
		through(n, p);
	if (is_full || n->at.large)
		net_server_hand_on(n);
	return STEP_MORE;
}

/* ---- what came ---- */

static size_t before(const struct net_server *n, const struct net_peer *p)
{
	return n->name_room + p->held_length;
}

/* The bytes lie at n->place; what was kept is put in front of them, and the name in front of that. */
static void arrange(struct net_server *n, struct net_peer *p, size_t length, bool ended)
{
	uint8_t *from = n->place - p->held_length;
	const uint8_t *base = n->intake.buffer->bytes;
	if (p->held_length > 0)
		memcpy(from, p->held, p->held_length);
	if (n->name_room > 0)
		memcpy(from - p->name_length, p->name, p->name_length);
	n->at.peer = p;
	n->at.from = (size_t)(from - base);
	n->at.name = n->at.from - p->name_length;
	n->at.to = (size_t)(n->place - base) + length;
	n->at.ended = ended;
	n->at.moved = false;
	n->at.large = length > NET_READ / 4;
	n->at.more = length >= READ_AGAIN;
}

static bool is_of_no_use_yet(const struct net_server *n, const struct net_peer *p, size_t length)
{
	return p->held_length > HELD_SMALL &&
	       net_framer_is_starved(&p->framer, &n->framing, p->held, p->held_length, n->place,
				     length);
}

static void arrived(struct net_server *n, struct net_peer *p, size_t length)
{
	if (!is_of_no_use_yet(n, p, length)) {
		arrange(n, p, length, false);
		return;
	}
	if (!net_peer_hold(p, n->place, length, false))
		return;
	if (length >= READ_AGAIN)
		net_peer_is_ready(p);
	else
		chain_append(&n->resting, &p->queued);
}

static void input_ended(struct net_server *n, struct net_peer *p)
{
	if (p->state == PEER_OPEN)
		arrange(n, p, 0, true);
	else
		net_peer_close(p);
}

static void lost(struct net_server *n, struct net_peer *p, enum net_figure what, const char *event,
		 const char *reason)
{
	if (p->held_length > 0)
		counter_add(&n->stage->counters->figures[NET_CUT_OFF], 1);
	net_server_note(n, what, event, p, reason);
	net_peer_close(p);
}

/* ---- TLS ---- */

static void shake_hands(struct net_server *n, struct net_peer *p)
{
	int r = tls_session_handshake(p->tls);
	if (r != -EAGAIN) {
		p->state = PEER_OPEN;
		chain_unlink(&p->unfinished);
	}
	if (r == -EPROTO) {
		net_server_note(n, NET_SHAKY, "handshake failed, connection closed", p,
				p->tls->reason);
		net_peer_ended(p); /* which says so to the peer, too */
		return;
	}
	net_peer_send(p);
	if (r == 0)
		net_peer_is_ready(p); /* more may have come with it */
	else
		chain_append(&n->resting, &p->queued);
}

static void unseal(struct net_server *n, struct net_peer *p)
{
	ssize_t r = tls_session_read(p->tls, n->place, n->room);
	if (r == -EAGAIN) {
		chain_append(&n->resting, &p->queued);
		net_peer_send(p);
	} else if (r < 0) {
		lost(n, p, NET_RESET, "connection lost", p->tls->reason);
	} else if (r == 0) {
		input_ended(n, p);
	} else {
		arrived(n, p, (size_t)r);
	}
}

/* Of what came before there may be some left: true, and it was seen to. */
static bool unseal_rest(struct net_server *n, struct net_peer *p)
{
	if (p->state != PEER_OPEN || !tls_session_has_more(p->tls))
		return false;
	chain_unlink(&p->queued);
	unseal(n, p);
	return true;
}

static void take_sealed(struct net_server *n, struct net_peer *p, size_t length)
{
	if (tls_session_take(p->tls, n->wire, length) < 0)
		lost(n, p, NET_RESET, "connection lost", "out of memory");
	else if (p->state == PEER_SHAKING)
		shake_hands(n, p);
	else
		unseal(n, p);
}

/* ---- reading ---- */

static void on_read(struct io_op *op)
{
	(void)op;
}

static void was_read(struct net_server *n)
{
	struct net_peer *p = n->reading;
	int64_t r = n->read.result;
	n->reading = NULL;
	if (r == -EAGAIN) {
		chain_append(&n->resting, &p->queued);
		return;
	}
	if (r == -EINTR || r == -ECANCELED) {
		net_peer_is_ready(p);
		return;
	}
	if (r > 0) {
		net_peer_touch(p);
		n->last_ns = n->now_ns;
	}
	if (r < 0)
		lost(n, p, NET_RESET, "connection lost", strerror((int)-r));
	else if (r == 0)
		input_ended(n, p);
	else if (p->tls)
		take_sealed(n, p, (size_t)r);
	else
		arrived(n, p, (size_t)r);
}

static void submit_read(struct net_server *n, struct net_peer *p)
{
	bool sealed = p->tls != NULL;
	chain_unlink(&p->queued);
	n->reading = p;
	n->read = (struct io_op){
	    .code = IO_READ,
	    .fd = p->fd,
	    .stream = true,
	    .at_once = true,
	    .read = {.bytes = sealed ? n->wire : n->place, .length = sealed ? NET_WIRE : n->room},
	    .done = on_read};
	io_submit(n->stage->env->io, &n->read);
}

static int read_next(struct net_server *n)
{
	struct chain *first = chain_first(&n->ready);
	struct net_peer *p = chain_owner(first, struct net_peer, queued);
	int r = net_intake_room(&n->intake, before(n, p), &n->place, &n->room);
	if (r == -ENOBUFS)
		net_server_hand_on(n);
	if (r < 0)
		return r == -ENOBUFS ? STEP_MORE : STEP_WAIT;
	if (p->tls && unseal_rest(n, p))
		return STEP_MORE;
	submit_read(n, p);
	return STEP_WAIT;
}

int net_reading_step(struct net_server *n)
{
	if (n->read.busy)
		return STEP_WAIT;
	if (n->reading)
		was_read(n);
	if (n->at.peer)
		return frame(n);
	if (chain_first(&n->ready))
		return read_next(n);
	return STEP_WAIT;
}
