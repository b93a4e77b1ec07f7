/* One walk over each text from left to right. A default that isn't used is walked too, with `silent` set: its end has
 * to be found, and each `$` passed is counted, as the count is what leads back to its place in the file. */
#include "conf/interpolate.h"

#include "conf/excerpt.h"
#include "conf/option.h"
#include "conf/yaml_cursor.h"
#include "conf/yaml_files.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct filled {
	char *bytes; /* on the heap while it grows */
	size_t length, room;
};

struct walk {
	const struct interpolation *in;
	struct node *node;
	const char *at, *end;
	size_t dollars; /* passed so far */
	unsigned depth; /* of `${` in `${` */
	unsigned silent;
	bool secret;
	bool referred; /* to what comes from outside */
};

/* Names the place of the `$` that was the nth. Once for a value: what follows a mistake is guesswork. */
#define REFUSE(w, nth, ...)                                                                        \
	(problem_add((w)->in->problems, yaml_dollar_place((w)->node, (nth)), __VA_ARGS__), -EINVAL)

static int append(struct walk *w, struct filled *to, const char *bytes, size_t length)
{
	if (w->silent || !length)
		return 0;
	if (length > INTERPOLATED_BYTES_MAX - to->length)
		return REFUSE(w, w->dollars ? w->dollars - 1 : 0,
			      "the value comes to more than %d bytes", INTERPOLATED_BYTES_MAX);
	if (to->room - to->length < length) {
		size_t room = (to->length + length) * 2;
		char *larger = realloc(to->bytes, room);
		if (!larger) {
			w->in->arena->exhausted = true;
			return -ENOMEM;
		}
		to->bytes = larger;
		to->room = room;
	}
	memcpy(to->bytes + to->length, bytes, length);
	to->length += length;
	return 0;
}

static void filled_release(struct filled *f)
{
	if (f->bytes)
		explicit_bzero(f->bytes, f->length);
	free(f->bytes);
	*f = (struct filled){0};
}

static int walk_text(struct walk *w, struct filled *to);

/* What stands up to the `}` that ends this `${`, the `}` passed. */
static int walk_inner(struct walk *w, struct filled *to, size_t nth)
{
	int result;

	if (w->depth == INTERPOLATION_DEPTH_MAX)
		return REFUSE(w, nth, "`${` nested more than %d deep", INTERPOLATION_DEPTH_MAX);
	w->depth++;
	result = walk_text(w, to);
	w->depth--;
	if (result)
		return result;
	if (w->at == w->end)
		return REFUSE(w, nth,
			      "no `}` ends this `${`; write `$$` for a `$` that is just that");
	w->at++;
	return 0;
}

static int walk_silently(struct walk *w, size_t nth)
{
	struct filled nothing = {0};
	int result;

	w->silent++;
	result = walk_inner(w, &nothing, nth);
	w->silent--;
	assert(!nothing.bytes);
	return result;
}

static int append_secret(struct walk *w, struct filled *to, const struct filled *path, size_t nth)
{
	struct excerpt shown = excerpt_of(path->bytes, path->length, w->secret);
	size_t length;
	char *text, *name;
	int result;

	if (!path->length || memchr(path->bytes, 0, path->length))
		return REFUSE(w, nth,
			      "`${file:}` without a path; write `${file:/run/secrets/name}`");
	name = arena_copy(w->in->arena, path->bytes, path->length);
	if (!name)
		return -ENOMEM;
	result = yaml_file_read(w->in->arena, name, SECRET_BYTES_MAX, &text, &length);
	if (result == -ENOMEM)
		return result;
	if (result == -EFBIG)
		return REFUSE(w, nth, "the secret `%s` has more than %d bytes", shown.text,
			      SECRET_BYTES_MAX);
	if (result)
		return REFUSE(w, nth, "can't read the secret `%s`: %s", shown.text,
			      strerror(-result));
	w->secret = true;
	if (length && text[length - 1] == '\n')
		length--;
	return append(w, to, text, length);
}

static int walk_secret(struct walk *w, struct filled *to, size_t nth)
{
	struct filled path = {0};
	int result = walk_inner(w, &path, nth);

	if (!result && !w->silent)
		result = append_secret(w, to, &path, nth);
	filled_release(&path);
	return result;
}

static bool is_name_byte(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (!first && c >= '0' && c <= '9');
}

static size_t name_length(const struct walk *w)
{
	size_t length = 0;

	while (w->at + length < w->end && is_name_byte(w->at[length], !length))
		length++;
	return length;
}

static bool begins_with(const struct walk *w, const char *bytes)
{
	size_t length = strlen(bytes);

	return (size_t)(w->end - w->at) >= length && !memcmp(w->at, bytes, length);
}

static int refuse_unset(struct walk *w, const char *name, size_t nth)
{
	if (w->silent)
		return 0;
	return REFUSE(w, nth, "the variable `%s` is not set; set it or write `${%s:-default}`",
		      name, name);
}

static int walk_required(struct walk *w, const char *name, bool filled, size_t nth)
{
	struct filled message = {0};
	struct excerpt shown;
	int result;

	if (filled)
		return walk_silently(w, nth);
	result = walk_inner(w, &message, nth);
	shown = excerpt_of(message.bytes, message.length, w->secret);
	filled_release(&message);
	if (result || w->silent)
		return result;
	return REFUSE(w, nth, "the variable `%s` is not set: %s", name, shown.text);
}

/* Behind the name: what is to be done with the value, which may be NULL. */
static int walk_use(struct walk *w, struct filled *to, const char *name, const char *value,
		    size_t nth)
{
	bool filled = value && *value;
	int result = 0;

	if (begins_with(w, "}")) {
		w->at++;
		return value ? append(w, to, value, strlen(value)) : refuse_unset(w, name, nth);
	}
	if (begins_with(w, ":-")) {
		w->at += 2;
		if (!filled)
			return walk_inner(w, to, nth);
		result = walk_silently(w, nth);
		return result ? result : append(w, to, value, strlen(value));
	}
	if (begins_with(w, ":?")) {
		w->at += 2;
		result = walk_required(w, name, filled, nth);
		return result || !filled ? result : append(w, to, value, strlen(value));
	}
	if (w->at == w->end)
		return REFUSE(w, nth,
			      "no `}` ends this `${`; write `$$` for a `$` that is just that");
	return REFUSE(w, nth, "`${%s` goes on with neither `}` nor `:-` nor `:?`", name);
}

static int walk_reference(struct walk *w, struct filled *to, size_t nth)
{
	const char *value, *name;
	size_t length;

	w->referred = true;
	if (begins_with(w, "file:")) {
		w->at += strlen("file:");
		return walk_secret(w, to, nth);
	}
	length = name_length(w);
	if (!length)
		return REFUSE(
		    w, nth,
		    "`${` without a variable's name; write `$$` for a `$` that is just that");
	name = arena_copy(w->in->arena, w->at, length);
	if (!name)
		return -ENOMEM;
	w->at += length;
	value = w->in->variable ? w->in->variable(name) : NULL;
	return walk_use(w, to, name, value, nth);
}

static int walk_dollar(struct walk *w, struct filled *to)
{
	size_t nth = w->dollars++;

	w->at++;
	if (begins_with(w, "{")) {
		w->at++;
		return walk_reference(w, to, nth);
	}
	if (begins_with(w, "$")) {
		w->dollars++;
		w->at++;
	}
	return append(w, to, "$", 1);
}

/* To the end, or inside of `${` to the `}`. */
static int walk_text(struct walk *w, struct filled *to)
{
	int result = 0;

	while (!result && w->at < w->end && !(w->depth && *w->at == '}')) {
		const char *from = w->at;
		while (w->at < w->end && *w->at != '$' && !(w->depth && *w->at == '}'))
			w->at++;
		result = append(w, to, from, (size_t)(w->at - from));
		if (!result && w->at < w->end && *w->at == '$')
			result = walk_dollar(w, to);
	}
	return result;
}

static int fill_scalar(const struct interpolation *in, struct node *n)
{
	struct walk w = {.in = in, .node = n, .at = n->bytes, .end = n->bytes + n->length};
	struct filled filled = {0};
	const char *bytes = NULL;
	int result;

	if (!memchr(n->bytes, '$', n->length))
		return 0;
	result = walk_text(&w, &filled);
	if (!result) {
		bytes = arena_copy(in->arena, filled.bytes, filled.length);
		result = bytes ? 0 : -ENOMEM;
	}
	if (result) {
		n->broken = true;
	} else {
		n->bytes = bytes;
		n->lead = TEXT_NOWHERE;
		n->length = filled.length;
		n->secret = w.secret;
		if (w.referred)
			n->style = NODE_PLAIN;
	}
	filled_release(&filled);
	return result;
}

int interpolate(const struct interpolation *in, struct node *n)
{
	int result = 0;

	if (n->kind == NODE_SCALAR)
		return fill_scalar(in, n);
	if (n->typed)
		result = fill_scalar(in, n->typed);
	for (size_t i = 0; i < n->count && result != -ENOMEM; i++) {
		int r = interpolate(in, n->kind == NODE_MAP ? n->pairs[i].value : n->items[i]);
		result = result_worse(r, result);
	}
	return result;
}
