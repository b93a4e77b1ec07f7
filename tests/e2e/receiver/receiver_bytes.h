/* receiver_bytes.h - bytes that grow.
 * Threads: one. Memory: free() of `at`; without any the program ends. Layer: tests, libc only. */
#pragma once

#include <stddef.h>

struct bytes {
	char *at;
	size_t length, room;
};

/* Says what went wrong, and ends. */
void __attribute__((noreturn)) receiver_fail(const char *what);

void bytes_append(struct bytes *b, const void *from, size_t length);
void bytes_append_text(struct bytes *b, const char *text);
