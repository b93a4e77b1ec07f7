#include "tests/unit/stages/cel_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void compile(struct cel_program *p, const char *text)
{
	struct cel_error error;
	cr_assert_eq(cel_program_init(p, text, strlen(text), cel_fixture_names(), &error), 0,
		     "%s: %s", text, error.message);
}

Test(cel_program, a_program_lists_each_field_it_uses_once)
{
	struct cel_program p;
	compile(&p, "status > 1 && has(user.name) && user.id in [i, status] && map.b.c == 'x'");
	static const char *const wanted[] = {"status", "user.name", "user.id", "i", "map"};
	cr_assert_eq(p.field_count, 5);
	for (size_t i = 0; i < 5; i++)
		cr_assert_str_eq(p.fields[i].name, wanted[i]);
	cr_assert_eq(p.fields[0].column,
		     cel_fixture_names()->column(NULL, "status", strlen("status")));
	cel_program_release(&p);
}

Test(cel_program, a_program_tells_the_type_of_its_result)
{
	static const struct {
		const char *text;
		unsigned type;
	} cases[] = {
	    {"status >= 500", VALUE_BOOL},
	    {"status", CEL_DYN},
	    {"1 + 1", VALUE_INT},
	    {"i + 1", VALUE_INT},
	    {"i + i", CEL_DYN},
	    {"path + 'a'", VALUE_STRING},
	    {"size(path)", VALUE_INT},
	    {"[1][0]", CEL_DYN},
	    {"[1]", VALUE_LIST},
	    {"t ? 1 : 2", VALUE_INT},
	    {"t ? 1 : i", CEL_DYN},
	    {"time - time", CEL_DYN},
	    {"time - timestamp(0)", VALUE_DURATION},
	    {"has(path)", VALUE_BOOL},
	    {"path.matches('a')", VALUE_BOOL},
	    {"dyn(1)", CEL_DYN},
	    {"-i", CEL_DYN},
	    {"!t", VALUE_BOOL},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct cel_program p;
		compile(&p, cases[i].text);
		cr_assert_eq(p.type, cases[i].type, "%s is %u", cases[i].text, p.type);
		cel_program_release(&p);
	}
}

Test(cel_program, want_of_room_is_an_error_whatever_the_room)
{
	static const char *const texts[] = {
	    "path + path + path",       "escaped + 'x'", "[path, i, [i]]",
	    "string(time) + string(i)", "list + [i]",    "map == {path: i}",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct cel_program p;
		struct cel_runner r;
		compile(&p, texts[i]);
		cr_assert_eq(cel_runner_init(&r, &p), 0);
		bool enough = false;
		for (size_t size = 0; size <= 1024; size++) {
			uint8_t *room = malloc(size ? size : 1);
			struct scratch scratch = {room, room + size};
			struct value v;
			cel_eval(&r, cel_fixture_columns(), 0, &scratch, &v);
			bool short_of_room =
			    v.type == VALUE_ERROR && strcmp(v.why, "out of room") == 0;
			cr_assert(short_of_room || v.type != VALUE_ERROR, "%s: %s", texts[i],
				  v.why);
			cr_assert(!enough || !short_of_room, "%s fails in %zu bytes", texts[i],
				  size);
			enough = !short_of_room;
			free(room);
		}
		cr_assert(enough, "%s", texts[i]);
		cel_runner_release(&r);
		cel_program_release(&p);
	}
}

Test(cel_program, a_result_without_bytes_leaves_no_room_taken)
{
	struct cel_program p;
	struct cel_runner r;
	uint8_t room[256];
	struct scratch scratch = {room, room + sizeof room};
	struct value v;
	compile(&p, "escaped + path == 'a' || [i, i] == [1]");
	cr_assert_eq(cel_runner_init(&r, &p), 0);
	cel_eval(&r, cel_fixture_columns(), 0, &scratch, &v);
	cr_assert_eq(v.type, VALUE_BOOL);
	cr_assert_eq(scratch.at, room);
	cel_runner_release(&r);
	cel_program_release(&p);
}

Test(cel_program, one_program_serves_several_runners_and_rows)
{
	struct cel_program p;
	struct cel_runner one, other;
	struct cel_error error;
	static const struct value rows[] = {
	    {.bytes = (const uint8_t *)"abc", .length = 3, .type = VALUE_STRING},
	    {.type = VALUE_MISSING}};
	const struct value *columns[64] = {0};
	uint8_t room[64];
	struct scratch scratch = {room, room + sizeof room};
	struct value v;
	int column = cel_fixture_names()->column(NULL, "path", 4);
	columns[column] = rows;
	char text[] = "path.matches('b')";
	cr_assert_eq(cel_program_init(&p, text, strlen(text), cel_fixture_names(), &error), 0);
	memset(text, 'x', sizeof text);
	cr_assert_eq(cel_runner_init(&one, &p), 0);
	cr_assert_eq(cel_runner_init(&other, &p), 0);
	cel_eval(&one, columns, 0, &scratch, &v);
	cr_assert_str_eq(cel_shown(&v), "true");
	cel_eval(&other, columns, 1, &scratch, &v);
	cr_assert_str_eq(cel_shown(&v), "!no such field");
	cel_runner_release(&one);
	cel_eval(&other, columns, 0, &scratch, &v);
	cr_assert_str_eq(cel_shown(&v), "true");
	cel_runner_release(&other);
	cel_program_release(&p);
}

struct worker {
	pthread_t thread;
	const struct cel_program *program;
	bool wrong;
};

static void *work(void *context)
{
	struct worker *w = context;
	struct cel_runner r;
	uint8_t room[512] = {0};
	w->wrong = cel_runner_init(&r, w->program) < 0;
	for (int i = 0; i < 2000 && !w->wrong; i++) {
		struct scratch scratch = {room, room + sizeof room};
		struct value v;
		cel_eval(&r, cel_fixture_columns(), 0, &scratch, &v);
		w->wrong = v.type != VALUE_STRING || v.length != 13 ||
			   memcmp(v.bytes, "/api/users \xc3\xa9", 13) != 0;
	}
	cel_runner_release(&r);
	return NULL;
}

/* The thread sanitizer's. */
Test(cel_program, one_program_serves_several_threads)
{
	struct cel_program p;
	struct worker workers[3];
	compile(&p, "path.matches('us.rs') && 'A' in list && map.a == 2 && status in [500, 503]"
		    "? path + ' ' + '\\u00e9' : string(absent)");
	cel_fixture_columns();
	for (size_t i = 0; i < 3; i++) {
		workers[i] = (struct worker){.program = &p};
		cr_assert_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (size_t i = 0; i < 3; i++) {
		pthread_join(workers[i].thread, NULL);
		cr_assert(!workers[i].wrong);
	}
	cel_program_release(&p);
}

/* What `map == empty` gives when both are v. */
static const char *compared(const struct value *v)
{
	struct cel_program p;
	struct cel_runner r;
	const struct value *columns[64] = {0};
	uint8_t room[4096];
	struct scratch scratch = {room, room + sizeof room};
	struct value result;
	columns[cel_fixture_names()->column(NULL, "map", 3)] = v;
	columns[cel_fixture_names()->column(NULL, "empty", 5)] = v;
	compile(&p, "map == empty");
	cr_assert_eq(cel_runner_init(&r, &p), 0);
	cel_eval(&r, columns, 0, &scratch, &result);
	cel_runner_release(&r);
	cel_program_release(&p);
	return cel_shown(&result);
}

/* Nested maps in which each name comes twice: compared naively, each level doubles the work. */
Test(cel_program, equality_of_hostile_maps_takes_bounded_time)
{
	enum { LEVELS = 60 };
	static char text[LEVELS * 16 + 16];
	size_t n = 0;
	for (size_t i = 0; i < LEVELS; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "{\"a\":1,\"a\":");
	text[n++] = '2';
	for (size_t i = 0; i < LEVELS; i++)
		text[n++] = '}';
	struct value map = {
	    .bytes = (const uint8_t *)text, .length = (uint32_t)n, .type = VALUE_MAP};
	cr_assert_str_eq(compared(&map), "true");
}

/* Each pair is looked for in the whole of the other. */
Test(cel_program, maps_are_compared_only_as_far_as_that_takes_bounded_time)
{
	enum { PAIRS = 5000 };
	static char text[PAIRS * 10 + 2];
	size_t n = 0;
	for (int i = 0; i < PAIRS; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%c\"%04d\":1", i ? ',' : '{', i);
	text[n++] = '}';
	struct value map = {
	    .bytes = (const uint8_t *)text, .length = (uint32_t)n, .type = VALUE_MAP};
	cr_assert_str_eq(compared(&map), "!too large to compare");
}

Test(cel_program, values_nested_beyond_the_limit_are_not_compared)
{
	enum { LEVELS = 150 };
	static char text[LEVELS * 2];
	memset(text, '[', LEVELS);
	memset(text + LEVELS, ']', LEVELS);
	struct value list = {
	    .bytes = (const uint8_t *)text, .length = sizeof text, .type = VALUE_LIST};
	cr_assert_str_eq(compared(&list), "!nested too deep");
}
