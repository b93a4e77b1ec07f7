#include "daemon/undo_telling.h"
#include "conf/excerpt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- what will come of it ---- */

/* What is the newest is undone first. */
static int foresee(struct undo_telling *u, const struct output_marks *marks)
{
	const struct undo_acts *a = &u->reading.acts;
	int r = 0;
	u->foreseen = calloc(a->count + 1, sizeof *u->foreseen);
	if (!u->foreseen)
		return -ENOMEM;
	for (size_t i = a->count; i-- > 0 && r == 0;)
		r = foresight_undo(&u->foresight, &a->entries[i],
				   undo_acts_come_again(a, i, marks, a->entries[i].inode),
				   &u->foreseen[i]);
	return r;
}

static const char *why_refused(int error)
{
	return error == -EBADMSG  ? "its undo journal is damaged"
	       : error == -ESTALE ? "its undo journal is newer than the state"
				  : NULL;
}

int undo_telling_begin(struct undo_telling *u, struct telling *t, struct remembered_output *output,
		       int directory, uint64_t epoch)
{
	*u = (struct undo_telling){.telling = t};
	int r = remembered_marks_to_restore(output, &u->marks);
	if (r < 0)
		return r;
	struct undo_place place = {.performer = &performer_on_the_spot, .directory = directory};
	r = undo_reading_read(&u->reading, &place, output->id, epoch,
			      output_marks_epoch(&output->marks));
	u->refused = why_refused(r);
	if (u->refused) {
		u->reading.acts.count = 0;
		r = 0;
	}
	remembered_take_acts(output, &u->reading.acts);
	u->is_secret = output->is_secret;
	if (r == 0)
		r = foresee(u, &u->marks);
	t->output = (struct told_output){
	    .foresight = &u->foresight, .is_orphan = output->is_orphan, .acts = &u->reading.acts};
	return r;
}

/* ---- telling ---- */

static const char *shown(const struct undo_telling *u, const char *path)
{
	return u->is_secret ? SECRET_SHOWN : path;
}

static void tell_failed(struct telling *t, const struct foreseen *o)
{
	telling_refuse_item(t, o->error == -EEXIST ? "another file has the name that it had"
						   : strerror(-o->error));
}

static void tell_short(struct telling *t, const struct foreseen *o)
{
	telling_refuse_item(t, "it is shorter than it was before");
	teller_number(&t->teller, "missing", o->bytes);
}

static void tell_cut(struct telling *t, const struct foreseen *o)
{
	teller_number(&t->teller, "to_be_cut_to", o->length);
	teller_number(&t->teller, "to_be_cut", o->bytes);
}

static void tell_act(const struct undo_telling *u, const struct undo_entry *e,
		     const struct foreseen *o)
{
	struct telling *t = u->telling;
	telling_item(t, "undo", shown(u, e->path));
	if (e->kind == UNDO_LEFT)
		teller_text(&t->teller, "was", "left to who moved, deleted or cut it");
	else if (o->undoing == UNDOING_NOTHING)
		teller_text(&t->teller, "now", "nothing to undo");
	if (o->undoing == UNDOING_DELETES)
		teller_text(&t->teller, "was", "created, to be deleted");
	if (o->undoing == UNDOING_RENAMES)
		teller_text(&t->teller, "to_be_renamed_back_from", shown(u, e->to));
	if (o->undoing == UNDOING_CUTS)
		tell_cut(t, o);
	if (o->undoing == UNDOING_IS_SHORT)
		tell_short(t, o);
	if (o->undoing == UNDOING_FAILED)
		tell_failed(t, o);
}

void undo_telling_end(struct undo_telling *u)
{
	const struct undo_acts *a = &u->reading.acts;
	for (size_t i = u->foreseen ? a->count : 0; i-- > 0;)
		tell_act(u, &a->entries[i], &u->foreseen[i]);
	if (u->refused)
		telling_refuse(u->telling, u->refused);
	u->telling->output = (struct told_output){.foresight = NULL};
	foresight_release(&u->foresight);
	free(u->foreseen);
	undo_reading_release(&u->reading);
	output_marks_release(&u->marks);
}
