/* The file source over compressed files: recognised, damaged, growing. */
#include "tests/unit/stages/file_source_fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

Test(file_compressed, compressed_files_are_recognised_by_name_or_first_bytes)
{
	struct fixture *x = set_up("*", NULL);
	append_frame(x, "a.zst", "one\ntwo");
	append_frame(x, "a.zst", "-and-a-half\n");
	append_frame(x, "b", "three\nfour");
	append(x, "c", "(");
	append(x, "d.zst", "");
	cr_expect_eq(run_once(x), STEP_DONE);
	cr_expect_str_eq(x->got, "one\ntwo-and-a-half\nthree\nfour\n(\n");
	cr_expect_eq(counter_get(&x->counters.errors), 0);
	cr_expect_eq(counter_get(&x->counters.work_done), counter_get(&x->counters.work_total));
	stop(x);
	tear_down(x);
}

Test(file_compressed, damaged_compressed_file_gives_its_whole_lines_and_an_error_and_others_go_on)
{
	struct fixture *x = set_up("*.zst", NULL);
	append_frame(x, "a.zst", "one\ntwo\nthr");
	append(x, "a.zst", "this is no frame");
	append_frame(x, "b.zst", "four\n");
	cr_expect_eq(run_once(x), STEP_DONE);
	cr_expect_str_eq(x->got, "one\ntwo\nfour\n");
	cr_expect_str_eq(x->said, "file damaged\n");
	cr_expect_eq(counter_get(&x->counters.errors), 1);
	stop(x);
	tear_down(x);
}

Test(file_compressed,
     compressed_file_that_grows_is_read_once_up_to_the_size_it_had_when_it_was_opened)
{
	struct fixture *x = set_up("a.zst", NULL);
	char *lines = many_lines(40000);
	size_t room = ZSTD_compressBound(strlen(lines));
	char *packed = malloc(room);
	size_t n = ZSTD_compress(packed, room, lines, strlen(lines), 1);
	cr_assert_gt(n, 200000);
	put(x, "a.zst", packed, n, O_APPEND);
	start(x, true);
	step_until(x, x->got_length > 0);
	append_frame(x, "a.zst", "late\n");
	run_on(x);
	cr_expect_str_eq(x->got, lines);
	cr_expect_eq(counter_get(&x->counters.errors), 0);
	free(packed);
	free(lines);
	stop(x);
	tear_down(x);
}

static const char gzip_text[] = "\x1f\x8b\x08 what follows is binary\n";

Test(file_compressed, gzip_is_recognised_by_name_or_first_bytes)
{
	struct fixture *x = set_up("*", NULL);
	append_member(x, "a.gz", "one\ntwo");
	append_member(x, "a.gz", "");
	append_member(x, "a.gz", "-and-a-half\n");
	append_member(x, "b", "three\nfour");
	append(x, "c", "\x1f");
	append(x, "d", "\x1fz");
	append(x, "e.gz", "");
	append_frame(x, "f.zst", "five\n");
	cr_expect_eq(run_once(x), STEP_DONE);
	cr_expect_str_eq(x->got, "one\ntwo-and-a-half\nthree\nfour\n\x1f\n\x1fz\nfive\n");
	cr_expect_eq(counter_get(&x->counters.errors), 0);
	cr_expect_eq(counter_get(&x->counters.work_done), counter_get(&x->counters.work_total));
	stop(x);
	tear_down(x);
}

Test(file_compressed, gzip_asked_for_is_read_whatever_the_name)
{
	struct fixture *x = set_up("*", NULL);
	append_member(x, "a.zst", "one\n");
	append(x, "b", "this is no gzip\n");
	x->options.compression = 3; /* gzip */
	cr_expect_eq(run_once(x), STEP_DONE);
	cr_expect_str_eq(x->got, "one\n");
	cr_expect_str_eq(x->said, "file damaged\n");
	cr_expect_not_null(strstr(x->details, "error=incorrect header check"));
	stop(x);
	tear_down(x);
}

Test(file_compressed, cut_gzip_gives_its_whole_lines_and_an_error_and_others_go_on)
{
	struct fixture *x = set_up("*", NULL);
	char packed[1024];
	append_member(x, "a.gz", "one\n");
	size_t n = pack_member(packed, sizeof packed, "two\nthree");
	put(x, "a.gz", packed, n - 1, O_APPEND);
	append_member(x, "b.gz", "four\n");
	cr_expect_eq(run_once(x), STEP_DONE);
	cr_expect_str_eq(x->got, "one\ntwo\nfour\n");
	cr_expect_str_eq(x->said, "file damaged\n");
	cr_expect_not_null(strstr(x->details, "a.gz offset="));
	cr_expect_not_null(strstr(x->details, "it ends within what is compressed"));
	cr_expect_eq(counter_get(&x->counters.errors), 1);
	stop(x);
	tear_down(x);
}

Test(file_compressed, gzip_without_compression_is_bytes)
{
	struct fixture *x = set_up("*", NULL);
	append(x, "a", gzip_text);
	x->options.compression = 1; /* none */
	cr_expect_eq(run_once(x), STEP_DONE);
	cr_expect_str_eq(x->got, gzip_text);
	cr_expect_eq(counter_get(&x->counters.errors), 0);
	stop(x);
	tear_down(x);
}

Test(file_compressed, growing_compressed_file_is_read_on_from_its_open_frame)
{
	struct fixture *x = following("*.zst", NULL, NULL);
	char text[600], packed[1024];
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = i % 6 == 5 ? '\n' : (char)('a' + i / 6 % 26);
	ZSTD_CCtx *c = ZSTD_createCCtx();
	ZSTD_inBuffer in = {text, 0, 0};
	size_t written = 0;
	for (size_t part = 100; part <= sizeof text; part += 100) {
		ZSTD_outBuffer out = {packed, sizeof packed, 0};
		in.size = part;
		bool last = part == sizeof text;
		cr_assert_eq(ZSTD_compressStream2(c, &out, &in, last ? ZSTD_e_end : ZSTD_e_flush),
			     0);
		put(x, "a.zst", packed, out.pos, O_APPEND);
		/* another one takes the decompressor in between */
		append_frame(x, "b.zst", "other\n");
		written += 6;
		step_until(x, x->got_length == part / 6 * 6 + written);
	}
	ZSTD_freeCCtx(c);
	char *other;
	while ((other = strstr(x->got, "other\n")))
		memmove(other, other + 6, strlen(other + 6) + 1);
	cr_expect_eq(memcmp(x->got, text, sizeof text), 0);
	cr_expect_eq(counter_get(&x->counters.errors), 0);
	end(x);
}

Test(file_compressed, members_and_frames_that_take_turns_are_read_on_as_they_come)
{
	struct fixture *x = following("*", "a.log", "one\n");
	char text[16];
	size_t length = 4;
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof text, "gzip %d\n", i);
		append_member(x, "a.gz", text);
		length += strlen(text);
		snprintf(text, sizeof text, "zstd %d\n", i);
		append_frame(x, "b.zst", text);
		length += strlen(text);
		step_until(x, x->got_length == length);
	}
	cr_expect_eq(counter_get(&x->counters.errors), 0);
	end(x);
}

Test(file_compressed,
     followed_damaged_gzip_is_said_once_under_all_its_names_and_read_when_it_is_another)
{
	struct fixture *x = following("*.log*", "a.log", "one\n");
	append(x, "a.log.1", gzip_text);
	step_until(x, x->said[0]);
	append(x, "a.log.1", gzip_text);
	move_file(x, "a.log.1", "a.log.2");
	append(x, "a.log", "two\n");
	expect_got(x, "one\ntwo\n");
	cr_expect_str_eq(x->said, "file damaged\n");
	put(x, "a.log.2", "x\n", 2, O_TRUNC);
	x->skew_ns += UINT64_C(20000000000);
	expect_got(x, "one\ntwo\nx\n");
	cr_expect_eq(counter_get(&x->counters.errors), 1);
	end(x);
}
