/* reserved.h - words that users of later versions will type, so that who reads about one and tries it here isn't sent
 * looking for a typing mistake.
 *
 * Threads: any. Memory: none. Layer: libc only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* True for a key that the documentation names for a later version. Ask only about keys that are unknown here. */
bool reserved_word(const char *key, size_t length);
