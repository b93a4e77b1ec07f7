/* string.find, match, gmatch and gsub over lua_pattern.h. Their results and errors are Lua's. */
#include "stages/lua/lua_pattern.h"
#include "stages/lua/lua_script.h"

#include <luajit-2.1/lauxlib.h>
#include <string.h>

enum { STEPS_PER_UNIT = 64 };

struct search {
	struct lua_pattern pattern;
	const uint8_t *text;
	size_t length;
	uint64_t given; /* steps */
};

static void begin(lua_State *L, struct search *s, const uint8_t *text, size_t length,
		  const uint8_t *pattern, size_t pattern_length)
{
	uint64_t left = lua_script_left(L);
	s->text = text;
	s->length = length;
	lua_pattern_init(&s->pattern, pattern, pattern_length, text, length);
	s->given = left > UINT64_MAX / STEPS_PER_UNIT ? UINT64_MAX : left * STEPS_PER_UNIT;
	s->pattern.steps = s->given;
}

/* What was used is taken from the budget, once; raises the pattern's error. */
static void settle(lua_State *L, struct search *s)
{
	struct lua_pattern *p = &s->pattern;
	if (p->why)
		luaL_error(L, "%s", p->why);
	if (p->gave_up && p->steps > 0)
		luaL_error(L, "pattern too complex");
	lua_script_charge(L, p->gave_up ? UINT64_MAX : (s->given - p->steps) / STEPS_PER_UNIT + 1);
	s->given = p->steps;
}

static void push_capture(lua_State *L, const struct search *s, unsigned i)
{
	const struct lua_capture *c = &s->pattern.captures[i];
	if (c->length == LUA_CAPTURE_POSITION)
		lua_pushinteger(L, c->from - s->text + 1);
	else
		lua_pushlstring(L, (const char *)c->from, (size_t)c->length);
}

/* All, or the whole match if there are none. */
static int push_captures(lua_State *L, const struct search *s, const uint8_t *from,
			 const uint8_t *to)
{
	unsigned count = s->pattern.count;
	luaL_checkstack(L, LUA_CAPTURES_MAX, "too many captures");
	if (count == 0 && from)
		lua_pushlstring(L, (const char *)from, (size_t)(to - from));
	for (unsigned i = 0; i < count; i++)
		push_capture(L, s, i);
	return count == 0 && from ? 1 : (int)count;
}

/* A position as Lua counts them, from 1, from the end if it is negative, as an offset; beyond the end: the end. */
static size_t offset_of(lua_Integer position, size_t length)
{
	if (position < 0)
		position += (lua_Integer)length + 1;
	if (position < 1)
		position = 1;
	return (size_t)position - 1 < length ? (size_t)position - 1 : length;
}

static int find_plain(lua_State *L, const char *text, size_t length, size_t from,
		      const char *wanted, size_t wanted_length)
{
	lua_script_charge(L, (length - from) / 1024 + 1);
	const char *at = memmem(text + from, length - from, wanted, wanted_length);
	if (!at) {
		lua_pushnil(L);
		return 1;
	}
	lua_pushinteger(L, at - text + 1);
	lua_pushinteger(L, at - text + (ptrdiff_t)wanted_length);
	return 2;
}

static bool is_plain(const char *pattern, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (pattern[i] == 0 || strchr("^$*+?.([%-", pattern[i]))
			return false;
	return true;
}

static int find_or_match(lua_State *L, bool find)
{
	size_t length, pattern_length;
	const char *text = luaL_checklstring(L, 1, &length);
	const char *pattern = luaL_checklstring(L, 2, &pattern_length);
	size_t from = offset_of(luaL_optinteger(L, 3, 1), length);
	if (find && (lua_toboolean(L, 4) || is_plain(pattern, pattern_length)))
		return find_plain(L, text, length, from, pattern, pattern_length);
	struct search s;
	const uint8_t *at, *to;
	begin(L, &s, (const uint8_t *)text, length, (const uint8_t *)pattern, pattern_length);
	to = lua_pattern_find(&s.pattern, s.text + from, &at);
	settle(L, &s);
	if (!to) {
		lua_pushnil(L);
		return 1;
	}
	if (!find)
		return push_captures(L, &s, at, to);
	lua_pushinteger(L, at - s.text + 1);
	lua_pushinteger(L, to - s.text);
	return 2 + push_captures(L, &s, NULL, NULL);
}

static int string_find(lua_State *L)
{
	return find_or_match(L, true);
}

static int string_match(lua_State *L)
{
	return find_or_match(L, false);
}

/* Upvalues: text, pattern, where it goes on. A `^` is a character like any other here, as in Lua. */
static int next_match(lua_State *L)
{
	size_t length, pattern_length;
	const char *text = lua_tolstring(L, lua_upvalueindex(1), &length);
	const char *pattern = lua_tolstring(L, lua_upvalueindex(2), &pattern_length);
	size_t from = (size_t)lua_tointeger(L, lua_upvalueindex(3));
	const uint8_t *at, *to;
	struct search s;
	if (from > length)
		return 0;
	begin(L, &s, (const uint8_t *)text, length, (const uint8_t *)pattern, pattern_length);
	s.pattern.at -= s.pattern.is_anchored;
	s.pattern.is_anchored = false;
	to = lua_pattern_find(&s.pattern, s.text + from, &at);
	settle(L, &s);
	if (!to)
		return 0;
	lua_pushinteger(L, to - s.text + (to == at));
	lua_replace(L, lua_upvalueindex(3));
	return push_captures(L, &s, at, to);
}

static int string_gmatch(lua_State *L)
{
	luaL_checkstring(L, 1);
	luaL_checkstring(L, 2);
	lua_settop(L, 2);
	lua_pushinteger(L, 0);
	lua_pushcclosure(L, next_match, 3);
	return 1;
}

/* ---- gsub ---- */

/* `%1` and the like in what a match is replaced with. */
static void add_text(lua_State *L, luaL_Buffer *b, const struct search *s, const uint8_t *from,
		     const uint8_t *to)
{
	size_t length;
	const char *text = lua_tolstring(L, 3, &length);
	for (size_t i = 0; i < length; i++) {
		if (text[i] != '%' || ++i == length) {
			luaL_addchar(b, text[i < length ? i : length - 1]);
			continue;
		}
		unsigned digit = (unsigned)text[i] - '0';
		if (digit > 9) {
			luaL_addchar(b, text[i]);
		} else if (digit == 0 || (digit == 1 && s->pattern.count == 0)) {
			luaL_addlstring(b, (const char *)from, (size_t)(to - from));
		} else if (digit > s->pattern.count) {
			luaL_error(L, "invalid capture index");
		} else {
			push_capture(L, s, digit - 1);
			luaL_addvalue(b);
		}
	}
}

/* What a function or a table has for it; nil and false: it stays. */
static void add_value(lua_State *L, luaL_Buffer *b, const struct search *s, const uint8_t *from,
		      const uint8_t *to)
{
	if (lua_type(L, 3) == LUA_TFUNCTION) {
		lua_pushvalue(L, 3);
		lua_call(L, push_captures(L, s, from, to), 1);
	} else if (s->pattern.count == 0) {
		lua_pushlstring(L, (const char *)from, (size_t)(to - from));
		lua_gettable(L, 3);
	} else {
		push_capture(L, s, 0);
		lua_gettable(L, 3);
	}
	if (!lua_toboolean(L, -1)) {
		lua_pop(L, 1);
		lua_pushlstring(L, (const char *)from, (size_t)(to - from));
	} else if (!lua_isstring(L, -1)) {
		luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
	}
	luaL_addvalue(b);
}

static void add_replacement(lua_State *L, luaL_Buffer *b, const struct search *s,
			    const uint8_t *from, const uint8_t *to)
{
	if (lua_type(L, 3) == LUA_TFUNCTION || lua_type(L, 3) == LUA_TTABLE)
		add_value(L, b, s, from, to);
	else
		add_text(L, b, s, from, to);
}

static lua_Integer replace_all(lua_State *L, luaL_Buffer *b, struct search *s, lua_Integer most)
{
	const uint8_t *at = s->text, *end = at + s->length;
	lua_Integer count = 0;
	while (count < most) {
		const uint8_t *to = lua_pattern_match(&s->pattern, at);
		if (to || s->pattern.why || s->pattern.gave_up)
			settle(L, s);
		if (to) {
			count++;
			add_replacement(L, b, s, at, to);
		}
		if (to && to > at)
			at = to;
		else if (at < end)
			luaL_addchar(b, (char)*at++);
		else
			break;
		if (s->pattern.is_anchored)
			break;
	}
	settle(L, s);
	luaL_addlstring(b, (const char *)at, (size_t)(end - at));
	return count;
}

static int string_gsub(lua_State *L)
{
	size_t length, pattern_length;
	const char *text = luaL_checklstring(L, 1, &length);
	const char *pattern = luaL_checklstring(L, 2, &pattern_length);
	int type = lua_type(L, 3);
	luaL_argcheck(L,
		      type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION ||
			  type == LUA_TTABLE,
		      3, "string/function/table expected");
	lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)length + 1);
	struct search s;
	luaL_Buffer b;
	begin(L, &s, (const uint8_t *)text, length, (const uint8_t *)pattern, pattern_length);
	luaL_buffinit(L, &b);
	lua_Integer count = replace_all(L, &b, &s, most);
	luaL_pushresult(&b);
	lua_pushinteger(L, count);
	return 2;
}

void lua_strings_install(lua_State *L)
{
	static const luaL_Reg functions[] = {
	    {"find", string_find},    {"match", string_match}, {"gmatch", string_gmatch},
	    {"gfind", string_gmatch}, {"gsub", string_gsub},   {NULL, NULL},
	};
	for (const luaL_Reg *f = functions; f->name; f++) {
		lua_pushcfunction(L, f->func);
		lua_setfield(L, -2, f->name);
	}
}
