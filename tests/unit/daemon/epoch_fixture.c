#include "tests/unit/daemon/epoch_fixture.h"
#include "stages/stage.h"
#include "tests/unit/stages/scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const stage_ids[FIXTURE_STAGES] = {"access", "archive"};

void epoch_fixture_init(struct epoch_fixture *x)
{
	memset(x, 0, sizeof *x);
	watched_io_init(&x->world);
	scratch_make(x->directory, "epochs");
	x->fd = open(x->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert(x->fd >= 0);
	for (int s = 0; s < FIXTURE_STAGES; s++)
		x->parts[s] = (struct epoch_part){.id = stage_ids[s], .delta = &x->deltas[s]};
}

void epoch_fixture_release(struct epoch_fixture *x)
{
	fixture_close(x);
	watched_io_release(&x->world);
	for (int s = 0; s < FIXTURE_STAGES; s++)
		delta_release(&x->deltas[s]);
	close(x->fd);
	scratch_remove(x->directory);
}

int fixture_step(struct epoch_fixture *x)
{
	int r;
	do {
		r = epoch_log_step(&x->log);
		if (r == STEP_WAIT && !watched_io_turn(&x->world))
			return -EDEADLK;
	} while (r == STEP_MORE || r == STEP_WAIT);
	return r;
}

int fixture_open(struct epoch_fixture *x)
{
	fixture_close(x);
	x->open = true;
	int r = epoch_log_open(&x->log, &x->world.io, x->fd, "topology");
	return r < 0 ? r : fixture_step(x);
}

void fixture_close(struct epoch_fixture *x)
{
	if (!x->open)
		return;
	while (epoch_log_is_busy(&x->log))
		watched_io_turn(&x->world);
	epoch_log_release(&x->log);
	while (watched_io_turn(&x->world))
		;
	x->open = false;
}

enum what { NOTHING, PUT, FORGET };

/* What epoch n does to a key. */
static enum what what_happens(uint64_t n, int stage, int key)
{
	uint64_t h = (n * FIXTURE_STAGES + (uint64_t)stage) * FIXTURE_KEYS + (uint64_t)key + 1;
	h *= UINT64_C(0x9e3779b97f4a7c15);
	h ^= h >> 29;
	h *= UINT64_C(0xbf58476d1ce4e5b9);
	static const enum what table[] = {NOTHING, NOTHING, PUT, PUT, PUT, FORGET};
	return table[(h >> 32) % 6];
}

static size_t key_of(int key, char *ret_key)
{
	return (size_t)snprintf(ret_key, 32, "file-%d", key);
}

static size_t value_of(uint64_t n, int stage, int key, char *ret_value)
{
	return (size_t)snprintf(ret_value, 64, "%s of epoch %llu %.*s", stage_ids[stage],
				(unsigned long long)n, key, "padding");
}

static void make_deltas(struct epoch_fixture *x, uint64_t epoch)
{
	char key[32], value[64];
	for (int s = 0; s < FIXTURE_STAGES; s++) {
		delta_clear(&x->deltas[s]);
		for (int k = 0; k < FIXTURE_KEYS; k++) {
			enum what what = what_happens(epoch, s, k);
			size_t key_length = key_of(k, key);
			size_t value_length = value_of(epoch, s, k, value);
			int r = 0;
			if (what == PUT)
				r = delta_put(&x->deltas[s], key, key_length, value, value_length);
			else if (what == FORGET)
				r = delta_remove(&x->deltas[s], key, key_length);
			cr_assert_eq(r, 0);
		}
	}
}

/* The last epoch up to that one that put the key, if none has taken it away since; 0: it is not there. */
static uint64_t last_put(uint64_t epoch, int stage, int key)
{
	for (uint64_t n = epoch; n > 0; n--) {
		enum what what = what_happens(n, stage, key);
		if (what != NOTHING)
			return what == PUT ? n : 0;
	}
	return 0;
}

bool fixture_holds(const struct epoch_map *m, uint64_t epoch)
{
	size_t count = 0;
	char key[32], value[64];
	for (int i = 0; i < FIXTURE_STAGES * FIXTURE_KEYS; i++) {
		int s = i / FIXTURE_KEYS, k = i % FIXTURE_KEYS;
		uint64_t put = last_put(epoch, s, k);
		const struct epoch_entry *e = epoch_map_find(m, stage_ids[s], key, key_of(k, key));
		if ((e != NULL) != (put > 0))
			return false;
		if (!e)
			continue;
		count++;
		size_t length = value_of(put, s, k, value);
		if (e->value_length != length || memcmp(epoch_entry_value(e), value, length) != 0)
			return false;
	}
	return count == m->count;
}

int fixture_begin_append(struct epoch_fixture *x, uint64_t epoch)
{
	make_deltas(x, epoch);
	return epoch_log_append(&x->log, epoch, (int64_t)epoch * 1000, x->parts, FIXTURE_STAGES);
}

int fixture_append(struct epoch_fixture *x, uint64_t epoch)
{
	int r = fixture_begin_append(x, epoch);
	return r < 0 ? r : fixture_step(x);
}

int fixture_compact(struct epoch_fixture *x)
{
	int r = epoch_log_compact(&x->log);
	return r < 0 ? r : fixture_step(x);
}

void fixture_write(struct epoch_fixture *x, uint64_t from, uint64_t to)
{
	cr_assert_eq(fixture_open(x), STEP_DONE);
	for (uint64_t n = from; n <= to; n++)
		cr_assert_eq(fixture_append(x, n), STEP_DONE);
	fixture_close(x);
}

int fixture_read(struct epoch_fixture *x, const char *name, struct epoch_report *ret_report,
		 struct epoch_map *map)
{
	struct epoch_reader r;
	cr_assert_eq(epoch_map_init(map), 0);
	epoch_reader_begin(&r, &x->world.io, x->fd, O_RDONLY, name, map);
	int found;
	while ((found = epoch_reader_step(&r)) == STEP_MORE || found == STEP_WAIT)
		if (found == STEP_WAIT)
			watched_io_turn(&x->world);
	*ret_report = r.report;
	epoch_reader_release(&r);
	while (watched_io_turn(&x->world))
		;
	return found;
}

struct fixture_image fixture_take(const struct epoch_fixture *x, const char *name)
{
	struct fixture_image image = {.there = true};
	int fd = openat(x->fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return (struct fixture_image){.there = false};
	image.length = (size_t)lseek(fd, 0, SEEK_END);
	image.bytes = malloc(image.length + 1);
	cr_assert_eq(pread(fd, image.bytes, image.length, 0), (ssize_t)image.length);
	close(fd);
	return image;
}

void fixture_place(const struct epoch_fixture *x, const char *name,
		   const struct fixture_image *image)
{
	if (!image->there) {
		cr_assert(unlinkat(x->fd, name, 0) == 0 || errno == ENOENT);
		return;
	}
	int fd = openat(x->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	cr_assert(fd >= 0);
	cr_assert_eq(pwrite(fd, image->bytes, image->length, 0), (ssize_t)image->length);
	close(fd);
}

void fixture_forget(struct fixture_image *image)
{
	free(image->bytes);
	*image = (struct fixture_image){.bytes = NULL};
}
