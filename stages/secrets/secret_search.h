/* secret_search.h - all secrets of a text, of several kinds and patterns, one after the other from the front.
 *
 *	text      to ann@10.1.2.3.example.com, card ...
 *	email        ^^^^^^^^^^^^^^^^^^^^^^^^
 *	ipv4                                           none: five numbers are no address
 *	found        one, of the kind that begins first; what lies across it is in it
 *
 * Threads: one. Memory: secret_search_release(). Layer: stages. */
#pragma once

#include "stages/secrets/secret_pattern.h"

enum { SECRET_PATTERNS_MAX = 64 };

struct secret_found {
	size_t from, to;
	unsigned which; /* a kind's number; SECRET_KINDS and beyond: a pattern */
};

/* What one kind or pattern has found next. */
struct secret_head {
	unsigned which;
	struct secret_span span;
};

struct secret_search {
	bool kinds[SECRET_KINDS]; /* to be looked for; set before the first text */
	struct secret_pattern *patterns;
	unsigned pattern_count;
	/* The text at hand, and those that have something in it yet. */
	const uint8_t *text;
	size_t length;
	struct secret_head heads[SECRET_KINDS + SECRET_PATTERNS_MAX];
	unsigned head_count;
};

void secret_search_release(struct secret_search *s);

/* 0; -ENOMEM; -EINVAL and -E2BIG as secret_pattern_init(). */
int secret_search_add_pattern(struct secret_search *s, const char *pattern, size_t length,
			      struct regex_error *ret_error);

/* False: for sure none of what is looked for is in the text, nor in any part of it. */
bool secret_search_may_find(const struct secret_search *s, const uint8_t *text, size_t length);

/* Goes to the front of a text, which has to stay while it is searched. 0: there is none in it; 1: there are some; or as secret_pattern_next(). */
int secret_search_begin(struct secret_search *s, const uint8_t *text, size_t length);

/* 1; 0: there are no more; or as secret_pattern_next(). */
int secret_search_next(struct secret_search *s, struct secret_found *ret);
