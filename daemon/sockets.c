#include "daemon/sockets.h"
#include "daemon/backend.h"
#include "stages/net/net_address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct sockaddr *name_of(const struct io_address *a)
{
	return (const struct sockaddr *)(const void *)a->bytes;
}

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof value) < 0 ? -errno : 0;
}

static bool is_tcp(int family, int type)
{
	return type == SOCK_STREAM && (family == AF_INET || family == AF_INET6);
}

static int make(int family, int type)
{
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (is_tcp(family, type)) {
		set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
		set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	}
	return fd;
}

int64_t sockets_open(const struct io_op *op)
{
	return make(op->socket.family, op->socket.type);
}

/* Listening */

static bool nobody_listens(const struct io_address *a, int type)
{
	int fd = make(AF_UNIX, type);
	if (fd < 0)
		return false;
	bool refused = connect(fd, name_of(a), a->length) < 0 && errno == ECONNREFUSED;
	close(fd);
	return refused;
}

/* The socket that a listener has left behind, and not what somebody may have put in its place while we looked. */
static int remove_stale(const struct io_address *a, int type)
{
	struct stat before, now;
	const char *path = net_address_path(a);
	if (!path || lstat(path, &before) < 0 || !S_ISSOCK(before.st_mode) ||
	    !nobody_listens(a, type))
		return -EADDRINUSE;
	if (lstat(path, &now) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (now.st_ino != before.st_ino || now.st_dev != before.st_dev)
		return -EADDRINUSE;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int bind_to(int fd, const struct io_address *a, int type)
{
	if (bind(fd, name_of(a), a->length) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	int r = remove_stale(a, type);
	return r < 0 ? r : bind(fd, name_of(a), a->length) < 0 ? -errno : 0;
}

/* Datagrams are had by one socket unless it is asked otherwise: SO_REUSEADDR would let another take them away. */
static int set_up(int fd, const struct io_op *op, int family)
{
	int r = 0;
	if (is_tcp(family, op->listen.type))
		r = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (r == 0 && op->listen.reuse_port)
		r = set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (r == 0 && family == AF_INET6)
		r = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	return r;
}

static int tell_name(int fd, struct io_address *into)
{
	if (!into)
		return 0;
	socklen_t length = sizeof into->bytes;
	if (getsockname(fd, (struct sockaddr *)(void *)into->bytes, &length) < 0)
		return -errno;
	into->length = length;
	return 0;
}

int64_t sockets_listen(struct io_op *op)
{
	const struct io_address *a = op->listen.address;
	int family = net_address_family(a);
	int fd = make(family, op->listen.type);
	if (fd < 0)
		return fd;
	int r = set_up(fd, op, family);
	if (r == 0)
		r = bind_to(fd, a, op->listen.type);
	if (r == 0 && op->listen.type != SOCK_DGRAM && listen(fd, op->listen.backlog) < 0)
		r = -errno;
	if (r == 0)
		r = tell_name(fd, op->listen.bound);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

/* Connections */

int64_t sockets_accept(const struct io_op *op)
{
	struct io_address *peer = op->accept.peer;
	socklen_t length = peer ? sizeof peer->bytes : 0;
	int fd = accept4(op->fd, peer ? (struct sockaddr *)(void *)peer->bytes : NULL,
			 peer ? &length : NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0 && peer)
		peer->length = length <= sizeof peer->bytes ? length : 0;
	return or_errno(fd);
}

/* Asked for once more, a connection tells how far it is: EALREADY, 0, or what it failed with. A unix socket whose
 * listener is busy says EAGAIN, and nobody would wake us: that comes through. */
bool sockets_connect(const struct io_op *op, int64_t *ret_result)
{
	const struct io_address *a = op->connect.address;
	int64_t r = or_errno(connect(op->fd, name_of(a), a->length));
	if (r == -EINPROGRESS || r == -EALREADY)
		return false;
	*ret_result = r == -EISCONN ? 0 : r;
	return true;
}

int64_t sockets_receive(const struct io_op *op)
{
	return or_errno(
	    recvmmsg(op->fd, op->datagrams.messages, op->datagrams.count, MSG_DONTWAIT, NULL));
}

int64_t sockets_send(const struct io_op *op)
{
	return or_errno(sendmmsg(op->fd, op->datagrams.messages, op->datagrams.count,
				 MSG_DONTWAIT | MSG_NOSIGNAL));
}

int64_t sockets_unsent(int fd)
{
	int type, bytes = 0;
	socklen_t length = sizeof type;
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0)
		return -errno;
	return ioctl(fd, SIOCOUTQ, &bytes) < 0 ? -errno : bytes;
}

int64_t sockets_set_option(const struct io_op *op)
{
	return set(op->fd, op->set_option.level, op->set_option.name, op->set_option.value);
}

int64_t sockets_shut_down(const struct io_op *op)
{
	return or_errno(shutdown(op->fd, op->shutdown.how));
}

/* Names */

static int64_t why_unresolved(int error)
{
	switch (error) {
	case EAI_AGAIN:
		return -EAGAIN;
	case EAI_MEMORY:
		return -ENOMEM;
	case EAI_SERVICE:
	case EAI_SOCKTYPE:
	case EAI_BADFLAGS:
		return -EINVAL;
	case EAI_FAMILY:
	case EAI_ADDRFAMILY:
		return -EAFNOSUPPORT;
	case EAI_SYSTEM:
		return errno ? -errno : -EIO;
	case EAI_NONAME:
	case EAI_NODATA:
		return -ENOENT;
	default:
		return -EIO;
	}
}

int64_t sockets_resolve(const struct io_op *op)
{
	struct addrinfo hints = {.ai_socktype = op->resolve.type}, *found = NULL;
	int error = getaddrinfo(op->resolve.host, op->resolve.port, &hints, &found);
	if (error != 0)
		return why_unresolved(error);
	int64_t n = 0;
	for (const struct addrinfo *a = found; a && n < IO_ADDRESSES_MAX; a = a->ai_next) {
		struct io_address *into = &op->resolve.into[n];
		if (a->ai_addrlen > sizeof into->bytes)
			continue;
		memcpy(into->bytes, a->ai_addr, a->ai_addrlen);
		into->length = a->ai_addrlen;
		n++;
	}
	freeaddrinfo(found);
	return n;
}
