#include "stages/http_call/page_versions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static uint64_t key_of(const struct text *url)
{
	return XXH3_64bits(url->bytes, url->length);
}

int page_versions_init(struct page_versions *v, const struct text_list *urls)
{
	*v = (struct page_versions){.list = calloc(urls->count, sizeof *v->list)};
	if (!v->list)
		return -ENOMEM;
	for (; v->count < urls->count; v->count++)
		v->list[v->count].key = key_of(&urls->items[v->count]);
	return 0;
}

void page_versions_release(struct page_versions *v)
{
	free(v->list);
	*v = (struct page_versions){.list = NULL};
}

/* What does not fit counts as not said. */
static void unpack_text(struct packed *p, char to[HTTP_TAG_MAX])
{
	size_t length;
	const uint8_t *bytes = packed_bytes(p, &length);
	if (!bytes || length >= HTTP_TAG_MAX)
		return;
	memcpy(to, bytes, length);
	to[length] = '\0';
}

struct saved_version {
	uint64_t key;
	char tag[HTTP_TAG_MAX], modified[HTTP_TAG_MAX];
};

/* False: these bytes are not ours. */
static bool unpack(const struct change *change, struct saved_version *s)
{
	struct packed key = packed_from(change->key, change->key_length);
	struct packed value = packed_from(change->value, change->value_length);
	*s = (struct saved_version){.key = packed_u64(&key)};
	unpack_text(&value, s->tag);
	unpack_text(&value, s->modified);
	return packed_is_whole(&key) && packed_is_whole(&value);
}

int page_versions_remember(struct page_versions *v, const struct delta *saved)
{
	struct change change;
	struct saved_version s;
	struct packed rest = delta_changes(saved);
	while (delta_next(&rest, &change)) {
		if (!unpack(&change, &s))
			return -EBADMSG;
		for (size_t i = 0; i < v->count; i++) {
			if (v->list[i].key != s.key)
				continue;
			memcpy(v->list[i].tag, s.tag, sizeof s.tag);
			memcpy(v->list[i].modified, s.modified, sizeof s.modified);
		}
	}
	return rest.broken ? -EBADMSG : 0;
}

bool page_version_note(struct page_version *v, const struct http_answer *a)
{
	if (strcmp(v->tag, a->tag) == 0 && strcmp(v->modified, a->modified) == 0)
		return false;
	memcpy(v->tag, a->tag, sizeof v->tag);
	memcpy(v->modified, a->modified, sizeof v->modified);
	v->has_news = true;
	return true;
}

static int put(struct delta *d, const struct page_version *v, struct packer *key,
	       struct packer *value)
{
	packer_clear(key);
	packer_clear(value);
	packer_u64(key, v->key);
	packer_bytes(value, v->tag, strlen(v->tag));
	packer_bytes(value, v->modified, strlen(v->modified));
	if (key->error < 0 || value->error < 0)
		return -ENOMEM;
	return delta_put(d, key->bytes, key->length, value->bytes, value->length);
}

int page_versions_snapshot(struct page_versions *v, struct delta *d)
{
	struct packer key = {0}, value = {0};
	int r = 0;
	for (size_t i = 0; r == 0 && i < v->count; i++) {
		if (!v->list[i].has_news)
			continue;
		r = put(d, &v->list[i], &key, &value);
		v->list[i].has_news = r < 0;
	}
	packer_release(&key);
	packer_release(&value);
	return r;
}

static const struct text *find_url(const struct text_list *urls, uint64_t key)
{
	for (size_t i = 0; i < urls->count; i++)
		if (key_of(&urls->items[i]) == key)
			return &urls->items[i];
	return NULL;
}

int page_versions_tell(const struct text_list *urls, const struct delta *saved, struct teller *t)
{
	struct change change;
	struct saved_version s;
	struct packed rest = delta_changes(saved);
	while (delta_next(&rest, &change)) {
		if (!unpack(&change, &s))
			return -EBADMSG;
		const struct text *url = find_url(urls, s.key);
		teller_thing(t, "url", url ? text_shown(url, url->bytes) : "no longer asked for");
		if (s.tag[0])
			teller_text(t, "etag", s.tag);
		if (s.modified[0])
			teller_text(t, "modified", s.modified);
	}
	return rest.broken ? -EBADMSG : 0;
}
