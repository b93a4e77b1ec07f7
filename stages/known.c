#include "stages/known.h"

#include <assert.h>
#include <string.h>

static struct value text_value(const void *bytes, size_t length)
{
	return (struct value){.bytes = bytes, .length = (uint32_t)length, .type = VALUE_STRING};
}

static struct value body_of(const struct batch *b, uint32_t record)
{
	return text_value(b->bytes + b->records[record].offset, b->records[record].length);
}

static struct value source_of(const struct batch *b)
{
	if (!b->source)
		return (struct value){.type = VALUE_MISSING};
	return text_value(b->source, strlen(b->source));
}

static struct value file_of(const struct batch *b)
{
	if (!b->origin || b->origin->length == 0)
		return (struct value){.type = VALUE_MISSING};
	return text_value(b->origin->path, b->origin->length);
}

/* seen: what was noted before the batch was rebased. */
static struct value offset_of(const struct batch *b, const struct value *seen, uint32_t record)
{
	if (!b->has_place)
		return seen[b->rows[record]];
	return (struct value){.i = (int64_t)(b->place + b->records[record].offset),
			      .type = VALUE_INT};
}

static struct value known_of(const struct batch *b, enum field_known known,
			     const struct value *times, const struct value *seen, uint32_t record)
{
	switch (known) {
	case FIELD_BODY:
		return body_of(b, record);
	case FIELD_TIME:
		return (struct value){.i = known_time(b, times, record), .type = VALUE_TIMESTAMP};
	case FIELD_SOURCE:
		return source_of(b);
	case FIELD_FILE:
		return file_of(b);
	default:
		return offset_of(b, seen, record);
	}
}

const struct value *known_times(const struct stage *s, const struct batch *b)
{
	int column = fields_find_known(s->fields, FIELD_RECORD_TIME);
	return column < 0 ? NULL : batch_column_as_is(b, (unsigned)column);
}

static void fill(const struct stage *s, const struct batch *b, enum field_known known,
		 const struct value *own, struct value *seen)
{
	const struct value *said = known == FIELD_TIME ? known_times(s, b) : NULL;
	for (uint32_t i = 0; i < b->count; i++) {
		uint16_t row = b->rows[i];
		seen[row] =
		    own[row].type != VALUE_MISSING ? own[row] : known_of(b, known, said, seen, i);
	}
}

const struct value *known_values(const struct stage *s, struct batch *b, unsigned column)
{
	enum field_known known = s->fields->list[column].known;
	enum field_known kind = fields_seen(known);
	if (kind == FIELD_ITSELF)
		return batch_column_as_is(b, column);
	int at = fields_find_known(s->fields, kind);
	assert(at >= 0 && "who reads it has declared it");
	struct value *seen = batch_column(b, (unsigned)at);
	fill(s, b, known, batch_column_as_is(b, column), seen);
	return seen;
}

void known_keep_offsets(const struct stage *s, struct batch *b)
{
	int seen = fields_find_known(s->fields, FIELD_SEEN_OFFSET);
	int named = fields_find(s->fields, "offset", 6);
	if (seen >= 0 && named >= 0 && column_set_has(s->needed, (unsigned)seen))
		known_values(s, b, (unsigned)named);
}
