#include "stages/source/file_turn.h"
#include "stages/descriptor.h"
#include "stages/source/file_notes.h"
#include "stages/source/file_positions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_MIN_NS UINT64_C(1000000000)
#define RETRY_MAX_NS UINT64_C(30000000000)

uint64_t turn_now_ns(const struct file_reader *r)
{
	return env_now_ns(r->stage->env);
}

static void on_done(struct io_op *op)
{
	(void)op;
}

void turn_submit(struct file_reader *r, enum io_code code, enum file_reader_at at)
{
	r->op.code = code;
	r->op.done = on_done;
	r->at = at;
	io_submit(r->stage->env->io, &r->op);
}

void turn_stat(struct file_reader *r, enum file_reader_at at)
{
	r->op.fd = r->file->fd;
	r->op.stat.path = NULL;
	r->op.stat.into = &r->stat;
	turn_submit(r, IO_STAT, at);
}

int turn_out_of_memory(struct file_reader *r)
{
	env_say(r->stage->env, SAY_ERROR, "out of memory", "path=%s",
		file_notes_path(r->stage, r->file->path));
	return -ENOMEM;
}

void turn_set_packed(struct tracked_file *f, enum packing packing)
{
	f->place.form = FILE_PACKED;
	f->place.packing = packing;
	if (f->place.at > 0)
		f->place.unpacked = UNPACKED_UNKNOWN;
}

/* Offset in the file, as it is stored, of the next byte to read. */
uint64_t turn_position(const struct file_reader *r)
{
	if (r->file->place.form == FILE_PACKED)
		return r->unpacker.file == r->file ? decoder_wants(r->unpacker.decoder)
						   : r->file->place.at;
	return r->file->place.at + intake_pending(&r->intake);
}

void turn_account(struct file_reader *r, uint64_t upto)
{
	struct tracked_file *f = r->file;
	struct stage_counters *c = r->stage->counters;
	if (upto > f->size) {
		counter_add(&c->work_total, upto - f->size);
		f->size = upto;
	}
	if (upto > f->done) {
		counter_add(&c->work_done, upto - f->done);
		f->done = upto;
	}
}

void turn_is_readable(struct tracked_file *f)
{
	f->said = false;
	f->retry_pause_ns = 0;
}

/* n bytes of what was read have been handed on. */
void turn_consumed(struct file_reader *r, size_t n)
{
	struct tracked_file *f = r->file;
	if (n == 0)
		return;
	r->progressed = true;
	turn_is_readable(f);
	if (f->place.form == FILE_PACKED)
		unpacker_consumed(&r->unpacker, n);
	else
		f->place.at += n;
	if (!f->position)
		return;
	if (f->place.form != FILE_PACKED)
		file_tail_note(&f->position->tail, f->place.at,
			       r->intake.buffer->bytes + r->intake.from - n, n);
	file_positions_changed(r->set->positions, f->position);
}

int turn_was_read(struct file_reader *r, uint64_t at, const uint8_t *bytes, size_t n)
{
	struct file_position *p = r->file->position;
	if (!p)
		return 0;
	if (r->file->place.form == FILE_PACKED)
		file_tail_note(&p->tail, at + n, bytes, n);
	return file_head_note(&p->head, at, bytes, n) < 0 ? turn_out_of_memory(r) : 0;
}

void turn_forget_bytes(struct file_reader *r)
{
	intake_forget(&r->intake);
	framer_forget(&r->file->place.framer);
}

/* Whatever was read and not handed on. */
static void drop_rest(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	turn_forget_bytes(r);
	if (f->place.form != FILE_STREAM)
		turn_drop_kept(f);
	if (r->unpacker.file == f)
		r->unpacker.file = NULL;
	counter_add(&r->stage->counters->work_done, f->size - f->done);
	r->at_end = false;
	f->said_damaged = false;
}

void turn_go_on_at_end(struct file_reader *r, uint64_t size)
{
	struct tracked_file *f = r->file;
	drop_rest(r);
	if (f->place.at > size) {
		f->place.at = size;
		f->place.unpacked = UNPACKED_UNKNOWN;
		framer_init(&f->place.framer); /* a line that was cut is over */
	}
	f->end = f->size = f->done = size;
	file_positions_cut(r->set->positions, f->position);
}

void turn_begin_anew(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	drop_rest(r);
	file_place_init(&f->place);
	f->end = f->size = f->done = 0;
	if (f->position)
		file_positions_restart(r->set->positions, f->position);
}

/* A stream cannot be read again, and a decompressor not be rewound: their beginning of a line is put aside while
 * others have their turns. */
int turn_put_aside(struct file_reader *r)
{
	struct tracked_file *f = r->carried;
	size_t n = intake_pending(&r->intake);
	bool must_keep = f && (f->place.form == FILE_STREAM || r->unpacker.file == f);
	if (must_keep && n > 0) {
		f->kept = malloc(n);
		if (!f->kept)
			return -ENOMEM;
		memcpy(f->kept, r->intake.buffer->bytes + r->intake.from, n);
		f->kept_length = n;
	}
	intake_forget(&r->intake);
	r->carried = NULL;
	return 0;
}

void turn_drop_kept(struct tracked_file *f)
{
	free(f->kept);
	f->kept = NULL;
	f->kept_length = 0;
}

/* Brings what was put aside back. False: no buffer. */
bool turn_take_back(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	if (f->kept && f->place.form == FILE_PACKED && r->unpacker.file != f)
		turn_drop_kept(f);
	while (f->kept) {
		uint8_t *to;
		size_t room, left = f->kept_length;
		if (intake_room(&r->intake, &to, &room) < 0)
			return false;
		if (room > left)
			room = left;
		memcpy(to, f->kept, room);
		intake_add(&r->intake, room, r->intake.read_ns, r->intake.wall_ns);
		memmove(f->kept, f->kept + room, left - room);
		f->kept_length -= room;
		if (f->kept_length == 0)
			turn_drop_kept(f);
	}
	return true;
}

bool turn_has_waited(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	uint64_t end = turn_position(r), now = turn_now_ns(r);
	if (!framer_is_open(&f->place.framer)) {
		chain_unlink(&f->unfinished);
		f->unfinished_end = 0;
		return false;
	}
	if (f->unfinished_end == end && now >= f->finished_at_ns)
		return true;
	if (f->unfinished_end != end)
		f->finished_at_ns = now + r->quiet_ns;
	if (f->unfinished_end != end || !chain_is_linked(&f->unfinished))
		chain_append(&r->unfinished, &f->unfinished);
	f->unfinished_end = end;
	return false;
}

void turn_end(struct file_reader *r)
{
	r->file = NULL;
	r->at = READER_PICK;
}

void turn_rest(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	turn_end(r);
	file_set_rest(r->set, f);
	if (f->position)
		f->position->doubted = true;
	if (f->again)
		file_set_ready(r->set, f);
}

void turn_wait(struct file_reader *r)
{
	r->file->again = true;
	turn_rest(r);
}

/* A stream without a writer is looked at again in a while. */
void turn_pause(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	turn_end(r);
	file_set_rest(r->set, f);
	chain_append(&r->paused, &f->turn_link);
	r->next_tick_ns = env_now_ns(r->stage->env) + TURN_PAUSE_NS;
	if (f->again)
		file_set_ready(r->set, f);
}

void turn_close_file(struct file_reader *r, struct tracked_file *f)
{
	int fd = file_set_closed(r->set, f);
	descriptor_close(r->stage->env->io, &fd);
	if (f->position)
		f->position->doubted = true;
}

static void remember(struct file_reader *r, struct tracked_file *f)
{
	struct file_positions *positions = r->set->positions;
	if (!f->position)
		return;
	if (f->gone && !f->position->lingers) {
		file_positions_forget(positions, f->position);
		return;
	}
	file_positions_park(positions, f, f->path, env_wall_ns(r->stage->env));
	f->path = NULL;
}

void turn_remove_file(struct file_reader *r, struct tracked_file *f)
{
	counter_add(&r->stage->counters->work_done, f->size - f->done);
	turn_close_file(r, f);
	if (r->unpacker.file == f)
		r->unpacker.file = NULL;
	if (r->carried == f) {
		intake_forget(&r->intake);
		r->carried = NULL;
	}
	remember(r, f);
	file_set_remove(r->set, f);
}

/* It cannot be read any further as it is. Followed, it stays known, so as not to be tried again at once. */
static void give_up(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	turn_forget_bytes(r);
	turn_drop_kept(f);
	if (r->unpacker.file == f)
		r->unpacker.file = NULL;
	turn_close_file(r, f);
	if (!r->follow || !f->named) {
		turn_end(r);
		turn_remove_file(r, f);
		return;
	}
	f->stuck = true;
	turn_rest(r);
}

/* Whatever is wrong may pass by itself, and of that there is no event. */
static void put_off(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	uint64_t pause = f->retry_pause_ns * 2;
	pause = pause < RETRY_MIN_NS ? RETRY_MIN_NS : pause;
	f->retry_pause_ns = pause > RETRY_MAX_NS ? RETRY_MAX_NS : pause;
	f->retry_ns = turn_now_ns(r) + f->retry_pause_ns;
}

void turn_give_up_unreadable(struct file_reader *r, int error)
{
	if (!r->file->said)
		file_notes_unreadable(r->stage, r->file->path, error);
	r->file->said = true;
	put_off(r);
	give_up(r);
}

void turn_give_up_damaged(struct file_reader *r, uint64_t at, const char *why)
{
	if (!r->file->said_damaged)
		file_notes_damaged(r->stage, r->file->path, at, why);
	r->file->said_damaged = true;
	turn_is_readable(r->file);
	/* so that it is noticed when it shrinks: it may be another then */
	r->file->end = turn_position(r);
	give_up(r);
}
