#include "stages/secrets/secret.h"
#include "stages/secrets/secret_sketch.h"

#include <string.h>

const struct secret_kind secret_kinds[SECRET_KINDS] = {
    [SECRET_EMAIL] = {.name = "email",
		      .find = secret_find_email,
		      .needs = {.hints = HINT_AT | HINT_AT_ESCAPED}},
    [SECRET_CARD] = {.name = "card",
		     .find = secret_find_card,
		     .needs = {.digits = 13},
		     .has_groups = true,
		     .may_keep = true},
    [SECRET_IPV4] = {.name = "ipv4", .find = secret_find_ipv4, .needs = {.digits = 4, .dots = 3}},
    [SECRET_IPV6] = {.name = "ipv6", .find = secret_find_ipv6, .needs = {.colons = 2}},
    [SECRET_BEARER] = {.name = "bearer",
		       .find = secret_find_bearer,
		       .needs = {.hints = HINT_BEARER | HINT_BASIC | HINT_AUTHORIZATION}},
    [SECRET_JWT] = {.name = "jwt",
		    .find = secret_find_jwt,
		    .needs = {.dots = 2, .hints = HINT_OBJECT}},
    [SECRET_AWS] = {.name = "aws",
		    .find = secret_find_aws,
		    .needs = {.hints = HINT_KEY_ID | HINT_SECRET}},
    [SECRET_IBAN] = {.name = "iban",
		     .find = secret_find_iban,
		     .needs = {.digits = 4},
		     .has_groups = true},
    [SECRET_UUID] = {.name = "uuid", .find = secret_find_uuid, .needs = {.dashes = 4}},
};

int secret_kind_find(const char *name, size_t length)
{
	for (int i = 0; i < SECRET_KINDS; i++)
		if (strlen(secret_kinds[i].name) == length &&
		    memcmp(secret_kinds[i].name, name, length) == 0)
			return i;
	return -1;
}
