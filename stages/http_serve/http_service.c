#include "stages/http_serve/http_service.h"
#include "stages/descriptor.h"
#include "stages/http_serve/http_library.h"
#include "stages/net/net_address.h"
#include "stages/stage.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	BACKLOG = 4096,
	MANY = 64, /* connections: what comes within REST_NS is taken together */
	REST_NS = 2 * 1000000,
	SWEEPS = 8, /* in the time after which a connection is closed */
	SWEEP_NS_MAX = 1000 * 1000000,
	TLS_BYTES =
	    48 * 1024, /* GnuTLS, of a connection: buffers of a record each way, and the session */
};

const struct option http_serve_tls_table[] = {
    {"cert", OPTION_FILE, offsetof(struct http_serve_tls_options, cert), .required = true,
     .doc = "File with the certificate and those that vouch for it, PEM"},
    {"key", OPTION_FILE, offsetof(struct http_serve_tls_options, key), .required = true,
     .doc = "File with its private key, PEM"},
    {"client_ca", OPTION_FILE, offsetof(struct http_serve_tls_options, client_ca),
     .doc =
	 "File with certificates, PEM: only clients whose own is signed by one of them are let in"},
    {0},
};

void http_service_check(const struct http_service_options *o, struct problems *problems)
{
	struct net_address a;
	const char *why = "an address and a port belong there";
	int r = net_address_parse(o->listen.bytes, o->listen.length, &a, &why);
	if (r < 0 || a.place != NET_NUMBERS)
		problem_add(problems, o->listen.at,
			    "`listen`: %s; write 127.0.0.1:8080 or [::1]:8080",
			    r < 0 ? why : "there is no listening at that");
	if (o->auth_given && o->auth.tokens.count + o->auth.users.count == 0)
		problem_add(problems, o->listen.at,
			    "`auth` lets nobody in; give it `tokens` or `users`");
}

size_t http_service_memory(const struct http_service_options *o)
{
	size_t each = sizeof(struct http_request) + HTTP_CONNECTION_BYTES;
	return (o->max_connections + 1) * (each + (o->tls_given ? TLS_BYTES : 0));
}

int http_service_init(struct http_service *h)
{
	struct net_address a;
	const char *why;
	int r = net_address_parse(h->options->listen.bytes, h->options->listen.length, &a, &why);
	assert(r == 0 && "it was checked");
	(void)r;
	h->address = a.address;
	h->listener = -1;
	chain_init(&h->connections);
	return http_auth_init(&h->auth, &h->options->auth);
}

static void on_done(struct io_op *op)
{
	(void)op;
}

/* ---- beginning ---- */

static void begin_listening(struct http_service *h)
{
	h->listen = (struct io_op){
	    .code = IO_LISTEN,
	    .listen = {.address = &h->address, .type = SOCK_STREAM, .backlog = BACKLOG},
	    .done = on_done,
	};
	h->state = HTTP_LISTENING;
	io_submit(h->env->io, &h->listen);
}

/* The library's words, for the one message that says that it could not begin. */
static void __attribute__((format(printf, 2, 0)))
note_words(void *server, const char *format, va_list args)
{
	struct http_service *h = server;
	vsnprintf(h->why, sizeof h->why, format, args);
	h->why[strcspn(h->why, "\n")] = '\0';
}

/* Options by whether they are wanted; what the library copies or reads while it begins. The listener is the library's from here on: it
 * closes it, too, where it cannot begin. */
static struct MHD_Daemon *start_library(struct http_service *h, int listener)
{
	const struct http_service_options *o = h->options;
	const char *ca = o->tls.client_ca.content.bytes;
	struct MHD_OptionItem tls[] = {
	    {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)o->tls.cert.content.bytes},
	    {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)o->tls.key.content.bytes},
	    {ca ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0, (void *)(uintptr_t)ca},
	    {MHD_OPTION_END, 0, NULL},
	};
	if (!o->tls_given)
		tls[0].option = MHD_OPTION_END;
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
			 (o->tls_given ? MHD_USE_TLS : 0);
	return MHD_start_daemon(
	    flags, 0, http_connection_may_come, h, http_request_asked, h,
	    MHD_OPTION_EXTERNAL_LOGGER, note_words, h, MHD_OPTION_LISTEN_SOCKET, listener,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)o->max_connections + 1,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_CONNECTION_BYTES,
	    MHD_OPTION_NOTIFY_COMPLETED, http_request_is_over, h, MHD_OPTION_NOTIFY_CONNECTION,
	    http_connection_changed, h, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

static void say_where(struct http_service *h)
{
	char text[NET_ADDRESS_ROOM];
	const union MHD_DaemonInfo *i = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT);
	net_address_print(&h->address, text);
	char *port = strrchr(text, ':');
	if (i && port)
		snprintf(port, sizeof text - (size_t)(port - text), ":%u", i->port);
	env_say(h->env, SAY_INFO, "listening", "stage=%s address=%s protocol=%s", h->id, text,
		h->options->tls_given ? "https" : "http");
}

static int begin_serving(struct http_service *h)
{
	if (h->listen.result < 0) {
		char text[NET_ADDRESS_ROOM];
		net_address_print(&h->address, text);
		env_say(h->env, SAY_ERROR, "cannot listen", "stage=%s address=%s error=%s", h->id,
			text, strerror((int)-h->listen.result));
		return (int)h->listen.result;
	}
	h->daemon = start_library(h, (int)h->listen.result);
	if (!h->daemon) {
		h->state = HTTP_CLOSED;
		env_say(h->env, SAY_ERROR, "cannot serve HTTP", "stage=%s error=%s", h->id,
			*h->why ? h->why : "the library does not say why");
		return -EIO;
	}
	h->state = HTTP_SERVING;
	h->is_due = true;
	say_where(h);
	return STEP_MORE;
}

/* ---- connections that go on for too long ---- */

static bool shutting_down(const struct http_service *h)
{
	for (size_t i = 0; i < HTTP_SHUTDOWNS; i++)
		if (h->shutdowns[i].busy)
			return true;
	return false;
}

/* The library sees its end then, as if the peer had closed it. False: at the next sweep. */
static bool shut_down(struct http_service *h, struct http_request *r)
{
	for (size_t i = 0; i < HTTP_SHUTDOWNS; i++) {
		if (h->shutdowns[i].busy)
			continue;
		h->shutdowns[i] = (struct io_op){.code = IO_SHUTDOWN,
						 .fd = http_connection_descriptor(r),
						 .shutdown = {.how = SHUT_RDWR},
						 .done = on_done};
		io_submit(h->env->io, &h->shutdowns[i]);
		return true;
	}
	return false;
}

static bool close_connection(struct http_service *h, struct http_request *r)
{
	if (r->doomed)
		return false;
	r->doomed = r->suspended || shut_down(h, r);
	http_request_go_on(r);
	return r->doomed;
}

/* When nothing has come, or gone out, for too long; UINT64_MAX: it is not the peer's turn. */
static uint64_t deadline_ns(const struct http_service *h, const struct http_request *r)
{
	uint64_t timeout = h->options->timeout;
	if (r->doomed || r->suspended || r->phase == HTTP_HEAD || r->phase == HTTP_WHOLE)
		return UINT64_MAX;
	if (r->phase != HTTP_BODY)
		return r->since_ns + timeout;
	uint64_t came = r->came + r->passed_over;
	uint64_t earned = came / HTTP_BODY_RATE * 1000000000;
	uint64_t slow = r->since_ns + timeout + earned, silent = r->progress_ns + timeout;
	return silent < slow ? silent : slow;
}

static bool is_older(const struct http_request *r, const struct http_request *than)
{
	return !than || r->since_ns < than->since_ns;
}

static void make_room(struct http_service *h, struct http_request *oldest)
{
	bool full = h->connection_count > h->options->max_connections;
	if (full && oldest && close_connection(h, oldest))
		counter_add(h->figures.made_room, 1);
	if (full && !h->said_full)
		env_say(h->env, SAY_WARN, "as many connections as may be",
			"stage=%s max_connections=%ju", h->id,
			(uintmax_t)h->options->max_connections);
	h->said_full = full || (h->said_full && h->connection_count == h->options->max_connections);
}

static void sweep(struct http_service *h)
{
	uint64_t now = env_now_ns(h->env), every = h->options->timeout / SWEEPS;
	bool full = h->connection_count > h->options->max_connections;
	if (now < h->sweep_ns && !full)
		return;
	struct http_request *oldest = NULL;
	for (struct chain *l = h->connections.next; l != &h->connections; l = l->next) {
		struct http_request *r = chain_owner(l, struct http_request, link);
		if (now >= deadline_ns(h, r) && close_connection(h, r))
			counter_add(h->figures.timed_out, 1);
		else if (r->phase == HTTP_IDLE && !r->doomed && is_older(r, oldest))
			oldest = r;
	}
	make_room(h, oldest);
	h->sweep_ns = now + (every < SWEEP_NS_MAX ? every : SWEEP_NS_MAX);
}

/* ---- serving ---- */

static void watch(struct http_service *h)
{
	if (h->poll.busy)
		return;
	const union MHD_DaemonInfo *i = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	h->poll = (struct io_op){
	    .code = IO_POLL, .fd = i->epoll_fd, .poll = {.events = POLLIN}, .done = on_done};
	io_submit(h->env->io, &h->poll);
}

static int cannot_watch(struct http_service *h)
{
	if (h->poll.result == -ECANCELED)
		return STEP_WAIT; /* all is about to be closed */
	env_say(h->env, SAY_ERROR, "cannot serve HTTP", "stage=%s error=%s", h->id,
		strerror((int)-h->poll.result));
	return (int)h->poll.result;
}

static bool has_more_to_do(struct http_service *h)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;
	return h->is_due || (MHD_get_timeout(h->daemon, &wait_ms) == MHD_YES && wait_ms == 0);
}

/* Descriptors that are to be shut down must not become others' meanwhile, so the library waits for that. */
static int serve(struct http_service *h)
{
	if (!h->poll.busy && h->poll.result < 0 && h->poll.result != -EINTR)
		return cannot_watch(h);
	if (shutting_down(h))
		return STEP_WAIT;
	if (h->is_due || !h->poll.busy) {
		h->is_due = false;
		MHD_run(h->daemon);
	}
	sweep(h);
	if (h->connection_count > 0)
		env_wake_at(h->env, h->sweep_ns);
	if (shutting_down(h))
		return STEP_WAIT;
	h->is_due = has_more_to_do(h);
	watch(h);
	if (!h->is_due && h->connection_count >= MANY)
		env_rest_until(h->env, env_now_ns(h->env) + REST_NS);
	return h->is_due ? STEP_MORE : STEP_WAIT;
}

int http_service_step(struct http_service *h)
{
	switch (h->state) {
	case HTTP_CLOSED:
		begin_listening(h);
		return STEP_WAIT;
	case HTTP_LISTENING:
		return h->listen.busy ? STEP_WAIT : begin_serving(h);
	case HTTP_SERVING:
	case HTTP_STOPPING:
		return serve(h);
	}
	abort();
}

/* ---- ending ---- */

static void break_off_what_is_not_whole(struct http_service *h)
{
	for (struct chain *l = h->connections.next; l != &h->connections; l = l->next) {
		struct http_request *r = chain_owner(l, struct http_request, link);
		bool going = r->phase == HTTP_HEAD || r->phase == HTTP_BODY;
		if (!going || r->doomed)
			continue;
		r->doomed = true;
		http_request_go_on(r);
	}
}

void http_service_stop(struct http_service *h)
{
	if (h->state != HTTP_SERVING)
		return;
	h->listener = MHD_quiesce_daemon(h->daemon);
	h->state = HTTP_STOPPING;
	break_off_what_is_not_whole(h);
	h->is_due = true;
}

bool http_service_is_quiet(const struct http_service *h)
{
	for (struct chain *l = h->connections.next; l != &h->connections; l = l->next) {
		const struct http_request *r = chain_owner(l, struct http_request, link);
		if (!r->doomed && (r->phase == HTTP_WHOLE || r->phase == HTTP_QUEUED))
			return false;
	}
	return h->state != HTTP_LISTENING;
}

void http_service_release(struct http_service *h)
{
	if (!h->options)
		return;
	assert(!h->listen.busy && !h->poll.busy && !shutting_down(h));
	for (struct chain *l = h->connections.next; l != &h->connections; l = l->next)
		http_request_go_on(chain_owner(l, struct http_request, link));
	if (h->daemon)
		MHD_stop_daemon(h->daemon);
	else if (h->state == HTTP_LISTENING && h->listen.result > 0)
		h->listener = (int)h->listen.result;
	h->daemon = NULL;
	assert(h->connection_count == 0);
	descriptor_close(h->env->io, &h->listener);
	http_auth_release(&h->auth);
	h->options = NULL;
}
