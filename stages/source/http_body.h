/* http_body.h - the body of one request as it comes: decompressed, JSON made into lines, and kept until all of it is there.
 *
 *	bytes -> [decoder] -> [json_lines] -> blocks of the body_room -> (the source, once it is whole)
 *
 * What is wrong with it is known before anything of it is handed on, so a request counts as a whole or not at all.
 * Capped by what comes out: `max_body` bytes, and HTTP_BODY_RATIO times what went in.
 *
 * Threads: the owner's. Memory: blocks, and one of the decoders while it comes. Layer: stages. */
#pragma once

#include "stages/codec/gzip_reader.h"
#include "stages/codec/zstd_reader.h"
#include "stages/json/json_lines.h"
#include "stages/source/body_room.h"

#include <stdbool.h>

enum {
	HTTP_BODY_RATIO = 1000, /* zlib reaches 1032 with nothing but one byte again and again */
	HTTP_BODY_RATIO_FROM = 1 << 20, /* less is no burden */
	HTTP_BODY_WHY = 192,
	HTTP_DECODERS = 4, /* of each kind, at a time */
};

enum http_coding { HTTP_IDENTITY, HTTP_GZIP, HTTP_DEFLATE, HTTP_ZSTD, HTTP_CODINGS };

/* Made when they are first needed, and kept. */
struct http_decoders {
	struct gzip_reader gzip[HTTP_DECODERS], deflate[HTTP_DECODERS];
	struct zstd_reader zstd[HTTP_DECODERS];
	bool used[HTTP_CODINGS][HTTP_DECODERS];
};

size_t http_decoders_memory(void);
void http_decoders_release(struct http_decoders *d);

struct http_body {
	struct body body; /* must stand first */
	struct body_room *room;
	struct http_decoders *decoders;
	enum http_coding coding;
	unsigned decoder; /* which */
	bool holds_decoder;
	bool is_json;
	struct json_lines json;
	uint64_t max_body;
	uint64_t encoded, decoded; /* bytes so far */
	unsigned status;           /* of HTTP, with which it is refused; 0: it is not */
	char why[HTTP_BODY_WHY];
};

enum http_fed {
	HTTP_FED,         /* all was taken */
	HTTP_FED_WAITS,   /* no more for now: there is no block, or the budget is spent */
	HTTP_FED_REFUSED, /* see status and why */
};

/* The most blocks that a body of so many bytes, once decompressed, may take. */
size_t http_body_blocks(uint64_t max_body);

/* length: of what will come; UINT64_MAX: not known. 0; -EAGAIN: all decoders of that kind are busy; or -ENOMEM. Where it is
 * not 0 there is nothing to end. */
int http_body_begin(struct http_body *b, struct body_room *room, struct http_decoders *decoders,
		    enum http_coding coding, bool is_json, uint64_t max_body, uint64_t length);

/* *ret_taken of bytes[0, length). budget: bytes that may be made; less when it returns. */
enum http_fed http_body_take(struct http_body *b, const uint8_t *bytes, size_t length,
			     uint64_t *budget, size_t *ret_taken);
/* No more will come. After HTTP_FED it is whole, and waits for no blocks any more. */
enum http_fed http_body_finish(struct http_body *b, uint64_t *budget);

/* Gives back what it still has. */
void http_body_drop(struct http_body *b);
