#include "tests/unit/conf/load_fixture.h"

#include "conf/json_schema.h"
#include "conf/json_writer.h"

/* A reader that does no more than walk: well-formed or not, and where a member's value stands. */
static const char *skip_value(const char *p);

static const char *skip_space(const char *p)
{
	return p + strspn(p, " \n");
}

static const char *skip_string(const char *p)
{
	cr_assert_eq(*p, '"', "no string at %.40s", p);
	for (p++; *p != '"'; p++) {
		cr_assert_geq((unsigned char)*p, 0x20, "a bare control character");
		if (*p != '\\')
			continue;
		p++;
		cr_assert_not_null(strchr("\"\\/bfnrtu", *p));
		cr_assert_neq(*p, 0);
		for (int i = 0; *p == 'u' && i < 4; i++)
			cr_assert_not_null(strchr("0123456789abcdefABCDEF", p[1 + i]));
	}
	return p + 1;
}

static const char *skip_members(const char *p, char end)
{
	p = skip_space(p + 1);
	if (*p == end)
		return p + 1;
	for (;;) {
		if (end == '}') {
			p = skip_space(skip_string(p));
			cr_assert_eq(*p++, ':');
			p = skip_space(p);
		}
		p = skip_space(skip_value(p));
		if (*p == end)
			return p + 1;
		cr_assert_eq(*p, ',', "no comma at %.40s", p);
		p = skip_space(p + 1);
	}
}

static const char *skip_value(const char *p)
{
	size_t digits = strspn(p, "0123456789");

	if (*p == '{')
		return skip_members(p, '}');
	if (*p == '[')
		return skip_members(p, ']');
	if (!strncmp(p, "true", 4) || !strncmp(p, "null", 4))
		return p + 4;
	if (!strncmp(p, "false", 5))
		return p + 5;
	return digits ? p + digits : skip_string(p);
}

/* The value of a member; in an array, of the item with that number. NULL: not there. */
static const char *member(const char *p, const char *name, size_t length)
{
	bool array = *p == '[';
	size_t index = 0;

	if (*p != '{' && !array)
		return NULL;
	p = skip_space(p + 1);
	while (*p != '}' && *p != ']') {
		bool found = array && index++ == strtoul(name, NULL, 10);
		if (!array) {
			const char *end = skip_string(p);
			found = (size_t)(end - p) == length + 2 && !strncmp(p + 1, name, length);
			p = skip_space(skip_space(end) + 1);
		}
		if (found)
			return p;
		p = skip_space(skip_value(p));
		p = *p == ',' ? skip_space(p + 1) : p;
	}
	return NULL;
}

static char *schema;

static void begin(void)
{
	size_t length;
	FILE *f = open_memstream(&schema, &length);

	cr_assert_eq(json_schema_write(&fixture_catalog, f), 0);
	fclose(f);
}

static void end(void)
{
	free(schema);
}

TestSuite(json_schema, .init = begin, .fini = end);

/* Follows a/b/c from the root. */
static const char *at(const char *path)
{
	const char *p = schema;

	while (p && *path) {
		size_t length = strcspn(path, "/");
		p = member(p, path, length);
		path += length + (path[length] != 0);
	}
	return p;
}

/* The value as it is written, line breaks and indentation taken out. */
static void expect_at(const char *path, const char *expected)
{
	const char *p = at(path), *value_end;
	char compact[600];
	size_t length = 0;

	cr_assert_not_null(p, "no %s", path);
	value_end = skip_value(p);
	for (; p < value_end && length + 1 < sizeof(compact); p++) {
		if (*p == '\n')
			p += strspn(p, "\n ") - 1;
		else
			compact[length++] = *p;
	}
	compact[length] = 0;
	cr_expect_str_eq(compact, expected, "%s is %s", path, compact);
}

#define INTERPOLATED "{\"$ref\": \"#/$defs/interpolated\"}"

Test(json_schema, is_one_well_formed_value)
{
	cr_expect_str_eq(skip_value(schema), "\n");
	expect_at("$schema", "\"https://json-schema.org/draft/2020-12/schema\"");
}

Test(json_schema, every_object_is_closed)
{
	static const char *const objects[] = {"",
					      "properties/log/anyOf/0/",
					      "properties/sources/",
					      "properties/transforms/",
					      "properties/sinks/",
					      "$defs/source.tail/",
					      "$defs/source.tail/properties/multiline/anyOf/0/",
					      "$defs/source.pipe/",
					      "$defs/transform.sieve/",
					      "$defs/transform.sieve/properties/queue/anyOf/0/",
					      "$defs/sink.store/",
					      "$defs/sink.hole/"};

	for (size_t i = 0; i < sizeof(objects) / sizeof(*objects); i++) {
		char path[100];
		snprintf(path, sizeof(path), "%sadditionalProperties", objects[i]);
		expect_at(path, "false");
	}
}

Test(json_schema, sections_hold_stages_under_their_ids)
{
	expect_at("properties/sinks/patternProperties",
		  "{\"^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$\": {\"$ref\": \"#/$defs/sink\"}}");
	expect_at("properties/sinks/type", "[\"object\",\"null\"]");
}

Test(json_schema, types_lead_to_their_options)
{
	expect_at("$defs/source/properties/type/enum", "[\"tail\",\"pipe\",\"only\"]");
	expect_at("$defs/source/required", "[\"type\"]");
	expect_at("$defs/source/allOf/1/if",
		  "{\"properties\": {\"type\": {\"const\": \"pipe\"}},\"required\": [\"type\"]}");
	expect_at("$defs/source/allOf/1/then", "{\"$ref\": \"#/$defs/source.pipe\"}");
	cr_expect_null(at("$defs/source/allOf/3"));
	expect_at("$defs/source.tail/description", "\"reads files\"");
}

Test(json_schema, common_keys_stand_where_they_are_accepted)
{
	expect_at("$defs/source.tail/required", "[\"type\",\"paths\"]");
	expect_at("$defs/sink.store/required", "[\"type\",\"inputs\",\"path\"]");
	cr_expect_null(at("$defs/source.tail/properties/inputs"));
	cr_expect_null(at("$defs/source.tail/properties/queue"));
	cr_expect_null(at("$defs/sink.store/properties/workers"));
	expect_at("$defs/transform.sieve/properties/workers/anyOf",
		  "[{\"type\": \"integer\",\"minimum\": 1,\"maximum\": 4},{\"const\": "
		  "\"auto\"}," INTERPOLATED "]");
	expect_at("$defs/transform.sieve/properties/workers/default", "1");
	expect_at("$defs/transform.sieve/properties/ordered/default", "true");
}

Test(json_schema, each_type_of_option_has_its_form)
{
	expect_at(
	    "$defs/source.tail/properties/max_line",
	    "{\"default\": \"1MiB\",\"anyOf\": [{\"const\": 0},{\"type\": \"string\",\"pattern\": "
	    "\"^(0|[0-9]+([KMGT]i?)?B)$\"}," INTERPOLATED "]}");
	expect_at("$defs/source.tail/properties/linger/anyOf/1/pattern",
		  "\"^(0|([0-9]+(ns|us|ms|s|m|h|d))+)$\"");
	expect_at("$defs/source.tail/properties/linger/anyOf/2", "{\"const\": \"off\"}");
	expect_at("$defs/source.tail/properties/limit/anyOf/1/pattern", "\"^(0|[0-9]+/[smh])$\"");
	expect_at("$defs/source.tail/properties/on_long_line/anyOf/0",
		  "{\"enum\": [\"truncate\",\"drop\",\"split\"]}");
	expect_at("$defs/source.tail/properties/paths",
		  "{\"description\": \"Files to read\",\"anyOf\": [{\"type\": "
		  "[\"string\",\"number\",\"boolean\"],"
		  "\"minLength\": 1},{\"type\": \"array\",\"minItems\": 1,\"items\": {\"anyOf\": "
		  "[{\"type\": "
		  "[\"string\",\"number\",\"boolean\"],\"minLength\": 1}," INTERPOLATED
		  "]}}," INTERPOLATED "]}");
	expect_at("$defs/transform.sieve/properties/invert/anyOf/0", "{\"type\": \"boolean\"}");
	expect_at("$defs/transform.sieve/properties/invert/default", "false");
	expect_at("$defs/transform.sieve/properties/separator/default", "\"\\n\"");
	expect_at("$defs/transform.sieve/properties/separator/anyOf/0/maxLength", "4");
}

Test(json_schema, maps_are_objects_of_single_values_under_any_names)
{
	expect_at("$defs/sink.store/properties/labels",
		  "{\"default\": {\"a\": \"1\"},\"anyOf\": [{\"type\": "
		  "\"object\",\"additionalProperties\": {\"anyOf\": [{\"type\": "
		  "[\"string\",\"number\",\"boolean\"],\"minLength\": 1}," INTERPOLATED "]}}]}");
}

Test(json_schema, groups_are_objects_or_their_first_option)
{
	expect_at("$defs/sink.store/properties/compression/anyOf/0/properties/level/anyOf/0",
		  "{\"type\": \"integer\",\"minimum\": 1,\"maximum\": 19}");
	expect_at("$defs/sink.store/properties/compression/anyOf/1",
		  "{\"enum\": [\"none\",\"zstd\"]}");
	expect_at("$defs/source.tail/properties/multiline/anyOf/0/required", "[\"start\"]");
}

Test(json_schema, top_level_keys_are_there)
{
	expect_at("properties/memory/default", "\"256MiB\"");
	expect_at("properties/shutdown_timeout/default", "\"30s\"");
	expect_at("properties/log/anyOf/0/properties/level/anyOf/0/enum",
		  "[\"debug\",\"info\",\"warn\",\"error\"]");
	expect_at("properties/log/anyOf/0/properties/format/default", "\"text\"");
	cr_expect_not_null(at("properties/name/description"));
}

Test(json_schema, stream_that_fails_tells_who_flushes_it)
{
	FILE *full = fopen("/dev/full", "w");
	static char buffer[1 << 20];

	cr_assert_not_null(full);
	setvbuf(full, buffer, _IOFBF, sizeof(buffer));
	cr_expect_eq(json_schema_write(&fixture_catalog, full), 0);
	cr_expect(fflush(full) && errno == ENOSPC);
	fclose(full);
}

Test(json_writer, escapes_what_json_forbids)
{
	char *text = NULL;
	struct json_writer w;
	size_t length;
	FILE *f = open_memstream(&text, &length);

	json_begin(&w, f);
	json_open(&w, '[');
	json_text(&w, "a\"\\\n\t\0\x7f\xc3\xa9", 9);
	json_open(&w, '{');
	json_close(&w, '}');
	json_close(&w, ']');
	json_end(&w);
	fclose(f);
	cr_expect_str_eq(text, "[\n  \"a\\\"\\\\\\n\\u0009\\u0000\\u007f\xc3\xa9\",\n  {}\n]\n",
			 "%s", text);
	free(text);
}
