/* option.h - the table that says what may be written under a stage (or a section) of the topology.
 *
 * One table drives everything: validation, defaults, units, `sluice list STAGE`, `sluice schema`. It fills a plain C
 * struct of the stage's own, `offset` by `offset`:
 *
 *	struct tail_options { struct text_list paths; uint64_t max_line; uint64_t on_long_line; };
 *	static const struct option tail_table[] = {
 *		{"paths", OPTION_TEXTS, offsetof(struct tail_options, paths), .required = true, .doc = "..."},
 *		{"max_line", OPTION_SIZE, offsetof(struct tail_options, max_line), .preset = "1MiB", .min = 1},
 *		{"on_long_line", OPTION_CHOICE, offsetof(...), .preset = "truncate", .choices = long_line_choices},
 *		{0},
 *	};
 *
 * A table is const and lives as long as the program; what is wrong in a table itself (a preset that its own type
 * refuses, a group without options) ends in an assertion.
 *
 * Threads: one, at load. Memory: texts live as long as the topology they came from. Layer: libc, libyaml. */
#pragma once

#include "conf/excerpt.h"
#include "conf/place.h"
#include "conf/problems.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A string from the topology: may hold any byte; also NUL-terminated after `length`. */
struct text {
	const char *bytes; /* NULL: not given and no preset */
	size_t length;
	struct place at; /* of the value: its quote, where it is quoted */
	bool secret; /* holds what came from ${file:...}: print `***` instead, see text_shown() */
	/* Its bytes stand in the file on one line as they are, so many characters behind `at`; or TEXT_LINES, or TEXT_NOWHERE. */
	int lead;
};

enum {
	TEXT_NOWHERE = -1, /* they do not */
	TEXT_LINES = -2, /* its lines stand there as they are, the first on the line behind `at` */
};

/* A file that the topology names, read when that is loaded. */
struct file_of_text {
	struct text path;    /* as it was written; bytes NULL: not given */
	struct text content; /* its place is in the file */
};

enum { TEXT_FILE_BYTES_MAX = 1 << 20 };

/* Of the byte at that offset, as near as is known. */
struct place text_place(const struct text *t, size_t offset);

/* What was made of a text (a path, the names that a pattern matches), as it may be shown to people. */
static inline const char *text_shown(const struct text *t, const char *made)
{
	return t->secret ? SECRET_SHOWN : made;
}

struct text_list {
	struct text *items;
	size_t count;
	bool alone; /* written as one text, not as a list of one */
};

/* The same of what was made of any of them. */
static inline const char *text_list_shown(const struct text_list *l, const char *made)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].secret)
			return SECRET_SHOWN;
	return made;
}

/* A map of the user's own names; each once, in the order written. */
struct text_map {
	struct text_pair {
		struct text name, value;
	} * items;
	size_t count;
};

enum option_type {
	OPTION_BOOL,     /* bool */
	OPTION_COUNT,    /* uint64_t: a plain whole number */
	OPTION_SIZE,     /* uint64_t bytes: 64KiB 1MiB 10MB 1GiB, 0 */
	OPTION_DURATION, /* uint64_t nanoseconds: 100ms 1s 5m 1h 7d 1h30m, 0 */
	OPTION_RATE,     /* uint64_t per second, from 1000/s, 60/m */
	OPTION_TEXT,     /* struct text: any scalar, as it was typed */
	OPTION_TEXTS,    /* struct text_list: a list, or one scalar as a list of one */
	OPTION_MAP,      /* struct text_map: name: text, as many as are written */
	OPTION_FILE,     /* struct file_of_text: a path; what is in it is read, up to 1 MiB */
	OPTION_CHOICE,   /* uint64_t: index into choices */
	OPTION_GROUP,    /* a nested struct at offset; a scalar sets the group's first option */
};

/* In the order in which a table is written, not the one that leaves no holes. */
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
struct option {
	const char *name; /* NULL ends the table */
	enum option_type type;
	size_t offset; /* in the struct that the table fills */

	/* The default, as a user would type it; NULL: zero, empty or absent. */
	const char *preset;
	/* In a group: required where the group is written. An empty list or map doesn't do, unless it may be empty. */
	bool required, may_be_empty;
	/* Of numbers; of texts, also a list's or a map's, in bytes. Both inclusive; max 0: no limit. */
	uint64_t min, max;
	/* Numbers: this word is accepted too and means 0 ("auto", "off"). */
	const char *word;
	/* OPTION_CHOICE; ends with NULL. */
	const char *const *choices;
	/* OPTION_GROUP; its offsets count from the nested struct's beginning. */
	const struct option *group;
	/* OPTION_GROUP: if not 0, where, in the same struct as `offset`, a bool says that the user wrote the group. */
	size_t given_offset;
	/* One sentence, in the imperative or as a noun phrase, no full stop. */
	const char *doc;
};

/* Fills a struct from YAML given as a string, exactly as topology_load() does under a stage: `${VAR}` included (no
 * variable is set), the common keys (type, inputs, ...) not. For tests of tables and of the stages that have them:
 *
 *	struct tail_options options;
 *	void *arena;
 *	cr_assert_eq(option_fill(tail_table, &options, sizeof(options), "paths: [a, b]", &problems, &arena), 0);
 *	...
 *	option_fill_release(arena);
 *
 * into is zeroed first; "" or "{}" gives the presets. 0: *ret_arena is the caller's, and the texts in `into` live until
 * option_fill_release(). -EINVAL: problems were added (their file is "options"), `into` is all zero again, *ret_arena
 * is untouched, and there is nothing to release. */
int option_fill(const struct option *table, void *into, size_t size, const char *yaml,
		struct problems *problems, void **ret_arena);

/* NULL is fine. */
void option_fill_release(void *arena);
