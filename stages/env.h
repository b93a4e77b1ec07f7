/* env.h - the world as a stage sees it: clocks, chance, I/O, time zones, and somebody to tell.
 *
 * Nothing below daemon/ calls a clock, a random source, a thread primitive or a file system by itself; it goes
 * through the env it is given. In production that is the machine; under the simulator it is a seeded invention.
 *
 * Threads: an env belongs to one worker and is used on the thread that steps it. Layer: stages. */
#pragma once

#include "stages/io.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

enum say_level { SAY_DEBUG, SAY_INFO, SAY_WARN, SAY_ERROR };

struct env;

struct env_ops {
	uint64_t (*now_ns)(struct env *e); /* monotonic */
	int64_t (*wall_ns)(struct env *e); /* since 1970 UTC */
	uint64_t (*boot)(struct env *e);
	uint64_t (*random)(struct env *e);
	void (*wake_at)(struct env *e, uint64_t when_ns);
	void (*rest_until)(struct env *e, uint64_t when_ns); /* NULL: it never rests */
	void (*say)(struct env *e, enum say_level level, const char *event, const char *format,
		    va_list args);
	int (*read_zone)(struct env *e, const char *name, uint8_t *bytes, size_t room,
			 size_t *ret_length); /* NULL: there are none */
};

struct env {
	const struct env_ops *ops;
	struct io *io;
};

static inline uint64_t env_now_ns(struct env *e)
{
	return e->ops->now_ns(e);
}

static inline int64_t env_wall_ns(struct env *e)
{
	return e->ops->wall_ns(e);
}

/* A number of this start of the machine, and of no other: processes come and go under it. 0: not known. */
static inline uint64_t env_boot(struct env *e)
{
	return e->ops->boot(e);
}

static inline uint64_t env_random(struct env *e)
{
	return e->ops->random(e);
}

/* Steps this worker again no later than when_ns (monotonic). Holds for the coming wait only: a step that still needs
 * it says so again. */
static inline void env_wake_at(struct env *e, uint64_t when_ns)
{
	e->ops->wake_at(e, when_ns);
}

/* What is completed before when_ns (monotonic, a few ms ahead) need not wake this worker: there is much of it, and it is cheaper
 * taken together. Holds for the coming wait only. */
static inline void env_rest_until(struct env *e, uint64_t when_ns)
{
	if (e->ops->rest_until)
		e->ops->rest_until(e, when_ns);
}

/* The bytes of the file (TZif, RFC 8536) that describes a time zone: Europe/Berlin, or `local`. Blocks, so only while a stage is
 * opened. 0; -ENOENT: there is none of that name; -EINVAL: it is no name; -EFBIG: it is larger than room; or -errno. */
static inline int env_read_zone(struct env *e, const char *name, uint8_t *bytes, size_t room,
				size_t *ret_length)
{
	return e->ops->read_zone ? e->ops->read_zone(e, name, bytes, room, ret_length) : -ENOENT;
}

/* Tells the operator. `event` is a short fixed phrase ("file unreadable"); format gives key=value pairs, values
 * that may hold anything written with %s are escaped by the daemon. The daemon adds time and stage. */
static inline void __attribute__((format(printf, 4, 5)))
env_say(struct env *e, enum say_level level, const char *event, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	e->ops->say(e, level, event, format, args);
	va_end(args);
}
