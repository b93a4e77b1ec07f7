#include "stages/source/file_set.h"
#include "stages/source/file_positions.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t path_hash(const char *path)
{
	return hash_bytes(path, strlen(path));
}

static uint64_t id_hash(uint64_t device, uint64_t inode)
{
	uint64_t id[2] = {device, inode};
	return hash_bytes(id, sizeof id);
}

int file_set_init(struct file_set *s)
{
	*s = (struct file_set){.count = 0};
	chain_init(&s->all);
	chain_init(&s->ready);
	chain_init(&s->idle);
	chain_init(&s->adrift);
	int r = hash_index_init(&s->by_path);
	return r < 0 ? r : hash_index_init(&s->by_id);
}

void file_set_release(struct file_set *s)
{
	assert(s->count == 0 && s->open_count == 0);
	hash_index_release(&s->by_path);
	hash_index_release(&s->by_id);
}

struct tracked_file *file_set_add(struct file_set *s, const char *path, const struct io_status *st)
{
	struct tracked_file *f = calloc(1, sizeof *f);
	if (!f || !(f->path = strdup(path))) {
		free(f);
		return NULL;
	}
	f->fd = -1;
	f->named = true;
	f->limit = UINT64_MAX;
	f->device = st->device;
	f->inode = st->inode;
	f->birth_ns = st->birth_ns;
	f->modified_ns = st->modified_ns;
	file_place_init(&f->place);
	chain_init(&f->all);
	chain_init(&f->turn_link);
	chain_init(&f->adrift);
	chain_init(&f->unfinished);
	chain_append(&s->all, &f->all);
	hash_index_add(&s->by_path, &f->by_path, path_hash(path));
	hash_index_add(&s->by_id, &f->by_id, id_hash(f->device, f->inode));
	s->count++;
	return f;
}

void file_set_remove(struct file_set *s, struct tracked_file *f)
{
	assert(f->fd < 0 && s->count > 0);
	hash_index_remove(&s->by_path, &f->by_path);
	hash_index_remove(&s->by_id, &f->by_id);
	chain_unlink(&f->all);
	chain_unlink(&f->turn_link);
	chain_unlink(&f->adrift);
	chain_unlink(&f->unfinished);
	s->count--;
	if (s->moved == f)
		s->moved = NULL;
	if (f->position)
		file_positions_drop(s->positions, f);
	file_origin_let_go(f->origin);
	free(f->kept);
	free(f->path);
	free(f);
}

struct tracked_file *file_set_by_path(const struct file_set *s, const char *path)
{
	struct hash_node *n = hash_index_first(&s->by_path, path_hash(path));
	for (; n; n = hash_index_next(n)) {
		struct tracked_file *f = chain_owner(n, struct tracked_file, by_path);
		if (strcmp(f->path, path) == 0)
			return f;
	}
	return NULL;
}

struct tracked_file *file_set_by_id(const struct file_set *s, uint64_t device, uint64_t inode)
{
	struct hash_node *n = hash_index_first(&s->by_id, id_hash(device, inode));
	for (; n; n = hash_index_next(n)) {
		struct tracked_file *f = chain_owner(n, struct tracked_file, by_id);
		if (f->device == device && f->inode == inode)
			return f;
	}
	return NULL;
}

static void set_named(struct file_set *s, struct tracked_file *f, bool named)
{
	if (f->position)
		file_positions_news(s->positions, f->position);
	f->named = named;
	if (named) {
		chain_unlink(&f->adrift);
	} else {
		chain_append(&s->adrift, &f->adrift);
		if (f->turn == FILE_RESTING)
			chain_unlink(&f->turn_link); /* not idle: it could not be opened again */
	}
}

int file_set_rename(struct file_set *s, struct tracked_file *f, const char *path, bool named)
{
	assert(f);
	struct tracked_file *other = file_set_by_path(s, path);
	if (other != f) {
		char *copy = strdup(path);
		if (!copy)
			return -ENOMEM;
		if (other)
			file_set_unname(s, other);
		hash_index_remove(&s->by_path, &f->by_path);
		free(f->path);
		f->path = copy;
		hash_index_add(&s->by_path, &f->by_path, path_hash(path));
	}
	set_named(s, f, named);
	return 0;
}

void file_set_unname(struct file_set *s, struct tracked_file *f)
{
	hash_index_remove(&s->by_path, &f->by_path);
	set_named(s, f, false);
}

void file_set_reidentify(struct file_set *s, struct tracked_file *f, const struct io_status *st)
{
	hash_index_remove(&s->by_id, &f->by_id);
	f->device = st->device;
	f->inode = st->inode;
	f->birth_ns = st->birth_ns;
	f->modified_ns = st->modified_ns;
	hash_index_add(&s->by_id, &f->by_id, id_hash(f->device, f->inode));
}

void file_set_ready(struct file_set *s, struct tracked_file *f)
{
	if (f->turn == FILE_CURRENT)
		f->again = true;
	if (f->turn != FILE_RESTING || f->stuck)
		return;
	f->turn = FILE_READY;
	chain_append(&s->ready, &f->turn_link);
}

struct tracked_file *file_set_take_ready(struct file_set *s)
{
	struct chain *first = chain_first(&s->ready);
	if (!first)
		return NULL;
	struct tracked_file *f = chain_owner(first, struct tracked_file, turn_link);
	chain_unlink(first);
	f->turn = FILE_CURRENT;
	f->again = false;
	return f;
}

void file_set_rest(struct file_set *s, struct tracked_file *f)
{
	f->turn = FILE_RESTING;
	if (f->fd >= 0 && f->named && f->place.form != FILE_STREAM)
		chain_append(&s->idle, &f->turn_link);
	else
		chain_unlink(&f->turn_link);
}

void file_set_opened(struct file_set *s, struct tracked_file *f, int fd)
{
	assert(f->fd < 0 && fd >= 0);
	f->fd = fd;
	s->open_count++;
}

int file_set_closed(struct file_set *s, struct tracked_file *f)
{
	int fd = f->fd;
	if (fd < 0)
		return fd;
	f->fd = -1;
	s->open_count--;
	if (f->turn == FILE_RESTING)
		chain_unlink(&f->turn_link);
	return fd;
}

struct tracked_file *file_set_most_idle(const struct file_set *s)
{
	struct chain *first = chain_first(&s->idle);
	return first ? chain_owner(first, struct tracked_file, turn_link) : NULL;
}

static int by_path_order(const void *a, const void *b)
{
	const struct tracked_file *const *x = a, *const *y = b;
	if ((*x)->named != (*y)->named)
		return (*x)->named ? 1 : -1;
	return strcmp((*x)->path, (*y)->path);
}

/* What was read before came before what was not. */
static bool is_new(const struct tracked_file *f)
{
	return !f->position || f->position->is_new;
}

static int64_t began_ns(const struct tracked_file *f)
{
	return f->birth_ns != 0 ? f->birth_ns : f->modified_ns;
}

static int by_age_order(const void *a, const void *b)
{
	const struct tracked_file *const *x = a, *const *y = b;
	if (is_new(*x) != is_new(*y))
		return is_new(*x) ? 1 : -1;
	if (began_ns(*x) != began_ns(*y))
		return began_ns(*x) < began_ns(*y) ? -1 : 1;
	return by_path_order(a, b);
}

/* They stand in the order in which they became ready. */
static void put_back_ready(struct file_set *s)
{
	struct tracked_file *f;
	while ((f = file_set_take_ready(s)))
		file_set_rest(s, f);
}

int file_set_ready_in_order(struct file_set *s, enum file_order order)
{
	struct tracked_file **files = calloc(s->count + 1, sizeof(struct tracked_file *));
	if (!files)
		return -ENOMEM;
	size_t n = 0;
	put_back_ready(s);
	for (struct chain *c = s->all.next; c != &s->all; c = c->next)
		files[n++] = chain_owner(c, struct tracked_file, all);
	qsort(files, n, sizeof(struct tracked_file *),
	      order == FILES_BY_AGE ? by_age_order : by_path_order);
	for (size_t i = 0; i < n; i++)
		file_set_ready(s, files[i]);
	free(files);
	return 0;
}
