#include "stages/descriptor.h"
#include "stages/output_states.h"
#include "stages/path_above.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static void begin_base(struct output_file *f)
{
	size_t length = path_template_base(f->template);
	memcpy(f->name, length > 0 ? f->path : ".", length > 0 ? length : 1);
	f->name[length > 0 ? length : 1] = '\0';
	output_submit(f,
		      (struct io_op){.code = IO_OPEN,
				     .fd = AT_FDCWD,
				     .open = {.path = f->name, .flags = O_DIRECTORY | O_CLOEXEC}});
}

static void begin_descend(struct output_file *f)
{
	size_t length = strcspn(f->path + f->walked, "/");
	memcpy(f->name, f->path + f->walked, length);
	f->name[length] = '\0';
	output_submit(f, (struct io_op){.code = IO_OPEN,
					.fd = f->directory,
					.open = {.path = f->name,
						 .flags = O_DIRECTORY | O_CLOEXEC,
						 .resolve = OUTPUT_BENEATH}});
}

static void begin_make(struct output_file *f)
{
	output_submit(f, (struct io_op){.code = IO_MKDIR,
					.fd = f->directory,
					.mkdir = {.path = f->name, .mode = 0755}});
}

/* One of an earlier run may not be durable either, so made or not. */
static void begin_sync_above(struct output_file *f)
{
	output_submit(f, (struct io_op){.code = IO_SYNC, .fd = f->above});
}

static void begin_leave(struct output_file *f)
{
	output_submit(f, descriptor_closing(&f->above));
}

static void after_base(struct output_file *f, int64_t result)
{
	if (result == -ENOENT) {
		output_fail_missing(f);
	} else if (result < 0) {
		output_fail(f, "output directory cannot be opened", result);
	} else {
		f->directory = (int)result;
		size_t base = path_template_base(f->template);
		f->walked = base == 0 || f->path[base - 1] == '/' ? base : base + 1;
		f->made = false;
		output_go(f, strchr(f->path + f->walked, '/') ? OUTPUT_DESCEND : OUTPUT_OPEN);
	}
}

static void after_descend(struct output_file *f, int64_t result)
{
	if (result == -ENOENT && !f->made) {
		f->made = true;
		output_go(f, OUTPUT_MAKE);
	} else if (result < 0) {
		output_fail(f, "output directory cannot be opened", result);
	} else {
		f->above = f->directory;
		f->directory = (int)result;
		f->walked += strlen(f->name) + 1;
		f->made = false;
		output_go(f, f->journal ? OUTPUT_SYNC_ABOVE : OUTPUT_LEAVE);
	}
}

static void after_make(struct output_file *f, int64_t result)
{
	if (result < 0 && result != -EEXIST)
		output_fail(f, "output directory cannot be made", result);
	else
		output_go(f, OUTPUT_DESCEND);
}

static void after_sync_above(struct output_file *f, int64_t result)
{
	if (result < 0) {
		output_fail(f, "output directory cannot be synced", result);
		f->failed = -EIO;
	} else {
		output_go(f, OUTPUT_LEAVE);
	}
}

static void after_leave(struct output_file *f, int64_t result)
{
	(void)result; /* it was only passed through */
	f->above = -1;
	output_go(f, strchr(f->path + f->walked, '/') ? OUTPUT_DESCEND : OUTPUT_OPEN);
}

/* Where a path that does not vary lies. Through a link the name is somewhere else: then syncing the file has to do. */
static void begin_hold(struct output_file *f)
{
	path_above(f->path, f->name);
	output_submit(f,
		      (struct io_op){.code = IO_OPEN,
				     .fd = AT_FDCWD,
				     .open = {.path = f->name, .flags = O_DIRECTORY | O_CLOEXEC}});
}

static void after_hold(struct output_file *f, int64_t result)
{
	if (result < 0) {
		output_fail(f, "output directory cannot be opened", result);
	} else {
		f->held = (int)result;
		output_go(f, OUTPUT_READY);
	}
}

const struct output_act output_directory_acts[OUTPUT_STATES] = {
    [OUTPUT_BASE] = {begin_base, after_base},
    [OUTPUT_DESCEND] = {begin_descend, after_descend},
    [OUTPUT_MAKE] = {begin_make, after_make},
    [OUTPUT_SYNC_ABOVE] = {begin_sync_above, after_sync_above},
    [OUTPUT_LEAVE] = {begin_leave, after_leave},
    [OUTPUT_HOLD] = {begin_hold, after_hold},
};
