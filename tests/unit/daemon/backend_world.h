/* backend_world.h - a backend with helpers and a directory, for tests of operations. Layer: tests. */
#pragma once

#include "daemon/backend.h"
#include "daemon/helpers.h"

enum { NS_PER_S = 1000000000 };

struct world {
	struct helpers helpers;
	struct backend *backend;
	char directory[64];
};

/* Skips the test where there is no such backend. */
void world_begin(struct world *w, int kind);
void world_end(struct world *w);

/* A path within its directory; four of them hold at a time. */
const char *world_path(const struct world *w, const char *name);

/* For op->done: counts in the int that op->owner points to. */
void world_note_done(struct io_op *op);
/* Submits and drives the backend until it is done. */
int64_t world_carry_out(struct world *w, struct io_op *op);
/* Submits an op that waits; *done counts. */
void world_submit(struct world *w, struct io_op *op, int *done);
/* Drives the backend until *done, or until nothing is under way. */
void world_await(struct world *w, const int *done);
void world_await_idle(struct world *w);
/* Drives the backend for a moment, in which *done has to stay 0. */
void world_sees_nothing(struct world *w, const int *done);
