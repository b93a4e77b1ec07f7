#include "stages/transform/redact_options.h"
#include "stages/secrets/secret_search.h"

#include <errno.h>
#include <string.h>

enum { KEEP_MAX = 4, KEY_DIGITS = 2 * SIPHASH_KEY_BYTES };

static const char *const withs[] = {"mask", "hash", NULL};

const struct option redact_table[] = {
    {"fields", OPTION_TEXTS, offsetof(struct redact_options, fields), .preset = "[body]", .min = 1,
     .doc = "Where to look; `body`: the record's own bytes"},
    {"sets", OPTION_TEXTS, offsetof(struct redact_options, sets), .min = 1,
     .doc = "What to look for: email, card, ipv4, ipv6, bearer (credentials of HTTP), jwt, aws, "
	    "iban, uuid"},
    {"patterns", OPTION_TEXTS, offsetof(struct redact_options, patterns), .min = 1,
     .doc = "What else to look for, as PCRE2 patterns; where one has groups, only what these match "
	    "is secret"},
    {"with", OPTION_CHOICE, offsetof(struct redact_options, with), .preset = "mask",
     .choices = withs,
     .doc = "What to put in its place; hash: 32 hexadecimal digits of SipHash-2-4, which are the "
	    "same for the same secret and key"},
    {"mask", OPTION_TEXT, offsetof(struct redact_options, mask), .preset = "\"***\"", .max = 256,
     .doc = "The mask; also for the whole of what could not be searched"},
    {"keep", OPTION_COUNT, offsetof(struct redact_options, keep), .preset = "0", .max = KEEP_MAX,
     .doc = "How many of the last digits of a card's number stay behind the mask"},
    {"key", OPTION_TEXT, offsetof(struct redact_options, key),
     .doc =
	 "For `hash`: 32 hexadecimal digits that nobody knows, best as ${file:/run/secrets/...}"},
    {"prefix", OPTION_TEXT, offsetof(struct redact_options, prefix), .preset = "\"\"", .max = 256,
     .doc = "What stands before each hash"},
    {0},
};

bool redact_is_body(const struct text *name)
{
	return name->length == 4 && memcmp(name->bytes, "body", 4) == 0;
}

const struct text *redact_find_body(const struct redact_options *o)
{
	for (size_t i = 0; i < o->fields.count; i++)
		if (redact_is_body(&o->fields.items[i]))
			return &o->fields.items[i];
	return NULL;
}

static int hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;
	return at ? (int)(at - digits) : -1;
}

bool redact_read_key(const struct text *text, uint8_t key[SIPHASH_KEY_BYTES])
{
	if (text->length != KEY_DIGITS)
		return false;
	for (size_t i = 0; i < SIPHASH_KEY_BYTES; i++) {
		int high = hex_value(text->bytes[2 * i]), low = hex_value(text->bytes[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		key[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void check_key(const struct redact_options *o, struct place at, struct problems *problems)
{
	uint8_t key[SIPHASH_KEY_BYTES];
	if (o->with == WITH_MASK && o->key.bytes)
		problem_add(problems, o->key.at, "`key` is for `with: hash`; take it away");
	else if (o->with == WITH_HASH && !o->key.bytes)
		problem_add(problems, at,
			    "`with: hash` needs a `key`, 32 hexadecimal digits as `openssl rand "
			    "-hex 16` makes them");
	else if (o->with == WITH_HASH && !redact_read_key(&o->key, key))
		problem_add(
		    problems, o->key.at,
		    "`key` has to be 32 hexadecimal digits, as `openssl rand -hex 16` makes "
		    "them");
	if (o->with == WITH_HASH && o->keep > 0)
		problem_add(problems, at, "`keep` is for `with: mask`; take it away");
	if (o->with == WITH_MASK && o->prefix.length > 0)
		problem_add(problems, o->prefix.at, "`prefix` is for `with: hash`; take it away");
}

static void check_pattern(const struct text *pattern, struct problems *problems)
{
	struct secret_pattern p;
	struct regex_error error;
	int r = secret_pattern_init(&p, pattern->bytes, pattern->length, &error);
	secret_pattern_release(&p);
	if (r == -ENOMEM)
		problem_add(problems, pattern->at, "out of memory while compiling `patterns`");
	else if (r == -E2BIG)
		problem_add(problems, pattern->at,
			    "a pattern has more than %d groups; (?:...) makes none",
			    SECRET_GROUPS_MAX);
	else if (r < 0)
		problem_add(problems, pattern->at, "`patterns` does not compile: %s, at offset %zu",
			    error.message, error.offset);
}

static void check_sets(const struct text_list *sets, struct problems *problems)
{
	for (size_t i = 0; i < sets->count; i++) {
		const struct text *set = &sets->items[i];
		if (secret_kind_find(set->bytes, set->length) < 0)
			problem_add(
			    problems, set->at,
			    "there is no set of that name; email, card, ipv4, ipv6, bearer, "
			    "jwt, aws, iban or uuid is one");
	}
}

void redact_check(const void *options, struct place at, struct problems *problems)
{
	const struct redact_options *o = options;
	if (o->sets.count == 0 && o->patterns.count == 0)
		problem_add(problems, at, "redact needs `sets` or `patterns`");
	check_sets(&o->sets, problems);
	for (size_t i = 0; i < o->patterns.count && i < SECRET_PATTERNS_MAX; i++)
		check_pattern(&o->patterns.items[i], problems);
	if (o->patterns.count > SECRET_PATTERNS_MAX)
		problem_add(problems, o->patterns.items[SECRET_PATTERNS_MAX].at,
			    "more than %d `patterns`; one may say several with `|`",
			    SECRET_PATTERNS_MAX);
	check_key(o, at, problems);
}
