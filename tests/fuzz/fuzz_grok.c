/* fuzz_grok.c - any text as what grok is to match, with two patterns of the user's own: it expands or says where it does not,
 * within bounds; what compiles matches the same records with all fields and with none.
 *
 *   the text up to a NUL; the pattern A up to a NUL; the pattern INT up to a NUL; then the record
 *
 * Layer: tests, libFuzzer. */
#include "stages/grok/grok.h"
#include "stages/field_type.h"
#include "stages/regex.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { INPUT_MAX = 2048, PARTS = 4, OWN = 2 };

struct part {
	char *bytes; /* a copy of its own, so that what is read past its end is found */
	size_t length;
};

static bool wants_none(const void *context, const char *field, size_t length)
{
	assert(!context && field && length > 0 && length <= GROK_FIELD_BYTES_MAX);
	return false;
}

static size_t length_of(const struct grok_wish *wish, int own)
{
	assert(own >= -1 && own < OWN);
	return own < 0 ? wish->length : wish->own[own].length;
}

static int expand(struct grok *g, const struct grok_wish *wish)
{
	struct grok_error error = {.own = OWN};
	int r = grok_expand(g, wish, &error);
	assert(r == 0 || r == -EINVAL);
	assert(g->length <= GROK_PATTERN_BYTES_MAX && g->field_count <= GROK_FIELDS_MAX);
	if (r < 0)
		assert(error.offset <= length_of(wish, error.own) && strlen(error.message) > 0);
	return r;
}

static void convert(const struct regex_span *s)
{
	static const char *(*const converts[])(const uint8_t *, size_t, struct value *) = {
	    field_to_string, field_to_int, field_to_float, field_to_bool};
	for (unsigned i = 0; i < sizeof converts / sizeof converts[0]; i++) {
		struct value v = {.type = VALUE_TYPES};
		const char *why = converts[i](s->bytes, s->length, &v);
		assert(why ? strlen(why) > 0 : v.type > VALUE_ERROR && v.type < VALUE_TYPES);
	}
}

/* As regex_capture(); -EINVAL: does not compile. */
static int match(const struct grok *g, const struct part *record)
{
	struct regex r;
	struct regex_error error;
	struct regex_span span = {NULL, 0};
	int result = regex_compile(&r, g->length ? g->pattern : "", g->length, GROK_SYNTAX, &error);
	if (result < 0) {
		assert(error.offset <= g->length);
		return result;
	}
	if (regex_name_count(&r) > 0)
		regex_want(&r, regex_name(&r, 0).name, regex_name(&r, 0).length, 0);
	if (regex_prepare(&r) < 0)
		return -ENOMEM;
	int found = regex_capture(&r, (const uint8_t *)record->bytes, record->length, &span);
	if (span.bytes)
		convert(&span);
	regex_release(&r);
	return found;
}

static void try(const struct grok_wish *wish, const struct part *record)
{
	struct grok all, none;
	struct grok_wish without = *wish;
	without.wants = wants_none;
	int r = expand(&all, wish);
	int other = expand(&none, &without);
	/* Without names it is shorter. */
	assert(other <= 0 && (r < 0 || other == 0));
	if (r == 0) {
		for (size_t i = 0; i <= all.length; i++)
			assert(grok_offset(&all, i) <= wish->length);
		int found = match(&all, record), same = match(&none, record);
		assert(found == same || found < 0 || same < 0);
	}
	grok_release(&all);
	grok_release(&none);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct part parts[PARTS] = {0};
	if (length > INPUT_MAX)
		return 0;
	const uint8_t *at = bytes, *end = bytes + length;
	for (int i = 0; i < PARTS; i++) {
		const uint8_t *nul =
		    i + 1 < PARTS && at < end ? memchr(at, 0, (size_t)(end - at)) : NULL;
		const uint8_t *stop = nul ? nul : end;
		parts[i].length = (size_t)(stop - at);
		parts[i].bytes = malloc(parts[i].length + !parts[i].length);
		assert(parts[i].bytes);
		if (parts[i].length)
			memcpy(parts[i].bytes, at, parts[i].length);
		at = nul ? nul + 1 : end;
	}
	const struct grok_own own[OWN] = {{"A", 1, parts[1].bytes, parts[1].length},
					  {"INT", 3, parts[2].bytes, parts[2].length}};
	try(
	    &(struct grok_wish){
		.text = parts[0].bytes, .length = parts[0].length, .own = own, .own_count = OWN},
	    &parts[3]);
	for (int i = 0; i < PARTS; i++)
		free(parts[i].bytes);
	return 0;
}
