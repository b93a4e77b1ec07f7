#include "tests/e2e/receiver/receiver_bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void receiver_fail(const char *what)
{
	perror(what);
	exit(1);
}

void bytes_append(struct bytes *b, const void *from, size_t length)
{
	if (b->length + length > b->room) {
		b->room = 2 * (b->length + length);
		b->at = realloc(b->at, b->room);
		if (!b->at)
			receiver_fail("memory");
	}
	if (length > 0)
		memcpy(b->at + b->length, from, length);
	b->length += length;
}

void bytes_append_text(struct bytes *b, const char *text)
{
	bytes_append(b, text, strlen(text));
}
