/* route.c - sends records to outputs by what expressions say of them.
 *
 *	routes: {errors: 'level == "error"', slow: 'ms > 1000'}
 *
 *	   ──► ID.errors          a record goes to each route for which its expression is true,
 *	   ──► ID.slow            as it does with Vector
 *	   ──► ID._unmatched      and here when there is none
 *
 * An expression that has no value for a record does not hold for it, and makes it a failure: with `on_error: pass` it goes where
 * the others send it, with `error` set. What nobody reads ends here. */
#include "conf/excerpt.h"
#include "stages/builtin.h"
#include "stages/expression.h"
#include "stages/failures.h"
#include "stages/sift.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ROUTE_NAME_MAX = 64 };

struct route_options {
	struct text_map routes;
};

static const struct option route_table[] = {
    {"routes", OPTION_MAP, offsetof(struct route_options, routes), .required = true, .min = 1,
     .doc = "Outputs and the CEL expressions that send records there, to each that is true; read "
	    "them as `ID.name`, and the "
	    "records for which none is as `ID._unmatched`"},
    {0},
};

/* The records that go to one output, by row: of those that are taken out meanwhile the others keep theirs. */
struct rows {
	uint64_t bits[BATCH_RECORDS_MAX / 64];
};

struct route {
	struct expression *expressions; /* NULL, or as many as are opened */
	struct rows *rows;              /* one for each, then one for those that none matched */
	size_t count;
};

/* ---- the topology ---- */

static const char unmatched[] = "_unmatched";

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static void check_name(const struct text *name, struct problems *problems)
{
	bool good = name->length > 0 && name->length <= ROUTE_NAME_MAX && name->bytes[0] != '_';
	for (size_t i = 0; i < name->length; i++)
		good = good && is_name_byte(name->bytes[i]);
	if (!good)
		problem_add(
		    problems, name->at,
		    "`%s` can't name an output; take up to %d letters, digits and `_`, no `_` "
		    "first",
		    excerpt_of(name->bytes, name->length, name->secret).text, ROUTE_NAME_MAX);
}

static void route_check(const void *options, struct place at, struct problems *problems)
{
	const struct text_map *routes = &((const struct route_options *)options)->routes;
	(void)at;
	for (size_t i = 0; i < routes->count; i++) {
		const struct text *name = &routes->items[i].name;
		struct excerpt shown = excerpt_of(name->bytes, name->length, name->secret);
		check_name(name, problems);
		expression_check(&routes->items[i].value, VALUE_BOOL, shown.text, problems);
	}
}

static const char *route_output_name(const void *options, size_t number)
{
	const struct text_map *routes = &((const struct route_options *)options)->routes;
	if (number < routes->count)
		return routes->items[number].name.bytes;
	return number == routes->count ? unmatched : NULL;
}

static int route_output(const void *options, const char *name, size_t length)
{
	const char *known;
	for (size_t i = 0; (known = route_output_name(options, i)); i++)
		if (strlen(known) == length && memcmp(known, name, length) == 0)
			return (int)i;
	return -1;
}

static void route_fields(const void *options, struct field_uses *uses)
{
	const struct text_map *routes = &((const struct route_options *)options)->routes;
	for (size_t i = 0; i < routes->count; i++)
		expression_declare(&routes->items[i].value, uses);
	failures_declare(uses);
}

static unsigned route_scratch(const void *options, size_t capacity, bool needs_all,
			      size_t *ret_capacity)
{
	(void)options;
	(void)needs_all;
	*ret_capacity = capacity;
	return 1;
}

static size_t route_memory(const void *options)
{
	const struct text_map *routes = &((const struct route_options *)options)->routes;
	return (routes->count + 1) * (sizeof(struct expression) + sizeof(struct rows));
}

/* ---- open, close ---- */

static int open_routes(struct route *route, const struct text_map *routes, const struct stage *s)
{
	route->rows = calloc(routes->count + 1, sizeof *route->rows);
	route->expressions = calloc(routes->count, sizeof *route->expressions);
	int r = route->rows && route->expressions ? 0 : -ENOMEM;
	while (r == 0 && route->count < routes->count) {
		size_t i = route->count++;
		r = expression_open(&route->expressions[i], &routes->items[i].value, s->fields);
	}
	return r;
}

static int route_open(struct stage *s)
{
	const struct route_options *o = s->options;
	struct route *route = s->state = calloc(1, sizeof *route);
	int r = route ? open_routes(route, &o->routes, s) : -ENOMEM;
	/* all compiled when the topology was checked, so it can only be memory */
	if (r < 0)
		env_say(s->env, SAY_ERROR, "route not prepared", "error=%s", strerror(-r));
	return r;
}

static void route_close(struct stage *s)
{
	struct route *route = s->state;
	for (size_t i = 0; route && i < route->count; i++)
		expression_close(&route->expressions[i]);
	if (route) {
		free(route->expressions);
		free(route->rows);
	}
	free(route);
	s->state = NULL;
}

/* ---- routing ---- */

static void add_row(struct rows *rows, uint16_t row)
{
	rows->bits[row / 64] |= UINT64_C(1) << row % 64;
}

static bool has_row(const struct rows *rows, uint16_t row)
{
	return rows->bits[row / 64] >> row % 64 & 1;
}

/* NULL, or why one of the expressions, the first, has no value. */
static const char *match(struct route *route, struct batch *b, uint32_t record)
{
	const char *why = NULL;
	bool any = false;
	for (size_t i = 0; i < route->count; i++) {
		struct value result;
		expression_eval(&route->expressions[i], b, record, &result);
		if (result.type != VALUE_BOOL && !why)
			why = result.type == VALUE_ERROR ? result.why : "not a bool";
		if (result.type != VALUE_BOOL || !result.b)
			continue;
		any = true;
		add_row(&route->rows[i], b->rows[record]);
	}
	if (!any)
		add_row(&route->rows[route->count], b->rows[record]);
	return why;
}

static void match_all(struct route *route, struct stage *s, struct batch *b,
		      struct failures *failures)
{
	memset(route->rows, 0, (route->count + 1) * sizeof *route->rows);
	batch_make_room(b, s->home);
	for (size_t i = 0; i < route->count; i++)
		expression_begin(&route->expressions[i], s, b);
	for (uint32_t i = 0; i < b->count; i++) {
		const char *why = match(route, b, i);
		if (why)
			failures_add(failures, i, why);
	}
}

static uint32_t count_rows(const struct rows *rows, const struct batch *b)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < b->count; i++)
		count += has_row(rows, b->rows[i]);
	return count;
}

static void keep_rows(const struct rows *rows, struct batch *b)
{
	struct sift sift;
	sift_begin(&sift, b);
	while (sift.passed < b->count)
		sift_next(&sift, has_row(rows, b->rows[sift.passed]));
	sift_end(&sift);
}

/* The next output, from that one on, to which some of the batch go and which somebody reads; count + 1: there is none. */
static size_t next_output(const struct route *route, const struct batch *b, struct outlet *out,
			  size_t from)
{
	while (from <= route->count && (!outlet_of(out, OUTPUT_NAMED + (unsigned)from) ||
					count_rows(&route->rows[from], b) == 0))
		from++;
	return from;
}

static void send(const struct rows *rows, struct outlet *out, size_t output, struct batch *b)
{
	keep_rows(rows, b);
	emit(outlet_of(out, OUTPUT_NAMED + (unsigned)output), &b);
}

/* The last one gets the batch itself. */
static void send_all(const struct route *route, struct stage *s, struct batch *b,
		     struct outlet *out)
{
	size_t output = next_output(route, b, out, 0);
	while (output <= route->count) {
		size_t next = next_output(route, b, out, output + 1);
		struct batch *part = next <= route->count ? batch_clone(s->home, b) : b;
		assert(part && "the plan counts a clone for each output");
		send(&route->rows[output], out, output, part);
		if (part == b)
			return;
		output = next;
	}
	batch_free(&b);
}

static int route_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	struct failures failures;
	int r = 0;
	if (b->count > 0) {
		batch_give_rows(b);
		failures_begin(&failures, s, b);
		match_all(s->state, s, b, &failures);
		r = failures_settle(&failures, &b, out);
	}
	if (b)
		send_all(s->state, s, b, out);
	return r;
}

const struct stage_type route_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "route",
	       .summary = "sends records to outputs by what expressions say of them",
	       .options = route_table,
	       .options_size = sizeof(struct route_options),
	       .check = route_check,
	       .output = route_output,
	       .output_name = route_output_name,
	       .no_main = true,
	       .has_failures = true,
	       .workers_max = 64},
    .open = route_open,
    .close = route_close,
    .transform_apply = route_apply,
    .memory = route_memory,
    .fields = route_fields,
    .scratch = route_scratch,
    .light = true,
    .stateless = true,
};
