/* A sink's connection, over an io whose operations end when the test says so: stages/net/net_link.c. */
#include "stages/net/net_link.h"
#include "tests/unit/stages/seeded_world.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { SOCKET = 1000 };
#define MS UINT64_C(1000000)

struct trial {
	struct io io; /* must stand first */
	struct io_op *under_way[4];
	size_t count;
	int closed; /* descriptors */
	struct seeded_world world;
	struct call_options options;
	struct calls calls;
	struct net_link link;
};

static struct trial x;

static void submit(struct io *io, struct io_op *op)
{
	(void)io;
	if (op->code == IO_CLOSE) {
		x.closed++;
		op->done(op);
		return;
	}
	cr_assert_lt(x.count, sizeof x.under_way / sizeof *x.under_way);
	x.under_way[x.count++] = op;
}

/* Asked for; it ends when it ends. */
static void cancel(struct io *io, struct io_op *op)
{
	(void)io, (void)op;
}

static const struct io_ops io_ops = {.submit = submit, .cancel = cancel};

static void begin(const char *address)
{
	struct net_address where;
	const char *why;
	x = (struct trial){.io = {.ops = &io_ops}};
	seeded_world_init(&x.world, 1);
	x.world.env.io = &x.io;
	x.options = (struct call_options){
	    .timeout_ns = 1000 * MS,
	    .retry = {.base_delay_ns = 100 * MS, .max_delay_ns = 800 * MS, .jitter = JITTER_NONE}};
	calls_init(&x.calls, &x.world.stage, &x.options);
	cr_assert_eq(net_address_parse(address, strlen(address), &where, &why), 0);
	net_link_init(&x.link, &x.world.stage, &x.calls, &where, SOCK_STREAM, address);
}

static void run(void)
{
	while (net_link_step(&x.link) == STEP_MORE)
		;
	net_link_broken(&x.link);
}

static bool is_under_way(enum io_code code)
{
	for (size_t i = 0; i < x.count; i++)
		if (x.under_way[i]->code == code)
			return true;
	return false;
}

static void finish(enum io_code code, int64_t result)
{
	size_t i = 0;
	while (i < x.count && x.under_way[i]->code != code)
		i++;
	cr_assert_lt(i, x.count, "no operation %d is under way", code);
	struct io_op *op = x.under_way[i];
	x.under_way[i] = x.under_way[--x.count];
	op->result = result;
	op->busy = false;
	op->done(op);
}

static void pass(uint64_t ns)
{
	x.world.now_ns += ns;
	run();
}

static void end(void)
{
	while (x.count > 0)
		finish(x.under_way[0]->code, -ECANCELED);
	net_link_release(&x.link);
	calls_release(&x.calls);
}

static void come_up(void)
{
	run();
	finish(IO_SOCKET, SOCKET);
	run();
	finish(IO_CONNECT, 0);
	run();
	cr_assert_eq(x.link.state, LINK_UP);
}

static unsigned said(const char *begins)
{
	unsigned n = 0;
	for (unsigned i = 0; i < x.world.said_count && i < SAID_MAX; i++)
		n += strncmp(x.world.said[i], begins, strlen(begins)) == 0;
	return n;
}

Test(net_link, a_name_that_is_known_too_late_is_one_that_is_not)
{
	begin("host:1");
	run();
	pass(1001 * MS);
	x.link.found[0] = (struct io_address){.length = 2};
	finish(IO_RESOLVE, 1);
	run();
	cr_assert_eq(x.link.state, LINK_DOWN);
	cr_expect_eq(x.world.counters.calls.timeouts.value, 1);
	pass(101 * MS); /* the next attempt has all of its time, and no more */
	pass(999 * MS);
	cr_expect_eq(x.link.state, LINK_RESOLVING);
	pass(2 * MS);
	finish(IO_RESOLVE, 1);
	run();
	cr_expect_eq(x.world.counters.calls.timeouts.value, 2);
	end();
}

Test(net_link, one_that_is_there_too_late_is_closed_and_the_next_may_time_out_too)
{
	begin("127.0.0.1:1");
	run();
	finish(IO_SOCKET, SOCKET);
	run();
	pass(1001 * MS);
	finish(IO_CONNECT, 0);
	run();
	cr_expect_eq(x.link.state, LINK_DOWN);
	cr_expect_eq(x.closed, 1);
	pass(101 * MS);
	finish(IO_SOCKET, SOCKET);
	run();
	pass(1001 * MS);
	finish(IO_CONNECT, -ECANCELED);
	run();
	cr_expect_eq(x.world.counters.calls.timeouts.value, 2);
	end();
}

Test(net_link, why_a_socket_cannot_be_connected_to_is_not_why_a_name_cannot_be_looked_up)
{
	begin("/run/s");
	run();
	finish(IO_SOCKET, SOCKET);
	run();
	finish(IO_CONNECT, -EAGAIN); /* too many wait there */
	run();
	cr_expect_str_eq(x.link.reason, "too many wait to be connected");
	end();
	begin("host:1");
	run();
	finish(IO_RESOLVE, -EAGAIN);
	run();
	cr_expect_str_eq(x.link.reason, "name not resolved at the moment");
	end();
}

Test(net_link, a_socket_that_nobody_has_looked_at_is_closed_with_it)
{
	begin("127.0.0.1:1");
	run();
	finish(IO_SOCKET, SOCKET);
	end();
	cr_expect_eq(x.closed, 1);
}

/* Whatever takes connections and drops them (a proxy whose servers are gone). */
Test(net_link, those_that_are_of_no_use_come_at_growing_intervals_and_are_told_once)
{
	static const uint64_t delays[] = {100, 200, 400, 800, 800};
	begin("127.0.0.1:1");
	for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
		come_up();
		finish(IO_READ, 0);
		run();
		cr_assert_eq(x.link.state, LINK_DOWN);
		pass((delays[i] - 1) * MS);
		cr_expect_not(is_under_way(IO_SOCKET));
		pass(1 * MS);
		cr_expect(is_under_way(IO_SOCKET), "%zu", i);
	}
	cr_expect_eq(said("connection lost"), 1);
	cr_expect_eq(said("connected"), 1);
	come_up();
	net_link_is_of_use(&x.link);
	cr_expect_eq(said("connected"), 2);
	finish(IO_READ, 0);
	run();
	run();
	cr_expect(is_under_way(IO_SOCKET), "at once");
	end();
}

Test(net_link, a_handshake_that_does_not_come_is_waited_for_so_long)
{
	const struct tls_options options = {.verify = false};
	struct tls_context tls;
	char why[256];
	cr_assert_eq(tls_context_init(&tls, &options, false, why, sizeof why), 0, "%s", why);
	begin("127.0.0.1:1");
	x.link.tls = &tls;
	x.link.handshake_timeout_ns = 200 * MS;
	run();
	finish(IO_SOCKET, SOCKET);
	run();
	finish(IO_CONNECT, 0);
	run();
	pass(199 * MS);
	cr_assert_eq(x.link.state, LINK_SHAKING);
	pass(1 * MS);
	cr_expect_eq(x.link.state, LINK_BREAKING);
	cr_expect_str_eq(x.link.reason, "no handshake within handshake_timeout");
	end();
	tls_context_release(&tls);
}
