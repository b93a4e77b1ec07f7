/* The I/O interface, the same for every backend. */
#include "tests/unit/daemon/backend_world.h"
#include "tests/unit/daemon/each_backend.h"
#include "tests/unit/daemon/refusals.h"
#include "tests/unit/daemon/said.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BACKEND_TEST(name) EACH_BACKEND_TEST(backend, name)

static int open_file(struct world *w, const char *path, int flags)
{
	struct io_op op = {
	    .code = IO_OPEN,
	    .fd = AT_FDCWD,
	    .open = {.path = path, .flags = flags, .mode = flags & O_CREAT ? 0600 : 0}};
	return (int)world_carry_out(w, &op);
}

static void close_file(struct world *w, int fd)
{
	struct io_op op = {.code = IO_CLOSE, .fd = fd};
	cr_assert_eq(world_carry_out(w, &op), 0);
}

static int64_t write_at(struct world *w, int fd, const char *text, uint64_t at, bool stream)
{
	struct iovec span = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
	struct io_op op = {.code = IO_WRITE,
			   .fd = fd,
			   .stream = stream,
			   .write = {.spans = &span, .count = 1, .at = at}};
	return world_carry_out(w, &op);
}

static int64_t read_at(struct world *w, int fd, char *into, size_t n, uint64_t at, bool stream)
{
	struct io_op op = {.code = IO_READ,
			   .fd = fd,
			   .stream = stream,
			   .read = {.bytes = into, .length = n, .at = at}};
	return world_carry_out(w, &op);
}

BACKEND_TEST(readable_bytes_of_a_pipe_are_counted)
{
	struct world w;
	world_begin(&w, *kind);
	int ends[2], file = open_file(&w, "/dev/zero", O_RDONLY);
	cr_assert_eq(pipe(ends), 0);
	struct io_op count = {.code = IO_UNREAD, .fd = ends[0]};
	cr_assert_eq(world_carry_out(&w, &count), 0);
	cr_assert_eq(write(ends[1], "seven b", 7), 7);
	cr_assert_eq(world_carry_out(&w, &count), 7);
	count.fd = file;
	cr_assert_eq(world_carry_out(&w, &count), -ENOTTY);
	close(ends[0]);
	close(ends[1]);
	close_file(&w, file);
	world_end(&w);
}

BACKEND_TEST(written_bytes_are_read_back_at_their_offset)
{
	struct world w;
	world_begin(&w, *kind);
	int fd = open_file(&w, world_path(&w, "file"), O_RDWR | O_CREAT);
	cr_assert_geq(fd, 0);
	cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	cr_assert_eq(write_at(&w, fd, "world", 6, false), 5);
	cr_assert_eq(write_at(&w, fd, "hello ", 0, false), 6);
	struct io_op sync = {.code = IO_DATASYNC, .fd = fd};
	cr_assert_eq(world_carry_out(&w, &sync), 0);
	char text[32] = "";
	cr_assert_eq(read_at(&w, fd, text, sizeof text, 2, false), 9);
	cr_assert_str_eq(text, "llo world");
	cr_assert_eq(read_at(&w, fd, text, sizeof text, 11, false), 0);
	struct io_op cut = {.code = IO_TRUNCATE, .fd = fd, .truncate = {.length = 3}};
	cr_assert_eq(world_carry_out(&w, &cut), 0);
	struct io_status st;
	struct io_op look = {.code = IO_STAT, .fd = fd, .stat = {.into = &st}};
	cr_assert_eq(world_carry_out(&w, &look), 0);
	cr_assert_eq(st.size, 3);
	cr_assert_eq(st.links, 1);
	cr_assert(S_ISREG(st.mode));
	struct stat real;
	cr_assert_eq(fstat(fd, &real), 0);
	cr_assert_eq(st.device, real.st_dev);
	cr_assert_eq(st.inode, real.st_ino);
	cr_assert_eq(st.modified_ns,
		     real.st_mtim.tv_sec * INT64_C(1000000000) + real.st_mtim.tv_nsec);
	cr_assert_leq(st.birth_ns, st.modified_ns);
	close_file(&w, fd);
	world_end(&w);
}

static ino_t inode_of(const char *path)
{
	struct stat s;
	return stat(path, &s) == 0 ? s.st_ino : 0;
}

/* `a` becomes `b`, unless there is a `b`. */
static void assert_renames_without_replacing(struct world *w)
{
	struct io_op move = {.code = IO_RENAME,
			     .fd = AT_FDCWD,
			     .rename = {.from = world_path(w, "a"), .to = world_path(w, "b")}};
	close_file(w, open_file(w, move.rename.from, O_WRONLY | O_CREAT));
	ino_t inode = inode_of(move.rename.from);
	cr_assert_eq(world_carry_out(w, &move), 0);
	cr_assert_eq(inode_of(move.rename.to), inode);
	cr_assert_eq(inode_of(move.rename.from), 0);
	close_file(w, open_file(w, move.rename.from, O_WRONLY | O_CREAT));
	cr_assert_eq(world_carry_out(w, &move), -EEXIST);
	cr_assert_eq(inode_of(move.rename.to), inode);
	cr_assert_neq(inode_of(move.rename.from), 0);
}

BACKEND_TEST(rename_that_replaces_nothing_works_where_the_file_system_knows_none)
{
	struct world w;
	world_begin(&w, *kind);
	refuse_call(SYS_renameat2, EINVAL);
	assert_renames_without_replacing(&w);
	world_end(&w);
}

BACKEND_TEST(rename_that_replaces_nothing_works_where_there_are_no_second_names_either)
{
	struct world w;
	world_begin(&w, *kind);
	refuse_call(SYS_renameat2, EINVAL);
	refuse_call(SYS_linkat, EPERM);
	assert_renames_without_replacing(&w);
	world_end(&w);
}

BACKEND_TEST(directory_that_cannot_be_synced_is_told_once_and_counts_as_synced)
{
	struct world w;
	world_begin(&w, *kind);
	said_begin();
	/* one of a file system that the kernel makes up */
	struct io_op sync = {.code = IO_SYNC, .fd = open("/proc", O_RDONLY | O_DIRECTORY)};
	cr_assert_eq(fsync(sync.fd), -1);
	cr_assert_eq(errno, EINVAL);
	cr_assert_eq(world_carry_out(&w, &sync), 0);
	cr_assert_eq(world_carry_out(&w, &sync), 0);
	close(sync.fd);
	int ends[2];
	cr_assert_eq(pipe(ends), 0);
	sync.fd = ends[1];
	cr_assert_eq(world_carry_out(&w, &sync), -EINVAL);
	cr_assert_eq(said_end("does not sync directories"), 1);
	world_end(&w);
}

BACKEND_TEST(names_are_made_moved_and_removed)
{
	struct world w;
	world_begin(&w, *kind);
	struct io_op make = {
	    .code = IO_MKDIR, .fd = AT_FDCWD, .mkdir = {.path = world_path(&w, "d"), .mode = 0700}};
	cr_assert_eq(world_carry_out(&w, &make), 0);
	cr_assert_eq(world_carry_out(&w, &make), -EEXIST);
	close_file(&w, open_file(&w, world_path(&w, "a"), O_WRONLY | O_CREAT));
	close_file(&w, open_file(&w, world_path(&w, "b"), O_WRONLY | O_CREAT));
	struct io_op move = {.code = IO_RENAME,
			     .fd = AT_FDCWD,
			     .rename = {.from = world_path(&w, "a"), .to = world_path(&w, "b")}};
	cr_assert_eq(world_carry_out(&w, &move), -EEXIST, "a rename never replaces unless told to");
	move.rename.replace = true;
	cr_assert_eq(world_carry_out(&w, &move), 0);
	struct io_listing names = {.entries = NULL};
	struct io_op list = {
	    .code = IO_LIST, .fd = AT_FDCWD, .list = {.path = w.directory, .into = &names}};
	cr_assert_eq(world_carry_out(&w, &list), 0);
	cr_assert_eq(names.count, 2);
	for (size_t i = 0; i < names.count; i++)
		cr_assert(strcmp(names.entries[i].name, "b") == 0 ||
			  strcmp(names.entries[i].name, "d") == 0);
	struct io_status d;
	struct io_op look = {
	    .code = IO_STAT, .fd = AT_FDCWD, .stat = {.path = world_path(&w, "d"), .into = &d}};
	cr_assert_eq(world_carry_out(&w, &look), 0);
	for (size_t i = 0; i < names.count; i++)
		cr_assert_eq(names.entries[i].inode == d.inode,
			     strcmp(names.entries[i].name, "d") == 0);
	io_listing_release(&names);
	struct io_op remove = {
	    .code = IO_UNLINK, .fd = AT_FDCWD, .unlink = {.path = world_path(&w, "b")}};
	cr_assert_eq(world_carry_out(&w, &remove), 0);
	cr_assert_eq(open_file(&w, world_path(&w, "b"), O_RDONLY), -ENOENT);
	world_end(&w);
}

BACKEND_TEST(lock_is_one_descriptors_until_it_is_closed)
{
	struct world w;
	world_begin(&w, *kind);
	int first = open_file(&w, world_path(&w, "f"), O_WRONLY | O_CREAT);
	int second = open_file(&w, world_path(&w, "f"), O_WRONLY);
	struct io_op take = {.code = IO_LOCK, .fd = first};
	cr_assert_eq(world_carry_out(&w, &take), 0);
	take.fd = second;
	cr_assert_eq(world_carry_out(&w, &take), -EBUSY);
	close_file(&w, first);
	cr_assert_eq(world_carry_out(&w, &take), 0);
	close_file(&w, second);
	world_end(&w);
}

BACKEND_TEST(open_beneath_refuses_to_leave_the_directory)
{
	struct world w;
	world_begin(&w, *kind);
	int directory = open_file(&w, w.directory, O_RDONLY | O_DIRECTORY);
	cr_assert_geq(directory, 0);
	struct io_op op = {.code = IO_OPEN,
			   .fd = directory,
			   .open = {.path = "../escape",
				    .flags = O_WRONLY | O_CREAT,
				    .mode = 0600,
				    .resolve = RESOLVE_BENEATH}};
	cr_assert_eq(world_carry_out(&w, &op), -EXDEV);
	close_file(&w, directory);
	world_end(&w);
}

/* Both a blocking pipe and one with O_NONBLOCK, which answers -EAGAIN by itself. */
BACKEND_TEST(stream_read_waits_for_bytes)
{
	for (int flags = 0; flags <= O_NONBLOCK; flags += O_NONBLOCK) {
		struct world w;
		world_begin(&w, *kind);
		int ends[2];
		cr_assert_eq(pipe2(ends, O_CLOEXEC | flags), 0);
		char text[16] = "";
		int done = 0;
		struct io_op op = {.code = IO_READ,
				   .fd = ends[0],
				   .stream = true,
				   .read = {.bytes = text, .length = sizeof text},
				   .done = world_note_done,
				   .owner = &done};
		io_submit(&w.backend->io, &op);
		for (int i = 0; i < 3; i++) {
			backend_poll(w.backend);
			backend_wait(w.backend, backend_now_ns() + 1000000);
		}
		cr_assert_eq(done, 0);
		cr_assert_eq(write(ends[1], "abc", 3), 3);
		uint64_t deadline = backend_now_ns() + 10ull * NS_PER_S;
		while (!done && backend_now_ns() < deadline)
			if (backend_poll(w.backend) == 0)
				backend_wait(w.backend, deadline);
		cr_assert_eq(done, 1);
		cr_assert_eq(op.result, 3);
		cr_assert_str_eq(text, "abc");
		close(ends[1]);
		cr_assert_eq(read_at(&w, ends[0], text, sizeof text, 0, true), 0,
			     "the writer is gone");
		close(ends[0]);
		world_end(&w);
	}
}

BACKEND_TEST(cancelled_stream_comes_back_once_as_cancelled)
{
	struct world w;
	world_begin(&w, *kind);
	int ends[2];
	cr_assert_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	char byte;
	int done = 0;
	struct io_op op = {.code = IO_READ,
			   .fd = ends[0],
			   .stream = true,
			   .read = {.bytes = &byte, .length = 1},
			   .done = world_note_done,
			   .owner = &done};
	io_submit(&w.backend->io, &op);
	backend_poll(w.backend);
	backend_cancel_all(w.backend);
	uint64_t deadline = backend_now_ns() + 10ull * NS_PER_S;
	while (w.backend->busy > 0 && backend_now_ns() < deadline)
		if (backend_poll(w.backend) == 0)
			backend_wait(w.backend, deadline);
	cr_assert_eq(done, 1);
	cr_assert_eq(op.result, -ECANCELED);
	close(ends[0]);
	close(ends[1]);
	world_end(&w);
}

static struct io_op waiting_read(int fd, char *byte, int *done)
{
	return (struct io_op){.code = IO_READ,
			      .fd = fd,
			      .stream = true,
			      .read = {.bytes = byte, .length = 1},
			      .done = world_note_done,
			      .owner = done};
}

BACKEND_TEST(cancel_on_the_heels_of_a_submit_is_not_lost)
{
	struct world w;
	world_begin(&w, *kind);
	int ends[2], done = 0;
	cr_assert_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	char byte;
	struct io_op op = waiting_read(ends[0], &byte, &done);
	io_submit(&w.backend->io, &op);
	io_cancel(&w.backend->io, &op);
	world_await_idle(&w);
	cr_assert_eq(done, 1);
	cr_assert_eq(op.result, -ECANCELED);
	close(ends[0]);
	close(ends[1]);
	world_end(&w);
}

/* Makes the pipe readable and takes what is there, so that a read that was waiting finds nothing. False if that read
 * was quicker for once, a kernel thread having it by then: it has got its byte. */
static bool tease(struct world *w, const int *ends, int times)
{
	for (int i = 0; i < times; i++) {
		char byte;
		cr_assert_eq(write(ends[1], "x", 1), 1);
		if (read(ends[0], &byte, 1) != 1)
			return false;
		cr_assert_eq(backend_poll(w->backend), 0);
	}
	return true;
}

/* Linux 6 gives up, with -EAGAIN, when it has polled 128 times in vain for one read; what went before, at once. */
enum { TEASED_MAX = 300 };

BACKEND_TEST(stream_read_often_teased_gets_its_bytes_in_the_end)
{
	struct world w;
	world_begin(&w, *kind);
	int ends[2], done = 0;
	cr_assert_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	char byte = 0;
	struct io_op op = waiting_read(ends[0], &byte, &done);
	io_submit(&w.backend->io, &op);
	bool got_none = tease(&w, ends, TEASED_MAX);
	cr_assert_eq(write(ends[1], "y", 1), 1);
	world_await_idle(&w);
	cr_assert_eq(op.result, 1);
	cr_assert_eq(byte, got_none ? 'y' : 'x');
	close(ends[0]);
	close(ends[1]);
	world_end(&w);
}

/* Found by reading, then seen as a hang: the cancel crossed the -EAGAIN, after which the read was put behind a poll and
 * stayed there. Until the ring's descriptor says that something has come: so it has, and was not looked at. */
BACKEND_TEST(cancel_that_crosses_an_answer_is_not_lost)
{
	struct world w;
	world_begin(&w, *kind);
	struct pollfd ring = {.fd = ring_descriptor(), .events = POLLIN};
	for (int times = 0; times < TEASED_MAX / 2; times++) {
		int ends[2], done = 0;
		cr_assert_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
		char byte;
		struct io_op op = waiting_read(ends[0], &byte, &done);
		io_submit(&w.backend->io, &op);
		backend_poll(w.backend);
		bool got_none = tease(&w, ends, times);
		poll(&ring, 1, 2);
		io_cancel(&w.backend->io, &op);
		world_await_idle(&w);
		cr_assert_eq(done, 1);
		cr_assert_eq(op.result, got_none ? -ECANCELED : 1);
		close(ends[0]);
		close(ends[1]);
	}
	world_end(&w);
}

enum { CROWD = 3000 };

/* More than the ring has entries, and more completions at once than it has room for. */
BACKEND_TEST(crowd_is_carried_out_and_comes_back_once_each)
{
	struct world w;
	world_begin(&w, *kind);
	int fd = open_file(&w, world_path(&w, "file"), O_RDWR | O_CREAT);
	static struct io_op ops[CROWD];
	static char bytes[CROWD];
	static int done[CROWD];
	cr_assert_eq(write_at(&w, fd, "x", 0, false), 1);
	for (int i = 0; i < CROWD; i++) {
		ops[i] = (struct io_op){.code = IO_READ,
					.fd = fd,
					.read = {.bytes = &bytes[i], .length = 1},
					.done = world_note_done,
					.owner = &done[i]};
		io_submit(&w.backend->io, &ops[i]);
	}
	world_await_idle(&w);
	for (int i = 0; i < CROWD; i++) {
		cr_assert_eq(done[i], 1);
		cr_assert_eq(ops[i].result, 1);
		cr_assert_eq(bytes[i], 'x');
	}
	close_file(&w, fd);
	world_end(&w);
}

BACKEND_TEST(pipe_tells_what_is_unread_and_whether_anybody_reads)
{
	struct world w;
	world_begin(&w, *kind);
	int ends[2];
	char text[4];
	cr_assert_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	struct io_op look = {.code = IO_UNREAD, .fd = ends[1]};
	cr_assert_eq(world_carry_out(&w, &look), 0);
	cr_assert_eq(write_at(&w, ends[1], "abcdef", 0, true), 6);
	cr_assert_eq(read(ends[0], text, 4), 4);
	cr_assert_eq(world_carry_out(&w, &look), 2);
	cr_assert_not(look.unread.alone);
	close(ends[0]);
	cr_assert_eq(world_carry_out(&w, &look), 2);
	cr_assert(look.unread.alone);
	look.unread.take = true;
	cr_assert_eq(world_carry_out(&w, &look), 2);
	look.unread.take = false;
	cr_assert_eq(world_carry_out(&w, &look), 0, "they have been taken out");
	close(ends[1]);
	world_end(&w);
}

BACKEND_TEST(write_to_a_closed_pipe_is_an_error_not_a_signal)
{
	struct world w;
	signal(SIGPIPE, SIG_IGN);
	world_begin(&w, *kind);
	int ends[2];
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	cr_assert_eq(write_at(&w, ends[1], "x", 0, true), -EPIPE);
	close(ends[1]);
	world_end(&w);
}

static int add_one(void *argument)
{
	*(int *)argument += 1;
	return *(int *)argument;
}

BACKEND_TEST(work_runs_elsewhere_and_its_result_comes_back)
{
	struct world w;
	world_begin(&w, *kind);
	int value = 41;
	struct io_op op = {.code = IO_WORK, .work = {.run = add_one, .argument = &value}};
	cr_assert_eq(world_carry_out(&w, &op), 42);
	world_end(&w);
}

static void *wake_it(void *backend)
{
	backend_wake(backend);
	return NULL;
}

BACKEND_TEST(wake_ends_a_wait_without_deadline)
{
	struct world w;
	world_begin(&w, *kind);
	for (int i = 0; i < 3; i++) {
		pthread_t waker;
		cr_assert_eq(pthread_create(&waker, NULL, wake_it, w.backend), 0);
		backend_wait(w.backend, UINT64_MAX);
		pthread_join(waker, NULL);
	}
	world_end(&w);
}

BACKEND_TEST(wait_ends_at_its_deadline)
{
	struct world w;
	world_begin(&w, *kind);
	uint64_t deadline = backend_now_ns() + NS_PER_S / 50;
	backend_wait(w.backend, deadline);
	cr_assert_geq(backend_now_ns() + 1000000, deadline);
	world_end(&w);
}

BACKEND_TEST(watched_directory_tells_of_a_new_file)
{
	struct world w;
	world_begin(&w, *kind);
	struct io_op make = {.code = IO_WATCH_NEW};
	int fd = (int)world_carry_out(&w, &make);
	cr_assert_geq(fd, 0);
	struct io_op add = {
	    .code = IO_WATCH_ADD, .fd = fd, .watch = {.path = w.directory, .mask = IN_CREATE}};
	int descriptor = (int)world_carry_out(&w, &add);
	cr_assert_geq(descriptor, 0);
	close_file(&w, open_file(&w, world_path(&w, "new"), O_WRONLY | O_CREAT));
	char space[1024] __attribute__((aligned(8)));
	cr_assert_gt(read_at(&w, fd, space, sizeof space, 0, true), 0);
	struct inotify_event *event = (struct inotify_event *)(void *)space;
	cr_assert_eq(event->wd, descriptor);
	cr_assert_str_eq(event->name, "new");
	struct io_op remove = {
	    .code = IO_WATCH_REMOVE, .fd = fd, .watch = {.descriptor = descriptor}};
	cr_assert_eq(world_carry_out(&w, &remove), 0);
	close_file(&w, fd);
	world_end(&w);
}
