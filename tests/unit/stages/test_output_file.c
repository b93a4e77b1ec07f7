#include "stages/output_file.h"
#include "stages/rotated_name.h"
#include "tests/unit/stages/faulty_env.h"
#include "tests/unit/stages/scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct fixture {
	struct faulty_env world;
	char directory[64], path[256];
	struct path_template template;
	struct space_wait space;
	struct output_file file;
};

static void set_up(struct fixture *x, const char *rest)
{
	memset(x, 0, sizeof *x);
	faulty_env_init(&x->world, 1);
	strcpy(x->directory, "/tmp/sluice-test-XXXXXX");
	cr_assert(mkdtemp(x->directory));
	snprintf(x->path, sizeof x->path, "%s/%s", x->directory, rest);
	const char *why;
	size_t at;
	cr_assert_eq(path_template_parse(&x->template, x->path, strlen(x->path), &why, &at), 0);
	space_wait_init(&x->space, &x->world.env, &x->world.counters);
	output_file_init(&x->file, &x->world.env, &x->world.counters, &x->space, &x->template,
			 false);
}

static void tear_down(struct fixture *x)
{
	scratch_remove(x->directory);
}

/* Steps until it rests in that state, or fails. */
static int run_to(struct fixture *x, enum output_file_state state)
{
	for (int i = 0; i < 10000; i++) {
		x->world.wake_ns = 0;
		int r = output_file_step(&x->file);
		if (r < 0)
			return r;
		if (x->file.state == state)
			return 0;
		if (r == STEP_WAIT)
			cr_assert(faulty_env_go_on(&x->world), "waits for nothing");
	}
	return -ETIME;
}

static void begin_to_open(struct fixture *x)
{
	char path[PATH_MAX];
	cr_assert_eq(path_template_format(x->file.template, x->world.wall_ns, path, sizeof path),
		     0);
	output_file_open(&x->file, path);
}

static int open_it(struct fixture *x)
{
	begin_to_open(x);
	return run_to(x, OUTPUT_READY);
}

static void close_it(struct fixture *x, bool rename)
{
	output_file_close(&x->file, rename);
	cr_assert_eq(run_to(x, OUTPUT_CLOSED), 0);
	cr_assert_eq(x->file.fd, -1);
}

static bool exists(const struct fixture *x, const char *rest)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", x->directory, rest);
	return access(path, F_OK) == 0;
}

static size_t open_descriptors(void)
{
	size_t n = 0;
	for (int fd = 3; fd < 200; fd++)
		n += lseek(fd, 0, SEEK_CUR) != -1 || errno != EBADF;
	return n;
}

Test(output_file, directories_with_the_time_in_their_names_are_made)
{
	static const char *const paths[] = {"%Y/%m-%d/x.log", "%Y/x.log", "%Y/a/b/%F.log"};
	for (size_t i = 0; i < 3; i++) {
		struct fixture x;
		set_up(&x, paths[i]);
		x.world.interrupt_percent = 30;
		size_t before = open_descriptors();
		cr_assert_eq(open_it(&x), 0, "%s", paths[i]);
		cr_assert_eq(access(x.file.path, F_OK), 0);
		close_it(&x, false);
		cr_assert_eq(open_descriptors(), before);
		tear_down(&x);
	}
}

Test(output_file, missing_directory_that_the_topology_names_is_an_error)
{
	static const char *const paths[] = {"a/x.log", "a/%Y/x.log", "a/b/%F.log"};
	for (size_t i = 0; i < 3; i++) {
		struct fixture x;
		set_up(&x, paths[i]);
		cr_assert_eq(open_it(&x), -ENOENT, "%s", paths[i]);
		cr_assert_eq(faulty_env_said(&x.world, "output directory missing"), 1);
		cr_assert_not(exists(&x, "a"));
		tear_down(&x);
	}
}

Test(output_file, full_disk_is_waited_for_while_opening)
{
	struct fixture x;
	set_up(&x, "%Y/x.log");
	x.world.full_until_ns = x.world.now_ns + 2000000000;
	cr_assert_eq(open_it(&x), 0);
	cr_assert_eq(faulty_env_said(&x.world, "output full, waiting"), 1);
	cr_assert_eq(faulty_env_said(&x.world, "output has room again"), 1);
	close_it(&x, false);
	tear_down(&x);
}

Test(output_file, symbolic_link_beneath_the_base_is_refused)
{
	struct fixture x;
	set_up(&x, "%Y/x.log");
	char year[128], outside[128];
	snprintf(outside, sizeof outside, "%s-outside", x.directory);
	snprintf(year, sizeof year, "%s/2026", x.directory);
	cr_assert_eq(mkdir(outside, 0700), 0);
	cr_assert_eq(symlink(outside, year), 0);
	size_t before = open_descriptors();
	cr_assert_eq(open_it(&x), -ELOOP);
	cr_assert_eq(open_descriptors(), before);
	cr_assert_eq(faulty_env_said(&x.world, "output directory cannot be opened"), 1);
	cr_assert_eq(rmdir(outside), 0, "something was made in there");
	tear_down(&x);
}

Test(output_file, symbolic_link_for_the_file_itself_is_refused_if_the_path_varies)
{
	struct fixture x;
	set_up(&x, "%Y.log");
	char name[128], outside[128];
	snprintf(outside, sizeof outside, "%s/elsewhere", x.directory);
	snprintf(name, sizeof name, "%s/2026.log", x.directory);
	cr_assert_eq(symlink(outside, name), 0);
	cr_assert_eq(open_it(&x), -ELOOP);
	cr_assert_not(exists(&x, "elsewhere"));
	tear_down(&x);
}

Test(output_file, operators_own_links_are_followed)
{
	struct fixture x;
	set_up(&x, "link/%Y.log");
	char link[128], target[128];
	snprintf(link, sizeof link, "%s/link", x.directory);
	snprintf(target, sizeof target, "%s/target", x.directory);
	cr_assert_eq(mkdir(target, 0700), 0);
	cr_assert_eq(symlink(target, link), 0);
	cr_assert_eq(open_it(&x), 0);
	cr_assert(exists(&x, "target/2026.log"));
	close_it(&x, false);
	tear_down(&x);
}

Test(output_file, directory_that_cannot_be_made_is_a_clear_error)
{
	static const char *const paths[] = {"file/b/x.log", "file/b/%Y.log"};
	for (size_t i = 0; i < 2; i++) {
		struct fixture x;
		set_up(&x, paths[i]);
		char file[128];
		snprintf(file, sizeof file, "%s/file", x.directory);
		FILE *f = fopen(file, "we");
		cr_assert(f && fclose(f) == 0);
		cr_assert_eq(open_it(&x), -ENOTDIR);
		cr_assert_eq(x.world.event_count, 1);
		cr_assert_eq(counter_get(&x.world.counters.errors), 1);
		tear_down(&x);
	}
}

Test(output_file, directory_in_its_place_is_an_error)
{
	struct fixture x;
	set_up(&x, "here");
	cr_assert_eq(mkdir(x.path, 0700), 0);
	cr_assert_eq(open_it(&x), -EISDIR);
	cr_assert_eq(faulty_env_said(&x.world, "output cannot be opened"), 1);
	tear_down(&x);
}

Test(output_file, names_taken_are_passed_over_when_renaming)
{
	for (int varies = 0; varies < 2; varies++) {
		struct fixture x;
		set_up(&x, varies ? "%Y/out.log" : "2026/out.log");
		char year[128];
		snprintf(year, sizeof year, "%s/2026", x.directory);
		cr_assert_eq(mkdir(year, 0700), 0);
		for (int i = 0; i < 3; i++) {
			cr_assert_eq(open_it(&x), 0);
			close_it(&x, true);
			/* as after a restart: it does not remember what it named */
			output_file_init(&x.file, &x.world.env, &x.world.counters, &x.space,
					 &x.template, false);
		}
		cr_assert(exists(&x, "2026/out.20261121T101500Z.log"));
		cr_assert(exists(&x, "2026/out.20261121T101500Z_001.log"));
		cr_assert(exists(&x, "2026/out.20261121T101500Z_002.log"));
		cr_assert_not(exists(&x, "2026/out.log"));
		tear_down(&x);
	}
}

Test(output_file, second_without_names_left_is_waited_out)
{
	struct fixture x;
	set_up(&x, "out");
	for (int i = 0; i < 4; i++) {
		cr_assert_eq(open_it(&x), 0);
		close_it(&x, true);
		if (i == 0)
			x.file.renamed_number = ROTATED_NUMBER_MAX;
	}
	cr_assert(exists(&x, "out.20261121T101500Z_999_999999"));
	cr_assert(exists(&x, "out.20261121T101501Z"));
	cr_assert(exists(&x, "out.20261121T101501Z_001"));
	tear_down(&x);
}

Test(output_file, output_moved_away_by_somebody_is_no_failure)
{
	struct fixture x;
	set_up(&x, "out.log");
	cr_assert_eq(open_it(&x), 0);
	cr_assert_eq(unlink(x.path), 0);
	close_it(&x, true);
	cr_assert_eq(
	    faulty_env_said(&x.world, "output was moved away or deleted, starting a new one"), 1);
	cr_assert_eq(open_it(&x), 0);
	close_it(&x, false);
	tear_down(&x);
}

Test(output_file, length_and_age_of_what_was_there_are_known)
{
	struct fixture x;
	set_up(&x, "out.log");
	FILE *f = fopen(x.path, "we");
	cr_assert(f && fputs("12345", f) >= 0 && fclose(f) == 0);
	struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000, .tv_nsec = 7}};
	cr_assert_eq(utimensat(AT_FDCWD, x.path, times, 0), 0);
	cr_assert_eq(open_it(&x), 0);
	cr_assert_eq(x.file.length, 5);
	cr_assert_eq(x.file.modified_ns, 1000000000007);
	cr_assert_not(x.file.stream);
	close_it(&x, false);
	tear_down(&x);
}

static void write_file(const char *path, const void *bytes, size_t length)
{
	FILE *f = fopen(path, "we");
	cr_assert(f && fwrite(bytes, 1, length, f) == length && fclose(f) == 0);
}

/* A descriptor that has the file locked, as another process would. */
static int lock_it(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	return fd;
}

/* Until it waits for the lock. */
static void run_to_lock(struct fixture *x)
{
	begin_to_open(x);
	while (x->file.lock.until_ns == 0) {
		int r = output_file_step(&x->file);
		cr_assert_geq(r, 0);
		if (r == STEP_WAIT)
			cr_assert(faulty_env_go_on(&x->world));
	}
}

Test(output_file, file_that_another_has_locked_is_an_error_after_a_while)
{
	static const char *const paths[] = {"out.log", "%Y.log"};
	for (size_t i = 0; i < 2; i++) {
		struct fixture x;
		set_up(&x, paths[i]);
		char path[128];
		snprintf(path, sizeof path, "%s/%s", x.directory, i ? "2026.log" : "out.log");
		int other = lock_it(path);
		uint64_t began = x.world.now_ns;
		size_t before = open_descriptors();
		cr_assert_eq(open_it(&x), -EBUSY);
		cr_assert_eq(faulty_env_said(&x.world, "output in use by another process or sink"),
			     1);
		cr_assert_geq(x.world.now_ns - began, 2000000000);
		cr_assert_leq(x.world.now_ns - began, 2100000000);
		cr_assert_eq(open_descriptors(), before);
		close(other);
		tear_down(&x);
	}
}

Test(output_file, lock_of_one_who_is_about_to_end_is_waited_for)
{
	struct fixture x;
	set_up(&x, "out.log");
	int other = lock_it(x.path);
	run_to_lock(&x);
	cr_assert_eq(write(other, "late", 4), 4);
	close(other);
	x.world.interrupt_percent = 30;
	write_file(x.path, "later", 5);
	cr_assert_eq(run_to(&x, OUTPUT_READY), 0);
	cr_assert_eq(x.file.length, 5, "what came in before the lock counts");
	cr_assert_eq(faulty_env_said(&x.world, "output in use, waiting for it"), 1);
	cr_assert_eq(x.world.event_count, 1);
	close_it(&x, false);
	tear_down(&x);
}

Test(output_file, file_renamed_while_its_lock_is_waited_for_is_left_to_its_writer)
{
	struct fixture x;
	set_up(&x, "out.log");
	int other = lock_it(x.path);
	cr_assert_eq(write(other, "theirs", 6), 6);
	run_to_lock(&x);
	char rotated[128];
	snprintf(rotated, sizeof rotated, "%s/rotated.log", x.directory);
	cr_assert_eq(rename(x.path, rotated), 0);
	close(other);
	cr_assert_eq(run_to(&x, OUTPUT_READY), 0);
	cr_assert_eq(x.file.length, 0);
	struct stat ours, named;
	cr_assert_eq(fstat(x.file.fd, &ours), 0);
	cr_assert_eq(stat(x.path, &named), 0);
	cr_assert_eq(ours.st_ino, named.st_ino);
	close_it(&x, false);
	tear_down(&x);
}

Test(output_file, second_sink_on_one_file_is_refused_until_the_first_is_through)
{
	struct fixture x;
	set_up(&x, "out.log");
	cr_assert_eq(open_it(&x), 0);
	char hard[128];
	snprintf(hard, sizeof hard, "%s/hard.log", x.directory);
	cr_assert_eq(link(x.path, hard), 0);
	struct path_template template;
	struct output_file first = x.file;
	const char *why;
	size_t at;
	cr_assert_eq(path_template_parse(&template, hard, strlen(hard), &why, &at), 0);
	output_file_init(&x.file, &x.world.env, &x.world.counters, &x.space, &template, false);
	cr_assert_eq(open_it(&x), -EBUSY);
	x.file = first;
	close_it(&x, true);
	output_file_init(&x.file, &x.world.env, &x.world.counters, &x.space, &template, false);
	cr_assert_eq(open_it(&x), 0, "it is renamed and closed");
	close_it(&x, false);
	tear_down(&x);
}

static int open_onto(bool zstd, const void *bytes, size_t length)
{
	struct fixture x;
	set_up(&x, "out");
	x.file.zstd = zstd;
	x.world.interrupt_percent = 30;
	write_file(x.path, bytes, length);
	size_t before = open_descriptors();
	int r = open_it(&x);
	if (r == 0)
		close_it(&x, false);
	else
		cr_assert_eq(x.world.event_count, 1);
	cr_assert_eq(open_descriptors(), before);
	struct stat status;
	cr_assert_eq(stat(x.path, &status), 0);
	cr_assert_eq(status.st_size, (off_t)length);
	tear_down(&x);
	return r;
}

Test(output_file, zstd_goes_behind_zstd_and_nothing_else_does_and_nothing_behind_gzip)
{
	static const struct {
		const char *bytes;
		size_t length;
		bool is_zstd, is_gzip;
	} contents[] = {
	    {"\x28\xb5\x2f\xfd\0\x58\1\0\0", 9, true, false}, /* an empty frame */
	    {"\x50\x2a\x4d\x18\0\0\0\0", 8, true, false},
	    {"\x5f\x2a\x4d\x18\0\0\0\0", 8, true, false},
	    {"\x60\x2a\x4d\x18\0\0\0\0", 8, false, false},
	    {"\x28\xb5\x2f", 3, false, false},
	    {"\x1f\x8b\x08\0", 4, false, true},
	    {"line\n", 5, false, false},
	};
	for (size_t i = 0; i < sizeof contents / sizeof *contents; i++)
		for (int zstd = 0; zstd < 2; zstd++)
			cr_expect_eq(open_onto(zstd, contents[i].bytes, contents[i].length),
				     contents[i].is_zstd == zstd && !contents[i].is_gzip ? 0
											 : -EEXIST,
				     "%zu", i);
	for (int zstd = 0; zstd < 2; zstd++)
		cr_expect_eq(open_onto(zstd, "", 0), 0, "an empty file is of no kind");
}
