/* sink_chain.h - a circular doubly linked list whose links live in what is linked.
 *
 *   head <-> a.link <-> b.link <-> head        an unlinked link, like an empty head, points to itself
 *
 * Threads: the owner's. Memory: the callers'. Layer: libc only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct chain {
	struct chain *next, *prev;
};

/* The struct that holds a link. */
#define chain_owner(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void chain_init(struct chain *c)
{
	c->next = c->prev = c;
}

static inline bool chain_is_linked(const struct chain *c)
{
	return c->next != c;
}

/* Takes it out of whatever list it is in; in none does no harm. */
static inline void chain_unlink(struct chain *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	chain_init(link);
}

/* To the end of the list, out of whatever list it was in. */
static inline void chain_append(struct chain *head, struct chain *link)
{
	chain_unlink(link);
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

/* The first link, or NULL. */
static inline struct chain *chain_first(const struct chain *head)
{
	return head->next == head ? NULL : head->next;
}
