/* cel.h - expressions over the fields of a record, in the Common Expression Language: compiled when the topology loads, then
 * evaluated for each record without taking memory.
 *
 *   text ──lexer──► tokens ──parser──► tree ──check──► typed tree, constants folded     struct cel_program, never written again
 *                                                              │
 *   columns[c][row], scratch ──────────────────────────────► eval ──► value             struct cel_runner, one for each worker
 *
 * What is supported, what is refused and where the rules differ: README.md here. Language:
 * https://github.com/google/cel-spec/blob/master/doc/langdef.md
 *
 * Threads: a program any, once it is compiled; a runner one. Memory: a program's in its arena, at most CEL_PROGRAM_BYTES_MAX;
 * a runner's are its regexes. Layer: stages; needs conf/arena and stages/regex. */
#pragma once

#include "conf/arena.h"
#include "stages/regex.h"
#include "stages/value.h"

struct cel_node;
struct suggest;

enum {
	CEL_TEXT_BYTES_MAX = 64 * 1024,
	CEL_PROGRAM_BYTES_MAX = 16 * 1024 * 1024,
	/* Of the tree, and so of every recursion, here and in evaluation. `||` and `&&` may be repeated without limit. */
	CEL_DEPTH_MAX = 200,
	CEL_REGEXES_MAX = 64,
	CEL_MESSAGE_BYTES = 256,
	/* The type of what is known only when a record is there; else an enum value_type. */
	CEL_DYN = VALUE_TYPES,
};

struct cel_error {
	size_t offset; /* into the text, in bytes */
	char message[CEL_MESSAGE_BYTES];
};

/* What the caller knows of the fields. */
struct cel_names {
	void *context;
	/* The column of the field `name` (`status`; `user.id` for one inside another), which need not end with a NUL; -1: there
	 * is no such field. Asked for the longest name first: for `user.id`, then for `user`. */
	int (*column)(void *context, const char *name, size_t length);
	/* Calls suggest_consider() with each field there is, for messages. May be NULL. */
	void (*consider)(void *context, struct suggest *s);
};

/* A field that the expression uses. */
struct cel_field {
	const char *name; /* ends with a NUL; lives as long as the program */
	int column;
	size_t offset;     /* into the text: where it first stands */
	bool is_asked_for; /* has() looks whether it is there */
};

struct cel_pattern {
	const char *bytes;
	size_t length;
};

struct cel_program {
	struct arena arena;
	const struct cel_node *root;
	unsigned type; /* of the result: enum value_type or CEL_DYN */
	const struct cel_field *fields;
	size_t field_count; /* each column once */
	const struct cel_pattern *patterns;
	size_t pattern_count;
};

/* Compiles; text may go away after. 0, -ENOMEM, or -EINVAL with *ret_error filled in: then p is empty, and may be released. */
int cel_program_init(struct cel_program *p, const char *text, size_t length,
		     const struct cel_names *names, struct cel_error *ret_error);
void cel_program_release(struct cel_program *p);

/* What a worker needs beside the program. */
struct cel_runner {
	const struct cel_program *program;
	struct regex *regexes; /* one for each pattern */
};

/* program must outlive the runner. 0 or -ENOMEM: then r is empty, and may be released. */
int cel_runner_init(struct cel_runner *r, const struct cel_program *program);
void cel_runner_release(struct cel_runner *r);

/* Evaluates over columns[field.column][row]. *ret_result is what the expression gives, perhaps a field as it stands (not
 * decoded), or VALUE_ERROR with a static reason; a list or map is JSON text. Its bytes lie in the field, in the program or in
 * scratch. Takes no memory but scratch, of which a result without bytes leaves nothing taken; when that is too small the
 * result is the error "out of room". */
void cel_eval(const struct cel_runner *r, const struct value *const *columns, size_t row,
	      struct scratch *scratch, struct value *ret_result);
