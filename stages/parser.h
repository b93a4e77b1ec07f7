/* parser.h - what all parsers share: which field they parse, how the fields that they find are called, and the way over a
 * batch.
 *
 *	parser_check()      the topology is checked
 *	parser_declare()    the plan is made; with parser_declare_field() for each field whose name is known then
 *	parser_open()       a worker begins: p->slots are the fields that somebody below wants and that may come from here
 *	parser_apply()      a batch: parse_one() for each record
 *
 * A record that cannot be parsed has none of the fields, and goes the way that `on_error` says; so does one with a field that is
 * not of the type that `types` wants, or no time, but that has its fields, the wrong one as it was found. Types are looked at of
 * fields that somebody below uses.
 *
 * Threads: the stage's. Memory: parser_close(). Layer: stages. */
#pragma once

#include "stages/failures.h"
#include "stages/field_type.h"
#include "stages/stage.h"
#include "stages/time_reader.h"

struct parser_options {
	struct text field;
	struct text prefix;
	struct text_map types;
	struct time_options time;
};

/* Rows for the option table of a parser whose options have a struct parser_options as `member`; macro arguments of offsetof()
 * can't be put in parentheses. */
// clang-format off
// NOLINTBEGIN(bugprone-macro-parentheses)
#define PARSER_OPTIONS(type, member) \
	{"field", OPTION_TEXT, offsetof(type, member.field), .preset = "body", .min = 1, \
	 .doc = "The field to parse; `body`: the whole record"}, \
	{"prefix", OPTION_TEXT, offsetof(type, member.prefix), \
	 .doc = "What the names of the fields that are found begin with"}, \
	{"types", OPTION_MAP, offsetof(type, member.types), \
	 .doc = "What fields are to be, by their names without the prefix: string, int, float, bool or timestamp"}, \
	{"time", OPTION_GROUP, offsetof(type, member.time), .group = time_option_table, \
	 .doc = "Which of the fields, by its name without the prefix, says when the record was made"}
// NOLINTEND(bugprone-macro-parentheses)
// clang-format on

/* A field that somebody wants. */
struct parser_slot {
	const char *name; /* without the prefix; does not end with a NUL */
	size_t length;
	unsigned column;
	enum field_type type;
	struct value *values; /* of the batch at hand, by row */
	bool is_first;        /* nobody has written the column before */
};

struct parser {
	struct stage *stage;
	const struct parser_options *options;
	int source; /* the column of `field`; -1: the body */
	int object; /* the column of what is found as a whole; -1: nobody wants it */
	int places; /* of where the fields stand in that; -1: nobody will write it anew */
	struct parser_slot *slots;
	unsigned slot_count;
	bool has_room;   /* its `scratch` has asked for a buffer for each batch */
	bool has_types;  /* some slot has */
	int time_slot;   /* -1: none says when a record was made */
	int time_column; /* -1: nobody wants to know when */
	struct time_reader time;

	/* Of the batch at hand. */
	struct batch *batch;
	uint32_t record; /* at hand */
	struct failures failures;
	const struct value *sources;
	struct value *objects, *all_places, *times;

	struct value text; /* of the record at hand, to be parsed */
	/* Of the record at hand, for parse_one() to fill in: by slot, all MISSING before; and the object, if it is wanted: a
	 * VALUE_MAP with all fields there are, whose names get the prefix. */
	struct value *found;
	struct value
	    found_time; /* TIMESTAMP, when the format says by itself when records were made; `time` has precedence */
	struct value found_object;
	struct value found_places; /* in it, if p->places is not -1 */
};

/* What parse_one() returns of a record that says something of others and goes no further. */
extern const char parser_no_record[];

/* Parses one record: NULL, or why it cannot be parsed (static). text is PLAIN; what is made goes into p->batch->room. */
typedef const char *parse_one(struct parser *p, void *context, const struct value *text);

static inline bool parser_parses_body(const struct parser_options *o)
{
	return !o->field.bytes ||
	       (o->field.length == 4 && o->field.bytes[0] == 'b' && o->field.bytes[1] == 'o' &&
		o->field.bytes[2] == 'd' && o->field.bytes[3] == 'y');
}

void parser_check(const struct parser_options *o, struct problems *problems);

/* For stage_type.zone, when the stage's options begin with a struct parser_options. */
const struct text *parser_zone(const void *options);

void parser_declare(const struct parser_options *o, struct field_uses *uses);

/* That it finds a field of that name, which gets the prefix. */
void parser_declare_field(const struct parser_options *o, struct field_uses *uses, const char *name,
			  size_t length);

/* That it gives objects: it finds fields whose names are not known before. */
void parser_declare_object(const struct parser_options *o, struct field_uses *uses);

/* That it says when records were made, in found_time. */
void parser_declare_time(const struct parser_options *o, struct field_uses *uses);

/* What parser_apply() itself takes of a batch's room; for `scratch`. */
size_t parser_room(const struct parser_options *o, size_t capacity);

/* The batches get room when the stage's `scratch` asks for buffers. 0 or -ENOMEM; parser_close() in any case. */
int parser_open(struct parser *p, struct stage *s, const struct parser_options *o);
void parser_close(struct parser *p);

/* The slot of that name; -1: nobody wants it. */
int parser_slot(const struct parser *p, const char *name, size_t length);

/* Parses the batch's records and emits it; what stage_type.transform_apply returns. */
int parser_apply(struct parser *p, struct batch *b, struct outlet *out, parse_one *parse,
		 void *context);
