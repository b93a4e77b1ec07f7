/* lua_script.h - a script of a topology, in a state of its own that cannot reach anything: no files, clocks, chance, other code,
 * bytecode, or memory but its own; and that ends, whatever is in it.
 *
 *	lua_script_open()      runs it once, so that it defines `process`
 *	lua_script_process()   one record
 *	  true: *ret_verdict; false: *ret_fault says why, and the state is as good as new but for the script's own globals
 *
 * Time is bounded by a budget for each record: 1 an instruction, more where a string or table is larger than 64 KiB
 * (lua_heap.h), and 1 for 64 steps of a pattern. Hooks see to it; compiled code does not call them, so nothing is compiled.
 *
 * Threads: the stage's. Memory: a capped heap. Layer: stages, LuaJIT. */
#pragma once

#include "stages/lua/lua_heap.h"

#include <luajit-2.1/lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LUA_FAULT_ROOM = 256, LUA_HOOK_EVERY = 64 };

/* A script that builds tables when it is loaded may take this many times as long as for a record. */
enum { LUA_LOADING_TIMES = 100 };

struct lua_view;

struct lua_fault {
	char text[LUA_FAULT_ROOM]; /* without the line */
	unsigned line;             /* of the script, from 1; 0: none is known */
	const char *reason;        /* static: for counters */
};

struct lua_script {
	struct lua_heap heap; /* first, as a lua_State knows it */
	lua_State *state;
	struct lua_view *view;
	bool has_record; /* one is at hand */
	bool no_room;    /* something that was to be set did not fit */
	uint64_t budget, spent;
	uint64_t per_record;
	bool is_spent; /* from now on everything fails, until the next record */
	const char *text;
	size_t length;
	int record, entry; /* references */
};

enum lua_verdict { LUA_KEEP, LUA_DROP, LUA_PARTS };

/* 0; -EINVAL: *ret_fault says what is wrong with the script; -ENOMEM: there is no memory for any. lua_script_close() in any case.
 * text and view stay the caller's and have to stay; of the view its fields are there. */
int lua_script_open(struct lua_script *s, struct lua_view *view, const char *text, size_t length,
		    uint64_t instructions, size_t memory, struct lua_fault *ret_fault);
void lua_script_close(struct lua_script *s);

/* The record that its view shows. */
bool lua_script_process(struct lua_script *s, enum lua_verdict *ret_verdict,
			struct lua_fault *ret_fault);

/* ---- for what a script can call ---- */

struct lua_script *lua_script_of(lua_State *L);

/* Takes from the budget; an error of the script when there is none left. */
void lua_script_charge(lua_State *L, uint64_t units);
uint64_t lua_script_left(lua_State *L);

/* An error of the script: what it makes of a record is too long. */
void lua_script_no_room(lua_State *L);

/* find, match, gmatch and gsub, as they are in Lua, in the table of string functions on the stack's top. */
void lua_strings_install(lua_State *L);
