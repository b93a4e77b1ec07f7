/* regex.h - one PCRE2 pattern, compiled for matching records.
 *
 * A pattern sees bytes; it sees characters (UTF) only if it says anything that is not ASCII, names a property (\p), a
 * code point (\x{2026}) or (*UTF): then bytes of a record that are not valid UTF-8 match nothing. `^` and `$` are the
 * bounds of what is searched, `.` excludes the newline.
 *
 * A parser also asks which bytes the named groups matched:
 *
 *	regex_compile()     the pattern; its names can be told: regex_name()
 *	regex_want()        for each name that somebody wants, where its span goes
 *	regex_prepare()     machine code, and room for the spans
 *	regex_capture()     one record
 *
 * Threads: one; each instance of a stage compiles its own. Memory: the compiled pattern, its machine code and a stack
 * for it of at most REGEX_STACK_BYTES, until regex_release(). Layer: stages; needs PCRE2. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	REGEX_STACK_BYTES = 512 * 1024,
	/* Backtracking steps from any one byte at which a search is tried; a pattern may only lower it. A step may go over all of a record:
	 * of a long one there are fewer, so that steps times its length are no more than 2^REGEX_WALKED_BITS, a second or two. */
	REGEX_STEPS_MAX = 1000000,
	REGEX_WALKED_BITS = 34,
	/* Up to here a record is searched from every byte of it. Of a longer one regex_capture() tries only so many bytes from
	 * the front that, times its length, they are the square of this: a pattern that walks to the end from each of them takes
	 * seconds, not minutes. One that begins with `^` is tried once in any case. */
	REGEX_SEARCHED_WHOLE_BYTES = 64 * 1024,
	REGEX_MESSAGE_BYTES = 160,
};

/* How a pattern is read, beside what it says itself; may be joined by |. */
enum regex_syntax {
	REGEX_PLAIN = 0,
	REGEX_NAMED_ONLY = 1, /* parentheses without a name do not capture: (?n) */
	REGEX_SAME_NAMES = 2, /* several groups may have one name: (?J) */
};

struct regex_wanted;

struct regex {
	void *code, *match, *context, *stack; /* pcre2_*_8 */
	struct regex_wanted *wanted;
	unsigned wanted_count;
	bool calls_itself; /* a part of the pattern stands for another */
};

struct regex_name {
	const char *name; /* lives as long as the regex */
	size_t length;
	unsigned group;
};

/* What a group matched. */
struct regex_span {
	const uint8_t *bytes; /* NULL: it took no part */
	size_t length;
};

struct regex_error {
	char message[REGEX_MESSAGE_BYTES]; /* PCRE2's */
	size_t offset;                     /* into the pattern, in bytes */
};

/* Compiles, to machine code where the system allows it. 0, -ENOMEM, or -EINVAL with *ret_error filled in. */
int regex_init(struct regex *r, const char *pattern, size_t length, struct regex_error *ret_error);
void regex_release(struct regex *r);

/* The two halves of regex_init(). syntax: enum regex_syntax. Likewise; on failure of the second one, too, all is released. */
int regex_compile(struct regex *r, const char *pattern, size_t length, unsigned syntax,
		  struct regex_error *ret_error);
int regex_prepare(struct regex *r);

/* Its named groups, in the order of the names; of one name, in that of the pattern. */
unsigned regex_name_count(const struct regex *r);
struct regex_name regex_name(const struct regex *r, unsigned i);

/* What the group of that name matches is to be put into spans[slot]: of several the first that took part. Before
 * regex_prepare(). 0, -ENOENT: no group has that name; -ENOMEM. */
int regex_want(struct regex *r, const char *name, size_t length, unsigned slot);

/* Only says whether the pattern compiles. 0, -ENOMEM, or -EINVAL with *ret_error filled in. */
int regex_check(const char *pattern, size_t length, struct regex_error *ret_error);

/* 1 if it matches somewhere in bytes, 0 if not, -ELOOP when it gave up at REGEX_STEPS_MAX or out of stack, -EIO on any
 * other error of PCRE2's. */
int regex_matches(const struct regex *r, const uint8_t *bytes, size_t length);

/* Likewise, but -ELOOP also if it does not match from the bytes that are tried of a long record. When it matches, the slots
 * that were wanted, and no others, are filled in. */
int regex_capture(const struct regex *r, const uint8_t *bytes, size_t length,
		  struct regex_span *spans);
