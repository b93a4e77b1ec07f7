/* Sockets through the I/O interface, the same for every backend. */
#include "tests/unit/daemon/sockets_testing.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#define SOCKETS_TEST(name) EACH_BACKEND_TEST(sockets, name)

static struct io_address ipv6_any(void)
{
	struct io_address a = {.length = sizeof(struct sockaddr_in6)};
	struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_addr = in6addr_any};
	memcpy(a.bytes, &in, sizeof in);
	return a;
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
