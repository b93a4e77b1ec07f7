#include "stages/tls/tls_session.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/* A name, or an address, which stands elsewhere in a certificate and is told to nobody. */
static int expect_name(SSL *ssl, const char *name)
{
	unsigned char address[16];
	bool is_address =
	    inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
	if (is_address)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1 ? 0 : -ENOMEM;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	bool ok = SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
	return ok ? 0 : -ENOMEM;
}

static int on_asked(SSL *ssl, void *session)
{
	(void)ssl;
	((struct tls_session *)session)->was_asked = true;
	return 1;
}

int tls_session_init(struct tls_session *s, const struct tls_context *c, const char *name)
{
	*s = (struct tls_session){
	    .ssl = SSL_new(c->ssl), .in = BIO_new(BIO_s_mem()), .out = BIO_new(BIO_s_mem())};
	if (!s->ssl || !s->in || !s->out) {
		BIO_free(s->in);
		BIO_free(s->out);
		SSL_free(s->ssl);
		*s = (struct tls_session){.ssl = NULL};
		return -ENOMEM;
	}
	BIO_set_mem_eof_return(s->in, -1);
	BIO_set_mem_eof_return(s->out, -1);
	SSL_set_bio(s->ssl, s->in, s->out);
	if (c->is_server) {
		SSL_set_accept_state(s->ssl);
		return 0;
	}
	SSL_set_connect_state(s->ssl);
	SSL_set_cert_cb(s->ssl, on_asked, s);
	int r = name ? expect_name(s->ssl, name) : 0;
	if (r < 0)
		tls_session_release(s);
	return r;
}

void tls_session_release(struct tls_session *s)
{
	SSL_free(s->ssl);
	s->ssl = NULL;
	s->in = s->out = NULL;
}

int tls_session_take(struct tls_session *s, const uint8_t *bytes, size_t length)
{
	assert(length <= INT_MAX);
	int n = length > 0 ? BIO_write(s->in, bytes, (int)length) : 0;
	return n == (int)length ? 0 : -ENOMEM;
}

/* What is wrong with a certificate says more than that something is. */
static int fail(struct tls_session *s)
{
	long verified = SSL_get_verify_result(s->ssl);
	unsigned long error = ERR_peek_error();
	const char *reason = error ? ERR_reason_error_string(error) : NULL;
	if (s->reason[0])
		;
	else if (verified != X509_V_OK)
		snprintf(s->reason, sizeof s->reason, "the peer's certificate: %s",
			 X509_verify_cert_error_string(verified));
	else
		snprintf(s->reason, sizeof s->reason, "%s", reason ? reason : "no TLS");
	ERR_clear_error();
	return -EPROTO;
}

static int answer(struct tls_session *s, int result)
{
	switch (SSL_get_error(s->ssl, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		return fail(s);
	}
}

int tls_session_handshake(struct tls_session *s)
{
	ERR_clear_error();
	int r = SSL_do_handshake(s->ssl);
	s->is_open = r == 1;
	if (r == 1)
		return 0;
	r = answer(s, r);
	return r == 0 ? fail(s) : r;
}

bool tls_session_may_be_refused(const struct tls_session *s)
{
	return s->is_open && s->was_asked && SSL_version(s->ssl) >= TLS1_3_VERSION;
}

ssize_t tls_session_read(struct tls_session *s, uint8_t *into, size_t room)
{
	size_t n = 0, total = 0;
	int r = 1;
	ERR_clear_error();
	while (total < room && (r = SSL_read_ex(s->ssl, into + total, room - total, &n)) == 1)
		total += n;
	return total > 0 ? (ssize_t)total : answer(s, r);
}

bool tls_session_has_more(const struct tls_session *s)
{
	return SSL_pending(s->ssl) > 0 || BIO_ctrl_pending(s->in) > 0;
}

ssize_t tls_session_write(struct tls_session *s, const uint8_t *bytes, size_t length)
{
	size_t n = 0;
	ERR_clear_error();
	if (SSL_write_ex(s->ssl, bytes, length, &n) == 1)
		return (ssize_t)n;
	int r = answer(s, 0);
	return r == -EAGAIN ? 0 : fail(s);
}

void tls_session_end(struct tls_session *s)
{
	ERR_clear_error();
	if (s->is_open)
		SSL_shutdown(s->ssl);
	ERR_clear_error();
}

size_t tls_session_out(struct tls_session *s, uint8_t *into, size_t room)
{
	int n = room > 0 ? BIO_read(s->out, into, room < INT_MAX ? (int)room : INT_MAX) : 0;
	return n > 0 ? (size_t)n : 0;
}

size_t tls_session_out_length(const struct tls_session *s)
{
	return BIO_ctrl_pending(s->out);
}
