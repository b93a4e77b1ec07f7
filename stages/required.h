/* required.h - which byte strings must occur in whatever a regular expression matches, so that most records can be
 * passed over without running it.
 *
 * Reads a PCRE2 pattern (as compiled with PCRE2_UTF or without) conservatively: anything not understood contributes
 * nothing. What is required occurs in the subject of the match, though not always in the part that is reported (\K,
 * lookarounds).
 *
 *	foo|bar                 {foo, bar}
 *	 5\d\d                  { 5}
 *	a.*needle               {needle}
 *	(?i)foo                 nothing
 *	POST .*(login|logout)   {POST } and also {login, logout}
 *
 * Threads: any. Memory: the result is the caller's, required_release(). Layer: stages. */
#pragma once

#include "stages/literals.h"

#include <stdbool.h>

enum {
	REQUIRED_STRINGS_MAX = 64,
	REQUIRED_STRING_BYTES_MAX = 32, /* of a longer one, this much or the rarest part */
	REQUIRED_BYTES_MAX = REQUIRED_STRINGS_MAX * REQUIRED_STRING_BYTES_MAX,
};

struct required {
	/* The subject of any match contains one of these; count 0: nothing is known. */
	struct literal_bytes *strings;
	size_t count;
	/* And, elsewhere in it, one of these; 0: nothing more that is worth looking for is known. */
	struct literal_bytes *also;
	size_t also_count;
};

/* 0 or -ENOMEM. `caseless` true when compiled with PCRE2_CASELESS: then nothing is known. */
int required_from_pattern(struct required *r, const char *pattern, size_t length, bool caseless);
void required_release(struct required *r);
