/* libcurl driven by a stage's operations, over real sockets and both backends: transfers that are taken back while they are waited
 * for, connections that are kept, descriptors whose numbers come again. */
#include "stages/http_call/http_answer.h"
#include "tests/unit/daemon/each_backend.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>

#define LOOP_TEST(name) EACH_BACKEND_TEST(http_call_loop, name)

enum { PEERS_MAX = 64 };

/* Answers /ok with `ok`, anything else with silence. */
struct server {
	pthread_t thread;
	int listener, stop[2];
	unsigned port, accepted; /* accepted: read after it has ended */
	struct pollfd polled[PEERS_MAX + 2];
	nfds_t count;
};

struct loop_world {
	struct env env; /* must stand first */
	struct backend *backend;
	uint64_t wake_ns;
	struct curl_loop loop;
	struct http_options options;
	struct server server;
	char ok[64], silent[64];
};

static void drop_peer(struct server *s, nfds_t i)
{
	close(s->polled[i].fd);
	s->polled[i] = s->polled[--s->count];
}

static void hear_peer(struct server *s, nfds_t i)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	char request[4096];
	ssize_t n = read(s->polled[i].fd, request, sizeof request);
	if (n <= 0)
		drop_peer(s, i);
	else if (n > 8 && memcmp(request, "GET /ok ", 8) == 0)
		cr_assert_eq(send(s->polled[i].fd, ok, sizeof ok - 1, MSG_NOSIGNAL), sizeof ok - 1);
}

static void *serve(void *argument)
{
	struct server *s = argument;
	s->polled[0] = (struct pollfd){.fd = s->stop[0], .events = POLLIN};
	s->polled[1] = (struct pollfd){.fd = s->listener, .events = POLLIN};
	s->count = 2;
	while (poll(s->polled, s->count, -1) > 0 && !s->polled[0].revents) {
		for (nfds_t i = s->count; i-- > 2;)
			if (s->polled[i].revents)
				hear_peer(s, i);
		if (!s->polled[1].revents || s->count == PEERS_MAX + 2)
			continue;
		int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			s->polled[s->count++] = (struct pollfd){.fd = fd, .events = POLLIN};
		s->accepted += fd >= 0;
	}
	return NULL;
}

static void start_server(struct server *s)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof a;
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(s->listener, (struct sockaddr *)&a, sizeof a), 0);
	cr_assert_eq(listen(s->listener, PEERS_MAX), 0);
	cr_assert_eq(getsockname(s->listener, (struct sockaddr *)&a, &length), 0);
	cr_assert_eq(pipe(s->stop), 0);
	s->port = ntohs(a.sin_port);
	cr_assert_eq(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void stop_server(struct server *s)
{
	close(s->stop[1]);
	pthread_join(s->thread, NULL);
	while (s->count > 2)
		drop_peer(s, s->count - 1);
	close(s->listener);
	close(s->stop[0]);
}

/* ---- the world ---- */

static uint64_t now(struct env *e)
{
	(void)e;
	return backend_now_ns();
}

static int64_t wall(struct env *e)
{
	(void)e;
	return (int64_t)time(NULL) * 1000000000;
}

static void wake_at(struct env *e, uint64_t when_ns)
{
	struct loop_world *w = (struct loop_world *)(void *)e;
	if (when_ns < w->wake_ns)
		w->wake_ns = when_ns;
}

static const struct env_ops ops = {.now_ns = now, .wall_ns = wall, .wake_at = wake_at};

static void begin(struct loop_world *w, int kind, const struct pool_options *pool)
{
	memset(w, 0, sizeof *w);
	start_server(&w->server);
	cr_assert_eq(backend_open(&w->backend, (enum backend_kind)kind, NULL), 0);
	w->env = (struct env){.ops = &ops, .io = &w->backend->io};
	cr_assert_eq(curl_loop_init(&w->loop, &w->env, pool), 0);
	snprintf(w->ok, sizeof w->ok, "http://127.0.0.1:%u/ok", w->server.port);
	snprintf(w->silent, sizeof w->silent, "http://127.0.0.1:%u/silent", w->server.port);
}

static void wait_a_while(struct loop_world *w)
{
	uint64_t least = backend_now_ns() + 20000000;
	backend_wait(w->backend, w->wake_ns < least ? w->wake_ns : least);
	backend_poll(w->backend);
}

static void end(struct loop_world *w)
{
	while (!curl_loop_is_quiet(&w->loop))
		wait_a_while(w);
	curl_loop_release(&w->loop);
	backend_close(w->backend);
	stop_server(&w->server);
}

static int turn(struct loop_world *w)
{
	w->wake_ns = UINT64_MAX;
	int r = curl_loop_step(&w->loop);
	cr_assert_geq(r, 0);
	if (r == 0)
		wait_a_while(w);
	return r;
}

static void ask(struct loop_world *w, struct http_transfer *t, const char *url)
{
	const struct http_request request = {.body_max = 1024};
	cr_assert_eq(http_transfer_prepare(t, &w->env, &w->options, url, "Bearer"), 0);
	cr_assert_eq(http_transfer_begin(t, &w->loop, &request), 0);
}

/* A transfer that ends. */
static struct http_transfer *await_one(struct loop_world *w)
{
	CURLcode code;
	CURL *easy;
	uint64_t deadline = backend_now_ns() + UINT64_C(20000000000);
	while ((easy = curl_loop_take(&w->loop, &code)) == NULL) {
		turn(w);
		cr_assert_lt(backend_now_ns(), deadline, "nothing has ended");
	}
	struct http_transfer *t = http_transfer_of(easy);
	http_transfer_end(t, &w->loop, code);
	return t;
}

/* Its request may be out by then, or not even connected. */
static void get_going(struct loop_world *w, unsigned turns)
{
	for (unsigned i = 0; i < turns; i++)
		turn(w);
}

static const struct pool_options usual = {.idle_timeout_ns = UINT64_C(60000000000)};

LOOP_TEST(an_answer_comes_and_its_connection_is_kept_for_the_next)
{
	need_backend(*kind);
	static struct loop_world w;
	struct http_transfer t;
	begin(&w, *kind, &usual);
	for (int i = 0; i < 5; i++) {
		ask(&w, &t, w.ok);
		cr_assert_eq(await_one(&w), &t);
		cr_expect_eq(t.answer.code, CURLE_OK);
		cr_expect_eq(t.answer.status, 200);
		cr_expect(t.answer.length == 2 && memcmp(t.answer.body, "ok", 2) == 0);
		http_transfer_release(&t);
	}
	end(&w);
	cr_expect_eq(w.server.accepted, 1, "%u connections", w.server.accepted);
}

LOOP_TEST(what_is_taken_back_while_it_is_waited_for_does_not_disturb_who_gets_its_number)
{
	need_backend(*kind);
	static struct loop_world w;
	struct http_transfer silent, ok;
	begin(&w, *kind, &usual);
	for (unsigned i = 0; i < 40; i++) {
		ask(&w, &silent, w.silent);
		get_going(&w, i % 5);
		http_transfer_cancel(&silent, &w.loop);
		http_transfer_release(&silent);
		ask(&w, &ok, w.ok);
		cr_assert_eq(await_one(&w), &ok);
		cr_expect_eq(ok.answer.status, 200, "round %u: %s", i,
			     curl_easy_strerror(ok.answer.code));
		http_transfer_release(&ok);
	}
	end(&w);
}

LOOP_TEST(many_are_under_way_and_some_of_them_taken_back)
{
	need_backend(*kind);
	enum { MANY = 20 };
	static struct loop_world w;
	static struct http_transfer t[MANY];
	begin(&w, *kind, &usual);
	for (int i = 0; i < MANY; i++)
		ask(&w, &t[i], i % 2 ? w.ok : w.silent);
	for (int i = 0; i < MANY / 2; i++)
		cr_expect_eq(await_one(&w)->answer.status, 200);
	for (int i = 0; i < MANY; i++) {
		http_transfer_cancel(&t[i], &w.loop);
		http_transfer_release(&t[i]);
	}
	end(&w);
}

LOOP_TEST(no_more_connections_are_open_than_there_may_be)
{
	need_backend(*kind);
	enum { MANY = 10 };
	static struct loop_world w;
	static struct http_transfer t[MANY];
	begin(&w, *kind, &(struct pool_options){.max = 2, .per_host = 2});
	for (int i = 0; i < MANY; i++)
		ask(&w, &t[i], w.ok);
	for (int i = 0; i < MANY; i++)
		cr_expect_eq(await_one(&w)->answer.status, 200);
	for (int i = 0; i < MANY; i++)
		http_transfer_release(&t[i]);
	end(&w);
	cr_expect_eq(w.server.accepted, 2, "%u connections", w.server.accepted);
}

LOOP_TEST(nobody_listening_is_told)
{
	need_backend(*kind);
	static struct loop_world w;
	struct http_transfer t;
	const char *why;
	begin(&w, *kind, &usual);
	snprintf(w.ok, sizeof w.ok, "http://127.0.0.1:1/");
	ask(&w, &t, w.ok);
	await_one(&w);
	cr_expect_eq(t.answer.code, CURLE_COULDNT_CONNECT);
	cr_expect_eq(http_verdict_of(&t.answer, &why), HTTP_AGAIN);
	http_transfer_release(&t);
	end(&w);
}

LOOP_TEST(idle_connections_are_closed_after_their_time)
{
	need_backend(*kind);
	static struct loop_world w;
	struct http_transfer t;
	begin(&w, *kind, &(struct pool_options){.idle_timeout_ns = 1000000});
	ask(&w, &t, w.ok);
	await_one(&w);
	http_transfer_release(&t);
	uint64_t deadline = backend_now_ns() + UINT64_C(20000000000);
	while (w.loop.has_connections) {
		turn(&w);
		cr_assert_lt(backend_now_ns(), deadline, "it is still open");
	}
	ask(&w, &t, w.ok);
	await_one(&w);
	cr_expect_eq(t.answer.status, 200);
	http_transfer_release(&t);
	end(&w);
	cr_expect_eq(w.server.accepted, 2, "%u connections", w.server.accepted);
}
