/* sim_journal.h - one seed of a world whose sources can't be read again: peers that send records once and count on what was
 * answered, journals, and files that are written, while the machine crashes, the process is killed or stopped, and disks fail.
 *
 *   peer --> wire, journal --+--> [filter] --> files     each record that was answered is in every sink that it is for, once,
 *   peer --> wire, journal --+--> files                  in order; each that was not is in all of them, or in none
 *
 * A world of its own beside sim_world.h, so that its seeds change nothing there.
 *
 * Threads: one. Memory: its own. Layer: tests. */
#pragma once

#include "tests/sim/sim_world.h"

/* Says on stderr what went wrong, with the story if it was kept. */
struct sim_result sim_journal_run(const struct sim_wish *wish);
