#include "stages/automaton.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_BYTES_MAX = 1 << 20 }; /* about what stays in a core's own cache */

/* The strings that begin with a node's path: neighbours once they are sorted. */
struct range {
	size_t first, end;
};

static uint8_t byte_at(const struct literal_bytes *s, size_t i)
{
	return ((const uint8_t *)s->bytes)[i];
}

static void add_node(struct automaton *a, struct range *ranges, uint8_t label, uint32_t depth,
		     struct range range)
{
	uint32_t node = a->node_count++;
	a->labels[node] = label;
	a->depth[node] = depth;
	ranges[node] = range;
}

/* Makes the node's children out of the strings in its range, one for each different next byte. */
static void grow_node(struct automaton *a, uint32_t node, const struct literal_bytes *sorted,
		      struct range *ranges)
{
	uint32_t depth = a->depth[node];
	struct range left = ranges[node];
	a->first_child[node] = a->node_count;
	for (; left.first < left.end && sorted[left.first].length == depth; left.first++)
		a->ends[node] = depth;
	while (left.first < left.end) {
		struct range child = {left.first, left.first};
		uint8_t label = byte_at(&sorted[left.first], depth);
		while (child.end < left.end && byte_at(&sorted[child.end], depth) == label)
			child.end++;
		add_node(a, ranges, label, depth + 1, child);
		left.first = child.end;
	}
}

/* 0 when there is none: the root is nobody's child. */
static uint32_t child_of(const struct automaton *a, uint32_t node, uint8_t byte)
{
	uint32_t first = a->first_child[node], count = a->first_child[node + 1] - first;
	const uint8_t *found = count ? memchr(a->labels + first, byte, count) : NULL;
	return found ? (uint32_t)(found - a->labels) : 0;
}

/* Where `byte` leads from node, by way of fails; without rows. */
static uint32_t walk(const struct automaton *a, uint32_t node, uint8_t byte)
{
	uint32_t child = child_of(a, node, byte);
	while (!child && node) {
		node = a->fail[node];
		child = child_of(a, node, byte);
	}
	return child;
}

/* Breadth first, so that a node's fail, which is less deep, is finished before it is needed. */
static void link_fails(struct automaton *a)
{
	for (uint32_t node = 0; node < a->node_count; node++) {
		for (uint32_t c = a->first_child[node]; c < a->first_child[node + 1]; c++) {
			a->fail[c] = node ? walk(a, a->fail[node], a->labels[c]) : 0;
			if (!a->ends[c])
				a->ends[c] = a->ends[a->fail[c]];
		}
	}
}

static void classify_bytes(struct automaton *a)
{
	bool used[256] = {false};
	unsigned count = 0;
	for (uint32_t node = 1; node < a->node_count; node++) {
		count += !used[a->labels[node]];
		used[a->labels[node]] = true;
	}
	unsigned next = count < 256 ? 1 : 0;
	for (unsigned byte = 0; byte < 256; byte++)
		a->class_of[byte] = used[byte] ? (uint8_t)next++ : 0;
	a->class_count = next;
}

static const uint32_t NODE = (uint32_t)1 << AUTOMATON_NODE_BIT;

static uint32_t row_entry(const struct automaton *a, uint32_t node)
{
	bool plain = node < a->row_count && !a->ends[node];
	return plain ? node * a->class_count : NODE | node;
}

static int fill_rows(struct automaton *a)
{
	size_t row_bytes = a->class_count * sizeof(*a->rows);
	size_t count = ROWS_BYTES_MAX / row_bytes;
	a->row_count = count < a->node_count ? (uint32_t)count : a->node_count;
	a->rows = calloc(a->row_count, row_bytes);
	if (!a->rows)
		return -ENOMEM;
	for (uint32_t node = 0; node < a->row_count; node++) {
		uint32_t *row = a->rows + (size_t)node * a->class_count;
		if (node)
			memcpy(row, a->rows + (size_t)a->fail[node] * a->class_count, row_bytes);
		for (uint32_t c = a->first_child[node]; c < a->first_child[node + 1]; c++)
			row[a->class_of[a->labels[c]]] = row_entry(a, c);
	}
	return 0;
}

static int build(struct automaton *a, struct literal_bytes *sorted, struct range *ranges,
		 size_t count)
{
	qsort(sorted, count, sizeof(*sorted), literal_bytes_compare);
	add_node(a, ranges, 0, 0, (struct range){0, count});
	for (uint32_t node = 0; node < a->node_count; node++)
		grow_node(a, node, sorted, ranges);
	a->first_child[a->node_count] = a->node_count;
	link_fails(a);
	classify_bytes(a);
	return fill_rows(a);
}

size_t automaton_footprint(size_t bytes_total, size_t count)
{
	size_t per_node = 4 * sizeof(uint32_t) + sizeof(uint8_t) + sizeof(struct range);
	return (bytes_total + 2) * per_node + count * sizeof(struct literal_bytes) + ROWS_BYTES_MAX;
}

int automaton_init(struct automaton *a, const struct literal_bytes *strings, size_t count)
{
	assert(count >= 1);
	*a = (struct automaton){0};
	size_t nodes_max = 1;
	for (size_t i = 0; i < count; i++) {
		assert(strings[i].length >= 1);
		if (strings[i].length >= NODE - nodes_max)
			return -ENOMEM;
		nodes_max += strings[i].length;
	}

	int r = -ENOMEM;
	struct literal_bytes *sorted = calloc(count, sizeof(*sorted));
	struct range *ranges = calloc(nodes_max, sizeof(*ranges));
	a->first_child = calloc(nodes_max + 1, sizeof(*a->first_child));
	a->fail = calloc(nodes_max, sizeof(*a->fail));
	a->depth = calloc(nodes_max, sizeof(*a->depth));
	a->ends = calloc(nodes_max, sizeof(*a->ends));
	a->labels = calloc(nodes_max, sizeof(*a->labels));
	if (sorted && ranges && a->first_child && a->fail && a->depth && a->ends && a->labels) {
		memcpy(sorted, strings, count * sizeof(*sorted));
		r = build(a, sorted, ranges, count);
	}
	free(sorted);
	free(ranges);
	if (r < 0)
		automaton_release(a);
	return r;
}

void automaton_release(struct automaton *a)
{
	free(a->first_child);
	free(a->fail);
	free(a->depth);
	free(a->ends);
	free(a->labels);
	free(a->rows);
	*a = (struct automaton){0};
}

static uint32_t step(const struct automaton *a, uint32_t node, uint8_t byte)
{
	while (node >= a->row_count) {
		uint32_t child = child_of(a, node, byte);
		if (child)
			return child;
		node = a->fail[node]; /* less deep each time, and the root has a row */
	}
	uint32_t entry = a->rows[(size_t)node * a->class_count + a->class_of[byte]];
	return entry & NODE ? entry & ~NODE : entry / a->class_count;
}

/* From the node's row along rows that are no string's end. Returns the node that is one or has no row, with *at after
 * the byte that led there, or the root at the end of the region. */
static uint32_t run_along_rows(const struct automaton *a, uint32_t node, const uint8_t **at,
			       const uint8_t *end)
{
	const uint32_t *rows = a->rows;
	const uint8_t *p = *at;
	uint32_t row = node * a->class_count;
	while (p < end && !(row & NODE))
		row = rows[row + a->class_of[*p++]];
	*at = p;
	return row & NODE ? row & ~NODE : 0;
}

const uint8_t *automaton_find(const struct automaton *a, const uint8_t *from, const uint8_t *end,
			      size_t *ret_length)
{
	const uint8_t *best = NULL, *at = from;
	size_t best_length = 0;
	uint32_t node = 0;
	while (at < end) {
		if (!best && node < a->row_count)
			node = run_along_rows(a, node, &at, end);
		else
			node = step(a, node, *at++);
		uint32_t length = a->ends[node];
		if (length && (!best || at - length < best)) {
			best = at - length;
			best_length = length;
		}
		/* what is under way began at the node's depth: only that could still begin earlier */
		if (best && at - a->depth[node] >= best)
			break;
	}
	if (best)
		*ret_length = best_length;
	return best;
}
