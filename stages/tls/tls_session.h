/* tls_session.h - one TLS connection as bytes in and bytes out: no sockets, nothing that blocks.
 *
 *   from the peer --take--> [ session ] --read--> what it said
 *   to the peer   <--out--- [         ] <--write-- what is to be said
 *
 * Whatever is called may leave bytes for the peer: they are to be fetched with tls_session_out() and sent.
 *
 * Threads: the owner's. Memory: OpenSSL's heap, TLS_SESSION_BYTES at most between two calls when what was taken is read until
 * -EAGAIN, and what is out is fetched. Layer: stages, OpenSSL. */
#pragma once

#include "stages/tls/tls_context.h"

#include <sys/types.h>

enum {
	/* An SSL object with its buffers for a record each way. */
	TLS_SESSION_BYTES = 64 * 1024,
	TLS_REASON_ROOM = 256,
};

struct tls_session {
	SSL *ssl;
	BIO *in, *out;                /* the SSL's own */
	bool is_open;                 /* the handshake is through */
	bool was_asked;               /* a client: the server wanted to see a certificate */
	char reason[TLS_REASON_ROOM]; /* why it failed, in words; "": it has not */
};

/* name: the host that the server is to be; NULL: any name will do, or this is the server. Stays where
 * it is until it is released. 0; or -ENOMEM, and there is nothing to release. */
int tls_session_init(struct tls_session *s, const struct tls_context *c, const char *name);
void tls_session_release(struct tls_session *s);

/* Bytes that came from the peer. 0 or -ENOMEM. */
int tls_session_take(struct tls_session *s, const uint8_t *bytes, size_t length);

/* 0: the handshake is through; -EAGAIN: more bytes have to come; -EPROTO: it failed, see `reason`. */
int tls_session_handshake(struct tls_session *s);

/* The handshake is through for us, and the server may refuse us all the same: with TLS 1.3 it looks at our certificate after that. */
bool tls_session_may_be_refused(const struct tls_session *s);

/* Bytes that the peer has said; 0: it has said that it is through; -EAGAIN: more have to come; -EPROTO. */
ssize_t tls_session_read(struct tls_session *s, uint8_t *into, size_t room);

/* Not all that was taken has been looked at. */
bool tls_session_has_more(const struct tls_session *s);

/* How many of the bytes are on their way out, one record's at most; or -EPROTO. */
ssize_t tls_session_write(struct tls_session *s, const uint8_t *bytes, size_t length);

/* Says that nothing more will be written. */
void tls_session_end(struct tls_session *s);

/* Fetches bytes for the peer: how many. */
size_t tls_session_out(struct tls_session *s, uint8_t *into, size_t room);
size_t tls_session_out_length(const struct tls_session *s);
