/* template_text.h - a template with a record's fields put in: what template_parts.h takes apart, written for each record.
 *
 * What a record has is text of one line, whatever is in it: a backslash is written \\, a line break \n, a carriage return \r, a tab \t,
 * any other control character and each byte that is no UTF-8 \xNN. Quotes are nothing special: where a template has some, {field|json}
 * has its own.
 *
 * Threads: the stage's. Memory: malloc, template_text_close(). Layer: stages. */
#pragma once

#include "stages/encode/template_parts.h"
#include "stages/encode/writer.h"
#include "stages/stage.h"

struct template_text {
	struct template_parts parts;
	const struct text *missing;     /* for a field that a record does not have */
	const struct value *times_said; /* of the batch at hand, by row; NULL: none */
};

/* For the stage's `fields`. */
void template_text_declare(const struct text *template, struct field_uses *uses);

/* missing outlives it, as does the template. 0 or -ENOMEM; template_text_close() in any case. */
int template_text_open(struct template_text *t, const struct text *template,
		       const struct text *missing, const struct stage *s);
void template_text_close(struct template_text *t);

/* A batch, which has rows. */
void template_text_begin(struct template_text *t, const struct stage *s, struct batch *b);

/* Text that needs decoding needs room in scratch; where there is none, w is full. */
void template_text_put(const struct template_text *t, const struct batch *b, uint32_t record,
		       struct writer *w, struct scratch scratch);
