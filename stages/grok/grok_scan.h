/* grok_scan.h - which parts of a text are references, and which are regular expression.
 *
 * Threads: any. Memory: none. Layer: stages, libc only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct grok_scan {
	const char *at, *end;
};

/* A part of the text: either regular expression, or the reference %{name:field:type}. */
struct grok_part {
	const char *bytes;
	size_t length;
	bool is_reference;
	/* Of a reference; field and type are NULL where there is none. */
	const char *name, *field, *type;
	size_t name_length, field_length, type_length;
};

/* False at the end of the text. A reference without its `}` is one up to the end, without a name. */
bool grok_scan_next(struct grok_scan *s, struct grok_part *ret_part);
