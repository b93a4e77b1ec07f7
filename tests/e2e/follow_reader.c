/* follow_reader.c - reads what follow_writer wrote out of sluice's output as it arrives.
 *
 *	follow_reader OUTPUT LINES SECONDS_MAX [P99_US_MAX]
 *
 * Waits for OUTPUT to appear and to hold LINES lines. Each line must come once and in its file's order; its latency
 * is the time from its writer's stamp to the read that brought it here. Ends with one line of figures; exit 1 when a
 * line is missing, out of order, twice or malformed, or when the 99th percentile is above P99_US_MAX.
 *
 * Threads: one. Memory: libc's. Layer: tests. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

enum {
	FILES_MAX = 1000,
	BLOCK_BYTES = 1 << 16,
	HEAD_BYTES = 3 + 1 + 8 + 1 + 20, /* what stands before the payload */
};

static const uint64_t second_ns = 1000000000;

struct reader {
	int fd, events;
	char block[BLOCK_BYTES];
	size_t held; /* bytes of an unfinished line at the start of block */
	uint32_t next_number[FILES_MAX];
	uint64_t *latencies_ns;
	size_t count, count_wanted;
};

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * second_ns + (uint64_t)t.tv_nsec;
}

static _Noreturn void fail(const char *what, const char *detail)
{
	fprintf(stderr, "follow_reader: %s: %s\n", what, detail);
	exit(1);
}

static void take_line(struct reader *r, char *line, size_t length, uint64_t arrived_ns)
{
	if (length < HEAD_BYTES)
		fail("malformed line", line);
	unsigned long file = strtoul(line, NULL, 10), number = strtoul(line + 4, NULL, 10);
	uint64_t written_ns = strtoull(line + 13, NULL, 10);
	if (file >= FILES_MAX || written_ns == 0 || written_ns > arrived_ns)
		fail("malformed line", line);
	if (number != r->next_number[file])
		fail(number < r->next_number[file] ? "line came twice" : "line missing before",
		     line);
	if (r->count == r->count_wanted)
		fail("one line too many", line);
	r->next_number[file]++;
	r->latencies_ns[r->count++] = arrived_ns - written_ns;
}

/* Reads once. False at the (present) end of the file. */
static bool read_more(struct reader *r)
{
	ssize_t n = read(r->fd, r->block + r->held, BLOCK_BYTES - r->held);
	if (n < 0)
		fail("read", strerror(errno));
	uint64_t arrived_ns = now_ns();
	char *line = r->block, *end = r->block + r->held + n;
	for (char *newline; (newline = memchr(line, '\n', (size_t)(end - line)));
	     line = newline + 1) {
		*newline = '\0';
		take_line(r, line, (size_t)(newline - line), arrived_ns);
	}
	r->held = (size_t)(end - line);
	if (r->held == BLOCK_BYTES)
		fail("malformed line", "longer than any that was written");
	memmove(r->block, line, r->held);
	return n > 0;
}

/* False when the deadline passes first. */
static bool wait_for_event(struct reader *r, uint64_t deadline_ns)
{
	uint64_t now = now_ns();
	if (now >= deadline_ns)
		return false;
	struct pollfd p = {.fd = r->events, .events = POLLIN};
	if (poll(&p, 1, (int)((deadline_ns - now) / 1000000) + 1) > 0) {
		char discarded[4096];
		if (read(r->events, discarded, sizeof(discarded)) < 0)
			fail("inotify", strerror(errno));
	}
	return true;
}

static void open_output(struct reader *r, const char *path, uint64_t deadline_ns)
{
	char folder[PATH_MAX];
	snprintf(folder, sizeof(folder), "%s", path);
	r->events = inotify_init1(IN_CLOEXEC);
	if (r->events < 0 ||
	    inotify_add_watch(r->events, dirname(folder), IN_CREATE | IN_MOVED_TO | IN_MODIFY) < 0)
		fail("inotify", strerror(errno));
	while ((r->fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		if (errno != ENOENT || !wait_for_event(r, deadline_ns))
			fail(path, strerror(errno));
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static double percentile_us(const struct reader *r, double part)
{
	return (double)r->latencies_ns[(size_t)((double)(r->count - 1) * part)] / 1000;
}

static int report(struct reader *r, double p99_us_max)
{
	if (r->count > 0) {
		qsort(r->latencies_ns, r->count, sizeof(r->latencies_ns[0]), by_size);
		printf("lines=%zu p50_us=%.0f p99_us=%.0f max_us=%.0f\n", r->count,
		       percentile_us(r, 0.5), percentile_us(r, 0.99), percentile_us(r, 1));
	}
	if (r->count < r->count_wanted) {
		fprintf(stderr, "follow_reader: %zu of %zu lines came\n", r->count,
			r->count_wanted);
		return 1;
	}
	if (p99_us_max > 0 && percentile_us(r, 0.99) > p99_us_max) {
		fprintf(stderr, "follow_reader: the 99th percentile is above %.0f us\n",
			p99_us_max);
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct reader r;
	r.count_wanted = argc >= 4 ? strtoul(argv[2], NULL, 10) : 0;
	if (r.count_wanted == 0) {
		fputs("usage: follow_reader OUTPUT LINES SECONDS_MAX [P99_US_MAX]\n", stderr);
		return 2;
	}
	uint64_t deadline_ns = now_ns() + strtoul(argv[3], NULL, 10) * second_ns;
	r.latencies_ns = calloc(r.count_wanted, sizeof(r.latencies_ns[0]));
	if (!r.latencies_ns)
		fail("calloc", strerror(errno));
	open_output(&r, argv[1], deadline_ns);
	for (;;) {
		while (read_more(&r))
			;
		if (r.count == r.count_wanted || !wait_for_event(&r, deadline_ns))
			break;
	}
	int result = report(&r, argc >= 5 ? strtod(argv[4], NULL) : 0);
	free(r.latencies_ns);
	return result;
}
