/* Random documents, and all short ones: json_scan() finds in them what a plain reading does. */
#include "stages/json/json_scan.h"

#include "tests/unit/stages/each_json_kernels.h"
#include "tests/unit/stages/guarded.h"
#include "tests/unit/stages/plain_json.h"

#include <criterion/criterion.h>

enum { ROOM = 3 * 4096 };

static struct plain_wanted wanted[] = {
    {{"a"}, 1, NULL, NULL},           {{"b"}, 1, NULL, NULL},      {{"a", "b"}, 2, NULL, NULL},
    {{"a", "a", "b"}, 3, NULL, NULL}, {{"b", "a"}, 2, NULL, NULL}, {{"abcdefgh"}, 1, NULL, NULL},
    {{"abcdefghi"}, 1, NULL, NULL},   {{""}, 1, NULL, NULL},
};

enum { WANTED = sizeof wanted / sizeof *wanted };

static struct json_plan plan;
static struct value values[WANTED];

static void set_up(void)
{
	cr_assert(json_plan_init(&plan, 32) == 0);
	for (uint16_t i = 0; i < WANTED; i++) {
		struct json_name names[PLAIN_NAMES_MAX];
		for (unsigned n = 0; n < wanted[i].count; n++)
			names[n] = (struct json_name){(const uint8_t *)wanted[i].names[n],
						      strlen(wanted[i].names[n])};
		cr_assert(json_plan_want(&plan, names, wanted[i].count, i) == 0);
	}
}

static void tear_down(void)
{
	json_plan_release(&plan);
}

TestSuite(json_scan_random, .init = set_up, .fini = tear_down);

/* --- documents --- */

struct writer {
	uint8_t bytes[ROOM];
	size_t length;
	uint64_t seed;
};

static void add(struct writer *w, const char *text)
{
	size_t n = strlen(text);
	if (w->length + n < ROOM - 8)
		memcpy(w->bytes + w->length, text, n);
	else
		n = 0;
	w->length += n;
}

#define ONE_OF(w, ...)                                                                             \
	add(w, ((const char *const[]){__VA_ARGS__})[dice_below(                                    \
		   &(w)->seed, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))])

static void add_space(struct writer *w)
{
	if (dice_below(&w->seed, 6) == 0)
		ONE_OF(w, " ", "\t", "\n", "\r", "    ");
}

static void add_string(struct writer *w)
{
	add(w, "\"");
	for (size_t n = dice_below(&w->seed, dice_below(&w->seed, 20) ? 12 : 150); n > 0; n--)
		ONE_OF(w, "a", "b", "x", "{", ":", ",", "]", "\xc3\xa9", "\xe2\x82\xac",
		       "\xf0\x9f\x98\x80", "\\\\", "\\\"", "\\n", "\\u0061", "\\ud83d\\ude00",
		       "plain", "text", "0", "http://", " ", "more text");
	add(w, "\"");
}

/* By recursion, but no deeper than 6. */
static void add_value(struct writer *w, int depth);

static void add_members(struct writer *w, int depth)
{
	add(w, "{");
	for (size_t n = dice_below(&w->seed, 6); n > 0; n--) {
		add_space(w);
		if (dice_below(&w->seed, 4) == 0)
			add_string(w);
		else
			ONE_OF(w, "\"a\"", "\"b\"", "\"c\"", "\"\\u0061\"", "\"ab\"",
			       "\"abcdefgh\"", "\"abcdefghi\"", "\"\"");
		add_space(w);
		add(w, ":");
		add_space(w);
		add_value(w, depth + 1);
		add_space(w);
		add(w, n > 1 ? "," : "");
	}
	add_space(w);
	add(w, "}");
}

static void add_value(struct writer *w, int depth)
{
	size_t kind = dice_below(&w->seed, depth < 6 ? 10 : 7);
	if (kind < 3) {
		add_string(w);
	} else if (kind < 7) {
		ONE_OF(w, "0", "-1", "123", "12345678", "123456789012", "1.5", "-0.0e1", "1e-5",
		       "true", "false", "null", "99999999999999999999", "-9223372036854775808");
	} else if (kind < 9) {
		add_members(w, depth);
	} else {
		add(w, "[");
		for (size_t n = dice_below(&w->seed, 5); n > 0; n--) {
			add_space(w);
			add_value(w, depth + 1);
			add_space(w);
			add(w, n > 1 ? "," : "");
		}
		add(w, "]");
	}
}

/* Bytes put where they should not be, or left out. */
static void spoil(struct writer *w)
{
	static const char bytes[] = "{}[]\",:\\u09dDeE+-.tfn /\x01\t\n\x80\xc3\xe2\xed\xf0\xff";
	for (size_t n = dice_below(&w->seed, 3); n > 0 && w->length > 1; n--) {
		size_t at = dice_below(&w->seed, w->length);
		if (dice_below(&w->seed, 2))
			w->bytes[at] = (uint8_t)bytes[dice_below(&w->seed, sizeof bytes)];
		else
			memmove(w->bytes + at, w->bytes + at + 1, --w->length - at);
	}
}

/* --- compared --- */

/* The text that v was found in, quotes and all. */
static void compare_value(const struct value *v, const struct plain_wanted *w)
{
	cr_assert((v->type == VALUE_MISSING) == (w->from == NULL));
	if (!w->from)
		return;
	const size_t length = (size_t)(w->to - w->from);
	if (v->type == VALUE_STRING) {
		cr_assert(v->bytes == w->from + 1 && v->length == length - 2);
		bool escaped = memchr(v->bytes, '\\', v->length) != NULL;
		cr_assert(v->form == (escaped ? VALUE_ESCAPED : VALUE_PLAIN));
	} else if (v->type == VALUE_BOOL || v->type == VALUE_NULL) {
		cr_assert(*w->from == (v->type == VALUE_NULL ? 'n' : v->b ? 't' : 'f'));
	} else {
		cr_assert(v->bytes == w->from && v->length == length);
	}
}

static void compare_random(struct writer *w)
{
	struct json_mistake mistake;
	const uint8_t *bytes = guarded_at_end(w->bytes, w->length);
	bool right = plain_scan(bytes, w->length, plan.depth_max, wanted, WANTED);
	EACH_JSON_KERNELS(k)
	{
		int r = json_scan(&plan, bytes, (uint32_t)w->length, values, NULL, &mistake);
		cr_assert((r == 0) == right, "%s: %d (%s at %u): %.*s", k->name, r,
			  r ? mistake.why : "", r ? mistake.at : 0, (int)w->length,
			  (const char *)bytes);
		for (size_t i = 0; r == 0 && i < WANTED; i++)
			compare_value(&values[i], &wanted[i]);
	}
}

static void compare_randoms(uint64_t seed, bool spoiled, unsigned count)
{
	static struct writer w;
	w.seed = seed;
	for (unsigned i = 0; i < count; i++) {
		w.length = 0;
		add_space(&w);
		add_members(&w, 0);
		add_space(&w);
		if (spoiled)
			spoil(&w);
		compare_random(&w);
	}
}

Test(json_scan_random, random_documents_are_read_as_plainly_with_every_instruction_set)
{
	compare_randoms(1, false, 20000);
}

Test(json_scan_random, random_documents_with_mistakes_are_accepted_and_refused_as_plainly)
{
	compare_randoms(2, true, 60000);
}

Test(json_scan_random, all_short_texts_are_accepted_and_refused_as_plainly)
{
	static const char alphabet[] = "{}[\":,\\u1-e\xc3\xa9";
	static struct writer w;
	for (size_t length = 0; length <= 4; length++) {
		for (size_t n = 0; n < spellings(length, alphabet); n++) {
			memcpy(w.bytes, "{\"a\":", 5);
			spell(n, w.bytes + 5, length, alphabet);
			w.bytes[5 + length] = '}';
			w.length = length + 6;
			compare_random(&w);
		}
	}
}
