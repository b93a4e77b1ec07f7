/* progress.h - on a terminal, `--once` shows how far it is: one line, rewritten, on stderr.
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
