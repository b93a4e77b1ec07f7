#include "stages/glob_name.h"
#include "stages/glob.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The character after the class that begins at `[`; NULL when it has no end. A ] that comes first is a member. */
static const char *class_end(const char *p)
{
	p++;
	if (*p == '!' || *p == '^')
		p++;
	for (bool first = true; *p; p++, first = false) {
		if (*p == ']' && !first)
			return p + 1;
		if (*p == '\\' && p[1])
			p++;
	}
	return NULL;
}

static unsigned char class_member(const char **p)
{
	if (**p == '\\')
		(*p)++;
	return (unsigned char)*(*p)++;
}

static bool class_matches(const char *p, const char *end, unsigned char c)
{
	p++;
	bool negated = *p == '!' || *p == '^';
	if (negated)
		p++;
	bool found = false;
	while (p < end - 1) {
		unsigned char low = class_member(&p), high = low;
		if (*p == '-' && p + 1 < end - 1) {
			p++;
			high = class_member(&p);
		}
		found |= low <= c && c <= high;
	}
	return found != negated;
}

static const char *after_character(const char *name)
{
	name++;
	while (((unsigned char)*name & 0xC0) == 0x80)
		name++;
	return name;
}

/* Matches one thing that is not *; moves both on. */
static bool match_one(const char **pattern, const char **name)
{
	const char *p = *pattern;
	if (!**name)
		return false;
	switch (*p) {
	case '?':
		*pattern = p + 1;
		*name = after_character(*name);
		return true;
	case '[':
		*pattern = class_end(p);
		if (!class_matches(p, *pattern, (unsigned char)**name))
			return false;
		break;
	case '\\':
		p++;
		/* fall through */
	default:
		*pattern = p + 1;
		if (*p != **name)
			return false;
	}
	(*name)++;
	return true;
}

bool glob_name_matches(const char *pattern, const char *name)
{
	const char *star = NULL,
		   *star_name = NULL; /* where to go on when the last * takes one more */
	while (*name || *pattern) {
		if (*pattern == '*') {
			star = ++pattern;
			star_name = name;
			continue;
		}
		if (*pattern && match_one(&pattern, &name))
			continue;
		if (!star || !*star_name)
			return false;
		pattern = star;
		name = ++star_name;
	}
	return true;
}

const char *glob_name_check(const char *p)
{
	while (*p) {
		if (*p == '\\' && !p[1])
			return "\\ at the end escapes nothing";
		if (*p == '[') {
			p = class_end(p);
			if (!p)
				return "[ without ]";
			continue;
		}
		p += *p == '\\' ? 2 : 1;
	}
	return NULL;
}

bool glob_name_is_wild(const char *p)
{
	for (; *p; p++) {
		if (strchr("*?[", *p))
			return true;
		if (*p == '\\')
			p++;
	}
	return false;
}

void glob_name_unescape(char *p)
{
	char *to = p;
	for (; *p; p++) {
		if (*p == '\\')
			p++;
		*to++ = *p;
	}
	*to = '\0';
}

/* ---- braces ---- */

struct unfolding {
	int (*each)(const char *text, void *argument);
	void *argument;
	const char *why;
	size_t made;
};

/* Calls p's next character that is not escaped or within a class; the end of the text if there is none. */
static const char *next_plain(const char *p)
{
	if (*p == '\\' && p[1])
		return p + 2;
	if (*p == '[') {
		const char *end = class_end(p);
		return end ? end : p + 1;
	}
	return p + 1;
}

static const char *find_open(const char *p)
{
	while (*p && *p != '{')
		p = next_plain(p);
	return p;
}

/* The comma or closing brace that ends the alternative beginning at p; NULL when there is none. */
static const char *alternative_end(const char *p)
{
	for (size_t depth = 0; *p; p = next_plain(p)) {
		if (depth == 0 && (*p == ',' || *p == '}'))
			return p;
		if (*p == '{')
			depth++;
		else if (*p == '}')
			depth--;
	}
	return NULL;
}

static const char *group_end(const char *p)
{
	const char *end;
	while ((end = alternative_end(p)) && *end == ',')
		p = end + 1;
	return end;
}

/* text's first brace group is unfolded by hand, what is left of it by the call within: one frame for each group. */
static int unfold(struct unfolding *u, const char *text)
{
	const char *open = find_open(text);
	if (!*open) {
		if (++u->made <= GLOB_ALTERNATIVES_MAX)
			return u->each(text, u->argument);
		u->why = "braces unfold to too many patterns";
		return -EINVAL;
	}
	const char *close = group_end(open + 1);
	if (!close) {
		u->why = "{ without }";
		return -EINVAL;
	}
	char *one = malloc(strlen(text) + 1);
	if (!one)
		return -ENOMEM;
	int r = 0;
	for (const char *p = open + 1; r == 0;) {
		const char *end = alternative_end(p);
		char *to = mempcpy(one, text, (size_t)(open - text));
		to = mempcpy(to, p, (size_t)(end - p));
		stpcpy(to, close + 1);
		r = unfold(u, one);
		if (end == close)
			break;
		p = end + 1;
	}
	free(one);
	return r;
}

int glob_unfold(const char *pattern, size_t length, int (*each)(const char *text, void *argument),
		void *argument, const char **ret_why)
{
	if (length == 0 || length > GLOB_TEXT_MAX || memchr(pattern, '\0', length)) {
		*ret_why = length == 0              ? "is empty"
			   : length > GLOB_TEXT_MAX ? "is too long"
						    : "holds a NUL byte";
		return -EINVAL;
	}
	char *text = strndup(pattern, length);
	if (!text)
		return -ENOMEM;
	struct unfolding u = {.each = each, .argument = argument};
	int r = unfold(&u, text);
	free(text);
	if (u.why)
		*ret_why = u.why;
	return r;
}
