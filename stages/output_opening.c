#include "stages/codec/gzip_reader.h"
#include "stages/descriptor.h"
#include "stages/output_states.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define READER_WAIT_NS 100000000u
#define DESCRIPTOR_WAIT_NS 100000000u
#define DESCRIPTOR_TRIES 100 /* then it is no moment's want */
#define SECOND_NS 1000000000

enum {
	REPLACED_MAX = 16
}; /* in a row: the file system has no steady inode numbers, so no more can be known */

/* O_NONBLOCK: a FIFO without a reader answers -ENXIO at once; to a regular file it means nothing. */
static void open_with(struct output_file *f, int create)
{
	output_submit(
	    f,
	    (struct io_op){.code = IO_OPEN,
			   .fd = f->directory,
			   .open = {.path = output_name_in_directory(f),
				    .flags = O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | create,
				    .mode = create ? 0644 : 0,
				    .resolve = f->template->varies ? OUTPUT_BENEATH : 0}});
}

static void begin_open(struct output_file *f)
{
	open_with(f, f->journal ? 0 : O_CREAT);
}

static void begin_note_created(struct output_file *f)
{
	undo_journal_note(f->journal, (struct undo_entry){.kind = UNDO_CREATED, .path = f->path});
}

static void begin_create(struct output_file *f)
{
	open_with(f, O_CREAT);
}

static void begin_look(struct output_file *f)
{
	output_submit(f,
		      (struct io_op){.code = IO_STAT, .fd = f->fd, .stat = {.into = &f->status}});
}

static void begin_lock(struct output_file *f)
{
	output_submit(f, (struct io_op){.code = IO_LOCK, .fd = f->fd});
}

static void begin_compare(struct output_file *f)
{
	output_submit(
	    f, (struct io_op){.code = IO_STAT,
			      .fd = f->directory,
			      .stat = {.path = output_name_in_directory(f), .into = &f->named}});
}

/* The file's own descriptor is for writing only, so that who may not read it may still write it. */
static void begin_peek_open(struct output_file *f)
{
	output_submit(
	    f, (struct io_op){.code = IO_OPEN,
			      .fd = f->directory,
			      .open = {.path = output_name_in_directory(f),
				       .flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
				       .resolve = f->template->varies ? OUTPUT_BENEATH : 0}});
}

static void begin_peek(struct output_file *f)
{
	output_submit(f, (struct io_op){.code = IO_READ,
					.fd = f->peeking,
					.read = {.bytes = f->first + f->first_length,
						 .length = sizeof f->first - f->first_length,
						 .at = f->first_length}});
}

static void begin_peek_close(struct output_file *f)
{
	output_submit(f, descriptor_closing(&f->peeking));
}

static void await_reader(struct output_file *f)
{
	if (!f->reader_awaited)
		env_say(f->env, SAY_INFO, "waiting for a reader", "path=%s", output_file_shown(f));
	f->reader_awaited = true;
	output_try_again_at(f, env_now_ns(f->env) + READER_WAIT_NS);
}

static void after_open(struct output_file *f, int64_t result)
{
	bool finds = f->journal && f->state == OUTPUT_OPEN;
	if (result == -ENXIO) {
		await_reader(f);
	} else if (result == -ENOENT && finds) {
		output_go(f, OUTPUT_NOTE_CREATED);
	} else if (result == -ENOENT) {
		output_fail_missing(f);
	} else if (result < 0) {
		output_fail(f, "output cannot be opened", result);
	} else {
		f->fd = (int)result;
		f->created = f->state == OUTPUT_CREATE;
		f->reader_awaited = false;
		output_go(f, OUTPUT_LOOK);
	}
}

static void after_note_created(struct output_file *f, int64_t result)
{
	(void)result;
	output_go(f, OUTPUT_CREATE);
}

/* As we left it: with a whole frame at its end, and on the disk or on its way there. */
static bool is_known(const struct output_file *f)
{
	const struct output_end *known =
	    f->known ? output_ends_find(f->known, f->status.inode) : NULL;
	return known && known->length == f->length &&
	       output_births_agree(known->birth_ns, f->status.birth_ns);
}

/* Nothing is left to be done to it. */
static void be_ready(struct output_file *f)
{
	f->mends = false;
	counter_add(&f->counters->files, 1);
	f->synced = false;
	bool is_to_be_held = f->journal && !f->stream && !f->template->varies;
	output_go(f, is_to_be_held ? OUTPUT_HOLD : OUTPUT_READY);
}

static void mend_or_be_ready(struct output_file *f)
{
	if (f->mends)
		output_mend(f);
	else
		be_ready(f);
}

void output_go_on_opened(struct output_file *f)
{
	if (!f->journal || f->stream)
		mend_or_be_ready(f);
	else if (f->length > 0 && !is_known(f))
		output_go(f, OUTPUT_SYNC_FOUND);
	else
		output_go(f, OUTPUT_NOTE_OPENED);
}

/* What others wrote last may not be on the disk; and a file that is shorter than was noted is refused. */
static void begin_sync_found(struct output_file *f)
{
	output_submit(f, (struct io_op){.code = IO_DATASYNC, .fd = f->fd});
}

static void after_sync_found(struct output_file *f, int64_t result)
{
	if (result < 0)
		output_fail(f, "output cannot be synced", -EIO);
	else
		output_go(f, OUTPUT_NOTE_OPENED);
}

/* Something in a file that we made came from somebody who was there before it was locked. */
static void begin_note_opened(struct output_file *f)
{
	bool ours = f->created && f->length == 0;
	undo_journal_note(f->journal, (struct undo_entry){.kind = ours ? UNDO_MADE : UNDO_APPENDED,
							  .path = f->path,
							  .inode = f->status.inode,
							  .birth_ns = f->status.birth_ns,
							  .length = f->found});
}

static void after_note_opened(struct output_file *f, int64_t result)
{
	(void)result;
	mend_or_be_ready(f);
}

static void after_look(struct output_file *f, int64_t result)
{
	f->stream = result == 0 && !S_ISREG(f->status.mode);
	f->fifo = result == 0 && S_ISFIFO(f->status.mode);
	f->length = f->found = 0;
	f->modified_ns = 0;
	if (result < 0)
		output_fail(f, "output cannot be looked at", result);
	else if (f->stream)
		be_ready(f);
	else
		output_go(f, OUTPUT_LOCK);
}

static void await_lock(struct output_file *f)
{
	if (lock_wait_begin(&f->lock, f->env, output_file_shown(f)))
		output_try_again_at(f, f->lock.again_at_ns);
	else
		output_fail(f, "output in use by another process or sink", -EBUSY);
}

static void after_lock(struct output_file *f, int64_t result)
{
	if (lock_is_unknown(result))
		env_say(f->env, SAY_WARN, "output cannot be locked, ignoring", "path=%s error=%s",
			output_file_shown(f), strerror((int)-result));
	if (result == -EBUSY)
		await_lock(f);
	else if (result < 0 && !lock_is_unknown(result))
		output_fail(f, "output cannot be locked", result);
	else
		output_go(f, OUTPUT_COMPARE);
}

static bool was_replaced(const struct output_file *f, int64_t result)
{
	return result == -ENOENT || f->status.device != f->named.device ||
	       f->status.inode != f->named.inode;
}

/* The length counts from here on, where nobody else writes. */
static void after_compare(struct output_file *f, int64_t result)
{
	if (result < 0 && result != -ENOENT) {
		output_fail(f, "output cannot be looked at", result);
	} else if (was_replaced(f, result) && f->replaced++ < REPLACED_MAX) {
		output_go(f, OUTPUT_REOPEN);
	} else {
		const struct io_status *now = result == 0 ? &f->named : &f->status;
		f->length = f->found = now->size;
		f->modified_ns = now->modified_ns;
		if (f->length > 0)
			output_go(f, OUTPUT_PEEK_OPEN);
		else
			output_go_on_opened(f);
	}
}

static void begin_reopen(struct output_file *f)
{
	output_submit(f, descriptor_closing(&f->fd));
}

static void after_reopen(struct output_file *f, int64_t result)
{
	(void)result; /* nothing was written to it */
	f->fd = -1;
	output_go(f, OUTPUT_OPEN);
}

/* The descriptors are others', who give some back when they find none left either. */
static void await_descriptor(struct output_file *f, int64_t result)
{
	if (f->descriptor_tries == 0)
		env_say(f->env, SAY_WARN, "too many open files", "path=%s error=%s action=retrying",
			output_file_shown(f), strerror((int)-result));
	if (++f->descriptor_tries == DESCRIPTOR_TRIES)
		output_fail(f, "output cannot be read", result);
	else
		output_try_again_at(f, env_now_ns(f->env) + DESCRIPTOR_WAIT_NS);
}

/* Plain text may be ours to write and not to read; of what is compressed the end has to be known. */
static void after_peek_open(struct output_file *f, int64_t result)
{
	if ((result == -EACCES || result == -EPERM) && !f->zstd) {
		output_go_on_opened(f);
	} else if (result == -EMFILE || result == -ENFILE) {
		await_descriptor(f, result);
	} else if (result == -ENOENT && f->replaced++ < REPLACED_MAX) {
		output_go(f, OUTPUT_REOPEN);
	} else if (result < 0) {
		output_fail(f, "output cannot be read", result);
	} else {
		f->peeking = (int)result;
		f->descriptor_tries = 0;
		f->first_length = 0;
		output_go(f, OUTPUT_PEEK_COMPARE);
	}
}

static void begin_peek_compare(struct output_file *f)
{
	output_submit(
	    f, (struct io_op){.code = IO_STAT, .fd = f->peeking, .stat = {.into = &f->named}});
}

static void after_peek_compare(struct output_file *f, int64_t result)
{
	if (result < 0)
		output_fail(f, "output cannot be looked at", result);
	else if (was_replaced(f, result) && f->replaced < REPLACED_MAX)
		output_go(f, OUTPUT_PEEK_CLOSE);
	else
		output_go(f, OUTPUT_PEEK);
}

static bool may_have_open_frame(const struct output_file *f)
{
	return f->zstd && zstd_magic_is(f->first, f->first_length) && !is_known(f);
}

static void after_peek(struct output_file *f, int64_t result)
{
	f->first_length += result > 0 ? (size_t)result : 0;
	if (result < 0)
		output_fail(f, "output cannot be read", result);
	else if (result > 0 && f->first_length < sizeof f->first)
		output_go(f, OUTPUT_PEEK);
	else
		output_go(f, may_have_open_frame(f) ? OUTPUT_WALK : OUTPUT_PEEK_CLOSE);
}

/* Nothing has been read if something else was peeked at, or nothing is left in it. */
static void after_peek_close(struct output_file *f, int64_t result)
{
	(void)result; /* nothing was written to it */
	f->peeking = -1;
	if (f->failed)
		output_go_to_closed(f);
	else if (f->mends)
		be_ready(f);
	else if (f->first_length == 0 && f->replaced++ < REPLACED_MAX)
		output_go(f, OUTPUT_REOPEN);
	else if (gzip_reader_recognises(f->first, f->first_length))
		output_fail(f, "output holds gzip, which nothing can follow", -EEXIST);
	else if (zstd_magic_is(f->first, f->first_length) == f->zstd)
		output_go_on_opened(f);
	else
		output_fail(f,
			    f->zstd
				? "output holds something else than zstd, which cannot follow it"
				: "output holds zstd, which nothing else can follow",
			    -EEXIST);
}

const struct output_act output_opening_acts[OUTPUT_STATES] = {
    [OUTPUT_OPEN] = {begin_open, after_open},
    [OUTPUT_NOTE_CREATED] = {begin_note_created, after_note_created},
    [OUTPUT_CREATE] = {begin_create, after_open},
    [OUTPUT_LOOK] = {begin_look, after_look},
    [OUTPUT_LOCK] = {begin_lock, after_lock},
    [OUTPUT_COMPARE] = {begin_compare, after_compare},
    [OUTPUT_REOPEN] = {begin_reopen, after_reopen},
    [OUTPUT_PEEK_OPEN] = {begin_peek_open, after_peek_open},
    [OUTPUT_PEEK_COMPARE] = {begin_peek_compare, after_peek_compare},
    [OUTPUT_PEEK] = {begin_peek, after_peek},
    [OUTPUT_PEEK_CLOSE] = {begin_peek_close, after_peek_close},
    [OUTPUT_SYNC_FOUND] = {begin_sync_found, after_sync_found},
    [OUTPUT_NOTE_OPENED] = {begin_note_opened, after_note_opened},
};
