/* file_source_fixture.h - a file source over real files and the plain backend, with a clock that can be put forward, and
 * with what it wants remembered kept from start to start.
 * Threads: the test's. Memory: set_up() to tear_down(). */
#pragma once

#include "daemon/backend.h"
#include "daemon/epoch_map.h"
#include "daemon/helpers.h"
#include "stages/builtin.h"
#include "stages/source/file_set.h"
#include "stages/source/file_source.h"

#include <criterion/criterion.h>

enum { TEXT_ROOM = 1 << 22 };

struct fixture {
	struct env env; /* must stand first */
	uint64_t skew_ns;
	uint64_t wake_at_ns;
	uint64_t boot;      /* env_boot() */
	char said[4096];    /* events, one a line */
	char details[1024]; /* of the last one */

	char directory[64];
	struct helpers helpers;
	struct backend *backend;
	size_t under_way; /* operations, after the last step */
	struct home home;
	struct stage_counters counters;
	struct file_source_options options;
	struct text paths[4], excludes[4];
	struct stage stage;
	char *got; /* records, each with a newline behind it */
	size_t got_length;
	size_t unterminated; /* batches */
	bool shows_places;   /* of each record, in `got`: a.log@17: ... */

	bool remembers; /* set before start() */
	struct epoch_map remembered;
	struct delta saved;
	size_t committed_length; /* of got, when it was remembered last */
};

uint64_t now_ns(struct env *e);
struct fixture *set_up(const char *first, const char *second);
struct fixture *set_up_remembering(const char *first, const char *second);
void start(struct fixture *x, bool once);
/* What open() answers. */
int try_start(struct fixture *x, bool once);
/* Lets what is under way come to its end. */
void settle(struct fixture *x);
void stop(struct fixture *x);
void tear_down(struct fixture *x);
void end(struct fixture *x);

int step(struct fixture *x);
int run_once(struct fixture *x);
void run_on(struct fixture *x);
/* Following, until nothing is under way but the wait for events, and none of these has come. */
void read_all(struct fixture *x);
void expect_got(struct fixture *x, const char *text);

/* Has it say what is to be remembered, and remembers that. How many entries there were. */
size_t remember(struct fixture *x);
/* Ends it where it is, what came after the last remember() is lost, and it is started again. */
void crash(struct fixture *x, bool once);

/* Follows what the pattern matches; name, if any: a file with that text, of which something was read. */
struct fixture *following(const char *pattern, const char *name, const char *text);
/* Follows until it has read all there is. */
void start_following(struct fixture *x);
void crash_following(struct fixture *x);
/* To the end of the input, which is remembered. */
void read_once(struct fixture *x);
/* What it says is durable. */
void commit(struct fixture *x);
bool has_said(const struct fixture *x, const char *event);

/* The caller frees `bytes`. */
struct text in_directory(struct fixture *x, const char *name);
void put(struct fixture *x, const char *name, const void *bytes, size_t length, int flags);
void append(struct fixture *x, const char *name, const char *text);
void append_frame(struct fixture *x, const char *name, const char *text);
void append_member(struct fixture *x, const char *name, const char *text);
size_t pack_member(char *packed, size_t room, const char *text);
void move_file(struct fixture *x, const char *from, const char *to);
void delete_file(struct fixture *x, const char *name);
void make_directory(struct fixture *x, const char *name);
/* Lines of 16 bytes that hardly compress. The caller frees them. */
char *many_lines(size_t count);

/* Steps until it holds, ten seconds at most. */
#define step_until(x, condition)                                                                   \
	do {                                                                                       \
		uint64_t give_up_ns = now_ns(&(x)->env) + UINT64_C(10000000000);                   \
		while (!(condition)) {                                                             \
			cr_assert_geq(step(x), 0);                                                 \
			cr_assert_lt(now_ns(&(x)->env), give_up_ns, "not within ten seconds: %s",  \
				     #condition);                                                  \
		}                                                                                  \
	} while (0)
