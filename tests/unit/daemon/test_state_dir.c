#include "daemon/state_dir.h"
#include "stages/stage.h"
#include "tests/unit/daemon/watched_io.h"
#include "tests/unit/stages/scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
	struct watched_io world;
	char root[64], path[256];
	struct state_dir dir;
};

static void set_up(struct fixture *x, const char *rest)
{
	memset(x, 0, sizeof *x);
	watched_io_init(&x->world);
	strcpy(x->root, "/tmp/sluice-state-XXXXXX");
	cr_assert(mkdtemp(x->root));
	snprintf(x->path, sizeof x->path, "%s%s", x->root, rest);
}

static int open_it(struct fixture *x, struct state_dir *d, long pid)
{
	int r = state_dir_open(d, &x->world.io, x->path, pid);
	if (r < 0)
		return r;
	while ((r = state_dir_step(d)) == STEP_MORE || r == STEP_WAIT)
		if (r == STEP_WAIT)
			cr_assert(watched_io_turn(&x->world));
	return r;
}

static void close_it(struct fixture *x, struct state_dir *d)
{
	state_dir_release(d);
	while (watched_io_turn(&x->world))
		;
}

static void tear_down(struct fixture *x)
{
	watched_io_release(&x->world);
	scratch_remove(x->root);
}

static size_t open_descriptors(void)
{
	size_t n = 0;
	for (int fd = 3; fd < 200; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

Test(state_dir, it_is_made_with_all_above_it_for_its_owner_alone)
{
	static const char *const rests[] = {"", "/a", "/a/b/c", "//a///b//", "/a/../b/./c"};
	for (size_t i = 0; i < 5; i++) {
		struct fixture x;
		set_up(&x, rests[i]);
		size_t before = open_descriptors();
		cr_assert_eq(open_it(&x, &x.dir, 7), STEP_DONE, "%s", rests[i]);
		struct stat status, same;
		cr_assert_eq(stat(x.path, &status), 0);
		cr_assert_eq(status.st_mode & 0777, 0700);
		cr_assert_eq(fstat(x.dir.fd, &same), 0);
		cr_assert_eq(status.st_ino, same.st_ino);
		close_it(&x, &x.dir);
		cr_assert_eq(open_descriptors(), before);
		tear_down(&x);
	}
}

Test(state_dir, relative_path_is_made_where_it_starts)
{
	struct fixture x;
	set_up(&x, "");
	cr_assert_eq(chdir(x.root), 0);
	snprintf(x.path, sizeof x.path, ".state/x");
	cr_assert_eq(open_it(&x, &x.dir, 7), STEP_DONE);
	cr_assert_eq(access(".state/x/lock", F_OK), 0);
	close_it(&x, &x.dir);
	cr_assert_eq(chdir("/"), 0);
	tear_down(&x);
}

Test(state_dir, second_one_is_refused_and_told_who_has_it_until_the_first_lets_go)
{
	struct fixture x;
	struct state_dir second;
	set_up(&x, "/state");
	cr_assert_eq(open_it(&x, &x.dir, 123456789), STEP_DONE);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(open_it(&x, &second, 42), -EBUSY);
		cr_assert_eq(second.holder, 123456789);
		close_it(&x, &second);
	}
	close_it(&x, &x.dir);
	cr_assert_eq(open_it(&x, &second, 42), STEP_DONE);
	cr_assert_eq(open_it(&x, &x.dir, 1), -EBUSY);
	cr_assert_eq(x.dir.holder, 42);
	close_it(&x, &x.dir);
	close_it(&x, &second);
	tear_down(&x);
}

Test(state_dir, lock_of_a_killed_process_is_free)
{
	struct fixture x;
	set_up(&x, "");
	char lock[128];
	snprintf(lock, sizeof lock, "%s/lock", x.root);
	int pipes[2];
	cr_assert_eq(pipe(pipes), 0);
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		int fd = open(lock, O_RDWR | O_CREAT, 0600);
		if (fd < 0 || flock(fd, LOCK_EX) < 0 || write(pipes[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	char ready;
	cr_assert_eq(read(pipes[0], &ready, 1), 1);
	cr_assert_eq(open_it(&x, &x.dir, 7), -EBUSY);
	cr_assert_eq(x.dir.holder, 0);
	close_it(&x, &x.dir);
	kill(child, SIGKILL);
	cr_assert_eq(waitpid(child, NULL, 0), child);
	cr_assert_eq(open_it(&x, &x.dir, 7), STEP_DONE);
	close_it(&x, &x.dir);
	close(pipes[0]);
	close(pipes[1]);
	tear_down(&x);
}

Test(state_dir, what_cannot_be_made_or_is_no_directory_is_an_error)
{
	struct fixture x;
	set_up(&x, "/file");
	int fd = open(x.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	cr_assert(fd >= 0 && close(fd) == 0);
	cr_assert_eq(open_it(&x, &x.dir, 7), -ENOTDIR);
	close_it(&x, &x.dir);
	strcat(x.path, "/below");
	cr_assert_eq(open_it(&x, &x.dir, 7), -ENOTDIR);
	close_it(&x, &x.dir);
	x.path[0] = '\0';
	cr_assert_eq(open_it(&x, &x.dir, 7), -EINVAL);
	close_it(&x, &x.dir);
	tear_down(&x);
}

struct fault {
	size_t countdown;
	int error;
	bool struck;
	enum io_code code;
	size_t syncs;
	bool lock_opened; /* to be created */
};

static bool strike(struct watched_io *w, struct io_op *op, int64_t *result)
{
	struct fault *f = w->owner;
	f->lock_opened |= op->code == IO_OPEN && op->open.flags & O_CREAT;
	f->syncs += op->code == IO_SYNC && !f->lock_opened;
	if (op->code == IO_CLOSE || f->struck || f->countdown-- > 0)
		return false;
	f->struck = true;
	f->code = op->code;
	*result = f->error;
	return true;
}

Test(state_dir, directories_are_synced_before_the_lock_file_is_made)
{
	struct fixture x;
	set_up(&x, "/a/b");
	struct fault f = {.countdown = SIZE_MAX};
	x.world.owner = &f;
	x.world.look = strike;
	cr_assert_eq(open_it(&x, &x.dir, 7), STEP_DONE);
	cr_assert(f.lock_opened);
	cr_assert_eq(f.syncs, 4, "/ /tmp root a");
	close_it(&x, &x.dir);
	tear_down(&x);
}

static void fail_everywhere(int error)
{
	bool over = false;
	for (size_t at = 0; !over; at++) {
		struct fixture x;
		set_up(&x, "/a/b");
		size_t before = open_descriptors();
		struct fault f = {.countdown = at, .error = error};
		x.world.owner = &f;
		x.world.look = strike;
		int r = open_it(&x, &x.dir, 7);
		over = !f.struck;
		bool harmless = over || error == -EINTR || (f.code == IO_WRITE && error == -ENOSPC);
		cr_assert_eq(r, harmless ? STEP_DONE : error, "at %zu", at);
		close_it(&x, &x.dir);
		cr_assert_eq(open_descriptors(), before);
		x.world.look = NULL;
		cr_assert_eq(open_it(&x, &x.dir, 7), STEP_DONE);
		close_it(&x, &x.dir);
		tear_down(&x);
	}
}

Test(state_dir, interrupted_operations_are_repeated)
{
	fail_everywhere(-EINTR);
}

Test(state_dir, operation_that_fails_is_told_and_leaves_nothing_open)
{
	fail_everywhere(-EIO);
	fail_everywhere(-ENOSPC);
}

/* The one above may not be read. */
static bool hide_root(struct watched_io *w, struct io_op *op, int64_t *result)
{
	const struct fixture *x = w->owner;
	size_t length = strlen(x->root);
	*result = -EACCES;
	return op->code == IO_OPEN && strncmp(op->open.path, x->root, length) == 0 &&
	       strspn(op->open.path + length, "/") == strlen(op->open.path + length);
}

Test(state_dir, new_one_whose_name_cannot_be_made_durable_is_refused)
{
	struct fixture x;
	set_up(&x, "/a");
	x.world.owner = &x;
	x.world.look = hide_root;
	cr_assert_eq(open_it(&x, &x.dir, 7), -EACCES);
	close_it(&x, &x.dir);
	tear_down(&x);
}

Test(state_dir, one_that_was_there_may_lie_where_nothing_can_be_read)
{
	struct fixture x;
	set_up(&x, "/a");
	cr_assert_eq(mkdir(x.path, 0700), 0);
	x.world.owner = &x;
	x.world.look = hide_root;
	cr_assert_eq(open_it(&x, &x.dir, 7), STEP_DONE);
	close_it(&x, &x.dir);
	tear_down(&x);
}
