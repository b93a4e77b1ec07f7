/* http_options.h - what every stage that calls HTTP lets a topology say of its requests: `headers`, `auth`, `tls`, `follow_redirects`.
 *
 * Threads: any; all of it is const. Memory: the topology's. Layer: stages. */
#pragma once

#include "conf/option.h"
#include "stages/policy/call_options.h"

#include <curl/curl.h>

enum { HTTP_REDIRECTS_MAX = 20 };

struct http_auth_options {
	struct text user, password; /* Basic */
	struct text token;          /* Bearer, unless a server has another word for it */
};

struct http_tls_options {
	struct file_of_text ca, cert, key;
	bool verify;
	struct text server_name;
};

struct http_options {
	struct text_map headers;
	struct http_auth_options auth;
	struct http_tls_options tls;
	uint64_t follow_redirects; /* so many, one after the other */
};

extern const struct option http_auth_table[], http_tls_table[];

/* Rows for the option table of a struct that has a struct http_options at offset `base`. */
/* clang-format off */
#define HTTP_OPTION_ROWS(base)                                                                     \
	{"headers", OPTION_MAP, (base) + offsetof(struct http_options, headers),                   \
	 .doc = "Header lines of each request, `name: value`"},                                    \
	{"auth", OPTION_GROUP, (base) + offsetof(struct http_options, auth),                       \
	 .group = http_auth_table,                                                                 \
	 .doc = "Who asks: `user` and `password`, or a `token`"},                                  \
	{"tls", OPTION_GROUP, (base) + offsetof(struct http_options, tls),                         \
	 .group = http_tls_table, .doc = "Whom to trust, and what to show"},                       \
	{"follow_redirects", OPTION_COUNT, (base) + offsetof(struct http_options, follow_redirects), \
	 .preset = "0", .max = HTTP_REDIRECTS_MAX,                                                 \
	 .doc = "Go where a server says that it has moved to, so many times for a request; 0: "    \
		"that is a refusal"}
/* clang-format on */

/* What does not go together, and what would be no header. at: of the stage. */
void http_options_check(const struct http_options *o, struct place at, struct problems *problems);

/* What of `pool` there is none of here is told. */
void http_pool_check(const struct pool_options *o, struct place at, struct problems *problems);

/* True if the URL has that part, and not just this much. unless: NULL: anything is something. */
bool http_url_has(CURLU *url, CURLUPart part, const char *unless);

/* `http://` or `https://`, a host, nothing that a request line cannot hold. */
void http_url_check(const struct text *url, struct problems *problems);
