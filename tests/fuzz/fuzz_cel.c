/* fuzz_cel.c - any text as an expression, over fields of any bytes: it compiles or says where it does not, and then gives the
 * same value each time, in bounded memory, with a reason when there is none.
 *
 *   byte 0: size of the scratch; then the expression up to a NUL; the rest: the bytes of the fields `s`, `list` and `map`
 *
 * Layer: tests, libFuzzer. */
#include "stages/cel/cel.h"

#include "conf/suggest.h"
#include "stages/cel/cel_json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { INPUT_MAX = 4096, SCRATCH_UNIT = 64, FIELDS = 8 };

static const char *const names[FIELDS] = {"s", "e", "list", "map", "i", "n", "d", "a.b"};

static int column_of(void *context, const char *name, size_t length)
{
	(void)context;
	for (int i = 0; i < FIELDS; i++)
		if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0)
			return i;
	return -1;
}

static void consider(void *context, struct suggest *s)
{
	(void)context;
	for (int i = 0; i < FIELDS; i++)
		suggest_consider(s, names[i]);
}

static void set_fields(struct value fields[static FIELDS], const uint8_t *bytes, size_t length)
{
	struct value text = {.bytes = bytes, .length = (uint32_t)length, .type = VALUE_STRING};
	for (int i = 0; i < 4; i++)
		fields[i] = text;
	fields[1].form = VALUE_ESCAPED;
	fields[2].type = VALUE_LIST;
	fields[3].type = VALUE_MAP;
	fields[4] = (struct value){.i = (int64_t)length, .type = VALUE_INT};
	fields[5] = text;
	fields[5].type = VALUE_DOUBLE;
	fields[5].form = VALUE_DIGITS;
	fields[6] = (struct value){.d = 0.5, .type = VALUE_DOUBLE};
	fields[7] = (struct value){.type = VALUE_MISSING};
}

static void touch(const struct value *v)
{
	unsigned sum = 0;
	assert(v->type != VALUE_MISSING && v->type < VALUE_TYPES && v->form <= VALUE_DIGITS);
	if (v->type == VALUE_ERROR)
		assert(v->why && strlen(v->why) > 0);
	else if (v->type == VALUE_STRING || v->type >= VALUE_BYTES || v->form != VALUE_PLAIN)
		for (uint32_t i = 0;
		     v->type != VALUE_TIMESTAMP && v->type != VALUE_DURATION && i < v->length; i++)
			sum += v->bytes[i];
	(void)*(volatile unsigned *)&sum;
}

static bool same_bytes(const struct value *a, const struct value *b)
{
	if (a->type != b->type || a->form != b->form || a->length != b->length)
		return false;
	bool text = a->type == VALUE_STRING || a->type == VALUE_BYTES || a->type == VALUE_LIST ||
		    a->type == VALUE_MAP || a->form != VALUE_PLAIN;
	return text ? !a->length || memcmp(a->bytes, b->bytes, a->length) == 0 : a->u == b->u;
}

static void evaluate(const struct cel_program *p, const uint8_t *bytes, size_t length, size_t size)
{
	struct value fields[FIELDS], first, second;
	const struct value *columns[FIELDS];
	struct cel_runner r;
	uint8_t *room = malloc(2 * size + 1);
	assert(room && cel_runner_init(&r, p) == 0);
	struct scratch one = {room, room + size}, other = {room + size, room + 2 * size};
	set_fields(fields, bytes, length);
	for (int i = 0; i < FIELDS; i++)
		columns[i] = &fields[i];
	cel_eval(&r, columns, 0, &one, &first);
	touch(&first);
	assert(p->type == CEL_DYN || p->type == first.type || first.type == VALUE_ERROR);
	cel_eval(&r, columns, 0, &other, &second);
	assert(same_bytes(&first, &second));
	cel_runner_release(&r);
	free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static const struct cel_names known = {.column = column_of, .consider = consider};
	struct cel_program p;
	struct cel_error error;
	if (length < 2 || length > INPUT_MAX)
		return 0;
	/* What is read past the end of either is found. */
	const uint8_t *text_end = memchr(bytes + 1, 0, length - 1);
	size_t text = (text_end ? (size_t)(text_end - bytes) : length) - 1;
	size_t rest = text_end ? length - text - 2 : 0;
	char *expression = malloc(text + 1);
	uint8_t *data = malloc(rest + 1);
	assert(expression && data);
	memcpy(expression, bytes + 1, text);
	memcpy(data, bytes + length - rest, rest);
	int result = cel_program_init(&p, expression, text, &known, &error);
	free(expression);
	if (result == 0)
		evaluate(&p, data, rest, (size_t)bytes[0] * SCRATCH_UNIT);
	else
		assert(error.offset <= text && strlen(error.message) > 0);
	cel_program_release(&p);
	free(data);
	return 0;
}
