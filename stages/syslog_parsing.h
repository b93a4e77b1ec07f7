/* syslog_parsing.h - the options of parse_syslog, which a source of syslog has, too, for the one that stands behind it.
 *
 *   sources: in: {type: syslog}        in ──► [in.parsing] ──► whoever names `in`
 *
 * Threads: any; all of it is const. Memory: the topology's. Layer: stages. */
#pragma once

#include "conf/schema.h"
#include "stages/parser.h"

struct syslog_parsing_options {
	struct parser_options common;
	uint64_t format; /* enum syslog_format */
	struct text zone;
};

extern const char *const syslog_formats[];

/* clang-format off */
#define SYSLOG_PARSING_ROWS(base)                                                                  \
	{"format", OPTION_CHOICE, (base) + offsetof(struct syslog_parsing_options, format),        \
	 .preset = "auto", .choices = syslog_formats,                                              \
	 .doc = "Which messages are expected; `auto`: rfc5424 where a version stands behind the "  \
		"priority"},                                                                       \
	{"zone", OPTION_TEXT, (base) + offsetof(struct syslog_parsing_options, zone),              \
	 .preset = "UTC", .min = 1,                                                                \
	 .doc = "The time zone of timestamps that say no offset to UTC, unless `time` says "       \
		"another: UTC, local, an offset such as +02:00, or a name such as Europe/Berlin"}
/* clang-format on */

/* What stage_schema.companion returns of a source. */
const struct stage_schema *syslog_parsing_companion(const struct syslog_parsing_options *o,
						    const void **ret_options);
