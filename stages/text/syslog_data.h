/* syslog_data.h - STRUCTURED-DATA of RFC 5424, piece by piece.
 *
 *	[exampleSDID@32473 iut="3" eventSource="App"][origin ip="192.0.2.1"]
 *	 element           param   param              element param
 *
 *	struct syslog_data d = syslog_data_from(bytes, length);
 *	while ((r = syslog_data_next(&d, &piece)) > 0) ...
 *
 * Of a value in quotes only \" \\ and \] are escapes; a backslash before anything else is a backslash. A `]` that should have
 * one and has none is taken as it is.
 *
 * Threads: any. Memory: none; pieces point into the text. Layer: stages, libc only. */
#pragma once

#include "stages/text/text_span.h"

#include <stdbool.h>
#include <stddef.h>

struct syslog_data {
	const uint8_t *at, *end;
	bool within; /* an element */
};

struct syslog_piece {
	bool is_element;        /* if not, it is a parameter of the last one */
	bool escaped;           /* there are backslashes in the value */
	struct text_span name;  /* SD-ID or PARAM-NAME, never empty */
	struct text_span value; /* what stands between the quotes */
};

static inline struct syslog_data syslog_data_from(const uint8_t *bytes, size_t length)
{
	return (struct syslog_data){.at = bytes, .end = bytes + length};
}

/* 1: a piece; 0: no more elements follow, d->at is behind the last; -EBADMSG: it breaks off or is none. */
int syslog_data_next(struct syslog_data *d, struct syslog_piece *ret_piece);

/* Writes what an escaped value stands for, never more bytes than it has; returns how many. */
size_t syslog_data_unescape(uint8_t *to, struct text_span value);
