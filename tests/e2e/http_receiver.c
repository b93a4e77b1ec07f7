/* http_receiver.c - a server for what calls HTTP: keeps what it is sent, and misbehaves as it is told.
 *
 *	http_receiver --port-file FILE [--records FILE] [--log FILE] [--OPTION VALUE]...
 *
 *	fail P, stall P, reset P   of 100 requests so many get 500; no answer at all; a reset. Half of them are stored before
 *	status N, first N          every request gets that status; only the first N of them do
 *	retry-after TEXT           with each 429 and 503
 *	most BYTES                 bodies beyond get 413
 *	kind plain | bulk | splunk | loki
 *	items-later P, items-never P      bulk: of 100 items so many get 429, or 400
 *	answer normal | endless | headers | cut | cut-late | garbage | bomb | large     2xx; cut-late: after 4 MiB
 *	serve FILE                 what GET gets, with an ETag
 *	read-slowly 1              takes 4 KiB of a body every 10 ms
 *	cert FILE, key FILE        TLS, HTTP/1.1
 *	port N                     that one, not any that is free
 *	seed N
 *
 * A request with an Idempotency-Key that was stored before is answered, and not stored again. A record is a line of the body. The
 * log has a line for each request: method, path, status, records, whether it was repeated; key, and what it was told to be.
 *
 * Until it is killed; SIGTERM ends it well. Its parts are in receiver/. Threads: one. Layer: tests. */
#include "tests/e2e/receiver/receiver_keys.h"
#include "tests/e2e/receiver/receiver_request.h"
#include "tests/e2e/receiver/receiver_said.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

enum { CONNECTIONS_MAX = 256, READ_SIZE = 64 * 1024 };

static struct {
	const char *port_file, *records, *log, *retry_after, *kind, *answer, *serve, *cert, *key;
	unsigned fail, stall, reset, status, first, items_later, items_never, read_slowly, port;
	size_t most;
	uint64_t seed;
} options = {.kind = "plain", .answer = "normal", .most = BODY_MAX};

struct connection {
	int fd;
	SSL *tls;
	struct bytes in;
	struct said out;
	size_t sent;
	bool stalls;
};

static struct connection connections[CONNECTIONS_MAX];
static size_t connection_count;
static FILE *records_file, *log_file;
static SSL_CTX *tls_context;
static uint64_t requests, repeats;
static volatile sig_atomic_t is_over;

static unsigned chance(void)
{
	options.seed ^= options.seed << 13;
	options.seed ^= options.seed >> 7;
	options.seed ^= options.seed << 17;
	return (unsigned)(options.seed % 100);
}

/* ---- what is stored ---- */

static size_t count_lines(const struct request *r)
{
	size_t lines = 0;
	for (size_t i = 0; i < r->body.length; i++)
		lines += r->body.at[i] == '\n';
	return lines;
}

static void keep(const char *from, size_t length)
{
	if (records_file && length > 0)
		fwrite(from, 1, length, records_file);
}

/* Pairs of lines; each is answered for itself. */
static size_t store_bulk(const struct request *r, struct bytes *said)
{
	const char *at = r->body.at, *end = at + r->body.length;
	size_t stored = 0;
	bool errors = false;
	struct bytes items = {.at = NULL};
	while (at < end) {
		const char *document = memchr(at, '\n', (size_t)(end - at));
		const char *next =
		    document ? memchr(document + 1, '\n', (size_t)(end - document - 1)) : NULL;
		if (!next)
			break;
		unsigned drawn = chance();
		const char *item = "{\"index\":{\"status\":201}}";
		if (drawn < options.items_later)
			item = "{\"index\":{\"status\":429,\"error\":{\"type\":\"es_rejected_"
			       "execution_"
			       "exception\",\"reason\":\"queue \\\"bulk\\\" is full\"}}}";
		else if (drawn < options.items_later + options.items_never)
			item = "{\"index\":{\"status\":400,\"error\":{\"type\":\"mapper_parsing_"
			       "exception\","
			       "\"reason\":\"no [] number\"}}}";
		else
			keep(document + 1, (size_t)(next - document)), stored++;
		errors |= drawn < options.items_later + options.items_never;
		bytes_append_text(&items, items.length > 0 ? "," : "");
		bytes_append_text(&items, item);
		at = next + 1;
	}
	bytes_append_text(said, errors ? "{\"errors\":true,\"items\":["
				       : "{\"errors\":false,\"items\":[");
	bytes_append(said, items.at, items.length);
	bytes_append_text(said, "]}");
	free(items.at);
	return stored;
}

/* *said: the body of the answer. How many records. */
static size_t store(const struct request *r, struct bytes *said)
{
	if (strcmp(options.kind, "bulk") == 0)
		return store_bulk(r, said);
	keep(r->body.at, r->body.length);
	bytes_append_text(
	    said, strcmp(options.kind, "splunk") == 0 ? "{\"text\":\"Success\",\"code\":0}" : "");
	return count_lines(r);
}

static void note(const struct request *r, const char *what, size_t stored, bool repeated)
{
	if (!log_file)
		return;
	fprintf(log_file, "%s %s %s records=%zu%s key=%s auth=%s\n", r->method, r->path, what,
		stored, repeated ? " repeated" : "", r->key, r->authorization);
	fflush(log_file);
}

static void take(struct connection *c, const struct request *r)
{
	struct bytes said = {.at = NULL};
	char what[32] = "200";
	bool repeated =
	    r->key[0] && strcmp(options.kind, "bulk") != 0 && receiver_keys_have(r->key);
	unsigned drawn = chance();
	bool fails = drawn < options.fail + options.stall + options.reset;
	bool is_stored = !fails || (strcmp(options.kind, "bulk") != 0 && chance() < 50);
	size_t stored = is_stored && !repeated ? store(r, &said) : 0;
	if (is_stored && !repeated && r->key[0])
		receiver_keys_add(r->key);
	repeats += repeated;
	if (drawn < options.fail) {
		said_status(&c->out, 500, options.retry_after);
		snprintf(what, sizeof what, "500");
	} else if (drawn < options.fail + options.stall) {
		c->stalls = true;
		snprintf(what, sizeof what, "stall");
	} else if (fails) {
		struct linger hard = {1, 0};
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
		c->out.is_closing = true;
		snprintf(what, sizeof what, "reset");
	} else if (!said_oddly(&c->out, options.answer)) {
		if (requests % 2)
			said_chunked(&c->out, said.at, said.length);
		else
			said_answer(&c->out, 200, "", said.at, said.length);
	}
	note(r, what, stored, repeated);
	free(said.at);
}

static void give(struct connection *c, const struct request *r)
{
	struct bytes body = {.at = NULL};
	char chunk[READ_SIZE], tag[64], headers[128];
	FILE *f = options.serve ? fopen(options.serve, "r") : NULL;
	if (!f) {
		said_status(&c->out, 404, options.retry_after);
		note(r, "404", 0, false);
		return;
	}
	for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
		bytes_append(&body, chunk, n);
	fclose(f);
	snprintf(tag, sizeof tag, "\"%016llx\"",
		 (unsigned long long)XXH3_64bits(body.at, body.length));
	bool unchanged = strcmp(tag, r->tag) == 0;
	snprintf(headers, sizeof headers, "ETag: %s\r\n", tag);
	if (unchanged)
		said_answer(&c->out, 304, headers, NULL, 0);
	else if (!said_oddly(&c->out, options.answer))
		said_answer(&c->out, 200, headers, body.at, body.length);
	note(r, unchanged ? "304" : "200", 0, false);
	free(body.at);
}

static void handle(struct connection *c, struct request *r)
{
	bool is_told = options.status && (options.first == 0 || requests < options.first);
	char status[16];
	requests++;
	if (is_told || r->length > options.most) {
		unsigned code = is_told ? options.status : 413;
		said_status(&c->out, code, options.retry_after);
		snprintf(status, sizeof status, "%u", code);
		note(r, status, 0, false);
		return;
	}
	if (strcmp(r->method, "GET") == 0 && options.fail + options.stall + options.reset == 0) {
		give(c, r);
		return;
	}
	request_unpack(r, c->in.at + r->head, r->length);
	take(c, r);
	free(r->body.at);
}

/* ---- connections ---- */

static void drop(struct connection *c)
{
	if (c->tls)
		SSL_free(c->tls);
	close(c->fd);
	free(c->in.at);
	free(c->out.bytes.at);
	*c = connections[--connection_count];
}

static ssize_t receive(struct connection *c, char *to, size_t room)
{
	if (!c->tls)
		return read(c->fd, to, room);
	int n = SSL_read(c->tls, to, (int)room);
	if (n > 0)
		return n;
	int why = SSL_get_error(c->tls, n);
	errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
	return why == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

static ssize_t deliver(struct connection *c, const char *from, size_t length)
{
	if (!c->tls)
		return send(c->fd, from, length, MSG_NOSIGNAL);
	int n = SSL_write(c->tls, from, (int)length);
	if (n > 0)
		return n;
	errno = SSL_get_error(c->tls, n) == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
	return -1;
}

/* All whole requests that have come. */
static void handle_all(struct connection *c)
{
	for (;;) {
		struct request r = {.head = 0};
		if (c->stalls || c->out.is_closing || !request_read_head(&c->in, &r) ||
		    r.length > BODY_MAX || c->in.length < r.head + r.length)
			return;
		handle(c, &r);
		size_t used = r.head + r.length;
		memmove(c->in.at, c->in.at + used, c->in.length - used);
		c->in.length -= used;
	}
}

static void pause_ms(unsigned ms)
{
	const struct timespec t = {.tv_nsec = (long)ms * 1000000};
	nanosleep(&t, NULL);
}

/* False: it is gone. */
static bool read_some(struct connection *c)
{
	static char chunk[READ_SIZE];
	for (;;) {
		ssize_t n = receive(c, chunk, options.read_slowly ? 4096 : sizeof chunk);
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n <= 0)
			return false;
		bytes_append(&c->in, chunk, (size_t)n);
		handle_all(c);
		if (options.read_slowly) {
			pause_ms(10);
			return true;
		}
	}
}

static bool write_some(struct connection *c)
{
	while (c->sent < c->out.bytes.length) {
		ssize_t n = deliver(c, c->out.bytes.at + c->sent, c->out.bytes.length - c->sent);
		if (n < 0)
			return errno == EAGAIN;
		c->sent += (size_t)n;
	}
	c->sent = c->out.bytes.length = 0;
	if (c->out.endless) {
		char piece[2048];
		snprintf(piece, sizeof piece, c->out.endless, 7);
		bytes_append_text(&c->out.bytes, piece);
	}
	return !c->out.is_closing;
}

static bool has_to_write(const struct connection *c)
{
	return c->sent < c->out.bytes.length || c->out.is_closing || c->out.endless;
}

static void accept_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (connection_count == CONNECTIONS_MAX) {
		close(fd);
		return;
	}
	struct connection *c = &connections[connection_count++];
	*c = (struct connection){.fd = fd};
	if (!tls_context)
		return;
	c->tls = SSL_new(tls_context);
	SSL_set_fd(c->tls, fd);
	SSL_set_accept_state(c->tls);
}

static void serve_all(int listener)
{
	struct pollfd polled[CONNECTIONS_MAX + 1];
	while (!is_over) {
		polled[0] = (struct pollfd){.fd = listener, .events = POLLIN};
		for (size_t i = 0; i < connection_count; i++) {
			const struct connection *c = &connections[i];
			polled[i + 1] = (struct pollfd){
			    .fd = c->fd, .events = POLLIN | (has_to_write(c) ? POLLOUT : 0)};
		}
		size_t count = connection_count;
		if (poll(polled, count + 1, -1) < 0)
			continue;
		for (size_t i = count; i-- > 0;) {
			struct connection *c = &connections[i];
			bool lives = true;
			if (polled[i + 1].revents & (POLLIN | POLLHUP | POLLERR))
				lives = read_some(c);
			if (lives && has_to_write(c))
				lives = write_some(c);
			if (!lives)
				drop(c);
		}
		if (polled[0].revents)
			accept_one(listener);
	}
}

/* ---- the beginning ---- */

static int listen_somewhere(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int yes = 1;
	a.sin_port = htons((uint16_t)options.port);
	socklen_t length = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 128) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &length) < 0)
		receiver_fail("listen");
	char made[1024];
	snprintf(made, sizeof made, "%s.new", options.port_file);
	FILE *f = fopen(made, "w");
	if (!f)
		receiver_fail(made);
	fprintf(f, "%u\n", ntohs(a.sin_port));
	fclose(f);
	if (rename(made, options.port_file) < 0)
		receiver_fail(options.port_file);
	return fd;
}

static void set_up_tls(void)
{
	if (!options.cert)
		return;
	tls_context = SSL_CTX_new(TLS_server_method());
	if (!tls_context || SSL_CTX_use_certificate_chain_file(tls_context, options.cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls_context, options.key, SSL_FILETYPE_PEM) != 1)
		receiver_fail("certificate");
}

static bool take_text(const char *name, const char *value)
{
	const struct {
		const char *name;
		const char **to;
	} texts[] = {{"port-file", &options.port_file},
		     {"records", &options.records},
		     {"log", &options.log},
		     {"retry-after", &options.retry_after},
		     {"kind", &options.kind},
		     {"answer", &options.answer},
		     {"serve", &options.serve},
		     {"cert", &options.cert},
		     {"key", &options.key}};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (strcmp(texts[i].name, name) == 0) {
			*texts[i].to = value;
			return true;
		}
	return false;
}

static bool take_number(const char *name, const char *value)
{
	const struct {
		const char *name;
		unsigned *to;
	} numbers[] = {{"fail", &options.fail},
		       {"stall", &options.stall},
		       {"reset", &options.reset},
		       {"status", &options.status},
		       {"first", &options.first},
		       {"items-later", &options.items_later},
		       {"items-never", &options.items_never},
		       {"read-slowly", &options.read_slowly},
		       {"port", &options.port}};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (strcmp(numbers[i].name, name) == 0) {
			*numbers[i].to = (unsigned)strtoul(value, NULL, 10);
			return true;
		}
	if (strcmp(name, "most") == 0)
		options.most = strtoul(value, NULL, 10);
	else if (strcmp(name, "seed") == 0)
		options.seed = strtoul(value, NULL, 10);
	else
		return false;
	return true;
}

static FILE *open_to_write(const char *path)
{
	FILE *f = path ? fopen(path, "a") : NULL;
	if (path && !f)
		receiver_fail(path);
	return f;
}

static void on_signal(int number)
{
	(void)number;
	is_over = 1;
}

int main(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2)
		if (strncmp(argv[i], "--", 2) != 0 || (!take_text(argv[i] + 2, argv[i + 1]) &&
						       !take_number(argv[i] + 2, argv[i + 1])))
			return 2;
	if (!options.port_file)
		return 2;
	options.seed = options.seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	receiver_keys_init();
	struct sigaction act = {.sa_handler = on_signal};
	sigaction(SIGTERM, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
	records_file = open_to_write(options.records);
	log_file = open_to_write(options.log);
	set_up_tls();
	serve_all(listen_somewhere());
	fprintf(stderr, "requests=%llu repeats=%llu\n", (unsigned long long)requests,
		(unsigned long long)repeats);
	if (records_file)
		fclose(records_file);
	while (connection_count > 0)
		drop(&connections[0]);
	SSL_CTX_free(tls_context);
	receiver_keys_release();
	return 0;
}
