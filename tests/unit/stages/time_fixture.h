/* time_fixture.h - times for tests: formats and zones from the text that a topology would have, moments as seconds.
 *
 * Threads: the test's. Memory: zones are the caller's. */
#pragma once

#include "stages/time/time_parse.h"
#include "stages/time/time_write.h"

/* Fails the test if it does not compile. */
struct time_format time_format_of(const char *text, enum time_use use);

/* Nanoseconds; TIME_WRONG, TIME_FAR: -EINVAL, -ERANGE. */
#define TIME_WRONG (INT64_MIN + 1)
#define TIME_FAR (INT64_MIN + 2)
#define TIME_NOW (INT64_C(1711843200) * SECOND_NS) /* 2024-03-31T00:00:00Z */
int64_t time_read(const char *format, const struct zone *z, const char *text);
int64_t time_read_at(const char *format, const struct zone *z, const char *text, int64_t now_ns);

/* With a NUL behind it, until the next one. */
const char *time_text(const char *format, const struct zone *z, int64_t ns);

/* A file of the machine's zones; false: there is none of that name. */
bool time_zone_file(const char *name, struct zone *ret_zone);

/* A file with changes at those seconds to those offsets (from `before_s`), and that rule; its length. */
struct tzif_change {
	int64_t utc_s;
	int32_t offset_s;
};
enum { TZIF_ROOM = 4096 };
size_t tzif_make(uint8_t to[static TZIF_ROOM], int32_t before_s, const struct tzif_change *changes,
		 size_t count, const char *rule);
