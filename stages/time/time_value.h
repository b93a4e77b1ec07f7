/* time_value.h - the moment that a field of a record says, whatever type it has.
 *
 *	STRING           its text, with JSON's escapes (10\/Oct\/2000) taken out
 *	INT UINT DOUBLE  the number as it was written, or in decimal: for unix, unix_ms, ..., but also %Y%m%d
 *	TIMESTAMP        itself
 *
 * Threads: as time_parse(). Memory: none. Layer: stages. */
#pragma once

#include "stages/time/time_parse.h"
#include "stages/value.h"

/* NULL; or why there is none, static, for failures_add(): "no such field", "not a time", "time out of range". */
const char *time_of_value(const struct time_format *f, const struct zone *z,
			  struct time_cache *cache, int64_t now_ns, const struct value *v,
			  int64_t *ret_ns);
