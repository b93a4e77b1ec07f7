#include "stages/parser_names.h"

#include "conf/excerpt.h"
#include "conf/suggest.h"

#include <stdlib.h>
#include <string.h>

void parser_names_add(struct parser_names *n, const char *name, size_t length)
{
	char **more = reallocarray(n->list, n->count + 1, sizeof *more);
	if (!more) {
		n->is_incomplete = true;
		return;
	}
	n->list = more;
	n->list[n->count] = strndup(name, length);
	if (n->list[n->count])
		n->count++;
	else
		n->is_incomplete = true;
}

static bool has(const struct parser_names *n, const struct text *name)
{
	for (size_t i = 0; i < n->count; i++)
		if (strlen(n->list[i]) == name->length &&
		    memcmp(n->list[i], name->bytes, name->length) == 0)
			return true;
	return false;
}

static void check(const struct parser_names *n, const struct text *name, const char *key,
		  struct problems *problems)
{
	struct suggest suggest;
	if (has(n, name))
		return;
	suggest_init(&suggest, name->bytes, name->length);
	for (size_t i = 0; i < n->count; i++)
		suggest_consider(&suggest, n->list[i]);
	problem_add(problems, name->at,
		    "`%s` speaks of `%s`, which is none of the fields that are found%s%s%s", key,
		    excerpt_of(name->bytes, name->length, name->secret).text,
		    suggest.best ? "; did you mean `" : "", suggest.best ? suggest.best : "",
		    suggest.best ? "`?" : "");
}

static void release(struct parser_names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->list[i]);
	free(n->list);
	*n = (struct parser_names){.list = NULL};
}

void parser_names_check(struct parser_names *n, const struct parser_options *o,
			struct problems *problems)
{
	for (size_t i = 0; i < o->types.count && !n->is_incomplete; i++)
		check(n, &o->types.items[i].name, "types", problems);
	if (o->time.field.bytes && !n->is_incomplete)
		check(n, &o->time.field, "time", problems);
	release(n);
}
