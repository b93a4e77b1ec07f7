#include "stages/encode/value_text.h"
#include "stages/encode/json_value.h"
#include "stages/json/json_text.h"

#include <errno.h>
#include <math.h>

static bool is_none(const struct value *v)
{
	if (v->type == VALUE_DOUBLE && v->form == VALUE_PLAIN)
		return !isfinite(v->d);
	return v->type == VALUE_MISSING || v->type == VALUE_ERROR || v->type == VALUE_NULL;
}

/* What JSON puts between quotes, or writes without. */
static int text_of_json(const struct value *v, struct scratch scratch, struct text_span *ret_text)
{
	struct writer w = {scratch.at, scratch.end, false};
	json_put_value(&w, v);
	if (w.is_full)
		return -ENOBUFS;
	*ret_text = text_span(scratch.at, w.at);
	if (ret_text->length >= 2 && scratch.at[0] == '"')
		*ret_text = text_span(scratch.at + 1, w.at - 1);
	return 0;
}

int value_text(const struct value *v, struct scratch scratch, struct text_span *ret_text)
{
	struct value text = *v;
	if (is_none(v))
		return -ENOENT;
	if (v->type == VALUE_STRING && v->form == VALUE_ESCAPED &&
	    json_decode_string(&text, &scratch) < 0)
		return -ENOBUFS;
	if (v->type != VALUE_STRING && v->type != VALUE_LIST && v->type != VALUE_MAP)
		return text_of_json(v, scratch, ret_text);
	*ret_text = (struct text_span){text.length ? text.bytes : (const uint8_t *)"", text.length};
	return 0;
}
