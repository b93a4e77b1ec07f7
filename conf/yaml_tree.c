/* One loop over libyaml's events with a stack of the lists and maps that are open; the stack's depth is the depth
 * limit. Whatever a limit forbids is refused before memory is taken for it. */
#include "conf/yaml_tree.h"

#include "conf/excerpt.h"
#include "conf/merge_key.h"
#include "conf/option.h"
#include "conf/yaml_cursor.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <yaml.h>

struct anchor {
	const char *name;
	const struct node *node;
	struct anchor *next;
};

struct open_node {
	struct node *node;
	struct node *key; /* maps: the key whose value comes next */
};

struct builder {
	struct yaml_reader *reader;
	const char *file;
	bool file_lines;
	struct yaml_cursor cursor; /* follows the events' marks */
	struct anchor *anchors;    /* the newest first: a name may be used again */
	struct open_node open[YAML_DEPTH_MAX];
	size_t depth;
	struct node *root;
	bool flawed; /* a problem was added, but reading can go on */
};

void yaml_reader_init(struct yaml_reader *r, struct arena *arena, struct problems *problems)
{
	*r = (struct yaml_reader){.arena = arena, .problems = problems};
}

static struct place place_in(const struct builder *b, size_t line, size_t column)
{
	struct place at = {b->file, (unsigned)line, (unsigned)column};

	if (!b->file_lines)
		at.line = at.column = 0;
	return at;
}

static struct place mark_place(const struct builder *b, const yaml_mark_t *mark)
{
	return place_in(b, mark->line + 1, mark->column + 1);
}

/* For problems after which the rest of the text isn't worth reading. */
#define REFUSE(b, at, ...) (problem_add((b)->reader->problems, at, __VA_ARGS__), -EINVAL)

static int count_nodes(struct builder *b, struct place at, size_t n)
{
	if (n > YAML_NODES_MAX - b->reader->nodes)
		return REFUSE(b, at,
			      "more than %d values in all, aliases counted as what they stand for; "
			      "write less",
			      YAML_NODES_MAX);
	b->reader->nodes += n;
	return 0;
}

static int check_depth(struct builder *b, struct place at, size_t height)
{
	if (b->depth + height <= YAML_DEPTH_MAX)
		return 0;
	return REFUSE(b, at, "nested more than %d deep", YAML_DEPTH_MAX);
}

static int remember_anchor(struct builder *b, const yaml_char_t *name, const struct node *n)
{
	struct anchor *anchor;

	if (!name)
		return 0;
	anchor = arena_take(b->reader->arena, sizeof(*anchor));
	if (!anchor)
		return -ENOMEM;
	anchor->name = arena_copy(b->reader->arena, (const char *)name, strlen((const char *)name));
	anchor->node = n;
	anchor->next = b->anchors;
	b->anchors = anchor;
	return anchor->name ? 0 : -ENOMEM;
}

static bool is_open(const struct builder *b, const struct node *n)
{
	for (size_t i = 0; i < b->depth; i++)
		if (b->open[i].node == n)
			return true;
	return false;
}

static int add_key(struct builder *b, struct node *key)
{
	struct problems *problems = b->reader->problems;
	struct open_node *top = &b->open[b->depth - 1];

	top->key = key;
	if (key->kind != NODE_SCALAR) {
		/* Its value still has to be read over, so a key there must be. */
		problem_add(problems, key->at, "%s as a key; a key is a single name",
			    node_kind_name(key));
		b->flawed = true;
		top->key = node_scalar(b->reader->arena, key->at, "", 0);
		return top->key ? 0 : -ENOMEM;
	}
	if (memchr(key->bytes, 0, key->length)) {
		problem_add(problems, key->at, "a key with a NUL byte in it; write the name alone");
		b->flawed = true;
	} else if (!key->length) {
		problem_add(problems, key->at, "an empty key; write a name before the `:`");
		b->flawed = true;
	}
	return 0;
}

/* A whole node, its children included, goes where the open list or map wants it. */
static int place_node(struct builder *b, struct node *n)
{
	struct arena *arena = b->reader->arena;
	struct open_node *top;
	int result;

	if (!b->depth) {
		b->root = n;
		return 0;
	}
	top = &b->open[b->depth - 1];
	if (top->node->kind == NODE_LIST)
		return node_add_item(arena, top->node, n);
	if (!top->key)
		return add_key(b, n);
	result = node_add_pair(arena, top->node, top->key, n);
	top->key = NULL;
	return result;
}

static bool tag_is(const yaml_char_t *tag, const char *name)
{
	return !tag || !strcmp((const char *)tag, name);
}

static void refuse_tag(struct builder *b, const yaml_char_t *tag, struct place at)
{
	struct excerpt e = excerpt_of((const char *)tag, strlen((const char *)tag), false);

	problem_add(b->reader->problems, at, "the tag `%s` means nothing here; leave it out",
		    e.text);
	b->flawed = true;
}

/* Where the event's value stands: behind its anchor and tag, which libyaml counts as part of it. */
static struct place value_place(struct builder *b, const yaml_event_t *event, bool properties)
{
	while (b->cursor.index < event->start_mark.index && b->cursor.at < b->cursor.end)
		yaml_cursor_step(&b->cursor);
	if (properties)
		yaml_cursor_skip_properties(&b->cursor);
	return place_in(b, b->cursor.line, b->cursor.column);
}

/* Keeps the text from the cursor to the end of the scalar, where places inside it may be asked for. */
static void keep_raw(struct builder *b, const yaml_event_t *event, struct node *n)
{
	struct yaml_cursor end = b->cursor;

	if (!b->file_lines || !memchr(n->bytes, '$', n->length))
		return;
	while (end.index < event->end_mark.index && end.at < end.end)
		yaml_cursor_step(&end);
	n->raw = b->cursor.at;
	n->raw_length = (size_t)(end.at - b->cursor.at);
}

static enum node_style style_of(yaml_scalar_style_t style)
{
	switch (style) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
		return NODE_SINGLE_QUOTED;
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		return NODE_DOUBLE_QUOTED;
	case YAML_LITERAL_SCALAR_STYLE:
	case YAML_FOLDED_SCALAR_STYLE:
		return NODE_BLOCK;
	default:
		return NODE_PLAIN;
	}
}

/* See node.h. Escapes, and lines that are folded, make it longer in the file than it is. */
static int lead_of(const yaml_event_t *event, const struct node *n)
{
	const yaml_mark_t *from = &event->start_mark, *to = &event->end_mark;
	size_t quotes = n->style == NODE_PLAIN ? 0 : 2, characters = 0;
	for (size_t i = 0; i < n->length; i++)
		characters += (n->bytes[i] & 0xC0) != 0x80;
	if (event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE && from->line < to->line)
		return TEXT_LINES;
	bool as_it_is = n->style != NODE_BLOCK && !event->data.scalar.tag &&
			!event->data.scalar.anchor && from->line == to->line &&
			to->column - from->column == characters + quotes;
	return as_it_is ? quotes > 0 : TEXT_NOWHERE;
}

static bool is_null(const struct node *n)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};

	if (n->style != NODE_PLAIN)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (n->length == strlen(words[i]) && !memcmp(n->bytes, words[i], n->length))
			return true;
	return false;
}

static int on_scalar(struct builder *b, const yaml_event_t *event)
{
	const yaml_char_t *tag = event->data.scalar.tag, *anchor = event->data.scalar.anchor;
	bool text_tag = tag && (tag_is(tag, YAML_STR_TAG) || tag_is(tag, "!"));
	struct place at = value_place(b, event, tag || anchor);
	size_t length = event->data.scalar.length;
	struct node *n;
	int result = count_nodes(b, at, 1);

	if (!result)
		result = check_depth(b, at, 1);
	if (!result && length > YAML_SCALAR_BYTES_MAX)
		result = REFUSE(b, at, "a value of %zu bytes; at most %d", length,
				YAML_SCALAR_BYTES_MAX);
	if (result)
		return result;
	if (tag && !text_tag)
		refuse_tag(b, tag, mark_place(b, &event->start_mark));
	n = node_scalar(b->reader->arena, at, (const char *)event->data.scalar.value, length);
	if (!n)
		return -ENOMEM;
	n->style = text_tag ? NODE_SINGLE_QUOTED : style_of(event->data.scalar.style);
	n->null = is_null(n);
	n->lead = lead_of(event, n);
	keep_raw(b, event, n);
	result = remember_anchor(b, anchor, n);
	return result ? result : place_node(b, n);
}

static int on_open(struct builder *b, const yaml_event_t *event)
{
	bool list = event->type == YAML_SEQUENCE_START_EVENT;
	const yaml_char_t *tag =
	    list ? event->data.sequence_start.tag : event->data.mapping_start.tag;
	const yaml_char_t *anchor =
	    list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor;
	struct place at = value_place(b, event, tag || anchor);
	struct node *n;
	int result = count_nodes(b, at, 1);

	if (!result)
		result = check_depth(b, at, 1);
	if (result)
		return result;
	if (!tag_is(tag, list ? YAML_SEQ_TAG : YAML_MAP_TAG))
		refuse_tag(b, tag, mark_place(b, &event->start_mark));
	n = node_map(b->reader->arena, at);
	if (!n)
		return -ENOMEM;
	n->kind = list ? NODE_LIST : NODE_MAP;
	b->open[b->depth++] = (struct open_node){.node = n};
	return remember_anchor(b, anchor, n);
}

static int on_close(struct builder *b)
{
	struct node *n;
	int result = 0;

	assert(b->depth);
	n = b->open[b->depth - 1].node;
	if (n->kind == NODE_MAP)
		result = merge_keys(b->reader->arena, n, b->reader->problems);
	if (result == -ENOMEM)
		return result;
	b->flawed = b->flawed || result;
	b->depth--;
	return place_node(b, n);
}

static int on_alias(struct builder *b, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	struct place at = mark_place(b, &event->start_mark);
	const struct anchor *anchor = b->anchors;
	struct node *copy;
	int result;

	while (anchor && strcmp(anchor->name, name) != 0)
		anchor = anchor->next;
	if (!anchor)
		return REFUSE(b, at, "no anchor `&%s` stands before this alias",
			      excerpt_of(name, strlen(name), false).text);
	if (is_open(b, anchor->node))
		return REFUSE(b, at, "the alias `*%s` stands inside of what it stands for",
			      excerpt_of(name, strlen(name), false).text);
	if (b->reader->aliases++ == YAML_ALIASES_MAX)
		return REFUSE(b, at, "more than %d aliases", YAML_ALIASES_MAX);
	result = check_depth(b, at, anchor->node->height);
	if (!result)
		result = count_nodes(b, at, anchor->node->size);
	if (result)
		return result;
	copy = node_copy(b->reader->arena, anchor->node);
	return copy ? place_node(b, copy) : -ENOMEM;
}

static int on_document(struct builder *b, const yaml_event_t *event)
{
	if (!b->root)
		return 0;
	return REFUSE(b, mark_place(b, &event->start_mark),
		      "a second document begins here; one file holds one document");
}

static int on_event(struct builder *b, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return on_document(b, event);
	case YAML_ALIAS_EVENT:
		return on_alias(b, event);
	case YAML_SCALAR_EVENT:
		return on_scalar(b, event);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return on_open(b, event);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_close(b);
	default:
		return 0;
	}
}

static struct place byte_place(const struct builder *b, const char *text, size_t length,
			       size_t offset)
{
	struct yaml_cursor c;

	yaml_cursor_init(&c, text, length);
	while (c.at < c.end && (size_t)(c.at - text) < offset)
		yaml_cursor_step(&c);
	return place_in(b, c.line, c.column);
}

/* What would be right, where libyaml's words alone would leave a user guessing. */
static const char *syntax_hint(const yaml_parser_t *parser, const struct yaml_cursor *c)
{
	const char *problem = parser->problem ? parser->problem : "";

	if (c->at < c->end && *c->at == '\t' && strstr(problem, "cannot start any token"))
		return "; indent with spaces, not tabs";
	if (strstr(problem, "cannot start any token"))
		return "; quote a text that begins with this character";
	if (c->at < c->end && *c->at == '{' && c->index && c->at[-1] == '$')
		return "; quote a text with `${` in it between brackets";
	if (strstr(problem, "mapping values are not allowed"))
		return "; quote a text with `: ` in it, or check the indentation";
	if (strstr(problem, "did not find expected key"))
		return "; check the indentation";
	return "";
}

static int refuse_syntax(struct builder *b, const yaml_parser_t *parser, const char *text,
			 size_t length)
{
	const char *problem = parser->problem ? parser->problem : "unknown error";
	struct yaml_cursor c;

	if (parser->error == YAML_MEMORY_ERROR) {
		b->reader->arena->exhausted = true;
		return -ENOMEM;
	}
	if (parser->error == YAML_READER_ERROR)
		return REFUSE(b, byte_place(b, text, length, parser->problem_offset),
			      "no YAML: %s (0x%02X); a topology is UTF-8 text", problem,
			      (unsigned)parser->problem_value);
	yaml_cursor_init(&c, text, length);
	while (c.at < c.end && c.index < parser->problem_mark.index)
		yaml_cursor_step(&c);
	if (parser->context && b->file_lines)
		return REFUSE(b, mark_place(b, &parser->problem_mark),
			      "no YAML: %s, %s that begins at %zu:%zu%s", problem, parser->context,
			      parser->context_mark.line + 1, parser->context_mark.column + 1,
			      syntax_hint(parser, &c));
	return REFUSE(b, mark_place(b, &parser->problem_mark), "no YAML: %s%s", problem,
		      syntax_hint(parser, &c));
}

static int read_events(struct builder *b, yaml_parser_t *parser, const char *text, size_t length)
{
	bool ended = false;
	int result = 0;

	while (!ended && !result) {
		yaml_event_t event;
		if (!yaml_parser_parse(parser, &event))
			return refuse_syntax(b, parser, text, length);
		result = on_event(b, &event);
		ended = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	return result;
}

/* An editor's byte order mark says nothing that isn't fixed anyway. */
static void skip_byte_order_mark(const char **text, size_t *length)
{
	if (*length >= 3 && !memcmp(*text, "\xef\xbb\xbf", 3)) {
		*text += 3;
		*length -= 3;
	}
}

int yaml_tree_read(struct yaml_reader *r, const char *file, bool file_lines, const char *text,
		   size_t length, struct node **ret_root)
{
	struct builder b = {.reader = r, .file = file, .file_lines = file_lines};
	yaml_parser_t parser;
	int result;

	*ret_root = NULL;
	skip_byte_order_mark(&text, &length);
	if (length > YAML_TEXT_BYTES_MAX)
		return REFUSE(&b, place_in(&b, 0, 0), "more than %d bytes", YAML_TEXT_BYTES_MAX);
	if (!yaml_parser_initialize(&parser)) {
		r->arena->exhausted = true;
		return -ENOMEM;
	}
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	yaml_cursor_init(&b.cursor, text, length);
	result = read_events(&b, &parser, text, length);
	yaml_parser_delete(&parser);
	if (result)
		return result;
	*ret_root = b.root;
	return b.flawed ? -EINVAL : 0;
}
