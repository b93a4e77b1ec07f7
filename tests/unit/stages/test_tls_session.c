#include "stages/tls/tls_session.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

/* ---- certificates ---- */

struct identity {
	EVP_PKEY *key;
	X509 *cert;
	struct file_of_text cert_file, key_file;
};

static struct file_of_text file_of(BIO *bio, const char *path)
{
	char *bytes;
	long length = BIO_get_mem_data(bio, &bytes);
	struct file_of_text f = {
	    .path = {.bytes = path, .length = strlen(path)},
	    .content = {.bytes = strndup(bytes, (size_t)length), .length = (size_t)length}};
	BIO_free(bio);
	return f;
}

static void name_it(X509 *cert, const char *name)
{
	char san[128];
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
				   (const unsigned char *)name, -1, -1, 0);
	snprintf(san, sizeof san, "DNS:%s,IP:127.0.0.1", name);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
	X509_add_ext(cert, e, -1);
	X509_EXTENSION_free(e);
}

/* Signed by itself, valid from so many seconds on for an hour. */
static struct identity make(const char *name, long from)
{
	struct identity i = {.key = EVP_EC_gen("P-256"), .cert = X509_new()};
	X509_set_version(i.cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(i.cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(i.cert), from);
	X509_gmtime_adj(X509_getm_notAfter(i.cert), from + 3600);
	X509_set_pubkey(i.cert, i.key);
	name_it(i.cert, name);
	X509_set_issuer_name(i.cert, X509_get_subject_name(i.cert));
	cr_assert_gt(X509_sign(i.cert, i.key, EVP_sha256()), 0);
	BIO *cert = BIO_new(BIO_s_mem()), *key = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(cert, i.cert);
	PEM_write_bio_PrivateKey(key, i.key, NULL, NULL, 0, NULL, NULL);
	i.cert_file = file_of(cert, "cert.pem");
	i.key_file = file_of(key, "key.pem");
	return i;
}

static void forget(struct identity *i)
{
	EVP_PKEY_free(i->key);
	X509_free(i->cert);
	free((void *)(uintptr_t)i->cert_file.content.bytes);
	free((void *)(uintptr_t)i->key_file.content.bytes);
}

/* ---- two sides ---- */

struct sides {
	struct tls_context contexts[2];
	struct tls_session server, client;
};

static void set_up(struct sides *s, const struct tls_options *server,
		   const struct tls_options *client, const char *name)
{
	char why[256];
	cr_assert_eq(tls_context_init(&s->contexts[0], server, true, why, sizeof why), 0, "%s",
		     why);
	cr_assert_eq(tls_context_init(&s->contexts[1], client, false, why, sizeof why), 0, "%s",
		     why);
	cr_assert_eq(tls_session_init(&s->server, &s->contexts[0], NULL), 0);
	cr_assert_eq(tls_session_init(&s->client, &s->contexts[1], name), 0);
}

static void tear_down(struct sides *s)
{
	tls_session_release(&s->server);
	tls_session_release(&s->client);
	tls_context_release(&s->contexts[0]);
	tls_context_release(&s->contexts[1]);
}

/* What one has to say to the other. */
static void carry(struct tls_session *from, struct tls_session *to)
{
	uint8_t bytes[1000];
	for (size_t n; (n = tls_session_out(from, bytes, sizeof bytes)) > 0;)
		cr_assert_eq(tls_session_take(to, bytes, n), 0);
}

/* Until both are through or one has failed. */
static void shake_hands(struct sides *s, int *ret_server, int *ret_client)
{
	*ret_server = *ret_client = -EAGAIN;
	for (int i = 0; i < 10; i++) {
		if (*ret_client == -EAGAIN)
			*ret_client = tls_session_handshake(&s->client);
		carry(&s->client, &s->server);
		if (*ret_server == -EAGAIN)
			*ret_server = tls_session_handshake(&s->server);
		carry(&s->server, &s->client);
	}
}

static struct tls_options serving(const struct identity *i)
{
	return (struct tls_options){.cert = i->cert_file, .key = i->key_file};
}

static struct tls_options trusting(const struct identity *i)
{
	return (struct tls_options){.ca = i->cert_file, .verify = true};
}

Test(tls_session, what_one_side_writes_the_other_reads)
{
	struct identity i = make("server.test", 0);
	struct tls_options server = serving(&i), client = trusting(&i);
	struct sides s;
	int a, b;
	uint8_t got[64];
	set_up(&s, &server, &client, "server.test");
	shake_hands(&s, &a, &b);
	cr_assert_eq(a, 0, "%s", s.server.reason);
	cr_assert_eq(b, 0, "%s", s.client.reason);
	cr_expect_not(tls_session_may_be_refused(&s.client), "nobody has asked who it is");
	cr_assert_eq(tls_session_read(&s.server, got, sizeof got), -EAGAIN);
	cr_assert_eq(tls_session_write(&s.client, (const uint8_t *)"hello", 5), 5);
	carry(&s.client, &s.server);
	cr_assert_eq(tls_session_read(&s.server, got, sizeof got), 5);
	cr_assert_eq(memcmp(got, "hello", 5), 0);
	tls_session_end(&s.client);
	carry(&s.client, &s.server);
	cr_assert_eq(tls_session_read(&s.server, got, sizeof got), 0, "it has said good-bye");
	tear_down(&s);
	forget(&i);
}

static void expect_failure(const struct tls_options *server, const struct tls_options *client,
			   const char *name, const char *reason, bool on_server)
{
	struct sides s;
	int a, b;
	set_up(&s, server, client, name);
	shake_hands(&s, &a, &b);
	const struct tls_session *who = on_server ? &s.server : &s.client;
	cr_assert_eq(on_server ? a : b, -EPROTO);
	cr_assert_not_null(strstr(who->reason, reason), "%s", who->reason);
	tear_down(&s);
}

Test(tls_session, an_expired_certificate_is_told_as_such)
{
	struct identity i = make("server.test", -7200);
	struct tls_options server = serving(&i), client = trusting(&i);
	expect_failure(&server, &client, "server.test", "certificate has expired", false);
	forget(&i);
}

Test(tls_session, a_certificate_for_another_name_is_refused)
{
	struct identity i = make("server.test", 0);
	struct tls_options server = serving(&i), client = trusting(&i);
	expect_failure(&server, &client, "other.test", "hostname mismatch", false);
	expect_failure(&server, &client, "127.0.0.2", "IP address mismatch", false);
	forget(&i);
}

Test(tls_session, a_certificate_that_nobody_trusts_is_refused_unless_none_is_asked_for)
{
	struct identity i = make("server.test", 0), other = make("other.test", 0);
	struct tls_options server = serving(&i), client = trusting(&other);
	struct sides s;
	int a, b;
	expect_failure(&server, &client, "server.test", "self-signed certificate", false);
	client.verify = false;
	set_up(&s, &server, &client, NULL);
	shake_hands(&s, &a, &b);
	cr_assert(a == 0 && b == 0);
	tear_down(&s);
	forget(&i);
	forget(&other);
}

Test(tls_session, a_client_without_the_certificate_that_is_wanted_is_refused)
{
	struct identity i = make("server.test", 0), mine = make("client.test", 0);
	struct identity old = make("client.test", -7200);
	struct tls_options server = serving(&i), client = trusting(&i);
	struct sides s;
	int a, b;
	server.ca = mine.cert_file;
	server.require_client_certificate = true;
	expect_failure(&server, &client, "server.test", "peer did not return a certificate", true);
	client.cert = mine.cert_file;
	client.key = mine.key_file;
	set_up(&s, &server, &client, "server.test");
	shake_hands(&s, &a, &b);
	cr_assert(a == 0 && b == 0);
	cr_expect(tls_session_may_be_refused(&s.client) && !tls_session_may_be_refused(&s.server));
	tear_down(&s);
	server.ca = old.cert_file;
	client.cert = old.cert_file;
	client.key = old.key_file;
	expect_failure(&server, &client, "server.test", "certificate has expired", true);
	forget(&i);
	forget(&mine);
	forget(&old);
}

Test(tls_session, what_is_no_TLS_fails_and_an_older_version_than_wanted_too)
{
	struct identity i = make("server.test", 0);
	struct tls_options server = serving(&i), client = trusting(&i);
	struct sides s;
	set_up(&s, &server, &client, NULL);
	cr_assert_eq(tls_session_take(&s.server, (const uint8_t *)"GET / HTTP/1.0\r\n\r\n", 18), 0);
	cr_assert_eq(tls_session_handshake(&s.server), -EPROTO);
	cr_assert_neq(s.server.reason[0], 0);
	tear_down(&s);
	server.min_version = TLS_VERSION_1_3;
	set_up(&s, &server, &client, "server.test");
	SSL_set_max_proto_version(s.client.ssl, TLS1_2_VERSION);
	int a, b;
	shake_hands(&s, &a, &b);
	cr_assert_eq(a, -EPROTO);
	tear_down(&s);
	forget(&i);
}

Test(tls_session, files_that_are_none_are_refused_by_their_names)
{
	struct identity i = make("server.test", 0), other = make("other.test", 0);
	struct tls_options o = {.cert = i.cert_file, .key = other.key_file};
	struct tls_context c;
	char why[256];
	cr_assert_eq(tls_context_init(&c, &o, true, why, sizeof why), -EINVAL);
	cr_assert_not_null(strstr(why, "key.pem: the private key is not the certificate's"), "%s",
			   why);
	tls_context_release(&c);
	o = (struct tls_options){.cert = i.key_file, .key = i.key_file};
	cr_assert_eq(tls_context_init(&c, &o, true, why, sizeof why), -EINVAL);
	cr_assert_not_null(strstr(why, "key.pem: no certificate"), "%s", why);
	tls_context_release(&c);
	forget(&i);
	forget(&other);
}

/* Its memory is looked at where tests are sanitized. */
Test(tls_session, one_that_cannot_be_begun_leaves_nothing)
{
	struct tls_options o = {.verify = false};
	struct tls_context c;
	struct tls_session s;
	char why[256], name[400];
	memset(name, 'x', sizeof name);
	name[sizeof name - 1] = 0; /* longer than any that can be said */
	cr_assert_eq(tls_context_init(&c, &o, false, why, sizeof why), 0, "%s", why);
	cr_expect_eq(tls_session_init(&s, &c, name), -ENOMEM);
	cr_expect_null(s.ssl);
	tls_session_release(&s);
	tls_context_release(&c);
}
