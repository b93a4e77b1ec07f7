#include "stages/file_output.h"
#include "tests/unit/stages/faulty_env.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFERS = 12, BUFFER_BYTES = 64 * 1024, STEPS_MAX = 2000000 };
#define SECOND 1000000000u

/* One output in a directory of its own, and what ought to be in it. */
struct fixture {
	struct faulty_env world;
	struct home home;
	char directory[64], path[128];
	struct path_template template;
	struct file_output_options options;
	struct file_output output;
	struct delimiter input_delimiter;
	uint8_t *expected;
	size_t expected_length;
	uint64_t records;
	size_t batches, done;
};

static void set_up(struct fixture *x, const char *name, uint64_t seed)
{
	memset(x, 0, sizeof *x);
	faulty_env_init(&x->world, seed);
	cr_assert_eq(home_init(&x->home, BUFFERS, BUFFER_BYTES, 2 * BUFFERS), 0);
	strcpy(x->directory, "/tmp/sluice-test-XXXXXX");
	cr_assert(mkdtemp(x->directory));
	snprintf(x->path, sizeof x->path, "%s/%s", x->directory, name);
	const char *why;
	size_t at;
	cr_assert_eq(path_template_parse(&x->template, x->path, strlen(x->path), &why, &at), 0);
	x->input_delimiter = (struct delimiter){{'\n'}, 1};
	x->options = (struct file_output_options){
	    .template = &x->template, .delimiter = {{'\n'}, 1}, .level = 1, .workers = 2};
	x->options.zstd = strstr(name, ".zst") != NULL;
	x->expected = malloc(64 << 20);
}

static void begin(struct fixture *x)
{
	cr_assert_eq(file_output_init(&x->output, &x->options, &x->world.env, &x->world.counters),
		     0);
}

static void tear_down(struct fixture *x)
{
	file_output_release(&x->output);
	while (faulty_env_turn(&x->world))
		;
	home_release(&x->home); /* asserts that every batch came back */
	free(x->expected);
	char command[128];
	snprintf(command, sizeof command, "rm -r %s", x->directory);
	cr_assert_eq(system(command), 0);
}

static void expect(struct fixture *x, const uint8_t *bytes, size_t length)
{
	memcpy(x->expected + x->expected_length, bytes, length);
	x->expected_length += length;
	memcpy(x->expected + x->expected_length, x->options.delimiter.bytes,
	       x->options.delimiter.length);
	x->expected_length += x->options.delimiter.length;
	x->records++;
}

/* Up to `most` records of up to `length_max` bytes, of which keep_percent are still in the batch; NULL if the home has
 * none left. */
static struct batch *make_batch(struct fixture *x, uint32_t most, uint32_t length_max,
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
			expect(x, buffer->bytes + at, length);
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

/* Steps until nothing more happens, or until it says `until`. */
static int run(struct fixture *x, enum feed feed, bool finish)
{
	for (int i = 0; i < STEPS_MAX; i++) {
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

/* Puts as a worker would: while there is room, steps in between. */
static void put(struct fixture *x, struct batch *b, enum feed feed)
{
	for (int i = 0; !file_output_has_room(&x->output); i++) {
		cr_assert_lt(i, STEPS_MAX);
		int r = file_output_step(&x->output, feed);
		x->done += file_output_take_done(&x->output);
		cr_assert_geq(r, 0);
		if (r == STEP_WAIT)
			cr_assert(faulty_env_go_on(&x->world), "waits for nothing");
	}
	file_output_put(&x->output, &b);
	cr_assert_null(b);
}

static void put_many(struct fixture *x, size_t batches)
{
	for (size_t i = 0; i < batches;) {
		struct batch *b = make_batch(x, 1 + (uint32_t)faulty_env_random(&x->world, 600),
					     (uint32_t[]){10, 200, 9000}[i % 3],
					     (unsigned[]){100, 10, 60}[i / 3 % 3]);
		if (b) {
			put(x, b, FEED_MORE);
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

static void finish(struct fixture *x)
{
	cr_assert_eq(run(x, FEED_ENDED, true), STEP_DONE);
	cr_assert_eq(x->done, x->batches);
	cr_assert_eq(counter_get(&x->world.counters.records_out), x->records);
	cr_assert_eq(x->world.pending_count, 0);
}

static size_t read_file(const char *path, uint8_t *to, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0, "%s", path);
	size_t length = 0;
	for (ssize_t n; (n = read(fd, to + length, room - length)) > 0;)
		length += (size_t)n;
	close(fd);
	return length;
}

/* Decodes all frames in it; returns how many there were. */
static size_t decode(const uint8_t *from, size_t length, uint8_t *to, size_t *ret_length)
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
	size_t got = read_file(path, raw, 64 << 20);
	if (strstr(path, ".zst")) {
		size_t decoded;
		decode(raw, got, to + *length, &decoded);
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
static int all_content(const struct fixture *x, const char *last, uint8_t *to, size_t *ret_length,
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

static void check_content(struct fixture *x, const char *last, int files_min, off_t largest_max)
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

static void inject(struct fixture *x)
{
	x->world.reorders = true;
	x->world.short_percent = 40;
	x->world.interrupt_percent = 20;
}

static void content_survives(const char *name, struct delimiter input, struct delimiter output,
			     uint64_t seed)
{
	struct fixture x;
	set_up(&x, name, seed);
	x.input_delimiter = input;
	x.options.delimiter = output;
	begin(&x);
	inject(&x);
	put_many(&x, 20);
	x.world.full_until_ns = x.world.now_ns + 5 * (uint64_t)SECOND;
	put_many(&x, 40);
	finish(&x);
	check_content(&x, name, 1, 0);
	tear_down(&x);
}

static const struct delimiter newline = {{'\n'}, 1}, crlf = {"\r\n", 2};

Test(file_output, plain_content_survives_faults_in_any_order)
{
	for (uint64_t seed = 1; seed <= 12; seed++)
		content_survives("out.log", newline, newline, seed);
}

Test(file_output, plain_content_gets_the_outputs_delimiter)
{
	content_survives("out.log", crlf, newline, 21);
	content_survives("out.log", newline, crlf, 22);
	content_survives("out.log", crlf, crlf, 23);
}

Test(file_output, zstd_content_survives_faults_in_any_order)
{
	for (uint64_t seed = 1; seed <= 6; seed++)
		content_survives("out.log.zst", newline, newline, seed);
}

Test(file_output, zstd_content_gets_the_outputs_delimiter)
{
	content_survives("out.log.zst", crlf, newline, 21);
	content_survives("out.log.zst", newline, crlf, 22);
}

Test(file_output, existing_file_is_appended_to)
{
	struct fixture x;
	set_up(&x, "out.log", 1);
	for (int i = 0; i < 2; i++) {
		begin(&x);
		put_many(&x, 3);
		finish(&x);
		file_output_release(&x.output);
	}
	begin(&x);
	check_content(&x, "out.log", 1, 0);
	tear_down(&x);
}

Test(file_output, several_writes_are_under_way_at_once)
{
	struct fixture x;
	set_up(&x, "out.log", 5);
	begin(&x);
	put(&x, make_batch(&x, 1, 9, 100), FEED_MORE);
	run(&x, FEED_DRY, false);
	for (int i = 0; i < 3; i++) {
		for (int k = 0; k < 4; k++)
			put(&x, make_batch(&x, 4096, 400, 100), FEED_MORE);
		file_output_step(&x.output, FEED_DRY);
	}
	cr_assert_eq(x.world.in_flight_most, 2);
	x.world.reorders = true;
	finish(&x);
	check_content(&x, "out.log", 1, 0);
	tear_down(&x);
}

Test(file_output, full_disk_is_said_once_and_loses_nothing)
{
	struct fixture x;
	set_up(&x, "out.log", 3);
	begin(&x);
	put_many(&x, 2);
	run(&x, FEED_DRY, false);
	uint64_t began = x.world.now_ns;
	x.world.full_until_ns = began + 4 * (uint64_t)SECOND;
	put_many(&x, 10);
	finish(&x);
	cr_assert_geq(x.world.now_ns, began + 4 * (uint64_t)SECOND);
	cr_assert_leq(x.world.now_ns, began + 5 * (uint64_t)SECOND, "waited too long");
	cr_assert_eq(faulty_env_said(&x.world, "output full, waiting"), 1);
	cr_assert_eq(faulty_env_said(&x.world, "output has room again"), 1);
	cr_assert_geq(counter_get(&x.world.counters.retries), 7); /* 0.1 0.3 0.7 1.5 2.5 3.5 4.5 */
	check_content(&x, "out.log", 1, 0);
	tear_down(&x);
}

Test(file_output, write_error_ends_it_and_closes_the_file)
{
	struct fixture x;
	set_up(&x, "out.log", 3);
	begin(&x);
	put_many(&x, 2);
	x.world.write_error = -EIO;
	cr_assert_eq(run(&x, FEED_DRY, false), -EIO);
	cr_assert_eq(faulty_env_said(&x.world, "write failed"), 1);
	cr_assert_eq(x.world.pending_count, 0);
	cr_assert_eq(counter_get(&x.world.counters.records_out), 0);
	tear_down(&x);
}

Test(file_output, file_that_cannot_be_opened_ends_it)
{
	struct fixture x;
	set_up(&x, "out.log", 3);
	cr_assert_eq(mkdir(x.path, 0700), 0);
	begin(&x);
	cr_assert_eq(run(&x, FEED_DRY, false), -EISDIR);
	cr_assert_eq(faulty_env_said(&x.world, "output cannot be opened"), 1);
	tear_down(&x);
}

Test(file_output, plain_records_are_written_at_once_when_input_is_dry)
{
	struct fixture x;
	set_up(&x, "out.log", 3);
	begin(&x);
	put(&x, make_batch(&x, 3, 50, 100), FEED_MORE);
	uint64_t began = x.world.now_ns;
	run(&x, FEED_DRY, false);
	cr_assert_eq(x.world.now_ns, began);
	check_content(&x, "out.log", 1, 0);
	finish(&x);
	tear_down(&x);
}

Test(file_output, zstd_records_are_flushed_when_input_has_been_dry)
{
	struct fixture x;
	set_up(&x, "out.zst", 3);
	begin(&x);
	put(&x, make_batch(&x, 300, 50, 100), FEED_MORE);
	uint64_t began = x.world.now_ns;
	run(&x, FEED_DRY, false); /* until it is stored */
	cr_assert_leq(x.world.now_ns, began + 60000000);

	uint8_t *raw = malloc(1 << 20), *text = malloc(1 << 20);
	size_t length = read_file(x.path, raw, 1 << 20);
	ZSTD_DStream *stream = ZSTD_createDStream();
	ZSTD_inBuffer in = {raw, length, 0};
	ZSTD_outBuffer out = {text, 1 << 20, 0};
	while (in.pos < in.size)
		cr_assert(!ZSTD_isError(ZSTD_decompressStream(stream, &out, &in)));
	cr_assert_eq(out.pos, x.expected_length);
	cr_assert_eq(memcmp(text, x.expected, out.pos), 0);
	ZSTD_freeDStream(stream);
	free(raw);
	free(text);
	finish(&x);
	check_content(&x, "out.zst", 1, 0);
	tear_down(&x);
}

Test(file_output, zstd_frame_ends_after_half_a_minute)
{
	struct fixture x;
	set_up(&x, "out.zst", 3);
	begin(&x);
	put(&x, make_batch(&x, 300, 50, 100), FEED_MORE);
	run(&x, FEED_DRY, false);
	faulty_env_pass(&x.world, 31 * (uint64_t)SECOND);
	for (int i = 0; i < 100; i++) {
		cr_assert_geq(file_output_step(&x.output, FEED_DRY), 0);
		faulty_env_turn(&x.world);
	}
	check_content(&x, "out.zst", 1, 0); /* a whole frame, though nothing has ended */
	finish(&x);
	check_content(&x, "out.zst", 1, 0);
	tear_down(&x);
}

Test(file_output, zstd_splits_large_input_into_frames)
{
	struct fixture x;
	set_up(&x, "out.zst", 9);
	begin(&x);
	while (x.expected_length < 20u << 20) {
		struct batch *b = make_batch(&x, 4096, 400, 100);
		if (b)
			put(&x, b, FEED_MORE);
		else
			file_output_step(&x.output, FEED_MORE), faulty_env_turn(&x.world);
	}
	finish(&x);
	uint8_t *raw = malloc(64 << 20), *text = malloc(64 << 20);
	size_t length = read_file(x.path, raw, 64 << 20), decoded;
	cr_assert_eq(decode(raw, length, text, &decoded), 3);
	free(raw);
	free(text);
	check_content(&x, "out.zst", 1, 0);
	tear_down(&x);
}

Test(file_output, empty_output_is_a_valid_file)
{
	struct fixture x;
	set_up(&x, "out.log", 1);
	begin(&x);
	finish(&x);
	check_content(&x, "out.log", 1, 0);
	tear_down(&x);

	set_up(&x, "out.zst", 1);
	begin(&x);
	finish(&x);
	uint8_t raw[64], text[64];
	size_t decoded;
	cr_assert_eq(decode(raw, read_file(x.path, raw, sizeof raw), text, &decoded), 1);
	cr_assert_eq(decoded, 0);
	tear_down(&x);
}

Test(file_output, plain_file_never_grows_past_its_size)
{
	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct fixture x;
		set_up(&x, "out.log", seed);
		x.options.rotate_size = 20000;
		begin(&x);
		inject(&x);
		put_many(&x, 30);
		finish(&x);
		check_content(&x, "out.log", 5, 20000);
		tear_down(&x);
	}
}

Test(file_output, record_larger_than_the_size_has_a_file_of_its_own)
{
	struct fixture x;
	set_up(&x, "out.log", 2);
	x.options.rotate_size = 10;
	begin(&x);
	for (int i = 0; i < 3; i++)
		put(&x, make_batch(&x, 4, 100, 100), FEED_MORE);
	finish(&x);
	check_content(&x, "out.log", 6, 101);
	tear_down(&x);
}

Test(file_output, size_reached_exactly_rotates_nothing)
{
	struct fixture x;
	set_up(&x, "out.log", 2);
	x.options.rotate_size = 1;
	begin(&x);
	put(&x, make_batch(&x, 1, 0, 100), FEED_MORE); /* one newline */
	finish(&x);
	check_content(&x, "out.log", 1, 1);
	tear_down(&x);
}

Test(file_output, zstd_file_never_grows_past_its_size)
{
	static const off_t sizes[] = {100000, 10000}; /* the latter cuts batches into frames */
	for (size_t i = 0; i < 2; i++) {
		struct fixture x;
		set_up(&x, "out.zst", 2);
		x.options.rotate_size = (uint64_t)sizes[i];
		begin(&x);
		inject(&x);
		put_many(&x, 60);
		finish(&x);
		check_content(&x, "out.zst", 3, sizes[i]);
		tear_down(&x);
	}
}

Test(file_output, zstd_batch_cut_into_frames_is_whole)
{
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct fixture x;
		set_up(&x, "out.zst", seed);
		x.options.workers = 4;
		begin(&x);
		x.output.frames.options.frame_input = 20000; /* as with a small size, in one file */
		x.world.reorders = true;
		for (int i = 0; i < 40; i++) {
			struct batch *b;
			while ((b = make_batch(&x, 4096, 300, 100)) == NULL) {
				file_output_step(&x.output, FEED_MORE);
				faulty_env_turn(&x.world);
			}
			put(&x, b, FEED_MORE);
		}
		finish(&x);
		check_content(&x, "out.zst", 1, 0);
		tear_down(&x);
	}
}

Test(file_output, interval_rotates_at_its_multiples_without_input)
{
	struct fixture x;
	set_up(&x, "out.log", 2);
	x.options.rotate_interval_ns = 3600 * (uint64_t)SECOND;
	begin(&x);
	put(&x, make_batch(&x, 4, 100, 100), FEED_MORE);
	run(&x, FEED_DRY, false);
	char rotated[192];
	snprintf(rotated, sizeof rotated, "%s/out.20261121T110000Z.log", x.directory);
	for (int i = 0; i < 10000 && access(rotated, F_OK) != 0; i++)
		if (file_output_step(&x.output, FEED_DRY) == STEP_WAIT)
			cr_assert(faulty_env_go_on(&x.world));
	cr_assert_eq(access(rotated, F_OK), 0); /* it was 10:15, now 11:00 has struck */
	put(&x, make_batch(&x, 4, 100, 100), FEED_MORE);
	finish(&x);
	check_content(&x, "out.log", 2, 0);
	tear_down(&x);
}

Test(file_output, file_left_from_an_earlier_interval_is_rotated_first)
{
	struct fixture x;
	set_up(&x, "out.log", 2);
	x.options.rotate_interval_ns = 3600 * (uint64_t)SECOND;
	FILE *old = fopen(x.path, "we");
	cr_assert(old && fputs("old\n", old) >= 0 && fclose(old) == 0);
	struct timespec times[2] = {{.tv_sec = 1795250000}, {.tv_sec = 1795250000}};
	cr_assert_eq(utimensat(AT_FDCWD, x.path, times, 0), 0);
	expect(&x, (const uint8_t *)"old", 3);
	x.records--;
	begin(&x);
	put(&x, make_batch(&x, 4, 100, 100), FEED_MORE);
	finish(&x);
	check_content(&x, "out.log", 2, 0);
	tear_down(&x);
}

Test(file_output, path_follows_the_time)
{
	for (int zstd = 0; zstd < 2; zstd++) {
		struct fixture x;
		set_up(&x, zstd ? "%Y-%m-%d_%H%M.zst" : "%Y-%m-%d_%H%M.log", 2);
		begin(&x);
		inject(&x);
		for (int i = 0; i < 5; i++) {
			put_many(&x, 3);
			faulty_env_pass(&x.world, 60 * (uint64_t)SECOND);
		}
		finish(&x);
		check_content(&x, "", 5, 0);
		char first[192];
		snprintf(first, sizeof first, "%s/2026-11-21_1015.%s", x.directory,
			 zstd ? "zst" : "log");
		cr_assert_eq(access(first, F_OK), 0);
		tear_down(&x);
	}
}

Test(file_output, clock_set_back_a_little_changes_no_file)
{
	struct fixture x;
	set_up(&x, "%H%M%S.log", 2);
	begin(&x);
	put(&x, make_batch(&x, 4, 100, 100), FEED_MORE);
	run(&x, FEED_DRY, false);
	x.world.wall_ns -= 2 * (int64_t)SECOND;
	put(&x, make_batch(&x, 4, 100, 100), FEED_MORE);
	finish(&x);
	check_content(&x, "101500.log", 1, 0);
	cr_assert_eq(counter_get(&x.world.counters.files), 1);
	tear_down(&x);
}

Test(file_output, idle_file_is_closed_and_opened_again)
{
	for (int zstd = 0; zstd < 2; zstd++) {
		const char *name = zstd ? "out.zst" : "out.log";
		struct fixture x;
		set_up(&x, name, 2);
		x.options.rotate_idle_ns = 5 * (uint64_t)SECOND;
		begin(&x);
		for (int round = 0; round < 3; round++) {
			put(&x, make_batch(&x, 4, 100, 100), FEED_MORE);
			for (int i = 0; i < 1000; i++)
				if (file_output_step(&x.output, FEED_DRY) == STEP_WAIT &&
				    !faulty_env_go_on(&x.world))
					break;
			cr_assert_eq(x.output.file.state, OUTPUT_CLOSED);
			check_content(&x, name, 1, 0);
		}
		cr_assert_eq(counter_get(&x.world.counters.files), 3);
		finish(&x);
		tear_down(&x);
	}
}

Test(file_output, fifo_without_a_reader_is_waited_for)
{
	struct fixture x;
	set_up(&x, "pipe", 2);
	cr_assert_eq(mkfifo(x.path, 0600), 0);
	begin(&x);
	put(&x, make_batch(&x, 4, 100, 100), FEED_MORE);
	for (int i = 0; i < 100; i++)
		if (file_output_step(&x.output, FEED_DRY) == STEP_WAIT)
			cr_assert(faulty_env_go_on(&x.world));
	cr_assert_eq(faulty_env_said(&x.world, "waiting for a reader"), 1);
	int reader = open(x.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	finish(&x);
	uint8_t got[4096];
	cr_assert_eq(read(reader, got, sizeof got), (ssize_t)x.expected_length);
	cr_assert_eq(memcmp(got, x.expected, x.expected_length), 0);
	close(reader);
	tear_down(&x);
}

Test(file_output, fifo_whose_reader_went_away_gets_the_rest_to_the_next)
{
	struct fixture x;
	signal(SIGPIPE, SIG_IGN);
	set_up(&x, "pipe", 2);
	cr_assert_eq(mkfifo(x.path, 0600), 0);
	int reader = open(x.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	begin(&x);
	run(&x, FEED_DRY, false);
	while (x.output.queue.fd < 0)
		if (file_output_step(&x.output, FEED_DRY) == STEP_WAIT)
			cr_assert(faulty_env_go_on(&x.world));
	close(reader);
	put(&x, make_batch(&x, 40, 100, 100), FEED_MORE);
	for (int i = 0; i < 100; i++)
		if (file_output_step(&x.output, FEED_DRY) == STEP_WAIT)
			cr_assert(faulty_env_go_on(&x.world));
	cr_assert_eq(faulty_env_said(&x.world, "reader went away, waiting for another"), 1);
	reader = open(x.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	finish(&x);
	uint8_t got[8192];
	cr_assert_eq(read(reader, got, sizeof got), (ssize_t)x.expected_length);
	cr_assert_eq(memcmp(got, x.expected, x.expected_length), 0);
	close(reader);
	tear_down(&x);
}

/* One reader after another, each going away somewhere within what it was given. */
struct readers {
	int fd; /* -1: none at the moment */
	size_t left;
	unsigned more; /* to come */
	uint8_t *got;
	size_t length;
	size_t from; /* what the one before had to the end, and where this one has to begin */
};

static size_t record_start(const struct fixture *x, size_t at)
{
	const struct delimiter *d = &x->options.delimiter;
	while (at > 0 &&
	       (at < d->length || memcmp(x->expected + at - d->length, d->bytes, d->length) != 0))
		at--;
	return at;
}

static void check_reader(const struct fixture *x, struct readers *r)
{
	cr_assert_leq(r->from + r->length, x->expected_length);
	cr_assert_eq(memcmp(r->got, x->expected + r->from, r->length), 0,
		     "not what comes from the beginning of the record at %zu", r->from);
	r->from = record_start(x, r->from + r->length);
	r->length = 0;
}

static void next_reader(struct fixture *x, struct readers *r)
{
	r->fd = open(x->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	cr_assert_geq(r->fd, 0);
	r->left = r->more > 0 ? 1 + (size_t)faulty_env_random(&x->world, 100000) : SIZE_MAX;
}

/* What it has left unread is lost, unless it is given to the next one. */
static void read_some(struct fixture *x, struct readers *r)
{
	if (r->fd < 0 && x->output.queue.fd < 0)
		next_reader(x, r); /* the last one's end has been seen */
	if (r->fd < 0)
		return;
	size_t most = 1 + (size_t)faulty_env_random(&x->world, 5000);
	ssize_t n = read(r->fd, r->got + r->length, most < r->left ? most : r->left);
	if (n <= 0)
		return;
	r->length += (size_t)n;
	r->left -= (size_t)n;
	if (r->left > 0)
		return;
	close(r->fd);
	r->fd = -1;
	r->more--;
	check_reader(x, r);
}

static int step_with_readers(struct fixture *x, struct readers *r, size_t batches)
{
	struct batch *b = NULL;
	x->world.wake_ns = 0;
	if (x->batches < batches && file_output_has_room(&x->output))
		b = make_batch(x, 400, (uint32_t[]){5, 300, 9000}[x->batches % 3], 70);
	if (b)
		file_output_put(&x->output, &b);
	int result = x->batches < batches ? file_output_step(&x->output, FEED_DRY)
					  : file_output_finish(&x->output);
	x->done += file_output_take_done(&x->output);
	cr_assert_geq(result, 0);
	if (result == STEP_WAIT)
		faulty_env_go_on(&x->world);
	read_some(x, r);
	return result;
}

static void fifo_survives_its_readers(struct delimiter delimiter, unsigned readers, uint64_t seed)
{
	struct fixture x;
	struct readers r = {.fd = -1, .more = readers, .got = malloc(16 << 20)};
	signal(SIGPIPE, SIG_IGN);
	set_up(&x, "pipe", seed);
	x.options.delimiter = delimiter;
	cr_assert_eq(mkfifo(x.path, 0600), 0);
	begin(&x);
	x.world.short_percent = 30;
	x.world.interrupt_percent = 20;
	int result = STEP_MORE;
	for (int i = 0; result != STEP_DONE; i++) {
		cr_assert_lt(i, STEPS_MAX);
		result = step_with_readers(&x, &r, 40);
	}
	cr_assert_eq(x.done, x.batches);
	cr_assert_eq(r.more, 0, "too few bytes for this test");
	for (ssize_t n; (n = read(r.fd, r.got + r.length, 65536)) > 0;)
		r.length += (size_t)n;
	cr_assert_eq(r.from + r.length, x.expected_length, "the last one gets all that is left");
	check_reader(&x, &r);
	close(r.fd);
	free(r.got);
	tear_down(&x);
}

Test(file_output, each_reader_of_a_fifo_begins_with_the_record_the_one_before_was_given_in_part)
{
	for (uint64_t seed = 1; seed <= 12; seed++)
		fifo_survives_its_readers(newline, 8, seed);
	fifo_survives_its_readers(crlf, 8, 13);
}

Test(file_output, records_left_in_a_fifo_by_its_reader_go_to_the_next)
{
	struct fixture x;
	signal(SIGPIPE, SIG_IGN);
	set_up(&x, "pipe", 2);
	cr_assert_eq(mkfifo(x.path, 0600), 0);
	int reader = open(x.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	begin(&x);
	put(&x, make_batch(&x, 40, 100, 100), FEED_MORE);
	while (x.output.queue.written < x.expected_length)
		if (file_output_step(&x.output, FEED_DRY) == STEP_WAIT)
			cr_assert(faulty_env_go_on(&x.world));
	uint8_t got[16384];
	size_t part = x.expected_length / 2, start = record_start(&x, part);
	cr_assert_eq(read(reader, got, part), (ssize_t)part);
	close(reader);
	while (x.output.queue.fd >= 0)
		if (file_output_step(&x.output, FEED_DRY) == STEP_WAIT)
			cr_assert(faulty_env_go_on(&x.world), "it does not see that nobody reads");
	cr_assert_eq(x.done, 0);
	reader = open(x.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	finish(&x);
	cr_assert_eq(read(reader, got, sizeof got), (ssize_t)(x.expected_length - start));
	cr_assert_eq(memcmp(got, x.expected + start, x.expected_length - start), 0);
	close(reader);
	tear_down(&x);
}

Test(file_output, next_reader_of_a_compressed_fifo_begins_with_a_whole_frame)
{
	struct fixture x;
	signal(SIGPIPE, SIG_IGN);
	set_up(&x, "pipe.zst", 2);
	cr_assert_eq(mkfifo(x.path, 0600), 0);
	uint8_t *got = malloc(1 << 20), *text = malloc(64 << 20);
	int reader = open(x.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	begin(&x);
	put(&x, make_batch(&x, 300, 50, 100), FEED_MORE);
	size_t length = 0;
	for (int i = 0; x.done < 1; i++) { /* flushed and read: half of the frame */
		cr_assert_lt(i, STEPS_MAX);
		if (file_output_step(&x.output, FEED_DRY) == STEP_WAIT)
			faulty_env_go_on(&x.world);
		x.done += file_output_take_done(&x.output);
		ssize_t n = read(reader, got, 1 << 20);
		length += n > 0 ? (size_t)n : 0;
	}
	cr_assert_gt(length, 0);
	close(reader);
	put(&x, make_batch(&x, 300, 50, 100), FEED_MORE);
	for (int i = 0; faulty_env_said(&x.world, "waiting for a reader") == 0; i++) {
		cr_assert_lt(i, STEPS_MAX);
		if (file_output_step(&x.output, FEED_DRY) == STEP_WAIT)
			faulty_env_go_on(&x.world);
	}
	reader = open(x.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	cr_assert_eq(run(&x, FEED_ENDED, true), STEP_DONE);
	ssize_t n = read(reader, got, 1 << 20);
	cr_assert_gt(n, 0);
	decode(got, (size_t)n, text, &length);
	cr_assert_eq(length, x.expected_length);
	cr_assert_eq(memcmp(text, x.expected, length), 0);
	close(reader);
	free(got);
	free(text);
	tear_down(&x);
}

Test(file_output, fifo_nobody_reads_does_not_hold_up_an_end_without_records)
{
	struct fixture x;
	set_up(&x, "pipe", 2);
	cr_assert_eq(mkfifo(x.path, 0600), 0);
	begin(&x);
	finish(&x);
	tear_down(&x);
}

Test(file_output, device_is_written_as_a_stream)
{
	struct fixture x;
	set_up(&x, "null", 2);
	cr_assert_eq(symlink("/dev/null", x.path), 0);
	x.options.rotate_size = 100;
	begin(&x);
	put_many(&x, 10);
	finish(&x);
	tear_down(&x);
}

Test(file_output, batch_without_records_is_stored_too)
{
	for (int zstd = 0; zstd < 2; zstd++) {
		struct fixture x;
		set_up(&x, zstd ? "out.zst" : "out.log", 2);
		begin(&x);
		put(&x, make_batch(&x, 0, 0, 0), FEED_MORE);
		put(&x, make_batch(&x, 10, 100, 100), FEED_MORE);
		put(&x, make_batch(&x, 0, 0, 0), FEED_MORE);
		run(&x, FEED_DRY, false);
		put(&x, make_batch(&x, 0, 0, 0), FEED_MORE);
		run(&x, FEED_DRY, false);
		cr_assert_eq(x.done, 4);
		finish(&x);
		check_content(&x, zstd ? "out.zst" : "out.log", 1, 0);
		tear_down(&x);
	}
}

Test(file_output, output_that_is_given_up_lets_go_of_all_batches_before_it_is_closed)
{
	for (int zstd = 0; zstd < 2; zstd++) {
		struct fixture x;
		set_up(&x, zstd ? "out.zst" : "out.log", 2);
		begin(&x);
		for (int i = 0; i < 3; i++)
			put(&x, make_batch(&x, 1000, 1000, 100), FEED_MORE);
		cr_assert_not(home_is_whole(&x.home));
		while (file_output_let_go(&x.output) == STEP_WAIT)
			cr_assert(faulty_env_go_on(&x.world));
		cr_assert(home_is_whole(&x.home));
		tear_down(&x);
	}
}
