/* netgen.c - lines over many connections, as fast as they are taken or at a rate of their own.
 *
 *   netgen [--connections N] [--bytes N | --rate N --seconds N] [--length N] [--octets] [--mute] ADDRESS
 *
 *   ADDRESS        127.0.0.1:514 or a unix socket's path
 *   --bytes N      so many in all, over all connections as fast as each takes them
 *   --rate N       so many lines a second on each connection, one at a time, for --seconds
 *   --length N     of a line, its newline counted; 190 unless it is said
 *   --octets       a length before each line rather than a newline behind it
 *   --mute         says nothing, and when no connection was closed for --seconds counts those that are open
 *
 * Each line has the number of its connection and its own in there: `c=000007 n=000000000012 ...`. Says at the end: lines, bytes, seconds.
 *
 * Layer: tests, libc only. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 1 << 18, LINE_MAX_BYTES = 1 << 16, NS_PER_S = 1000000000 };

struct connection {
	int fd;
	uint64_t lines; /* made so far */
	size_t from, to;
	uint64_t due_ns;
	char *block; /* lines that are being sent */
};

static struct {
	size_t connections, length;
	uint64_t bytes, rate, seconds;
	bool octets, mute;
	const char *address;
} wanted = {.connections = 1, .length = 190, .seconds = 1};

static uint64_t lines_sent, bytes_sent;

static void die(const char *what)
{
	fprintf(stderr, "netgen: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static int connect_ip(const char *text)
{
	char host[64];
	const char *colon = strrchr(text, ':');
	struct sockaddr_in to = {.sin_family = AF_INET};
	if (!colon || (size_t)(colon - text) >= sizeof host)
		die("address");
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = 0;
	to.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	if (inet_pton(AF_INET, host, &to.sin_addr) != 1)
		die("address");
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
		die("connect");
	return fd;
}

static int connect_unix(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
		die("connect");
	return fd;
}

static void put_digits(char *to, size_t digits, uint64_t number)
{
	while (digits-- > 0) {
		to[digits] = (char)('0' + number % 10);
		number /= 10;
	}
}

/* A line of the wanted length; blanks and letters, so that what reads it may take it for a log's. */
static size_t make_line(struct connection *c, size_t index, char *to)
{
	enum { HEAD = 25 };
	static char filler[LINE_MAX_BYTES], prefix[16];
	static int prefixed = -1;
	size_t length = wanted.length > HEAD ? wanted.length : HEAD + 1;
	if (prefixed < 0) {
		prefixed = wanted.octets ? snprintf(prefix, sizeof prefix, "%zu ", length - 1) : 0;
		for (size_t i = 0; i < sizeof filler; i++)
			filler[i] = (char)(i % 9 == 0 ? ' ' : 'a' + (int)(i % 26));
	}
	memcpy(to, prefix, (size_t)prefixed);
	to += prefixed;
	memcpy(to, "c=000000 n=000000000000 ", HEAD - 1);
	put_digits(to + 2, 6, index);
	put_digits(to + 11, 12, c->lines++);
	memcpy(to + HEAD - 1, filler, length - HEAD);
	if (!wanted.octets)
		to[length - 1] = '\n';
	return (size_t)prefixed + length - (wanted.octets ? 1 : 0);
}

/* As many lines as fit; one where there is a rate. */
static void fill(struct connection *c, size_t index)
{
	c->from = c->to = 0;
	do {
		c->to += make_line(c, index, c->block + c->to);
		lines_sent++;
	} while (wanted.rate == 0 && c->to + wanted.length + 128 < BLOCK);
}

/* True: it was taken whole. */
static bool push(struct connection *c)
{
	ssize_t n = send(c->fd, c->block + c->from, c->to - c->from, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		die("send");
	if (n > 0) {
		c->from += (size_t)n;
		bytes_sent += (uint64_t)n;
	}
	return c->from == c->to;
}

static void push_all(struct connection *c, int set)
{
	struct epoll_event events[64];
	size_t open = wanted.connections;
	while (open > 0) {
		int n = epoll_wait(set, events, 64, -1);
		for (int i = 0; i < n; i++) {
			size_t index = events[i].data.u64;
			if (!push(&c[index]))
				continue;
			if (bytes_sent >= wanted.bytes) {
				epoll_ctl(set, EPOLL_CTL_DEL, c[index].fd, NULL);
				open--;
			} else {
				fill(&c[index], index);
			}
		}
	}
}

static void wait_writable(const struct connection *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLOUT};
	poll(&p, 1, 1000);
}

/* Each at its own moments, which are spread over the first second. */
static void push_at_rate(struct connection *c)
{
	uint64_t begun = now_ns(), every = NS_PER_S / wanted.rate;
	for (size_t i = 0; i < wanted.connections; i++)
		c[i].due_ns = begun + every * i / wanted.connections;
	for (uint64_t now = begun; now < begun + wanted.seconds * NS_PER_S; now = now_ns()) {
		for (size_t i = 0; i < wanted.connections; i++) {
			if (c[i].due_ns > now)
				continue;
			fill(&c[i], i);
			while (!push(&c[i]))
				wait_writable(&c[i]);
			c[i].due_ns += every;
		}
		nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
	}
}

static void be_mute(const struct connection *c, int set)
{
	struct epoll_event e;
	size_t closed = 0;
	while (epoll_wait(set, &e, 1, (int)wanted.seconds * 1000) > 0) {
		epoll_ctl(set, EPOLL_CTL_DEL, c[e.data.u64].fd, NULL);
		closed++;
	}
	printf("open=%zu closed=%zu\n", wanted.connections - closed, closed);
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);
	if (*end == 'M')
		n <<= 20;
	if (*end == 'G')
		n <<= 30;
	return n;
}

static void read_arguments(int argc, char **argv)
{
	static const struct option options[] = {{"connections", required_argument, NULL, 'c'},
						{"bytes", required_argument, NULL, 'b'},
						{"rate", required_argument, NULL, 'r'},
						{"seconds", required_argument, NULL, 's'},
						{"length", required_argument, NULL, 'l'},
						{"octets", no_argument, NULL, 'o'},
						{"mute", no_argument, NULL, 'm'},
						{0}};
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
		switch (c) {
		case 'c':
			wanted.connections = number(optarg);
			break;
		case 'b':
			wanted.bytes = number(optarg);
			break;
		case 'r':
			wanted.rate = number(optarg);
			break;
		case 's':
			wanted.seconds = number(optarg);
			break;
		case 'l':
			wanted.length = number(optarg);
			break;
		case 'o':
			wanted.octets = true;
			break;
		case 'm':
			wanted.mute = true;
			break;
		default:
			exit(2);
		}
	wanted.address = argv[optind];
	if (!wanted.address || wanted.connections == 0 || wanted.length >= LINE_MAX_BYTES) {
		fprintf(stderr,
			"usage: netgen [--connections N] [--bytes N | --rate N --seconds N] "
			"[--length N] [--octets] [--mute] ADDRESS\n");
		exit(2);
	}
}

static struct connection *open_all(int set)
{
	struct connection *c = calloc(wanted.connections, sizeof *c);
	size_t room = wanted.rate > 0 || wanted.mute ? wanted.length + 128 : BLOCK;
	if (!c)
		die("memory");
	for (size_t i = 0; i < wanted.connections; i++) {
		c[i].fd = strchr(wanted.address, '/') ? connect_unix(wanted.address)
						      : connect_ip(wanted.address);
		c[i].block = malloc(room);
		if (!c[i].block)
			die("memory");
		if (wanted.rate > 0)
			continue;
		struct epoll_event e = {.events = wanted.mute ? EPOLLIN : EPOLLOUT, .data.u64 = i};
		if (!wanted.mute)
			fill(&c[i], i);
		if (epoll_ctl(set, EPOLL_CTL_ADD, c[i].fd, &e) < 0)
			die("epoll");
	}
	return c;
}

int main(int argc, char **argv)
{
	struct rlimit limit;
	read_arguments(argc, argv);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	int set = epoll_create1(EPOLL_CLOEXEC);
	struct connection *c = open_all(set);
	uint64_t begun = now_ns();
	if (wanted.mute)
		be_mute(c, set);
	else if (wanted.rate > 0)
		push_at_rate(c);
	else
		push_all(c, set);
	for (size_t i = 0; i < wanted.connections; i++) {
		close(c[i].fd);
		free(c[i].block);
	}
	free(c);
	printf("lines=%llu bytes=%llu seconds=%.3f\n", (unsigned long long)lines_sent,
	       (unsigned long long)bytes_sent, (double)(now_ns() - begun) / NS_PER_S);
	return 0;
}
