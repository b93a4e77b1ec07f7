#include "stages/sketch.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Of doubles: log(x) / log(g) lies between -37300 and 35500. */
enum { MIDDLE = 40000 };

static const double error = 0.01;

static double log_of_base(void)
{
	return log1p(error) - log1p(-error);
}

/* Places are in the order of the numbers; 0 has its own. */
static int32_t place_of(double x)
{
	if (x == 0)
		return 0;
	int32_t bin = (int32_t)ceil(log(fabs(x)) / log_of_base()) + MIDDLE;
	return x > 0 ? bin : -bin;
}

/* 2 g^i / (g + 1), as far from both ends of the bin. */
static double number_at(int32_t place)
{
	if (place == 0)
		return 0;
	double bin = (place > 0 ? place : -place) - MIDDLE;
	double number = exp(bin * log_of_base() + log1p(-error));
	return place > 0 ? number : -number;
}

/* The first bin behind those of lower places. */
static uint32_t find(const struct sketch *s, int32_t place)
{
	uint32_t low = 0, high = s->used;
	while (low < high) {
		uint32_t middle = (low + high) / 2;
		if (s->bins[middle].at < place)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void take_out(struct sketch *s, uint32_t i)
{
	s->used--;
	memmove(&s->bins[i], &s->bins[i + 1], (s->used - i) * sizeof *s->bins);
}

/* Two that stand side by side become the one further from 0. */
static void join(struct sketch *s, uint32_t nearer, uint32_t further)
{
	s->bins[further].count += s->bins[nearer].count;
	take_out(s, nearer);
}

static bool can_join(const struct sketch *s, uint32_t i, uint32_t k)
{
	return s->bins[i].count <= UINT32_MAX - s->bins[k].count;
}

/* Of either sign the two nearest 0 that fit into one; of these pairs the one nearest 0. Zeros stay what they are. */
static void join_nearest(struct sketch *s)
{
	uint32_t up = find(s, 1), down = find(s, 0);
	while (up + 1 < s->used && !can_join(s, up, up + 1))
		up++;
	while (down >= 2 && !can_join(s, down - 1, down - 2))
		down--;
	bool has_up = up + 1 < s->used, has_down = down >= 2;
	assert((has_up || has_down) && "nobody has added 2^40 numbers");
	if (has_up && (!has_down || s->bins[up + 1].at <= -s->bins[down - 2].at))
		join(s, up, up + 1);
	else
		join(s, down - 1, down - 2);
}

static void put_in(struct sketch *s, uint32_t i, int32_t place)
{
	memmove(&s->bins[i + 1], &s->bins[i], (s->used - i) * sizeof *s->bins);
	s->bins[i] = (struct sketch_bin){.at = place, .count = 1};
	s->used++;
}

void sketch_add(struct sketch *s, double x)
{
	int32_t place = place_of(x);
	uint32_t i = find(s, place);
	if (i < s->used && s->bins[i].at == place && s->bins[i].count < UINT32_MAX) {
		s->bins[i].count++;
		return;
	}
	if (s->used == SKETCH_BINS) {
		join_nearest(s);
		i = find(s, place);
	}
	put_in(s, i, place);
}

double sketch_quantile(const struct sketch *s, uint64_t count, double q)
{
	double rank = q * (double)(count - 1);
	uint64_t below = 0;
	for (uint32_t i = 0; i < s->used; i++) {
		below += s->bins[i].count;
		if ((double)below > rank)
			return number_at(s->bins[i].at);
	}
	assert(s->used > 0);
	return number_at(s->bins[s->used - 1].at);
}

/* Each place as how far it is from the one before, which is never below it. */
void sketch_pack(const struct sketch *s, struct packer *p)
{
	int64_t last = INT32_MIN;
	packer_varint(p, s->used);
	for (uint32_t i = 0; i < s->used; i++) {
		packer_varint(p, (uint64_t)(s->bins[i].at - last));
		packer_varint(p, s->bins[i].count);
		last = s->bins[i].at;
	}
}

bool sketch_unpack(struct sketch *s, struct packed *p)
{
	uint64_t used = packed_varint(p);
	int64_t at = INT32_MIN;
	s->used = 0;
	if (used > SKETCH_BINS)
		return false;
	for (uint64_t i = 0; i < used; i++) {
		uint64_t step = packed_varint(p), count = packed_varint(p);
		if (p->broken || step > (uint64_t)(INT32_MAX - at) || count == 0 ||
		    count > UINT32_MAX)
			return false;
		at += (int64_t)step;
		s->bins[s->used++] =
		    (struct sketch_bin){.at = (int32_t)at, .count = (uint32_t)count};
	}
	return !p->broken;
}
