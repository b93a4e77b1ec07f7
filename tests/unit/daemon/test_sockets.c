/* Sockets through the I/O interface, the same for every backend. */
#include "tests/unit/daemon/backend_world.h"
#include "tests/unit/daemon/each_backend.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SOCKETS_TEST(name) EACH_BACKEND_TEST(sockets, name)

/* Port 0: any. */
static struct io_address ipv4(uint16_t port)
{
	struct io_address a = {.length = sizeof(struct sockaddr_in)};
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	memcpy(a.bytes, &in, sizeof in);
	return a;
}

static struct io_address ipv6_any(void)
{
	struct io_address a = {.length = sizeof(struct sockaddr_in6)};
	struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_addr = in6addr_any};
	memcpy(a.bytes, &in, sizeof in);
	return a;
}

static struct io_address unix_path(const char *path)
{
	struct io_address a = {.length = sizeof(struct sockaddr_un)};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	cr_assert_lt(strlen(path), sizeof un.sun_path);
	strcpy(un.sun_path, path);
	memcpy(a.bytes, &un, sizeof un);
	return a;
}

static uint16_t port_of(const struct io_address *a)
{
	struct sockaddr_in in; /* the port is at the same place in IPv6 */
	memcpy(&in, a->bytes, sizeof in);
	return ntohs(in.sin_port);
}

static int64_t listen_at(struct world *w, const struct io_address *a, int type,
			 struct io_address *bound)
{
	struct io_op op = {.code = IO_LISTEN,
			   .fd = -1,
			   .listen = {.address = a, .type = type, .backlog = 4096, .bound = bound}};
	return world_carry_out(w, &op);
}

/* Any port of loopback; *ret_at is where. */
static int listener(struct world *w, struct io_address *ret_at)
{
	struct io_address any = ipv4(0);
	int fd = (int)listen_at(w, &any, SOCK_STREAM, ret_at);
	cr_assert_geq(fd, 0);
	return fd;
}

static int new_socket(struct world *w, int family, int type)
{
	struct io_op op = {.code = IO_SOCKET, .fd = -1, .socket = {.family = family, .type = type}};
	int fd = (int)world_carry_out(w, &op);
	cr_assert_geq(fd, 0);
	return fd;
}

static int64_t connect_to(struct world *w, int fd, const struct io_address *a)
{
	struct io_op op = {.code = IO_CONNECT, .fd = fd, .connect = {.address = a}};
	return world_carry_out(w, &op);
}

static int64_t accept_from(struct world *w, int fd, struct io_address *peer)
{
	struct io_op op = {.code = IO_ACCEPT, .fd = fd, .accept = {.peer = peer}};
	return world_carry_out(w, &op);
}

static void close_through(struct world *w, int fd)
{
	struct io_op op = {.code = IO_CLOSE, .fd = fd};
	cr_assert_eq(world_carry_out(w, &op), 0);
}

struct connection {
	int ours, theirs;
};

static struct connection connection(struct world *w)
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

static void hang_up(struct world *w, const struct connection *c)
{
	close_through(w, c->ours);
	close_through(w, c->theirs);
}

static struct io_op reading(int fd, char *into, size_t room)
{
	return (struct io_op){
	    .code = IO_READ, .fd = fd, .stream = true, .read = {.bytes = into, .length = room}};
}

static struct io_op writing(int fd, const struct iovec *span)
{
	return (struct io_op){
	    .code = IO_WRITE, .fd = fd, .stream = true, .write = {.spans = span, .count = 1}};
}

static int64_t say(struct world *w, int fd, const char *text)
{
	struct iovec span = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
	struct io_op op = writing(fd, &span);
	return world_carry_out(w, &op);
}

static void cr_assert_hears(struct world *w, int fd, const char *text)
{
	char heard[64] = "";
	struct io_op op = reading(fd, heard, sizeof heard - 1);
	cr_assert_eq(world_carry_out(w, &op), (int64_t)strlen(text));
	cr_assert_str_eq(heard, text);
}

static void assert_ours(int fd)
{
	cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	cr_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

SOCKETS_TEST(connection_is_made_accepted_and_carries_bytes_both_ways)
{
	struct world w;
	world_begin(&w, *kind);
	struct io_address at, peer;
	int done, fd = listener(&w, &at);
	struct io_op accept = {.code = IO_ACCEPT, .fd = fd, .accept = {.peer = &peer}};
	world_submit(&w, &accept, &done);
	world_sees_nothing(&w, &done);
	int ours = new_socket(&w, AF_INET, SOCK_STREAM);
	cr_assert_eq(connect_to(&w, ours, &at), 0);
	world_await(&w, &done);
	int theirs = (int)accept.result;
	cr_assert_geq(theirs, 0);
	struct sockaddr_in local;
	socklen_t length = sizeof local;
	cr_assert_eq(getsockname(ours, (struct sockaddr *)&local, &length), 0);
	cr_assert_eq(port_of(&peer), ntohs(local.sin_port));
	for (int i = 0; i < 3; i++)
		assert_ours((int[]){fd, ours, theirs}[i]);
	cr_assert_eq(say(&w, ours, "to them"), 7);
	cr_assert_hears(&w, theirs, "to them");
	cr_assert_eq(say(&w, theirs, "to us"), 5);
	cr_assert_hears(&w, ours, "to us");
	hang_up(&w, &(struct connection){ours, theirs});
	close_through(&w, fd);
	world_end(&w);
}

SOCKETS_TEST(connect_to_where_nobody_listens_is_refused)
{
	struct world w;
	world_begin(&w, *kind);
	struct io_address at;
	close_through(&w, listener(&w, &at));
	int fd = new_socket(&w, AF_INET, SOCK_STREAM);
	cr_assert_eq(connect_to(&w, fd, &at), -ECONNREFUSED);
	close_through(&w, fd);
	world_end(&w);
}

/* A listener that does not accept, and whose queue is full: the next connection stays under way. */
SOCKETS_TEST(connect_that_gets_no_answer_waits_and_is_cancelled)
{
	struct world w;
	world_begin(&w, *kind);
	struct io_address any = ipv4(0), at;
	struct io_op op = {.code = IO_LISTEN,
			   .fd = -1,
			   .listen = {.address = &any, .type = SOCK_STREAM, .bound = &at}};
	int fd = (int)world_carry_out(&w, &op), count = 0, fds[16], done = 1;
	struct io_op waits = {.code = IO_CONNECT};
	while (done && count < 16) {
		fds[count] = new_socket(&w, AF_INET, SOCK_STREAM);
		waits = (struct io_op){
		    .code = IO_CONNECT, .fd = fds[count++], .connect = {.address = &at}};
		world_submit(&w, &waits, &done);
		for (int i = 0; i < 20 && !done; i++) {
			backend_poll(w.backend);
			backend_wait(w.backend, backend_now_ns() + 1000000);
		}
	}
	cr_assert_eq(done, 0, "the queue is never full");
	io_cancel(&w.backend->io, &waits);
	world_await(&w, &done);
	cr_assert_eq(waits.result, -ECANCELED);
	while (count > 0)
		close_through(&w, fds[--count]);
	close_through(&w, fd);
	world_end(&w);
}

SOCKETS_TEST(address_in_use_is_told_and_free_again_after_its_listener)
{
	struct world w;
	world_begin(&w, *kind);
	struct io_address at;
	int fd = listener(&w, &at);
	cr_assert_eq(listen_at(&w, &at, SOCK_STREAM, NULL), -EADDRINUSE);
	int ours = new_socket(&w, AF_INET, SOCK_STREAM);
	cr_assert_eq(connect_to(&w, ours, &at), 0);
	int theirs = (int)accept_from(&w, fd, NULL);
	close_through(&w, fd);
	close_through(&w, theirs); /* the first to close is left in TIME_WAIT */
	close_through(&w, ours);
	fd = (int)listen_at(&w, &at, SOCK_STREAM, NULL);
	cr_assert_geq(fd, 0);
	close_through(&w, fd);
	world_end(&w);
}

SOCKETS_TEST(listener_for_any_ipv6_address_hears_ipv4_too)
{
	struct world w;
	world_begin(&w, *kind);
	struct io_address any = ipv6_any(), at;
	int fd = (int)listen_at(&w, &any, SOCK_STREAM, &at);
	if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) {
		world_end(&w);
		cr_skip_test("there is no IPv6 here");
	}
	cr_assert_geq(fd, 0);
	struct io_address v4 = ipv4(port_of(&at));
	int ours = new_socket(&w, AF_INET, SOCK_STREAM);
	cr_assert_eq(connect_to(&w, ours, &v4), 0);
	close_through(&w, (int)accept_from(&w, fd, NULL));
	close_through(&w, ours);
	close_through(&w, fd);
	world_end(&w);
}

static void assert_unix(struct world *w, int type)
{
	struct io_address at = unix_path(world_path(w, "socket"));
	int fd = (int)listen_at(w, &at, type, NULL);
	cr_assert_geq(fd, 0);
	cr_assert_eq(listen_at(w, &at, type, NULL), -EADDRINUSE, "somebody listens there");
	close_through(w, fd);
	struct stat s;
	cr_assert_eq(stat(world_path(w, "socket"), &s), 0);
	fd = (int)listen_at(w, &at, type, NULL);
	cr_assert_geq(fd, 0, "it was left behind");
	int ours = new_socket(w, AF_UNIX, type);
	cr_assert_eq(connect_to(w, ours, &at), 0);
	close_through(w, ours);
	close_through(w, fd);
}

SOCKETS_TEST(unix_socket_that_was_left_behind_is_replaced_and_one_in_use_is_not)
{
	struct world w;
	world_begin(&w, *kind);
	assert_unix(&w, SOCK_STREAM);
	cr_assert_eq(unlink(world_path(&w, "socket")), 0);
	assert_unix(&w, SOCK_DGRAM);
	world_end(&w);
}

SOCKETS_TEST(file_where_a_unix_socket_should_be_is_left_alone)
{
	struct world w;
	world_begin(&w, *kind);
	int fd = open(world_path(&w, "file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	close(fd);
	struct io_address at = unix_path(world_path(&w, "file"));
	cr_assert_eq(listen_at(&w, &at, SOCK_STREAM, NULL), -EADDRINUSE);
	struct stat s;
	cr_assert_eq(stat(world_path(&w, "file"), &s), 0);
	cr_assert(S_ISREG(s.st_mode));
	world_end(&w);
}

SOCKETS_TEST(read_and_write_of_one_connection_wait_side_by_side)
{
	struct world w;
	world_begin(&w, *kind);
	struct connection c = connection(&w);
	static char much[8 << 20], sink[1 << 16];
	struct iovec span = {.iov_base = much, .iov_len = sizeof much};
	struct io_op write, read;
	char byte = 0;
	int written = 1, was_read;
	while (written) { /* until nothing more goes in */
		write = writing(c.ours, &span);
		world_submit(&w, &write, &written);
		for (int i = 0; i < 10 && !written; i++) {
			backend_poll(w.backend);
			backend_wait(w.backend, backend_now_ns() + 1000000);
		}
	}
	read = reading(c.ours, &byte, 1);
	world_submit(&w, &read, &was_read);
	world_sees_nothing(&w, &was_read);
	cr_assert_eq(say(&w, c.theirs, "x"), 1);
	world_await(&w, &was_read);
	cr_assert_eq(byte, 'x');
	cr_assert_eq(written, 0, "the read has ended, the write waits on");
	while (!written) {
		struct io_op drain = reading(c.theirs, sink, sizeof sink);
		cr_assert_gt(world_carry_out(&w, &drain), 0);
	}
	cr_assert_gt(write.result, 0);
	hang_up(&w, &c);
	world_end(&w);
}

SOCKETS_TEST(end_of_a_connection_is_read_when_it_was_shut_down)
{
	struct world w;
	world_begin(&w, *kind);
	struct connection c = connection(&w);
	cr_assert_eq(say(&w, c.ours, "last"), 4);
	struct io_op end = {.code = IO_SHUTDOWN, .fd = c.ours, .shutdown = {.how = SHUT_WR}};
	cr_assert_eq(world_carry_out(&w, &end), 0);
	cr_assert_hears(&w, c.theirs, "last");
	cr_assert_hears(&w, c.theirs, "");
	cr_assert_eq(say(&w, c.theirs, "but I"), 5, "the other direction is open");
	hang_up(&w, &c);
	world_end(&w);
}

SOCKETS_TEST(write_to_a_peer_that_has_gone_is_an_error_and_no_signal)
{
	struct world w;
	signal(SIGPIPE, SIG_IGN); /* as whoever runs a pipeline does */
	world_begin(&w, *kind);
	struct connection c = connection(&w);
	struct linger at_once = {.l_onoff = 1};
	setsockopt(c.theirs, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	close_through(&w, c.theirs);
	char byte;
	struct io_op read = reading(c.ours, &byte, 1);
	cr_assert_eq(world_carry_out(&w, &read), -ECONNRESET);
	cr_assert_eq(say(&w, c.ours, "x"), -EPIPE);
	close_through(&w, c.ours);
	world_end(&w);
}

enum { DATAGRAMS = 4 };

static void prepare(struct mmsghdr *messages, struct iovec *spans, char (*bytes)[16])
{
	for (int i = 0; i < DATAGRAMS; i++) {
		spans[i] = (struct iovec){.iov_base = bytes[i], .iov_len = sizeof bytes[i]};
		messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &spans[i], .msg_iovlen = 1}};
	}
}

static void assert_datagrams(struct world *w, int to, int from)
{
	char sent[DATAGRAMS][16] = {"one", "two", "three", "four"}, got[DATAGRAMS][16];
	struct mmsghdr out[DATAGRAMS], in[DATAGRAMS];
	struct iovec out_spans[DATAGRAMS], in_spans[DATAGRAMS];
	prepare(out, out_spans, sent);
	prepare(in, in_spans, got);
	int done;
	struct io_op receive = {
	    .code = IO_RECEIVE, .fd = to, .datagrams = {.messages = in, .count = DATAGRAMS}};
	world_submit(w, &receive, &done);
	world_sees_nothing(w, &done);
	struct io_op send = {
	    .code = IO_SEND, .fd = from, .datagrams = {.messages = out, .count = DATAGRAMS}};
	cr_assert_eq(world_carry_out(w, &send), DATAGRAMS);
	world_await(w, &done);
	cr_assert_eq(receive.result, DATAGRAMS);
	for (int i = 0; i < DATAGRAMS; i++) {
		cr_assert_eq(in[i].msg_len, sizeof got[i]);
		cr_assert_str_eq(got[i], sent[i]);
	}
	world_submit(w, &receive, &done);
	io_cancel(&w->backend->io, &receive);
	world_await(w, &done);
	cr_assert_eq(receive.result, -ECANCELED);
}

SOCKETS_TEST(datagrams_are_sent_and_received_several_at_a_time)
{
	struct world w;
	world_begin(&w, *kind);
	struct io_address any = ipv4(0), at;
	int to = (int)listen_at(&w, &any, SOCK_DGRAM, &at);
	cr_assert_geq(to, 0);
	int from = new_socket(&w, AF_INET, SOCK_DGRAM);
	cr_assert_eq(connect_to(&w, from, &at), 0);
	assert_datagrams(&w, to, from);
	close_through(&w, to);
	close_through(&w, from);
	world_end(&w);
}

/* A unix socket holds only so many, and then its sender waits. */
SOCKETS_TEST(sender_of_datagrams_waits_for_room)
{
	struct world w;
	world_begin(&w, *kind);
	struct io_address at = unix_path(world_path(&w, "socket"));
	int to = (int)listen_at(&w, &at, SOCK_DGRAM, NULL);
	int from = new_socket(&w, AF_UNIX, SOCK_DGRAM), done = 1;
	cr_assert_eq(connect_to(&w, from, &at), 0);
	char bytes[DATAGRAMS][16] = {"x"};
	struct mmsghdr messages[DATAGRAMS];
	struct iovec spans[DATAGRAMS];
	prepare(messages, spans, bytes);
	struct io_op send = {
	    .code = IO_SEND, .fd = from, .datagrams = {.messages = messages, .count = 1}};
	for (int n = 0; done && n < 100000; n++) {
		world_submit(&w, &send, &done);
		backend_poll(w.backend);
	}
	world_sees_nothing(&w, &done);
	struct io_op take = {
	    .code = IO_RECEIVE, .fd = to, .datagrams = {.messages = messages, .count = DATAGRAMS}};
	while (!done)
		cr_assert_gt(world_carry_out(&w, &take), 0);
	cr_assert_eq(send.result, 1);
	close_through(&w, to);
	close_through(&w, from);
	world_end(&w);
}

SOCKETS_TEST(poll_tells_what_a_descriptor_is_ready_for)
{
	struct world w;
	world_begin(&w, *kind);
	struct connection c = connection(&w);
	int in, out;
	struct io_op for_in = {.code = IO_POLL, .fd = c.ours, .poll = {.events = POLLIN}};
	struct io_op for_out = {.code = IO_POLL, .fd = c.ours, .poll = {.events = POLLOUT}};
	world_submit(&w, &for_in, &in);
	world_submit(&w, &for_out, &out);
	world_await(&w, &out);
	cr_assert_eq(for_out.result, POLLOUT);
	world_sees_nothing(&w, &in);
	cr_assert_eq(say(&w, c.theirs, "x"), 1);
	world_await(&w, &in);
	cr_assert_eq(for_in.result, POLLIN);
	cr_assert_hears(&w, c.ours, "x");
	world_submit(&w, &for_in, &in);
	world_sees_nothing(&w, &in);
	io_cancel(&w.backend->io, &for_in);
	world_await(&w, &in);
	cr_assert_eq(for_in.result, -ECANCELED);
	close_through(&w, c.theirs);
	for_in.poll.events = POLLIN | POLLRDHUP;
	cr_assert_eq(world_carry_out(&w, &for_in), POLLIN | POLLRDHUP);
	close_through(&w, c.ours);
	world_end(&w);
}

SOCKETS_TEST(poll_of_a_descriptor_that_is_none_is_an_error)
{
	struct world w;
	world_begin(&w, *kind);
	int ends[2];
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	close(ends[1]);
	struct io_op op = {.code = IO_POLL, .fd = ends[0], .poll = {.events = POLLIN}};
	cr_assert_eq(world_carry_out(&w, &op), -EBADF);
	op.fd = -1;
	cr_assert_eq(world_carry_out(&w, &op), -EBADF);
	world_end(&w);
}

SOCKETS_TEST(accept_that_waits_is_cancelled_and_the_connection_stays)
{
	struct world w;
	world_begin(&w, *kind);
	struct io_address at;
	int done, fd = listener(&w, &at);
	struct io_op accept = {.code = IO_ACCEPT, .fd = fd};
	world_submit(&w, &accept, &done);
	world_sees_nothing(&w, &done);
	io_cancel(&w.backend->io, &accept);
	world_await(&w, &done);
	cr_assert_eq(accept.result, -ECANCELED);
	int ours = new_socket(&w, AF_INET, SOCK_STREAM);
	cr_assert_eq(connect_to(&w, ours, &at), 0);
	int theirs = (int)accept_from(&w, fd, NULL);
	cr_assert_geq(theirs, 0);
	hang_up(&w, &(struct connection){ours, theirs});
	close_through(&w, fd);
	world_end(&w);
}

SOCKETS_TEST(accept_without_descriptors_says_so_and_works_when_there_are_some)
{
	struct world w;
	world_begin(&w, *kind);
	struct io_address at;
	int fd = listener(&w, &at), ours = new_socket(&w, AF_INET, SOCK_STREAM);
	cr_assert_eq(connect_to(&w, ours, &at), 0);
	struct rlimit before, few;
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	cr_assert_eq(accept_from(&w, fd, NULL), -EMFILE);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	int theirs = (int)accept_from(&w, fd, NULL);
	cr_assert_geq(theirs, 0);
	hang_up(&w, &(struct connection){ours, theirs});
	close_through(&w, fd);
	world_end(&w);
}

static int64_t resolve(struct world *w, const char *host, const char *port, struct io_address *into)
{
	struct io_op op = {
	    .code = IO_RESOLVE,
	    .fd = -1,
	    .resolve = {.host = host, .port = port, .type = SOCK_STREAM, .into = into}};
	return world_carry_out(w, &op);
}

SOCKETS_TEST(host_and_port_become_addresses)
{
	struct world w;
	world_begin(&w, *kind);
	struct io_address found[IO_ADDRESSES_MAX];
	cr_assert_eq(resolve(&w, "127.0.0.1", "514", found), 1);
	struct io_address expected = ipv4(514);
	cr_assert_eq(found[0].length, expected.length);
	cr_assert_arr_eq(found[0].bytes, expected.bytes, expected.length);
	cr_assert_geq(resolve(&w, "localhost", "514", found), 1);
	cr_assert_eq(port_of(&found[0]), 514);
	cr_assert_eq(resolve(&w, "::1", "514", found), 1);
	cr_assert_eq(resolve(&w, "127.0.0.1", "no port", found), -EINVAL);
	int64_t r = resolve(&w, "no-such-host.invalid", "514", found);
	cr_assert(r == -ENOENT || r == -EAGAIN, "%ld", (long)r);
	world_end(&w);
}

enum { MANY = 10000 };

static void have_many_descriptors(void)
{
	struct rlimit limit;
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur < MANY + 100)
		cr_skip_test("no process may have that many descriptors here");
}

/* Every second one is read, the others are polled. */
static struct io_op waiting_for(int i, int fd, uint64_t *into)
{
	if (i % 2)
		return reading(fd, (char *)into, sizeof *into);
	return (struct io_op){.code = IO_POLL, .fd = fd, .poll = {.events = POLLIN}};
}

SOCKETS_TEST(ten_thousand_descriptors_wait_at_a_time)
{
	struct world w;
	have_many_descriptors();
	world_begin(&w, *kind);
	static struct io_op ops[MANY];
	static uint64_t counts[MANY];
	static int done[MANY];
	uint64_t one = 1;
	for (int i = 0; i < MANY; i++) {
		int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		cr_assert_geq(fd, 0);
		ops[i] = waiting_for(i, fd, &counts[i]);
		world_submit(&w, &ops[i], &done[i]);
	}
	for (int i = 0; i < MANY; i += 999)
		cr_assert_eq(write(ops[i].fd, &one, sizeof one), (ssize_t)sizeof one);
	for (int i = 0; i < MANY; i += 999)
		world_await(&w, &done[i]);
	cr_assert_eq(w.backend->busy, MANY - MANY / 999 - 1);
	backend_cancel_all(w.backend);
	world_await_idle(&w);
	for (int i = 0; i < MANY; i++) {
		cr_assert_eq(done[i], 1);
		cr_assert_eq(ops[i].result, i % 999 ? -ECANCELED : i % 2 ? 8 : POLLIN);
		close(ops[i].fd);
	}
	world_end(&w);
}

/* A number that is closed and given out anew is another descriptor, also to who remembers numbers. */
SOCKETS_TEST(descriptor_with_the_number_of_one_that_was_closed_waits_as_well)
{
	struct world w;
	world_begin(&w, *kind);
	for (int i = 0; i < 3; i++) {
		struct connection c = connection(&w);
		char byte = 0;
		int done;
		struct io_op read = reading(c.ours, &byte, 1);
		world_submit(&w, &read, &done);
		world_sees_nothing(&w, &done);
		cr_assert_eq(say(&w, c.theirs, "x"), 1);
		world_await(&w, &done);
		cr_assert_eq(byte, 'x');
		if (i == 0) {
			hang_up(&w, &c);
		} else { /* by somebody else */
			close(c.ours);
			close(c.theirs);
		}
	}
	world_end(&w);
}

SOCKETS_TEST(what_is_read_at_once_is_there_or_it_is_not)
{
	struct world w;
	char heard[64] = "";
	world_begin(&w, *kind);
	struct connection c = connection(&w);
	struct io_op op = reading(c.theirs, heard, sizeof heard - 1);
	op.at_once = true;
	cr_assert_eq(world_carry_out(&w, &op), -EAGAIN);
	cr_assert_eq(say(&w, c.ours, "hello"), 5);
	struct io_op poll = {.code = IO_POLL, .fd = c.theirs, .poll = {.events = POLLIN}};
	cr_assert(world_carry_out(&w, &poll) & POLLIN);
	cr_assert_eq(world_carry_out(&w, &op), 5);
	cr_assert_str_eq(heard, "hello");
	hang_up(&w, &c);
	world_end(&w);
}

SOCKETS_TEST(datagrams_at_once_are_there_or_they_are_not)
{
	struct world w;
	struct io_address any = ipv4(0), at;
	char heard[64] = "";
	world_begin(&w, *kind);
	int fd = (int)listen_at(&w, &any, SOCK_DGRAM, &at);
	cr_assert_geq(fd, 0);
	struct iovec span = {.iov_base = heard, .iov_len = sizeof heard - 1};
	struct mmsghdr messages[1] = {{.msg_hdr = {.msg_iov = &span, .msg_iovlen = 1}}};
	struct io_op op = {.code = IO_RECEIVE,
			   .fd = fd,
			   .at_once = true,
			   .datagrams = {.messages = messages, .count = 1}};
	cr_assert_eq(world_carry_out(&w, &op), -EAGAIN);
	int ours = new_socket(&w, AF_INET, SOCK_DGRAM);
	cr_assert_eq(connect_to(&w, ours, &at), 0);
	cr_assert_eq(send(ours, "hello", 5, 0), 5);
	struct io_op poll = {.code = IO_POLL, .fd = fd, .poll = {.events = POLLIN}};
	cr_assert(world_carry_out(&w, &poll) & POLLIN);
	cr_assert_eq(world_carry_out(&w, &op), 1);
	cr_assert_eq(messages[0].msg_len, 5);
	close_through(&w, ours);
	close_through(&w, fd);
	world_end(&w);
}

SOCKETS_TEST(what_the_peer_has_not_acknowledged_is_known)
{
	static char much[1 << 22];
	struct world w;
	world_begin(&w, *kind);
	struct connection c = connection(&w);
	struct io_op look = {.code = IO_UNREAD, .fd = c.ours};
	cr_assert_eq(world_carry_out(&w, &look), 0);
	ssize_t n, sent = 0; /* until its machine, too, has no more room */
	while ((n = send(c.ours, much, sizeof much, MSG_DONTWAIT)) > 0)
		sent += n;
	int64_t unread = world_carry_out(&w, &look);
	cr_assert(unread > 0 && unread < sent);
	hang_up(&w, &c);
	world_end(&w);
}

SOCKETS_TEST(option_of_a_socket_is_set)
{
	struct world w;
	int value = 0;
	socklen_t length = sizeof value;
	world_begin(&w, *kind);
	struct connection c = connection(&w);
	struct io_op op = {.code = IO_SET_OPTION,
			   .fd = c.ours,
			   .set_option = {.level = SOL_SOCKET, .name = SO_KEEPALIVE, .value = 0}};
	cr_assert_eq(world_carry_out(&w, &op), 0);
	cr_assert_eq(getsockopt(c.ours, SOL_SOCKET, SO_KEEPALIVE, &value, &length), 0);
	cr_assert_eq(value, 0);
	hang_up(&w, &c);
	world_end(&w);
}

SOCKETS_TEST(rest_is_taken_although_something_completes)
{
	struct world w;
	struct timespec before, after;
	char heard[8];
	int done;
	world_begin(&w, *kind);
	struct connection c = connection(&w);
	struct io_op op = reading(c.theirs, heard, sizeof heard);
	world_submit(&w, &op, &done);
	backend_poll(w.backend);
	cr_assert_eq(send(c.ours, "x", 1, 0), 1);
	clock_gettime(CLOCK_MONOTONIC, &before);
	uint64_t now_ns = (uint64_t)before.tv_sec * NS_PER_S + (uint64_t)before.tv_nsec;
	w.backend->rest_until_ns = now_ns + 20000000;
	backend_wait(w.backend, UINT64_MAX);
	clock_gettime(CLOCK_MONOTONIC, &after);
	cr_assert_geq((uint64_t)after.tv_sec * NS_PER_S + (uint64_t)after.tv_nsec,
		      now_ns + 20000000);
	w.backend->rest_until_ns = 0;
	world_await(&w, &done);
	cr_assert_eq(op.result, 1);
	hang_up(&w, &c);
	world_end(&w);
}
