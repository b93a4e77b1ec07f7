/* time_reader.h - `time:` of a parser: which field says when a record was made, and how.
 *
 *	time: {field: ts, format: "%Y-%m-%d %H:%M:%S", zone: Europe/Berlin}      time: ts
 *
 *	time_options_check()    the topology is checked (the schema's `check`; the stage's `zone` hook gives o->zone)
 *	time_reader_open()      a worker begins
 *	time_reader_read()      a value of the field, to the moment
 *
 * Threads: the stage's. Memory: time_reader_close(). Layer: stages. */
#pragma once

#include "stages/stage.h"
#include "stages/time/time_value.h"

struct time_options {
	struct text field; /* bytes NULL: `time` is not given, nothing is read */
	struct text format;
	struct text zone;
};

/* The group's table. In that of the stage:
 *	{"time", OPTION_GROUP, offsetof(struct my_options, time), .group = time_option_table, .doc = "..."} */
extern const struct option time_option_table[];

/* The mistakes of its format, at their places. Whether there is such a zone is found by the stage's `zone` hook. */
void time_options_check(const struct time_options *o, struct problems *problems);

struct time_reader {
	struct time_format format;
	struct zone zone;
	struct time_cache cache;
};

/* 0, or -errno, having said why; time_reader_close() in either case. Of a reader that is all zero, and options whose check found
 * nothing. */
int time_reader_open(struct time_reader *r, struct stage *s, const struct time_options *o);
void time_reader_close(struct time_reader *r);

/* now_ns: when the record was read. NULL, or why the value is none (static), for failures_add(). */
static inline const char *time_reader_read(struct time_reader *r, int64_t now_ns,
					   const struct value *v, int64_t *ret_ns)
{
	return time_of_value(&r->format, &r->zone, &r->cache, now_ns, v, ret_ns);
}
