/* json_writer.h - JSON, indented, to a stream: commas and quoting are taken care of, nesting is asserted.
 *
 * Threads: one. Memory: none. Errors are the stream's: ask ferror(). Layer: libc only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json_writer {
	FILE *to;
	unsigned depth;
	bool first; /* nothing stands in the innermost object or array yet */
	bool named; /* a name was written whose value comes next */
};

void json_begin(struct json_writer *w, FILE *to);
/* A newline; everything opened was closed. */
void json_end(struct json_writer *w);

/* '{' or '[', and its counterpart. */
void json_open(struct json_writer *w, char bracket);
void json_close(struct json_writer *w, char bracket);

/* The name of an object's next value. */
void json_name(struct json_writer *w, const char *name);
void json_text(struct json_writer *w, const char *bytes, size_t length);
void json_number(struct json_writer *w, uint64_t value);
void json_bool(struct json_writer *w, bool value);

/* name and value together. */
void json_text_of(struct json_writer *w, const char *name, const char *value);
void json_bool_of(struct json_writer *w, const char *name, bool value);
