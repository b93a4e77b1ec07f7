#include "tests/unit/conf/load_fixture.h"

#include "conf/option_list.h"

static void expect_list(const struct stage_schema *s, const char *expected)
{
	char *text = NULL;
	size_t length;
	FILE *f = open_memstream(&text, &length);

	option_list_stage(s, f);
	fclose(f);
	cr_expect_str_eq(text, expected, "got:\n%s", text);
	free(text);
}

Test(option_list, shows_types_limits_defaults_and_groups)
{
	expect_list(&tail_schema,
		    "source tail: reads files\n"
		    "\n"
		    "  type          text                     required  Which kind of stage this "
		    "is; `sluice list` names "
		    "them\n"
		    "  paths         texts                    required  Files to read\n"
		    "  max_line      size, 16B to 1GiB        1MiB\n"
		    "  on_long_line  truncate, drop or split  truncate\n"
		    "  linger        time or off              off\n"
		    "  limit         rate                               Records a second\n"
		    "  multiline\n"
		    "    start       text                     required  What begins a record\n"
		    "    max_lines   count, 2 to 5000         1000\n");
}

Test(option_list, maps_are_shown_with_their_limits)
{
	static const struct option table[] = {
	    {"fields", OPTION_MAP, 0, .required = true, .min = 1, .max = 9, .doc = "Names"},
	    {"script", OPTION_FILE, 0, .min = 1, .doc = "Which"},
	    {"labels", OPTION_MAP, 0, .preset = "{a: b}"},
	    {0},
	};
	char *text = NULL;
	size_t length;
	FILE *f = open_memstream(&text, &length);

	option_list_table(table, 2, f);
	fclose(f);
	cr_expect_str_eq(text, "  fields  name: text, at most 9 bytes  required  Names\n"
			       "  script  path                                   Which\n"
			       "  labels  name: text                   {a: b}\n");
	free(text);
}

Test(option_list, shows_the_common_keys_that_the_stage_accepts)
{
	expect_list(
	    &sieve_schema,
	    "transform sieve: keeps records\n"
	    "\n"
	    "  type         text                                      required  Which kind of "
	    "stage this is; `sluice list` names them\n"
	    "  inputs       texts                                     required  The sources and "
	    "transforms to read from, or `stage.output` where it has several; `*` in a name stands "
	    "for any characters\n"
	    "  workers      count, 1 to 4 or auto                     1         How many workers "
	    "run this stage at the same time; auto: one fewer than the CPUs this process may use, "
	    "8 at most\n"
	    "  ordered      true or false                             true      Keep the order of "
	    "records; false lets workers overtake each other\n"
	    "  queue                                                            A queue of its own "
	    "in front of this stage, and with it a thread\n"
	    "    capacity   count, 1 to 65536                         64        How many batches "
	    "may wait in front of this stage\n"
	    "    when_full  block, drop_newest, drop_oldest or spill  block     What happens when "
	    "a batch comes and there is no room: who puts it waits; it is left out, or the one "
	    "that has waited longest is, and is counted; or it goes to disk, and comes back from "
	    "there in order\n"
	    "    max_size   size, at least 1B                                   `spill`: the most "
	    "that there may be on disk; from then on who puts waits; 1GiB unless it is given\n"
	    "  contains     texts                                               Keep records with "
	    "one of these\n"
	    "  invert       true or false                             false\n"
	    "  separator    text, at most 4 bytes                     \"\\n\"\n");
}
