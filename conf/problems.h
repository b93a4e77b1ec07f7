/* problems.h - everything that is wrong with a topology, gathered so that it can be told in one go.
 *
 * Each problem prints as `file:line:column: what is wrong; what would be right`. Among them there may be warnings, also
 * when all went well.
 * Threads: one. Memory: owns its texts and the files' names, until problems_release(). Layer: libc only. */
#pragma once

#include "conf/place.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct problem {
	struct place at;
	char *text;
	bool warning; /* nothing to refuse the topology for */
};

struct problems {
	struct problem *list;
	size_t count, room;
	size_t warnings; /* of those listed */
	size_t unlisted; /* found when there was no memory left to note them */
};

void problems_init(struct problems *p);
void problems_release(struct problems *p);

/* Adds one; the place's file name is copied. If memory runs out the problem is still counted: with a fixed text, or
 * without a place in the list. */
void problem_add(struct problems *p, struct place at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for what is worth a look, but wrong only perhaps; printed as `...: warning: ...`. */
void problem_warn(struct problems *p, struct place at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* How many were added, listed or not, warnings left out. To see whether a check found any: compare before and after. */
size_t problems_total(const struct problems *p);

/* Brings the list into the order of file, line and column, and drops repetitions: an alias used three times brings
 * its mistake three times. */
void problems_sort(struct problems *p);

/* Sorts, then writes one line each. Control characters are written as \xNN: texts quote what files hold. */
void problems_print(struct problems *p, FILE *to);

/* Of the results of two steps that both were taken, the one to go on with. Everywhere in conf: 0; -EINVAL, with
 * problems added, and what is left may still be checked; -ENOMEM, stop, whoever owns the arena tells. */
int result_worse(int a, int b);
