/* http_client_load.c - POSTs numbered records over several connections that are kept, as fast as they are answered.
 *
 *	http_client_load --port N [--connections 4] [--bodies 100] [--records 1000] [--bytes 200] [--array] [--header TEXT]
 *	                 [--acked FILE] [--once-each] [--pause MS] [--idle N]
 *	http_client_load --port N --file FILE [--body BYTES] [--connections 4]
 *
 * Each record is JSON of so many bytes, `{"id":"C-N",...}` with the connection and a number of its own. A body is as many records, as NDJSON
 * or as an array. 429 and 503 are waited for as Retry-After says and sent again. A connection that breaks is made anew: what was on its way is sent again,
 * or never with --once-each, so that nothing is sent twice. Every body that was answered with 2xx is written to FILE as `C FIRST COUNT`, in one write. It pauses after each body, if it is told to. Before
 * all that it opens so many connections on which it says nothing.
 *
 * With --file its lines are sent instead, each once, in bodies of about so many bytes (1000000), by whichever connection is free.
 *
 * At the end: `acked R records B bytes S seconds X MB/s, retried N, broken N`. Exit code 1 when the server said something else. Without a server for 10
 * seconds it ends, too. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 4096, ANSWER_ROOM = 8192, ID_ROOM = 32, PATIENCE_MS = 10000 };

static struct {
	unsigned port, connections, records, bytes, pause_ms, idle;
	uint64_t bodies;
	bool array, once_each;
	const char *header;
	int acked;
	size_t body;
} options = {.body = 1000000,
	     .connections = 4,
	     .bodies = 100,
	     .records = 1000,
	     .bytes = 200,
	     .header = "",
	     .acked = -1};

static _Atomic uint64_t acked_records, acked_bytes, retried, broken;
static _Atomic bool failed;

static struct {
	const char *bytes; /* NULL: there is none */
	size_t length, sent;
	pthread_mutex_t mutex;
} file = {.mutex = PTHREAD_MUTEX_INITIALIZER};

struct client {
	pthread_t thread;
	unsigned number;
	int fd;
	char *own;        /* numbered records */
	const char *body; /* those, or a part of the file */
	size_t length;
	uint64_t next; /* record */
};

static void pause_ms(unsigned ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
	nanosleep(&t, NULL);
}

/* ---- bodies ---- */

/* The id has a fixed width, so that each body is the one before with other digits. */
static size_t put_record(char *to, const struct client *c, uint64_t number)
{
	int n = snprintf(to, options.bytes + ID_ROOM, "{\"id\":\"%04u-%010ju\",\"text\":\"",
			 c->number, (uintmax_t)number);
	for (; (unsigned)n + 2 < options.bytes; n++)
		to[n] = (char)('a' + n % 26);
	to[n++] = '"';
	to[n++] = '}';
	to[n++] = options.array ? ',' : '\n';
	return (size_t)n;
}

/* The same body with the numbers that follow. */
static void renumber(struct client *c)
{
	char digits[ID_ROOM];
	size_t each = (c->length - options.array) / options.records;
	for (unsigned i = 0; i < options.records; i++) {
		int n = snprintf(digits, sizeof digits, "%010ju", (uintmax_t)(c->next + i));
		memcpy(c->own + options.array + i * each + strlen("{\"id\":\"0000-"), digits,
		       (size_t)n);
	}
}

static void make_body(struct client *c)
{
	if (c->length > 0) {
		renumber(c);
		return;
	}
	if (options.array)
		c->own[c->length++] = '[';
	for (unsigned i = 0; i < options.records; i++)
		c->length += put_record(c->own + c->length, c, c->next + i);
	if (options.array)
		c->own[c->length - 1] = ']';
}

/* The next lines of the file. False: there are none. */
static bool take_lines(struct client *c)
{
	pthread_mutex_lock(&file.mutex);
	size_t left = file.length - file.sent, n = left < options.body ? left : options.body;
	const char *end = n < left ? memchr(file.bytes + file.sent + n, '\n', left - n) : NULL;
	c->body = file.bytes + file.sent;
	c->length = end ? (size_t)(end + 1 - c->body) : left;
	file.sent += c->length;
	pthread_mutex_unlock(&file.mutex);
	return c->length > 0;
}

static bool next_body(struct client *c, uint64_t i)
{
	if (file.bytes)
		return take_lines(c);
	if (i < options.bodies)
		make_body(c);
	return i < options.bodies;
}

static void open_file(const char *path)
{
	struct stat s;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &s) < 0)
		exit(2);
	file.length = (size_t)s.st_size;
	file.bytes = mmap(NULL, file.length, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	close(fd);
	if (file.bytes == MAP_FAILED)
		exit(2);
}

/* ---- one request ---- */

static bool send_all(int fd, const char *bytes, size_t length, int flags)
{
	while (length > 0) {
		ssize_t n = send(fd, bytes, length, flags | MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		bytes += n;
		length -= (size_t)n;
	}
	return true;
}

/* While nobody listens, a connection may find itself: the port that the kernel chose for it is the one that it looks for. */
static bool is_own_end(int fd)
{
	struct sockaddr_in a;
	socklen_t length = sizeof a;
	return getsockname(fd, (struct sockaddr *)&a, &length) == 0 &&
	       ntohs(a.sin_port) == options.port;
}

static bool connect_to(struct client *c)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)options.port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1;
	for (unsigned waited = 0; waited < PATIENCE_MS; waited += 20) {
		c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		setsockopt(c->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
		if (c->fd >= 0 && connect(c->fd, (struct sockaddr *)&to, sizeof to) == 0 &&
		    !is_own_end(c->fd)) {
			setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
			return true;
		}
		close(c->fd);
		pause_ms(20);
	}
	c->fd = -1;
	return false;
}

static long header_number(const char *answer, const char *name)
{
	const char *at = strcasestr(answer, name);
	return at ? strtol(at + strlen(name), NULL, 10) : 0;
}

/* The status; 0: the connection broke. */
static int read_answer(int fd, long *ret_retry_after)
{
	char answer[ANSWER_ROOM];
	size_t length = 0;
	const char *end = NULL;
	while (!end || length < (size_t)(end + 4 - answer) +
				    (size_t)header_number(answer, "content-length:")) {
		ssize_t n = recv(fd, answer + length, sizeof answer - 1 - length, 0);
		if (n <= 0)
			return 0;
		length += (size_t)n;
		answer[length] = '\0';
		end = strstr(answer, "\r\n\r\n");
	}
	*ret_retry_after = header_number(answer, "retry-after:");
	return (int)strtol(answer + strlen("HTTP/1.1 "), NULL, 10);
}

static int post(struct client *c, long *ret_retry_after)
{
	char head[512];
	int n = snprintf(head, sizeof head,
			 "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\n"
			 "Content-Length: %zu\r\n%s%s\r\n",
			 options.array ? "application/json" : "application/x-ndjson", c->length,
			 options.header, *options.header ? "\r\n" : "");
	if (!send_all(c->fd, head, (size_t)n, MSG_MORE) || !send_all(c->fd, c->body, c->length, 0))
		return 0;
	return read_answer(c->fd, ret_retry_after);
}

static void note_acked(const struct client *c)
{
	char line[64];
	int n = snprintf(line, sizeof line, "%u %ju %u\n", c->number, (uintmax_t)c->next,
			 options.records);
	if (options.acked >= 0 && write(options.acked, line, (size_t)n) != n)
		failed = true;
	acked_records += options.records;
	acked_bytes += c->length;
}

/* ---- many ---- */

/* True when the body is through, one way or the other. */
static bool deal_with(struct client *c, int status, long retry_after)
{
	if (status / 100 == 2) {
		note_acked(c);
		return true;
	}
	if (status == 0) {
		broken++;
		close(c->fd);
		c->fd = -1;
		return options.once_each;
	}
	retried++;
	if (status != 429 && status != 503) {
		fprintf(stderr, "http_client_load: the server says %d\n", status);
		failed = true;
	} else {
		pause_ms(retry_after > 0 ? 100 : 10);
	}
	return false;
}

static void *run(void *argument)
{
	struct client *c = argument;
	for (uint64_t i = 0; !failed && next_body(c, i); i++) {
		bool through = false;
		while (!through && !failed) {
			long retry_after = 0;
			if (c->fd < 0 && !connect_to(c))
				return NULL;
			int status = post(c, &retry_after);
			through = deal_with(c, status, retry_after);
		}
		c->next += options.records;
		if (options.pause_ms > 0)
			pause_ms(options.pause_ms);
	}
	if (c->fd >= 0)
		close(c->fd);
	return NULL;
}

/* They say nothing, and stay for as long as the program runs, or as they are let. */
static void open_idle(void)
{
	struct client c = {.fd = -1};
	for (unsigned i = 0; i < options.idle; i++)
		if (!connect_to(&c))
			exit(2);
}

static void read_options(int argc, char **argv)
{
	static const struct option names[] = {{"port", 1, 0, 'p'},      {"connections", 1, 0, 'c'},
					      {"bodies", 1, 0, 'b'},    {"records", 1, 0, 'r'},
					      {"bytes", 1, 0, 's'},     {"array", 0, 0, 'a'},
					      {"header", 1, 0, 'h'},    {"acked", 1, 0, 'k'},
					      {"once-each", 0, 0, 'o'}, {"file", 1, 0, 'f'},
					      {"body", 1, 0, 'l'},      {"pause", 1, 0, 'w'},
					      {"idle", 1, 0, 'i'},      {0, 0, 0, 0}};
	int o;
	while ((o = getopt_long(argc, argv, "", names, NULL)) != -1) {
		unsigned long n = optarg ? strtoul(optarg, NULL, 10) : 0;
		switch (o) {
		case 'p':
			options.port = (unsigned)n;
			break;
		case 'c':
			options.connections = (unsigned)n;
			break;
		case 'b':
			options.bodies = n;
			break;
		case 'r':
			options.records = (unsigned)n;
			break;
		case 's':
			options.bytes = (unsigned)n;
			break;
		case 'a':
			options.array = true;
			break;
		case 'h':
			options.header = optarg;
			break;
		case 'k':
			options.acked =
			    open(optarg, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
			break;
		case 'f':
			open_file(optarg);
			break;
		case 'w':
			options.pause_ms = (unsigned)n;
			break;
		case 'i':
			options.idle = (unsigned)n;
			break;
		case 'l':
			options.body = n;
			break;
		case 'o':
			options.once_each = true;
			break;
		default:
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	static struct client clients[CONNECTIONS_MAX];
	struct timespec from, to;
	read_options(argc, argv);
	if (options.port == 0 || options.connections > CONNECTIONS_MAX || options.records == 0)
		return 2;
	open_idle();
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (unsigned i = 0; i < options.connections; i++) {
		struct client *c = &clients[i];
		c->number = i;
		c->fd = -1;
		c->body = c->own =
		    malloc((size_t)options.records * (options.bytes + ID_ROOM * 2) + 2);
		if (!c->own || pthread_create(&c->thread, NULL, run, c) != 0)
			return 1;
	}
	for (unsigned i = 0; i < options.connections; i++)
		pthread_join(clients[i].thread, NULL);
	clock_gettime(CLOCK_MONOTONIC, &to);
	double seconds =
	    (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	printf("acked %ju records %ju bytes %.3f seconds %.1f MB/s, retried %ju, broken %ju\n",
	       (uintmax_t)acked_records, (uintmax_t)acked_bytes, seconds,
	       (double)acked_bytes / 1e6 / seconds, (uintmax_t)retried, (uintmax_t)broken);
	return failed ? 1 : 0;
}
