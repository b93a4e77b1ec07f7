/* writer.c - writes numbered lines into a few files and rotates them, as programs and logrotate do.
 *
 *	writer DIRECTORY [--streams 4] [--lines 100000] [--rate 20000] [--seed 1]
 *	       [--rotate rename|copytruncate] [--every 200] [--gap 30] [--rotations 500] [--settled COMMAND] [--whole] [--json]
 *
 * --settled: gets the file's path as its last word; tried for a minute at most.
 *
 * DIRECTORY/K.log gets "KKK NNNNNNNNNN some text", with --json {"k": K, "n": N, "text": "some text"}, N from 0, --rate lines a second in all, in pieces that end anywhere.
 * With --rotations it ends after so many of each file, else after --lines of each.
 *
 *   rename        --settled is run until it succeeds; K.log becomes K.log.R; for half of --gap (ms) lines still go there; after --gap there is a new K.log
 *   copytruncate  writing pauses; --settled is run until it succeeds; K.log is copied to K.log.R and cut to nothing
 *
 * Prints how many lines each stream has. Threads: one. Layer: tests. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STREAMS_MAX = 64, TICK_MS = 5, SETTLED_MS = 60000, BLOCK = 1 << 18, PATH_ROOM = 512 };
enum rotation { ROTATE_NOT, ROTATE_RENAME, ROTATE_COPYTRUNCATE };

struct stream {
	int fd, old_fd; /* old_fd: renamed away, still written to; -1: none */
	uint64_t lines;
	char *pending; /* the end of a line that was begun */
	unsigned rotations;
	uint64_t next_rotation_ms, leave_ms, reopen_ms; /* 0: not due */
};

struct writer {
	const char *directory, *settled;
	unsigned streams, rotations;
	uint64_t lines, rate, every_ms, gap_ms, random;
	enum rotation rotation;
	bool whole; /* lines are never torn */
	bool json;
	struct stream of[STREAMS_MAX];
};

static uint64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint64_t chance(struct writer *w, uint64_t below)
{
	w->random ^= w->random << 13; /* G. Marsaglia, "Xorshift RNGs", 2003 */
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random % below;
}

static void __attribute__((noreturn)) die(const char *what)
{
	perror(what);
	exit(1);
}

static void path_of(const struct writer *w, unsigned k, unsigned rotation, char path[PATH_ROOM])
{
	int n = snprintf(path, PATH_ROOM, "%s/%u.log", w->directory, k);
	if (rotation)
		snprintf(path + n, PATH_ROOM - (size_t)n, ".%u", rotation);
}

static int create(const struct writer *w, unsigned k)
{
	char path[PATH_ROOM];
	path_of(w, k, 0, path);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		die(path);
	return fd;
}

static void put(int fd, const char *bytes, size_t length)
{
	if (write(fd, bytes, length) != (ssize_t)length)
		die("write");
}

/* ---- lines ---- */

static size_t make_line(struct writer *w, unsigned k, char *at)
{
	static const char text[] =
	    "the quick brown fox jumps over the lazy dog, again and again and again";
	struct stream *s = &w->of[k];
	static const char plain[] = "%03u %010ju %.*s\n",
			  json[] = "{\"k\": %u, \"n\": %ju, \"text\": \"%.*s\"}\n";
	return (size_t)sprintf(at, w->json ? json : plain, k, (uintmax_t)s->lines++,
			       (int)chance(w, sizeof text - 1), text);
}

/* So many lines in one go, the last of them maybe only in part. */
static void write_lines(struct writer *w, unsigned k, uint64_t count)
{
	static char block[BLOCK];
	struct stream *s = &w->of[k];
	int fd = s->old_fd >= 0 ? s->old_fd : s->fd;
	size_t n = 0;
	if (s->pending) {
		n = strlen(s->pending);
		memcpy(block, s->pending, n);
		free(s->pending);
		s->pending = NULL;
	}
	for (uint64_t i = 0; i < count && n < BLOCK - 256; i++)
		n += make_line(w, k, block + n);
	size_t left = count > 0 && !w->whole && chance(w, 4) == 0 ? 1 + chance(w, 14) : 0;
	if (left > 0)
		s->pending = strndup(block + n - left, left);
	if (n > left)
		put(fd, block, n - left);
}

static void end_line(struct writer *w, unsigned k)
{
	write_lines(w, k, 0);
	assert(!w->of[k].pending);
}

/* ---- rotation ---- */

static void wait_until_settled(const struct writer *w, unsigned k)
{
	char path[PATH_ROOM], command[3 * PATH_ROOM];
	if (!w->settled)
		return;
	path_of(w, k, 0, path);
	snprintf(command, sizeof command, "%s %s", w->settled, path);
	const uint64_t give_up_ms = now_ms() + SETTLED_MS;
	while (system(command) != 0) /* NOLINT(cert-env33-c): the test's own command */
		if (now_ms() > give_up_ms) {
			fprintf(stderr, "it does not settle\n");
			exit(1);
		}
}

static void rename_away(struct writer *w, unsigned k, uint64_t now)
{
	struct stream *s = &w->of[k];
	char from[PATH_ROOM], to[PATH_ROOM];
	wait_until_settled(w, k);
	path_of(w, k, 0, from);
	path_of(w, k, ++s->rotations, to);
	if (rename(from, to) < 0)
		die(from);
	s->old_fd = s->fd;
	s->fd = -1;
	s->leave_ms = now + w->gap_ms / 2;
	s->reopen_ms = now + w->gap_ms;
}

static void follow_up(struct writer *w, unsigned k, uint64_t now)
{
	struct stream *s = &w->of[k];
	if (s->leave_ms && now >= s->leave_ms) {
		end_line(w, k);
		close(s->old_fd);
		s->old_fd = -1;
		s->leave_ms = 0;
	}
	if (s->reopen_ms && now >= s->reopen_ms) {
		s->fd = create(w, k);
		s->reopen_ms = 0;
	}
}

static void copy(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (in < 0 || out < 0)
		die(to);
	ssize_t n;
	while ((n = sendfile(out, in, NULL, BLOCK)) > 0)
		;
	if (n < 0)
		die(to);
	close(in);
	close(out);
}

static void copy_and_truncate(struct writer *w, unsigned k)
{
	struct stream *s = &w->of[k];
	char from[PATH_ROOM], to[PATH_ROOM];
	for (unsigned i = 0; i < w->streams; i++)
		end_line(w, i); /* all pause: half a line would never be committed */
	wait_until_settled(w, k);
	path_of(w, k, 0, from);
	path_of(w, k, ++s->rotations, to);
	copy(from, to);
	if (ftruncate(s->fd, 0) < 0)
		die("ftruncate");
}

static void rotate(struct writer *w, unsigned k, uint64_t now)
{
	struct stream *s = &w->of[k];
	follow_up(w, k, now);
	if (w->rotation == ROTATE_NOT || now < s->next_rotation_ms || s->leave_ms || s->reopen_ms ||
	    (w->rotations && s->rotations >= w->rotations))
		return;
	if (w->rotation == ROTATE_RENAME)
		rename_away(w, k, now);
	else
		copy_and_truncate(w, k);
	s->next_rotation_ms = now_ms() + w->every_ms;
}

/* ---- all of it ---- */

static bool is_through(const struct writer *w, const struct stream *s)
{
	if (s->leave_ms || s->reopen_ms)
		return false;
	return w->rotations ? s->rotations >= w->rotations : s->lines >= w->lines;
}

static bool tick(struct writer *w)
{
	uint64_t now = now_ms(), share = w->rate * TICK_MS / 1000 / w->streams + 1;
	bool all = true;
	for (unsigned k = 0; k < w->streams; k++) {
		struct stream *s = &w->of[k];
		rotate(w, k, now);
		if (!is_through(w, s) && (s->fd >= 0 || s->old_fd >= 0))
			write_lines(w, k, chance(w, 2 * share));
		all &= is_through(w, s);
	}
	return !all;
}

static void write_all(struct writer *w)
{
	for (unsigned k = 0; k < w->streams; k++) {
		w->of[k] = (struct stream){.fd = create(w, k), .old_fd = -1};
		w->of[k].next_rotation_ms = now_ms() + chance(w, w->every_ms + 1);
	}
	struct timespec pause = {.tv_nsec = TICK_MS * 1000000};
	while (tick(w))
		nanosleep(&pause, NULL);
	for (unsigned k = 0; k < w->streams; k++) {
		end_line(w, k);
		printf("%u %ju\n", k, (uintmax_t)w->of[k].lines);
	}
}

static int usage(void)
{
	fputs("usage: writer DIRECTORY [--streams N] [--lines N] [--rate N] [--seed N] [--rotate "
	      "rename|copytruncate] [--every MS] [--gap MS] [--rotations N] [--settled COMMAND] "
	      "[--whole] [--json]\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"streams", required_argument, NULL, 's'}, {"lines", required_argument, NULL, 'l'},
	    {"rate", required_argument, NULL, 'r'},    {"seed", required_argument, NULL, 'x'},
	    {"rotate", required_argument, NULL, 'o'},  {"every", required_argument, NULL, 'e'},
	    {"gap", required_argument, NULL, 'g'},     {"rotations", required_argument, NULL, 'n'},
	    {"settled", required_argument, NULL, 'c'}, {"whole", no_argument, NULL, 'w'},
	    {"json", no_argument, NULL, 'j'},          {NULL, 0, NULL, 0}};
	static struct writer w = {
	    .streams = 4, .lines = 100000, .rate = 20000, .every_ms = 200, .gap_ms = 30};
	w.random = 1;
	int c;
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		uint64_t number = optarg ? strtoull(optarg, NULL, 10) : 0;
		if (c == 's')
			w.streams = (unsigned)number;
		else if (c == 'l')
			w.lines = number;
		else if (c == 'r')
			w.rate = number;
		else if (c == 'x')
			w.random = number * 2 + 1;
		else if (c == 'o')
			w.rotation = optarg[0] == 'r' ? ROTATE_RENAME : ROTATE_COPYTRUNCATE;
		else if (c == 'e')
			w.every_ms = number;
		else if (c == 'g')
			w.gap_ms = number;
		else if (c == 'n')
			w.rotations = (unsigned)number;
		else if (c == 'w')
			w.whole = true;
		else if (c == 'j')
			w.json = true;
		else if (c == 'c')
			w.settled = optarg;
		else
			return usage();
	}
	if (optind + 1 != argc || w.streams == 0 || w.streams > STREAMS_MAX)
		return usage();
	w.directory = argv[optind];
	write_all(&w);
	return 0;
}
