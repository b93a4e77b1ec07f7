/* undo_telling.h - for `sluice state --verify`: what recovery would take back of what a sink has done since the newest epoch.
 *
 * Threads: main; blocks. Memory: the journals' content, until it returns. Layer: daemon. */
#pragma once

#include "conf/option.h"
#include "daemon/telling.h"

/* Entries of epochs after that one in the journals of that sink, the last act first, as they are undone. directory: the
 * state directory's descriptor. path: the sink's option, which may be a secret. 0 or -errno; damage is told. */
int undo_tell(struct telling *t, int directory, const char *sink, const struct text *path,
	      uint64_t epoch);
