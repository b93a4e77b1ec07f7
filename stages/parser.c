#include "stages/parser.h"
#include "conf/excerpt.h"
#include "conf/suggest.h"
#include "stages/json/json_text.h"
#include "stages/known.h"
#include "stages/sift.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the plan ---- */

static void check_type(const struct text *type, struct problems *problems)
{
	struct suggest suggest;
	if (field_type_find(type->bytes, type->length) >= 0)
		return;
	suggest_init(&suggest, type->bytes, type->length);
	for (size_t i = FIELD_TYPE_STRING; field_type_names[i]; i++)
		suggest_consider(&suggest, field_type_names[i]);
	problem_add(problems, type->at,
		    "no type `%s`; there is string, int, float, bool and timestamp%s%s%s",
		    excerpt_of(type->bytes, type->length, type->secret).text,
		    suggest.best ? "; did you mean `" : "", suggest.best ? suggest.best : "",
		    suggest.best ? "`?" : "");
}

void parser_check(const struct parser_options *o, struct problems *problems)
{
	for (size_t i = 0; i < o->types.count; i++)
		check_type(&o->types.items[i].value, problems);
	time_options_check(&o->time, problems);
}

const struct text *parser_zone(const void *options)
{
	const struct parser_options *o = options;
	return &o->time.zone;
}

/* How a field is spoken of: fields_read(), fields_write(), ... */
typedef int speak_of(struct field_uses *uses, const char *name, size_t length);

static void declare(const struct parser_options *o, struct field_uses *uses, speak_of *speak,
		    const char *name, size_t length)
{
	char *whole = malloc(o->prefix.length + length + 1);
	if (!whole) {
		uses->error = -ENOMEM;
		return;
	}
	if (o->prefix.length > 0)
		memcpy(whole, o->prefix.bytes, o->prefix.length);
	memcpy(whole + o->prefix.length, name, length);
	speak(uses, whole, o->prefix.length + length);
	free(whole);
}

void parser_declare(const struct parser_options *o, struct field_uses *uses)
{
	if (!parser_parses_body(o))
		fields_read_named(uses, &o->field);
	for (size_t i = 0; i < o->types.count; i++)
		declare(o, uses, fields_write, o->types.items[i].name.bytes,
			o->types.items[i].name.length);
	if (o->time.field.bytes) {
		declare(o, uses, fields_read, o->time.field.bytes, o->time.field.length);
		fields_write_known(uses, FIELD_RECORD_TIME);
	}
	failures_declare(uses);
}

void parser_declare_field(const struct parser_options *o, struct field_uses *uses, const char *name,
			  size_t length)
{
	declare(o, uses, fields_find_in, name, length);
}

void parser_declare_object(const struct parser_options *o, struct field_uses *uses)
{
	fields_write_object(uses, o->prefix.bytes ? o->prefix.bytes : "", o->prefix.length);
}

void parser_declare_time(const struct parser_options *o, struct field_uses *uses)
{
	if (!o->time.field.bytes)
		fields_write_known(uses, FIELD_RECORD_TIME);
}

size_t parser_room(const struct parser_options *o, size_t capacity)
{
	return parser_parses_body(o) ? 0 : capacity;
}

/* ---- which fields ---- */

/* An encoder below finds in the object whatever nobody speaks of. */
static bool is_wanted(const struct stage *s, const struct field *f, unsigned column)
{
	return column_set_has(s->needed, column) || (s->needs_all && f->is_written);
}

static bool has_prefix(const struct field *f, const struct text *prefix)
{
	return f->length > prefix->length &&
	       (prefix->length == 0 || memcmp(f->name, prefix->bytes, prefix->length) == 0);
}

static bool is_called(const struct parser_slot *slot, const struct text *name)
{
	return slot->length == name->length && memcmp(slot->name, name->bytes, name->length) == 0;
}

static enum field_type type_of(const struct parser_options *o, const struct parser_slot *slot)
{
	for (size_t i = 0; i < o->types.count; i++) {
		const struct text_pair *t = &o->types.items[i];
		if (is_called(slot, &t->name))
			return (enum field_type)field_type_find(t->value.bytes, t->value.length);
	}
	return FIELD_TYPE_AS_FOUND;
}

static void take_slot(struct parser *p, const struct field *f, unsigned column)
{
	const struct parser_options *o = p->options;
	struct parser_slot slot = {.name = f->name + o->prefix.length,
				   .length = f->length - o->prefix.length,
				   .column = column};
	bool is_time = o->time.field.bytes && is_called(&slot, &o->time.field);
	if (!is_wanted(p->stage, f, column) && !is_time)
		return;
	slot.type = type_of(o, &slot);
	p->has_types |= slot.type != FIELD_TYPE_AS_FOUND;
	if (is_time)
		p->time_slot = (int)p->slot_count;
	p->slots[p->slot_count++] = slot;
}

static void take_slots(struct parser *p, const struct fields *fields)
{
	for (unsigned c = 0; c < fields->count; c++) {
		const struct field *f = &fields->list[c];
		if (f->known < FIELD_RECORD_TIME && has_prefix(f, &p->options->prefix))
			take_slot(p, f, c);
	}
}

static bool some_are_changed(const struct fields *f)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->list[i].is_changed && f->list[i].known < FIELD_RECORD_TIME)
			return true;
	return false;
}

/* Of what it will say, whether `time` has it or the format. */
static int find_time_column(const struct parser *p)
{
	int column = fields_find_known(p->stage->fields, FIELD_RECORD_TIME);
	bool wanted = column >= 0 &&
		      (p->time_slot >= 0 || column_set_has(p->stage->needed, (unsigned)column));
	return wanted ? column : -1;
}

/* What the plan has counted; buffers that its home has for others are not to be taken. */
static bool has_room(const struct stage *s)
{
	size_t capacity;
	return s->type->scratch && s->type->scratch(s->options, 1, s->needs_all, &capacity) > 0;
}

int parser_open(struct parser *p, struct stage *s, const struct parser_options *o)
{
	size_t count = s->fields->count;
	*p = (struct parser){.stage = s,
			     .options = o,
			     .source = -1,
			     .object = -1,
			     .places = -1,
			     .time_slot = -1,
			     .time_column = -1};
	p->slots = calloc(count + 1, sizeof *p->slots);
	p->found = calloc(count + 1, sizeof *p->found);
	if (!p->slots || !p->found)
		return -ENOMEM;
	if (!parser_parses_body(o))
		p->source = fields_find(s->fields, o->field.bytes, o->field.length);
	if (s->needs_all)
		p->object = s->object;
	if (p->object >= 0 && o->prefix.length == 0 && some_are_changed(s->fields))
		p->places = p->object + 1;
	take_slots(p, s->fields);
	p->time_column = find_time_column(p);
	p->has_room = has_room(s);
	return time_reader_open(&p->time, s, &o->time);
}

void parser_close(struct parser *p)
{
	time_reader_close(&p->time);
	free(p->slots);
	free(p->found);
	*p = (struct parser){.slots = NULL};
}

int parser_slot(const struct parser *p, const char *name, size_t length)
{
	for (unsigned i = 0; i < p->slot_count; i++)
		if (p->slots[i].length == length && memcmp(p->slots[i].name, name, length) == 0)
			return (int)i;
	return -1;
}

/* ---- a batch ---- */

/* Nobody has filled the column so far: each record's row is written then, instead of all rows before. */
static void begin_slot(struct parser_slot *slot, struct batch *b)
{
	slot->is_first = !batch_has_column(b, slot->column);
	slot->values =
	    slot->is_first ? batch_column_unset(b, slot->column) : batch_column(b, slot->column);
}

static void begin(struct parser *p, struct batch *b)
{
	struct stage *s = p->stage;
	p->batch = b;
	batch_give_rows(b);
	if (p->has_room)
		batch_make_room(b, s->home);
	if (p->source >= 0) {
		p->sources = known_values(s, b, (unsigned)p->source);
	}
	for (unsigned i = 0; i < p->slot_count; i++)
		begin_slot(&p->slots[i], b);
	p->objects = p->object >= 0 ? batch_column(b, (unsigned)p->object) : NULL;
	p->all_places = p->places >= 0 ? batch_column(b, (unsigned)p->places) : NULL;
	p->times = p->time_column >= 0 ? batch_column(b, (unsigned)p->time_column) : NULL;
	failures_begin(&p->failures, s, b);
}

/* The text to be parsed, or why there is none. */
static const char *text_of(struct parser *p, uint32_t record, struct value *ret_text)
{
	struct batch *b = p->batch;
	if (p->source < 0) {
		*ret_text = (struct value){.bytes = b->bytes + b->records[record].offset,
					   .length = b->records[record].length,
					   .type = VALUE_STRING};
		return NULL;
	}
	*ret_text = p->sources[b->rows[record]];
	switch (ret_text->type) {
	case VALUE_STRING:
		if (ret_text->form == VALUE_ESCAPED && json_decode_string(ret_text, &b->room) < 0)
			return "out of room";
		return NULL;
	case VALUE_BYTES:
	case VALUE_MAP: /* its text, which is JSON */
		return NULL;
	case VALUE_MISSING:
		return "no such field";
	default:
		return "not a string";
	}
}

static void store(struct parser *p, uint32_t row)
{
	for (unsigned i = 0; i < p->slot_count; i++)
		if (p->slots[i].is_first || p->found[i].type != VALUE_MISSING)
			p->slots[i].values[row] = p->found[i];
	if (p->objects)
		p->objects[row] = p->found_object;
	if (p->all_places)
		p->all_places[row] = p->found_places;
	if (p->times && p->time_slot < 0 && p->found_time.type != VALUE_MISSING)
		p->times[row] = p->found_time;
}

static void store_nothing(struct parser *p, uint32_t row)
{
	for (unsigned i = 0; i < p->slot_count; i++)
		if (p->slots[i].is_first)
			p->slots[i].values[row] = (struct value){.type = VALUE_MISSING};
}

static const char *convert(struct parser *p)
{
	const char *why = NULL;
	for (unsigned i = 0; p->has_types && i < p->slot_count; i++) {
		enum field_type type = p->slots[i].type;
		const char *wrong = type == FIELD_TYPE_AS_FOUND
					? NULL
					: field_convert(&p->found[i], type, &p->batch->room);
		why = why ? why : wrong;
	}
	return why;
}

static const char *note_time(struct parser *p, uint32_t row)
{
	const struct value *said = p->time_slot < 0 ? NULL : &p->found[p->time_slot];
	int64_t ns;
	if (!said || said->type == VALUE_MISSING)
		return NULL;
	const char *why = time_reader_read(&p->time, p->batch->wall_ns, said, &ns);
	if (!why)
		p->times[row] = (struct value){.i = ns, .type = VALUE_TIMESTAMP};
	return why;
}

const char parser_no_record[] = "no record";

/* What is found goes to p->found. */
static const char *find(struct parser *p, uint32_t record, parse_one *parse, void *context)
{
	const char *why = text_of(p, record, &p->text);
	if (why)
		return why;
	memset(p->found, 0, p->slot_count * sizeof *p->found);
	p->found_object.type = p->found_places.type = p->found_time.type = VALUE_MISSING;
	return parse(p, context, &p->text);
}

static const char *parse_record(struct parser *p, uint32_t record, parse_one *parse, void *context)
{
	const uint32_t row = p->batch->rows[record];
	const char *why = find(p, record, parse, context);
	if (why) {
		store_nothing(p, row);
		return why;
	}
	const char *no_time = note_time(p, row);
	why = convert(p);
	store(p, row);
	return no_time ? no_time : why;
}

int parser_apply(struct parser *p, struct batch *b, struct outlet *out, parse_one *parse,
		 void *context)
{
	struct sift sift;
	begin(p, b);
	sift_begin(&sift, b);
	while (sift.passed < b->count) {
		p->record = sift.passed;
		const char *why = parse_record(p, sift.passed, parse, context);
		sift_next(&sift, why != parser_no_record);
		if (why && why != parser_no_record)
			failures_add(&p->failures, sift.kept - 1, why);
	}
	sift_end(&sift);
	int r = failures_settle(&p->failures, &b, out);
	if (b)
		emit(out, &b);
	return r;
}
