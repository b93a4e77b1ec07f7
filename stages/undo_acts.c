#include "stages/undo_acts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void undo_acts_init(struct undo_acts *a, uint64_t epoch, uint64_t known)
{
	*a = (struct undo_acts){.epoch = epoch, .known = known};
}

/* Room for one more. */
static int grow(struct undo_acts *a)
{
	if (a->count < a->capacity)
		return 0;
	size_t capacity = a->capacity ? 2 * a->capacity : 64;
	struct undo_entry *grown = reallocarray(a->entries, capacity, sizeof *grown);
	if (!grown)
		return -ENOMEM;
	a->entries = grown;
	a->capacity = capacity;
	return 0;
}

/* The file that was created has got its inode. */
static void name_created(struct undo_acts *a, const struct undo_entry *made)
{
	for (size_t i = a->count; i-- > 0;) {
		struct undo_entry *e = &a->entries[i];
		if (e->kind == UNDO_CREATED && strcmp(e->path, made->path) == 0) {
			e->inode = made->inode;
			e->birth_ns = made->birth_ns;
			return;
		}
	}
}

static int take(void *acts, const struct undo_entry *e)
{
	struct undo_acts *a = acts;
	if (e->epoch <= a->epoch)
		return 0;
	if (e->known > a->known)
		return -ESTALE;
	if (e->kind == UNDO_MADE) {
		name_created(a, e);
		return 0;
	}
	if (grow(a) < 0)
		return -ENOMEM;
	a->entries[a->count++] = *e;
	return 0;
}

static void reverse(struct undo_entry *entries, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct undo_entry e = entries[i];
		entries[i] = entries[count - 1 - i];
		entries[count - 1 - i] = e;
	}
}

/* Each file holds one epoch's; the older one's are to stand first. */
static void put_in_order(struct undo_acts *a, size_t first)
{
	if (first == 0 || a->count == first || a->entries[0].epoch <= a->entries[first].epoch)
		return;
	reverse(a->entries, first);
	reverse(a->entries + first, a->count - first);
	reverse(a->entries, a->count);
}

int undo_acts_add(struct undo_acts *a, unsigned file, struct packed content)
{
	size_t before = a->count;
	int r = undo_entries_walk(content, a->epoch, take, a, &a->whole[file]);
	if (r == 0)
		put_in_order(a, before);
	return r;
}

const struct undo_entry *undo_acts_left(const struct undo_acts *a, uint64_t inode)
{
	for (size_t i = 0; i < a->count; i++)
		if (a->entries[i].kind == UNDO_LEFT && a->entries[i].inode == inode)
			return &a->entries[i];
	return NULL;
}

bool undo_acts_come_again(const struct undo_acts *a, size_t count, const struct output_marks *marks,
			  uint64_t inode)
{
	if (output_marks_have(marks, inode))
		return true;
	for (size_t i = 0; i < count; i++)
		if (a->entries[i].kind != UNDO_RENAMED && a->entries[i].inode == inode)
			return true;
	return false;
}

void undo_acts_release(struct undo_acts *a)
{
	free(a->entries);
	a->entries = NULL;
	a->count = a->capacity = 0;
}
