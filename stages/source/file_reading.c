#include "stages/source/file_reading.h"
#include "stages/source/file_turn.h"

#include <errno.h>
#include <string.h>

/* How many bytes at an offset may be read: at most room. */
static size_t within_limit(const struct tracked_file *f, uint64_t at, size_t room)
{
	if (f->limit == 0)
		return room;
	uint64_t left = at < f->limit ? f->limit - at : 0;
	return left < room ? (size_t)left : room;
}

static int submit_read(struct file_reader *r, uint8_t *bytes, size_t length, uint64_t at)
{
	bool stream = r->file->place.form == FILE_STREAM;
	length = within_limit(r->file, at, length);
	if (length == 0) {
		r->at = READER_END;
		return GO_ON;
	}
	r->op.fd = r->file->fd;
	r->op.stream = stream;
	r->op.read.bytes = bytes;
	r->op.read.length = length;
	r->op.read.at = at;
	if (stream)
		r->slice_end_ns = turn_now_ns(r) + FILE_SLICE_NS;
	turn_submit(r, IO_READ, READER_READING);
	return GO_ON;
}

bool reading_is_measured(const struct tracked_file *f)
{
	return f->limit != UINT64_MAX;
}

/* What the stream holds now is the last that is read of it. */
static int measure(struct file_reader *r)
{
	r->op.fd = r->file->fd;
	r->op.unread.take = false;
	turn_submit(r, IO_UNREAD, READER_MEASURING);
	return GO_ON;
}

int reading_measured(struct file_reader *r)
{
	r->at = READER_END;
	if (r->op.result > 0) {
		r->file->limit = turn_position(r) + (uint64_t)r->op.result;
		r->at = READER_FILL;
	}
	return GO_ON;
}

static int fill_plain(struct file_reader *r)
{
	uint8_t *bytes;
	size_t room;
	if (r->draining && !reading_is_measured(r->file))
		return measure(r);
	if (intake_room(&r->intake, &bytes, &room) < 0)
		return WAIT;
	return submit_read(r, bytes, room, turn_position(r));
}

static int fill_packed(struct file_reader *r)
{
	struct unpacker *u = &r->unpacker;
	if (u->file != r->file) {
		turn_forget_bytes(r);
		if (u->file)
			turn_drop_kept(u->file);
	}
	if (unpacker_take(u, r->file) < 0)
		return turn_out_of_memory(r);
	uint8_t *bytes;
	size_t room, n;
	if (intake_room(&r->intake, &bytes, &room) < 0)
		return WAIT;
	switch (unpacker_fill(u, bytes, room, &n)) {
	case UNPACKED_BYTES:
		intake_add(&r->intake, n, turn_now_ns(r), env_wall_ns(r->stage->env));
		r->reads++;
		r->at = READER_FRAME;
		break;
	case UNPACKED_MORE:
		break;
	case UNPACKED_WANTS:
		room = decoder_room(u->decoder, &bytes);
		return submit_read(r, bytes, room, decoder_wants(u->decoder));
	case UNPACKED_DAMAGED:
		turn_give_up_damaged(r, u->decoder->at, u->decoder->why);
		break;
	}
	return GO_ON;
}

int reading_fill(struct file_reader *r)
{
	if (!turn_take_back(r))
		return WAIT;
	return r->file->place.form == FILE_PACKED ? fill_packed(r) : fill_plain(r);
}

/* The bytes may be the beginning of more that would tell. */
static bool may_be_packed(const uint8_t *bytes, size_t n)
{
	static const uint8_t gzip[] = {0x1f, 0x8b}, zstd[] = {0x28, 0xb5, 0x2f};
	return (n <= sizeof gzip && memcmp(bytes, gzip, n) == 0) ||
	       (n <= sizeof zstd && memcmp(bytes, zstd, n) == 0);
}

/* Is it compressed? Says so by `form`, which stays UNSEEN while there are too few bytes to tell. */
static void recognise(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	if (f->place.form != FILE_UNSEEN)
		return;
	const uint8_t *bytes = r->intake.buffer->bytes + r->intake.from;
	size_t n = intake_pending(&r->intake);
	if (zstd_reader_recognises(bytes, n))
		turn_set_packed(f, PACKED_ZSTD);
	else if (gzip_reader_recognises(bytes, n))
		turn_set_packed(f, PACKED_GZIP);
	else if (!may_be_packed(bytes, n))
		f->place.form = FILE_PLAIN;
	if (f->place.form == FILE_PACKED) {
		turn_forget_bytes(r);
		r->at_end = false;
	}
}

static int read_failed(struct file_reader *r, int error)
{
	bool stream = r->file->place.form == FILE_STREAM;
	if (error == -EINTR || (error == -EAGAIN && !stream)) {
		r->at = READER_FILL;
	} else if (
	    r->draining) { /* taken back: measured next; if it was, somebody else reads there, too */
		r->at =
		    error == -ECANCELED && !reading_is_measured(r->file) ? READER_FILL : READER_END;
	} else if (stream && (error == -EAGAIN || error == -ECANCELED) && turn_has_waited(r)) {
		r->at = READER_QUIET;
	} else if (stream && error == -EAGAIN) {
		turn_pause(r);
	} else if (stream && error == -ECANCELED) {
		turn_wait(r);
	} else {
		turn_give_up_unreadable(r, error);
	}
	return GO_ON;
}

int reading_was_read(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	int64_t n = r->op.result;
	r->op.stream = false;
	if (n < 0)
		return read_failed(r, (int)n);
	if (n == 0) {
		r->at = READER_END;
		return GO_ON;
	}
	if (f->limit == 0) {
		turn_stat(r, READER_LOOKING);
		return GO_ON;
	}
	bool is_short = (size_t)n < r->op.read.length;
	f->had_bytes = true;
	if (turn_was_read(r, r->op.read.at, r->op.read.bytes, (size_t)n) < 0)
		return -ENOMEM;
	turn_account(r, f->place.form == FILE_STREAM ? f->done + (uint64_t)n
						     : r->op.read.at + (uint64_t)n);
	if (f->place.form == FILE_PACKED) {
		decoder_add(r->unpacker.decoder, (size_t)n);
		r->at = READER_FILL;
		return GO_ON;
	}
	r->reads++;
	intake_add(&r->intake, (size_t)n, turn_now_ns(r), env_wall_ns(r->stage->env));
	/* followed, a short read is the end for now: if more has come since, inotify says so */
	r->at_end = is_short && r->follow && f->place.form != FILE_STREAM;
	recognise(r);
	if (f->place.form == FILE_PACKED)
		r->at = READER_FILL;
	else if (f->place.form == FILE_UNSEEN)
		r->at = r->at_end ? READER_END : READER_FILL;
	else
		r->at = READER_FRAME;
	return GO_ON;
}
