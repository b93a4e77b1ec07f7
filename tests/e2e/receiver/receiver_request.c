#include "tests/e2e/receiver/receiver_request.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>

enum { READ_SIZE = 64 * 1024 };

static void header_value(const char *head, size_t length, const char *name, char *to, size_t room)
{
	size_t n = strlen(name);
	*to = '\0';
	for (const char *at = head;
	     (at = memchr(at, '\n', (size_t)(head + length - at))) != NULL;) {
		at++;
		if ((size_t)(head + length - at) <= n || strncasecmp(at, name, n) != 0 ||
		    at[n] != ':')
			continue;
		at += n + 1;
		while (*at == ' ')
			at++;
		size_t value = strcspn(at, "\r\n");
		snprintf(to, room, "%.*s", (int)value, at);
	}
}

bool request_read_head(const struct bytes *in, struct request *r)
{
	char number[32];
	if (in->length == 0)
		return false;
	const char *end = memmem(in->at, in->length, "\r\n\r\n", 4);
	if (!end)
		return false;
	r->head = (size_t)(end - in->at) + 4;
	if (sscanf(in->at, "%15s %511s", r->method, r->path) != 2)
		return false;
	header_value(in->at, r->head, "Idempotency-Key", r->key, sizeof r->key);
	header_value(in->at, r->head, "Content-Encoding", r->encoding, sizeof r->encoding);
	header_value(in->at, r->head, "If-None-Match", r->tag, sizeof r->tag);
	header_value(in->at, r->head, "Authorization", r->authorization, sizeof r->authorization);
	header_value(in->at, r->head, "Content-Length", number, sizeof number);
	r->length = strtoul(number, NULL, 10);
	return true;
}

static void unpack_gzip(struct request *r, const char *from, size_t length)
{
	char out[READ_SIZE];
	z_stream z = {.next_in = (Bytef *)(uintptr_t)from, .avail_in = (uInt)length};
	if (inflateInit2(&z, 15 + 16) != Z_OK)
		receiver_fail("inflate");
	int result = Z_OK;
	while (result == Z_OK) {
		z.next_out = (Bytef *)out;
		z.avail_out = sizeof out;
		result = inflate(&z, Z_NO_FLUSH);
		bytes_append(&r->body, out, sizeof out - z.avail_out);
	}
	inflateEnd(&z);
	if (result != Z_STREAM_END)
		r->body.length = 0;
}

static void unpack_zstd(struct request *r, const char *from, size_t length)
{
	unsigned long long size = ZSTD_getFrameContentSize(from, length);
	if (size > BODY_MAX)
		return;
	r->body.at = malloc(size + 1);
	r->body.room = size + 1;
	size_t n = r->body.at ? ZSTD_decompress(r->body.at, size, from, length) : 0;
	r->body.length = ZSTD_isError(n) ? 0 : n;
}

void request_unpack(struct request *r, const char *from, size_t length)
{
	if (strcmp(r->encoding, "gzip") == 0)
		unpack_gzip(r, from, length);
	else if (strcmp(r->encoding, "zstd") == 0)
		unpack_zstd(r, from, length);
	else
		bytes_append(&r->body, from, length);
}
