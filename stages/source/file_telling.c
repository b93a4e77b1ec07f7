#include "stages/source/file_telling.h"
#include "stages/source/file_positions.h"
#include "stages/builtin.h"

static const char *form_of(const struct file_position *n)
{
	if (n->place.form == FILE_PACKED)
		return n->place.packing == PACKED_GZIP ? "gzip" : "zstd";
	return n->place.form == FILE_PLAIN ? "plain" : "not read yet";
}

static void tell(const struct file_position *n, const struct text_list *paths, struct teller *t)
{
	teller_file(t, &(struct told_file){.role = TOLD_INPUT,
					   .path = n->path,
					   .shown = text_list_shown(paths, n->path),
					   .inode = n->inode,
					   .birth_ns = n->birth_ns,
					   .at = n->place.at});
	teller_text(t, "form", form_of(n));
	if (n->place.skip > 0)
		teller_number(t, "unpacked_beyond", n->place.skip);
	teller_moment(t, "noted", n->seen_ns);
	if (n->missing)
		teller_text(t, "was", "missing at the last start");
}

int file_source_tell(const void *options, const struct delta *saved, struct teller *t)
{
	const struct text_list *exclude, *paths = file_source_type.patterns(options, &exclude);
	struct file_positions positions;
	struct counter changes = {0};
	int r = file_positions_init(&positions, &changes, INT64_MAX);
	if (r == 0)
		r = file_positions_load(&positions, saved);
	for (struct chain *c = positions.parked.next; r == 0 && c != &positions.parked; c = c->next)
		tell(chain_owner(c, struct file_position, parked), paths, t);
	file_positions_release(&positions);
	return r;
}
