/* Any pattern over any text: what our matcher finds is what LuaJIT's own finds, captures and all, as long as that has the patience.
 * First byte: how long the pattern is; then that, then the text. */
#include "stages/lua/lua_pattern.h"

#include <assert.h>
#include <luajit-2.1/lauxlib.h>
#include <luajit-2.1/lualib.h>
#include <string.h>

/* So short that all ways there are can be tried. */
enum { PATTERN_MAX = 12, TEXT_MAX = 12 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static lua_State *lua(void)
{
	static lua_State *state;
	if (!state) {
		state = luaL_newstate();
		assert(state);
		luaL_openlibs(state);
	}
	lua_settop(state, 0);
	return state;
}

static void expect_capture(lua_State *L, const struct lua_pattern *p, unsigned i)
{
	const struct lua_capture *c = &p->captures[i];
	int at = (int)i + 3;
	if (c->length == LUA_CAPTURE_POSITION) {
		assert(lua_type(L, at) == LUA_TNUMBER);
		assert(lua_tointeger(L, at) == c->from - p->text + 1);
		return;
	}
	size_t length;
	assert(lua_type(L, at) == LUA_TSTRING);
	const char *text = lua_tolstring(L, at, &length);
	assert((ptrdiff_t)length == c->length && memcmp(text, c->from, length) == 0);
}

static void compare(struct lua_pattern *p, const char *pattern, size_t pattern_length)
{
	lua_State *L = lua();
	const uint8_t *from = p->text, *to = lua_pattern_find(p, p->text, &from);
	lua_getglobal(L, "string");
	lua_getfield(L, -1, "find");
	lua_replace(L, 1);
	lua_pushlstring(L, (const char *)p->text, (size_t)(p->text_end - p->text));
	lua_pushlstring(L, pattern, pattern_length);
	int failed = lua_pcall(L, 2, LUA_MULTRET, 0);
	assert(!p->gave_up);
	assert(!failed == !p->why);
	if (failed)
		return;
	assert(lua_isnil(L, 1) == !to);
	if (!to)
		return;
	assert(lua_tointeger(L, 1) == from - p->text + 1 && lua_tointeger(L, 2) == to - p->text);
	assert(lua_gettop(L) == 2 + (int)p->count);
	for (unsigned i = 0; i < p->count; i++)
		expect_capture(L, p, i);
}

/* Others Lua takes as plain text. */
static bool has_a_special(const uint8_t *pattern, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (pattern[i] != 0 && strchr("^$*+?.([%-", pattern[i]))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lua_pattern p;
	if (size == 0)
		return 0;
	size_t length = data[0] < size - 1 ? data[0] : size - 1;
	const uint8_t *pattern = data + 1, *text = pattern + length;
	size_t text_length = size - 1 - length;
	lua_pattern_init(&p, pattern, length, text, text_length);
	p.steps = 1000000;
	/* Lua 5.1 ends a pattern at a NUL, as 5.2 and we do not. */
	const bool is_short = length <= PATTERN_MAX && text_length <= TEXT_MAX &&
			      !memchr(pattern, 0, length) && has_a_special(pattern, length);
	if (is_short) {
		compare(&p, (const char *)pattern, length);
		return 0;
	}
	const uint8_t *from = text, *to = lua_pattern_find(&p, text, &from);
	assert(!to || (from >= text && to >= from && to <= text + text_length));
	return 0;
}
