#include "stages/source/file_aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *file_aside_last_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* What follows the prefix; NULL: it has none. */
static const char *behind_prefix(const char *path)
{
	const char *name = file_aside_last_name(path);
	size_t length = strlen(FILE_ASIDE_PREFIX);
	if (strncmp(name, FILE_ASIDE_PREFIX, length) != 0)
		return NULL;
	name += length;
	if (name[0] == '-' && name[1] >= '2' && name[1] <= '0' + FILE_ASIDE_NAMES)
		name += 2;
	return *name == '.' ? name + 1 : NULL;
}

bool file_aside_is(const char *path)
{
	return behind_prefix(path) != NULL;
}

static char *renamed(const char *path, const char *prefix, const char *name)
{
	char *to;
	int above = (int)(file_aside_last_name(path) - path);
	return asprintf(&to, "%.*s%s%s", above, path, prefix, name) < 0 ? NULL : to;
}

char *file_aside_of(const char *path, unsigned number)
{
	assert(number >= 1 && number <= FILE_ASIDE_NAMES);
	char prefix[] = FILE_ASIDE_PREFIX "-?.";
	if (number == 1)
		return renamed(path, FILE_ASIDE_PREFIX ".", file_aside_last_name(path));
	*strchr(prefix, '?') = (char)('0' + number);
	return renamed(path, prefix, file_aside_last_name(path));
}

char *file_aside_original(const char *path)
{
	const char *name = behind_prefix(path);
	return renamed(path, "", name ? name : file_aside_last_name(path));
}

void file_aside_begin(struct file_aside *a, struct stage *s, struct file_positions *positions)
{
	*a = (struct file_aside){
	    .stage = s, .positions = positions, .next = positions->parked.next, .number = 1};
}

static void forget_names(struct file_aside *a)
{
	free(a->from);
	free(a->to);
	a->from = a->to = NULL;
}

void file_aside_release(struct file_aside *a)
{
	assert(!a->op.busy);
	forget_names(a);
}

static void on_done(struct io_op *op)
{
	(void)op;
}

static int put_back(struct file_aside *a, const char *path)
{
	forget_names(a);
	a->to = file_aside_original(path);
	a->from = a->to ? file_aside_of(a->to, a->number) : NULL;
	if (!a->from)
		return -ENOMEM;
	a->op = (struct io_op){.code = IO_RENAME,
			       .fd = AT_FDCWD,
			       .rename = {.from = a->from, .to = a->to},
			       .done = on_done};
	io_submit(a->stage->env->io, &a->op);
	return STEP_WAIT;
}

static const char *path_at(const struct chain *link)
{
	struct chain *c = (struct chain *)(uintptr_t)link;
	return chain_owner(c, struct file_position, parked)->path;
}

/* That there is none, or that its name is taken, is as good as having put it back. */
int file_aside_step(struct file_aside *a)
{
	if (a->op.busy)
		return STEP_WAIT;
	if (!a->next || a->next == &a->positions->parked) {
		a->next = NULL;
		return STEP_DONE;
	}
	int r = put_back(a, path_at(a->next));
	if (a->number++ == FILE_ASIDE_NAMES) {
		a->number = 1;
		a->next = a->next->next;
	}
	return r;
}
