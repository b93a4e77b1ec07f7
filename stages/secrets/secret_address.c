/* secret_address.c - addresses of the Internet, those that are ones: 192.0.2.1 and not 1.2.3.4.5 or 256.1.1.1; 2001:db8::1 and not
 * 12:30:59 or std::vector. A port, a prefix's length and a zone stay. */
#include "stages/secrets/secret.h"
#include "stages/secrets/secret_bytes.h"

enum { OCTETS = 4, GROUPS = 8, GROUP_DIGITS = 4 };

/* ---- version 4 ---- */

/* Past the number up to 255, without zeros in front; at: there is none. */
static size_t octet_end(const uint8_t *text, size_t length, size_t at)
{
	unsigned value = 0;
	size_t end = at;
	while (end < length && end - at < 3 && is_digit(text[end]))
		value = value * 10 + text[end++] - '0';
	bool is_octet = end > at && value <= 255 && (text[at] != '0' || end == at + 1);
	return is_octet ? end : at;
}

/* Past four of them; at: there are not as many. */
static size_t quad_end(const uint8_t *text, size_t length, size_t at)
{
	size_t end = at;
	for (unsigned i = 0; i < OCTETS; i++) {
		if (i > 0 && (end >= length || text[end++] != '.'))
			return at;
		size_t next = octet_end(text, length, end);
		if (next == end)
			return at;
		end = next;
	}
	return end;
}

/* A number goes on there: digits, or a dot and digits. */
static bool goes_on(const uint8_t *text, size_t length, size_t at)
{
	if (at < length && is_digit(text[at]))
		return true;
	return at + 1 < length && text[at] == '.' && is_digit(text[at + 1]);
}

bool secret_find_ipv4(const uint8_t *text, size_t length, size_t from, struct secret_span *ret)
{
	for (size_t at = from; at < length; at++) {
		if (!is_digit(text[at]))
			continue;
		size_t end = quad_end(text, length, at);
		bool is_more = at >= 2 && text[at - 1] == '.' && is_digit(text[at - 2]);
		if (end > at && !is_more && !goes_on(text, length, end)) {
			*ret = (struct secret_span){at, end};
			return true;
		}
		while (at + 1 < length && is_digit(text[at + 1]))
			at++;
	}
	return false;
}

/* ---- version 6 ---- */

static size_t group_end(const uint8_t *text, size_t length, size_t at)
{
	size_t end = at;
	while (end < length && end - at < GROUP_DIGITS && is_hex(text[end]))
		end++;
	return end;
}

static bool has_pair(const uint8_t *text, size_t length, size_t at)
{
	return at + 1 < length && text[at] == ':' && text[at + 1] == ':';
}

static bool is_word_byte(const uint8_t *text, size_t length, size_t at)
{
	return at < length && (is_alnum(text[at]) || text[at] == '_');
}

/* What was read of an address. */
struct reading {
	size_t end;
	unsigned groups;
	bool has_gap; /* :: */
};

/* A group, or an address of version 4 in the place of the last two. */
static bool read_group(const uint8_t *text, size_t length, size_t at, struct reading *r)
{
	size_t quad = r->groups + 2 <= GROUPS ? quad_end(text, length, at) : at;
	if (quad > at && !goes_on(text, length, quad)) {
		r->end = quad;
		r->groups += 2;
		return false;
	}
	size_t end = group_end(text, length, at);
	if (end == at || is_word_byte(text, length, end))
		return false;
	r->end = end;
	r->groups++;
	return true;
}

/* As much of an address as there is. */
static struct reading read_address(const uint8_t *text, size_t length, size_t at)
{
	struct reading r = {.end = at};
	if (!has_pair(text, length, at) && !read_group(text, length, at, &r))
		return r;
	while (r.groups < GROUPS && r.end < length && text[r.end] == ':') {
		if (has_pair(text, length, r.end)) {
			if (r.has_gap)
				break;
			r.has_gap = true;
			r.end += 2;
			if (!read_group(text, length, r.end, &r))
				break;
		} else if (!read_group(text, length, r.end + 1, &r)) {
			break;
		}
	}
	return r;
}

/* Where the address at `at` ends; at: there is none. `::` alone says nothing of anybody. */
static size_t address_end(const uint8_t *text, size_t length, size_t at)
{
	if (at > 0 && is_word_byte(text, length, at - 1))
		return at;
	struct reading r = read_address(text, length, at);
	bool is_address = r.groups > 0 && (r.has_gap ? r.groups < GROUPS : r.groups == GROUPS);
	bool is_part = is_word_byte(text, length, r.end);
	return is_address && !is_part ? r.end : at;
}

bool secret_find_ipv6(const uint8_t *text, size_t length, size_t from, struct secret_span *ret)
{
	for (size_t at = from; at < length; at++) {
		bool may_begin = is_hex(text[at]) || has_pair(text, length, at);
		size_t end = may_begin ? address_end(text, length, at) : at;
		if (end > at) {
			*ret = (struct secret_span){at, end};
			return true;
		}
		/* in the middle of a word none begins */
		while (is_word_byte(text, length, at) && is_word_byte(text, length, at + 1))
			at++;
	}
	return false;
}
