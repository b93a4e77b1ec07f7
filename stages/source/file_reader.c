#include "stages/source/file_reader.h"
#include "stages/descriptor.h"
#include "stages/source/file_notes.h"
#include "stages/source/file_turn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum {
	MOVES_PER_STEP = 64,
	READS_PER_TURN = 4,
	OPEN_MAX = 16384,
	ADRIFT_PER_TICK = 64,
};
static const uint64_t tick_ns = 250 * UINT64_C(1000000);
static const uint64_t slice_ns = 10 * UINT64_C(1000000); /* a stream's, while another one waits */

/* What a move of the machine returns: go on, wait for something, or below 0: failed. */
enum { WAIT = 0, GO_ON = 1 };

static uint64_t now_ns(const struct file_reader *r)
{
	return env_now_ns(r->stage->env);
}

static void on_done(struct io_op *op)
{
	(void)op;
}

static void submit(struct file_reader *r, enum io_code code, enum file_reader_at at)
{
	r->op.code = code;
	r->op.done = on_done;
	r->at = at;
	io_submit(r->stage->env->io, &r->op);
}

/* Of the open file. */
static void submit_stat(struct file_reader *r, enum file_reader_at at)
{
	r->op.fd = r->file->fd;
	r->op.stat.path = NULL;
	r->op.stat.into = &r->stat;
	submit(r, IO_STAT, at);
}

static int out_of_memory(struct file_reader *r)
{
	env_say(r->stage->env, SAY_ERROR, "out of memory", "path=%s", r->file->path);
	return -ENOMEM;
}

void file_reader_start(struct file_reader *r)
{
	intake_init(&r->intake, r->stage->home, r->framing, INTAKE_READ);
	chain_init(&r->paused);
	r->open_max = OPEN_MAX;
}

/* ---- turns ---- */

static int pick(struct file_reader *r)
{
	if (r->retry_ns > now_ns(r))
		return WAIT;
	r->file = file_set_take_ready(r->set);
	if (!r->file)
		return WAIT;
	r->reads = 0;
	r->progressed = false;
	r->at_end = false;
	if (r->carried != r->file) {
		if (turn_put_aside(r) < 0)
			return out_of_memory(r);
		framer_forget(&r->file->framer);
	}
	r->carried = r->file;
	r->at = r->file->fd >= 0 ? READER_FILL : READER_OPEN;
	return GO_ON;
}

/* ---- opening ---- */

static bool close_most_idle(struct file_reader *r)
{
	struct tracked_file *f = file_set_most_idle(r->set);
	if (!f)
		return false;
	if (r->unpacker.file == f)
		r->unpacker.file = NULL; /* it may have been replaced when it is opened again */
	turn_close_file(r, f);
	return true;
}

static int open_file(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	if (!f->named && !f->by_path.linked) { /* nothing leads to it any more */
		turn_end(r);
		turn_remove_file(r, f);
		return GO_ON;
	}
	if (r->set->open_count >= r->open_max)
		close_most_idle(r);
	/* a pipe without a writer would hold the opening up; what is not a stream must not have O_NONBLOCK, which some
	 * file systems take seriously */
	int wait = f->form == FILE_STREAM ? O_NONBLOCK : 0;
	r->op.fd = AT_FDCWD;
	r->op.open.path = f->path;
	r->op.open.flags = O_RDONLY | O_NOCTTY | wait;
	r->op.open.mode = 0;
	r->op.open.resolve = 0;
	submit(r, IO_OPEN, READER_OPENING);
	return GO_ON;
}

static int no_descriptor(struct file_reader *r, int error)
{
	if (!r->said_too_many)
		file_notes_too_many_open(r->stage, r->set->open_count, error);
	r->said_too_many = true;
	if (r->set->open_count > 0)
		r->open_max = r->set->open_count;
	r->at = READER_OPEN;
	if (close_most_idle(r))
		return GO_ON;
	r->retry_ns = now_ns(r) + TURN_PAUSE_NS;
	turn_wait(r);
	return GO_ON;
}

static int opened(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	int result = (int)r->op.result;
	if (result < 0 && r->draining) {
		turn_rest(r);
		return GO_ON;
	}
	if (result == -EMFILE || result == -ENFILE)
		return no_descriptor(r, result);
	if (result == -ENOENT && r->follow) {
		turn_rest(
		    r); /* it has just lost its name, which the finder will learn, and maybe where it is */
		return GO_ON;
	}
	if (result < 0) {
		turn_give_up_unreadable(r, result);
		return GO_ON;
	}
	file_set_opened(r->set, f, result);
	if (!f->was_open)
		counter_add(&r->stage->counters->files, 1);
	f->was_open = true;
	f->said = false;
	submit_stat(r, READER_LOOKING);
	return GO_ON;
}

/* The path leads to another file by now. Returns false when that is known already: then it has the name. */
static bool adopt_identity(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	struct tracked_file *other = file_set_by_id(r->set, r->stat.st_dev, r->stat.st_ino);
	if (!other) {
		file_set_reidentify(r->set, f, &r->stat);
		turn_begin_anew(r);
		return true;
	}
	if (!other->named && file_set_rename(r->set, other, f->path, f->named) == 0)
		file_set_ready(r->set, other);
	turn_end(r);
	turn_remove_file(r, f);
	return false;
}

static bool ends_in(const char *path, const char *ending)
{
	size_t length = strlen(path), tail = strlen(ending);
	return length > tail && strcmp(path + length - tail, ending) == 0;
}

/* Whatever the first bytes are. */
static bool is_called(const struct file_reader *r, enum compression compression, const char *ending)
{
	return r->compression == compression ||
	       (r->compression == COMPRESSION_AUTO && ends_in(r->file->path, ending));
}

static void set_packed(struct tracked_file *f, enum packing packing)
{
	f->form = FILE_PACKED;
	f->packing = packing;
}

static void decide_form(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	f->is_pipe = S_ISFIFO(r->stat.st_mode);
	if (!S_ISREG(r->stat.st_mode))
		f->form = FILE_STREAM;
	if (f->form != FILE_UNSEEN)
		return;
	if (is_called(r, COMPRESSION_ZSTD, ".zst"))
		set_packed(f, PACKED_ZSTD);
	else if (is_called(r, COMPRESSION_GZIP, ".gz"))
		set_packed(f, PACKED_GZIP);
	else if (r->compression == COMPRESSION_NONE || f->at > 0)
		f->form = FILE_PLAIN;
}

static void truncated(struct file_reader *r)
{
	file_notes_truncated(r->stage, r->file->path, r->file->end, (uint64_t)r->stat.st_size);
	turn_begin_anew(r);
	decide_form(r);
	r->at = READER_FILL;
}

/* Read once, a file ends where it ended when it was opened: it may grow by the very records read from it. Some (in
 * /proc) have no size and bytes all the same: an empty one is looked at again when a read brings something. */
static void set_limit(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	uint64_t size = (uint64_t)r->stat.st_size;
	if (r->follow || !S_ISREG(r->stat.st_mode))
		return;
	if (f->limit > 0)
		f->limit = size;
	else if (size == 0)
		f->limit = UINT64_MAX;
	else
		r->at = READER_END;
}

static int looked(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	if (r->op.result < 0 || S_ISDIR(r->stat.st_mode)) {
		turn_give_up_unreadable(r, r->op.result < 0 ? (int)r->op.result : -EISDIR);
		return GO_ON;
	}
	if ((f->device != r->stat.st_dev || f->inode != r->stat.st_ino) && !adopt_identity(r))
		return GO_ON;
	decide_form(r);
	r->at = READER_FILL;
	if (S_ISREG(r->stat.st_mode) && (uint64_t)r->stat.st_size < f->end)
		truncated(r);
	set_limit(r);
	return GO_ON;
}

/* ---- reading ---- */

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
	bool stream = r->file->form == FILE_STREAM;
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
		r->slice_end_ns = now_ns(r) + slice_ns;
	submit(r, IO_READ, READER_READING);
	return GO_ON;
}

static bool is_measured(const struct tracked_file *f)
{
	return f->limit != UINT64_MAX;
}

/* What the stream holds now is the last that is read of it. */
static int measure(struct file_reader *r)
{
	r->op.fd = r->file->fd;
	submit(r, IO_READABLE, READER_MEASURING);
	return GO_ON;
}

static int measured(struct file_reader *r)
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
	if (r->draining && !is_measured(r->file))
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
		return out_of_memory(r);
	uint8_t *bytes;
	size_t room, n;
	if (intake_room(&r->intake, &bytes, &room) < 0)
		return WAIT;
	switch (unpacker_fill(u, bytes, room, &n)) {
	case UNPACKED_BYTES:
		intake_add(&r->intake, n, now_ns(r), env_wall_ns(r->stage->env));
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

static int fill(struct file_reader *r)
{
	if (!turn_take_back(r))
		return WAIT;
	return r->file->form == FILE_PACKED ? fill_packed(r) : fill_plain(r);
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
	if (f->form != FILE_UNSEEN)
		return;
	const uint8_t *bytes = r->intake.buffer->bytes + r->intake.from;
	size_t n = intake_pending(&r->intake);
	if (zstd_reader_recognises(bytes, n))
		set_packed(f, PACKED_ZSTD);
	else if (gzip_reader_recognises(bytes, n))
		set_packed(f, PACKED_GZIP);
	else if (!may_be_packed(bytes, n))
		f->form = FILE_PLAIN;
	if (f->form == FILE_PACKED) {
		turn_forget_bytes(r);
		r->at_end = false;
	}
}

static int read_failed(struct file_reader *r, int error)
{
	if (error == -EINTR) {
		r->at = READER_FILL;
	} else if (
	    r->draining) { /* taken back: measured next; if it was, somebody else reads there, too */
		r->at = error == -ECANCELED && !is_measured(r->file) ? READER_FILL : READER_END;
	} else if (r->file->form == FILE_STREAM && error == -EAGAIN) {
		turn_pause(r);
	} else if (r->file->form == FILE_STREAM && error == -ECANCELED) {
		turn_wait(r);
	} else {
		turn_give_up_unreadable(r, error);
	}
	return GO_ON;
}

static int was_read(struct file_reader *r)
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
		submit_stat(r, READER_LOOKING);
		return GO_ON;
	}
	bool is_short = (size_t)n < r->op.read.length;
	f->had_bytes = true;
	turn_account(r,
		     f->form == FILE_STREAM ? f->done + (uint64_t)n : r->op.read.at + (uint64_t)n);
	if (f->form == FILE_PACKED) {
		decoder_add(r->unpacker.decoder, (size_t)n);
		r->at = READER_FILL;
		return GO_ON;
	}
	r->reads++;
	intake_add(&r->intake, (size_t)n, now_ns(r), env_wall_ns(r->stage->env));
	/* followed, a short read is the end for now: if more has come since, inotify says so */
	r->at_end = is_short && r->follow && f->form != FILE_STREAM;
	recognise(r);
	if (f->form == FILE_PACKED)
		r->at = READER_FILL;
	else if (f->form == FILE_UNSEEN)
		r->at = r->at_end ? READER_END : READER_FILL;
	else
		r->at = READER_FRAME;
	return GO_ON;
}

/* ---- framing ---- */

static bool has_had_its_turn(const struct file_reader *r)
{
	struct chain *first = chain_first(&r->set->ready);
	if (!r->follow || r->draining || !first || !r->progressed || r->reads < READS_PER_TURN)
		return false;
	/* a compressed file would take the decompressor away */
	return r->file->form != FILE_PACKED ||
	       chain_owner(first, struct tracked_file, turn_link)->form == FILE_PLAIN;
}

static int frame(struct file_reader *r, bool ended, struct batch **ret_batch)
{
	size_t n;
	int result = intake_frame(&r->intake, &r->file->framer, ended, ret_batch, &n);
	turn_consumed(r, n);
	return result;
}

static int frame_more(struct file_reader *r, struct batch **ret_batch)
{
	int result = frame(r, false, ret_batch);
	if (result != 0)
		return result == -EAGAIN ? WAIT : GO_ON;
	if (r->at_end)
		r->at = READER_END;
	else if (has_had_its_turn(r))
		turn_wait(r);
	else
		r->at = READER_FILL;
	return GO_ON;
}

/* ---- the end, for now or for good ---- */

static bool is_mid_frame(const struct file_reader *r)
{
	return r->file->form == FILE_PACKED && r->unpacker.file == r->file &&
	       r->unpacker.decoder->in_frame;
}

static int finish(struct file_reader *r, struct batch **ret_batch)
{
	if (is_mid_frame(r)) {
		turn_give_up_damaged(r, turn_position(r), "it ends within what is compressed");
		return GO_ON;
	}
	int result = frame(r, true, ret_batch);
	if (result != 0)
		return result == -EAGAIN ? WAIT : GO_ON;
	struct tracked_file *f = r->file;
	turn_end(r);
	turn_remove_file(r, f);
	return GO_ON;
}

static void say_waiting(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	if (!r->follow && !f->said_waiting)
		file_notes_no_writer(r->stage, f->path);
	f->said_waiting = true;
}

/* Without a writer, a pipe's first read ends at once with nothing, or does not end: that depends on the backend. */
static bool may_lack_writer(const struct file_reader *r)
{
	return r->at == READER_READING && r->op.busy && !r->follow && r->file->is_pipe &&
	       !r->file->had_bytes && !r->file->said_waiting;
}

static int at_end(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	uint64_t end = turn_position(r);
	r->at_end = false;
	r->grew = end > f->end;
	f->end =
	    end > f->end ? end : f->end; /* less than before: CHECKING will see that it shrank */
	if (r->draining) {
		r->at = READER_FINISH;
	} else if (r->follow && f->form == FILE_STREAM && !f->named) {
		submit_stat(r, READER_CHECKING); /* nobody may find it to write to it any more */
	} else if (f->form == FILE_STREAM && (r->follow || (f->is_pipe && !f->had_bytes))) {
		say_waiting(r);
		turn_pause(r);
	} else if (!r->follow) {
		r->at = READER_FINISH;
	} else if (f->again) {
		f->again = false;
		r->at = READER_FILL;
	} else if (!r->grew || !f->named) {
		submit_stat(r, READER_CHECKING);
	} else {
		turn_rest(r);
	}
	return GO_ON;
}

static int checked(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	uint64_t now = now_ns(r);
	bool is_stream = f->form == FILE_STREAM;
	if (!is_stream && r->op.result >= 0 && (uint64_t)r->stat.st_size < f->end) {
		truncated(r);
		return GO_ON;
	}
	if (r->grew)
		f->quiet_at_ns = now + FILE_QUIET_NS;
	bool is_gone = r->op.result >= 0 && r->stat.st_nlink == 0;
	if (!f->named && !f->again && (is_gone || now >= f->quiet_at_ns))
		r->at = READER_FINISH;
	else if (is_stream)
		turn_pause(r);
	else
		turn_rest(r);
	return GO_ON;
}

/* ---- the machine ---- */

static int move(struct file_reader *r, struct batch **ret_batch)
{
	switch (r->at) {
	case READER_PICK:
		return pick(r);
	case READER_OPEN:
		return open_file(r);
	case READER_OPENING:
		return opened(r);
	case READER_LOOKING:
		return looked(r);
	case READER_FILL:
		return fill(r);
	case READER_MEASURING:
		return measured(r);
	case READER_READING:
		return was_read(r);
	case READER_FRAME:
		return frame_more(r, ret_batch);
	case READER_END:
		return at_end(r);
	case READER_CHECKING:
		return checked(r);
	case READER_FINISH:
		return finish(r, ret_batch);
	}
	abort();
}

static bool is_reading_stream(const struct file_reader *r)
{
	return r->at == READER_READING && r->op.stream;
}

/* Nobody may write to a stream for a long time: that must not keep other files waiting, nor the end. */
static bool has_read_long_enough(const struct file_reader *r)
{
	struct chain *first = chain_first(&r->set->ready);
	bool is_late = now_ns(r) >= r->slice_end_ns;
	if (r->draining)
		return is_late || !is_measured(r->file);
	if (!first)
		return false;
	return is_late || chain_owner(first, struct tracked_file, turn_link)->form != FILE_STREAM;
}

/* Should bytes come all the same, it ends with them. */
static void cut_stream_short(struct file_reader *r)
{
	if (!is_reading_stream(r) || !has_read_long_enough(r))
		return;
	r->slice_end_ns = now_ns(r) + slice_ns;
	io_cancel(r->stage->env->io, &r->op);
}

static void tick(struct file_reader *r)
{
	uint64_t now = now_ns(r);
	if (now < r->next_tick_ns || r->draining)
		return;
	r->next_tick_ns = now + tick_ns;
	if (may_lack_writer(r))
		say_waiting(r);
	struct chain *c;
	while ((c = chain_first(&r->paused))) {
		chain_unlink(c);
		file_set_ready(r->set, chain_owner(c, struct tracked_file, turn_link));
	}
	for (int i = 0; i < ADRIFT_PER_TICK && (c = chain_first(&r->set->adrift)); i++) {
		chain_append(&r->set->adrift, c);
		file_set_ready(r->set, chain_owner(c, struct tracked_file, adrift));
	}
}

/* ---- the end of it all ---- */

/* It was opened, and nobody has looked since. */
static void close_unseen(struct file_reader *r)
{
	if (r->at != READER_OPENING || r->op.result < 0)
		return;
	int fd = (int)r->op.result;
	descriptor_close(r->stage->env->io, &fd);
}

void file_reader_drain(struct file_reader *r)
{
	struct tracked_file *f;
	if (r->draining)
		return;
	r->draining = true;
	while ((f = file_set_take_ready(r->set)))
		file_set_rest(r->set, f);
	for (struct chain *c = r->set->all.next; c != &r->set->all; c = c->next) {
		f = chain_owner(c, struct tracked_file, all);
		if (f->form == FILE_STREAM && f->fd >= 0)
			file_set_ready(r->set, f);
	}
}

static bool has_stream(const struct file_reader *r)
{
	return r->file && r->file->form == FILE_STREAM;
}

bool file_reader_is_drained(const struct file_reader *r)
{
	return !has_stream(r) && !chain_first(&r->set->ready);
}

/* The turn of a file that can be read again is over. */
static void leave_file(struct file_reader *r)
{
	close_unseen(r);
	turn_forget_bytes(r);
	turn_end(r);
}

int file_reader_step(struct file_reader *r, struct batch **ret_batch)
{
	tick(r);
	*ret_batch = NULL;
	for (int i = 0; i < MOVES_PER_STEP; i++) {
		if (r->op.busy) {
			cut_stream_short(r);
			return STEP_WAIT;
		}
		if (r->draining && r->file && !has_stream(r))
			leave_file(r);
		int result = move(r, ret_batch);
		if (result < 0)
			return result;
		if (*ret_batch)
			return STEP_MORE;
		if (result == WAIT)
			return STEP_WAIT;
	}
	return STEP_MORE;
}

bool file_reader_is_idle(const struct file_reader *r)
{
	return !r->file && !chain_first(&r->set->ready) && !chain_first(&r->paused);
}

uint64_t file_reader_next_ns(const struct file_reader *r)
{
	uint64_t next = UINT64_MAX;
	bool ticks = chain_first(&r->set->adrift) || chain_first(&r->paused) || may_lack_writer(r);
	if (ticks && !r->draining)
		next = r->next_tick_ns;
	if (!r->file && chain_first(&r->set->ready) && r->retry_ns < next)
		next = r->retry_ns;
	bool is_hurried = r->draining || chain_first(&r->set->ready);
	if (is_reading_stream(r) && is_hurried && r->slice_end_ns < next)
		next = r->slice_end_ns;
	return next;
}

void file_reader_release(struct file_reader *r)
{
	if (!r->set)
		return;
	assert(!r->op.busy);
	close_unseen(r);
	intake_release(&r->intake);
	unpacker_release(&r->unpacker);
	struct chain *c;
	while ((c = chain_first(&r->set->all))) {
		struct tracked_file *f = chain_owner(c, struct tracked_file, all);
		turn_close_file(r, f);
		file_set_remove(r->set, f);
	}
}
