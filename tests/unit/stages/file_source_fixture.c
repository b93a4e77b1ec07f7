#include "tests/unit/stages/file_source_fixture.h"
#include "tests/unit/stages/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

uint64_t now_ns(struct env *e)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec +
	       ((struct fixture *)(void *)e)->skew_ns;
}

static int64_t wall_ns(struct env *e)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec +
	       (int64_t)((struct fixture *)(void *)e)->skew_ns;
}

static uint64_t any_number(struct env *e)
{
	(void)e;
	return 4;
}

static void wake_at(struct env *e, uint64_t when_ns)
{
	((struct fixture *)(void *)e)->wake_at_ns = when_ns;
}

static void __attribute__((format(printf, 4, 0)))
say(struct env *e, enum say_level level, const char *event, const char *format, va_list args)
{
	(void)level;
	struct fixture *x = (struct fixture *)(void *)e;
	vsnprintf(x->details, sizeof x->details, format, args);
	char *said = x->said;
	if (strlen(said) + strlen(event) + 2 < sizeof((struct fixture *)NULL)->said)
		stpcpy(stpcpy(said + strlen(said), event), "\n");
}

static uint64_t boot(struct env *e)
{
	return ((struct fixture *)(void *)e)->boot;
}

static const struct env_ops env_ops = {.now_ns = now_ns,
				       .wall_ns = wall_ns,
				       .boot = boot,
				       .random = any_number,
				       .wake_at = wake_at,
				       .say = say};

struct text in_directory(struct fixture *x, const char *name)
{
	char *path;
	int length = asprintf(&path, "%s/%s", x->directory, name);
	cr_assert_gt(length, 0);
	return (struct text){.bytes = path, .length = (size_t)length};
}

struct fixture *set_up(const char *first, const char *second)
{
	struct fixture *x = calloc(1, sizeof *x);
	x->env.ops = &env_ops;
	x->boot = 1;
	strcpy(x->directory, "/tmp/test-file-source-XXXXXX");
	cr_assert_not_null(mkdtemp(x->directory));
	x->got = calloc(1, TEXT_ROOM);
	cr_assert_eq(helpers_init(&x->helpers, 1), 0);
	cr_assert_eq(backend_open(&x->backend, BACKEND_PLAIN, &x->helpers), 0);
	x->env.io = &x->backend->io;
	x->options.framing.max_line = 4096;
	x->options.framing.delimiter = (struct text){.bytes = "\n", .length = 1};
	x->paths[0] = in_directory(x, first);
	x->options.paths = (struct text_list){.items = x->paths, .count = 1};
	if (second) {
		x->paths[1] = in_directory(x, second);
		x->options.paths.count = 2;
	}
	return x;
}

/* As the daemon does it. */
static void recall(struct fixture *x)
{
	if (!x->remembered.index.buckets)
		cr_assert_eq(epoch_map_init(&x->remembered), 0);
	delta_clear(&x->saved);
	const struct epoch_stage *s = epoch_map_stage(&x->remembered, "files");
	for (const struct epoch_entry *e = s ? s->first : NULL; e; e = e->next)
		cr_assert_eq(delta_put(&x->saved, epoch_entry_key(e), e->key_length,
				       epoch_entry_value(e), e->value_length),
			     0);
}

size_t remember(struct fixture *x)
{
	struct delta d = {.count = 0};
	cr_assert_eq(file_source_type.snapshot(&x->stage, &d), 0);
	cr_assert_eq(epoch_map_prepare(&x->remembered, "files", 5, delta_changes(&d)), 0);
	epoch_map_apply(&x->remembered);
	size_t count = d.count;
	delta_release(&d);
	x->committed_length = x->got_length;
	return count;
}

void crash(struct fixture *x, bool once)
{
	stop(x);
	x->got_length = x->committed_length;
	x->got[x->got_length] = '\0';
	start(x, once);
}

int try_start(struct fixture *x, bool once)
{
	if (x->remembers)
		recall(x);
	cr_assert_eq(
	    home_init(&x->home,
		      &(struct home_size){
			  .buffers = 4,
			  .buffer_capacity = framing_buffer_capacity(
			      &x->options.framing, x->options.joins ? &x->options.multiline : NULL),
			  .batches = 8}),
	    0);
	x->stage = (struct stage){.type = &file_source_type,
				  .id = "files",
				  .options = &x->options,
				  .env = &x->env,
				  .home = &x->home,
				  .counters = &x->counters,
				  .state_dir = x->remembers ? x->directory : NULL,
				  .saved = x->remembers ? &x->saved : NULL,
				  .once = once};
	return file_source_type.open(&x->stage);
}

void start(struct fixture *x, bool once)
{
	cr_assert_eq(try_start(x, once), 0);
}

void settle(struct fixture *x)
{
	while (x->backend->busy > 0)
		if (backend_poll(x->backend) == 0)
			backend_wait(x->backend, now_ns(&x->env) - x->skew_ns + 1000000);
}

void stop(struct fixture *x)
{
	backend_cancel_all(x->backend);
	settle(x);
	file_source_type.close(&x->stage);
	settle(x);
	cr_expect(home_is_whole(&x->home));
	home_release(&x->home);
}

void tear_down(struct fixture *x)
{
	helpers_release(&x->helpers); /* first: a helper may still be waking the backend */
	backend_close(x->backend);
	scratch_remove(x->directory);
	for (size_t i = 0; i < 4; i++) {
		free((char *)(uintptr_t)x->paths[i].bytes);
		free((char *)(uintptr_t)x->excludes[i].bytes);
	}
	epoch_map_release(&x->remembered);
	delta_release(&x->saved);
	free(x->got);
	free(x);
}

/* a.log@17: */
static void show_place(struct fixture *x, const struct batch *b, uint32_t record)
{
	const char *name = b->origin ? strrchr(b->origin->path, '/') + 1 : "?";
	x->got_length += (size_t)sprintf(x->got + x->got_length, "%s", name);
	if (b->has_place)
		x->got_length += (size_t)sprintf(x->got + x->got_length, "@%ju",
						 (uintmax_t)(b->place + b->records[record].offset));
	x->got_length += (size_t)sprintf(x->got + x->got_length, ": ");
}

static void take(struct fixture *x, struct batch *b)
{
	for (uint32_t i = 0; i < b->count; i++) {
		cr_assert_lt(x->got_length + b->records[i].length + 300, TEXT_ROOM);
		if (x->shows_places)
			show_place(x, b, i);
		memcpy(x->got + x->got_length, b->bytes + b->records[i].offset,
		       b->records[i].length);
		x->got_length += b->records[i].length;
		x->got[x->got_length++] = '\n';
	}
	x->got[x->got_length] = '\0';
	x->unterminated += b->unterminated;
	batch_free(&b);
}

int step(struct fixture *x)
{
	struct batch *b;
	int r = file_source_next(&x->stage, &b);
	x->under_way = x->backend->busy;
	if (b)
		take(x, b);
	if (r == STEP_WAIT && backend_poll(x->backend) == 0)
		backend_wait(x->backend, now_ns(&x->env) - x->skew_ns + 1000000);
	return r;
}

int run_once(struct fixture *x)
{
	start(x, true);
	int r;
	while ((r = step(x)) == STEP_WAIT || r == STEP_MORE)
		;
	return r;
}

void expect_got(struct fixture *x, const char *text)
{
	step_until(x, x->got_length >= strlen(text));
	cr_expect_str_eq(x->got, text);
}

void put(struct fixture *x, const char *name, const void *bytes, size_t length, int flags)
{
	struct text path = in_directory(x, name);
	int fd = open(path.bytes, O_WRONLY | O_CREAT | flags, 0644);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, length), (ssize_t)length);
	close(fd);
	free((char *)(uintptr_t)path.bytes);
}

void append(struct fixture *x, const char *name, const char *text)
{
	put(x, name, text, strlen(text), O_APPEND);
}

void move_file(struct fixture *x, const char *from, const char *to)
{
	struct text a = in_directory(x, from), b = in_directory(x, to);
	cr_assert_eq(rename(a.bytes, b.bytes), 0);
	free((char *)(uintptr_t)a.bytes);
	free((char *)(uintptr_t)b.bytes);
}

void delete_file(struct fixture *x, const char *name)
{
	struct text path = in_directory(x, name);
	cr_assert_eq(unlink(path.bytes), 0);
	free((char *)(uintptr_t)path.bytes);
}

void make_directory(struct fixture *x, const char *name)
{
	struct text path = in_directory(x, name);
	cr_assert_eq(mkdir(path.bytes, 0755), 0);
	free((char *)(uintptr_t)path.bytes);
}

void append_frame(struct fixture *x, const char *name, const char *text)
{
	char packed[1024];
	size_t n = ZSTD_compress(packed, sizeof packed, text, strlen(text), 3);
	cr_assert_not(ZSTD_isError(n));
	put(x, name, packed, n, O_APPEND);
}

size_t pack_member(char *packed, size_t room, const char *text)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)text,
		      .avail_in = (uInt)strlen(text),
		      .next_out = (Bytef *)packed,
		      .avail_out = (uInt)room};
	cr_assert_eq(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

void append_member(struct fixture *x, const char *name, const char *text)
{
	char packed[1024];
	put(x, name, packed, pack_member(packed, sizeof packed, text), O_APPEND);
}

char *many_lines(size_t count)
{
	char *lines = malloc(count * 16 + 1), *to = lines;
	uint64_t state = 1;
	cr_assert_not_null(lines);
	for (size_t i = 0; i < count; i++) {
		state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
		to += sprintf(to, "%015llx\n", (unsigned long long)(state >> 4));
	}
	return lines;
}

void run_on(struct fixture *x)
{
	int r;
	while ((r = step(x)) == STEP_WAIT || r == STEP_MORE)
		;
	cr_expect_eq(r, STEP_DONE);
}

void end(struct fixture *x)
{
	stop(x);
	tear_down(x);
}

struct fixture *set_up_remembering(const char *first, const char *second)
{
	struct fixture *x = set_up(first, second);
	x->remembers = true;
	return x;
}

void read_all(struct fixture *x)
{
	int idle = 0;
	while (idle < 4) {
		x->wake_at_ns = 0;
		int r = step(x);
		cr_assert_geq(r, 0);
		bool waits = r == STEP_WAIT && x->under_way <= 1 && x->wake_at_ns > 0;
		idle = waits ? idle + 1 : 0;
	}
}

/* What the tests of a source that remembers begin with. */

struct fixture *following(const char *pattern, const char *name, const char *text)
{
	struct fixture *x = set_up(pattern, NULL);
	if (name)
		append(x, name, text);
	start(x, false);
	if (name)
		step_until(x, x->got_length > 0);
	else
		step_until(x, x->wake_at_ns > 0);
	return x;
}

void start_following(struct fixture *x)
{
	start(x, false);
	read_all(x);
}

void crash_following(struct fixture *x)
{
	crash(x, false);
	read_all(x);
}

void read_once(struct fixture *x)
{
	cr_expect_eq(run_once(x), STEP_DONE);
	remember(x);
	stop(x);
}

void commit(struct fixture *x)
{
	remember(x);
	file_source_type.committed(&x->stage, 1);
}

bool has_said(const struct fixture *x, const char *event)
{
	return strstr(x->said, event) != NULL;
}
