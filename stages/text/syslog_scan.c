#include "stages/text/syslog_scan.h"

#include "stages/text/syslog_data.h"

#include <errno.h>
#include <string.h>

struct cursor {
	const uint8_t *at, *end;
	const char *why; /* it is refused */
};

static bool take(struct cursor *c, uint8_t wanted)
{
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

static bool is_digit(uint8_t b)
{
	return b >= '0' && b <= '9';
}

static bool is_word_byte(uint8_t b)
{
	return b > ' ' && b != 0x7f;
}

static bool refuse(struct cursor *c, const char *why)
{
	c->why = why;
	return false;
}

static struct text_span rest_of(const struct cursor *c)
{
	return text_span(c->at, c->end);
}

/* <0> to <191>. */
static bool take_priority(struct cursor *c, int16_t *ret)
{
	int n = 0;
	const uint8_t *from = c->at + 1, *at = from;
	while (at < c->end && is_digit(*at) && at - from < 3)
		n = n * 10 + (*at++ - '0');
	bool stands = at > from && at < c->end && *at == '>' && (*from != '0' || at - from == 1);
	if (!stands || n > SYSLOG_PRIORITY_MAX)
		return refuse(c, "priority");
	*ret = (int16_t)n;
	c->at = at + 1;
	return true;
}

/* ---- RFC 5424 ---- */

/* How many digits the version has that stands there; 0: none does. */
static unsigned version_digits(const struct cursor *c)
{
	unsigned n = 0;
	while (n < 4 && c->end - c->at > n && is_digit(c->at[n]))
		n++;
	bool stands = n > 0 && n < 4 && c->at[0] != '0' && c->end - c->at > n && c->at[n] == ' ';
	return stands ? n : 0;
}

/* `-` is not there. */
static bool take_word(struct cursor *c, struct text_span *ret, const char *why)
{
	const uint8_t *from = c->at;
	while (c->at < c->end && is_word_byte(*c->at))
		c->at++;
	struct text_span word = text_span(from, c->at);
	if (word.length == 0 || word.length > SYSLOG_WORD_MAX || !take(c, ' '))
		return refuse(c, why);
	if (word.length > 1 || *from != '-')
		*ret = word;
	return true;
}

static bool take_stamp(struct cursor *c, struct syslog_parts *p)
{
	if (!take_word(c, &p->timestamp, "timestamp"))
		return false;
	const struct text_span *t = &p->timestamp;
	if (t->bytes && syslog_stamp_iso(t->bytes, t->length, &p->stamp) != t->length)
		return refuse(c, "timestamp");
	return true;
}

static bool take_structured_data(struct cursor *c, struct text_span *ret)
{
	struct syslog_data d = syslog_data_from(c->at, (size_t)(c->end - c->at));
	struct syslog_piece piece;
	int r;
	if (take(c, '-'))
		return c->at == c->end || *c->at == ' ' || refuse(c, "structured data");
	while ((r = syslog_data_next(&d, &piece)) > 0)
		if (piece.name.length > SYSLOG_WORD_MAX)
			return refuse(c, "structured data");
	if (r < 0 || d.at == c->at || (d.at < c->end && *d.at != ' '))
		return refuse(c, "structured data");
	*ret = text_span(c->at, d.at);
	c->at = d.at;
	return true;
}

static void take_marked_message(struct cursor *c, struct text_span *ret)
{
	if (!take(c, ' '))
		return;
	bool marked = c->end - c->at >= 3 && memcmp(c->at, "\xef\xbb\xbf", 3) == 0;
	c->at += marked ? 3 : 0;
	*ret = rest_of(c);
}

static bool scan_5424(struct cursor *c, struct syslog_parts *p)
{
	unsigned digits = version_digits(c);
	if (digits == 0)
		return refuse(c, "version");
	c->at += digits + 1;
	if (!take_stamp(c, p) || !take_word(c, &p->hostname, "hostname") ||
	    !take_word(c, &p->appname, "app-name") || !take_word(c, &p->procid, "procid") ||
	    !take_word(c, &p->msgid, "msgid") || !take_structured_data(c, &p->structured_data))
		return false;
	take_marked_message(c, &p->message);
	return true;
}

/* ---- RFC 3164 ---- */

/* Either kind, with a blank or nothing behind it; a colon before the blank is taken too, as some routers write one. */
static bool take_old_stamp(struct cursor *c, struct syslog_parts *p)
{
	size_t room = (size_t)(c->end - c->at);
	struct syslog_stamp stamp;
	size_t n = syslog_stamp_bsd(c->at, room, &stamp);
	if (n == 0)
		n = syslog_stamp_iso(c->at, room, &stamp);
	struct cursor behind = {.at = c->at + n, .end = c->end};
	take(&behind, ':');
	if (n == 0 || (!take(&behind, ' ') && behind.at < behind.end))
		return false;
	p->timestamp = text_span(c->at, c->at + n);
	p->stamp = stamp;
	c->at = behind.at;
	return true;
}

/* A word up to the next of these bytes that are not part of one. */
static const uint8_t *word_end(const uint8_t *at, const uint8_t *end)
{
	while (at < end && is_word_byte(*at))
		at++;
	return at;
}

/* What names a program, up to what can follow its name. */
static const uint8_t *name_end(const uint8_t *at, const uint8_t *end)
{
	for (; at < end && is_word_byte(*at) && *at != '['; at++)
		if (*at == ':' && (end - at == 1 || at[1] == ' '))
			break;
	return at;
}

static bool all_are(const uint8_t *at, const uint8_t *end, const char *those)
{
	while (at < end && *at && strchr(those, *at))
		at++;
	return at == end;
}

/* `1.4.1:` */
static bool is_version(const uint8_t *at, const uint8_t *end)
{
	return at < end && is_digit(*at) && all_are(at, end, ".0123456789");
}

/* Where the name ends that begins here, be it of two words. */
static const uint8_t *tag_end(const uint8_t *at, const uint8_t *end)
{
	const uint8_t *first = name_end(at, end);
	if (first == at || first == end || *first != ' ')
		return first;
	const uint8_t *second = name_end(first + 1, end);
	if (second == end || second == first + 1)
		return first;
	bool dashes = all_are(at, first, "-") && *second == '[';
	bool version = is_version(first + 1, second) && *second == ':';
	return dashes || version ? second : first;
}

/* `[230]`: behind it, or NULL: no process is named. Before a colon it may be anything but a blank. */
static const uint8_t *take_process(const uint8_t *at, const uint8_t *end, struct text_span *ret)
{
	if (at == end || *at != '[')
		return NULL;
	const uint8_t *from = ++at;
	while (at < end && is_word_byte(*at) && *at != ']' && *at != '[')
		at++;
	if (at == from || at == end || *at != ']')
		return NULL;
	bool colon = end - at > 1 && at[1] == ':';
	bool blank = end - at == 1 || at[1] == ' ';
	if (!colon && !(blank && all_are(from, at, "0123456789")))
		return NULL;
	*ret = text_span(from, at);
	return at + 1;
}

/* Blanks may stand before it. Nothing is taken when there is none. */
static void take_tag(struct cursor *c, struct syslog_parts *p)
{
	const uint8_t *from = c->at;
	while (from < c->end && *from == ' ')
		from++;
	const uint8_t *end = tag_end(from, c->end);
	struct text_span process = {NULL, 0};
	const uint8_t *behind = take_process(end, c->end, &process);
	bool colon = !behind && end < c->end && *end == ':';
	if (end == from || (!behind && !colon))
		return;
	if (end - from > SYSLOG_WORD_MAX || process.length > SYSLOG_WORD_MAX)
		return;
	p->appname = text_span(from, end);
	p->procid = process;
	c->at = behind ? behind : end;
	take(c, ':');
	take(c, ' ');
}

/* Not there where the tag stands in its place, as in what programs send to /dev/log. */
static bool is_host(const uint8_t *from, const uint8_t *to)
{
	size_t length = (size_t)(to - from);
	if (length == 0 || length > SYSLOG_WORD_MAX)
		return false;
	bool ends_a_tag = to[-1] == ':' && (length == 1 || to[-2] != ':');
	return !ends_a_tag && (*from == '[' || !memchr(from, '[', length));
}

static void take_host(struct cursor *c, struct text_span *ret)
{
	const uint8_t *end = word_end(c->at, c->end);
	if (!is_host(c->at, end) || (end < c->end && *end != ' '))
		return;
	*ret = text_span(c->at, end);
	c->at = end;
	take(c, ' ');
}

static bool scan_3164(struct cursor *c, struct syslog_parts *p)
{
	bool stamped = take_old_stamp(c, p);
	if (!stamped && p->priority < 0)
		return refuse(c, "neither priority nor timestamp");
	if (stamped)
		take_host(c, &p->hostname);
	take_tag(c, p);
	p->message = rest_of(c);
	return true;
}

/* ---- either ---- */

static bool scan(enum syslog_format format, struct cursor *c, struct syslog_parts *p)
{
	bool prioritised = c->at < c->end && *c->at == '<';
	if (prioritised && !take_priority(c, &p->priority))
		return false;
	if (!prioritised && format == SYSLOG_RFC5424)
		return refuse(c, "priority");
	bool new = format == SYSLOG_RFC5424 ||
		   (format == SYSLOG_AUTO && prioritised && version_digits(c) > 0);
	return new ? scan_5424(c, p) : scan_3164(c, p);
}

int syslog_scan(enum syslog_format format, const uint8_t *bytes, uint32_t length,
		struct syslog_parts *ret_parts, const char **ret_why)
{
	struct cursor c = {.at = bytes, .end = bytes + length};
	*ret_parts = (struct syslog_parts){.priority = SYSLOG_NO_PRIORITY};
	if (length == 0)
		refuse(&c, "empty");
	else
		scan(format, &c, ret_parts);
	if (c.why)
		*ret_why = c.why;
	return c.why ? -EBADMSG : 0;
}

const char *syslog_facility(int priority)
{
	static const char *const names[] = {
	    "kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
	    "uucp",   "cron",   "authpriv", "ftp",    "ntp",    "audit",  "alert",  "clock",
	    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7",
	};
	return names[priority / 8];
}

const char *syslog_severity(int priority)
{
	static const char *const names[] = {"emerg",   "alert",  "crit", "err",
					    "warning", "notice", "info", "debug"};
	return names[priority % 8];
}
