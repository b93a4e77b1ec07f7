/* epoch_fixture.h - logs of epochs whose contents are known without reading them: what epoch n changes follows from n.
 * Threads: the test's. Memory: the caller's. */
#pragma once

#include "daemon/epoch_log.h"
#include "tests/unit/daemon/watched_io.h"

enum { FIXTURE_STAGES = 2, FIXTURE_KEYS = 6 };

struct epoch_fixture {
	struct watched_io world;
	char directory[64];
	int fd; /* the directory's */
	struct epoch_log log;
	bool open;
	struct delta deltas[FIXTURE_STAGES];
	struct epoch_part parts[FIXTURE_STAGES];
};

void epoch_fixture_init(struct epoch_fixture *x);
void epoch_fixture_release(struct epoch_fixture *x);

/* Each steps until it is over. STEP_DONE or -errno. */
int fixture_open(struct epoch_fixture *x);
int fixture_append(struct epoch_fixture *x, uint64_t epoch);
int fixture_compact(struct epoch_fixture *x);
void fixture_close(struct epoch_fixture *x);
int fixture_step(struct epoch_fixture *x);

/* Begins to append; 0 or -errno. */
int fixture_begin_append(struct epoch_fixture *x, uint64_t epoch);

/* Appends epochs from, ..., to; closes. */
void fixture_write(struct epoch_fixture *x, uint64_t from, uint64_t to);

/* Reads without changing anything, as `name` (NULL: any). STEP_DONE or what was found. The map is left to the caller. */
int fixture_read(struct epoch_fixture *x, const char *name, struct epoch_report *ret_report,
		 struct epoch_map *map);

/* True if the map holds what epochs 1 to `epoch` leave, and nothing else. */
bool fixture_holds(const struct epoch_map *m, uint64_t epoch);

struct fixture_image {
	uint8_t *bytes;
	size_t length;
	bool there;
};

/* The file of that name in its directory, whole; to be freed with fixture_forget(). */
struct fixture_image fixture_take(const struct epoch_fixture *x, const char *name);
/* Puts it there, or nothing. */
void fixture_place(const struct epoch_fixture *x, const char *name,
		   const struct fixture_image *image);
void fixture_forget(struct fixture_image *image);
