/* zstd_mending.h - finds out how zstd frames cut off at a block's boundary are made whole again.
 *
 *   frame | frame | open frame, blocks so far | 01 00 00  checksum         an empty last block, and XXH64's low 32 bits
 *   put ------------------------------------> | tail                       of what the open frame decodes to
 *
 * Threads: the owner's. Memory: taken by zstd_mending_init(), and what decoding one frame takes. Layer: stages. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ZSTD_TAIL = 7 };

struct zstd_mending {
	struct ZSTD_DCtx_s *stream;
	struct XXH64_state_s *hash; /* of the frame that is open */
	uint8_t *decoded;
	bool open; /* a frame has begun and not ended */
};

/* 0 or -ENOMEM; zstd_mending_release() in any case. */
int zstd_mending_init(struct zstd_mending *m);
void zstd_mending_release(struct zstd_mending *m);

/* What comes next of the file, from the beginning of a frame on. 0, or -EBADMSG: that is no zstd. */
int zstd_mending_put(struct zstd_mending *m, const uint8_t *bytes, size_t length);

/* What is to follow, which ends with a checksum if the open frame is to have one; returns its length, 0 if nothing is. */
size_t zstd_mending_tail(const struct zstd_mending *m, bool has_checksum, uint8_t tail[ZSTD_TAIL]);
