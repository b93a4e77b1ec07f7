#include "stages/encode/json_splice.h"

/* A comma that nothing follows is taken back. */
static void take_comma_back(struct writer *w, const uint8_t *from)
{
	uint8_t *at = w->at;
	while (at > from && json_is_space(at[-1]))
		at--;
	if (at > from && at[-1] == ',')
		w->at = at - 1;
}

void splice_leave_out(struct splice *p, uint32_t from, uint32_t to, struct writer *w)
{
	splice_copy_to(p, from, w);
	uint32_t at = to;
	while (at < p->length && json_is_space(p->text[at]))
		at++;
	if (at < p->length && p->text[at] == ',') {
		p->copied = at + 1;
		return;
	}
	p->copied = to;
	if (!w->is_full)
		take_comma_back(w, p->from);
}

uint32_t splice_close(const struct splice *p)
{
	uint32_t close = p->length - 1;
	while (p->text[close] != '}')
		close--;
	return close;
}
