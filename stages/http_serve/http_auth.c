#include "stages/http_serve/http_auth.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CREDENTIAL_MAX = 4096 };

const struct option http_serve_auth_table[] = {
    {"tokens", OPTION_TEXTS, offsetof(struct http_serve_auth_options, tokens), .min = 1,
     .max = CREDENTIAL_MAX,
     .doc = "Each lets in who sends `Authorization: Bearer` with it; better from `${file:...}`"},
    {"users", OPTION_MAP, offsetof(struct http_serve_auth_options, users), .min = 1,
     .max = CREDENTIAL_MAX,
     .doc = "Names and their passwords, of whom each is let in by `Authorization: Basic`"},
    {0},
};

/* The library may be without memory for it. */
static int digest_of(const void *bytes, size_t length, unsigned char digest[static HTTP_DIGEST])
{
	_Static_assert(HTTP_DIGEST == SHA256_DIGEST_LENGTH, "SHA-256");
	return SHA256(bytes, length, digest) ? 0 : -ENOMEM;
}

/* As Basic sends it: name:password in base64. */
static int digest_user(const struct text_pair *user, unsigned char digest[static HTTP_DIGEST])
{
	size_t length = user->name.length + 1 + user->value.length;
	unsigned char *plain = malloc(length), *coded = malloc(length * 4 / 3 + 8);
	int r = plain && coded ? 0 : -ENOMEM;
	if (r == 0) {
		memcpy(plain, user->name.bytes, user->name.length);
		plain[user->name.length] = ':';
		memcpy(plain + user->name.length + 1, user->value.bytes, user->value.length);
		int n = EVP_EncodeBlock(coded, plain, (int)length);
		r = digest_of(coded, (size_t)n, digest);
		OPENSSL_cleanse(plain, length);
		OPENSSL_cleanse(coded, (size_t)n);
	}
	free(plain);
	free(coded);
	return r;
}

int http_auth_init(struct http_auth *a, const struct http_serve_auth_options *o)
{
	*a = (struct http_auth){.token_count = o->tokens.count,
				.count = o->tokens.count + o->users.count};
	if (a->count == 0)
		return 0;
	a->digests = calloc(a->count, sizeof *a->digests);
	int r = a->digests ? 0 : -ENOMEM;
	for (size_t i = 0; r == 0 && i < o->tokens.count; i++)
		r = digest_of(o->tokens.items[i].bytes, o->tokens.items[i].length, a->digests[i]);
	for (size_t i = 0; r == 0 && i < o->users.count; i++)
		r = digest_user(&o->users.items[i], a->digests[o->tokens.count + i]);
	if (r < 0)
		http_auth_release(a);
	return r;
}

void http_auth_release(struct http_auth *a)
{
	free(a->digests);
	*a = (struct http_auth){.digests = NULL};
}

/* What stands behind the scheme's name; NULL: it is another scheme. */
static const char *credential(const char *header, const char *scheme)
{
	size_t length = strlen(scheme);
	if (strncasecmp(header, scheme, length) != 0 || header[length] != ' ')
		return NULL;
	header += length;
	return header + strspn(header, " ");
}

static bool is_among(const struct http_auth *a, size_t from, size_t to, const char *what)
{
	unsigned char digest[HTTP_DIGEST];
	unsigned found = 0;
	if (digest_of(what, strlen(what), digest) < 0)
		return false;
	for (size_t i = from; i < to; i++)
		found |= CRYPTO_memcmp(digest, a->digests[i], HTTP_DIGEST) == 0;
	return found;
}

bool http_auth_allows(const struct http_auth *a, const char *header)
{
	if (a->count == 0)
		return true;
	if (!header)
		return false;
	const char *token = credential(header, "Bearer"), *user = credential(header, "Basic");
	return token  ? is_among(a, 0, a->token_count, token)
	       : user ? is_among(a, a->token_count, a->count, user)
		      : false;
}

const char *http_auth_challenge(const struct http_auth *a)
{
	return a->token_count == a->count ? "Bearer realm=\"sluice\""
	       : a->token_count == 0      ? "Basic realm=\"sluice\", charset=\"UTF-8\""
					  : "Bearer realm=\"sluice\", Basic realm=\"sluice\"";
}
