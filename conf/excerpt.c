#include "conf/excerpt.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN_BYTES_MAX = 80 };

static bool continues_character(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

struct excerpt excerpt_of(const char *bytes, size_t length, bool secret)
{
	struct excerpt e = {.text = ""};
	size_t end = 0, i = 0;

	if (secret)
		return (struct excerpt){SECRET_SHOWN};
	while (i < length && end < SHOWN_BYTES_MAX) {
		unsigned char c = (unsigned char)bytes[i++];
		if (c < 0x20 || c == 0x7f)
			end += (size_t)snprintf(e.text + end, sizeof(e.text) - end, "\\x%02x", c);
		else
			e.text[end++] = (char)c;
	}
	if (i == length)
		return e;
	/* The character that straddles the cut goes with what follows it. */
	if (continues_character(bytes[i])) {
		while (end && continues_character(e.text[end - 1]))
			end--;
		end -= end ? 1 : 0;
	}
	memcpy(e.text + end, "...", sizeof("..."));
	return e;
}
