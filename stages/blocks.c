/* The loops are written out for each instruction set: they are short, and an abstraction over vector widths would be
 * longer than what it hides. All intrinsics of scanning are here and in json/json_blocks.c. */
#include "stages/blocks.h"

#include <assert.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#define TARGET(set) __attribute__((target(set)))
#endif

/* --- anywhere --- */

static bool portable_supported(void)
{
	return true;
}

static uint64_t portable_equal(const uint8_t *bytes, size_t count, uint8_t value, uint64_t *masks)
{
	uint64_t some = 0;
	for (size_t i = 0; i < count; i++, bytes += BLOCK_BYTES) {
		uint64_t mask = 0;
		for (unsigned j = 0; j < BLOCK_BYTES; j++)
			mask |= (uint64_t)(bytes[j] == value) << j;
		masks[i] = mask;
		some |= (uint64_t)(mask != 0) << i;
	}
	return some;
}

static size_t portable_pair(const uint8_t *first, const uint8_t *second, size_t count, uint8_t x,
			    uint8_t y, uint64_t *ret_mask)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t mask = 0;
		for (unsigned j = 0; j < BLOCK_BYTES; j++) {
			size_t at = i * BLOCK_BYTES + j;
			mask |= (uint64_t)(first[at] == x && second[at] == y) << j;
		}
		if (mask) {
			*ret_mask = mask;
			return i;
		}
	}
	return count;
}

static uint8_t portable_buckets(const struct fingerprints *f, const uint8_t *bytes)
{
	unsigned buckets = 0xff;
	for (unsigned k = 0; k < FINGERPRINT_BYTES; k++)
		buckets &= f->low[k][bytes[k] & 15] & f->high[k][bytes[k] >> 4];
	return (uint8_t)buckets;
}

static size_t portable_fingerprints(const struct fingerprints *f, const uint8_t *bytes,
				    size_t count, struct fingerprint_hits *ret_hits)
{
	for (size_t i = 0; i < count; i++) {
		struct fingerprint_hits hits = {0};
		for (unsigned j = 0; j < BLOCK_BYTES; j++) {
			hits.buckets[j] = portable_buckets(f, bytes + i * BLOCK_BYTES + j);
			hits.mask |= (uint64_t)(hits.buckets[j] != 0) << j;
		}
		if (hits.mask) {
			*ret_hits = hits;
			return i;
		}
	}
	return count;
}

#ifdef __x86_64__

/* --- SSE2, which every x86-64 has, and SSSE3 for the shuffle that fingerprints need --- */

static bool ssse3_supported(void)
{
	return __builtin_cpu_supports("ssse3") != 0;
}

static uint64_t sse2_equal_block(const uint8_t *bytes, __m128i value)
{
	uint64_t mask = 0;
	for (unsigned j = 0; j < BLOCK_BYTES; j += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(bytes + j));
		unsigned bits = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, value));
		mask |= (uint64_t)bits << j;
	}
	return mask;
}

static uint64_t sse2_equal(const uint8_t *bytes, size_t count, uint8_t value, uint64_t *masks)
{
	const __m128i values = _mm_set1_epi8((char)value);
	uint64_t some = 0;
	for (size_t i = 0; i < count; i++, bytes += BLOCK_BYTES) {
		masks[i] = sse2_equal_block(bytes, values);
		some |= (uint64_t)(masks[i] != 0) << i;
	}
	return some;
}

static size_t sse2_pair(const uint8_t *first, const uint8_t *second, size_t count, uint8_t x,
			uint8_t y, uint64_t *ret_mask)
{
	const __m128i xs = _mm_set1_epi8((char)x), ys = _mm_set1_epi8((char)y);
	for (size_t i = 0; i < count; i++, first += BLOCK_BYTES, second += BLOCK_BYTES) {
		uint64_t mask = sse2_equal_block(first, xs);
		if (mask)
			mask &= sse2_equal_block(second, ys);
		if (mask) {
			*ret_mask = mask;
			return i;
		}
	}
	return count;
}

TARGET("ssse3")
static __m128i ssse3_buckets(const struct fingerprints *f, const uint8_t *bytes)
{
	const __m128i nibble = _mm_set1_epi8(15);
	__m128i buckets = _mm_set1_epi8(-1);
	for (unsigned k = 0; k < FINGERPRINT_BYTES; k++) {
		__m128i low = _mm_loadu_si128((const __m128i *)(const void *)f->low[k]);
		__m128i high = _mm_loadu_si128((const __m128i *)(const void *)f->high[k]);
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(bytes + k));
		low = _mm_shuffle_epi8(low, _mm_and_si128(v, nibble));
		high = _mm_shuffle_epi8(high, _mm_and_si128(_mm_srli_epi16(v, 4), nibble));
		buckets = _mm_and_si128(buckets, _mm_and_si128(low, high));
	}
	return buckets;
}

TARGET("ssse3")
static size_t ssse3_fingerprints(const struct fingerprints *f, const uint8_t *bytes, size_t count,
				 struct fingerprint_hits *ret_hits)
{
	for (size_t i = 0; i < count; i++, bytes += BLOCK_BYTES) {
		__m128i v[4], any = _mm_setzero_si128();
		for (unsigned j = 0; j < 4; j++) {
			v[j] = ssse3_buckets(f, bytes + 16 * j);
			any = _mm_or_si128(any, v[j]);
		}
		if (_mm_movemask_epi8(_mm_cmpeq_epi8(any, _mm_setzero_si128())) == 0xffff)
			continue;
		memcpy(ret_hits->buckets, v, sizeof(ret_hits->buckets));
		ret_hits->mask = ~sse2_equal_block(ret_hits->buckets, _mm_setzero_si128());
		return i;
	}
	return count;
}

/* --- AVX2 --- */

static bool avx2_supported(void)
{
	return __builtin_cpu_supports("avx2") != 0;
}

TARGET("avx2")
static uint64_t avx2_join(__m256i low, __m256i high)
{
	return (uint64_t)(uint32_t)_mm256_movemask_epi8(low) |
	       (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

TARGET("avx2")
static __m256i avx2_load(const uint8_t *bytes)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)bytes);
}

TARGET("avx2")
static uint64_t avx2_equal(const uint8_t *bytes, size_t count, uint8_t value, uint64_t *masks)
{
	const __m256i values = _mm256_set1_epi8((char)value);
	uint64_t some = 0;
	for (size_t i = 0; i < count; i++, bytes += BLOCK_BYTES) {
		masks[i] = avx2_join(_mm256_cmpeq_epi8(avx2_load(bytes), values),
				     _mm256_cmpeq_epi8(avx2_load(bytes + 32), values));
		some |= (uint64_t)(masks[i] != 0) << i;
	}
	return some;
}

TARGET("avx2")
static size_t avx2_pair(const uint8_t *first, const uint8_t *second, size_t count, uint8_t x,
			uint8_t y, uint64_t *ret_mask)
{
	const __m256i xs = _mm256_set1_epi8((char)x), ys = _mm256_set1_epi8((char)y);
	for (size_t i = 0; i < count; i++, first += BLOCK_BYTES, second += BLOCK_BYTES) {
		__m256i low = _mm256_and_si256(_mm256_cmpeq_epi8(avx2_load(first), xs),
					       _mm256_cmpeq_epi8(avx2_load(second), ys));
		__m256i high = _mm256_and_si256(_mm256_cmpeq_epi8(avx2_load(first + 32), xs),
						_mm256_cmpeq_epi8(avx2_load(second + 32), ys));
		uint64_t mask = avx2_join(low, high);
		if (mask) {
			*ret_mask = mask;
			return i;
		}
	}
	return count;
}

TARGET("avx2")
static __m256i avx2_twice(const uint8_t *table)
{
	return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)table));
}

TARGET("avx2")
static __m256i avx2_buckets(const struct fingerprints *f, const uint8_t *bytes)
{
	const __m256i nibble = _mm256_set1_epi8(15);
	__m256i buckets = _mm256_set1_epi8(-1);
	for (unsigned k = 0; k < FINGERPRINT_BYTES; k++) {
		__m256i v = avx2_load(bytes + k);
		__m256i low = _mm256_and_si256(v, nibble);
		__m256i high = _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble);
		low = _mm256_shuffle_epi8(avx2_twice(f->low[k]), low);
		high = _mm256_shuffle_epi8(avx2_twice(f->high[k]), high);
		buckets = _mm256_and_si256(buckets, _mm256_and_si256(low, high));
	}
	return buckets;
}

TARGET("avx2")
static size_t avx2_fingerprints(const struct fingerprints *f, const uint8_t *bytes, size_t count,
				struct fingerprint_hits *ret_hits)
{
	const __m256i zero = _mm256_setzero_si256();
	for (size_t i = 0; i < count; i++, bytes += BLOCK_BYTES) {
		__m256i v[2] = {avx2_buckets(f, bytes), avx2_buckets(f, bytes + 32)};
		__m256i any = _mm256_or_si256(v[0], v[1]);
		if (_mm256_testz_si256(any, any))
			continue;
		memcpy(ret_hits->buckets, v, sizeof(ret_hits->buckets));
		ret_hits->mask =
		    ~avx2_join(_mm256_cmpeq_epi8(v[0], zero), _mm256_cmpeq_epi8(v[1], zero));
		return i;
	}
	return count;
}

/* --- AVX-512 --- */

static bool avx512_supported(void)
{
	return __builtin_cpu_supports("avx512bw") != 0;
}

TARGET("avx512bw")
static uint64_t avx512_equal(const uint8_t *bytes, size_t count, uint8_t value, uint64_t *masks)
{
	const __m512i values = _mm512_set1_epi8((char)value);
	uint64_t some = 0;
	for (size_t i = 0; i < count; i++, bytes += BLOCK_BYTES) {
		masks[i] = _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(bytes), values);
		some |= (uint64_t)(masks[i] != 0) << i;
	}
	return some;
}

TARGET("avx512bw")
static size_t avx512_pair(const uint8_t *first, const uint8_t *second, size_t count, uint8_t x,
			  uint8_t y, uint64_t *ret_mask)
{
	const __m512i xs = _mm512_set1_epi8((char)x), ys = _mm512_set1_epi8((char)y);
	for (size_t i = 0; i < count; i++, first += BLOCK_BYTES, second += BLOCK_BYTES) {
		uint64_t mask = _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(first), xs);
		mask = _mm512_mask_cmpeq_epi8_mask(mask, _mm512_loadu_si512(second), ys);
		if (mask) {
			*ret_mask = mask;
			return i;
		}
	}
	return count;
}

TARGET("avx512bw")
static __m512i avx512_fourfold(const uint8_t *table)
{
	return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)table));
}

TARGET("avx512bw")
static size_t avx512_fingerprints(const struct fingerprints *f, const uint8_t *bytes, size_t count,
				  struct fingerprint_hits *ret_hits)
{
	const __m512i nibble = _mm512_set1_epi8(15);
	__m512i low[FINGERPRINT_BYTES], high[FINGERPRINT_BYTES];
#pragma GCC unroll 3
	for (unsigned k = 0; k < FINGERPRINT_BYTES; k++) {
		low[k] = avx512_fourfold(f->low[k]);
		high[k] = avx512_fourfold(f->high[k]);
	}
	for (size_t i = 0; i < count; i++, bytes += BLOCK_BYTES) {
		__m512i buckets = _mm512_set1_epi8(-1);
#pragma GCC unroll 3 /* gcc does not by itself, and it is a third of the speed */
		for (unsigned k = 0; k < FINGERPRINT_BYTES; k++) {
			__m512i v = _mm512_loadu_si512(bytes + k);
			__m512i v_high = _mm512_and_si512(_mm512_srli_epi16(v, 4), nibble);
			__m512i a = _mm512_shuffle_epi8(low[k], _mm512_and_si512(v, nibble));
			__m512i b = _mm512_shuffle_epi8(high[k], v_high);
			buckets = _mm512_and_si512(buckets, _mm512_and_si512(a, b));
		}
		uint64_t mask = _mm512_test_epi8_mask(buckets, buckets);
		if (mask) {
			ret_hits->mask = mask;
			_mm512_storeu_si512(ret_hits->buckets, buckets);
			return i;
		}
	}
	return count;
}

#endif

const struct block_kernels block_kernels_all[] = {
#ifdef __x86_64__
    {"avx512", avx512_supported, avx512_equal, avx512_pair, avx512_fingerprints},
    {"avx2", avx2_supported, avx2_equal, avx2_pair, avx2_fingerprints},
    {"ssse3", ssse3_supported, sse2_equal, sse2_pair, ssse3_fingerprints},
    {"sse2", portable_supported, sse2_equal, sse2_pair, portable_fingerprints},
#endif
    {"portable", portable_supported, portable_equal, portable_pair, portable_fingerprints},
    {0},
};

const struct block_kernels *block_kernels;

/* Before main(), so that no thread has to ask whether the choice has been made. */
static __attribute__((constructor)) void choose_kernels(void)
{
#ifdef __x86_64__
	__builtin_cpu_init();
#endif
	block_kernels = block_kernels_all;
	while (!block_kernels->supported())
		block_kernels++;
}

static uint64_t first_bits(size_t n)
{
	return ((uint64_t)1 << n) - 1;
}

uint64_t blocks_equal_rest(const uint8_t *bytes, size_t n, uint8_t value)
{
	assert(n < BLOCK_BYTES);
	uint8_t copy[BLOCK_BYTES] = {0};
	uint64_t mask;
	memcpy(copy, bytes, n);
	block_kernels->equal(copy, 1, value, &mask);
	return mask & first_bits(n);
}

uint64_t blocks_pair_rest(const uint8_t *first, const uint8_t *second, size_t n, uint8_t x,
			  uint8_t y)
{
	assert(n < BLOCK_BYTES);
	uint8_t copy[2][BLOCK_BYTES] = {0};
	uint64_t mask = 0;
	memcpy(copy[0], first, n);
	memcpy(copy[1], second, n);
	block_kernels->pair(copy[0], copy[1], 1, x, y, &mask);
	return mask & first_bits(n);
}

bool blocks_fingerprints_rest(const struct fingerprints *f, const uint8_t *bytes, size_t n,
			      struct fingerprint_hits *ret_hits)
{
	assert(n < BLOCK_BYTES + FINGERPRINT_BYTES - 1);
	uint8_t copy[BLOCK_BYTES + FINGERPRINT_BYTES - 1] = {0};
	memcpy(copy, bytes, n);
	if (block_kernels->fingerprints(f, copy, 1, ret_hits) == 1)
		return false;
	if (n < BLOCK_BYTES)
		ret_hits->mask &= first_bits(n);
	return ret_hits->mask != 0;
}
