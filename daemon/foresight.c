#include "daemon/foresight.h"
#include "daemon/listing.h"
#include "daemon/status.h"
#include "stages/output_mark.h"
#include "stages/path_above.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct foreseen_name {
	struct foreseen_name *next;
	const char *path;
	bool there;
	struct io_status status;
};

struct foreseen_cut {
	struct foreseen_cut *next;
	uint64_t inode, length;
};

/* ---- what will be there ---- */

static const struct foreseen_name *find_name(const struct foresight *f, const char *path)
{
	const struct foreseen_name *n = f->names;
	while (n && strcmp(n->path, path) != 0)
		n = n->next;
	return n;
}

static void apply_cut(const struct foresight *f, struct io_status *s)
{
	const struct foreseen_cut *c = f->cuts;
	while (c && c->inode != s->inode)
		c = c->next;
	if (c)
		s->size = c->length;
}

/* Following links. 0 or -errno. */
static int64_t look_at(const struct foresight *f, const char *path, struct io_status *s)
{
	const struct foreseen_name *n = find_name(f, path);
	int64_t r = n ? (n->there ? 0 : -ENOENT) : status_read(AT_FDCWD, path, s);
	if (n && n->there)
		*s = n->status;
	if (r == 0)
		apply_cut(f, s);
	return r;
}

/* status NULL: nothing. */
static int set_name(struct foresight *f, const char *path, const struct io_status *status)
{
	struct foreseen_name *n = calloc(1, sizeof *n);
	if (!n)
		return -ENOMEM;
	*n = (struct foreseen_name){.next = f->names, .path = path, .there = status != NULL};
	if (status)
		n->status = *status;
	f->names = n;
	return 0;
}

static int add_cut(struct foresight *f, uint64_t inode, uint64_t length)
{
	struct foreseen_cut *c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	*c = (struct foreseen_cut){.next = f->cuts, .inode = inode, .length = length};
	f->cuts = c;
	return 0;
}

static void release_names(struct foreseen_name *n)
{
	for (struct foreseen_name *next; n; n = next) {
		next = n->next;
		free(n);
	}
}

static void release_cuts(struct foreseen_cut *c)
{
	for (struct foreseen_cut *next; c; c = next) {
		next = c->next;
		free(c);
	}
}

void foresight_release(struct foresight *f)
{
	release_names(f->names);
	release_cuts(f->cuts);
	*f = (struct foresight){.names = NULL};
}

/* ---- finding a file ---- */

static bool is_it(const struct sought *file, const struct io_status *s)
{
	return S_ISREG(s->mode) && s->inode == file->inode &&
	       output_births_agree(s->birth_ns, file->birth_ns);
}

/* Under another name there must be no doubt. */
static bool is_surely_it(const struct sought *file, const struct io_status *s)
{
	return is_it(file, s) && s->birth_ns == file->birth_ns;
}

/* The name made as recovery makes it, so that what undoing does to it is known. */
static bool is_under(const struct foresight *f, const struct sought *file, const char *name,
		     struct io_status *s)
{
	char path[PATH_MAX];
	size_t length = path_above_length(file->path);
	const char *slash = length == 0 || file->path[length - 1] == '/' ? "" : "/";
	int n = snprintf(path, sizeof path, "%.*s%s%s", (int)length, file->path, slash, name);
	return n > 0 && (size_t)n < sizeof path && look_at(f, path, s) == 0 &&
	       is_surely_it(file, s);
}

static bool is_listed(const struct foresight *f, const struct sought *file,
		      const struct io_listing *l, struct io_status *s)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->entries[i].inode == file->inode && is_under(f, file, l->entries[i].name, s))
			return true;
	return false;
}

/* As it is renamed while undoing. */
static bool is_foreseen(const struct foresight *f, const struct sought *file, struct io_status *s)
{
	size_t above = path_above_length(file->path);
	for (const struct foreseen_name *n = f->names; n; n = n->next)
		if (find_name(f, n->path) == n && path_above_length(n->path) == above &&
		    strncmp(n->path, file->path, above) == 0 && look_at(f, n->path, s) == 0 &&
		    is_surely_it(file, s))
			return true;
	return false;
}

static bool is_moved(const struct foresight *f, const struct sought *file, struct io_status *s)
{
	char directory[PATH_MAX + 2];
	struct io_listing l = {.entries = NULL};
	if (!file->is_looked_for || file->birth_ns == 0 || strlen(file->path) >= PATH_MAX)
		return false;
	if (is_foreseen(f, file, s))
		return true;
	path_above(file->path, directory);
	if (listing_read(AT_FDCWD, directory, &l) < 0)
		return false;
	bool found = is_listed(f, file, &l, s);
	io_listing_release(&l);
	return found;
}

enum sight foresight_find(const struct foresight *f, const struct sought *file,
			  struct io_status *ret_status, int64_t *ret_error)
{
	int64_t r = look_at(f, file->path, ret_status);
	*ret_error = r;
	if (r == 0 && is_it(file, ret_status))
		return SIGHT_THERE;
	if (r < 0 && r != -ENOENT)
		return SIGHT_FAILED;
	if (is_moved(f, file, ret_status))
		return SIGHT_MOVED;
	return r == 0 ? SIGHT_ANOTHER : SIGHT_GONE;
}

/* ---- undoing ---- */

static int be_failed(struct foreseen *o, int64_t error)
{
	o->undoing = UNDOING_FAILED;
	o->error = (int)error;
	return 0;
}

/* may_be_short: what is undone later, or the mark, brings it back further. */
static int undo_writing(struct foresight *f, const struct undo_entry *e, uint64_t length,
			bool may_be_short, struct foreseen *o)
{
	struct sought file = {e->path, e->inode, e->birth_ns, .is_looked_for = true};
	struct io_status s;
	int64_t error;
	enum sight sight = foresight_find(f, &file, &s, &error);
	if (sight == SIGHT_FAILED)
		return be_failed(o, error);
	if (sight == SIGHT_GONE || sight == SIGHT_ANOTHER)
		return 0;
	o->length = length;
	o->bytes = s.size > length ? s.size - length : length - s.size;
	if (s.size > length)
		o->undoing = UNDOING_CUTS;
	else if (s.size < length && !may_be_short)
		o->undoing = UNDOING_IS_SHORT;
	return s.size > length ? add_cut(f, s.inode, length) : 0;
}

static bool is_link(const struct foresight *f, const char *path)
{
	struct stat s;
	return !find_name(f, path) && lstat(path, &s) == 0 && S_ISLNK(s.st_mode);
}

static bool is_not_there(int64_t result)
{
	return result == -ENOENT || result == -ENOTDIR || result == -ELOOP;
}

/* Before its inode was noted it is known by being empty. */
static bool is_of(const struct undo_entry *e, const struct io_status *s)
{
	struct sought file = {.inode = e->inode, .birth_ns = e->birth_ns};
	return e->inode ? is_it(&file, s) : S_ISREG(s->mode) && s->size == 0;
}

static int undo_creating(struct foresight *f, const struct undo_entry *e, struct foreseen *o)
{
	struct io_status s;
	if (is_link(f, e->path))
		return e->inode ? undo_writing(f, e, 0, true, o) : 0;
	int64_t r = look_at(f, e->path, &s);
	if (r < 0 && !is_not_there(r))
		return be_failed(o, r);
	if (r < 0 || !is_of(e, &s))
		return e->birth_ns ? undo_writing(f, e, 0, true, o) : 0;
	o->undoing = UNDOING_DELETES;
	return set_name(f, e->path, NULL);
}

static bool is_taken(const struct foresight *f, const char *path)
{
	const struct foreseen_name *n = find_name(f, path);
	struct stat s;
	return n ? n->there : lstat(path, &s) == 0;
}

static int undo_renaming(struct foresight *f, const struct undo_entry *e, struct foreseen *o)
{
	struct io_status s, there;
	int64_t r = look_at(f, e->to, &s);
	if (r < 0 && !is_not_there(r))
		return be_failed(o, r);
	if (r < 0 || !is_of(e, &s))
		return 0;
	bool taken = is_taken(f, e->path);
	if (taken && (look_at(f, e->path, &there) < 0 || !is_of(e, &there)))
		return be_failed(o, -EEXIST);
	o->undoing = UNDOING_RENAMES;
	int error = taken ? 0 : set_name(f, e->path, &s);
	return error < 0 ? error : set_name(f, e->to, NULL);
}

int foresight_undo(struct foresight *f, const struct undo_entry *e, bool again,
		   struct foreseen *ret_foreseen)
{
	*ret_foreseen = (struct foreseen){.undoing = UNDOING_NOTHING};
	if (e->kind == UNDO_CREATED)
		return undo_creating(f, e, ret_foreseen);
	if (e->kind == UNDO_RENAMED)
		return undo_renaming(f, e, ret_foreseen);
	return undo_writing(f, e, e->length, again || e->kind == UNDO_LEFT, ret_foreseen);
}
