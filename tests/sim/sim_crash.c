/* sim_crash.c - what of a simulated file system is durable, and what a crash makes of the rest.
 * Layer: tests. */
#include "tests/sim/sim_inode.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR = 512 };

static bool is_noted(const struct sim_fs *fs, const struct sim_inode *i)
{
	return fs->remembers && !i->sound;
}

/* ---- noting ---- */

static void add_change(struct sim_inode *i, struct sim_change *c)
{
	*i->last_change = c;
	i->last_change = &c->next;
}

void sim_note_write(struct sim_fs *fs, struct sim_inode *i, uint64_t at, const void *bytes,
		    size_t length)
{
	if (!is_noted(fs, i) || length == 0)
		return;
	struct sim_change *c = sim_alloc(sizeof *c);
	*c = (struct sim_change){.at = at, .length = length, .bytes = sim_alloc(length)};
	memcpy(c->bytes, bytes, length);
	add_change(i, c);
}

void sim_note_length(struct sim_fs *fs, struct sim_inode *i, uint64_t length)
{
	if (!is_noted(fs, i))
		return;
	struct sim_change *c = sim_alloc(sizeof *c);
	*c = (struct sim_change){.at = length};
	add_change(i, c);
}

static void set_durable(struct sim_inode *directory, const char *name, struct sim_inode *inode)
{
	struct sim_inode *before = sim_names_find(&directory->durable_names, name);
	if (before)
		before->holds--;
	inode->holds++;
	sim_names_set(&directory->durable_names, name, inode);
}

/* A name less, if it still leads to that inode. */
static void remove_durable(struct sim_inode *directory, const char *name,
			   const struct sim_inode *inode)
{
	struct sim_inode *there = sim_names_find(&directory->durable_names, name);
	if (!there || there != inode)
		return;
	there->holds--;
	sim_names_remove(&directory->durable_names, name);
}

static void apply_name(struct sim_inode *directory, const struct sim_name_change *c)
{
	if (c->from)
		remove_durable(directory, c->from, c->inode);
	if (c->to)
		set_durable(directory, c->to, c->inode);
}

void sim_note_name(struct sim_fs *fs, struct sim_inode *directory, const char *from, const char *to,
		   struct sim_inode *inode)
{
	if (!fs->remembers)
		return;
	if (directory->sound) {
		struct sim_name_change at_once = {
		    .from = (char *)from, .to = (char *)to, .inode = inode};
		apply_name(directory, &at_once);
		return;
	}
	struct sim_name_change *c = sim_alloc(sizeof *c);
	*c = (struct sim_name_change){.from = from ? sim_strdup(from) : NULL,
				      .to = to ? sim_strdup(to) : NULL,
				      .inode = inode};
	inode->holds++;
	*directory->last_name_change = c;
	directory->last_name_change = &c->next;
}

/* ---- keeping and losing ---- */

static void free_change(struct sim_change *c)
{
	free(c->bytes);
	free(c);
}

static void free_name_change(struct sim_fs *fs, struct sim_name_change *c)
{
	c->inode->holds--;
	(void)fs;
	free(c->from);
	free(c->to);
	free(c);
}

static void keep(struct sim_inode *i, const struct sim_change *c)
{
	if (c->bytes)
		sim_bytes_put(&i->durable, c->at, c->bytes, c->length);
	else
		sim_bytes_set_length(&i->durable, c->at);
}

/* Sector by sector. */
static void tear(struct sim_fs *fs, struct sim_inode *i, const struct sim_change *c)
{
	for (size_t from = 0; from < c->length;) {
		size_t to = from + SECTOR - (c->at + from) % SECTOR;
		if (to > c->length)
			to = c->length;
		if (sim_chance(&fs->random, 500))
			sim_bytes_put(&i->durable, c->at + from, c->bytes + from, to - from);
		from = to;
	}
}

static void keep_perhaps(struct sim_fs *fs, struct sim_inode *i, const struct sim_change *c)
{
	uint64_t fate = sim_below(&fs->random, 3);
	if (fate == 0 || (fate == 1 && !c->bytes))
		keep(i, c);
	else if (fate == 1)
		tear(fs, i, c);
}

static void settle_file(struct sim_fs *fs, struct sim_inode *i)
{
	struct sim_change *c;
	while ((c = i->changes)) {
		i->changes = c->next;
		if (c->unsure)
			keep_perhaps(fs, i, c);
		else
			keep(i, c);
		free_change(c);
	}
	i->last_change = &i->changes;
}

static void settle_directory(struct sim_fs *fs, struct sim_inode *i)
{
	struct sim_name_change *c;
	while ((c = i->name_changes)) {
		i->name_changes = c->next;
		apply_name(i, c);
		struct sim_inode *inode = c->inode;
		free_name_change(fs, c);
		sim_inode_drop_if_unused(fs, inode);
	}
	i->last_name_change = &i->name_changes;
}

/* A file's pages count as written though they were not. Names are in a journal, which ends when it cannot be written, or
 * else has them still to write. */
static void distrust(struct sim_inode *i)
{
	for (struct sim_change *c = i->changes; c; c = c->next)
		c->unsure = true;
}

void sim_make_durable(struct sim_fs *fs, struct sim_inode *i, bool fails)
{
	if (fails) {
		distrust(i);
		return;
	}
	settle_file(fs, i);
	settle_directory(fs, i);
}

void sim_forget_changes(struct sim_fs *fs, struct sim_inode *i)
{
	struct sim_change *c;
	while ((c = i->changes)) {
		i->changes = c->next;
		free_change(c);
	}
	i->last_change = &i->changes;
	struct sim_name_change *n;
	while ((n = i->name_changes)) {
		i->name_changes = n->next;
		free_name_change(fs, n);
	}
	i->last_name_change = &i->name_changes;
}

/* ---- the crash ---- */

static void lose_or_keep(struct sim_fs *fs, struct sim_inode *i)
{
	for (struct sim_name_change *c = i->name_changes; c; c = c->next)
		if (sim_chance(&fs->random, 500))
			apply_name(i, c);
	for (struct sim_change *c = i->changes; c; c = c->next)
		keep_perhaps(fs, i, c);
	sim_forget_changes(fs, i);
}

static void begin_anew(struct sim_fs *fs, struct sim_inode *i)
{
	i->links = 0;
	i->parent = NULL;
	if (S_ISREG(i->mode) && !i->sound) {
		sim_bytes_set_length(&i->now, 0);
		sim_bytes_put(&i->now, 0, i->durable.at, i->durable.length);
	}
	(void)fs;
}

static void name_again(struct sim_fs *fs, struct sim_inode *directory)
{
	sim_names_clear(&directory->names);
	for (size_t n = 0; n < directory->durable_names.count; n++) {
		const struct sim_entry *e = &directory->durable_names.entries[n];
		sim_names_set(&directory->names, e->name, e->inode);
		e->inode->links++;
		e->inode->parent = directory;
		e->inode->limited |= directory->limited;
		free(e->inode->name);
		e->inode->name = sim_strdup(e->name);
		if (S_ISDIR(e->inode->mode))
			name_again(fs, e->inode);
		if (e->inode->limited)
			fs->used += e->inode->now.length;
	}
}

static bool is_lost(const struct sim_fs *fs, const struct sim_inode *i)
{
	return i->links == 0 && i != fs->root;
}

/* What no name leads to from the root: first its own names, then itself. */
static void drop_lost(struct sim_fs *fs)
{
	for (struct sim_inode *i = fs->all; i; i = i->next) {
		for (size_t n = 0; is_lost(fs, i) && n < i->durable_names.count; n++)
			i->durable_names.entries[n].inode->holds--;
		if (is_lost(fs, i))
			sim_names_clear(&i->durable_names);
	}
	struct sim_inode *next;
	for (struct sim_inode *i = fs->all; i; i = next) {
		next = i->next;
		if (!is_lost(fs, i))
			continue;
		i->holds = 0;
		i->limited = false;
		sim_inode_drop_if_unused(fs, i);
	}
}

void sim_fs_crash(struct sim_fs *fs)
{
	assert(fs->remembers);
	/* Nothing that is open may go yet: what the changes say of it is still to be settled. */
	for (struct sim_inode *i = fs->all; i; i = i->next)
		i->holds++;
	for (int fd = 0; fd < SIM_DESCRIPTORS_MAX; fd++)
		if (fs->descriptors[fd].inode || fs->descriptors[fd].watcher)
			sim_fs_close(fs, fd);
	for (struct sim_inode *i = fs->all; i; i = i->next)
		lose_or_keep(fs, i);
	for (struct sim_inode *i = fs->all; i; i = i->next)
		i->holds--;
	for (struct sim_inode *i = fs->all; i; i = i->next)
		begin_anew(fs, i);
	fs->used = 0;
	name_again(fs, fs->root);
	drop_lost(fs);
}
