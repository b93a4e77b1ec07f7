#include "stages/descriptor.h"
#include "stages/output_states.h"
#include "stages/rotated_name.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define NAME_WAIT_NS 10000000u
#define SECOND_NS 1000000000

/* False if it has to wait for the next second. */
static bool choose_name(struct output_file *f)
{
	int64_t wall = env_wall_ns(f->env);
	if (wall / SECOND_NS != f->renamed_second) {
		f->renamed_second = wall / SECOND_NS;
		f->renamed_number = 0;
	}
	if (f->renamed_number > ROTATED_NUMBER_MAX) {
		output_try_again_at(f, env_now_ns(f->env) + NAME_WAIT_NS);
		return false;
	}
	int r = rotated_name(f->path, wall, f->renamed_number, f->to, sizeof f->to);
	if (r < 0)
		f->to[0] = '\0'; /* which the kernel refuses, and we say so with the rest */
	return true;
}

static void begin_note_left(struct output_file *f)
{
	undo_journal_note(f->journal, (struct undo_entry){.kind = UNDO_LEFT,
							  .path = f->path,
							  .inode = f->status.inode,
							  .birth_ns = f->status.birth_ns,
							  .length = f->left_length});
}

static void after_note_left(struct output_file *f, int64_t result)
{
	(void)result;
	if (f->cuts)
		output_go(f, OUTPUT_CUT_BACK);
	else
		output_go_to_closed(f);
}

static void begin_cut_back(struct output_file *f)
{
	output_submit(f, (struct io_op){.code = IO_TRUNCATE,
					.fd = f->fd,
					.truncate = {.length = f->left_length}});
}

static void after_cut_back(struct output_file *f, int64_t result)
{
	if (result < 0)
		output_fail(f, "output cannot be cut back", result);
	else
		output_go_to_closed(f);
}

static void begin_note_renamed(struct output_file *f)
{
	if (choose_name(f))
		undo_journal_note(f->journal, (struct undo_entry){.kind = UNDO_RENAMED,
								  .path = f->path,
								  .to = f->to,
								  .inode = f->status.inode,
								  .birth_ns = f->status.birth_ns});
}

static void after_note_renamed(struct output_file *f, int64_t result)
{
	(void)result;
	output_go(f, OUTPUT_RENAME);
}

static void begin_rename(struct output_file *f)
{
	if (!f->journal && !choose_name(f))
		return;
	output_submit(f, (struct io_op){.code = IO_RENAME,
					.fd = f->directory,
					.rename = {.from = output_name_in_directory(f),
						   .to = f->to[0] ? f->to + f->walked : f->to}});
}

static void begin_close(struct output_file *f)
{
	output_submit(f, descriptor_closing(&f->fd));
}

static void begin_close_directory(struct output_file *f)
{
	output_submit(f, descriptor_closing(&f->directory));
}

static void after_rename(struct output_file *f, int64_t result)
{
	if (result == -EEXIST) {
		f->renamed_number++;
		output_go(f, f->journal ? OUTPUT_NOTE_RENAMED : OUTPUT_RENAME);
	} else if (result == -ENOENT && f->to[0] != '\0') {
		env_say(f->env, SAY_WARN, "output was moved away or deleted, starting a new one",
			"path=%s", output_file_shown(f));
		output_go_to_closed(f);
	} else if (result < 0) {
		output_fail(f, "output cannot be renamed", result);
	} else {
		f->renamed_number++;
		if (f->journal)
			output_go(f, OUTPUT_SYNC_RENAMED);
		else
			output_go_to_closed(f);
	}
}

/* Before there is a new file of the old name: a crash could keep that one's name and lose the renamed one's. */
static void begin_sync_renamed(struct output_file *f)
{
	output_submit(f, (struct io_op){.code = IO_SYNC, .fd = output_file_holder(f)});
}

static void after_sync_renamed(struct output_file *f, int64_t result)
{
	if (result < 0) {
		output_fail(f, "output directory cannot be synced", result);
		f->failed = -EIO;
	} else {
		output_go_to_closed(f);
	}
}

static void after_close(struct output_file *f, int64_t result)
{
	f->fd = -1;
	if (result < 0 && result != -EINTR && f->failed == 0)
		output_fail(f, "output cannot be closed", result);
	else
		output_go_to_closed(f);
}

static void after_close_directory(struct output_file *f, int64_t result)
{
	(void)result; /* nothing was written to it */
	f->directory = -1;
	output_go_to_closed(f);
}

static void begin_close_held(struct output_file *f)
{
	output_submit(f, descriptor_closing(&f->held));
}

static void after_close_held(struct output_file *f, int64_t result)
{
	(void)result; /* nothing was written to it */
	f->held = -1;
	output_go_to_closed(f);
}

const struct output_act output_closing_acts[OUTPUT_STATES] = {
    [OUTPUT_NOTE_LEFT] = {begin_note_left, after_note_left},
    [OUTPUT_CUT_BACK] = {begin_cut_back, after_cut_back},
    [OUTPUT_NOTE_RENAMED] = {begin_note_renamed, after_note_renamed},
    [OUTPUT_RENAME] = {begin_rename, after_rename},
    [OUTPUT_SYNC_RENAMED] = {begin_sync_renamed, after_sync_renamed},
    [OUTPUT_CLOSE] = {begin_close, after_close},
    [OUTPUT_CLOSE_DIRECTORY] = {begin_close_directory, after_close_directory},
    [OUTPUT_CLOSE_HELD] = {begin_close_held, after_close_held},
};
