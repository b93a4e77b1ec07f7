/* glob_name.h - the two halves of a path pattern that know nothing of paths: wildcards within one name, and braces.
 *
 * Threads: any. Memory: the caller's. Layer: libc only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Does name match the pattern: * ? [a-z] [!a-z] and \ before a character that stands for itself? ? takes one UTF-8
 * character. Time: at most the product of the two lengths. */
bool glob_name_matches(const char *pattern, const char *name);

/* NULL, or what is wrong with the pattern: a fixed text. */
const char *glob_name_check(const char *pattern);

/* True if it holds a wildcard. */
bool glob_name_is_wild(const char *pattern);

/* Takes the backslashes away, in place. */
void glob_name_unescape(char *pattern);

/* Unfolds the braces of a pattern, in order: "{a,b}{c,d}" calls each() with ac, ad, bc, bd. Braces may nest and may
 * hold slashes; an escaped brace or comma, or one in [], stands for itself. 0, what each() returned below 0, -ENOMEM,
 * or -EINVAL with *ret_why. */
int glob_unfold(const char *pattern, size_t length, int (*each)(const char *text, void *argument),
		void *argument, const char **ret_why);
