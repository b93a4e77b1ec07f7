/* framing_options.h - the options of every source that cuts a stream of bytes into records.
 * Layer: stages. */
#pragma once

#include "conf/option.h"
#include "stages/framer.h"

struct framing_options {
	uint64_t max_line;
	uint64_t on_long_line; /* enum long_line */
	struct text delimiter;
};

#define FRAMING_LINE_MAX (UINT64_C(1) << 30)

/* Rows for the option table of a struct that has a struct framing_options at offset `base`. */
/* clang-format off */
#define FRAMING_OPTION_ROWS(base)                                                                  \
	{"max_line", OPTION_SIZE, (base) + offsetof(struct framing_options, max_line),             \
	 .preset = "1MiB", .min = 1, .max = FRAMING_LINE_MAX,                                      \
	 .doc = "Longest line, its delimiter not counted; longer ones are handled as "             \
		"`on_long_line` says"},                                                            \
	{"on_long_line", OPTION_CHOICE, (base) + offsetof(struct framing_options, on_long_line),   \
	 .preset = "truncate", .choices = long_line_choices,                                       \
	 .doc = "What becomes of a line longer than `max_line`: its beginning is kept, it is "     \
		"dropped, or it is split into several records"},                                   \
	{"delimiter", OPTION_TEXT, (base) + offsetof(struct framing_options, delimiter),           \
	 .preset = "\"\\n\"", .min = 1, .max = DELIMITER_MAX,                                      \
	 .doc = "Bytes that end a record, 1 to 8 of them"}
/* clang-format on */

struct framing framing_from_options(const struct framing_options *o, const struct stage *s);

/* What the buffers of such a source's home must hold. multiline: NULL if each line is a record. */
size_t framing_buffer_capacity(const struct framing_options *o,
			       const struct multiline_options *multiline);
