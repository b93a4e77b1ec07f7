/* fuzz_json_record.c - any JSON, with some of its fields changed and removed: written as the encoder does it, jansson reads what
 * it makes of the same changes; and what is written is one line.
 *
 * The first two bytes say what happens to each field. Documents that jansson or the scanner refuse are fuzz_json.c's.
 *
 * Layer: tests, libFuzzer, jansson. */
#include "stages/encode/json_record.h"
#include "stages/home.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { FIELDS = 6, INPUT_MAX = 1 << 15, FLAGS = JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL };
enum change { AS_FOUND, REMOVED, NUMBER, TEXT };

static const char *const names[FIELDS] = {"a", "b", "user.id", "user.name", "x.y.z", "\xc3\xa9"};
static const char text[] = "line\nbreak \"\\ \xff";
static const char text_read[] = "line\nbreak \"\\ \xef\xbf\xbd";

static struct fields fields;
static struct field_uses uses = {.fields = &fields, .object = -1};
static struct json_record record;
static struct json_plan plan; /* as parse_json would have it: of all that is written */
static struct home home;
static unsigned columns[FIELDS], object;

static void want(size_t field)
{
	struct json_name path[4];
	size_t count = 0;
	const char *at = names[field];
	for (const char *dot = at; dot; at = dot + 1) {
		dot = strchr(at, '.');
		path[count++] =
		    (struct json_name){(const uint8_t *)at, dot ? (size_t)(dot - at) : strlen(at)};
		if (!dot)
			break;
	}
	if (json_plan_want(&plan, path, count, (uint16_t)field) < 0)
		abort();
}

static void set_up(void)
{
	const struct home_size size = {
	    .buffers = 1, .buffer_capacity = INPUT_MAX, .batches = 1, .columns = FIELDS + 1};
	static const struct stage stage = {.fields = &fields, .written = &uses.writes};
	if (fields.count > 0)
		return;
	object = (unsigned)fields_write_object(&uses, "", 0);
	if (json_plan_init(&plan, JSON_DEPTH_MAX) < 0 || home_init(&home, &size) < 0)
		abort();
	for (size_t i = 0; i < FIELDS; i++) {
		columns[i] = (unsigned)fields_write(&uses, names[i], strlen(names[i]));
		want(i);
	}
	if (json_record_open(&record, &stage) < 0)
		abort();
}

/* ---- ours ---- */

static struct batch *batch_of(const uint8_t *doc, uint32_t length)
{
	struct buffer *buffer = home_take_buffer(&home);
	struct batch *b = batch_new(&home, buffer);
	assert(b);
	memcpy(buffer->bytes, doc, length);
	buffer_let_go(buffer);
	b->delimiter = (struct delimiter){"\n", 1};
	b->records[0] = (struct record){0, length};
	b->count = 1;
	batch_give_rows(b);
	*batch_column(b, object) =
	    (struct value){.bytes = b->bytes, .length = length, .type = VALUE_MAP};
	return b;
}

static void change_ours(struct batch *b, size_t field, enum change change, struct value found)
{
	struct value *v = batch_column(b, columns[field]);
	*v = found;
	if (change == REMOVED)
		*v = (struct value){0};
	if (change == NUMBER)
		*v = (struct value){.i = -7, .type = VALUE_INT};
	if (change == TEXT)
		*v = (struct value){.bytes = (const uint8_t *)text,
				    .length = sizeof text - 1,
				    .type = VALUE_STRING};
}

/* ---- jansson's ---- */

static void put_theirs(json_t *root, const char *path, json_t *value)
{
	const char *dot = strchr(path, '.');
	if (!dot) {
		json_object_set_new_nocheck(root, path, value);
		return;
	}
	char name[16];
	memcpy(name, path, (size_t)(dot - path));
	name[dot - path] = 0;
	json_t *inner = json_object_get(root, name);
	if (!json_is_object(inner)) {
		inner = json_object();
		json_object_set_new_nocheck(root, name, inner);
	}
	put_theirs(inner, dot + 1, value);
}

static void remove_theirs(json_t *root, const char *path)
{
	const char *dot = strchr(path, '.');
	if (!dot) {
		json_object_del(root, path);
		return;
	}
	char name[16];
	memcpy(name, path, (size_t)(dot - path));
	name[dot - path] = 0;
	json_t *inner = json_object_get(root, name);
	if (json_is_object(inner))
		remove_theirs(inner, dot + 1);
}

static void change_theirs(json_t *root, size_t field, enum change change)
{
	if (change == REMOVED)
		remove_theirs(root, names[field]);
	if (change == NUMBER)
		put_theirs(root, names[field], json_real(-7));
	if (change == TEXT)
		put_theirs(root, names[field],
			   json_stringn_nocheck(text_read, sizeof text_read - 1));
}

/* ---- both ---- */

static void compare(const uint8_t *written, size_t length, const json_t *expected)
{
	json_error_t error;
	assert(!memchr(written, '\n', length));
	json_t *got = json_loadb((const char *)written, length, FLAGS, &error);
	if (!got || !json_equal(got, expected))
		fwrite(written, 1, length, stderr);
	assert(got && json_equal(got, expected));
	json_decref(got);
}

static void try_changes(unsigned changes, const uint8_t *doc, uint32_t length, json_t *root)
{
	static uint8_t room[8 * INPUT_MAX];
	struct value found[FIELDS];
	struct json_mistake mistake;
	if (json_scan(&plan, doc, length, found, NULL, &mistake) < 0)
		return;
	struct batch *b = batch_of(doc, length);
	/* where the batch has the document */
	if (json_scan(&plan, b->bytes, length, found, NULL, &mistake) < 0)
		abort();
	for (size_t i = 0; i < FIELDS; i++) {
		enum change change = changes >> 2 * i & 3;
		change_ours(b, i, change, found[i]);
		change_theirs(root, i, change);
	}
	json_record_begin(&record, b);
	struct writer w = {room, room + sizeof room, false};
	const char *why = json_record_put(&record, b, 0, &w);
	assert(!w.is_full);
	if (!why)
		compare(room, (size_t)(w.at - room), root);
	batch_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	if (length < 2 || length > INPUT_MAX)
		return 0;
	set_up();
	unsigned changes = bytes[0] | (unsigned)bytes[1] << 8;
	json_t *root = json_loadb((const char *)bytes + 2, length - 2, FLAGS, NULL);
	if (json_is_object(root) && !memchr(bytes + 2, 0, length - 2))
		try_changes(changes, bytes + 2, (uint32_t)length - 2, root);
	json_decref(root);
	return 0;
}
