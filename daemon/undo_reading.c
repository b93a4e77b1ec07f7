#include "daemon/undo_reading.h"
#include "daemon/listing.h"
#include "daemon/status.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int add_journal(struct remembered *r, int directory, const char *name)
{
	char id[NAME_MAX + 1];
	struct io_status s;
	if (!undo_journal_sink(name, id, sizeof id) || status_read(directory, name, &s) < 0 ||
	    s.size == 0)
		return 0;
	return remembered_add_journal(r, id);
}

int undo_reading_list(struct remembered *r, int directory)
{
	struct io_listing names = {.entries = NULL};
	int error = listing_read(directory, ".", &names);
	for (size_t i = 0; error == 0 && i < names.count; i++)
		error = add_journal(r, directory, names.entries[i].name);
	io_listing_release(&names);
	return error;
}

static ssize_t read_some(int fd, struct packer *to)
{
	uint8_t chunk[16384];
	ssize_t n = read(fd, chunk, sizeof chunk);
	if (n > 0)
		packer_raw(to, chunk, (size_t)n);
	return to->error ? to->error : n < 0 ? -errno : n;
}

/* None is an empty one. */
static int read_content(struct packer *to, int directory, const char *name)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	ssize_t n;
	while ((n = read_some(fd, to)) > 0)
		;
	close(fd);
	return (int)n;
}

static int read_file(struct undo_reading *r, int directory, const char *sink, unsigned file)
{
	struct packer *content = &r->contents[file];
	char name[NAME_MAX + 1];
	int error = undo_journal_name(sink, file, name, sizeof name);
	if (error == 0)
		error = read_content(content, directory, name);
	if (error < 0)
		return error;
	return undo_acts_add(&r->acts, file, packed_from(content->bytes, content->length));
}

int undo_reading_read(struct undo_reading *r, int directory, const char *sink, uint64_t epoch,
		      uint64_t known)
{
	int error = 0;
	*r = (struct undo_reading){.contents = {{0}}};
	undo_acts_init(&r->acts, epoch, known);
	for (unsigned i = 0; i < UNDO_FILES && error == 0; i++)
		error = read_file(r, directory, sink, i);
	return error;
}

void undo_reading_release(struct undo_reading *r)
{
	for (unsigned i = 0; i < UNDO_FILES; i++)
		packer_release(&r->contents[i]);
	undo_acts_release(&r->acts);
}
