#include "stages/http_call/json_items.h"
#include "stages/json/json_space.h"

struct json_items json_items_of(const uint8_t *list, size_t length)
{
	if (length < 2)
		return (struct json_items){list, list};
	return (struct json_items){list + 1, list + length - 1};
}

/* Past the string that begins at p. */
static const uint8_t *skip_string(const uint8_t *p, const uint8_t *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\' && p + 1 < end)
			p++;
	return p < end ? p + 1 : end;
}

/* To the comma behind the element, or the end. */
static const uint8_t *skip_element(const uint8_t *p, const uint8_t *end)
{
	size_t depth = 0;
	while (p < end && (depth > 0 || *p != ',')) {
		if (*p == '"') {
			p = skip_string(p, end);
			continue;
		}
		depth += *p == '[' || *p == '{';
		depth -= depth > 0 && (*p == ']' || *p == '}');
		p++;
	}
	return p;
}

bool json_items_next(struct json_items *i, struct text_span *ret_element)
{
	const uint8_t *from = i->at;
	while (from < i->end && (json_is_space(*from) || *from == ','))
		from++;
	if (from == i->end)
		return false;
	i->at = skip_element(from, i->end);
	const uint8_t *to = i->at;
	json_trim(&from, &to);
	*ret_element = (struct text_span){from, (uint32_t)(to - from)};
	return true;
}
