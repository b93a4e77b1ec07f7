/* encode_template.c - records as text with fields in it, as a template says (template_text.h). */
#include "stages/encode/encode_format.h"
#include "stages/encode/template_text.h"

#include <errno.h>
#include <stdlib.h>

static void check_missing(const struct text *missing, struct problems *problems)
{
	for (size_t i = 0; i < missing->length; i++)
		if (missing->bytes[i] >= 0 && missing->bytes[i] < ' ') {
			problem_add(problems, missing->at,
				    "`missing` cannot hold a control character");
			return;
		}
}

static void template_check(const struct encoding_options *o, struct place at,
			   struct problems *problems)
{
	struct template_parts parts;
	check_missing(&o->missing, problems);
	if (!o->template.bytes) {
		problem_add(
		    problems, at,
		    "`encoding: {format: template}` needs `template`: text with {field} in it");
		return;
	}
	template_parts_parse(&parts, &o->template, problems);
	template_parts_release(&parts);
}

static void template_fields(const struct encoding_options *o, struct field_uses *uses)
{
	template_text_declare(&o->template, uses);
}

static int template_open(struct stage *s, void **ret_state)
{
	const struct encoding_options *o = s->options;
	struct template_text *t = *ret_state = calloc(1, sizeof *t);
	return t ? template_text_open(t, &o->template, &o->missing, s) : -ENOMEM;
}

static void template_close(void *state)
{
	template_text_close(state);
	free(state);
}

static void template_begin(void *state, const struct stage *s, struct batch *b)
{
	template_text_begin(state, s, b);
}

static const char *template_put(void *state, const struct batch *b, uint32_t record,
				struct writer *w, struct scratch scratch)
{
	template_text_put(state, b, record, w, scratch);
	return NULL;
}

const struct encode_format encode_template = {
    .uses_scratch = true,
    .check = template_check,
    .fields = template_fields,
    .open = template_open,
    .close = template_close,
    .begin = template_begin,
    .put = template_put,
};
