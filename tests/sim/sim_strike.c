#include "tests/sim/sim_strike.h"
#include "tests/sim/sim_inode.h"
#include "tests/sim/sim_io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { BURST = 20, CRASHES = 4 };

/* ---- kinds ---- */

static const struct {
	const char *directory;
	enum sim_place place;
} places[] = {{"in", SIM_INPUT}, {"out", SIM_OUTPUT}, {"state", SIM_STATE}};

static enum sim_place place_named(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (strlen(places[i].directory) == length &&
		    memcmp(places[i].directory, name, length) == 0)
			return places[i].place;
	return SIM_ELSEWHERE;
}

/* The directory beneath the root in which it works. */
static enum sim_place place_of(const struct sim_fs *fs, const struct io_op *op)
{
	const char *path = sim_path_of(op);
	if (path && path[0] == '/')
		return place_named(path + 1, strcspn(path + 1, "/"));
	if (op->code == IO_WATCH_NEW || sim_fs_is_watcher(fs, op->fd))
		return SIM_INPUT;
	const struct sim_inode *i =
	    op->fd >= 0 && op->fd < SIM_DESCRIPTORS_MAX ? fs->descriptors[op->fd].inode : NULL;
	while (i && i->parent && i->parent != fs->root)
		i = i->parent;
	return i && i->name ? place_named(i->name, strlen(i->name)) : SIM_ELSEWHERE;
}

static struct sim_kind kind_of(const struct sim_fs *fs, const struct io_op *op)
{
	return (struct sim_kind){.code = op->code,
				 .place = place_of(fs, op),
				 .creates = op->code == IO_OPEN && op->open.flags & O_CREAT,
				 .stream = op->code == IO_READ && op->stream};
}

static bool alike(const struct sim_kind *a, const struct sim_kind *b)
{
	return a->code == b->code && a->place == b->place && a->creates == b->creates &&
	       a->stream == b->stream;
}

/* ---- striking ---- */

static bool goes_on(const struct sim_strike *s, const struct sim_kind *kind)
{
	switch (s->lasting) {
	case SIM_ONCE:
	case SIM_KILL:
	case SIM_CRASH:
		return false;
	case SIM_BURST:
		return s->struck < BURST && alike(&s->kind, kind);
	case SIM_KIND:
		return alike(&s->kind, kind);
	case SIM_ALL:
		return true;
	}
	return false;
}

int sim_strike_look(struct sim_strike *s, const struct sim_fs *fs, const struct io_op *op)
{
	if (op->code == IO_WORK)
		return 0;
	struct sim_kind kind = kind_of(fs, op);
	s->count++;
	if (s->kinds && s->count <= s->room)
		s->kinds[s->count - 1] = kind;
	if (s->at == 0 || s->count < s->at || s->lifted)
		return 0;
	if (s->count == s->at)
		s->kind = kind;
	else if (!goes_on(s, &kind))
		return 0;
	s->struck++;
	return s->lasting == SIM_KILL || s->lasting == SIM_CRASH ? 0 : s->error;
}

/* ---- what there is to fail with ---- */

enum { CODES = IO_SIGNAL + 1, ERRORS_MAX = 12 };

/* Some come from certain operations only. */
enum {
	ERROR = 0xfff,
	OF_INPUT =
	    1
	    << 12, /* what is read may be renamed or removed at any moment; what is ours may not */
	OF_CREATING = 2 << 12, /* a new file */
	OF_FILES = 4 << 12,    /* no stream */
};

/* clang-format off */
static const int errors[CODES][ERRORS_MAX] = {
    [IO_OPEN] = {EIO, EACCES, EMFILE, ENFILE, ENOMEM, EINTR, ENOENT | OF_INPUT,
		 ENOSPC | OF_CREATING, EDQUOT | OF_CREATING, EROFS | OF_CREATING},
    [IO_CLOSE] = {EIO, EINTR},
    [IO_READ] = {EIO | OF_FILES, ENOMEM, EINTR, EAGAIN},
    [IO_WRITE] = {EIO, ENOSPC, EDQUOT, EFBIG, ENOMEM, EINTR, EAGAIN},
    [IO_DATASYNC] = {EIO, ENOSPC, EDQUOT, EINTR},
    [IO_WRITE_BACK] = {EIO, ENOSPC, EINTR},
    [IO_SYNC] = {EIO, ENOSPC, EDQUOT, EINTR},
    [IO_TRUNCATE] = {EIO, ENOSPC, EINTR},
    [IO_STAT] = {EIO, EACCES, ENOMEM, ENOENT | OF_INPUT},
    [IO_RENAME] = {EIO, EACCES, ENOSPC, EROFS},
    [IO_UNLINK] = {EIO, EACCES, EROFS},
    [IO_MKDIR] = {EIO, EACCES, ENOSPC, EDQUOT, EROFS},
    [IO_LIST] = {EIO, EACCES, EMFILE, ENOMEM, ENOENT | OF_INPUT},
    [IO_LOCK] = {ENOLCK, EBUSY, EINTR},
    [IO_WATCH_NEW] = {EMFILE, ENOMEM},
    [IO_WATCH_ADD] = {ENOSPC, EACCES, ENOMEM, ENOENT | OF_INPUT},
    [IO_WATCH_REMOVE] = {EINVAL},
};
/* clang-format on */

static bool may_be(const struct sim_kind *kind, int error)
{
	if (error & OF_INPUT)
		return kind->place == SIM_INPUT;
	if (error & OF_CREATING)
		return kind->creates;
	return !(error & OF_FILES) || !kind->stream;
}

static bool passes_soon(int error)
{
	return error == EINTR || error == EAGAIN;
}

/* Each once, and for as long as it may; then everything fails; then there is an end. */
bool sim_strike_choice(const struct sim_kind *kind, size_t i, int *ret_error,
		       enum sim_lasting *ret_lasting)
{
	for (size_t e = 0; e < ERRORS_MAX && errors[kind->code][e]; e++) {
		int error = errors[kind->code][e] & ERROR;
		if (!may_be(kind, errors[kind->code][e]))
			continue;
		if (i < 2) {
			*ret_error = -error;
			*ret_lasting = i == 0               ? SIM_ONCE
				       : passes_soon(error) ? SIM_BURST
							    : SIM_KIND;
			return true;
		}
		i -= 2;
	}
	*ret_error = i == 0 ? -EIO : (int)i;
	*ret_lasting = i == 0 ? SIM_ALL : i == 1 ? SIM_KILL : SIM_CRASH;
	return i < 2 + CRASHES;
}

/* ---- names ---- */

const char *sim_code_name(enum io_code code)
{
	static const char *const names[] = {
	    [IO_OPEN] = "open",           [IO_CLOSE] = "close",
	    [IO_READ] = "read",           [IO_WRITE] = "write",
	    [IO_DATASYNC] = "fdatasync",  [IO_WRITE_BACK] = "write back",
	    [IO_SYNC] = "fsync",          [IO_TRUNCATE] = "truncate",
	    [IO_STAT] = "stat",           [IO_RENAME] = "rename",
	    [IO_UNLINK] = "unlink",       [IO_MKDIR] = "mkdir",
	    [IO_LIST] = "list",           [IO_WATCH_NEW] = "watch new",
	    [IO_WATCH_ADD] = "watch add", [IO_WATCH_REMOVE] = "unwatch",
	    [IO_WORK] = "work",           [IO_LOCK] = "lock",
	    [IO_UNREAD] = "unread",       [IO_LISTEN] = "listen",
	    [IO_ACCEPT] = "accept",       [IO_SOCKET] = "socket",
	    [IO_CONNECT] = "connect",     [IO_RECEIVE] = "receive",
	    [IO_SEND] = "send",           [IO_POLL] = "poll",
	    [IO_SHUTDOWN] = "shutdown",   [IO_RESOLVE] = "resolve",
	    [IO_SPAWN] = "spawn",         [IO_AWAIT] = "await",
	    [IO_SIGNAL] = "signal",       [IO_SET_OPTION] = "set option",
	};
	return names[code];
}

const char *sim_place_name(enum sim_place place)
{
	static const char *const names[] = {[SIM_INPUT] = "input",
					    [SIM_OUTPUT] = "output",
					    [SIM_STATE] = "state",
					    [SIM_ELSEWHERE] = "elsewhere"};
	return names[place];
}

const char *sim_lasting_name(enum sim_lasting lasting)
{
	static const char *const names[] = {
	    [SIM_ONCE] = "once",
	    [SIM_BURST] = "20 times",
	    [SIM_KIND] = "for ever",
	    [SIM_ALL] = "and all else for ever",
	    [SIM_KILL] = "not, but the process is killed",
	    [SIM_CRASH] = "not, but the machine stops",
	};
	return names[lasting];
}
