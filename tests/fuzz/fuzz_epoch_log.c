/* fuzz_epoch_log.c - any bytes as an epoch log: refused, or read and gone on with, and what was then committed is there.
 * Layer: tests, libFuzzer. */
#include "daemon/epoch_log.h"
#include "stages/stage.h"
#include "tests/sim/sim_inode.h"
#include "tests/sim/sim_io.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static uint64_t now_ns = 1;
static int64_t wall_ns = 1;
static const struct sim_faults no_faults;
static struct sim_happened happened;

static int carry_through(struct epoch_log *l, struct sim_io *io)
{
	for (;;) {
		int r = epoch_log_step(l);
		if (r == STEP_DONE || r < 0)
			return r < 0 ? r : 0;
		backend_poll(&io->backend);
	}
}

static int open_log(struct epoch_log *l, struct sim_io *io, int directory)
{
	int r = epoch_log_open(l, &io->backend.io, directory, "fuzz");
	return r < 0 ? r : carry_through(l, io);
}

static void commit(struct epoch_log *l, struct sim_io *io)
{
	struct delta d = {.count = 0};
	struct epoch_part part = {"file:in", &d};
	assert(delta_put(&d, "key", 3, "value", 5) == 0);
	int r = epoch_log_append(l, l->epoch + 1, 7, &part, 1);
	if (r == 0)
		assert(carry_through(l, io) == 0);
	delta_release(&d);
}

static void read_and_go_on(struct sim_io *io, int directory)
{
	struct epoch_log l;
	int r = open_log(&l, io, directory);
	uint64_t epoch = l.epoch;
	if (r == 0 && epoch < UINT64_MAX)
		commit(&l, io);
	uint64_t committed = l.epoch;
	epoch_log_release(&l);
	if (r < 0 || committed == epoch)
		return;
	assert(open_log(&l, io, directory) == 0 && l.epoch == committed);
	const struct epoch_entry *e = epoch_map_find(&l.map, "file:in", "key", 3);
	assert(e && e->value_length == 5 && memcmp(epoch_entry_value(e), "value", 5) == 0);
	epoch_log_release(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct sim_fs fs;
	struct sim_story story;
	sim_fs_init(&fs, 1, &wall_ns, false);
	sim_story_init(&story, false, &now_ns);
	sim_fs_mount(&fs, "/d", true, false);
	int directory = sim_fs_open(&fs, AT_FDCWD, "/d", O_RDONLY | O_DIRECTORY, 0);
	int fd = sim_fs_open(&fs, directory, epoch_log_name, O_WRONLY | O_CREAT, 0);
	sim_fs_write(&fs, fd, bytes, length, 0);
	sim_fs_close(&fs, fd);
	struct sim_io *io = sim_io_new(&fs, (struct sim_random){.state = 1}, &story, &no_faults,
				       &happened, &now_ns, "fuzz");
	read_and_go_on(io, directory);
	sim_io_hurry(io);
	while (io->backend.busy > 0)
		backend_poll(&io->backend);
	backend_close(&io->backend);
	sim_story_release(&story);
	sim_fs_release(&fs);
	return 0;
}
