#include "stages/secrets/secret_search.h"
#include "stages/secrets/secret_sketch.h"

#include <errno.h>
#include <stdlib.h>

void secret_search_release(struct secret_search *s)
{
	for (unsigned i = 0; i < s->pattern_count; i++)
		secret_pattern_release(&s->patterns[i]);
	free(s->patterns);
	s->patterns = NULL;
	s->pattern_count = 0;
}

int secret_search_add_pattern(struct secret_search *s, const char *pattern, size_t length,
			      struct regex_error *ret_error)
{
	if (s->pattern_count == SECRET_PATTERNS_MAX)
		return -E2BIG;
	struct secret_pattern *more = reallocarray(s->patterns, s->pattern_count + 1, sizeof *more);
	if (!more)
		return -ENOMEM;
	s->patterns = more;
	return secret_pattern_init(&more[s->pattern_count++], pattern, length, ret_error);
}

/* Of that kind or pattern, behind `from`. */
static int find(struct secret_search *s, unsigned which, size_t from, struct secret_span *ret)
{
	if (which >= SECRET_KINDS)
		return secret_pattern_next(&s->patterns[which - SECRET_KINDS], s->text, s->length,
					   ret);
	return secret_kinds[which].find(s->text, s->length, from, ret);
}

static int add_head(struct secret_search *s, unsigned which)
{
	struct secret_head *h = &s->heads[s->head_count];
	h->which = which;
	int r = find(s, which, 0, &h->span);
	s->head_count += r > 0;
	return r;
}

bool secret_search_may_find(const struct secret_search *s, const uint8_t *text, size_t length)
{
	struct secret_sketch sketch;
	bool may = false;
	if (s->pattern_count > 0)
		return true;
	secret_sketch(&sketch, text, length);
	for (unsigned k = 0; k < SECRET_KINDS; k++)
		may |= s->kinds[k] && secret_may_be(&sketch, &secret_kinds[k].needs);
	return may;
}

int secret_search_begin(struct secret_search *s, const uint8_t *text, size_t length)
{
	struct secret_sketch sketch;
	int r = 0;
	s->text = text;
	s->length = length;
	s->head_count = 0;
	secret_sketch(&sketch, text, length);
	for (unsigned k = 0; k < SECRET_KINDS; k++)
		if (s->kinds[k] && secret_may_be(&sketch, &secret_kinds[k].needs))
			add_head(s, k);
	for (unsigned i = 0; i < s->pattern_count && r >= 0; i++) {
		secret_pattern_begin(&s->patterns[i]);
		r = add_head(s, SECRET_KINDS + i);
	}
	return r < 0 ? r : s->head_count > 0;
}

/* It goes on behind what it had. */
static int go_on(struct secret_search *s, unsigned head)
{
	struct secret_head *h = &s->heads[head];
	int r = find(s, h->which, h->span.to, &h->span);
	if (r == 0)
		*h = s->heads[--s->head_count];
	return r;
}

static unsigned first_head(const struct secret_search *s)
{
	unsigned first = 0;
	for (unsigned i = 1; i < s->head_count; i++)
		if (s->heads[i].span.from < s->heads[first].span.from)
			first = i;
	return first;
}

int secret_search_next(struct secret_search *s, struct secret_found *ret)
{
	if (s->head_count == 0)
		return 0;
	unsigned head = first_head(s);
	*ret = (struct secret_found){s->heads[head].span.from, s->heads[head].span.to,
				     s->heads[head].which};
	do {
		if (s->heads[head].span.to > ret->to)
			ret->to = s->heads[head].span.to;
		int r = go_on(s, head);
		if (r < 0)
			return r;
		head = s->head_count > 0 ? first_head(s) : 0;
	} while (s->head_count > 0 && s->heads[head].span.from < ret->to);
	return 1;
}
