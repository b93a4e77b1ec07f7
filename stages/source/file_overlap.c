#include "stages/source/file_overlap.h"
#include "stages/glob.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct overlap {
	struct glob_set exclude;
	file_resolve *resolve;
	struct file_question *questions;
	size_t count;
};

/* What of path lies below directory; NULL: it does not. Both are resolved. */
static const char *below(const char *directory, const char *path)
{
	size_t length = strcmp(directory, "/") == 0 ? 0 : strlen(directory);
	bool is_below = strncmp(path, directory, length) == 0 && path[length] == '/';
	return is_below ? path + length + 1 : NULL;
}

static bool finds(const struct overlap *o, const struct glob *g, const char *path)
{
	return glob_matches(g, path) && !glob_set_excludes(&o->exclude, path);
}

/* A path without wildcards may be a link to the file. */
static bool is_literally(const struct overlap *o, const struct glob *g, const char *resolved)
{
	char own[PATH_MAX];
	return g->literal && o->resolve(g->literal, own) == 0 && strcmp(own, resolved) == 0 &&
	       !glob_set_excludes(&o->exclude, g->literal);
}

/* base: where the glob's base leads; NULL: nobody knows. */
static bool reads(const struct overlap *o, const struct glob *g, const char *base,
		  const struct file_question *q)
{
	char path[PATH_MAX];
	const char *rest = base ? below(base, q->resolved) : NULL;
	int length = rest ? snprintf(path, sizeof path, "%s/%s", g->base, rest) : 0;
	if (rest && (size_t)length < sizeof path && finds(o, g, path))
		return true;
	return finds(o, g, q->path) || is_literally(o, g, q->resolved);
}

static void answer_for(const struct overlap *o, const struct glob *g, const struct text *pattern)
{
	char resolved[PATH_MAX];
	const char *base = o->resolve(g->base, resolved) == 0 ? resolved : NULL;
	for (size_t i = 0; i < o->count; i++)
		if (!o->questions[i].read_by && reads(o, g, base, &o->questions[i]))
			o->questions[i].read_by = pattern;
}

static int answer_for_pattern(const struct overlap *o, const struct text *pattern)
{
	struct glob_set set;
	const char *why;
	glob_set_init(&set);
	int r = glob_set_add(&set, pattern->bytes, pattern->length, 0, &why);
	for (size_t i = 0; r == 0 && i < set.count; i++)
		answer_for(o, &set.globs[i], pattern);
	glob_set_release(&set);
	return r;
}

int file_overlap_answer(const struct text_list *paths, const struct text_list *exclude,
			file_resolve *resolve, struct file_question *questions, size_t count)
{
	struct overlap o = {.resolve = resolve, .questions = questions, .count = count};
	const char *why;
	int r = 0;
	glob_set_init(&o.exclude);
	for (size_t i = 0; r == 0 && i < exclude->count; i++)
		r = glob_set_add(&o.exclude, exclude->items[i].bytes, exclude->items[i].length,
				 GLOB_DOTS, &why);
	for (size_t i = 0; r == 0 && i < paths->count; i++)
		r = answer_for_pattern(&o, &paths->items[i]);
	glob_set_release(&o.exclude);
	return r;
}
