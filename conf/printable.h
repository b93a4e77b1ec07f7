/* printable.h - which bytes may be shown as they are: whole characters of UTF-8 that are not controls.
 *
 * Threads: any. Memory: none. Layer: libc only. */
#pragma once

#include <stddef.h>

/* How many bytes the character takes that begins there, 1 to 4; 0: the first byte is no such beginning, or begins a
 * control character (C0, DEL, or C1: some terminals obey these too), and is to be escaped by itself. length >= 1. */
size_t printable_length(const char *bytes, size_t length);
