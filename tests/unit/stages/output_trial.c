#include "tests/unit/stages/output_trial.h"
#include "tests/unit/stages/scratch.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

enum { BUFFERS = 12, BUFFER_BYTES = 64 * 1024 };

void trial_set_up(struct trial *x, const char *name, uint64_t seed)
{
	memset(x, 0, sizeof *x);
	faulty_env_init(&x->world, seed);
	cr_assert_eq(home_init(&x->home, &(struct home_size){.buffers = BUFFERS,
							     .buffer_capacity = BUFFER_BYTES,
							     .batches = 2 * BUFFERS}),
		     0);
	scratch_make(x->directory, "test");
	snprintf(x->path, sizeof x->path, "%s/%s", x->directory, name);
	const char *why;
	size_t at;
	cr_assert_eq(path_template_parse(&x->template, x->path, strlen(x->path), &why, &at), 0);
	x->input_delimiter = (struct delimiter){{'\n'}, 1};
	x->options = (struct file_output_options){.template = &x->template,
						  .delimiter = {{'\n'}, 1},
						  .level = 1,
						  .workers = 2,
						  .lanes = 1};
	x->options.zstd = strstr(name, ".zst") != NULL;
	x->expected = malloc(64 << 20);
}

void trial_begin(struct trial *x)
{
	cr_assert_eq(file_output_init(&x->output, &x->options, &x->world.env, &x->world.counters),
		     0);
}

void trial_tear_down(struct trial *x)
{
	file_output_release(&x->output);
	while (faulty_env_turn(&x->world))
		;
	home_release(&x->home); /* asserts that every batch came back */
	free(x->expected);
	scratch_remove(x->directory);
}

void trial_expect(struct trial *x, const uint8_t *bytes, size_t length)
{
	memcpy(x->expected + x->expected_length, bytes, length);
	x->expected_length += length;
	memcpy(x->expected + x->expected_length, x->options.delimiter.bytes,
	       x->options.delimiter.length);
	x->expected_length += x->options.delimiter.length;
	x->records++;
}

struct batch *trial_batch(struct trial *x, uint32_t most, uint32_t length_max,
			  unsigned keep_percent)
{
	struct faulty_env *w = &x->world;
	struct buffer *buffer = home_take_buffer(&x->home);
	if (!buffer)
		return NULL;
	struct batch *b = batch_new(&x->home, buffer);
	buffer_let_go(buffer);
	cr_assert(b);
	b->delimiter = x->input_delimiter;
	b->wall_ns = w->wall_ns;
	b->read_ns = w->now_ns;
	bool last_kept = false;
	uint32_t at = 0;
	for (uint32_t i = 0; i < most; i++) {
		uint32_t length = (uint32_t)faulty_env_random(w, length_max + 1);
		if (at + length + DELIMITER_MAX > BUFFER_BYTES)
			break;
		for (uint32_t c = 0; c < length; c++)
			buffer->bytes[at + c] = (uint8_t)('a' + faulty_env_random(w, 8));
		memcpy(buffer->bytes + at + length, b->delimiter.bytes, b->delimiter.length);
		last_kept = faulty_env_random(w, 100) < keep_percent;
		if (last_kept) {
			b->records[b->count++] = (struct record){at, length};
			b->bytes_total += length;
			trial_expect(x, buffer->bytes + at, length);
		}
		at += length + b->delimiter.length;
	}
	if (last_kept && faulty_env_random(w, 3) == 0) {
		b->unterminated = true; /* so what follows it is not its delimiter */
		const struct record *last = &b->records[b->count - 1];
		buffer->bytes[last->offset + last->length] = '!';
	}
	x->batches++;
	return b;
}

int trial_run(struct trial *x, enum feed feed, bool finish)
{
	for (int i = 0; i < TRIAL_STEPS_MAX; i++) {
		x->world.wake_ns = 0;
		int r =
		    finish ? file_output_finish(&x->output) : file_output_step(&x->output, feed);
		x->done += file_output_take_done(&x->output);
		if (r < 0 || r == STEP_DONE)
			return r;
		if (r == STEP_WAIT && !finish && x->world.pending_count == 0 &&
		    file_output_has_room(&x->output) && x->done == x->batches)
			return r;
		if (r == STEP_WAIT)
			cr_assert(faulty_env_go_on(&x->world), "waits for nothing");
		else if (faulty_env_random(&x->world, 2))
			faulty_env_turn(&x->world);
	}
	cr_assert_fail("no end of steps");
	return 0;
}

void trial_put(struct trial *x, struct batch *b, enum feed feed)
{
	for (int i = 0; !file_output_has_room(&x->output); i++) {
		cr_assert_lt(i, TRIAL_STEPS_MAX);
		int r = file_output_step(&x->output, feed);
		x->done += file_output_take_done(&x->output);
		cr_assert_geq(r, 0);
		if (r == STEP_WAIT)
			cr_assert(faulty_env_go_on(&x->world), "waits for nothing");
	}
	file_output_put(&x->output, &b);
	cr_assert_null(b);
}

void trial_put_many(struct trial *x, size_t batches)
{
	for (size_t i = 0; i < batches;) {
		struct batch *b = trial_batch(x, 1 + (uint32_t)faulty_env_random(&x->world, 600),
					      (uint32_t[]){10, 200, 9000}[i % 3],
					      (unsigned[]){100, 10, 60}[i / 3 % 3]);
		if (b) {
			trial_put(x, b, FEED_MORE);
			i++;
		} else { /* all are held: they must come back though not one more is put */
			int r = file_output_step(&x->output, FEED_DRY);
			cr_assert_geq(r, 0);
			x->done += file_output_take_done(&x->output);
			if (r == STEP_WAIT)
				cr_assert(faulty_env_go_on(&x->world), "batches never come back");
		}
	}
}

void trial_finish(struct trial *x)
{
	cr_assert_eq(trial_run(x, FEED_ENDED, true), STEP_DONE);
	cr_assert_eq(x->done, x->batches);
	cr_assert_eq(counter_get(&x->world.counters.records_out), x->records);
	cr_assert_eq(x->world.pending_count, 0);
}

size_t trial_read_file(const char *path, uint8_t *to, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0, "%s", path);
	size_t length = 0;
	for (ssize_t n; (n = read(fd, to + length, room - length)) > 0;)
		length += (size_t)n;
	close(fd);
	return length;
}

size_t trial_decode(const uint8_t *from, size_t length, uint8_t *to, size_t *ret_length)
{
	size_t frames = 0, at = 0;
	*ret_length = 0;
	while (at < length) {
		size_t one = ZSTD_findFrameCompressedSize(from + at, length - at);
		cr_assert(!ZSTD_isError(one), "broken frame");
		size_t n = ZSTD_decompress(to + *ret_length, 64 << 20, from + at, one);
		cr_assert(!ZSTD_isError(n), "%s", ZSTD_getErrorName(n));
		*ret_length += n;
		at += one;
		frames++;
	}
	return frames;
}

/* The file's content, decoded if it is compressed, added to what is in `to`. */
static void add_content(const char *path, uint8_t *to, size_t *length)
{
	uint8_t *raw = malloc(64 << 20);
	size_t got = trial_read_file(path, raw, 64 << 20);
	if (strstr(path, ".zst")) {
		size_t decoded;
		trial_decode(raw, got, to + *length, &decoded);
		*length += decoded;
	} else {
		memcpy(to + *length, raw, got);
		*length += got;
	}
	free(raw);
}

static int is_visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* All files of the directory, in the order of their names; save that the one still called `last` comes last. Returns
 * how many there are. */
static int all_content(const struct trial *x, const char *last, uint8_t *to, size_t *ret_length,
		       off_t *ret_largest)
{
	struct dirent **names;
	int n = scandir(x->directory, &names, is_visible, alphasort);
	*ret_length = 0;
	*ret_largest = 0;
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < n; i++) {
			if ((strcmp(names[i]->d_name, last) == 0) != pass)
				continue;
			char path[512];
			snprintf(path, sizeof path, "%s/%s", x->directory, names[i]->d_name);
			struct stat status;
			cr_assert_eq(stat(path, &status), 0);
			if (status.st_size > *ret_largest)
				*ret_largest = status.st_size;
			add_content(path, to, ret_length);
		}
	}
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return n;
}

void trial_check(struct trial *x, const char *last, int files_min, off_t largest_max)
{
	uint8_t *got = malloc(64 << 20);
	size_t length;
	off_t largest;
	int files = all_content(x, last, got, &length, &largest);
	cr_assert_geq(files, files_min);
	if (largest_max)
		cr_assert_leq(largest, largest_max);
	cr_assert_eq(length, x->expected_length, "%zu bytes, expected %zu", length,
		     x->expected_length);
	cr_assert_eq(memcmp(got, x->expected, length), 0);
	free(got);
}

void trial_inject(struct trial *x)
{
	x->world.reorders = true;
	x->world.short_percent = 40;
	x->world.interrupt_percent = 20;
}
