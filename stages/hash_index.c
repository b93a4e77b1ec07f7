#include "stages/hash_index.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { BUCKETS_FIRST = 64 };

int hash_index_init(struct hash_index *h)
{
	*h = (struct hash_index){.buckets = NULL};
	h->buckets = calloc(BUCKETS_FIRST, sizeof *h->buckets);
	if (!h->buckets)
		return -ENOMEM;
	h->bucket_count = BUCKETS_FIRST;
	return 0;
}

void hash_index_release(struct hash_index *h)
{
	free(h->buckets);
	*h = (struct hash_index){.buckets = NULL};
}

static void link_node(struct hash_node **buckets, size_t bucket_count, struct hash_node *node)
{
	struct hash_node **bucket = &buckets[node->hash & (bucket_count - 1)];
	node->next = *bucket;
	*bucket = node;
}

/* Without memory for more buckets the chains just get longer. */
static void grow(struct hash_index *h)
{
	size_t larger = h->bucket_count * 2;
	struct hash_node **buckets = calloc(larger, sizeof *buckets);
	if (!buckets)
		return;
	for (size_t i = 0; i < h->bucket_count; i++) {
		struct hash_node *next;
		for (struct hash_node *n = h->buckets[i]; n; n = next) {
			next = n->next;
			link_node(buckets, larger, n);
		}
	}
	free(h->buckets);
	h->buckets = buckets;
	h->bucket_count = larger;
}

void hash_index_add(struct hash_index *h, struct hash_node *node, uint64_t hash)
{
	assert(!node->linked);
	if (h->count >= h->bucket_count)
		grow(h);
	node->hash = hash;
	node->linked = true;
	link_node(h->buckets, h->bucket_count, node);
	h->count++;
}

void hash_index_remove(struct hash_index *h, struct hash_node *node)
{
	if (!node->linked)
		return;
	struct hash_node **at = &h->buckets[node->hash & (h->bucket_count - 1)];
	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	node->linked = false;
	h->count--;
}

static struct hash_node *skip_others(struct hash_node *n, uint64_t hash)
{
	while (n && n->hash != hash)
		n = n->next;
	return n;
}

struct hash_node *hash_index_first(const struct hash_index *h, uint64_t hash)
{
	if (!h->buckets)
		return NULL;
	return skip_others(h->buckets[hash & (h->bucket_count - 1)], hash);
}

struct hash_node *hash_index_next(const struct hash_node *node)
{
	return skip_others(node->next, node->hash);
}

uint64_t hash_bytes(const void *bytes, size_t length)
{
	const uint8_t *b = bytes;
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < length; i++)
		h = (h ^ b[i]) * UINT64_C(0x100000001b3);
	return h ^ h >> 32;
}
