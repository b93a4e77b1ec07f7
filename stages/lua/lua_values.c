#include "stages/lua/lua_values.h"
#include "stages/encode/json_value.h"
#include "stages/json/json_number.h"
#include "stages/json/json_text.h"
#include "stages/lua/lua_script.h"
#include "stages/time/time_parse.h"
#include "stages/time/time_write.h"

#include <luajit-2.1/lauxlib.h>
#include <luajit-2.1/lualib.h>
#include <math.h>
#include <string.h>

/* LuaJIT's own, beside Lua's: an int64_t, for one. */
enum { TYPE_CDATA = 10, DEPTH_MAX = 1000 };

/* All whole numbers up to here are doubles. */
static const int64_t EXACT_MAX = INT64_C(1) << 53;

/* Where things are in the registry. */
static const char key_make[] = "sluice.make", key_halves[] = "sluice.halves",
		  key_names[] = "sluice.names", key_list[] = "sluice.list";

/* ---- the part of it that is written in Lua ---- */

/* Integers of 64 bits exist for LuaJIT's ffi alone, which a script does not get. */
static const char integers_text[] =
    "local ffi, bit, tonumber = ...\n"
    "local i64, u64 = ffi.typeof('int64_t'), ffi.typeof('uint64_t')\n"
    "local istype, band, rshift, arshift = ffi.istype, bit.band, bit.rshift, bit.arshift\n"
    "local function make(high, low, unsigned)\n"
    "  if unsigned then return u64(high) * 4294967296ULL + u64(low) end\n"
    "  return i64(high) * 4294967296LL + i64(low)\n"
    "end\n"
    "local function halves(v)\n"
    "  local unsigned = istype(u64, v)\n"
    "  if not unsigned and not istype(i64, v) then return end\n"
    "  local high = unsigned and rshift(v, 32) or arshift(v, 32)\n"
    "  return unsigned, tonumber(high), tonumber(band(v, 0xffffffffLL))\n"
    "end\n"
    "return make, halves\n";

/* The names in a table, sorted; nil: it is a list. */
static const char names_text[] =
    "local next, type, error, sort = next, type, error, table.sort\n"
    "return function(t)\n"
    "  local n, names = #t, {}\n"
    "  for k in next, t do\n"
    "    if type(k) == 'string' then names[#names + 1] = k\n"
    "    elseif type(k) ~= 'number' or k < 1 or k > n or k % 1 ~= 0 then\n"
    "      error('a table with a key that is neither text nor a place in a list', 0)\n"
    "    end\n"
    "  end\n"
    "  if n == 0 then sort(names) return names end\n"
    "  if #names > 0 then error('a table that is both list and map', 0) end\n"
    "end\n";

static void run(lua_State *L, const char *text, const char *name, int arguments, int results)
{
	if (luaL_loadbuffer(L, text, strlen(text), name) != 0)
		lua_error(L);
	lua_insert(L, -1 - arguments);
	lua_call(L, arguments, results);
}

static int mark_list(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	lua_getfield(L, LUA_REGISTRYINDEX, key_list);
	lua_setmetatable(L, 1);
	return 1;
}

void lua_values_install(lua_State *L)
{
	lua_pushcfunction(L, luaopen_ffi);
	lua_call(L, 0, 1);
	lua_getglobal(L, "bit");
	lua_getglobal(L, "tonumber");
	run(L, integers_text, "=integers", 3, 2);
	lua_setfield(L, LUA_REGISTRYINDEX, key_halves);
	lua_setfield(L, LUA_REGISTRYINDEX, key_make);
	run(L, names_text, "=names", 0, 1);
	lua_setfield(L, LUA_REGISTRYINDEX, key_names);
	lua_newtable(L);
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_setfield(L, LUA_REGISTRYINDEX, key_list);
	lua_pushcfunction(L, mark_list);
	lua_setglobal(L, "list");
	lua_pushlightuserdata(L, NULL);
	lua_setglobal(L, "null");
}

/* ---- to Lua ---- */

static void push_wide(lua_State *L, int64_t high, uint32_t low, bool is_unsigned)
{
	lua_getfield(L, LUA_REGISTRYINDEX, key_make);
	lua_pushnumber(L, (double)high);
	lua_pushnumber(L, low);
	lua_pushboolean(L, is_unsigned);
	lua_call(L, 3, 1);
}

static void push_number(lua_State *L, struct value v)
{
	if (v.form == VALUE_DIGITS && json_decode_number(&v) < 0)
		lua_pushnumber(L, v.bytes[0] == '-' ? -HUGE_VAL : HUGE_VAL);
	else if (v.type == VALUE_DOUBLE)
		lua_pushnumber(L, v.d);
	else if (v.type == VALUE_INT && v.i >= -EXACT_MAX && v.i <= EXACT_MAX)
		lua_pushnumber(L, (double)v.i);
	else if (v.type == VALUE_UINT && v.u <= (uint64_t)EXACT_MAX)
		lua_pushnumber(L, (double)v.u);
	else
		push_wide(L, v.type == VALUE_INT ? v.i >> 32 : (int64_t)(v.u >> 32), (uint32_t)v.u,
			  v.type == VALUE_UINT);
}

/* room is given back at once, as Lua has a copy. */
static void push_text(lua_State *L, struct value v, struct scratch room)
{
	if (v.form == VALUE_ESCAPED && json_decode_string(&v, &room) < 0)
		lua_script_no_room(L);
	lua_pushlstring(L, v.length > 0 ? (const char *)v.bytes : "", v.length);
}

static void push_time(lua_State *L, int64_t ns)
{
	char text[TIME_RFC3339_MAX];
	lua_pushlstring(L, text, time_write_rfc3339(ns, text));
}

/* JSON that has been checked. */
struct json_at {
	const uint8_t *at, *end;
	struct scratch room;
};

static void push_json(lua_State *L, struct json_at *j);

/* The next token's first byte. */
static uint8_t next_token(struct json_at *j)
{
	while (j->at < j->end && (*j->at <= ' ' || *j->at == ',' || *j->at == ':'))
		j->at++;
	return j->at < j->end ? *j->at : 0;
}

static void push_json_string(lua_State *L, struct json_at *j)
{
	const uint8_t *from = ++j->at;
	struct value v = {.type = VALUE_STRING, .bytes = from, .form = VALUE_PLAIN};
	while (j->at < j->end && *j->at != '"') {
		bool escape = *j->at == '\\';
		v.form = escape ? VALUE_ESCAPED : v.form;
		j->at += 1 + escape;
	}
	v.length = (uint32_t)(j->at++ - from);
	push_text(L, v, j->room);
}

static void push_json_number(lua_State *L, struct json_at *j)
{
	enum value_type type;
	const uint8_t *from = j->at, *to = json_number_end(from, j->end, &type);
	j->at = to ? to : j->end;
	if (to)
		push_number(L, (struct value){.bytes = from,
					      .length = (uint32_t)(to - from),
					      .type = (uint8_t)type,
					      .form = VALUE_DIGITS});
	else
		lua_pushnil(L);
}

static void push_json_list(lua_State *L, struct json_at *j)
{
	lua_newtable(L);
	lua_getfield(L, LUA_REGISTRYINDEX, key_list);
	lua_setmetatable(L, -2);
	j->at++;
	for (int i = 1; next_token(j) != ']' && j->at < j->end; i++) {
		push_json(L, j);
		lua_rawseti(L, -2, i);
	}
	j->at++;
}

static void push_json_map(lua_State *L, struct json_at *j)
{
	lua_newtable(L);
	j->at++;
	while (next_token(j) == '"') {
		push_json_string(L, j);
		next_token(j);
		push_json(L, j);
		lua_rawset(L, -3);
	}
	j->at++;
}

static void push_json(lua_State *L, struct json_at *j)
{
	luaL_checkstack(L, 6, "too deep");
	switch (next_token(j)) {
	case '"':
		push_json_string(L, j);
		return;
	case '[':
		push_json_list(L, j);
		return;
	case '{':
		push_json_map(L, j);
		return;
	case 't':
	case 'f':
		lua_pushboolean(L, *j->at == 't');
		j->at += *j->at == 't' ? 4 : 5;
		return;
	case 'n':
		lua_pushlightuserdata(L, NULL);
		j->at += 4;
		return;
	default:
		push_json_number(L, j);
	}
}

void lua_values_push(lua_State *L, const struct value *v, struct scratch room)
{
	switch (v->type) {
	case VALUE_NULL:
		lua_pushlightuserdata(L, NULL);
		return;
	case VALUE_BOOL:
		lua_pushboolean(L, v->b);
		return;
	case VALUE_INT:
	case VALUE_UINT:
	case VALUE_DOUBLE:
		push_number(L, *v);
		return;
	case VALUE_STRING:
	case VALUE_BYTES:
		push_text(L, *v, room);
		return;
	case VALUE_TIMESTAMP:
		push_time(L, v->i);
		return;
	case VALUE_DURATION:
		lua_pushnumber(L, (double)v->i / 1e9);
		return;
	case VALUE_LIST:
	case VALUE_MAP:
		lua_script_charge(L, v->length / 64);
		push_json(L, &(struct json_at){v->bytes, v->bytes + v->length, room});
		return;
	default:
		lua_pushnil(L);
	}
}

/* ---- from Lua ---- */

static struct value number_of(double n)
{
	if (n >= -(double)EXACT_MAX && n <= (double)EXACT_MAX && n == (double)(int64_t)n &&
	    !(n == 0 && signbit(n)))
		return (struct value){.i = (int64_t)n, .type = VALUE_INT};
	return (struct value){.d = n, .type = VALUE_DOUBLE};
}

/* Of an int64_t or uint64_t. */
static struct value wide_of(lua_State *L, int index)
{
	struct value v = {.type = VALUE_MISSING};
	lua_pushvalue(L, index);
	lua_getfield(L, LUA_REGISTRYINDEX, key_halves);
	lua_insert(L, -2);
	lua_call(L, 1, 3);
	if (lua_isnil(L, -3))
		luaL_error(L, "a value that is no field's");
	v.type = lua_toboolean(L, -3) ? VALUE_UINT : VALUE_INT;
	v.u = (uint64_t)(int64_t)lua_tonumber(L, -2) << 32 | (uint32_t)lua_tonumber(L, -1);
	lua_pop(L, 3);
	return v;
}

static void put_json(lua_State *L, int index, struct writer *w, int depth);

static void put_name(lua_State *L, int index, struct writer *w)
{
	size_t length;
	const char *name = lua_tolstring(L, index, &length);
	json_put_string(w, (const uint8_t *)name, length);
}

static void put_list(lua_State *L, int index, struct writer *w, int depth)
{
	int count = (int)lua_objlen(L, index);
	writer_put_byte(w, '[');
	for (int i = 1; i <= count && !w->is_full; i++) {
		if (i > 1)
			writer_put_byte(w, ',');
		lua_rawgeti(L, index, i);
		put_json(L, lua_gettop(L), w, depth);
		lua_pop(L, 1);
	}
	writer_put_byte(w, ']');
}

/* Its names are on the top of the stack. */
static void put_map(lua_State *L, int index, struct writer *w, int depth)
{
	int names = lua_gettop(L), count = (int)lua_objlen(L, names);
	writer_put_byte(w, '{');
	for (int i = 1; i <= count && !w->is_full; i++) {
		if (i > 1)
			writer_put_byte(w, ',');
		lua_rawgeti(L, names, i);
		put_name(L, names + 1, w);
		writer_put_byte(w, ':');
		lua_rawget(L, index);
		put_json(L, lua_gettop(L), w, depth);
		lua_pop(L, 1);
	}
	writer_put_byte(w, '}');
}

static bool is_marked(lua_State *L, int index)
{
	bool marked = false;
	if (lua_getmetatable(L, index)) {
		lua_getfield(L, LUA_REGISTRYINDEX, key_list);
		marked = lua_rawequal(L, -1, -2);
		lua_pop(L, 2);
	}
	return marked;
}

/* True: it is a list. */
static bool put_table(lua_State *L, int index, struct writer *w, int depth)
{
	if (depth == DEPTH_MAX)
		luaL_error(L, "tables more than %d deep", DEPTH_MAX);
	luaL_checkstack(L, 8, "too deep");
	if (is_marked(L, index)) {
		put_list(L, index, w, depth + 1);
		return true;
	}
	lua_getfield(L, LUA_REGISTRYINDEX, key_names);
	lua_pushvalue(L, index);
	lua_call(L, 1, 1);
	bool is_list = lua_isnil(L, -1);
	if (is_list)
		put_list(L, index, w, depth + 1);
	else
		put_map(L, index, w, depth + 1);
	lua_pop(L, 1);
	return is_list;
}

static void put_json(lua_State *L, int index, struct writer *w, int depth)
{
	struct value v = {.type = VALUE_NULL};
	size_t length;
	switch (lua_type(L, index)) {
	case LUA_TTABLE:
		put_table(L, index, w, depth);
		return;
	case LUA_TSTRING:
		v.bytes = (const uint8_t *)lua_tolstring(L, index, &length);
		v.length = (uint32_t)length;
		v.type = VALUE_STRING;
		break;
	case LUA_TNUMBER:
		v = number_of(lua_tonumber(L, index));
		break;
	case LUA_TBOOLEAN:
		v = (struct value){.b = lua_toboolean(L, index), .type = VALUE_BOOL};
		break;
	case TYPE_CDATA:
		v = wide_of(L, index);
		break;
	case LUA_TNIL:
	case LUA_TLIGHTUSERDATA:
		break;
	default:
		luaL_error(L, "a %s is no value of a field", luaL_typename(L, index));
	}
	json_put_value(w, &v);
}

static void take_table(lua_State *L, int index, struct scratch *room, size_t *left, struct value *v)
{
	size_t free = (size_t)(room->end - room->at);
	struct writer w = {.at = room->at, .end = room->at + (free < *left ? free : *left)};
	bool is_list = put_table(L, index, &w, 0);
	if (w.is_full)
		lua_script_no_room(L);
	size_t length = (size_t)(w.at - room->at);
	lua_script_charge(L, length / 64);
	*v = (struct value){.bytes = scratch_take(room, length),
			    .length = (uint32_t)length,
			    .type = is_list ? VALUE_LIST : VALUE_MAP};
	*left -= length;
}

static void take_text(lua_State *L, int index, struct scratch *room, size_t *left, struct value *v)
{
	size_t length;
	const char *text = lua_tolstring(L, index, &length);
	uint8_t *to = length <= *left ? scratch_take(room, length) : NULL;
	if (!to) {
		lua_script_no_room(L);
		return;
	}
	if (length > 0)
		memcpy(to, text, length);
	*left -= length;
	*v = (struct value){.bytes = to, .length = (uint32_t)length, .type = VALUE_STRING};
}

void lua_values_take(lua_State *L, int index, struct scratch *room, size_t *left,
		     struct value *ret_value)
{
	switch (lua_type(L, index)) {
	case LUA_TNIL:
		*ret_value = (struct value){.type = VALUE_MISSING};
		return;
	case LUA_TLIGHTUSERDATA:
		*ret_value = (struct value){.type = VALUE_NULL};
		return;
	case LUA_TBOOLEAN:
		*ret_value = (struct value){.b = lua_toboolean(L, index), .type = VALUE_BOOL};
		return;
	case LUA_TNUMBER:
		*ret_value = number_of(lua_tonumber(L, index));
		return;
	case LUA_TSTRING:
		take_text(L, index, room, left, ret_value);
		return;
	case LUA_TTABLE:
		take_table(L, index, room, left, ret_value);
		return;
	case TYPE_CDATA:
		*ret_value = wide_of(L, index);
		return;
	default:
		luaL_error(L, "a %s is no value of a field", luaL_typename(L, index));
	}
}

void lua_values_take_time(lua_State *L, int index, struct value *ret_value)
{
	int64_t ns = 0;
	bool good = false;
	if (lua_type(L, index) == LUA_TSTRING) {
		size_t length;
		const char *text = lua_tolstring(L, index, &length);
		good = time_parse_strict((const uint8_t *)text, length, &ns) == 0;
	} else if (lua_type(L, index) == LUA_TNUMBER) {
		double seconds = lua_tonumber(L, index);
		good = seconds > -9.2e9 && seconds < 9.2e9;
		if (good)
			ns = (int64_t)seconds * SECOND_NS +
			     (int64_t)((seconds - (double)(int64_t)seconds) * 1e9);
	}
	if (!good)
		luaL_error(
		    L, "`time` has to be text like 2024-05-01T12:00:00Z, or seconds since 1970");
	*ret_value = (struct value){.i = ns, .type = VALUE_TIMESTAMP};
}
