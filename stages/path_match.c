#include "stages/path_match.h"

#include "stages/time/calendar.h"

#include <assert.h>
#include <string.h>

/* What conversions stand for, each by its letter. */
enum field {
	YEAR,
	MONTH,
	DAY,
	HOUR,
	MINUTE,
	SECOND,
	YEAR_DAY,
	SHORT_YEAR,
	WEEK_YEAR,
	WEEK,
	WEEKDAY
};
enum { FIELDS = WEEKDAY + 1, UNKNOWN = -1 };

static const struct {
	char letter;
	unsigned digits;
	int least, most;
} fields[FIELDS] = {
    [YEAR] = {'Y', 4, 1000, 9999},
    [MONTH] = {'m', 2, 1, 12},
    [DAY] = {'d', 2, 1, 31},
    [HOUR] = {'H', 2, 0, 23},
    [MINUTE] = {'M', 2, 0, 59},
    [SECOND] = {'S', 2, 0, 59},
    [YEAR_DAY] = {'j', 3, 1, 366},
    [SHORT_YEAR] = {'y', 2, 0, 99},
    [WEEK_YEAR] = {'G', 4, 1000, 9999},
    [WEEK] = {'V', 2, 1, 53},
    [WEEKDAY] = {'u', 1, 1, 7},
};

struct match {
	const char *rest; /* of the path */
	int value[FIELDS];
};

/* ---- letter by letter ---- */

static bool read_field(struct match *m, enum field f)
{
	int value = 0;
	for (unsigned i = 0; i < fields[f].digits; i++, m->rest++) {
		if (*m->rest < '0' || *m->rest > '9')
			return false;
		value = 10 * value + (*m->rest - '0');
	}
	bool agrees = m->value[f] == UNKNOWN || m->value[f] == value;
	m->value[f] = value;
	return agrees && value >= fields[f].least && value <= fields[f].most;
}

static bool read_letter(struct match *m, char letter)
{
	if (*m->rest != letter)
		return false;
	m->rest++;
	return true;
}

static bool read_conversion(struct match *m, char letter)
{
	if (letter == '%')
		return read_letter(m, '%');
	if (letter == 'F')
		return read_field(m, YEAR) && read_letter(m, '-') && read_field(m, MONTH) &&
		       read_letter(m, '-') && read_field(m, DAY);
	if (letter == 'T')
		return read_field(m, HOUR) && read_letter(m, ':') && read_field(m, MINUTE) &&
		       read_letter(m, ':') && read_field(m, SECOND);
	for (unsigned f = 0; f < FIELDS; f++)
		if (fields[f].letter == letter)
			return read_field(m, (enum field)f);
	return false;
}

/* Up to the end of the path, or of the template. The rest of the template: NULL if something differs before that. */
static const char *read_path(struct match *m, const struct path_template *t, const char *path)
{
	m->rest = path;
	for (size_t f = 0; f < FIELDS; f++)
		m->value[f] = UNKNOWN;
	size_t i = 0;
	while (i < t->length && *m->rest) {
		bool converts = t->text[i] == '%';
		if (converts ? !read_conversion(m, t->text[i + 1]) : !read_letter(m, t->text[i]))
			return NULL;
		i += converts ? 2 : 1;
	}
	return t->text + i;
}

/* ---- the day ---- */

static bool agrees(const struct match *m, enum field f, int64_t value)
{
	return m->value[f] == UNKNOWN || m->value[f] == value;
}

static bool is_day(const struct match *m, int64_t days)
{
	struct week week = calendar_week(days);
	unsigned weekday = calendar_weekday(days);
	return agrees(m, SHORT_YEAR, calendar_date(days).year % 100) &&
	       agrees(m, YEAR_DAY, calendar_year_day(days) + 1) &&
	       agrees(m, WEEK_YEAR, week.year) && agrees(m, WEEK, week.number) &&
	       agrees(m, WEEKDAY, weekday ? weekday : 7);
}

static bool has_day_in_month(const struct match *m, int year, unsigned month)
{
	unsigned first = 1, last = calendar_days_in_month(year, month);
	if (m->value[DAY] != UNKNOWN)
		first = (unsigned)m->value[DAY];
	if (m->value[DAY] != UNKNOWN && first < last)
		last = first;
	for (unsigned d = first; d <= last; d++)
		if (is_day(m, calendar_days((struct date){year, month, d})))
			return true;
	return false;
}

static bool has_day_in_year(const struct match *m, int year)
{
	int first = m->value[MONTH] == UNKNOWN ? 1 : m->value[MONTH];
	int last = m->value[MONTH] == UNKNOWN ? 12 : m->value[MONTH];
	for (int month = first; month <= last; month++)
		if (has_day_in_month(m, year, (unsigned)month))
			return true;
	return false;
}

/* Which years it can be. In 400 the calendar repeats itself; in any 28 about now there is all but a year's number. */
static bool has_day(const struct match *m)
{
	enum { CYCLE_FIRST = 2000, CYCLE_LAST = 2027, CENTURY_FIRST = 1900, CENTURY_LAST = 2099 };
	int first = CYCLE_FIRST, last = CYCLE_LAST;
	if (m->value[YEAR] != UNKNOWN) {
		first = last = m->value[YEAR];
	} else if (m->value[WEEK_YEAR] != UNKNOWN) {
		first = m->value[WEEK_YEAR] - 1;
		last = m->value[WEEK_YEAR] + 1;
	} else if (m->value[SHORT_YEAR] != UNKNOWN) {
		first = CENTURY_FIRST;
		last = CENTURY_LAST;
	}
	for (int year = first; year <= last; year++)
		if (has_day_in_year(m, year))
			return true;
	return false;
}

bool path_matches(const struct path_template *t, const char *path)
{
	struct match m;
	const char *rest = read_path(&m, t, path);
	return rest == t->text + t->length && *m.rest == '\0' && has_day(&m);
}

bool path_leads_to_match(const struct path_template *t, const char *path)
{
	struct match m;
	const char *rest = read_path(&m, t, path);
	return rest && rest < t->text + t->length && *rest == '/' && *m.rest == '\0';
}
