/* cel_fixture.h - expressions over one record, and what they give as text: tables of {expression, result}.
 *
 *   7   7u   2.5d   "text"   b:00ff   true   null   time:SECONDS.NANOSECONDS   span:NANOSECONDS   [1]   !the error
 *
 * The record's fields are in cel_fixture.c. Layer: tests. */
#pragma once

#include "stages/cel/cel.h"

#include <stddef.h>

struct cel_case {
	const char *expression, *result;
};

/* Fails the test with each case whose result is another. */
void cel_expect_all(const struct cel_case *cases, size_t count);
#define CEL_EXPECT(cases) cel_expect_all(cases, sizeof(cases) / sizeof *(cases))

struct cel_refusal {
	const char *expression;
	size_t offset;
	const char *message;
};

/* The same for what must not compile. */
void cel_expect_refused(const struct cel_refusal *cases, size_t count);
#define CEL_REFUSED(cases) cel_expect_refused(cases, sizeof(cases) / sizeof *(cases))

const struct cel_names *cel_fixture_names(void);
const struct value *const *cel_fixture_columns(void);

/* v as text, which lives until the next call. */
const char *cel_shown(const struct value *v);
