/* readiness.h - operations that wait until their descriptor is ready: what for, and trying whether it is.
 *
 *   submit --> try --not yet--> poll(2) says it is ready --> try ...
 *               |
 *               +--> result
 *
 * Threads: the backend's owner's. Memory: none. Layer: daemon. */
#pragma once

#include "stages/io.h"

/* One of them, other than streams and IO_POLL: it may be tried at once, and whenever it seems ready. */
bool ready_can_be_tried(const struct io_op *op);
/* What poll(2) is to be asked for. */
short ready_events(const struct io_op *op);
/* False: not yet. */
bool ready_try(const struct io_op *op, int64_t *ret_result);
