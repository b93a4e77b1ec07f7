#include "stages/source/unpacker.h"

#include <assert.h>
#include <string.h>

size_t unpacker_memory(void)
{
	return zstd_reader_memory() + gzip_reader_memory();
}

static int choose_decoder(struct unpacker *u, enum packing packing)
{
	bool is_gzip = packing == PACKED_GZIP;
	u->decoder = is_gzip ? &u->gzip.decoder : &u->zstd.decoder;
	if (u->decoder->type)
		return 0;
	return is_gzip ? gzip_reader_init(&u->gzip) : zstd_reader_init(&u->zstd);
}

int unpacker_take(struct unpacker *u, struct tracked_file *file)
{
	if (u->file == file)
		return 0;
	u->file = NULL;
	int r = choose_decoder(u, file->place.packing);
	if (r < 0)
		return r;
	decoder_start(u->decoder, file->place.at);
	u->file = file;
	u->made = 0;
	u->to_skip = file->place.skip;
	u->frame_noted = false;
	return 0;
}

void unpacker_release(struct unpacker *u)
{
	zstd_reader_release(&u->zstd);
	gzip_reader_release(&u->gzip);
	u->file = NULL;
}

static void note_frame_end(struct unpacker *u)
{
	if (!u->decoder->frame_ended || u->frame_noted)
		return;
	u->frame_noted = true;
	u->frame_at = u->decoder->at;
	u->frame_made = u->made;
	unpacker_consumed(u, 0);
}

enum unpacked unpacker_fill(struct unpacker *u, uint8_t *bytes, size_t room, size_t *ret_length)
{
	ssize_t n = decoder_read(u->decoder, bytes, room);
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
	return n > 0 || u->decoder->frame_ended ? UNPACKED_MORE : UNPACKED_WANTS;
}

void unpacker_consumed(struct unpacker *u, size_t n)
{
	struct tracked_file *f = u->file;
	f->place.skip += n;
	assert(f->place.skip <= u->made || u->to_skip > 0);
	if (!u->frame_noted || f->place.skip < u->frame_made)
		return;
	f->place.at = u->frame_at;
	if (f->place.unpacked != UNPACKED_UNKNOWN)
		f->place.unpacked += u->frame_made;
	f->place.skip -= u->frame_made;
	u->made -= u->frame_made;
	u->frame_noted = false;
}
