#include "stages/batch_list.h"

void batch_list_add(struct batch_list *l, struct batch *b)
{
	b->next = NULL;
	if (l->last)
		l->last->next = b;
	else
		l->first = b;
	l->last = b;
}

void batch_list_put_first(struct batch_list *l, struct batch *b)
{
	b->next = l->first;
	l->first = b;
	if (!l->last)
		l->last = b;
}

struct batch *batch_list_take(struct batch_list *l)
{
	struct batch *b = l->first;
	if (!b)
		return NULL;
	l->first = b->next;
	if (!l->first)
		l->last = NULL;
	b->next = NULL;
	return b;
}

void batch_list_drop(struct batch_list *l)
{
	struct batch *b;
	while ((b = batch_list_take(l)))
		batch_free(&b);
}
