#include "stages/joiner.h"

#include <assert.h>

void joiner_begin(struct joiner *j, struct batch *b, struct multiline *rules,
		  struct multiline_open *open, struct record first)
{
	*j = (struct joiner){.batch = b, .rules = rules, .open = open, .record = first};
}

static void place_closed(struct joiner *j)
{
	if (!j->has_closed)
		return;
	assert(j->count < BATCH_RECORDS_MAX);
	j->batch->records[j->count++] = j->closed;
	j->bytes += j->closed.length;
	j->has_closed = false;
}

static void close_as(struct joiner *j, struct record r)
{
	place_closed(j);
	j->closed = r;
	j->has_closed = true;
}

void joiner_close(struct joiner *j)
{
	if (j->open->lines > 0)
		close_as(j, j->record);
	*j->open = (struct multiline_open){0};
}

void joiner_add(struct joiner *j, struct record line)
{
	const uint8_t *bytes = j->batch->bytes + line.offset;
	bool was_open = j->open->lines > 0;
	uint32_t joined = was_open ? line.offset + line.length - j->record.offset : line.length;
	unsigned does = multiline_next(j->rules, j->open, bytes, line.length, joined);
	if (does & LINE_BEGINS) {
		if (was_open)
			close_as(j, j->record);
		j->record = line;
	} else {
		j->record.length = joined;
	}
	if (does & LINE_ENDS)
		close_as(j, j->record);
}

void joiner_add_alone(struct joiner *j, struct record line)
{
	joiner_close(j);
	close_as(j, line);
}

void joiner_end(struct joiner *j)
{
	place_closed(j);
	j->batch->count = j->count;
	j->batch->bytes_total = j->bytes;
}
