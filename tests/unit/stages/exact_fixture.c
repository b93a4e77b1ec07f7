#include "tests/unit/stages/exact_fixture.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFERS = 8, BUFFER_BYTES = 4096, STEPS_MAX = 100000, CONTENT_MAX = 1 << 20 };
#define BATCH_NS 300000000u

/* ---- trouble ---- */

static bool halve(struct io_op *op)
{
	static struct iovec half;
	if (op->code != IO_WRITE || op->write.spans[0].iov_len < 2)
		return true;
	half = op->write.spans[0];
	half.iov_len /= 2;
	op->write.spans = &half;
	op->write.count = 1;
	return false;
}

static void note_deletion(struct exact *x, const struct io_op *op);

static bool look(struct faulty_env *e, struct io_op *op, int64_t *result)
{
	struct exact *x = e->owner;
	struct exact_trouble *t = &x->trouble;
	*result = -EIO; /* nobody sees it, if it is dead */
	if (op->code == IO_CLOSE || op->code == IO_WORK)
		return false;
	if (x->dead)
		return true;
	if (x->operations++ != t->at) {
		if (op->code == IO_UNLINK && op->fd != AT_FDCWD)
			note_deletion(x, op);
		return false;
	}
	t->struck = true;
	t->hit = op->code;
	x->dead = t->what != TROUBLE_FAILS;
	*result = x->dead ? -EIO : t->error;
	return t->what == TROUBLE_DIES_HALFWAY ? halve(op) : true;
}

static void seen(struct faulty_env *e, const struct io_op *op)
{
	struct exact *x = e->owner;
	if (x->keeps && op->code == IO_STAT && op->result == 0)
		op->stat.into->modified_ns = 0;
	crash_disk_see(&x->disk, op);
}

/* ---- beginning and ending ---- */

/* {host} in the name: three, by turns. */
static void name_by_field(struct exact *x)
{
	static struct path_groups groups; /* large */
	static char name[] = "host";
	static struct field host = {.name = name, .length = 4};
	static const struct fields fields = {.list = &host, .count = 1};
	static const struct stage stage = {.fields = &fields};
	if (x->template.field_count == 0)
		return;
	path_groups_init(&groups, &x->template, &stage);
	x->options.groups = &groups;
}

static void set_host(struct batch *b, size_t i, size_t record)
{
	static const char *const hosts[] = {"a", "b", "c"};
	batch_give_rows(b);
	batch_column(b, 0)[b->rows[i]] = (struct value){
	    .bytes = (const uint8_t *)hosts[record % 3], .length = 1, .type = VALUE_STRING};
}

/* Some MiB for each context of zstd: not given back and taken anew, page by page, thousands of times. */
static void keep_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 256 << 20);
}

void exact_init(struct exact *x, const char *name)
{
	keep_memory();
	memset(x, 0, sizeof *x);
	faulty_env_init(&x->world, 1);
	x->world.owner = x;
	x->world.look = look;
	x->world.seen = seen;
	x->world.reorders = true;
	x->trouble.at = SIZE_MAX;
	crash_disk_init(&x->disk, "out", "state");
	cr_assert_eq(home_init(&x->home, &(struct home_size){.buffers = BUFFERS,
							     .buffer_capacity = BUFFER_BYTES,
							     .batches = BUFFERS,
							     .columns = 1}),
		     0);
	snprintf(x->path, sizeof x->path, "%s/out/%s", x->disk.root, name);
	snprintf(x->state_dir, sizeof x->state_dir, "%s/state", x->disk.root);
	const char *why;
	size_t at;
	cr_assert_eq(path_template_parse(&x->template, x->path, strlen(x->path), &why, &at), 0);
	x->options = (struct file_output_options){.template = &x->template,
						  .delimiter = {{'\n'}, 1},
						  .zstd = strstr(name, ".zst") != NULL,
						  .level = 3,
						  .workers = 1,
						  .lanes = 1,
						  .rotate_size = 2000};
	name_by_field(x);
}

void exact_release(struct exact *x)
{
	home_release(&x->home);
	delta_release(&x->saved);
	crash_disk_release(&x->disk);
}

void exact_begin(struct exact *x)
{
	x->options.keep_ns = x->keeps;
	x->options.memory = (struct output_memory){
	    .state_dir = x->state_dir, .sink = "out", .epoch = x->epoch, .saved = &x->saved};
	x->put = x->position;
	x->operations = 0;
	x->failed = 0;
	x->dead = false;
	x->world.event_count = 0;
	int r = file_output_init(&x->output, &x->options, &x->world.env, &x->world.counters);
	cr_assert_eq(r, 0);
	for (size_t i = 0; i < x->output.lane_count;
	     i++) /* under way whenever something else happens */
		x->output.lanes[i].queue.back_bytes = 100;
}

static void drain(struct exact *x)
{
	while (faulty_env_turn(&x->world))
		;
}

void exact_crash(struct exact *x, enum crash_fate fate)
{
	x->dead = true;
	drain(x);
	file_output_release(&x->output);
	drain(x);
	x->trouble.at = SIZE_MAX;
	crash_disk_crash(&x->disk, fate);
	faulty_env_pass(&x->world, BATCH_NS);
}

/* ---- going on ---- */

/* False when it is over with this run. */
static bool go_on(struct exact *x, int r)
{
	if (x->dead)
		return false;
	if (r < 0) {
		x->failed = r;
		return false;
	}
	if (r == STEP_WAIT)
		cr_assert(faulty_env_go_on(&x->world),
			  "waits for nothing: trouble at %zu, put %zu, file %d, change %d",
			  x->trouble.at, x->put, (int)x->output.lanes[0].file.state,
			  (int)x->output.lanes[0].change);
	else if (faulty_env_random(&x->world, 2))
		faulty_env_turn(&x->world);
	return true;
}

bool exact_recover(struct exact *x)
{
	for (int i = 0; i < STEPS_MAX; i++) {
		int r = file_output_step(&x->output, FEED_DRY);
		if (x->output.epochs.recovered)
			return true;
		if (!go_on(x, r))
			return false;
	}
	cr_assert_fail("no end of recovery");
	return false;
}

/* Numbered, and hard to compress. */
static void text_of(size_t record, char out[EXACT_TEXT_MAX])
{
	uint64_t x = record + 1;
	int length = snprintf(out, EXACT_TEXT_MAX, "record %06zu ", record);
	for (int i = 0; i < 8 + (int)(record % 3); i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		length += snprintf(out + length, EXACT_TEXT_MAX - (size_t)length, "%016llx",
				   (unsigned long long)x);
	}
}

static struct batch *make_batch(struct exact *x, size_t count)
{
	struct buffer *buffer = home_take_buffer(&x->home);
	if (!buffer)
		return NULL;
	struct batch *b = batch_new(&x->home, buffer);
	buffer_let_go(buffer);
	b->delimiter = (struct delimiter){{'\n'}, 1};
	b->wall_ns = x->world.wall_ns;
	b->read_ns = x->world.now_ns;
	uint32_t at = 0;
	for (size_t i = 0; i < count; i++) {
		char text[EXACT_TEXT_MAX];
		text_of(x->put + i, text);
		uint32_t length = (uint32_t)strlen(text);
		memcpy(buffer->bytes + at, text, length);
		buffer->bytes[at + length] = '\n';
		b->records[b->count++] = (struct record){at, length};
		b->bytes_total += length;
		at += length + 1;
	}
	for (size_t i = 0; x->template.field_count > 0 && i < count; i++)
		set_host(b, i, x->put + i);
	return b;
}

/* Puts one batch of the records up to `end`, once there is room. */
static bool put_batch(struct exact *x, size_t end)
{
	size_t count = end - x->put < EXACT_BATCH ? end - x->put : EXACT_BATCH;
	for (int i = 0; i < STEPS_MAX; i++) {
		if (file_output_has_room(&x->output)) {
			struct batch *b = make_batch(x, count);
			if (b) {
				file_output_put(&x->output, &b);
				x->put += count;
				faulty_env_pass(&x->world, BATCH_NS);
				return true;
			}
		}
		if (!go_on(x, file_output_step(&x->output, FEED_DRY)))
			return false;
	}
	cr_assert_fail("never room");
	return false;
}

static bool put_up_to(struct exact *x, size_t end)
{
	while (x->put < end)
		if (!put_batch(x, end))
			return false;
	return true;
}

static bool cut(struct exact *x)
{
	for (int i = 0; i < STEPS_MAX; i++) {
		int r = file_output_cut(&x->output, x->epoch + 1);
		if (r == STEP_DONE)
			return true;
		if (!go_on(x, r))
			return false;
	}
	cr_assert_fail("no end of the cut");
	return false;
}

static bool sync_cut(struct exact *x, struct delta *d, bool ended)
{
	for (int i = 0; i < STEPS_MAX; i++) {
		int r = ended ? STEP_WAIT : file_output_step(&x->output, FEED_DRY);
		int synced = r < 0 ? r : file_output_sync(&x->output, d);
		if (synced == STEP_DONE)
			return true;
		if (!go_on(x, synced < 0 ? synced : r | synced))
			return false;
	}
	cr_assert_fail("no end of the sync");
	return false;
}

static bool is_in(const struct delta *d, const struct change *sought)
{
	struct packed rest = delta_changes(d);
	struct change c;
	while (delta_next(&rest, &c))
		if (c.key_length == sought->key_length &&
		    memcmp(c.key, sought->key, c.key_length) == 0)
			return true;
	return false;
}

/* Each key is in a delta once. */
static void take_puts(struct delta *to, const struct delta *from, const struct delta *but)
{
	struct packed rest = delta_changes(from);
	struct change c;
	while (delta_next(&rest, &c))
		if (!c.removal && !is_in(but, &c))
			cr_assert_eq(delta_put(to, c.key, c.key_length, c.value, c.value_length),
				     0);
}

static void remember(struct exact *x, const struct delta *d)
{
	static const struct delta nothing;
	struct delta now = {.count = 0};
	take_puts(&now, &x->saved, d);
	take_puts(&now, d, &nothing);
	delta_release(&x->saved);
	x->saved = now;
}

/* The record is durable. */
static void commit(struct exact *x, struct delta *d, size_t position)
{
	x->epoch++;
	x->position = position;
	remember(x, d);
	delta_release(d);
}

static bool put_more(struct exact *x)
{
	return x->whole_epochs || (put_batch(x, x->put + 2) && put_batch(x, x->put + 2));
}

/* The record takes its time, as others' reports are not there yet: what is to be deleted may be meanwhile. */
static bool linger(struct exact *x)
{
	for (int i = 0; x->keeps && i < 200; i++)
		if (!go_on(x, file_output_step(&x->output, FEED_DRY)))
			return false;
	return true;
}

static bool epoch(struct exact *x, size_t records)
{
	size_t end = x->position + records;
	struct delta d = {.count = 0};
	if (!put_up_to(x, end < x->put ? x->put : end) || !cut(x))
		return false;
	size_t position = x->put;
	/* another file may be begun while this one is synced */
	if (!put_more(x) || !sync_cut(x, &d, false) || !linger(x) || x->dead) {
		delta_release(&d);
		return false;
	}
	commit(x, &d, position);
	file_output_committed(&x->output, x->epoch);
	return true;
}

bool exact_epoch(struct exact *x)
{
	return epoch(x, EXACT_EPOCH);
}

bool exact_empty_epoch(struct exact *x)
{
	return epoch(x, 0);
}

bool exact_finish(struct exact *x)
{
	struct delta d = {.count = 0};
	if (!put_up_to(x, EXACT_RECORDS))
		return false;
	for (int i = 0; i < STEPS_MAX; i++) {
		int r = file_output_finish(&x->output);
		if (r == STEP_DONE)
			break;
		if (!go_on(x, r))
			return false;
	}
	if (!sync_cut(x, &d, true)) {
		delta_release(&d);
		return false;
	}
	commit(x, &d, EXACT_RECORDS);
	file_output_committed(&x->output, x->epoch);
	return true;
}

bool exact_run(struct exact *x)
{
	exact_begin(x);
	if (!exact_recover(x))
		return false;
	while (x->position + EXACT_EPOCH + 4 < EXACT_RECORDS)
		if (!exact_epoch(x))
			return false;
	return exact_finish(x);
}

/* ---- what is in the files ---- */

static char content[CONTENT_MAX + 1];
static size_t content_length;

static void add(const char *path)
{
	size_t room = CONTENT_MAX - content_length;
	FILE *f = fopen(path, "re");
	static char raw[CONTENT_MAX];
	cr_assert(f);
	size_t length = fread(raw, 1, sizeof raw, f), at = 0;
	fclose(f);
	if (!strstr(path, ".zst")) {
		memcpy(content + content_length, raw, length);
		content_length += length;
		return;
	}
	while (at < length) {
		size_t one = ZSTD_findFrameCompressedSize(raw + at, length - at);
		cr_assert(!ZSTD_isError(one), "%s: broken frame at %zu of %zu", path, at, length);
		size_t n = ZSTD_decompress(content + content_length, room, raw + at, one);
		cr_assert(!ZSTD_isError(n), "%s: %s", path, ZSTD_getErrorName(n));
		content_length += n;
		room -= n;
		at += one;
	}
}

/* Nothing that has not been committed may go. */
static void note_deletion(struct exact *x, const struct io_op *op)
{
	char path[128];
	size_t record;
	snprintf(path, sizeof path, "/proc/self/fd/%d/%s", op->fd, op->unlink.path);
	content_length = 0;
	add(path);
	content[content_length] = '\0';
	x->deletions++;
	for (const char *line = content; *line; line = strchr(line, '\n') + 1) {
		cr_assert_eq(sscanf(line, "record %zu", &record), 1);
		cr_assert_lt(record, x->position, "%s was deleted too early", op->unlink.path);
		x->deleted[record] = true;
	}
}

static int is_visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* Renamed files in the order of their names, then the one that is not. */
static void add_directory(const char *directory)
{
	struct dirent **names;
	int n = scandir(directory, &names, is_visible, alphasort);
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < n; i++) {
			char path[512];
			bool last = strncmp(names[i]->d_name, "x.log", 5) == 0;
			snprintf(path, sizeof path, "%s/%s", directory, names[i]->d_name);
			if (last != pass)
				continue;
			if (names[i]->d_type == DT_DIR)
				add_directory(path);
			else
				add(path);
		}
	}
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* By their numbers: records of several files at a time follow each other in each. */
static void sort_lines(void)
{
	static char sorted[CONTENT_MAX + 1];
	char *lines[2 * EXACT_RECORDS] = {NULL}, *rest = content;
	size_t count = 0, length = 0;
	for (char *line; (line = strsep(&rest, "\n")) && rest; count++) {
		cr_assert_lt(count, 2 * EXACT_RECORDS);
		lines[count] = line;
	}
	qsort(lines, count, sizeof *lines, compare_lines);
	for (size_t i = 0; i < count; i++)
		length += (size_t)sprintf(sorted + length, "%s\n", lines[i]);
	memcpy(content, sorted, length + 1);
	cr_assert_eq(length, content_length);
}

void exact_check(const struct exact *x, size_t count, const char *when)
{
	char directory[128], text[EXACT_TEXT_MAX];
	snprintf(directory, sizeof directory, "%s/out", x->disk.root);
	content_length = 0;
	add_directory(directory);
	content[content_length] = '\0';
	if (x->template.field_count > 0)
		sort_lines();
	size_t at = 0;
	for (size_t i = 0; i < count; i++) {
		text_of(i, text);
		size_t length = strlen(text);
		if (x->deleted[i] && strncmp(content + at, text, length) != 0)
			continue;
		cr_assert(at + length < content_length && memcmp(content + at, text, length) == 0 &&
			      content[at + length] == '\n',
			  "%s: record %zu is not where it belongs: %.60s", when, i, content + at);
		at += length + 1;
	}
	cr_assert_eq(at, content_length, "%s: %zu bytes too many after %zu records", when,
		     content_length - at, count);
}
