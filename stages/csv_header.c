#include "stages/csv_header.h"
#include "stages/text/csv_scan.h"

#include <stdlib.h>
#include <string.h>

/* What stands before the names, of which only one that is fine has any. */
enum kind { FINE, NO_CSV, TOO_LONG, KINDS };

static const char *const why_of[KINDS] = {
    [NO_CSV] = "the header of its file is no CSV",
    [TOO_LONG] = "the header of its file is too long",
};

/* ---- packing ---- */

static void pack_name(struct packer *to, const struct csv_field *field)
{
	struct text_span text = field->text;
	if (!field->doubled) {
		packer_bytes(to, text.bytes, text.length);
		return;
	}
	uint8_t *plain = malloc(text.length);
	if (plain)
		packer_bytes(to, plain, csv_undouble(plain, text));
	else
		packer_reserve(to, SIZE_MAX); /* says that there is no memory */
	free(plain);
}

static bool has_mark(const uint8_t *bytes, size_t length)
{
	return length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0;
}

void csv_header_pack(struct packer *to, const uint8_t *bytes, size_t length, uint8_t comma,
		     bool strict)
{
	size_t mark = has_mark(bytes, length) ? 3 : 0, from = to->length;
	struct csv_scan s = csv_from(bytes + mark, length - mark, comma, strict);
	struct csv_field field;
	packer_varint(to, FINE);
	while (!to->error && csv_next(&s, &field) > 0)
		pack_name(to, &field);
	if (!s.why || to->error)
		return;
	to->length = from;
	packer_varint(to, NO_CSV);
}

/* ---- making ---- */

/* False: it was not packed here. */
static bool count_names(const uint8_t *packed, size_t length, size_t *ret_count)
{
	struct packed rest = packed_from(packed, length);
	uint64_t kind = packed_varint(&rest);
	size_t name_length, count = 0;
	for (; !packed_is_over(&rest); count++)
		packed_bytes(&rest, &name_length);
	*ret_count = count;
	return !rest.broken && kind < KINDS && (kind == FINE) == (count > 0);
}

static size_t footprint(size_t count, size_t length)
{
	return sizeof(struct csv_header) + count * sizeof(struct csv_name) + length;
}

size_t csv_header_footprint(const uint8_t *packed, size_t length)
{
	size_t count;
	return count_names(packed, length, &count) ? footprint(count, length) : SIZE_MAX;
}

static int compare_names(const void *a, const void *b)
{
	const struct csv_name *x = a, *y = b;
	size_t length = x->length < y->length ? x->length : y->length;
	int r = length > 0 ? memcmp(x->bytes, y->bytes, length) : 0;
	return r != 0 ? r : (x->length > y->length) - (x->length < y->length);
}

/* Strictly. They are sorted in a copy, as their order means something. */
static const char *why_no_names(const struct csv_header *h)
{
	const char *why = NULL;
	struct csv_name *sorted = calloc(h->count + 1, sizeof *sorted);
	if (!sorted)
		return "out of memory";
	memcpy(sorted, h->names, h->count * sizeof *sorted);
	qsort(sorted, h->count, sizeof *sorted, compare_names);
	if (h->count > 0 && sorted[0].length == 0)
		why = "the header of its file has an empty name";
	for (size_t i = 1; i < h->count && !why; i++)
		if (compare_names(&sorted[i - 1], &sorted[i]) == 0)
			why = "the header of its file has a name twice";
	free(sorted);
	return why;
}

static void fill_names(struct csv_header *h)
{
	struct packed rest = packed_from(h->packed, h->packed_length);
	h->why = why_of[packed_varint(&rest)];
	for (size_t i = 0; i < h->count; i++) {
		size_t length;
		h->names[i].bytes = packed_bytes(&rest, &length);
		h->names[i].length = (uint32_t)length;
		h->names[i].slot = -1;
	}
}

static struct csv_header *allocate(const uint8_t *packed, size_t length, size_t count)
{
	size_t bytes = footprint(count, length);
	struct csv_header *h = malloc(bytes);
	if (!h)
		return NULL;
	*h = (struct csv_header){.packed_length = length, .footprint = bytes, .count = count};
	uint8_t *copy = (uint8_t *)&h->names[count];
	memcpy(copy, packed, length);
	h->packed = copy;
	chain_init(&h->in_list);
	return h;
}

struct csv_header *csv_header_make(const uint8_t *packed, size_t length, size_t most, bool strict)
{
	static const uint8_t nothing[] = {TOO_LONG};
	size_t count = 0;
	if (csv_header_footprint(packed, length) > most) {
		packed = nothing;
		length = sizeof nothing;
	}
	count_names(packed, length, &count);
	struct csv_header *h = allocate(packed, length, count);
	if (!h)
		return NULL;
	fill_names(h);
	if (!h->why && strict)
		h->why = why_no_names(h);
	return h;
}
