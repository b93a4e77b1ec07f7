#include "stages/undo_entry.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <xxhash.h>

enum { NUMBER = 8, BODY_MAX = 2 * PATH_MAX + 128 };

static void put_text(struct packer *p, const char *text)
{
	packer_bytes(p, text, strlen(text) + 1);
}

static void overwrite_u64(uint8_t *at, uint64_t value)
{
	for (unsigned i = 0; i < NUMBER; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

void undo_entry_pack(struct packer *p, const struct undo_entry *e)
{
	size_t from = p->length;
	packer_u64(p, 0);
	packer_varint(p, e->kind);
	packer_varint(p, e->epoch);
	packer_varint(p, e->known);
	put_text(p, e->path);
	put_text(p, e->to ? e->to : "");
	packer_varint(p, e->inode);
	packer_varint(p, e->length);
	packer_u64(p, (uint64_t)e->birth_ns);
	packer_varint(p, e->is_public);
	if (p->error)
		return;
	overwrite_u64(p->bytes + from, p->length - from - NUMBER);
	packer_u64(p, XXH3_64bits(p->bytes + from, p->length - from));
}

/* NULL unless it is a whole string. */
static const char *get_text(struct packed *p)
{
	size_t length;
	const uint8_t *bytes = packed_bytes(p, &length);
	if (p->broken || length == 0 || length > PATH_MAX ||
	    memchr(bytes, '\0', length) != bytes + length - 1)
		return NULL;
	return (const char *)bytes;
}

static bool unpack_body(struct packed *body, struct undo_entry *e)
{
	uint64_t kind = packed_varint(body);
	e->kind = (enum undo_kind)kind;
	e->epoch = packed_varint(body);
	e->known = packed_varint(body);
	e->path = get_text(body);
	e->to = get_text(body);
	e->inode = packed_varint(body);
	e->length = packed_varint(body);
	e->birth_ns = packed_is_over(body) ? 0 : (int64_t)packed_u64(body);
	uint64_t is_public = packed_is_over(body) ? 0 : packed_varint(body);
	e->is_public = is_public == 1;
	return packed_is_whole(body) && kind >= UNDO_CREATED && kind <= UNDO_LEFT &&
	       is_public <= 1 && e->path && e->to && *e->path;
}

bool undo_entry_unpack(struct packed *p, struct undo_entry *ret_entry)
{
	const uint8_t *from = p->at;
	struct undo_entry e;
	uint64_t length = packed_u64(p);
	const uint8_t *bytes = length <= BODY_MAX ? packed_raw(p, length) : NULL;
	uint64_t sum = packed_u64(p);
	if (!bytes || p->broken || sum != XXH3_64bits(from, NUMBER + length)) {
		p->broken = true;
		return false;
	}
	struct packed body = packed_from(bytes, length);
	if (!unpack_body(&body, &e)) {
		p->broken = true;
		return false;
	}
	*ret_entry = e;
	return true;
}

/* True if an entry that would have to be undone lies somewhere in there. */
static bool holds_live_entry(struct packed rest, uint64_t epoch)
{
	for (; rest.at < rest.end; rest.at++) {
		struct packed p = packed_from(rest.at, (size_t)(rest.end - rest.at));
		struct undo_entry e;
		if (undo_entry_unpack(&p, &e) && e.epoch > epoch)
			return true;
	}
	return false;
}

int undo_entries_walk(struct packed content, uint64_t epoch,
		      int (*take)(void *to, const struct undo_entry *e), void *to,
		      size_t *ret_whole)
{
	struct packed rest = content;
	struct undo_entry e;
	while (!packed_is_over(&rest)) {
		const uint8_t *from = rest.at;
		*ret_whole = (size_t)(from - content.at);
		if (!undo_entry_unpack(&rest, &e)) {
			rest = packed_from(from, (size_t)(content.end - from));
			return holds_live_entry(rest, epoch) ? -EBADMSG : 0;
		}
		int r = take(to, &e);
		if (r < 0)
			return r;
	}
	*ret_whole = (size_t)(content.end - content.at);
	return 0;
}
