/* stack.c - the way home for pooled objects. */
#include "ringbuf/stack.h"

#include <assert.h>
#include <stddef.h>

void stack_init(struct stack *s)
{
	atomic_init(&s->top, NULL);
	waitlist_init(&s->takers);
}

void stack_release(struct stack *s)
{
	waitlist_release(&s->takers);
}

void stack_push(struct stack *s, struct stack_node *node)
{
	assert(node != NULL);
	struct stack_node *top = atomic_load_explicit(&s->top, memory_order_relaxed);
	do
		node->next = top;
	/* release: pairs with the acquire exchange in stack_take_all() */
	while (!atomic_compare_exchange_weak_explicit(&s->top, &top, node, memory_order_release,
						      memory_order_relaxed));
	waitlist_wake_one(&s->takers);
}

struct stack_node *stack_take_all(struct stack *s)
{
	/* A look first: the owner asks often, and an exchange would take the cache line from those who push. */
	if (atomic_load_explicit(&s->top, memory_order_relaxed) == NULL)
		return NULL;
	/* acquire: pairs with the release in stack_push(), also of nodes further down the chain, as each
	 * push continues the release sequence of those before it */
	return atomic_exchange_explicit(&s->top, NULL, memory_order_acquire);
}
