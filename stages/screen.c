#include "stages/screen.h"
#include "conf/printable.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK = 64 * 1024,
	SHOWN_MAX = 4, /* bytes that one byte, or one character, takes at most */
};

size_t screen_footprint(void)
{
	return sizeof(struct screen) + BLOCK;
}

int screen_init(struct screen *s, struct write_queue *queue, const struct delimiter *delimiter)
{
	*s = (struct screen){.queue = queue, .delimiter = *delimiter, .block = malloc(BLOCK)};
	return s->block ? 0 : -ENOMEM;
}

void screen_release(struct screen *s)
{
	free(s->block);
	s->block = NULL;
}

static void add(struct screen *s, const void *bytes, size_t length)
{
	assert(length <= BLOCK - s->used);
	memcpy(s->block + s->used, bytes, length);
	s->used += length;
}

static size_t escape(uint8_t to[static SHOWN_MAX], uint8_t c)
{
	static const char digits[] = "0123456789abcdef";
	if (c == '\t') {
		to[0] = c;
		return 1;
	}
	to[0] = '\\';
	to[1] = c == '\n' ? 'n' : c == '\r' ? 'r' : 'x';
	if (to[1] != 'x')
		return 2;
	to[2] = (uint8_t)digits[c >> 4];
	to[3] = (uint8_t)digits[c & 15];
	return 4;
}

size_t screen_escape(uint8_t *to, const void *bytes, size_t length)
{
	const uint8_t *at = bytes, *end = at + length;
	uint8_t *from = to;
	while (at < end) {
		size_t whole = printable_length((const char *)at, (size_t)(end - at));
		if (whole > 0)
			memcpy(to, at, whole);
		to += whole > 0 ? whole : escape(to, *at);
		at += whole > 0 ? whole : 1;
	}
	return (size_t)(to - from);
}

/* True if the record is in the block to its end, with its delimiter. */
static bool put_record(struct screen *s, const char *bytes, size_t length)
{
	while (s->shown < length && BLOCK - s->used >= SHOWN_MAX) {
		size_t whole = printable_length(bytes + s->shown, length - s->shown);
		if (whole > 0)
			add(s, bytes + s->shown, whole);
		else
			s->used += escape(s->block + s->used, (uint8_t)bytes[s->shown]);
		s->shown += whole > 0 ? whole : 1;
	}
	if (s->shown < length || s->delimiter.length > BLOCK - s->used)
		return false;
	add(s, s->delimiter.bytes, s->delimiter.length);
	s->shown = 0;
	return true;
}

uint32_t screen_put(struct screen *s, const struct batch *b, uint32_t first)
{
	uint32_t taken = 0;
	if (s->busy)
		return 0;
	stored_note_read(&s->holds, b->read_ns);
	for (; first + taken < b->count; taken++) {
		const struct record *r = &b->records[first + taken];
		if (!put_record(s, (const char *)b->bytes + r->offset, r->length)) {
			screen_submit(s);
			break;
		}
		s->holds.records++;
	}
	return taken;
}

void screen_batch_end(struct screen *s, struct batch **b)
{
	assert(s->shown == 0);
	batch_free(b);
	s->holds.batches++;
}

void screen_submit(struct screen *s)
{
	if (s->busy || (s->used == 0 && s->holds.batches == 0))
		return;
	s->busy = true;
	s->holds.bytes = s->used;
	s->span = (struct iovec){.iov_base = s->block, .iov_len = s->used};
	s->write = (struct write){.spans = &s->span, .count = 1, .length = s->used};
	write_queue_put(s->queue, &s->write);
}

bool screen_retire(struct screen *s, struct stored *stored)
{
	if (!s->busy || !write_queue_take(s->queue))
		return false;
	stored_move(stored, &s->holds);
	s->busy = false;
	s->used = 0;
	return true;
}

bool screen_is_empty(const struct screen *s)
{
	return !s->busy && s->used == 0 && s->holds.batches == 0;
}
