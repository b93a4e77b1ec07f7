#define PCRE2_CODE_UNIT_WIDTH 8

#include "stages/regex.h"

#include <assert.h>
#include <errno.h>
#include <pcre2.h>
#include <string.h>

enum {
	STACK_BYTES_FIRST = 32 * 1024,
	HEAP_KIB_MAX = 1024, /* what the interpreter may take where there is no machine code */
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

static pcre2_code *compile(const char *pattern, size_t length, struct regex_error *ret_error,
			   int *ret_result)
{
	uint32_t options = PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;
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
	pcre2_code *code = compile(pattern, length, ret_error, &r);
	pcre2_code_free(code);
	return r;
}

static int prepare_matching(struct regex *r)
{
	r->match = pcre2_match_data_create(1, NULL);
	r->context = pcre2_match_context_create(NULL);
	if (!r->match || !r->context)
		return -ENOMEM;
	pcre2_set_match_limit(r->context, REGEX_STEPS_MAX);
	pcre2_set_heap_limit(r->context, HEAP_KIB_MAX);

	/* Where memory may not become executable there is no machine code; pcre2_match() then interprets. */
	if (pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE) < 0)
		return 0;
	r->stack = pcre2_jit_stack_create(STACK_BYTES_FIRST, REGEX_STACK_BYTES, NULL);
	if (!r->stack)
		return -ENOMEM;
	pcre2_jit_stack_assign(r->context, NULL, r->stack);
	return 0;
}

int regex_init(struct regex *r, const char *pattern, size_t length, struct regex_error *ret_error)
{
	*r = (struct regex){0};
	int result = 0;
	r->code = compile(pattern, length, ret_error, &result);
	if (r->code)
		result = prepare_matching(r);
	if (result < 0)
		regex_release(r);
	return result;
}

void regex_release(struct regex *r)
{
	pcre2_jit_stack_free(r->stack);
	pcre2_match_context_free(r->context);
	pcre2_match_data_free(r->match);
	pcre2_code_free(r->code);
	*r = (struct regex){0};
}

int regex_matches(const struct regex *r, const uint8_t *bytes, size_t length)
{
	assert(r->code && r->match);
	int found = pcre2_match(r->code, bytes, length, 0, 0, r->match, r->context);
	if (found >= 0)
		return 1;
	switch (found) {
	case PCRE2_ERROR_NOMATCH:
		return 0;
	case PCRE2_ERROR_MATCHLIMIT:
	case PCRE2_ERROR_DEPTHLIMIT:
	case PCRE2_ERROR_HEAPLIMIT:
	case PCRE2_ERROR_JIT_STACKLIMIT:
		return -ELOOP;
	default:
		return -EIO;
	}
}
