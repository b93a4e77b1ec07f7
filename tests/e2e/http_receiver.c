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
 * Until it is killed; SIGTERM ends it well. Threads: one. Layer: tests. */
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
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>
#include <zlib.h>
#include <zstd.h>

enum { CONNECTIONS_MAX = 256, BODY_MAX = 1 << 28, KEYS_ROOM = 1 << 20, READ_SIZE = 64 * 1024 };

static struct {
	const char *port_file, *records, *log, *retry_after, *kind, *answer, *serve, *cert, *key;
	unsigned fail, stall, reset, status, first, items_later, items_never, read_slowly, port;
	size_t most;
	uint64_t seed;
} options = {.kind = "plain", .answer = "normal", .most = BODY_MAX};

struct bytes {
	char *at;
	size_t length, room;
};

struct connection {
	int fd;
	SSL *tls;
	struct bytes in, out;
	size_t sent;
	bool stalls, is_closing;
	const char *endless; /* what it goes on saying; NULL: nothing */
};

/* What a request says of itself. */
struct request {
	char method[16], path[512], key[300], encoding[32], tag[128], authorization[200];
	size_t head, length;
	bool is_chunked;
	struct bytes body; /* unpacked */
};

static struct connection connections[CONNECTIONS_MAX];
static size_t connection_count;
static FILE *records_file, *log_file;
static SSL_CTX *tls_context;
static uint64_t requests, repeats;
static XXH128_hash_t *stored_keys;
static volatile sig_atomic_t is_over;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void append(struct bytes *b, const void *from, size_t length)
{
	if (b->length + length > b->room) {
		b->room = 2 * (b->length + length);
		b->at = realloc(b->at, b->room);
		if (!b->at)
			fail("memory");
	}
	if (length > 0)
		memcpy(b->at + b->length, from, length);
	b->length += length;
}

static void append_text(struct bytes *b, const char *text)
{
	append(b, text, strlen(text));
}

static unsigned chance(void)
{
	options.seed ^= options.seed << 13;
	options.seed ^= options.seed >> 7;
	options.seed ^= options.seed << 17;
	return (unsigned)(options.seed % 100);
}

/* ---- keys that were stored ---- */

/* True: it was there. */
static bool remember(const char *key)
{
	XXH128_hash_t hash = XXH3_128bits(key, strlen(key)), *at;
	for (uint64_t i = hash.low64;; i++) {
		at = &stored_keys[i % KEYS_ROOM];
		if (at->low64 == hash.low64 && at->high64 == hash.high64)
			return true;
		if (at->low64 == 0 && at->high64 == 0)
			break;
	}
	*at = hash;
	return false;
}

static bool is_remembered(const char *key)
{
	XXH128_hash_t hash = XXH3_128bits(key, strlen(key));
	for (uint64_t i = hash.low64;; i++) {
		const XXH128_hash_t *at = &stored_keys[i % KEYS_ROOM];
		if (at->low64 == hash.low64 && at->high64 == hash.high64)
			return true;
		if (at->low64 == 0 && at->high64 == 0)
			return false;
	}
}

/* ---- reading a request ---- */

static void header_value(const char *head, size_t length, const char *name, char *to, size_t room)
{
	size_t n = strlen(name);
	*to = '\0';
	for (const char *at = head;
	     (at = memchr(at, '\n', (size_t)(head + length - at))) != NULL;) {
		at++;
		if ((size_t)(head + length - at) <= n || strncasecmp(at, name, n) != 0 ||
		    at[n] != ':')
			continue;
		at += n + 1;
		while (*at == ' ')
			at++;
		size_t value = strcspn(at, "\r\n");
		snprintf(to, room, "%.*s", (int)value, at);
	}
}

/* False: more has to come. */
static bool read_head(const struct connection *c, struct request *r)
{
	char number[32];
	if (c->in.length == 0)
		return false;
	const char *end = memmem(c->in.at, c->in.length, "\r\n\r\n", 4);
	if (!end)
		return false;
	r->head = (size_t)(end - c->in.at) + 4;
	if (sscanf(c->in.at, "%15s %511s", r->method, r->path) != 2)
		return false;
	header_value(c->in.at, r->head, "Idempotency-Key", r->key, sizeof r->key);
	header_value(c->in.at, r->head, "Content-Encoding", r->encoding, sizeof r->encoding);
	header_value(c->in.at, r->head, "If-None-Match", r->tag, sizeof r->tag);
	header_value(c->in.at, r->head, "Authorization", r->authorization, sizeof r->authorization);
	header_value(c->in.at, r->head, "Content-Length", number, sizeof number);
	r->length = strtoul(number, NULL, 10);
	return true;
}

static void unpack_gzip(struct request *r, const char *from, size_t length)
{
	char out[READ_SIZE];
	z_stream z = {.next_in = (Bytef *)(uintptr_t)from, .avail_in = (uInt)length};
	if (inflateInit2(&z, 15 + 16) != Z_OK)
		fail("inflate");
	int result = Z_OK;
	while (result == Z_OK) {
		z.next_out = (Bytef *)out;
		z.avail_out = sizeof out;
		result = inflate(&z, Z_NO_FLUSH);
		append(&r->body, out, sizeof out - z.avail_out);
	}
	inflateEnd(&z);
	if (result != Z_STREAM_END)
		r->body.length = 0;
}

static void unpack_zstd(struct request *r, const char *from, size_t length)
{
	unsigned long long size = ZSTD_getFrameContentSize(from, length);
	if (size > BODY_MAX)
		return;
	r->body.at = malloc(size + 1);
	r->body.room = size + 1;
	size_t n = r->body.at ? ZSTD_decompress(r->body.at, size, from, length) : 0;
	r->body.length = ZSTD_isError(n) ? 0 : n;
}

static void unpack(struct request *r, const char *from, size_t length)
{
	if (strcmp(r->encoding, "gzip") == 0)
		unpack_gzip(r, from, length);
	else if (strcmp(r->encoding, "zstd") == 0)
		unpack_zstd(r, from, length);
	else
		append(&r->body, from, length);
}

/* ---- answers ---- */

static void answer(struct connection *c, unsigned status, const char *headers, const char *body,
		   size_t length)
{
	char head[1024];
	snprintf(head, sizeof head, "HTTP/1.1 %u Told\r\nContent-Length: %zu\r\n%s\r\n", status,
		 length, headers);
	append_text(&c->out, head);
	append(&c->out, body, length);
}

static void answer_chunked(struct connection *c, const char *body, size_t length)
{
	char size[32];
	append_text(&c->out, "HTTP/1.1 200 Told\r\nTransfer-Encoding: chunked\r\n\r\n");
	snprintf(size, sizeof size, "%zx\r\n", length);
	if (length > 0) {
		append_text(&c->out, size);
		append(&c->out, body, length);
		append_text(&c->out, "\r\n");
	}
	append_text(&c->out, "0\r\n\r\n");
}

static void answer_status(struct connection *c, unsigned status)
{
	char retry[300] = "";
	if (options.retry_after && (status == 429 || status == 503))
		snprintf(retry, sizeof retry, "Retry-After: %s\r\n", options.retry_after);
	char body[64];
	snprintf(body, sizeof body, "this is a %u", status);
	answer(c, status, retry, body, strlen(body));
}

/* So many bytes of zeros, in a thousandth of it. */
static void answer_bomb(struct connection *c)
{
	enum { UNPACKED = 1 << 29, STEP = 1 << 20 };
	static char zeros[STEP];
	struct bytes packed = {.at = NULL};
	char out[READ_SIZE];
	z_stream z = {.next_in = NULL};
	if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		fail("deflate");
	for (size_t done = 0; done < UNPACKED; done += STEP) {
		z.next_in = (Bytef *)zeros;
		z.avail_in = STEP;
		do {
			z.next_out = (Bytef *)out;
			z.avail_out = sizeof out;
			deflate(&z, done + STEP == UNPACKED ? Z_FINISH : Z_NO_FLUSH);
			append(&packed, out, sizeof out - z.avail_out);
		} while (z.avail_out == 0);
	}
	deflateEnd(&z);
	answer(c, 200, "Content-Encoding: gzip\r\n", packed.at, packed.length);
	free(packed.at);
}

/* What it says when all went well. True: that was it. */
static bool answer_oddly(struct connection *c)
{
	static char large[4 << 20];
	if (strcmp(options.answer, "endless") == 0) {
		append_text(&c->out, "HTTP/1.1 200 Told\r\nTransfer-Encoding: chunked\r\n\r\n");
		c->endless = "400\r\n%1024d\r\n";
	} else if (strcmp(options.answer, "headers") == 0) {
		append_text(&c->out, "HTTP/1.1 200 Told\r\n");
		c->endless = "X-More: %1000d\r\n";
	} else if (strcmp(options.answer, "cut") == 0) {
		append_text(&c->out, "HTTP/1.1 200 Told\r\nContent-Length: 1000\r\n\r\nhalf\n");
		c->is_closing = true;
	} else if (strcmp(options.answer, "cut-late") == 0) {
		append_text(&c->out, "HTTP/1.1 200 Told\r\nContent-Length: 5000000\r\n\r\n");
		append(&c->out, large, sizeof large);
		c->is_closing = true;
	} else if (strcmp(options.answer, "garbage") == 0) {
		answer(c, 200, "", "{\"errors\":tru", 13);
	} else if (strcmp(options.answer, "bomb") == 0) {
		answer_bomb(c);
	} else if (strcmp(options.answer, "large") == 0) {
		memset(large, 'x', sizeof large);
		answer(c, 200, "", large, sizeof large);
	} else {
		return false;
	}
	return true;
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
		append_text(&items, items.length > 0 ? "," : "");
		append_text(&items, item);
		at = next + 1;
	}
	append_text(said,
		    errors ? "{\"errors\":true,\"items\":[" : "{\"errors\":false,\"items\":[");
	append(said, items.at, items.length);
	append_text(said, "]}");
	free(items.at);
	return stored;
}

/* *said: the body of the answer. How many records. */
static size_t store(const struct request *r, struct bytes *said)
{
	if (strcmp(options.kind, "bulk") == 0)
		return store_bulk(r, said);
	keep(r->body.at, r->body.length);
	append_text(said,
		    strcmp(options.kind, "splunk") == 0 ? "{\"text\":\"Success\",\"code\":0}" : "");
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
	bool repeated = r->key[0] && strcmp(options.kind, "bulk") != 0 && is_remembered(r->key);
	unsigned drawn = chance();
	bool fails = drawn < options.fail + options.stall + options.reset;
	bool is_stored = !fails || (strcmp(options.kind, "bulk") != 0 && chance() < 50);
	size_t stored = is_stored && !repeated ? store(r, &said) : 0;
	if (is_stored && !repeated && r->key[0])
		remember(r->key);
	repeats += repeated;
	if (drawn < options.fail) {
		answer_status(c, 500);
		snprintf(what, sizeof what, "500");
	} else if (drawn < options.fail + options.stall) {
		c->stalls = true;
		snprintf(what, sizeof what, "stall");
	} else if (fails) {
		struct linger hard = {1, 0};
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
		c->is_closing = true;
		snprintf(what, sizeof what, "reset");
	} else if (!answer_oddly(c)) {
		if (requests % 2)
			answer_chunked(c, said.at, said.length);
		else
			answer(c, 200, "", said.at, said.length);
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
		answer_status(c, 404);
		note(r, "404", 0, false);
		return;
	}
	for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
		append(&body, chunk, n);
	fclose(f);
	snprintf(tag, sizeof tag, "\"%016llx\"",
		 (unsigned long long)XXH3_64bits(body.at, body.length));
	bool unchanged = strcmp(tag, r->tag) == 0;
	snprintf(headers, sizeof headers, "ETag: %s\r\n", tag);
	if (unchanged)
		answer(c, 304, headers, NULL, 0);
	else if (!answer_oddly(c))
		answer(c, 200, headers, body.at, body.length);
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
		answer_status(c, code);
		snprintf(status, sizeof status, "%u", code);
		note(r, status, 0, false);
		return;
	}
	if (strcmp(r->method, "GET") == 0 && options.fail + options.stall + options.reset == 0) {
		give(c, r);
		return;
	}
	unpack(r, c->in.at + r->head, r->length);
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
	free(c->out.at);
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
		if (c->stalls || c->is_closing || !read_head(c, &r) || r.length > BODY_MAX ||
		    c->in.length < r.head + r.length)
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
		append(&c->in, chunk, (size_t)n);
		handle_all(c);
		if (options.read_slowly) {
			pause_ms(10);
			return true;
		}
	}
}

static bool write_some(struct connection *c)
{
	while (c->sent < c->out.length) {
		ssize_t n = deliver(c, c->out.at + c->sent, c->out.length - c->sent);
		if (n < 0)
			return errno == EAGAIN;
		c->sent += (size_t)n;
	}
	c->sent = c->out.length = 0;
	if (c->endless) {
		char piece[2048];
		snprintf(piece, sizeof piece, c->endless, 7);
		append_text(&c->out, piece);
	}
	return !c->is_closing;
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
			bool writes = c->sent < c->out.length || c->is_closing || c->endless;
			polled[i + 1] =
			    (struct pollfd){.fd = c->fd, .events = POLLIN | (writes ? POLLOUT : 0)};
		}
		size_t count = connection_count;
		if (poll(polled, count + 1, -1) < 0)
			continue;
		for (size_t i = count; i-- > 0;) {
			struct connection *c = &connections[i];
			bool lives = true;
			if (polled[i + 1].revents & (POLLIN | POLLHUP | POLLERR))
				lives = read_some(c);
			if (lives && (c->sent < c->out.length || c->is_closing || c->endless))
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
		fail("listen");
	char made[1024];
	snprintf(made, sizeof made, "%s.new", options.port_file);
	FILE *f = fopen(made, "w");
	if (!f)
		fail(made);
	fprintf(f, "%u\n", ntohs(a.sin_port));
	fclose(f);
	if (rename(made, options.port_file) < 0)
		fail(options.port_file);
	return fd;
}

static void set_up_tls(void)
{
	if (!options.cert)
		return;
	tls_context = SSL_CTX_new(TLS_server_method());
	if (!tls_context || SSL_CTX_use_certificate_chain_file(tls_context, options.cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls_context, options.key, SSL_FILETYPE_PEM) != 1)
		fail("certificate");
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
		fail(path);
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
	stored_keys = calloc(KEYS_ROOM, sizeof *stored_keys);
	if (!stored_keys)
		fail("memory");
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
	free(stored_keys);
	return 0;
}
