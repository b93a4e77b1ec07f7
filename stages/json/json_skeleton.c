#include "stages/json/json_skeleton.h"

#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#define TARGET(...) __attribute__((target(__VA_ARGS__)))
#define HOT static inline __attribute__((always_inline))

/* What one block says of the next, in the lowest bit; `inside`: in all of them. */
struct carry {
	uint64_t inside;   /* a string goes on */
	uint64_t digit;    /* the last byte is one */
	uint64_t fraction; /* it is a point */
	uint64_t leading;  /* it is a 0 that others must not follow */
};

/* One bit for each byte of a block. */
struct classes {
	uint64_t quotes, digits, zeros, points;
};

/* Which bytes stay. Adds to *wrong those that follow a 0 that leads them. strings: from each first quote to the byte before its last,
 * as if none went on from the block before. */
HOT uint64_t kept(struct carry *c, const struct classes *of, uint64_t strings, uint64_t *wrong)
{
	strings ^= c->inside;
	c->inside = (uint64_t)((int64_t)strings >> 63);
	const uint64_t digits = of->digits & ~strings, points = of->points & ~strings;
	const uint64_t follow = digits & (digits << 1 | c->digit), first = digits & ~follow;
	const uint64_t leading = first & of->zeros & ~(points << 1 | c->fraction);
	*wrong |= follow & (leading << 1 | c->leading);
	c->digit = digits >> 63;
	c->fraction = points >> 63;
	c->leading = leading >> 63;
	return ~strings & ~follow;
}

TARGET("pclmul")
static inline uint64_t parities(uint64_t word)
{
	__m128i each = _mm_set1_epi8((char)0xff);
	__m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)word), each, 0);
	return (uint64_t)_mm_cvtsi128_si64(product);
}

/* --- AVX-512 --- */

TARGET("avx512bw,avx512vbmi2")
static inline void avx512_put_quotes(uint64_t quotes, size_t at, uint16_t *to)
{
	static const uint8_t places[64] = {
	    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
	    22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
	    44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
	__m512i base = _mm512_set1_epi16((short)at);
	__m512i in_block = _mm512_maskz_compress_epi8(quotes, _mm512_loadu_si512(places));
	__m512i low = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(in_block));
	__m512i high = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(in_block, 1));
	_mm512_storeu_si512(to, _mm512_add_epi16(low, base));
	_mm512_storeu_si512(to + 32, _mm512_add_epi16(high, base));
}

TARGET("avx512bw,avx512vbmi2,pclmul,popcnt")
bool json_skeleton_avx512(const uint8_t *bytes, size_t length, const uint64_t *quotes,
			  struct json_skeleton *ret_skeleton)
{
	const __m512i zero = _mm512_set1_epi8('0'), point = _mm512_set1_epi8('.');
	struct carry carry = {0};
	uint64_t wrong = 0;
	size_t n = 0, count = 0;
	for (size_t at = 0; at < length; at += JSON_BLOCK_BYTES, quotes++) {
		const size_t left = length - at;
		const uint64_t there =
		    left >= JSON_BLOCK_BYTES ? ~(uint64_t)0 : ((uint64_t)1 << left) - 1;
		/* what is masked out is not read */
		const __m512i v = _mm512_maskz_loadu_epi8(there, bytes + at);
		const struct classes of = {
		    .quotes = *quotes,
		    .digits =
			_mm512_cmplt_epu8_mask(_mm512_sub_epi8(v, zero), _mm512_set1_epi8(10)),
		    .zeros = _mm512_cmpeq_epi8_mask(v, zero),
		    .points = _mm512_cmpeq_epi8_mask(v, point),
		};
		const uint64_t keep = kept(&carry, &of, parities(of.quotes), &wrong) & there;
		const __m512i plain = _mm512_mask_mov_epi8(v, of.digits, zero);
		_mm512_storeu_si512(ret_skeleton->bytes + n,
				    _mm512_maskz_compress_epi8(keep, plain));
		n += (size_t)__builtin_popcountll(keep);
		avx512_put_quotes(of.quotes, at, ret_skeleton->quotes + count);
		count += (size_t)__builtin_popcountll(of.quotes);
	}
	ret_skeleton->length = (uint32_t)n;
	ret_skeleton->quote_count = (uint32_t)count;
	return wrong == 0 && !carry.inside;
}
#endif
