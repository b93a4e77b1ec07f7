/* parse_syslog.c - finds the fields of records that are syslog messages.
 *
 * The scanner is stages/text/syslog_scan.h; here is which of its parts go where. */
#include "stages/builtin.h"
#include "stages/json/json_object.h"
#include "stages/syslog_parsing.h"
#include "stages/text/syslog_data.h"
#include "stages/text/syslog_scan.h"
#include "stages/time/syslog_time.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const syslog_formats[] = {"auto", "rfc3164", "rfc5424", NULL};

static const struct option parse_syslog_table[] = {
    PARSER_OPTIONS(struct syslog_parsing_options, common),
    SYSLOG_PARSING_ROWS(0),
    {0},
};

enum part {
	FACILITY,
	SEVERITY,
	FACILITY_CODE,
	SEVERITY_CODE,
	TIMESTAMP,
	HOSTNAME,
	APPNAME,
	PROCID,
	MSGID,
	STRUCTURED_DATA,
	MESSAGE,
	PARTS,
};

static const char *const part_names[PARTS] = {
    "facility", "severity", "facility_code", "severity_code",   "timestamp", "hostname",
    "appname",  "procid",   "msgid",         "structured_data", "message",
};

/* `structured_data.ID` or `structured_data.ID.name`; an ID may have dots in it. */
struct data_path {
	const uint8_t *bytes; /* of what comes behind the first dot */
	size_t length;
	unsigned slot;
};

struct parse_syslog {
	struct parser parser;
	enum syslog_format format;
	struct syslog_time time;
	int slots[PARTS]; /* -1: nobody wants it */
	struct data_path *paths;
	unsigned path_count;
};

static void parse_syslog_check(const void *options, struct place at, struct problems *problems)
{
	const struct syslog_parsing_options *o = options;
	(void)at;
	parser_check(&o->common, problems);
}

static void parse_syslog_fields(const void *options, struct field_uses *uses)
{
	const struct syslog_parsing_options *o = options;
	parser_declare(&o->common, uses);
	for (unsigned i = 0; i < PARTS; i++)
		parser_declare_field(&o->common, uses, part_names[i], strlen(part_names[i]));
	parser_declare_time(&o->common, uses);
}

static const struct text *parse_syslog_zone(const void *options)
{
	const struct syslog_parsing_options *o = options;
	return o->common.time.field.bytes ? parser_zone(options) : &o->zone;
}

/* Structured data as JSON, and parameters of it without their escapes: ` a="b"` becomes `"a":"b",`. */
static unsigned parse_syslog_scratch(const void *options, size_t capacity, bool needs_all,
				     size_t *ret_capacity)
{
	enum { GROWTH = 4 };
	const struct syslog_parsing_options *o = options;
	(void)needs_all;
	*ret_capacity = parser_room(&o->common, capacity) + GROWTH * capacity;
	return 1;
}

/* ---- opening ---- */

static void take_path(struct parse_syslog *p, unsigned slot)
{
	static const char before[] = "structured_data.";
	const struct parser_slot *s = &p->parser.slots[slot];
	const size_t skip = sizeof before - 1;
	if (s->length <= skip || memcmp(s->name, before, skip) != 0)
		return;
	p->paths[p->path_count++] = (struct data_path){
	    .bytes = (const uint8_t *)s->name + skip, .length = s->length - skip, .slot = slot};
}

static int find_slots(struct parse_syslog *p)
{
	for (unsigned i = 0; i < PARTS; i++)
		p->slots[i] = parser_slot(&p->parser, part_names[i], strlen(part_names[i]));
	p->paths = calloc(p->parser.slot_count + 1, sizeof *p->paths);
	if (!p->paths)
		return -ENOMEM;
	for (unsigned i = 0; i < p->parser.slot_count; i++)
		take_path(p, i);
	return 0;
}

static int parse_syslog_open(struct stage *s)
{
	const struct syslog_parsing_options *o = s->options;
	struct parse_syslog *p = s->state = calloc(1, sizeof *p);
	int r = p ? parser_open(&p->parser, s, &o->common) : -ENOMEM;
	if (r == 0) {
		p->format = (enum syslog_format)o->format;
		r = find_slots(p);
	}
	if (r == 0)
		r = syslog_time_open(&p->time, s->env, o->zone.bytes, o->zone.length);
	if (r < 0)
		env_say(s->env, SAY_ERROR, "parser not prepared", "error=%s", strerror(-r));
	return r;
}

static void parse_syslog_close(struct stage *s)
{
	struct parse_syslog *p = s->state;
	if (!p)
		return;
	free(p->paths);
	syslog_time_close(&p->time);
	parser_close(&p->parser);
	free(p);
	s->state = NULL;
}

/* ---- structured data ---- */

static void add_value(struct json_object *o, const struct syslog_piece *param)
{
	const struct text_span *v = &param->value;
	if (!param->escaped) {
		json_object_string(o, v->bytes, v->length);
		return;
	}
	uint8_t *plain = o->full ? NULL : scratch_take(o->room, v->length);
	o->full = !plain;
	if (plain)
		json_object_made(o, plain, syslog_data_unescape(plain, *v));
}

/* Those of one element. What syslog_data_next() has said of what follows them, which is in *piece. */
static int add_params(struct json_object *o, struct syslog_data *d, struct syslog_piece *piece)
{
	int r;
	while ((r = syslog_data_next(d, piece)) > 0 && !piece->is_element) {
		json_object_name(o, piece->name.bytes, piece->name.length);
		add_value(o, piece);
	}
	return r;
}

/* {"ID":{"name":"value",...},...}. False: there is no room. */
static bool write_all(struct scratch *room, struct text_span data, struct value *ret)
{
	struct syslog_data d = syslog_data_from(data.bytes, data.length);
	struct syslog_piece piece;
	struct json_object o = json_object_begin(room);
	int r = syslog_data_next(&d, &piece);
	while (r > 0 && !o.full) {
		json_object_name(&o, piece.name.bytes, piece.name.length);
		json_object_open(&o);
		r = add_params(&o, &d, &piece);
		json_object_close(&o);
	}
	return json_object_end(&o, ret) == 0;
}

static bool is_same(const struct text_span *name, const uint8_t *bytes, size_t length)
{
	return name->length == length && memcmp(name->bytes, bytes, length) == 0;
}

/* The element that the path is the ID of, {"name":"value",...}; of several the last one. */
static bool find_element(struct scratch *room, struct text_span data, const struct data_path *path,
			 struct value *ret)
{
	struct syslog_data d = syslog_data_from(data.bytes, data.length);
	struct syslog_piece piece;
	int r = syslog_data_next(&d, &piece);
	while (r > 0) {
		if (!piece.is_element || !is_same(&piece.name, path->bytes, path->length)) {
			r = syslog_data_next(&d, &piece);
			continue;
		}
		struct json_object o = json_object_begin(room);
		r = add_params(&o, &d, &piece);
		if (json_object_end(&o, ret) < 0)
			return false;
	}
	return true;
}

/* What the path has behind `ID.`; NULL: it does not begin with that. */
static const uint8_t *path_below(const struct data_path *path, const struct text_span *id)
{
	bool below = path->length > id->length + 1 && path->bytes[id->length] == '.' &&
		     memcmp(path->bytes, id->bytes, id->length) == 0;
	return below ? path->bytes + id->length + 1 : NULL;
}

static bool fill_value(struct scratch *room, const struct syslog_piece *param, struct value *ret)
{
	struct text_span text = param->value;
	if (param->escaped) {
		uint8_t *to = scratch_take(room, text.length);
		if (!to)
			return false;
		text = text_span(to, to + syslog_data_unescape(to, text));
	}
	*ret = (struct value){.bytes = text.bytes, .length = text.length, .type = VALUE_STRING};
	return true;
}

/* The parameter that the path is of; of several the last one in the last element that has the ID. */
static bool find_param(struct scratch *room, struct text_span data, const struct data_path *path,
		       struct value *ret)
{
	struct syslog_data d = syslog_data_from(data.bytes, data.length);
	struct syslog_piece piece;
	const uint8_t *end = path->bytes + path->length, *below = NULL;
	while (syslog_data_next(&d, &piece) > 0) {
		if (piece.is_element) {
			below = path_below(path, &piece.name);
			if (below)
				ret->type = VALUE_MISSING;
		} else if (below && is_same(&piece.name, below, (size_t)(end - below)) &&
			   !fill_value(room, &piece, ret)) {
			return false;
		}
	}
	return true;
}

static bool find_path(struct parser *p, struct text_span data, const struct data_path *path)
{
	struct scratch *room = &p->batch->room;
	struct value *found = &p->found[path->slot];
	return find_param(room, data, path, found) && find_element(room, data, path, found);
}

static const char *fill_data(struct parse_syslog *s, struct parser *p, struct text_span data)
{
	if (!data.bytes)
		return NULL;
	int whole = s->slots[STRUCTURED_DATA];
	if (whole >= 0 && !write_all(&p->batch->room, data, &p->found[whole]))
		return "out of room";
	for (unsigned i = 0; i < s->path_count; i++)
		if (!find_path(p, data, &s->paths[i]))
			return "out of room";
	return NULL;
}

/* ---- parsing ---- */

static void fill_text(const struct parse_syslog *s, struct parser *p, enum part part,
		      struct text_span text)
{
	if (s->slots[part] >= 0 && text.bytes)
		p->found[s->slots[part]] = (struct value){
		    .bytes = text.bytes, .length = text.length, .type = VALUE_STRING};
}

static void fill_name(const struct parse_syslog *s, struct parser *p, enum part part,
		      const char *name)
{
	fill_text(s, p, part, (struct text_span){(const uint8_t *)name, (uint32_t)strlen(name)});
}

static void fill_code(const struct parse_syslog *s, struct parser *p, enum part part, int code)
{
	if (s->slots[part] >= 0)
		p->found[s->slots[part]] = (struct value){.i = code, .type = VALUE_INT};
}

static void fill_priority(const struct parse_syslog *s, struct parser *p, int priority)
{
	if (priority < 0)
		return;
	fill_name(s, p, FACILITY, syslog_facility(priority));
	fill_name(s, p, SEVERITY, syslog_severity(priority));
	fill_code(s, p, FACILITY_CODE, priority / 8);
	fill_code(s, p, SEVERITY_CODE, priority % 8);
}

/* A day that its month does not have says nothing; the record is of when it was read, then. */
static void fill_time(struct parse_syslog *s, struct parser *p, const struct syslog_parts *parts)
{
	struct value v = {.type = VALUE_TIMESTAMP};
	if (p->times && parts->timestamp.bytes &&
	    syslog_time_read(&s->time, parts->timestamp, &parts->stamp, p->batch->wall_ns, &v.i) ==
		0)
		p->found_time = v;
}

static const char *parse(struct parser *p, void *context, const struct value *text)
{
	struct parse_syslog *s = context;
	struct syslog_parts parts;
	const char *why;
	if (syslog_scan(s->format, text->bytes, text->length, &parts, &why) < 0)
		return why;
	fill_priority(s, p, parts.priority);
	fill_text(s, p, TIMESTAMP, parts.timestamp);
	fill_time(s, p, &parts);
	fill_text(s, p, HOSTNAME, parts.hostname);
	fill_text(s, p, APPNAME, parts.appname);
	fill_text(s, p, PROCID, parts.procid);
	fill_text(s, p, MSGID, parts.msgid);
	fill_text(s, p, MESSAGE, parts.message);
	return fill_data(s, p, parts.structured_data);
}

static int parse_syslog_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	struct parse_syslog *p = s->state;
	return parser_apply(&p->parser, b, out, parse, p);
}

const struct stage_type parse_syslog_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "parse_syslog",
	       .summary = "finds fields in records that are syslog messages",
	       .options = parse_syslog_table,
	       .options_size = sizeof(struct syslog_parsing_options),
	       .check = parse_syslog_check,
	       .has_failures = true,
	       .workers_max = 64},
    .open = parse_syslog_open,
    .close = parse_syslog_close,
    .transform_apply = parse_syslog_apply,
    .fields = parse_syslog_fields,
    .zone = parse_syslog_zone,
    .scratch = parse_syslog_scratch,
    .light = true,
    .stateless = true,
};

const struct stage_schema *syslog_parsing_companion(const struct syslog_parsing_options *o,
						    const void **ret_options)
{
	*ret_options = o;
	return &parse_syslog_type.schema;
}
