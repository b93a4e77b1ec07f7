/* page_versions.h - which version of each URL was handed on last, as the server calls it: what is asked for with the next request, and
 * remembered from epoch to epoch.
 *
 *   key: XXH3 of the URL, 8 bytes      value: ETag, Last-Modified
 *
 * Threads: the source's. Memory: page_versions_release(). Layer: stages. */
#pragma once

#include "stages/delta.h"
#include "stages/http_call/http_transfer.h"
#include "stages/teller.h"

struct page_version {
	uint64_t key;                                   /* of its URL */
	char tag[HTTP_TAG_MAX], modified[HTTP_TAG_MAX]; /* "": not said */
	bool has_news;                                  /* for the next epoch */
};

struct page_versions {
	struct page_version *list; /* in the order of the URLs */
	size_t count;
};

/* 0 or -ENOMEM. */
int page_versions_init(struct page_versions *v, const struct text_list *urls);
void page_versions_release(struct page_versions *v);

/* 0, or -EBADMSG: these bytes are not its own. */
int page_versions_remember(struct page_versions *v, const struct delta *saved);

/* True if the answer is of another version than the one before. */
bool page_version_note(struct page_version *v, const struct http_answer *a);

/* What is news. 0 or -ENOMEM. */
int page_versions_snapshot(struct page_versions *v, struct delta *d);

/* 0 or -EBADMSG. */
int page_versions_tell(const struct text_list *urls, const struct delta *saved, struct teller *t);
