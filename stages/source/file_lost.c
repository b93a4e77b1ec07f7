#include "stages/source/file_lost.h"
#include "stages/source/file_recognition.h"
#include "stages/source/file_notes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_done(struct io_op *op)
{
	(void)op;
}

void file_lost_begin(struct file_lost *l, struct stage *s, struct file_positions *positions,
		     const struct glob_set *include, const struct glob_set *exclude)
{
	*l = (struct file_lost){
	    .stage = s, .positions = positions, .include = include, .exclude = exclude};
}

static void leave_directory(struct file_lost *l)
{
	io_listing_release(&l->listing);
	l->listing = (struct io_listing){.entries = NULL};
	free(l->directory);
	l->directory = NULL;
}

void file_lost_release(struct file_lost *l)
{
	assert(!l->op.busy);
	leave_directory(l);
	free(l->candidate);
	l->candidate = NULL;
}

static struct file_position *current(const struct file_lost *l)
{
	struct chain *first = chain_first(&l->positions->lost);
	return first ? chain_owner(first, struct file_position, parked) : NULL;
}

static int submit(struct file_lost *l, enum file_lost_at at)
{
	l->op.fd = AT_FDCWD;
	l->op.done = on_done;
	l->at = at;
	io_submit(l->stage->env->io, &l->op);
	return STEP_MORE;
}

/* What has been asked for may be found by others, and its path released, before the answer is here. */
static int look(struct file_lost *l, enum file_lost_at at)
{
	l->op.code = IO_STAT;
	l->op.stat.path = l->candidate;
	l->op.stat.into = &l->stat;
	return submit(l, at);
}

static int look_at_path(struct file_lost *l, const char *path)
{
	free(l->candidate);
	l->candidate = strdup(path);
	return l->candidate ? look(l, LOST_PATH) : -ENOMEM;
}

/* It was read as the patterns said, which say otherwise now. */
static bool is_unwanted(const struct file_lost *l, const struct file_position *n)
{
	return n->named &&
	       (!glob_set_matches(l->include, n->path) || glob_set_excludes(l->exclude, n->path));
}

static int leave_alone(struct file_lost *l, struct file_position *n)
{
	file_positions_missing(l->positions, n, env_wall_ns(l->stage->env));
	return STEP_MORE;
}

static int next(struct file_lost *l)
{
	struct file_position *n = current(l);
	l->at_hand = n;
	if (n && is_unwanted(l, n))
		return leave_alone(l, n);
	if (n)
		return look_at_path(l, n->path);
	leave_directory(l);
	return STEP_DONE;
}

static int is_missing(struct file_lost *l)
{
	struct file_position *n = current(l);
	if (file_positions_missing(l->positions, n, env_wall_ns(l->stage->env)))
		file_notes_gone(l->stage, n->path, n->place.at);
	l->at = LOST_NEXT;
	return STEP_MORE;
}

static bool is_it(const struct file_lost *l, const char *path)
{
	return l->op.result >= 0 && S_ISREG(l->stat.mode) &&
	       recognition_find(l->positions, &l->stat, path) == current(l);
}

static int is_found(struct file_lost *l, const char *path, struct lost_file *ret_found)
{
	*ret_found = (struct lost_file){path, l->stat};
	l->at = LOST_NEXT;
	return STEP_MORE;
}

static size_t directory_length(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? (size_t)(slash - path) : 0;
}

static int by_inode(const void *a, const void *b)
{
	const struct io_entry *x = a, *y = b;
	return (x->inode > y->inode) - (x->inode < y->inode);
}

/* Some file systems number their entries otherwise than their files: there it stays unfound. */
static int look_among_entries(struct file_lost *l)
{
	const struct file_position *n = current(l);
	struct io_entry key = {.inode = n->inode}, *found = NULL;
	if (l->listing.count > 0)
		found = bsearch(&key, l->listing.entries, l->listing.count, sizeof key, by_inode);
	if (!found)
		return is_missing(l);
	free(l->candidate);
	l->candidate = NULL;
	int length = (int)directory_length(n->path);
	const char *slash = strchr(n->path, '/') ? "/" : "";
	if (asprintf(&l->candidate, "%.*s%s%s", length, n->path, slash, found->name) < 0) {
		l->candidate = NULL;
		return -ENOMEM;
	}
	return look(l, LOST_ENTRY);
}

static bool is_in_directory(const struct file_lost *l, const char *path)
{
	size_t length = directory_length(path);
	return l->directory && strlen(l->directory) == length &&
	       strncmp(l->directory, path, length) == 0;
}

static int look_into_directory(struct file_lost *l)
{
	const char *path = current(l)->path;
	if (is_in_directory(l, path))
		return look_among_entries(l);
	leave_directory(l);
	l->directory = strndup(path, directory_length(path));
	if (!l->directory)
		return -ENOMEM;
	l->op.code = IO_LIST;
	l->op.list.path = *l->directory ? l->directory : *path == '/' ? "/" : ".";
	l->op.list.into = &l->listing;
	return submit(l, LOST_LIST);
}

static int listed(struct file_lost *l)
{
	if (l->op.result == -ENOMEM)
		return -ENOMEM;
	if (l->listing.count > 0)
		qsort(l->listing.entries, l->listing.count, sizeof *l->listing.entries, by_inode);
	return look_among_entries(l);
}

int file_lost_step(struct file_lost *l, struct lost_file *ret_found)
{
	ret_found->path = NULL;
	if (l->op.busy)
		return STEP_WAIT;
	if (current(l) != l->at_hand) {
		leave_directory(l);
		l->at = LOST_NEXT;
	}
	switch (l->at) {
	case LOST_NEXT:
		return next(l);
	case LOST_PATH:
		return is_it(l, l->candidate) ? is_found(l, l->candidate, ret_found)
					      : look_into_directory(l);
	case LOST_LIST:
		return listed(l);
	case LOST_ENTRY:
		return is_it(l, l->candidate) ? is_found(l, l->candidate, ret_found)
					      : is_missing(l);
	}
	abort();
}
