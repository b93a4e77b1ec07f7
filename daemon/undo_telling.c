#include "daemon/undo_telling.h"
#include "daemon/undo_reading.h"

#include <errno.h>

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

int undo_tell(struct telling *t, int directory, const char *sink, const struct text *path,
	      uint64_t epoch)
{
	struct undo_reading j;
	int r = undo_reading_read(&j, directory, sink, epoch, UINT64_MAX);
	for (size_t i = j.acts.count; r == 0 && i-- > 0;)
		tell_entry(t, &j.acts.entries[i], path);
	if (r == -EBADMSG)
		telling_refuse(t, "its undo journal is damaged");
	undo_reading_release(&j);
	return r == -EBADMSG ? 0 : r;
}
