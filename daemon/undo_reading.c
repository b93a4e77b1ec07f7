#include "daemon/undo_reading.h"

#include <errno.h>
#include <fcntl.h>

enum { CHUNK = 16 * 1024 };

static int64_t perform(const struct undo_place *place, struct io_op op)
{
	return performer_do(place->performer, op);
}

/* One that cannot be looked at is refused by who reads it. */
static int add_journal(struct remembered *r, const struct undo_place *place, const char *name)
{
	char id[NAME_MAX + 1];
	struct io_status s = {.size = 0};
	if (!undo_journal_sink(name, id, sizeof id))
		return 0;
	int64_t looked = perform(place, (struct io_op){.code = IO_STAT,
						       .fd = place->directory,
						       .stat = {.path = name, .into = &s}});
	if (looked < 0 || s.size == 0)
		return looked == -EINTR ? -EINTR : 0;
	return remembered_add_journal(r, id);
}

int undo_reading_list(struct remembered *r, const struct undo_place *place)
{
	struct io_listing names = {.entries = NULL};
	int error = (int)perform(place, (struct io_op){.code = IO_LIST,
						       .fd = place->directory,
						       .list = {.path = ".", .into = &names}});
	for (size_t i = 0; error == 0 && i < names.count; i++)
		error = add_journal(r, place, names.entries[i].name);
	io_listing_release(&names);
	return error;
}

static int64_t read_some(const struct undo_place *place, int fd, struct packer *to)
{
	int error = packer_reserve(to, CHUNK);
	if (error < 0)
		return error;
	int64_t n = perform(place, (struct io_op){.code = IO_READ,
						  .fd = fd,
						  .read = {.bytes = to->bytes + to->length,
							   .length = CHUNK,
							   .at = to->length}});
	to->length += n > 0 ? (size_t)n : 0;
	return n;
}

/* None is an empty one. */
static int read_content(const struct undo_place *place, const char *name, struct packer *to)
{
	struct io_op open = {.code = IO_OPEN,
			     .fd = place->directory,
			     .open = {.path = name, .flags = O_RDONLY | O_CLOEXEC}};
	int64_t fd = perform(place, open), n;
	if (fd < 0)
		return fd == -ENOENT ? 0 : (int)fd;
	do
		n = read_some(place, (int)fd, to);
	while (n > 0);
	performer_close(place->performer, (int)fd);
	return (int)n;
}

static int read_file(struct undo_reading *r, const struct undo_place *place, const char *sink,
		     unsigned file)
{
	struct packer *content = &r->contents[file];
	char name[NAME_MAX + 1];
	int error = undo_journal_name(sink, file, name, sizeof name);
	if (error == 0)
		error = read_content(place, name, content);
	if (error < 0)
		return error;
	return undo_acts_add(&r->acts, file, packed_from(content->bytes, content->length));
}

int undo_reading_read(struct undo_reading *r, const struct undo_place *place, const char *sink,
		      uint64_t epoch, uint64_t known)
{
	int error = 0;
	*r = (struct undo_reading){.contents = {{0}}};
	undo_acts_init(&r->acts, epoch, known);
	for (unsigned i = 0; i < UNDO_FILES && error == 0; i++)
		error = read_file(r, place, sink, i);
	return error;
}

void undo_reading_release(struct undo_reading *r)
{
	for (unsigned i = 0; i < UNDO_FILES; i++)
		packer_release(&r->contents[i]);
	undo_acts_release(&r->acts);
}
