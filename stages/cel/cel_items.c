#include "stages/cel/cel_items.h"

#include "stages/cel/cel_compare.h"
#include "stages/cel/cel_reasons.h"

#include <errno.h>
#include <stdalign.h>

static const struct value *array_of(const struct value *container)
{
	return (const struct value *)(const void *)container->bytes;
}

struct cel_items cel_items_begin(const struct value *container)
{
	if (container->form != CEL_ITEMS)
		return (struct cel_items){.json = cel_json_begin(container), .is_json = true};
	const struct value *array = array_of(container);
	size_t count = (size_t)container->length * (container->type == VALUE_MAP ? 2 : 1);
	return (struct cel_items){.at = array, .end = count ? array + count : array};
}

int cel_items_element(struct cel_items *items, struct value *ret_value)
{
	if (items->is_json)
		return cel_json_element(&items->json, ret_value);
	if (items->at == items->end)
		return 0;
	*ret_value = *items->at++;
	return 1;
}

int cel_items_pair(struct cel_items *items, struct value *ret_key, struct value *ret_value)
{
	if (items->is_json)
		return cel_json_member(&items->json, ret_key, ret_value);
	if (items->at == items->end)
		return 0;
	*ret_key = *items->at++;
	*ret_value = *items->at++;
	return 1;
}

int64_t cel_items_count(const struct value *container)
{
	if (container->form == CEL_ITEMS)
		return container->length;
	struct cel_items items = cel_items_begin(container);
	struct value key, value;
	int64_t count = 0;
	for (;; count++) {
		int r = container->type == VALUE_MAP ? cel_items_pair(&items, &key, &value)
						     : cel_items_element(&items, &value);
		if (r <= 0)
			return r < 0 ? r : count;
	}
}

struct value *cel_items_take(struct scratch *scratch, uint64_t count)
{
	uint64_t astray = (uintptr_t)scratch->at % alignof(struct value);
	uint64_t padding = astray ? alignof(struct value) - astray : 0;
	uint64_t bytes;
	if (__builtin_mul_overflow(count, (uint64_t)sizeof(struct value), &bytes) ||
	    !scratch_take(scratch, padding))
		return NULL;
	return (struct value *)(void *)scratch_take(scratch, bytes);
}

static bool append(struct value *array, uint64_t room, const struct value *list)
{
	struct cel_items items = cel_items_begin(list);
	for (uint64_t i = 0; i < room; i++)
		if (cel_items_element(&items, &array[i]) <= 0)
			return false;
	return true;
}

struct value cel_items_concatenated(const struct value *a, const struct value *b,
				    struct scratch *scratch)
{
	int64_t first = cel_items_count(a), second = cel_items_count(b);
	if (first < 0 || second < 0)
		return cel_error_value(CEL_BAD_JSON);
	struct value *array = cel_items_take(scratch, (uint64_t)(first + second));
	if (!array || first + second > UINT32_MAX)
		return cel_error_value(CEL_OUT_OF_ROOM);
	if (!append(array, (uint64_t)first, a) || !append(array + first, (uint64_t)second, b))
		return cel_error_value(CEL_BAD_JSON);
	return (struct value){.bytes = (const uint8_t *)array,
			      .length = (uint32_t)(first + second),
			      .type = VALUE_LIST,
			      .form = CEL_ITEMS};
}

int cel_items_find(struct cel_items items, const struct value *key, struct scratch *scratch,
		   struct value *ret_value)
{
	struct cel_comparison c = {scratch, CEL_COMPARED_BYTES_MAX};
	struct value name, value;
	int found = 0, r;
	while ((r = cel_items_pair(&items, &name, &value)) > 0) {
		int same = cel_equal(&name, key, &c);
		if (same < 0)
			return same;
		if (same) {
			*ret_value = value;
			found = 1;
		}
	}
	return r < 0 ? r : found;
}
