/* matcher.h - regular expressions whose named groups are fields, the first that matches counts: the core of parse_regex and
 * parse_grok.
 *
 *	matcher_check()      the topology is checked: it compiles, and has a named group
 *	matcher_declare()    the plan is made: the fields that it finds
 *	matcher_open()       a worker begins; then matcher_add() for each pattern, in order
 *	matcher_apply()      a batch
 *
 * A record that none matches cannot be parsed, nor one over which a search gave up (stages/regex.h). What nobody wants is not
 * looked at, but whether one matches always is.
 *
 * Threads: the stage's. Memory: matcher_close(). Layer: stages. */
#pragma once

#include "stages/parser.h"
#include "stages/parser_names.h"
#include "stages/regex.h"

/* Makes a value of what a group matched: NULL, or why it is none (static). */
typedef const char *matcher_convert(const struct regex_span *span, struct value *ret_value);

/* What a named group is: fills in the field's name, its own before, and how a value is made of it, as a string before. */
typedef void matcher_field(const void *context, const char **name, size_t *length,
			   matcher_convert **convert);

/* One pattern as it is compiled. */
struct matcher_wish {
	const char *pattern;
	size_t length;
	unsigned syntax;      /* enum regex_syntax */
	matcher_field *field; /* NULL: each group's name is the field's */
	const void *context;
};

struct matcher_pattern;

struct matcher {
	struct parser parser;
	struct matcher_pattern *patterns;
	size_t count;
	struct regex_span *spans; /* by slot of the parser */
};

/* 0; -ENOMEM; -EINVAL, *ret_error is filled in; -ENOENT: no group has a name. */
int matcher_check(const struct matcher_wish *wish, struct regex_error *ret_error);

/* Adds the fields that it finds; of one that matcher_check() is content with. */
void matcher_names(const struct matcher_wish *wish, struct parser_names *names);

void matcher_declare(const struct parser_options *o, const struct matcher_wish *wish,
		     struct field_uses *uses);

/* 0 or -ENOMEM; matcher_close() in any case. */
int matcher_open(struct matcher *m, struct stage *s, const struct parser_options *o);
/* Likewise, or -EINVAL: it does not compile. */
int matcher_add(struct matcher *m, const struct matcher_wish *wish);
void matcher_close(struct matcher *m);

/* Whether somebody wants a field of that name. */
bool matcher_wants(const struct matcher *m, const char *field, size_t length);

/* What stage_type.transform_apply returns. */
int matcher_apply(struct matcher *m, struct batch *b, struct outlet *out);

/* What so many patterns take, at most. */
size_t matcher_footprint(size_t patterns);

/* For `scratch`. */
unsigned matcher_scratch(const struct parser_options *o, size_t capacity, size_t *ret_capacity);
