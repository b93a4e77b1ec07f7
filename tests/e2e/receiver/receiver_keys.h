/* receiver_keys.h - the Idempotency-Keys of requests that http_receiver has stored.
 * Threads: one. Memory: receiver_keys_release(). Layer: tests, xxHash. */
#pragma once

#include <stdbool.h>

void receiver_keys_init(void);
void receiver_keys_release(void);

void receiver_keys_add(const char *key);
bool receiver_keys_have(const char *key);
