/* logfmt_scan.h - one record in logfmt, pair by pair.
 *
 *	at=info path=/a?b=c msg="two \"words\"" took= cached
 *	at      path        msg                 took  cached
 *	info    /a?b=c      two \"words\"       ""    (none)
 *
 *	struct logfmt_scan s = logfmt_from(bytes, length);
 *	while ((r = logfmt_next(&s, &pair)) > 0) ...
 *
 * As github.com/go-logfmt/logfmt reads it: bytes up to and with the blank separate pairs, a key has no `=` and no `"`, a value
 * in quotes has the escapes of JSON. But a value without quotes may hold `=` here, as many an address does, and what JSON
 * does not have in strings (control characters, what is not UTF-8) may stand between quotes; only an escape that is none is
 * refused, and so are `"` in a key or in a value that does not begin with one, and `=` without a key.
 *
 * Threads: any. Memory: none; time is linear. Layer: stages. */
#pragma once

#include "stages/text/text_span.h"

#include <stdbool.h>
#include <stddef.h>

struct logfmt_scan {
	const uint8_t *at, *end;
	const char *why; /* it is refused; static */
};

struct logfmt_pair {
	struct text_span key;   /* never empty */
	struct text_span value; /* not there: nothing but the key is */
	bool escaped;           /* there are escapes in the value, as json_text.h takes them out */
};

static inline struct logfmt_scan logfmt_from(const uint8_t *bytes, size_t length)
{
	return (struct logfmt_scan){.at = bytes, .end = bytes + length};
}

/* 1: a pair; 0: there are no more; -EBADMSG: s->why. */
int logfmt_next(struct logfmt_scan *s, struct logfmt_pair *ret_pair);
