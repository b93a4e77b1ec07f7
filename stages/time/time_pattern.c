/* time_pattern.c - reads a text by the steps of a pattern: each takes what it can, none is tried again. */
#include "stages/time/time_digits.h"
#include "stages/time/time_names.h"
#include "stages/time/time_said.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static bool read_digits(struct time_said *t, unsigned least, unsigned most, unsigned *ret)
{
	return time_read_number(&t->at, t->end, least, most, ret);
}

/* 7, 07, or a space and 7 */
static bool read_padded(struct time_said *t, unsigned *ret)
{
	bool padded = time_read_byte(&t->at, t->end, ' ');
	return read_digits(t, 1, padded ? 1 : 2, ret);
}

static bool read_year(struct time_said *t, unsigned digits)
{
	unsigned year;
	if (!read_digits(t, digits, digits, &year))
		return false;
	if (digits == 2)
		year += year >= 69 ? 1900 : 2000;
	t->year = (int32_t)year;
	t->has_year = true;
	return true;
}

static bool read_month_name(struct time_said *t)
{
	int month = time_read_month_name(&t->at, t->end);
	t->month = (unsigned)(month + 1);
	return month >= 0;
}

/* A 0 here is what is not said elsewhere. */
static bool read_date_number(struct time_said *t, unsigned most, unsigned *ret)
{
	return read_digits(t, 1, most, ret) && *ret > 0;
}

static bool read_half(struct time_said *t)
{
	if (t->end - t->at < 2 || (t->at[1] | 0x20) != 'm')
		return false;
	uint8_t letter = t->at[0] | 0x20;
	t->is_afternoon = letter == 'p';
	t->has_half = true;
	t->at += 2;
	return letter == 'a' || letter == 'p';
}

static bool read_zone_name(struct time_said *t)
{
	static const char *const names[] = {"UTC", "GMT", "Z"};
	t->has_offset = true;
	t->offset_s = 0;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t length = strlen(names[i]);
		if ((size_t)(t->end - t->at) < length || memcmp(t->at, names[i], length) != 0)
			continue;
		t->at += length;
		return true;
	}
	return false;
}

static bool read_offset(struct time_said *t)
{
	t->has_offset = true;
	return time_read_offset(&t->at, t->end, &t->offset_s);
}

/* More than 64 bits hold is as good as the most they do: neither is in range. */
static bool read_unix(struct time_said *t)
{
	const uint8_t *start;
	t->is_unix = true;
	t->is_negative = time_read_byte(&t->at, t->end, '-');
	for (start = t->at; t->at < t->end && time_is_digit(*t->at); t->at++)
		if (__builtin_mul_overflow(t->unix_s, 10, &t->unix_s) ||
		    __builtin_add_overflow(t->unix_s, (uint64_t)(*t->at - '0'), &t->unix_s))
			t->unix_s = UINT64_MAX / 10;
	return t->at > start;
}

/* So many digits of a second. */
static bool read_fraction(struct time_said *t, unsigned digits)
{
	if (t->end - t->at < (ptrdiff_t)digits)
		return false;
	const uint8_t *end = t->at + digits;
	return time_read_billionths(&t->at, end, &t->fraction_ns) && t->at == end;
}

static bool skip_white(struct time_said *t)
{
	while (t->at < t->end && (*t->at == ' ' || (*t->at >= '\t' && *t->at <= '\r')))
		t->at++;
	return true;
}

static bool read_time_of_day(struct time_said *t, char letter)
{
	switch (letter) {
	case 'H':
	case 'k':
		return read_padded(t, &t->hour);
	case 'I':
	case 'l':
		return read_padded(t, &t->hour) && t->hour >= 1 && t->hour <= 12;
	case 'p':
		return read_half(t);
	case 'M':
		return read_digits(t, 1, 2, &t->minute);
	case 'S':
		return read_digits(t, 1, 2, &t->second);
	case 'f':
		return time_read_billionths(&t->at, t->end, &t->fraction_ns);
	case 'L':
		return read_fraction(t, 3);
	case 'N':
		return read_fraction(t, 9);
	case 'z':
	case ':':
		return read_offset(t);
	case 'Z':
		return read_zone_name(t);
	case 's':
		return read_unix(t);
	default:
		assert((letter == 'n' || letter == 't') && "compiled into a pattern that is read");
		return skip_white(t);
	}
}

static bool read_conversion(struct time_said *t, char letter)
{
	switch (letter) {
	case 'Y':
		return read_year(t, 4);
	case 'y':
		return read_year(t, 2);
	case 'm':
		return read_date_number(t, 2, &t->month);
	case 'b':
	case 'h':
	case 'B':
		return read_month_name(t);
	case 'd':
	case 'e':
		return read_padded(t, &t->day) && t->day > 0;
	case 'j':
		return read_date_number(t, 3, &t->year_day);
	case 'a':
	case 'A':
		return time_read_weekday_name(&t->at, t->end) >= 0;
	default:
		return read_time_of_day(t, letter);
	}
}

static bool read_steps(struct time_said *t, const struct time_step *step, unsigned count)
{
	for (const struct time_step *end = step + count; step < end; step++) {
		bool read = step->letter ? read_conversion(t, step->letter)
					 : time_read_byte(&t->at, t->end, step->byte);
		if (!read)
			return false;
	}
	return true;
}

static bool read_date(struct time_said *t, const struct time_format *f, struct time_cache *cache)
{
	const uint8_t *from = t->at;
	if (f->date_count == 0 || time_recall_date(t, cache))
		return true;
	if (!read_steps(t, f->steps, f->date_count) || (t->has_year && !time_find_days(t)))
		return false;
	time_note_date(t, cache, from);
	return true;
}

bool time_read_pattern(struct time_said *t, const struct time_format *f, struct time_cache *cache)
{
	return read_date(t, f, cache) &&
	       read_steps(t, f->steps + f->date_count, f->count - (unsigned)f->date_count);
}
