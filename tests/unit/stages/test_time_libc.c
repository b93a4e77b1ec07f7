/* Beside libc, over random moments and many zones: what it writes is read, what is written it reads. The zones are the machine's.
 * Each test has a process of its own, whose TZ it may set. */
#include "tests/unit/stages/time_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const zones[] = {
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Dublin",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",
    "America/Nuuk",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Africa/Casablanca",
    "Africa/Monrovia",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Antarctica/Troll",
};

/* Seconds, evenly over what 64 bits of nanoseconds hold; every other one about our days. */
static int64_t random_second(unsigned i)
{
	uint64_t bits = (uint64_t)random() << 31 ^ (uint64_t)random();
	if (i % 2)
		return (int64_t)(bits % UINT64_C(4000000000));
	return (int64_t)(bits % UINT64_C(18446744072)) - INT64_C(9223372036);
}

static bool begin(const char *name, struct zone *z)
{
	*z = (struct zone){0};
	srandom(7);
	cr_assert_eq(setenv("TZ", name, 1), 0);
	tzset();
	return time_zone_file(name, z);
}

static void shown(time_t second, struct tm *tm)
{
	cr_assert_not_null(localtime_r(&second, tm));
}

Test(time_libc, offsets_are_those_of_localtime)
{
	size_t found = 0;
	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
		struct zone z;
		if (!begin(zones[i], &z))
			continue;
		found++;
		for (unsigned k = 0; k < 20000; k++) {
			int64_t second = random_second(k);
			struct tm tm;
			shown(second, &tm);
			cr_assert_eq(zone_at(&z, second).offset_s, tm.tm_gmtoff, "%s: %jd",
				     zones[i], (intmax_t)second);
		}
		zone_release(&z);
	}
	if (found == 0)
		cr_skip_test("this machine has no time zones");
}

/* About each change a second at a time, and half an hour at a time. */
Test(time_libc, changes_are_to_the_second)
{
	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
		struct zone z;
		if (!begin(zones[i], &z))
			continue;
		for (size_t c = 0; c < z.count; c++) {
			for (int64_t off = -2; off <= 2; off++) {
				int64_t second = z.changes[c].utc_s + off;
				struct tm tm;
				shown(second, &tm);
				cr_assert_eq(zone_at(&z, second).offset_s, tm.tm_gmtoff, "%s: %jd",
					     zones[i], (intmax_t)second);
			}
		}
		zone_release(&z);
	}
}

/* What a clock shows comes back as this moment, or as the first one that it shows for. */
static void expect_first(const struct zone *z, const char *name, int64_t second)
{
	struct tm tm, again;
	shown(second, &tm);
	int64_t local = second + tm.tm_gmtoff;
	int64_t back = local - zone_at_local(z, local).offset_s;
	cr_assert_leq(back, second, "%s: %jd", name, (intmax_t)second);
	shown(back, &again);
	cr_assert_eq(back + again.tm_gmtoff, local, "%s: %jd shows another time", name,
		     (intmax_t)second);
	/* No earlier moment within a day shows it. */
	for (int64_t hours = -104; hours < 0; hours++) {
		int64_t earlier = local + hours * 900;
		shown(earlier, &again);
		if (earlier + again.tm_gmtoff == local)
			cr_assert_leq(back, earlier, "%s: %jd", name, (intmax_t)second);
	}
}

Test(time_libc, local_times_come_back_as_the_first_moment_that_shows_them)
{
	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
		struct zone z;
		if (!begin(zones[i], &z))
			continue;
		for (size_t c = 0; c < z.count; c += 5)
			for (int64_t off = -7200; off <= 7200; off += 1200)
				expect_first(&z, zones[i], z.changes[c].utc_s + off);
		for (unsigned k = 0; k < 500; k++)
			expect_first(&z, zones[i], random_second(k));
		zone_release(&z);
	}
}

/* What clocks skip is as far behind the change as it would have been: as mktime has it with the offset from before. */
Test(time_libc, skipped_times_have_the_offset_from_before)
{
	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
		struct zone z;
		if (!begin(zones[i], &z))
			continue;
		for (size_t c = 0; c < z.count; c++) {
			struct tm before;
			shown(z.changes[c].utc_s - 1, &before);
			int64_t gap = z.changes[c].offset_s - before.tm_gmtoff;
			int64_t local = z.changes[c].utc_s + before.tm_gmtoff + gap / 2;
			if (gap > 0)
				cr_assert_eq(zone_at_local(&z, local).offset_s, before.tm_gmtoff);
		}
		zone_release(&z);
	}
}

static const char *const patterns[] = {
    "%Y-%m-%d %H:%M:%S %z",
    "%d/%b/%Y:%H:%M:%S %z",
    "%a %b %e %H:%M:%S %Y",
    "%A %d %B %Y %r",
    "%Y%j%H%M%S",
    "%F %T",
    "%s",
    "%e %h %Y %k:%M:%S",
    "%Y-%m-%dT%l:%M:%S %p",
};

Test(time_libc, what_strftime_writes_is_written_and_read)
{
	static const struct zone utc;
	setenv("TZ", "UTC", 1);
	tzset();
	srandom(7);
	for (unsigned k = 0; k < 40000; k++) {
		const char *pattern = patterns[k % (sizeof patterns / sizeof *patterns)];
		int64_t second = random_second(k / 9);
		time_t as_time = second;
		char text[128];
		struct tm tm;
		gmtime_r(&as_time, &tm);
		cr_assert_gt(strftime(text, sizeof text, pattern, &tm), 0);
		cr_assert_str_eq(time_text(pattern, &utc, second * SECOND_NS), text);
		cr_assert_eq(time_read(pattern, &utc, text), second * SECOND_NS, "%s of %s", text,
			     pattern);
	}
}

/* Texts with a byte changed: what we refuse is of no interest here, as strptime takes any white space before a number, and days that a
 * month has not. */
Test(time_libc, what_is_read_strptime_reads_the_same)
{
	static const struct zone utc;
	setenv("TZ", "UTC", 1);
	tzset();
	const char *letters = "0123456789:-/JanFebMar";
	size_t read = 0;
	srandom(7);
	for (unsigned k = 0; k < 60000; k++) {
		const char *pattern = patterns[k % (sizeof patterns / sizeof *patterns)];
		time_t second = random_second(k / 9);
		char text[128];
		struct tm tm, again = {0};
		gmtime_r(&second, &tm);
		size_t length = strftime(text, sizeof text, pattern, &tm);
		text[(size_t)random() % length] = letters[(size_t)random() % strlen(letters)];
		int64_t ns = time_read(pattern, &utc, text);
		/* strptime takes no seconds before 1970. */
		bool before = strcmp(pattern, "%s") == 0 && text[0] == '-';
		if (ns == TIME_WRONG || ns == TIME_FAR || before)
			continue;
		const char *end = strptime(text, pattern, &again);
		long offset = again.tm_gmtoff;
		cr_assert(end && *end == '\0', "%s of %s", text, pattern);
		if (strchr(pattern, 'j'))
			again = (struct tm){.tm_year = again.tm_year,
					    .tm_mday = again.tm_yday + 1,
					    .tm_hour = again.tm_hour,
					    .tm_min = again.tm_min,
					    .tm_sec = again.tm_sec};
		cr_assert_eq(strcmp(pattern, "%s") == 0 ? (int64_t)mktime(&again)
							: timegm(&again) - offset,
			     ns / SECOND_NS - (ns % SECOND_NS < 0), "%s of %s", text, pattern);
		read++;
	}
	cr_assert_gt(read, 10000);
}
