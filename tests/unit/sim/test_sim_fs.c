/* The simulated file system keeps what fsync(2) promises, and now and then loses everything that it does not. */
#include "tests/sim/sim_fs.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 300, LONG = 5000 };

static int64_t wall_ns;

static void begin(struct sim_fs *fs, uint64_t seed)
{
	sim_fs_init(fs, seed, &wall_ns, true);
	sim_fs_mount(fs, "/d", false, true);
}

static int make(struct sim_fs *fs, const char *path)
{
	int fd = sim_fs_open(fs, AT_FDCWD, path, O_WRONLY | O_CREAT, 0);
	cr_assert_geq(fd, 0);
	return fd;
}

static void put(struct sim_fs *fs, int fd, const char *text, uint64_t at)
{
	cr_assert_eq(sim_fs_write(fs, fd, text, strlen(text), at), (ssize_t)strlen(text));
}

static void sync_directory(struct sim_fs *fs)
{
	int fd = sim_fs_open(fs, AT_FDCWD, "/d", O_RDONLY | O_DIRECTORY, 0);
	cr_assert_eq(sim_fs_sync(fs, fd, false), 0);
	sim_fs_close(fs, fd);
}

/* What the path leads to, NUL-terminated in text; -errno. */
static ssize_t content(struct sim_fs *fs, const char *path, char *text, size_t room)
{
	int fd = sim_fs_open(fs, AT_FDCWD, path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	ssize_t n = sim_fs_read(fs, fd, text, room - 1, 0);
	cr_assert_geq(n, 0);
	text[n] = '\0';
	sim_fs_close(fs, fd);
	return n;
}

Test(sim_fs, synced_bytes_and_names_survive_every_crash)
{
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct sim_fs fs;
		char text[64];
		begin(&fs, seed);
		int fd = make(&fs, "/d/a");
		put(&fs, fd, "first ", 0);
		put(&fs, fd, "second", 6);
		cr_assert_eq(sim_fs_sync(&fs, fd, false), 0);
		sync_directory(&fs);
		sim_fs_crash(&fs);
		cr_assert_eq(content(&fs, "/d/a", text, sizeof text), 12);
		cr_assert_str_eq(text, "first second");
		sim_fs_release(&fs);
	}
}

Test(sim_fs, unsynced_write_is_kept_lost_or_torn)
{
	unsigned kept = 0, lost = 0, torn = 0;
	char wanted[LONG + 1], text[LONG + 1];
	memset(wanted, 'x', LONG);
	wanted[LONG] = '\0';
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct sim_fs fs;
		begin(&fs, seed);
		int fd = make(&fs, "/d/a");
		sync_directory(&fs);
		put(&fs, fd, wanted, 0);
		sim_fs_crash(&fs);
		ssize_t n = content(&fs, "/d/a", text, sizeof text);
		cr_assert_geq(n, 0);
		bool whole = n == LONG && memcmp(text, wanted, LONG) == 0;
		kept += whole;
		lost += n == 0;
		torn += !whole && n > 0;
		sim_fs_release(&fs);
	}
	cr_assert(kept > 0 && lost > 0 && torn > 0, "%u %u %u", kept, lost, torn);
}

Test(sim_fs, synced_file_without_a_synced_directory_may_have_no_name)
{
	unsigned there = 0;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct sim_fs fs;
		char text[8];
		begin(&fs, seed);
		int fd = make(&fs, "/d/a");
		put(&fs, fd, "abc", 0);
		cr_assert_eq(sim_fs_sync(&fs, fd, false), 0);
		sim_fs_crash(&fs);
		ssize_t n = content(&fs, "/d/a", text, sizeof text);
		cr_assert(n == 3 || n == -ENOENT);
		there += n == 3;
		sim_fs_release(&fs);
	}
	cr_assert(there > 0 && there < SEEDS);
}

Test(sim_fs, unsynced_rename_happens_whole_or_not_at_all)
{
	unsigned renamed = 0;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct sim_fs fs;
		char text[8];
		begin(&fs, seed);
		sim_fs_close(&fs, make(&fs, "/d/a"));
		sync_directory(&fs);
		cr_assert_eq(sim_fs_rename(&fs, AT_FDCWD, "/d/a", "/d/b", false), 0);
		sim_fs_crash(&fs);
		bool old = content(&fs, "/d/a", text, sizeof text) == 0;
		bool new = content(&fs, "/d/b", text, sizeof text) == 0;
		cr_assert_neq(old, new);
		renamed += new;
		sim_fs_release(&fs);
	}
	cr_assert(renamed > 0 && renamed < SEEDS);
}

Test(sim_fs, deleted_file_may_come_back_with_its_bytes_until_the_directory_is_synced)
{
	unsigned back = 0;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct sim_fs fs;
		char text[8];
		begin(&fs, seed);
		int fd = make(&fs, "/d/a");
		put(&fs, fd, "abc", 0);
		sim_fs_sync(&fs, fd, false);
		sync_directory(&fs);
		sim_fs_close(&fs, fd);
		cr_assert_eq(sim_fs_unlink(&fs, AT_FDCWD, "/d/a"), 0);
		cr_assert_eq(fs.used, 0);
		if (seed % 2)
			sync_directory(&fs);
		sim_fs_crash(&fs);
		ssize_t n = content(&fs, "/d/a", text, sizeof text);
		cr_assert(n == -ENOENT || (n == 3 && seed % 2 == 0));
		cr_assert_eq(fs.used, n == 3 ? 3u : 0u);
		back += n == 3;
		sim_fs_release(&fs);
	}
	cr_assert(back > 0 && back < SEEDS / 2);
}

/* A name kept in a directory that was lost. Found by the address sanitizer. */
Test(sim_fs, lost_directory_takes_what_is_in_it_along)
{
	unsigned lost = 0;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct sim_fs fs;
		char text[8];
		begin(&fs, seed);
		cr_assert_eq(sim_fs_mkdir(&fs, AT_FDCWD, "/d/e"), 0);
		int file = make(&fs, "/d/e/a");
		int directory = sim_fs_open(&fs, AT_FDCWD, "/d/e", O_RDONLY | O_DIRECTORY, 0);
		put(&fs, file, "abc", 0);
		cr_assert_eq(sim_fs_sync(&fs, file, false), 0);
		cr_assert_eq(sim_fs_sync(&fs, directory, false), 0);
		sim_fs_crash(&fs);
		ssize_t n = content(&fs, "/d/e/a", text, sizeof text);
		cr_assert(n == 3 || n == -ENOENT);
		cr_assert_eq(fs.used, n == 3 ? 3u : 0u);
		lost += n < 0;
		sim_fs_release(&fs);
	}
	cr_assert(lost > 0 && lost < SEEDS);
}

Test(sim_fs, after_a_failed_fsync_a_later_one_promises_nothing_of_what_was_before)
{
	unsigned lost = 0;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct sim_fs fs;
		char text[16];
		begin(&fs, seed);
		int fd = make(&fs, "/d/a");
		sync_directory(&fs);
		put(&fs, fd, "before", 0);
		cr_assert_eq(sim_fs_sync(&fs, fd, true), -EIO);
		put(&fs, fd, "after", 6);
		cr_assert_eq(sim_fs_sync(&fs, fd, false), 0);
		sim_fs_crash(&fs);
		cr_assert_eq(content(&fs, "/d/a", text, sizeof text), 11);
		cr_assert_eq(memcmp(text + 6, "after", 5), 0);
		lost += memcmp(text, "before", 6) != 0;
		sim_fs_release(&fs);
	}
	cr_assert(lost > 0 && lost < SEEDS);
}

Test(sim_fs, full_disk_takes_what_fits_and_has_room_again_when_something_goes)
{
	struct sim_fs fs;
	begin(&fs, 1);
	int fd = make(&fs, "/d/a");
	fs.capacity = 4;
	cr_assert_eq(sim_fs_write(&fs, fd, "abcdef", 6, 0), 4);
	cr_assert_eq(sim_fs_write(&fs, fd, "ef", 2, 4), -ENOSPC);
	cr_assert_eq(sim_fs_write(&fs, fd, "xy", 2, 0), 2, "what is there can be written over");
	cr_assert_eq(sim_fs_truncate(&fs, fd, 1), 0);
	cr_assert_eq(sim_fs_write(&fs, fd, "ef", 2, 1), 2);
	sim_fs_release(&fs);
}

Test(sim_fs, lock_is_one_descriptors_until_it_is_closed)
{
	struct sim_fs fs;
	begin(&fs, 1);
	int a = make(&fs, "/d/a"), b = make(&fs, "/d/a");
	cr_assert_eq(sim_fs_lock(&fs, a), 0);
	cr_assert_eq(sim_fs_lock(&fs, a), 0);
	cr_assert_eq(sim_fs_lock(&fs, b), -EBUSY);
	sim_fs_close(&fs, a);
	cr_assert_eq(sim_fs_lock(&fs, b), 0);
	sim_fs_release(&fs);
}

Test(sim_fs, watcher_hears_of_names_and_bytes_in_order)
{
	static const uint32_t wanted[] = {IN_CREATE, IN_MODIFY, IN_MOVED_FROM, IN_MOVED_TO,
					  IN_DELETE};
	_Alignas(struct inotify_event) uint8_t events[1024];
	struct sim_fs fs;
	begin(&fs, 1);
	int watcher = sim_fs_watch_new(&fs);
	cr_assert_geq(sim_fs_watch_add(&fs, watcher, "/d", IN_ALL_EVENTS), 0);
	cr_assert_eq(sim_fs_watch_read(&fs, watcher, events, sizeof events), -EAGAIN);
	int fd = make(&fs, "/d/a");
	put(&fs, fd, "x", 0);
	sim_fs_rename(&fs, AT_FDCWD, "/d/a", "/d/b", false);
	sim_fs_unlink(&fs, AT_FDCWD, "/d/b");
	ssize_t n = sim_fs_watch_read(&fs, watcher, events, sizeof events);
	size_t at = 0;
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		cr_assert_lt((ssize_t)at, n);
		const struct inotify_event *e = (const void *)(events + at);
		cr_assert_eq(e->mask, wanted[i], "event %zu", i);
		cr_assert_str_eq(e->name, i < 3 ? "a" : "b");
		at += sizeof *e + e->len;
	}
	cr_assert_eq((ssize_t)at, n);
	sim_fs_release(&fs);
}

Test(sim_fs, what_is_not_there_beneath_an_open_directory_is_not_there)
{
	struct sim_fs fs;
	begin(&fs, 1);
	int directory = sim_fs_open(&fs, AT_FDCWD, "/d", O_RDONLY | O_DIRECTORY, 0);
	cr_expect_eq(sim_fs_unlink(&fs, directory, "a"), -ENOENT);
	cr_expect_eq(sim_fs_rename(&fs, directory, "a", "b", true), -ENOENT);
	cr_expect_eq(sim_fs_unlink(&fs, 99, "a"), -EBADF);
	sim_fs_release(&fs);
}

Test(sim_fs, kill_closes_what_the_program_opened_and_loses_nothing)
{
	struct sim_fs fs;
	char text[64];
	begin(&fs, 1);
	int ours = make(&fs, "/d/a"), writers = make(&fs, "/d/b");
	sim_fs_hand_over(&fs, ours);
	cr_assert_eq(sim_fs_lock(&fs, ours), 0);
	put(&fs, ours, "unsynced", 0);
	sim_fs_kill(&fs);
	cr_expect_eq(sim_fs_write(&fs, ours, "x", 1, 0), -EBADF);
	put(&fs, writers, "goes on", 0);
	cr_expect_eq(content(&fs, "/d/a", text, sizeof text), 8);
	int again = make(&fs, "/d/a");
	cr_expect_eq(sim_fs_lock(&fs, again), 0);
	sim_fs_release(&fs);
}
