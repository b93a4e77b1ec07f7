/* A queue on disk, in real files, through each real backend. */
#include "stages/segments/segment_log.h"
#include "tests/unit/daemon/each_backend.h"
#include "tests/unit/stages/faulty_env.h"
#include "tests/unit/stages/scratch.h"

#include <stdlib.h>
#include <sys/stat.h>

enum { ENTRIES = 3000, PAYLOAD_MAX = 5000, TURNS_MAX = 1000000 };

struct trial {
	struct faulty_env world;
	struct segment_log log;
	char path[64];
	uint64_t put, read;
};

static void set_up(struct trial *t, int kind)
{
	memset(t, 0, sizeof *t);
	faulty_env_init(&t->world, 1);
	cr_assert_eq(backend_open(&t->world.backend, (enum backend_kind)kind, NULL), 0);
	snprintf(t->path, sizeof t->path, "/tmp/sluice-segments-XXXXXX");
	cr_assert_not_null(mkdtemp(t->path));
}

static void tear_down(struct trial *t)
{
	while (faulty_env_turn(&t->world))
		;
	backend_close(t->world.backend);
	scratch_remove(t->path);
}

static void step(struct trial *t)
{
	cr_assert_geq(segment_log_step(&t->log), 0);
	faulty_env_go_on(&t->world);
}

static void begin(struct trial *t, uint64_t max_bytes)
{
	struct segment_log_options options = {.state_dir = t->path,
					      .name = "journal-x",
					      .max_bytes = max_bytes,
					      .payload_max = PAYLOAD_MAX,
					      .only_durable = true};
	cr_assert_eq(segment_log_init(&t->log, &t->world.env, &t->world.counters, &options), 0);
	while (!segment_log_is_open(&t->log))
		step(t);
	t->read = 0;
}

static void end(struct trial *t)
{
	while (segment_log_is_busy(&t->log))
		faulty_env_go_on(&t->world);
	segment_log_release(&t->log);
}

static size_t length_of(uint64_t number)
{
	return 8 + number * 977 % (PAYLOAD_MAX - 8);
}

static void put_some(struct trial *t)
{
	uint8_t *bytes;
	while (t->put < ENTRIES && (bytes = segment_log_reserve(&t->log, length_of(t->put)))) {
		memset(bytes, (int)t->put, length_of(t->put));
		memcpy(bytes, &t->put, sizeof t->put);
		segment_log_put(&t->log, length_of(t->put++));
	}
	segment_log_sync(&t->log);
}

static void read_some(struct trial *t)
{
	struct segment_entry e;
	int r;
	while ((r = segment_log_next(&t->log, &e)) > 0) {
		uint64_t number;
		memcpy(&number, e.bytes, sizeof number);
		cr_assert_eq(number, t->read);
		cr_assert_eq(e.length, length_of(t->read));
		cr_assert_eq(e.bytes[e.length - 1], (uint8_t)t->read);
		t->read++;
	}
	cr_assert_eq(r, 0);
}

EACH_BACKEND_TEST(segment_files, entries_go_to_files_and_come_back_also_when_they_are_opened_again)
{
	static struct trial t;
	need_backend(*kind);
	set_up(&t, *kind);
	begin(&t, 64 << 20);
	for (unsigned i = 0; t.read < ENTRIES; i++) {
		cr_assert_lt(i, TURNS_MAX);
		put_some(&t);
		step(&t);
		read_some(&t);
	}
	end(&t);
	begin(&t, 64 << 20);
	for (unsigned i = 0; t.read < ENTRIES; i++) {
		cr_assert_lt(i, TURNS_MAX);
		read_some(&t);
		step(&t);
	}
	cr_assert_eq(t.log.damages, 0);
	end(&t);
	tear_down(&t);
}

EACH_BACKEND_TEST(segment_files, files_are_ours_alone_and_deleted_when_they_are_not_needed)
{
	static struct trial t;
	char path[128];
	struct stat status;
	need_backend(*kind);
	set_up(&t, *kind);
	begin(&t, 256 << 10);
	for (unsigned i = 0; t.read < ENTRIES; i++) {
		cr_assert_lt(i, TURNS_MAX);
		put_some(&t);
		step(&t);
		read_some(&t);
		segment_log_trim(&t.log, t.log.read);
	}
	cr_assert_lt(t.log.bytes, 256 << 10);
	snprintf(path, sizeof path, "%s/journal-x", t.path);
	cr_assert_eq(stat(path, &status), 0);
	cr_assert_eq(status.st_mode & 0777, 0700);
	snprintf(path, sizeof path, "%s/journal-x/%016jx.segment", t.path,
		 (uintmax_t)t.log.segments[t.log.segment_count - 1].base);
	cr_assert_eq(stat(path, &status), 0);
	cr_assert_eq(status.st_mode & 0777, 0600);
	end(&t);
	tear_down(&t);
}
