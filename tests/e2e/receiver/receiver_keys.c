#include "tests/e2e/receiver/receiver_keys.h"
#include "tests/e2e/receiver/receiver_bytes.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { ROOM = 1 << 20 };

static XXH128_hash_t *keys;

void receiver_keys_init(void)
{
	keys = calloc(ROOM, sizeof *keys);
	if (!keys)
		receiver_fail("memory");
}

void receiver_keys_release(void)
{
	free(keys);
	keys = NULL;
}

static bool is_free(const XXH128_hash_t *place)
{
	return place->low64 == 0 && place->high64 == 0;
}

/* Where it is, or would be. */
static XXH128_hash_t *find(XXH128_hash_t hash)
{
	uint64_t i = hash.low64;
	while (!is_free(&keys[i % ROOM]) && !XXH128_isEqual(keys[i % ROOM], hash))
		i++;
	return &keys[i % ROOM];
}

void receiver_keys_add(const char *key)
{
	XXH128_hash_t hash = XXH3_128bits(key, strlen(key));
	*find(hash) = hash;
}

bool receiver_keys_have(const char *key)
{
	return !is_free(find(XXH3_128bits(key, strlen(key))));
}
