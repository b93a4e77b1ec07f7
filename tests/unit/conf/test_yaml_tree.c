#include "tests/unit/conf/load_fixture.h"

#include "conf/yaml_tree.h"

TestSuite(yaml_tree, .init = fixture_begin, .fini = fixture_end);

Test(yaml_tree, syntax_errors_have_line_and_column)
{
	load_bad("sources:\n  in: [a, b\nsinks: {}\n",
		 "t.yaml:3:6: no YAML: did not find expected ',' or ']', while parsing a flow "
		 "sequence that begins at "
		 "2:7\n");
	load_bad("a: b: c\n", "t.yaml:1:5: no YAML: mapping values are not allowed in this "
			      "context; quote a text with "
			      "`: ` in it, or check the indentation\n");
	load_bad(
	    "a:\n\tb: c\n",
	    "t.yaml:2:1: no YAML: found character that cannot start any token, while scanning for "
	    "the next token that begins at 2:1; indent with spaces, not tabs\n");
	load_bad("a: @x\n",
		 "t.yaml:1:4: no YAML: found character that cannot start any token, while scanning "
		 "for the "
		 "next token that begins at 1:4; quote a text that begins with this character\n");
	load_bad(
	    "a: 1\n b: 2\n",
	    "t.yaml:2:3: no YAML: mapping values are not allowed in this context; quote a text "
	    "with `: ` in it, or check the indentation\n");
	load_bad("a: [${B}]\n", "t.yaml:1:6: no YAML: did not find expected ',' or ']', while "
				"parsing a flow sequence that "
				"begins at 1:4; quote a text with `${` in it between brackets\n");
	load_bad("a: \"x\n", "t.yaml:2:1: no YAML: found unexpected end of stream, while scanning "
			     "a quoted scalar that "
			     "begins at 1:4\n");
}

Test(yaml_tree, columns_count_characters)
{
	load_bad("name: [\"\xc3\xa9\xc3\xa9\xf0\x9f\x98\x80\", @]\n",
		 "t.yaml:1:15: no YAML: found character that cannot start any token, while "
		 "scanning for the next token "
		 "that begins at 1:15; quote a text that begins with this character\n");
}

Test(yaml_tree, bytes_that_are_no_text_are_told_with_their_place)
{
	static const char nul[] = "name: a\n\xc3\xa9: b\0c\n";

	load_bad("name: x\nmemory: \xc3(\n", "t.yaml:2:10: no YAML: invalid trailing UTF-8 octet "
					     "(0x28); a topology is UTF-8 text\n");
	load_bad("name: \xc3", "t.yaml:1:7: no YAML: incomplete UTF-8 octet sequence (0xFFFFFFFF); "
			       "a topology is UTF-8 "
			       "text\n");
	load_bad(
	    "name: \xff\n",
	    "t.yaml:1:7: no YAML: invalid leading UTF-8 octet (0xFF); a topology is UTF-8 text\n");
	load_bad("name: \x01\n", "t.yaml:1:7: no YAML: control characters are not allowed (0x01); "
				 "a topology is UTF-8 text\n");
	write_bytes("t.yaml", nul, sizeof(nul) - 1);
	cr_expect_eq(load_file("t.yaml"), -EINVAL);
	expect_problems("t.yaml:2:5: no YAML: control characters are not allowed (0x00); a "
			"topology is UTF-8 text\n");
	write_bytes("t.yaml", "\xff\xfen\0:\0 \0x\0", 10);
	cr_expect_eq(load_file("t.yaml"), -EINVAL);
	expect_problems(
	    "t.yaml:1:1: no YAML: invalid leading UTF-8 octet (0xFF); a topology is UTF-8 text\n");
}

Test(yaml_tree, byte_order_mark_moves_no_column)
{
	load_good("\xef\xbb\xbf" SOURCE SINK);
	load_bad("\xef\xbb\xbfnam: x\n" SOURCE SINK,
		 "t.yaml:1:1: unknown key `nam`; did you mean `name`?\n");
}

Test(yaml_tree, root_must_be_a_map)
{
	load_bad(
	    "- a\n",
	    "t.yaml:1:1: the file holds a list; write a map with `sources`, `sinks` and so on\n");
	load_bad("\n  hello\n", "t.yaml:2:3: the file holds a single value; write a map with "
				"`sources`, `sinks` and so on\n");
}

Test(yaml_tree, empty_files_have_no_source_and_no_sink)
{
	static const char *const empty[] = {"",           "\n\n", "# nothing\n", "---\n",
					    "---\n...\n", "~\n",  "{}\n"};

	for (size_t i = 0; i < sizeof(empty) / sizeof(*empty); i++)
		load_bad(empty[i],
			 "t.yaml:1:1: no sink; write at least one stage under `sinks`\n"
			 "t.yaml:1:1: no source; write at least one stage under `sources`\n");
}

Test(yaml_tree, second_document_is_refused)
{
	load_bad(SOURCE SINK "---\nname: x\n",
		 "t.yaml:9:1: a second document begins here; one file holds one document\n");
	load_good("---\n" SOURCE SINK "...\n");
}

Test(yaml_tree, duplicate_keys_are_told_with_both_places_and_the_rest_is_still_checked)
{
	load_bad("name: a\nsources:\n  in: {type: tail, paths: [a], type: tail, max_line: 5}\n" SINK
		 "name: b\n",
		 "t.yaml:3:32: `type` stands twice, first at 3:8; keep one\n"
		 "t.yaml:3:54: `max_line` is 5 without a unit; add B, KB, KiB, MB, MiB, GB, GiB, "
		 "TB or TiB\n"
		 "t.yaml:8:1: `name` stands twice, first at 1:1; keep one\n");
}

Test(yaml_tree, keys_are_names)
{
	load_bad(SOURCE SINK "[a, b]: c\n",
		 "t.yaml:9:1: a list as a key; a key is a single name\n"
		 "t.yaml:9:1: unknown key ``; there is `name`, "
		 "`memory`, `state_dir`, `epoch`, `supervision`, `shutdown_timeout`, "
		 "`log`, `sources`, `transforms`, `sinks` or `tests`\n");
	load_bad(SOURCE SINK "\"na\\0me\": c\n",
		 "t.yaml:9:1: a key with a NUL byte in it; write the name alone\n"
		 "t.yaml:9:1: unknown key `na\\x00me`; did you mean `name`?\n");
}

Test(yaml_tree, tags_mean_nothing_but_text)
{
	load_good(SOURCE SINK "name: !!str 5\n");
	expect_text(&loaded.name, "5");
	load_bad(SOURCE SINK "name: !secret x\n",
		 "t.yaml:9:7: the tag `!secret` means nothing here; leave it out\n");
	load_bad(SOURCE SINK "memory: !!int 5\nlog: !x {level: info}\n",
		 "t.yaml:9:9: the tag `tag:yaml.org,2002:int` means nothing here; leave it out\n"
		 "t.yaml:9:15: `memory` is 5 without a unit; add B, KB, KiB, MB, MiB, GB, GiB, TB "
		 "or TiB\n"
		 "t.yaml:10:6: the tag `!x` means nothing here; leave it out\n");
}

Test(yaml_tree, aliases_are_copies)
{
	load_good("sources:\n  in: &in\n    type: tail\n    paths: &p [a, b]\n  in2: *in\n"
		  "sinks:\n  out:\n    type: hole\n    inputs: [in, in2]\n");
	const struct tail_options *first = stage_called("in")->options,
				  *second = stage_called("in2")->options;
	expect_text(&second->paths.items[1], "b");
	cr_expect_neq(first->paths.items, second->paths.items);
	cr_expect_eq(second->paths.items[1].at.line, 4);
	cr_expect_eq(second->paths.items[1].at.column, 19);
}

Test(yaml_tree, mistake_under_an_anchor_is_told_once)
{
	load_bad(
	    "sources:\n  in: &in\n    type: tail\n    paths: [a]\n    max_line: 5\n  in2: *in\n"
	    "sinks:\n  out:\n    type: hole\n    inputs: [in, in2]\n",
	    "t.yaml:5:15: `max_line` is 5 without a unit; add B, KB, KiB, MB, MiB, GB, GiB, TB or "
	    "TiB\n");
}

Test(yaml_tree, merge_keys_fill_what_is_not_said)
{
	load_good("sources:\n  in: &in\n    type: tail\n    paths: [a]\n    max_line: 1KiB\n"
		  "  in2:\n    max_line: 2KiB\n    <<: *in\n    on_long_line: drop\n"
		  "sinks:\n  out:\n    type: hole\n    inputs: [\"in*\"]\n");
	const struct tail_options *o = stage_called("in2")->options;
	cr_expect_eq(o->max_line, 2048);
	cr_expect_eq(o->on_long_line, 1);
	expect_text(&o->paths.items[0], "a");
}

Test(yaml_tree, first_of_a_list_of_merged_maps_wins)
{
	load_good("sources:\n  in: &in {type: tail, paths: [a], max_line: 1KiB}\n"
		  "  in2: &in2 {type: tail, paths: [b], linger: 5s}\n"
		  "  in3: {<<: [*in, *in2], on_long_line: split}\n"
		  "sinks: {out: {type: hole, inputs: \"*\"}}\n");
	const struct tail_options *o = stage_called("in3")->options;
	expect_text(&o->paths.items[0], "a");
	cr_expect_eq(o->max_line, 1024);
	cr_expect_eq(o->linger, 5000000000);
	cr_expect_eq(o->on_long_line, 2);
}

Test(yaml_tree, merge_keys_take_maps_alone)
{
	load_bad(
	    "sources:\n  in: {type: tail, paths: &p [a], <<: *p}\n  in2: {<<: x, type: pipe}\n"
	    "  in3: {type: pipe, <<: {}, <<: {}}\nsinks: {out: {type: hole, inputs: \"*\"}}\n",
	    "t.yaml:2:31: `<<` is a single value; it takes a map or a list of maps, as *aliases\n"
	    "t.yaml:3:13: `<<` is a single value; it takes a map or a list of maps, as *aliases\n"
	    "t.yaml:4:29: `<<` stands twice, first at 4:21; keep one\n");
}

Test(yaml_tree, quoted_merge_key_is_a_key)
{
	load_bad(SOURCE SINK "\"<<\": {}\n",
		 "t.yaml:9:1: unknown key `<<`; there is `name`, `memory`, `state_dir`, `epoch`, "
		 "`supervision`, `shutdown_timeout`, `log`, `sources`, `transforms`, `sinks` or "
		 "`tests`\n");
}

Test(yaml_tree, aliases_need_an_anchor_that_is_whole)
{
	load_bad("name: *x\n", "t.yaml:1:7: no anchor `&x` stands before this alias\n");
	load_bad("name: &x [*x]\n",
		 "t.yaml:1:11: the alias `*x` stands inside of what it stands for\n");
}

Test(yaml_tree, alias_bomb_is_refused)
{
	char yaml[4096] = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";

	for (int i = 1; i < 10; i++) {
		size_t length = strlen(yaml);
		snprintf(yaml + length, sizeof(yaml) - length,
			 "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1,
			 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	}
	load_bad(yaml, "t.yaml:6:14: more than 100000 values in all, aliases counted as what they "
		       "stand for; write "
		       "less\n");
}

static char *repeat(const char *before, const char *unit, size_t times, const char *after)
{
	char *text = malloc(strlen(before) + strlen(unit) * times + strlen(after) + 1);
	char *end = stpcpy(text, before);

	for (size_t i = 0; i < times; i++)
		end = stpcpy(end, unit);
	strcpy(end, after);
	return text;
}

Test(yaml_tree, too_many_values_are_refused)
{
	char *yaml = repeat("name: [", "x,", 100000, "]\n");

	load_bad(yaml, "t.yaml:1:200002: more than 100000 values in all, aliases counted as what "
		       "they stand for; write "
		       "less\n");
	free(yaml);
}

Test(yaml_tree, too_many_aliases_are_refused)
{
	char *yaml = repeat("name: [&x a,", "*x,", 10001, "]\n");

	load_bad(yaml, "t.yaml:1:30013: more than 10000 aliases\n");
	free(yaml);
}

Test(yaml_tree, depth_is_limited)
{
	char *yaml = repeat("", "[", 65, "");

	load_bad(yaml, "t.yaml:1:65: nested more than 64 deep\n");
	free(yaml);
	yaml = repeat("", "[", 500000, "");
	load_bad(yaml, "t.yaml:1:65: nested more than 64 deep\n");
	free(yaml);
	yaml = repeat("", "- ", 100000, "");
	load_bad(yaml, "t.yaml:1:129: nested more than 64 deep\n");
	free(yaml);
	yaml = repeat("", "{a: ", 65, "");
	load_bad(yaml, "t.yaml:1:254: nested more than 64 deep\n");
	free(yaml);
}

Test(yaml_tree, depth_counts_what_aliases_stand_for)
{
	load_bad("a: &a [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n"
		 "b: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[*a]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n",
		 "t.yaml:2:36: nested more than 64 deep\n");
}

Test(yaml_tree, huge_values_and_files_are_refused)
{
	char *yaml = repeat("name: ", "x", YAML_SCALAR_BYTES_MAX + 1, "\n");

	load_bad(yaml, "t.yaml:1:7: a value of 1048577 bytes; at most 1048576\n");
	free(yaml);
	yaml = repeat("#", "x", YAML_TEXT_BYTES_MAX, "\n");
	load_bad(yaml, "t.yaml: a file of more than 4194304 bytes\n");
	free(yaml);
}

Test(yaml_tree, every_byte_flipped_ends_in_problems_or_not_but_ends)
{
	static const char good[] =
	    "name: \"a$$b\"\nsources:\n  in: &x {type: tail, paths: [a, 'b'], linger: '${V:-5s}'}\n"
	    "  i2: {<<: *x, limit: !!str 5/s}\nsinks:\n  out:\n    type: store\n    inputs: \"*\"\n"
	    "    path: |\n      p\n      }\n";
	static const unsigned char flips[] = {0x01, 0x08, 0x20, 0x80, 0xff};
	char yaml[sizeof(good)];

	load_good(good);
	for (size_t i = 0; i + 1 < sizeof(good); i++) {
		for (size_t j = 0; j < sizeof(flips); j++) {
			memcpy(yaml, good, sizeof(good));
			yaml[i] = (char)(yaml[i] ^ flips[j]);
			write_bytes("t.yaml", yaml, sizeof(good) - 1);
			cr_expect_eq(load_file("t.yaml") != 0, problems.count > 0, "byte %zu ^ %x",
				     i, flips[j]);
		}
		write_bytes("t.yaml", good, i);
		cr_expect_eq(load_file("t.yaml") != 0, problems.count > 0, "cut at %zu", i);
	}
}
