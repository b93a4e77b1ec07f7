/* lua_view.h - the record at hand as a script sees it: `record.status`, `record.level = "x"`.
 *
 * What is set is kept aside until the script has come to a good end. A value that is read comes as
 *
 *	STRING, BYTES     a string                        BOOL      a boolean
 *	INT, UINT         a number; beyond 2^53 an int64_t or uint64_t, exact
 *	DOUBLE            a number                        NULL      `null`
 *	TIMESTAMP         text, RFC 3339 in UTC           DURATION  a number of seconds
 *	LIST, MAP         a table of its own              MISSING   nil
 *
 * and one that is set becomes what it came from: a number without a fraction up to 2^53 an INT, others a DOUBLE, a table LIST or
 * MAP, by its keys or as `list()` says. `time` takes text in RFC 3339, or seconds since 1970, and is a TIMESTAMP.
 *
 * Threads: the stage's. Memory: the stage's. Layer: stages, LuaJIT. */
#pragma once

#include "stages/batch.h"
#include "stages/fields.h"

#include <luajit-2.1/lua.h>

enum { LUA_PARTS_MAX = 1024 }; /* that one record may become */

struct lua_field {
	const char *name;
	size_t length;
	unsigned column;
	enum field_known known;
};

/* Values that were set, by the field's number among those that may be. */
struct lua_changes {
	bool any;
	bool is_set[COLUMNS_MAX];
	struct value values[COLUMNS_MAX];
};

struct lua_view {
	const struct lua_field *reads, *writes;
	size_t read_count, write_count;

	/* Of the batch at hand, by number among the reads. */
	const struct value *columns[COLUMNS_MAX];

	/* Of the record at hand. */
	uint32_t record, row;
	struct scratch *room;
	size_t left; /* bytes of text that it may still make */
	struct lua_changes changes;

	/* A record that is made of the one at hand, with these changes. NULL, or why not (static). */
	/* A record that is made of the one at hand, with these changes. NULL, or why not (static). */
	const char *(*add_part)(struct lua_view *view, const struct lua_changes *changes);
	struct lua_changes part;
	void *context;
};

/* Declares `record` and what is there for values, in the globals; leaves the record on the stack. */
void lua_view_install(lua_State *L);

/* Of what process() has returned, at that index: for each table in it a part. How many there are. Raises errors. */
unsigned lua_view_parts(lua_State *L, struct lua_view *view, int index);
