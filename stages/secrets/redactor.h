/* redactor.h - text without its secrets: each is replaced by a mask, or by what a keyed hash makes of it.
 *
 *	mask "***", keep 4       card 4111 1111 1111 1111        card ***1111
 *	hash                     ann@example.com                 9b0c...e1, 32 digits, the same wherever it comes again
 *
 * In JSON it is strings and numbers that are searched, names too, each as what it says and not as it is escaped; a number in
 * which something is found becomes a string, and the text stays JSON.
 *
 * Threads: one. Memory: redactor_release(). Layer: stages. */
#pragma once

#include "stages/encode/writer.h"
#include "stages/secrets/secret_search.h"
#include "stages/secrets/siphash.h"
#include "stages/value.h"

struct redactor {
	struct secret_search search;
	bool hashes;
	uint8_t key[SIPHASH_KEY_BYTES];
	const uint8_t *put; /* the mask; or what stands before each hash */
	size_t put_length;
	unsigned keep; /* so many of the last digits of a card's number stay */
	/* Replaced so far: by kind; the last: by patterns. */
	uint64_t counts[SECRET_KINDS + 1];
};

void redactor_release(struct redactor *r);

enum redacted {
	REDACTED_NOTHING, /* nothing was found, and nothing written */
	REDACTED_SOME,    /* the whole of the text is written, without what was found */
};

/* Each returns enum redacted, or the text must not be let through: -ELOOP, -EIO (secret_pattern_next()), -ENOBUFS: there is not
 * enough room in w or in `room`; then w is as it was. */
int redactor_text(struct redactor *r, const uint8_t *text, size_t length, struct writer *w);

/* text: JSON that has been checked. room: for what is on the way there; it is given back. */
int redactor_json(struct redactor *r, const uint8_t *text, size_t length, struct scratch *room,
		  struct writer *w);
