/* list.c - `sluice list [STAGE]` and `sluice schema`: what this build knows, from its own tables. Layer: daemon. */
#include "conf/json_schema.h"
#include "conf/option_list.h"
#include "conf/suggest.h"
#include "conf/test_keys.h"
#include "conf/topology_keys.h"
#include "daemon/arguments.h"
#include "daemon/catalog.h"
#include "daemon/commands.h"
#include "daemon/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int list_all(void)
{
	const struct stage_catalog *all = catalog();
	for (int kind = STAGE_SOURCE; kind <= STAGE_SINK; kind++) {
		printf("%s:\n", stage_section_names[kind]);
		for (size_t i = 0; all->types[i]; i++)
			if ((int)all->types[i]->kind == kind)
				printf("  %-12s %s\n", all->types[i]->name, all->types[i]->summary);
	}
	for (const struct stage_left_out *l = all->left_out; l->name; l++)
		printf("\nnot in this build, as it was made without %s: %s\n", l->library, l->name);
	puts("\n`sluice list STAGE` lists a stage's options, `sluice list topology` what stands "
	     "beside the stages.");
	return output_end();
}

static void list_tests(void)
{
	puts("\ntests: a list of what `sluice test` tries; in each\n");
	option_list_table(test_keys, 2, stdout);
	puts("\n  input: a list of records, each a text, or a map of\n");
	option_list_table(record_keys, 4, stdout);
	puts("    fields  a map of the fields it has, like {status: 500}\n"
	     "\n  expect: a list of what is to come out, each a map of\n");
	option_list_table(expectation_keys, 4, stdout);
}

static int list_topology(void)
{
	puts("topology: the keys beside `sources`, `transforms` and `sinks`\n");
	option_list_table(topology_keys, 2, stdout);
	list_tests();
	puts("\nvalues, everywhere:\n\n"
	     "  ${VAR}           the environment variable; one that is not set is an error\n"
	     "  ${VAR:-default}  the default where it is not set or empty\n"
	     "  ${VAR:?message}  an error, with this message, where it is not set or empty\n"
	     "  ${file:/path}    what the file holds, shown to nobody\n"
	     "  $$               a `$`, where `${` is not meant; any other `$` stands for itself");
	return output_end();
}

static int list_one(const char *name)
{
	if (strcmp(name, "topology") == 0)
		return list_topology();
	const struct stage_catalog *all = catalog();
	struct suggest nearest;
	suggest_init(&nearest, name, strlen(name));
	suggest_consider(&nearest, "topology");
	size_t found = 0;
	for (size_t i = 0; all->types[i]; i++) {
		suggest_consider(&nearest, all->types[i]->name);
		if (strcmp(all->types[i]->name, name) != 0)
			continue;
		if (found++)
			puts("");
		option_list_stage(all->types[i], stdout);
	}
	if (found)
		return output_end();
	fprintf(stderr, "sluice list: no stage %s in this build", name);
	if (nearest.best)
		fprintf(stderr, "; did you mean %s?", nearest.best);
	fputs("\n", stderr);
	return EXIT_USAGE;
}

int command_list(int argc, char **argv)
{
	struct arguments a;
	int code = EXIT_USAGE;
	if (arguments_read(&a, "list", TAKES_NAME, argc, argv) == 0)
		code = a.rest ? list_one(a.rest) : list_all();
	arguments_release(&a);
	return code;
}

int command_schema(int argc, char **argv)
{
	struct arguments a;
	int code = EXIT_USAGE;
	if (arguments_read(&a, "schema", 0, argc, argv) == 0) {
		int r = json_schema_write(catalog(), stdout);
		if (r == -ENOMEM)
			fputs("sluice: out of memory\n", stderr);
		code = r == -ENOMEM ? EXIT_FAILED : output_end();
	}
	arguments_release(&a);
	return code;
}
