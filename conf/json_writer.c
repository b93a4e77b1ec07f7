#include "conf/json_writer.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

void json_begin(struct json_writer *w, FILE *to)
{
	*w = (struct json_writer){.to = to, .first = true};
}

void json_end(struct json_writer *w)
{
	assert(!w->depth && !w->named);
	putc('\n', w->to);
}

static void new_line(struct json_writer *w)
{
	putc('\n', w->to);
	for (unsigned i = 0; i < w->depth; i++)
		fputs("  ", w->to);
}

/* What stands before a value or a name: nothing after a name, else a comma and a line of its own. */
static void next(struct json_writer *w)
{
	if (!w->named && w->depth) {
		if (!w->first)
			putc(',', w->to);
		new_line(w);
	}
	w->first = false;
	w->named = false;
}

void json_open(struct json_writer *w, char bracket)
{
	assert(bracket == '{' || bracket == '[');
	next(w);
	putc(bracket, w->to);
	w->depth++;
	w->first = true;
}

void json_close(struct json_writer *w, char bracket)
{
	bool empty = w->first;

	assert((bracket == '}' || bracket == ']') && w->depth && !w->named);
	w->depth--;
	if (!empty)
		new_line(w);
	putc(bracket, w->to);
	w->first = false;
}

static void quote(FILE *to, const char *bytes, size_t length)
{
	putc('"', to);
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)bytes[i];
		if (c == '"' || c == '\\')
			fprintf(to, "\\%c", c);
		else if (c == '\n')
			fputs("\\n", to);
		else if (c < 0x20 || c == 0x7f)
			fprintf(to, "\\u%04x", c);
		else
			putc(c, to);
	}
	putc('"', to);
}

void json_name(struct json_writer *w, const char *name)
{
	assert(w->depth && !w->named);
	next(w);
	quote(w->to, name, strlen(name));
	fputs(": ", w->to);
	w->named = true;
}

void json_text(struct json_writer *w, const char *bytes, size_t length)
{
	next(w);
	quote(w->to, bytes, length);
}

void json_number(struct json_writer *w, uint64_t value)
{
	next(w);
	fprintf(w->to, "%" PRIu64, value);
}

void json_bool(struct json_writer *w, bool value)
{
	next(w);
	fputs(value ? "true" : "false", w->to);
}

void json_text_of(struct json_writer *w, const char *name, const char *value)
{
	json_name(w, name);
	json_text(w, value, strlen(value));
}

void json_bool_of(struct json_writer *w, const char *name, bool value)
{
	json_name(w, name);
	json_bool(w, value);
}
