#include "stages/source/file_opening.h"
#include "stages/source/file_checking.h"
#include "stages/source/file_notes.h"
#include "stages/source/file_positions.h"
#include "stages/source/file_recognition.h"
#include "stages/source/file_turn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

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

int opening_open(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	if (!f->named && !f->by_path.linked) { /* nothing leads to it any more */
		if (f->position)
			f->position->astray = true;
		turn_end(r);
		turn_remove_file(r, f);
		return GO_ON;
	}
	free(r->opening);
	r->opening = strdup(f->path);
	if (!r->opening)
		return turn_out_of_memory(r);
	if (r->set->open_count >= r->open_max)
		close_most_idle(r);
	/* a pipe without a writer would hold the opening up; what is not a stream must not have O_NONBLOCK, which some
	 * file systems take seriously */
	int wait = f->place.form == FILE_STREAM ? O_NONBLOCK : 0;
	r->op.fd = AT_FDCWD;
	r->op.open.path = r->opening;
	r->op.open.flags = O_RDONLY | O_NOCTTY | wait;
	r->op.open.mode = 0;
	r->op.open.resolve = 0;
	turn_submit(r, IO_OPEN, READER_OPENING);
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
	r->retry_ns = turn_now_ns(r) + TURN_PAUSE_NS;
	turn_wait(r);
	return GO_ON;
}

int opening_opened(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	int result = (int)r->op.result;
	if (result < 0 && r->draining) {
		turn_rest(r);
		return GO_ON;
	}
	if (result == -EINTR) {
		r->at = READER_OPEN;
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
	turn_stat(r, READER_LOOKING);
	return GO_ON;
}

/* 1, or -ENOMEM having said so. */
static int become_another(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	struct file_positions *positions = r->set->positions;
	if (f->position) {
		char *path = strdup(f->path);
		if (!path)
			return turn_out_of_memory(r);
		f->position->astray = true;
		file_positions_park(positions, f, path, env_wall_ns(r->stage->env));
	}
	file_set_reidentify(r->set, f, &r->stat);
	turn_begin_anew(r);
	if (positions && S_ISREG(r->stat.mode) && recognition_attach(positions, f, &r->stat) < 0)
		return turn_out_of_memory(r);
	return 1;
}

/* The path leads to another file by now. 0 when that is known already: then it has the name; 1; or -ENOMEM. */
static int adopt_identity(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	struct tracked_file *other = file_set_by_id(r->set, r->stat.device, r->stat.inode);
	if (!other || other == f)
		return become_another(r);
	if (!other->named && file_set_rename(r->set, other, f->path, f->named) == 0)
		file_set_ready(r->set, other);
	turn_end(r);
	turn_remove_file(r, f);
	return 0;
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

static void decide_form(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	f->is_pipe = S_ISFIFO(r->stat.mode);
	if (!S_ISREG(r->stat.mode))
		f->place.form = FILE_STREAM;
	if (f->place.form != FILE_UNSEEN)
		return;
	if (is_called(r, COMPRESSION_ZSTD, ".zst"))
		turn_set_packed(f, PACKED_ZSTD);
	else if (is_called(r, COMPRESSION_GZIP, ".gz"))
		turn_set_packed(f, PACKED_GZIP);
	else if (r->compression == COMPRESSION_NONE || f->place.at > 0)
		f->place.form = FILE_PLAIN;
}

void opening_begin_anew(struct file_reader *r)
{
	const struct tracked_file *f = r->file;
	if (r->stat.size < f->end)
		file_notes_truncated(r->stage, f->path, f->end, r->stat.size);
	else
		file_notes_rewritten(r->stage, f->path, f->end, r->stat.size);
	turn_begin_anew(r);
	decide_form(r);
	r->at = READER_FILL;
}

/* Read once, a file ends where it ended when it was opened: it may grow by the very records read from it. Some (in
 * /proc) have no size and bytes all the same: an empty one is looked at again when a read brings something. */
static void set_limit(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	uint64_t size = r->stat.size;
	if (r->follow || !S_ISREG(r->stat.mode))
		return;
	if (f->limit > 0)
		f->limit = size;
	else if (size == 0)
		f->limit = UINT64_MAX;
	else
		r->at = READER_END;
}

static bool is_another(const struct file_reader *r)
{
	const struct tracked_file *f = r->file;
	bool was_born_otherwise =
	    f->birth_ns != 0 && r->stat.birth_ns != 0 && f->birth_ns != r->stat.birth_ns;
	return f->device != r->stat.device || f->inode != r->stat.inode || was_born_otherwise;
}

/* By its new name: what the old one leads to says nothing of it. */
static int open_renamed(struct file_reader *r)
{
	turn_close_file(r, r->file);
	r->at = READER_OPEN;
	return GO_ON;
}

static int note_origin(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	file_origin_let_go(f->origin);
	f->origin = file_origin_new(r->opening, NULL, f->device, f->inode);
	return f->origin ? 0 : -ENOMEM;
}

int opening_looked(struct file_reader *r)
{
	struct tracked_file *f = r->file;
	if (r->op.result >= 0 && is_another(r) && strcmp(r->opening, f->path) != 0)
		return open_renamed(r);
	if (r->op.result < 0 || S_ISDIR(r->stat.mode)) {
		turn_give_up_unreadable(r, r->op.result < 0 ? (int)r->op.result : -EISDIR);
		return GO_ON;
	}
	int adopted = is_another(r) ? adopt_identity(r) : 1;
	if (adopted <= 0)
		return adopted < 0 ? adopted : GO_ON;
	if (note_origin(r) < 0)
		return turn_out_of_memory(r);
	decide_form(r);
	r->at = READER_FILL;
	set_limit(r);
	if (S_ISREG(r->stat.mode) && r->stat.size < f->end)
		return checking_shorter(r);
	return r->at == READER_FILL ? checking_begin(r) : GO_ON;
}
