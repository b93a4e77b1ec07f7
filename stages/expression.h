/* expression.h - a CEL expression of a topology, over the fields of a batch's records.
 *
 *	expression_check()     the topology is checked: what is wrong with it, and where
 *	expression_declare()   the plan is made: which fields it reads
 *	expression_open()      a worker begins
 *	expression_begin()     a batch: what is known of its records is put where the expression looks for it
 *	expression_eval()      one record
 *
 * Threads: the stage's. Memory: expression_close(). Layer: stages. */
#pragma once

#include "stages/cel/cel.h"
#include "stages/stage.h"

struct expression {
	struct cel_program program;
	struct cel_runner runner;
	const struct value
	    *columns[COLUMNS_MAX]; /* of the batch at hand; those that the program reads */
};

/* wants: what it has to give: VALUE_BOOL, VALUE_TIMESTAMP, VALUE_STRING, or CEL_DYN. key: what messages call it. */
void expression_check(const struct text *text, unsigned wants, const char *key,
		      struct problems *problems);

void expression_declare(const struct text *text, struct field_uses *uses);

/* Whether records may make text of it that none of them has as it is: for a stage's `scratch`. */
bool expression_makes_text(const struct text *text);

/* 0 or -ENOMEM; expression_close() in any case. */
int expression_open(struct expression *e, const struct text *text, const struct fields *fields);
void expression_close(struct expression *e);

/* The batch has rows, and room for what the expression makes (batch_make_room). */
void expression_begin(struct expression *e, const struct stage *s, struct batch *b);

static inline void expression_eval(const struct expression *e, struct batch *b, uint32_t record,
				   struct value *ret_result)
{
	cel_eval(&e->runner, e->columns, b->rows[record], &b->room, ret_result);
}
