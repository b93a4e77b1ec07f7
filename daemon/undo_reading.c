#include "daemon/undo_reading.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static ssize_t read_some(int fd, struct packer *to)
{
	uint8_t chunk[16384];
	ssize_t n = read(fd, chunk, sizeof chunk);
	if (n > 0)
		packer_raw(to, chunk, (size_t)n);
	return to->error ? to->error : n < 0 ? -errno : n;
}

/* None is an empty one. */
static int read_content(struct undo_acts *a, int directory, const char *name)
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
	struct undo_acts *a = acts;
	if (e->epoch <= a->epoch || e->kind == UNDO_MADE)
		return 0;
	struct undo_entry *more = reallocarray(a->entries, a->count + 1, sizeof *more);
	if (!more)
		return -ENOMEM;
	a->entries = more;
	more[a->count++] = *e;
	return 0;
}

int undo_acts_parse(struct undo_acts *a)
{
	size_t whole;
	return undo_entries_walk(packed_from(a->content.bytes, a->content.length), a->epoch, add, a,
				 &whole);
}

int undo_acts_read(struct undo_acts *a, int directory, const char *sink, unsigned file,
		   uint64_t epoch)
{
	*a = (struct undo_acts){.epoch = epoch};
	char name[NAME_MAX + 1];
	int r = undo_journal_name(sink, file, name, sizeof name);
	if (r == 0)
		r = read_content(a, directory, name);
	return r < 0 ? r : undo_acts_parse(a);
}

void undo_acts_release(struct undo_acts *a)
{
	packer_release(&a->content);
	free(a->entries);
}
