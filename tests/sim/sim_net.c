#include "tests/sim/sim_net.h"
#include "tests/sim/sim_inode.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void sim_net_init(struct sim_net *net, struct sim_random random, struct sim_story *story)
{
	*net = (struct sim_net){.random = random, .story = story};
	net->pipe_bytes = sim_between(&net->random, 64, 3000);
}

void sim_net_release(struct sim_net *net)
{
	for (size_t i = 0; i < SIM_NET_SOCKETS_MAX; i++)
		free(net->sockets[i].bytes);
}

/* ---- sockets ---- */

static struct sim_socket *at(struct sim_net *net, int fd)
{
	assert(fd >= SIM_NET_FIRST && fd < SIM_NET_FIRST + SIM_NET_SOCKETS_MAX);
	struct sim_socket *s = &net->sockets[fd - SIM_NET_FIRST];
	if (s->state == SIM_SOCKET_FREE)
		abort(); /* closed, and used all the same */
	return s;
}

static const struct sim_socket *look_at(const struct sim_net *net, int fd)
{
	return at((struct sim_net *)(uintptr_t)net, fd);
}

static int fd_of(const struct sim_net *net, const struct sim_socket *s)
{
	return SIM_NET_FIRST + (int)(s - net->sockets);
}

static struct sim_socket *new_socket(struct sim_net *net, bool of_process)
{
	struct sim_socket *s = net->sockets;
	while (s < net->sockets + SIM_NET_SOCKETS_MAX && s->state != SIM_SOCKET_FREE)
		s++;
	assert(s < net->sockets + SIM_NET_SOCKETS_MAX && "a simulation has few connections");
	*s = (struct sim_socket){.state = SIM_SOCKET_NEW, .of_process = of_process, .peer = -1};
	return s;
}

static void free_socket(struct sim_socket *s)
{
	free(s->bytes);
	*s = (struct sim_socket){.state = SIM_SOCKET_FREE};
}

static struct sim_socket *listener(struct sim_net *net, unsigned port)
{
	for (size_t i = 0; i < SIM_NET_SOCKETS_MAX; i++)
		if (net->sockets[i].state == SIM_SOCKET_LISTENS && net->sockets[i].port == port)
			return &net->sockets[i];
	return NULL;
}

static int listen_at(struct sim_net *net, unsigned port, unsigned backlog, bool of_process)
{
	if (listener(net, port))
		return -EADDRINUSE;
	struct sim_socket *s = new_socket(net, of_process);
	s->state = SIM_SOCKET_LISTENS;
	s->port = port;
	s->backlog = backlog < SIM_NET_WAITING_MAX ? backlog : SIM_NET_WAITING_MAX;
	return fd_of(net, s);
}

/* Two that know each other: s, and one that waits at the listener. */
static void join(struct sim_net *net, struct sim_socket *s, struct sim_socket *to)
{
	struct sim_socket *other = new_socket(net, to->of_process);
	s->state = other->state = SIM_SOCKET_CONNECTED;
	s->port = other->port = to->port;
	s->peer = fd_of(net, other);
	other->peer = fd_of(net, s);
	s->bytes = sim_alloc(net->pipe_bytes);
	other->bytes = sim_alloc(net->pipe_bytes);
	to->waiting[to->waiting_count++] = fd_of(net, other);
}

static int connect_to(struct sim_net *net, struct sim_socket *s, unsigned port)
{
	struct sim_socket *to = listener(net, port);
	if (s->state != SIM_SOCKET_NEW)
		return s->state == SIM_SOCKET_CONNECTED ? -EISCONN : -EINVAL;
	if (to && to->waiting_count == to->backlog)
		return -EAGAIN;
	if (s->of_process && net->on_connect)
		net->on_connect(net->context, port, !to);
	if (!to)
		return -ECONNREFUSED;
	join(net, s, to);
	return 0;
}

static int accept_from(struct sim_socket *s)
{
	if (s->state != SIM_SOCKET_LISTENS)
		return -EINVAL;
	if (s->waiting_count == 0)
		return -EAGAIN;
	int fd = s->waiting[0];
	memmove(s->waiting, s->waiting + 1, --s->waiting_count * sizeof s->waiting[0]);
	return fd;
}

/* ---- bytes ---- */

static int take_error(struct sim_socket *s)
{
	int error = s->error;
	s->error = 0;
	s->ended = s->closed = true;
	return error;
}

static size_t take_bytes(struct sim_socket *s, void *bytes, size_t length)
{
	size_t n = length < s->length ? length : s->length;
	memcpy(bytes, s->bytes, n);
	memmove(s->bytes, s->bytes + n, s->length -= n);
	s->landed -= n;
	return n;
}

static ssize_t read_from(struct sim_socket *s, void *bytes, size_t length)
{
	if (s->state != SIM_SOCKET_CONNECTED)
		return -ENOTCONN;
	if (s->length == 0 && s->error)
		return take_error(s);
	if (s->length == 0)
		return s->ended ? 0 : -EAGAIN;
	s->landed = s->length;
	return (ssize_t)take_bytes(s, bytes, length);
}

/* Where the other side has closed, the first write is taken, and lost; that it was is heard then. */
static ssize_t write_to(struct sim_net *net, struct sim_socket *s, const void *bytes, size_t length)
{
	if (s->state != SIM_SOCKET_CONNECTED)
		return -ENOTCONN;
	if (s->error)
		return take_error(s);
	if (s->closed)
		return -EPIPE;
	if (s->peer < 0) {
		s->error = sim_chance(&net->random, 500) ? -ECONNRESET : -EPIPE;
		s->lost += length;
		return (ssize_t)length;
	}
	struct sim_socket *to = at(net, s->peer);
	size_t room = net->pipe_bytes - to->length;
	size_t n = length < room ? length : room;
	if (n == 0 && length > 0)
		return -EAGAIN;
	memcpy(to->bytes + to->length, bytes, n);
	to->length += n;
	if (sim_chance(&net->random, 500))
		to->landed = to->length;
	return (ssize_t)n;
}

/* So much of what was written has not landed, or never will. */
static int64_t unsent(struct sim_net *net, const struct sim_socket *s)
{
	if (s->state != SIM_SOCKET_CONNECTED)
		return -ENOTCONN;
	if (s->peer < 0)
		return (int64_t)s->lost;
	struct sim_socket *to = at(net, s->peer);
	to->landed = sim_between(&net->random, to->landed, to->length);
	return (int64_t)(s->lost + to->length - to->landed);
}

static void shut_down(struct sim_net *net, struct sim_socket *s, int how)
{
	if (how != SHUT_RD) {
		s->closed = true;
		if (s->peer >= 0)
			at(net, s->peer)->ended = true;
	}
	if (how != SHUT_WR)
		s->ended = true;
}

/* ---- ends ---- */

static void leave(struct sim_net *net, struct sim_socket *s, bool reset, bool lost)
{
	if (s->peer >= 0) {
		struct sim_socket *other = at(net, s->peer);
		other->peer = -1;
		other->ended = true;
		other->lost += s->length - s->landed;
		if (reset)
			other->error = -ECONNRESET;
		if (reset && lost)
			other->length = other->landed;
	}
	free_socket(s);
}

static void end(struct sim_net *net, struct sim_socket *s, bool reset, bool lost)
{
	for (unsigned i = 0; i < s->waiting_count; i++)
		leave(net, at(net, s->waiting[i]), true, lost);
	leave(net, s, reset || s->length > 0, lost);
}

void sim_net_close(struct sim_net *net, int fd)
{
	end(net, at(net, fd), false, sim_chance(&net->random, 500));
}

void sim_net_reset(struct sim_net *net, int fd)
{
	end(net, at(net, fd), true, sim_chance(&net->random, 500));
}

void sim_net_vanish(struct sim_net *net, int fd)
{
	struct sim_socket *s = at(net, fd);
	if (s->peer >= 0)
		at(net, s->peer)->length = at(net, s->peer)->landed = 0;
	end(net, s, true, true);
}

void sim_net_end_process(struct sim_net *net, bool crash)
{
	for (size_t i = 0; i < SIM_NET_SOCKETS_MAX; i++) {
		struct sim_socket *s = &net->sockets[i];
		if (s->state != SIM_SOCKET_FREE && s->of_process)
			end(net, s, crash || sim_chance(&net->random, 300), crash);
	}
}

size_t sim_net_open_count(const struct sim_net *net)
{
	size_t n = 0;
	for (size_t i = 0; i < SIM_NET_SOCKETS_MAX; i++)
		n += net->sockets[i].state != SIM_SOCKET_FREE && net->sockets[i].of_process;
	return n;
}

/* ---- readiness ---- */

bool sim_net_is_readable(const struct sim_net *net, int fd)
{
	const struct sim_socket *s = look_at(net, fd);
	return s->waiting_count > 0 || s->length > 0 || s->ended || s->error;
}

bool sim_net_is_writable(const struct sim_net *net, int fd)
{
	const struct sim_socket *s = look_at(net, fd);
	if (s->state != SIM_SOCKET_CONNECTED)
		return false;
	return s->error || s->closed || s->peer < 0 ||
	       look_at(net, s->peer)->length < net->pipe_bytes;
}

bool sim_net_is_left(const struct sim_net *net, int fd)
{
	const struct sim_socket *s = look_at(net, fd);
	return s->state == SIM_SOCKET_CONNECTED && s->peer < 0;
}

static short ready_for(const struct sim_net *net, const struct io_op *op)
{
	const struct sim_socket *s = look_at(net, op->fd);
	short ready = 0;
	if (sim_net_is_readable(net, op->fd))
		ready |= POLLIN;
	if (sim_net_is_writable(net, op->fd))
		ready |= POLLOUT;
	ready &= op->poll.events;
	if (s->error)
		ready |= POLLERR | POLLHUP;
	return ready;
}

/* ---- those outside ---- */

int sim_net_listen(struct sim_net *net, unsigned port, unsigned backlog)
{
	return listen_at(net, port, backlog, false);
}

int sim_net_accept(struct sim_net *net, int fd)
{
	return accept_from(at(net, fd));
}

int sim_net_connect(struct sim_net *net, unsigned port)
{
	struct sim_socket *s = new_socket(net, false);
	int r = connect_to(net, s, port);
	if (r < 0)
		free_socket(s);
	return r < 0 ? r : fd_of(net, s);
}

ssize_t sim_net_read(struct sim_net *net, int fd, void *bytes, size_t length)
{
	return read_from(at(net, fd), bytes, length);
}

ssize_t sim_net_read_landed(struct sim_net *net, int fd, void *bytes, size_t length)
{
	struct sim_socket *s = at(net, fd);
	return (ssize_t)take_bytes(s, bytes, length < s->landed ? length : s->landed);
}

ssize_t sim_net_write(struct sim_net *net, int fd, const void *bytes, size_t length)
{
	return write_to(net, at(net, fd), bytes, length);
}

/* ---- the program ---- */

static unsigned port_of(const struct io_address *a)
{
	struct sockaddr_in in; /* the port is at the same place in IPv6 */
	memcpy(&in, a->bytes, sizeof in);
	return ntohs(in.sin_port);
}

static void tell_address(struct io_address *into, unsigned port)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (!into)
		return;
	memcpy(into->bytes, &in, sizeof in);
	into->length = sizeof in;
}

bool sim_net_is_about(const struct io_op *op)
{
	switch (op->code) {
	case IO_LISTEN:
	case IO_SOCKET:
	case IO_RESOLVE:
		return true;
	default:
		return sim_net_has(op->fd);
	}
}

bool sim_net_may_wait(const struct io_op *op)
{
	if (op->at_once)
		return false;
	switch (op->code) {
	case IO_ACCEPT:
	case IO_CONNECT:
	case IO_POLL:
	case IO_READ:
	case IO_WRITE:
		return true;
	default:
		return false;
	}
}

static bool connect_would_wait(const struct sim_net *net, const struct io_op *op)
{
	unsigned port = port_of(op->connect.address);
	const struct sim_socket *to = listener((struct sim_net *)(uintptr_t)net, port);
	return look_at(net, op->fd)->state == SIM_SOCKET_NEW && to &&
	       to->waiting_count == to->backlog;
}

bool sim_net_would_wait(const struct sim_net *net, const struct io_op *op)
{
	if (op->at_once)
		return false;
	switch (op->code) {
	case IO_ACCEPT:
	case IO_READ:
		return !sim_net_is_readable(net, op->fd);
	case IO_WRITE:
		return !sim_net_is_writable(net, op->fd);
	case IO_CONNECT:
		return connect_would_wait(net, op);
	case IO_POLL:
		return ready_for(net, op) == 0;
	default:
		return false;
	}
}

static int64_t do_socket(struct sim_net *net)
{
	if (sim_chance(&net->random, net->faults.socket_errors))
		return -EMFILE;
	return fd_of(net, new_socket(net, true));
}

static int64_t do_listen(struct sim_net *net, const struct io_op *op)
{
	unsigned port = port_of(op->listen.address);
	if (op->listen.type != SOCK_STREAM)
		return -EOPNOTSUPP;
	tell_address(op->listen.bound, port);
	return listen_at(net, port, (unsigned)op->listen.backlog, true);
}

static int64_t do_accept(struct sim_net *net, const struct io_op *op)
{
	struct sim_socket *s = at(net, op->fd);
	int fd = accept_from(s);
	if (fd >= 0 && sim_chance(&net->random, net->faults.accept_errors)) {
		sim_net_reset(net, fd);
		return -ECONNABORTED;
	}
	if (fd >= 0)
		tell_address(op->accept.peer, 40000 + (unsigned)(fd - SIM_NET_FIRST));
	return fd;
}

static int64_t do_read(struct sim_net *net, const struct io_op *op)
{
	size_t length = op->read.length;
	if (length > 1 && sim_chance(&net->random, net->faults.short_reads))
		length = sim_between(&net->random, 1, length < 100 ? length : 100);
	return sim_net_read(net, op->fd, op->read.bytes, length);
}

static int64_t do_write(struct sim_net *net, const struct io_op *op)
{
	size_t left = SIZE_MAX;
	int64_t written = 0;
	if (sim_chance(&net->random, net->faults.short_writes))
		left = sim_between(&net->random, 1, 100);
	for (unsigned i = 0; i < op->write.count && left > 0; i++) {
		const struct iovec *v = &op->write.spans[i];
		size_t length = v->iov_len < left ? v->iov_len : left;
		ssize_t n = length ? sim_net_write(net, op->fd, v->iov_base, length) : 0;
		if (n < 0)
			return written > 0 ? written : n;
		written += n;
		left -= (size_t)n;
		if ((size_t)n < length)
			break;
	}
	return written;
}

static int64_t do_resolve(struct sim_net *net, const struct io_op *op)
{
	if (sim_chance(&net->random, net->faults.resolve_errors))
		return -EAGAIN;
	tell_address(&op->resolve.into[0], (unsigned)atoi(op->resolve.port));
	return 1;
}

static int64_t do_shut_down(struct sim_net *net, const struct io_op *op)
{
	struct sim_socket *s = at(net, op->fd);
	if (s->state != SIM_SOCKET_CONNECTED || s->peer < 0)
		return -ENOTCONN;
	shut_down(net, s, op->shutdown.how);
	return 0;
}

int64_t sim_net_carry_out(struct sim_net *net, const struct io_op *op)
{
	bool moves_bytes = op->code == IO_READ || op->code == IO_WRITE;
	if (moves_bytes && sim_chance(&net->random, net->faults.interrupted))
		return -EINTR;
	switch (op->code) {
	case IO_SOCKET:
		return do_socket(net);
	case IO_LISTEN:
		return do_listen(net, op);
	case IO_RESOLVE:
		return do_resolve(net, op);
	case IO_ACCEPT:
		return do_accept(net, op);
	case IO_CONNECT:
		return connect_to(net, at(net, op->fd), port_of(op->connect.address));
	case IO_READ:
		return do_read(net, op);
	case IO_WRITE:
		return do_write(net, op);
	case IO_POLL:
		return ready_for(net, op);
	case IO_SHUTDOWN:
		return do_shut_down(net, op);
	case IO_SET_OPTION:
		return 0;
	case IO_UNREAD:
		return unsent(net, at(net, op->fd));
	case IO_CLOSE:
		sim_net_close(net, op->fd);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}
