/* watermark.h - how far time has come by what records say, and which windows that closes.
 *
 *   | window | window | window |      windows follow one another from 1970 on
 *                ^        ^
 *                |        seen: the latest time of a record, no later than when that was read
 *                seen - grace, the watermark: windows that end no later are closed
 *
 * Threads: the owner's. Memory: none. Layer: stages. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct watermark {
	uint64_t window_ns, grace_ns;
	bool has_seen;
	int64_t seen_ns;
};

/* A record's time; read_ns: when it was read. */
void watermark_advance(struct watermark *w, int64_t time_ns, int64_t read_ns);

/* There is no time that a record has said. */
static inline void watermark_begin_anew(struct watermark *w)
{
	w->has_seen = false;
}

/* Where it is, once there is a time. */
int64_t watermark_ns(const struct watermark *w);

/* Windows that begin no later are closed. */
int64_t watermark_closed_ns(const struct watermark *w);

/* Where the window of a time begins. False: it has no beginning, or no end, that can be said. */
bool watermark_window(const struct watermark *w, int64_t time_ns, int64_t *ret_start_ns);
