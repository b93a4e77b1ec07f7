#include "stages/path_template.h"
#include "conf/option.h"
#include "stages/time/time_write.h"

#include <errno.h>
#include <string.h>

static const char conversions[] = "YmdHMSjyFTGVu";

/* Bytes that a conversion takes at most, that a name in a directory may have, and that it gets when its file is rotated. */
enum { CONVERSION_MAX = 10, NAME_BYTES_MAX = 255, ROTATED_MAX = 40 };

struct scan {
	struct path_template *t;
	const char *why;
	size_t at;
};

static int wrong(struct scan *s, size_t at, const char *why)
{
	s->at = at;
	s->why = why;
	return -EINVAL;
}

static int check_conversion(struct scan *s, size_t at)
{
	struct path_template *t = s->t;
	if (at + 1 == t->length)
		return wrong(s, at,
			     "a path cannot end with a single %; write %% for a percent sign");
	char letter = t->text[at + 1];
	if (letter == '%')
		return 0;
	if (letter == '\0' || !strchr(conversions, letter))
		return wrong(s, at,
			     "unknown conversion in path; there are %Y %m %d %H %M %S %j %y %F %T "
			     "%G %V %u, and %% for a percent sign");
	t->varies = t->has_time = true;
	return 0;
}

/* Names with a dot between them. */
static bool is_field_path(const char *name, size_t length)
{
	bool was_dot = true;
	for (size_t i = 0; i < length; i++) {
		bool is_dot = name[i] == '.';
		if ((is_dot && was_dot) || name[i] == '\0' || name[i] == '/' || name[i] == '{')
			return false;
		was_dot = is_dot;
	}
	return !was_dot;
}

/* The brace at `at`; *ret_end is the other one. */
static int take_field(struct scan *s, size_t at, size_t *ret_end)
{
	struct path_template *t = s->t;
	const char *name = t->text + at + 1;
	const char *end = memchr(name, '}', t->length - at - 1);
	size_t length = end ? (size_t)(end - name) : 0;
	if (t->text[at] == '}' || !end || !is_field_path(name, length))
		return wrong(s, at,
			     "a brace in a path stands for a field of the record, as in {host} or "
			     "{user.id}; a name with a brace in it cannot be written");
	if (t->field_count == PATH_FIELDS_MAX)
		return wrong(s, at, "a path cannot have more than 8 fields in it");
	t->fields[t->field_count++] = (struct path_field){name, length};
	t->varies = true;
	*ret_end = (size_t)(end - t->text);
	return 0;
}

static int check_text(struct scan *s)
{
	struct path_template *t = s->t;
	size_t slash = 0; /* just after the last one seen before the first conversion */
	for (size_t i = 0; i < t->length; i++) {
		char c = t->text[i];
		if (c == '\0')
			return wrong(s, i, "a path cannot hold a NUL byte");
		if (c == '/' && !t->varies)
			slash = i + 1;
		int r = 0;
		if (c == '{' || c == '}')
			r = take_field(s, i, &i);
		else if (c == '%')
			r = check_conversion(s, i++);
		if (r < 0)
			return r;
	}
	t->rest = t->varies ? slash : 0;
	return 0;
}

/* Of what that part of the text becomes. */
static size_t longest(const char *from, const char *end)
{
	size_t bytes = 0;
	for (; from < end; from++) {
		bool is_field = *from == '{', is_time = *from == '%' && from[1] != '%';
		bytes += is_field ? PATH_NAME_MAX : is_time ? CONVERSION_MAX : 1;
		from += *from == '%';
		if (is_field)
			from = memchr(from, '}', (size_t)(end - from));
	}
	return bytes;
}

/* Beneath the base there is only down. */
static int check_components(struct scan *s)
{
	const struct path_template *t = s->t;
	for (size_t from = t->rest; t->varies && from <= t->length;) {
		const char *slash = memchr(t->text + from, '/', t->length - from);
		size_t to = slash ? (size_t)(slash - t->text) : t->length;
		size_t length = to - from;
		const char *c = t->text + from;
		if (length == 0)
			return wrong(s, from, "empty name in path");
		if (c[0] == '.' && (length == 1 || (length == 2 && c[1] == '.')))
			return wrong(s, from,
				     "`.` and `..` cannot stand after a conversion or a field");
		if (memchr(c, '{', length) && longest(c, c + length) > NAME_BYTES_MAX - ROTATED_MAX)
			return wrong(s, from,
				     "this name in the path may become too long for a file system: "
				     "each field "
				     "in it may be 80 bytes; put a slash between them");
		from = to + 1;
	}
	return 0;
}

int path_template_parse(struct path_template *t, const char *text, size_t length,
			const char **ret_why, size_t *ret_at)
{
	*t = (struct path_template){.text = text, .length = length};
	struct scan s = {.t = t};
	int r = 0;
	if (length == 0 || text[length - 1] == '/')
		r = wrong(&s, 0, "path must name a file");
	if (r == 0)
		r = check_text(&s);
	if (r == 0)
		r = check_components(&s);
	if (r < 0) {
		*ret_why = s.why;
		*ret_at = s.at;
	}
	return r;
}

struct fill {
	const struct path_template *t;
	struct time_shown when;
	const struct path_name *names;
	char *out;
	size_t used, room;
};

static bool put(struct fill *f, const char *text, size_t length)
{
	if (length >= f->room - f->used)
		return false;
	memcpy(f->out + f->used, text, length);
	f->used += length;
	return true;
}

/* What begins at i, up to the last byte of it, where i is then. False: there is no room. */
static bool put_part(struct fill *f, size_t *i, size_t *field)
{
	const struct path_template *t = f->t;
	char c = t->text[*i];
	if (c == '{') {
		const char *name = f->names[*field].text;
		*i += t->fields[(*field)++].length + 1;
		return put(f, name, strlen(name));
	}
	if (c != '%' || t->text[*i + 1] == '%') {
		*i += c == '%';
		return put(f, &c, 1);
	}
	size_t wrote =
	    time_write_conversion(&f->when, t->text[++*i], f->out + f->used, f->room - f->used);
	f->used += wrote;
	return wrote > 0 && f->used < f->room;
}

int path_template_fill(const struct path_template *t, int64_t wall_ns,
		       const struct path_name *names, char *out, size_t room)
{
	struct fill f = {.t = t, .names = names, .out = out, .room = room};
	time_show(&f.when, 0, wall_ns);
	size_t field = 0;
	for (size_t i = 0; i < t->length; i++)
		if (!put_part(&f, &i, &field))
			return -ENAMETOOLONG;
	out[f.used] = '\0';
	return 0;
}

int path_template_format(const struct path_template *t, int64_t wall_ns, char *out, size_t room)
{
	static const struct value none;
	struct path_name names[PATH_FIELDS_MAX];
	for (size_t i = 0; i < t->field_count; i++)
		path_name_of(&names[i], &none, (struct scratch){NULL, NULL});
	return path_template_fill(t, wall_ns, names, out, room);
}

const char *path_template_shown(const struct path_template *t, const char *path)
{
	return t->secret ? SECRET_SHOWN : path;
}

size_t path_template_base(const struct path_template *t)
{
	size_t escapes = 0;
	for (size_t i = 0; i < t->rest; i++) {
		if (t->text[i] == '%') {
			escapes++;
			i++;
		}
	}
	size_t length = t->rest - escapes;
	return length > 1 ? length - 1 : length;
}
