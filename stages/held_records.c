#include "stages/held_records.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t chunks_for(size_t bytes)
{
	return (bytes + HELD_CHUNK - 1) / HELD_CHUNK;
}

size_t held_records_memory(size_t bytes)
{
	return HELD_MAX * sizeof(struct held_record) +
	       chunks_for(bytes) * sizeof(struct held_chunk);
}

/* ---- the pool ---- */

static int make_pool(struct held_records *h, size_t chunks)
{
	h->pool = calloc(chunks, sizeof *h->pool);
	if (!h->pool)
		return -ENOMEM;
	for (size_t i = chunks; i-- > 0;) {
		h->pool[i].next = h->free;
		h->free = &h->pool[i];
	}
	h->free_count = chunks;
	return 0;
}

static struct held_chunk *take_chunk(struct held_records *h)
{
	struct held_chunk *c = h->free;
	assert(c && "somebody has asked for room");
	h->free = c->next;
	h->free_count--;
	c->next = NULL;
	return c;
}

static void give_chunks(struct held_records *h, struct held_record *r)
{
	while (r->first) {
		struct held_chunk *c = r->first;
		r->first = c->next;
		c->next = h->free;
		h->free = c;
		h->free_count++;
	}
	r->last = NULL;
	r->length = 0;
}

bool held_records_has_room(const struct held_records *h, size_t bytes)
{
	return h->free_count >= chunks_for(bytes) + 1;
}

void held_record_append(struct held_records *h, struct held_record *r, const void *bytes,
			size_t length)
{
	const uint8_t *from = bytes;
	r->is_changed = true;
	while (length > 0) {
		size_t used = r->length % HELD_CHUNK, room = HELD_CHUNK - used;
		if (used == 0) {
			struct held_chunk *c = take_chunk(h);
			*(r->last ? &r->last->next : &r->first) = c;
			r->last = c;
		}
		size_t n = length < room ? length : room;
		memcpy(r->last->bytes + used, from, n);
		r->length += n;
		from += n;
		length -= n;
	}
}

void held_record_copy(const struct held_record *r, uint8_t *to)
{
	size_t left = r->length;
	for (const struct held_chunk *c = r->first; c; c = c->next) {
		size_t n = left < HELD_CHUNK ? left : HELD_CHUNK;
		memcpy(to, c->bytes, n);
		to += n;
		left -= n;
	}
	assert(left == 0);
}

/* ---- the table ---- */

static bool is_held(const struct held_record *r)
{
	return chain_is_linked(&r->by_age);
}

static bool is_same_source(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_file(const struct file_origin *o)
{
	return o && o->length > 0;
}

static bool is_same_file(const struct file_origin *a, const struct file_origin *b)
{
	if (!is_file(a) || !is_file(b))
		return is_file(a) == is_file(b);
	return a->device == b->device && a->inode == b->inode;
}

struct held_record *held_records_find(const struct held_records *h, const struct batch *b)
{
	for (struct chain *c = h->by_age.prev; c != &h->by_age; c = c->prev) {
		struct held_record *r = chain_owner(c, struct held_record, by_age);
		if (is_same_file(r->origin, b->origin) && is_same_source(r->source, b->source))
			return r;
	}
	return NULL;
}

struct held_record *held_records_oldest(const struct held_records *h)
{
	struct chain *first = chain_first(&h->by_age);
	return first ? chain_owner(first, struct held_record, by_age) : NULL;
}

size_t held_records_longest(const struct held_records *h)
{
	size_t longest = 0;
	for (size_t i = 0; i < HELD_MAX; i++)
		if (is_held(&h->list[i]) && h->list[i].length > longest)
			longest = h->list[i].length;
	return longest;
}

bool held_records_are_full(const struct held_records *h)
{
	return h->count == HELD_MAX;
}

void held_records_touch(struct held_records *h, struct held_record *r, uint64_t now_ns)
{
	r->touched_ns = now_ns;
	r->is_changed = true;
	chain_append(&h->by_age, &r->by_age);
}

void held_record_describe(const struct held_record *r, struct batch *b)
{
	if (r->origin)
		file_origin_hold(r->origin);
	b->origin = r->origin;
	b->source = r->source;
	b->delimiter = r->delimiter;
	b->place = r->place;
	b->has_place = r->has_place;
	b->read_ns = r->read_ns;
	b->wall_ns = r->wall_ns;
}

static struct held_record *free_record(struct held_records *h)
{
	for (size_t i = 0; i < HELD_MAX; i++)
		if (!is_held(&h->list[i]))
			return &h->list[i];
	return NULL;
}

struct held_record *held_records_add(struct held_records *h, const struct batch *b)
{
	struct held_record *r = free_record(h);
	if (!r)
		return NULL;
	assert(!r->first && !r->origin);
	chain_append(&h->by_age, &r->by_age);
	h->count++;
	if (b->origin)
		file_origin_hold(b->origin);
	r->origin = b->origin;
	r->source = b->source;
	r->open = (struct multiline_open){0};
	r->delimiter = b->delimiter;
	r->has_place = b->has_place;
	r->read_ns = b->read_ns;
	r->wall_ns = b->wall_ns;
	r->is_changed = true;
	return r;
}

void held_records_remove(struct held_records *h, struct held_record *r)
{
	give_chunks(h, r);
	chain_unlink(&r->by_age);
	h->count--;
	file_origin_let_go(r->origin);
	r->origin = NULL;
	r->is_changed = true;
}

/* ---- what was saved ---- */

static size_t saved_bytes(const struct delta *saved)
{
	struct packed rest = delta_changes(saved);
	struct change c;
	size_t bytes = 0;
	while (delta_next(&rest, &c))
		bytes += chunks_for(c.value_length) * HELD_CHUNK;
	return bytes;
}

static int unpack_origin(struct held_record *r, struct packed *from)
{
	int error = file_origin_unpack(from, &r->origin);
	if (error == 0) /* an empty id is none */
		r->source = *r->origin->source ? r->origin->source : NULL;
	return error;
}

static int unpack_delimiter(struct held_record *r, struct packed *from)
{
	size_t length;
	const uint8_t *bytes = packed_bytes(from, &length);
	if (length < 1 || length > DELIMITER_MAX)
		return -EBADMSG;
	r->delimiter.length = (uint8_t)length;
	memcpy(r->delimiter.bytes, bytes, length);
	return 0;
}

static int unpack_text(struct held_records *h, struct held_record *r, struct packed from)
{
	size_t length;
	uint64_t lines = packed_varint(&from), phase = packed_varint(&from);
	r->has_place = packed_varint(&from) != 0;
	r->place = packed_varint(&from);
	r->end = packed_varint(&from);
	r->wall_ns = (int64_t)packed_u64(&from);
	const uint8_t *bytes = packed_bytes(&from, &length);
	if (!packed_is_whole(&from) || lines == 0 || lines > UINT32_MAX || phase > UINT8_MAX)
		return -EBADMSG;
	r->open = (struct multiline_open){(uint32_t)lines, (uint8_t)phase};
	held_record_append(h, r, bytes, length);
	return 0;
}

static int load(struct held_records *h, const struct change *c, uint64_t now_ns)
{
	struct packed key = packed_from(c->key, c->key_length);
	struct packed value = packed_from(c->value, c->value_length);
	uint64_t number = packed_u64(&key);
	if (c->removal || !packed_is_whole(&key) || number >= HELD_MAX || is_held(&h->list[number]))
		return -EBADMSG;
	struct held_record *r = &h->list[number];
	chain_append(&h->by_age, &r->by_age);
	h->count++;
	r->touched_ns = r->read_ns = now_ns;
	int error = unpack_origin(r, &value);
	if (error == 0)
		error = unpack_delimiter(r, &value);
	if (error == 0)
		error = unpack_text(h, r, value);
	r->is_known = true;
	r->is_changed = false;
	return error;
}

int held_records_init(struct held_records *h, size_t bytes, const struct delta *saved,
		      uint64_t now_ns)
{
	struct change c;
	*h = (struct held_records){.list = calloc(HELD_MAX, sizeof *h->list)};
	chain_init(&h->by_age);
	if (!h->list)
		return -ENOMEM;
	for (size_t i = 0; i < HELD_MAX; i++)
		chain_init(&h->list[i].by_age);
	int r = make_pool(h, chunks_for(bytes) + (saved ? chunks_for(saved_bytes(saved)) : 0));
	if (r < 0 || !saved)
		return r;
	struct packed rest = delta_changes(saved);
	while (r == 0 && delta_next(&rest, &c))
		r = load(h, &c, now_ns);
	return r < 0 ? r : rest.broken ? -EBADMSG : 0;
}

void held_records_release(struct held_records *h)
{
	for (size_t i = 0; h->list && i < HELD_MAX; i++)
		file_origin_let_go(h->list[i].origin);
	free(h->list);
	free(h->pool);
	*h = (struct held_records){.list = NULL};
}

/* ---- snapshots ---- */

static void pack_chunks(struct packer *to, const struct held_record *r)
{
	size_t left = r->length;
	packer_varint(to, r->length);
	for (const struct held_chunk *c = r->first; c; c = c->next) {
		size_t n = left < HELD_CHUNK ? left : HELD_CHUNK;
		packer_raw(to, c->bytes, n);
		left -= n;
	}
}

static void pack(struct packer *to, const struct held_record *r)
{
	const struct file_origin *o = r->origin;
	packer_bytes(to, r->source ? r->source : "", r->source ? strlen(r->source) : 0);
	packer_u64(to, o ? o->device : 0);
	packer_u64(to, o ? o->inode : 0);
	packer_bytes(to, o ? o->path : "", o ? o->length : 0);
	packer_bytes(to, r->delimiter.bytes, r->delimiter.length);
	packer_varint(to, r->open.lines);
	packer_varint(to, r->open.phase);
	packer_varint(to, r->has_place);
	packer_varint(to, r->place);
	packer_varint(to, r->end);
	packer_u64(to, (uint64_t)r->wall_ns);
	pack_chunks(to, r);
}

static int say(struct held_record *r, uint64_t number, struct delta *d, struct packer *scratch)
{
	packer_clear(scratch);
	packer_u64(scratch, number);
	size_t key = scratch->length;
	if (is_held(r))
		pack(scratch, r);
	if (scratch->error)
		return scratch->error;
	if (!is_held(r))
		return r->is_known ? delta_remove(d, scratch->bytes, key) : 0;
	return delta_put(d, scratch->bytes, key, scratch->bytes + key, scratch->length - key);
}

int held_records_snapshot(struct held_records *h, struct delta *d)
{
	struct packer scratch = {.bytes = NULL};
	int error = 0;
	for (uint64_t i = 0; error == 0 && i < HELD_MAX; i++) {
		struct held_record *r = &h->list[i];
		if (!r->is_changed)
			continue;
		error = say(r, i, d, &scratch);
		if (error < 0)
			break;
		r->is_known = is_held(r);
		r->is_changed = false;
	}
	packer_release(&scratch);
	return error;
}
