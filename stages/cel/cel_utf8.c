#include "stages/cel/cel_utf8.h"

/* How many bytes the character there has; 0: it is none. */
static unsigned character_length(const uint8_t *b, size_t left)
{
	if (b[0] < 0x80)
		return 1;
	unsigned length = b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : 2;
	if (b[0] < 0xc2 || b[0] > 0xf4 || length > left)
		return 0;
	for (unsigned i = 1; i < length; i++)
		if ((b[i] & 0xc0) != 0x80)
			return 0;
	bool overlong = (b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xf0 && b[1] < 0x90);
	bool surrogate = b[0] == 0xed && b[1] >= 0xa0;
	bool beyond = b[0] == 0xf4 && b[1] >= 0x90;
	return overlong || surrogate || beyond ? 0 : length;
}

bool cel_utf8_valid(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length;) {
		unsigned n = character_length(bytes + i, length - i);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

uint64_t cel_utf8_count(const uint8_t *bytes, size_t length)
{
	uint64_t count = 0;
	for (size_t i = 0; i < length; i++)
		count += (bytes[i] & 0xc0) != 0x80;
	return count;
}

unsigned cel_utf8_put(uint8_t *to, uint32_t character)
{
	if (character < 0x80) {
		to[0] = (uint8_t)character;
		return 1;
	}
	if (character > 0x10ffff || (character >= 0xd800 && character <= 0xdfff))
		return 0;
	unsigned length = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
	for (unsigned i = length - 1; i > 0; i--) {
		to[i] = (uint8_t)(0x80 | (character & 0x3f));
		character >>= 6;
	}
	static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
	to[0] = (uint8_t)(leads[length] | character);
	return length;
}
