#include "conf/reserved.h"

#include <string.h>

static const char *const words[] = {
    /* top level */
    "control",
    /* stages */
    "on_error",
    "dead_letter",
    "timeout",
    "retry",
    "circuit_breaker",
    "rate_limit",
    "max_in_flight",
    "batch",
    "pool",
    "multiline",
    "delimiter",
    "encoding",
    "where",
    "journal",
};

bool reserved_word(const char *key, size_t length)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i]) == length && !memcmp(words[i], key, length))
			return true;
	return false;
}
