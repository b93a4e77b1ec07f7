#include "stages/path_template.h"
#include "conf/option.h"
#include "stages/time/time_write.h"

#include <errno.h>
#include <string.h>

static const char conversions[] = "YmdHMSjyFTGVu";

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
	t->varies = true;
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
		if (c == '{' || c == '}')
			return wrong(
			    s, i,
			    "a brace in a path stands for a field of the record, as in {host}, "
			    "which this "
			    "version does not know; a name with a brace in it cannot be written");
		if (c == '/' && !t->varies)
			slash = i + 1;
		if (c != '%')
			continue;
		int r = check_conversion(s, i);
		if (r < 0)
			return r;
		i++;
	}
	t->rest = t->varies ? slash : 0;
	return 0;
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
			return wrong(s, from, "`.` and `..` cannot stand after a conversion");
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

int path_template_format(const struct path_template *t, int64_t wall_ns, char *out, size_t room)
{
	struct time_shown when;
	time_show(&when, 0, wall_ns);
	size_t used = 0;
	for (size_t i = 0; i < t->length; i++) {
		if (used + 1 >= room)
			return -ENAMETOOLONG;
		if (t->text[i] != '%') {
			out[used++] = t->text[i];
			continue;
		}
		char letter = t->text[++i];
		size_t wrote = 1;
		if (letter == '%')
			out[used] = '%';
		else
			wrote = time_write_conversion(&when, letter, out + used, room - used);
		if (wrote == 0)
			return -ENAMETOOLONG;
		used += wrote;
	}
	if (used >= room)
		return -ENAMETOOLONG;
	out[used] = '\0';
	return 0;
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
