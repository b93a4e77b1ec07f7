/* lua.c - a script says what becomes of each record; for what the other transforms cannot say.
 *
 *	function process(record)
 *	  if record.status < 400 then return false end            -- dropped
 *	  record.level = 'error'                                   -- goes on as changed
 *	  return {{body = 'a'}, {body = 'b', level = missing}}     -- two of them, each like the record but for this
 *	end
 *
 * A batch is gone over in parts, each as much as is sure to fit into the buffers there are; a clone takes what was made, and the
 * rest waits for the next ones. How much text a record may become does not depend on what stands beside it: GROWTH times what it
 * has, and TEXT_BYTES. */
#include "conf/excerpt.h"
#include "stages/batch_list.h"
#include "stages/builtin.h"
#include "stages/failures.h"
#include "stages/field_names.h"
#include "stages/field_parts.h"
#include "stages/known.h"
#include "stages/lua/lua_outputs.h"
#include "stages/lua/lua_script.h"
#include "stages/lua/lua_view.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	GROWTH = 4,
	TEXT_BYTES = 64 << 10,
	/* Of a batch at a time, so that there are rows for what the next record becomes. */
	RECORDS_AT_ONCE = BATCH_RECORDS_MAX - LUA_PARTS_MAX,
};

#define QUIET_NS UINT64_C(10000000000) /* between two messages of scripts that failed */

struct lua_options {
	struct text source;
	struct file_of_text file;
	struct text_list fields, writes;
	uint64_t instructions, memory;
};

static const struct option lua_table[] = {
    {"source", OPTION_TEXT, offsetof(struct lua_options, source), .min = 1,
     .doc = "The script, which defines `function process(record)`"},
    {"file", OPTION_FILE, offsetof(struct lua_options, file), .min = 1,
     .doc = "Instead of `source`: the file that it stands in"},
    {"fields", OPTION_TEXTS, offsetof(struct lua_options, fields), .min = 1,
     .doc = "The fields that the script reads; `body`: the line"},
    {"writes", OPTION_TEXTS, offsetof(struct lua_options, writes), .min = 1,
     .doc = "The fields that it may set; `body`: the line, `time`: the record's time"},
    {"instructions", OPTION_COUNT, offsetof(struct lua_options, instructions), .preset = "100000",
     .min = 1000, .max = 1000000000,
     .doc = "How many it may take for one record; they count more where texts or tables are larger "
	    "than 64KiB"},
    {"memory", OPTION_SIZE, offsetof(struct lua_options, memory), .preset = "16MiB", .min = 1 << 20,
     .max = 256 << 20, .doc = "All that it may have at a time, for each worker"},
    {0},
};

struct lua_column {
	struct value *values, *times; /* of the batch at hand; times: of `time` */
	struct field_parts parts;
};

struct lua {
	struct stage *stage;
	struct lua_script script;
	struct lua_view view;
	struct lua_field *reads, *writes;
	struct lua_column *columns; /* of the writes */
	int body;                   /* its number among the writes; -1: it is left alone */
	bool last_stays;            /* something came of the record before */
	struct batch_list waiting;  /* what there was no room for */
	uint64_t said_ns;           /* when a failure was told; 0: none was */
	uint64_t unsaid;
	struct lua_outputs outputs;
};

/* ---- the topology ---- */

static const struct text *script_of(const struct lua_options *o)
{
	return o->file.path.bytes ? &o->file.content : &o->source;
}

static bool is_body(const struct text *name)
{
	return name->length == 4 && memcmp(name->bytes, "body", 4) == 0;
}

static bool same(const struct text *a, const struct text *b)
{
	return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

/* That it reads `user` and `user.id` is fine. */
static void check_reads(const struct text_list *fields, struct problems *problems)
{
	for (size_t i = 0; i < fields->count; i++)
		for (size_t j = 0; j < i; j++)
			if (same(&fields->items[i], &fields->items[j]))
				problem_add(problems, fields->items[i].at,
					    "`%s` stands twice; take one of them away",
					    excerpt_of(fields->items[i].bytes,
						       fields->items[i].length,
						       fields->items[i].secret)
						.text);
}

/* Of the line, from 1, of a script. */
static struct place line_of(const struct text *script, unsigned line)
{
	size_t at = 0;
	assert(script->bytes);
	while (line > 1 && at < script->length)
		line -= script->bytes[at++] == '\n';
	return text_place(script, at);
}

/* Names alone: nobody has columns yet. */
static struct lua_field *name_fields(const struct text_list *names)
{
	struct lua_field *fields = calloc(names->count + 1, sizeof *fields);
	for (size_t i = 0; fields && i < names->count; i++)
		fields[i] = (struct lua_field){.name = names->items[i].bytes,
					       .length = names->items[i].length};
	return fields;
}

static void check_script(const struct lua_options *o, struct problems *problems)
{
	const struct text *script = script_of(o);
	struct lua_script trial = {.state = NULL};
	struct lua_fault fault = {.text = ""};
	struct lua_view *view = calloc(1, sizeof *view);
	struct lua_field *reads = name_fields(&o->fields), *writes = name_fields(&o->writes);
	int r = view && reads && writes ? 0 : -ENOMEM;
	if (r == 0) {
		*view = (struct lua_view){.reads = reads,
					  .writes = writes,
					  .read_count = o->fields.count,
					  .write_count = o->writes.count};
		r = lua_script_open(&trial, view, script->bytes, script->length, o->instructions,
				    (size_t)o->memory, &fault);
	}
	if (r == -ENOMEM)
		problem_add(problems, script->at, "out of memory while loading the script");
	else if (r < 0)
		problem_add(problems, line_of(script, fault.line), "script: %s", fault.text);
	lua_script_close(&trial);
	free(reads);
	free(writes);
	free(view);
}

static void lua_check(const void *options, struct place at, struct problems *problems)
{
	const struct lua_options *o = options;
	size_t before = problems_total(problems);
	if (!o->source.bytes == !o->file.path.bytes)
		problem_add(problems, at,
			    "a script stands in `source` or in `file`; write one of them");
	if (o->fields.count > COLUMNS_MAX || o->writes.count > COLUMNS_MAX)
		problem_add(problems, at, "more than %d fields", COLUMNS_MAX);
	if (problems_total(problems) > before)
		return;
	check_reads(&o->fields, problems);
	field_names_check(o->writes.items, o->writes.count, sizeof *o->writes.items, problems);
	if (problems_total(problems) == before)
		check_script(o, problems);
}

static void lua_fields(const void *options, struct field_uses *uses)
{
	const struct lua_options *o = options;
	for (size_t i = 0; i < o->fields.count; i++)
		fields_read_named(uses, &o->fields.items[i]);
	for (size_t i = 0; i < o->writes.count; i++) {
		const struct text *name = &o->writes.items[i];
		int column = fields_find_in(uses, name->bytes, name->length);
		if (column >= 0 && uses->fields->list[column].known == FIELD_TIME)
			fields_write_known(uses, FIELD_RECORD_TIME);
	}
	failures_declare(uses);
}

/* One buffer for what a part of a batch is given for values, one for its lines. */
static unsigned lua_scratch(const void *options, size_t capacity, bool needs_all,
			    size_t *ret_capacity)
{
	(void)options;
	(void)needs_all;
	size_t most = UINT32_MAX - TEXT_BYTES;
	*ret_capacity = (capacity < most / GROWTH ? capacity * GROWTH : most) + TEXT_BYTES;
	return 2;
}

static size_t lua_memory(const void *options)
{
	return (size_t)((const struct lua_options *)options)->memory + sizeof(struct lua);
}

/* ---- open, close ---- */

static int find_columns(struct lua *l, struct lua_field *fields, size_t count)
{
	const struct fields *all = l->stage->fields;
	for (size_t i = 0; fields && i < count; i++) {
		int column = fields_find(all, fields[i].name, fields[i].length);
		assert(column >= 0 && "it was declared");
		fields[i].column = (unsigned)column;
		fields[i].known = all->list[column].known;
	}
	return fields ? 0 : -ENOMEM;
}

static int open_fields(struct lua *l, const struct lua_options *o)
{
	l->reads = name_fields(&o->fields);
	l->writes = name_fields(&o->writes);
	l->columns = calloc(o->writes.count + 1, sizeof *l->columns);
	int r = find_columns(l, l->reads, o->fields.count);
	if (r == 0)
		r = find_columns(l, l->writes, o->writes.count);
	if (r == 0 && !l->columns)
		r = -ENOMEM;
	l->view.reads = l->reads;
	l->view.writes = l->writes;
	l->view.read_count = o->fields.count;
	for (size_t i = 0; i < o->writes.count && r == 0; i++) {
		l->view.write_count++;
		if (is_body(&o->writes.items[i]))
			l->body = (int)i;
		r = field_parts_open(&l->columns[i].parts, l->stage->fields, l->writes[i].column);
	}
	return r;
}

static int open_script(struct lua *l)
{
	const struct lua_options *o = l->stage->options;
	const struct text *script = script_of(o);
	struct lua_fault fault = {.text = "out of memory"};
	int r = lua_script_open(&l->script, &l->view, script->bytes, script->length,
				o->instructions, (size_t)o->memory, &fault);
	if (r < 0)
		env_say(l->stage->env, SAY_ERROR, "script not loaded", "error=%s line=%u",
			fault.text, fault.line);
	return r;
}

static const char *add_part(struct lua_view *view, const struct lua_changes *changes);

static int lua_open_stage(struct stage *s)
{
	struct lua *l = s->state = calloc(1, sizeof *l);
	if (!l)
		return -ENOMEM;
	l->stage = s;
	l->body = -1;
	l->view.add_part = add_part;
	l->view.context = l;
	int r = open_fields(l, s->options);
	return r < 0 ? r : open_script(l);
}

static void lua_close_stage(struct stage *s)
{
	struct lua *l = s->state;
	if (!l)
		return;
	batch_list_drop(&l->waiting);
	lua_script_close(&l->script);
	for (size_t i = 0; l->columns && i < l->view.write_count; i++)
		field_parts_close(&l->columns[i].parts);
	free(l->columns);
	free(l->reads);
	free(l->writes);
	free(l);
	s->state = NULL;
}

/* ---- a record ---- */

static void assign(struct lua *l, const struct lua_changes *changes, uint16_t row)
{
	for (size_t i = 0; i < l->view.write_count; i++) {
		struct lua_column *c = &l->columns[i];
		if (!changes->is_set[i])
			continue;
		c->values[row] = changes->values[i];
		if (c->times)
			c->times[row] = changes->values[i];
		field_parts_set(&c->parts, row, &changes->values[i]);
	}
}

static bool sets_body(const struct lua *l, const struct lua_changes *changes)
{
	return l->body >= 0 && changes->is_set[l->body];
}

/* The record at hand as it is, with its line as it is to be. */
static struct lua_output output_of(const struct lua *l, const struct lua_changes *changes,
				   uint16_t row, uint32_t record)
{
	const struct batch *b = l->outputs.batch;
	struct lua_output o = {.body = b->bytes + b->records[record].offset,
			       .length = b->records[record].length,
			       .row = row};
	if (changes && sets_body(l, changes)) {
		o.body = changes->values[l->body].bytes;
		o.length = changes->values[l->body].length;
	}
	return o;
}

static const char *add_part(struct lua_view *view, const struct lua_changes *changes)
{
	struct lua *l = view->context;
	const struct lua_output like = output_of(l, changes, (uint16_t)view->row, view->record);
	size_t bytes = like.length + l->outputs.batch->delimiter.length;
	if (bytes > view->left)
		return "out of room";
	view->left -= bytes;
	struct lua_output part = like;
	part.row = outputs_copy_row(&l->outputs, like.row);
	assign(l, changes, part.row);
	outputs_add(&l->outputs, &part);
	return NULL;
}

/* The first one, then no more than one every so often, so that a log does not grow as fast as the records. */
static void tell(struct lua *l, const struct lua_fault *fault)
{
	struct env *env = l->stage->env;
	uint64_t now = env_now_ns(env);
	if (l->said_ns > 0 && now - l->said_ns < QUIET_NS) {
		l->unsaid++;
		return;
	}
	env_say(env, SAY_WARN, "script failed", "error=%s line=%u unsaid=%llu", fault->text,
		fault->line, (unsigned long long)l->unsaid);
	l->said_ns = now > 0 ? now : 1;
	l->unsaid = 0;
}

/* A script whose own globals fill its memory would fail for every record from now on. */
static void begin_anew_if_full(struct lua *l)
{
	if (l->script.state && l->script.heap.used <= l->script.heap.most / 2)
		return;
	lua_script_close(&l->script);
	if (open_script(l) < 0)
		lua_script_close(&l->script);
}

static bool run(struct lua *l, enum lua_verdict *ret_verdict, struct lua_fault *ret_fault)
{
	if (!l->script.state)
		begin_anew_if_full(l);
	if (l->script.state)
		return lua_script_process(&l->script, ret_verdict, ret_fault);
	*ret_fault = (struct lua_fault){.text = "not enough memory to load it again",
					.reason = "script out of memory"};
	return false;
}

static void fail(struct lua *l, uint32_t record, const struct lua_fault *fault)
{
	struct lua_output as_it_was = output_of(l, NULL, l->outputs.batch->rows[record], record);
	as_it_was.why = fault->reason;
	tell(l, fault);
	outputs_add(&l->outputs, &as_it_was);
	if (strcmp(fault->reason, "script out of memory") == 0)
		begin_anew_if_full(l);
}

/* What was said of it comes about. */
static void settle(struct lua *l, uint32_t record, enum lua_verdict verdict)
{
	const struct lua_changes *changes = &l->view.changes;
	uint16_t row = l->outputs.batch->rows[record];
	if (verdict == LUA_KEEP) {
		assign(l, changes, row);
		struct lua_output o = output_of(l, changes, row, record);
		outputs_add(&l->outputs, &o);
		l->outputs.is_rebuilt |= sets_body(l, changes);
	} else {
		outputs_free_row(&l->outputs, row);
		l->outputs.is_rebuilt |= verdict == LUA_PARTS;
	}
}

static bool fits(const struct lua *l, const struct batch *b, enum lua_verdict verdict)
{
	return b->held_count < BATCH_HELD_MAX ||
	       (verdict != LUA_PARTS && !sets_body(l, &l->view.changes));
}

static void process(struct lua *l, struct batch *b, uint32_t record, size_t left)
{
	static const struct lua_fault no_room = {.text = "out of room", .reason = "out of room"};
	struct lua_outputs *o = &l->outputs;
	struct lua_view *view = &l->view;
	uint8_t *room_before = b->room.at;
	uint32_t count = o->count;
	size_t bytes = o->bytes;
	enum lua_verdict verdict = LUA_KEEP;
	struct lua_fault fault;
	view->record = record;
	view->row = b->rows[record];
	view->left = left;
	if (view->changes.any)
		memset(view->changes.is_set, 0, view->write_count * sizeof(bool));
	view->changes.any = false;
	bool good = run(l, &verdict, &fault);
	if (good && fits(l, b, verdict)) {
		settle(l, record, verdict);
		l->last_stays = o->count > count;
		return;
	}
	outputs_undo(o, count, bytes);
	b->room.at = room_before;
	fail(l, record, good ? &no_room : &fault);
	l->last_stays = true;
}

/* ---- a batch ---- */

static void begin_batch(struct lua *l, struct batch *b)
{
	struct stage *s = l->stage;
	int said = fields_find_known(s->fields, FIELD_RECORD_TIME);
	batch_make_room(b, s->home);
	for (size_t i = 0; i < l->view.write_count; i++) {
		struct lua_column *c = &l->columns[i];
		c->values = batch_column(b, l->writes[i].column);
		c->times =
		    l->writes[i].known == FIELD_TIME ? batch_column(b, (unsigned)said) : NULL;
		field_parts_begin(&c->parts, b);
	}
	for (size_t i = 0; i < l->view.read_count; i++)
		l->view.columns[i] = known_values(s, b, l->reads[i].column);
	known_keep_offsets(s, b);
	l->view.room = &b->room;
	outputs_begin(&l->outputs, b);
}

/* All that this one may become has room beside what there is already. The first one has to go, whatever room there is. */
static bool has_room(const struct lua *l, const struct batch *b, uint32_t record, size_t *ret_left)
{
	const struct lua_outputs *o = &l->outputs;
	size_t capacity = l->stage->home->buffer_capacity;
	size_t own = (size_t)b->records[record].length * GROWTH + TEXT_BYTES;
	size_t room = (size_t)(b->room.end - b->room.at);
	*ret_left = own < capacity ? own : capacity;
	bool there_is = room >= *ret_left && capacity - o->bytes >= *ret_left &&
			o->rows_used + LUA_PARTS_MAX <= BATCH_RECORDS_MAX &&
			o->count + LUA_PARTS_MAX <= BATCH_RECORDS_MAX;
	return there_is || record == 0;
}

/* From the front; how many of the records. */
static uint32_t process_some(struct lua *l, struct batch *b)
{
	uint32_t i = 0;
	size_t left;
	begin_batch(l, b);
	while (i < b->count && has_room(l, b, i, &left))
		process(l, b, i++, left);
	return i;
}

/* What is left of it gets room of its own: that of the records before goes with them. */
static void give_up_room(struct batch *b, uint32_t held_before)
{
	while (b->held_count > held_before)
		buffer_let_go(b->held[--b->held_count]);
	b->room = (struct scratch){.at = NULL};
}

static int hand_on(struct lua *l, struct batch *b, struct outlet *out)
{
	struct failures failures;
	struct stage *s = l->stage;
	struct buffer *text = l->outputs.is_rebuilt ? home_take_buffer(s->home) : NULL;
	assert(text || !l->outputs.is_rebuilt);
	outputs_become(&l->outputs, b, text);
	b->unterminated = b->unterminated && l->last_stays;
	if (text)
		buffer_let_go(text);
	int r = 0;
	if (l->outputs.failed > 0) {
		failures_begin(&failures, s, b);
		for (uint32_t i = 0; i < b->count; i++)
			if (l->outputs.list[i].why)
				failures_add(&failures, i, l->outputs.list[i].why);
		r = failures_settle(&failures, &b, out);
	}
	if (b)
		emit(out, &b);
	return r;
}

/* The first records of a batch that has more than are taken at once, in a clone. */
static struct batch *front_of(struct stage *s, struct batch *b)
{
	struct batch *front = batch_clone(s->home, b);
	assert(front && "the plan counts one for whoever splits");
	front->count = RECORDS_AT_ONCE;
	front->unterminated = false;
	return front;
}

/* The batch is NULL then, or what is left of it. */
static int make_some(struct stage *s, struct batch **b, struct outlet *out)
{
	struct lua *l = s->state;
	uint32_t held_before = (*b)->held_count;
	bool is_long = (*b)->count > RECORDS_AT_ONCE;
	struct batch *made = is_long ? front_of(s, *b) : *b;
	uint32_t seen = process_some(l, made);
	if (seen == (*b)->count) {
		*b = NULL;
	} else {
		if (!is_long) {
			made = batch_clone(s->home, *b);
			assert(made && "the plan counts one for whoever splits");
			made->unterminated = false;
			give_up_room(*b, held_before);
		}
		batch_drop_front(*b, seen);
	}
	return hand_on(l, made, out);
}

static int lua_more(struct stage *s, struct outlet *out)
{
	struct lua *l = s->state;
	struct batch *b = batch_list_take(&l->waiting);
	if (!b)
		return 0;
	int r = make_some(s, &b, out);
	if (b)
		batch_list_put_first(&l->waiting, b);
	return r < 0 ? r : l->waiting.first ? STEP_MORE : 0;
}

static int lua_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	struct lua *l = s->state;
	int r = 0;
	batch_give_rows(b);
	if (!l->waiting.first && b->count == 0) {
		emit(out, &b);
		return 0;
	}
	if (!l->waiting.first)
		r = make_some(s, &b, out);
	if (b)
		batch_list_add(&l->waiting, b);
	return r < 0 ? r : l->waiting.first ? STEP_MORE : 0;
}

const struct stage_type lua_transform_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "lua",
	       .summary = "has a script say what becomes of each record",
	       .options = lua_table,
	       .options_size = sizeof(struct lua_options),
	       .check = lua_check,
	       .has_failures = true,
	       .workers_max = 64},
    .open = lua_open_stage,
    .close = lua_close_stage,
    .transform_apply = lua_apply,
    .transform_more = lua_more,
    .memory = lua_memory,
    .fields = lua_fields,
    .scratch = lua_scratch,
    .splits = true,
    .stateless = true,
};
