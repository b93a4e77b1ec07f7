#include "stages/record_layout.h"
#include "stages/json/json_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct drawing {
	struct record_layout *layout;
	const struct text *names;
	size_t count;
	bool *is_placed;
	size_t from; /* of the text before the next value */
};

static void put(struct drawing *d, const char *text)
{
	packer_raw(&d->layout->text, text, strlen(text));
}

static void put_name(struct drawing *d, const char *name, size_t length)
{
	struct packer *p = &d->layout->text;
	size_t room = json_encoded_max(length);
	if (packer_reserve(p, room) < 0)
		return;
	p->length +=
	    (size_t)json_encode_string(p->bytes + p->length, room, (const uint8_t *)name, length);
	put(d, ":");
}

static void place(struct drawing *d, size_t name)
{
	struct record_layout *l = d->layout;
	l->members[l->count++] =
	    (struct layout_member){.name = name, .from = d->from, .to = l->text.length};
	d->from = l->text.length;
	d->is_placed[name] = true;
}

/* Where the text ends by now. */
static struct layout_place here(const struct drawing *d)
{
	return (struct layout_place){.member = d->layout->count,
				     .into = d->layout->text.length - d->from};
}

static void put_level(struct drawing *d, const char *prefix, size_t length);

static void put_object(struct drawing *d, const char *name, size_t length)
{
	struct layout_object *o = &d->layout->objects[d->layout->object_count++];
	*o = (struct layout_object){.name = name, .length = length, .begins = here(d)};
	put_level(d, name, length + 1);
	o->ends = here(d);
}

static bool begins_with(const struct text *name, const char *prefix, size_t length)
{
	return name->length > length && memcmp(name->bytes, prefix, length) == 0;
}

/* All that begin with the prefix, which ends with a dot unless it is empty. As deep as a path has parts. */
static void put_level(struct drawing *d, const char *prefix, size_t length)
{
	bool any = false;
	put(d, "{");
	for (size_t i = 0; i < d->count; i++) {
		const struct text *name = &d->names[i];
		if (d->is_placed[i] || !begins_with(name, prefix, length))
			continue;
		const char *part = name->bytes + length;
		const char *dot = memchr(part, '.', name->length - length);
		put(d, any ? "," : "");
		any = true;
		put_name(d, part, dot ? (size_t)(dot - part) : name->length - length);
		if (dot)
			put_object(d, name->bytes, (size_t)(dot - name->bytes));
		else
			place(d, i);
	}
	put(d, "}");
}

/* No more than there are dots. */
static size_t objects_at_most(const struct text *names, size_t count)
{
	size_t dots = 0;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < names[i].length; k++)
			dots += names[i].bytes[k] == '.';
	return dots;
}

int record_layout_init(struct record_layout *l, const struct text *names, size_t count)
{
	*l = (struct record_layout){
	    .members = calloc(count + 1, sizeof *l->members),
	    .objects = calloc(objects_at_most(names, count) + 1, sizeof *l->objects),
	};
	struct drawing d = {.layout = l,
			    .names = names,
			    .count = count,
			    .is_placed = calloc(count + 1, sizeof(bool))};
	bool all = l->members && l->objects && d.is_placed;
	if (all)
		put_level(&d, "", 0);
	int r = all ? l->text.error : -ENOMEM;
	l->rest = d.from;
	free(d.is_placed);
	return r;
}

void record_layout_release(struct record_layout *l)
{
	packer_release(&l->text);
	free(l->members);
	free(l->objects);
	*l = (struct record_layout){.members = NULL};
}
