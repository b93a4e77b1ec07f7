#include "stages/http_call/http_transfer.h"
#include "stages/http_call/http_answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- what comes in ---- */

static bool make_room(struct http_answer *a, size_t more, size_t most)
{
	enum { LEAST = 4096 };
	size_t wanted = a->length + more;
	if (wanted <= a->room)
		return true;
	size_t room = a->room < LEAST ? LEAST : 2 * a->room;
	if (room > most)
		room = most;
	if (room < wanted)
		room = wanted;
	uint8_t *body = realloc(a->body, room);
	if (!body) {
		a->has_no_room = true;
		return false;
	}
	a->body = body;
	a->room = room;
	return true;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *owner)
{
	struct http_transfer *t = owner;
	struct http_answer *a = &t->answer;
	size_t length = size * count;
	size_t fits = t->body_max - a->length;
	a->is_too_long = length > fits;
	if (!a->is_too_long)
		fits = length;
	if (fits > 0 && !make_room(a, fits, t->body_max))
		return CURL_WRITEFUNC_ERROR;
	if (fits > 0)
		memcpy(a->body + a->length, bytes, fits);
	a->length += fits;
	return a->is_too_long ? CURL_WRITEFUNC_ERROR : length;
}

/* Into room for HTTP_TAG_MAX; one that is longer counts as not said. */
static void take_value(char *to, const char *bytes, size_t length)
{
	while (length > 0 && (*bytes == ' ' || *bytes == '\t'))
		bytes++, length--;
	while (length > 0 && (bytes[length - 1] == '\r' || bytes[length - 1] == '\n' ||
			      bytes[length - 1] == ' ' || bytes[length - 1] == '\t'))
		length--;
	bool fits = length < HTTP_TAG_MAX && !memchr(bytes, '\0', length);
	if (fits)
		memcpy(to, bytes, length);
	to[fits ? length : 0] = '\0';
}

static bool is_named(const char *line, size_t length, const char *name)
{
	size_t n = strlen(name);
	return length > n && line[n] == ':' && strncasecmp(line, name, n) == 0;
}

static void take_header(struct http_transfer *t, const char *line, size_t length)
{
	struct http_answer *a = &t->answer;
	const struct {
		const char *name;
		char *to;
	} kept[] = {{"etag", a->tag},
		    {"last-modified", a->modified},
		    {"x-clickhouse-exception-code", a->exception}};
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
		size_t n = strlen(kept[i].name);
		if (is_named(line, length, kept[i].name))
			take_value(kept[i].to, line + n + 1, length - n - 1);
	}
	if (is_named(line, length, "retry-after")) {
		char value[HTTP_TAG_MAX];
		take_value(value, line + strlen("retry-after:"), length - strlen("retry-after:"));
		a->retry_after_ns = http_retry_after(value, env_wall_ns(t->env));
	}
}

/* A status line begins another answer: what redirects and 100s say is not the answer's. */
static size_t on_header(char *bytes, size_t size, size_t count, void *owner)
{
	struct http_transfer *t = owner;
	struct http_answer *a = &t->answer;
	size_t length = size * count;
	a->header_bytes += length;
	a->has_long_head = a->header_bytes > HTTP_HEADERS_MAX;
	if (a->has_long_head)
		return 0;
	if (length > 5 && memcmp(bytes, "HTTP/", 5) == 0) {
		a->retry_after_ns = 0;
		a->tag[0] = a->modified[0] = a->exception[0] = '\0';
		a->length = 0;
	} else {
		take_header(t, bytes, length);
	}
	return length;
}

/* ---- what all requests have in common ---- */

int http_header_append(struct curl_slist **list, const char *line)
{
	struct curl_slist *more = curl_slist_append(*list, line);
	if (!more)
		return -ENOMEM;
	*list = more;
	return 0;
}

/* `name: value`; a header without a value is `name;` to libcurl. */
static int append_pair(struct curl_slist **list, const char *name, const char *value)
{
	char *line;
	if (asprintf(&line, *value ? "%s: %s" : "%s;", name, value) < 0)
		return -ENOMEM;
	int r = http_header_append(list, line);
	explicit_bzero(line, strlen(line));
	free(line);
	return r;
}

static int append_common(struct http_transfer *t, const struct http_options *o, const char *scheme)
{
	int r = http_header_append(&t->common, "Expect:");
	for (size_t i = 0; r == 0 && i < o->headers.count; i++)
		r = append_pair(&t->common, o->headers.items[i].name.bytes,
				o->headers.items[i].value.bytes);
	if (r == 0 && o->auth.token.bytes) {
		char *value;
		if (asprintf(&value, "%s %s", scheme, o->auth.token.bytes) < 0)
			return -ENOMEM;
		r = append_pair(&t->common, "Authorization", value);
		explicit_bzero(value, strlen(value));
		free(value);
	}
	return r;
}

static CURLcode set_blob(CURL *easy, CURLoption option, const struct file_of_text *file)
{
	struct curl_blob blob = {.data = (void *)(uintptr_t)file->content.bytes,
				 .len = file->content.length,
				 .flags = CURL_BLOB_COPY};
	return file->path.bytes ? curl_easy_setopt(easy, option, &blob) : CURLE_OK;
}

/* A directory of certificates would be trusted beside those that were given, and keeps libcurl from reading the system's once for all
 * connections. */
static CURLcode set_trust(CURL *easy, const struct http_tls_options *o)
{
	const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
	bool has_bundle = v->age >= CURLVERSION_SEVENTH && v->cainfo;
	if (o->ca.path.bytes || has_bundle)
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	return set_blob(easy, CURLOPT_CAINFO_BLOB, &o->ca);
}

static CURLcode set_tls(CURL *easy, const struct http_tls_options *o)
{
	CURLcode r = set_trust(easy, o);
	if (r == CURLE_OK)
		r = set_blob(easy, CURLOPT_SSLCERT_BLOB, &o->cert);
	if (r == CURLE_OK)
		r = set_blob(easy, CURLOPT_SSLKEY_BLOB, &o->key);
	if (r == CURLE_OK)
		r = curl_easy_setopt(easy, CURLOPT_KEYPASSWD, ""); /* nobody is asked for it */
	if (r == CURLE_OK)
		r = curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (r == CURLE_OK)
		r = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, o->verify ? 1L : 0L);
	if (r == CURLE_OK)
		r = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, o->verify ? 2L : 0L);
	return r;
}

static CURLcode set_auth(CURL *easy, const struct http_auth_options *o)
{
	if (!o->user.bytes)
		return CURLE_OK;
	curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
	CURLcode r = curl_easy_setopt(easy, CURLOPT_USERNAME, o->user.bytes);
	return r == CURLE_OK && o->password.bytes
		   ? curl_easy_setopt(easy, CURLOPT_PASSWORD, o->password.bytes)
		   : r;
}

/* Nothing of the environment: no proxy, no .netrc, no other protocol however a server asks for it. */
static CURLcode set_manners(struct http_transfer *t, const struct http_options *o)
{
	CURL *easy = t->easy;
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, o->follow_redirects > 0 ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)o->follow_redirects);
	curl_easy_setopt(easy, CURLOPT_POSTREDIR, (long)CURL_REDIR_POST_ALL);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "sluice/" SLUICE_VERSION);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
	return curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
}

/* ---- a server that goes by another name ---- */

static int part_of(CURLU *url, CURLUPart part, char **ret)
{
	CURLUcode r = curl_url_get(url, part, ret, CURLU_DEFAULT_PORT);
	return r == CURLUE_OK ? 0 : r == CURLUE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
}

static int connect_elsewhere(struct http_transfer *t, const char *name, const char *host,
			     const char *port)
{
	char *line;
	if (asprintf(&line, "%s:%s:%s:%s", name, port, host, port) < 0)
		return -ENOMEM;
	int r = http_header_append(&t->connect_to, line);
	free(line);
	if (r < 0)
		return r;
	if (asprintf(&line, "Host: %s:%s", host, port) < 0)
		return -ENOMEM;
	r = http_header_append(&t->common, line);
	free(line);
	curl_easy_setopt(t->easy, CURLOPT_CONNECT_TO, t->connect_to);
	return r;
}

/* The URL gets the name of the certificate, which libcurl then asks for and verifies; the connection goes where it went. */
static int rename_server(struct http_transfer *t, const char *name)
{
	char *host = NULL, *port = NULL, *url = NULL;
	CURLU *parsed = curl_url();
	int r = parsed && curl_url_set(parsed, CURLUPART_URL, t->url, 0) == CURLUE_OK ? 0 : -EINVAL;
	if (r == 0)
		r = part_of(parsed, CURLUPART_HOST, &host);
	if (r == 0)
		r = part_of(parsed, CURLUPART_PORT, &port);
	if (r == 0)
		r = connect_elsewhere(t, name, host, port);
	if (r == 0 && curl_url_set(parsed, CURLUPART_HOST, name, 0) != CURLUE_OK)
		r = -EINVAL;
	if (r == 0 && curl_url_get(parsed, CURLUPART_URL, &url, 0) != CURLUE_OK)
		r = -EINVAL;
	if (r == 0) {
		free(t->url);
		t->url = strdup(url);
		r = t->url ? 0 : -ENOMEM;
	}
	curl_free(host);
	curl_free(port);
	curl_free(url);
	curl_url_cleanup(parsed);
	return r;
}

int http_transfer_prepare(struct http_transfer *t, struct env *env, const struct http_options *o,
			  const char *url, const char *scheme)
{
	*t = (struct http_transfer){
	    .owner = t->owner, .env = env, .easy = curl_easy_init(), .url = strdup(url)};
	if (!t->easy || !t->url)
		return -ENOMEM;
	CURLcode r = set_manners(t, o);
	if (r == CURLE_OK)
		r = set_tls(t->easy, &o->tls);
	if (r == CURLE_OK)
		r = set_auth(t->easy, &o->auth);
	if (r != CURLE_OK)
		return r == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
	int appended = append_common(t, o, scheme);
	if (appended == 0 && o->tls.server_name.bytes)
		appended = rename_server(t, o->tls.server_name.bytes);
	return appended;
}

void http_transfer_release(struct http_transfer *t)
{
	if (!t->easy && !t->url)
		return;
	assert(!t->is_running);
	curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->common);
	curl_slist_free_all(t->headers);
	curl_slist_free_all(t->connect_to);
	free(t->url);
	http_transfer_forget(t);
	*t = (struct http_transfer){.owner = t->owner};
}

/* ---- one request ---- */

static int set_headers(struct http_transfer *t, const struct http_request *r)
{
	curl_slist_free_all(t->headers);
	t->headers = NULL;
	int result = 0;
	for (const struct curl_slist *h = t->common; result == 0 && h; h = h->next)
		result = http_header_append(&t->headers, h->data);
	for (const struct curl_slist *h = r->headers; result == 0 && h; h = h->next)
		result = http_header_append(&t->headers, h->data);
	if (result == 0)
		curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	return result;
}

static void set_body(CURL *easy, const struct http_request *r)
{
	if (r->body) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->length);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, r->body);
	} else {
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, r->method);
}

int http_transfer_begin(struct http_transfer *t, struct curl_loop *l, const struct http_request *r)
{
	assert(!t->is_running);
	uint8_t *body = t->answer.body;
	size_t room = t->answer.room;
	t->answer = (struct http_answer){.body = body, .room = room};
	t->body_max = r->body_max;
	int result = set_headers(t, r);
	if (result == 0 && curl_easy_setopt(t->easy, CURLOPT_URL, t->url) != CURLE_OK)
		result = -ENOMEM;
	curl_easy_setopt(t->easy, CURLOPT_ACCEPT_ENCODING, r->unpacks ? "" : NULL);
	set_body(t->easy, r);
	if (result == 0)
		result = curl_loop_add(l, t->easy);
	t->is_running = result == 0;
	return result;
}

void http_transfer_end(struct http_transfer *t, struct curl_loop *l, CURLcode code)
{
	t->answer.code = code;
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->answer.status);
	http_transfer_cancel(t, l);
}

void http_transfer_cancel(struct http_transfer *t, struct curl_loop *l)
{
	if (t->is_running)
		curl_loop_remove(l, t->easy);
	t->is_running = false;
}

void http_transfer_forget(struct http_transfer *t)
{
	free(t->answer.body);
	t->answer.body = NULL;
	t->answer.length = t->answer.room = 0;
}

struct http_transfer *http_transfer_of(CURL *easy)
{
	void *t = NULL;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t);
	return t;
}
