#include "stages/aggregate_function.h"
#include "stages/json/json_number.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

struct reading {
	const char *text;
	size_t length, at;
	struct aggregate_mistake *mistake;
};

static int refuse(struct reading *r, size_t offset, const char *why)
{
	*r->mistake = (struct aggregate_mistake){.why = why, .offset = offset};
	return -EINVAL;
}

static void pass_spaces(struct reading *r)
{
	while (r->at < r->length && r->text[r->at] == ' ')
		r->at++;
}

static bool passes(struct reading *r, char c)
{
	pass_spaces(r);
	bool is_there = r->at < r->length && r->text[r->at] == c;
	r->at += is_there;
	return is_there;
}

/* Up to a space or what ends an argument. */
static size_t read_word(struct reading *r, const char **ret_word)
{
	pass_spaces(r);
	size_t from = r->at;
	while (r->at < r->length && r->text[r->at] && !strchr(" (),", r->text[r->at]))
		r->at++;
	*ret_word = r->text + from;
	return r->at - from;
}

static int read_kind(struct reading *r, enum aggregate_kind *ret_kind)
{
	static const char *const names[AGGREGATE_KINDS] = {
	    "count", "sum", "min", "max", "avg", "quantile",
	};
	const char *word;
	size_t length = read_word(r, &word);
	for (unsigned i = 0; i < AGGREGATE_KINDS; i++)
		if (strlen(names[i]) == length && memcmp(names[i], word, length) == 0) {
			*ret_kind = (enum aggregate_kind)i;
			return 0;
		}
	return refuse(r, (size_t)(word - r->text),
		      "no such function; there are count, count(FIELD), sum(FIELD), min(FIELD), "
		      "max(FIELD), avg(FIELD) and quantile(FIELD, Q)");
}

static int read_q(struct reading *r, double *ret_q)
{
	char padded[64] = "";
	const char *word;
	enum value_type type;
	if (!passes(r, ','))
		return refuse(r, r->at, "which quantile? such as quantile(ms, 0.99)");
	size_t length = read_word(r, &word), offset = (size_t)(word - r->text);
	if (length >= sizeof padded)
		return refuse(r, offset, "no number between 0 and 1");
	memcpy(padded, word, length);
	const uint8_t *digits = (const uint8_t *)padded;
	struct value v = {.bytes = digits, .length = (uint32_t)length, .form = VALUE_DIGITS};
	if (json_number_end(digits, digits + length + 1, &type) != digits + length)
		return refuse(r, offset, "no number between 0 and 1");
	v.type = VALUE_DOUBLE;
	if (json_decode_number(&v) < 0 || v.d < 0 || v.d > 1)
		return refuse(r, offset, "no number between 0 and 1");
	*ret_q = v.d;
	return 0;
}

static int read_arguments(struct reading *r, struct aggregate_function *f)
{
	f->field_length = read_word(r, &f->field);
	if (f->field_length == 0)
		return refuse(r, r->at, "the name of a field is missing");
	int bad = f->kind == AGGREGATE_QUANTILE ? read_q(r, &f->q) : 0;
	if (bad < 0)
		return bad;
	return passes(r, ')') ? 0 : refuse(r, r->at, "`)` is missing");
}

int aggregate_function_parse(const struct text *text, struct aggregate_function *ret_function,
			     struct aggregate_mistake *ret_mistake)
{
	struct reading r = {.text = text->bytes, .length = text->length, .mistake = ret_mistake};
	struct aggregate_function f = {.field = NULL};
	int bad = read_kind(&r, &f.kind);
	if (bad < 0)
		return bad;
	if (passes(&r, '('))
		bad = read_arguments(&r, &f);
	else if (f.kind != AGGREGATE_COUNT)
		bad = refuse(&r, r.at, "`(` and the name of a field are missing");
	if (bad < 0)
		return bad;
	pass_spaces(&r);
	if (r.at < r.length)
		return refuse(&r, r.at, "nothing may follow the function");
	*ret_function = f;
	return 0;
}
