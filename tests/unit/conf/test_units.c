#include "conf/units.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <regex.h>
#include <string.h>

typedef int parse(const char *typed, size_t length, uint64_t *ret_value);

static void expect_value(parse *p, const char *typed, uint64_t expected)
{
	uint64_t value = 12345;

	cr_expect_eq(p(typed, strlen(typed), &value), 0, "%s", typed);
	cr_expect_eq(value, expected, "%s is %lu", typed, value);
}

static void expect_error(parse *p, const char *typed, int expected)
{
	uint64_t value = 12345;
	int result = p(typed, strlen(typed), &value);

	cr_expect_eq(result, expected, "%s gives %d", typed, result);
	cr_expect_eq(value, 12345, "%s changed the value", typed);
}

Test(units, sizes_in_powers_of_1000_and_of_1024)
{
	expect_value(units_size, "0", 0);
	expect_value(units_size, "7B", 7);
	expect_value(units_size, "64KiB", 65536);
	expect_value(units_size, "64KB", 64000);
	expect_value(units_size, "1MiB", 1048576);
	expect_value(units_size, "10MB", 10000000);
	expect_value(units_size, "1GiB", 1073741824);
	expect_value(units_size, "2GB", 2000000000);
	expect_value(units_size, "1TiB", 1099511627776);
	expect_value(units_size, "1TB", 1000000000000);
	expect_value(units_size, "007B", 7);
}

Test(units, size_without_unit_is_told_from_nonsense)
{
	expect_error(units_size, "64", -EDOM);
	expect_error(units_size, "99999999999999999999999", -EDOM);
	static const char *const nonsense[] = {"",      "KiB", "64K",    "64 KiB",
					       "64kib", "-1B", "1.5GiB", "1KiB2",
					       "0x10B", "+1B", "1BB",    " 1B"};
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(*nonsense); i++)
		expect_error(units_size, nonsense[i], -EINVAL);
}

Test(units, values_end_at_the_largest_signed_number)
{
	expect_value(units_size, "9223372036854775807B", INT64_MAX);
	expect_error(units_size, "9223372036854775808B", -ERANGE);
	expect_value(units_size, "8388607TiB", 8388607ULL << 40);
	expect_error(units_size, "8388608TiB", -ERANGE);
	expect_error(units_size, "18446744073709551617B", -ERANGE);
	expect_value(units_count, "9223372036854775807", INT64_MAX);
	expect_error(units_count, "9223372036854775808", -ERANGE);
	expect_value(units_duration, "106751d", 106751 * 86400000000000ULL);
	expect_error(units_duration, "106752d", -ERANGE);
	expect_error(units_duration, "106751d24h", -ERANGE);
}

Test(units, too_large_in_a_wrong_form_is_a_wrong_form)
{
	expect_error(units_size, "99999999999999999999KiBx", -EINVAL);
	expect_error(units_duration, "106752dx", -EINVAL);
	expect_error(units_duration, "106752d5", -EINVAL);
	expect_error(units_count, "99999999999999999999x", -EINVAL);
}

Test(units, durations_add_up)
{
	expect_value(units_duration, "0", 0);
	expect_value(units_duration, "5ns", 5);
	expect_value(units_duration, "5us", 5000);
	expect_value(units_duration, "100ms", 100000000);
	expect_value(units_duration, "1s", 1000000000);
	expect_value(units_duration, "5m", 300000000000);
	expect_value(units_duration, "1h30m", 5400000000000);
	expect_value(units_duration, "7d", 604800000000000);
	expect_value(units_duration, "1m1ms", 60001000000);
	expect_error(units_duration, "5", -EDOM);
	expect_error(units_duration, "5s3", -EINVAL);
	expect_error(units_duration, "5s0", -EINVAL);
	expect_error(units_duration, "1y", -EINVAL);
	expect_error(units_duration, "1.5s", -EINVAL);
	expect_error(units_duration, "s", -EINVAL);
}

Test(units, rates_come_to_whole_numbers_a_second)
{
	expect_value(units_rate, "0", 0);
	expect_value(units_rate, "1000/s", 1000);
	expect_value(units_rate, "120/m", 2);
	expect_value(units_rate, "7200/h", 2);
	expect_error(units_rate, "90/m", -ENOTSUP);
	expect_error(units_rate, "10", -EDOM);
	expect_error(units_rate, "10/d", -EINVAL);
	expect_error(units_rate, "10/", -EINVAL);
	expect_error(units_rate, "10/ss", -EINVAL);
	expect_error(units_rate, "9223372036854775808/s", -ERANGE);
}

Test(units, counts_are_digits_alone)
{
	expect_value(units_count, "0", 0);
	expect_value(units_count, "42", 42);
	expect_error(units_count, "", -EINVAL);
	expect_error(units_count, "-1", -EINVAL);
	expect_error(units_count, "1e3", -EINVAL);
	expect_error(units_count, "0x10", -EINVAL);
}

/* What editors accept by the schema, the daemon must. */
static void expect_agreement(const char *pattern, parse *p, const char *typed)
{
	uint64_t value;
	regex_t regex;
	int result = p(typed, strlen(typed), &value);

	cr_assert_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	cr_expect_eq(!regexec(&regex, typed, 0, NULL, 0), !result || result == -ENOTSUP, "%s, %s",
		     typed, pattern);
	regfree(&regex);
}

Test(units, patterns_agree_with_parsers)
{
	static const char *const typed[] = {"0",    "1",   "5B",  "5KB",  "5KiB", "5MiB", "5GB",
					    "5TiB", "5Ki", "5iB", "5ns",  "5us",  "5ms",  "5s",
					    "5m",   "5h",  "5d",  "1h1m", "5y",   "5s5",  "5/s",
					    "90/m", "5/h", "5/d", "x",    "",     " 5B",  "5B "};

	for (size_t i = 0; i < sizeof(typed) / sizeof(*typed); i++) {
		expect_agreement(units_size_pattern, units_size, typed[i]);
		expect_agreement(units_duration_pattern, units_duration, typed[i]);
		expect_agreement(units_rate_pattern, units_rate, typed[i]);
	}
}

Test(units, printed_values_read_back)
{
	static const uint64_t values[] = {0,     1,       999,     1000,          1024,     1536,
					  65536, 1000000, 1048576, 3600000000000, INT64_MAX};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		char text[UNITS_TEXT_ROOM];
		units_print_size(text, values[i]);
		expect_value(units_size, text, values[i]);
		units_print_duration(text, values[i]);
		expect_value(units_duration, text, values[i]);
	}
}

Test(units, values_print_in_their_largest_unit)
{
	char text[UNITS_TEXT_ROOM];

	units_print_size(text, 268435456);
	cr_expect_str_eq(text, "256MiB");
	units_print_size(text, 10000000);
	cr_expect_str_eq(text, "10MB");
	units_print_duration(text, 5400000000000);
	cr_expect_str_eq(text, "90m");
}
