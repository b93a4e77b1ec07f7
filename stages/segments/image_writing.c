#include "stages/packer.h"
#include "stages/segments/batch_image.h"
#include "stages/segments/image_format.h"
#include "stages/segments/le_bytes.h"

#include <assert.h>
#include <string.h>

static bool has_bytes(const struct value *v)
{
	return v->type == VALUE_STRING || v->type == VALUE_BYTES || v->type == VALUE_LIST ||
	       v->type == VALUE_MAP || v->form == VALUE_DIGITS;
}

/* It lies within its own record; what lies between records is not kept. */
static bool is_within(const struct value *v, const struct batch *b, uint32_t record)
{
	uintptr_t from = (uintptr_t)b->bytes + b->records[record].offset, at = (uintptr_t)v->bytes;
	return at >= from && at - from <= b->records[record].length &&
	       v->length <= b->records[record].length - (at - from);
}

static bool is_kept(const struct fields *fields, const struct batch *b, unsigned column)
{
	return batch_has_column(b, column) && fields->list[column].known != FIELD_PLACES;
}

static unsigned column_count(const struct fields *fields, const struct batch *b)
{
	return fields && b->row_count > 0 ? (unsigned)fields->count : 0;
}

/* ---- how long ---- */

static size_t names_length(const struct fields *fields, const struct batch *b, unsigned columns)
{
	size_t length = 4 * VARINT_BYTES_MAX + 2 * sizeof(uint64_t);
	length += b->source ? strlen(b->source) : 0;
	length += b->origin ? b->origin->length : 0;
	for (unsigned c = 0; c < columns; c++)
		if (is_kept(fields, b, c))
			length += 1 + VARINT_BYTES_MAX + fields->list[c].length;
	return length;
}

static size_t fields_length(const struct fields *fields, const struct batch *b, unsigned columns,
			    uint32_t first, uint32_t count)
{
	size_t length = 0;
	for (unsigned c = 0; c < columns; c++) {
		if (!is_kept(fields, b, c))
			continue;
		const struct value *values = batch_column_as_is(b, c);
		length += (size_t)count * IMAGE_FIELD_MAX;
		for (uint32_t i = first; i < first + count; i++) {
			const struct value *v = &values[b->rows[i]];
			if (has_bytes(v) && !is_within(v, b, i))
				length += v->length;
		}
	}
	return length;
}

static size_t records_length(uint32_t count, uint64_t bytes, uint8_t delimiter)
{
	return IMAGE_HEAD + (size_t)count * (IMAGE_RUN + IMAGE_LENGTH + delimiter) + (size_t)bytes;
}

size_t batch_image_bound(const struct fields *fields, const struct batch *b, uint32_t first,
			 uint32_t count)
{
	unsigned columns = column_count(fields, b);
	uint64_t bytes = 0;
	assert(first <= b->count && count <= b->count - first);
	for (uint32_t i = first; i < first + count; i++)
		bytes += b->records[i].length;
	return records_length(count, bytes, b->delimiter.length) +
	       names_length(fields, b, columns) + fields_length(fields, b, columns, first, count);
}

uint32_t batch_image_fitting(const struct fields *fields, const struct batch *b, uint32_t first,
			     size_t most, size_t *ret_bound)
{
	uint32_t count = b->count - first;
	*ret_bound = batch_image_bound(fields, b, first, count);
	while (*ret_bound > most && count > 1) {
		count /= 2;
		*ret_bound = batch_image_bound(fields, b, first, count);
	}
	return *ret_bound <= most ? count : 0;
}

size_t batch_image_plain_max(const struct fields *fields, size_t capacity, size_t names)
{
	size_t columns = fields ? fields->count : 0;
	/* each takes a byte at least, if only its delimiter */
	size_t records = capacity < BATCH_RECORDS_MAX ? capacity + 1 : BATCH_RECORDS_MAX;
	size_t length = records_length((uint32_t)records, capacity, DELIMITER_MAX) + names +
			4 * VARINT_BYTES_MAX + 2 * sizeof(uint64_t);
	for (size_t c = 0; c < columns; c++)
		length += 1 + VARINT_BYTES_MAX + fields->list[c].length + records * IMAGE_FIELD_MAX;
	return length;
}

/* ---- writing ---- */

struct image {
	const struct fields *fields;
	const struct batch *b;
	uint32_t first, end;
	uint8_t *at;
	size_t beside;
};

static void put_varint(struct image *m, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*m->at++ = (uint8_t)(value | 0x80);
	*m->at++ = (uint8_t)value;
}

static void put_bytes(struct image *m, const void *bytes, size_t length)
{
	if (length > 0)
		memcpy(m->at, bytes, length);
	m->at += length;
}

static void put_text(struct image *m, const char *text, size_t length)
{
	put_varint(m, length);
	put_bytes(m, text, length);
}

static void put_u64(struct image *m, uint64_t value)
{
	le_put_u64(m->at, value);
	m->at += sizeof value;
}

static uint32_t put_names(struct image *m, unsigned columns)
{
	const struct batch *b = m->b;
	const uint8_t *from = m->at;
	if (b->source)
		put_text(m, b->source, strlen(b->source));
	if (b->origin) {
		put_u64(m, b->origin->device);
		put_u64(m, b->origin->inode);
		put_text(m, b->origin->path, b->origin->length);
	}
	unsigned kept = 0;
	for (unsigned c = 0; c < columns; c++)
		kept += is_kept(m->fields, b, c);
	put_varint(m, kept);
	for (unsigned c = 0; c < columns; c++) {
		if (!is_kept(m->fields, b, c))
			continue;
		const struct field *f = &m->fields->list[c];
		*m->at++ = (uint8_t)f->known;
		put_text(m, f->name, f->length);
	}
	return (uint32_t)(m->at - from);
}

/* Of a part of the batch, which may end within a run. */
static struct batch_run run_at(const struct image *m, uint32_t first)
{
	struct batch_run run = batch_run(m->b, first);
	if (run.first + run.count <= m->end)
		return run;
	const struct record *last = &m->b->records[m->end - 1];
	run.count = m->end - run.first;
	run.length = last->offset + last->length - m->b->records[first].offset;
	run.delimited = true;
	return run;
}

static size_t run_bytes(const struct image *m, const struct batch_run *run)
{
	return run->length + (run->delimited ? m->b->delimiter.length : 0);
}

/* How many runs; *ret_bytes: of all of them, *ret_extent: with what lies between. */
static uint32_t put_runs(struct image *m, uint32_t *ret_bytes, uint32_t *ret_extent)
{
	uint32_t count = 0;
	size_t bytes = 0, extent = 0;
	size_t base = m->first < m->end ? m->b->records[m->first].offset : 0;
	for (uint32_t i = m->first; i < m->end; count++) {
		struct batch_run run = run_at(m, i);
		size_t from = m->b->records[i].offset - base;
		le_put_u32(m->at, (uint32_t)(from - extent));
		le_put_u32(m->at + 4, run.count);
		m->at += IMAGE_RUN;
		bytes += run_bytes(m, &run);
		extent = from + run_bytes(m, &run);
		i += run.count;
	}
	*ret_bytes = (uint32_t)bytes;
	*ret_extent = (uint32_t)extent;
	return count;
}

static void put_records(struct image *m)
{
	const struct record *records = m->b->records;
	for (uint32_t i = m->first; i < m->end; i++, m->at += IMAGE_LENGTH)
		le_put_u32(m->at, records[i].length);
	for (uint32_t i = m->first; i < m->end;) {
		struct batch_run run = run_at(m, i);
		put_bytes(m, run.bytes, run_bytes(m, &run));
		i += run.count;
	}
}

static void put_value_bytes(struct image *m, const struct value *v, uint32_t record)
{
	uint8_t *kind = m->at++;
	*kind = (uint8_t)(v->type | v->form << IMAGE_FORM_SHIFT);
	if (is_within(v, m->b, record)) {
		put_varint(m, (size_t)(v->bytes - m->b->bytes) - m->b->records[record].offset);
		put_varint(m, v->length);
		return;
	}
	*kind |= IMAGE_BESIDE;
	put_varint(m, v->length);
	put_bytes(m, v->bytes, v->length);
	m->beside += v->length;
}

/* What an expression failed with is nobody's field. */
static void put_value(struct image *m, const struct value *v, uint32_t record)
{
	if (has_bytes(v)) {
		put_value_bytes(m, v, record);
		return;
	}
	*m->at++ = v->type == VALUE_ERROR ? VALUE_MISSING : v->type;
	if (v->type == VALUE_BOOL)
		*m->at++ = v->b;
	else if (v->type >= VALUE_INT)
		put_u64(m, v->u);
}

static uint32_t put_fields(struct image *m, unsigned columns)
{
	const uint8_t *from = m->at;
	for (unsigned c = 0; c < columns; c++) {
		if (!is_kept(m->fields, m->b, c))
			continue;
		const struct value *values = batch_column_as_is(m->b, c);
		for (uint32_t i = m->first; i < m->end; i++)
			put_value(m, &values[m->b->rows[i]], i);
	}
	return (uint32_t)(m->at - from);
}

static uint32_t flags_of(const struct image *m, unsigned columns)
{
	const struct batch *b = m->b;
	bool is_last = m->end == b->count && m->end > m->first;
	return (b->unterminated && is_last ? IMAGE_UNTERMINATED : 0u) |
	       (b->has_place ? IMAGE_HAS_PLACE : 0u) | (columns > 0 ? IMAGE_HAS_ROWS : 0u) |
	       (b->source ? IMAGE_HAS_SOURCE : 0u) | (b->origin ? IMAGE_HAS_FILE : 0u);
}

static void put_head(const struct image *m, unsigned columns, uint64_t boot, uint8_t *head)
{
	const struct batch *b = m->b;
	memset(head, 0, IMAGE_HEAD);
	le_put_u32(head + IMAGE_AT_MAGIC, IMAGE_MAGIC);
	le_put_u32(head + IMAGE_AT_FLAGS, flags_of(m, columns));
	le_put_u32(head + IMAGE_AT_COUNT, m->end - m->first);
	head[IMAGE_AT_DELIMITER] = b->delimiter.length;
	memcpy(head + IMAGE_AT_DELIMITER_BYTES, b->delimiter.bytes, DELIMITER_MAX);
	le_put_u64(head + IMAGE_AT_WALL, (uint64_t)b->wall_ns);
	le_put_u64(head + IMAGE_AT_READ, b->read_ns);
	le_put_u64(head + IMAGE_AT_BOOT, boot);
	uint64_t base = m->first < m->end ? b->records[m->first].offset : 0;
	le_put_u64(head + IMAGE_AT_PLACE, b->place + base);
}

size_t batch_image_write(const struct fields *fields, const struct batch *b, uint32_t first,
			 uint32_t count, uint64_t boot, uint8_t *out)
{
	struct image m = {
	    .fields = fields, .b = b, .first = first, .end = first + count, .at = out + IMAGE_HEAD};
	unsigned columns = column_count(fields, b);
	uint32_t bytes, extent;
	assert(first <= b->count && count <= b->count - first);
	put_head(&m, columns, boot, out);
	le_put_u32(out + IMAGE_AT_NAMES, put_names(&m, columns));
	le_put_u32(out + IMAGE_AT_RUNS, put_runs(&m, &bytes, &extent));
	le_put_u32(out + IMAGE_AT_EXTENT, extent);
	le_put_u32(out + IMAGE_AT_BYTES, bytes);
	put_records(&m);
	le_put_u32(out + IMAGE_AT_FIELDS, put_fields(&m, columns));
	le_put_u32(out + IMAGE_AT_BESIDE, (uint32_t)m.beside);
	return (size_t)(m.at - out);
}
