/* sender.c - sends numbered lines to a source that answers, and notes which were answered: those may never be lost.
 *
 *   sender --port N [--http]
 *       over TCP: a line each, many at a time, answered with a byte each; with --http: a POST of some lines, one at a time
 *
 * A line is `NUMBER xxx...`. What was sent and not answered when a connection ended is not sent again: it may have come or not.
 * Prints the numbers that were answered, in order. Ends when it is told to by SIGTERM; with 1 when nobody listens for a minute.
 *
 * Threads: one. Layer: tests. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WINDOW = 200, LINE_MAX_LENGTH = 256, POST_LINES = 20, PATIENCE_MS = 60000, BETWEEN_MS = 2 };

struct sender {
	uint16_t port;
	uint64_t next;
	bool http;
	int fd;                   /* -1: not connected */
	uint64_t waiting[WINDOW]; /* sent on this connection, and not answered */
	size_t waiting_count;
};

static volatile sig_atomic_t is_over; /* told to end: what was answered so far is printed */

static void on_signal(int number)
{
	(void)number;
	is_over = 1;
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons(port),
				    .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
}

static void hang_up(struct sender *s)
{
	close(s->fd);
	s->fd = -1;
	s->waiting_count = 0;
}

static bool is_connected(struct sender *s)
{
	struct sockaddr_in a = loopback(s->port);
	const struct timespec between = {.tv_nsec = BETWEEN_MS * 1000000};
	for (unsigned ms = 0; s->fd < 0 && ms < PATIENCE_MS && !is_over; ms += BETWEEN_MS) {
		s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (s->fd >= 0 && connect(s->fd, (struct sockaddr *)&a, sizeof a) == 0)
			return true;
		close(s->fd);
		s->fd = -1;
		nanosleep(&between, NULL);
	}
	return s->fd >= 0;
}

static bool write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		bytes += n;
		length -= (size_t)n;
	}
	return true;
}

static size_t print_line(uint64_t number, char *out)
{
	int n = snprintf(out, LINE_MAX_LENGTH, "%ju ", (uintmax_t)number);
	size_t more = (size_t)(number * 7919 % 150);
	memset(out + n, 'x', more);
	out[(size_t)n + more] = '\n';
	return (size_t)n + more + 1;
}

static void answered(struct sender *s, size_t count)
{
	for (size_t i = 0; i < count; i++)
		printf("%ju\n", (uintmax_t)s->waiting[i]);
	s->waiting_count -= count;
	memmove(s->waiting, s->waiting + count, s->waiting_count * sizeof *s->waiting);
}

/* ---- TCP: a byte for each line ---- */

/* False: the connection has ended. */
static bool take_answers(struct sender *s, int timeout_ms)
{
	struct pollfd p = {.fd = s->fd, .events = POLLIN};
	char bytes[WINDOW];
	if (poll(&p, 1, timeout_ms) <= 0)
		return true;
	ssize_t n = recv(s->fd, bytes, s->waiting_count, 0);
	if (n <= 0)
		return false;
	answered(s, (size_t)n);
	return true;
}

static bool send_line(struct sender *s)
{
	char line[LINE_MAX_LENGTH];
	size_t length = print_line(s->next, line);
	s->waiting[s->waiting_count++] = s->next++;
	return write_all(s->fd, line, length);
}

static bool converse(struct sender *s)
{
	if (s->waiting_count == WINDOW)
		return take_answers(s, 1000);
	return send_line(s) && take_answers(s, 0);
}

/* ---- HTTP: an answer for each request ---- */

static bool is_accepted(struct sender *s)
{
	char text[4096];
	size_t length = 0;
	char *body = NULL;
	while (!body && length < sizeof text - 1) {
		ssize_t n = recv(s->fd, text + length, sizeof text - 1 - length, 0);
		if (n <= 0)
			return false;
		length += (size_t)n;
		text[length] = '\0';
		body = strstr(text, "\r\n\r\n");
	}
	const char *field = body ? strcasestr(text, "\r\ncontent-length:") : NULL;
	size_t wanted = field ? strtoul(field + 17, NULL, 10) : 0;
	size_t there = body ? length - (size_t)(body + 4 - text) : 0;
	bool is_good = body && strncmp(text, "HTTP/1.1 2", 10) == 0;
	while (there < wanted) {
		ssize_t n = recv(s->fd, text, sizeof text, 0);
		if (n <= 0)
			return is_good;
		there += (size_t)n;
	}
	return is_good;
}

static bool post(struct sender *s)
{
	static char body[POST_LINES * LINE_MAX_LENGTH], request[sizeof body + 256];
	size_t length = 0;
	for (unsigned i = 0; i < POST_LINES; i++) {
		length += print_line(s->next, body + length);
		s->waiting[s->waiting_count++] = s->next++;
	}
	int head = snprintf(request, sizeof request,
			    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
			    "Content-Length: %zu\r\n\r\n",
			    length);
	memcpy(request + head, body, length);
	if (!write_all(s->fd, request, (size_t)head + length) || !is_accepted(s))
		return false;
	answered(s, s->waiting_count);
	return true;
}

/* ---- the whole ---- */

static int send_on(struct sender *s)
{
	while (!is_over) {
		if (!is_connected(s))
			return is_over ? 0 : 1;
		if (!(s->http ? post(s) : converse(s)))
			hang_up(s);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sender s = {.fd = -1};
	sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--http") == 0)
			s.http = true;
		else if (strcmp(argv[i], "--port") == 0 && i + 1 < argc)
			s.port = (uint16_t)strtoul(argv[++i], NULL, 10);
		else
			return 2;
	}
	return s.port ? send_on(&s) : 2;
}
