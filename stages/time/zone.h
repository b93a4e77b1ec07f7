/* zone.h - a time zone: how far its clocks are from UTC, and when that changes.
 *
 *	UTC, Z           +02:00, -0930, +02           Europe/Berlin, local
 *	never            always the same              a file of the machine's, in TZif (RFC 8536)
 *
 *	           before      changes[0]            changes[1]
 *	offset_s   +1:00:00  │ +2:00:00            │ +1:00:00
 *	                     │ 2024-03-31 01:00Z   │ 2024-10-27 01:00Z
 *	clocks     01:59:59  │ 03:00:00   02:59:59 │ 02:00:00
 *	                  (a gap)              (an overlap)
 *
 * What a clock shows is not always one moment. What it shows twice is the first of the two; what it never shows, as the clock was
 * put forward, is as if it had not been yet: in the example 02:30 on March 31 is 01:30Z, when it was 03:30. Both are what
 * java.time, Python (fold=0) and most others hold, and both say: the offset from before the change holds.
 *
 * libc knows one zone for a whole process, so the files are read here. The changes that their last line (a rule such as
 * CET-1CEST,M3.5.0,M10.5.0/3) foretells are worked out at the beginning, to where nanoseconds in 64 bits end.
 *
 * Threads: any once made; it is not written again. Memory: zone_release(). Layer: stages. */
#pragma once

#include "stages/env.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ZONE_NAME_MAX = 255,
	ZONE_BYTES_MAX = 1 << 16, /* of a file: the largest there are have 4 KiB */
};

struct zone_change {
	int64_t utc_s;   /* the first second at which the new offset holds */
	int64_t local_s; /* the first that a clock shows for which it does, see above */
	int32_t offset_s;
};

/* All zero: UTC. */
struct zone {
	int32_t before_s;            /* the offset, east of UTC, before the first change */
	struct zone_change *changes; /* ascending */
	size_t count;
};

/* Of UTC, or at a fixed offset: +hh, +hhmm, +hh:mm up to 23:59. 0, or -EINVAL: it is none. */
int zone_fixed(struct zone *z, const char *name, size_t length);

/* From the bytes of a TZif file, version 2 or later. 0, -EINVAL (they are none, or count leap seconds), -ENOMEM; then *z
 * is UTC. */
int zone_init(struct zone *z, const uint8_t *bytes, size_t length);

/* By whatever name a topology has; a file is read through env_read_zone(), so only where blocking does no harm (`open`).
 * `local` is UTC on a machine that says nothing else. 0; -EINVAL: no name at all, or the file is none; -ENOMEM; or what
 * reading it came to, -ENOENT for a name that nobody knows. */
int zone_open(struct zone *z, struct env *env, const char *name, size_t length);

/* A zone that is all zero is fine. */
void zone_release(struct zone *z);

/* The seconds for which one offset holds. */
struct zone_span {
	int64_t from_s, to_s; /* to_s is not among them */
	int32_t offset_s;
};

/* About that second since 1970, UTC. */
struct zone_span zone_at(const struct zone *z, int64_t utc_s);

/* About a second as a clock in the zone shows it, counted as if it were UTC; so are those of the span. */
struct zone_span zone_at_local(const struct zone *z, int64_t local_s);
