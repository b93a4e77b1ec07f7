/* receiver_request.h - a request that has come to http_receiver: what it says of itself, and its body unpacked.
 * Threads: one. Memory: free() of body.at. Layer: tests, libc, zlib, zstd. */
#pragma once

#include "tests/e2e/receiver/receiver_bytes.h"

#include <stdbool.h>

enum { BODY_MAX = 1 << 28 };

struct request {
	char method[16], path[512], key[300], encoding[32], tag[128], authorization[200];
	size_t head, length; /* bytes, as they came */
	struct bytes body;   /* unpacked */
};

/* All zero before. False: more has to come. */
bool request_read_head(const struct bytes *in, struct request *r);

/* length bytes, as `encoding` says; damaged ones are none. */
void request_unpack(struct request *r, const char *from, size_t length);
