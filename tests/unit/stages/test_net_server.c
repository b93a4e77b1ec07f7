/* Sources that listen, over real sockets: stages/net/net_server.c. */
#include "daemon/backend.h"
#include "stages/builtin.h"
#include "stages/net/net_server.h"
#include "tests/unit/stages/caught.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LOOK_NS = 20 * 1000 * 1000, LINE = 1000 };

struct trial {
	struct env env; /* must stand first */
	uint64_t skew_ns, wake_ns;
	struct backend *backend;
	struct home home;
	struct stage stage;
	struct stage_counters counters;
	struct caught caught;
	struct net_server_options options;
	struct net_server server;
	uint64_t records;
	char said[4096];
};

static struct trial x;

static uint64_t now_ns(struct env *e)
{
	(void)e;
	return backend_now_ns() + x.skew_ns;
}

static int64_t wall_ns(struct env *e)
{
	(void)e;
	return INT64_C(1795256100000000000); /* 2026-11-21T10:15:00Z */
}

static void wake_at(struct env *e, uint64_t when_ns)
{
	(void)e;
	if (when_ns < x.wake_ns)
		x.wake_ns = when_ns;
}

static void __attribute__((format(printf, 4, 0)))
say(struct env *e, enum say_level level, const char *event, const char *format, va_list args)
{
	(void)e, (void)level;
	char *said = x.said + strlen(x.said);
	size_t room = sizeof x.said - strlen(x.said);
	int length = snprintf(said, room, "%s ", event);
	cr_assert_lt((size_t)length, room);
	vsnprintf(said + length, room - (size_t)length, format, args);
}

static const struct env_ops env_ops = {
    .now_ns = now_ns, .wall_ns = wall_ns, .wake_at = wake_at, .say = say};

static void begin(const struct net_places *places)
{
	x = (struct trial){.wake_ns = UINT64_MAX};
	cr_assert_eq(backend_open(&x.backend, BACKEND_PLAIN, NULL), 0);
	x.env = (struct env){.ops = &env_ops, .io = &x.backend->io};
	x.options = (struct net_server_options){.max_connections = 10, .max_pending = 1 << 20};
	x.options.framing.lines.max_line = 64 * 1024;
	x.options.framing.lines.delimiter = (struct text){.bytes = "\n", .length = 1};
	size_t capacity = places->datagrams[0] ? net_server_datagram_capacity(&x.options)
					       : net_server_stream_capacity(&x.options);
	cr_assert_eq(
	    home_init(&x.home,
		      &(struct home_size){.buffers = 4, .buffer_capacity = capacity, .batches = 8}),
	    0);
	x.stage = (struct stage){.type = &tcp_source_type,
				 .id = "in",
				 .env = &x.env,
				 .home = &x.home,
				 .counters = &x.counters};
	caught_init(&x.caught, 1, "in", &x.counters);
	cr_assert_eq(net_server_open(&x.server, &x.stage, &x.options, places), 0);
}

static struct text text(const char *bytes)
{
	return (struct text){.bytes = bytes, .length = strlen(bytes)};
}

static void settle(void)
{
	while (x.backend->busy > 0)
		if (backend_poll(x.backend) == 0)
			backend_wait(x.backend, backend_now_ns() + 1000000);
}

static void end(void)
{
	backend_cancel_all(x.backend);
	settle();
	net_server_close(&x.server);
	settle();
	cr_expect(home_is_whole(&x.home));
	home_release(&x.home);
	backend_close(x.backend);
}

/* As a worker does it: what waits is stepped when something has completed, and not otherwise. Until nothing does any more; what
 * the last step has answered. */
static int run(void)
{
	struct batch *b;
	int r;
	do {
		while ((r = net_server_step(&x.server, x.caught.outlets)) == STEP_MORE)
			;
		while ((b = caught_take(&x.caught, 0)) != NULL) {
			x.records += b->count;
			batch_free(&b);
		}
		if (r != STEP_WAIT)
			return r;
		if (!x.backend->completed)
			backend_wait(x.backend, backend_now_ns() + LOOK_NS);
	} while (backend_poll(x.backend) > 0);
	return r;
}

/* At that address alone, and waits there. */
static void begin_at(const char *address, int type)
{
	struct text where = text(address);
	struct text_list listen = {.items = &where, .count = 1};
	struct net_places places = {.streams = {NULL}};
	*(type == SOCK_STREAM ? places.streams : places.datagrams) = &listen;
	begin(&places);
	cr_assert_eq(run(), STEP_WAIT);
}

static int to_connect(int type)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	cr_assert_geq(fd, 0);
	return fd;
}

static void connect_there(int fd)
{
	const struct io_address *a = &x.server.listeners[0].bound;
	cr_assert_eq(connect(fd, (const struct sockaddr *)(const void *)a->bytes, a->length), 0);
}

static size_t count_descriptors(void)
{
	size_t n = 0;
	DIR *d = opendir("/proc/self/fd");
	cr_assert_not_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* At the end of a buffer there is no room for a few of the longest that may come. */
Test(net_server, each_of_a_few_long_datagrams_is_there_before_the_next_one)
{
	static char datagram[60000] = "x";
	begin_at("127.0.0.1:0", SOCK_DGRAM);
	int fd = to_connect(SOCK_DGRAM);
	connect_there(fd);
	memset(datagram, 'x', sizeof datagram);
	for (uint64_t i = 1; i <= 40; i++) {
		cr_assert_eq(write(fd, datagram, sizeof datagram), sizeof datagram);
		run();
		cr_assert_eq(x.records, i);
	}
	close(fd);
	end();
}

/* As they are taken in: the first letters of those that datagrams brought. */
static size_t take_letters(char *letters, size_t count, size_t room)
{
	struct batch *b;
	while ((b = caught_take(&x.caught, 0)) != NULL) {
		for (uint32_t i = 0; i < b->count && count < room; i++)
			if (b->records[i].length < LINE - 1)
				letters[count++] = (char)b->bytes[b->records[i].offset];
		batch_free(&b);
	}
	return count;
}

/* Each of three sockets has many, and a connection always has more to say. */
Test(net_server, each_socket_with_datagrams_has_its_turn_beside_a_connection_that_does_not_end)
{
	enum { EACH = 90, ALL = 3 * EACH };
	static char line[LINE], letters[ALL];
	struct text where = text("127.0.0.1:0"), three[] = {where, where, where};
	struct text_list stream = {.items = &where, .count = 1},
			 listen = {.items = three, .count = 3};
	unsigned had[3] = {0}, most = 0;
	size_t taken = 0;
	begin(&(struct net_places){.streams = {&stream}, .datagrams = {&listen}});
	run();
	int talker = to_connect(SOCK_STREAM), fd;
	connect_there(talker);
	for (unsigned i = 0; i < ALL; i++) {
		const struct io_address *a = &x.server.listeners[1 + i % 3].bound;
		fd = to_connect(SOCK_DGRAM);
		cr_assert_eq(sendto(fd, &"abc"[i % 3], 1, 0, (const void *)a -> bytes, a -> length),
			     1);
		close(fd);
	}
	memset(line, 't', LINE - 1);
	line[LINE - 1] = '\n';
	while (taken < ALL) {
		while (send(talker, line, LINE, MSG_DONTWAIT) == LINE)
			;
		net_server_step(&x.server, x.caught.outlets);
		backend_poll(x.backend);
		taken = take_letters(letters, taken, ALL);
	}
	for (size_t i = 0; i < ALL && most < EACH; i++)
		if (++had[letters[i] - 'a'] > most)
			most = had[letters[i] - 'a'];
	for (int i = 0; i < 3; i++)
		cr_expect_geq(had[i], EACH * 3 / 4, "%c: %u when another had all", 'a' + i, had[i]);
	close(talker);
	end();
}

Test(net_server, nothing_stays_open_where_one_of_several_addresses_is_in_use)
{
	int used = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof in;
	char address[NET_ADDRESS_ROOM];
	cr_assert_eq(bind(used, (struct sockaddr *)&in, sizeof in), 0);
	cr_assert_eq(listen(used, 1), 0);
	cr_assert_eq(getsockname(used, (struct sockaddr *)&in, &length), 0);
	snprintf(address, sizeof address, "127.0.0.1:%u", ntohs(in.sin_port));
	struct text where[] = {text("127.0.0.1:0"), text(address), text("127.0.0.1:0")};
	struct text_list listen = {.items = where, .count = 3};
	size_t before = count_descriptors();
	begin(&(struct net_places){.streams = {&listen}});
	cr_assert_eq(run(), STEP_WAIT);
	x.skew_ns = UINT64_C(10000000000); /* that long nobody waits for it */
	cr_expect_eq(run(), -EADDRINUSE);
	end();
	cr_expect_eq(count_descriptors(), before);
	close(used);
}

Test(net_server, who_was_connected_when_it_stops_is_read_though_nobody_had_looked)
{
	int fds[3];
	begin_at("127.0.0.1:0", SOCK_STREAM);
	for (int i = 0; i < 3; i++) {
		fds[i] = to_connect(SOCK_STREAM);
		connect_there(fds[i]);
		cr_assert_eq(write(fds[i], "a\nb\n", 4), 4);
	}
	x.stage.stopping = true;
	cr_expect_eq(run(), STEP_DONE);
	cr_expect_eq(x.records, 6);
	end();
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

Test(net_server, without_descriptors_somebody_makes_way_and_that_is_told)
{
	struct rlimit limit;
	begin_at("127.0.0.1:0", SOCK_STREAM);
	int first = to_connect(SOCK_STREAM), second = to_connect(SOCK_STREAM);
	connect_there(first);
	run();
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	struct rlimit none = {.rlim_cur = 0, .rlim_max = limit.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	connect_there(second);
	run();
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_expect_not_null(strstr(x.said, "cannot take a connection error=Too many open files"));
	cr_expect_gt(counter_get(&x.counters.errors), 0);
	cr_expect_eq(counter_get(&x.counters.figures[NET_CROWDED]), 1);
	x.skew_ns += UINT64_C(200000000);
	run();
	cr_expect_eq(counter_get(&x.counters.figures[NET_ACCEPTED]), 2);
	close(first);
	close(second);
	end();
}

static int listen_at(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(un.sun_path, path);
	cr_assert_eq(bind(fd, (struct sockaddr *)&un, sizeof un), 0);
	return fd;
}

Test(net_server, the_path_of_one_that_stops_may_be_anothers_at_once)
{
	char directory[] = "/tmp/test-net-server-XXXXXX", path[64];
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/s", directory);
	begin_at(path, SOCK_STREAM);
	cr_assert_eq(access(path, F_OK), 0);
	x.stage.stopping = true;
	cr_assert_eq(run(), STEP_DONE);
	settle();
	cr_assert_eq(run(), STEP_DONE); /* by now nobody listens there any more */
	settle();
	unlink(path);
	int fd = listen_at(path);
	end();
	cr_expect_eq(access(path, F_OK), 0);
	close(fd);
	unlink(path);
	rmdir(directory);
}
