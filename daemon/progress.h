/* progress.h - on a terminal, `--once` shows how far it is: one line, rewritten, on stderr.
 *
 *   [############..................]  41 %  1.2 GB, 840 MB/s, 2 s left
 *   1.2 GB, 840 MB/s                                   as long as not every source knows how much there is
 *
 * Threads: draw from main; log lines of any thread make it step aside. Layer: daemon. */
#pragma once

#include "daemon/pipeline.h"

enum { PROGRESS_INTERVAL_MS = 200 };

/* Starts showing, if stderr is a terminal. */
void progress_begin(const struct pipeline *p);
/* True if a bar is being shown and wants progress_draw() every PROGRESS_INTERVAL_MS. */
bool progress_shown(void);
void progress_draw(double seconds);
/* Takes the bar off the terminal. */
void progress_end(void);
