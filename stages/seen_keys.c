#include "stages/seen_keys.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PER_CHUNK = 64, CHUNK_KEY_LENGTH = 9 };

static const char head_key[] = "head";
enum { HEAD_KEY_LENGTH = sizeof head_key - 1 };

/* ---- ring and table ---- */

static uint64_t table_size(uint64_t capacity)
{
	uint64_t size = 16;
	while (size < 2 * capacity)
		size *= 2;
	return size;
}

size_t seen_keys_memory(uint64_t capacity)
{
	return (size_t)(capacity * sizeof(struct seen_key) +
			table_size(capacity) * sizeof(uint32_t));
}

int seen_keys_init(struct seen_keys *k, uint64_t capacity, uint64_t window_ns)
{
	assert(capacity > 0 && capacity <= SEEN_KEYS_MAX);
	*k = (struct seen_keys){.capacity = capacity,
				.mask = table_size(capacity) - 1,
				.window_ns = window_ns,
				.now_ns = INT64_MIN,
				.noted_ns = INT64_MIN};
	k->ring = calloc(capacity, sizeof *k->ring);
	k->table = calloc(k->mask + 1, sizeof *k->table);
	return k->ring && k->table ? 0 : -ENOMEM;
}

void seen_keys_release(struct seen_keys *k)
{
	free(k->ring);
	free(k->table);
	*k = (struct seen_keys){.ring = NULL};
}

static struct seen_key *key_at(const struct seen_keys *k, uint64_t number)
{
	return &k->ring[number % k->capacity];
}

/* Where the key is, or where it would be. */
static uint64_t place_of(const struct seen_keys *k, struct seen_hash hash)
{
	uint64_t at = hash.low & k->mask;
	for (; k->table[at]; at = (at + 1) & k->mask) {
		const struct seen_hash *h = &k->ring[k->table[at] - 1].hash;
		if (h->low == hash.low && h->high == hash.high)
			break;
	}
	return at;
}

/* What comes behind moves up, so that no search ends too early (Knuth, 6.4, algorithm R). */
static void empty_place(struct seen_keys *k, uint64_t hole)
{
	for (uint64_t at = (hole + 1) & k->mask; k->table[at]; at = (at + 1) & k->mask) {
		uint64_t home = k->ring[k->table[at] - 1].hash.low & k->mask;
		if (((at - home) & k->mask) < ((at - hole) & k->mask))
			continue;
		k->table[hole] = k->table[at];
		hole = at;
	}
	k->table[hole] = 0;
}

static void forget_first(struct seen_keys *k)
{
	empty_place(k, place_of(k, key_at(k, k->first)->hash));
	k->first++;
}

static bool is_old(const struct seen_keys *k, const struct seen_key *key)
{
	return k->window_ns > 0 && (uint64_t)k->now_ns - (uint64_t)key->when_ns >= k->window_ns;
}

static void forget_old(struct seen_keys *k)
{
	while (k->first < k->next && is_old(k, key_at(k, k->first)))
		forget_first(k);
}

static void append(struct seen_keys *k, uint64_t place, const struct seen_key *key)
{
	*key_at(k, k->next) = *key;
	k->table[place] = (uint32_t)(k->next % k->capacity) + 1;
	k->next++;
}

bool seen_keys_add(struct seen_keys *k, struct seen_hash hash, int64_t when_ns)
{
	if (when_ns > k->now_ns)
		k->now_ns = when_ns;
	forget_old(k);
	uint64_t place = place_of(k, hash);
	if (k->table[place])
		return true;
	if (k->next - k->first == k->capacity) {
		forget_first(k);
		k->pushed_out += k->window_ns > 0;
		place = place_of(k, hash);
	}
	append(k, place, &(struct seen_key){.hash = hash, .when_ns = k->now_ns});
	return false;
}

/* ---- snapshots ---- */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void pack_chunk_key(struct packer *p, uint64_t chunk)
{
	packer_clear(p);
	packer_raw(p, "k", 1);
	packer_u64(p, chunk);
}

/* Those whose keys have all gone, and of which there was something. */
static int forget_chunks(const struct seen_keys *k, struct delta *d, struct packer *p)
{
	int r = 0;
	for (uint64_t c = k->noted_first / PER_CHUNK;
	     r == 0 && c < k->first / PER_CHUNK && c * PER_CHUNK < k->noted_next; c++) {
		pack_chunk_key(p, c);
		r = p->error ? p->error : delta_remove(d, p->bytes, p->length);
	}
	return r;
}

static int say_chunk(const struct seen_keys *k, uint64_t chunk, struct delta *d, struct packer *p)
{
	uint64_t from = most(chunk * PER_CHUNK, k->first);
	uint64_t to = least((chunk + 1) * PER_CHUNK, k->next);
	pack_chunk_key(p, chunk);
	packer_varint(p, from);
	for (uint64_t n = from; n < to; n++) {
		const struct seen_key *key = key_at(k, n);
		packer_u64(p, key->hash.low);
		packer_u64(p, key->hash.high);
		packer_u64(p, (uint64_t)key->when_ns);
	}
	return p->error ? p->error
			: delta_put(d, p->bytes, CHUNK_KEY_LENGTH, p->bytes + CHUNK_KEY_LENGTH,
				    p->length - CHUNK_KEY_LENGTH);
}

/* Those that have got more. */
static int say_chunks(const struct seen_keys *k, struct delta *d, struct packer *p)
{
	int r = 0;
	if (k->next == k->noted_next)
		return 0;
	for (uint64_t c = most(k->noted_next, k->first) / PER_CHUNK;
	     r == 0 && c * PER_CHUNK < k->next; c++)
		r = say_chunk(k, c, d, p);
	return r;
}

static int say_head(const struct seen_keys *k, struct delta *d, struct packer *p)
{
	packer_clear(p);
	packer_varint(p, k->first);
	packer_varint(p, k->next);
	packer_u64(p, (uint64_t)k->now_ns);
	return p->error ? p->error : delta_put(d, head_key, HEAD_KEY_LENGTH, p->bytes, p->length);
}

int seen_keys_snapshot(struct seen_keys *k, struct delta *d)
{
	struct packer p = {.bytes = NULL};
	if (k->noted_first == k->first && k->noted_next == k->next && k->noted_ns == k->now_ns)
		return 0;
	int r = forget_chunks(k, d, &p);
	if (r == 0)
		r = say_chunks(k, d, &p);
	if (r == 0)
		r = say_head(k, d, &p);
	packer_release(&p);
	k->noted_first = k->first;
	k->noted_next = k->next;
	k->noted_ns = k->now_ns;
	return r;
}

/* ---- what was remembered ---- */

static bool is_head(const struct change *c)
{
	return !c->removal && c->key_length == HEAD_KEY_LENGTH &&
	       memcmp(c->key, head_key, HEAD_KEY_LENGTH) == 0;
}

struct head {
	uint64_t first, next;
	int64_t now_ns;
};

/* 0, or -EBADMSG; none is an empty one. */
static int find_head(const struct delta *saved, struct head *ret_head)
{
	struct packed rest = delta_changes(saved);
	struct change c;
	*ret_head = (struct head){.now_ns = INT64_MIN};
	while (delta_next(&rest, &c)) {
		if (!is_head(&c))
			continue;
		struct packed p = packed_from(c.value, c.value_length);
		*ret_head = (struct head){.first = packed_varint(&p), .next = 0};
		ret_head->next = packed_varint(&p);
		ret_head->now_ns = (int64_t)packed_u64(&p);
		if (!packed_is_whole(&p) || ret_head->next < ret_head->first)
			return -EBADMSG;
	}
	return rest.broken ? -EBADMSG : 0;
}

/* Into the ring; how many of those that are wanted were in it. */
static int load_chunk(struct seen_keys *k, const struct change *c, uint64_t *count)
{
	struct packed key = packed_from(c->key, c->key_length);
	struct packed p = packed_from(c->value, c->value_length);
	const uint8_t *kind = packed_raw(&key, 1);
	uint64_t chunk = packed_u64(&key), number = packed_varint(&p);
	if (c->removal || !packed_is_whole(&key) || *kind != 'k' || number / PER_CHUNK != chunk)
		return -EBADMSG;
	for (; !packed_is_over(&p); number++) {
		struct seen_key one = {.hash.low = packed_u64(&p)};
		one.hash.high = packed_u64(&p);
		one.when_ns = (int64_t)packed_u64(&p);
		if (p.broken || number / PER_CHUNK != chunk || number >= k->next)
			return -EBADMSG;
		if (number < k->first)
			continue;
		*key_at(k, number) = one;
		++*count;
	}
	return 0;
}

static int fill_ring(struct seen_keys *k, const struct delta *saved)
{
	struct packed rest = delta_changes(saved);
	struct change c;
	uint64_t count = 0;
	int r = 0;
	while (r == 0 && delta_next(&rest, &c))
		r = is_head(&c) ? 0 : load_chunk(k, &c, &count);
	return r == 0 && count != k->next - k->first ? -EBADMSG : r;
}

/* The same key twice would be found once, and never be forgotten. */
static int fill_table(struct seen_keys *k)
{
	for (uint64_t n = k->first; n < k->next; n++) {
		uint64_t place = place_of(k, key_at(k, n)->hash);
		if (k->table[place])
			return -EBADMSG;
		k->table[place] = (uint32_t)(n % k->capacity) + 1;
	}
	return 0;
}

int seen_keys_load(struct seen_keys *k, const struct delta *saved)
{
	struct head head;
	int r = find_head(saved, &head);
	if (r < 0)
		return r;
	k->noted_first = head.first;
	k->noted_next = k->next = head.next;
	k->noted_ns = k->now_ns = head.now_ns;
	k->first = head.next - head.first > k->capacity ? head.next - k->capacity : head.first;
	r = fill_ring(k, saved);
	return r < 0 ? r : fill_table(k);
}

int seen_keys_told(const struct delta *saved, uint64_t *ret_count, int64_t *ret_now_ns)
{
	struct head head;
	int r = find_head(saved, &head);
	*ret_count = head.next - head.first;
	*ret_now_ns = head.now_ns;
	return r;
}
