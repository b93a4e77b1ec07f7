/* follow_writer.c - appends lines to many log files at an even pace, each with the moment it was written.
 *
 *	follow_writer DIRECTORY FILES LINES SECONDS [TOGETHER]
 *
 * Line i goes to file i % FILES, in one write(2), at start + i * SECONDS / LINES; of so many lines that are written TOGETHER (1) all
 * at the moment of the first:
 *
 *	FFF NNNNNNNN TTTTTTTTTTTTTTTTTTTT GET /... 200      file, number in the file, CLOCK_MONOTONIC in ns
 *
 * follow_reader checks what became of them. Threads: one. Memory: libc's. Layer: tests. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FILES_MAX = 1000 };

static const uint64_t second_ns = 1000000000;

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * second_ns + (uint64_t)t.tv_nsec;
}

static void wait_until(uint64_t when_ns)
{
	struct timespec t = {.tv_sec = (time_t)(when_ns / second_ns),
			     .tv_nsec = (long)(when_ns % second_ns)};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "follow_writer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void write_line(int fd, unsigned file, unsigned number)
{
	char line[160];
	int n = snprintf(line, sizeof(line),
			 "%03u %08u %020" PRIu64
			 " GET /api/v1/orders/%x HTTP/1.1 200 5120 \"curl/8.5.0\"\n",
			 file, number, now_ns(), number * 2654435761u);
	if (write(fd, line, (size_t)n) != n)
		die("write");
}

int main(int argc, char **argv)
{
	static int fds[FILES_MAX];
	unsigned files = argc >= 5 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	unsigned together = argc == 6 ? (unsigned)strtoul(argv[5], NULL, 10) : 1;
	if (files == 0 || files > FILES_MAX || together == 0) {
		fputs("usage: follow_writer DIRECTORY FILES LINES SECONDS [TOGETHER]\n", stderr);
		return 2;
	}
	unsigned lines = (unsigned)strtoul(argv[3], NULL, 10);
	uint64_t whole_ns = strtoul(argv[4], NULL, 10) * second_ns;
	for (unsigned i = 0; i < files; i++) {
		char path[4096];
		snprintf(path, sizeof(path), "%s/follow-%03u.log", argv[1], i);
		fds[i] = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
		if (fds[i] < 0)
			die(path);
	}
	uint64_t start_ns = now_ns();
	for (unsigned i = 0; i < lines; i++) {
		if (i % together == 0)
			wait_until(start_ns + whole_ns * i / lines);
		write_line(fds[i % files], i % files, i / files);
	}
	return 0;
}
