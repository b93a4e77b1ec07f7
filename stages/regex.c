#define PCRE2_CODE_UNIT_WIDTH 8

#include "stages/regex.h"

#include <assert.h>
#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

enum {
	STACK_BYTES_FIRST = 32 * 1024,
	HEAP_KIB_MAX = 1024, /* what the interpreter may take where there is no machine code */
};

/* The span of a group that is put into a slot. */
struct regex_wanted {
	unsigned group, slot;
	bool is_other; /* one before it has the same slot */
};

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* `escape` begins with a backslash: does it speak of a character rather than a byte? */
static bool escape_needs_characters(const char *escape, const char *end)
{
	size_t left = (size_t)(end - escape);
	if (left < 2)
		return false;
	switch (escape[1]) {
	case 'p':
	case 'P':
	case 'X':
		return true;
	case 'N':
		return left > 2 && escape[2] == '{';
	case 'x':
		return left > 5 && escape[2] == '{' && is_hex(escape[3]) && is_hex(escape[4]) &&
		       is_hex(escape[5]);
	default:
		return false;
	}
}

static bool needs_characters(const char *pattern, size_t length)
{
	const char *end = pattern + length;
	if (memmem(pattern, length, "(*UTF", strlen("(*UTF")))
		return true;
	for (const char *c = pattern; c < end; c++) {
		if (*c == '\\') {
			if (escape_needs_characters(c, end))
				return true;
			c++; /* what it escapes, were it another backslash */
		}
		if (c < end && (unsigned char)*c >= 0x80)
			return true;
	}
	return false;
}

/* Does a part of the pattern stand for another, or for all of it? What only looks as if is taken for that, too. */
static bool calls_itself(const char *pattern, size_t length)
{
	const char *end = pattern + length;
	for (const char *c = pattern; end - c > 2; c++) {
		if (*c == '\\' && c[1] == 'g' && (c[2] == '<' || c[2] == '\''))
			return true;
		if (*c != '(' || c[1] != '?')
			continue;
		const char *at = c + 2;
		if (*at == '&' || *at == 'R' || (*at == 'P' && end - at > 1 && at[1] == '>'))
			return true;
		at += *at == '+' || *at == '-';
		if (at < end && *at >= '0' && *at <= '9')
			return true;
	}
	return false;
}

static pcre2_code *compile(const char *pattern, size_t length, unsigned syntax,
			   struct regex_error *ret_error, int *ret_result)
{
	uint32_t options = PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C | PCRE2_USE_OFFSET_LIMIT;
	if (syntax & REGEX_NAMED_ONLY)
		options |= PCRE2_NO_AUTO_CAPTURE;
	if (syntax & REGEX_SAME_NAMES)
		options |= PCRE2_DUPNAMES;
	if (needs_characters(pattern, length))
		options |= PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;
	int code;
	PCRE2_SIZE offset;
	pcre2_code *compiled =
	    pcre2_compile((PCRE2_SPTR)pattern, length, options, &code, &offset, NULL);
	if (compiled)
		return compiled;
	if (code == PCRE2_ERROR_HEAP_FAILED) {
		*ret_result = -ENOMEM;
		return NULL;
	}
	pcre2_get_error_message(code, (PCRE2_UCHAR *)ret_error->message,
				sizeof(ret_error->message));
	ret_error->offset = offset;
	*ret_result = -EINVAL;
	return NULL;
}

int regex_check(const char *pattern, size_t length, struct regex_error *ret_error)
{
	int r = 0;
	pcre2_code *code = compile(pattern, length, REGEX_PLAIN, ret_error, &r);
	pcre2_code_free(code);
	return r;
}

/* Room for the spans up to the last one that is wanted; that of the whole match is always there. */
static uint32_t span_count(const struct regex *r)
{
	unsigned last = 0;
	for (unsigned i = 0; i < r->wanted_count; i++)
		if (r->wanted[i].group > last)
			last = r->wanted[i].group;
	return last + 1;
}

static int prepare_matching(struct regex *r)
{
	r->match = pcre2_match_data_create(span_count(r), NULL);
	r->context = pcre2_match_context_create(NULL);
	if (!r->match || !r->context)
		return -ENOMEM;
	pcre2_set_heap_limit(r->context, HEAP_KIB_MAX);

	/* Where memory may not become executable there is no machine code; pcre2_match() then interprets. So it does where the
	 * pattern calls itself: machine code does not count steps within the call, and may never come back. */
	if (r->calls_itself)
		return 0;
	if (pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE) < 0)
		return 0;
	r->stack = pcre2_jit_stack_create(STACK_BYTES_FIRST, REGEX_STACK_BYTES, NULL);
	if (!r->stack)
		return -ENOMEM;
	pcre2_jit_stack_assign(r->context, NULL, r->stack);
	return 0;
}

int regex_compile(struct regex *r, const char *pattern, size_t length, unsigned syntax,
		  struct regex_error *ret_error)
{
	*r = (struct regex){.code = NULL};
	int result = 0;
	r->code = compile(pattern, length, syntax, ret_error, &result);
	r->calls_itself = calls_itself(pattern, length);
	return result;
}

int regex_prepare(struct regex *r)
{
	assert(r->code && !r->match);
	int result = prepare_matching(r);
	if (result < 0)
		regex_release(r);
	return result;
}

int regex_init(struct regex *r, const char *pattern, size_t length, struct regex_error *ret_error)
{
	int result = regex_compile(r, pattern, length, REGEX_PLAIN, ret_error);
	return result < 0 ? result : regex_prepare(r);
}

void regex_release(struct regex *r)
{
	pcre2_jit_stack_free(r->stack);
	pcre2_match_context_free(r->context);
	pcre2_match_data_free(r->match);
	pcre2_code_free(r->code);
	free(r->wanted);
	*r = (struct regex){.code = NULL};
}

static uint32_t told(const struct regex *r, uint32_t what)
{
	uint32_t number = 0;
	int result = pcre2_pattern_info(r->code, what, &number);
	assert(result == 0);
	(void)result;
	return number;
}

unsigned regex_name_count(const struct regex *r)
{
	return told(r, PCRE2_INFO_NAMECOUNT);
}

/* An entry of PCRE2's table: the group's number in two bytes, then its name. */
struct regex_name regex_name(const struct regex *r, unsigned i)
{
	PCRE2_SPTR table = NULL;
	assert(i < regex_name_count(r));
	int result = pcre2_pattern_info(r->code, PCRE2_INFO_NAMETABLE, &table);
	assert(result == 0 && table);
	(void)result;
	PCRE2_SPTR entry = table + (size_t)i * told(r, PCRE2_INFO_NAMEENTRYSIZE);
	const char *name = (const char *)entry + 2;
	return (struct regex_name){name, strlen(name), (unsigned)entry[0] << 8 | entry[1]};
}

static bool is_slot_taken(const struct regex *r, unsigned slot)
{
	for (unsigned i = 0; i < r->wanted_count; i++)
		if (r->wanted[i].slot == slot)
			return true;
	return false;
}

static int want_group(struct regex *r, unsigned group, unsigned slot)
{
	struct regex_wanted *more =
	    reallocarray(r->wanted, r->wanted_count + 1, sizeof(*r->wanted));
	if (!more)
		return -ENOMEM;
	r->wanted = more;
	more[r->wanted_count] =
	    (struct regex_wanted){.group = group, .slot = slot, .is_other = is_slot_taken(r, slot)};
	r->wanted_count++;
	return 0;
}

int regex_want(struct regex *r, const char *name, size_t length, unsigned slot)
{
	int result = -ENOENT;
	assert(r->code && !r->match);
	for (unsigned i = 0; i < regex_name_count(r) && (result == 0 || result == -ENOENT); i++) {
		struct regex_name n = regex_name(r, i);
		if (n.length == length && memcmp(n.name, name, length) == 0)
			result = want_group(r, n.group, slot);
	}
	return result;
}

static uint32_t steps_for(size_t length)
{
	const size_t walked = (size_t)1 << REGEX_WALKED_BITS;
	return length > walked / REGEX_STEPS_MAX ? (uint32_t)(walked / length) : REGEX_STEPS_MAX;
}

static int search(const struct regex *r, const uint8_t *bytes, size_t length)
{
	assert(r->code && r->match);
	pcre2_set_match_limit(r->context, steps_for(length));
	int found = pcre2_match(r->code, bytes, length, 0, 0, r->match, r->context);
	if (found >= 0)
		return 1;
	switch (found) {
	case PCRE2_ERROR_NOMATCH:
		return 0;
	case PCRE2_ERROR_MATCHLIMIT:
	case PCRE2_ERROR_DEPTHLIMIT:
	case PCRE2_ERROR_HEAPLIMIT:
	case PCRE2_ERROR_RECURSELOOP:
	case PCRE2_ERROR_JIT_STACKLIMIT:
		return -ELOOP;
	default:
		return -EIO;
	}
}

int regex_matches(const struct regex *r, const uint8_t *bytes, size_t length)
{
	return search(r, bytes, length);
}

static bool is_anchored(const struct regex *r)
{
	return told(r, PCRE2_INFO_ALLOPTIONS) & PCRE2_ANCHORED;
}

/* From the front of a record that is too long to be searched from every byte. */
static int search_front(const struct regex *r, const uint8_t *bytes, size_t length)
{
	const size_t whole = REGEX_SEARCHED_WHOLE_BYTES;
	pcre2_set_offset_limit(r->context, whole * whole / length);
	int found = search(r, bytes, length);
	pcre2_set_offset_limit(r->context, PCRE2_UNSET);
	return found == 0 && !is_anchored(r) ? -ELOOP : found;
}

int regex_capture(const struct regex *r, const uint8_t *bytes, size_t length,
		  struct regex_span *spans)
{
	int found = length <= REGEX_SEARCHED_WHOLE_BYTES ? search(r, bytes, length)
							 : search_front(r, bytes, length);
	if (found <= 0)
		return found;
	const size_t *bounds = pcre2_get_ovector_pointer(r->match);
	for (unsigned i = 0; i < r->wanted_count; i++) {
		const struct regex_wanted *w = &r->wanted[i];
		size_t from = bounds[2 * (size_t)w->group], to = bounds[2 * (size_t)w->group + 1];
		if (w->is_other && spans[w->slot].bytes)
			continue;
		bool took_part = from != PCRE2_UNSET;
		assert(!took_part || (from <= to && to <= length));
		spans[w->slot] = took_part ? (struct regex_span){bytes + from, to - from}
					   : (struct regex_span){NULL, 0};
	}
	return 1;
}
