#include "stages/output_mark.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_ROOM = sizeof "file.1023" };

/* Returns its length. */
static size_t make_key(unsigned lane, char out[static KEY_ROOM])
{
	assert(lane < OUTPUT_LANES_MAX);
	int n =
	    lane == 0 ? snprintf(out, KEY_ROOM, "file") : snprintf(out, KEY_ROOM, "file.%u", lane);
	assert(n > 0 && n < KEY_ROOM);
	return (size_t)n;
}

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

int output_mark_put(struct delta *d, unsigned lane, const struct output_mark *m)
{
	struct packer p = {0};
	char key[KEY_ROOM];
	pack(&p, m);
	int r = p.error ? p.error : delta_put(d, key, make_key(lane, key), p.bytes, p.length);
	packer_release(&p);
	return r;
}

int output_mark_forget(struct delta *d, unsigned lane)
{
	char key[KEY_ROOM];
	return delta_remove(d, key, make_key(lane, key));
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

/* Which lane's that key is; -1: it is no mark's. */
static int lane_of(const struct change *c)
{
	char key[KEY_ROOM], made[KEY_ROOM];
	if (c->removal || c->key_length >= sizeof key)
		return -1;
	memcpy(key, c->key, c->key_length);
	key[c->key_length] = '\0';
	unsigned long lane = strncmp(key, "file.", 5) == 0 ? strtoul(key + 5, NULL, 10) : 0;
	if (lane >= OUTPUT_LANES_MAX || make_key((unsigned)lane, made) != c->key_length)
		return -1;
	return memcmp(made, c->key, c->key_length) == 0 ? (int)lane : -1;
}

bool output_mark_is_in(const struct delta *saved)
{
	struct packed rest = delta_changes(saved);
	struct change c;
	while (delta_next(&rest, &c))
		if (lane_of(&c) >= 0)
			return true;
	return false;
}

int output_mark_get(const struct delta *saved, unsigned lane, struct output_mark *ret_mark)
{
	*ret_mark = (struct output_mark){0};
	if (!saved)
		return 0;
	struct packed rest = delta_changes(saved);
	struct change c;
	int r = 0;
	while (r == 0 && delta_next(&rest, &c))
		if (lane_of(&c) == (int)lane)
			r = unpack(&c, ret_mark);
	return rest.broken ? -EBADMSG : r;
}

static size_t count_lanes(const struct delta *saved)
{
	struct packed rest = delta_changes(saved);
	struct change c;
	size_t count = 0;
	while (delta_next(&rest, &c)) {
		int lane = lane_of(&c);
		if (lane >= 0 && (size_t)lane >= count)
			count = (size_t)lane + 1;
	}
	return count;
}

static int unpack_all(const struct delta *saved, struct output_marks *m)
{
	struct packed rest = delta_changes(saved);
	struct change c;
	int r = 0;
	while (r == 0 && delta_next(&rest, &c)) {
		int lane = lane_of(&c);
		if (lane >= 0)
			r = unpack(&c, &m->list[lane]);
	}
	return rest.broken ? -EBADMSG : r;
}

int output_marks_get(const struct delta *saved, size_t least, struct output_marks *ret_marks)
{
	size_t count = saved ? count_lanes(saved) : 0;
	if (count < least)
		count = least;
	*ret_marks = (struct output_marks){.count = count};
	if (count == 0)
		return 0;
	ret_marks->list = calloc(count, sizeof *ret_marks->list);
	if (!ret_marks->list) {
		ret_marks->count = 0;
		return -ENOMEM;
	}
	return saved ? unpack_all(saved, ret_marks) : 0;
}

void output_marks_release(struct output_marks *m)
{
	free(m->list);
	*m = (struct output_marks){.count = 0};
}

uint64_t output_marks_epoch(const struct output_marks *m)
{
	uint64_t newest = 0;
	for (size_t i = 0; i < m->count; i++)
		if (m->list[i].epoch > newest)
			newest = m->list[i].epoch;
	return newest;
}

bool output_marks_have(const struct output_marks *m, uint64_t inode)
{
	for (size_t i = 0; i < m->count; i++)
		if (!output_mark_is_none(&m->list[i]) && m->list[i].inode == inode)
			return true;
	return false;
}

bool output_marks_are_live(const struct output_marks *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (!output_mark_is_none(&m->list[i]) && !m->list[i].closed)
			return true;
	return false;
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
