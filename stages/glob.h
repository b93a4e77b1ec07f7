/* glob.h - path patterns: * ? [a-z] [!a-z] {a,b} \ and ** for any number of directories.
 *
 *   {app,web} is unfolded first: each alternative is a glob of its own
 *
 *      /  var  log  app  **  x?.log        parts
 *         [0]  [1]  [2] [3]   [4]  (5)     a state is a set of these: which part the next name may match;
 *                                          (5), one past the last, means that the whole pattern has matched
 *
 * Matching goes name by name, so that a walk of a tree knows at each directory whether anything below it can match.
 * Wildcards do not match a leading dot, unless the pattern's part begins with one or GLOB_DOTS is given. ** never
 * crosses a symbolic link to a directory (the caller says when a name is one).
 *
 * Threads: read-only once made. Memory: a set owns its globs. Layer: libc only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	GLOB_PARTS_MAX = 62,         /* names in a pattern */
	GLOB_ALTERNATIVES_MAX = 256, /* globs that the braces of one pattern unfold to */
	GLOB_TEXT_MAX = 4095,        /* bytes in a pattern */
};

enum glob_flags { GLOB_DOTS = 1 }; /* wildcards match leading dots too */

enum glob_kind { GLOB_LITERAL, GLOB_WILD, GLOB_ANY_DEPTH };

struct glob_part {
	enum glob_kind kind;
	char *text; /* LITERAL: without escapes */
};

struct glob {
	struct glob_part *parts;
	size_t count;
	bool absolute;
	bool dots;
	bool
	    base_only; /* written without a slash: glob_set_excludes() holds it against the last name alone */
	char *base;    /* the directory that all matches lie in: "/var/log", "/", "." */
	char *literal; /* without wildcards: the one path it matches; else NULL */
	char *pattern; /* as it was written, for messages */
};

struct glob_set {
	struct glob *globs;
	size_t count, room;
};

typedef uint64_t glob_state;

void glob_set_init(struct glob_set *s);
void glob_set_release(struct glob_set *s);

/* Adds what the pattern unfolds to. 0, -ENOMEM, or -EINVAL with *ret_why a fixed text ("[ without ]"); on failure the
 * set is as before. */
int glob_set_add(struct glob_set *s, const char *pattern, size_t length, unsigned flags,
		 const char **ret_why);

/* True if any of them matches the path. */
bool glob_set_matches(const struct glob_set *s, const char *path);

/* The same for patterns that exclude: one without a slash is held against the path's last name. */
bool glob_set_excludes(const struct glob_set *s, const char *path);

bool glob_matches(const struct glob *g, const char *path);

/* The state before the first name, and at directory `path` ("/var/log", "."); 0: nothing in there can match. */
glob_state glob_first(const struct glob *g);
glob_state glob_at(const struct glob *g, const char *path);

/* The state after one more name. is_link: the name is a symbolic link that would have to be followed. */
glob_state glob_step(const struct glob *g, glob_state at, const char *name, bool is_link);

/* The whole pattern has matched. */
static inline bool glob_is_match(const struct glob *g, glob_state at)
{
	return at >> g->count & 1;
}

/* Something below may match. */
static inline bool glob_goes_on(const struct glob *g, glob_state at)
{
	return (at & ((UINT64_C(1) << g->count) - 1)) != 0;
}
