#include "stages/glob.h"
#include "stages/glob_name.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void glob_release(struct glob *g)
{
	for (size_t i = 0; i < g->count; i++)
		free(g->parts[i].text);
	free(g->parts);
	free(g->base);
	free(g->literal);
	free(g->pattern);
	*g = (struct glob){.parts = NULL};
}

void glob_set_init(struct glob_set *s)
{
	*s = (struct glob_set){.globs = NULL};
}

static void truncate_set(struct glob_set *s, size_t count)
{
	while (s->count > count)
		glob_release(&s->globs[--s->count]);
}

void glob_set_release(struct glob_set *s)
{
	truncate_set(s, 0);
	free(s->globs);
	glob_set_init(s);
}

/* ---- one pattern without braces -> parts ---- */

static int add_part(struct glob *g, const char *from, size_t length, const char **ret_why)
{
	if (length == 0 || (length == 1 && *from == '.'))
		return 0;
	if (g->count == GLOB_PARTS_MAX) {
		*ret_why = "too many directories in one pattern";
		return -EINVAL;
	}
	char *text = strndup(from, length);
	if (!text)
		return -ENOMEM;
	struct glob_part *part = &g->parts[g->count++];
	part->text = text;
	if (strcmp(text, "**") == 0) {
		part->kind = GLOB_ANY_DEPTH;
		return 0;
	}
	const char *why = glob_name_check(text);
	if (why) {
		*ret_why = why;
		return -EINVAL;
	}
	part->kind = glob_name_is_wild(text) ? GLOB_WILD : GLOB_LITERAL;
	if (part->kind == GLOB_LITERAL)
		glob_name_unescape(text);
	return 0;
}

static int split(struct glob *g, const char *text, const char **ret_why)
{
	g->absolute = text[0] == '/';
	for (const char *at = text;;) {
		size_t length = strcspn(at, "/");
		int r = add_part(g, at, length, ret_why);
		if (r < 0)
			return r;
		if (!at[length])
			break;
		at += length + 1;
	}
	if (g->count > 0 && g->parts[g->count - 1].kind == GLOB_ANY_DEPTH)
		return add_part(g, "*", 1, ret_why); /* "logs/" "**" means all files below logs */
	return 0;
}

/* The first n parts as a path. */
static char *join(const struct glob *g, size_t n)
{
	size_t length = 2;
	for (size_t i = 0; i < n; i++) {
		assert(i < g->count && g->parts[i].text);
		length += strlen(g->parts[i].text) + 1;
	}
	char *path = malloc(length);
	if (!path)
		return NULL;
	char *to = path;
	if (g->absolute)
		*to++ = '/';
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			*to++ = '/';
		to = stpcpy(to, g->parts[i].text);
	}
	if (to == path)
		*to++ = '.';
	*to = '\0';
	return path;
}

static int describe(struct glob *g, const char *pattern, size_t length)
{
	assert(g->count > 0);
	size_t literals = 0;
	while (literals < g->count && g->parts[literals].kind == GLOB_LITERAL)
		literals++;
	bool is_literal = literals == g->count;
	g->base = join(g, is_literal ? literals - 1 : literals);
	g->literal = is_literal ? join(g, literals) : NULL;
	g->pattern = strndup(pattern, length);
	return g->base && g->pattern && (g->literal || !is_literal) ? 0 : -ENOMEM;
}

struct adding {
	struct glob_set *set;
	const char *pattern;
	size_t length;
	unsigned flags;
	const char *why;
};

static int add_unfolded(const char *text, void *argument)
{
	struct adding *a = argument;
	struct glob_set *s = a->set;
	if (s->count == s->room) {
		size_t room = s->room ? s->room * 2 : 8;
		struct glob *globs = reallocarray(s->globs, room, sizeof *globs);
		if (!globs)
			return -ENOMEM;
		s->globs = globs;
		s->room = room;
	}
	struct glob *g = &s->globs[s->count++];
	*g = (struct glob){.dots = a->flags & GLOB_DOTS, .base_only = !strchr(text, '/')};
	g->parts = calloc(GLOB_PARTS_MAX, sizeof *g->parts);
	if (!g->parts)
		return -ENOMEM;
	int r = split(g, text, &a->why);
	if (r < 0)
		return r;
	if (g->count == 0) {
		a->why = "names no file";
		return -EINVAL;
	}
	return describe(g, a->pattern, a->length);
}

int glob_set_add(struct glob_set *s, const char *pattern, size_t length, unsigned flags,
		 const char **ret_why)
{
	size_t before = s->count;
	struct adding a = {.set = s, .pattern = pattern, .length = length, .flags = flags};
	int r = glob_unfold(pattern, length, add_unfolded, &a, &a.why);
	if (r < 0) {
		truncate_set(s, before);
		if (r == -EINVAL)
			*ret_why = a.why;
	}
	return r;
}

/* ---- matching ---- */

/* ** matches no name at all, too. */
static glob_state with_empty_depths(const struct glob *g, glob_state at)
{
	for (size_t i = 0; i < g->count; i++)
		if ((at >> i & 1) && g->parts[i].kind == GLOB_ANY_DEPTH)
			at |= UINT64_C(1) << (i + 1);
	return at;
}

glob_state glob_first(const struct glob *g)
{
	return with_empty_depths(g, 1);
}

static bool part_matches(const struct glob *g, const struct glob_part *p, const char *name)
{
	if (p->kind == GLOB_LITERAL)
		return strcmp(p->text, name) == 0;
	if (name[0] == '.' && !g->dots && !(p->text[0] == '.' || strncmp(p->text, "\\.", 2) == 0))
		return false;
	return p->kind == GLOB_ANY_DEPTH || glob_name_matches(p->text, name);
}

glob_state glob_step(const struct glob *g, glob_state at, const char *name, bool is_link)
{
	glob_state after = 0;
	for (size_t i = 0; i < g->count; i++) {
		const struct glob_part *p = &g->parts[i];
		if (!(at >> i & 1) || !part_matches(g, p, name))
			continue;
		if (p->kind != GLOB_ANY_DEPTH)
			after |= UINT64_C(1) << (i + 1);
		else if (!is_link)
			after |= UINT64_C(1) << i;
	}
	return with_empty_depths(g, after);
}

glob_state glob_at(const struct glob *g, const char *path)
{
	if ((path[0] == '/') != g->absolute && g->parts[0].kind != GLOB_ANY_DEPTH)
		return 0;
	glob_state at = glob_first(g);
	char name[GLOB_TEXT_MAX + 1];
	for (;;) {
		size_t length = strcspn(path, "/");
		if (length >= sizeof name)
			return 0;
		if (length > 0 && !(length == 1 && *path == '.')) {
			memcpy(name, path, length);
			name[length] = '\0';
			at = glob_step(g, at, name, false);
		}
		if (!path[length])
			return at;
		path += length + 1;
	}
}

bool glob_matches(const struct glob *g, const char *path)
{
	return glob_is_match(g, glob_at(g, path));
}

bool glob_set_matches(const struct glob_set *s, const char *path)
{
	for (size_t i = 0; i < s->count; i++)
		if (glob_matches(&s->globs[i], path))
			return true;
	return false;
}

bool glob_set_excludes(const struct glob_set *s, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	for (size_t i = 0; i < s->count; i++)
		if (glob_matches(&s->globs[i], s->globs[i].base_only ? name : path))
			return true;
	return false;
}
