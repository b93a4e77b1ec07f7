#include "conf/printable.h"

#include <assert.h>
#include <stdint.h>

/* The well-formed sequences of RFC 3629, section 4, less C1 (C2 80 to C2 9F): by first byte, what the second may be. */
static const struct {
	uint8_t first, last, second_min, second_max;
	uint8_t length;
} forms[] = {
    {0x20, 0x7e, 0, 0, 1},       {0xc2, 0xc2, 0xa0, 0xbf, 2}, {0xc3, 0xdf, 0x80, 0xbf, 2},
    {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
    {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
    {0xf4, 0xf4, 0x80, 0x8f, 4},
};

size_t printable_length(const char *bytes, size_t length)
{
	const uint8_t *at = (const uint8_t *)bytes;
	assert(length > 0);
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		if (at[0] < forms[i].first || at[0] > forms[i].last)
			continue;
		if (forms[i].length > length)
			return 0;
		if (forms[i].length > 1 &&
		    (at[1] < forms[i].second_min || at[1] > forms[i].second_max))
			return 0;
		for (size_t k = 2; k < forms[i].length; k++)
			if ((at[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].length;
	}
	return 0;
}
