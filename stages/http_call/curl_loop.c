#include "stages/http_call/curl_loop.h"
#include "stages/stage.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>

enum { NS_PER_MS = 1000000, NS_PER_S = 1000000000, CONNECT_WAIT_MS = 300000 };

/* One descriptor that libcurl wants to know of. */
struct curl_watch {
	struct curl_loop *loop;
	struct curl_watch *next, **link;
	struct io_op op;
	curl_socket_t fd;
	short events;      /* what it is watched for; 0: nothing at the moment */
	bool is_forgotten; /* libcurl has closed it: goes as soon as nothing is in flight */
	bool is_ready;     /* op is over, and libcurl has not heard of it */
};

static void watch_free(struct curl_watch *w)
{
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
	free(w);
}

static struct curl_watch *watch_new(struct curl_loop *l, curl_socket_t fd)
{
	struct curl_watch *w = calloc(1, sizeof *w);
	if (!w)
		return NULL;
	w->loop = l;
	w->fd = fd;
	w->next = l->watches;
	w->link = &l->watches;
	if (w->next)
		w->next->link = &w->next;
	l->watches = w;
	return w;
}

static void on_polled(struct io_op *op)
{
	struct curl_watch *w = op->owner;
	if (w->is_forgotten)
		watch_free(w);
	else
		w->is_ready = true;
}

static void arm(struct curl_watch *w)
{
	if (w->op.busy || w->is_ready || w->is_forgotten || w->events == 0)
		return;
	w->op = (struct io_op){.code = IO_POLL,
			       .fd = w->fd,
			       .poll = {.events = w->events},
			       .done = on_polled,
			       .owner = w};
	io_submit(w->loop->env->io, &w->op);
}

/* ---- what libcurl asks for ---- */

static void forget(struct curl_watch *w)
{
	w->is_forgotten = true;
	if (w->op.busy)
		io_cancel(w->loop->env->io, &w->op);
	else
		watch_free(w);
}

/* A poll under way for something else is taken back, and armed anew with the next step. */
static void change(struct curl_watch *w, short events)
{
	bool differs = w->events != events;
	w->events = events;
	if (differs && w->op.busy)
		io_cancel(w->loop->env->io, &w->op);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *owner, void *known)
{
	struct curl_loop *l = owner;
	struct curl_watch *w = known;
	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w) {
			curl_multi_assign(l->multi, fd, NULL);
			forget(w);
		}
		return 0;
	}
	if (!w) {
		w = watch_new(l, fd);
		if (!w) {
			l->error = -ENOMEM;
			return -1;
		}
		curl_multi_assign(l->multi, fd, w);
	}
	change(w,
	       (short)((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0)));
	return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *owner)
{
	struct curl_loop *l = owner;
	(void)multi;
	l->is_due = timeout_ms >= 0;
	if (l->is_due)
		l->due_ns = env_now_ns(l->env) + (uint64_t)timeout_ms * NS_PER_MS;
	return 0;
}

/* ---- the loop ---- */

static bool looks_up_aside(void)
{
	const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
	return (v->features & CURL_VERSION_ASYNCHDNS) != 0;
}

static void limit(CURLM *multi, CURLMoption option, uint64_t most)
{
	enum { MOST = 65536 };
	if (most > 0)
		curl_multi_setopt(multi, option, (long)(most < MOST ? most : MOST));
}

static int open_multi(struct curl_loop *l)
{
	l->multi = curl_multi_init();
	if (!l->multi)
		return -ENOMEM;
	curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l);
	curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l);
	curl_multi_setopt(l->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	limit(l->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, l->pool->max);
	limit(l->multi, CURLMOPT_MAX_HOST_CONNECTIONS, l->pool->per_host);
	return 0;
}

int curl_loop_init(struct curl_loop *l, struct env *env, const struct pool_options *pool)
{
	*l = (struct curl_loop){.env = env, .pool = pool};
	if (!looks_up_aside())
		return -ENOSYS;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	int r = open_multi(l);
	if (r < 0)
		curl_global_cleanup();
	return r;
}

/* libcurl closes an idle connection only when it looks for one: with the last transfer all of them are closed in one go. */
static int close_idle(struct curl_loop *l)
{
	uint64_t until = l->idle_since_ns + l->pool->idle_timeout_ns;
	if (l->transfers > 0 || !l->has_connections || l->pool->idle_timeout_ns == 0)
		return 0;
	if (env_now_ns(l->env) < until) {
		env_wake_at(l->env, until);
		return 0;
	}
	curl_multi_cleanup(l->multi);
	l->has_connections = l->is_due = false;
	return open_multi(l);
}

void curl_loop_release(struct curl_loop *l)
{
	if (!l->multi)
		return;
	curl_multi_cleanup(l->multi);
	for (struct curl_watch *w = l->watches, *next; w; w = next) {
		assert(!w->op.busy);
		next = w->next;
		free(w);
	}
	l->watches = NULL;
	curl_global_cleanup();
	l->multi = NULL;
}

static long in_seconds(uint64_t ns)
{
	uint64_t seconds = (ns + NS_PER_S - 1) / NS_PER_S;
	return (long)(seconds < INT_MAX ? seconds : INT_MAX);
}

int curl_loop_add(struct curl_loop *l, CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_WAIT_MS);
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, in_seconds(l->pool->dns_cache_ns));
	if (l->pool->idle_timeout_ns > 0)
		curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, in_seconds(l->pool->idle_timeout_ns));
	if (curl_multi_add_handle(l->multi, easy) != CURLM_OK)
		return -ENOMEM;
	l->transfers++;
	l->has_connections = true;
	return 0;
}

void curl_loop_remove(struct curl_loop *l, CURL *easy)
{
	curl_multi_remove_handle(l->multi, easy);
	assert(l->transfers > 0);
	if (--l->transfers == 0)
		l->idle_since_ns = env_now_ns(l->env);
}

/* What is wrong with a descriptor libcurl finds by reading and writing. */
static int events_for_curl(const struct curl_watch *w)
{
	int64_t got = w->op.result;
	if (got == -ECANCELED || got == -EINTR || got == 0)
		return 0;
	bool is_broken = got < 0 || (got & ~(POLLIN | POLLOUT)) != 0;
	int64_t events = is_broken ? w->events : got & w->events;
	return (events & POLLIN ? CURL_CSELECT_IN : 0) | (events & POLLOUT ? CURL_CSELECT_OUT : 0) |
	       (got < 0 ? CURL_CSELECT_ERR : 0);
}

/* libcurl may have any watch forgotten while it is told of one, so the search begins anew each time. */
static bool tell_ready(struct curl_loop *l)
{
	bool any = false;
	int running;
	struct curl_watch *w = l->watches;
	while (w) {
		int events = w->is_ready ? events_for_curl(w) : 0;
		w->is_ready = false;
		if (events == 0) {
			w = w->next;
			continue;
		}
		curl_multi_socket_action(l->multi, w->fd, events, &running);
		any = true;
		w = l->watches;
	}
	return any;
}

static bool tell_time(struct curl_loop *l)
{
	int running;
	if (!l->is_due || env_now_ns(l->env) < l->due_ns)
		return false;
	l->is_due = false;
	curl_multi_socket_action(l->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	return true;
}

int curl_loop_step(struct curl_loop *l)
{
	bool any = tell_ready(l);
	any |= tell_time(l);
	for (struct curl_watch *w = l->watches; w; w = w->next)
		arm(w);
	if (l->error == 0)
		l->error = close_idle(l);
	if (l->error < 0)
		return l->error;
	if (l->is_due)
		env_wake_at(l->env, l->due_ns);
	return any ? STEP_MORE : STEP_WAIT;
}

CURL *curl_loop_take(struct curl_loop *l, CURLcode *ret_code)
{
	int left;
	for (;;) {
		const CURLMsg *m = curl_multi_info_read(l->multi, &left);
		if (!m)
			return NULL;
		if (m->msg != CURLMSG_DONE)
			continue;
		*ret_code = m->data.result;
		return m->easy_handle;
	}
}

bool curl_loop_is_quiet(const struct curl_loop *l)
{
	for (const struct curl_watch *w = l->watches; w; w = w->next)
		if (w->op.busy)
			return false;
	return true;
}
