#include "stages/time/time_write.h"

#include "stages/time/time_names.h"

#include <assert.h>
#include <string.h>

enum { HOUR_S = 3600, MINUTE_S = 60 };

void time_show(struct time_shown *t, int32_t offset_s, int64_t ns)
{
	t->utc_s = floor_div(ns, SECOND_NS);
	t->fraction_ns = (uint32_t)(ns - t->utc_s * SECOND_NS);
	t->offset_s = offset_s;
	int64_t local_s = t->utc_s + offset_s;
	t->days = floor_div(local_s, DAY_S);
	t->date = calendar_date(t->days);
	unsigned of_day = (unsigned)(local_s - t->days * DAY_S);
	t->hour = of_day / HOUR_S;
	t->minute = of_day / MINUTE_S % 60;
	t->second = of_day % MINUTE_S;
}

/* ---- putting ---- */

struct output {
	char *at, *end;
	bool is_full; /* something did not fit */
};

static void put(struct output *o, const char *bytes, size_t length)
{
	o->is_full |= length > (size_t)(o->end - o->at);
	if (o->is_full)
		return;
	memcpy(o->at, bytes, length);
	o->at += length;
}

static void put_byte(struct output *o, char c)
{
	put(o, &c, 1);
}

/* The last `digits` of them. */
static void put_digits(struct output *o, uint32_t n, unsigned digits)
{
	o->is_full |= digits > (size_t)(o->end - o->at);
	if (o->is_full)
		return;
	for (unsigned i = digits; i-- > 0; n /= 10)
		o->at[i] = (char)('0' + n % 10);
	o->at += digits;
}

/* A space instead of a leading 0. */
static void put_padded(struct output *o, unsigned n)
{
	if (n < 10)
		put_byte(o, ' ');
	put_digits(o, n, n < 10 ? 1 : 2);
}

static void put_signed(struct output *o, int64_t n)
{
	char text[20];
	size_t first = sizeof text;
	uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	do
		text[--first] = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (n < 0)
		put_byte(o, '-');
	put(o, text + first, sizeof text - first);
}

static void put_offset(struct output *o, int32_t offset_s, bool colon)
{
	unsigned minutes = (unsigned)(offset_s < 0 ? -offset_s : offset_s) / MINUTE_S;
	put_byte(o, offset_s < 0 && minutes ? '-' : '+');
	put_digits(o, minutes / 60, 2);
	if (colon)
		put_byte(o, ':');
	put_digits(o, minutes % 60, 2);
}

static size_t written(const struct output *o, const char *to)
{
	return o->is_full ? 0 : (size_t)(o->at - to);
}

/* ---- conversions ---- */

static void put_weekday(struct output *o, const struct time_shown *t, bool whole)
{
	const char *name = weekday_names[calendar_weekday(t->days)];
	put(o, name, whole ? strlen(name) : NAME_ABBREVIATED);
}

static void put_month(struct output *o, const struct time_shown *t, bool whole)
{
	const char *name = month_names[t->date.month - 1];
	put(o, name, whole ? strlen(name) : NAME_ABBREVIATED);
}

static void put_date_part(struct output *o, const struct time_shown *t, char letter)
{
	unsigned weekday = calendar_weekday(t->days);
	switch (letter) {
	case 'Y':
		put_digits(o, (uint32_t)t->date.year, 4);
		break;
	case 'y':
		put_digits(o, (uint32_t)t->date.year, 2);
		break;
	case 'm':
		put_digits(o, t->date.month, 2);
		break;
	case 'd':
		put_digits(o, t->date.day, 2);
		break;
	case 'e':
		put_padded(o, t->date.day);
		break;
	case 'j':
		put_digits(o, calendar_year_day(t->days) + 1, 3);
		break;
	case 'G':
		put_digits(o, (uint32_t)calendar_week(t->days).year, 4);
		break;
	case 'V':
		put_digits(o, calendar_week(t->days).number, 2);
		break;
	case 'u':
		put_digits(o, weekday ? weekday : 7, 1);
		break;
	default:
		assert(letter == 'w' && "checked when the format was compiled");
		put_digits(o, weekday, 1);
	}
}

static unsigned of_twelve(const struct time_shown *t)
{
	return (t->hour + 11) % 12 + 1;
}

static void put_time_part(struct output *o, const struct time_shown *t, char letter)
{
	switch (letter) {
	case 'H':
		put_digits(o, t->hour, 2);
		break;
	case 'k':
		put_padded(o, t->hour);
		break;
	case 'I':
		put_digits(o, of_twelve(t), 2);
		break;
	case 'l':
		put_padded(o, of_twelve(t));
		break;
	case 'M':
		put_digits(o, t->minute, 2);
		break;
	case 'S':
		put_digits(o, t->second, 2);
		break;
	case 'L':
		put_digits(o, t->fraction_ns / 1000000, 3);
		break;
	case 'f':
		put_digits(o, t->fraction_ns / 1000, 6);
		break;
	case 'N':
		put_digits(o, t->fraction_ns, 9);
		break;
	default:
		put_date_part(o, t, letter);
	}
}

static void put_several(struct output *o, const struct time_shown *t, const char *pattern);

static void put_conversion(struct output *o, const struct time_shown *t, char letter)
{
	switch (letter) {
	case 'b':
	case 'h':
	case 'B':
		put_month(o, t, letter == 'B');
		break;
	case 'a':
	case 'A':
		put_weekday(o, t, letter == 'A');
		break;
	case 'p':
		put(o, t->hour < 12 ? "AM" : "PM", 2);
		break;
	case 'z':
	case ':':
		put_offset(o, t->offset_s, letter == ':');
		break;
	case 's':
		put_signed(o, t->utc_s);
		break;
	case 'n':
	case 't':
		put_byte(o, letter == 'n' ? '\n' : '\t');
		break;
	case 'F':
		put_several(o, t, "Y-m-d");
		break;
	case 'T':
		put_several(o, t, "H:M:S");
		break;
	default:
		put_time_part(o, t, letter);
	}
}

/* Letters are conversions, all else stands for itself. */
static void put_several(struct output *o, const struct time_shown *t, const char *pattern)
{
	for (; *pattern; pattern++)
		if (*pattern >= 'A')
			put_time_part(o, t, *pattern);
		else
			put_byte(o, *pattern);
}

size_t time_write_conversion(const struct time_shown *t, char letter, char *to, size_t room)
{
	struct output o = {.at = to, .end = to + room};
	put_conversion(&o, t, letter);
	return written(&o, to);
}

/* ---- formats ---- */

static void put_fraction(struct output *o, uint32_t ns)
{
	if (ns == 0)
		return;
	put_byte(o, '.');
	if (ns % 1000000 == 0)
		put_digits(o, ns / 1000000, 3);
	else if (ns % 1000 == 0)
		put_digits(o, ns / 1000, 6);
	else
		put_digits(o, ns, 9);
}

/* An offset is written in minutes: where a clock is off by seconds (before 1972), what is shown is off by those, and the two
 * together say the moment. */
static void put_rfc3339(struct output *o, int32_t offset_s, int64_t ns)
{
	struct time_shown t;
	time_show(&t, offset_s - offset_s % MINUTE_S, ns);
	put_several(o, &t, "Y-m-d");
	put_byte(o, 'T');
	put_several(o, &t, "H:M:S");
	put_fraction(o, t.fraction_ns);
	if (t.offset_s == 0)
		put_byte(o, 'Z');
	else
		put_offset(o, t.offset_s, true);
}

static void put_pattern(struct output *o, const struct time_format *f, int32_t offset_s, int64_t ns)
{
	struct time_shown t;
	time_show(&t, offset_s, ns);
	for (unsigned i = 0; i < f->count; i++)
		if (f->steps[i].letter)
			put_conversion(o, &t, f->steps[i].letter);
		else
			put_byte(o, (char)f->steps[i].byte);
}

size_t time_write(const struct time_format *f, const struct zone *z, int64_t ns, char *to,
		  size_t room)
{
	struct output o = {.at = to, .end = to + room};
	if (f->kind == TIME_UNIX) {
		put_signed(&o, floor_div(ns, f->unit_ns));
		return written(&o, to);
	}
	int32_t offset_s = zone_at(z, floor_div(ns, SECOND_NS)).offset_s;
	if (f->kind == TIME_RFC3339)
		put_rfc3339(&o, offset_s, ns);
	else
		put_pattern(&o, f, offset_s, ns);
	return written(&o, to);
}

size_t time_write_rfc3339(int64_t ns, char to[static TIME_RFC3339_MAX])
{
	struct output o = {.at = to, .end = to + TIME_RFC3339_MAX};
	put_rfc3339(&o, 0, ns);
	return written(&o, to);
}
