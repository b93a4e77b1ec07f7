#include "daemon/log.h"
#include "conf/printable.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 8192, VALUE_MAX_BYTES = 1024 };

static struct {
	enum log_level least;
	enum log_format format;
	void (*before)(void);
	void (*after)(void);
} settings = {.least = LOG_LEVEL_INFO};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

struct line {
	char bytes[LINE_MAX_BYTES];
	size_t length;
};

struct value {
	char bytes[VALUE_MAX_BYTES];
	size_t length;
	bool textual; /* came, at least in part, from a string */
};

void log_setup(enum log_level least, enum log_format format)
{
	settings.least = least;
	settings.format = format;
}

void log_set_frame(void (*before)(void), void (*after)(void))
{
	settings.before = before;
	settings.after = after;
}

static void add(struct line *l, const char *bytes, size_t n)
{
	size_t room = sizeof l->bytes - 2 -
		      l->length; /* always leaves space for the closing brace and newline */
	if (n > room)
		n = room;
	memcpy(l->bytes + l->length, bytes, n);
	l->length += n;
}

static void add_text(struct line *l, const char *s)
{
	add(l, s, strlen(s));
}

/* C-like escapes, which are JSON's too. A byte that is no UTF-8 is told by its number, \u0080 to \u00ff. */
static void add_escaped_byte(struct line *l, unsigned char c)
{
	char escaped[8];
	if (c == '\n')
		snprintf(escaped, sizeof escaped, "\\n");
	else
		snprintf(escaped, sizeof escaped, "\\u%04x", c);
	add_text(l, escaped);
}

static void add_escaped(struct line *l, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t shown = printable_length(bytes + i, n - i);
		if (bytes[i] == '"' || bytes[i] == '\\')
			add(l, "\\", 1);
		if (shown > 0)
			add(l, bytes + i, shown);
		else
			add_escaped_byte(l, (unsigned char)bytes[i]);
		i += shown > 0 ? shown : 1;
	}
}

static void add_quoted(struct line *l, const char *bytes, size_t n)
{
	add(l, "\"", 1);
	add_escaped(l, bytes, n);
	add(l, "\"", 1);
}

static bool is_plain(const struct value *v)
{
	for (size_t i = 0; i < v->length; i++) {
		unsigned char c = (unsigned char)v->bytes[i];
		if (!isalnum(c) && !strchr("._-/:%+*,@", c))
			return false;
	}
	return v->length > 0;
}

static void write_pair(struct line *l, const char *key, size_t key_length, const struct value *v)
{
	if (settings.format == LOG_FORMAT_JSON) {
		add_text(l, ",");
		add_quoted(l, key, key_length);
		add_text(l, ":");
		if (v->textual)
			add_quoted(l, v->bytes, v->length);
		else
			add(l, v->bytes, v->length);
		return;
	}
	add_text(l, " ");
	add(l, key, key_length);
	add_text(l, "=");
	if (is_plain(v))
		add(l, v->bytes, v->length);
	else
		add_quoted(l, v->bytes, v->length);
}

/* A pair that does not fit is left out whole, so that a JSON line stays JSON. */
static void add_pair(struct line *l, const char *key, size_t key_length, const struct value *v)
{
	size_t before = l->length;
	write_pair(l, key, key_length, v);
	if (l->length == sizeof l->bytes - 2)
		l->length = before;
}

static size_t cut_between_characters(const char *bytes, size_t n)
{
	while (n > 0 && ((unsigned char)bytes[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static void value_add(struct value *v, const char *bytes, size_t n)
{
	size_t room = sizeof v->bytes - v->length;
	if (n > room)
		n = cut_between_characters(bytes, room);
	memcpy(v->bytes + v->length, bytes, n);
	v->length += n;
}

/* va_list travels through functions inside a struct, so that each takes its arguments off the one list. */
struct arguments {
	va_list list;
};

enum { DIGITS_MAX = 30 };

enum width { WIDTH_INT, WIDTH_LONG, WIDTH_LONG_LONG, WIDTH_SIZE, WIDTH_MAX };

static enum width read_width(const char **at)
{
	enum width w = WIDTH_INT;
	for (;; (*at)++) {
		if (**at == 'l')
			w = w == WIDTH_LONG ? WIDTH_LONG_LONG : WIDTH_LONG;
		else if (**at == 'z')
			w = WIDTH_SIZE;
		else if (**at == 'j')
			w = WIDTH_MAX;
		else if (**at != 'h')
			return w;
	}
}

static intmax_t take_signed(struct arguments *a, enum width w)
{
	switch (w) {
	case WIDTH_LONG:
		return va_arg(a->list, long);
	case WIDTH_LONG_LONG:
		return va_arg(a->list, long long);
	case WIDTH_SIZE:
		return va_arg(a->list, ssize_t);
	case WIDTH_MAX:
		return va_arg(a->list, intmax_t);
	default:
		return va_arg(a->list, int);
	}
}

static uintmax_t take_unsigned(struct arguments *a, enum width w)
{
	switch (w) {
	case WIDTH_LONG:
		return va_arg(a->list, unsigned long);
	case WIDTH_LONG_LONG:
		return va_arg(a->list, unsigned long long);
	case WIDTH_SIZE:
		return va_arg(a->list, size_t);
	case WIDTH_MAX:
		return va_arg(a->list, uintmax_t);
	default:
		return va_arg(a->list, unsigned);
	}
}

/* places: at least so many digits, with zeroes in front. */
static void add_number(struct value *v, struct arguments *a, enum width w, char conversion,
		       int places)
{
	char digits[DIGITS_MAX + 2];
	int n;
	if (conversion == 'd' || conversion == 'i')
		n = snprintf(digits, sizeof digits, "%0*jd", places, take_signed(a, w));
	else
		n = snprintf(digits, sizeof digits, conversion == 'x' ? "%0*jx" : "%0*ju", places,
			     take_unsigned(a, w));
	if (conversion == 'x')
		v->textual = true;
	value_add(v, digits, (size_t)n);
}

static void add_string(struct value *v, struct arguments *a, int precision)
{
	const char *s = va_arg(a->list, const char *);
	v->textual = true;
	if (!s)
		s = "(none)";
	value_add(v, s, precision >= 0 ? strnlen(s, (size_t)precision) : strlen(s));
}

/* One conversion; *at stands behind the percent sign and is moved past it. */
static void add_conversion(struct value *v, struct arguments *a, const char **at)
{
	int precision = -1;
	if ((*at)[0] == '.' && (*at)[1] == '*') {
		precision = va_arg(a->list, int);
		*at += 2;
	}
	int places = 1;
	if (**at == '0')
		for (places = 0; isdigit((unsigned char)**at) && places < DIGITS_MAX; (*at)++)
			places = places * 10 + (**at - '0');
	enum width w = read_width(at);
	char conversion = *(*at)++;
	if (conversion == 's') {
		add_string(v, a, precision);
	} else if (conversion == 'c') {
		char c = (char)va_arg(a->list, int);
		v->textual = true;
		value_add(v, &c, 1);
	} else if (conversion == '%') {
		value_add(v, "%", 1);
	} else {
		assert(strchr("diux", conversion));
		assert(places <= DIGITS_MAX);
		add_number(v, a, w, conversion, places);
	}
}

/* The value of a pair, up to a space; or, of what is no pair, all there is. */
static void read_value(struct value *v, const char **at, struct arguments *a, bool is_pair)
{
	while (**at && !(is_pair && **at == ' ')) {
		if (**at == '%') {
			(*at)++;
			add_conversion(v, a, at);
		} else {
			v->textual = true;
			value_add(v, (*at)++, 1);
		}
	}
}

/* What is not `key=value` is a mistake of ours, but no reason to lose the line, still less to stop: it becomes a note. */
static void add_pairs(struct line *l, const char *format, struct arguments *a)
{
	const char *at = format;
	while (*at) {
		const char *key = at;
		size_t key_length = strcspn(at, "= ");
		bool is_pair = at[key_length] == '=';
		struct value v = {.length = 0};
		if (is_pair)
			at += key_length + 1;
		read_value(&v, &at, a, is_pair);
		add_pair(l, is_pair ? key : "note", is_pair ? key_length : strlen("note"), &v);
		if (*at == ' ')
			at++;
	}
}

static void add_time(struct line *l)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	struct tm tm;
	gmtime_r(&now.tv_sec, &tm);
	char text[40];
	size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, sizeof text - n, ".%03ldZ", now.tv_nsec / 1000000);
	add_text(l, text);
}

static void begin_json(struct line *l, enum log_level level, const char *stage, const char *event)
{
	add_text(l, "{\"time\":\"");
	add_time(l);
	add_text(l, "\",\"level\":\"");
	add_text(l, level_names[level]);
	add_text(l, "\"");
	if (stage) {
		add_text(l, ",\"stage\":");
		add_quoted(l, stage, strlen(stage));
	}
	add_text(l, ",\"event\":");
	add_quoted(l, event, strlen(event));
}

static void begin_text(struct line *l, enum log_level level, const char *stage, const char *event)
{
	add_time(l);
	add_text(l, " ");
	add_text(l, level_names[level]);
	add_text(l, " ");
	if (stage) {
		add_text(l, stage);
		add_text(l, ": ");
	}
	add_text(l, event);
}

void log_line_va(enum log_level level, const char *stage, const char *event, const char *format,
		 va_list args)
{
	if (level < settings.least)
		return;
	struct line l = {.length = 0};
	struct arguments a;
	va_copy(a.list, args);
	bool json = settings.format == LOG_FORMAT_JSON;
	if (json)
		begin_json(&l, level, stage, event);
	else
		begin_text(&l, level, stage, event);
	add_pairs(&l, format, &a);
	va_end(a.list);
	if (json)
		l.bytes[l.length++] = '}'; /* add() left room for these two */
	l.bytes[l.length++] = '\n';

	if (settings.before)
		settings.before();
	ssize_t ignored = write(STDERR_FILENO, l.bytes,
				l.length); /* a log that can't be written has nowhere to say so */
	(void)ignored;
	if (settings.after)
		settings.after();
}

void log_line(enum log_level level, const char *stage, const char *event, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_line_va(level, stage, event, format, args);
	va_end(args);
}
