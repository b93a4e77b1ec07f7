#include "stages/source/file_checking.h"
#include "stages/source/file_notes.h"
#include "stages/source/file_opening.h"
#include "stages/source/file_positions.h"
#include "stages/source/file_turn.h"

#include <errno.h>

static int sample(struct file_reader *r, enum file_reader_at at, uint64_t from, size_t length)
{
	r->sample_length = length;
	r->op.fd = r->file->fd;
	r->op.stream = false;
	r->op.read.bytes = r->sample + r->sampled;
	r->op.read.length = length - r->sampled;
	r->op.read.at = from + r->sampled;
	turn_submit(r, IO_READ, at);
	return GO_ON;
}

/* Where reading is to begin at the end of what was there, what stands before it has never been read. */
static size_t tail_length(const struct tracked_file *f)
{
	const struct file_tail *t = &f->position->tail;
	if (t->length > 0 || f->place.form == FILE_PACKED)
		return t->length;
	return f->place.at < TAIL_BYTES ? (size_t)f->place.at : TAIL_BYTES;
}

static int check_head(struct file_reader *r)
{
	return sample(r, READER_HEAD, 0, r->file->position->head.length);
}

static int check_tail(struct file_reader *r)
{
	const struct tracked_file *f = r->file;
	uint64_t end = f->position->tail.length > 0 ? f->position->tail.end : f->place.at;
	size_t length = tail_length(f);
	return sample(r, READER_TAIL, end - length, length);
}

static int check_tail_next(struct file_reader *r)
{
	r->sampled = 0;
	if (tail_length(r->file) > 0)
		return check_tail(r);
	file_positions_trust(r->set->positions, r->file->position);
	r->at = READER_FILL;
	return GO_ON;
}

int checking_begin(struct file_reader *r)
{
	const struct file_position *p = r->file->position;
	r->at = READER_FILL;
	r->sampled = 0;
	if (!p || !p->doubted)
		return GO_ON;
	if (p->head.length > 0)
		return check_head(r);
	return check_tail_next(r);
}

static int differs(struct file_reader *r)
{
	turn_stat(r, READER_DIFFERS);
	return GO_ON;
}

static int head_sampled(struct file_reader *r)
{
	int same = file_head_compare(&r->file->position->head, r->sample);
	if (same < 0)
		return turn_out_of_memory(r);
	return same ? check_tail_next(r) : differs(r);
}

static int tail_sampled(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	struct file_tail *t = &f->position->tail;
	if (t->length == 0)
		file_tail_note(t, f->place.at, r->sample, r->sample_length);
	else if (!file_tail_compare(t, r->sample))
		return differs(r);
	file_positions_trust(r->set->positions, f->position);
	r->at = READER_FILL;
	return GO_ON;
}

/* Where a frame was cut nothing can be read on. */
static bool may_have_lost_its_end(const struct file_reader *r)
{
	const struct tracked_file *f = r->file;
	const struct file_position *p = f->position;
	bool is_usable =
	    f->place.form != FILE_PACKED || (r->stat.size >= f->place.at && f->place.skip == 0);
	return p && file_positions_has_rebooted(r->set->positions, p) &&
	       p->head.length == HEAD_BYTES && r->stat.size >= HEAD_BYTES && is_usable;
}

static int begin_anew(struct file_reader *r)
{
	opening_begin_anew(r);
	return GO_ON;
}

static int check_beginning(struct file_reader *r)
{
	return sample(r, READER_SHORTER, 0, HEAD_BYTES);
}

int checking_shorter(struct file_reader *r)
{
	r->sampled = 0;
	return may_have_lost_its_end(r) ? check_beginning(r) : begin_anew(r);
}

static int beginning_sampled(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	if (file_head_compare(&f->position->head, r->sample) != 1)
		return begin_anew(r);
	file_notes_lost_its_end(r->stage, f->path, f->end, r->stat.size);
	turn_go_on_at_end(r, r->stat.size);
	return checking_begin(r);
}

static int sample_on(struct file_reader *r)
{
	if (r->at == READER_SHORTER)
		return check_beginning(r);
	return r->at == READER_HEAD ? check_head(r) : check_tail(r);
}

int checking_sampled(struct file_reader *r)
{
	int64_t n = r->op.result;
	if (n < 0 && n != -EINTR && n != -EAGAIN) {
		turn_give_up_unreadable(r, (int)n);
		return GO_ON;
	}
	if (n == 0)
		return differs(r);
	r->sampled += n > 0 ? (size_t)n : 0;
	if (r->sampled < r->sample_length)
		return sample_on(r);
	if (r->at == READER_SHORTER)
		return beginning_sampled(r);
	return r->at == READER_HEAD ? head_sampled(r) : tail_sampled(r);
}

int checking_differs(struct file_reader *r)
{
	if (r->op.result < 0) {
		turn_give_up_unreadable(r, (int)r->op.result);
		return GO_ON;
	}
	return r->stat.size < r->file->end ? checking_shorter(r) : begin_anew(r);
}
