#include "stages/text/cri_scan.h"

#include "stages/json/json_scan.h"

#include <errno.h>

enum { LOG, STREAM, TIME, MEMBERS, DEPTH_MAX = 8 };

int cri_json_init(struct cri_json *j)
{
	static const char *const names[MEMBERS] = {"log", "stream", "time"};
	int r = json_plan_init(&j->plan, DEPTH_MAX);
	if (r < 0)
		return r;
	for (uint16_t i = 0; r == 0 && i < MEMBERS; i++) {
		struct json_name name = {(const uint8_t *)names[i], strlen(names[i])};
		r = json_plan_want(&j->plan, &name, 1, i);
	}
	if (r < 0)
		json_plan_release(&j->plan);
	return r;
}

void cri_json_release(struct cri_json *j)
{
	json_plan_release(&j->plan);
}

static bool is_text(const struct value *v, const char *text)
{
	return v->length == strlen(text) && memcmp(v->bytes, text, v->length) == 0;
}

/* stdout or stderr, and RFC 3339. NULL, or why not. */
static const char *check(struct cri_line *l)
{
	const struct value *t = &l->time;
	if (t->length == 0 || t->length > CRI_TIME_MAX ||
	    syslog_stamp_iso(t->bytes, t->length, &l->stamp) != t->length)
		return "time";
	if (!is_text(&l->stream, "stdout") && !is_text(&l->stream, "stderr"))
		return "stream";
	return NULL;
}

/* ---- a line ---- */

/* Up to the next blank, which is taken; false: there is none. */
static bool take_word(const uint8_t **at, const uint8_t *end, struct value *ret)
{
	const uint8_t *blank = memchr(*at, ' ', (size_t)(end - *at));
	if (!blank)
		return false;
	*ret =
	    (struct value){.bytes = *at, .length = (uint32_t)(blank - *at), .type = VALUE_STRING};
	*at = blank + 1;
	return true;
}

/* Of `F:more:tags` the first counts. A line may end with it. */
static const char *take_tag(const uint8_t **at, const uint8_t *end, bool *ret_partial)
{
	if (*at == end || (**at != 'P' && **at != 'F'))
		return "neither P nor F";
	*ret_partial = **at == 'P';
	const uint8_t *behind = *at + 1;
	if (behind < end && *behind == ':') {
		const uint8_t *blank = memchr(behind, ' ', (size_t)(end - behind));
		behind = blank ? blank : end;
	}
	if (behind < end && *behind != ' ')
		return "neither P nor F";
	*at = behind + (behind < end);
	return NULL;
}

static const char *scan_line(const uint8_t *at, const uint8_t *end, struct cri_line *l)
{
	if (!take_word(&at, end, &l->time))
		return "time";
	if (!take_word(&at, end, &l->stream))
		return "stream";
	const char *why = take_tag(&at, end, &l->partial);
	if (why)
		return why;
	l->message =
	    (struct value){.bytes = at, .length = (uint32_t)(end - at), .type = VALUE_STRING};
	return check(l);
}

/* ---- Docker's JSON ---- */

static bool ends_with(const struct value *v, const char *text)
{
	size_t n = strlen(text);
	return v->length >= n && memcmp(v->bytes + v->length - n, text, n) == 0;
}

/* How many bytes the escape of a newline takes at the end; 0: there is none. A backslash that is escaped itself begins none. */
static uint32_t newline_at_end(const struct value *v)
{
	uint32_t n = ends_with(v, "\\n")                                  ? 2
		     : ends_with(v, "\\u000a") || ends_with(v, "\\u000A") ? 6
									  : 0;
	if (v->form != VALUE_ESCAPED || n == 0)
		return 0;
	uint32_t backslashes = 0, at = v->length - n + 1;
	while (at > 0 && v->bytes[--at] == '\\')
		backslashes++;
	return backslashes % 2 == 1 ? n : 0;
}

static const char *scan_json(const struct cri_json *j, const uint8_t *bytes, uint32_t length,
			     struct cri_line *l)
{
	struct value found[MEMBERS];
	struct json_mistake mistake;
	if (json_scan(&j->plan, bytes, length, found, NULL, &mistake) < 0)
		return mistake.why;
	if (found[LOG].type != VALUE_STRING)
		return "no `log`";
	if (found[STREAM].type != VALUE_STRING)
		return "stream";
	if (found[TIME].type != VALUE_STRING)
		return "time";
	uint32_t newline = newline_at_end(&found[LOG]);
	*l = (struct cri_line){.time = found[TIME],
			       .stream = found[STREAM],
			       .message = found[LOG],
			       .partial = newline == 0};
	l->message.length -= newline;
	return check(l);
}

int cri_scan(const struct cri_json *j, const uint8_t *bytes, uint32_t length,
	     struct cri_line *ret_line, const char **ret_why)
{
	*ret_line = (struct cri_line){.partial = false};
	const char *why = length > 0 && bytes[0] == '{'
			      ? scan_json(j, bytes, length, ret_line)
			      : scan_line(bytes, bytes + length, ret_line);
	if (!why)
		return 0;
	*ret_why = why;
	return -EBADMSG;
}
