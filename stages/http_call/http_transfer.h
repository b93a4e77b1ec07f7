/* http_transfer.h - one request at a time on one handle of libcurl's, and what was answered.
 *
 *	http_transfer_prepare(t, options, url)       once: what all its requests have in common
 *	http_transfer_begin(t, loop, &request)       curl_loop_take() gives its handle when it has ended
 *	http_transfer_end(t, loop, code)             t->answer tells
 *	http_transfer_cancel(t, loop)                instead
 *
 * Of an answer so much is kept as the caller has room for; what comes beyond it ends the transfer. Header lines beyond 64 KiB do,
 * too.
 *
 * Threads: the owner's. Memory: the handle and its lists; the request's bytes are the caller's and stay put. Layer: stages. */
#pragma once

#include "stages/http_call/curl_loop.h"
#include "stages/http_call/http_options.h"

enum { HTTP_HEADERS_MAX = 64 * 1024, HTTP_TAG_MAX = 256 };

struct http_answer {
	CURLcode code;                                  /* how the transfer ended */
	long status;                                    /* 0: there was none */
	bool is_too_long;                               /* it was cut off there */
	bool has_no_room;                               /* there was no memory for it */
	bool has_long_head;                             /* beyond HTTP_HEADERS_MAX */
	uint64_t retry_after_ns;                        /* 0: not said */
	char tag[HTTP_TAG_MAX], modified[HTTP_TAG_MAX]; /* ETag, Last-Modified; "": not said */
	char exception[HTTP_TAG_MAX];                   /* X-ClickHouse-Exception-Code */
	size_t header_bytes;
	/* The body as far as it is kept. */
	uint8_t *body;
	size_t length, room;
};

struct http_request {
	const char *method;  /* NULL: GET, or POST with a body */
	const uint8_t *body; /* NULL: none */
	size_t length;
	struct curl_slist *headers; /* beside those of the options, the caller's; NULL: none */
	size_t body_max;            /* of the answer; bytes after unpacking */
	bool unpacks;               /* bodies may be compressed */
};

struct http_transfer {
	void *owner; /* the caller's to set */
	struct env *env;
	CURL *easy; /* NULL: there is nothing to release */
	struct curl_slist *common, *headers, *connect_to;
	char *url;
	size_t body_max;
	bool is_running;
	struct http_answer answer;
};

/* A header line more. 0 or -ENOMEM: the list is as it was. */
int http_header_append(struct curl_slist **list, const char *line);

/* scheme: before a token, "Bearer". `owner` stays as it is. 0; -ENOMEM; or -EINVAL: libcurl does not take what is in the options. http_transfer_release()
 * in any case. */
int http_transfer_prepare(struct http_transfer *t, struct env *env, const struct http_options *o,
			  const char *url, const char *scheme);
void http_transfer_release(struct http_transfer *t);

/* 0 or -ENOMEM. */
int http_transfer_begin(struct http_transfer *t, struct curl_loop *l, const struct http_request *r);

void http_transfer_end(struct http_transfer *t, struct curl_loop *l, CURLcode code);

/* Whatever it is at; twice does no harm. */
void http_transfer_cancel(struct http_transfer *t, struct curl_loop *l);

/* Lets go of the answer's bytes. */
void http_transfer_forget(struct http_transfer *t);

/* Whose handle it is, as curl_loop_take() gives it. */
struct http_transfer *http_transfer_of(CURL *easy);
