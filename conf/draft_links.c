#include "conf/draft_links.h"

#include "conf/excerpt.h"

#include <errno.h>
#include <string.h>

bool draft_is_called(const struct stage_draft *d, const struct text *name)
{
	return d->stage.id.length == name->length &&
	       !memcmp(d->stage.id.bytes, name->bytes, name->length);
}

size_t draft_find(const struct stage_drafts *drafts, const struct text *name)
{
	size_t i = 0;

	while (i < drafts->count && !draft_is_called(&drafts->list[i], name))
		i++;
	return i;
}

struct draft_input *draft_find_input(const struct stage_draft *d, size_t from, unsigned output)
{
	for (size_t i = 0; i < d->input_count; i++)
		if (d->inputs[i].from == from && d->inputs[i].output == output)
			return &d->inputs[i];
	return NULL;
}

int draft_add_input(const struct wiring *w, struct stage_draft *d, struct draft_input input,
		    const struct text *name)
{
	struct draft_input *known = draft_find_input(d, input.from, input.output), *inputs;
	const size_t from = input.from;
	const bool wildcard = input.wildcard;

	if (known && !wildcard && !known->wildcard) {
		problem_add(w->problems, name->at, "`%s` stands twice in `inputs`; keep one",
			    excerpt_of(name->bytes, name->length, name->secret).text);
		return -EINVAL;
	}
	if (known)
		return 0;
	inputs = arena_grow(w->arena, d->inputs, d->input_count, &d->input_room, sizeof(*inputs));
	if (!inputs)
		return -ENOMEM;
	d->inputs = inputs;
	input.at = name->at;
	d->inputs[d->input_count++] = input;
	/* Who gets its dead letters does not read it. */
	w->drafts->list[from].read |= input.output != OUTPUT_FAILED;
	return 0;
}
