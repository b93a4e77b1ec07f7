/* plain_json.h - what json_scan() promises, a byte at a time, by recursion, with nothing of it: the judge of random
 * documents.
 *
 * Threads: one. Memory: none. Layer: tests, libc only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { PLAIN_NAMES_MAX = 4, PLAIN_WANTED_MAX = 16, PLAIN_NAME_ROOM = 512 };

struct plain_wanted {
	const char *names[PLAIN_NAMES_MAX];
	unsigned count;
	/* where the value is in the document; NULL: there is none */
	const uint8_t *from, *to;
};

struct plain_json {
	const uint8_t *p, *end;
	unsigned depth, depth_max;
	struct plain_wanted *wanted;
	unsigned wanted_count;
};

static inline bool plain_value(struct plain_json *j, uint32_t possible, unsigned level);

static inline void plain_space(struct plain_json *j)
{
	while (j->p < j->end && memchr(" \t\n\r", *j->p, 4))
		j->p++;
}

static inline bool plain_take(struct plain_json *j, const char *text)
{
	size_t n = strlen(text);
	if ((size_t)(j->end - j->p) < n || memcmp(j->p, text, n) != 0)
		return false;
	j->p += n;
	return true;
}

static inline bool plain_digits(struct plain_json *j)
{
	const uint8_t *from = j->p;
	while (j->p < j->end && *j->p >= '0' && *j->p <= '9')
		j->p++;
	return j->p > from;
}

static inline bool plain_number(struct plain_json *j)
{
	plain_take(j, "-");
	if (!plain_take(j, "0") && !plain_digits(j))
		return false;
	if (plain_take(j, ".") && !plain_digits(j))
		return false;
	if (!plain_take(j, "e") && !plain_take(j, "E"))
		return true;
	if (!plain_take(j, "+"))
		plain_take(j, "-");
	return plain_digits(j);
}

static inline bool plain_hex(struct plain_json *j, uint32_t *unit)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	*unit = 0;
	for (int i = 0; i < 4; i++) {
		const char *d = j->p < j->end && *j->p ? strchr(digits, *j->p) : NULL;
		if (!d)
			return false;
		long digit = d - digits;
		*unit = *unit * 16 + (uint32_t)(digit > 15 ? digit - 6 : digit);
		j->p++;
	}
	return true;
}

static inline bool plain_escape(struct plain_json *j, uint32_t *point)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	uint32_t low;
	if (j->p == j->end)
		return false;
	uint8_t letter = *j->p++;
	const char *simple = letter ? strchr(letters, letter) : NULL;
	if (simple) {
		*point = (uint8_t)meant[simple - letters];
		return true;
	}
	if (letter != 'u' || !plain_hex(j, point))
		return false;
	if (*point / 0x400 == 0xdc00 / 0x400)
		return false;
	if (*point / 0x400 != 0xd800 / 0x400)
		return true;
	if (!plain_take(j, "\\u") || !plain_hex(j, &low) || low / 0x400 != 0xdc00 / 0x400)
		return false;
	*point = 0x10000 + (*point % 0x400) * 0x400 + low % 0x400;
	return true;
}

/* By decoding it: then overlong, surrogate and too large are arithmetic. */
static inline bool plain_utf8(struct plain_json *j, uint32_t *point)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	uint8_t first = *j->p++;
	unsigned more = first < 0x80    ? 0
			: first >= 0xf8 ? 9
			: first >= 0xf0 ? 3
			: first >= 0xe0 ? 2
					: 1;
	if (more == 9 || (first >= 0x80 && first < 0xc0))
		return false;
	*point = more ? first & (0x3fu >> more) : first;
	for (unsigned i = 0; i < more; i++, j->p++) {
		if (j->p == j->end || *j->p / 0x40 != 2)
			return false;
		*point = *point * 0x40 + *j->p % 0x40;
	}
	return *point >= least[more] && *point <= 0x10ffff && (*point < 0xd800 || *point > 0xdfff);
}

/* The characters it is made of, as many as there is room for. */
static inline bool plain_string(struct plain_json *j, uint32_t *points, size_t *count)
{
	*count = 0;
	if (!plain_take(j, "\""))
		return false;
	while (j->p < j->end && *j->p != '"') {
		uint32_t point;
		if (*j->p < 0x20)
			return false;
		if (!(plain_take(j, "\\") ? plain_escape(j, &point) : plain_utf8(j, &point)))
			return false;
		if (*count < PLAIN_NAME_ROOM)
			points[(*count)++] = point;
	}
	return plain_take(j, "\"");
}

/* Wanted names of tests are ASCII. */
static inline bool plain_same(const char *name, const uint32_t *points, size_t count)
{
	size_t i = 0;
	for (; i < count && name[i] && (uint8_t)name[i] == points[i]; i++)
		;
	return i == count && !name[i];
}

/* possible: those of the wanted that are within this object, which is at this level. */
static inline bool plain_member(struct plain_json *j, uint32_t possible, unsigned level)
{
	uint32_t name[PLAIN_NAME_ROOM], within = 0;
	size_t count;
	if (!plain_string(j, name, &count))
		return false;
	for (unsigned i = 0; i < j->wanted_count; i++) {
		struct plain_wanted *w = &j->wanted[i];
		if ((possible >> i & 1) && w->count > level &&
		    plain_same(w->names[level], name, count)) {
			within |= 1u << i;
			w->from = w->to = NULL;
		}
	}
	plain_space(j);
	if (!plain_take(j, ":"))
		return false;
	plain_space(j);
	const uint8_t *from = j->p;
	if (!plain_value(j, within, level + 1))
		return false;
	for (unsigned i = 0; i < j->wanted_count; i++) {
		if ((within >> i & 1) && j->wanted[i].count == level + 1) {
			j->wanted[i].from = from;
			j->wanted[i].to = j->p;
		}
	}
	return true;
}

static inline bool plain_container(struct plain_json *j, bool object, uint32_t possible,
				   unsigned level)
{
	const char *end = object ? "}" : "]";
	if (++j->depth > j->depth_max)
		return false;
	plain_space(j);
	if (!plain_take(j, end)) {
		do {
			plain_space(j);
			if (!(object ? plain_member(j, possible, level) : plain_value(j, 0, level)))
				return false;
			plain_space(j);
		} while (plain_take(j, ","));
		if (!plain_take(j, end))
			return false;
	}
	j->depth--;
	return true;
}

static inline bool plain_value(struct plain_json *j, uint32_t possible, unsigned level)
{
	uint32_t points[PLAIN_NAME_ROOM];
	size_t count;
	if (plain_take(j, "true") || plain_take(j, "false") || plain_take(j, "null"))
		return true;
	if (plain_take(j, "{"))
		return plain_container(j, true, possible, level);
	if (plain_take(j, "["))
		return plain_container(j, false, possible, level);
	return j->p < j->end && *j->p == '"' ? plain_string(j, points, &count) : plain_number(j);
}

static inline bool plain_scan(const uint8_t *bytes, size_t length, unsigned depth_max,
			      struct plain_wanted *wanted, unsigned wanted_count)
{
	struct plain_json j = {bytes, bytes + length, 0, depth_max, wanted, wanted_count};
	for (unsigned i = 0; i < wanted_count; i++)
		wanted[i].from = wanted[i].to = NULL;
	plain_space(&j);
	bool right = j.p < j.end && *j.p == '{' && plain_value(&j, (1u << wanted_count) - 1, 0);
	plain_space(&j);
	return right && j.p == j.end;
}
