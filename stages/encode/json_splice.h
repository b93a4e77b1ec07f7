/* json_splice.h - an object written anew from its text: copied from one member that somebody writes to the next.
 *
 *   {"a": 1, "b": 2, "c": 3}        a copied, b left out, c written
 *   ~~~~~~~~~         ...           what is copied ends before what is written or left out, and goes on behind it
 *
 * Threads: the encoder's. Memory: none. Layer: stages. */
#pragma once

#include "stages/encode/json_value.h"
#include "stages/encode/writer.h"

struct splice {
	const uint8_t *text;
	uint32_t length;
	uint32_t copied; /* so far, or left out */
	uint8_t *from;   /* where it was begun in what is written */
	bool is_line;    /* it holds no line breaks */
};

static inline bool json_is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Whether a member would follow another, in what was written of an object since `from`. */
static inline bool json_member_follows(const struct writer *w, const uint8_t *from)
{
	const uint8_t *at = w->at;
	while (at > from && json_is_space(at[-1]))
		at--;
	return at > from && at[-1] != '{' && at[-1] != ',';
}

static inline void splice_copy_to(struct splice *p, uint32_t end, struct writer *w)
{
	if (end <= p->copied)
		return;
	if (p->is_line)
		writer_put(w, p->text + p->copied, end - p->copied);
	else
		json_put_checked(w, p->text + p->copied, end - p->copied);
	p->copied = end;
}

/* Without the member from its name's quote to past its value, and one comma. */
void splice_leave_out(struct splice *p, uint32_t from, uint32_t to, struct writer *w);

/* Where its closing brace is, behind which there may be whitespace. */
uint32_t splice_close(const struct splice *p);
