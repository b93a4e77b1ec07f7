/* parse_csv.c - finds the fields of records that are comma-separated values, by their order.
 *
 * The scanner is stages/text/csv_scan.h; here is what the fields are called. `names` says so, or with `header` the first record of each
 * file, the one that stands at its offset 0, whatever the others came through (stages/csv_headers.h). A record whose file's header
 * was never seen is refused: which record is the first one to come is not to be taken for which one is a header. */
#include "stages/builtin.h"
#include "stages/csv_headers.h"
#include "stages/json/json_object.h"
#include "stages/parser.h"
#include "stages/parser_names.h"
#include "stages/text/csv_scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct parse_csv_options {
	struct parser_options common;
	struct text_list names;
	bool header;
	struct text delimiter;
	bool strict;
	uint64_t max_files, max_bytes;
};

enum { BYTES_LEAST = 4096, BYTES_MOST = 64 << 20 };

static const struct option parse_csv_table[] = {
    PARSER_OPTIONS(struct parse_csv_options, common),
    {"names", OPTION_TEXTS, offsetof(struct parse_csv_options, names), .min = 1,
     .doc = "What the fields are called, in their order"},
    {"header", OPTION_BOOL, offsetof(struct parse_csv_options, header), .preset = "false",
     .doc = "The first record of each file says what its fields are called, and goes no further; "
	    "with `names` it is left out, and they hold"},
    {"delimiter", OPTION_TEXT, offsetof(struct parse_csv_options, delimiter), .preset = "\",\"",
     .min = 1, .max = 1, .doc = "The byte that separates them"},
    {"strict", OPTION_BOOL, offsetof(struct parse_csv_options, strict), .preset = "true",
     .doc =
	 "Refuse quotes where RFC 4180 has none, and records that have not as many fields as "
	 "there are "
	 "names, and headers with a name that is empty or comes twice; else such quotes are text, "
	 "missing fields are missing, more are left out, and so are those without a name; the "
	 "last of a name counts"},
    {"max_files", OPTION_COUNT, offsetof(struct parse_csv_options, max_files), .preset = "1024",
     .min = 1, .max = CSV_FILES_MOST,
     .doc = "header: of how many files it is remembered; of more, those are forgotten of which "
	    "nothing came for longest"},
    {"max_bytes", OPTION_SIZE, offsetof(struct parse_csv_options, max_bytes), .preset = "1MiB",
     .min = BYTES_LEAST, .max = BYTES_MOST,
     .doc = "header: how much is remembered of headers, each once for all files that have the "
	    "same; a longer one is refused"},
    {0},
};

struct parse_csv {
	struct parser parser;
	const struct parse_csv_options *options;
	int *slots; /* of the parser, by the field's number; -1: nobody wants it */
	/* Without names. */
	struct csv_headers headers;
	const struct csv_header *header; /* of the file of the batch at hand; NULL: not known */
	unsigned offsets;                /* the column of what is known of `offset` */
	bool said;                       /* that headers are forgotten */
};

/* Each file has a header, which says what fields are called. */
static bool is_named_by_files(const struct parse_csv_options *o)
{
	return o->header && o->names.count == 0;
}

static bool same_text(const struct text *a, const struct text *b)
{
	return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

/* Unless names come with the files. */
static void check_spoken_of(const struct parse_csv_options *o, struct problems *problems)
{
	struct parser_names names = {.list = NULL};
	for (size_t i = 0; i < o->names.count; i++)
		parser_names_add(&names, o->names.items[i].bytes, o->names.items[i].length);
	if (names.count > 0)
		parser_names_check(&names, &o->common, problems);
}

static void parse_csv_check(const void *options, struct place at, struct problems *problems)
{
	const struct parse_csv_options *o = options;
	parser_check(&o->common, problems);
	if (!o->header && o->names.count == 0)
		problem_add(problems, at,
			    "parse_csv needs `names`, what fields are called, or `header: true`");
	if (strchr("\"\r\n", o->delimiter.bytes[0]))
		problem_add(
		    problems, o->delimiter.at,
		    "`delimiter` is a quote, a line's end or NUL, which cannot separate fields");
	for (size_t i = 0; i < o->names.count; i++)
		for (size_t j = 0; j < i; j++)
			if (same_text(&o->names.items[i], &o->names.items[j])) {
				problem_add(problems, o->names.items[i].at,
					    "two fields are called the same");
				break;
			}
	check_spoken_of(o, problems);
}

static void parse_csv_fields(const void *options, struct field_uses *uses)
{
	const struct parse_csv_options *o = options;
	parser_declare(&o->common, uses);
	for (size_t i = 0; i < o->names.count; i++)
		parser_declare_field(&o->common, uses, o->names.items[i].bytes,
				     o->names.items[i].length);
	if (o->header)
		fields_read(uses, "offset", 6); /* that it is kept where records are made anew */
	if (is_named_by_files(o))
		parser_declare_object(&o->common, uses);
}

static const char *parse_csv_one_instance(const void *options)
{
	return is_named_by_files(options) ? "`header: true` without `names`" : NULL;
}

/* Quotes that are made one of two take less than they had. An object has the header's names for each record, however short that is:
 * there is room for a batch as it is read of files whose names are thirty times as long as their values. */
static unsigned parse_csv_scratch(const void *options, size_t capacity, bool needs_all,
				  size_t *ret_capacity)
{
	enum { GROWTH = 4, NAMES_ROOM = 8 << 20 };
	const struct parse_csv_options *o = options;
	*ret_capacity = parser_room(&o->common, capacity) + capacity;
	if (needs_all && is_named_by_files(o))
		*ret_capacity += GROWTH * capacity + NAMES_ROOM;
	return 1;
}

static size_t parse_csv_memory(const void *options)
{
	const struct parse_csv_options *o = options;
	size_t headers = is_named_by_files(o) ? csv_headers_memory(o->max_files, o->max_bytes) : 0;
	return sizeof(struct parse_csv) + o->names.count * sizeof(int) + headers;
}

/* ---- opening ---- */

static int find_slots(struct parse_csv *p)
{
	const struct text_list *names = &p->options->names;
	p->slots = calloc(names->count + 1, sizeof *p->slots);
	if (!p->slots)
		return -ENOMEM;
	for (size_t i = 0; i < names->count; i++)
		p->slots[i] =
		    parser_slot(&p->parser, names->items[i].bytes, names->items[i].length);
	return 0;
}

static int slot_called(void *parser, const uint8_t *name, size_t length)
{
	return parser_slot(parser, (const char *)name, length);
}

static int open_headers(struct parse_csv *p, const struct stage *s)
{
	const struct parse_csv_options *o = s->options;
	const struct csv_header_rules rules = {.files_max = (uint32_t)o->max_files,
					       .bytes_max = o->max_bytes,
					       .strict = o->strict,
					       .slot = slot_called,
					       .context = &p->parser};
	if (!is_named_by_files(o))
		return 0;
	return csv_headers_init(&p->headers, &rules, s->saved);
}

static int parse_csv_open(struct stage *s)
{
	const struct parse_csv_options *o = s->options;
	struct parse_csv *p = s->state = calloc(1, sizeof *p);
	int r = p ? parser_open(&p->parser, s, &o->common) : -ENOMEM;
	if (r == 0) {
		int offsets = fields_find_known(s->fields, FIELD_SEEN_OFFSET);
		p->offsets = offsets < 0 ? 0 : (unsigned)offsets;
		p->options = o;
		r = find_slots(p);
	}
	if (r == 0)
		r = open_headers(p, s);
	if (r < 0)
		env_say(s->env, SAY_ERROR,
			r == -EBADMSG ? "state is damaged" : "parser not prepared",
			"stage=%s error=%s", s->id, strerror(-r));
	return r;
}

static void parse_csv_close(struct stage *s)
{
	struct parse_csv *p = s->state;
	if (!p)
		return;
	if (is_named_by_files(s->options))
		csv_headers_release(&p->headers);
	free(p->slots);
	parser_close(&p->parser);
	free(p);
	s->state = NULL;
}

/* ---- a record ---- */

/* False: there is no room. */
static bool fill(struct parser *p, int slot, const struct csv_field *field)
{
	struct text_span text = field->text;
	if (slot < 0)
		return true;
	if (field->doubled) {
		uint8_t *to = scratch_take(&p->batch->room, text.length);
		if (!to)
			return false;
		text = text_span(to, to + csv_undouble(to, text));
	}
	p->found[slot] =
	    (struct value){.bytes = text.bytes, .length = text.length, .type = VALUE_STRING};
	return true;
}

static struct csv_scan scan_of(const struct parse_csv_options *o, const struct value *text)
{
	return csv_from(text->bytes, text->length, (uint8_t)o->delimiter.bytes[0], o->strict);
}

/* That it has so many fields, strictly. */
static const char *why_not_as_many(const struct parse_csv_options *o, const struct csv_scan *s,
				   size_t count, size_t names)
{
	if (s->why || !o->strict || count == names)
		return s->why;
	return count > names ? "more fields than names" : "fewer fields than names";
}

static const char *parse_by_names(struct parser *p, const struct parse_csv *csv,
				  const struct value *text)
{
	const struct parse_csv_options *o = csv->options;
	struct csv_scan s = scan_of(o, text);
	struct csv_field field;
	size_t count = 0;
	for (; csv_next(&s, &field) > 0; count++) {
		if (count >= o->names.count && o->strict)
			return "more fields than names";
		if (count < o->names.count && !fill(p, csv->slots[count], &field))
			return "out of room";
	}
	return why_not_as_many(o, &s, count, o->names.count);
}

static const char *parse_by_header(struct parser *p, const struct parse_csv *csv,
				   const struct value *text)
{
	const struct csv_header *h = csv->header;
	struct csv_scan s = scan_of(csv->options, text);
	struct csv_field field;
	size_t count = 0;
	for (; csv_next(&s, &field) > 0; count++) {
		if (count >= h->count && csv->options->strict)
			return "more fields than names";
		if (count < h->count && !fill(p, h->names[count].slot, &field))
			return "out of room";
	}
	return why_not_as_many(csv->options, &s, count, h->count);
}

static void add_member(struct json_object *o, const struct csv_name *name,
		       const struct csv_field *field)
{
	struct text_span text = field->text;
	json_object_name(o, name->bytes, name->length);
	if (!field->doubled) {
		json_object_string(o, text.bytes, text.length);
		return;
	}
	uint8_t *plain = o->full ? NULL : scratch_take(o->room, text.length);
	o->full = !plain;
	if (plain)
		json_object_made(o, plain, csv_undouble(plain, text));
}

/* A second time over the record, as the object is written in one piece. */
static const char *gather(struct parser *p, const struct parse_csv *csv, const struct value *text)
{
	const struct csv_header *h = csv->header;
	struct csv_scan s = scan_of(csv->options, text);
	struct csv_field field;
	struct json_object o = json_object_begin(&p->batch->room);
	for (size_t i = 0; i < h->count && !o.full && csv_next(&s, &field) > 0; i++)
		if (h->names[i].length > 0)
			add_member(&o, &h->names[i], &field);
	return json_object_end(&o, &p->found_object) < 0 ? "out of room" : NULL;
}

/* At the beginning of its file. */
static bool is_header(const struct parse_csv *csv, const struct parser *p)
{
	const struct batch *b = p->batch;
	if (b->has_place)
		return b->place + b->records[p->record].offset == 0;
	const struct value *offset = &batch_column_as_is(b, csv->offsets)[b->rows[p->record]];
	return offset->type == VALUE_INT && offset->form == VALUE_PLAIN && offset->i == 0;
}

/* One that is of no use is handed on as what it is: a record that could not be parsed. */
static const char *take_header(struct parser *p, struct parse_csv *csv, const struct value *text)
{
	if (!is_named_by_files(csv->options))
		return parser_no_record;
	csv->header = csv_headers_learn(&csv->headers, p->batch, text->bytes, text->length,
					(uint8_t)csv->options->delimiter.bytes[0]);
	if (!csv->header)
		return "out of room";
	return csv->header->why ? csv->header->why : parser_no_record;
}

static const char *parse(struct parser *p, void *context, const struct value *text)
{
	struct parse_csv *csv = context;
	if (csv->options->header && is_header(csv, p))
		return take_header(p, csv, text);
	if (!is_named_by_files(csv->options))
		return parse_by_names(p, csv, text);
	if (!csv->header)
		return "no header of its file is known";
	const char *why = csv->header->why;
	if (!why)
		why = parse_by_header(p, csv, text);
	if (!why && p->objects)
		why = gather(p, csv, text);
	return why;
}

static void say_if_short(struct parse_csv *p, struct stage *s)
{
	if (p->said || p->headers.forgotten == 0)
		return;
	p->said = true;
	env_say(s->env, SAY_WARN, "headers of more files than are remembered", "stage=%s action=%s",
		s->id,
		"records of those of which nothing came for longest are refused; give "
		"`max_files` or `max_bytes` more");
}

static int parse_csv_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	struct parse_csv *p = s->state;
	if (is_named_by_files(s->options))
		p->header = csv_headers_find(&p->headers, b);
	int r = parser_apply(&p->parser, b, out, parse, p);
	say_if_short(p, s);
	return r;
}

/* ---- epochs ---- */

static int parse_csv_snapshot(struct stage *s, struct delta *d)
{
	struct parse_csv *p = s->state;
	return is_named_by_files(s->options) ? csv_headers_snapshot(&p->headers, d) : 0;
}

static int parse_csv_tell(const void *options, const struct delta *saved, struct teller *t)
{
	uint64_t files;
	(void)options;
	int r = csv_headers_told(saved, &files);
	if (r < 0 || files == 0)
		return r;
	teller_thing(t, "state", "headers");
	teller_number(t, "files", files);
	return 0;
}

const struct stage_type parse_csv_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "parse_csv",
	       .summary = "finds fields in records that are comma-separated values",
	       .options = parse_csv_table,
	       .options_size = sizeof(struct parse_csv_options),
	       .check = parse_csv_check,
	       .has_failures = true,
	       .workers_max = 64},
    .zone = parser_zone,
    .open = parse_csv_open,
    .close = parse_csv_close,
    .transform_apply = parse_csv_apply,
    .snapshot = parse_csv_snapshot,
    .tell = parse_csv_tell,
    .fields = parse_csv_fields,
    .scratch = parse_csv_scratch,
    .memory = parse_csv_memory,
    .light = true,
    .stateless = true,
    .one_instance = parse_csv_one_instance,
};
