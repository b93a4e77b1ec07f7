/* lua_pattern.h - Lua's patterns (Lua 5.1, 5.4.1 of its manual: `%a+`, `(%d-)x`, `%b()`, `%f[%w]`), with an end to their patience.
 *
 * A NUL in a pattern is a byte like any other.
 *
 * Lua's own functions may take time exponential in the text, in which no hook is called. Here each comparison is a step, and the
 * steps are counted.
 *
 * Threads: the caller's. Memory: of a match, its own; recursion is bounded. Layer: stages, libc only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LUA_CAPTURES_MAX = 32, LUA_PATTERN_DEPTH_MAX = 200 };

enum { LUA_CAPTURE_OPEN = -1, LUA_CAPTURE_POSITION = -2 };

struct lua_capture {
	const uint8_t *from;
	ptrdiff_t length; /* or one of the above */
};

struct lua_pattern {
	const uint8_t *text, *text_end;
	const uint8_t *at, *end; /* the pattern, without a `^` at its beginning */
	bool is_anchored;
	uint64_t steps; /* that are left */
	unsigned depth;
	unsigned count;
	struct lua_capture captures[LUA_CAPTURES_MAX];
	const char *why; /* static: what is wrong with the pattern; NULL: nothing */
	bool gave_up;    /* no steps are left, or the text needs more depth than there is */
};

void lua_pattern_init(struct lua_pattern *p, const uint8_t *pattern, size_t length,
		      const uint8_t *text, size_t text_length);

/* At that byte of the text. Where the match ends; NULL: there is none, or see `why` and `gave_up`. */
const uint8_t *lua_pattern_match(struct lua_pattern *p, const uint8_t *from);

/* The first match from there on, which begins at *ret_from. */
const uint8_t *lua_pattern_find(struct lua_pattern *p, const uint8_t *from,
				const uint8_t **ret_from);
