#define PCRE2_CODE_UNIT_WIDTH 8

#include "stages/secrets/secret_pattern.h"

#include <errno.h>
#include <pcre2.h>

static int count_groups(struct secret_pattern *p)
{
	uint32_t count = 0;
	pcre2_pattern_info(p->regex.code, PCRE2_INFO_CAPTURECOUNT, &count);
	p->groups = count;
	uint32_t options = 0;
	pcre2_pattern_info(p->regex.code, PCRE2_INFO_ALLOPTIONS, &options);
	p->sees_characters = options & PCRE2_UTF;
	return count > SECRET_GROUPS_MAX ? -E2BIG : 0;
}

int secret_pattern_init(struct secret_pattern *p, const char *pattern, size_t length,
			struct regex_error *ret_error)
{
	*p = (struct secret_pattern){.groups = 0};
	int r = regex_init(&p->regex, pattern, length, ret_error);
	if (r == 0)
		r = count_groups(p);
	if (r < 0)
		return r;
	p->match = pcre2_match_data_create(p->groups + 1, NULL);
	return p->match ? 0 : -ENOMEM;
}

void secret_pattern_release(struct secret_pattern *p)
{
	pcre2_match_data_free(p->match);
	regex_release(&p->regex);
	*p = (struct secret_pattern){.groups = 0};
}

void secret_pattern_begin(struct secret_pattern *p)
{
	p->at = p->covered_from = p->covered_to = 0;
	p->count = p->next = 0;
}

/* They lie in the order in which they begin. */
static void add_span(struct secret_pattern *p, size_t from, size_t to)
{
	unsigned i = p->count;
	if (from == PCRE2_UNSET || to <= from)
		return;
	for (; i > 0 && p->spans[i - 1].from > from; i--)
		p->spans[i] = p->spans[i - 1];
	p->spans[i] = (struct secret_span){from, to};
	p->count++;
}

/* The groups that took part; the whole match when none did. */
static void take_spans(struct secret_pattern *p)
{
	const size_t *bounds = pcre2_get_ovector_pointer(p->match);
	p->count = p->next = 0;
	for (unsigned g = 1; g <= p->groups; g++)
		add_span(p, bounds[2 * (size_t)g], bounds[2 * (size_t)g + 1]);
	if (p->count == 0)
		add_span(p, bounds[0], bounds[1]);
}

/* Behind this match, or behind one character more where it is empty. */
static void go_on(struct secret_pattern *p, const uint8_t *text, size_t length)
{
	const size_t *bounds = pcre2_get_ovector_pointer(p->match);
	if (bounds[1] > bounds[0] && bounds[1] > p->at) {
		p->at = bounds[1];
		return;
	}
	p->at = (bounds[0] > p->at ? bounds[0] : p->at) + 1;
	while (p->sees_characters && p->at < length && (text[p->at] & 0xc0) == 0x80)
		p->at++;
}

static int search(struct secret_pattern *p, const uint8_t *text, size_t length)
{
	if (p->at > length)
		return 0;
	/* Of no use, unless there are groups in what it looks at around it. */
	uint32_t options = p->groups == 0 ? PCRE2_NOTEMPTY : 0;
	int found =
	    pcre2_match(p->regex.code, text, length, p->at, options, p->match, p->regex.context);
	switch (found) {
	case PCRE2_ERROR_NOMATCH:
		return 0;
	case PCRE2_ERROR_MATCHLIMIT:
	case PCRE2_ERROR_DEPTHLIMIT:
	case PCRE2_ERROR_HEAPLIMIT:
	case PCRE2_ERROR_JIT_STACKLIMIT:
		return -ELOOP;
	default:
		return found < 0 ? -EIO : 1;
	}
}

/* 1; 0: it has been told; -EIO: it begins before what has been told last. */
static int give(struct secret_pattern *p, struct secret_span *ret)
{
	struct secret_span s = p->spans[p->next++];
	if (s.from < p->covered_from)
		return -EIO;
	if (s.from > p->covered_to)
		p->covered_from = s.from;
	else
		s.from = p->covered_to;
	if (s.to <= s.from)
		return 0;
	p->covered_to = s.to;
	*ret = s;
	return 1;
}

int secret_pattern_next(struct secret_pattern *p, const uint8_t *text, size_t length,
			struct secret_span *ret)
{
	for (;;) {
		while (p->next < p->count) {
			int r = give(p, ret);
			if (r != 0)
				return r;
		}
		int r = search(p, text, length);
		if (r <= 0)
			return r;
		take_spans(p);
		go_on(p, text, length);
	}
}
