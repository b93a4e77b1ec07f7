/* grok_library.h - the patterns that everybody knows by name.
 *
 * The names, what they match, and the fields of those for whole lines are the customary ones; the patterns are our own. Of two
 * ways to match the longer is tried first, and no record makes one of them try more ways than its length, or a small power of it.
 *
 * Threads: any. Memory: static. Layer: stages, libc only. */
#pragma once

/* A pattern may refer to others, as %{NAME} or %{NAME:field}. */
struct grok_entry {
	const char *name; /* NULL ends the list */
	const char *pattern;
};

extern const struct grok_entry grok_values[]; /* things: numbers, addresses, times */
extern const struct grok_entry grok_logs[];   /* lines of programs, and their parts */
