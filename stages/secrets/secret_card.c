/* secret_card.c - numbers of payment cards: 13 to 19 digits whose last one is right (Luhn, ISO/IEC 7812-1), in one piece or in
 * groups with a space, `-`, `.` or `+` between.
 *
 *	order 2024 4111 1111 1111 1111        groups: each that may begin one is tried with those behind it, and if
 *	                                      numbers lie across each other all of them are one secret
 *
 * What no card begins with is none, so that moments (1700000000000) stay: 0, 1 unless there are 15 digits, 7; and so is what
 * stands behind a decimal point (0.4111111111111111). One number in ten passes by chance. */
#include "stages/secrets/secret.h"
#include "stages/secrets/secret_bytes.h"

enum { DIGITS_LEAST = 13, DIGITS_MOST = 19, FIRST_LEAST = 4, NEXT_LEAST = 3, TRAVEL = 15 };

/* Neighbouring digits. */
struct group {
	size_t from, to;
};

static size_t group_length(const struct group *g)
{
	return g->to - g->from;
}

static struct group group_at(const uint8_t *text, size_t length, size_t at)
{
	struct group g = {at, at};
	while (g.to < length && is_digit(text[g.to]))
		g.to++;
	return g;
}

static bool is_separator(uint8_t c)
{
	return c == ' ' || c == '-' || c == '.' || c == '+';
}

/* The one that is joined to g; false: there is none. */
static bool group_after(const uint8_t *text, size_t length, const struct group *g,
			struct group *ret)
{
	if (g->to + 1 >= length || !is_separator(text[g->to]) || !is_digit(text[g->to + 1]))
		return false;
	*ret = group_at(text, length, g->to + 1);
	return true;
}

static bool passes_luhn(const uint8_t *text, size_t from, size_t to)
{
	unsigned sum = 0, place = 0;
	for (size_t at = to; at > from; at--) {
		if (!is_digit(text[at - 1]))
			continue;
		unsigned digit = text[at - 1] - '0';
		if (place++ % 2)
			digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
		sum += digit;
	}
	return sum % 10 == 0;
}

static bool may_begin(uint8_t first, size_t digits)
{
	return first == '1' ? digits == TRAVEL : first != '0' && first != '7';
}

static bool is_card(const uint8_t *text, size_t from, size_t to, size_t digits)
{
	return digits >= DIGITS_LEAST && digits <= DIGITS_MOST && may_begin(text[from], digits) &&
	       passes_luhn(text, from, to);
}

static bool is_fraction(const uint8_t *text, size_t from)
{
	return from >= 2 && text[from - 1] == '.' && is_digit(text[from - 2]);
}

/* Where the longest number ends that begins with the group; 0: none does. */
static size_t card_end(const uint8_t *text, size_t length, const struct group *first)
{
	struct group last = *first;
	size_t digits = group_length(first);
	size_t end = 0;
	if (is_card(text, first->from, first->to, digits) && !is_fraction(text, first->from))
		end = first->to;
	if (digits < FIRST_LEAST)
		return end;
	while (digits <= DIGITS_MOST && group_after(text, length, &last, &last)) {
		digits += group_length(&last);
		if (is_card(text, first->from, last.to, digits))
			end = last.to;
		if (group_length(&last) < NEXT_LEAST)
			break;
	}
	return end;
}

/* Numbers that begin within and end behind it belong to it. */
static size_t grow(const uint8_t *text, size_t length, struct group g, size_t end)
{
	while (group_after(text, length, &g, &g) && g.from < end) {
		size_t other = card_end(text, length, &g);
		end = other > end ? other : end;
	}
	return end;
}

bool secret_find_card(const uint8_t *text, size_t length, size_t from, struct secret_span *ret)
{
	size_t at = from;
	while (at < length) {
		if (!is_digit(text[at])) {
			at++;
			continue;
		}
		struct group g = group_at(text, length, at);
		size_t end = card_end(text, length, &g);
		if (end > 0) {
			*ret = (struct secret_span){at, grow(text, length, g, end)};
			return true;
		}
		at = g.to;
	}
	return false;
}
