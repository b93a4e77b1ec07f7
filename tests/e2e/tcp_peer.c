/* tcp_peer.c - who is connected to: takes lines, and misbehaves when told.
 *
 *   tcp_peer [--reset-after N] [--rate N] [--reply TEXT] [--wait-for FILE] PORT-FILE OUTPUT
 *
 *   --reset-after N   the first connection is reset when so many bytes of it were read; the others are not
 *   --rate N          reads so many bytes a second
 *   --reply TEXT      answers each line with that and a newline
 *   --wait-for FILE   reads nothing before there is such a file
 *
 * One connection after the other; of each the whole lines go to OUTPUT. The port stands in PORT-FILE. Ends when it is told to.
 *
 * Layer: tests, libc only. */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 1 << 16, TICK_NS = 10 * 1000 * 1000, TICKS = 100 };

static struct {
	size_t reset_after, rate;
	const char *reply, *wait_for, *port_file, *output;
} wanted;

static void die(const char *what)
{
	fprintf(stderr, "tcp_peer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void pause_for(long ns)
{
	nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

static int listen_somewhere(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int small = 16384;
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0)
		die("bind");
	if (wanted.rate > 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	if (listen(fd, 8) < 0 || getsockname(fd, (struct sockaddr *)&at, &length) < 0)
		die("listen");
	char name[4096];
	snprintf(name, sizeof name, "%s.new", wanted.port_file);
	FILE *f = fopen(name, "w");
	if (!f || fprintf(f, "%u\n", ntohs(at.sin_port)) < 0 || fclose(f) != 0 ||
	    rename(name, wanted.port_file) < 0)
		die("port file");
	return fd;
}

static void answer(int fd, const char *lines, size_t length)
{
	for (size_t i = 0; wanted.reply && i < length; i++)
		if (lines[i] == '\n' && dprintf(fd, "%s\n", wanted.reply) < 0)
			return;
}

/* Whole lines of [held, held + length) go out: how many bytes are left. */
static size_t keep_lines(int fd, FILE *out, char *held, size_t length)
{
	char *end = memrchr(held, '\n', length);
	size_t whole = end ? (size_t)(end + 1 - held) : 0;
	if (fwrite(held, 1, whole, out) != whole || fflush(out) != 0)
		die("output");
	answer(fd, held, whole);
	memmove(held, held + whole, length - whole);
	return length - whole;
}

static void reset(int fd)
{
	struct linger now = {.l_onoff = 1};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(fd);
}

static void serve(int fd, FILE *out, size_t reset_after)
{
	static char held[2 * BUFFER];
	size_t length = 0, total = 0, most = BUFFER;
	if (wanted.rate > 0)
		most = wanted.rate / TICKS + 1 < BUFFER ? wanted.rate / TICKS + 1 : BUFFER;
	for (ssize_t n; (n = read(fd, held + length, most)) > 0;) {
		total += (size_t)n;
		length = keep_lines(fd, out, held, length + (size_t)n);
		if (reset_after > 0 && total >= reset_after) {
			reset(fd);
			return;
		}
		if (wanted.rate > 0)
			pause_for(TICK_NS);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"reset-after", required_argument, NULL, 'a'},
						{"rate", required_argument, NULL, 'r'},
						{"reply", required_argument, NULL, 't'},
						{"wait-for", required_argument, NULL, 'w'},
						{0}};
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
		switch (c) {
		case 'a':
			wanted.reset_after = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			wanted.rate = strtoull(optarg, NULL, 10);
			break;
		case 't':
			wanted.reply = optarg;
			break;
		case 'w':
			wanted.wait_for = optarg;
			break;
		default:
			return 2;
		}
	if (argc - optind != 2)
		return 2;
	wanted.port_file = argv[optind];
	wanted.output = argv[optind + 1];
	FILE *out = fopen(wanted.output, "w");
	if (!out)
		die("output");
	int listening = listen_somewhere();
	size_t reset_after = wanted.reset_after;
	for (int fd; (fd = accept(listening, NULL, NULL)) >= 0; reset_after = 0) {
		while (wanted.wait_for && access(wanted.wait_for, F_OK) < 0)
			pause_for(TICK_NS);
		serve(fd, out, reset_after);
	}
	die("accept");
}
