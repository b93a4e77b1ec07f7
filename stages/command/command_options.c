#include "stages/command/command_options.h"

#include <string.h>

static void check_text(const struct text *t, const char *what, struct problems *problems)
{
	if (t->bytes && memchr(t->bytes, '\0', t->length))
		problem_add(problems, t->at, "`%s` cannot hold a NUL byte", what);
}

static void check_variable(const struct text_pair *p, struct problems *problems)
{
	if (memchr(p->name.bytes, '=', p->name.length))
		problem_add(problems, p->name.at, "no name of an environment variable");
	check_text(&p->value, "environment", problems);
}

void command_options_check(const struct command_options *o, struct problems *problems)
{
	for (size_t i = 0; i < o->command.count; i++)
		check_text(&o->command.items[i], "command", problems);
	if (o->command.count > 0 && o->command.items[0].length == 0)
		problem_add(problems, o->command.items[0].at,
			    "`command` begins with the program to run");
	for (size_t i = 0; i < o->environment.count; i++)
		check_variable(&o->environment.items[i], problems);
	check_text(&o->directory, "directory", problems);
}

const char *command_options_shown(const struct command_options *o)
{
	return text_shown(&o->command.items[0], o->command.items[0].bytes);
}
