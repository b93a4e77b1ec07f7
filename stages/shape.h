/* shape.h - what a part of a regular expression can match, as far as required.c knows.
 *
 *	/(users|orders)/    exact: strings {/users/, /orders/}
 *	users/\d+           not exact; best {users/}
 *	\d+                 not exact; nothing known
 *
 * Everything is bounded: what does not fit is not known.
 *
 * Threads: any. Memory: none beyond the structures, which are some KiB each. Layer: stages. */
#pragma once

#include "stages/required.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct string {
	uint8_t length;
	uint8_t bytes[REQUIRED_STRING_BYTES_MAX];
};

struct set {
	size_t count;
	struct string strings[REQUIRED_STRINGS_MAX];
};

struct shape {
	bool exact;
	struct set strings; /* exact: all that it matches */
	struct set best;    /* one of these is in it; count 0: not known */
	struct set second;  /* and one of these: less rare, and not implied by best */
};

extern const struct set set_of_empty; /* holds the empty string */

/* Adds, or does not when there is no room (false). */
bool set_add(struct set *s, const struct string *string);
bool set_add_all(struct set *s, const struct set *from);

/* Every string of s followed by every one of `next`; false, and s as it was, when that is too much. */
bool set_multiply(struct set *s, const struct set *next, struct set *scratch);

/* Takes out what need not be looked for because another string is within it. */
void set_reduce(struct set *s);

/* How much rarer in logs than once at every position, in sixteenths of a bit; 0: of no use. Of several strings the
 * least rare counts, each doubling of their number costs a bit, and that they are several, and so slower to find, two
 * more. */
unsigned set_rarity(const struct set *s);

void shape_unknown(struct shape *s);
void shape_string(struct shape *s, const struct string *string);

/* Matches nothing wide: an anchor, a lookaround. */
void shape_empty(struct shape *s);

/* One of the strings of `set` is in whatever s matches as well. */
void shape_require(struct shape *s, const struct set *set);
