#include "stages/http_call/request_pack.h"
#include "stages/stage.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum {
	ZSTD_LEVEL = 3,
	GZIP_WINDOW = 15 + 16,
	GZIP_MEMORY = 8,
	GZIP_TAKES = 300 * 1024,
	ZSTD_TAKES = 2 << 20
};

/* zlib's own estimate, with what gzip has around it. */
static size_t bound(enum request_compression kind, size_t length)
{
	enum { GZIP_AROUND = 64 };
	return kind == COMPRESSION_GZIP ? compressBound(length) + GZIP_AROUND
					: ZSTD_compressBound(length);
}

static int pack_gzip(struct request_pack *p)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)p->from,
		      .avail_in = (uInt)p->from_length,
		      .next_out = p->bytes,
		      .avail_out = (uInt)p->room};
	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	int r = deflate(&z, Z_FINISH);
	p->length = p->room - z.avail_out;
	deflateEnd(&z);
	return r == Z_STREAM_END ? 0 : -EIO;
}

static int pack_zstd(struct request_pack *p)
{
	size_t r = ZSTD_compress(p->bytes, p->room, p->from, p->from_length, ZSTD_LEVEL);
	p->length = r;
	return ZSTD_isError(r) ? -ENOMEM : 0;
}

static int pack(void *argument)
{
	struct request_pack *p = argument;
	return p->kind == COMPRESSION_GZIP ? pack_gzip(p) : pack_zstd(p);
}

static void on_packed(struct io_op *op)
{
	struct request_pack *p = op->owner;
	p->result = (int)op->result;
}

static int make_room(struct request_pack *p, size_t room)
{
	if (room <= p->room)
		return 0;
	if (room > UINT_MAX)
		return -EMSGSIZE;
	free(p->bytes);
	p->bytes = malloc(room);
	p->room = p->bytes ? room : 0;
	return p->bytes ? 0 : -ENOMEM;
}

int request_pack_begin(struct request_pack *p, struct env *env, enum request_compression kind,
		       const uint8_t *from, size_t length)
{
	enum { AT_ONCE_MAX = 16 * 1024 };
	p->kind = kind;
	p->from = from;
	p->from_length = length;
	int r = make_room(p, bound(kind, length));
	if (r < 0)
		return r;
	if (length <= AT_ONCE_MAX) {
		p->result = pack(p);
		return 0;
	}
	p->op = (struct io_op){
	    .code = IO_WORK, .work = {.run = pack, .argument = p}, .done = on_packed, .owner = p};
	io_submit(env->io, &p->op);
	return 0;
}

int request_pack_step(struct request_pack *p)
{
	if (p->op.busy)
		return STEP_WAIT;
	return p->result < 0 ? p->result : STEP_DONE;
}

void request_pack_release(struct request_pack *p)
{
	assert(!p->op.busy);
	free(p->bytes);
	*p = (struct request_pack){.bytes = NULL};
}

size_t request_pack_footprint(enum request_compression kind, size_t length)
{
	if (kind == COMPRESSION_NONE)
		return 0;
	return bound(kind, length) + (kind == COMPRESSION_GZIP ? GZIP_TAKES : ZSTD_TAKES);
}
