/* notify.h - tells the service manager how we are, as sd_notify(3) documents it: a datagram of NAME=value lines to the
 * socket that $NOTIFY_SOCKET names. Without one, nothing is told and nothing fails.
 *
 * Ours rather than libsystemd's: it is one datagram, and the library would bring its own dependencies into a process
 * that keeps everybody's logs.
 *
 * Threads: main. Blocks: never; what the manager has no room for is lost. Layer: daemon. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct notify {
	int socket; /* -1: nobody wants to know */
	uint64_t
	    watchdog_ns; /* the manager ends us after so long without notify_alive(); 0: it does not */
};

/* Takes the variables out of the environment, so that commands that are run do not speak for us. */
void notify_begin(struct notify *n);
void notify_end(struct notify *n);

static inline bool notify_is_on(const struct notify *n)
{
	return n->socket >= 0;
}

/* All is open and under way: at the start, and after a reload. */
void notify_ready(const struct notify *n);
void notify_reloading(const struct notify *n);
void notify_stopping(const struct notify *n);
/* For the watchdog. */
void notify_alive(const struct notify *n);
/* Something is waited for that may take long, before a start or between two topologies: no time limit is to end us for half a
 * minute from now on. */
void notify_waiting(const struct notify *n);
/* A few words for people who ask the manager; printf's. */
void notify_status(const struct notify *n, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
