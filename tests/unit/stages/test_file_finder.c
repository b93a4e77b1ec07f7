/* The file finder over real directories, with a clock that stands still: what it learns it learns from events. */
#include "stages/source/file_finder.h"
#include "daemon/backend.h"
#include "daemon/helpers.h"
#include "tests/unit/stages/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STEPS_MAX = 3000, FILES = 16 };

struct world {
	struct env env; /* must stand first */
	uint64_t now_ns;
	struct helpers helpers;
	struct backend *backend;
	struct stage_counters counters;
	struct stage stage;
	struct file_set set;
	struct file_finder finder;
	char directory[64];
};

static uint64_t now_ns(struct env *e)
{
	return ((struct world *)(void *)e)->now_ns;
}

static int64_t wall_ns(struct env *e)
{
	return (int64_t)now_ns(e);
}

static void __attribute__((format(printf, 4, 0)))
say(struct env *e, enum say_level level, const char *event, const char *format, va_list args)
{
	(void)e, (void)level, (void)event, (void)format, (void)args;
}

static const struct env_ops env_ops = {.now_ns = now_ns, .wall_ns = wall_ns, .say = say};

static const char *in(const struct world *w, const char *name)
{
	static char paths[4][128];
	static unsigned next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof paths[0], "%s/%s", w->directory, name);
	return path;
}

static void append(struct world *w, const char *name, const char *text)
{
	int fd = open(in(w, name), O_WRONLY | O_CREAT | O_APPEND, 0644);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void begin(struct world *w, const char *pattern)
{
	const char *why;
	memset(w, 0, sizeof *w);
	w->env.ops = &env_ops;
	w->now_ns = UINT64_C(1000000000000);
	strcpy(w->directory, "/tmp/test-file-finder-XXXXXX");
	cr_assert_not_null(mkdtemp(w->directory));
	cr_assert_eq(helpers_init(&w->helpers, 1), 0);
	cr_assert_eq(backend_open(&w->backend, BACKEND_PLAIN, &w->helpers), 0);
	w->env.io = &w->backend->io;
	w->stage = (struct stage){.env = &w->env, .counters = &w->counters};
	cr_assert_eq(file_set_init(&w->set), 0);
	w->finder = (struct file_finder){.stage = &w->stage, .set = &w->set, .follow = true};
	const char *path = in(w, pattern);
	cr_assert_eq(glob_set_add(&w->finder.include, path, strlen(path), 0, &why), 0);
	cr_assert_eq(file_finder_start(&w->finder), 0);
}

static void wait_a_little(struct world *w)
{
	if (backend_poll(w->backend) == 0) {
		struct timespec t;
		clock_gettime(CLOCK_MONOTONIC, &t);
		backend_wait(w->backend,
			     (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec + 1000000);
	}
}

static void remove_all(struct world *w)
{
	struct chain *c;
	while ((c = chain_first(&w->set.all)))
		file_set_remove(&w->set, chain_owner(c, struct tracked_file, all));
}

static void end(struct world *w)
{
	backend_cancel_all(w->backend);
	while (w->backend->busy > 0)
		wait_a_little(w);
	file_finder_release(&w->finder);
	while (w->backend->busy > 0)
		wait_a_little(w);
	remove_all(w);
	file_set_release(&w->set);
	helpers_release(&w->helpers);
	backend_close(w->backend);
	scratch_remove(w->directory);
}

static void step(struct world *w)
{
	cr_assert_geq(file_finder_step(&w->finder), 0);
	wait_a_little(w);
}

#define step_until(w, condition)                                                                   \
	do {                                                                                       \
		int left = STEPS_MAX;                                                              \
		while (!(condition)) {                                                             \
			cr_assert_gt(left--, 0, "in vain: %s", #condition);                        \
			step(w);                                                                   \
		}                                                                                  \
	} while (0)

static struct tracked_file *known(struct world *w, const char *name)
{
	return file_set_by_path(&w->set, in(w, name));
}

/* As if all that is ready had been read. */
static void read_all(struct world *w)
{
	struct tracked_file *t;
	while ((t = file_set_take_ready(&w->set))) {
		struct stat st;
		if (stat(t->path, &st) == 0)
			t->end = t->size = (uint64_t)st.st_size;
		file_set_rest(&w->set, t);
	}
}

static bool is_ready(const struct tracked_file *t)
{
	return t && t->turn == FILE_READY;
}

static bool is_at_rest(const struct world *w)
{
	return w->finder.first_done && !w->finder.walking && w->finder.look == LOOK_NONE &&
	       w->finder.patrol_left == 0;
}

Test(file_finder, patrol_whose_files_are_all_gone_names_a_moment_to_come)
{
	struct world w;
	char name[16];
	begin(&w, "*.log");
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "%d.log", i);
		append(&w, name, "a\n");
	}
	step_until(&w, is_at_rest(&w) && w.set.count == FILES);
	w.now_ns += UINT64_C(250000000);
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "%d.log", i);
		cr_assert_eq(unlink(in(&w, name)), 0);
	}
	step(&w);
	cr_assert_gt(w.finder.patrol_left, 0, "it has begun");
	remove_all(&w);
	w.now_ns += UINT64_C(500000000);
	for (int i = 0; i < 10; i++)
		step(&w);
	cr_expect_gt(file_finder_next_ns(&w.finder), w.now_ns);
	end(&w);
}

Test(file_finder, what_was_written_before_a_linked_file_was_watched_is_not_missed)
{
	struct world w;
	begin(&w, "*.log");
	append(&w, "elsewhere", "a\n");
	cr_assert_eq(symlink(in(&w, "elsewhere"), in(&w, "a.log")), 0);
	step_until(&w, is_ready(known(&w, "a.log")));
	cr_assert_eq(w.finder.look, LOOK_WATCH, "the watch comes after the look");
	read_all(&w);
	step_until(&w, is_ready(known(&w, "a.log")));
	end(&w);
}

Test(file_finder, link_that_leads_elsewhere_now_is_watched_there)
{
	struct world w;
	begin(&w, "*.log");
	append(&w, "one", "a\n");
	append(&w, "two", "b\n");
	cr_assert_eq(symlink(in(&w, "one"), in(&w, "a.log")), 0);
	step_until(&w, known(&w, "a.log") && is_at_rest(&w));
	struct tracked_file *first = known(&w, "a.log");
	cr_assert_eq(symlink(in(&w, "two"), in(&w, "new")), 0);
	cr_assert_eq(rename(in(&w, "new"), in(&w, "a.log")), 0);
	step_until(&w, known(&w, "a.log") && known(&w, "a.log") != first && is_at_rest(&w));
	read_all(&w);
	append(&w, "two", "c\n");
	step_until(&w, is_ready(known(&w, "a.log")));
	end(&w);
}

Test(file_finder, file_in_a_renamed_directory_is_known_by_its_new_name_at_once)
{
	struct world w;
	begin(&w, "*/*.log");
	cr_assert_eq(mkdir(in(&w, "d"), 0755), 0);
	append(&w, "d/a.log", "a\n");
	step_until(&w, known(&w, "d/a.log") && is_at_rest(&w));
	read_all(&w);
	struct tracked_file *file = known(&w, "d/a.log");
	cr_assert_eq(rename(in(&w, "d"), in(&w, "e")), 0);
	step_until(&w, known(&w, "e/a.log") == file && is_at_rest(&w));
	cr_expect(file->named);
	read_all(&w);
	append(&w, "e/a.log", "b\n");
	step_until(&w, is_ready(file));
	end(&w);
}

Test(file_finder, second_name_for_a_file_leaves_the_first_its_own)
{
	struct world w;
	begin(&w, "*.log");
	append(&w, "a.log", "a\n");
	step_until(&w, known(&w, "a.log") && is_at_rest(&w));
	cr_assert_eq(link(in(&w, "a.log"), in(&w, "b.log")), 0);
	for (int i = 0; i < 20; i++)
		step(&w);
	cr_expect_not_null(known(&w, "a.log"));
	cr_expect_null(known(&w, "b.log"));
	cr_expect_eq(w.set.count, 1);
	end(&w);
}
