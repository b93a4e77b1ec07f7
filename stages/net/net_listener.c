#include "stages/net/net_listener.h"
#include "stages/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PATIENCE_NS UINT64_C(3000000000)
#define AGAIN_NS UINT64_C(50000000)

static void on_opened(struct io_op *op)
{
	(void)op;
}

void net_listener_open(struct net_listener *l, struct env *env, int backlog, bool reuse_port)
{
	l->fd = -1;
	l->opening = (struct io_op){
	    .code = IO_LISTEN,
	    .fd = -1,
	    .listen = {.address = &l->where.address,
		       .type = l->datagrams ? SOCK_DGRAM : SOCK_STREAM,
		       .backlog = backlog,
		       .reuse_port = reuse_port,
		       .bound = &l->bound},
	    .done = on_opened,
	};
	io_submit(env->io, &l->opening);
}

static const char *shown_address(const struct net_listener *l, const struct io_address *a,
				 char address[static NET_ADDRESS_ROOM])
{
	net_address_print(a, address);
	return l->secret ? SECRET_SHOWN : address;
}

static void begin_to_wait(struct net_listener *l, struct env *env, uint64_t now_ns)
{
	char address[NET_ADDRESS_ROOM];
	env_say(env, SAY_WARN, "address in use, trying again for a while", "address=%s",
		shown_address(l, &l->where.address, address));
	l->patient_until_ns = now_ns + PATIENCE_NS;
	l->again_ns = now_ns + AGAIN_NS;
}

bool net_listener_is_put_off(struct net_listener *l, struct env *env)
{
	uint64_t now_ns = env_now_ns(env);
	if (l->opening.result != -EADDRINUSE)
		return false;
	if (l->patient_until_ns == 0)
		begin_to_wait(l, env, now_ns);
	if (now_ns >= l->patient_until_ns)
		return false;
	if (now_ns >= l->again_ns) {
		l->again_ns = now_ns + AGAIN_NS;
		io_submit(env->io, &l->opening);
	} else {
		env_wake_at(env, l->again_ns);
	}
	return true;
}

int net_listener_opened(struct net_listener *l, struct env *env)
{
	char address[NET_ADDRESS_ROOM];
	bool failed = l->opening.result < 0;
	const char *shown = shown_address(l, failed ? &l->where.address : &l->bound, address);
	l->again_ns = 0;
	if (failed) {
		env_say(env, SAY_ERROR, "cannot listen", "address=%s error=%s", shown,
			strerror((int)-l->opening.result));
		return (int)l->opening.result;
	}
	l->fd = (int)l->opening.result;
	env_say(env, SAY_INFO, "listening", "address=%s for=%s", shown,
		l->datagrams ? "datagrams" : "connections");
	return 0;
}

static void on_come(struct io_op *op)
{
	((struct net_listener *)op->owner)->has_come = true;
}

void net_listener_wait(struct net_listener *l, struct env *env)
{
	l->waiting = (struct io_op){
	    .code = l->datagrams ? IO_POLL : IO_ACCEPT, .fd = l->fd, .done = on_come, .owner = l};
	if (l->datagrams)
		l->waiting.poll.events = POLLIN;
	else
		l->waiting.accept.peer = &l->peer;
	io_submit(env->io, &l->waiting);
}

static void on_removed(struct io_op *op)
{
	free(op->owner);
	free(op);
}

/* First: once nobody listens there, others may put theirs in its place. */
static void remove_path(struct io *io, const struct io_address *a)
{
	const char *path = net_address_path(a);
	struct io_op *op = path ? calloc(1, sizeof *op) : NULL;
	char *copy = op ? strdup(path) : NULL;
	if (!copy) {
		free(op);
		return;
	}
	*op = (struct io_op){.code = IO_UNLINK,
			     .fd = AT_FDCWD,
			     .unlink = {.path = copy},
			     .done = on_removed,
			     .owner = copy};
	io_submit(io, op);
}

void net_listener_close(struct net_listener *l, struct env *env)
{
	if (l->waiting.busy) {
		io_cancel(env->io, &l->waiting);
	} else if (l->fd >= 0) {
		remove_path(env->io, &l->where.address);
		descriptor_close(env->io, &l->fd);
	}
}

static void on_set(struct io_op *op)
{
	free(op);
}

void net_socket_set(struct env *env, int fd, int level, int name, int value)
{
	struct io_op *op = calloc(1, sizeof *op);
	if (!op)
		return;
	*op = (struct io_op){.code = IO_SET_OPTION,
			     .fd = fd,
			     .set_option = {.level = level, .name = name, .value = value},
			     .done = on_set};
	io_submit(env->io, op);
}
