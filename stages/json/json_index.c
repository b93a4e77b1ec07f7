#include "stages/json/json_index.h"

#include "stages/json/json_escape.h"
#include "stages/json/json_utf8.h"

#include <assert.h>

void json_index_begin(struct json_index *x, const uint8_t *bytes, size_t from, size_t length)
{
	x->bytes = bytes;
	x->length = length;
	x->from = x->window = x->next = from;
	x->words = 0;
	x->last_backslash = x->escapes_checked = 0;
	x->backslashes = x->escaped = x->in_string = x->utf8_checked = false;
}

static bool mistaken(struct json_mistake *m, const char *why, size_t at)
{
	*m = (struct json_mistake){why, (uint32_t)at};
	return false;
}

static bool check_escape(struct json_index *x, size_t at, struct json_mistake *ret_mistake)
{
	if (at < x->escapes_checked) /* the second one of a pair */
		return true;
	struct json_escape e = json_escape(x->bytes + at, x->length - at);
	if (e.length == 0)
		return mistaken(ret_mistake, e.why, at);
	x->escapes_checked = at + e.length;
	return true;
}

/* Takes escaped quotes out of one word, and looks at each escape that begins in it. */
static bool resolve_word(struct json_index *x, size_t word, struct json_mistake *ret_mistake)
{
	uint64_t quotes = x->masks.quotes[word], backslashes = x->masks.backslashes[word];
	if (x->escaped) {
		quotes &= ~(uint64_t)1;
		backslashes &= ~(uint64_t)1;
		x->escaped = false;
	}
	while (backslashes) {
		unsigned bit = (unsigned)__builtin_ctzll(backslashes);
		uint64_t pair = (uint64_t)3 << bit; /* of the last bit: that one alone */
		if (!check_escape(x, x->window + word * JSON_BLOCK_BYTES + bit, ret_mistake))
			return false;
		x->escaped = bit == JSON_BLOCK_BYTES - 1;
		quotes &= ~pair;
		backslashes &= ~pair;
	}
	x->masks.quotes[word] = quotes;
	return true;
}

static bool resolve_escapes(struct json_index *x, struct json_mistake *ret_mistake)
{
	for (size_t i = 0; i < x->words; i++) {
		if ((x->masks.backslashes[i] || x->escaped) && !resolve_word(x, i, ret_mistake))
			return false;
	}
	return true;
}

/* Each bit becomes the parity of those up to it: set from a string's first quote to the byte before its last. */
static uint64_t parities(uint64_t word)
{
	for (unsigned shift = 1; shift < 64; shift *= 2)
		word ^= word << shift;
	return word;
}

static bool check_controls(const struct json_index *x, bool in_string,
			   struct json_mistake *ret_mistake)
{
	uint64_t inside = in_string ? ~(uint64_t)0 : 0;
	for (size_t i = 0; i < x->words; i++) {
		uint64_t strings = parities(x->masks.quotes[i]) ^ inside;
		uint64_t wrong = strings & x->masks.controls[i];
		if (wrong)
			return mistaken(ret_mistake, "control character in a string",
					x->window + i * JSON_BLOCK_BYTES +
					    (size_t)__builtin_ctzll(wrong));
		inside = strings >> 63 ? ~(uint64_t)0 : 0;
	}
	return true;
}

/* All of what is left of the record: what went before is ASCII. */
static bool check_utf8(struct json_index *x, struct json_mistake *ret_mistake)
{
	const uint8_t *bytes = x->bytes + x->window;
	const size_t length = x->length - x->window;
	x->utf8_checked = true;
	if (json_kernels->is_utf8(bytes, length))
		return true;
	return mistaken(ret_mistake, "UTF-8", x->window + utf8_valid_prefix(bytes, length));
}

/* What the window that is left behind says of the next one. */
static void carry_on(struct json_index *x)
{
	uint64_t odd = 0;
	for (size_t i = 0; i < x->words; i++) {
		odd ^= x->masks.quotes[i];
		if (x->masks.backslashes[i])
			x->last_backslash = x->window + (i + 1) * JSON_BLOCK_BYTES -
					    (size_t)__builtin_clzll(x->masks.backslashes[i]);
	}
	x->in_string ^= __builtin_parityll(odd);
}

bool json_index_window(struct json_index *x, struct json_mistake *ret_mistake)
{
	assert(x->next < x->length);
	if (x->next > x->from)
		carry_on(x);
	size_t length = x->length - x->next;
	if (length > JSON_WINDOW_BYTES)
		length = JSON_WINDOW_BYTES;
	x->window = x->next;
	x->next += length;
	x->words = (length + JSON_BLOCK_BYTES - 1) / JSON_BLOCK_BYTES;
	struct json_some some = json_kernels->masks(x->bytes + x->window, length, &x->masks);
	if ((some.backslashes || x->escaped) && !resolve_escapes(x, ret_mistake))
		return false;
	x->backslashes |= some.backslashes != 0;
	if (some.controls && !check_controls(x, x->in_string, ret_mistake))
		return false;
	if (some.high && !x->utf8_checked && !check_utf8(x, ret_mistake))
		return false;
	if (x->next == x->length)
		x->masks.quotes[x->words++] = 1;
	return true;
}

bool json_index_backslash(const struct json_index *x, size_t from, size_t to)
{
	if (from < x->window) {
		if (x->last_backslash > from)
			return true;
		from = x->window;
	}
	if (from >= to)
		return false;
	from -= x->window;
	to -= x->window + 1;
	const size_t first = from / JSON_BLOCK_BYTES, last = to / JSON_BLOCK_BYTES;
	uint64_t mask = ~(uint64_t)0 << from % JSON_BLOCK_BYTES;
	for (size_t i = first; i < last; i++, mask = ~(uint64_t)0) {
		if (x->masks.backslashes[i] & mask)
			return true;
	}
	mask &= ~(uint64_t)0 >> (JSON_BLOCK_BYTES - 1 - to % JSON_BLOCK_BYTES);
	return (x->masks.backslashes[last] & mask) != 0;
}
