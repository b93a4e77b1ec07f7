#include "tests/sim/sim_shape.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- predicates: each as an option of the filter, and as a few lines of C ---- */

static bool holds(const uint8_t *bytes, size_t length, const char *text)
{
	return memmem(bytes, length, text, strlen(text)) != NULL;
}

static bool is_red(const uint8_t *bytes, size_t length)
{
	return holds(bytes, length, "red");
}

static bool is_red_or_blue(const uint8_t *bytes, size_t length)
{
	return holds(bytes, length, "red") || holds(bytes, length, "blue");
}

static bool has_low_letter_and_zero(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i + 1 < length; i++)
		if (bytes[i] >= 'a' && bytes[i] <= 'f' && bytes[i + 1] == '0')
			return true;
	return false;
}

static bool has_even_number(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] != ':')
			continue;
		size_t end = i + 1;
		while (end < length && isdigit(bytes[end]))
			end++;
		if (end < length && bytes[end] == ' ' && end > i + 1 && (bytes[end - 1] & 1) == 0)
			return true;
	}
	return false;
}

static bool is_blue_and_even(const uint8_t *bytes, size_t length)
{
	return holds(bytes, length, "blue") && has_even_number(bytes, length);
}

static const struct {
	const char *option;
	bool (*passes)(const uint8_t *bytes, size_t length);
} predicates[] = {
    {"contains: red", is_red},
    {"contains: [red, blue]", is_red_or_blue},
    {"regex: '[a-f]0'", has_low_letter_and_zero},
    {"regex: ':[0-9]*[02468] '", has_even_number},
    {"contains: blue, regex: ':[0-9]*[02468] '", is_blue_and_even},
};
enum { PREDICATES = sizeof predicates / sizeof *predicates };

bool shape_passes(const struct shape_stage *filter, const uint8_t *bytes, size_t length)
{
	return predicates[filter->predicate].passes(bytes, length) != filter->inverted;
}

/* ---- making ---- */

static struct shape_stage *add(struct shape *s, enum stage_kind kind, char letter, size_t number)
{
	assert(s->count < SHAPE_STAGES_MAX);
	struct shape_stage *n = &s->stages[s->count++];
	*n = (struct shape_stage){.kind = kind};
	snprintf(n->id, sizeof n->id, "%c%u", letter, (unsigned)number % 100);
	memcpy(n->place, n->id, sizeof n->place);
	return n;
}

static void make_source(struct shape_stage *n, struct sim_random *r)
{
	static const size_t longest[] = {40, 64, 200, 1000};
	n->literal = sim_chance(r, 300);
	n->all_names = !n->literal && sim_chance(r, 300);
	n->files = (unsigned)sim_between(r, 1, 4);
	n->max_line = longest[sim_below(r, sizeof longest / sizeof *longest)];
	n->on_long_line = (enum long_line)sim_below(r, 3);
}

static void choose_inputs(struct shape *s, struct shape_stage *n, size_t before,
			  struct sim_random *r)
{
	for (size_t i = 0; i < before; i++)
		if (sim_chance(r, 400))
			n->inputs[n->input_count++] = i;
	if (n->input_count == 0)
		n->inputs[n->input_count++] = sim_below(r, before);
	if (sim_chance(r, 400))
		n->queue = (unsigned)sim_between(r, 1, 5);
	(void)s;
}

static void make_filter(struct shape_stage *n, struct sim_random *r)
{
	n->predicate = (unsigned)sim_below(r, PREDICATES);
	n->inverted = sim_chance(r, 400);
	if (sim_chance(r, 500)) {
		n->workers = (unsigned)sim_between(r, 1, 4);
		n->unordered = sim_chance(r, 250);
	}
}

static void make_sink(struct shape_stage *n, struct sim_random *r)
{
	n->zstd = sim_chance(r, 350);
	n->dated = sim_chance(r, 200);
	if (sim_chance(r, 400))
		n->rotate_size = sim_between(r, 60, 3000);
	if (sim_chance(r, 300))
		n->keep_s = (unsigned)sim_between(r, 1, 10);
}

static bool is_read(const struct shape *s, size_t stage)
{
	for (size_t i = 0; i < s->count; i++)
		for (size_t n = 0; n < s->stages[i].input_count; n++)
			if (s->stages[i].inputs[n] == stage && !s->stages[i].absent)
				return true;
	return false;
}

bool shape_is_whole(const struct shape *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->stages[i].kind != STAGE_SINK && !is_read(s, i))
			return false;
	return true;
}

/* Followed, longer than anybody who writes is silent (sim_input.h). */
static void choose_removals(struct shape *s, struct sim_random *r, bool once)
{
	for (size_t i = 0; i < s->sources && s->epoch_ms; i++)
		if (sim_chance(r, 300))
			s->stages[i].remove_after_ms = once ? 1 : SHAPE_REMOVE_AFTER_MS;
}

void shape_make(struct shape *s, struct sim_random *r, bool once)
{
	*s = (struct shape){.sources = sim_between(r, 1, SHAPE_SOURCES_MAX),
			    .tight = sim_chance(r, 500)};
	size_t filters = sim_below(r, SHAPE_FILTERS_MAX + 1);
	size_t sinks = sim_between(r, 1, SHAPE_SINKS_MAX);
	for (size_t i = 0; i < s->sources; i++)
		make_source(add(s, STAGE_SOURCE, 's', i), r);
	for (size_t i = 0; i < filters; i++) {
		size_t before = s->count;
		struct shape_stage *n = add(s, STAGE_TRANSFORM, 'f', i);
		choose_inputs(s, n, before, r);
		make_filter(n, r);
	}
	size_t before = s->count;
	for (size_t i = 0; i < sinks; i++) {
		struct shape_stage *n = add(s, STAGE_SINK, 'o', i);
		choose_inputs(s, n, before, r);
		make_sink(n, r);
	}
	struct shape_stage *last = &s->stages[s->count - 1];
	for (size_t i = 0; i < before; i++)
		if (!is_read(s, i))
			last->inputs[last->input_count++] = i;
	static const unsigned epochs[] = {0, 20, 20, 200, 200, 1000};
	s->epoch_ms = epochs[sim_below(r, sizeof epochs / sizeof *epochs)];
	choose_removals(s, r, once);
}

void shape_choose_overflow(struct shape *s, struct sim_random *r)
{
	static const enum when_full ways[] = {WHEN_FULL_DROP_NEWEST, WHEN_FULL_DROP_OLDEST,
					      WHEN_FULL_BLOCK, WHEN_FULL_SPILL, WHEN_FULL_SPILL};
	const size_t count = s->epoch_ms > 0 ? 5 : 3;
	for (size_t i = s->sources; i < s->count; i++) {
		struct shape_stage *n = &s->stages[i];
		if (n->queue == 0 && sim_chance(r, 300))
			n->queue = (unsigned)sim_between(r, 1, 3);
		if (n->queue > 0)
			n->when_full = ways[sim_below(r, count)];
	}
}

struct shape_stage *shape_add_sink(struct shape *s, char letter, struct sim_random *r)
{
	size_t before = s->count;
	struct shape_stage *n = add(s, STAGE_SINK, letter, before);
	for (size_t i = 0; i < before; i++)
		if (s->stages[i].kind != STAGE_SINK && sim_chance(r, 300))
			n->inputs[n->input_count++] = i;
	if (n->input_count == 0)
		n->inputs[n->input_count++] = sim_below(r, s->sources);
	return n;
}

void shape_forbid_spills(struct shape *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->stages[i].when_full == WHEN_FULL_SPILL)
			s->stages[i].when_full = WHEN_FULL_BLOCK;
}

struct shape_stage *shape_add_source(struct shape *s, char letter, struct sim_random *r)
{
	size_t at = s->count, readers = 0;
	struct shape_stage *n = add(s, STAGE_SOURCE, letter, at);
	for (size_t i = s->sources; i < at; i++) {
		struct shape_stage *reader = &s->stages[i];
		bool is_last = i + 1 == at && readers == 0;
		if (!is_last && !sim_chance(r, 300))
			continue;
		reader->inputs[reader->input_count++] = at;
		readers++;
	}
	return n;
}

/* ---- printing ---- */

struct page {
	char *at;
	size_t room;
};

static void __attribute__((format(printf, 2, 3))) print(struct page *p, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(p->at, p->room, format, args);
	va_end(args);
	assert(n >= 0 && (size_t)n < p->room);
	p->at += n;
	p->room -= (size_t)n;
}

static void print_source(struct page *p, const struct shape_stage *n)
{
	print(p, "  %s: {type: file, max_line: %zuB, on_long_line: %s", n->id, n->max_line,
	      long_line_choices[n->on_long_line]);
	if (n->remove_after_ms)
		print(p, ", remove_after: %ums", n->remove_after_ms);
	print(p, ", paths: [");
	for (unsigned i = 0; n->literal && i < n->files; i++)
		print(p, "%s/in/%s/%u.log", i ? ", " : "", n->id, i);
	if (!n->literal)
		print(p, "/in/%s/%s", n->id, n->all_names ? "*" : "*.log");
	print(p, "]}\n");
}

static void print_inputs(struct page *p, const struct shape *s, const struct shape_stage *n)
{
	print(p, ", inputs: [");
	for (size_t i = 0; i < n->input_count; i++)
		print(p, "%s%s", i ? ", " : "", s->stages[n->inputs[i]].id);
	print(p, "]");
	if (n->queue)
		print(p, ", queue: {capacity: %u, when_full: %s%s}", n->queue,
		      when_full_names[n->when_full],
		      n->when_full == WHEN_FULL_SPILL ? ", max_size: 16MiB" : "");
}

static void print_filter(struct page *p, const struct shape *s, const struct shape_stage *n)
{
	print(p, "  %s: {type: filter, %s", n->id, predicates[n->predicate].option);
	if (n->inverted)
		print(p, ", invert: true");
	if (n->workers)
		print(p, ", workers: %u", n->workers);
	if (n->unordered)
		print(p, ", ordered: false");
	print_inputs(p, s, n);
	print(p, "}\n");
}

static void print_sink(struct page *p, const struct shape *s, const struct shape_stage *n)
{
	print(p, "  %s: {type: file, path: \"/out/%s%s/%s.log%s\"", n->id, n->place,
	      n->dated ? "/%H%M%S" : "", n->place, n->zstd ? ".zst" : "");
	if (n->zstd)
		print(p, ", compression: {type: zstd, level: 1}");
	if (n->rotate_size && n->keep_s)
		print(p, ", rotate: {size: %juB, keep: %us}", (uintmax_t)n->rotate_size, n->keep_s);
	else if (n->rotate_size)
		print(p, ", rotate: {size: %juB}", (uintmax_t)n->rotate_size);
	else if (n->keep_s && n->dated)
		print(p, ", rotate: {keep: %us}", n->keep_s);
	print_inputs(p, s, n);
	print(p, "}\n");
}

static void print_far_sink(struct page *p, const struct shape *s, const struct shape_stage *n)
{
	print(p, "  %s: {%s", n->id, n->options);
	print_inputs(p, s, n);
	print(p, "}\n");
}

static void print_section(struct page *p, const struct shape *s, enum stage_kind kind,
			  const char *name)
{
	bool any = false;
	for (size_t i = 0; i < s->count; i++) {
		const struct shape_stage *n = &s->stages[i];
		if (n->kind != kind || n->absent)
			continue;
		if (!any)
			print(p, "%s:\n", name);
		any = true;
		if (kind == STAGE_SOURCE && n->way != SHAPE_FILES)
			print(p, "  %s: {%s}\n", n->id, n->options);
		else if (kind == STAGE_SOURCE)
			print_source(p, n);
		else if (kind == STAGE_TRANSFORM)
			print_filter(p, s, n);
		else if (n->way == SHAPE_FILES)
			print_sink(p, s, n);
		else
			print_far_sink(p, s, n);
	}
}

void shape_print(const struct shape *s, char yaml[SHAPE_YAML_ROOM])
{
	struct page p = {.at = yaml, .room = SHAPE_YAML_ROOM};
	print(&p, "name: sim\nmemory: 16GiB\nstate_dir: /state/s\n");
	if (s->epoch_ms)
		print(&p, "epoch: {interval: %ums}\n", s->epoch_ms);
	else
		print(&p, "epoch: off\n");
	print_section(&p, s, STAGE_SOURCE, "sources");
	print_section(&p, s, STAGE_TRANSFORM, "transforms");
	print_section(&p, s, STAGE_SINK, "sinks");
}

/* ---- paths ---- */

static bool follow(const struct shape *s, size_t source, size_t at, struct shape_path so_far,
		   struct shape_path *paths, size_t *count)
{
	const struct shape_stage *n = &s->stages[at];
	if (at == source) {
		if (*count == SHAPE_PATHS_MAX)
			return false;
		paths[(*count)++] = so_far;
		return true;
	}
	so_far.drops |= n->when_full != WHEN_FULL_BLOCK && n->when_full != WHEN_FULL_SPILL;
	if (n->kind == STAGE_TRANSFORM) {
		so_far.filters[so_far.count++] = at;
		so_far.ordered &= n->workers <= 1 || !n->unordered;
	}
	for (size_t i = 0; i < n->input_count; i++)
		if (!follow(s, source, n->inputs[i], so_far, paths, count))
			return false;
	return true;
}

size_t shape_paths(const struct shape *s, size_t source, size_t sink,
		   struct shape_path paths[SHAPE_PATHS_MAX])
{
	size_t count = 0;
	bool all = follow(s, source, sink, (struct shape_path){.ordered = true}, paths, &count);
	assert(all);
	(void)all;
	return count;
}
