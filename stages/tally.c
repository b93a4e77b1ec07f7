#include "stages/tally.h"
#include "stages/json/json_number.h"
#include "stages/sketch.h"

#include <math.h>
#include <string.h>

/* long double has 64 bits before the exponent at least, so that each of these numbers is one. */
_Static_assert(__LDBL_MANT_DIG__ >= 64, "whole numbers are compared as long double");

static const struct value none = {.type = VALUE_NULL};

static long double number_of(const struct value *v)
{
	switch (v->type) {
	case VALUE_INT:
		return (long double)v->i;
	case VALUE_UINT:
		return (long double)v->u;
	default:
		return (long double)v->d;
	}
}

static struct value real_value(double d)
{
	return (struct value){.d = d, .type = VALUE_DOUBLE};
}

const char *tally_number(struct value *v)
{
	if (v->type != VALUE_INT && v->type != VALUE_UINT && v->type != VALUE_DOUBLE)
		return v->type == VALUE_ERROR ? v->why : "not a number";
	if (v->form == VALUE_DIGITS && json_decode_number(v) < 0)
		return "number out of range";
	return v->type == VALUE_DOUBLE && !isfinite(v->d) ? "not a finite number" : NULL;
}

static void add_real(struct tally *t, double d)
{
	double sum = t->real + d;
	t->lost += fabs(t->real) >= fabs(d) ? t->real - sum + d : d - sum + t->real;
	t->real = sum;
	t->reals++;
}

void tally_add(struct tally *t, struct sketch *sketch, const struct value *v)
{
	long double number = number_of(v);
	if (v->type == VALUE_INT)
		t->whole += v->i;
	else if (v->type == VALUE_UINT)
		t->whole += v->u;
	else
		add_real(t, v->d);
	if (t->count == 0 || number < number_of(&t->least))
		t->least = *v;
	if (t->count == 0 || number > number_of(&t->most))
		t->most = *v;
	t->count++;
	if (sketch)
		sketch_add(sketch, (double)number);
}

struct value tally_sum(const struct tally *t)
{
	if (t->reals > 0) {
		double sum = t->real + (double)t->whole;
		/* beyond the largest double what was lost is no number */
		return real_value(isfinite(sum) ? sum + t->lost : sum);
	}
	if (t->whole >= INT64_MIN && t->whole <= INT64_MAX)
		return (struct value){.i = (int64_t)t->whole, .type = VALUE_INT};
	if (t->whole > 0 && t->whole <= (tally_whole)UINT64_MAX)
		return (struct value){.u = (uint64_t)t->whole, .type = VALUE_UINT};
	return real_value((double)t->whole);
}

struct value tally_mean(const struct tally *t)
{
	if (t->count == 0)
		return none;
	long double sum = (long double)t->whole + (long double)t->real;
	if (isfinite(sum))
		sum += (long double)t->lost;
	return real_value((double)(sum / (long double)t->count));
}

struct value tally_least(const struct tally *t)
{
	return t->count ? t->least : none;
}

struct value tally_most(const struct tally *t)
{
	return t->count ? t->most : none;
}

struct value tally_quantile(const struct tally *t, const struct sketch *sketch, double q)
{
	if (t->count == 0)
		return none;
	long double number = (long double)sketch_quantile(sketch, t->count, q);
	if (number <= number_of(&t->least) || q <= 0)
		return t->least;
	if (number >= number_of(&t->most) || q >= 1)
		return t->most;
	return real_value((double)number);
}

/* ---- as bytes ---- */

static void pack_real(struct packer *p, double d)
{
	uint64_t bits;
	memcpy(&bits, &d, sizeof bits);
	packer_u64(p, bits);
}

static double unpack_real(struct packed *p)
{
	uint64_t bits = packed_u64(p);
	double d;
	memcpy(&d, &bits, sizeof d);
	return d;
}

static void pack_value(struct packer *p, const struct value *v)
{
	packer_varint(p, v->type);
	packer_u64(p, v->u);
}

static struct value unpack_value(struct packed *p)
{
	uint64_t type = packed_varint(p);
	p->broken |= type != VALUE_INT && type != VALUE_UINT && type != VALUE_DOUBLE;
	return (struct value){.type = (uint8_t)type, .u = packed_u64(p)};
}

void tally_pack(const struct tally *t, struct packer *p)
{
	packer_varint(p, t->count);
	if (t->count == 0)
		return;
	packer_varint(p, t->reals);
	packer_u64(p, (uint64_t)t->whole);
	packer_u64(p, (uint64_t)(t->whole >> 64));
	pack_real(p, t->real);
	pack_real(p, t->lost);
	pack_value(p, &t->least);
	pack_value(p, &t->most);
}

__extension__ typedef unsigned __int128 tally_bits;

bool tally_unpack(struct tally *t, struct packed *p)
{
	*t = (struct tally){.count = packed_varint(p)};
	if (t->count == 0)
		return !p->broken;
	t->reals = packed_varint(p);
	tally_bits low = packed_u64(p), high = packed_u64(p);
	t->whole = (tally_whole)(high << 64 | low);
	t->real = unpack_real(p);
	t->lost = unpack_real(p);
	t->least = unpack_value(p);
	t->most = unpack_value(p);
	return !p->broken;
}
