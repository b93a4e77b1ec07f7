#include "stages/tls/tls_context.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

static const char *last_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	ERR_clear_error();
	return reason ? reason : "unknown";
}

struct attempt {
	char *why;
	size_t room;
};

static int refuse(const struct attempt *a, const struct file_of_text *file, const char *what)
{
	snprintf(a->why, a->room, "%s: %s (%s)", text_shown(&file->path, file->path.bytes), what,
		 last_reason());
	return -EINVAL;
}

static BIO *open_text(const struct file_of_text *file)
{
	return BIO_new_mem_buf(file->content.bytes, (int)file->content.length);
}

static int no_password(char *to, int room, int writing, void *context)
{
	(void)to, (void)room, (void)writing, (void)context;
	return -1; /* nobody is asked */
}

/* The first is ours, the others lead from it to one that the peer knows. */
static int load_chain(SSL_CTX *ctx, BIO *in)
{
	X509 *x = PEM_read_bio_X509_AUX(in, NULL, no_password, NULL);
	if (!x)
		return -EINVAL;
	int ok = SSL_CTX_use_certificate(ctx, x);
	X509_free(x);
	while (ok == 1 && (x = PEM_read_bio_X509(in, NULL, no_password, NULL)) != NULL) {
		ok = SSL_CTX_add1_chain_cert(ctx, x) == 1;
		X509_free(x);
	}
	if (ok == 1 && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
		ERR_clear_error();
	return ok == 1 && ERR_peek_error() == 0 ? 0 : -EINVAL;
}

static int load_cert(SSL_CTX *ctx, const struct file_of_text *file, const struct attempt *a)
{
	BIO *in = open_text(file);
	int r = in ? load_chain(ctx, in) : -ENOMEM;
	BIO_free(in);
	return r == -EINVAL ? refuse(a, file, "no certificate can be read from it") : r;
}

static int load_key(SSL_CTX *ctx, const struct file_of_text *file, const struct attempt *a)
{
	BIO *in = open_text(file);
	EVP_PKEY *key = in ? PEM_read_bio_PrivateKey(in, NULL, no_password, NULL) : NULL;
	int r = in ? 0 : -ENOMEM;
	BIO_free(in);
	if (r == 0 && !key)
		return refuse(a, file, "no private key can be read from it, without a password");
	if (r == 0 && SSL_CTX_use_PrivateKey(ctx, key) != 1)
		r = refuse(a, file, "the private key is not the certificate's");
	EVP_PKEY_free(key);
	return r;
}

static int add_trusted(X509_STORE *store, SSL_CTX *ctx, BIO *in)
{
	unsigned count = 0;
	X509 *x;
	while ((x = PEM_read_bio_X509_AUX(in, NULL, no_password, NULL)) != NULL) {
		bool ok = X509_STORE_add_cert(store, x) == 1 && SSL_CTX_add_client_CA(ctx, x) == 1;
		X509_free(x);
		if (!ok)
			return -EINVAL;
		count++;
	}
	if (count == 0 || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return -EINVAL;
	ERR_clear_error();
	return 0;
}

static int load_ca(SSL_CTX *ctx, const struct file_of_text *file, const struct attempt *a)
{
	BIO *in = open_text(file);
	int r = in ? add_trusted(SSL_CTX_get_cert_store(ctx), ctx, in) : -ENOMEM;
	BIO_free(in);
	return r == -EINVAL ? refuse(a, file, "no certificates can be read from it") : r;
}

static void set_rules(SSL_CTX *ctx, const struct tls_options *o, bool is_server)
{
	int mode = SSL_VERIFY_NONE;
	if (is_server && (o->ca.path.bytes || o->require_client_certificate))
		mode = SSL_VERIFY_PEER;
	if (is_server && o->require_client_certificate)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	if (!is_server && o->verify)
		mode = SSL_VERIFY_PEER;
	SSL_CTX_set_verify(ctx, mode, NULL);
	SSL_CTX_set_min_proto_version(ctx, o->min_version == TLS_VERSION_1_3 ? TLS1_3_VERSION
									     : TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	/* A connection that rests keeps no buffers; what is written may be cut anywhere. */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (is_server)
		SSL_CTX_set_num_tickets(ctx, 0);
}

static int load_all(SSL_CTX *ctx, const struct tls_options *o, bool is_server,
		    const struct attempt *a)
{
	int r = 0;
	if (o->cert.path.bytes)
		r = load_cert(ctx, &o->cert, a);
	if (r == 0 && o->key.path.bytes)
		r = load_key(ctx, &o->key, a);
	if (r == 0 && o->ca.path.bytes)
		r = load_ca(ctx, &o->ca, a);
	else if (r == 0 && !is_server && o->verify && SSL_CTX_set_default_verify_paths(ctx) != 1)
		r = -ENOMEM;
	return r;
}

int tls_context_init(struct tls_context *c, const struct tls_options *o, bool is_server, char *why,
		     size_t room)
{
	const struct attempt a = {why, room};
	ERR_clear_error();
	*c = (struct tls_context){
	    .ssl = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method()),
	    .is_server = is_server};
	snprintf(why, room, "out of memory");
	if (!c->ssl)
		return -ENOMEM;
	set_rules(c->ssl, o, is_server);
	return load_all(c->ssl, o, is_server, &a);
}

void tls_context_release(struct tls_context *c)
{
	SSL_CTX_free(c->ssl);
	c->ssl = NULL;
}

static void check_pair(const struct tls_options *o, struct problems *problems)
{
	if (o->cert.path.bytes && !o->key.path.bytes)
		problem_add(problems, o->cert.path.at, "`cert` without `key`; add `key`");
	if (o->key.path.bytes && !o->cert.path.bytes)
		problem_add(problems, o->key.path.at, "`key` without `cert`; add `cert`");
}

void tls_options_check(const struct tls_options *o, bool is_server, struct place at,
		       struct problems *problems)
{
	struct tls_context c;
	char why[512];
	check_pair(o, problems);
	if (is_server && o->require_client_certificate && !o->ca.path.bytes)
		problem_add(problems, at,
			    "`require_client_certificate` without `ca`, by which a certificate "
			    "is checked; add `ca`");
	int r = tls_context_init(&c, o, is_server, why, sizeof why);
	if (r < 0)
		problem_add(problems, at, "`tls`: %s", why);
	tls_context_release(&c);
}
