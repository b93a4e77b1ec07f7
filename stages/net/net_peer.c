#include "stages/net/net_peer.h"
#include "stages/descriptor.h"
#include "stages/net/net_reading.h"
#include "stages/net/net_server.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { HELD_MIN = 256, HELD_KEPT = 1024 };

/* ---- its life ---- */

static void init_links(struct net_peer *p)
{
	chain_init(&p->idle);
	chain_init(&p->unfinished);
	chain_init(&p->queued);
	chain_init(&p->fresh);
	chain_init(&p->awaiting);
}

static int begin_tls(struct net_peer *p)
{
	const struct tls_context *context = &p->server->tls;
	if (!context->ssl)
		return 0;
	p->state = PEER_SHAKING;
	p->tls = calloc(1, sizeof *p->tls);
	p->sealed = malloc(NET_SEALED);
	return p->tls && p->sealed ? tls_session_init(p->tls, context, NULL) : -ENOMEM;
}

static void release(struct net_peer *p)
{
	if (p->tls)
		tls_session_release(p->tls);
	free(p->tls);
	free(p->sealed);
	free(p->held);
	free(p);
}

struct net_peer *net_peer_new(struct net_server *n, int fd, const struct io_address *name)
{
	struct net_peer *p = calloc(1, sizeof *p);
	int r = -ENOMEM;
	if (p) {
		p->server = n;
		p->fd = fd;
		p->state = PEER_OPEN;
		init_links(p);
		net_framer_init(&p->framer);
		p->name_length = (unsigned)net_address_print(name, p->name);
		r = begin_tls(p);
	}
	if (r < 0) {
		descriptor_close(n->stage->env->io, &fd);
		if (p)
			release(p);
		return NULL;
	}
	n->open_count++;
	p->began_ns = n->now_ns;
	net_peer_touch(p);
	if (p->tls)
		chain_append(&n->shaking, &p->unfinished);
	return p;
}

/* All that could be done is done: it is gone. */
static void free_when_through(struct net_peer *p)
{
	struct net_server *n = p->server;
	if (p->poll.busy || p->write.busy)
		return;
	n->open_count--;
	descriptor_close(n->stage->env->io, &p->fd);
	release(p);
}

static void unlink_all(struct net_peer *p)
{
	chain_unlink(&p->idle);
	chain_unlink(&p->unfinished);
	chain_unlink(&p->fresh);
	chain_unlink(&p->awaiting);
	chain_unlink(&p->queued);
}

void net_peer_close(struct net_peer *p)
{
	struct net_server *n = p->server;
	struct io *io = n->stage->env->io;
	if (p->state == PEER_CLOSING)
		return;
	p->state = PEER_CLOSING;
	net_peer_hold_nothing(p);
	unlink_all(p);
	if (n->reading == p)
		n->reading = NULL;
	if (n->at.peer == p)
		net_reading_leave(n);
	io_cancel(io, &p->poll);
	io_cancel(io, &p->write);
	free_when_through(p);
}

void net_peer_touch(struct net_peer *p)
{
	p->active_ns = p->server->now_ns;
	chain_append(&p->server->idle, &p->idle);
}

/* ---- whose turn it is ---- */

void net_peer_is_ready(struct net_peer *p)
{
	chain_append(&p->server->ready, &p->queued);
}

static void on_polled(struct io_op *op)
{
	struct net_peer *p = op->owner;
	if (p->state == PEER_CLOSING) {
		free_when_through(p);
	} else if (op->result == -ECANCELED && p->server->is_stopping) {
		return; /* it has its turn */
	} else if (op->result == -ECANCELED || op->result == -EINTR) {
		chain_append(&p->server->resting, &p->queued);
	} else {
		net_peer_is_ready(p); /* whatever it is, reading will tell */
	}
}

void net_peer_rests(struct net_peer *p)
{
	chain_unlink(&p->queued);
	p->poll = (struct io_op){.code = IO_POLL,
				 .fd = p->fd,
				 .poll = {.events = POLLIN},
				 .done = on_polled,
				 .owner = p};
	io_submit(p->server->stage->env->io, &p->poll);
}

/* ---- what is kept of a record ---- */

void net_peer_hold_nothing(struct net_peer *p)
{
	p->held_length = 0;
	if (p->state != PEER_SHAKING)
		chain_unlink(&p->unfinished);
	if (p->held_room <= HELD_KEPT && p->state != PEER_CLOSING)
		return;
	p->server->pending -= p->held_room;
	free(p->held);
	p->held = NULL;
	p->held_room = 0;
}

/* Those that have waited longest for the rest of a record go first, which may be this one. */
static bool make_way(struct net_peer *p, size_t more)
{
	struct net_server *n = p->server;
	while (n->pending + more > n->pending_max) {
		struct chain *first = chain_first(&n->unfinished);
		struct net_peer *oldest =
		    first ? chain_owner(first, struct net_peer, unfinished) : p;
		net_server_note(n, NET_CUT_OFF, "connection closed", oldest,
				"more unfinished records than max_pending");
		net_peer_close(oldest);
		if (oldest == p)
			return false;
	}
	return true;
}

static size_t room_for(const struct net_peer *p, size_t length)
{
	size_t most = net_framing_left_max(p->server->framing.lines.max_line);
	size_t room = 2 * p->held_room;
	if (room < HELD_MIN)
		room = HELD_MIN;
	if (room > most)
		room = most;
	return room < length ? length : room;
}

static bool widen(struct net_peer *p, size_t length)
{
	if (length <= p->held_room)
		return true;
	size_t room = room_for(p, length);
	if (!make_way(p, room - p->held_room))
		return false;
	uint8_t *more = realloc(p->held, room);
	if (!more) {
		net_server_note(p->server, NET_CUT_OFF, "connection closed", p, "out of memory");
		net_peer_close(p);
		return false;
	}
	p->server->pending += room - p->held_room;
	p->held = more;
	p->held_room = room;
	return true;
}

bool net_peer_hold(struct net_peer *p, const uint8_t *bytes, size_t length, bool began)
{
	struct net_server *n = p->server;
	if (!widen(p, p->held_length + length))
		return false;
	memcpy(p->held + p->held_length, bytes, length);
	p->held_length += length;
	if (began) {
		p->began_ns = n->now_ns;
		chain_append(&n->unfinished, &p->unfinished);
	}
	return true;
}

/* ---- what is sent back ---- */

static bool owes_nothing(const struct net_peer *p)
{
	return p->reply_left == 0 && !net_peer_awaits_answer(p) && p->sealed_from == p->sealed_to &&
	       !p->write.busy;
}

static void on_sent(struct io_op *op)
{
	struct net_peer *p = op->owner;
	struct net_server *n = p->server;
	if (p->state == PEER_CLOSING) {
		free_when_through(p);
		return;
	}
	if (op->result < 0 && op->result != -EINTR && op->result != -EAGAIN) {
		net_server_note(n, NET_RESET, "connection lost", p, strerror((int)-op->result));
		net_peer_close(p);
		return;
	}
	size_t sent = op->result > 0 ? (size_t)op->result : 0;
	if (p->tls)
		p->sealed_from += sent;
	else
		p->reply_left -= sent;
	net_peer_send(p);
}

static void write_span(struct net_peer *p, const uint8_t *bytes, size_t length)
{
	p->span = (struct iovec){.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
	p->write = (struct io_op){.code = IO_WRITE,
				  .fd = p->fd,
				  .stream = true,
				  .write = {.spans = &p->span, .count = 1},
				  .done = on_sent,
				  .owner = p};
	io_submit(p->server->stage->env->io, &p->write);
}

static void seal_replies(struct net_peer *p)
{
	const uint8_t *bytes;
	while (p->reply_left > 0 && tls_session_out_length(p->tls) < NET_SEALED) {
		size_t length = net_reply_next(&p->server->reply, p->reply_left, &bytes);
		ssize_t n = tls_session_write(p->tls, bytes, length);
		if (n <= 0)
			return;
		p->reply_left -= (size_t)n;
	}
}

static void send_sealed(struct net_peer *p)
{
	seal_replies(p);
	if (p->sealed_from == p->sealed_to) {
		p->sealed_from = 0;
		p->sealed_to = tls_session_out(p->tls, p->sealed, NET_SEALED);
	}
	if (p->sealed_to > p->sealed_from)
		write_span(p, p->sealed + p->sealed_from, p->sealed_to - p->sealed_from);
}

static void send_plain(struct net_peer *p)
{
	const uint8_t *bytes;
	size_t length = net_reply_next(&p->server->reply, p->reply_left, &bytes);
	write_span(p, bytes, length);
}

void net_peer_send(struct net_peer *p)
{
	if (p->write.busy || p->state == PEER_CLOSING)
		return;
	if (p->tls)
		send_sealed(p);
	else if (p->reply_left > 0)
		send_plain(p);
	if (p->state == PEER_ENDED && owes_nothing(p))
		net_peer_close(p);
}

void net_peer_ended(struct net_peer *p)
{
	net_peer_hold_nothing(p);
	chain_unlink(&p->queued);
	p->state = PEER_ENDED;
	if (p->tls)
		tls_session_end(p->tls);
	net_peer_send(p);
}
