/* secret.h - the kinds of secret that are found in text by how they look, each by a scanner of its own.
 *
 *	at 10.1.2.3 ann@example.com paid with 4111 1111 1111 1111
 *	   ^^^^^^^^ ^^^^^^^^^^^^^^^           ^^^^^^^^^^^^^^^^^^^
 *	   ipv4     email                     card: 13 to 19 digits whose check digit is right
 *
 * A scanner goes over the text once, looks back and ahead no further than what it looks for can be long, and never tries the
 * same bytes in more than a few ways: time is linear in the length, whatever the text is.
 *
 * Text is bytes: NUL and what is no UTF-8 are bytes like any other that belong to no secret.
 *
 * Threads: any. Memory: none. Layer: stages, libc only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct secret_span {
	size_t from, to;
};

/* The first one in text[from, length), of which it is the first byte that counts; what stands before `from` is looked at only
 * for where words begin. Asked again from span.to on, it finds the next. */
typedef bool secret_find(const uint8_t *text, size_t length, size_t from, struct secret_span *ret);

/* What a text has to have at the least (secret_sketch.h), all of it. */
struct secret_needs {
	uint32_t digits, dots, colons, dashes; /* so many */
	uint32_t hints;                        /* one of these; 0: none */
};

struct secret_kind {
	const char *name;
	secret_find *find;
	struct secret_needs needs;
	bool
	    has_groups; /* spaces and the like in it do not make it another: what is hashed has none */
	bool may_keep; /* its last digits may be shown */
};

enum secret_kind_number {
	SECRET_EMAIL,
	SECRET_CARD,
	SECRET_IPV4,
	SECRET_IPV6,
	SECRET_BEARER,
	SECRET_JWT,
	SECRET_AWS,
	SECRET_IBAN,
	SECRET_UUID,
	SECRET_KINDS,
};
extern const struct secret_kind secret_kinds[SECRET_KINDS];

secret_find secret_find_email, secret_find_card, secret_find_ipv4, secret_find_ipv6,
    secret_find_bearer, secret_find_jwt, secret_find_aws, secret_find_iban, secret_find_uuid;

/* -1: there is none of that name. */
int secret_kind_find(const char *name, size_t length);
