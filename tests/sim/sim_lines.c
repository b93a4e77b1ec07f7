#include "tests/sim/sim_lines.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

static void append(struct sim_lines *l, const void *bytes, size_t length)
{
	if (length == 0)
		return;
	if (l->length + length > l->room) {
		l->room = 2 * (l->length + length);
		l->bytes = realloc(l->bytes, l->room);
		if (!l->bytes)
			abort();
	}
	memcpy(l->bytes + l->length, bytes, length);
	l->length += length;
}

static void unpack(struct sim_lines *l, ZSTD_DCtx *decoder, const struct sim_file *f)
{
	char out[4096];
	ZSTD_inBuffer from = {f->bytes, f->length, 0};
	size_t left = 0;
	bool is_full = false;
	ZSTD_DCtx_reset(decoder, ZSTD_reset_session_only);
	while (!ZSTD_isError(left) && (from.pos < from.size || (is_full && left != 0))) {
		ZSTD_outBuffer to = {out, sizeof out, 0};
		left = ZSTD_decompressStream(decoder, &to, &from);
		is_full = to.pos == to.size;
		append(l, out, to.pos);
	}
	l->is_broken |= left != 0;
}

void sim_lines_read(struct sim_lines *l, struct sim_fs *fs, const char *directory, bool packed)
{
	size_t count;
	struct sim_file *files = sim_fs_files(fs, directory, &count);
	ZSTD_DCtx *decoder = ZSTD_createDCtx();
	if (!decoder)
		abort();
	*l = (struct sim_lines){.bytes = NULL};
	for (size_t i = 0; i < count; i++)
		if (packed)
			unpack(l, decoder, &files[i]);
		else
			append(l, files[i].bytes, files[i].length);
	ZSTD_freeDCtx(decoder);
	free(files);
}

void sim_lines_release(struct sim_lines *l)
{
	free(l->bytes);
	l->bytes = NULL;
}

bool sim_lines_next(struct sim_lines *l, const char **ret_line, size_t *ret_length)
{
	if (l->at == l->length)
		return false;
	const char *line = l->bytes + l->at, *end = memchr(line, '\n', l->length - l->at);
	*ret_line = line;
	*ret_length = end ? (size_t)(end - line) : l->length - l->at;
	l->at += *ret_length + (end != NULL);
	return true;
}
