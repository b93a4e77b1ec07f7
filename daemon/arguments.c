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

static int add_file(struct arguments *a, const char *value)
{
	a->files[a->file_count++] = value;
	return 0;
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
    {"--set-log-level", TAKES_RUN, "debug|info|warn|error", set_log_level},
    {"--io", TAKES_RUN, "auto|uring|plain", set_io},
    {"--format", TAKES_FORMAT, "text|dot|mermaid|json", set_format},
};
enum { KNOWN_COUNT = sizeof options / sizeof options[0] };

/* `--name=value` as well as `--name value`. */
static const struct known *find(const char *typed, unsigned takes, const char **ret_attached)
{
	size_t length = strncmp(typed, "--", 2) == 0 ? strcspn(typed, "=") : strlen(typed);
	for (size_t i = 0; i < KNOWN_COUNT; i++) {
		const struct known *k = &options[i];
		if (!(k->taken_by & takes) || strlen(k->name) != length ||
		    strncmp(k->name, typed, length) != 0)
			continue;
		*ret_attached = typed[length] == '=' ? typed + length + 1 : NULL;
		return k;
	}
	return NULL;
}

static int refuse_unknown(const char *command, unsigned takes, const char *typed)
{
	struct suggest nearest;
	suggest_init(&nearest, typed, strlen(typed));
	for (size_t i = 0; i < KNOWN_COUNT; i++)
		if (options[i].taken_by & takes)
			suggest_consider(&nearest, options[i].name);
	fprintf(stderr, "sluice %s: unknown option %s", command, typed);
	if (nearest.best)
		fprintf(stderr, "; did you mean %s?", nearest.best);
	fputs("\n", stderr);
	return -EINVAL;
}

static int apply(struct arguments *a, const char *command, const struct known *k, const char *value)
{
	if (k->apply(a, value) >= 0)
		return 0;
	fprintf(stderr, "sluice %s: %s takes %s, not %s\n", command, k->name, k->value, value);
	return -EINVAL;
}

static int take_rest(struct arguments *a, const char *command, unsigned takes, const char *typed)
{
	if (takes & TAKES_NAME && !a->rest) {
		a->rest = typed;
		return 0;
	}
	fprintf(stderr, "sluice %s: unexpected argument %s%s\n", command, typed,
		takes & TAKES_CONFIG ? "; a topology is given with -c" : "");
	return -EINVAL;
}

static int read_one(struct arguments *a, const char *command, unsigned takes, char **argv, int *at,
		    int argc)
{
	const char *typed = argv[(*at)++];
	if (typed[0] != '-')
		return take_rest(a, command, takes, typed);
	const char *value = NULL;
	const struct known *k = find(typed, takes, &value);
	if (!k)
		return refuse_unknown(command, takes, typed);
	if (!k->value && value) {
		fprintf(stderr, "sluice %s: %s takes no value\n", command, k->name);
		return -EINVAL;
	}
	if (k->value && !value) {
		if (*at == argc) {
			fprintf(stderr, "sluice %s: %s needs %s\n", command, k->name, k->value);
			return -EINVAL;
		}
		value = argv[(*at)++];
	}
	return apply(a, command, k, value);
}

int arguments_read(struct arguments *a, const char *command, unsigned takes, int argc, char **argv)
{
	*a = (struct arguments){.io = BACKEND_AUTO};
	a->files = calloc((size_t)argc + 1, sizeof *a->files);
	a->sets = calloc((size_t)argc + 1, sizeof *a->sets);
	if (!a->files || !a->sets) {
		fputs("sluice: out of memory\n", stderr);
		return -ENOMEM;
	}
	for (int at = 0; at < argc;) {
		int r = read_one(a, command, takes, argv, &at, argc);
		if (r < 0)
			return r;
	}
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
