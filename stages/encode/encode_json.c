/* encode_json.c - records as JSON, one object on one line: all fields there are, or those that are listed. */
#include "stages/encode/chosen_fields.h"
#include "stages/encode/encode_format.h"
#include "stages/encode/json_record.h"
#include "stages/field_names.h"

#include <errno.h>
#include <stdlib.h>

struct json_state {
	struct json_record record;
	struct chosen_fields chosen; /* count 0: all there are */
};

static void json_check(const struct encoding_options *o, struct place at, struct problems *problems)
{
	(void)at;
	field_names_check(o->fields.items, o->fields.count, sizeof *o->fields.items, problems);
}

static void json_fields(const struct encoding_options *o, struct field_uses *uses)
{
	uses->reads_all = o->fields.count == 0;
	chosen_fields_declare(&o->fields, uses);
}

static int open_record(struct json_state *j, const struct stage *s)
{
	unsigned columns[COLUMNS_MAX];
	if (j->chosen.count == 0)
		return json_record_open(&j->record, s);
	for (size_t i = 0; i < j->chosen.count; i++)
		columns[i] = j->chosen.list[i].column;
	return json_record_open_listed(&j->record, s->fields, columns, j->chosen.count);
}

static int json_open(struct stage *s, void **ret_state)
{
	const struct encoding_options *o = s->options;
	struct json_state *j = *ret_state = calloc(1, sizeof *j);
	int r = j ? chosen_fields_open(&j->chosen, &o->fields, s->fields) : -ENOMEM;
	return r < 0 ? r : open_record(j, s);
}

static void json_close(void *state)
{
	struct json_state *j = state;
	json_record_close(&j->record);
	chosen_fields_close(&j->chosen);
	free(j);
}

static void json_begin(void *state, const struct stage *s, struct batch *b)
{
	struct json_state *j = state;
	chosen_fields_begin(&j->chosen, s, b);
	json_record_begin(&j->record, b);
	for (size_t i = 0; i < j->chosen.count; i++)
		json_record_take(&j->record, j->chosen.list[i].column, j->chosen.list[i].values);
}

static bool json_stands(const void *state, const struct batch *b, uint32_t record)
{
	const struct json_state *j = state;
	return json_record_stands(&j->record, b, record);
}

static const char *json_put(void *state, const struct batch *b, uint32_t record, struct writer *w,
			    struct scratch scratch)
{
	struct json_state *j = state;
	(void)scratch;
	return json_record_put(&j->record, b, record, w);
}

const struct encode_format encode_json = {
    .check = json_check,
    .fields = json_fields,
    .open = json_open,
    .close = json_close,
    .begin = json_begin,
    .stands = json_stands,
    .put = json_put,
};
