#include "conf/suggest.h"

#include <assert.h>
#include <string.h>

enum { NAME_BYTES_MAX = 64, DISTANCE_MAX = 3 };

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

void suggest_init(struct suggest *s, const char *typed, size_t length)
{
	size_t accepted = smaller(length / 3, DISTANCE_MAX);

	*s = (struct suggest){.typed = typed, .length = length};
	s->distance = (accepted ? accepted : 1) + 1;
}

static char folded(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c == '-' ? '_' : c;
}

/* Three rows of the usual matrix: `above` and `above2` are those of the one and two bytes of a before. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t rows[3][NAME_BYTES_MAX + 1];
	size_t *above2 = rows[0], *above = rows[1], *row = rows[2];

	assert(b_length <= NAME_BYTES_MAX);
	for (size_t j = 0; j <= b_length; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t *recycled = above2;
		above2 = above;
		above = row;
		row = recycled;
		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			char x = folded(a[i - 1]), y = folded(b[j - 1]);
			row[j] =
			    smaller(above[j - 1] + (x != y), smaller(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && x == folded(b[j - 2]) && folded(a[i - 2]) == y)
				row[j] = smaller(row[j], above2[j - 2] + 1);
		}
	}
	return row[b_length];
}

void suggest_consider(struct suggest *s, const char *name)
{
	size_t length = strlen(name), longer, shorter, d;

	if (length > NAME_BYTES_MAX || s->length > NAME_BYTES_MAX)
		return;
	shorter = smaller(length, s->length);
	longer = length + s->length - shorter;
	if (longer - shorter >= s->distance)
		return;
	d = distance(s->typed, s->length, name, length);
	if (d < s->distance) {
		s->distance = d;
		s->best = name;
	}
}
