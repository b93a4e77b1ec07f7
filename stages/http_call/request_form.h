/* request_form.h - how a kind of server wants records: what becomes of each, how they are one body, what an answer means.
 *
 *   put()       a record                      {"index":{"_index":"logs"}}\n{"msg":"a"}\n
 *   compose()   items to a body               prefix, items, suffix; or grouped
 *   judge()     200, and what is in it        which items have to go again
 *
 * One more kind of server: a table in a file of its own, a line in request_form.c, its options in request_options.c.
 *
 * Threads: the sink's. Memory: request_writer_close(). Layer: stages. */
#pragma once

#include "stages/encode/template_text.h"
#include "stages/http_call/http_answer.h"
#include "stages/http_call/request_items.h"
#include "stages/http_call/request_options.h"
#include "stages/json/json_plan.h"

enum {
	REQUEST_SCRATCH = 64 * 1024,
	REQUEST_REASON_MAX = 200,
	REQUEST_TEXT_MAX = 2048,  /* of a template: an index, an id, a label */
	REQUEST_AROUND_ITEM = 64, /* what compose() puts around each, at most */
};

/* What writes records of batches as items. */
struct request_writer {
	const struct request_form *form;
	const struct request_options *options;
	struct stage *stage;
	struct template_text *templates; /* in the order of the form's own */
	size_t template_count;
	const struct value *times;        /* of the batch at hand, by row */
	struct json_plan plan, item_plan; /* of an answer; nodes NULL: the form needs none */
	bool is_too_long;                 /* a template's text, of the record at hand */
	uint8_t scratch[REQUEST_SCRATCH];
};

/* What a server said of the items of a request that it took as a whole. */
struct request_judgement {
	enum http_verdict verdict;
	const char *why;                /* static; unless it is done */
	const char *refused_why;        /* static */
	char words[REQUEST_REASON_MAX]; /* the server's own, of the first; "": none */
};

struct request_form {
	const char *path; /* where the URL has none; NULL: "/" it is */
	const char *content_type;
	const char *scheme;          /* before a token */
	bool wants_json;             /* of records, unless `encoding` says otherwise */
	char before, between, after; /* around items; 0: nothing */
	/* Those of the options that are templates: number n, NULL: there are no more. bytes NULL: not given. */
	const struct text *(*templates)(const struct request_options *o, size_t n);
	bool uses_time;
	void (*check)(const struct request_options *o, struct place at, struct problems *problems);
	int (*open)(struct request_writer *w);
	/* The item's text; head and time_ns where the form has them. */
	void (*put)(struct request_writer *w, const struct batch *b, uint32_t record,
		    struct writer *to, struct request_item *item);
	/* NULL: one behind the other. */
	void (*compose)(struct request_items *i, struct writer *to);
	/* Of an answer in the 200s. fates: one for each item, all stored so far. NULL: it is done. */
	void (*judge)(struct request_writer *w, const struct http_answer *a, size_t items,
		      enum item_fate *fates, struct request_judgement *j);
};

const struct request_form *request_form_of(const struct request_options *o);

extern const struct request_form form_ndjson, form_json, form_lines, form_elasticsearch, form_loki,
    form_clickhouse, form_splunk;

void request_writer_declare(const struct request_options *o, struct field_uses *uses);
/* 0 or -ENOMEM; request_writer_close() in any case. */
int request_writer_open(struct request_writer *w, struct stage *s, const struct request_options *o);
void request_writer_close(struct request_writer *w);

/* Before a batch's first record. */
void request_writer_begin(struct request_writer *w, struct batch *b);

/* put(): the record as it is. */
void request_put_record(struct request_writer *w, const struct batch *b, uint32_t record,
			struct writer *to, struct request_item *item);

/* For put(): `"name":"text of template n"`, with a comma before it if another one stands there. Nothing where the text is empty. */
void request_put_member(struct request_writer *w, size_t n, const char *name, const struct batch *b,
			uint32_t record, struct writer *to, bool *follows);

/* 0; -ENOMEM; -EMSGSIZE: it would be longer than any there may be; -ENAMETOOLONG: a template's text is, and cut off it would be
 * another's. */
int request_writer_put(struct request_writer *w, const struct batch *b, uint32_t record,
		       struct request_items *items);

/* As many bytes as compose() may need. */
size_t request_body_room(const struct request_writer *w, const struct request_items *items);

/* How many bytes the body has. */
size_t request_compose(const struct request_writer *w, struct request_items *items, uint8_t *to,
		       size_t room);

/* The URL of all requests, free()d by the caller. 0, -ENOMEM, -EINVAL. */
int request_url(const struct request_options *o, char **ret_url);
