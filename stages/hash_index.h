/* hash_index.h - finds things by a hash of what they are called; the nodes live in the things.
 *
 *   buckets  [ . | x -> x | . | x ]        doubled when there are more nodes than buckets
 *
 * Threads: the owner's. Memory: the buckets; nodes are the callers'. Layer: libc only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash_node {
	struct hash_node *next;
	uint64_t hash;
	bool linked;
};

struct hash_index {
	struct hash_node **buckets;
	size_t bucket_count; /* a power of two */
	size_t count;
};

/* 0 or -ENOMEM. */
int hash_index_init(struct hash_index *h);
/* Nodes still in it are forgotten. */
void hash_index_release(struct hash_index *h);

void hash_index_add(struct hash_index *h, struct hash_node *node, uint64_t hash);
/* A node that is in no index is left alone. */
void hash_index_remove(struct hash_index *h, struct hash_node *node);

/* The nodes of that hash, one after the other; NULL: no more. The caller compares. */
struct hash_node *hash_index_first(const struct hash_index *h, uint64_t hash);
struct hash_node *hash_index_next(const struct hash_node *node);

/* FNV-1a (Fowler, Noll, Vo), its high bits folded into the low ones. */
uint64_t hash_bytes(const void *bytes, size_t length);
