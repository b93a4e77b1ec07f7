/* What waits for a descriptor to be ready, sees that it is, or is told at once that it is not: the same for every backend. */
#include "tests/unit/daemon/sockets_testing.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#define READINESS_TEST(name) EACH_BACKEND_TEST(readiness, name)

/* Drives the backend until *done, for so many ms at most. */
static void drive(struct world *w, const int *done, int ms)
{
	for (int i = 0; i < ms && !*done; i++) {
		backend_poll(w->backend);
		backend_wait(w->backend, backend_now_ns() + 1000000);
	}
}

/* A listener that does not accept, and whose queue is full: the next connection stays under way. */
READINESS_TEST(connect_that_gets_no_answer_waits_and_is_cancelled)
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
		drive(&w, &done, 20);
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

READINESS_TEST(read_and_write_of_one_connection_wait_side_by_side)
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
		drive(&w, &written, 10);
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

READINESS_TEST(datagrams_are_sent_and_received_several_at_a_time)
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
READINESS_TEST(sender_of_datagrams_waits_for_room)
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

READINESS_TEST(poll_tells_what_a_descriptor_is_ready_for)
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

READINESS_TEST(poll_of_a_descriptor_that_is_none_is_an_error)
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

READINESS_TEST(accept_that_waits_is_cancelled_and_the_connection_stays)
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

READINESS_TEST(accept_without_descriptors_says_so_and_works_when_there_are_some)
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

READINESS_TEST(ten_thousand_descriptors_wait_at_a_time)
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
READINESS_TEST(descriptor_with_the_number_of_one_that_was_closed_waits_as_well)
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

READINESS_TEST(what_is_read_at_once_is_there_or_it_is_not)
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

READINESS_TEST(datagrams_at_once_are_there_or_they_are_not)
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

READINESS_TEST(rest_is_taken_although_something_completes)
{
	struct world w;
	char heard[8];
	int done;
	world_begin(&w, *kind);
	struct connection c = connection(&w);
	struct io_op op = reading(c.theirs, heard, sizeof heard);
	world_submit(&w, &op, &done);
	backend_poll(w.backend);
	cr_assert_eq(send(c.ours, "x", 1, 0), 1);
	uint64_t until_ns = backend_now_ns() + 20000000;
	w.backend->rest_until_ns = until_ns;
	backend_wait(w.backend, UINT64_MAX);
	cr_assert_geq(backend_now_ns(), until_ns);
	w.backend->rest_until_ns = 0;
	world_await(&w, &done);
	cr_assert_eq(op.result, 1);
	hang_up(&w, &c);
	world_end(&w);
}
