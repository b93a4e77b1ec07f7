/* aggregate_function.h - what `aggregate` is to say of the records of a window, as a topology writes it.
 *
 *   count   count(user)   sum(bytes)   min(ms)   max(ms)   avg(ms)   quantile(ms, 0.99)
 *
 * Threads: any. Memory: none; names lie in the text. Layer: stages. */
#pragma once

#include "conf/option.h"

enum aggregate_kind {
	AGGREGATE_COUNT, /* of records, or of those that have the field, and not null */
	AGGREGATE_SUM,
	AGGREGATE_MIN,
	AGGREGATE_MAX,
	AGGREGATE_AVG,
	AGGREGATE_QUANTILE,
	AGGREGATE_KINDS,
};

struct aggregate_function {
	enum aggregate_kind kind;
	const char *field; /* NULL: none is needed */
	size_t field_length;
	double q; /* QUANTILE: 0 to 1 */
};

struct aggregate_mistake {
	const char *why; /* static */
	size_t offset;   /* where, in the text */
};

/* 0, or -EINVAL and what is wrong. */
int aggregate_function_parse(const struct text *text, struct aggregate_function *ret_function,
			     struct aggregate_mistake *ret_mistake);
