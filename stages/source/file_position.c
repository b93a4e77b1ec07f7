#include "stages/source/file_position.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The one before did not say how much lies before a frame once it is unpacked. */
enum { POSITION_FORMAT = 3, POSITION_FORMAT_BEFORE = 2 };

enum { FORM_UNSEEN, FORM_PLAIN, FORM_ZSTD, FORM_GZIP };

enum {
	FLAG_SKIPPING = 1,
	FLAG_IN_SPLIT = 2,
	FLAG_FINISHED = 4,
	FLAG_MISSING = 8,
	FLAG_NAMED = 16,
	FLAGS_ALL = 31,
};

static unsigned form_number(const struct file_position *n)
{
	if (n->place.form == FILE_PACKED)
		return n->place.packing == PACKED_GZIP ? FORM_GZIP : FORM_ZSTD;
	return n->place.form == FILE_PLAIN ? FORM_PLAIN : FORM_UNSEEN;
}

static void set_form(struct file_position *n, uint64_t number)
{
	static const enum file_form forms[] = {FILE_UNSEEN, FILE_PLAIN, FILE_PACKED, FILE_PACKED};
	n->place.form = forms[number];
	n->place.packing = number == FORM_GZIP ? PACKED_GZIP : PACKED_ZSTD;
}

static unsigned flags_of(const struct file_position *n)
{
	return (n->place.framer.skipping ? FLAG_SKIPPING : 0u) |
	       (n->place.framer.in_split ? FLAG_IN_SPLIT : 0u) |
	       (n->finished ? FLAG_FINISHED : 0u) | (n->missing ? FLAG_MISSING : 0u) |
	       (n->named ? FLAG_NAMED : 0u);
}

static void set_flags(struct file_position *n, uint64_t flags)
{
	n->place.framer.skipping = flags & FLAG_SKIPPING;
	n->place.framer.in_split = flags & FLAG_IN_SPLIT;
	n->finished = flags & FLAG_FINISHED;
	n->missing = flags & FLAG_MISSING;
	n->named = flags & FLAG_NAMED;
}

void file_position_pack_key(struct packer *to, const struct file_position *n)
{
	packer_u64(to, n->device);
	packer_u64(to, n->inode);
	packer_u64(to, (uint64_t)n->birth_ns);
}

void file_position_pack(struct packer *to, const struct file_position *n)
{
	const char *path = n->file ? n->file->path : n->path;
	packer_varint(to, POSITION_FORMAT);
	packer_bytes(to, path, strlen(path));
	packer_varint(to, form_number(n));
	packer_varint(to, flags_of(n));
	packer_varint(to, n->place.at);
	packer_varint(to, n->place.skip);
	packer_varint(to, n->head.length);
	packer_u64(to, file_head_hash(&n->head));
	packer_varint(to, n->tail.end);
	packer_varint(to, n->tail.length);
	packer_u64(to, file_tail_hash(&n->tail));
	packer_u64(to, (uint64_t)n->seen_ns);
	packer_u64(to, n->boot);
	packer_varint(to, n->place.unpacked);
}

static bool is_sound(const struct file_position *n)
{
	return n->head.length <= HEAD_BYTES && n->tail.length <= TAIL_BYTES &&
	       n->tail.length <= n->tail.end && n->place.at <= INT64_MAX &&
	       n->tail.end <= INT64_MAX;
}

static bool is_format(uint64_t format)
{
	return format == POSITION_FORMAT || format == POSITION_FORMAT_BEFORE;
}

int file_position_unpack(struct file_position *n, struct packed from, char **ret_path)
{
	size_t length;
	uint64_t format = packed_varint(&from);
	const uint8_t *path = packed_bytes(&from, &length);
	uint64_t form = packed_varint(&from), flags = packed_varint(&from);
	n->place.at = packed_varint(&from);
	n->place.skip = packed_varint(&from);
	uint64_t head_length = packed_varint(&from);
	n->head.hash = packed_u64(&from);
	n->tail.end = packed_varint(&from);
	uint64_t tail_length = packed_varint(&from);
	n->tail.hash = packed_u64(&from);
	n->seen_ns = (int64_t)packed_u64(&from);
	n->boot = packed_u64(&from);
	n->place.unpacked =
	    format == POSITION_FORMAT_BEFORE ? UNPACKED_UNKNOWN : packed_varint(&from);
	if (!packed_is_whole(&from) || !is_format(format) || form > FORM_GZIP ||
	    flags > FLAGS_ALL || head_length > HEAD_BYTES || tail_length > TAIL_BYTES ||
	    length == 0 || memchr(path, 0, length))
		return -EBADMSG;
	n->head.length = (uint16_t)head_length;
	n->tail.length = (uint8_t)tail_length;
	set_form(n, form);
	set_flags(n, flags);
	if (!is_sound(n))
		return -EBADMSG;
	char *copy = strndup((const char *)path, length);
	if (!copy)
		return -ENOMEM;
	*ret_path = copy;
	return 0;
}

uint64_t file_position_end(const struct file_position *n)
{
	if (n->place.form == FILE_PACKED)
		return n->tail.end;
	return n->file ? n->file->place.at : n->place.at;
}

void file_position_update(struct file_position *n, int64_t wall_ns)
{
	const struct tracked_file *f = n->file;
	if (!f)
		return;
	n->named = f->named;
	n->place = f->place;
	framer_forget(&n->place.framer); /* what it has searched is not kept */
	n->seen_ns = wall_ns;
}
