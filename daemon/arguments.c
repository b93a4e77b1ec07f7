#include "daemon/arguments.h"
#include "conf/suggest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each option's name, what it needs, and what it does with its value; -EINVAL if the value is none of those it knows. */
struct known {
	const char *name;
	unsigned taken_by;
	const char *value; /* what its value is called; NULL: none */
	int (*apply)(struct arguments *a, const char *value);
};

static int one_of(const char *value, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (strcmp(value, words[i]) == 0)
			return i;
	return -EINVAL;
}

/* Standard input has a name: /dev/stdin. */
static int add_file(struct arguments *a, const char *value)
{
	a->files[a->file_count++] = value;
	return *value && strcmp(value, "-") != 0 ? 0 : -EINVAL;
}

static int add_set(struct arguments *a, const char *value)
{
	a->sets[a->set_count++] = value;
	return strchr(value, '=') ? 0 : -EINVAL;
}

static int set_once(struct arguments *a, const char *value)
{
	(void)value;
	a->once = true;
	return 0;
}

static int set_from_scratch(struct arguments *a, const char *value)
{
	(void)value;
	a->from_scratch = true;
	return 0;
}

static int set_json(struct arguments *a, const char *value)
{
	(void)value;
	a->json = true;
	return 0;
}

static int set_verify(struct arguments *a, const char *value)
{
	(void)value;
	a->verify = true;
	return 0;
}

static int set_log_level(struct arguments *a, const char *value)
{
	static const char *const words[] = {"debug", "info", "warn", "error", NULL};
	int i = one_of(value, words);
	a->has_log_level = true;
	a->log_level = (enum log_level)(i < 0 ? 0 : i);
	return i;
}

static int set_io(struct arguments *a, const char *value)
{
	static const char *const words[] = {"auto", "uring", "plain", NULL};
	int i = one_of(value, words);
	a->io = (enum backend_kind)(i < 0 ? 0 : i);
	return i;
}

static int set_format(struct arguments *a, const char *value)
{
	static const char *const words[] = {"text", "dot", "mermaid", "json", NULL};
	int i = one_of(value, words);
	a->format = (enum graph_format)(i < 0 ? 0 : i);
	return i;
}

static const struct known options[] = {
    {"-c", TAKES_CONFIG, "FILE|DIR", add_file},
    {"--config", TAKES_CONFIG, "FILE|DIR", add_file},
    {"--set", TAKES_CONFIG, "KEY=VALUE", add_set},
    {"--once", TAKES_RUN, NULL, set_once},
    {"--from-scratch", TAKES_RUN, NULL, set_from_scratch},
    {"--set-log-level", TAKES_RUN, "debug|info|warn|error", set_log_level},
    {"--io", TAKES_RUN, "auto|uring|plain", set_io},
    {"--json", TAKES_STATE, NULL, set_json},
    {"--verify", TAKES_STATE, NULL, set_verify},
    {"--format", TAKES_FORMAT, "text|dot|mermaid|json", set_format},
};
enum { KNOWN_COUNT = sizeof options / sizeof options[0] };

/* A command's arguments, being read. */
struct reading {
	struct arguments *into;
	const char *command;
	unsigned takes;
	char **argv;
	int argc, at;
	bool options_over; /* behind `--` */
};

/* `--name=value` as well as `--name value`; `-cvalue` as well as `-c value`. */
static size_t name_length(const char *typed)
{
	if (strncmp(typed, "--", 2) == 0)
		return strcspn(typed, "=");
	return strlen(typed) < 2 ? strlen(typed) : 2;
}

static const char *attached_value(const char *typed)
{
	const char *rest = typed + name_length(typed);
	if (!*rest)
		return NULL;
	return strncmp(typed, "--", 2) == 0 ? rest + 1 : rest;
}

static const struct known *find(const char *typed, unsigned takes)
{
	size_t length = name_length(typed);
	for (size_t i = 0; i < KNOWN_COUNT; i++)
		if ((options[i].taken_by & takes) && strlen(options[i].name) == length &&
		    strncmp(options[i].name, typed, length) == 0)
			return &options[i];
	return NULL;
}

static const char *takers_of(const struct known *k)
{
	return k->taken_by == TAKES_RUN      ? "`sluice run`"
	       : k->taken_by == TAKES_FORMAT ? "`sluice graph`"
	       : k->taken_by == TAKES_STATE  ? "`sluice state`"
					     : "`sluice run`, `check`, `test`, `graph` and `state`";
}

/* NULL: none. `-once` is one dash short of what was meant; a letter behind one dash is no mistyped word. */
static const char *long_option_meant(const struct reading *r, const char *typed)
{
	struct suggest nearest;
	bool word = strncmp(typed, "--", 2) == 0 || strlen(typed) > 2;
	suggest_init(&nearest, typed, strcspn(typed, "="));
	for (size_t i = 0; i < KNOWN_COUNT && word; i++)
		if (options[i].taken_by & r->takes && strlen(options[i].name) > 2)
			suggest_consider(&nearest, options[i].name);
	return nearest.best;
}

static int refuse_unknown(const struct reading *r, const char *typed)
{
	const struct known *elsewhere = find(typed, ~0u);
	const char *meant = long_option_meant(r, typed);
	fprintf(stderr, "sluice %s: ", r->command);
	if (elsewhere)
		fprintf(stderr, "%s is an option of %s\n", elsewhere->name, takers_of(elsewhere));
	else if (meant)
		fprintf(stderr, "unknown option %s; did you mean %s?\n", typed, meant);
	else
		fprintf(stderr, "unknown option %s; `sluice %s --help` lists them\n", typed,
			r->command);
	return -EINVAL;
}

static int apply(const struct reading *r, const struct known *k, const char *value)
{
	if (k->apply(r->into, value) >= 0)
		return 0;
	fprintf(stderr, "sluice %s: %s takes %s, not `%s`\n", r->command, k->name, k->value, value);
	return -EINVAL;
}

static int take_rest(const struct reading *r, const char *typed)
{
	if (r->takes & TAKES_NAME && !r->into->rest) {
		r->into->rest = typed;
		return 0;
	}
	fprintf(stderr, "sluice %s: unexpected argument %s%s%s\n", r->command, typed,
		r->takes & TAKES_CONFIG ? "; a topology is given with -c " : "",
		r->takes & TAKES_CONFIG ? typed : "");
	return -EINVAL;
}

/* The word behind the option, where its value was not attached. */
static int take_value(struct reading *r, const struct known *k, const char **ret_value)
{
	if (r->at == r->argc) {
		fprintf(stderr, "sluice %s: %s needs %s\n", r->command, k->name, k->value);
		return -EINVAL;
	}
	*ret_value = r->argv[r->at++];
	return 0;
}

static int read_option(struct reading *r, const char *typed)
{
	const struct known *k = find(typed, r->takes);
	const char *value = attached_value(typed);
	if (!k)
		return refuse_unknown(r, typed);
	if (!k->value && value) {
		fprintf(stderr, "sluice %s: %s takes no value\n", r->command, k->name);
		return -EINVAL;
	}
	if (k->value && !value && take_value(r, k, &value) < 0)
		return -EINVAL;
	return apply(r, k, value);
}

static int read_one(struct reading *r)
{
	const char *typed = r->argv[r->at++];
	if (r->options_over || typed[0] != '-' || !typed[1])
		return take_rest(r, typed);
	if (strcmp(typed, "--") != 0)
		return read_option(r, typed);
	r->options_over = true;
	return 0;
}

int arguments_read(struct arguments *a, const char *command, unsigned takes, int argc, char **argv)
{
	struct reading r = {
	    .into = a, .command = command, .takes = takes, .argv = argv, .argc = argc};
	*a = (struct arguments){.io = BACKEND_AUTO};
	a->files = calloc((size_t)argc + 1, sizeof *a->files);
	a->sets = calloc((size_t)argc + 1, sizeof *a->sets);
	if (!a->files || !a->sets) {
		fputs("sluice: out of memory\n", stderr);
		return -ENOMEM;
	}
	while (r.at < argc)
		if (read_one(&r) < 0)
			return -EINVAL;
	if (takes & TAKES_CONFIG && a->file_count == 0) {
		fprintf(stderr, "sluice %s: which topology? Give it with -c FILE or -c DIR\n",
			command);
		return -EINVAL;
	}
	return 0;
}

void arguments_release(struct arguments *a)
{
	free(a->files);
	free(a->sets);
	*a = (struct arguments){.files = NULL};
}
