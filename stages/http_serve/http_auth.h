/* http_auth.h - whether an Authorization header (RFC 9110, 7617, 6750) says one of the things that let somebody in.
 *
 *	auth: {tokens: [abc], users: {me: secret}}     Authorization: Bearer abc      Authorization: Basic bWU6c2VjcmV0
 *
 * What was sent is compared as SHA-256 with every one there is, in the same time whatever it is.
 *
 * Threads: the owner's to make it, any to ask. Memory: 32 bytes for each, http_auth_release(). Layer: stages, OpenSSL. */
#pragma once

#include "conf/option.h"

enum { HTTP_DIGEST = 32 };

struct http_serve_auth_options {
	struct text_list tokens;
	struct text_map users;
};

extern const struct option http_serve_auth_table[];

struct http_auth {
	unsigned char (*digests)[HTTP_DIGEST]; /* of tokens, then of users; NULL: anybody may */
	size_t token_count, count;
};

/* 0 or -ENOMEM. */
int http_auth_init(struct http_auth *a, const struct http_serve_auth_options *o);
void http_auth_release(struct http_auth *a);

/* header: NULL, it was not sent. */
bool http_auth_allows(const struct http_auth *a, const char *header);

/* For WWW-Authenticate: what of it would do. Static. */
const char *http_auth_challenge(const struct http_auth *a);
