#include "tests/unit/conf/load_fixture.h"

struct leaf {
	struct text word;
	uint64_t number;
};
struct everything {
	bool flag;
	uint64_t count, size, time, rate, choice;
	struct text text;
	struct text_list texts;
	struct text_map map;
	struct group {
		struct text_list first;
		struct leaf leaf;
		bool leaf_given;
	} group;
	struct leaf preset_group;
	bool preset_group_given;
};

#define AT(field) offsetof(struct everything, field)

static const char *const colours[] = {"red", "green", "off", NULL};
static const struct option leaf_table[] = {
    {"word", OPTION_TEXT, offsetof(struct leaf, word), .preset = "w"},
    {"number", OPTION_COUNT, offsetof(struct leaf, number), .preset = "9"},
    {0},
};
static const struct option group_table[] = {
    {"first", OPTION_TEXTS, offsetof(struct group, first), .preset = "[x, y]"},
    {"leaf", OPTION_GROUP, offsetof(struct group, leaf), .group = leaf_table,
     .given_offset = offsetof(struct group, leaf_given)},
    {0},
};
static const struct option table[] = {
    {"flag", OPTION_BOOL, AT(flag), .preset = "true"},
    {"count", OPTION_COUNT, AT(count), .preset = "5", .min = 2, .max = 10, .word = "auto"},
    {"size", OPTION_SIZE, AT(size), .preset = "64KiB", .max = 1 << 20},
    {"time", OPTION_DURATION, AT(time), .preset = "1m30s", .min = 1000000000, .word = "off"},
    {"rate", OPTION_RATE, AT(rate), .preset = "120/m", .max = 100},
    {"choice", OPTION_CHOICE, AT(choice), .preset = "green", .choices = colours},
    {"text", OPTION_TEXT, AT(text), .preset = "\"a\\0b\"", .min = 2, .max = 5},
    {"texts", OPTION_TEXTS, AT(texts), .max = 3},
    {"group", OPTION_GROUP, AT(group), .group = group_table},
    {"map", OPTION_MAP, AT(map), .preset = "{m: 1}", .min = 1, .max = 9},
    {"preset_group", OPTION_GROUP, AT(preset_group), .group = leaf_table, .preset = "{number: 4}",
     .given_offset = AT(preset_group_given)},
    {0},
};

static struct everything all;
static void *arena;

static void begin(void)
{
	problems_init(&problems);
}

static void end(void)
{
	option_fill_release(arena);
	problems_release(&problems);
}

TestSuite(option, .init = begin, .fini = end);

static void fill(const char *yaml)
{
	option_fill_release(arena);
	arena = NULL;
	cr_assert_eq(option_fill(table, &all, sizeof(all), yaml, &problems, &arena), 0, "%s", yaml);
	cr_assert_eq(problems.count, 0);
}

static void refuse(const char *yaml, const char *expected)
{
	void *untouched = &all;

	memset(&all, 0xff, sizeof(all));
	cr_expect_eq(option_fill(table, &all, sizeof(all), yaml, &problems, &untouched), -EINVAL,
		     "%s", yaml);
	cr_expect_eq(untouched, &all);
	cr_expect(memcmp(&all, &(struct everything){0}, sizeof(all)) == 0);
	expect_problems(expected);
	problems_release(&problems);
}

Test(option, presets_fill_what_is_not_written)
{
	static const char *const empty[] = {"", "{}", "# nothing"};

	for (size_t i = 0; i < 3; i++) {
		fill(empty[i]);
		cr_expect(all.flag);
		cr_expect_eq(all.count, 5);
		cr_expect_eq(all.size, 65536);
		cr_expect_eq(all.time, 90000000000);
		cr_expect_eq(all.rate, 2);
		cr_expect_eq(all.choice, 1);
		cr_expect_eq(all.text.length, 3);
		cr_expect_eq(memcmp(all.text.bytes, "a\0b", 4), 0);
		cr_expect_eq(all.texts.count, 0);
		cr_expect_eq(all.group.first.count, 2);
		expect_text(&all.group.first.items[1], "y");
		expect_text(&all.group.leaf.word, "w");
		cr_expect_eq(all.group.leaf.number, 9);
		cr_expect_not(all.group.leaf_given);
		cr_expect_eq(all.preset_group.number, 4);
		expect_text(&all.preset_group.word, "w");
		cr_expect_not(all.preset_group_given);
	}
}

Test(option, text_without_preset_is_absent)
{
	struct sieve_options sieve;

	cr_assert_eq(
	    option_fill(sieve_table, &sieve, sizeof(sieve), "separator: ''", &problems, &arena), 0);
	cr_expect_not_null(sieve.separator.bytes);
	cr_expect_eq(sieve.separator.length, 0);
	cr_expect_null(sieve.contains.items);
}

Test(option, one_text_is_told_from_a_list_of_one)
{
	fill("texts: a");
	cr_expect_eq(all.texts.count, 1);
	cr_expect(all.texts.alone);
	fill("texts: [a]");
	cr_expect_eq(all.texts.count, 1);
	cr_expect_not(all.texts.alone);
	fill("");
	cr_expect_not(all.texts.alone);
}

Test(option, booleans_are_true_and_false)
{
	fill("flag: false");
	cr_expect_not(all.flag);
	fill("flag: TRUE");
	cr_expect(all.flag);
	refuse("flag: yes", "options:1:7: `flag` is `yes`; write true or false\n");
	refuse("flag: off", "options:1:7: `flag` is `off`; write true or false\n");
	refuse("flag: 1", "options:1:7: `flag` is `1`; write true or false\n");
	refuse("flag: 'true'", "options:1:7: `flag` is the text `true`; take the quotes off\n");
}

Test(option, counts_are_plain_numbers_in_their_range)
{
	fill("count: 2");
	cr_expect_eq(all.count, 2);
	fill("count: 10");
	cr_expect_eq(all.count, 10);
	fill("count: auto");
	cr_expect_eq(all.count, 0);
	refuse("count: 1", "options:1:8: `count` is 1; write at least 2\n");
	refuse("count: 0", "options:1:8: `count` is 0; write at least 2\n");
	refuse("count: 11", "options:1:8: `count` is 11; write at most 10\n");
	refuse("count: \"5\"", "options:1:8: `count` is the text `5`; take the quotes off\n");
	refuse("count: -1", "options:1:8: `count` is `-1`; write a whole number or `auto`\n");
	refuse("count: 2.5", "options:1:8: `count` is `2.5`; write a whole number or `auto`\n");
	refuse("count: 5KiB", "options:1:8: `count` is `5KiB`; write a whole number or `auto`\n");
	refuse("count: 99999999999999999999",
	       "options:1:8: `count` is `99999999999999999999`, which is too large to count\n");
}

Test(option, sizes_need_a_unit)
{
	fill("size: 1MiB");
	cr_expect_eq(all.size, 1 << 20);
	fill("size: '1KB'");
	cr_expect_eq(all.size, 1000);
	fill("size: 0");
	cr_expect_eq(all.size, 0);
	refuse("size: 64", "options:1:7: `size` is 64 without a unit; add B, KB, KiB, MB, MiB, GB, "
			   "GiB, TB or TiB\n");
	refuse("size: 2MiB", "options:1:7: `size` is 2MiB; write at most 1MiB\n");
	refuse("size: big",
	       "options:1:7: `size` is `big`; write a size like 64KiB, 1MiB or 10MB\n");
	refuse("size: 99999999TiB",
	       "options:1:7: `size` is `99999999TiB`, which is too large to count\n");
}

Test(option, times_need_a_unit)
{
	fill("time: 1h30m");
	cr_expect_eq(all.time, 5400000000000);
	fill("time: off");
	cr_expect_eq(all.time, 0);
	refuse("time: 5",
	       "options:1:7: `time` is 5 without a unit; add ns, us, ms, s, m, h or d\n");
	refuse("time: 10ms", "options:1:7: `time` is 10ms; write at least 1s\n");
	refuse("time: 0", "options:1:7: `time` is 0; write at least 1s\n");
	refuse("time: soon",
	       "options:1:7: `time` is `soon`; write a time like 100ms, 5s or 1h30m or `off`\n");
}

Test(option, rates_need_a_unit)
{
	fill("rate: 100/s");
	cr_expect_eq(all.rate, 100);
	refuse("rate: 101/s", "options:1:7: `rate` is 101/s; write at most 100/s\n");
	refuse("rate: 10", "options:1:7: `rate` is 10 without a unit; add /s, /m or /h\n");
	refuse("rate: 90/m", "options:1:7: `rate` is 90/m, which is no whole number a second\n");
}

Test(option, choices_are_told_with_the_nearest)
{
	fill("choice: off");
	cr_expect_eq(all.choice, 2);
	fill("choice: 'red'");
	cr_expect_eq(all.choice, 0);
	refuse("choice: grene", "options:1:9: `choice` is `grene`; did you mean `green`?\n");
	refuse("choice: blue", "options:1:9: `choice` is `blue`; write `red`, `green` or `off`\n");
}

Test(option, texts_take_any_single_value_as_typed)
{
	fill("text: 0x1F");
	expect_text(&all.text, "0x1F");
	fill("text: true");
	expect_text(&all.text, "true");
	fill("text: '  '");
	expect_text(&all.text, "  ");
	cr_expect_eq(all.text.at.line, 1);
	cr_expect_eq(all.text.at.column, 7);
	refuse("text: x", "options:1:7: `text` is 1 bytes long; at least 2\n");
	refuse("text: xxxxxx", "options:1:7: `text` is 6 bytes long; at most 5\n");
	refuse("text: [a]", "options:1:7: `text` is a list; write a text\n");
	refuse("text:", "options:1:6: `text` has no value; write a text\n");
	refuse("text: ~", "options:1:7: `text` has no value; write a text\n");
}

Test(option, lists_take_a_single_value_as_one)
{
	fill("texts: a");
	cr_expect_eq(all.texts.count, 1);
	expect_text(&all.texts.items[0], "a");
	fill("texts: [a, 5, '']");
	cr_expect_eq(all.texts.count, 3);
	expect_text(&all.texts.items[1], "5");
	expect_text(&all.texts.items[2], "");
	fill("texts: []");
	cr_expect_eq(all.texts.count, 0);
	refuse("texts: [a, [b], {c: d}, ~, 'long']",
	       "options:1:12: an item of `texts` is a list; write a text\n"
	       "options:1:17: an item of `texts` is a map; write a text\n"
	       "options:1:25: an item of `texts` is empty; write a text\n"
	       "options:1:28: `texts` is 4 bytes long; at most 3\n");
	refuse("texts: {a: b}", "options:1:8: `texts` is a map; write a text or a list of texts\n");
}

static void expect_pair(size_t at, const char *name, const char *value, unsigned column)
{
	cr_assert_lt(at, all.map.count);
	expect_text(&all.map.items[at].name, name);
	expect_text(&all.map.items[at].value, value);
	cr_expect_eq(text_place(&all.map.items[at].value, 0).column, column, "%s at %u", name,
		     text_place(&all.map.items[at].value, 0).column);
}

Test(option, maps_hold_texts_under_any_names_in_their_order)
{
	fill("");
	expect_pair(0, "m", "1", 0);
	fill("map: {user.id: a + b, b: '\"x\"', c: 5}");
	cr_expect_eq(all.map.count, 3);
	expect_pair(0, "user.id", "a + b", 16);
	expect_pair(1, "b", "\"x\"", 27);
	expect_pair(2, "c", "5", 36);
	cr_expect_eq(all.map.items[0].name.at.column, 7);
	cr_expect_eq(text_place(&all.map.items[1].value, 1).column, 28);
	fill("map:\n  a: ${X:-one}\n  b: >-\n    two\n");
	expect_text(&all.map.items[0].value, "one");
	expect_text(&all.map.items[1].value, "two");
	fill("map: {}");
	cr_expect_eq(all.map.count, 0);
}

Test(option, maps_refuse_what_is_no_text)
{
	refuse("map: {a: [b], c: {d: e}, f: ~, g: '', h: 0123456789, i: good}",
	       "options:1:10: `map.a` is a list; write a text\n"
	       "options:1:18: `map.c` is a map; write a text\n"
	       "options:1:29: `map.f` has no value; write a text\n"
	       "options:1:35: `map.g` is 0 bytes long; at least 1\n"
	       "options:1:42: `map.h` is 10 bytes long; at most 9\n");
	refuse("map: a", "options:1:6: `map` is a single value; write a map like {name: text}\n");
	refuse("map: [a]", "options:1:6: `map` is a list; write a map like {name: text}\n");
	refuse("map:", "options:1:5: `map` has no value; write a map like {name: text}\n");
	refuse("map: {a: 1, b: 2, a: 3}",
	       "options:1:19: `a` stands twice, first at 1:7; keep one\n");
	refuse("map: {a: '${X}', b: [1]}",
	       "options:1:11: the variable `X` is not set; set it or write `${X:-default}`\n"
	       "options:1:21: `map.b` is a list; write a text\n");
}

/* The line in the file of the first byte of each line. */
static void expect_lines(const struct text *t, unsigned first)
{
	unsigned line = first;
	for (size_t i = 0; i < t->length; i++)
		if (i == 0 || t->bytes[i - 1] == '\n')
			cr_expect_eq(text_place(t, i).line, line++);
	cr_expect_geq(line, first + 2);
}

Test(option, lines_of_a_block_are_found_in_the_file)
{
	fill("flag: true\nmap:\n  a: |\n\n    x\n   \n    y\n  b: |1-\n   z\n   z\n  c: >\n    "
	     "folded\n    b\n");
	expect_lines(&all.map.items[0].value, 4);
	expect_lines(&all.map.items[1].value, 9);
	cr_expect_eq(text_place(&all.map.items[2].value, 7).line, 11);
	fill("map:\n  a: |\n    ${X:-1}\n    b\n");
	cr_expect_eq(text_place(&all.map.items[0].value, 2).line, 2, "they may be other lines now");
}

struct with_file {
	struct file_of_text file;
};

static const struct option file_table[] = {
    {"file", OPTION_FILE, offsetof(struct with_file, file), .min = 1},
    {0},
};

static void refuse_file(const char *yaml, const char *expected)
{
	struct with_file read;
	cr_expect_eq(option_fill(file_table, &read, sizeof read, yaml, &problems, &arena), -EINVAL);
	expect_problems(expected);
	problems_release(&problems);
}

Test(option, files_are_read_and_their_lines_are_found_in_them, .init = fixture_begin,
     .fini = fixture_end)
{
	struct with_file read;
	write_bytes("some.txt", "one\n\0two\n\nthree", 16);
	cr_assert_eq(
	    option_fill(file_table, &read, sizeof read, "file: some.txt", &problems, &arena), 0);
	expect_text(&read.file.path, "some.txt");
	cr_expect_eq(read.file.content.length, 16);
	cr_expect_eq(memcmp(read.file.content.bytes, "one\n\0two\n\nthree", 16), 0);
	expect_lines(&read.file.content, 1);
	cr_expect_str_eq(text_place(&read.file.content, 5).file, "some.txt");
	cr_expect_eq(text_place(&read.file.content, 5).line, 2);
	option_fill_release(arena);
	cr_assert_eq(option_fill(file_table, &read, sizeof read, "", &problems, &arena), 0);
	cr_expect_null(read.file.path.bytes);
	option_fill_release(arena);
	arena = NULL;
}

Test(option, files_that_cannot_be_read_are_told, .init = fixture_begin, .fini = fixture_end)
{
	refuse_file("file: none",
		    "options:1:7: `file`: can't read `none`: No such file or directory\n");
	refuse_file("file: .", "options:1:7: `file`: can't read `.`: Is a directory\n");
	refuse_file("file: [a]", "options:1:7: `file` is a list; write a file's path\n");
	refuse_file("file: ''", "options:1:7: `file` is 0 bytes long; at least 1\n");
	refuse_file("file: \"a\\0b\"", "options:1:7: `file` is `a\\x00b`; write a file's path\n");
	refuse_file("file: /dev/zero",
		    "options:1:7: `file`: `/dev/zero` has more than 1048576 bytes\n");
}

Test(option, required_maps_are_not_empty)
{
	static const struct option needed[] = {{"fields", OPTION_MAP, 0, .required = true}, {0}};
	struct text_map map;

	cr_expect_eq(option_fill(needed, &map, sizeof(map), "fields: {}", &problems, &arena),
		     -EINVAL);
	expect_problems("options:1:9: `fields` is empty; write at least one `name: text`\n");
	problems_release(&problems);
	cr_expect_eq(option_fill(needed, &map, sizeof(map), "", &problems, &arena), -EINVAL);
	expect_problems(
	    "options:1:1: the required option `fields` is missing; write `fields:` and a map "
	    "like {name: text}\n");
}

Test(option, group_that_begins_with_a_map_has_no_short_form)
{
	static const struct option inner[] = {{"fields", OPTION_MAP, .offset = 0}, {0}};
	static const struct option outer[] = {{"group", OPTION_GROUP, 0, .group = inner}, {0}};
	struct text_map map;

	cr_expect_eq(option_fill(outer, &map, sizeof(map), "group: x", &problems, &arena), -EINVAL);
	expect_problems("options:1:8: `group` is a single value; write {fields: ...}\n");
}

Test(option, groups_are_maps)
{
	fill("group: {leaf: {number: 3}}\npreset_group: {word: x}");
	cr_expect_eq(all.group.leaf.number, 3);
	expect_text(&all.group.leaf.word, "w");
	cr_expect(all.group.leaf_given);
	cr_expect_eq(all.group.first.count, 2);
	cr_expect_eq(all.preset_group.number, 9);
	cr_expect(all.preset_group_given);
	refuse("group: {leaf: {numbr: 3}}",
	       "options:1:16: unknown option `numbr`; did you mean `number`?\n");
	refuse("group: {leaf: ~}", "options:1:15: `leaf` has no value; write {word: ...}\n");
	refuse("group: {leaf: [x]}", "options:1:15: `leaf` is a list; write {word: ...}\n");
}

Test(option, single_value_sets_the_first_of_a_group)
{
	fill("group: {leaf: z}");
	expect_text(&all.group.leaf.word, "z");
	cr_expect_eq(all.group.leaf.number, 9);
	cr_expect(all.group.leaf_given);
	fill("group: [p, q, r]");
	cr_expect_eq(all.group.first.count, 3);
	expect_text(&all.group.leaf.word, "w");
	cr_expect_not(all.group.leaf_given);
}

Test(option, group_that_is_written_misses_what_it_requires)
{
	struct tail_options tail;

	cr_expect_eq(option_fill(tail_table, &tail, sizeof(tail),
				 "paths: a\nmultiline: {max_lines: 5}", &problems, &arena),
		     -EINVAL);
	expect_problems(
	    "options:2:1: the required option `start` is missing; write `start:` and a text\n");
	problems_release(&problems);
	cr_expect_eq(option_fill(tail_table, &tail, sizeof(tail), "paths: a", &problems, &arena),
		     0);
	cr_expect_null(tail.multiline.start.bytes);
	cr_expect_eq(tail.multiline.max_lines, 1000);
	cr_expect_not(tail.multiline_given);
}

Test(option, required_options_are_missed)
{
	struct tail_options tail;

	cr_expect_eq(option_fill(tail_table, &tail, sizeof(tail), "", &problems, &arena), -EINVAL);
	expect_problems("options:1:1: the required option `paths` is missing; write `paths:` and a "
			"text or a list of "
			"texts\n");
	problems_release(&problems);
	cr_expect_eq(option_fill(tail_table, &tail, sizeof(tail), "paths: []", &problems, &arena),
		     -EINVAL);
	expect_problems("options:1:8: `paths` is empty; write at least one\n");
}

Test(option, unknown_names_come_with_the_nearest)
{
	refuse("chioce: red\nzzz: 1\njournal: 2",
	       "options:1:1: unknown option `chioce`; did you mean `choice`?\n"
	       "options:2:1: unknown option `zzz`; there is `flag`, `count`, `size`, `time`, "
	       "`rate`, `choice`, `text`, "
	       "`texts`, `group`, `map` or `preset_group`\n"
	       "options:3:1: the option `journal` is not in this version; leave it out\n");
}

Test(option, interpolation_works_without_variables)
{
	fill("text: ${X:-abc}");
	expect_text(&all.text, "abc");
	fill("text: '^a$'");
	expect_text(&all.text, "^a$");
	refuse("text: ${X}",
	       "options:1:7: the variable `X` is not set; set it or write `${X:-default}`\n");
}

Test(option, only_maps_fill_a_table)
{
	refuse("[a]", "options:1:1: a list where a map is needed; write name: value\n");
	refuse("a: [", "options:2:1: no YAML: did not find expected node content, while parsing a "
		       "flow node that begins "
		       "at 2:1\n");
	refuse("flag: true\nflag: false",
	       "options:2:1: `flag` stands twice, first at 1:1; keep one\n");
}
