#include "conf/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

/* Longest names first where one begins another. */
static const struct unit size_units[] = {
    {"TiB", 1ULL << 40},
    {"GiB", 1ULL << 30},
    {"MiB", 1ULL << 20},
    {"KiB", 1ULL << 10},
    {"TB", 1000000000000ULL},
    {"GB", 1000000000},
    {"MB", 1000000},
    {"KB", 1000},
    {"B", 1},
    {NULL, 0},
};
static const struct unit duration_units[] = {
    {"d", 86400000000000ULL},
    {"h", 3600000000000ULL},
    {"ms", 1000000},
    {"m", 60000000000ULL},
    {"us", 1000},
    {"ns", 1},
    {"s", 1000000000},
    {NULL, 0},
};

const char units_size_pattern[] = "^(0|[0-9]+([KMGT]i?)?B)$";
const char units_duration_pattern[] = "^(0|([0-9]+(ns|us|ms|s|m|h|d))+)$";
const char units_rate_pattern[] = "^(0|[0-9]+/[smh])$";

/* What is left to read. */
struct rest {
	const char *at;
	size_t left;
};

static const uint64_t value_max = INT64_MAX;

static int take_number(struct rest *r, uint64_t *ret_value)
{
	uint64_t value = 0;
	size_t digits = 0;
	bool too_large = false;

	for (; digits < r->left && r->at[digits] >= '0' && r->at[digits] <= '9'; digits++) {
		uint64_t digit = (uint64_t)(r->at[digits] - '0');
		too_large = too_large || value > (value_max - digit) / 10;
		value = too_large ? value : value * 10 + digit;
	}
	if (!digits)
		return -EINVAL;
	r->at += digits;
	r->left -= digits;
	*ret_value = value;
	return too_large ? -ERANGE : 0;
}

static const struct unit *take_unit(struct rest *r, const struct unit *units)
{
	for (; units->name; units++) {
		size_t length = strlen(units->name);
		if (length <= r->left && !memcmp(r->at, units->name, length)) {
			r->at += length;
			r->left -= length;
			return units;
		}
	}
	return NULL;
}

/* A text of digits alone, which only 0 may be where a unit is needed: 0 or -EDOM; -EINVAL: it is not one. */
static int bare_number(const struct rest *whole)
{
	struct rest rest = *whole;
	uint64_t value;
	int result = take_number(&rest, &value);

	if (result == -EINVAL || rest.left)
		return -EINVAL;
	return result || value ? -EDOM : 0;
}

/* A number and its unit, added to *sum. */
static int take_quantity(struct rest *r, const struct unit *units, uint64_t *sum)
{
	uint64_t value;
	int result = take_number(r, &value);
	const struct unit *unit;

	if (result == -EINVAL)
		return result;
	unit = take_unit(r, units);
	if (!unit)
		return -EINVAL;
	if (result || value > (value_max - *sum) / unit->factor)
		return -ERANGE;
	*sum += value * unit->factor;
	return 0;
}

int units_count(const char *typed, size_t length, uint64_t *ret_value)
{
	struct rest rest = {typed, length};
	uint64_t value;
	int result = take_number(&rest, &value);

	if (rest.left)
		return -EINVAL;
	if (!result)
		*ret_value = value;
	return result;
}

int units_size(const char *typed, size_t length, uint64_t *ret_bytes)
{
	struct rest rest = {typed, length};
	uint64_t bytes = 0;
	int result = bare_number(&rest);

	if (result == -EINVAL) {
		result = take_quantity(&rest, size_units, &bytes);
		if (rest.left)
			return -EINVAL;
	}
	if (!result)
		*ret_bytes = bytes;
	return result;
}

int units_duration(const char *typed, size_t length, uint64_t *ret_ns)
{
	struct rest rest = {typed, length};
	uint64_t ns = 0;
	int result = bare_number(&rest);

	if (result == -EINVAL) {
		bool too_large = false;
		do {
			result = take_quantity(&rest, duration_units, &ns);
			too_large = too_large || result == -ERANGE;
		} while (rest.left && result != -EINVAL);
		/* A form that is wrong outranks a number that is too large. */
		if (!result && too_large)
			result = -ERANGE;
	}
	if (!result)
		*ret_ns = ns;
	return result;
}

int units_rate(const char *typed, size_t length, uint64_t *ret_per_second)
{
	static const struct unit per[] = {{"/s", 1}, {"/m", 60}, {"/h", 3600}, {NULL, 0}};
	struct rest rest = {typed, length};
	const struct unit *unit;
	uint64_t value;
	int result = take_number(&rest, &value);

	if (result == -EINVAL)
		return result;
	if (!rest.left && (result || value))
		return -EDOM;
	unit = rest.left ? take_unit(&rest, per) : &per[0];
	if (!unit || rest.left)
		return -EINVAL;
	if (result)
		return result;
	if (value % unit->factor)
		return -ENOTSUP;
	*ret_per_second = value / unit->factor;
	return 0;
}

static void print_in(char text[UNITS_TEXT_ROOM], uint64_t value, const struct unit *units)
{
	const struct unit *best = NULL;

	for (; value && units->name; units++)
		if (value % units->factor == 0 && (!best || units->factor > best->factor))
			best = units;
	if (!best)
		snprintf(text, UNITS_TEXT_ROOM, "%" PRIu64, value);
	else
		snprintf(text, UNITS_TEXT_ROOM, "%" PRIu64 "%s", value / best->factor, best->name);
}

void units_print_size(char text[UNITS_TEXT_ROOM], uint64_t bytes)
{
	print_in(text, bytes, size_units);
}

void units_print_duration(char text[UNITS_TEXT_ROOM], uint64_t ns)
{
	print_in(text, ns, duration_units);
}
