/* receiver_said.h - what http_receiver says on a connection, and how it misbehaves there.
 * Threads: one. Memory: free() of bytes.at. Layer: tests, libc, zlib. */
#pragma once

#include "tests/e2e/receiver/receiver_bytes.h"

#include <stdbool.h>

struct said {
	struct bytes bytes;
	const char *endless; /* what it goes on saying; NULL: nothing */
	bool is_closing;     /* when all of it is sent */
};

/* headers: lines, each with its end. */
void said_answer(struct said *s, unsigned status, const char *headers, const char *body,
		 size_t length);
void said_chunked(struct said *s, const char *body, size_t length);
/* retry_after: NULL: none. */
void said_status(struct said *s, unsigned status, const char *retry_after);
/* how: as the option `answer` has it. False: normal, and nothing was said. */
bool said_oddly(struct said *s, const char *how);
