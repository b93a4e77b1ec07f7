/* secret_pattern.h - a PCRE2 pattern of the user's own that says what is secret: what it matches; or, where it has groups, what
 * those that took part have matched, and nothing around them.
 *
 *	password=(\S+)         password=hunter2      only hunter2
 *
 * It goes over a text match by match, with regex.h's limits for each search.
 *
 * Threads: one. Memory: regex.h's, secret_pattern_release(). Layer: stages; needs PCRE2. */
#pragma once

#include "stages/regex.h"
#include "stages/secrets/secret.h"

enum { SECRET_GROUPS_MAX = 16 };

struct secret_pattern {
	struct regex regex;
	void *match; /* pcre2_match_data_8, with room for the groups */
	unsigned groups;
	bool sees_characters; /* not bytes: regex.h */
	/* The text at hand: where it is searched on, what was told last, and what the last match has beside. */
	size_t at, covered_from, covered_to;
	struct secret_span spans[SECRET_GROUPS_MAX];
	unsigned count, next;
};

/* 0, -ENOMEM, -EINVAL with *ret_error filled in (it does not compile), -E2BIG: too many groups. secret_pattern_release() in any
 * case. */
int secret_pattern_init(struct secret_pattern *p, const char *pattern, size_t length,
			struct regex_error *ret_error);
void secret_pattern_release(struct secret_pattern *p);

void secret_pattern_begin(struct secret_pattern *p);

/* 1: the next one, which begins behind the one before; 0: there is none; -ELOOP: the pattern gave up; -EIO: PCRE2 failed, or a
 * match lies before what was told already (a group in a lookbehind may). */
int secret_pattern_next(struct secret_pattern *p, const uint8_t *text, size_t length,
			struct secret_span *ret);
