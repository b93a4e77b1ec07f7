/* command_options.h - the options of every stage that runs a command. Layer: stages. */
#pragma once

#include "conf/option.h"

struct command_options {
	struct text_list command;
	struct text_map environment;
	struct text directory;
	uint64_t kill_after; /* ns */
};

/* Rows for the option table of a struct that has a struct command_options at offset `base`. needed: whether `command` has to be
 * given. */
/* clang-format off */
#define COMMAND_OPTION_ROWS(base, needed)                                                          \
	{"command", OPTION_TEXTS, (base) + offsetof(struct command_options, command),              \
	 .required = (needed),                                                                     \
	 .doc = "Program and arguments, as a list; or one text, run by /bin/sh"},                  \
	{"environment", OPTION_MAP, (base) + offsetof(struct command_options, environment),        \
	 .doc = "Variables it has beside those of sluice, or instead of them"},                    \
	{"directory", OPTION_TEXT, (base) + offsetof(struct command_options, directory), .min = 1, \
	 .doc = "Where it runs; by default where sluice does"},                                    \
	{"kill_after", OPTION_DURATION, (base) + offsetof(struct command_options, kill_after),     \
	 .preset = "5s",                                                                           \
	 .doc = "How long it may take to end: after SIGTERM, then comes SIGKILL; and what it has " \
		"left behind when it has ended"}
/* clang-format on */

/* What is wrong with them beyond that. */
void command_options_check(const struct command_options *o, struct problems *problems);

/* What the command is called in messages: its program, or the text for the shell; as it may be shown. */
const char *command_options_shown(const struct command_options *o);
