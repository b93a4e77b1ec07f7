/* How serving begins, over real sockets and both backends. */
#include "stages/http_serve/http_service.h"
#include "stages/stage.h"
#include "tests/unit/daemon/each_backend.h"
#include "tests/unit/stages/still_world.h"

#include <errno.h>
#include <fcntl.h>

static struct text text_of(const char *s)
{
	return (struct text){.bytes = s, .length = strlen(s)};
}

/* Until it says something else than to wait. */
static int step(struct http_service *h, struct backend *b)
{
	int r;
	while ((r = http_service_step(h)) == STEP_WAIT) {
		backend_wait(b, UINT64_MAX);
		backend_poll(b);
	}
	return r;
}

/* Another stage of the process opens something, and may get the number that the library has closed. */
EACH_BACKEND_TEST(http_serve_listening, what_cannot_begin_closes_its_listener_once)
{
	need_backend(*kind);
	static struct still_world w;
	const struct http_service_options options = {
	    .listen = text_of("127.0.0.1:0"),
	    .max_connections = 2,
	    .timeout = UINT64_C(1000000000),
	    .tls = {.cert = {.content = text_of("none")}, .key = {.content = text_of("none")}},
	    .tls_given = true,
	};
	struct backend *b;
	struct http_service h = {.options = &options, .id = "in"};
	cr_assert_eq(backend_open(&b, (enum backend_kind) * kind, NULL), 0);
	still_world_init(&w);
	w.env.io = &b->io;
	h.env = &w.env;
	cr_assert_eq(http_service_init(&h), 0);
	cr_assert_eq(step(&h, b), -EIO);
	int others = dup2(STDERR_FILENO, (int)h.listen.result);
	http_service_release(&h);
	while (b->busy > 0) {
		backend_wait(b, UINT64_MAX);
		backend_poll(b);
	}
	backend_close(b);
	cr_expect(fcntl(others, F_GETFD) >= 0, "another's descriptor was closed");
	close(others);
}
