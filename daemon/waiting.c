#include "daemon/waiting.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { ROOM_MIN = 64, TAKE_MAX = 256 };

struct waiting_place {
	struct io_op *first; /* linked by op->node */
	unsigned asked;      /* for these events, and not answered yet */
	bool is_in_set;      /* as far as we know: whoever closes it takes it out */
};

/* What every wait is for, asked or not. */
enum { ALWAYS = POLLERR | POLLHUP | POLLNVAL };

static struct io_op *op_of(struct stack_node *n)
{
	return n ? (struct io_op *)(void *)((char *)n - offsetof(struct io_op, node)) : NULL;
}

static struct io_op *next_of(const struct io_op *op)
{
	return op_of(op->node.next);
}

int waiting_init(struct waiting *w)
{
	memset(w, 0, sizeof *w);
	w->set = epoll_create1(EPOLL_CLOEXEC);
	return w->set < 0 ? -errno : 0;
}

void waiting_release(struct waiting *w)
{
	if (w->set >= 0)
		close(w->set);
	free(w->places);
	*w = (struct waiting){.set = -1};
}

int waiting_watch(struct waiting *w, int fd)
{
	struct epoll_event e = {.events = EPOLLIN, .data.fd = -1};
	return epoll_ctl(w->set, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

static int make_room(struct waiting *w, int fd)
{
	size_t room = w->room ? w->room : ROOM_MIN;
	if (fd < 0)
		return -EBADF;
	if ((size_t)fd < w->room)
		return 0;
	while (room <= (size_t)fd)
		room *= 2;
	struct waiting_place *more = reallocarray(w->places, room, sizeof *more);
	if (!more)
		return -ENOMEM;
	memset(more + w->room, 0, (room - w->room) * sizeof *more);
	w->places = more;
	w->room = room;
	return 0;
}

static int control(struct waiting *w, int how, int fd, unsigned events)
{
	struct epoll_event e = {.events = events | EPOLLONESHOT, .data.fd = fd};
	return epoll_ctl(w->set, how, fd, &e) < 0 ? -errno : 0;
}

/* A number may be another descriptor's than when we last asked. */
static int ask(struct waiting *w, int fd, unsigned events)
{
	struct waiting_place *p = &w->places[fd];
	int r = control(w, p->is_in_set ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, events);
	if (r == -ENOENT || r == -EEXIST)
		r = control(w, r == -ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, events);
	if (r < 0)
		return r;
	p->is_in_set = true;
	p->asked = events;
	return 0;
}

/* An op's own are in op->marks, below WAITING. */
static unsigned needed(const struct waiting_place *p)
{
	unsigned events = 0;
	for (const struct io_op *op = p->first; op; op = next_of(op))
		events |= op->marks & (WAITING - 1);
	return events;
}

int waiting_add(struct waiting *w, struct io_op *op, short events)
{
	int r = make_room(w, op->fd);
	if (r < 0)
		return r;
	struct waiting_place *p = &w->places[op->fd];
	/* What others of its descriptor have asked for holds only while one of them waits: the number may be another's. */
	unsigned all = (unsigned short)events | needed(p);
	if (!p->first || (all & ~p->asked))
		r = ask(w, op->fd, all);
	if (r < 0)
		return r;
	op->marks = WAITING | (unsigned short)events;
	op->node.next = p->first ? &p->first->node : NULL;
	p->first = op;
	w->count++;
	return 0;
}

void waiting_remove(struct waiting *w, struct io_op *op)
{
	struct waiting_place *p = &w->places[op->fd];
	struct io_op *at = p->first;
	if (at == op) {
		p->first = next_of(op);
	} else {
		while (next_of(at) != op)
			at = next_of(at);
		at->node.next = op->node.next;
	}
	op->marks = 0;
	w->count--;
}

void waiting_forget(struct waiting *w, int fd)
{
	if (fd < 0 || (size_t)fd >= w->room || !w->places[fd].is_in_set)
		return;
	epoll_ctl(w->set, EPOLL_CTL_DEL, fd, NULL);
	w->places[fd].is_in_set = false;
	w->places[fd].asked = 0;
}

typedef bool try_op(void *owner, struct io_op *op, short ready);

static void try_all(struct waiting *w, struct waiting_place *p, unsigned ready, try_op *try,
		    void *owner)
{
	struct io_op *next;
	for (struct io_op *op = p->first; op; op = next) {
		next = next_of(op);
		unsigned for_it = ready & (op->marks | ALWAYS);
		if (for_it && try(owner, op, (short)for_it))
			waiting_remove(w, op);
	}
}

/* What it was asked for is through: those that wait on ask anew. */
static void look_at(struct waiting *w, int fd, unsigned ready, try_op *try, void *owner)
{
	struct waiting_place *p = &w->places[fd];
	p->asked = 0;
	try_all(w, p, ready, try, owner);
	if (p->first && ask(w, fd, needed(p)) < 0)
		try_all(w, p, POLLNVAL, try, owner);
}

bool waiting_take(struct waiting *w, bool (*try)(void *owner, struct io_op *op, short ready),
		  void *owner)
{
	struct epoll_event events[TAKE_MAX];
	bool watched = false;
	int n = epoll_wait(w->set, events, TAKE_MAX, 0);
	for (int i = 0; i < n; i++)
		if (events[i].data.fd < 0)
			watched = true;
		else
			look_at(w, events[i].data.fd, events[i].events, try, owner);
	return watched;
}
