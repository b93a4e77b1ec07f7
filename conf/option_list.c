#include "conf/option_list.h"

#include "conf/option_value.h"
#include "conf/stage_keys.h"

#include <assert.h>
#include <string.h>

enum { CELL_ROOM = 160, NEST_INDENT = 2 };

/* Widths of the columns before the last, in bytes; names with their indentation. */
struct columns {
	int name, type, preset;
};

/* Appends, cut at the room. */
static void append(char cell[CELL_ROOM], const char *more)
{
	size_t length = strlen(cell);

	assert(length < CELL_ROOM);
	snprintf(cell + length, CELL_ROOM - length, "%s", more);
}

static void append_limit(const struct option *o, const char *joint, uint64_t limit,
			 char cell[CELL_ROOM])
{
	char number[OPTION_NUMBER_ROOM];

	option_value_print(o, limit, number);
	append(cell, joint);
	append(cell, number);
}

/* That a text has at least one byte goes without saying. */
static void append_range(const struct option *o, char cell[CELL_ROOM])
{
	bool text = o->type == OPTION_TEXT || o->type == OPTION_TEXTS || o->type == OPTION_MAP ||
		    o->type == OPTION_FILE;
	uint64_t min = text && o->min == 1 ? 0 : o->min;

	if (min)
		append_limit(o, o->max ? ", " : ", at least ", min, cell);
	if (o->max)
		append_limit(o, min ? " to " : ", at most ", o->max, cell);
	if (text && (min || o->max))
		append(cell, " bytes");
}

static void type_cell(const struct option *o, char cell[CELL_ROOM])
{
	static const char *const names[] = {
	    [OPTION_BOOL] = "true or false",
	    [OPTION_COUNT] = "count",
	    [OPTION_SIZE] = "size",
	    [OPTION_DURATION] = "time",
	    [OPTION_RATE] = "rate",
	    [OPTION_TEXT] = "text",
	    [OPTION_TEXTS] = "texts",
	    [OPTION_MAP] = "name: text",
	    [OPTION_FILE] = "path",
	    [OPTION_CHOICE] = "",
	    [OPTION_GROUP] = "",
	};

	*cell = 0;
	append(cell, names[o->type]);
	for (size_t i = 0; o->type == OPTION_CHOICE && o->choices[i]; i++) {
		append(cell, !i ? "" : o->choices[i + 1] ? ", " : " or ");
		append(cell, o->choices[i]);
	}
	append_range(o, cell);
	if (o->word) {
		append(cell, " or ");
		append(cell, o->word);
	}
}

static void preset_cell(const struct option *o, char cell[CELL_ROOM])
{
	*cell = 0;
	append(cell, o->required ? "required" : o->preset ? o->preset : "");
}

static void widen(int *width, size_t length)
{
	if ((size_t)*width < length)
		*width = (int)length;
}

static void measure(const struct option *table, unsigned indent, struct columns *c)
{
	char cell[CELL_ROOM];

	for (const struct option *o = table; o->name; o++) {
		widen(&c->name, indent + strlen(o->name));
		type_cell(o, cell);
		widen(&c->type, strlen(cell));
		preset_cell(o, cell);
		widen(&c->preset, strlen(cell));
		if (o->type == OPTION_GROUP)
			measure(o->group, indent + NEST_INDENT, c);
	}
}

/* A line's cells, no space after the last that says anything. */
static void print_line(const struct option *o, unsigned indent, const struct columns *c, FILE *to)
{
	char type[CELL_ROOM], preset[CELL_ROOM], line[4 * CELL_ROOM];
	int length;

	type_cell(o, type);
	preset_cell(o, preset);
	length = snprintf(line, sizeof(line), "%*s%-*s  %-*s  %-*s", (int)indent, "",
			  c->name - (int)indent, o->name, c->type, type, c->preset, preset);
	assert(length > 0 && (size_t)length < sizeof(line));
	if (o->doc) {
		fprintf(to, "%s  %s\n", line, o->doc);
		return;
	}
	while (length && line[length - 1] == ' ')
		length--;
	fprintf(to, "%.*s\n", length, line);
}

static void print_table(const struct option *table, unsigned indent, const struct columns *c,
			FILE *to)
{
	for (const struct option *o = table; o->name; o++) {
		print_line(o, indent, c, to);
		if (o->type == OPTION_GROUP)
			print_table(o->group, indent + NEST_INDENT, c, to);
	}
}

void option_list_table(const struct option *table, unsigned indent, FILE *to)
{
	struct columns c = {0};

	measure(table, indent, &c);
	print_table(table, indent, &c, to);
}

void option_list_stage(const struct stage_schema *schema, FILE *to)
{
	struct stage_nature nature = stage_nature_of(schema);
	struct stage_keys keys = stage_keys_of(&nature);
	struct columns c = {0};

	measure(keys.table, NEST_INDENT, &c);
	measure(schema->options, NEST_INDENT, &c);
	fprintf(to, "%s %s: %s\n\n", stage_kind_names[schema->kind], schema->name, schema->summary);
	print_table(keys.table, NEST_INDENT, &c, to);
	print_table(schema->options, NEST_INDENT, &c, to);
}
