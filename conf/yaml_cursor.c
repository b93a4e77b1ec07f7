#include "conf/yaml_cursor.h"

#include <assert.h>
#include <string.h>

void yaml_cursor_init(struct yaml_cursor *c, const char *text, size_t length)
{
	*c = (struct yaml_cursor){.at = text, .end = text + length, .line = 1, .column = 1};
}

static bool begins_with(const struct yaml_cursor *c, const char *bytes)
{
	size_t length = strlen(bytes);

	return (size_t)(c->end - c->at) >= length && !memcmp(c->at, bytes, length);
}

/* Bytes of the line break at the cursor; 0: there is none. libyaml still knows YAML 1.1's. */
static size_t line_break(const struct yaml_cursor *c)
{
	static const char *const breaks[] = {"\r\n",     "\n",           "\r",
					     "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"};

	for (size_t i = 0; i < sizeof(breaks) / sizeof(*breaks); i++)
		if (begins_with(c, breaks[i]))
			return strlen(breaks[i]);
	return 0;
}

static size_t character(const struct yaml_cursor *c)
{
	unsigned char first = (unsigned char)*c->at;
	size_t length = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	size_t left = (size_t)(c->end - c->at);

	return length < left ? length : left;
}

void yaml_cursor_step(struct yaml_cursor *c)
{
	size_t length;

	assert(c->at < c->end);
	length = line_break(c);
	if (length) {
		c->index += begins_with(c, "\r\n") ? 2 : 1;
		c->line++;
		c->column = 1;
	} else {
		length = character(c);
		c->index++;
		c->column++;
	}
	c->at += length;
}

static bool at_space(const struct yaml_cursor *c)
{
	return *c->at == ' ' || *c->at == '\t' || line_break(c);
}

static void skip_comment(struct yaml_cursor *c)
{
	while (c->at < c->end && !line_break(c))
		yaml_cursor_step(c);
}

void yaml_cursor_skip_properties(struct yaml_cursor *c)
{
	while (c->at < c->end && (*c->at == '&' || *c->at == '!')) {
		while (c->at < c->end && !at_space(c))
			yaml_cursor_step(c);
		while (c->at < c->end && (at_space(c) || *c->at == '#')) {
			if (*c->at == '#')
				skip_comment(c);
			else
				yaml_cursor_step(c);
		}
	}
}

/* In a double-quoted scalar: how many bytes spell one `$`, or 0. */
static size_t spelled_dollar(const struct yaml_cursor *c)
{
	static const char *const spellings[] = {"$", "\\x24", "\\u0024", "\\U00000024"};

	for (size_t i = 0; i < sizeof(spellings) / sizeof(*spellings); i++)
		if (begins_with(c, spellings[i]))
			return strlen(spellings[i]);
	return 0;
}

/* To the next `$` of the scalar; false when there is none. */
static bool seek_dollar(struct yaml_cursor *c, bool escapes)
{
	while (c->at < c->end) {
		if (*c->at == '$' || (escapes && spelled_dollar(c)))
			return true;
		if (escapes && *c->at == '\\')
			yaml_cursor_step(c);
		if (c->at < c->end)
			yaml_cursor_step(c);
	}
	return false;
}

struct place yaml_dollar_place(const struct node *scalar, size_t nth)
{
	bool escapes = scalar->style == NODE_DOUBLE_QUOTED;
	struct yaml_cursor c;

	if (!scalar->raw)
		return scalar->at;
	yaml_cursor_init(&c, scalar->raw, scalar->raw_length);
	c.line = scalar->at.line;
	c.column = scalar->at.column;
	/* The line that says `|` or `>` may end in a comment. */
	if (scalar->style == NODE_BLOCK)
		skip_comment(&c);
	while (seek_dollar(&c, escapes)) {
		if (!nth--)
			return (struct place){scalar->at.file, c.line, c.column};
		for (size_t skip = escapes ? spelled_dollar(&c) : 1; skip; skip--)
			yaml_cursor_step(&c);
	}
	return scalar->at;
}
