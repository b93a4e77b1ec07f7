#include "stages/http_call/http_options.h"
#include "stages/tls/tls_context.h"

#include <string.h>
#include <strings.h>

#define AUTH(member) offsetof(struct http_auth_options, member)
#define TLS(member) offsetof(struct http_tls_options, member)

const struct option http_auth_table[] = {
    {"user", OPTION_TEXT, AUTH(user), .min = 1, .doc = "With `password`: Basic"},
    {"password", OPTION_TEXT, AUTH(password),
     .doc = "Best from a file: \"${file:/path}\", which is never shown"},
    {"token", OPTION_TEXT, AUTH(token), .min = 1,
     .doc = "Sent as `Authorization: Bearer ...`, to elasticsearch_bulk as `ApiKey ...`, to "
	    "splunk_hec as `Splunk ...`; best from a file"},
    {0},
};

const struct option http_tls_table[] = {
    {"ca", OPTION_FILE, TLS(ca),
     .doc = "Certificates (PEM) of who may sign the server's, instead of the system's"},
    {"cert", OPTION_FILE, TLS(cert), .doc = "Our certificate (PEM), for servers that want one"},
    {"key", OPTION_FILE, TLS(key), .doc = "Its key (PEM)"},
    {"verify", OPTION_BOOL, TLS(verify), .preset = "true",
     .doc = "false: whoever answers is believed, and so is whoever is in between"},
    {"server_name", OPTION_TEXT, TLS(server_name), .min = 1, .max = 253,
     .doc = "The name that the server's certificate must have, where it is not the URL's"},
    {0},
};

static void check_auth(const struct http_auth_options *a, struct problems *problems)
{
	if (a->token.bytes && a->user.bytes)
		problem_add(problems, a->token.at,
			    "`token` beside `user`; a request has one of them");
	if (a->password.bytes && !a->user.bytes)
		problem_add(problems, a->password.at, "`password` without `user`");
	if (a->user.bytes && memchr(a->user.bytes, ':', a->user.length))
		problem_add(problems, a->user.at, "a user's name in Basic cannot hold a colon");
}

/* As whoever else connects is told: libcurl would say it with each request, and ask whoever sits there for the password of a key. */
static void check_tls(const struct http_tls_options *t, struct place at, struct problems *problems)
{
	const struct tls_options files = {.ca = t->ca, .cert = t->cert, .key = t->key};
	if (t->ca.path.bytes || t->cert.path.bytes || t->key.path.bytes)
		tls_options_check(&files, false, at, problems);
}

static bool is_token_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_header_name(const struct text *name)
{
	for (size_t i = 0; i < name->length; i++)
		if (!is_token_character(name->bytes[i]))
			return false;
	return name->length > 0;
}

/* It stands on one line, and ends where that does. */
static bool is_one_line(const struct text *t)
{
	for (size_t i = 0; i < t->length; i++)
		if (t->bytes[i] == '\r' || t->bytes[i] == '\n' || t->bytes[i] == '\0')
			return false;
	return true;
}

static bool is_ours(const struct text *name)
{
	static const char *const ours[] = {"Content-Length",  "Transfer-Encoding", "Connection",
					   "Idempotency-Key", "Content-Encoding",  "Expect"};
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (strcasecmp(name->bytes, ours[i]) == 0)
			return true;
	return false;
}

static void check_header(const struct text_pair *h, struct problems *problems)
{
	if (!is_header_name(&h->name))
		problem_add(problems, h->name.at,
			    "no name of a header: letters, digits and !#$%%&'*+-.^_`|~ are");
	else if (is_ours(&h->name))
		problem_add(problems, h->name.at,
			    "`%s` is said by the program itself; leave it out", h->name.bytes);
	if (!is_one_line(&h->value))
		problem_add(problems, h->value.at, "a header's value stands on one line");
}

void http_options_check(const struct http_options *o, struct place at, struct problems *problems)
{
	check_auth(&o->auth, problems);
	check_tls(&o->tls, at, problems);
	if (o->auth.token.bytes && !is_one_line(&o->auth.token))
		problem_add(problems, o->auth.token.at, "`token` stands on one line");
	for (size_t i = 0; i < o->headers.count; i++)
		check_header(&o->headers.items[i], problems);
}

/* libcurl opens a connection with the first request that needs one, and has no way to open one ahead of it. */
void http_pool_check(const struct pool_options *o, struct place at, struct problems *problems)
{
	pool_options_check(o, at, problems);
	if (o->min > 0)
		problem_warn(problems, at,
			     "`pool.min` means nothing here: a connection is opened with the first "
			     "request that needs it, and kept");
}

bool http_url_has(CURLU *url, CURLUPart part, const char *unless)
{
	char *text = NULL;
	bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK &&
		   !(unless && strcmp(text, unless) == 0);
	curl_free(text);
	return has;
}

static bool is_http(CURLU *parsed)
{
	char *scheme = NULL;
	bool is = curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		  (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
	curl_free(scheme);
	return is;
}

void http_url_check(const struct text *url, struct problems *problems)
{
	if (!url->bytes)
		return;
	CURLU *parsed = curl_url();
	CURLUcode r = CURLUE_BAD_HANDLE;
	if (parsed && strlen(url->bytes) == url->length)
		r = curl_url_set(parsed, CURLUPART_URL, url->bytes, CURLU_NON_SUPPORT_SCHEME);
	if (r != CURLUE_OK || !is_http(parsed))
		problem_add(problems, url->at,
			    "this is no URL of a server: https://host/path, or http://");
	else if (http_url_has(parsed, CURLUPART_USER, NULL))
		problem_add(
		    problems, url->at,
		    "a user in the URL would be shown with it; take `auth: {user, password}`");
	curl_url_cleanup(parsed);
}
