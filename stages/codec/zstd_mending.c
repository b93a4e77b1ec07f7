#include "stages/codec/zstd_mending.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>
#include <zstd.h>

enum { DECODED = 128 * 1024, LAST_BLOCK = 3, CHECKSUM = ZSTD_TAIL - LAST_BLOCK };

int zstd_mending_init(struct zstd_mending *m)
{
	*m = (struct zstd_mending){
	    .stream = ZSTD_createDCtx(), .hash = XXH64_createState(), .decoded = malloc(DECODED)};
	if (!m->stream || !m->hash || !m->decoded)
		return -ENOMEM;
	XXH64_reset(m->hash, 0);
	return 0;
}

void zstd_mending_release(struct zstd_mending *m)
{
	ZSTD_freeDCtx(m->stream);
	XXH64_freeState(m->hash);
	free(m->decoded);
	*m = (struct zstd_mending){0};
}

int zstd_mending_put(struct zstd_mending *m, const uint8_t *bytes, size_t length)
{
	ZSTD_inBuffer in = {.src = bytes, .size = length};
	ZSTD_outBuffer out;
	do {
		out = (ZSTD_outBuffer){.dst = m->decoded, .size = DECODED};
		size_t left = ZSTD_decompressStream(m->stream, &out, &in);
		if (ZSTD_isError(left))
			return -EBADMSG;
		XXH64_update(m->hash, m->decoded, out.pos);
		m->open = left != 0;
		if (!m->open)
			XXH64_reset(m->hash, 0);
	} while (in.pos < in.size || (m->open && out.pos == out.size));
	return 0;
}

size_t zstd_mending_tail(const struct zstd_mending *m, bool has_checksum, uint8_t tail[ZSTD_TAIL])
{
	if (!m->open)
		return 0;
	uint64_t sum = XXH64_digest(m->hash);
	tail[0] = 1;
	tail[1] = tail[2] = 0;
	for (unsigned i = 0; i < CHECKSUM; i++)
		tail[LAST_BLOCK + i] = (uint8_t)(sum >> (8 * i));
	return has_checksum ? ZSTD_TAIL : LAST_BLOCK;
}
