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

static uint64_t newest(const struct undo_acts *a)
{
	return a->count ? a->entries[a->count - 1].epoch : 0;
}

static void tell_acts(struct telling *t, const struct undo_acts *a, const struct text *path)
{
	for (size_t i = a->count; i-- > 0;)
		tell_entry(t, &a->entries[i], path);
}

int undo_tell(struct telling *t, int directory, const char *sink, const struct text *path,
	      uint64_t epoch)
{
	struct undo_acts even, odd = {.count = 0};
	int r = undo_acts_read(&even, directory, sink, 0, epoch);
	if (r == 0)
		r = undo_acts_read(&odd, directory, sink, 1, epoch);
	bool odd_is_later = newest(&odd) > newest(&even);
	if (r == 0) {
		tell_acts(t, odd_is_later ? &odd : &even, path);
		tell_acts(t, odd_is_later ? &even : &odd, path);
	}
	if (r == -EBADMSG)
		telling_refuse(t, "its undo journal is damaged");
	undo_acts_release(&even);
	undo_acts_release(&odd);
	return r == -EBADMSG ? 0 : r;
}
