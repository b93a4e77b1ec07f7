/* The simulated network delivers bytes in order or resets the connection, and makes whoever asks wait where a real one would. */
#include "tests/sim/sim_io.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum { PORT = 7000 };

struct trial {
	struct sim_story story;
	struct sim_net net;
	struct sim_fs fs;
	struct sim_faults faults;
	struct sim_happened happened;
	struct sim_io *io;
	uint64_t now_ns;
	int64_t wall_ns;
};

static void begin(struct trial *t, uint64_t seed)
{
	struct sim_random random = {.state = seed};
	*t = (struct trial){.now_ns = 1};
	sim_story_init(&t->story, false, &t->now_ns);
	sim_net_init(&t->net, sim_random_fork(&random), &t->story);
	sim_fs_init(&t->fs, seed, &t->wall_ns, false);
	t->faults.net = &t->net;
	t->io = sim_io_new(&t->fs, random, &t->story, &t->faults, &t->happened, &t->now_ns, "test");
}

static void end(struct trial *t)
{
	sim_io_hurry(t->io);
	while (t->io->backend.busy > 0)
		backend_poll(&t->io->backend);
	backend_close(&t->io->backend);
	sim_fs_release(&t->fs);
	sim_net_release(&t->net);
}

/* ---- as the program ---- */

static void on_done(struct io_op *op)
{
	(void)op;
}

static void begin_op(struct trial *t, struct io_op *op)
{
	op->done = on_done;
	io_submit(&t->io->backend.io, op);
	while (sim_io_next_ns(t->io) <= t->now_ns)
		backend_poll(&t->io->backend);
}

static int64_t carry_out(struct trial *t, struct io_op op)
{
	begin_op(t, &op);
	cr_assert(!op.busy, "operation %d waits", op.code);
	return op.result;
}

static struct io_address address(unsigned port)
{
	struct io_address a = {.length = sizeof(struct sockaddr_in)};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	memcpy(a.bytes, &in, sizeof in);
	return a;
}

static int64_t connect_to(struct trial *t, int fd)
{
	struct io_address to = address(PORT);
	return carry_out(t,
			 (struct io_op){.code = IO_CONNECT, .fd = fd, .connect = {.address = &to}});
}

static int new_socket(struct trial *t)
{
	return (int)carry_out(t, (struct io_op){.code = IO_SOCKET});
}

static int64_t put(struct trial *t, int fd, const void *bytes, size_t length)
{
	struct iovec span = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
	return carry_out(t, (struct io_op){.code = IO_WRITE,
					   .fd = fd,
					   .stream = true,
					   .write = {.spans = &span, .count = 1}});
}

static int64_t get(struct trial *t, int fd, void *bytes, size_t length)
{
	return carry_out(t, (struct io_op){.code = IO_READ,
					   .fd = fd,
					   .stream = true,
					   .read = {.bytes = bytes, .length = length}});
}

/* The program's end, and the one outside. */
static void connect_both(struct trial *t, int *ret_ours, int *ret_theirs)
{
	int fd = sim_net_listen(&t->net, PORT, 4);
	*ret_ours = new_socket(t);
	cr_assert_eq(connect_to(t, *ret_ours), 0);
	*ret_theirs = sim_net_accept(&t->net, fd);
	cr_assert_geq(*ret_theirs, SIM_NET_FIRST);
}

Test(sim_net, bytes_come_in_order_and_as_many_as_the_pipe_holds)
{
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct trial t;
		int ours, theirs;
		uint8_t out[5000], in[5000];
		begin(&t, seed);
		t.net.faults.short_reads = t.net.faults.short_writes = 500;
		connect_both(&t, &ours, &theirs);
		for (size_t i = 0; i < sizeof out; i++)
			out[i] = (uint8_t)(i * 7);
		size_t sent = 0, came = 0;
		while (came < sizeof out) {
			if (sent < sizeof out && sim_net_is_writable(&t.net, ours))
				sent += (size_t)put(&t, ours, out + sent, sizeof out - sent);
			cr_assert_leq(sent - came, t.net.pipe_bytes);
			came += (size_t)sim_net_read(&t.net, theirs, in + came, 40);
		}
		cr_assert_arr_eq(in, out, sizeof out);
		end(&t);
	}
}

Test(sim_net, who_connects_where_nobody_listens_is_refused)
{
	struct trial t;
	begin(&t, 1);
	cr_assert_eq(connect_to(&t, new_socket(&t)), -ECONNREFUSED);
	end(&t);
}

Test(sim_net, who_connects_where_too_many_wait_waits_until_one_is_accepted)
{
	struct trial t;
	struct io_address to = address(PORT);
	begin(&t, 2);
	int fd = sim_net_listen(&t.net, PORT, 1);
	cr_assert_eq(connect_to(&t, new_socket(&t)), 0);
	struct io_op op = {.code = IO_CONNECT, .fd = new_socket(&t), .connect = {.address = &to}};
	begin_op(&t, &op);
	cr_assert(op.busy);
	cr_assert_eq(sim_io_next_ns(t.io), UINT64_MAX);
	cr_assert_geq(sim_net_accept(&t.net, fd), 0);
	cr_assert_leq(sim_io_next_ns(t.io), t.now_ns);
	backend_poll(&t.io->backend);
	cr_assert(!op.busy);
	cr_assert_eq(op.result, 0);
	end(&t);
}

Test(sim_net, what_was_written_is_lost_with_a_connection_that_vanishes)
{
	struct trial t;
	int ours, theirs;
	char in[8];
	begin(&t, 3);
	t.net.pipe_bytes = 100;
	connect_both(&t, &ours, &theirs);
	cr_assert_eq(sim_net_write(&t.net, theirs, "lost", 4), 4);
	sim_net_vanish(&t.net, theirs);
	cr_assert_eq(get(&t, ours, in, sizeof in), -ECONNRESET);
	cr_assert_eq(get(&t, ours, in, sizeof in), 0);
	cr_assert_eq(put(&t, ours, "x", 1), -EPIPE);
	end(&t);
}

Test(sim_net, what_was_written_before_a_connection_was_closed_is_read_and_then_its_end)
{
	struct trial t;
	int ours, theirs;
	char in[8];
	begin(&t, 4);
	t.net.pipe_bytes = 100;
	connect_both(&t, &ours, &theirs);
	cr_assert_eq(sim_net_write(&t.net, theirs, "last", 4), 4);
	sim_net_close(&t.net, theirs);
	cr_assert_eq(get(&t, ours, in, sizeof in), 4);
	cr_assert_eq(get(&t, ours, in, sizeof in), 0);
	end(&t);
}

Test(sim_net, the_first_write_to_one_who_has_closed_is_taken_and_the_second_fails)
{
	struct trial t;
	int ours, theirs;
	begin(&t, 5);
	connect_both(&t, &ours, &theirs);
	sim_net_close(&t.net, theirs);
	cr_assert_eq(put(&t, ours, "x", 1), 1);
	cr_assert_lt(put(&t, ours, "x", 1), 0);
	end(&t);
}

Test(sim_net, when_the_machine_stops_everybody_outside_is_reset_and_its_listeners_are_gone)
{
	struct trial t;
	int ours, theirs;
	char in[8];
	begin(&t, 6);
	connect_both(&t, &ours, &theirs);
	struct io_address at = address(PORT + 1);
	struct io_op op = {
	    .code = IO_LISTEN,
	    .listen = {.address = &at, .type = SOCK_STREAM, .backlog = 8, .bound = &at}};
	cr_assert_geq(carry_out(&t, op), 0);
	cr_assert_eq(sim_net_open_count(&t.net), 2);
	sim_net_end_process(&t.net, true);
	cr_assert_eq(sim_net_open_count(&t.net), 0);
	cr_assert_eq(sim_net_read(&t.net, theirs, in, sizeof in), -ECONNRESET);
	cr_assert_eq(sim_net_connect(&t.net, PORT + 1), -ECONNREFUSED);
	end(&t);
}

Test(sim_net, a_read_that_waits_ends_when_it_is_cancelled_and_what_comes_after_stays)
{
	struct trial t;
	int ours, theirs;
	char in[8];
	begin(&t, 7);
	t.net.pipe_bytes = 100;
	connect_both(&t, &ours, &theirs);
	struct io_op op = {.code = IO_READ,
			   .fd = ours,
			   .stream = true,
			   .read = {.bytes = in, .length = sizeof in}};
	begin_op(&t, &op);
	cr_assert(op.busy);
	io_cancel(&t.io->backend.io, &op);
	backend_poll(&t.io->backend);
	cr_assert_eq(op.result, -ECANCELED);
	cr_assert_eq(sim_net_write(&t.net, theirs, "later", 5), 5);
	cr_assert_eq(get(&t, ours, in, sizeof in), 5);
	end(&t);
}

Test(sim_net, who_polls_is_told_when_something_comes)
{
	struct trial t;
	int ours, theirs;
	begin(&t, 8);
	connect_both(&t, &ours, &theirs);
	struct io_op op = {.code = IO_POLL, .fd = ours, .poll = {.events = POLLIN}};
	begin_op(&t, &op);
	cr_assert(op.busy);
	cr_assert_eq(sim_net_write(&t.net, theirs, "x", 1), 1);
	backend_poll(&t.io->backend);
	cr_assert(!op.busy);
	cr_assert_eq(op.result, POLLIN);
	end(&t);
}
