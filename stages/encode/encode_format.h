/* encode_format.h - what a format is to the stage that encodes (encoder.c): a table of functions.
 *
 *   check()    the topology is checked: what is wrong with its options
 *   title()    what stands once before all records, where a sink writes that; NULL: nothing does
 *   fields()   the plan is made: which fields it writes
 *   open()     a worker begins
 *   begin()    a batch, which has rows
 *   stands()   a record: its bytes are what would be written      NULL: they never are
 *   put()      a record's text, without the delimiter
 *
 * Threads: the encoder's. Memory: what open() makes, until close(). Layer: stages. */
#pragma once

#include "stages/encode/writer.h"
#include "stages/encoding.h"
#include "stages/stage.h"

struct encode_format {
	bool uses_scratch; /* put() is given a buffer besides the one that it writes to */
	void (*check)(const struct encoding_options *o, struct place at, struct problems *problems);
	void (*title)(const struct encoding_options *o, struct writer *w);
	void (*fields)(const struct encoding_options *o, struct field_uses *uses);
	/* 0 or -errno; close() in any case, unless *ret_state is NULL. */
	int (*open)(struct stage *s, void **ret_state);
	void (*close)(void *state);
	void (*begin)(void *state, const struct stage *s, struct batch *b);
	bool (*stands)(const void *state, const struct batch *b, uint32_t record);
	/* NULL; or why its fields could not be written (static), and something else was. Where w is full the record is tried
	 * again with more room. */
	const char *(*put)(void *state, const struct batch *b, uint32_t record, struct writer *w,
			   struct scratch scratch);
};

/* By enum encoding_format; NULL: raw. */
extern const struct encode_format *const encode_formats[ENCODING_FORMATS];

extern const struct encode_format encode_json, encode_logfmt, encode_csv, encode_template,
    encode_syslog;
