#include "stages/http_serve/http_library.h"
#include "stages/net/net_address.h"

#include <assert.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum { WHY_MAX = 512 };

static struct http_request *request_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *i =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return i ? i->socket_context : NULL;
}

/* ---- answers ---- */

static void set_answer(struct http_request *r, unsigned status, char *text)
{
	assert(r->answer.status == 0 && status != 0);
	r->answer.status = status;
	r->answer.text = text;
	r->answer.length = text ? strlen(text) : 0;
	http_request_go_on(r);
}

void http_request_answer(struct http_request *r, unsigned status, const char *text)
{
	set_answer(r, status, strdup(text));
}

/* What may be inside of a string in JSON as it stands. */
static void copy_plainly(char *to, const char *text, size_t room)
{
	size_t n = 0;
	for (; text[n] && n + 1 < room; n++)
		to[n] = (unsigned char)text[n] < 0x20 || strchr("\"\\", text[n]) ? '\'' : text[n];
	to[n] = '\0';
}

static char *error_text(const char *why)
{
	char plain[WHY_MAX], *text;
	copy_plainly(plain, why, sizeof plain);
	return asprintf(&text, "{\"error\":\"%s\"}\n", plain) < 0 ? NULL : text;
}

void http_request_refuse(struct http_request *r, unsigned status, const char *why, const char *name,
			 const char *value)
{
	r->answer.name = name;
	r->answer.value = value;
	set_answer(r, status, error_text(why));
}

void http_request_retry_later(struct http_request *r, unsigned status, const char *why,
			      unsigned seconds)
{
	r->answer.retry_after_s = seconds;
	set_answer(r, status, error_text(why));
}

static struct MHD_Response *make_response(struct http_request *r)
{
	struct http_answer *a = &r->answer;
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(a->length, a->text, MHD_RESPMEM_MUST_FREE);
	if (!response)
		return NULL;
	a->text = NULL;
	char seconds[16];
	snprintf(seconds, sizeof seconds, "%u", a->retry_after_s);
	bool said =
	    MHD_add_response_header(response, "Content-Type", "application/json") &&
	    (!a->retry_after_s || MHD_add_response_header(response, "Retry-After", seconds)) &&
	    (!a->name || MHD_add_response_header(response, a->name, a->value)) &&
	    (r->server->state != HTTP_STOPPING ||
	     MHD_add_response_header(response, "Connection", "close"));
	if (said)
		return response;
	MHD_destroy_response(response);
	return NULL;
}

/* Out of memory: the connection is closed, which says as little as can be said. */
static enum MHD_Result send_answer(struct http_request *r)
{
	struct MHD_Response *response = make_response(r);
	if (!response)
		return MHD_NO;
	enum MHD_Result sent = MHD_queue_response(r->connection, r->answer.status, response);
	MHD_destroy_response(response);
	r->phase = HTTP_QUEUED;
	r->since_ns = env_now_ns(r->server->env);
	return sent;
}

/* ---- pauses ---- */

void http_request_pause(struct http_request *r)
{
	assert(r->begun && !r->suspended);
	r->paused = true;
}

void http_request_go_on(struct http_request *r)
{
	r->paused = false;
	if (!r->suspended)
		return;
	uint64_t paused = env_now_ns(r->server->env) - r->paused_ns;
	r->suspended = false;
	r->since_ns += paused;
	r->progress_ns += paused;
	r->server->is_due = true;
	MHD_resume_connection(r->connection);
}

static enum MHD_Result suspend(struct http_request *r)
{
	assert(r->paused && !r->suspended);
	r->suspended = true;
	r->paused_ns = env_now_ns(r->server->env);
	MHD_suspend_connection(r->connection);
	return MHD_YES;
}

/* ---- a request ---- */

const char *http_request_header(const struct http_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

/* The library has held it against the grammar. */
static void note_length(struct http_request *r)
{
	const char *length = http_request_header(r, "Content-Length");
	r->length_known = !http_request_header(r, "Transfer-Encoding");
	r->length = r->length_known && length ? strtoull(length, NULL, 10) : 0;
}

/* The library asks for a certificate, and leaves it to us what to make of one. */
static bool has_shown_who_it_is(const struct http_request *r)
{
	if (!r->server->options->tls.client_ca.content.bytes)
		return true;
	const union MHD_ConnectionInfo *i =
	    MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	unsigned wrong = 1;
	return i && gnutls_certificate_verify_peers2(i->tls_session, &wrong) == 0 && wrong == 0;
}

static bool begin(struct http_request *r, const char *url, const char *method)
{
	struct http_service *h = r->server;
	r->phase = HTTP_HEAD;
	r->method = method;
	r->path = url;
	r->came = r->passed_over = 0;
	r->since_ns = r->progress_ns = env_now_ns(h->env);
	if (!has_shown_who_it_is(r)) {
		counter_add(h->figures.turned_away, 1);
		return false;
	}
	note_length(r);
	counter_add(h->figures.requests, 1);
	if (http_auth_allows(&h->auth, http_request_header(r, "Authorization")))
		return true;
	counter_add(h->figures.unauthorized, 1);
	http_request_refuse(r, MHD_HTTP_UNAUTHORIZED,
			    "not allowed without a token or password that is known here",
			    "WWW-Authenticate", http_auth_challenge(&h->auth));
	return true;
}

/* The rest of the body comes first, so that an answer is read and the connection can go on; unless it is long, or waits to be told to come. */
static bool is_worth_passing_over(const struct http_request *r)
{
	const char *expect = http_request_header(r, "Expect");
	bool waits = expect && strcasecmp(expect, "100-continue") == 0;
	return !waits && (!r->length_known || r->length <= r->server->pass_over);
}

static enum MHD_Result at_head(struct http_request *r)
{
	if (!http_request_is_answered(r)) {
		r->begun = true;
		r->server->handler->begin(r);
	}
	if (r->paused)
		return suspend(r);
	if (http_request_is_answered(r) && !is_worth_passing_over(r))
		return send_answer(r);
	r->phase = HTTP_BODY;
	return MHD_YES;
}

static enum MHD_Result pass_over(struct http_request *r, size_t *length)
{
	r->passed_over += *length;
	*length = 0;
	return r->passed_over <= r->server->pass_over ? MHD_YES : MHD_NO;
}

static enum MHD_Result take_body(struct http_request *r, const char *bytes, size_t *length)
{
	r->progress_ns = env_now_ns(r->server->env);
	if (http_request_is_answered(r))
		return pass_over(r, length);
	size_t taken = r->server->handler->body(r, (const uint8_t *)(const void *)bytes, *length);
	assert(taken <= *length);
	r->came += taken;
	*length -= taken;
	if (http_request_is_answered(r))
		return pass_over(r, length);
	assert(*length == 0 || r->paused);
	return r->paused ? suspend(r) : MHD_YES;
}

static enum MHD_Result at_end(struct http_request *r)
{
	r->phase = HTTP_WHOLE;
	if (!http_request_is_answered(r))
		r->server->handler->whole(r);
	if (http_request_is_answered(r))
		return send_answer(r);
	return suspend(r);
}

enum MHD_Result http_request_asked(void *server, struct MHD_Connection *connection, const char *url,
				   const char *method, const char *version, const char *bytes,
				   size_t *length, void **context)
{
	(void)server, (void)version;
	struct http_request *r = request_of(connection);
	if (!r || r->doomed)
		return MHD_NO;
	*context = r;
	if (r->phase == HTTP_IDLE && !begin(r, url, method))
		return MHD_NO;
	if (r->phase == HTTP_HEAD)
		return at_head(r);
	return *length > 0 ? take_body(r, bytes, length) : at_end(r);
}

/* The connection goes on, or not: it waits for the next one. */
void http_request_is_over(void *server, struct MHD_Connection *connection, void **context,
			  enum MHD_RequestTerminationCode how)
{
	(void)server;
	struct http_request *r = request_of(connection);
	*context = NULL;
	if (!r)
		return;
	bool answered = how == MHD_REQUEST_TERMINATED_COMPLETED_OK && r->phase == HTTP_QUEUED;
	if (r->begun)
		r->server->handler->over(r, answered);
	free(r->answer.text);
	r->answer = (struct http_answer){.status = 0};
	r->begun = r->paused = r->suspended = false;
	r->owner = NULL;
	r->phase = HTTP_IDLE;
	r->since_ns = env_now_ns(r->server->env);
}

/* ---- connections ---- */

/* So that one address has one form; 0s where there is none. */
static void address_of(const struct sockaddr *from, unsigned char to[static 16])
{
	memset(to, 0, 16);
	if (from && from->sa_family == AF_INET6) {
		memcpy(to, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
	} else if (from && from->sa_family == AF_INET) {
		to[10] = to[11] = 0xff;
		memcpy(to + 12, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
	}
}

static uint64_t count_from(const struct http_service *h, const unsigned char address[static 16])
{
	uint64_t n = 0;
	for (struct chain *l = h->connections.next; l != &h->connections; l = l->next)
		n += memcmp(chain_owner(l, struct http_request, link)->address, address, 16) == 0;
	return n;
}

enum MHD_Result http_connection_may_come(void *server, const struct sockaddr *from,
					 socklen_t length)
{
	(void)length;
	struct http_service *h = server;
	unsigned char address[16];
	address_of(from, address);
	uint64_t most = h->options->per_ip_connections;
	if (most == 0 || count_from(h, address) < most)
		return MHD_YES;
	counter_add(h->figures.turned_away, 1);
	return MHD_NO;
}

static void print_peer(struct http_request *r, const struct sockaddr *from)
{
	char text[NET_ADDRESS_ROOM];
	struct io_address a = {.length = 0};
	if (from)
		a.length = from->sa_family == AF_INET6  ? sizeof(struct sockaddr_in6)
			   : from->sa_family == AF_INET ? sizeof(struct sockaddr_in)
							: sizeof(sa_family_t);
	if (from)
		memcpy(a.bytes, from, a.length);
	net_address_print(&a, text);
	snprintf(r->peer, sizeof r->peer, "%s", text);
}

static struct http_request *connection_came(struct http_service *h, struct MHD_Connection *c)
{
	struct http_request *r = calloc(1, sizeof *r);
	if (!r)
		return NULL; /* whatever it asks, it is closed then */
	const union MHD_ConnectionInfo *i =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *from = i ? i->client_addr : NULL;
	r->server = h;
	r->connection = c;
	r->since_ns = env_now_ns(h->env);
	address_of(from, r->address);
	print_peer(r, from);
	chain_init(&r->link);
	chain_append(&h->connections, &r->link);
	h->connection_count++;
	counter_add(h->figures.connections, 1);
	return r;
}

void http_connection_changed(void *server, struct MHD_Connection *c, void **context,
			     enum MHD_ConnectionNotificationCode what)
{
	struct http_service *h = server;
	struct http_request *r = *context;
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		*context = connection_came(h, c);
	} else if (r) {
		assert(!r->begun);
		*context = NULL;
		chain_unlink(&r->link);
		h->connection_count--;
		h->is_due =
		    true; /* the library listens again when it is next asked to do something */
		free(r);
	}
}

int http_connection_descriptor(const struct http_request *r)
{
	const union MHD_ConnectionInfo *i =
	    MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	return i ? i->connect_fd : -1;
}
