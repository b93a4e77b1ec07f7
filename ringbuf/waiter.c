/* waiter.c - the slow halves of parking: lists of waiters under a lock each, and the sleeper's barrier. */
#include "ringbuf/waiter.h"

#include <assert.h>
#include <linux/membarrier.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

bool waiter_needs_fence = true;

/* Stays true once the kernel has said yes, whatever a later waiter_setup() forces: lists made without
 * WAITLIST_FENCE still rely on it. */
static bool have_membarrier;

static bool membarrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0) == 0;
}

void waiter_setup(bool allow_membarrier)
{
	if (allow_membarrier && membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED))
		have_membarrier = true;
	waiter_needs_fence = !(allow_membarrier && have_membarrier);
}

void waiter_barrier(void)
{
	/* Without membarrier arming itself was the barrier: see waiter.h. */
	if (!have_membarrier)
		return;

	bool done = membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
	assert(done); /* a process that could register can always issue it */
	(void)done;
}

void waitlist_init(struct waitlist *l)
{
	/* Adaptive: it is held for a few instructions or one wake, worth a short spin to one just woken. */
	l->lock = (pthread_mutex_t)PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;
	atomic_init(&l->armed, waiter_needs_fence ? WAITLIST_FENCE : 0);
	l->first = l->last = NULL;
}

void waitlist_release(struct waitlist *l)
{
	assert(waitlist_armed(l) == 0);
	assert(l->first == NULL && l->last == NULL);
	pthread_mutex_destroy(&l->lock);
}

static void append(struct waitlist *l, struct wait_node *node)
{
	node->next = NULL;
	node->prev = l->last;
	*(l->last ? &l->last->next : &l->first) = node;
	l->last = node;
	node->armed = true;
	/* acq_rel: under WAITLIST_FENCE pairs with the one in waitlist_look_slow(); else the barrier that
	 * follows makes up for it. */
	atomic_fetch_add_explicit(&l->armed, 1, memory_order_acq_rel);
}

static void take_off(struct waitlist *l, struct wait_node *node)
{
	*(node->prev ? &node->prev->next : &l->first) = node->next;
	*(node->next ? &node->next->prev : &l->last) = node->prev;
	node->next = node->prev = NULL;
	node->armed = false;
	uint32_t before = atomic_fetch_sub_explicit(&l->armed, 1, memory_order_acq_rel);
	assert((before & ~WAITLIST_FENCE) > 0);
	(void)before;
}

void waitlist_arm(struct waitlist *l, struct wait_node *node)
{
	assert(node->waiter && node->waiter->wake);
	pthread_mutex_lock(&l->lock);
	if (!node->armed)
		append(l, node);
	pthread_mutex_unlock(&l->lock);
}

bool waitlist_disarm(struct waitlist *l, struct wait_node *node)
{
	/* The lock is taken even if nothing is armed: a waker may still be inside wake(). */
	pthread_mutex_lock(&l->lock);
	bool woken = node->fired;
	if (node->armed)
		take_off(l, node);
	node->fired = false;
	pthread_mutex_unlock(&l->lock);
	return woken;
}

bool waitlist_look_slow(struct waitlist *l)
{
	uint32_t armed = atomic_load_explicit(&l->armed, memory_order_relaxed);
	/* acq_rel: under WAITLIST_FENCE pairs with the one in append(): either it comes later and sees what
	 * our caller published, or we see the node. And with itself: of two who look, the later one sees what
	 * the earlier one had published. */
	if (armed & WAITLIST_FENCE)
		armed = atomic_fetch_add_explicit(&l->armed, 0, memory_order_acq_rel);
	return (armed & ~WAITLIST_FENCE) != 0;
}

void waitlist_wake_slow(struct waitlist *l, bool all)
{
	if (!waitlist_look_slow(l))
		return;

	pthread_mutex_lock(&l->lock);
	while (l->first) {
		struct wait_node *node = l->first;
		take_off(l, node);
		node->fired = true;
		node->waiter->wake(node->waiter);
		if (!all)
			break;
	}
	pthread_mutex_unlock(&l->lock);
}
