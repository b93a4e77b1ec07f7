/* Stack: last in, first out; nothing lost between many who push and one who takes. */
#include "ringbuf/parker.h"
#include "ringbuf/stack.h"
#include "tests/unit/ringbuf/ringbuf_testing.h"

static void set_up(void)
{
	waiter_setup(true);
}

TestSuite(stack, .init = set_up, .timeout = 60);

Test(stack, empty_stack_gives_nothing)
{
	struct stack s;
	stack_init(&s);
	cr_assert_null(stack_take_all(&s));
	stack_release(&s);
}

Test(stack, last_pushed_comes_first)
{
	struct stack s;
	struct stack_node a, b, c;
	stack_init(&s);
	stack_push(&s, &a);
	stack_push(&s, &b);
	stack_push(&s, &c);
	struct stack_node *chain = stack_take_all(&s);
	cr_assert_eq(chain, &c);
	cr_assert_eq(chain->next, &b);
	cr_assert_eq(chain->next->next, &a);
	cr_assert_null(chain->next->next->next);
	cr_assert_null(stack_take_all(&s), "all were taken");
	stack_release(&s);
}

enum { PUSHERS = 3, NODES = 20000 };

struct numbered {
	struct stack_node node; /* must stand first */
	unsigned pusher, number;
};

static struct stack shared_stack;
static struct numbered nodes[PUSHERS][NODES];
static bool seen[PUSHERS][NODES];

static void *pusher_main(void *arg)
{
	uintptr_t me = (uintptr_t)arg;
	for (unsigned i = 0; i < NODES; i++) {
		nodes[me][i].pusher = (unsigned)me; /* plain memory: the push publishes it */
		nodes[me][i].number = i;
		stack_push(&shared_stack, &nodes[me][i].node);
	}
	return NULL;
}

/* Sleeps whenever there is nothing, so that each lost wake would hang. */
static struct stack_node *take_some(void)
{
	for (;;) {
		struct stack_node *chain = stack_take_all(&shared_stack);
		if (chain)
			return chain;
		struct parker p;
		parker_init(&p);
		struct wait_node node = {.waiter = &p.waiter};
		waitlist_arm(&shared_stack.takers, &node);
		waiter_barrier();
		chain = stack_take_all(&shared_stack);
		if (!chain)
			parker_wait(&p, PARKER_FOREVER);
		waitlist_disarm(&shared_stack.takers, &node);
		if (chain)
			return chain;
	}
}

static void all_pushed_is_taken_once(bool membarrier)
{
	waiter_setup(membarrier);
	pthread_t threads[PUSHERS];
	stack_init(&shared_stack);
	for (uintptr_t i = 0; i < PUSHERS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, pusher_main, (void *)i), 0);
	for (unsigned taken = 0; taken < PUSHERS * NODES;) {
		for (struct stack_node *n = take_some(); n; n = n->next, taken++) {
			struct numbered *x = (struct numbered *)n;
			cr_assert_not(seen[x->pusher][x->number]);
			seen[x->pusher][x->number] = true;
		}
	}
	for (int i = 0; i < PUSHERS; i++)
		pthread_join(threads[i], NULL);
	cr_assert_null(stack_take_all(&shared_stack));
	stack_release(&shared_stack);
}

Test(stack, all_pushed_is_taken_once)
{
	all_pushed_is_taken_once(true);
}

Test(stack, all_pushed_is_taken_once_without_membarrier)
{
	all_pushed_is_taken_once(false);
}
