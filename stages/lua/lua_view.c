#include "stages/lua/lua_view.h"
#include "stages/lua/lua_script.h"
#include "stages/lua/lua_values.h"

#include <luajit-2.1/lauxlib.h>
#include <string.h>

/* What stands for `missing` in a part. */
static const char missing_mark;

/* A field's numbers among those that are read and written, from 1, 0: it is not among them; as one number in a table by name. */
struct numbers {
	unsigned read, write;
};

enum { WRITE_UNIT = 4096 };

/* The name is at that index, the table is the function's upvalue. */
static struct numbers numbers_of(lua_State *L, int name)
{
	if (lua_type(L, name) != LUA_TSTRING)
		luaL_error(L, "a field's name is text, not a %s", luaL_typename(L, name));
	lua_getfield(L, LUA_REGISTRYINDEX, "sluice.fields");
	lua_pushvalue(L, name);
	lua_rawget(L, -2);
	unsigned n = (unsigned)lua_tointeger(L, -1);
	lua_pop(L, 2);
	return (struct numbers){n % WRITE_UNIT, n / WRITE_UNIT};
}

static struct lua_view *view_of(lua_State *L)
{
	struct lua_script *s = lua_script_of(L);
	if (!s->has_record)
		luaL_error(L, "there is no record now");
	return s->view;
}

static int read_field(lua_State *L)
{
	struct lua_view *view = view_of(L);
	struct numbers n = numbers_of(L, 2);
	if (n.write > 0 && view->changes.is_set[n.write - 1])
		lua_values_push(L, &view->changes.values[n.write - 1], *view->room);
	else if (n.read > 0)
		lua_values_push(L, &view->columns[n.read - 1][view->row], *view->room);
	else
		return luaL_error(L, "`%s` is not among `fields`; declare it there to read it",
				  lua_tostring(L, 2));
	return 1;
}

/* The value at that index is to be the field's. */
static void change(lua_State *L, struct lua_view *view, struct lua_changes *to, int name, int index)
{
	struct numbers n = numbers_of(L, name);
	if (n.write == 0)
		luaL_error(L, "`%s` is not among `writes`; declare it there to set it",
			   lua_tostring(L, name));
	enum field_known known = view->writes[n.write - 1].known;
	struct value *v = &to->values[n.write - 1];
	if (known == FIELD_BODY && lua_type(L, index) != LUA_TSTRING)
		luaL_error(L, "`body` has to be text");
	if (lua_touserdata(L, index) == &missing_mark)
		*v = (struct value){.type = VALUE_MISSING};
	else if (known == FIELD_TIME)
		lua_values_take_time(L, index, v);
	else
		lua_values_take(L, index, view->room, &view->left, v);
	to->is_set[n.write - 1] = true;
	to->any = true;
}

static int write_field(lua_State *L)
{
	struct lua_view *view = view_of(L);
	change(L, view, &view->changes, 2, 3);
	return 0;
}

static int say_record(lua_State *L)
{
	lua_pushliteral(L, "record");
	return 1;
}

/* ---- parts ---- */

static void start_part(struct lua_view *view)
{
	size_t n = view->write_count;
	view->part.any = view->changes.any;
	memcpy(view->part.is_set, view->changes.is_set, n * sizeof *view->part.is_set);
	memcpy(view->part.values, view->changes.values, n * sizeof *view->part.values);
}

static void change_part(lua_State *L, struct lua_view *view)
{
	int table = lua_gettop(L);
	lua_pushnil(L);
	while (lua_next(L, table)) {
		change(L, view, &view->part, table + 1, table + 2);
		lua_settop(L, table + 1);
	}
}

unsigned lua_view_parts(lua_State *L, struct lua_view *view, int index)
{
	unsigned count = (unsigned)lua_objlen(L, index);
	lua_pushnil(L);
	if (count == 0 && lua_next(L, index))
		luaL_error(L,
			   "`process` returned a table that is no list; return a list of tables");
	if (count > LUA_PARTS_MAX)
		luaL_error(L, "a record may become %d at most, not %d", LUA_PARTS_MAX, (int)count);
	lua_settop(L, index);
	for (unsigned i = 1; i <= count; i++) {
		lua_rawgeti(L, index, (int)i);
		start_part(view);
		if (lua_type(L, -1) == LUA_TTABLE)
			change_part(L, view);
		else if (lua_type(L, -1) != LUA_TUSERDATA)
			luaL_error(L, "`process` returned a list with a %s in it; make it tables",
				   luaL_typename(L, -1));
		const char *why = view->add_part(view, &view->part);
		if (why)
			lua_script_no_room(L);
		lua_settop(L, index);
	}
	return count;
}

/* ---- install ---- */

static void name_fields(lua_State *L, const struct lua_field *fields, size_t count, unsigned unit)
{
	for (size_t i = 0; i < count; i++) {
		lua_pushlstring(L, fields[i].name, fields[i].length);
		lua_pushvalue(L, -1);
		lua_rawget(L, -3);
		lua_Integer known = lua_tointeger(L, -1);
		lua_pop(L, 1);
		lua_pushinteger(L, known + (lua_Integer)(unit * (i + 1)));
		lua_rawset(L, -3);
	}
}

void lua_view_install(lua_State *L)
{
	static const luaL_Reg methods[] = {
	    {"__index", read_field},
	    {"__newindex", write_field},
	    {"__tostring", say_record},
	    {NULL, NULL},
	};
	const struct lua_view *view = lua_script_of(L)->view;
	lua_values_install(L);
	lua_pushlightuserdata(L, (void *)(uintptr_t)&missing_mark);
	lua_setglobal(L, "missing");
	lua_newtable(L);
	name_fields(L, view->reads, view->read_count, 1);
	name_fields(L, view->writes, view->write_count, WRITE_UNIT);
	lua_setfield(L, LUA_REGISTRYINDEX, "sluice.fields");
	lua_newuserdata(L, 1);
	lua_newtable(L);
	for (const luaL_Reg *m = methods; m->name; m++) {
		lua_pushcfunction(L, m->func);
		lua_setfield(L, -2, m->name);
	}
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
}
