/* The walk over an invented tree: a fake io answers from a table, in its own time. */
#include "stages/glob_walk.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct node {
	const char *path;
	unsigned char type;   /* as a listing tells it */
	const char *leads_to; /* DT_LNK: the directory it leads to; NULL: a file */
	int error;            /* of listing it */
};

struct fake {
	struct io io; /* must stand first */
	const struct node *tree;
	size_t count;
	struct io_op *pending;
	char log[4096]; /* what was asked for */
};

static const struct node *find_node(const struct fake *f, const char *path)
{
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->tree[i].path, path) == 0)
			return &f->tree[i];
	return NULL;
}

/* The path with links to directories replaced. */
static void resolve(const struct fake *f, const char *path, char *out)
{
	strcpy(out, path);
	for (size_t i = 0; i < f->count; i++) {
		const struct node *n = &f->tree[i];
		size_t length = strlen(n->path);
		if (!n->leads_to || strncmp(out, n->path, length) != 0 ||
		    (out[length] != '/' && out[length] != '\0'))
			continue;
		char rest[1024];
		strcpy(rest, out + length);
		stpcpy(stpcpy(out, n->leads_to), rest);
		i = (size_t)-1;
	}
}

static int64_t list(const struct fake *f, const char *path, struct io_listing *into)
{
	char real[1024];
	resolve(f, path, real);
	const struct node *d = find_node(f, real);
	if (!d)
		return -ENOENT;
	if (d->error)
		return d->error;
	size_t length = strlen(real);
	into->entries = calloc(f->count, sizeof *into->entries);
	for (size_t i = 0; i < f->count; i++) {
		const char *p = f->tree[i].path;
		if (strncmp(p, real, length) != 0 || p[length] != '/' ||
		    strchr(p + length + 1, '/'))
			continue;
		into->entries[into->count++] =
		    (struct io_entry){.name = strdup(p + length + 1), .type = f->tree[i].type};
	}
	return 0;
}

static int64_t look(const struct fake *f, const char *path, struct io_status *into)
{
	char real[1024];
	resolve(f, path, real);
	const struct node *n = find_node(f, real);
	if (!n)
		return -ENOENT;
	bool is_directory = n->type == DT_DIR || n->error == 1;
	into->mode = is_directory ? S_IFDIR : S_IFREG;
	return 0;
}

static void submit(struct io *io, struct io_op *op)
{
	struct fake *f = (struct fake *)(void *)io;
	cr_assert_null(f->pending, "one operation at a time");
	f->pending = op;
}

static void cancel(struct io *io, struct io_op *op)
{
	(void)io;
	(void)op;
}

static void log_line(struct fake *f, const char *what, const char *path)
{
	char *end = f->log + strlen(f->log);
	cr_assert_lt(strlen(f->log) + strlen(path) + 16, sizeof f->log);
	stpcpy(stpcpy(stpcpy(stpcpy(end, what), " "), path), "\n");
}

static void answer(struct fake *f)
{
	struct io_op *op = f->pending;
	f->pending = NULL;
	if (op->code == IO_LIST) {
		log_line(f, "list", op->list.path);
		op->result = list(f, op->list.path, op->list.into);
	} else if (op->code == IO_STAT) {
		op->result = look(f, op->stat.path, op->stat.into);
	} else {
		cr_assert_eq(op->code, IO_WATCH_ADD);
		log_line(f, "watch", op->watch.path);
		op->result = find_node(f, op->watch.path) ? 7 : -ENOSPC;
	}
	op->busy = false;
	op->done(op);
}

static const struct io_ops fake_ops = {submit, cancel};

struct result {
	char files[2048], errors[512], directories[512];
};

static void note(char *list, size_t room, const char *path)
{
	cr_assert_lt(strlen(list) + strlen(path) + 2, room);
	stpcpy(stpcpy(list + strlen(list), path), " ");
}

static struct result walk(struct fake *f, const char *pattern, const char *from, int watcher)
{
	struct result r = {.files = ""};
	struct glob_set set;
	struct glob_walk w;
	const char *why;
	glob_set_init(&set);
	cr_assert_eq(glob_set_add(&set, pattern, strlen(pattern), 0, &why), 0);
	f->io.ops = &fake_ops;
	f->log[0] = '\0';
	glob_walk_init(&w, &f->io, watcher, 1);
	for (size_t i = 0; i < set.count; i++) {
		cr_assert_eq(glob_walk_start(&w, &set.globs[i], from), 0);
		struct walk_item item;
		while ((item = glob_walk_next(&w)).kind != WALK_DONE) {
			if (item.kind == WALK_WAIT)
				answer(f);
			else if (item.kind == WALK_FILE)
				note(r.files, sizeof r.files, item.path);
			else if (item.kind == WALK_DIRECTORY)
				note(r.directories, sizeof r.directories, item.path);
			else
				note(r.errors, sizeof r.errors, item.path);
		}
	}
	glob_walk_release(&w);
	glob_set_release(&set);
	return r;
}

static const struct node tree[] = {
    {"/l", DT_DIR, NULL, 0},
    {"/l/a.log", DT_REG, NULL, 0},
    {"/l/b.txt", DT_REG, NULL, 0},
    {"/l/.hidden.log", DT_REG, NULL, 0},
    {"/l/d", DT_DIR, NULL, 0},
    {"/l/d/c.log", DT_REG, NULL, 0},
    {"/l/d/up", DT_LNK, "/l", 0},
    {"/l/d/e", DT_DIR, NULL, 0},
    {"/l/d/e/f.log", DT_REG, NULL, 0},
    {"/l/link.log", DT_LNK, NULL, 0},
    {"/l/locked", DT_DIR, NULL, -EACCES},
    {"/l/locked/x.log", DT_REG, NULL, 0},
    {"/l/dir.log", DT_DIR, NULL, 0},
    {"/l/.git", DT_DIR, NULL, 0},
    {"/l/.git/x.log", DT_REG, NULL, 0},
};

static struct fake over(const struct node *nodes, size_t count)
{
	return (struct fake){.tree = nodes, .count = count};
}

Test(glob_walk, one_directory_gives_its_files_and_links_but_no_directories)
{
	struct fake f = over(tree, sizeof tree / sizeof tree[0]);
	struct result r = walk(&f, "/l/*.log", NULL, -1);
	cr_expect_str_eq(r.files, "/l/a.log /l/link.log ");
	cr_expect_str_eq(f.log, "list /l\n", "nothing else can match");
}

Test(glob_walk, any_depth_finds_all_follows_no_links_and_goes_on_past_a_locked_directory)
{
	struct fake f = over(tree, sizeof tree / sizeof tree[0]);
	struct result r = walk(&f, "/l/**/*.log", NULL, -1);
	cr_expect_str_eq(r.files, "/l/a.log /l/link.log /l/d/c.log /l/d/e/f.log ");
	cr_expect_str_eq(r.errors, "/l/locked ");
}

Test(glob_walk, link_to_a_directory_that_the_pattern_names_is_followed)
{
	struct fake f = over(tree, sizeof tree / sizeof tree[0]);
	struct result r = walk(&f, "/l/d/u*/*.log", NULL, -1);
	cr_expect_str_eq(r.files, "/l/d/up/a.log /l/d/up/link.log ");
	r = walk(&f, "/l/*/*/d/*.log", NULL, -1);
	cr_expect_str_eq(r.files, "/l/d/up/d/c.log ");
}

Test(glob_walk, literal_is_given_without_looking)
{
	struct fake f = over(tree, sizeof tree / sizeof tree[0]);
	struct result r = walk(&f, "/l/{a.log,nowhere}", NULL, -1);
	cr_expect_str_eq(r.files, "/l/a.log /l/nowhere ");
	cr_expect_str_eq(f.log, "");
}

Test(glob_walk, missing_base_is_an_error_and_no_file)
{
	struct fake f = over(tree, sizeof tree / sizeof tree[0]);
	struct result r = walk(&f, "/nowhere/*.log", NULL, -1);
	cr_expect_str_eq(r.files, "");
	cr_expect_str_eq(r.errors, "/nowhere ");
}

Test(glob_walk, directories_are_watched_before_they_are_listed)
{
	struct fake f = over(tree, sizeof tree / sizeof tree[0]);
	struct result r = walk(&f, "/l/d/**/*.log", NULL, 3);
	cr_expect_str_eq(r.directories, "/l/d /l/d/e ");
	cr_expect_str_eq(f.log, "watch /l/d\nlist /l/d\nwatch /l/d/e\nlist /l/d/e\n");
	r = walk(&f, "/l/a.log", NULL, 3);
	cr_expect_str_eq(r.directories, "/l ");
	cr_expect_str_eq(f.log, "watch /l\n");
}

Test(glob_walk, begins_at_a_directory_below_the_base_if_anything_there_can_match)
{
	struct fake f = over(tree, sizeof tree / sizeof tree[0]);
	struct result r = walk(&f, "/l/**/*.log", "/l/d/e", -1);
	cr_expect_str_eq(r.files, "/l/d/e/f.log ");
	r = walk(&f, "/l/*.log", "/l/d/e", -1);
	cr_expect_str_eq(r.files, "");
	cr_expect_str_eq(f.log, "");
}

Test(glob_walk, entries_of_unknown_type_are_looked_at)
{
	static const struct node nodes[] = {
	    {"/u", DT_DIR, NULL, 0},           {"/u/a.log", DT_UNKNOWN, NULL, 0},
	    {"/u/d", DT_UNKNOWN, "/v", 0},     {"/v", DT_DIR, NULL, 0},
	    {"/v/b.log", DT_UNKNOWN, NULL, 0},
	};
	struct fake f = over(nodes, sizeof nodes / sizeof nodes[0]);
	struct result r = walk(&f, "/u/**/*.log", NULL, -1);
	cr_expect_str_eq(r.files, "/u/a.log /u/d/b.log ");
}

Test(glob_walk, loop_that_looks_like_a_directory_ends)
{
	static const struct node nodes[] = {
	    {"/u", DT_DIR, NULL, 0},
	    {"/u/a.log", DT_REG, NULL, 0},
	    {"/u/d", DT_UNKNOWN, "/u", 0},
	};
	struct fake f = over(nodes, sizeof nodes / sizeof nodes[0]);
	struct glob_set set;
	const char *why;
	glob_set_init(&set);
	cr_assert_eq(glob_set_add(&set, "/u/**/*.log", 11, 0, &why), 0);
	f.io.ops = &fake_ops;
	struct glob_walk w;
	glob_walk_init(&w, &f.io, -1, 0);
	cr_assert_eq(glob_walk_start(&w, &set.globs[0], NULL), 0);
	size_t files = 0;
	struct walk_item item;
	while ((item = glob_walk_next(&w)).kind != WALK_DONE) {
		f.log[0] = '\0';
		if (item.kind == WALK_WAIT)
			answer(&f);
		files += item.kind == WALK_FILE;
	}
	cr_expect_lt(files, 200);
	glob_walk_release(&w);
	glob_set_release(&set);
}

Test(glob_walk, can_be_released_after_any_answer)
{
	struct fake f = over(tree, sizeof tree / sizeof tree[0]);
	struct glob_set set;
	const char *why;
	glob_set_init(&set);
	cr_assert_eq(glob_set_add(&set, "/l/**/*.log", 11, 0, &why), 0);
	f.io.ops = &fake_ops;
	for (int answers = 0; answers < 12; answers++) {
		struct glob_walk w;
		glob_walk_init(&w, &f.io, 3, 1);
		f.log[0] = '\0';
		cr_assert_eq(glob_walk_start(&w, &set.globs[0], NULL), 0);
		for (int given = 0; given < answers;) {
			struct walk_item item = glob_walk_next(&w);
			if (item.kind == WALK_DONE)
				break;
			if (item.kind != WALK_WAIT)
				continue;
			answer(&f);
			given++;
		}
		if (f.pending)
			answer(&f);
		glob_walk_release(&w);
	}
	glob_set_release(&set);
}

Test(glob_walk, joined_paths_have_one_slash_between)
{
	static const char *const table[][3] = {
	    {".", "a", "a"}, {"/", "a", "/a"}, {"/x", "a", "/x/a"}, {"x/", "a", "x/a"}};
	for (size_t i = 0; i < 4; i++) {
		char *path = path_join(table[i][0], table[i][1]);
		cr_expect_str_eq(path, table[i][2]);
		free(path);
	}
}
