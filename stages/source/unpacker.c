#include "stages/source/unpacker.h"

#include <assert.h>
#include <string.h>

int unpacker_take(struct unpacker *u, struct tracked_file *file)
{
	if (u->file == file)
		return 0;
	if (!u->zstd.context) {
		int r = zstd_reader_init(&u->zstd);
		if (r < 0)
			return r;
	}
	zstd_reader_start(&u->zstd, file->at);
	u->file = file;
	u->made = 0;
	u->to_skip = file->skip;
	u->frame_noted = false;
	return 0;
}

void unpacker_release(struct unpacker *u)
{
	zstd_reader_release(&u->zstd);
	u->file = NULL;
}

static void note_frame_end(struct unpacker *u)
{
	if (!u->zstd.frame_ended || u->frame_noted)
		return;
	u->frame_noted = true;
	u->frame_at = u->zstd.at;
	u->frame_made = u->made;
	unpacker_consumed(u, 0);
}

enum unpacked unpacker_fill(struct unpacker *u, uint8_t *bytes, size_t room, size_t *ret_length)
{
	ssize_t n = zstd_reader_read(&u->zstd, bytes, room);
	if (n < 0)
		return UNPACKED_DAMAGED;
	u->made += (size_t)n;
	size_t skipped = u->to_skip < (size_t)n ? (size_t)u->to_skip : (size_t)n;
	u->to_skip -= skipped;
	size_t left = (size_t)n - skipped;
	if (skipped > 0 && left > 0)
		memmove(bytes, bytes + skipped, left);
	note_frame_end(u);
	if (left > 0) {
		*ret_length = left;
		return UNPACKED_BYTES;
	}
	return n > 0 || u->zstd.frame_ended ? UNPACKED_MORE : UNPACKED_WANTS;
}

void unpacker_consumed(struct unpacker *u, size_t n)
{
	struct tracked_file *f = u->file;
	f->skip += n;
	assert(f->skip <= u->made || u->to_skip > 0);
	if (!u->frame_noted || f->skip < u->frame_made)
		return;
	f->at = u->frame_at;
	f->skip -= u->frame_made;
	u->made -= u->frame_made;
	u->frame_noted = false;
}
