/* lua_values.h - values of fields as Lua's, and back; see lua_view.h.
 *
 * Threads: the stage's. Memory: text goes into room. Layer: stages, LuaJIT. */
#pragma once

#include "stages/value.h"

#include <luajit-2.1/lua.h>
#include <stddef.h>

/* `null`, `list`, and what they need. */
void lua_values_install(lua_State *L);

/* Pushes it; escapes are decoded in what is free of room. Raises errors of memory only. */
void lua_values_push(lua_State *L, const struct value *v, struct scratch room);

/* The value on the stack; text goes into room, no more than *left of it. Raises an error when it cannot be a field's. */
void lua_values_take(lua_State *L, int index, struct scratch *room, size_t *left,
		     struct value *ret_value);

/* A text of RFC 3339 or a number of seconds since 1970 as a TIMESTAMP; raises an error. */
void lua_values_take_time(lua_State *L, int index, struct value *ret_value);
