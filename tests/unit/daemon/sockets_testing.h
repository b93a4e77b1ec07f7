/* sockets_testing.h - sockets through the I/O interface of a test's backend: addresses, listeners, connections and what goes over them.
 * Layer: tests. */
#pragma once

#include "tests/unit/daemon/backend_world.h"
#include "tests/unit/daemon/each_backend.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Port 0: any. */
static inline struct io_address ipv4(uint16_t port)
{
	struct io_address a = {.length = sizeof(struct sockaddr_in)};
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	memcpy(a.bytes, &in, sizeof in);
	return a;
}

static inline struct io_address unix_path(const char *path)
{
	struct io_address a = {.length = sizeof(struct sockaddr_un)};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	cr_assert_lt(strlen(path), sizeof un.sun_path);
	strcpy(un.sun_path, path);
	memcpy(a.bytes, &un, sizeof un);
	return a;
}

static inline uint16_t port_of(const struct io_address *a)
{
	struct sockaddr_in in; /* the port is at the same place in IPv6 */
	memcpy(&in, a->bytes, sizeof in);
	return ntohs(in.sin_port);
}

static inline int64_t listen_at(struct world *w, const struct io_address *a, int type,
				struct io_address *bound)
{
	struct io_op op = {.code = IO_LISTEN,
			   .fd = -1,
			   .listen = {.address = a, .type = type, .backlog = 4096, .bound = bound}};
	return world_carry_out(w, &op);
}

/* Any port of loopback; *ret_at is where. */
static inline int listener(struct world *w, struct io_address *ret_at)
{
	struct io_address any = ipv4(0);
	int fd = (int)listen_at(w, &any, SOCK_STREAM, ret_at);
	cr_assert_geq(fd, 0);
	return fd;
}

static inline int new_socket(struct world *w, int family, int type)
{
	struct io_op op = {.code = IO_SOCKET, .fd = -1, .socket = {.family = family, .type = type}};
	int fd = (int)world_carry_out(w, &op);
	cr_assert_geq(fd, 0);
	return fd;
}

static inline int64_t connect_to(struct world *w, int fd, const struct io_address *a)
{
	struct io_op op = {.code = IO_CONNECT, .fd = fd, .connect = {.address = a}};
	return world_carry_out(w, &op);
}

static inline int64_t accept_from(struct world *w, int fd, struct io_address *peer)
{
	struct io_op op = {.code = IO_ACCEPT, .fd = fd, .accept = {.peer = peer}};
	return world_carry_out(w, &op);
}

static inline void close_through(struct world *w, int fd)
{
	struct io_op op = {.code = IO_CLOSE, .fd = fd};
	cr_assert_eq(world_carry_out(w, &op), 0);
}

struct connection {
	int ours, theirs;
};

static inline struct connection connection(struct world *w)
{
	struct io_address at;
	int fd = listener(w, &at);
	struct connection c = {.ours = new_socket(w, AF_INET, SOCK_STREAM)};
	cr_assert_eq(connect_to(w, c.ours, &at), 0);
	c.theirs = (int)accept_from(w, fd, NULL);
	cr_assert_geq(c.theirs, 0);
	close_through(w, fd);
	return c;
}

static inline void hang_up(struct world *w, const struct connection *c)
{
	close_through(w, c->ours);
	close_through(w, c->theirs);
}

static inline struct io_op reading(int fd, char *into, size_t room)
{
	return (struct io_op){
	    .code = IO_READ, .fd = fd, .stream = true, .read = {.bytes = into, .length = room}};
}

static inline struct io_op writing(int fd, const struct iovec *span)
{
	return (struct io_op){
	    .code = IO_WRITE, .fd = fd, .stream = true, .write = {.spans = span, .count = 1}};
}

static inline int64_t say(struct world *w, int fd, const char *text)
{
	struct iovec span = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
	struct io_op op = writing(fd, &span);
	return world_carry_out(w, &op);
}

static inline void cr_assert_hears(struct world *w, int fd, const char *text)
{
	char heard[64] = "";
	struct io_op op = reading(fd, heard, sizeof heard - 1);
	cr_assert_eq(world_carry_out(w, &op), (int64_t)strlen(text));
	cr_assert_str_eq(heard, text);
}
