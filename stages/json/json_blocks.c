/* The loops are written out for each instruction set, as in blocks.c. UTF-8 is looked up as in J. Keiser, D. Lemire,
 * "Validating UTF-8 in less than one instruction per byte" (Software: Practice and Experience 51, 2021). */
#include "stages/json/json_blocks.h"

#include "stages/json/json_skeleton.h"
#include "stages/json/json_utf8.h"

#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#define TARGET(set) __attribute__((target(set)))
#endif

#define EVERY(byte) (UINT64_C(0x0101010101010101) * (byte))

static bool always(void)
{
	return true;
}

static struct json_some some_of(const struct json_masks *m, size_t blocks, uint64_t high)
{
	struct json_some some = {.high = high};
	for (size_t i = 0; i < blocks; i++) {
		some.backslashes |= m->backslashes[i];
		some.controls |= m->controls[i];
	}
	return some;
}

/* What is left of a window, less than a block, stands at the end of the block in `whole`: shifted down. Where the window
 * is shorter than a block there is none to read, and a copy is taken. */
static const uint8_t *rest_block(const uint8_t *bytes, size_t length, uint8_t *copy,
				 unsigned *ret_shift)
{
	const size_t rest = length % JSON_BLOCK_BYTES;
	if (length > JSON_BLOCK_BYTES) {
		*ret_shift = (unsigned)(JSON_BLOCK_BYTES - rest);
		return bytes + length - JSON_BLOCK_BYTES;
	}
	memset(copy, ' ', JSON_BLOCK_BYTES);
	memcpy(copy, bytes, rest);
	*ret_shift = 0;
	return copy;
}

static void shift_rest(struct json_masks *m, size_t block, unsigned shift)
{
	m->quotes[block] >>= shift;
	m->backslashes[block] >>= shift;
	m->controls[block] >>= shift;
}

/* --- anywhere: eight bytes in a word --- */

/* The high bit of each byte that is 0. */
static uint64_t zero_bytes(uint64_t word)
{
	return ~(((word & EVERY(0x7f)) + EVERY(0x7f)) | word | EVERY(0x7f));
}

/* The high bits of eight bytes, side by side. */
static uint64_t high_bits(uint64_t word)
{
	return ((word & EVERY(0x80)) >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

static uint64_t portable_block(const uint8_t *bytes, struct json_masks *m, size_t block)
{
	uint64_t quotes = 0, backslashes = 0, controls = 0, high = 0;
	for (unsigned i = 0; i < JSON_BLOCK_BYTES; i += 8) {
		uint64_t word;
		memcpy(&word, bytes + i, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		word = __builtin_bswap64(word);
#endif
		quotes |= high_bits(zero_bytes(word ^ EVERY('"'))) << i;
		backslashes |= high_bits(zero_bytes(word ^ EVERY('\\'))) << i;
		controls |= high_bits(zero_bytes(word & EVERY(0xe0))) << i;
		high |= word & EVERY(0x80);
	}
	m->quotes[block] = quotes;
	m->backslashes[block] = backslashes;
	m->controls[block] = controls;
	return high;
}

static struct json_some portable_masks(const uint8_t *bytes, size_t length, struct json_masks *m)
{
	const size_t whole = length / JSON_BLOCK_BYTES;
	uint64_t high = 0;
	for (size_t i = 0; i < whole; i++)
		high |= portable_block(bytes + i * JSON_BLOCK_BYTES, m, i);
	if (length % JSON_BLOCK_BYTES == 0)
		return some_of(m, whole, high);
	uint8_t copy[JSON_BLOCK_BYTES];
	unsigned shift;
	high |= portable_block(rest_block(bytes, length, copy, &shift), m, whole);
	shift_rest(m, whole, shift);
	return some_of(m, whole + 1, high);
}

static bool portable_is_utf8(const uint8_t *bytes, size_t length)
{
	return utf8_valid_prefix(bytes, length) == length;
}

#ifdef __x86_64__

/* --- UTF-8 by nibbles: what two neighbouring bytes can be wrong about --- */

enum {
	TOO_SHORT = 1 << 0,
	TOO_LONG = 1 << 1,
	OVERLONG_3 = 1 << 2,
	TOO_LARGE = 1 << 3,
	SURROGATE = 1 << 4,
	OVERLONG_2 = 1 << 5,
	TOO_LARGE_1000 = 1 << 6,
	OVERLONG_4 = 1 << 6,
	TWO_MORE = 1 << 7,
	ANY_LOW = TOO_SHORT | TOO_LONG | TWO_MORE,
	ANY_LARGE = ANY_LOW | TOO_LARGE | TOO_LARGE_1000,
	SECOND = TOO_LONG | OVERLONG_2 | TWO_MORE,
	UTF8_BEFORE = 3, /* bytes before a position that decide about it */
	UTF8_STEP_MAX = 32,
};

static const uint8_t first_high[16] = {
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TWO_MORE,
    TWO_MORE,
    TWO_MORE,
    TWO_MORE,
    TOO_SHORT | OVERLONG_2,
    TOO_SHORT,
    TOO_SHORT | OVERLONG_3 | SURROGATE,
    TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4,
};

static const uint8_t first_low[16] = {
    ANY_LOW | OVERLONG_3 | OVERLONG_2 | OVERLONG_4,
    ANY_LOW | OVERLONG_2,
    ANY_LOW,
    ANY_LOW,
    ANY_LOW | TOO_LARGE,
    ANY_LARGE,
    ANY_LARGE,
    ANY_LARGE,
    ANY_LARGE,
    ANY_LARGE,
    ANY_LARGE,
    ANY_LARGE,
    ANY_LARGE,
    ANY_LARGE | SURROGATE,
    ANY_LARGE,
    ANY_LARGE,
};

static const uint8_t second_high[16] = {
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    SECOND | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4,
    SECOND | OVERLONG_3 | TOO_LARGE,
    SECOND | SURROGATE | TOO_LARGE,
    SECOND | SURROGATE | TOO_LARGE,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
};

/* Runs `step`, which looks at `size` bytes and the three before them, over all of them, and over one zero more, which
 * ends a character that has no end. */
static inline __attribute__((always_inline)) bool
utf8_by_steps(const uint8_t *bytes, size_t length, size_t size, bool (*step)(const uint8_t *))
{
	uint8_t copy[UTF8_BEFORE + UTF8_STEP_MAX] = {0};
	size_t at = length < size ? length : size;
	memcpy(copy + UTF8_BEFORE, bytes, at);
	bool valid = step(copy + UTF8_BEFORE);
	for (; valid && length - at >= size; at += size)
		valid = step(bytes + at);
	if (!valid || length < size)
		return valid;
	memset(copy, 0, sizeof copy);
	memcpy(copy, bytes + at - UTF8_BEFORE, UTF8_BEFORE + length - at);
	return step(copy + UTF8_BEFORE);
}

/* --- SSE2, which every x86-64 has, and SSSE3 for the shuffle --- */

static bool ssse3_supported(void)
{
	return __builtin_cpu_supports("ssse3") != 0;
}

static uint64_t sse2_mask(__m128i v)
{
	return (unsigned)_mm_movemask_epi8(v);
}

static uint64_t sse2_block(const uint8_t *bytes, struct json_masks *m, size_t block)
{
	const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
	const __m128i last_control = _mm_set1_epi8(0x1f);
	uint64_t quotes = 0, backslashes = 0, controls = 0, high = 0;
	for (unsigned i = 0; i < JSON_BLOCK_BYTES; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(bytes + i));
		__m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, last_control), v);
		quotes |= sse2_mask(_mm_cmpeq_epi8(v, quote)) << i;
		backslashes |= sse2_mask(_mm_cmpeq_epi8(v, backslash)) << i;
		controls |= sse2_mask(control) << i;
		high |= sse2_mask(v);
	}
	m->quotes[block] = quotes;
	m->backslashes[block] = backslashes;
	m->controls[block] = controls;
	return high;
}

static struct json_some sse2_masks(const uint8_t *bytes, size_t length, struct json_masks *m)
{
	const size_t whole = length / JSON_BLOCK_BYTES;
	uint64_t high = 0;
	for (size_t i = 0; i < whole; i++)
		high |= sse2_block(bytes + i * JSON_BLOCK_BYTES, m, i);
	if (length % JSON_BLOCK_BYTES == 0)
		return some_of(m, whole, high);
	uint8_t copy[JSON_BLOCK_BYTES];
	unsigned shift;
	high |= sse2_block(rest_block(bytes, length, copy, &shift), m, whole);
	shift_rest(m, whole, shift);
	return some_of(m, whole + 1, high);
}

TARGET("ssse3")
static __m128i ssse3_load(const uint8_t *bytes)
{
	return _mm_loadu_si128((const __m128i *)(const void *)bytes);
}

TARGET("ssse3")
static bool ssse3_utf8_step(const uint8_t *bytes)
{
	const __m128i nibble = _mm_set1_epi8(15), high = _mm_set1_epi8((char)0x80);
	__m128i v = ssse3_load(bytes), before = ssse3_load(bytes - 1);
	__m128i before2 = ssse3_load(bytes - 2), before3 = ssse3_load(bytes - 3);
	if (_mm_movemask_epi8(_mm_or_si128(v, before3)) == 0)
		return true;
	__m128i a = _mm_and_si128(_mm_srli_epi16(before, 4), nibble);
	__m128i b = _mm_and_si128(before, nibble);
	__m128i c = _mm_and_si128(_mm_srli_epi16(v, 4), nibble);
	a = _mm_shuffle_epi8(ssse3_load(first_high), a);
	b = _mm_shuffle_epi8(ssse3_load(first_low), b);
	c = _mm_shuffle_epi8(ssse3_load(second_high), c);
	__m128i wrong = _mm_and_si128(_mm_and_si128(a, b), c);
	__m128i third = _mm_subs_epu8(before2, _mm_set1_epi8(0xe0 - 0x80));
	__m128i fourth = _mm_subs_epu8(before3, _mm_set1_epi8(0xf0 - 0x80));
	wrong = _mm_xor_si128(wrong, _mm_and_si128(_mm_or_si128(third, fourth), high));
	return _mm_movemask_epi8(_mm_cmpeq_epi8(wrong, _mm_setzero_si128())) == 0xffff;
}

TARGET("ssse3")
static bool ssse3_is_utf8(const uint8_t *bytes, size_t length)
{
	return utf8_by_steps(bytes, length, 16, ssse3_utf8_step);
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
static uint64_t avx2_block(const uint8_t *bytes, struct json_masks *m, size_t block)
{
	const __m256i quote = _mm256_set1_epi8('"'), backslash = _mm256_set1_epi8('\\');
	const __m256i last_control = _mm256_set1_epi8(0x1f);
	__m256i x = avx2_load(bytes), y = avx2_load(bytes + 32);
	m->quotes[block] = avx2_join(_mm256_cmpeq_epi8(x, quote), _mm256_cmpeq_epi8(y, quote));
	m->backslashes[block] =
	    avx2_join(_mm256_cmpeq_epi8(x, backslash), _mm256_cmpeq_epi8(y, backslash));
	m->controls[block] = avx2_join(_mm256_cmpeq_epi8(_mm256_min_epu8(x, last_control), x),
				       _mm256_cmpeq_epi8(_mm256_min_epu8(y, last_control), y));
	return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(x, y));
}

TARGET("avx2")
static struct json_some avx2_masks(const uint8_t *bytes, size_t length, struct json_masks *m)
{
	const size_t whole = length / JSON_BLOCK_BYTES;
	uint64_t high = 0;
	for (size_t i = 0; i < whole; i++)
		high |= avx2_block(bytes + i * JSON_BLOCK_BYTES, m, i);
	if (length % JSON_BLOCK_BYTES == 0)
		return some_of(m, whole, high);
	uint8_t copy[JSON_BLOCK_BYTES];
	unsigned shift;
	high |= avx2_block(rest_block(bytes, length, copy, &shift), m, whole);
	shift_rest(m, whole, shift);
	return some_of(m, whole + 1, high);
}

TARGET("avx2")
static __m256i avx2_look_up(const uint8_t *table, __m256i nibbles)
{
	__m128i once = _mm_loadu_si128((const __m128i *)(const void *)table);
	return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(once), nibbles);
}

TARGET("avx2")
static bool avx2_utf8_step(const uint8_t *bytes)
{
	const __m256i nibble = _mm256_set1_epi8(15), high = _mm256_set1_epi8((char)0x80);
	__m256i v = avx2_load(bytes), before = avx2_load(bytes - 1);
	__m256i before2 = avx2_load(bytes - 2), before3 = avx2_load(bytes - 3);
	if (_mm256_movemask_epi8(_mm256_or_si256(v, before3)) == 0)
		return true;
	__m256i a = _mm256_and_si256(_mm256_srli_epi16(before, 4), nibble);
	__m256i b = _mm256_and_si256(before, nibble);
	__m256i c = _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble);
	__m256i wrong = _mm256_and_si256(avx2_look_up(first_high, a), avx2_look_up(first_low, b));
	wrong = _mm256_and_si256(wrong, avx2_look_up(second_high, c));
	__m256i third = _mm256_subs_epu8(before2, _mm256_set1_epi8(0xe0 - 0x80));
	__m256i fourth = _mm256_subs_epu8(before3, _mm256_set1_epi8(0xf0 - 0x80));
	wrong = _mm256_xor_si256(wrong, _mm256_and_si256(_mm256_or_si256(third, fourth), high));
	return _mm256_testz_si256(wrong, wrong);
}

TARGET("avx2")
static bool avx2_is_utf8(const uint8_t *bytes, size_t length)
{
	return utf8_by_steps(bytes, length, 32, avx2_utf8_step);
}

/* --- AVX-512 --- */

static bool avx512_supported(void)
{
	return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx2");
}

static bool avx512vbmi2_supported(void)
{
	return avx512_supported() && __builtin_cpu_supports("avx512vbmi2") &&
	       __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("popcnt");
}

TARGET("avx512bw")
static struct json_some avx512_masks(const uint8_t *bytes, size_t length, struct json_masks *m)
{
	const __m512i quote = _mm512_set1_epi8('"'), backslash = _mm512_set1_epi8('\\');
	const __m512i space = _mm512_set1_epi8(' ');
	struct json_some some = {0};
	for (size_t at = 0, i = 0; at < length; at += JSON_BLOCK_BYTES, i++) {
		const size_t left = length - at;
		const uint64_t inside =
		    left >= JSON_BLOCK_BYTES ? ~(uint64_t)0 : ((uint64_t)1 << left) - 1;
		/* what is masked out is not read */
		__m512i v = _mm512_mask_loadu_epi8(space, inside, bytes + at);
		m->quotes[i] = _mm512_cmpeq_epi8_mask(v, quote);
		some.backslashes |= m->backslashes[i] = _mm512_cmpeq_epi8_mask(v, backslash);
		some.controls |= m->controls[i] = _mm512_cmplt_epu8_mask(v, space);
		some.high |= _mm512_movepi8_mask(v);
	}
	return some;
}

#endif

const struct json_kernels json_kernels_all[] = {
#ifdef __x86_64__
    {"avx512vbmi2", avx512vbmi2_supported, avx512_masks, avx2_is_utf8, json_skeleton_avx512},
    {"avx512", avx512_supported, avx512_masks, avx2_is_utf8, NULL},
    {"avx2", avx2_supported, avx2_masks, avx2_is_utf8, NULL},
    {"ssse3", ssse3_supported, sse2_masks, ssse3_is_utf8, NULL},
    {"sse2", always, sse2_masks, portable_is_utf8, NULL},
#endif
    {"portable", always, portable_masks, portable_is_utf8, NULL},
    {0},
};

const struct json_kernels *json_kernels;

/* Before main(), so that no thread has to ask whether the choice has been made. */
static __attribute__((constructor)) void choose_kernels(void)
{
#ifdef __x86_64__
	__builtin_cpu_init();
#endif
	json_kernels = json_kernels_all;
	while (!json_kernels->supported())
		json_kernels++;
}
