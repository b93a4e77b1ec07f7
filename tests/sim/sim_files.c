/* sim_files.c - the files of a simulated file system, for those who check: all that are there, and those that were deleted by right.
 * Layer: tests. */
#include "tests/sim/sim_inode.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* One that was deleted by right. */
struct sim_buried {
	struct sim_buried *next;
	struct sim_file file;
	struct sim_bytes bytes;
};

void sim_files_forget(struct sim_fs *fs)
{
	for (struct sim_buried *b; (b = fs->buried) != NULL; free(b)) {
		fs->buried = b->next;
		free(b->bytes.at);
	}
}

static int by_birth(const void *a, const void *b)
{
	const struct sim_file *x = a, *y = b;
	return x->birth < y->birth ? -1 : x->birth > y->birth;
}

static void collect(const struct sim_inode *directory, const char *path, struct sim_file **files,
		    size_t *count)
{
	for (size_t n = 0; n < directory->names.count; n++) {
		const struct sim_entry *e = &directory->names.entries[n];
		char below[256];
		if (snprintf(below, sizeof below, "%s/%s", path, e->name) >= (int)sizeof below)
			abort();
		if (S_ISDIR(e->inode->mode))
			collect(e->inode, below, files, count);
		if (!S_ISREG(e->inode->mode))
			continue;
		*files = reallocarray(*files, *count + 1, sizeof **files);
		if (!*files)
			abort();
		struct sim_file *f = &(*files)[(*count)++];
		*f = (struct sim_file){.bytes = e->inode->now.at,
				       .length = e->inode->now.length,
				       .birth = e->inode->birth};
		memcpy(f->path, below, sizeof below);
	}
}

static void build_path(const struct sim_inode *i, char path[256])
{
	path[0] = '\0';
	for (; i && i->name; i = i->parent) {
		char below[256];
		if (snprintf(below, sizeof below, "/%s%s", i->name, path) >= (int)sizeof below)
			abort();
		memcpy(path, below, sizeof below);
	}
}

void sim_fs_bury(struct sim_fs *fs, int directory, const char *path)
{
	int error;
	const struct sim_inode *i = sim_lookup(fs, directory, path, 0, &error);
	if (!i || !S_ISREG(i->mode))
		return;
	struct sim_buried *b = sim_alloc(sizeof *b);
	sim_bytes_put(&b->bytes, 0, i->now.at, i->now.length);
	b->file =
	    (struct sim_file){.bytes = b->bytes.at, .length = b->bytes.length, .birth = i->birth};
	build_path(i, b->file.path);
	b->next = fs->buried;
	fs->buried = b;
}

static bool has_birth(const struct sim_file *files, size_t count, uint64_t birth)
{
	for (size_t i = 0; i < count; i++)
		if (files[i].birth == birth)
			return true;
	return false;
}

static void dig_up(const struct sim_fs *fs, const char *directory, struct sim_file **files,
		   size_t *count)
{
	size_t length = strlen(directory);
	for (const struct sim_buried *b = fs->buried; b; b = b->next) {
		bool is_beneath =
		    strncmp(b->file.path, directory, length) == 0 && b->file.path[length] == '/';
		if (!is_beneath || has_birth(*files, *count, b->file.birth))
			continue;
		*files = reallocarray(*files, *count + 1, sizeof **files);
		if (!*files)
			abort();
		(*files)[(*count)++] = b->file;
	}
}

struct sim_file *sim_fs_files(struct sim_fs *fs, const char *directory, size_t *ret_count)
{
	struct sim_file *files = NULL;
	int error;
	const struct sim_inode *i = sim_lookup(fs, AT_FDCWD, directory, 0, &error);
	*ret_count = 0;
	if (i)
		collect(i, directory, &files, ret_count);
	dig_up(fs, directory, &files, ret_count);
	if (*ret_count > 1)
		qsort(files, *ret_count, sizeof *files, by_birth);
	return files;
}

/* NULL, or what is wrong. */
static const char *unpack(const struct sim_file *f, struct sim_bytes *to)
{
	ZSTD_DStream *d = ZSTD_createDStream();
	ZSTD_inBuffer in = {.src = f->bytes, .size = f->length};
	size_t left = 0;
	bool is_full = false;
	if (!d)
		abort();
	while (!ZSTD_isError(left) && (in.pos < in.size || (is_full && left != 0))) {
		uint8_t piece[4096];
		ZSTD_outBuffer out = {.dst = piece, .size = sizeof piece};
		left = ZSTD_decompressStream(d, &out, &in);
		is_full = out.pos == out.size;
		sim_bytes_append(to, piece, out.pos);
	}
	ZSTD_freeDStream(d);
	if (ZSTD_isError(left))
		return ZSTD_getErrorName(left);
	return left == 0 ? NULL : "it ends within a frame";
}

const char *sim_file_read(const struct sim_file *f, struct sim_bytes *to)
{
	if (strstr(f->path, ".zst"))
		return unpack(f, to);
	sim_bytes_append(to, f->bytes, f->length);
	return NULL;
}
