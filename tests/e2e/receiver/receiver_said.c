#include "tests/e2e/receiver/receiver_said.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { READ_SIZE = 64 * 1024 };

void said_answer(struct said *s, unsigned status, const char *headers, const char *body,
		 size_t length)
{
	char head[1024];
	snprintf(head, sizeof head, "HTTP/1.1 %u Told\r\nContent-Length: %zu\r\n%s\r\n", status,
		 length, headers);
	bytes_append_text(&s->bytes, head);
	bytes_append(&s->bytes, body, length);
}

void said_chunked(struct said *s, const char *body, size_t length)
{
	char size[32];
	bytes_append_text(&s->bytes, "HTTP/1.1 200 Told\r\nTransfer-Encoding: chunked\r\n\r\n");
	snprintf(size, sizeof size, "%zx\r\n", length);
	if (length > 0) {
		bytes_append_text(&s->bytes, size);
		bytes_append(&s->bytes, body, length);
		bytes_append_text(&s->bytes, "\r\n");
	}
	bytes_append_text(&s->bytes, "0\r\n\r\n");
}

void said_status(struct said *s, unsigned status, const char *retry_after)
{
	char retry[300] = "";
	if (retry_after && (status == 429 || status == 503))
		snprintf(retry, sizeof retry, "Retry-After: %s\r\n", retry_after);
	char body[64];
	snprintf(body, sizeof body, "this is a %u", status);
	said_answer(s, status, retry, body, strlen(body));
}

/* So many bytes of zeros, in a thousandth of it. */
static void answer_bomb(struct said *s)
{
	enum { UNPACKED = 1 << 29, STEP = 1 << 20 };
	static char zeros[STEP];
	struct bytes packed = {.at = NULL};
	char out[READ_SIZE];
	z_stream z = {.next_in = NULL};
	if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		receiver_fail("deflate");
	for (size_t done = 0; done < UNPACKED; done += STEP) {
		z.next_in = (Bytef *)zeros;
		z.avail_in = STEP;
		do {
			z.next_out = (Bytef *)out;
			z.avail_out = sizeof out;
			deflate(&z, done + STEP == UNPACKED ? Z_FINISH : Z_NO_FLUSH);
			bytes_append(&packed, out, sizeof out - z.avail_out);
		} while (z.avail_out == 0);
	}
	deflateEnd(&z);
	said_answer(s, 200, "Content-Encoding: gzip\r\n", packed.at, packed.length);
	free(packed.at);
}

bool said_oddly(struct said *s, const char *how)
{
	static char large[4 << 20];
	if (strcmp(how, "endless") == 0) {
		bytes_append_text(&s->bytes,
				  "HTTP/1.1 200 Told\r\nTransfer-Encoding: chunked\r\n\r\n");
		s->endless = "400\r\n%1024d\r\n";
	} else if (strcmp(how, "headers") == 0) {
		bytes_append_text(&s->bytes, "HTTP/1.1 200 Told\r\n");
		s->endless = "X-More: %1000d\r\n";
	} else if (strcmp(how, "cut") == 0) {
		bytes_append_text(&s->bytes,
				  "HTTP/1.1 200 Told\r\nContent-Length: 1000\r\n\r\nhalf\n");
		s->is_closing = true;
	} else if (strcmp(how, "cut-late") == 0) {
		bytes_append_text(&s->bytes,
				  "HTTP/1.1 200 Told\r\nContent-Length: 5000000\r\n\r\n");
		bytes_append(&s->bytes, large, sizeof large);
		s->is_closing = true;
	} else if (strcmp(how, "garbage") == 0) {
		said_answer(s, 200, "", "{\"errors\":tru", 13);
	} else if (strcmp(how, "bomb") == 0) {
		answer_bomb(s);
	} else if (strcmp(how, "large") == 0) {
		memset(large, 'x', sizeof large);
		said_answer(s, 200, "", large, sizeof large);
	} else {
		return false;
	}
	return true;
}
