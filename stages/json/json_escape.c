#include "stages/json/json_escape.h"

/* For the letter behind the backslash; 0 where there is no such escape. */
static const uint8_t simple[256] = {
    ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
    ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
};

enum { BAD_HEX = 1 << 16, HEX_ESCAPE = 6 };

static uint32_t hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - (uint32_t)'0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - (uint32_t)'a' + 10 : BAD_HEX;
}

/* The four digits of the escape that begins at bytes; BAD_HEX or more when it is no such escape. */
static uint32_t code_unit(const uint8_t *bytes, size_t room)
{
	if (room < HEX_ESCAPE || bytes[0] != '\\' || bytes[1] != 'u')
		return BAD_HEX;
	uint32_t unit = 0, bad = 0;
	for (unsigned i = 2; i < HEX_ESCAPE; i++) {
		uint32_t digit = hex_digit(bytes[i]);
		bad |= digit & BAD_HEX;
		unit = unit << 4 | (digit & 15);
	}
	return unit | bad;
}

struct json_escape json_escape(const uint8_t *bytes, size_t room)
{
	if (room >= 2 && simple[bytes[1]])
		return (struct json_escape){simple[bytes[1]], 2, NULL};
	const uint32_t unit = code_unit(bytes, room);
	if (unit >= BAD_HEX)
		return (struct json_escape){.why = "escape"};
	if (unit < 0xd800 || unit > 0xdfff)
		return (struct json_escape){unit, HEX_ESCAPE, NULL};
	const uint32_t low = code_unit(bytes + HEX_ESCAPE, room - HEX_ESCAPE);
	if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return (struct json_escape){.why = "lone surrogate"};
	const uint32_t point = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
	return (struct json_escape){point, 2 * HEX_ESCAPE, NULL};
}
