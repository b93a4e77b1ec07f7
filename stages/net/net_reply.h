/* net_reply.h - what is sent back for each frame, many at once.
 * Threads: any; const once made. Memory: net_reply_release(). Layer: libc only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct net_reply {
	uint8_t *block; /* the text again and again; NULL: nothing is sent back */
	size_t length, text_length;
};

/* 0 or -ENOMEM. */
int net_reply_init(struct net_reply *r, const char *text, size_t length);
void net_reply_release(struct net_reply *r);

/* Of `left` bytes of replies the next ones that lie in one piece. */
size_t net_reply_next(const struct net_reply *r, uint64_t left, const uint8_t **ret_bytes);
