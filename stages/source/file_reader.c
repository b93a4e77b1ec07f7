#include "stages/source/file_reader.h"
#include "stages/descriptor.h"
#include "stages/source/file_checking.h"
#include "stages/source/file_notes.h"
#include "stages/source/file_opening.h"
#include "stages/source/file_positions.h"
#include "stages/source/file_reading.h"
#include "stages/source/file_turn.h"

#include <errno.h>
#include <stdlib.h>

enum { MOVES_PER_STEP = 64, READS_PER_TURN = 4, OPEN_MAX = 16384, ADRIFT_PER_TICK = 64 };
static const uint64_t tick_ns = 250 * UINT64_C(1000000);

void file_reader_start(struct file_reader *r)
{
	intake_init(&r->intake, r->stage->home, r->framing, INTAKE_READ);
	chain_init(&r->paused);
	chain_init(&r->unfinished);
	r->open_max = OPEN_MAX;
}

/* ---- turns ---- */

static int pick(struct file_reader *r)
{
	if (r->retry_ns > turn_now_ns(r))
		return WAIT;
	r->file = file_set_take_ready(r->set);
	if (!r->file)
		return WAIT;
	r->reads = 0;
	r->progressed = false;
	r->at_end = false;
	if (r->carried != r->file) {
		if (turn_put_aside(r) < 0)
			return turn_out_of_memory(r);
		framer_forget(&r->file->place.framer);
	}
	r->carried = r->file;
	if (r->file->fd >= 0)
		return checking_begin(r);
	r->at = READER_OPEN;
	return GO_ON;
}

/* ---- framing ---- */

static bool has_had_its_turn(const struct file_reader *r)
{
	struct chain *first = chain_first(&r->set->ready);
	if (!r->follow || r->draining || !first || !r->progressed || r->reads < READS_PER_TURN)
		return false;
	/* a compressed file would take the decompressor away */
	return r->file->place.form != FILE_PACKED ||
	       chain_owner(first, struct tracked_file, turn_link)->place.form == FILE_PLAIN;
}

static void say_where(struct file_reader *r)
{
	r->intake.path = r->file->path;
	r->intake.offset = r->file->place.at;
	r->intake.offset_known = r->file->place.form != FILE_PACKED;
	r->intake.origin = r->file->origin;
	r->intake.place_known = file_place_offset(&r->file->place, &r->intake.place);
}

static int frame(struct file_reader *r, bool ended, struct batch **ret_batch)
{
	size_t n;
	say_where(r);
	int result = intake_frame(&r->intake, &r->file->place.framer, ended, ret_batch, &n);
	turn_consumed(r, n);
	return result;
}

static int frame_more(struct file_reader *r, struct batch **ret_batch)
{
	int result = frame(r, false, ret_batch);
	if (result != 0)
		return result == -EAGAIN ? WAIT : GO_ON;
	if (r->file->place.form == FILE_STREAM)
		turn_has_waited(r); /* it begins to */
	if (r->at_end)
		r->at = READER_END;
	else if (has_had_its_turn(r))
		turn_wait(r);
	else
		r->at = READER_FILL;
	return GO_ON;
}

/* What is open is complete. */
static int finish_record(struct file_reader *r, struct batch **ret_batch)
{
	size_t n;
	say_where(r);
	int result = intake_close(&r->intake, &r->file->place.framer, ret_batch, &n);
	if (result == -EAGAIN)
		return WAIT;
	turn_consumed(r, n);
	r->at = r->file->place.form == FILE_STREAM ? READER_FILL : READER_END;
	return GO_ON;
}

/* ---- the end, for now or for good ---- */

static bool is_mid_frame(const struct file_reader *r)
{
	return r->file->place.form == FILE_PACKED && r->unpacker.file == r->file &&
	       r->unpacker.decoder->in_frame;
}

/* What was there has been handed on. */
static void note_finished(struct file_reader *r)
{
	struct file_position *p = r->file->position;
	if (p && intake_pending(&r->intake) == 0 && !is_mid_frame(r))
		file_positions_finished(r->set->positions, p);
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
	note_finished(r);
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
	turn_is_readable(f);
	r->at_end = false;
	r->grew = end > f->end;
	f->end =
	    end > f->end ? end : f->end; /* less than before: CHECKING will see that it shrank */
	note_finished(r);
	if (r->draining) {
		r->at = READER_FINISH;
	} else if (r->follow && turn_has_waited(r)) {
		r->at = READER_QUIET;
	} else if (r->follow && f->place.form == FILE_STREAM && !f->named) {
		turn_stat(r, READER_CHECKING); /* nobody may find it to write to it any more */
	} else if (f->place.form == FILE_STREAM && (r->follow || (f->is_pipe && !f->had_bytes))) {
		say_waiting(r);
		turn_pause(r);
	} else if (!r->follow) {
		r->at = READER_FINISH;
	} else if (f->again) {
		f->again = false;
		r->at = READER_FILL;
	} else if (!r->grew || !f->named) {
		turn_stat(r, READER_CHECKING);
	} else {
		turn_rest(r);
	}
	return GO_ON;
}

static int checked(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	uint64_t now = turn_now_ns(r);
	bool is_stream = f->place.form == FILE_STREAM;
	if (!is_stream && r->op.result >= 0 && r->stat.size < f->end)
		return checking_shorter(r);
	if (r->grew)
		f->quiet_at_ns = now + FILE_QUIET_NS;
	bool is_gone = r->op.result >= 0 && r->stat.links == 0;
	f->gone = is_gone;
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
	assert(r->at == READER_PICK || r->file); /* every other state is about a file */
	switch (r->at) {
	case READER_PICK:
		return pick(r);
	case READER_OPEN:
		return opening_open(r);
	case READER_OPENING:
		return opening_opened(r);
	case READER_LOOKING:
		return opening_looked(r);
	case READER_HEAD:
	case READER_TAIL:
	case READER_SHORTER:
		return checking_sampled(r);
	case READER_DIFFERS:
		return checking_differs(r);
	case READER_FILL:
		return reading_fill(r);
	case READER_MEASURING:
		return reading_measured(r);
	case READER_READING:
		return reading_was_read(r);
	case READER_FRAME:
		return frame_more(r, ret_batch);
	case READER_END:
		return at_end(r);
	case READER_CHECKING:
		return checked(r);
	case READER_QUIET:
		return finish_record(r, ret_batch);
	case READER_FINISH:
		return finish(r, ret_batch);
	}
	abort();
}

static bool is_reading_stream(const struct file_reader *r)
{
	return r->at == READER_READING && r->op.stream;
}

/* When the read is taken back so that the record which is open can be handed on. It was taken back before if it is later. */
static uint64_t unfinished_until_ns(const struct file_reader *r)
{
	if (!is_reading_stream(r) || !framer_is_open(&r->file->place.framer))
		return UINT64_MAX;
	uint64_t waits = r->file->finished_at_ns;
	return waits > r->slice_end_ns ? waits : r->slice_end_ns;
}

/* Nobody may write to a stream for a long time: that must not keep other files waiting, nor the end. */
static bool has_read_long_enough(const struct file_reader *r)
{
	struct chain *first = chain_first(&r->set->ready);
	bool is_late = turn_now_ns(r) >= r->slice_end_ns;
	if (turn_now_ns(r) >= unfinished_until_ns(r))
		return true;
	if (r->draining)
		return is_late || !reading_is_measured(r->file);
	if (!first)
		return false;
	return is_late ||
	       chain_owner(first, struct tracked_file, turn_link)->place.form != FILE_STREAM;
}

/* Should bytes come all the same, it ends with them. */
static void cut_stream_short(struct file_reader *r)
{
	if (!is_reading_stream(r) || !has_read_long_enough(r))
		return;
	r->slice_end_ns = turn_now_ns(r) + FILE_SLICE_NS;
	io_cancel(r->stage->env->io, &r->op);
}

/* Those whose records have waited get a turn, at the end of which they are handed on. */
static void wake_unfinished(struct file_reader *r)
{
	uint64_t now = turn_now_ns(r);
	struct chain *c;
	while (!r->draining && (c = chain_first(&r->unfinished))) {
		struct tracked_file *f = chain_owner(c, struct tracked_file, unfinished);
		if (f->finished_at_ns > now)
			return;
		chain_unlink(c);
		file_set_ready(r->set, f);
	}
}

static void tick(struct file_reader *r)
{
	uint64_t now = turn_now_ns(r);
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
		if (f->place.form == FILE_STREAM && f->fd >= 0)
			file_set_ready(r->set, f);
	}
}

static bool has_stream(const struct file_reader *r)
{
	return r->file && r->file->place.form == FILE_STREAM;
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
	wake_unfinished(r);
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

static uint64_t next_unfinished_ns(const struct file_reader *r)
{
	struct chain *first = chain_first(&r->unfinished);
	uint64_t next = first ? chain_owner(first, struct tracked_file, unfinished)->finished_at_ns
			      : UINT64_MAX;
	uint64_t stream = unfinished_until_ns(r);
	return stream < next ? stream : next;
}

uint64_t file_reader_next_ns(const struct file_reader *r)
{
	uint64_t next = UINT64_MAX;
	bool ticks = chain_first(&r->set->adrift) || chain_first(&r->paused) || may_lack_writer(r);
	if (ticks && !r->draining)
		next = r->next_tick_ns;
	uint64_t unfinished = next_unfinished_ns(r);
	if (unfinished < next && !r->draining)
		next = unfinished;
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
	free(r->opening);
	struct chain *c;
	while ((c = chain_first(&r->set->all))) {
		struct tracked_file *f = chain_owner(c, struct tracked_file, all);
		turn_close_file(r, f);
		file_set_remove(r->set, f);
	}
}
