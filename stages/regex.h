/* regex.h - one PCRE2 pattern, compiled for matching records.
 *
 * A pattern sees bytes; it sees characters (UTF) only if it says anything that is not ASCII, names a property (\p), a
 * code point (\x{2026}) or (*UTF): then bytes of a record that are not valid UTF-8 match nothing. `^` and `$` are the
 * bounds of what is searched, `.` excludes the newline.
 *
 * Threads: one; each instance of a stage compiles its own. Memory: the compiled pattern, its machine code and a stack
 * for it of at most REGEX_STACK_BYTES, until regex_release(). Layer: stages; needs PCRE2. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	REGEX_STACK_BYTES = 512 * 1024,
	REGEX_STEPS_MAX =
	    1000000, /* backtracking steps in one search; a pattern may only lower it */
	REGEX_MESSAGE_BYTES = 160,
};

struct regex {
	void *code, *match, *context, *stack; /* pcre2_*_8 */
};

struct regex_error {
	char message[REGEX_MESSAGE_BYTES]; /* PCRE2's */
	size_t offset;                     /* into the pattern, in bytes */
};

/* Compiles, to machine code where the system allows it. 0, -ENOMEM, or -EINVAL with *ret_error filled in. */
int regex_init(struct regex *r, const char *pattern, size_t length, struct regex_error *ret_error);
void regex_release(struct regex *r);

/* Only says whether the pattern compiles. 0, -ENOMEM, or -EINVAL with *ret_error filled in. */
int regex_check(const char *pattern, size_t length, struct regex_error *ret_error);

/* 1 if it matches somewhere in bytes, 0 if not, -ELOOP when it gave up at REGEX_STEPS_MAX or out of stack, -EIO on any
 * other error of PCRE2's. */
int regex_matches(const struct regex *r, const uint8_t *bytes, size_t length);
