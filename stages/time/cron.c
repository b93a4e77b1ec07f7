#include "stages/time/cron.h"
#include "stages/time/calendar.h"
#include "stages/time/time_names.h"

#include <errno.h>
#include <string.h>

enum {
	MINUTE_S = 60,
	HOUR_MINUTES = 60,
	DAY_HOURS = 24,
	SUNDAY_TOO = 7,
	CYCLE_DAYS = 146097, /* 400 years, whole weeks too: then all dates come again */
	FIELDS = 5,
};

/* Parsing */

struct reader {
	const uint8_t *begin, *at, *end;
	const char *wrong; /* NULL: nothing is */
	size_t wrong_at;
};

struct field {
	uint64_t least, most;
	int (*read_name)(const uint8_t **at, const uint8_t *end); /* NULL: has none */
	uint64_t first_name;
	const char *wrong;
};

static const struct field fields[FIELDS] = {
    {0, 59, NULL, 0, "no minute: 0 to 59"},
    {0, 23, NULL, 0, "no hour: 0 to 23"},
    {1, 31, NULL, 0, "no day of a month: 1 to 31"},
    {1, 12, time_read_month_name, 1, "no month: 1 to 12, jan to dec"},
    {0, SUNDAY_TOO, time_read_weekday_name, 0, "no day of the week: 0 to 7, sun to sat"},
};

static void refuse(struct reader *r, const char *why)
{
	if (r->wrong)
		return;
	r->wrong = why;
	r->wrong_at = (size_t)(r->at - r->begin);
}

static bool is_next(const struct reader *r, char byte)
{
	return r->at < r->end && *r->at == (uint8_t)byte;
}

static bool skip(struct reader *r, char byte)
{
	bool there = is_next(r, byte);
	r->at += there;
	return there;
}

static bool is_digit_next(const struct reader *r)
{
	return r->at < r->end && *r->at >= '0' && *r->at <= '9';
}

/* Two digits are as many as any has. */
static uint64_t read_number(struct reader *r, const char *wrong)
{
	uint64_t n = 0;
	unsigned digits = 0;
	for (; is_digit_next(r) && digits < 3; digits++)
		n = 10 * n + (uint64_t)(*r->at++ - '0');
	if (digits == 0 || digits > 2)
		refuse(r, wrong);
	return n;
}

static uint64_t read_value(struct reader *r, const struct field *f)
{
	if (f->read_name && !is_digit_next(r)) {
		int name = f->read_name(&r->at, r->end);
		if (name < 0)
			refuse(r, f->wrong);
		return name < 0 ? 0 : (uint64_t)name + f->first_name;
	}
	const uint8_t *from = r->at;
	uint64_t n = read_number(r, f->wrong);
	if (!r->wrong && (n < f->least || n > f->most)) {
		r->at = from;
		refuse(r, f->wrong);
	}
	return n;
}

/* Of sat-sun Sunday is the one that comes after. */
static uint64_t read_range_end(struct reader *r, const struct field *f, uint64_t low)
{
	const uint8_t *from = r->at;
	uint64_t high = read_value(r, f);
	if (f->most == SUNDAY_TOO && high == 0 && low > 0)
		high = SUNDAY_TOO;
	if (!r->wrong && high < low) {
		r->at = from;
		refuse(r, "a range that ends before it begins");
	}
	return high;
}

static uint64_t read_step(struct reader *r)
{
	const uint8_t *from = r->at;
	uint64_t step = read_number(r, "no step: a number from 1 on");
	if (!r->wrong && step == 0) {
		r->at = from;
		refuse(r, "no step: a number from 1 on");
	}
	return step;
}

/* One of those that commas separate, as bits. */
static uint64_t read_item(struct reader *r, const struct field *f)
{
	uint64_t low = f->least, high = f->most, step = 1, bits = 0;
	bool is_star = skip(r, '*'), is_range = is_star;
	if (!is_star)
		low = high = read_value(r, f);
	if (!is_star && skip(r, '-')) {
		high = read_range_end(r, f, low);
		is_range = true;
	}
	if (skip(r, '/')) {
		step = read_step(r);
		high = is_range ? high : f->most;
	}
	if (is_star && f->most == SUNDAY_TOO)
		high = SUNDAY_TOO - 1;
	for (uint64_t n = low; !r->wrong && n <= high; n += step)
		bits |= UINT64_C(1) << n;
	return bits;
}

static uint64_t read_field(struct reader *r, const struct field *f)
{
	uint64_t bits = 0;
	do
		bits |= read_item(r, f);
	while (!r->wrong && skip(r, ','));
	if (!r->wrong && r->at < r->end && *r->at != ' ' && *r->at != '\t')
		refuse(r, f->wrong);
	return bits;
}

static void skip_blanks(struct reader *r)
{
	while (skip(r, ' ') || skip(r, '\t'))
		continue;
}

static void read_fields(struct reader *r, struct cron *c)
{
	uint64_t bits[FIELDS];
	bool star[FIELDS];
	for (size_t i = 0; i < FIELDS; i++) {
		skip_blanks(r);
		if (r->at == r->end)
			refuse(r, "five fields: minute, hour, day, month, day of the week");
		star[i] = is_next(r, '*');
		bits[i] = r->wrong ? 0 : read_field(r, &fields[i]);
	}
	skip_blanks(r);
	if (r->at < r->end)
		refuse(r, "more than five fields");
	*c = (struct cron){.minutes = bits[0],
			   .hours = (uint32_t)bits[1],
			   .days = (uint32_t)bits[2],
			   .months = (uint32_t)bits[3],
			   .weekdays = (uint8_t)((bits[4] | bits[4] >> SUNDAY_TOO) & 0x7f),
			   .either_day = !star[2] && !star[4],
			   .every_hour = star[1]};
}

static const struct {
	const char *name, *meant;
} nicknames[] = {
    {"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"},   {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
};

static const char *meaning_of(const char *text, size_t length)
{
	for (size_t i = 0; i < sizeof nicknames / sizeof *nicknames; i++)
		if (strlen(nicknames[i].name) == length &&
		    memcmp(nicknames[i].name, text, length) == 0)
			return nicknames[i].meant;
	return NULL;
}

/* Days */

static bool has_day(const struct cron *c, int64_t days)
{
	struct date d = calendar_date(days);
	bool of_month = c->days >> d.day & 1;
	bool of_week = c->weekdays >> calendar_weekday(days) & 1;
	if (!(c->months >> d.month & 1))
		return false;
	return c->either_day ? of_month || of_week : of_month && of_week;
}

/* From that minute of the day on; -1: none. */
static int next_minute(const struct cron *c, unsigned from)
{
	for (unsigned hour = from / HOUR_MINUTES; hour < DAY_HOURS; hour++) {
		unsigned first = hour == from / HOUR_MINUTES ? from % HOUR_MINUTES : 0;
		uint64_t left = c->minutes >> first;
		if (c->hours >> hour & 1 && left)
			return (int)(hour * HOUR_MINUTES + first) + __builtin_ctzll(left);
	}
	return -1;
}

/* As a clock shows it, from local_s on and below limit_s; else INT64_MAX. */
static int64_t next_shown(const struct cron *c, int64_t local_s, int64_t limit_s)
{
	int64_t minute = floor_div(local_s + MINUTE_S - 1, MINUTE_S);
	int64_t days = floor_div(minute, DAY_HOURS * HOUR_MINUTES);
	unsigned from = (unsigned)(minute - days * DAY_HOURS * HOUR_MINUTES);
	for (int i = 0; i <= CYCLE_DAYS && days * DAY_S < limit_s; i++, days++, from = 0) {
		int found = has_day(c, days) ? next_minute(c, from) : -1;
		int64_t shown_s = days * DAY_S + found * MINUTE_S;
		if (found >= 0)
			return shown_s < limit_s ? shown_s : INT64_MAX;
	}
	return INT64_MAX;
}

int cron_parse(struct cron *c, const char *text, size_t length, const char **ret_wrong,
	       size_t *ret_at)
{
	const char *meant = meaning_of(text, length);
	const uint8_t *begin = (const uint8_t *)(meant ? meant : text);
	struct reader r = {
	    .begin = begin, .at = begin, .end = begin + (meant ? strlen(meant) : length)};
	if (is_next(&r, '@'))
		refuse(&r, "one of @hourly, @daily, @weekly, @monthly and @yearly, or five fields");
	else
		read_fields(&r, c);
	if (!r.wrong && next_shown(c, 0, INT64_MAX) == INT64_MAX)
		refuse(&r, "a day that never comes");
	*ret_wrong = r.wrong;
	*ret_at = r.wrong_at;
	return r.wrong ? -EINVAL : 0;
}

/* Moments */

static int64_t limit_of(const struct zone_span *span)
{
	return span->to_s == INT64_MAX ? INT64_MAX : span->to_s + span->offset_s;
}

/* Within the span, from from_s on, with every moment counted. */
static int64_t next_passing(const struct cron *c, const struct zone_span *span, int64_t from_s)
{
	int64_t shown = next_shown(c, from_s + span->offset_s, limit_of(span));
	return shown == INT64_MAX ? INT64_MAX : shown - span->offset_s;
}

/* Likewise, without what clocks have shown before. */
static int64_t next_first(const struct cron *c, const struct zone *z, const struct zone_span *span,
			  int64_t from_s)
{
	int64_t found;
	while ((found = next_passing(c, span, from_s)) != INT64_MAX &&
	       zone_at_local(z, found + span->offset_s).offset_s != span->offset_s)
		from_s = found + 1;
	return found;
}

/* Of those that clocks skipped when the span began. */
static int64_t next_skipped(const struct cron *c, const struct zone *z,
			    const struct zone_span *span, int64_t from_s)
{
	if (span->from_s == INT64_MIN)
		return INT64_MAX;
	int32_t before_s = zone_at(z, span->from_s - 1).offset_s;
	if (from_s < span->from_s)
		from_s = span->from_s;
	int64_t shown = next_shown(c, from_s + before_s, span->from_s + span->offset_s);
	return shown == INT64_MAX ? INT64_MAX : shown - before_s;
}

static int64_t next_within(const struct cron *c, const struct zone *z, const struct zone_span *span,
			   int64_t from_s)
{
	if (c->every_hour)
		return next_passing(c, span, from_s);
	int64_t first = next_first(c, z, span, from_s);
	int64_t skipped = next_skipped(c, z, span, from_s);
	return first < skipped ? first : skipped;
}

int64_t cron_next(const struct cron *c, const struct zone *z, int64_t after_s)
{
	int64_t from_s = after_s + 1;
	for (;;) {
		struct zone_span span = zone_at(z, from_s);
		int64_t found = next_within(c, z, &span, from_s);
		if (found < span.to_s || span.to_s == INT64_MAX)
			return found;
		from_s = span.to_s;
	}
}
