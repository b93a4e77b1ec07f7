#include "stages/output_mark.h"

#include <errno.h>
#include <string.h>

static const char key[] = "file";
enum { KEY_LENGTH = sizeof key - 1 };

static void pack(struct packer *p, const struct output_mark *m)
{
	packer_bytes(p, m->path, strlen(m->path));
	packer_varint(p, m->epoch);
	packer_varint(p, m->inode);
	packer_varint(p, m->length);
	packer_varint(p, m->whole);
	packer_varint(p, m->closed);
	packer_u64(p, (uint64_t)m->birth_ns);
	packer_varint(p, m->is_public);
}

int output_mark_put(struct delta *d, const struct output_mark *m)
{
	struct packer p = {0};
	pack(&p, m);
	int r = p.error ? p.error : delta_put(d, key, KEY_LENGTH, p.bytes, p.length);
	packer_release(&p);
	return r;
}

int output_mark_forget(struct delta *d)
{
	return delta_remove(d, key, KEY_LENGTH);
}

static int unpack(const struct change *c, struct output_mark *ret_mark)
{
	struct packed p = packed_from(c->value, c->value_length);
	struct output_mark m = {0};
	size_t length;
	const uint8_t *path = packed_bytes(&p, &length);
	m.epoch = packed_varint(&p);
	m.inode = packed_varint(&p);
	m.length = packed_varint(&p);
	m.whole = packed_varint(&p);
	uint64_t closed = packed_varint(&p);
	m.birth_ns = packed_is_over(&p) ? 0 : (int64_t)packed_u64(&p);
	uint64_t is_public = packed_is_over(&p) ? 0 : packed_varint(&p);
	if (!packed_is_whole(&p) || length >= sizeof m.path || memchr(path, '\0', length) ||
	    m.whole > m.length || m.length > INT64_MAX || closed > 1 || is_public > 1)
		return -EBADMSG;
	m.closed = closed;
	m.is_public = is_public;
	memcpy(m.path, path, length);
	*ret_mark = m;
	return 0;
}

static bool is_mark(const struct change *c)
{
	return !c->removal && c->key_length == KEY_LENGTH && memcmp(c->key, key, KEY_LENGTH) == 0;
}

bool output_mark_is_in(const struct delta *saved)
{
	struct packed rest = delta_changes(saved);
	struct change c;
	while (delta_next(&rest, &c))
		if (is_mark(&c))
			return true;
	return false;
}

int output_mark_get(const struct delta *saved, struct output_mark *ret_mark)
{
	*ret_mark = (struct output_mark){0};
	if (!saved)
		return 0;
	struct packed rest = delta_changes(saved);
	struct change c;
	int r = 0;
	while (r == 0 && delta_next(&rest, &c))
		if (is_mark(&c))
			r = unpack(&c, ret_mark);
	return rest.broken ? -EBADMSG : r;
}

bool output_mark_equals(const struct output_mark *a, const struct output_mark *b)
{
	return a->inode == b->inode && a->birth_ns == b->birth_ns && a->length == b->length &&
	       a->whole == b->whole && a->closed == b->closed && strcmp(a->path, b->path) == 0;
}

void output_mark_tell(const struct output_mark *m, const char *shown, struct teller *t)
{
	if (output_mark_is_none(m))
		return;
	teller_file(t, &(struct told_file){.role = m->closed ? TOLD_CLOSED : TOLD_OUTPUT,
					   .path = m->path,
					   .shown = shown,
					   .inode = m->inode,
					   .birth_ns = m->birth_ns,
					   .at = m->length,
					   .open_frame = m->whole < m->length});
}
