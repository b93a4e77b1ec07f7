/* main.c - sluice's front door: which command? */
#include "daemon/arguments.h"
#include "daemon/commands.h"
#include "daemon/output.h"

#include "conf/suggest.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage;
} commands[] = {
    {"run", command_run,
     "run -c FILE|DIR [--once] [--from-scratch] [--set KEY=VALUE] [--set-log-level LEVEL]\n"
     "      [--io auto|uring|plain]\n"
     "      move records as the topology says, going on where the last run ended; --once: to the "
     "end of "
     "the input, then exit; --from-scratch: forget that it ever ran; outputs stay where they are, "
     "so "
     "move them away first, or records are in them twice"},
    {"check", command_check,
     "check -c FILE|DIR [--set KEY=VALUE]\n      say everything that is wrong with a topology, or "
     "what each sink "
     "guarantees; warn of files and directories that are not there"},
    {"test", command_test,
     "test -c FILE|DIR [--set KEY=VALUE]\n      try the topology's own `tests`: which records come "
     "out where; nothing is read or written"},
    {"graph", command_graph,
     "graph -c FILE|DIR [--set KEY=VALUE] [--format text|dot|mermaid|json]\n      show stages, "
     "queues, workers, "
     "threads and memory"},
    {"state", command_state,
     "state -c FILE|DIR [--json] [--verify] [--set KEY=VALUE]\n      what the newest epoch "
     "remembers: "
     "positions, lengths, age; --verify: look at the files, too, and say what the next start would "
     "do"},
    {"list", command_list,
     "list [STAGE|topology]\n      the stages in this build, one stage's options, or the keys "
     "beside the stages"},
    {"schema", command_schema, "schema\n      the topology's JSON Schema, for editors"},
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static int print_usage(FILE *to)
{
	fputs("sluice moves records from files and other sources through stages into storage.\n\n",
	      to);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(to, "  sluice %s\n", commands[i].usage);
	fputs("  sluice --version\n", to);
	fputs(
	    "\n"
	    "-c, --config names the topology's file, or a directory of them; it may be given more "
	    "than once.\n"
	    "--set KEY=VALUE replaces one value of the topology, as in "
	    "sinks.archive.path=/tmp/x. A text "
	    "is taken\nas it stands, `${VAR}` filled in; KEY:=VALUE reads VALUE as YAML: "
	    "sources.in.paths:='[a.log, b.log]'.\n",
	    to);
	return to == stdout ? output_end() : EXIT_USAGE;
}

static int refuse(const char *typed)
{
	struct suggest nearest;
	suggest_init(&nearest, typed, strlen(typed));
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		suggest_consider(&nearest, commands[i].name);
	suggest_consider(&nearest, "--version");
	suggest_consider(&nearest, "--help");
	if (strcasecmp(typed, "-v") == 0)
		nearest.best = "--version";
	if (nearest.best)
		fprintf(stderr, "sluice: unknown command %s; did you mean %s?\n", typed,
			nearest.best);
	else if (typed[0] == '-')
		fprintf(stderr, "sluice: a command comes first, then its options, like `sluice run "
				"-c FILE`; `sluice --help` lists them\n");
	else
		fprintf(stderr, "sluice: unknown command %s; `sluice --help` lists them\n", typed);
	return EXIT_USAGE;
}

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* Anywhere among a command's options. */
static bool asks_for_help(int argc, char **argv)
{
	for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (is_help(argv[i]))
			return true;
	return false;
}

static const struct command *find_command(const char *typed)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(typed, commands[i].name) == 0)
			return &commands[i];
	return NULL;
}

static int print_command_usage(const struct command *c)
{
	printf("sluice %s\n", c->usage);
	return output_end();
}

static int help(int argc, char **argv)
{
	const struct command *c = argc > 2 ? find_command(argv[2]) : NULL;
	if (argc > 2 && !c)
		return refuse(argv[2]);
	return c ? print_command_usage(c) : print_usage(stdout);
}

/* A descriptor that was closed when we began would be given to the next thing opened, and that read or written in place
 * of the standard stream. What is put there can be neither read nor written (EBADF), nor be opened for writing by its
 * name under /dev, so that nothing passes for stored that went nowhere. */
static void fill_standard_descriptors(void)
{
	int fd;
	do
		fd = open("/", O_PATH | O_DIRECTORY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	fill_standard_descriptors();
	output_begin();
	if (argc < 2)
		return print_usage(stderr);
	if (is_help(argv[1]) || strcmp(argv[1], "help") == 0)
		return help(argc, argv);
	if (strcmp(argv[1], "--version") == 0) {
		puts("sluice " SLUICE_VERSION);
		return output_end();
	}
	const struct command *c = find_command(argv[1]);
	if (!c)
		return refuse(argv[1]);
	if (asks_for_help(argc, argv))
		return print_command_usage(c);
	return c->run(argc - 2, argv + 2);
}
