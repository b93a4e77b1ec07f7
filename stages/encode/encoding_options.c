/* encoding_options.c - what may be written under `encoding`, and which formats there are. */
#include "stages/encode/encode_format.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"raw", "json", "logfmt", "csv", "template", "syslog", NULL};

const struct encode_format *const encode_formats[ENCODING_FORMATS] = {
    [ENCODING_JSON] = &encode_json,     [ENCODING_LOGFMT] = &encode_logfmt,
    [ENCODING_CSV] = &encode_csv,       [ENCODING_TEMPLATE] = &encode_template,
    [ENCODING_SYSLOG] = &encode_syslog,
};

#define AT(member) offsetof(struct encoding_options, member)

#define SYSLOG_AT(member) offsetof(struct syslog_encoding, member)

static const char *const syslog_rfcs[] = {"rfc5424", "rfc3164", NULL};

static const struct option syslog_encoding_table[] = {
    {"rfc", OPTION_CHOICE, SYSLOG_AT(rfc), .preset = "rfc5424", .choices = syslog_rfcs,
     .doc = "How a message is written"},
    {"facility", OPTION_TEXT, SYSLOG_AT(facility), .preset = "user", .min = 1,
     .doc = "Of a record that has no field `facility`, by name or number"},
    {"severity", OPTION_TEXT, SYSLOG_AT(severity), .preset = "notice", .min = 1,
     .doc = "Of a record that has no field `severity`, likewise"},
    {"appname", OPTION_TEXT, SYSLOG_AT(appname), .preset = "sluice", .min = 1, .max = 48,
     .doc = "Of a record that has no field `appname`"},
    {0},
};

/* clang-format off */
#define ENCODING_ROWS(preset_format) \
    {"format", OPTION_CHOICE, AT(format), .preset = (preset_format), .choices = names, \
     .doc = "How a record is written; raw: as it was read; json: its fields as one object on one " \
	    "line; logfmt: key=value; csv: the values of `fields`; template: as `template` says; syslog: a message of RFC 5424 or 3164"}, \
    {"delimiter", OPTION_TEXT, AT(delimiter), .preset = "\"\\n\"", .min = 1, .max = DELIMITER_MAX, \
     .doc = "What follows each record, 1 to 8 bytes; unless it is raw, with a control character " \
	    "among them that no text holds"}, \
    {"fields", OPTION_TEXTS, AT(fields), .min = 1, \
     .doc = "Only these, in this order; csv: the columns"}, \
    {"template", OPTION_TEXT, AT(template), .min = 1, \
     .doc = "template: text with fields in it: {user.id}, {time:%F %T}, {msg|json}; {{ is a brace"}, \
    {"separator", OPTION_TEXT, AT(separator), .preset = "\",\"", .min = 1, .max = 1, \
     .doc = "csv: the character between values"}, \
    {"missing", OPTION_TEXT, AT(missing), .preset = "\"-\"", \
     .doc = "template: what stands for a field that a record does not have"}, \
    {"syslog", OPTION_GROUP, AT(syslog), .group = syslog_encoding_table, \
     .doc = "syslog: how a message is written, and what stands for fields that a record does not " \
	    "have"}, \
    {0}
/* clang-format on */

const struct option encoding_table[] = {ENCODING_ROWS("raw")};
const struct option encoding_syslog_preset_table[] = {ENCODING_ROWS("syslog")};

struct delimiter encoding_delimiter(const struct encoding_options *o)
{
	struct delimiter d = {.length = (uint8_t)o->delimiter.length};
	assert(o->delimiter.length >= 1 && o->delimiter.length <= DELIMITER_MAX);
	memcpy(d.bytes, o->delimiter.bytes, o->delimiter.length);
	return d;
}

/* Each byte of a name takes three at most, and each name quotes and what is between two. */
static size_t title_room(const struct encoding_options *o)
{
	enum { GROWTH = 3, AROUND = 3 };
	size_t room = o->delimiter.length;
	for (size_t i = 0; i < o->fields.count; i++)
		room += GROWTH * o->fields.items[i].length + AROUND;
	return room;
}

int encoding_title(const struct encoding_options *o, uint8_t **ret_bytes, size_t *ret_length)
{
	const struct encode_format *format = encode_formats[o->format];
	*ret_bytes = NULL;
	if (!format || !format->title)
		return 0;
	size_t room = title_room(o);
	uint8_t *bytes = malloc(room);
	if (!bytes)
		return -ENOMEM;
	struct writer w = {bytes, bytes + room, false};
	format->title(o, &w);
	writer_put(&w, o->delimiter.bytes, o->delimiter.length);
	assert(!w.is_full);
	*ret_bytes = bytes;
	*ret_length = (size_t)(w.at - bytes);
	return 0;
}

/* One that no text holds. */
static bool can_delimit(const struct text *delimiter)
{
	for (size_t i = 0; i < delimiter->length; i++) {
		char c = delimiter->bytes[i];
		if (c >= 0 && c < ' ' && c != '\t' && c != '\r')
			return true;
	}
	return false;
}

static bool writes_listed_fields(uint64_t format)
{
	return format == ENCODING_JSON || format == ENCODING_LOGFMT || format == ENCODING_CSV;
}

void encoding_check(const struct encoding_options *o, struct place at, struct problems *problems)
{
	const struct encode_format *format = encode_formats[o->format];
	if (o->fields.count > 0 && !writes_listed_fields(o->format))
		problem_add(problems, o->fields.items[0].at,
			    "`fields` says nothing to `format: %s`; it is for json, logfmt and csv",
			    names[o->format]);
	if (o->template.bytes && o->format != ENCODING_TEMPLATE)
		problem_add(problems, o->template.at,
			    "`template` says nothing to `format: %s`; write `format: template`",
			    names[o->format]);
	if (!format)
		return;
	if (o->delimiter.bytes && !can_delimit(&o->delimiter))
		problem_add(
		    problems, o->delimiter.at,
		    "`delimiter` may be in a record's text, so that nobody could tell where "
		    "it ends; have a control character in it that is neither tab nor "
		    "carriage return");
	if (format->check)
		format->check(o, at, problems);
}

void encoding_or_delimiter_check(const struct encoding_or_delimiter *o, struct place at,
				 struct problems *problems)
{
	if (o->delimiter.bytes && o->encoding_given)
		problem_add(problems, o->delimiter.at,
			    "`delimiter` beside `encoding`; write it there, `encoding: {delimiter: "
			    "...}`");
	encoding_check(&o->encoding, at, problems);
}

struct delimiter encoding_or_delimiter_of(const struct encoding_or_delimiter *o)
{
	struct delimiter d = {.length = (uint8_t)o->delimiter.length};
	if (!o->delimiter.bytes)
		return encoding_delimiter(&o->encoding);
	memcpy(d.bytes, o->delimiter.bytes, o->delimiter.length);
	return d;
}
