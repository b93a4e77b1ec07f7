#include "stages/text/syslog_data.h"

#include <errno.h>
#include <string.h>

static bool is_name_byte(uint8_t b)
{
	return b > ' ' && b != 0x7f && b != '=' && b != ']' && b != '"';
}

static bool take(struct syslog_data *d, uint8_t wanted)
{
	if (d->at == d->end || *d->at != wanted)
		return false;
	d->at++;
	return true;
}

static int take_name(struct syslog_data *d, struct text_span *ret)
{
	const uint8_t *from = d->at;
	while (d->at < d->end && is_name_byte(*d->at))
		d->at++;
	*ret = text_span(from, d->at);
	return ret->length > 0 ? 1 : -EBADMSG;
}

/* Behind the quote that opens it. */
static int take_value(struct syslog_data *d, struct syslog_piece *p)
{
	const uint8_t *from = d->at;
	for (; d->at < d->end; d->at++) {
		if (*d->at == '"') {
			p->value = text_span(from, d->at++);
			return 1;
		}
		if (*d->at != '\\')
			continue;
		p->escaped = true;
		if (d->end - d->at > 1)
			d->at++;
	}
	return -EBADMSG;
}

static int take_param(struct syslog_data *d, struct syslog_piece *p)
{
	if (take_name(d, &p->name) < 0 || !take(d, '=') || !take(d, '"'))
		return -EBADMSG;
	return take_value(d, p);
}

int syslog_data_next(struct syslog_data *d, struct syslog_piece *ret_piece)
{
	*ret_piece = (struct syslog_piece){.is_element = true};
	if (d->within && take(d, ' ')) {
		ret_piece->is_element = false;
		return take_param(d, ret_piece);
	}
	if (d->within && !take(d, ']'))
		return -EBADMSG;
	d->within = take(d, '[');
	return d->within ? take_name(d, &ret_piece->name) : 0;
}

size_t syslog_data_unescape(uint8_t *to, struct text_span value)
{
	const uint8_t *from = value.bytes, *end = from + value.length;
	uint8_t *at = to;
	while (from < end) {
		bool escapes = *from == '\\' && end - from > 1 &&
			       (from[1] == '"' || from[1] == '\\' || from[1] == ']');
		from += escapes;
		*at++ = *from++;
	}
	return (size_t)(at - to);
}
