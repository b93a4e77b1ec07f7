#include "stages/path_name.h"
#include "stages/encode/value_text.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>

enum { HASH_DIGITS = 12, KEPT_MAX = PATH_NAME_MAX - 1 - HASH_DIGITS };

static const char missing[] = "_missing";

static bool is_allowed(uint8_t c, bool is_first)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')
		return true;
	return !is_first && (c == '.' || c == '-');
}

/* Behind what is there. */
static void put_hash(struct path_name *n, size_t at, const struct text_span *text)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t hash = XXH3_64bits(text->bytes, text->length);
	n->text[at++] = '~';
	for (unsigned i = 0; i < HASH_DIGITS; i++)
		n->text[at++] = digits[hash >> 4 * i & 15];
	n->text[at] = '\0';
}

static void put_text(struct path_name *n, const struct text_span *text)
{
	size_t length = text->length < KEPT_MAX ? text->length : KEPT_MAX;
	bool is_changed =
	    text->length == 0 || text->length > KEPT_MAX ||
	    (text->length == sizeof missing - 1 && memcmp(text->bytes, missing, text->length) == 0);
	for (size_t i = 0; i < length; i++) {
		bool stays = is_allowed(text->bytes[i], i == 0);
		n->text[i] = stays ? (char)text->bytes[i] : '_';
		is_changed |= !stays;
	}
	n->text[length] = '\0';
	if (length == 0)
		n->text[length++] = '_';
	if (is_changed)
		put_hash(n, length, text);
}

void path_name_of(struct path_name *n, const struct value *v, struct scratch scratch)
{
	struct text_span text;
	int r = value_text(v, scratch, &text);
	if (r == 0) {
		put_text(n, &text);
	} else if (r == -ENOBUFS) {
		text = (struct text_span){v->bytes, v->length};
		n->text[0] = '_';
		put_hash(n, 1, &text);
	} else {
		memcpy(n->text, missing, sizeof missing);
	}
}
