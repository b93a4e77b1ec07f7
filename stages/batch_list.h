/* batch_list.h - batches one after the other, in the order in which they came.
 *
 *   take, put_first <-> first -> next -> ... -> last <- add
 *
 * Threads: one. Memory: none of its own: they are linked through themselves, so each is in one list at most; it owns those that
 * are in it. All zeros: it is empty. Layer: stages. */
#pragma once

#include "stages/batch.h"

struct batch_list {
	struct batch *first, *last;
};

/* Behind the others. */
void batch_list_add(struct batch_list *l, struct batch *b);

/* Before the others: one that was taken and could not be seen to, or only in part. */
void batch_list_put_first(struct batch_list *l, struct batch *b);

/* The first one, the caller's now; NULL: there is none. */
struct batch *batch_list_take(struct batch_list *l);

/* Frees them all. */
void batch_list_drop(struct batch_list *l);
