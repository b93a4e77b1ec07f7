/* encode_syslog.c - records as messages of syslog, from the fields that parse_syslog finds, or what stands in for them.
 *
 *	<165>1 2003-10-11T22:14:15.003Z host app 42 ID47 - text        RFC 5424
 *	<165>Oct 11 22:14:15 host app[42]: text                        RFC 3164; the time in UTC
 *
 *   facility, severity   names or numbers, else facility_code, severity_code, else what `syslog` says
 *   hostname, appname, procid, msgid     what is no printable ASCII is `_`
 *   message              else the record itself; a control character but a tab is #ooo, in octal
 *   time                 the record's, else when it was read
 *
 * Structured data is not written. */
#include "stages/encode/encode_format.h"
#include "stages/encode/value_text.h"
#include "stages/known.h"
#include "stages/text/syslog_scan.h"
#include "stages/time/time_write.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum part {
	FACILITY,
	SEVERITY,
	FACILITY_CODE,
	SEVERITY_CODE,
	HOSTNAME,
	APPNAME,
	PROCID,
	MSGID,
	MESSAGE,
	PARTS,
};

static const char *const part_names[PARTS] = {
    "facility", "severity", "facility_code", "severity_code", "hostname",
    "appname",  "procid",   "msgid",         "message",
};

enum { FACILITIES = 24, SEVERITIES = 8, HOST_MAX = 255, APP_MAX = 48, PROC_MAX = 128, ID_MAX = 32 };

struct syslog_state {
	const struct encoding_options *options;
	unsigned columns[PARTS];
	const struct value *values[PARTS]; /* by row */
	const struct value *times;
	int facility, severity;
};

/* ---- numbers and names ---- */

static const char *facility_name(int i)
{
	return syslog_facility(8 * i);
}

/* -1: it is none of them. */
static int find_code(const char *text, size_t length, const char *(*name_of)(int), int count)
{
	int number = 0;
	for (int i = 0; i < count; i++)
		if (strlen(name_of(i)) == length && memcmp(name_of(i), text, length) == 0)
			return i;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9' || number >= count)
			return -1;
		number = 10 * number + text[i] - '0';
	}
	return length > 0 && number < count ? number : -1;
}

static int code_of(const struct value *name, const struct value *code, struct scratch scratch,
		   const char *(*name_of)(int), int count, int otherwise)
{
	struct text_span text;
	int found = -1;
	if (value_text(name, scratch, &text) == 0)
		found = find_code((const char *)text.bytes, text.length, name_of, count);
	if (found < 0 && value_text(code, scratch, &text) == 0)
		found = find_code((const char *)text.bytes, text.length, name_of, count);
	return found < 0 ? otherwise : found;
}

/* ---- options ---- */

static int option_code(const struct text *t, const char *(*name_of)(int), int count)
{
	return find_code(t->bytes, t->length, name_of, count);
}

static void syslog_check(const struct encoding_options *o, struct place at,
			 struct problems *problems)
{
	const struct text *facility = &o->syslog.facility, *severity = &o->syslog.severity;
	(void)at;
	if (option_code(facility, facility_name, FACILITIES) < 0)
		problem_add(problems, facility->at,
			    "`%s` is no facility; write user, daemon, local0 or the like, or its "
			    "number, 0 to 23",
			    text_shown(facility, facility->bytes));
	if (option_code(severity, syslog_severity, SEVERITIES) < 0)
		problem_add(problems, severity->at,
			    "`%s` is no severity; write err, warning, notice, info or the like, or "
			    "its number, 0 to 7",
			    text_shown(severity, severity->bytes));
}

static void syslog_fields(const struct encoding_options *o, struct field_uses *uses)
{
	(void)o;
	for (unsigned i = 0; i < PARTS; i++)
		fields_read(uses, part_names[i], strlen(part_names[i]));
	fields_read_time_said(uses);
}

static int syslog_open(struct stage *s, void **ret_state)
{
	const struct encoding_options *o = s->options;
	struct syslog_state *y = *ret_state = calloc(1, sizeof *y);
	if (!y)
		return -ENOMEM;
	y->options = o;
	y->facility = option_code(&o->syslog.facility, facility_name, FACILITIES);
	y->severity = option_code(&o->syslog.severity, syslog_severity, SEVERITIES);
	for (unsigned i = 0; i < PARTS; i++)
		y->columns[i] =
		    (unsigned)fields_find(s->fields, part_names[i], strlen(part_names[i]));
	return 0;
}

static void syslog_close(void *state)
{
	free(state);
}

static void syslog_begin(void *state, const struct stage *s, struct batch *b)
{
	struct syslog_state *y = state;
	for (unsigned i = 0; i < PARTS; i++)
		y->values[i] = known_values(s, b, y->columns[i]);
	y->times = known_times(s, b);
}

/* ---- a message ---- */

/* A word of the header; `-` where there is none. */
static void put_word(const struct syslog_state *y, enum part part, uint16_t row, size_t most,
		     const char *otherwise, struct writer *w, struct scratch scratch)
{
	struct text_span text;
	if (value_text(&y->values[part][row], scratch, &text) < 0 || text.length == 0) {
		writer_put(w, otherwise, strlen(otherwise));
		return;
	}
	for (size_t i = 0; i < text.length && i < most; i++) {
		uint8_t c = text.bytes[i];
		writer_put_byte(w, c > ' ' && c < 0x7f ? c : '_');
	}
}

static bool is_missing(const struct syslog_state *y, enum part part, uint16_t row)
{
	uint8_t type = y->values[part][row].type;
	return type == VALUE_MISSING || type == VALUE_NULL || type == VALUE_ERROR;
}

static void put_priority(const struct syslog_state *y, uint16_t row, struct writer *w,
			 struct scratch scratch)
{
	char text[16];
	int facility = code_of(&y->values[FACILITY][row], &y->values[FACILITY_CODE][row], scratch,
			       facility_name, FACILITIES, y->facility);
	int severity = code_of(&y->values[SEVERITY][row], &y->values[SEVERITY_CODE][row], scratch,
			       syslog_severity, SEVERITIES, y->severity);
	int n = snprintf(text, sizeof text, "<%d>", 8 * facility + severity);
	writer_put(w, text, (size_t)n);
}

static void put_text(struct writer *w, const uint8_t *bytes, size_t length)
{
	char escaped[8];
	size_t from = 0;
	for (size_t i = 0; i < length; i++) {
		if ((bytes[i] >= ' ' && bytes[i] != 0x7f) || bytes[i] == '\t')
			continue;
		writer_put(w, bytes + from, i - from);
		snprintf(escaped, sizeof escaped, "#%03o", bytes[i]);
		writer_put(w, escaped, 4);
		from = i + 1;
	}
	writer_put(w, bytes + from, length - from);
}

static void put_message(const struct syslog_state *y, const struct batch *b, uint32_t record,
			struct writer *w, struct scratch scratch)
{
	struct text_span text;
	int r = value_text(&y->values[MESSAGE][b->rows[record]], scratch, &text);
	if (r == -ENOBUFS)
		w->is_full = true;
	else if (r == 0)
		put_text(w, text.bytes, text.length);
	else
		put_text(w, b->bytes + b->records[record].offset, b->records[record].length);
}

/* Six digits of a fraction at most. */
static void put_rfc5424_time(int64_t ns, struct writer *w)
{
	char text[TIME_RFC3339_MAX] = "";
	size_t length = time_write_rfc3339(ns - (ns % 1000 + 1000) % 1000, text);
	writer_put(w, text, length);
}

static void put_rfc3164_time(int64_t ns, struct writer *w)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct time_shown t;
	char text[32];
	time_show(&t, 0, ns);
	int n = snprintf(text, sizeof text, "%.3s %2u %02u:%02u:%02u",
			 months + (size_t)3 * (t.date.month - 1), t.date.day % 100, t.hour % 100,
			 t.minute % 100, t.second % 100);
	writer_put(w, text, (size_t)n);
}

static void put_rfc5424_head(const struct syslog_state *y, int64_t ns, uint16_t row,
			     struct writer *w, struct scratch scratch)
{
	writer_put(w, "1 ", 2);
	put_rfc5424_time(ns, w);
	writer_put_byte(w, ' ');
	put_word(y, HOSTNAME, row, HOST_MAX, "-", w, scratch);
	writer_put_byte(w, ' ');
	put_word(y, APPNAME, row, APP_MAX, y->options->syslog.appname.bytes, w, scratch);
	writer_put_byte(w, ' ');
	put_word(y, PROCID, row, PROC_MAX, "-", w, scratch);
	writer_put_byte(w, ' ');
	put_word(y, MSGID, row, ID_MAX, "-", w, scratch);
	writer_put(w, " - ", 3);
}

static void put_rfc3164_head(const struct syslog_state *y, int64_t ns, uint16_t row,
			     struct writer *w, struct scratch scratch)
{
	put_rfc3164_time(ns, w);
	writer_put_byte(w, ' ');
	put_word(y, HOSTNAME, row, HOST_MAX, "-", w, scratch);
	writer_put_byte(w, ' ');
	put_word(y, APPNAME, row, APP_MAX, y->options->syslog.appname.bytes, w, scratch);
	if (!is_missing(y, PROCID, row)) {
		writer_put_byte(w, '[');
		put_word(y, PROCID, row, PROC_MAX, "-", w, scratch);
		writer_put_byte(w, ']');
	}
	writer_put(w, ": ", 2);
}

static const char *syslog_put(void *state, const struct batch *b, uint32_t record, struct writer *w,
			      struct scratch scratch)
{
	const struct syslog_state *y = state;
	uint16_t row = b->rows[record];
	int64_t ns = known_time(b, y->times, record);
	put_priority(y, row, w, scratch);
	if (y->options->syslog.rfc == 0)
		put_rfc5424_head(y, ns, row, w, scratch);
	else
		put_rfc3164_head(y, ns, row, w, scratch);
	put_message(y, b, record, w, scratch);
	return NULL;
}

const struct encode_format encode_syslog = {
    .uses_scratch = true,
    .check = syslog_check,
    .fields = syslog_fields,
    .open = syslog_open,
    .close = syslog_close,
    .begin = syslog_begin,
    .put = syslog_put,
};
