#include "stages/cel/cel_eval.h"

#include "stages/cel/cel_arithmetic.h"
#include "stages/cel/cel_compare.h"
#include "stages/cel/cel_functions.h"
#include "stages/cel/cel_items.h"
#include "stages/cel/cel_number.h"
#include "stages/cel/cel_reasons.h"

#include <errno.h>

static struct value of_bool(bool b)
{
	return (struct value){.b = b, .type = VALUE_BOOL};
}

static inline struct value eval_column(const struct cel_context *x, const struct cel_node *n)
{
	struct value v = x->columns[n->column][x->row];
	return v.type == VALUE_MISSING ? cel_error_value(CEL_NO_FIELD) : v;
}

static struct value decoded(const struct cel_context *x, struct value v)
{
	int64_t i;
	if (v.type == VALUE_INT && v.form == VALUE_DIGITS && cel_short_int(v.bytes, v.length, &i))
		return (struct value){.i = i, .type = VALUE_INT};
	cel_json_decode(&v, x->scratch);
	return v;
}

/* The node's value, decoded. Most operands are fields and constants. */
static inline struct value plain_of(const struct cel_context *x, const struct cel_node *n)
{
	struct value v = n->op == CEL_COLUMN     ? eval_column(x, n)
			 : n->op == CEL_CONSTANT ? n->constant
						 : cel_eval_node(x, n);
	return v.form == VALUE_ESCAPED || v.form == VALUE_DIGITS ? decoded(x, v) : v;
}

/* ---- what decides without all its operands ---- */

/* An operand that decides does so whatever the others are, errors among them; else the first error stands. */
static struct value eval_junction(const struct cel_context *x, const struct cel_node *n,
				  bool decides)
{
	struct value result = of_bool(!decides);
	for (const struct cel_node *child = n->first; child; child = child->next) {
		struct value v = cel_eval_node(x, child);
		if (v.type == VALUE_BOOL && v.b == decides)
			return v;
		if (v.type != VALUE_BOOL && result.type != VALUE_ERROR)
			result = v.type == VALUE_ERROR ? v : cel_error_value(CEL_NO_OVERLOAD);
	}
	return result;
}

static struct value eval_condition(const struct cel_context *x, const struct cel_node *n)
{
	const struct cel_node *yes = n->first->next, *no = yes->next;
	struct value test = cel_eval_node(x, n->first);
	if (test.type == VALUE_BOOL)
		return cel_eval_node(x, test.b ? yes : no);
	return test.type == VALUE_ERROR ? test : cel_error_value(CEL_NO_OVERLOAD);
}

/* ---- inside lists and maps ---- */

static struct value found(int r, struct value v, const char *missing)
{
	if (r < 0)
		return cel_error_value(cel_compare_reason(r));
	return r ? v : cel_error_value(missing);
}

/* The member of that name in what the node is taken from: 1, 0, -errno, or -EDOM with the error in *ret. */
static int find_member(const struct cel_context *x, const struct cel_node *n, struct value *ret)
{
	struct value of = cel_eval_node(x, n->first);
	if (of.type != VALUE_MAP) {
		*ret = of.type == VALUE_ERROR ? of : cel_error_value(CEL_NO_OVERLOAD);
		return -EDOM;
	}
	struct value name = {
	    .bytes = (const uint8_t *)n->name, .length = n->name_length, .type = VALUE_STRING};
	return cel_items_find(cel_items_begin(&of), &name, x->scratch, ret);
}

static struct value eval_select(const struct cel_context *x, const struct cel_node *n)
{
	struct value v;
	int r = find_member(x, n, &v);
	return r == -EDOM ? v : found(r, v, CEL_NO_FIELD);
}

static struct value eval_has(const struct cel_context *x, const struct cel_node *n)
{
	struct value v;
	if (n->first->op == CEL_COLUMN) {
		v = x->columns[n->first->column][x->row];
		return v.type == VALUE_ERROR ? v : of_bool(v.type != VALUE_MISSING);
	}
	int r = find_member(x, n->first, &v);
	if (r == -EDOM)
		return v;
	return r < 0 ? cel_error_value(cel_compare_reason(r)) : of_bool(r > 0);
}

static struct value element_at(const struct value *list, uint64_t index)
{
	struct cel_items items = cel_items_begin(list);
	struct value v;
	if (!items.is_json)
		return index < list->length ? items.at[index] : cel_error_value(CEL_OUT_OF_RANGE);
	for (;;) {
		int r = cel_items_element(&items, &v);
		if (r < 0)
			return cel_error_value(CEL_BAD_JSON);
		if (r == 0)
			return cel_error_value(CEL_OUT_OF_RANGE);
		if (index-- == 0)
			return v;
	}
}

static struct value index_list(const struct value *list, const struct value *index)
{
	const double whole_max = 9007199254740992.0; /* 2^53 */
	switch (index->type) {
	case VALUE_INT:
		return index->i < 0 ? cel_error_value(CEL_OUT_OF_RANGE)
				    : element_at(list, (uint64_t)index->i);
	case VALUE_UINT:
		return element_at(list, index->u);
	case VALUE_DOUBLE:
		if (!(index->d >= 0 && index->d < whole_max) ||
		    (double)(uint64_t)index->d != index->d)
			return cel_error_value(CEL_OUT_OF_RANGE);
		return element_at(list, (uint64_t)index->d);
	default:
		return cel_error_value(CEL_NO_OVERLOAD);
	}
}

static bool may_be_key(const struct value *v)
{
	return v->type == VALUE_BOOL || v->type == VALUE_INT || v->type == VALUE_UINT ||
	       v->type == VALUE_DOUBLE || v->type == VALUE_STRING;
}

static struct value index_into(const struct cel_context *x, const struct value *of,
			       const struct value *index)
{
	struct value v;
	if (of->type == VALUE_LIST)
		return index_list(of, index);
	if (of->type != VALUE_MAP || !may_be_key(index))
		return cel_error_value(CEL_NO_OVERLOAD);
	int r = cel_items_find(cel_items_begin(of), index, x->scratch, &v);
	return found(r, v, CEL_NO_KEY);
}

static struct value is_in(const struct cel_context *x, const struct value *v,
			  const struct value *container)
{
	struct cel_comparison c = {x->scratch, CEL_COMPARED_BYTES_MAX};
	struct value other;
	int r, same = 0, error = 0;
	if (container->type == VALUE_MAP && may_be_key(v)) {
		r = cel_items_find(cel_items_begin(container), v, x->scratch, &other);
		return r < 0 ? cel_error_value(cel_compare_reason(r)) : of_bool(r > 0);
	}
	if (container->type != VALUE_LIST)
		return cel_error_value(CEL_NO_OVERLOAD);
	struct cel_items items = cel_items_begin(container);
	while ((r = cel_items_element(&items, &other)) > 0) {
		same = cel_equal(v, &other, &c);
		if (same > 0)
			return of_bool(true);
		error = same < 0 ? same : error;
	}
	error = r < 0 ? r : error;
	return error ? cel_error_value(cel_compare_reason(error)) : of_bool(false);
}

/* ---- lists and maps that are written out ---- */

static struct value repeated_key(const struct cel_context *x, const struct value *pairs,
				 uint32_t count)
{
	struct cel_comparison c = {x->scratch, CEL_COMPARED_BYTES_MAX};
	const struct value *last = &pairs[(size_t)count * 2];
	if (last->type == VALUE_DOUBLE || !may_be_key(last))
		return cel_error_value("not a type that a key may have");
	for (const struct value *key = pairs; key < last; key += 2)
		if (cel_equal(key, last, &c) > 0)
			return cel_error_value("repeated key");
	return of_bool(true);
}

static struct value eval_items(const struct cel_context *x, const struct cel_node *n)
{
	bool map = n->op == CEL_MAP;
	struct value *array = cel_items_take(x->scratch, n->count);
	uint32_t count = 0;
	if (!array)
		return cel_error_value(CEL_OUT_OF_ROOM);
	for (const struct cel_node *child = n->first; child; child = child->next, count++) {
		array[count] = plain_of(x, child);
		if (array[count].type == VALUE_ERROR)
			return array[count];
		if (!map || count % 2 == 1)
			continue;
		struct value once = repeated_key(x, array, count / 2);
		if (once.type == VALUE_ERROR)
			return once;
	}
	return (struct value){.bytes = (const uint8_t *)array,
			      .length = map ? count / 2 : count,
			      .type = map ? VALUE_MAP : VALUE_LIST,
			      .form = CEL_ITEMS};
}

/* ---- operators and functions ---- */

static struct value ordered(enum cel_op op, const struct value *a, const struct value *b)
{
	const bool are_ints = a->type == VALUE_INT && b->type == VALUE_INT;
	const int order = are_ints ? (a->i > b->i) - (a->i < b->i) : cel_order(a, b);
	if (order == CEL_INCOMPARABLE)
		return cel_error_value(CEL_NO_OVERLOAD);
	if (order == CEL_UNORDERED)
		return of_bool(false);
	switch (op) {
	case CEL_LESS:
		return of_bool(order < 0);
	case CEL_LESS_EQUAL:
		return of_bool(order <= 0);
	case CEL_GREATER:
		return of_bool(order > 0);
	default:
		return of_bool(order >= 0);
	}
}

static struct value equal(const struct cel_context *x, enum cel_op op, const struct value *a,
			  const struct value *b)
{
	struct cel_comparison c = {x->scratch, CEL_COMPARED_BYTES_MAX};
	int r = cel_equal(a, b, &c);
	if (r < 0)
		return cel_error_value(cel_compare_reason(r));
	return of_bool((r > 0) == (op == CEL_EQUAL));
}

static struct value eval_binary(const struct cel_context *x, const struct cel_node *n)
{
	struct value a = plain_of(x, n->first), b;
	if (a.type == VALUE_ERROR)
		return a;
	b = plain_of(x, n->first->next);
	if (b.type == VALUE_ERROR)
		return b;
	switch (n->op) {
	case CEL_LESS:
	case CEL_LESS_EQUAL:
	case CEL_GREATER:
	case CEL_GREATER_EQUAL:
		return ordered(n->op, &a, &b);
	case CEL_EQUAL:
	case CEL_NOT_EQUAL:
		return equal(x, n->op, &a, &b);
	case CEL_IN:
		return is_in(x, &a, &b);
	case CEL_INDEX:
		return index_into(x, &a, &b);
	default:
		return cel_arithmetic(n->op, &a, &b, x->scratch);
	}
}

static struct value eval_unary(const struct cel_context *x, const struct cel_node *n)
{
	struct value v = plain_of(x, n->first);
	if (v.type == VALUE_ERROR)
		return v;
	if (n->op == CEL_NEGATE)
		return cel_negated(&v);
	return v.type == VALUE_BOOL ? of_bool(!v.b) : cel_error_value(CEL_NO_OVERLOAD);
}

static struct value eval_call(const struct cel_context *x, const struct cel_node *n)
{
	const struct cel_function *f = n->function;
	struct value arguments[CEL_ARGUMENTS_MAX];
	unsigned count = 0;
	for (const struct cel_node *child = n->first; child; child = child->next, count++) {
		arguments[count] = plain_of(x, child);
		if (arguments[count].type == VALUE_ERROR)
			return arguments[count];
		if (!(f->takes[count] & CEL_BIT(arguments[count].type)))
			return cel_error_value(CEL_NO_OVERLOAD);
	}
	return f->call(f, arguments, count, x->scratch);
}

static struct value eval_matches(const struct cel_context *x, const struct cel_node *n)
{
	struct value text = plain_of(x, n->first);
	if (text.type != VALUE_STRING)
		return text.type == VALUE_ERROR ? text : cel_error_value(CEL_NO_OVERLOAD);
	const uint8_t *bytes = text.length ? text.bytes : (const uint8_t *)"";
	int r = regex_matches(&x->regexes[n->pattern], bytes, text.length);
	if (r < 0)
		return cel_error_value(r == -ELOOP ? "regular expression took too many steps"
						   : "regular expression failed");
	return of_bool(r > 0);
}

/* Most of what is asked of records: a field that is an integer, beside one that is written out. False: it is something else. */
static inline bool compare_ints(const struct cel_context *x, const struct cel_node *n,
				struct value *ret)
{
	const struct cel_node *field = n->first, *number = field->next;
	if (field->op != CEL_COLUMN || number->op != CEL_CONSTANT ||
	    number->constant.type != VALUE_INT)
		return false;
	const struct value *v = &x->columns[field->column][x->row];
	int64_t i = v->i;
	if (v->type != VALUE_INT ||
	    (v->form == VALUE_DIGITS && !cel_short_int(v->bytes, v->length, &i)))
		return false;
	const int64_t other = number->constant.i;
	*ret = of_bool(n->op == CEL_LESS         ? i < other
		       : n->op == CEL_LESS_EQUAL ? i <= other
		       : n->op == CEL_GREATER    ? i > other
						 : i >= other);
	return true;
}

struct value cel_eval_node(const struct cel_context *x, const struct cel_node *n)
{
	struct value compared;
	switch (n->op) {
	case CEL_LESS:
	case CEL_LESS_EQUAL:
	case CEL_GREATER:
	case CEL_GREATER_EQUAL:
		return compare_ints(x, n, &compared) ? compared : eval_binary(x, n);
	case CEL_CONSTANT:
		return n->constant;
	case CEL_COLUMN:
		return eval_column(x, n);
	case CEL_AND:
	case CEL_OR:
		return eval_junction(x, n, n->op == CEL_OR);
	case CEL_CONDITION:
		return eval_condition(x, n);
	case CEL_SELECT:
		return eval_select(x, n);
	case CEL_HAS:
		return eval_has(x, n);
	case CEL_LIST:
	case CEL_MAP:
		return eval_items(x, n);
	case CEL_NOT:
	case CEL_NEGATE:
		return eval_unary(x, n);
	case CEL_CALL:
		return eval_call(x, n);
	case CEL_MATCHES:
		return eval_matches(x, n);
	default:
		return eval_binary(x, n);
	}
}
