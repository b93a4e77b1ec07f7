/* signals.h - those that `sluice run` listens to, as something to poll and read. Threads: main. Layer: daemon. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* SIGUSR1 kills who is not ready for it, and who asks for a report may be early: first of all it is kept back. */
void signals_hold_back(void);

/* Blocks them for this thread and those it makes from now on, so that they come through the descriptor and nowhere
 * else, and has a closed pipe be an error where it is written to. SIGHUP and SIGINT stay ignored where whoever started
 * us had them ignored: nohup(1), a shell's background job. Returns the descriptor, or -errno. */
int signals_open(void);

/* The next one that has come; 0: none. */
uint32_t signals_take(int fd);

/* SIGTERM is "SIGTERM". */
const char *signals_name(uint32_t number);
