#include "stages/path_name.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char *name_of(const void *bytes, size_t length)
{
	static struct path_name names[4];
	static unsigned next;
	struct path_name *n = &names[next++ % 4];
	struct value v = {.bytes = bytes, .length = (uint32_t)length, .type = VALUE_STRING};
	memset(n, 0x7e, sizeof *n);
	path_name_of(n, &v, (struct scratch){NULL, NULL});
	return n->text;
}

static const char *name(const char *text)
{
	return name_of(text, strlen(text));
}

static void starts_and_has_a_hash(const char *got, const char *start)
{
	cr_expect_eq(strncmp(got, start, strlen(start)), 0, "%s", got);
	cr_expect_eq(strlen(got), strlen(start) + 13, "%s", got);
	cr_expect_eq(got[strlen(start)], '~', "%s", got);
}

Test(path_name, what_is_safe_is_itself)
{
	cr_expect_str_eq(name("web-1.example_A"), "web-1.example_A");
	cr_expect_str_eq(name("0"), "0");
	cr_expect_str_eq(name("a..b"), "a..b");
}

Test(path_name, what_is_not_becomes_another_name_with_a_hash)
{
	starts_and_has_a_hash(name("../../x"), "_._.._x");
	starts_and_has_a_hash(name("."), "_");
	starts_and_has_a_hash(name(".."), "_.");
	starts_and_has_a_hash(name(""), "_");
	starts_and_has_a_hash(name("/"), "_");
	starts_and_has_a_hash(name("-rf"), "_rf");
	starts_and_has_a_hash(name("a~b"), "a_b");
	starts_and_has_a_hash(name("\xc3\xa9"), "__");
	starts_and_has_a_hash(name_of("a\0b", 3), "a_b");
	starts_and_has_a_hash(name("_missing"), "_missing");
}

Test(path_name, two_values_are_not_one_name)
{
	cr_expect_str_neq(name("a/b"), name("a_b"));
	cr_expect_str_neq(name("a/b"), name("a\\b"));
	cr_expect_str_neq(name("/"), name("."));
	char one[200], two[200];
	memset(one, 'x', sizeof one);
	memcpy(two, one, sizeof two);
	two[199] = 'y';
	cr_expect_str_neq(name_of(one, 200), name_of(two, 200));
}

Test(path_name, no_byte_leads_out_of_a_directory_or_makes_a_name_too_long)
{
	uint8_t value[300];
	for (unsigned c = 0; c < 256; c++)
		for (size_t length = 1; length <= sizeof value; length += 37) {
			memset(value, (int)c, length);
			const char *got = name_of(value, length);
			cr_expect_leq(strlen(got), PATH_NAME_MAX);
			cr_expect(got[0] != '.' && got[0] != '-' && !strchr(got, '/'));
			cr_expect_eq(strspn(got,
					    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					    "0123456789._-~"),
				     strlen(got));
		}
}

Test(path_name, other_values_are_their_text)
{
	struct path_name n;
	const struct value values[] = {{.type = VALUE_MISSING},
				       {.type = VALUE_NULL},
				       {.i = 42, .type = VALUE_INT},
				       {.b = true, .type = VALUE_BOOL}};
	static const char *const expected[] = {"_missing", "_missing", "42", "true"};
	uint8_t room[64] = {0};
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		path_name_of(&n, &values[i], (struct scratch){room, room + sizeof room});
		cr_expect_str_eq(n.text, expected[i]);
	}
}

Test(path_name, text_with_escapes_is_what_it_means_and_its_hash_where_there_is_no_room)
{
	struct path_name n;
	const struct value v = {.bytes = (const uint8_t *)"w\\u0065b",
				.length = 8,
				.type = VALUE_STRING,
				.form = VALUE_ESCAPED};
	uint8_t room[64];
	path_name_of(&n, &v, (struct scratch){room, room + sizeof room});
	cr_expect_str_eq(n.text, "web");
	path_name_of(&n, &v, (struct scratch){room, room});
	starts_and_has_a_hash(n.text, "_");
}
