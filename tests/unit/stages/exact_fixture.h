/* exact_fixture.h - a file output that is stopped at any operation and begun again, with a coordinator that remembers what
 * was committed, and numbered records that say what ought to be in the files.
 *
 * Threads: the test's. Memory: the caller's. */
#pragma once

#include "stages/file_output.h"
#include "tests/unit/stages/crash_disk.h"
#include "tests/unit/stages/faulty_env.h"

/* Between two moments at which it is killed. Under a sanitizer each takes long, and what it looks for is in all of them. */
#ifdef __SANITIZE_ADDRESS__
enum { EXACT_STRIDE = 3 };
#else
enum { EXACT_STRIDE = 1 };
#endif

enum { EXACT_RECORDS = 56, EXACT_EPOCH = 14, EXACT_BATCH = 4, EXACT_TEXT_MAX = 200 };

/* What is done to one operation of a run, counted from 0; SIZE_MAX: to none. */
struct exact_trouble {
	size_t at;
	enum { TROUBLE_DIES, TROUBLE_DIES_HALFWAY, TROUBLE_FAILS } what;
	int error;        /* FAILS */
	enum io_code hit; /* filled in: the operation's */
	bool struck;
};

struct exact {
	struct faulty_env world;
	struct crash_disk disk;
	struct home home;
	char path[192], state_dir[96];
	struct path_template template;
	struct file_output_options options;
	struct file_output output;

	/* committed */
	uint64_t epoch;
	size_t position;
	struct delta saved;

	bool whole_epochs; /* exact_epoch(): nothing more is put while it is committed */
	bool keeps;        /* files are deleted as soon as they may be: every one looks old */
	bool deleted[EXACT_RECORDS]; /* by that */
	size_t deletions;

	size_t put;        /* records, in this run */
	size_t operations; /* of this run */
	struct exact_trouble trouble;
	bool dead;
	int failed;
};

/* name: of the output, beneath its directory. */
void exact_init(struct exact *x, const char *name);
void exact_release(struct exact *x);

/* Begins a run where the last one was committed. */
void exact_begin(struct exact *x);

/* Until it has recovered: false if that failed, or it died. */
bool exact_recover(struct exact *x);

/* One epoch more; false if it failed or died. */
bool exact_epoch(struct exact *x);

/* The same without a record more. */
bool exact_empty_epoch(struct exact *x);

/* Puts what is left, ends, commits that; false if it failed or died. */
bool exact_finish(struct exact *x);

/* The process ends, whatever it is doing, and maybe the machine with it. */
void exact_crash(struct exact *x, enum crash_fate fate);

/* All files together hold the first `count` records, save what was deleted, and each of them is whole. */
void exact_check(const struct exact *x, size_t count, const char *when);

/* A run from its beginning to its end, if it does not die or fail before. */
bool exact_run(struct exact *x);
