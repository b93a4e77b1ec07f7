#include "stages/json/json_utf8.h"

/* What may follow a first byte: how many more, and which second bytes (RFC 3629, section 4). */
struct lead {
	uint8_t more, second_low, second_high;
};

static struct lead lead_of(uint8_t first)
{
	if (first >= 0xc2 && first <= 0xdf)
		return (struct lead){1, 0x80, 0xbf};
	if (first == 0xe0)
		return (struct lead){2, 0xa0, 0xbf};
	if (first == 0xed)
		return (struct lead){2, 0x80, 0x9f};
	if (first >= 0xe1 && first <= 0xef)
		return (struct lead){2, 0x80, 0xbf};
	if (first == 0xf0)
		return (struct lead){3, 0x90, 0xbf};
	if (first >= 0xf1 && first <= 0xf3)
		return (struct lead){3, 0x80, 0xbf};
	if (first == 0xf4)
		return (struct lead){3, 0x80, 0x8f};
	return (struct lead){0};
}

struct utf8_character utf8_character(const uint8_t *bytes, size_t room)
{
	if (bytes[0] < 0x80)
		return (struct utf8_character){1, true};
	const struct lead lead = lead_of(bytes[0]);
	if (lead.more == 0 || room < 2 || bytes[1] < lead.second_low || bytes[1] > lead.second_high)
		return (struct utf8_character){1, false};
	uint8_t length = 2;
	for (; length <= lead.more; length++) {
		if (length == room || (bytes[length] & 0xc0) != 0x80)
			return (struct utf8_character){length, false};
	}
	return (struct utf8_character){length, true};
}

size_t utf8_valid_prefix(const uint8_t *bytes, size_t length)
{
	size_t at = 0;
	while (at < length) {
		struct utf8_character c = utf8_character(bytes + at, length - at);
		if (!c.valid)
			break;
		at += c.length;
	}
	return at;
}
