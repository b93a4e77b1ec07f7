/* tls_context.h - keys, certificates and rules of one stage's TLS, read when the topology is loaded (OpenSSL).
 *
 *   tls_options --load--> context --for each connection--> tls_session.h
 *
 * Threads: the owner's. Memory: OpenSSL's heap. Layer: stages, OpenSSL. */
#pragma once

#include "stages/tls/tls_options.h"

#include <openssl/ssl.h>

struct tls_context {
	SSL_CTX *ssl; /* NULL: there is none */
	bool is_server;
};

/* 0; -EINVAL, and why says in words what is wrong with which file; or -ENOMEM. tls_context_release() in any case. */
int tls_context_init(struct tls_context *c, const struct tls_options *o, bool is_server, char *why,
		     size_t room);
void tls_context_release(struct tls_context *c);

/* What tls_context_init() would say, while a topology is checked; at: of the stage. */
void tls_options_check(const struct tls_options *o, bool is_server, struct place at,
		       struct problems *problems);
