#include "stages/net/net_accepting.h"
#include "stages/descriptor.h"
#include "stages/net/net_datagrams.h"
#include "stages/net/net_server.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BACKLOG = 1024 };

#define ACCEPT_NS 100000000u /* from one vain attempt to accept to the next */

/* ---- opening ---- */

static void add_listeners(struct net_server *n, const struct text_list *list, bool datagrams)
{
	const char *why;
	for (size_t i = 0; list && i < list->count; i++) {
		struct net_listener *l = &n->listeners[n->listener_count++];
		l->fd = -1;
		l->datagrams = datagrams;
		l->secret = list->items[i].secret;
		int r =
		    net_address_parse(list->items[i].bytes, list->items[i].length, &l->where, &why);
		assert(r == 0 && l->where.place != NET_HOST && "it was checked");
	}
}

static size_t count_places(const struct text_list *const lists[2])
{
	return (lists[0] ? lists[0]->count : 0) + (lists[1] ? lists[1]->count : 0);
}

int net_accepting_open(struct net_server *n, const struct net_places *places)
{
	size_t datagrams = count_places(places->datagrams);
	size_t count = datagrams + count_places(places->streams);
	n->listeners = calloc(count + 1, sizeof *n->listeners);
	if (!n->listeners)
		return -ENOMEM;
	for (int i = 0; i < 2; i++) {
		add_listeners(n, places->streams[i], false);
		add_listeners(n, places->datagrams[i], true);
	}
	if (datagrams > 0) {
		n->datagrams = net_datagrams_new(n);
		if (!n->datagrams)
			return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		net_listener_open(&n->listeners[i], n->stage->env, BACKLOG, false);
	return 0;
}

int net_accepting_begin(struct net_server *n)
{
	while (n->opened < n->listener_count) {
		struct net_listener *l = &n->listeners[n->opened];
		if (l->opening.busy)
			return STEP_WAIT;
		if (!n->stage->stopping && net_listener_is_put_off(l, n->stage->env))
			return STEP_WAIT;
		int r = net_listener_opened(l, n->stage->env);
		if (r < 0)
			return r;
		if (n->options->receive_buffer > 0)
			net_socket_set(n->stage->env, l->fd, SOL_SOCKET, SO_RCVBUF,
				       (int)n->options->receive_buffer);
		if (l->datagrams)
			net_socket_set(n->stage->env, l->fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
		n->opened++;
	}
	return STEP_DONE;
}

/* ---- accepting ---- */

static bool close_longest_idle(struct net_server *n, const char *reason)
{
	struct chain *first = chain_first(&n->idle);
	if (!first)
		return false;
	struct net_peer *p = chain_owner(first, struct net_peer, idle);
	net_server_note(n, NET_CROWDED, "connection closed for another", p, reason);
	net_peer_close(p);
	return true;
}

static void note_failure(struct net_server *n, int error)
{
	struct env *env = n->stage->env;
	counter_add(&n->stage->counters->errors, 1);
	if (net_seldom(&n->seldom_failure, env))
		env_say(env, SAY_WARN, "cannot take a connection", "error=%s", strerror(error));
}

static void welcome(struct net_server *n, const struct net_listener *l)
{
	int fd = (int)l->waiting.result;
	if (n->open_count >= n->options->max_connections)
		close_longest_idle(n, "max_connections");
	if (!n->options->keepalive && net_address_family(&l->peer) != AF_UNIX)
		net_socket_set(n->stage->env, fd, SOL_SOCKET, SO_KEEPALIVE, 0);
	struct net_peer *p = net_peer_new(n, fd, &l->peer);
	if (!p) {
		note_failure(n, ENOMEM);
		return;
	}
	counter_add(&n->stage->counters->figures[NET_ACCEPTED], 1);
	n->has_come = true;
	n->last_ns = n->now_ns;
	if (n->is_stopping)
		net_peer_is_ready(p); /* nobody is waited for any more */
	else
		chain_append(&n->resting, &p->queued);
}

/* Descriptors or memory have run out: somebody makes way, and it is tried again. */
static void failed_to_accept(struct net_server *n, struct net_listener *l)
{
	int error = (int)-l->waiting.result;
	if (error == ECANCELED || error == EINTR || error == EAGAIN || error == ECONNABORTED)
		return;
	note_failure(n, error);
	close_longest_idle(n, strerror(error));
	l->again_ns = n->now_ns + ACCEPT_NS;
}

static void accept_from(struct net_server *n, struct net_listener *l)
{
	if (l->waiting.busy)
		return;
	if (l->has_come) {
		l->has_come = false;
		l->again_ns = 0;
		if (l->waiting.result >= 0)
			welcome(n, l);
		else
			failed_to_accept(n, l);
	}
	if (l->again_ns > n->now_ns)
		env_wake_at(n->stage->env, l->again_ns);
	else
		net_listener_wait(l, n->stage->env);
}

void net_accepting_step(struct net_server *n)
{
	for (size_t i = 0; i < n->listener_count && !n->is_stopping; i++)
		if (!n->listeners[i].datagrams)
			accept_from(n, &n->listeners[i]);
}

/* ---- closing ---- */

/* Takes those that were connected when it began to stop, and closes it: true when it is. */
static bool take_last(struct net_server *n, struct net_listener *l)
{
	struct env *env = n->stage->env;
	bool has_come = l->has_come && !l->waiting.busy && l->waiting.result >= 0;
	if (l->fd >= 0 && !l->waiting.busy && (has_come || !l->is_last) && n->now_ns < n->stop_ns) {
		l->has_come = false;
		if (has_come)
			welcome(n, l);
		l->is_last = true;
		net_listener_wait(l, env); /* has another one now, or none */
	}
	net_listener_close(l, env);
	return l->fd < 0;
}

bool net_accepting_end(struct net_server *n)
{
	bool all = true;
	for (size_t i = 0; i < n->listener_count; i++)
		all &= n->listeners[i].datagrams || take_last(n, &n->listeners[i]);
	return all;
}

/* One that was not looked at yet may be open all the same. */
static void close_listener(struct net_server *n, struct net_listener *l)
{
	bool is_known = (size_t)(l - n->listeners) < n->opened;
	if (!is_known && l->opening.done && l->opening.result >= 0)
		l->fd = (int)l->opening.result;
	if (l->has_come && !l->datagrams && l->waiting.result >= 0) {
		int fd = (int)l->waiting.result;
		descriptor_close(n->stage->env->io, &fd);
	}
	net_listener_close(l, n->stage->env);
}

void net_accepting_close(struct net_server *n)
{
	for (size_t i = 0; i < n->listener_count; i++)
		close_listener(n, &n->listeners[i]);
	free(n->listeners);
}
