#include "stages/secrets/redactor.h"
#include "stages/json/json_text.h"
#include "stages/secrets/secret_bytes.h"

#include <errno.h>

void redactor_release(struct redactor *r)
{
	secret_search_release(&r->search);
}

/* ---- what takes a secret's place ---- */

/* What of it counts: letters and digits, so that 4111-1111... and 4111 1111... are one number. 0: it is too long for that. */
static size_t gather(const uint8_t *secret, size_t length, uint8_t *to, size_t room)
{
	size_t count = 0;
	for (size_t i = 0; i < length; i++) {
		if (!is_alnum(secret[i]))
			continue;
		if (count == room)
			return 0;
		to[count++] = secret[i] >= 'a' ? (uint8_t)(secret[i] & ~0x20) : secret[i];
	}
	return count;
}

static void put_hash(const struct redactor *r, const uint8_t *secret, size_t length,
		     bool has_groups, struct writer *w)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t gathered[64], hash[SIPHASH_BYTES], hex[2 * SIPHASH_BYTES];
	size_t count = has_groups ? gather(secret, length, gathered, sizeof gathered) : 0;
	siphash(r->key, count > 0 ? gathered : secret, count > 0 ? count : length, hash);
	for (size_t i = 0; i < sizeof hash; i++) {
		hex[2 * i] = (uint8_t)digits[hash[i] >> 4];
		hex[2 * i + 1] = (uint8_t)digits[hash[i] & 15];
	}
	writer_put(w, hex, sizeof hex);
}

static void put_last_digits(const uint8_t *secret, size_t length, unsigned keep, struct writer *w)
{
	uint8_t last[16];
	unsigned count = 0;
	for (size_t at = length; at > 0 && count < keep && count < sizeof last; at--)
		if (is_digit(secret[at - 1]))
			last[sizeof last - ++count] = secret[at - 1];
	writer_put(w, last + sizeof last - count, count);
}

static void replace(struct redactor *r, const struct secret_found *f, struct writer *w)
{
	const uint8_t *secret = r->search.text + f->from;
	const struct secret_kind *kind = f->which < SECRET_KINDS ? &secret_kinds[f->which] : NULL;
	size_t length = f->to - f->from;
	r->counts[kind ? f->which : SECRET_KINDS]++;
	writer_put(w, r->put, r->put_length);
	if (r->hashes)
		put_hash(r, secret, length, kind && kind->has_groups, w);
	else if (kind && kind->may_keep)
		put_last_digits(secret, length, r->keep, w);
}

/* ---- text ---- */

static int undo(struct writer *w, uint8_t *from, int result)
{
	*w = (struct writer){from, w->end, false};
	return result;
}

int redactor_text(struct redactor *r, const uint8_t *text, size_t length, struct writer *w)
{
	uint8_t *from = w->at;
	size_t copied = 0;
	struct secret_found found;
	int more = secret_search_begin(&r->search, text, length);
	if (more <= 0)
		return more < 0 ? more : REDACTED_NOTHING;
	while ((more = secret_search_next(&r->search, &found)) > 0) {
		writer_put(w, text + copied, found.from - copied);
		replace(r, &found, w);
		copied = found.to;
	}
	writer_put(w, text + copied, length - copied);
	if (more < 0 || w->is_full)
		return undo(w, from, more < 0 ? more : -ENOBUFS);
	return REDACTED_SOME;
}

/* ---- JSON ---- */

/* One string or number of a text. */
struct token {
	size_t from, to; /* with its quotes */
	bool is_string;
	struct value content;
};

static size_t string_end(const uint8_t *text, size_t length, size_t at, bool *ret_escaped)
{
	for (*ret_escaped = false; at < length && text[at] != '"'; at++)
		if (text[at] == '\\') {
			*ret_escaped = true;
			at++;
		}
	return at;
}

static void take_string(const uint8_t *text, size_t length, struct token *t)
{
	bool escaped;
	size_t end = string_end(text, length, t->from + 1, &escaped);
	t->to = end < length ? end + 1 : length;
	t->is_string = true;
	t->content = (struct value){.bytes = text + t->from + 1,
				    .length = (uint32_t)(t->to - t->from - 2),
				    .type = VALUE_STRING,
				    .form = escaped ? VALUE_ESCAPED : VALUE_PLAIN};
}

static bool is_of_number(uint8_t c)
{
	return is_digit(c) || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

static void take_number(const uint8_t *text, size_t length, struct token *t)
{
	t->to = t->from;
	while (t->to < length && is_of_number(text[t->to]))
		t->to++;
	t->is_string = false;
	t->content = (struct value){
	    .bytes = text + t->from, .length = (uint32_t)(t->to - t->from), .type = VALUE_STRING};
}

/* The next one from t->to on. */
static bool next_token(const uint8_t *text, size_t length, struct token *t)
{
	for (size_t at = t->to; at < length; at++) {
		t->from = at;
		if (text[at] == '"') {
			take_string(text, length, t);
			return true;
		}
		if (is_digit(text[at]) || text[at] == '-') {
			take_number(text, length, t);
			return true;
		}
	}
	return false;
}

/* Its content without its secrets; the room that takes is not given back. enum redacted, or -errno. */
static int redact_content(struct redactor *r, struct value *v, struct scratch *room,
			  struct value *ret)
{
	if (v->form == VALUE_ESCAPED && json_decode_string(v, room) < 0)
		return -ENOBUFS;
	struct writer w = {room->at, room->end, false};
	int result = redactor_text(r, v->bytes, v->length, &w);
	*ret = (struct value){.bytes = room->at, .length = (uint32_t)(w.at - room->at)};
	room->at = w.at;
	return result;
}

static int put_string(const struct value *content, struct writer *w)
{
	int64_t written =
	    json_encode_string(w->at, (size_t)(w->end - w->at), content->bytes, content->length);
	if (w->is_full || written < 0)
		return -ENOBUFS;
	w->at += written;
	return REDACTED_SOME;
}

/* The token without its secrets and what stands before it; nothing if it has none. *copied: of the text so far. */
static int put_token(struct redactor *r, const uint8_t *text, struct token *t, struct scratch *room,
		     size_t *copied, struct writer *w)
{
	struct scratch left = *room;
	struct value content;
	int result = redact_content(r, &t->content, &left, &content);
	if (result != REDACTED_SOME)
		return result;
	writer_put(w, text + *copied, t->from - *copied);
	*copied = t->to;
	return put_string(&content, w);
}

/* Without escapes nothing is in its strings that does not stand in the text. */
static bool may_have_some(struct redactor *r, const uint8_t *text, size_t length)
{
	return length > 0 &&
	       (memchr(text, '\\', length) || secret_search_may_find(&r->search, text, length));
}

int redactor_json(struct redactor *r, const uint8_t *text, size_t length, struct scratch *room,
		  struct writer *w)
{
	struct token t = {.to = 0};
	uint8_t *from = w->at;
	size_t copied = 0;
	if (!may_have_some(r, text, length))
		return REDACTED_NOTHING;
	while (next_token(text, length, &t)) {
		int result = put_token(r, text, &t, room, &copied, w);
		if (result < 0)
			return undo(w, from, result);
	}
	if (copied == 0)
		return REDACTED_NOTHING;
	writer_put(w, text + copied, length - copied);
	return w->is_full ? undo(w, from, -ENOBUFS) : REDACTED_SOME;
}
