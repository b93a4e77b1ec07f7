/* writer.h - bytes one after the other into room that has an end; who writes looks at the end of it all whether there was
 * enough.
 *
 * Threads: the caller's. Memory: the caller's. Layer: stages. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct writer {
	uint8_t *at, *end;
	bool is_full; /* something did not fit, and nothing after it is written */
};

static inline bool writer_has_room(struct writer *w, size_t bytes)
{
	w->is_full |= bytes > (size_t)(w->end - w->at);
	return !w->is_full;
}

static inline void writer_put(struct writer *w, const void *bytes, size_t length)
{
	if (length == 0 || !writer_has_room(w, length))
		return;
	memcpy(w->at, bytes, length);
	w->at += length;
}

static inline void writer_put_byte(struct writer *w, uint8_t byte)
{
	if (writer_has_room(w, 1))
		*w->at++ = byte;
}
