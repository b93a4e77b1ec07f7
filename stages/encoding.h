/* encoding.h - how a sink's records are written: its option group `encoding`, and the stage that does it.
 *
 *   parse ── filter ── [out.encoding] ══queue══ out         a transform that stands before each sink whose `encoding` is not raw,
 *                      structured -> text                    fused into what feeds it; the sink writes what bodies it gets
 *
 * What a format writes holds no control character but tab and carriage return, and of those only JSON has any, between its
 * tokens; a delimiter holds another one. So whatever is in a record, it ends where the next one begins.
 *
 * Threads: any; all of it is const. Memory: the topology's. Layer: stages. */
#pragma once

#include "conf/schema.h"
#include "stages/batch.h"

enum encoding_format {
	ENCODING_RAW,
	ENCODING_JSON,
	ENCODING_LOGFMT,
	ENCODING_CSV,
	ENCODING_TEMPLATE,
	ENCODING_SYSLOG,
	ENCODING_FORMATS,
};

struct encoding_options {
	uint64_t format; /* enum encoding_format */
	struct text delimiter;
	struct text_list fields;
	struct text template;
	struct text separator, missing;
	struct syslog_encoding {
		uint64_t rfc; /* 0: 5424; 1: 3164 */
		struct text facility, severity, appname;
	} syslog;
};

/* For the option table of a sink whose options have a struct encoding_options. */
extern const struct option encoding_table[];
/* The same, with `format: syslog` unless it is said otherwise. */
extern const struct option encoding_syslog_preset_table[];

/* What is wrong with options that do not go together. at: of the sink, where nothing nearer is known. */
void encoding_check(const struct encoding_options *o, struct place at, struct problems *problems);

struct delimiter encoding_delimiter(const struct encoding_options *o);

/* Of sinks that take a `delimiter` where no `encoding` says one. */
struct encoding_or_delimiter {
	struct text delimiter;
	struct encoding_options encoding;
	bool encoding_given;
};

/* Rows for the option table of a struct that has one at offset `base`. csv: when the columns' names are written. */
/* clang-format off */
#define ENCODING_OR_DELIMITER_ROWS(base, csv)                                                      \
	{"delimiter", OPTION_TEXT, (base) + offsetof(struct encoding_or_delimiter, delimiter),     \
	 .min = 1, .max = DELIMITER_MAX,                                                           \
	 .doc = "What follows each record, 1 to 8 bytes; by default a newline, or what `encoding` " \
		"says"},                                                                           \
	{"encoding", OPTION_GROUP, (base) + offsetof(struct encoding_or_delimiter, encoding),      \
	 .group = encoding_table,                                                                  \
	 .given_offset = (base) + offsetof(struct encoding_or_delimiter, encoding_given),          \
	 .doc = "How records are written; csv: with the columns' names " csv}
/* clang-format on */

void encoding_or_delimiter_check(const struct encoding_or_delimiter *o, struct place at,
				 struct problems *problems);
struct delimiter encoding_or_delimiter_of(const struct encoding_or_delimiter *o);

/* What stands once before all records, with a delimiter: the columns' names in CSV. 0, and the caller's (free()), or NULL where nothing
 * does; or -ENOMEM. */
int encoding_title(const struct encoding_options *o, uint8_t **ret_bytes, size_t *ret_length);

/* What stage_schema.companion returns for it. */
const struct stage_schema *encoding_companion(const struct encoding_options *o,
					      const void **ret_options);
