#include "daemon/undo_telling.h"
#include "stages/packer.h"
#include "stages/undo_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* One of the two files. The entries point into its bytes. */
struct acts {
	struct packer content;
	struct undo_entry *entries;
	size_t count;
	uint64_t epoch; /* the committed one */
};

static ssize_t read_some(int fd, struct packer *to)
{
	uint8_t chunk[16384];
	ssize_t n = read(fd, chunk, sizeof chunk);
	if (n > 0)
		packer_raw(to, chunk, (size_t)n);
	return to->error ? to->error : n < 0 ? -errno : n;
}

/* None is an empty one. */
static int read_content(struct acts *a, int directory, const char *name)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	ssize_t n;
	while ((n = read_some(fd, &a->content)) > 0)
		;
	close(fd);
	return (int)n;
}

static int add(void *acts, const struct undo_entry *e)
{
	struct acts *a = acts;
	if (e->epoch <= a->epoch || e->kind == UNDO_MADE)
		return 0;
	struct undo_entry *more = reallocarray(a->entries, a->count + 1, sizeof *more);
	if (!more)
		return -ENOMEM;
	a->entries = more;
	more[a->count++] = *e;
	return 0;
}

static int read_acts(struct acts *a, int directory, const char *sink, unsigned file)
{
	char name[NAME_MAX + 1];
	size_t whole;
	int r = undo_journal_name(sink, file, name, sizeof name);
	if (r == 0)
		r = read_content(a, directory, name);
	if (r < 0)
		return r;
	return undo_entries_walk(packed_from(a->content.bytes, a->content.length), a->epoch, add, a,
				 &whole);
}

static void tell_entry(struct telling *t, const struct undo_entry *e, const struct text *path)
{
	telling_item(t, "undo", text_shown(path, e->path));
	if (e->kind == UNDO_CREATED)
		teller_text(&t->teller, "was", "created, to be deleted");
	if (e->kind == UNDO_RENAMED)
		teller_text(&t->teller, "to_be_renamed_back_from", text_shown(path, e->to));
	if (e->kind == UNDO_APPENDED)
		teller_number(&t->teller, "to_be_cut_to", e->length);
	if (e->kind == UNDO_LEFT)
		teller_text(&t->teller, "was", "left to who moved, deleted or cut it");
}

static uint64_t newest(const struct acts *a)
{
	return a->count ? a->entries[a->count - 1].epoch : 0;
}

static void tell_acts(struct telling *t, const struct acts *a, const struct text *path)
{
	for (size_t i = a->count; i-- > 0;)
		tell_entry(t, &a->entries[i], path);
}

static void release(struct acts *a)
{
	packer_release(&a->content);
	free(a->entries);
}

int undo_tell(struct telling *t, int directory, const char *sink, const struct text *path,
	      uint64_t epoch)
{
	struct acts even = {.epoch = epoch}, odd = {.epoch = epoch};
	int r = read_acts(&even, directory, sink, 0);
	if (r == 0)
		r = read_acts(&odd, directory, sink, 1);
	bool odd_is_later = newest(&odd) > newest(&even);
	if (r == 0) {
		tell_acts(t, odd_is_later ? &odd : &even, path);
		tell_acts(t, odd_is_later ? &even : &odd, path);
	}
	if (r == -EBADMSG)
		telling_refuse(t, "its undo journal is damaged");
	release(&even);
	release(&odd);
	return r == -EBADMSG ? 0 : r;
}
