/* grok_fixture.h - a grok pattern, expanded and compiled, and what it finds.
 *
 * Threads: one. Memory: grok_trial_release(). Layer: tests. */
#pragma once

#include "stages/grok/grok.h"
#include "stages/regex.h"

#include <stdbool.h>

enum { GROK_TRIAL_SLOTS = 64 };

struct grok_trial {
	struct grok grok;
	struct regex regex;
	struct regex_span spans[GROK_TRIAL_SLOTS]; /* by name of the regex */
};

/* What does not expand or compile fails the test. */
void grok_trial(struct grok_trial *t, const struct grok_wish *wish);
void grok_trial_of(struct grok_trial *t, const char *text);
void grok_trial_release(struct grok_trial *t);

/* As regex_capture(). */
int grok_trial_match(struct grok_trial *t, const char *line);

/* Fills in the field's text; false: it took no part. */
bool grok_trial_field(const struct grok_trial *t, const char *field, struct regex_span *ret_span);

/* That it is `expected`; NULL: that it took no part. */
void grok_trial_expect(const struct grok_trial *t, const char *field, const char *expected);
