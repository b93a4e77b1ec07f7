#include "stages/output_file.h"
#include "stages/codec/gzip_reader.h"
#include "stages/rotated_name.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>

#define READER_WAIT_NS 100000000u
#define NAME_WAIT_NS 10000000u
#define SECOND_NS 1000000000
#define LOCK_WAIT_NS 2000000000u /* a process that was killed takes a while to let go */
#define LOCK_AGAIN_NS 20000000u

enum {
	REPLACED_MAX = 16
}; /* in a row: the file system has no steady inode numbers, so no more can be known */

enum { BENEATH = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };

void output_file_init(struct output_file *f, struct env *env, struct stage_counters *counters,
		      struct space_wait *space, const struct path_template *template, bool zstd)
{
	memset(f, 0, sizeof *f);
	f->env = env;
	f->counters = counters;
	f->space = space;
	f->template = template;
	f->zstd = zstd;
	f->fd = -1;
	f->peeking = -1;
	f->directory = -1;
	f->above = -1;
}

/* Nothing to do: the next step sees that the operation is no longer busy. */
static void on_done(struct io_op *op)
{
	(void)op;
}

static void submit(struct output_file *f, struct io_op op)
{
	f->op = op;
	f->op.done = on_done;
	f->op.owner = f;
	io_submit(f->env->io, &f->op);
}

static void close_descriptor(struct output_file *f, int fd)
{
	submit(f, (struct io_op){.code = IO_CLOSE, .fd = fd});
}

/* The file as seen from its directory. */
static const char *name_in_directory(const struct output_file *f)
{
	return f->path + f->walked;
}

static void begin_base(struct output_file *f)
{
	size_t length = path_template_base(f->template);
	memcpy(f->name, length > 0 ? f->path : ".", length > 0 ? length : 1);
	f->name[length > 0 ? length : 1] = '\0';
	submit(f, (struct io_op){.code = IO_OPEN,
				 .fd = AT_FDCWD,
				 .open = {.path = f->name, .flags = O_DIRECTORY | O_CLOEXEC}});
}

static void begin_descend(struct output_file *f)
{
	size_t length = strcspn(f->path + f->walked, "/");
	memcpy(f->name, f->path + f->walked, length);
	f->name[length] = '\0';
	submit(f, (struct io_op){.code = IO_OPEN,
				 .fd = f->directory,
				 .open = {.path = f->name,
					  .flags = O_DIRECTORY | O_CLOEXEC,
					  .resolve = BENEATH}});
}

static void begin_make(struct output_file *f)
{
	submit(f, (struct io_op){.code = IO_MKDIR,
				 .fd = f->directory,
				 .mkdir = {.path = f->name, .mode = 0755}});
}

static void begin_leave(struct output_file *f)
{
	close_descriptor(f, f->above);
}

/* O_NONBLOCK: a FIFO without a reader answers -ENXIO at once; to a regular file it means nothing. */
static void begin_open(struct output_file *f)
{
	submit(f, (struct io_op){
		      .code = IO_OPEN,
		      .fd = f->directory,
		      .open = {.path = name_in_directory(f),
			       .flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
			       .mode = 0644,
			       .resolve = f->template->varies ? BENEATH : 0}});
}

static void begin_look(struct output_file *f)
{
	submit(f, (struct io_op){.code = IO_STAT, .fd = f->fd, .stat = {.into = &f->status}});
}

static void begin_lock(struct output_file *f)
{
	submit(f, (struct io_op){.code = IO_LOCK, .fd = f->fd});
}

static void begin_compare(struct output_file *f)
{
	submit(f, (struct io_op){.code = IO_STAT,
				 .fd = f->directory,
				 .stat = {.path = name_in_directory(f), .into = &f->named}});
}

/* The file's own descriptor is for writing only, so that who may not read it may still write it. */
static void begin_peek_open(struct output_file *f)
{
	submit(f, (struct io_op){.code = IO_OPEN,
				 .fd = f->directory,
				 .open = {.path = name_in_directory(f),
					  .flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
					  .resolve = f->template->varies ? BENEATH : 0}});
}

static void begin_peek(struct output_file *f)
{
	submit(f, (struct io_op){.code = IO_READ,
				 .fd = f->peeking,
				 .read = {.bytes = f->first, .length = sizeof f->first}});
}

static void begin_peek_close(struct output_file *f)
{
	close_descriptor(f, f->peeking);
}

static void try_again_at(struct output_file *f, uint64_t when_ns)
{
	f->again = true;
	f->again_at_ns = when_ns;
}

static void begin_rename(struct output_file *f)
{
	int64_t wall = env_wall_ns(f->env);
	if (wall / SECOND_NS != f->renamed_second) {
		f->renamed_second = wall / SECOND_NS;
		f->renamed_number = 0;
	}
	if (f->renamed_number > ROTATED_NUMBER_MAX) {
		try_again_at(f, env_now_ns(f->env) + NAME_WAIT_NS);
		return;
	}
	int r =
	    rotated_name(name_in_directory(f), wall, f->renamed_number, f->name, sizeof f->name);
	if (r < 0)
		f->name[0] = '\0'; /* which the kernel refuses, and we say so with the rest */
	submit(f, (struct io_op){.code = IO_RENAME,
				 .fd = f->directory,
				 .rename = {.from = name_in_directory(f), .to = f->name}});
}

static void begin_close(struct output_file *f)
{
	close_descriptor(f, f->fd);
}

static void begin_close_directory(struct output_file *f)
{
	close_descriptor(f, f->directory);
}

static void (*const begin[OUTPUT_STATES])(struct output_file *f) = {
    [OUTPUT_BASE] = begin_base,
    [OUTPUT_DESCEND] = begin_descend,
    [OUTPUT_MAKE] = begin_make,
    [OUTPUT_LEAVE] = begin_leave,
    [OUTPUT_OPEN] = begin_open,
    [OUTPUT_LOOK] = begin_look,
    [OUTPUT_LOCK] = begin_lock,
    [OUTPUT_COMPARE] = begin_compare,
    [OUTPUT_REOPEN] = begin_close,
    [OUTPUT_PEEK_OPEN] = begin_peek_open,
    [OUTPUT_PEEK] = begin_peek,
    [OUTPUT_PEEK_CLOSE] = begin_peek_close,
    [OUTPUT_RENAME] = begin_rename,
    [OUTPUT_CLOSE] = begin_close,
    [OUTPUT_CLOSE_DIRECTORY] = begin_close_directory,
};

static void go(struct output_file *f, enum output_file_state state)
{
	f->state = state;
	if (begin[state])
		begin[state](f);
}

static void go_to_closed(struct output_file *f)
{
	if (f->fd >= 0)
		go(f, OUTPUT_CLOSE);
	else if (f->directory >= 0)
		go(f, OUTPUT_CLOSE_DIRECTORY);
	else
		go(f, OUTPUT_CLOSED);
}

const char *output_file_shown(const struct output_file *f)
{
	return path_template_shown(f->template, f->path);
}

static void fail(struct output_file *f, const char *what, int64_t result)
{
	counter_add(&f->counters->errors, 1);
	env_say(f->env, SAY_ERROR, what, "path=%s error=%s", output_file_shown(f),
		strerror((int)-result));
	f->failed = (int)result;
	go_to_closed(f);
}

static void fail_missing(struct output_file *f)
{
	counter_add(&f->counters->errors, 1);
	env_say(f->env, SAY_ERROR, "output directory missing", "path=%s error=%s cure=%s",
		output_file_shown(f), strerror(ENOENT),
		"make it; only directories named after the time are made here");
	f->failed = -ENOENT;
	go_to_closed(f);
}

static void after_base(struct output_file *f, int64_t result)
{
	if (result == -ENOENT) {
		fail_missing(f);
	} else if (result < 0) {
		fail(f, "output directory cannot be opened", result);
	} else {
		f->directory = (int)result;
		size_t base = path_template_base(f->template);
		f->walked = base == 0 || f->path[base - 1] == '/' ? base : base + 1;
		f->made = false;
		go(f, strchr(f->path + f->walked, '/') ? OUTPUT_DESCEND : OUTPUT_OPEN);
	}
}

static void after_descend(struct output_file *f, int64_t result)
{
	if (result == -ENOENT && !f->made) {
		f->made = true;
		go(f, OUTPUT_MAKE);
	} else if (result < 0) {
		fail(f, "output directory cannot be opened", result);
	} else {
		f->above = f->directory;
		f->directory = (int)result;
		f->walked += strlen(f->name) + 1;
		f->made = false;
		go(f, OUTPUT_LEAVE);
	}
}

static void after_make(struct output_file *f, int64_t result)
{
	if (result < 0 && result != -EEXIST)
		fail(f, "output directory cannot be made", result);
	else
		go(f, OUTPUT_DESCEND);
}

static void after_leave(struct output_file *f, int64_t result)
{
	(void)result; /* it was only passed through */
	f->above = -1;
	go(f, strchr(f->path + f->walked, '/') ? OUTPUT_DESCEND : OUTPUT_OPEN);
}

static void await_reader(struct output_file *f)
{
	if (!f->reader_awaited)
		env_say(f->env, SAY_INFO, "waiting for a reader", "path=%s", output_file_shown(f));
	f->reader_awaited = true;
	try_again_at(f, env_now_ns(f->env) + READER_WAIT_NS);
}

static void after_open(struct output_file *f, int64_t result)
{
	if (result == -ENXIO) {
		await_reader(f);
	} else if (result == -ENOENT) {
		fail_missing(f);
	} else if (result < 0) {
		fail(f, "output cannot be opened", result);
	} else {
		f->fd = (int)result;
		f->reader_awaited = false;
		go(f, OUTPUT_LOOK);
	}
}

static void be_ready(struct output_file *f)
{
	counter_add(&f->counters->files, 1);
	go(f, OUTPUT_READY);
}

static void after_look(struct output_file *f, int64_t result)
{
	f->stream = result == 0 && !S_ISREG(f->status.st_mode);
	f->fifo = result == 0 && S_ISFIFO(f->status.st_mode);
	f->length = 0;
	f->modified_ns = 0;
	if (result < 0)
		fail(f, "output cannot be looked at", result);
	else if (f->stream)
		be_ready(f);
	else
		go(f, OUTPUT_LOCK);
}

static void await_lock(struct output_file *f)
{
	uint64_t now = env_now_ns(f->env);
	if (f->locked_by_ns == 0) {
		f->locked_by_ns = now + LOCK_WAIT_NS;
		env_say(f->env, SAY_INFO, "output in use, waiting for it", "path=%s seconds=%u",
			f->path, LOCK_WAIT_NS / SECOND_NS);
	}
	if (now >= f->locked_by_ns)
		fail(f, "output in use by another process or sink", -EBUSY);
	else
		try_again_at(f, now + LOCK_AGAIN_NS);
}

/* True if the file system has no locks at all. */
static bool cannot_lock(int64_t result)
{
	return result == -EOPNOTSUPP || result == -ENOSYS || result == -ENOLCK || result == -EINVAL;
}

static void after_lock(struct output_file *f, int64_t result)
{
	if (cannot_lock(result))
		env_say(f->env, SAY_WARN, "output cannot be locked, ignoring", "path=%s error=%s",
			output_file_shown(f), strerror((int)-result));
	if (result == -EBUSY)
		await_lock(f);
	else if (result < 0 && !cannot_lock(result))
		fail(f, "output cannot be locked", result);
	else
		go(f, OUTPUT_COMPARE);
}

static bool was_replaced(const struct output_file *f, int64_t result)
{
	return result == -ENOENT || f->status.st_dev != f->named.st_dev ||
	       f->status.st_ino != f->named.st_ino;
}

/* The length counts from here on, where nobody else writes. */
static void after_compare(struct output_file *f, int64_t result)
{
	if (result < 0 && result != -ENOENT) {
		fail(f, "output cannot be looked at", result);
	} else if (was_replaced(f, result) && f->replaced++ < REPLACED_MAX) {
		go(f, OUTPUT_REOPEN);
	} else {
		const struct stat *now = result == 0 ? &f->named : &f->status;
		f->length = (uint64_t)now->st_size;
		f->modified_ns = (int64_t)now->st_mtim.tv_sec * SECOND_NS + now->st_mtim.tv_nsec;
		if (f->length > 0)
			go(f, OUTPUT_PEEK_OPEN);
		else
			be_ready(f);
	}
}

static void after_reopen(struct output_file *f, int64_t result)
{
	(void)result; /* nothing was written to it */
	f->fd = -1;
	go(f, OUTPUT_OPEN);
}

static void after_peek_open(struct output_file *f, int64_t result)
{
	if (result < 0) {
		be_ready(f); /* ours to write, not to read: then nobody can know */
	} else {
		f->peeking = (int)result;
		go(f, OUTPUT_PEEK);
	}
}

static void after_peek(struct output_file *f, int64_t result)
{
	f->first_length = result > 0 ? (size_t)result : 0;
	f->failed = result < 0 ? (int)result : 0;
	go(f, OUTPUT_PEEK_CLOSE);
}

static void after_peek_close(struct output_file *f, int64_t result)
{
	(void)result; /* nothing was written to it */
	f->peeking = -1;
	if (f->failed)
		fail(f, "output cannot be read", f->failed);
	else if (gzip_reader_recognises(f->first, f->first_length))
		fail(f, "output holds gzip, which nothing can follow", -EEXIST);
	else if (zstd_magic_is(f->first, f->first_length) == f->zstd)
		be_ready(f);
	else
		fail(f,
		     f->zstd ? "output holds something else than zstd, which cannot follow it"
			     : "output holds zstd, which nothing else can follow",
		     -EEXIST);
}

static void after_rename(struct output_file *f, int64_t result)
{
	if (result == -EEXIST) {
		f->renamed_number++;
		go(f, OUTPUT_RENAME);
	} else if (result == -ENOENT && f->name[0] != '\0') {
		env_say(f->env, SAY_WARN, "output was moved away, starting a new one", "path=%s",
			output_file_shown(f));
		go_to_closed(f);
	} else if (result < 0) {
		fail(f, "output cannot be renamed", result);
	} else {
		f->renamed_number++;
		go_to_closed(f);
	}
}

static void after_close(struct output_file *f, int64_t result)
{
	f->fd = -1;
	if (result < 0 && result != -EINTR && f->failed == 0)
		fail(f, "output cannot be closed", result);
	else
		go_to_closed(f);
}

static void after_close_directory(struct output_file *f, int64_t result)
{
	(void)result; /* nothing was written to it */
	f->directory = -1;
	go_to_closed(f);
}

static void (*const after[OUTPUT_STATES])(struct output_file *f, int64_t result) = {
    [OUTPUT_BASE] = after_base,
    [OUTPUT_DESCEND] = after_descend,
    [OUTPUT_MAKE] = after_make,
    [OUTPUT_LEAVE] = after_leave,
    [OUTPUT_OPEN] = after_open,
    [OUTPUT_LOOK] = after_look,
    [OUTPUT_LOCK] = after_lock,
    [OUTPUT_COMPARE] = after_compare,
    [OUTPUT_REOPEN] = after_reopen,
    [OUTPUT_PEEK_OPEN] = after_peek_open,
    [OUTPUT_PEEK] = after_peek,
    [OUTPUT_PEEK_CLOSE] = after_peek_close,
    [OUTPUT_RENAME] = after_rename,
    [OUTPUT_CLOSE] = after_close,
    [OUTPUT_CLOSE_DIRECTORY] = after_close_directory,
};

int output_file_open(struct output_file *f, int64_t wall_ns)
{
	assert(f->state == OUTPUT_CLOSED);
	int r = path_template_format(f->template, wall_ns, f->path, sizeof f->path);
	if (r < 0) {
		env_say(f->env, SAY_ERROR, "output path too long", "path=%s",
			path_template_shown(f->template, f->template->text));
		return r;
	}
	f->walked = 0;
	f->made = false;
	f->locked_by_ns = 0;
	f->replaced = 0;
	f->directory = f->template->varies ? -1 : AT_FDCWD;
	go(f, f->template->varies ? OUTPUT_BASE : OUTPUT_OPEN);
	return 0;
}

void output_file_close(struct output_file *f, bool rename)
{
	assert(f->state == OUTPUT_READY);
	if (rename && !f->stream)
		go(f, OUTPUT_RENAME);
	else
		go_to_closed(f);
}

bool output_file_awaits_reader(const struct output_file *f)
{
	return f->state == OUTPUT_OPEN && f->again && f->reader_awaited;
}

void output_file_abandon(struct output_file *f)
{
	assert(output_file_awaits_reader(f));
	f->again = false;
	go_to_closed(f);
}

static bool is_closing(enum output_file_state state)
{
	return state == OUTPUT_LEAVE || state == OUTPUT_REOPEN || state == OUTPUT_PEEK_CLOSE ||
	       state == OUTPUT_CLOSE || state == OUTPUT_CLOSE_DIRECTORY;
}

/* True if the operation is to be repeated, and has been put off. */
static bool put_off(struct output_file *f, int64_t result)
{
	if (is_closing(f->state))
		return false;
	if (result == -EINTR || result == -EAGAIN) {
		try_again_at(f, 1);
	} else if (space_wait_applies(result)) {
		space_wait_failed(f->space, output_file_shown(f), result);
		try_again_at(f, 0);
	}
	return f->again;
}

static bool too_early(struct output_file *f)
{
	if (f->again_at_ns == 0)
		return space_wait_pending(f->space);
	if (env_now_ns(f->env) >= f->again_at_ns)
		return false;
	env_wake_at(f->env, f->again_at_ns);
	return true;
}

int output_file_step(struct output_file *f)
{
	if (f->state == OUTPUT_CLOSED)
		return f->failed ? f->failed : STEP_WAIT;
	if (f->state == OUTPUT_READY || f->op.busy)
		return STEP_WAIT;
	if (f->again) {
		if (too_early(f))
			return STEP_WAIT;
		f->again = false;
		go(f, f->state);
		return STEP_MORE;
	}
	int64_t result = f->op.result;
	if (!put_off(f, result)) {
		if (result >= 0 && !is_closing(f->state))
			space_wait_succeeded(f->space, output_file_shown(f));
		after[f->state](f, result);
	}
	return STEP_MORE;
}
