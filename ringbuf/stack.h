/* stack.h - the way home for pooled objects: any thread pushes, one owner takes everything at once.
 *
 * Last in is first out, so the owner reuses what is still in its cache. Taking all with one exchange leaves no room
 * for the ABA problem. (R. K. Treiber, "Systems Programming: Coping with Parallelism", 1986.)
 *
 * Threads: push any, lock-free; take_all the owner, wait-free. Memory: the nodes are the callers'. Layer: libc only. */
#pragma once

#include "ringbuf/waiter.h"

struct stack_node {
	struct stack_node *next;
};

struct stack {
	_Atomic(struct stack_node *) top;
	struct waitlist takers; /* the owner arms itself here; woken by each push while armed */
};

void stack_init(struct stack *s);
void stack_release(struct stack *s);
void stack_push(struct stack *s, struct stack_node *node);

/* The whole chain, most recently pushed first, or NULL. */
struct stack_node *stack_take_all(struct stack *s);
