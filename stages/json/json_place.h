/* json_place.h - where in an object those members stand that somebody wants: left by who parsed it for who encodes it, so that it
 * need not be scanned again.
 *
 * In a column of its own, as a VALUE_BYTES whose bytes are an array of these and whose length says how many; in the order in which
 * they stand, a name that comes twice twice. MISSING: nobody left any.
 *
 * Threads: any. Memory: the batch's room. Layer: stages, libc only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct json_place {
	uint32_t from, to; /* from the name's quote to past the value */
	uint32_t column;   /* of the batch; while it is parsed, of the plan */
};

/* Those of one record, for whoever parses it. */
struct json_places {
	struct json_place *at;
	uint32_t room, count;
	bool
	    known; /* all of them are there: none is of something within, which only a scan finds, and there was room */
};
