/* grok.h - patterns with names: `%{IP:client} %{WORD:verb}` made into one regular expression.
 *
 *   %{NAME}               what the pattern of that name matches
 *   %{NAME:field}         and it goes into that field
 *   %{NAME:field:type}    as such a value (enum grok_type)
 *
 *   %{IP:client.ip} .*    (?<__0>(?:...)|(?:...)) .*        fields: client.ip, in the group __0
 *
 * All else is a regular expression (stages/regex.h), which is to be compiled as GROK_SYNTAX says: parentheses without a name do
 * not capture, and a field may stand there more than once. What stands in \Q...\E, in a class ([%{]) or in a comment (?#...), and
 * what follows a backslash (\%{), is no reference. A group (?<name>...) of the user's own is a field, too.
 *
 * Everything is bounded: depth, length, names. Nobody's text makes it recurse further.
 *
 * Threads: any. Memory: malloc, grok_release(). Layer: stages, conf/suggest.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
	GROK_DEPTH_MAX = 32,
	GROK_NAME_BYTES_MAX = 64,
	GROK_FIELD_BYTES_MAX = 128,
	GROK_PATTERN_BYTES_MAX = 64 * 1024, /* of what is made of it; PCRE2 takes not much more */
	GROK_FIELDS_MAX = 256,
	GROK_GROUP_BYTES_MAX = 32, /* PCRE2's limit for a name */
	GROK_MESSAGE_BYTES = 256,
	GROK_SYNTAX = 3, /* REGEX_NAMED_ONLY | REGEX_SAME_NAMES */
};

/* What `:int` and the like say. */
enum grok_type {
	GROK_UNTYPED,
	GROK_STRING,
	GROK_INT,
	GROK_FLOAT,
	GROK_BOOL,
};

/* One of the user's own; it goes before one of the library's with that name. */
struct grok_own {
	const char *name;
	size_t name_length;
	const char *pattern;
	size_t length;
};

struct grok_field {
	char *name;
	size_t length;
	char group[GROK_GROUP_BYTES_MAX + 1]; /* which stands for it */
	enum grok_type type;
};

/* A reference in the text that was expanded. */
struct grok_reference {
	size_t at, length;         /* there */
	size_t out_at, out_length; /* in what was made of it */
};

struct grok {
	char *pattern; /* what was made of it, not ended by a NUL */
	size_t length, room;
	struct grok_field *fields;
	size_t field_count;
	struct grok_reference *references;
	size_t reference_count;
};

struct grok_error {
	char message[GROK_MESSAGE_BYTES];
	int own;       /* in which of the user's own patterns; -1: in the text itself */
	size_t offset; /* there, in bytes */
};

/* Which fields are wanted; a reference with another becomes a group that does not capture, which is faster. */
typedef bool grok_wants(const void *context, const char *field, size_t length);

struct grok_wish {
	const char *text;
	size_t length;
	const struct grok_own *own;
	size_t own_count;
	grok_wants *wants; /* NULL: all */
	const void *context;
};

/* 0; -ENOMEM; -EINVAL, *ret_error is filled in. What is wrong with the regular expression around the references is not seen
 * here. grok_release() in any case. */
int grok_expand(struct grok *g, const struct grok_wish *wish, struct grok_error *ret_error);
void grok_release(struct grok *g);

/* The same for one of the user's own patterns, as it will stand wherever it is referred to: in a group. */
int grok_expand_own(struct grok *g, const struct grok_wish *wish, size_t own,
		    struct grok_error *ret_error);

/* Where in the text it stands, or the reference that it comes from, what stands at that offset of the pattern. */
size_t grok_offset(const struct grok *g, size_t in_pattern);

/* The field that a group of the pattern stands for; NULL: the group's name is its own. */
const struct grok_field *grok_field_of(const struct grok *g, const char *group, size_t length);

/* Whether a pattern may be called that. */
bool grok_is_name(const char *name, size_t length);
