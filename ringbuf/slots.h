/* slots.h - memory for a ring's slots. Layer: libc only, inside ringbuf. */
#pragma once

#include <stddef.h>

/* The power of two at or above capacity; 0 if there is none. */
size_t slots_for(size_t capacity);

/* slots times size bytes, zeroed, on a cache line of their own, or NULL. The caller free()s. */
void *slots_allocate(size_t slots, size_t size);
