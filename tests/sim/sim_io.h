/* sim_io.h - stages/io.h over a simulated file system and network, with whatever real ones may answer.
 *
 *   submit --> under way: takes effect at once or when it completes, by chance --> due --> poll --> done
 *
 * A backend like daemon/uring_io and daemon/plain_io, save that nobody waits in it: the scheduler moves the clock to
 * sim_io_next_ns() instead. IO_WORK runs when it completes.
 *
 * Threads: one. Memory: its own, until backend_close(). Layer: tests. */
#pragma once

#include "daemon/backend.h"
#include "tests/sim/sim_fs.h"
#include "tests/sim/sim_net.h"
#include "tests/sim/sim_story.h"
#include "tests/sim/sim_strike.h"

/* Chances per mille, each for one operation. */
struct sim_faults {
	unsigned short_reads, short_writes, interrupted, slow;
	unsigned read_errors, write_errors, sync_errors; /* -EIO */
	unsigned too_many_open;                          /* reading; -EMFILE */
	unsigned unwatched;                              /* inotify refuses */
	unsigned untyped;                                /* a directory's entry has no type */
	unsigned left_over;                              /* what is due comes with a later poll */
	unsigned back_errors;                            /* writing back; -EIO */
	uint64_t back_bytes;                             /* worth writing back; 0: as ever */
	uint64_t slow_ns;                                /* at most */
	struct sim_strike *strike;                       /* NULL, or one that fails */
	struct sim_net *net;                             /* NULL: there is no network */
};

struct sim_happened {
	uint64_t read_errors, write_errors, sync_errors, full, operations;
};

struct sim_slot {
	struct io_op *op;
	uint64_t due_ns;
	bool in_effect;
	bool cancelled; /* and yet, if it can be done at once, it is */
	int64_t result; /* if in_effect */
};

struct sim_io {
	struct backend backend; /* must stand first */
	struct sim_fs *fs;
	struct sim_random random;
	struct sim_story *story;
	const struct sim_faults *faults;
	struct sim_happened *happened;
	const uint64_t *now_ns;
	const char *name;
	struct sim_slot *slots;
	size_t count, room;
	bool
	    dead; /* the machine has crashed: nothing takes effect any more, everything comes back */
	bool hurried; /* everything is due */
};

/* All that is pointed to outlives it. */
struct sim_io *sim_io_new(struct sim_fs *fs, struct sim_random random, struct sim_story *story,
			  const struct sim_faults *faults, struct sim_happened *happened,
			  const uint64_t *now_ns, const char *name);
/* The path that it is about; NULL: none. */
const char *sim_path_of(const struct io_op *op);
/* When the next operation is due; UINT64_MAX: when something happens. */
uint64_t sim_io_next_ns(const struct sim_io *s);
/* What is under way will not wait for its time; streams are cancelled. */
void sim_io_hurry(struct sim_io *s);
