/* intake.h - where a source's bytes land, and become batches: the buffer being filled, and what of it is not framed.
 *
 *   buffer  | handed on, immutable | from .. to: a line's beginning | room for the next read .......... |
 *
 *   a fresh buffer, its read 4096-aligned:
 *           | (free)  from .. to | room: at least a whole read ...................................... |
 *                      ^ the line's beginning, copied
 *
 * Small reads follow one another in the same buffer, each batch with a hold on it of its own. After a large read the
 * next goes to a fresh buffer, or to this one's front once nobody else holds it: bytes that were just read, framed
 * and written are then all in the same cache.
 *
 * Threads: the owner's. Memory: the home's buffers and batches; one buffer is kept. Layer: stages. */
#pragma once

#include "stages/framer.h"

enum { INTAKE_READ = 256 * 1024 };

struct intake {
	struct home *home;
	const struct framing *rules;
	struct buffer *buffer; /* NULL before the first read */
	size_t from, to;       /* read and not framed */
	bool was_large;
	size_t read_size; /* INTAKE_READ, save in tests */
	uint64_t read_ns;
	int64_t wall_ns;
	/* Of what is framed next, for messages: the path and, if known, the offset in there, which intake_frame() moves on. */
	const char *path;
	uint64_t offset;
	bool offset_known;
	/* The same for batches: the file, which the caller holds meanwhile; NULL: none; and the offset in what it unpacks to. */
	struct file_origin *origin;
	uint64_t place;
	bool place_known;
};

/* What each buffer of the home must hold. The home must have two buffers at least. */
size_t intake_capacity(size_t max_line, size_t read_size);

void intake_init(struct intake *i, struct home *home, const struct framing *rules,
		 size_t read_size);
void intake_release(struct intake *i);

/* Room for a read: *ret_length bytes at *ret_bytes, until intake_add() or intake_forget(). 0, or -EAGAIN when the home
 * has no buffer: wait. */
int intake_room(struct intake *i, uint8_t **ret_bytes, size_t *ret_length);

/* n bytes were read there, at that time. */
void intake_add(struct intake *i, size_t n, uint64_t read_ns, int64_t wall_ns);

/* 1 and the next batch, the caller's; 0 when there is none without more bytes (with `ended`: none any more);
 * -EAGAIN when the home has no batch: wait. *ret_consumed, always set: bytes of the input done with. */
int intake_frame(struct intake *i, struct framer *f, bool ended, struct batch **ret_batch,
		 size_t *ret_consumed);

/* Likewise the record of several lines that is open, complete with the lines that are known; 0: none is. */
int intake_close(struct intake *i, struct framer *f, struct batch **ret_batch,
		 size_t *ret_consumed);

/* Drops what is not framed. */
void intake_forget(struct intake *i);

static inline size_t intake_pending(const struct intake *i)
{
	return i->to - i->from;
}
