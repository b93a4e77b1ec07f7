#include "stages/lua/lua_script.h"
#include "stages/lua/lua_view.h"

#include <assert.h>
#include <errno.h>
#include <luajit-2.1/lauxlib.h>
#include <luajit-2.1/luajit.h>
#include <luajit-2.1/lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char chunk_name[] = "=script";
static const char limit_text[] = "`instructions` are used up";

struct lua_script *lua_script_of(lua_State *L)
{
	void *heap;
	lua_getallocf(L, &heap);
	return heap;
}

/* ---- the budget ---- */

static void on_count(lua_State *L, lua_Debug *where);

/* Whoever catches the error gets it again at the next instruction. */
static void give_out(lua_State *L, struct lua_script *s)
{
	s->is_spent = true;
	lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
	luaL_error(L, "%s", limit_text);
}

void lua_script_charge(lua_State *L, uint64_t units)
{
	struct lua_script *s = lua_script_of(L);
	s->spent = units > UINT64_MAX - s->spent ? UINT64_MAX : s->spent + units;
	if (s->is_spent || s->spent >= s->budget)
		give_out(L, s);
}

void lua_script_no_room(lua_State *L)
{
	lua_script_of(L)->no_room = true;
	luaL_error(L, "out of room: the record is too long with this");
}

uint64_t lua_script_left(lua_State *L)
{
	const struct lua_script *s = lua_script_of(L);
	return s->is_spent || s->spent >= s->budget ? 0 : s->budget - s->spent;
}

static void on_count(lua_State *L, lua_Debug *where)
{
	(void)where;
	lua_script_charge(L, LUA_HOOK_EVERY * lua_heap_weight(&lua_script_of(L)->heap));
}

static void give_budget(struct lua_script *s, uint64_t units)
{
	s->budget = units;
	s->spent = 0;
	s->is_spent = false;
	lua_sethook(s->state, on_count, LUA_MASKCOUNT, LUA_HOOK_EVERY);
}

/* ---- what a script has ---- */

/* Of the libraries that are opened, all else goes. What is missing reaches the world or other code (dofile, load, print,
 * collectgarbage), runs where no hook is called (xpcall, newproxy), or could undo the rest (getfenv). */
static const char *const globals_kept[] = {
    "_G",    "_VERSION", "assert",   "error",  "getmetatable", "ipairs", "math",         "next",
    "pairs", "pcall",    "rawequal", "rawget", "rawset",       "select", "setmetatable", "string",
    "table", "tonumber", "tostring", "type",   "unpack",       "bit",    NULL,
};

static bool is_kept(const char *name)
{
	for (size_t i = 0; globals_kept[i]; i++)
		if (strcmp(globals_kept[i], name) == 0)
			return true;
	return false;
}

static void drop_globals(lua_State *L)
{
	lua_pushnil(L);
	while (lua_next(L, LUA_GLOBALSINDEX)) {
		lua_pop(L, 1);
		if (is_kept(lua_tostring(L, -1)))
			continue;
		lua_pushvalue(L, -1);
		lua_pushnil(L);
		lua_rawset(L, LUA_GLOBALSINDEX);
	}
}

static void drop_from(lua_State *L, const char *table, const char *name)
{
	lua_getglobal(L, table);
	lua_pushnil(L);
	lua_setfield(L, -2, name);
	lua_pop(L, 1);
}

static void open_library(lua_State *L, lua_CFunction open, const char *name)
{
	lua_pushcfunction(L, open);
	lua_pushstring(L, name);
	lua_call(L, 1, 0);
}

/* Lua's own sort may take time quadratic in the table, in which no hook is called. This one merges, is stable, and is counted
 * like all of a script. */
static const char sort_text[] =
    "local select, type, error, floor = select, type, error, math.floor\n"
    "local function before(a, b) return a < b end\n"
    "return function(t, less)\n"
    "  if type(t) ~= 'table' then error('table expected', 2) end\n"
    "  less = less or before\n"
    "  local n, from, to, width = #t, t, {}, 1\n"
    "  while width < n do\n"
    "    for low = 1, n, 2 * width do\n"
    "      local mid, high = low + width, low + 2 * width\n"
    "      if mid > n + 1 then mid = n + 1 end\n"
    "      if high > n + 1 then high = n + 1 end\n"
    "      local i, j = low, mid\n"
    "      for k = low, high - 1 do\n"
    "        if i < mid and (j >= high or not less(from[j], from[i])) then\n"
    "          to[k] = from[i] i = i + 1\n"
    "        else\n"
    "          to[k] = from[j] j = j + 1\n"
    "        end\n"
    "      end\n"
    "    end\n"
    "    if from == t then from, to = to, {} else from, to = to, from end\n"
    "    width = 2 * width\n"
    "  end\n"
    "  if from ~= t then for k = 1, n do t[k] = from[k] end end\n"
    "end\n";

static void install_sort(lua_State *L)
{
	lua_getglobal(L, "table");
	if (luaL_loadbuffer(L, sort_text, sizeof sort_text - 1, "=sort") != 0)
		lua_error(L);
	lua_call(L, 0, 1);
	lua_setfield(L, -2, "sort");
	lua_pop(L, 1);
}

static void install_strings(lua_State *L)
{
	lua_getglobal(L, "string");
	lua_strings_install(L);
	/* so that a script cannot get at more than these by way of a text */
	lua_pushliteral(L, "");
	if (lua_getmetatable(L, -1)) {
		lua_pushboolean(L, 0);
		lua_setfield(L, -2, "__metatable");
		lua_pop(L, 1);
	}
	lua_pop(L, 2);
}

static void install(lua_State *L)
{
	open_library(L, luaopen_base, "");
	open_library(L, luaopen_math, "math");
	open_library(L, luaopen_string, "string");
	open_library(L, luaopen_table, "table");
	open_library(L, luaopen_bit, "bit");
	drop_globals(L);
	drop_from(L, "math", "random");
	drop_from(L, "math", "randomseed");
	drop_from(L, "string", "dump");
	install_strings(L);
	install_sort(L);
}

/* ---- faults ---- */

/* LuaJIT says `script:7: what is wrong`. What is behind the line; all of it, and 0, if it says none. */
static const char *split_message(const char *message, unsigned *ret_line)
{
	static const char prefix[] = "script:";
	*ret_line = 0;
	if (strncmp(message, prefix, sizeof prefix - 1) != 0)
		return message;
	char *end;
	unsigned long line = strtoul(message + sizeof prefix - 1, &end, 10);
	if (line > UINT32_MAX || strncmp(end, ": ", 2) != 0)
		return message;
	*ret_line = (unsigned)line;
	return end + 2;
}

static void note_fault(lua_State *L, int result, struct lua_fault *f)
{
	const struct lua_script *s = lua_script_of(L);
	const char *message =
	    lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "an error that is no text";
	*f = (struct lua_fault){.reason = result == LUA_ERRMEM ? "script out of memory"
					  : s->is_spent        ? "script used up its instructions"
					  : s->no_room         ? "out of room"
							       : "script failed"};
	message = split_message(message, &f->line);
	snprintf(f->text, sizeof f->text, "%s", s->is_spent ? limit_text : message);
}

/* ---- open, close ---- */

/* Its own sandbox, then the script, which defines `process`; lua_cpcall()'s. */
static int prepare(lua_State *L)
{
	struct lua_script *s = lua_script_of(L);
	install(L);
	lua_view_install(L);
	s->record = luaL_ref(L, LUA_REGISTRYINDEX);
	/* LuaJIT's bytecode begins with an escape, and is believed */
	if (s->length > 0 && s->text[0] == '\x1b')
		return luaL_error(L, "script:1: bytecode is no script");
	if (luaL_loadbuffer(L, s->text, s->length, chunk_name) != 0)
		return lua_error(L);
	lua_call(L, 0, 0);
	lua_getglobal(L, "process");
	if (lua_type(L, -1) != LUA_TFUNCTION)
		return luaL_error(L, "there is no `process`; define `function process(record)`");
	return 0;
}

static enum lua_verdict verdict_of(lua_State *L, struct lua_script *s)
{
	switch (lua_type(L, -1)) {
	case LUA_TNIL:
		return LUA_KEEP;
	case LUA_TBOOLEAN:
		return lua_toboolean(L, -1) ? LUA_KEEP : LUA_DROP;
	case LUA_TUSERDATA:
		return LUA_KEEP;
	case LUA_TTABLE:
		return lua_view_parts(L, s->view, lua_gettop(L)) > 0 ? LUA_PARTS : LUA_DROP;
	default:
		luaL_error(L, "`process` returned a %s; return nothing, false, or a list of tables",
			   luaL_typename(L, -1));
		return LUA_DROP;
	}
}

static int process(lua_State *L)
{
	struct lua_script *s = lua_script_of(L);
	lua_getglobal(L, "process");
	lua_rawgeti(L, LUA_REGISTRYINDEX, s->record);
	lua_call(L, 1, 1);
	lua_pushinteger(L, verdict_of(L, s));
	return 1;
}

static int protect_entry(lua_State *L)
{
	struct lua_script *s = lua_script_of(L);
	lua_pushcfunction(L, process);
	s->entry = luaL_ref(L, LUA_REGISTRYINDEX);
	return 0;
}

int lua_script_open(struct lua_script *s, struct lua_view *view, const char *text, size_t length,
		    uint64_t instructions, size_t memory, struct lua_fault *ret_fault)
{
	*s = (struct lua_script){
	    .view = view, .text = text, .length = length, .per_record = instructions};
	lua_heap_init(&s->heap, memory);
	lua_State *L = s->state = lua_newstate(lua_heap_allocate, &s->heap);
	if (!L)
		return -ENOMEM;
	luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
	/* garbage counts as memory, so it is not left about for long */
	lua_gc(L, LUA_GCSETPAUSE, 120);
	lua_gc(L, LUA_GCSETSTEPMUL, 400);
	give_budget(s, instructions > UINT64_MAX / LUA_LOADING_TIMES
			   ? UINT64_MAX
			   : instructions * LUA_LOADING_TIMES);
	int r = lua_cpcall(L, protect_entry, NULL);
	r = r ? r : lua_cpcall(L, prepare, NULL);
	if (r == 0)
		return 0;
	note_fault(L, r, ret_fault);
	return -EINVAL;
}

void lua_script_close(struct lua_script *s)
{
	if (s->state)
		lua_close(s->state);
	s->state = NULL;
}

/* ---- a record ---- */

/* Garbage of many records may come to as much as there is. */
static void collect(struct lua_script *s)
{
	if (s->heap.used > s->heap.most / 2)
		lua_gc(s->state, LUA_GCCOLLECT, 0);
}

bool lua_script_process(struct lua_script *s, enum lua_verdict *ret_verdict,
			struct lua_fault *ret_fault)
{
	lua_State *L = s->state;
	assert(lua_gettop(L) == 0);
	s->has_record = true;
	s->no_room = false;
	give_budget(s, s->per_record);
	lua_rawgeti(L, LUA_REGISTRYINDEX, s->entry);
	int r = lua_pcall(L, 0, 1, 0);
	s->has_record = false;
	if (r == 0)
		*ret_verdict = (enum lua_verdict)lua_tointeger(L, -1);
	else
		note_fault(L, r, ret_fault);
	lua_settop(L, 0);
	if (r == LUA_ERRMEM)
		lua_gc(L, LUA_GCCOLLECT, 0);
	else
		collect(s);
	return r == 0;
}
