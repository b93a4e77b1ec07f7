#include "stages/http_call/http_answer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { NS_PER_S = 1000000000, DAY_S = 86400 };

/* What is written in the topology, or by a server that will say it again. */
static bool is_lasting(CURLcode code)
{
	return code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT ||
	       code == CURLE_TOO_MANY_REDIRECTS || code == CURLE_BAD_FUNCTION_ARGUMENT;
}

static enum http_verdict of_failure(const struct http_answer *a, const char **ret_why)
{
	*ret_why = curl_easy_strerror(a->code);
	if (a->has_no_room)
		*ret_why = "no memory for the answer";
	if (a->has_long_head)
		*ret_why = "the answer's header lines are too long";
	return is_lasting(a->code) ? HTTP_REFUSED : HTTP_AGAIN;
}

struct told {
	long status;
	const char *why;
};

static const struct told again[] = {
    {408, "408: the server waited too long"},
    {425, "425: too early"},
    {429, "429: too many requests"},
    {500, "500: server error"},
    {502, "502: bad gateway"},
    {503, "503: unavailable"},
    {504, "504: the gateway waited too long"},
    {507, "507: no storage left there"},
};

static const struct told refused[] = {
    {400, "400: bad request"},        {401, "401: unauthorized"},
    {403, "403: forbidden"},          {404, "404: not found"},
    {405, "405: method not allowed"}, {406, "406: not acceptable"},
    {409, "409: conflict"},           {410, "410: gone"},
    {411, "411: length required"},    {412, "412: precondition failed"},
    {413, "413: too large"},          {415, "415: unsupported media type"},
    {422, "422: unprocessable"},
};

static const char *why_of(const struct told *list, size_t count, long status, const char *otherwise)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].status == status)
			return list[i].why;
	return otherwise;
}

static bool is_again(long status)
{
	return status == 408 || status == 425 || status == 429 || status >= 500;
}

static enum http_verdict of_status(long status, const char **ret_why)
{
	if (status >= 200 && status < 300)
		return HTTP_DONE;
	if (status == 304)
		return HTTP_UNCHANGED;
	if (is_again(status)) {
		*ret_why = why_of(again, sizeof again / sizeof *again, status, "5xx: server error");
		return HTTP_AGAIN;
	}
	*ret_why = why_of(refused, sizeof refused / sizeof *refused, status,
			  status < 400 ? "3xx: the server sends us elsewhere"
				       : "4xx: the server refuses the request");
	return status == 413 ? HTTP_SMALLER : HTTP_REFUSED;
}

enum http_verdict http_verdict_of(const struct http_answer *a, const char **ret_why)
{
	bool was_cut_here = a->is_too_long && a->code == CURLE_WRITE_ERROR;
	if (a->code != CURLE_OK && !was_cut_here)
		return of_failure(a, ret_why);
	return of_status(a->status, ret_why);
}

static uint64_t in_seconds(const char *value)
{
	uint64_t seconds = 0;
	for (; isdigit((unsigned char)*value); value++)
		if (seconds <= DAY_S)
			seconds = 10 * seconds + (uint64_t)(*value - '0');
	return *value ? 0 : seconds;
}

uint64_t http_retry_after(const char *value, int64_t wall_ns)
{
	uint64_t seconds = 0;
	if (isdigit((unsigned char)*value)) {
		seconds = in_seconds(value);
	} else {
		time_t then = curl_getdate(value, NULL);
		int64_t now = wall_ns / NS_PER_S;
		if (then > now)
			seconds = (uint64_t)(then - now);
	}
	return (seconds < DAY_S ? seconds : DAY_S) * NS_PER_S;
}
