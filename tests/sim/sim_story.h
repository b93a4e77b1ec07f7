/* sim_story.h - what happened, told afterwards: the last lines of a simulation, with its clock.
 * Threads: one. Memory: a ring, made when it is switched on. Layer: tests. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

struct sim_story {
	bool told; /* off, it costs nothing */
	const uint64_t *now_ns;
	char (*lines)[256]; /* a ring */
	uint64_t count;
	uint64_t
	    digest; /* of all that was added, also when it is off: the same seed has the same */
};

void sim_story_init(struct sim_story *s, bool told, const uint64_t *now_ns);
void sim_story_release(struct sim_story *s);
/* Numbers that tell one course of events from another. */
void sim_story_digest(struct sim_story *s, uint64_t a, uint64_t b);
void sim_story_add(struct sim_story *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void sim_story_add_va(struct sim_story *s, const char *format, va_list args);
/* To a descriptor, with write(2) alone: also from a signal handler. */
void sim_story_print(const struct sim_story *s, int fd);

/* That of what is being run, for a signal handler; NULL: none. */
extern const struct sim_story *sim_current_story;
