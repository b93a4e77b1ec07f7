#include "stages/time/time_format.h"

#include <errno.h>
#include <string.h>

/* ---- conversions ---- */

enum says {
	SAYS_YEAR = 1 << 0,
	SAYS_MONTH = 1 << 1,
	SAYS_DAY = 1 << 2,
	SAYS_YEAR_DAY = 1 << 3,
	SAYS_HOUR = 1 << 4,
	SAYS_HALF_HOURS = 1 << 5, /* of a clock with twelve */
	SAYS_HALF = 1 << 6,       /* which half of the day */
	SAYS_MINUTE = 1 << 7,
	SAYS_SECOND = 1 << 8,
	SAYS_FRACTION = 1 << 9,
	SAYS_OFFSET = 1 << 10,
	SAYS_UNIX = 1 << 11,
	SAYS_WEEKDAY = 1 << 12,

	SAYS_DATE = SAYS_YEAR | SAYS_MONTH | SAYS_DAY | SAYS_YEAR_DAY | SAYS_WEEKDAY,
};

static const struct conversion {
	char letter;
	enum { READ = 1, WRITTEN = 2, BOTH = 3 } uses;
	unsigned says;
	const char *stands_for; /* a pattern of its own */
} conversions[] = {
    {'Y', BOTH, SAYS_YEAR, 0},
    {'y', BOTH, SAYS_YEAR, 0},
    {'m', BOTH, SAYS_MONTH, 0},
    {'b', BOTH, SAYS_MONTH, 0},
    {'h', BOTH, SAYS_MONTH, 0},
    {'B', BOTH, SAYS_MONTH, 0},
    {'d', BOTH, SAYS_DAY, 0},
    {'e', BOTH, SAYS_DAY, 0},
    {'j', BOTH, SAYS_YEAR_DAY, 0},
    {'a', BOTH, SAYS_WEEKDAY, 0},
    {'A', BOTH, SAYS_WEEKDAY, 0},
    {'H', BOTH, SAYS_HOUR, 0},
    {'k', BOTH, SAYS_HOUR, 0},
    {'I', BOTH, SAYS_HOUR | SAYS_HALF_HOURS, 0},
    {'l', BOTH, SAYS_HOUR | SAYS_HALF_HOURS, 0},
    {'p', BOTH, SAYS_HALF, 0},
    {'M', BOTH, SAYS_MINUTE, 0},
    {'S', BOTH, SAYS_SECOND, 0},
    {'f', BOTH, SAYS_FRACTION, 0},
    {'L', BOTH, SAYS_FRACTION, 0},
    {'N', BOTH, SAYS_FRACTION, 0},
    {'z', BOTH, SAYS_OFFSET, 0},
    {':', BOTH, SAYS_OFFSET, 0},
    {'Z', READ, SAYS_OFFSET, 0},
    {'s', BOTH, SAYS_UNIX, 0},
    {'n', BOTH, 0, 0},
    {'t', BOTH, 0, 0},
    {'%', BOTH, 0, 0},
    {'G', WRITTEN, 0, 0},
    {'V', WRITTEN, 0, 0},
    {'u', WRITTEN, 0, 0},
    {'w', WRITTEN, 0, 0},
    {'T', BOTH, 0, "%H:%M:%S"},
    {'D', BOTH, 0, "%m/%d/%y"},
    {'F', BOTH, 0, "%Y-%m-%d"},
    {'R', BOTH, 0, "%H:%M"},
    {'r', BOTH, 0, "%I:%M:%S %p"},
};

static const struct conversion *conversion_of(char letter)
{
	for (size_t i = 0; i < sizeof conversions / sizeof *conversions; i++)
		if (conversions[i].letter == letter)
			return &conversions[i];
	return NULL;
}

/* ---- compiling ---- */

struct compiler {
	struct time_format *f;
	enum time_use use;
	unsigned said;     /* enum says, so far */
	bool is_past_date; /* something else than a date was said */
	const char *why;
	size_t at;
};

static int wrong(struct compiler *c, const char *why)
{
	c->why = why;
	return -EINVAL;
}

static int add_step(struct compiler *c, char letter, uint8_t byte)
{
	if (c->f->count == TIME_STEPS_MAX)
		return wrong(c, "the format is too long");
	c->f->steps[c->f->count++] = (struct time_step){letter, byte};
	/* Each conversion before it has been decided by the bytes up to this one, so that the same bytes say the same. */
	const unsigned day = SAYS_MONTH | SAYS_DAY;
	bool says_day = (c->said & SAYS_YEAR_DAY) || (c->said & day) == day;
	if (letter == 0 && says_day && !c->is_past_date)
		c->f->date_count = c->f->count;
	return 0;
}

static int say(struct compiler *c, unsigned says)
{
	if (c->use == TIME_TO_READ && (c->said & says))
		return wrong(c, "what this conversion reads has been read by one before it");
	c->said |= says;
	c->is_past_date |= (says & ~(unsigned)SAYS_DATE) != 0;
	return 0;
}

static const char *why_not(char letter, enum time_use use)
{
	const struct conversion *known = conversion_of(letter);
	if (letter != '\0' && strchr("cxX", letter))
		return "%c, %x and %X differ from locale to locale; write out what they stand for";
	if (known && use == TIME_TO_WRITE)
		return "%Z can be read, not written; there are %z and %:z";
	if (known)
		return "%G, %V, %u and %w can be written, not read";
	return "no such conversion; there are %Y %y %m %b %B %d %e %j %a %A %H %I %p %M %S %f %L "
	       "%N "
	       "%z %:z %Z %s %T %D %F %R %r %n %t, and %% for a percent sign";
}

static int add_conversion(struct compiler *c, char letter)
{
	const struct conversion *known = conversion_of(letter);
	unsigned use = c->use == TIME_TO_READ ? READ : WRITTEN;
	if (!known || !(known->uses & use))
		return wrong(c, why_not(letter, c->use));
	if (letter == '%')
		return add_step(c, 0, '%');
	int r = say(c, known->says);
	return r < 0 ? r : add_step(c, letter, 0);
}

/* One that stands for others, which stand for none. */
static int add_conversions(struct compiler *c, char letter)
{
	const struct conversion *known = conversion_of(letter);
	if (!known || !known->stands_for)
		return add_conversion(c, letter);
	int r = 0;
	for (const char *p = known->stands_for; r == 0 && *p; p++)
		r = *p == '%' ? add_conversion(c, *++p) : add_step(c, 0, (uint8_t)*p);
	return r;
}

static int compile(struct compiler *c, const char *text, size_t length)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < length; i++) {
		c->at = i;
		if (text[i] != '%') {
			r = add_step(c, 0, (uint8_t)text[i]);
			continue;
		}
		if (++i == length)
			return wrong(c, "a single % at the end; write %% for a percent sign");
		bool colon = text[i] == ':';
		if (colon && (++i == length || text[i] != 'z'))
			return wrong(c, why_not('\0', c->use));
		r = add_conversions(c, colon ? ':' : text[i]);
	}
	return r;
}

/* ---- what must be said ---- */

static const char *missing(unsigned said)
{
	static const struct {
		unsigned if_said, then_also; /* any of these */
		const char *why;
	} rules[] = {
	    {SAYS_MONTH, SAYS_DAY, "the format says the month but not its day: %d or %e"},
	    {SAYS_DAY, SAYS_MONTH, "the format says the day but not the month: %m, %b or %B"},
	    {SAYS_HALF_HOURS, SAYS_HALF, "%I and %l need %p: morning or afternoon"},
	    {SAYS_HALF, SAYS_HALF_HOURS, "%p needs an hour from 1 to 12: %I or %l"},
	    {SAYS_MINUTE, SAYS_HOUR, "the format says minutes but no hours: %H, or %I and %p"},
	    {SAYS_SECOND, SAYS_MINUTE, "the format says seconds but no minutes: %M"},
	    {SAYS_FRACTION, SAYS_SECOND | SAYS_UNIX,
	     "the format says a fraction of no seconds: %S or %s"},
	};
	if ((said & SAYS_UNIX) && (said & ~(unsigned)(SAYS_UNIX | SAYS_FRACTION | SAYS_WEEKDAY)))
		return "%s says all of the time; beside it there may be a fraction only";
	if ((said & SAYS_YEAR_DAY) && (said & (SAYS_MONTH | SAYS_DAY)))
		return "%j says the day of the year; there can be no month and day beside it";
	if (!(said & (SAYS_UNIX | SAYS_YEAR_DAY | SAYS_MONTH | SAYS_DAY)))
		return "the format says no day: %F, %m and %d, %j or %s";
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if ((said & rules[i].if_said) && !(said & rules[i].then_also))
			return rules[i].why;
	return NULL;
}

static int check(struct compiler *c)
{
	const char *why = c->use == TIME_TO_READ ? missing(c->said) : NULL;
	c->at = 0;
	return why ? wrong(c, why) : 0;
}

/* ---- names ---- */

static const struct {
	const char *name;
	struct time_format format;
	const char *stands_for;
} names[] = {
    {"rfc3339", {.kind = TIME_RFC3339}, 0},
    {"iso8601", {.kind = TIME_RFC3339}, 0},
    {"rfc2822", {.kind = TIME_RFC2822}, "%a, %d %b %Y %H:%M:%S %z"}, /* so it is written */
    {"unix", {.kind = TIME_UNIX, .unit_ns = 1000000000}, 0},
    {"unix_ms", {.kind = TIME_UNIX, .unit_ns = 1000000}, 0},
    {"unix_us", {.kind = TIME_UNIX, .unit_ns = 1000}, 0},
    {"unix_ns", {.kind = TIME_UNIX, .unit_ns = 1}, 0},
    {"common_log", {.kind = TIME_PATTERN}, "%d/%b/%Y:%H:%M:%S %z"},
    {"rfc3164", {.kind = TIME_PATTERN}, "%b %e %H:%M:%S"},
};

/* What the name stands for; NULL: nothing else, or it is none. */
static const char *find_name(struct time_format *f, const char *text, size_t length,
			     bool *ret_found)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		*ret_found =
		    strlen(names[i].name) == length && memcmp(names[i].name, text, length) == 0;
		if (!*ret_found)
			continue;
		*f = names[i].format;
		return names[i].stands_for;
	}
	return NULL;
}

int time_format_init(struct time_format *f, const char *text, size_t length, enum time_use use,
		     const char **ret_why, size_t *ret_at)
{
	struct compiler c = {.f = f, .use = use};
	bool found = false;
	*f = (struct time_format){.kind = TIME_PATTERN};
	const char *pattern = find_name(f, text, length, &found);
	int r = 0;
	if (!found && !(length && memchr(text, '%', length)))
		r = wrong(&c, "no such format; there are rfc3339, unix, unix_ms, unix_us, unix_ns, "
			      "common_log, rfc3164, rfc2822, or a pattern such as %Y-%m-%d "
			      "%H:%M:%S");
	else if (f->kind == TIME_PATTERN || pattern)
		r = compile(&c, pattern ? pattern : text, pattern ? strlen(pattern) : length);
	if (r == 0 && f->kind == TIME_PATTERN)
		r = check(&c);
	if (r < 0) {
		*ret_why = c.why;
		*ret_at = c.at;
	}
	return r;
}
