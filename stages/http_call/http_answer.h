/* http_answer.h - what a request's end means for it: done, to be tried again, or never to be.
 *
 * Threads: any. Memory: none. Layer: stages. */
#pragma once

#include "stages/http_call/http_transfer.h"

enum http_verdict {
	HTTP_DONE,
	HTTP_UNCHANGED, /* 304 */
	HTTP_AGAIN,     /* it may yet succeed */
	HTTP_SMALLER,   /* the body is too large for the server */
	HTTP_REFUSED,   /* it never will */
};

/* *ret_why: static, of all but the first two. */
enum http_verdict http_verdict_of(const struct http_answer *a, const char **ret_why);

/* What `Retry-After` asks for: seconds, or a date, of which wall_ns (since 1970) is taken. 0: nothing, or no such thing; a day at
 * most. */
uint64_t http_retry_after(const char *value, int64_t wall_ns);
