/* http_service.h - HTTP/1.1 served to whoever asks: connections, requests and answers, on the worker's own thread. Knows nothing of
 * what the requests are about.
 *
 *	IO_LISTEN -> libmicrohttpd, with no thread of its own <- IO_POLL of its epoll descriptor
 *	                     |
 *	       begin(r)      headers are there       answer now, pause, or let the body come
 *	       body(r, ..)   some of the body        take it, or part of it and pause
 *	       whole(r)      all of it came          answer now, or pause and answer later
 *	       over(r)       it was answered, or broke off
 *
 *	HEAD --begin--> BODY --all came--> WHOLE --http_request_answer()--> ANSWERED --over--> (next one on the connection)
 *
 * Bounded: connections, all in all and from one address (the one that waits longest for its next request is closed for a new one),
 * bytes of headers, and time: headers have `timeout` to come, a body may be silent for as long and has to come at HTTP_BODY_RATE on average.
 * Of a request that is refused the body is passed over, up to `pass_over` bytes, so that the answer is heard; beyond that
 * the connection is closed.
 *
 * Threads: the owner's. Memory: HTTP_CONNECTION_BYTES for each connection that is there, http_service_memory() at most. Layer: stages, libmicrohttpd. */
#pragma once

#include "conf/option.h"
#include "ringbuf/counter.h"
#include "stages/chain.h"
#include "stages/env.h"
#include "stages/http_serve/http_auth.h"

enum {
	HTTP_CONNECTION_BYTES = 32 * 1024, /* headers of a request, or what came of its body */
	HTTP_CONNECTIONS_MAX = 1 << 17,
	HTTP_SHUTDOWNS = 16,
	HTTP_PEER_ROOM = 128,
	HTTP_WHY_ROOM = 160,
};

/* Bytes a second; less is no faster than somebody who wants to be a burden. */
#define HTTP_BODY_RATE 1024

struct http_serve_tls_options {
	struct file_of_text cert, key, client_ca;
};

struct http_service_options {
	struct text listen;
	uint64_t max_connections, per_ip_connections, timeout;
	struct http_serve_tls_options tls;
	bool tls_given;
	struct http_serve_auth_options auth;
	bool auth_given;
};

extern const struct option http_serve_tls_table[];

/* Rows for the option table of a struct that has a struct http_service_options at offset `base`. */
/* clang-format off */
#define HTTP_SERVICE_OPTION_ROWS(base)                                                              \
	{"listen", OPTION_TEXT, (base) + offsetof(struct http_service_options, listen),             \
	 .preset = "127.0.0.1:8080",                                                               \
	 .doc = "Address and port to serve at: `127.0.0.1:8080`, `[::1]:8080`, `0.0.0.0:80`; port 0: " \
		"any that is free, which is told"},                                                \
	{"tls", OPTION_GROUP, (base) + offsetof(struct http_service_options, tls),                  \
	 .group = http_serve_tls_table,                                                                  \
	 .given_offset = (base) + offsetof(struct http_service_options, tls_given),                 \
	 .doc = "Serve HTTPS"},                                                                    \
	{"auth", OPTION_GROUP, (base) + offsetof(struct http_service_options, auth),                \
	 .group = http_serve_auth_table,                                                                 \
	 .given_offset = (base) + offsetof(struct http_service_options, auth_given),                \
	 .doc = "Who may ask; others get 401"},                                                    \
	{"max_connections", OPTION_COUNT,                                                          \
	 (base) + offsetof(struct http_service_options, max_connections), .preset = "1000",         \
	 .min = 2, .max = HTTP_CONNECTIONS_MAX,                                                    \
	 .doc = "Connections at a time; for one more, the one that has waited longest for its "    \
		"next request is closed"},                                                         \
	{"per_ip_connections", OPTION_COUNT,                                                       \
	 (base) + offsetof(struct http_service_options, per_ip_connections), .preset = "off",       \
	 .word = "off", .min = 1, .max = HTTP_CONNECTIONS_MAX,                                     \
	 .doc = "Connections from one address at a time; more are closed at once"},                \
	{"timeout", OPTION_DURATION, (base) + offsetof(struct http_service_options, timeout),       \
	 .preset = "30s", .min = 100000000, .max = 86400000000000,                                 \
	 .doc = "How long a connection may wait for its next request, headers may take to come, "  \
		"and a body may be silent, before the connection is closed"}
/* clang-format on */

/* Where what is counted goes; each is set by who owns the server. */
struct http_figures {
	struct counter *connections; /* accepted */
	struct counter *
	    turned_away; /* closed at once: too many from one address, or none of the client's certificates will do */
	struct counter *made_room; /* closed for a new one */
	struct counter *timed_out;
	struct counter *unauthorized;
	struct counter *requests;
};

struct http_service;
struct http_request;
struct MHD_Connection;
struct MHD_Daemon;
struct sockaddr;

/* Each is called from within http_service_step() or http_service_stop(), http_service_release(). */
struct http_handler {
	/* The headers are there; called again after a pause. */
	void (*begin)(struct http_request *r);
	/* Some of the body; how much was taken. Less than all only with http_request_pause(). Not called once there is an answer. */
	size_t (*body)(struct http_request *r, const uint8_t *bytes, size_t length);
	/* All of it was taken; called again after a pause, unless it was answered meanwhile. */
	void (*whole)(struct http_request *r);
	/* Nothing may be done with r from here on. answered: all of the answer went out. After every begin. */
	void (*over)(struct http_request *r, bool answered);
};

enum http_phase { HTTP_IDLE, HTTP_HEAD, HTTP_BODY, HTTP_WHOLE, HTTP_QUEUED };

struct http_answer {
	unsigned status; /* 0: there is none yet */
	char *text;      /* JSON, malloc'ed */
	size_t length;
	unsigned retry_after_s;   /* 0: not said */
	const char *name, *value; /* one header more, static; NULL: none */
};

/* The request that a connection is at. Fields above the line are the handler's to read. */
struct http_request {
	struct http_service *server;
	const char *method, *path; /* live as long as the request */
	uint64_t length;           /* of the body, if it is known */
	bool length_known;
	char peer[HTTP_PEER_ROOM]; /* 127.0.0.1:51234 */
	void *owner;               /* the handler's own; NULL at first */
	/* ---- */
	struct MHD_Connection *connection;
	enum http_phase phase;
	bool begun;             /* the handler knows of it */
	bool paused, suspended; /* as was wished, and as the library was told */
	bool doomed;            /* it is to be closed */
	struct http_answer answer;
	uint64_t passed_over;
	uint64_t since_ns;    /* waits for headers, or the body began, or the answer */
	uint64_t paused_ns;   /* when that was */
	uint64_t progress_ns; /* bytes of the body came */
	uint64_t came;        /* bytes of the body */
	struct chain link;
	unsigned char address[16]; /* the peer's, an IPv4 one mapped */
};

enum http_service_state { HTTP_CLOSED, HTTP_LISTENING, HTTP_SERVING, HTTP_STOPPING };

struct http_service {
	struct env *env;
	const struct http_service_options *options;
	const struct http_handler *handler;
	void *owner;
	const char *id; /* whose it is, for messages */
	uint64_t pass_over;
	struct http_figures figures;
	struct http_auth auth;
	/* ---- */
	enum http_service_state state;
	struct MHD_Daemon *daemon;
	struct chain connections;
	size_t connection_count;
	struct io_address address;
	int listener; /* -1: it is the daemon's, or none */
	struct io_op listen, poll;
	struct io_op shutdowns[HTTP_SHUTDOWNS];
	uint64_t sweep_ns; /* when connections are looked at again; 0: none is there */
	bool is_due;       /* the library has something to do without waiting */
	bool said_full;
	char why[HTTP_WHY_ROOM]; /* what the library said last */
};

/* What is wrong with them; `listen` above all. */
void http_service_check(const struct http_service_options *o, struct problems *problems);
size_t http_service_memory(const struct http_service_options *o);

/* env, options, handler, owner, id, pass_over, figures are set. Nothing is done before the first step. 0 or -ENOMEM. */
int http_service_init(struct http_service *h);
/* Breaks off what is left. No operation is in flight. */
void http_service_release(struct http_service *h);

/* STEP_MORE, STEP_WAIT, or -errno, having said why: there is no serving. Calls env_wake_at(). */
int http_service_step(struct http_service *h);

/* No new connections; requests that have begun go on. */
void http_service_stop(struct http_service *h);
/* No request is under way of which an answer is still to go out. */
bool http_service_is_quiet(const struct http_service *h);

/* NULL: there is none. Lives as long as the request. */
const char *http_request_header(const struct http_request *r, const char *name);

/* Within a call of the handler: nothing more comes until http_request_go_on() or an answer. */
void http_request_pause(struct http_request *r);
/* Not within a call of the handler. */
void http_request_go_on(struct http_request *r);

/* Once for each request, within calls of the handler or not. text: JSON, copied. retry_after_s: 0 for none. */
void http_request_answer(struct http_request *r, unsigned status, const char *text);
void http_request_retry_later(struct http_request *r, unsigned status, const char *why,
			      unsigned seconds);
/* {"error":"..."}; name, value: a header more, static, or NULL. */
void http_request_refuse(struct http_request *r, unsigned status, const char *why, const char *name,
			 const char *value);

static inline bool http_request_is_answered(const struct http_request *r)
{
	return r->answer.status != 0;
}
