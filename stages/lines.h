/* lines.h - finds where lines end: the first thing done to every byte that comes in.
 *
 * Threads: any. Memory: none. Layer: stages. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "stages/batch.h"

/* Writes one record for each complete line of bytes[from, to) until room is full: offsets from the start of bytes,
 * lengths without the newline. Returns how many were written; *ret_next is where the first line not returned begins
 * (== to when the region ends with a newline and there was room). Vectorised (AVX-512, AVX2, SSE2, chosen by the
 * machine at the first call). Offsets must fit in 32 bits. */
size_t lines_find(const uint8_t *bytes, size_t from, size_t to, uint8_t newline,
		  struct record *records, size_t room, size_t *ret_next);

/* The same for a delimiter of several bytes. */
size_t lines_find_delimited(const uint8_t *bytes, size_t from, size_t to,
			    const struct delimiter *delimiter, struct record *records, size_t room,
			    size_t *ret_next);
