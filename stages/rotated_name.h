/* rotated_name.h - what a finished output file is renamed to: the moment goes before everything that looks like an
 * extension.
 *
 *   archive.ndjson.zst -> archive.20261121T101500Z.ndjson.zst
 *                         archive.20261121T101500Z_001.ndjson.zst    the second one in that second
 *                         archive.20261121T101500Z_999_001000.ndjson.zst    the thousand and first
 *
 * Sorted by name, byte by byte (LC_ALL=C), they are in the order of time: `_` sorts after `.`, and there are at most
 * ROTATED_NUMBER_MAX more in one second.
 *
 * Threads: any. Memory: the caller's. Layer: stages. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ROTATED_NUMBER_MAX = 999999 };

/* Writes the name, and a NUL, to out: path with the second of wall_ns (since 1970, UTC) in its last component, and
 * number (0 to ROTATED_NUMBER_MAX) if it is not 0. 0 or -ENAMETOOLONG. */
int rotated_name(const char *path, int64_t wall_ns, unsigned number, char *out, size_t room);

/* The other way round: the path that rotated_name() made `name` of, with a NUL, to out, and the second that is in the name
 * (since 1970). False: it cannot have made that. */
bool rotated_name_original(const char *name, char *out, size_t room, int64_t *ret_wall_ns);
