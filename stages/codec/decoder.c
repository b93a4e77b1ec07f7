#include "stages/codec/decoder.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int decoder_init(struct decoder *d, const struct decoder_type *type)
{
	*d = (struct decoder){.type = type, .input = malloc(DECODER_INPUT)};
	return d->input ? 0 : -ENOMEM;
}

void decoder_release(struct decoder *d)
{
	free(d->input);
	*d = (struct decoder){.type = NULL};
}

void decoder_start(struct decoder *d, uint64_t at)
{
	d->from = d->to = 0;
	d->at = at;
	d->in_frame = d->frame_ended = d->damaged = false;
	d->type->reset(d);
}

size_t decoder_room(struct decoder *d, uint8_t **ret_bytes)
{
	if (d->from > 0) {
		memmove(d->input, d->input + d->from, d->to - d->from);
		d->to -= d->from;
		d->from = 0;
	}
	*ret_bytes = d->input + d->to;
	return DECODER_INPUT - d->to;
}

uint64_t decoder_wants(const struct decoder *d)
{
	return d->at + (d->to - d->from);
}

void decoder_add(struct decoder *d, size_t n)
{
	assert(n <= DECODER_INPUT - d->to);
	d->to += n;
}

ssize_t decoder_read(struct decoder *d, uint8_t *bytes, size_t room)
{
	assert(room > 0);
	d->frame_ended = false;
	return d->damaged ? -EBADMSG : d->type->read(d, bytes, room);
}
